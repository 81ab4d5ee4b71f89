"""Draw a traced graph; see what flows back over each edge; cut edges; step back through it."""

import json
import re

import numpy as np
import traitlets

from ...graph import Graph, trace
from ...graph.describe import describe, drawn_edges
from ...graph.layout import layered
from ...validate import array
from ..kit import Figure

DIGITS = "₀₁₂₃₄₅₆₇₈₉"
NUMBERS = str.maketrans(DIGITS, "0123456789")
MOST = 48  # nodes that still make a picture
FEW = 4  # entries that are written out; more are drawn as a strip of cells
STRIP = (8, 6)  # rows and columns of a strip at most
COLUMN, LINE, CELL = 47, 13, 7  # pixels: a written entry's width and height, a cell's side
TITLE = 18  # pixels above the entries
MIDDLE = 2  # pixels between a node's values and its gradients
PORT = 13  # pixels between two edges that leave or enter a node
OWN_INPUTS = ("dy", "cut", "step", "numbers", "graph", "picture", "start")
PATTERN = (1.0, 0.6, -0.4)  # a gradient at the output that shows what is shared
GAP = 22  # pixels between two ranks: room for a handle


class Nested(traitlets.TraitType):
    """A number, or nested lists of them of one shape; takes any such array. [] if `empty`.

    Raises ValueError for another shape and for entries that are not finite.
    """

    def __init__(self, shape, empty=False, name=None):
        super().__init__([] if empty else np.zeros(shape).tolist())
        self._shape, self._empty, self.name = tuple(shape), empty, name

    def validate(self, obj, value):
        a = array(self.name, value)
        if self._empty and a.size == 0:
            return []
        if a.dtype.kind not in "fiu" or not np.isfinite(a).all():
            raise ValueError(f"{self.name}: got {value!r}, want finite numbers")
        if a.shape != self._shape:
            raise ValueError(f"{self.name}: got shape {a.shape}, want {self._shape}")
        return a.astype(float).tolist()


class GraphFigure(Figure):
    """A traced graph from inputs to outputs, and what flows back over each of its edges.

    An edge has the colour of the path it belongs to, where the graph has nodes named ``mu`` or
    ``var``; the more gradient it carries, the thicker it is.

    Each input of the graph is a trait of the figure, and so is the gradient that reaches it: a
    graph of ``x`` and ``gamma`` gives ``figure.x``, ``figure.gamma``, ``figure.dx`` and
    ``figure.dgamma``. Click an edge, or press Enter on it, to cut it. "Next node" walks the
    backward pass one node at a time, "Undo" takes a step back. Constants are not drawn: nothing
    flows to them, and the formulas contain them.

    Parameters
    ----------
    function : plain NumPy code to trace, or a `Graph`; at most 48 nodes without the constants
    dy : the gradient of the loss at the output, of its shape; for several outputs (of one shape)
        one per output
    cut : edges over which nothing flows, as `Graph.cut` takes them; kept as ``[target, slot]``
    numbers : whether the nodes show values and gradients from the start
    inputs : the arguments of the function, by name; those that `trace` takes for constants are
        none of the figure's traits, and what an object holds (`Graph.state`) is

    Hands back the gradients (``dx``, …; [] where they are not defined) and ``errors``: input ->
    largest difference between an entry of its gradient and of the true one. Raises ValueError for
    a graph too large to draw, an input whose name the figure needs for itself, for shapes that do
    not fit, and for what `trace` refuses.
    """

    dy = traitlets.Any().tag(sync=True)
    cut = traitlets.List().tag(sync=True, link=("edges",))
    step = traitlets.Int(0).tag(sync=True)  # nodes passed on the way back; 0: all of it is shown
    numbers = traitlets.Bool(False).tag(sync=True, link=("bool",))
    graph = traitlets.Unicode().tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)  # where nodes and edges are, and their words
    start = traitlets.Dict().tag(sync=True)  # what "Reset" brings back
    errors = traitlets.Dict().tag(sync=True)

    def __init__(self, function, *, dy, cut=(), numbers=False, **inputs):
        traits, values = {}, {}
        with np.errstate(all="ignore"):  # what is not defined is shown, in words
            graph = function if isinstance(function, Graph) else _traced(function, inputs)
        for name, value in _inputs_of(graph, inputs).items():
            if self.has_trait(name) or self.has_trait(f"d{name}") or hasattr(self, name):
                raise ValueError(f"{name}: the figure needs this name for itself; use another")
            shape = np.shape(value)
            traits[name] = Nested(shape, name=name).tag(sync=True, link=("reals",))
            traits[f"d{name}"] = Nested(shape, empty=True).tag(sync=True)
            values[name] = traits[name].validate(self, value)
        with np.errstate(all="ignore"):
            traits["dy"] = _output_trait(graph.forward(**inputs))
        self.add_traits(**traits)
        self._graph = graph
        self.inputs = (*values, *OWN_INPUTS)
        self.outputs = (*(f"d{name}" for name in values), "errors")
        cut = _pairs(graph, cut)
        super().__init__(**values, dy=dy, cut=cut, numbers=numbers, **drawn(graph, numbers))
        self.start = {**values, "dy": self.dy, "cut": cut, "step": 0}
        self._made()

    def _kinds(self):
        return super()._kinds() | {"step": ["int", 0, len(self._graph.nodes)]}

    @traitlets.validate("cut")
    def _check_cut(self, proposal):
        return _pairs(self._graph, proposal.value)

    @traitlets.validate("step")
    def _check_step(self, proposal):
        last = len(self._graph.nodes)
        if not 0 <= proposal.value <= last:
            raise ValueError(f"step: got {proposal.value}, want a number from 0 to {last}")
        return proposal.value

    def compute(self):
        names = self._graph.inputs
        dy = np.asarray(self.dy)
        with np.errstate(all="ignore"):
            run = self._graph.forward(**{name: np.asarray(getattr(self, name)) for name in names})
            true, got = run.backward(dy), run.backward(dy, cut=[tuple(e) for e in self.cut])
        arrays = [*run.arrays, *true.arrays, *got.arrays]
        if not all(np.isfinite(array).all() for array in arrays):
            return {**{f"d{name}": [] for name in names}, "errors": {}}
        errors = {name: float(np.abs(got[name] - true[name]).max(initial=0)) for name in names}
        return {**{f"d{name}": got[name] for name in names}, "errors": errors}


def drawn(graph, numbers=False):
    """The traits that say what is drawn: {name: value}. Raises ValueError for too large a graph."""
    nodes = sum(node.op != "constant" for node in graph.nodes)
    if nodes > MOST:
        raise ValueError(f"function: its graph has {nodes} nodes, at most {MOST} fit")
    picture = _picture(graph)
    height = int(picture["full" if numbers else "plain"]["across"]["height"]) + 230
    return {"graph": graph.to_json(), "picture": json.dumps(picture), "_min_height": height}


def start_state(function, /, **inputs):
    """What a figure of this function shows at the start, without making one: {trait: value}.

    The gradient that arrives at the outputs is `PATTERN`, over and over. Raises what `GraphFigure`
    raises.
    """
    values = {}
    with np.errstate(all="ignore"):
        graph = _traced(function, inputs)
    for name, value in _inputs_of(graph, inputs).items():
        if {name, f"d{name}"} & set(dir(GraphFigure)):
            raise ValueError(f"{name}: the figure needs this name for itself; use another")
        values[name] = Nested(np.shape(value), name=name).validate(None, value)
    with np.errstate(all="ignore"):
        trait = _output_trait(graph.forward(**inputs))
    dy = trait.validate(None, np.resize(PATTERN, np.shape(trait.default_value)))
    start = {**values, "dy": dy, "cut": [], "step": 0}
    return {**start, **drawn(graph), "start": start, "_inputs": [*values, *OWN_INPUTS]}


def _traced(function, inputs):
    """The graph. Raises ValueError for inputs that no figure shows."""
    for name, value in inputs.items():
        a = array(name, value)
        if a.dtype.kind in "fiu" and not np.isfinite(a).all():
            raise ValueError(f"{name}: got {value!r}, want finite numbers")
    return trace(function, **inputs)


def _inputs_of(graph, inputs):
    """What the graph's inputs start from: as given, or as the object or dict held it."""
    given = {name: value for name, value in inputs.items() if name not in graph.fixed}
    return {**given, **{n: v for n, v in graph.state.items() if n not in given}}


def _output_trait(run):
    outputs = run.output if isinstance(run.output, tuple) else (run.output,)
    shapes = {np.shape(output) for output in outputs}
    if len(shapes) > 1:
        raise ValueError(f"function: its outputs have the shapes {sorted(shapes)}, want one shape")
    shape = (len(outputs), *shapes.pop()) if len(outputs) > 1 else shapes.pop()
    return Nested(shape).tag(sync=True, link=("reals",))


def _pairs(graph, cut):
    spec = cut if isinstance(cut, str) else [e if isinstance(e, str) else tuple(e) for e in cut]
    return [[int(target), int(slot)] for target, slot in sorted(graph.cut(spec))]


def _picture(graph):
    """Places of all that is drawn, and its words.

    With numbers ("full") and without ("plain"); from left to right ("across") and from top to
    bottom ("down"), for a narrow page.
    """
    words = describe(graph)
    drawn = [i for i, node in enumerate(graph.nodes) if node.op != "constant"]
    grids = {i: _grid(graph.nodes[i].shape) for i in drawn}
    edges = drawn_edges(graph)
    ends = [(graph.nodes[edge.target].inputs[edge.slot], edge.target) for edge in edges]
    series = {i: _member(words["nodes"][i]["symbol"]) for i in drawn}
    series = {i: member for i, member in series.items() if member}
    symbols = {i: words["nodes"][i]["symbol"] for i in drawn}
    ports = {i: PORT * _ports(i, ends) + 8 for i in drawn}  # pixels
    full = {i: _size(grids[i], symbols[i]) for i in drawn}
    plain = {i: (max(30, _long(symbols[i], 12)), 26) for i in drawn}

    def placed(sizes):
        tall = {i: (w, max(h, ports[i])) for i, (w, h) in sizes.items()}
        wide = {i: (h, max(w, ports[i])) for i, (w, h) in sizes.items()}
        across = layered(ends, tall, gap=GAP, series=series)
        down = layered(ends, wide, gap=GAP, series=series)
        return {"across": _places(across, drawn), "down": _turned(_places(down, drawn))}

    return {
        "nodes": [{"node": i, **grids[i], **words["nodes"][i]} for i in drawn],
        "edges": [
            {"target": edge.target, "slot": edge.slot, "source": source}
            | words["edges"][f"{edge.target}:{edge.slot}"]
            for edge, (source, _) in zip(edges, ends, strict=True)
        ],
        "plain": placed(plain),
        "full": placed(full),
    }


def _places(layout, nodes):
    return {
        "boxes": {i: layout.boxes[i]._asdict() for i in nodes},
        "routes": layout.routes,
        "ranks": layout.ranks,
        "width": layout.width,
        "height": layout.height,
    }


def _turned(places):
    """The same with its ranks one below the other: x and y change places."""

    def turn(box):
        return {"rank": box["rank"], "x": box["y"], "y": box["x"], "w": box["h"], "h": box["w"]}

    return {
        "boxes": {i: turn(box) for i, box in places["boxes"].items()},
        "routes": [[(rank, y, x) for rank, x, y in route] for route in places["routes"]],
        "ranks": places["ranks"],
        "width": places["height"],
        "height": places["width"],
    }


def _member(symbol):
    """The series that a node belongs to, and its number in it: "c₁²" is the first of "c²"."""
    digits = re.findall(f"[{DIGITS}]+", symbol)
    if len(digits) != 1:
        return None
    return symbol.replace(digits[0], ""), int(digits[0].translate(NUMBERS))


def _grid(shape):
    """Rows and columns in which a node's entries are shown, and whether they are written out."""
    rows, columns = (*shape, 1, 1)[:2]
    if len(shape) > 2:
        rows, columns = int(np.prod(shape[:-1])), shape[-1]
    whole = rows * columns <= FEW
    if not whole:
        rows, columns = min(rows, STRIP[0]), min(columns, STRIP[1])
    return {"rows": rows, "columns": columns, "whole": whole}


def _long(symbol, free):
    """How long a name is with so much free beside it; the hat takes no room of its own."""
    return 7.5 * len(symbol.replace("\u0302", "")) + free


def _ports(i, ends):
    """How many edges a node has on the side that has more."""
    return max(sum(i == source for source, _ in ends), sum(i == target for _, target in ends))


def _size(grid, symbol):
    """A node's box with its numbers: values at the left, gradients at the right."""
    rows, columns = grid["rows"], grid["columns"]
    w, h = (columns * COLUMN, rows * LINE) if grid["whole"] else (columns * CELL, rows * CELL + 4)
    return max(2 * w + MIDDLE, COLUMN + 6, _long(symbol, 6)), TITLE + h + 4
