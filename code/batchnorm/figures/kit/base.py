"""What every figure shares: its script, its colours, its traits."""

import inspect
import re
from pathlib import Path
from typing import ClassVar

import anywidget
import numpy as np
import traitlets

from ...plots import PALETTE
from ...validate import array
from .link import written
from .words import words

FIGURES = Path(__file__).parent.parent
TAKE = FIGURES / "take" / "built.js"
LARGEST = 1e150  # beyond it squares overflow, and numbers come out that are not true


def _palette_css():
    """The palette as CSS variables; dark on the book's, JupyterLab's and VS Code's dark themes."""

    def variables(dark):
        return "".join(f"--bn-{name}:{pair[dark]};" for name, pair in PALETTE.items())

    dark = ('html[data-theme="dark"]', '[data-jp-theme-light="false"]', ".vscode-dark")
    where = ",".join(f"{ground} .bn-figure" for ground in dark)
    return f".bn-figure{{{variables(0)}}}\n{where}{{{variables(1)}}}\n"


class Vector(traitlets.TraitType):
    """A list of finite numbers; takes any 1-D array. Raises ValueError for anything else, and for
    numbers beyond 1e150 in what a figure reads.
    """

    info_text = "a list of finite numbers"

    def validate(self, obj, value):
        a = array(self.name, value)
        if a.ndim != 1 or a.dtype.kind not in "fiu" or not np.isfinite(a).all():
            raise ValueError(f"{self.name}: got {value!r}, want a list of finite numbers")
        if self.name in obj.inputs:
            not_too_large(self.name, a)
        return [float(v) for v in a]


def not_too_large(name, a):
    """Raise ValueError for an array with finite numbers whose squares overflow."""
    most = np.abs(a.astype(float)).max(initial=0)
    if LARGEST < most < np.inf:
        raise ValueError(f"{name}: got {most:g} in size, want at most {LARGEST:g}")


def in_range(proposal, lo, hi):
    """A trait's proposed value, if it lies in the range. Raises ValueError if not."""
    if not lo <= proposal.value <= hi:
        raise ValueError(f"{proposal.trait.name}: got {proposal.value}, want {lo:g} to {hi:g}")
    return proposal.value


def finite(proposal, most=LARGEST):
    """A trait's proposed value, if it is at most so large; eps >= 0. Raises ValueError if not."""
    name, least = proposal.trait.name, 0 if proposal.trait.name == "eps" else -most
    if not least <= proposal.value <= most:
        wanted = "a number >= 0" if name == "eps" else "a finite number"
        raise ValueError(f"{name}: got {proposal.value}, want {wanted}, at most {most:g} in size")
    return proposal.value


def _short(value):
    """A value as one would print it: its floats to six digits."""
    if isinstance(value, list):
        return [_short(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _first_sentence(kind):
    """What a class says of itself first, in one line."""
    first, _, _ = (inspect.getdoc(kind) or kind.__name__).partition("\n\n")
    return " ".join(re.split(r"\.\s", f"{first} ")[0].replace("``", "").split())


class Figure(anywidget.AnyWidget):
    """An interactive figure, alive on the static page, in JupyterLab and in VS Code.

    A subclass in ``<name>/__init__.py`` has its script beside it in ``figure.js``; ``built.js`` is
    that with all it imports, in one file: ``make scripts`` writes it. The subclass names the traits
    it reads in ``inputs`` and the traits it hands back in ``outputs``, and says in `compute` how
    the latter follow from the former. In the browser the script computes them; in Python `compute`
    does, whenever Python (and not the browser) sets an input. So the next cell can read
    ``figure.dx`` whether or not the figure has been shown.

    A trait that a reader sets has a tag ``link=(kind, …)``: a link can hold it, and nothing that is
    not of its kind or out of its range. The kinds are ``"bool"``, ``"int"``, ``"real"``, with the
    least and the largest value after them (without these, LARGEST in size); ``"ints"`` and
    ``"reals"``, the same for lists, which keep their shape; ``"list", n, most``, groups of n
    numbers, the first of which is an index below ``most``; ``"edges"`` of the figure's graph; and
    ``"past", n``, groups of n numbers to five digits, for what is only drawn; ``"rows", n``, lists
    of n numbers, likewise, in some 1,100 characters at most.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    labels: ClassVar[dict[str, str]] = {}  # what a control is called, if not by its trait's name

    _inputs = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _link = traitlets.Dict(help="what a link can hold: {trait: [kind, …]}").tag(sync=True)
    unfolded = traitlets.Bool(False, help="whether the table of numbers is open").tag(sync=True)
    # What its menu loads when it is opened (kit/menu.js); the book's pages have it once for all
    _take = traitlets.Unicode(TAKE.read_text("utf8") if TAKE.exists() else "").tag(sync=True)
    _words = traitlets.Dict(help="the words of its language; none: the page's").tag(sync=True)
    # How much room the static page keeps before the script has run: at least so many pixels
    _min_height = traitlets.Int(300).tag(sync=True)

    def __init_subclass__(cls, **kwargs):
        if Figure in cls.__bases__:  # whoever inherits from one of these has its script, too
            built = FIGURES / cls.__module__.rpartition(".")[2] / "built.js"
            if not built.exists():
                raise FileNotFoundError(f"{built}: no such file; run: make scripts")
            cls._esm = built.read_text("utf8")
            cls._css = _palette_css() + (Path(__file__).with_name("figure.css")).read_text("utf8")
        super().__init_subclass__(**kwargs)

    @traitlets.default("_words")
    def _default_words(self):
        return words()

    def __init__(self, **kwargs):
        self._from_page = False
        self._box = None  # the box of its controls, as a weak reference: see controls.py
        super().__init__(_inputs=list(self.inputs), **kwargs)
        self._link = self._kinds()
        self._made()
        self._update()
        self.observe(self._update, list(self.inputs))

    def compute(self):
        """The outputs that follow from the inputs: {name: value}."""
        return {}

    def _update(self, change=None):
        if not self._from_page:
            with self.hold_sync():
                for name, value in self.compute().items():
                    setattr(self, name, value)

    def set_state(self, sync_data):
        # The browser sends the outputs along; computing them again would echo back late values
        self._from_page = True
        try:
            super().set_state(sync_data)
        finally:
            self._from_page = False

    def save(self, path, *, title=None, caption="", width=720):
        """Write the figure, as it is now, to a file. What it is, the end of `path` says.

        ``.html``: a page that is alive, with the controls that `controls` gave the figure. It
        loads nothing, and needs neither Python nor a server. ``.svg`` and ``.png``: a picture of
        the figure in a light page, under its sentence; the PNG has two dots a unit. A picture is
        drawn by a Chromium, Chrome or Edge that is installed (or by Playwright's Chromium).

        Parameters
        ----------
        path : where to; an older file is replaced
        title, caption : of the page; the title is by default the first sentence of the class
        width : of a picture, in units

        Raises ValueError for another ending or a width outside 200 to 4000; RuntimeError, which
        says what to do instead, where no browser is found that can draw.
        """
        from ..take import save  # which needs modules that nothing else does

        if not 200 <= width <= 4000:
            raise ValueError(f"width: got {width}, want 200 to 4000")
        box = self._box() if self._box else None
        alive = Path(path).suffix == ".html" and box is not None
        title = title if title is not None else _first_sentence(type(self))
        save(box if alive else self, path, title=title, caption=caption, width=int(width))

    def _kinds(self):
        """What a link can hold. A subclass adds the ranges that only an instance knows."""
        tagged = self.traits(link=lambda kind: kind is not None)
        return {name: [*trait.metadata["link"]] for name, trait in tagged.items()}

    def _made(self):
        """Remembers the present state as the one that the figure has when it is published."""
        self._at_first = {name: getattr(self, name) for name in self._link}

    def link(self, base="", number=1):
        """A link to a page with this figure, which opens in the state that it has now.

        The text after ``#`` names each trait that is not as the figure was made, as in
        ``#s=1&batch.x=1,3.5&batch.gamma=2.5&at=batch``. *Copy link* in the page writes the same.
        The figure on the page must be published as this one was made: with the same arguments.

        Parameters
        ----------
        base : address of the page, which may be one to be embedded, as ``embed/batch.html``
        number : which figure of its kind it is on that page, from 1

        Raises ValueError for a number below 1.
        """
        if number < 1:
            raise ValueError(f"number: got {number}, want 1 for the first figure of its kind")
        key = type(self).__name__.removesuffix("Figure").lower() + (f"-{number}" * (number > 1))
        parts = [
            f"{key}.{name}={written(kind, getattr(self, name))}&"
            for name, kind in sorted(self._link.items())
            if getattr(self, name) != self._at_first[name]
        ]
        return f"{base.partition('#')[0]}#s=1&{''.join(parts)}at={key}"

    def __repr__(self):
        shown = ", ".join(f"{name}={_short(getattr(self, name))!r}" for name in self.inputs[:2])
        return f"{type(self).__name__}({shown})"

    def _repr_keys(self):  # ipywidgets asks for these when a box shows its children
        return iter(self.inputs[:2])
