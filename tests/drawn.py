"""What a figure draws, read off its elements by their keys: in Node, without a browser.

>>> from batchnorm import BatchFigure
>>> picture = draw(BatchFigure([1.0, 3.0], [1.0, -1.0]))
>>> picture["x name 1"].text
'x₂ = 3.00'
>>> picture.axis("x")(picture["mean"].points[0][0]).round(9)
np.float64(2.0)
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unicodedata import combining
from xml.sax.saxutils import escape, quoteattr

import matplotlib
import numpy as np
from fontTools.ttLib import TTFont
from node import run

DOM = str(Path(__file__).with_name("dom.js"))
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
WIDE = 600  # the panels of all figures stand side by side, and nothing is enlarged


@dataclass
class Element:
    """One that was drawn; `parts` are elements and texts."""

    tag: str
    attributes: dict
    parts: list

    @property
    def children(self):
        return [part for part in self.parts if isinstance(part, Element)]

    @property
    def text(self):
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    @property
    def key(self):
        return self.attributes.get("data-key")

    @property
    def classes(self):
        return set(self.attributes.get("class", "").split())

    def __getitem__(self, name):
        """An attribute: a number if it is one."""
        value = self.attributes[name]
        return float(value) if NUMBER.fullmatch(value) else value

    @property
    def points(self):
        """Where the corners of a path of M, L, H and V lie, or the middle of anything else."""
        if self.tag != "path":
            x, y = ("cx", "cy") if "cx" in self.attributes else ("x", "y")
            return [(self[x], self[y])]
        points = []
        for pen, rest in re.findall("([MLHV])([^A-Za-z]*)", self["d"]):
            numbers = [float(n) for n in NUMBER.findall(rest)]
            x, y = points[-1] if points else (0, 0)
            pairs = {"H": lambda n, y=y: [(n[0], y)], "V": lambda n, x=x: [(x, n[0])]}
            points += pairs.get(pen, lambda n: list(zip(n[::2], n[1::2], strict=True)))(numbers)
        return points

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


class Picture:
    """A figure as it was drawn: its elements by key, and what stands below them."""

    def __init__(self, figure):
        self.figure = figure
        self.root = next(node for node in figure.walk() if node.tag == "svg")
        self.all = {node.key: node for node in self.root.walk() if node.key}

    def __getitem__(self, key):
        return self.all[key]

    def __contains__(self, key):
        return key in self.all

    def keys(self, pattern):
        """The keys that match a pattern from end to end, in the order in which they were put."""
        return [key for key in self.all if re.fullmatch(pattern, key)]

    def axis(self, key, log=False):
        """What an axis says: the value at a place, read off its ticks and their numbers."""
        ticks = [self[tick].points[0] for tick in self.keys(f"{key} tick \\d+")]
        values = [_value(self[number].text) for number in self.keys(f"{key} number \\d+")]
        upright = len({y for _, y in ticks}) > 1
        places = [place[upright] for place in ticks]
        if not log:
            slope, start = np.polyfit(places, values, 1)
            return lambda place: slope * np.asarray(place, float) + start
        known = [(place, np.log10(v)) for place, v in zip(places, values, strict=True) if v > 0]
        slope, start = np.polyfit(*zip(*known, strict=True), 1)
        return lambda place: 10 ** (slope * np.asarray(place, float) + start)

    def vector(self, key):
        """Where an arrow leads: from where its shaft (or else its head) starts to its tip."""
        tip, *wings = np.array(self[f"{key} head"].points)
        start = f"{key} shaft"
        start = np.array(self[start].points[0]) if start in self else np.mean(wings, axis=0)
        return tip - start

    def texts(self):
        """The box of every text that is seen, and the box of the drawing that it must stay in."""
        whole = (0.0, 0.0, *[float(n) for n in self.root["viewBox"].split()[2:]])
        return list(_texts(self.root, (0.0, 0.0), whole))

    def svg(self):
        """The text of a golden picture: an element a line, coordinates to a tenth."""
        lines = list(_lines(self.root, 0))
        lines[0] = lines[0].replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
        below = [f"  {escape(line)}" for line in _words(self.figure)]
        return "\n".join([*lines[:-1], "<desc>", *below, "</desc>", lines[-1], ""])


@dataclass(frozen=True)
class Text:
    """A text as a reader sees it: left, top, right, bottom; and the drawing's own."""

    key: str
    text: str
    box: tuple
    room: tuple

    @property
    def cut(self):
        """By how much it leaves its drawing."""
        (left, top, right, bottom), (low, high, far, deep) = self.box, self.room
        return max(low - left, high - top, right - far, bottom - deep)

    def on(self, other):
        """By how much it lies on another one: below 0, how far they are apart."""
        a, b = self.box, other.box
        return min(a[2] - b[0], b[2] - a[0], a[3] - b[1], b[3] - a[1])


@cache
def _advances(bold):
    """How wide each letter is, of a size of 1: those of DejaVu, narrowed to those of Arial."""
    name = f"DejaVuSans{'-Bold' if bold else ''}.ttf"
    font = TTFont(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name)
    widths, letters = font["hmtx"], font.getBestCmap()
    per = 0.9 / font["head"].unitsPerEm
    return {chr(code): per * widths[glyph][0] for code, glyph in letters.items()}


BOLD = {"title", "label", "sign", "name", "tag"}
SMALL = {"small", "entry", "tag"}


def long(text, classes):
    """How long a text is, about, and how large its letters are."""
    size = 20 if "sign" in classes else 12 if classes & SMALL else 13
    widths = _advances(bool(classes & BOLD))
    return size * sum(0 if combining(letter) else widths[letter] for letter in text), size


def _texts(node, origin, room):
    """The texts below a node that lies at `origin`; a drawing in a drawing clips its own."""
    moved = re.match(r"translate\(([-\d.e]+) ([-\d.e]+)\)", node.attributes.get("transform", ""))
    if moved:
        origin = tuple(a + float(b) for a, b in zip(origin, moved.groups(), strict=True))
    if node.tag == "svg" and "width" in node.attributes and "x" in node.attributes:
        left, top = node["x"], node["y"]
        room = (left, top, left + node["width"], top + node["height"])
    if node.tag == "text" and node.text.strip():
        wide, size = long(node.text, node.classes)
        x, y = origin[0] + float(node["x"]), origin[1] + float(node["y"])
        x -= wide * (0.5 if "middle" in node.classes else 1.0 if "end" in node.classes else 0.0)
        yield Text(node.key, node.text, (x, y - 0.75 * size, x + wide, y + 0.2 * size), room)
    for child in node.children:
        yield from _texts(child, origin, room)


def draw(figure, *actions, width=WIDE):
    """The `Picture` of a figure, after what a reader does: (who, event, properties).

    `who` is the text of a button or how the label of something in the picture begins.
    """
    state = {name: value for name, value in figure.get_state().items() if name not in HEAVY}
    for name, value in state.items():
        if isinstance(value, bytes | memoryview):
            state[name] = {"bytes": list(bytes(value))}
    modules = [f"figures/{type(figure).__module__.rpartition('.')[2]}/figure.js", DOM]
    done = [[*action, {}][:3] for action in actions]
    ((tree),) = run(modules, "(m, ...how) => m.drawn(m, ...how)", [state, width, done])
    if isinstance(tree, Exception):
        raise tree
    return Picture(_element(tree))


HEAVY = ("_esm", "_css", "_take", "layout", "tooltip")


RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def _value(text):
    """The number that stands at a tick: 0.5, −2, 10⁻³, 45°."""
    power = re.fullmatch("10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", text)
    if power:
        return 10.0 ** int(power[1].translate(RAISED))
    return float(text.replace("−", "-").rstrip("°"))


def _element(node):
    tag, attributes, parts = node
    return Element(tag, attributes, [p if isinstance(p, str) else _element(p) for p in parts])


def _rounded(name, value, large):
    if not isinstance(value, str) or name.startswith("aria") or name == "data-key":
        return value
    places = 3 if large or "opacity" in name or name == "stroke-width" else 1
    places = 5 if "scale(" in str(value) else places
    return NUMBER.sub(lambda n: f"{round(float(n[0]), places) + 0:g}", value)


def _lines(node, depth, large=False):
    """The lines of an element; `large` if it is drawn many times larger than its numbers say."""
    given = {name: value for name, value in node.attributes.items() if value is not False}
    written = "".join(f" {n}={quoteattr(str(_rounded(n, v, large)))}" for n, v in given.items())
    opening = "  " * depth + f"<{node.tag}{written}"
    if not node.children:
        yield f"{opening}>{escape(node.text)}</{node.tag}>" if node.text else f"{opening}/>"
        return
    yield f"{opening}>"
    large = large or node.attributes.get("transform", "").startswith("matrix")
    for child in node.children:
        yield from _lines(child, depth + 1, large)
    yield "  " * depth + f"</{node.tag}>"


def _words(figure):
    """What stands below a picture, a line each: buttons, the legend, the message, the table."""
    for node in figure.walk():
        named = node.tag in ("button", "p", "tr") or (node.tag == "span" and node.classes)
        if named and not {"bn-enlarge", "bn-menu"} & node.classes:
            cells = node.children if node.tag == "tr" else [node]
            look = [child["class"] for child in node.walk() if child.tag == "path"]
            flags = [n for n in ("hidden", "disabled") if node.attributes.get(n)]
            names = [*node.attributes.get("class", "").split(), *flags, *look]
            yield f"{node.tag}{''.join(f' [{name}]' for name in names)}: " + " | ".join(
                cell.text for cell in cells
            )
