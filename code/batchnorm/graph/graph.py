"""The computation graph: run it forward and backward, and cut its edges.

>>> import numpy as np
>>> from batchnorm.graph import trace
>>> def centre(x):
...     mu = x.mean(axis=0)
...     y = x - mu
...     return y
>>> graph = trace(centre, x=np.array([1.0, 3.0]))
>>> run = graph.forward(x=np.array([1.0, 3.0]))
>>> run.output
array([-1.,  1.])
>>> run.backward(np.array([1.0, 1.0]))["x"]
array([0., 0.])
>>> run.backward(np.array([1.0, 1.0]), cut="mu")["x"]
array([1., 1.])

The graph goes to the page as JSON, where ``interpreter.js`` does what `Graph.forward` and
`Run.backward` do here.
"""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from . import wire
from .ops import OPS, as_number, unbroadcast

SYMBOLS = {
    "mu": "μ",
    "var": "σ²",
    "stable": "σ²+ε",
    "x_hat": "x̂",
    "gamma": "γ",
    "beta": "β",
    "eps": "ε",
    "centred": "x−μ",
    "squared": "(x−μ)²",
    "scaled": "γx̂",
}
"""How a figure writes a name. A name that is not here is written as it is."""


class Edge(NamedTuple):
    """An edge of the graph: it ends in input ``slot`` of node ``target``."""

    target: int
    slot: int


@dataclass(frozen=True)
class Node:
    """One value of the graph: an input, a constant, or an operation on earlier nodes."""

    op: str
    inputs: tuple[int, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)  # axis, …; a constant's value
    name: str = ""
    shape: tuple[int, ...] = ()  # the shape it had when it was traced

    @property
    def symbol(self):
        """What a figure writes on the node: its symbol, its number, or its operation's sign."""
        if self.name:
            return SYMBOLS.get(self.name, self.name)
        if self.op == "constant":
            return f"{self.params['value']:g}" if self.shape == () else "const"
        return OPS[self.op].sign


@dataclass(frozen=True, eq=False)
class Graph:
    """A traced function. ``nodes`` are in the order of their computation.

    The graph holds no sizes: ``mean`` divides by the number of entries it finds at run time. So it
    runs on batches of other sizes (with as many axes), unless the function read a number from
    ``x.shape``.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    state: dict[str, Any] = field(default_factory=dict)  # inputs that an object or a dict held
    fixed: dict[str, Any] = field(default_factory=dict)  # arguments that are constants of the graph
    taken: str = ""  # which part of the function's result is the output, as in "result[0]"

    def with_outputs(self, *keys):
        """The same graph with other outputs: ``keys`` are names or indices of nodes.

        Raises KeyError for one that is not there.
        """
        return replace(self, outputs=tuple(self.index(key) for key in keys), taken="")

    @property
    def inputs(self):
        """Name -> index of each input."""
        return {node.name: i for i, node in enumerate(self.nodes) if node.op == "input"}

    def index(self, key):
        """The index of a node; ``key`` is its name or index. Raises KeyError if there is none."""
        if isinstance(key, str):
            for i, node in enumerate(self.nodes):
                if node.name == key:
                    return i
        elif isinstance(key, int | np.integer) and 0 <= key < len(self.nodes):
            return int(key)
        names = ", ".join(node.name for node in self.nodes if node.name)
        raise KeyError(f"no node {key!r} in the graph; its names are {names}")

    @property
    def edges(self):
        """Every edge, in the order of computation."""
        return [Edge(t, s) for t, node in enumerate(self.nodes) for s in range(len(node.inputs))]

    def cut(self, spec):
        """The set of edges that ``spec`` means.

        ``"mu"``: every edge that leaves the node ``mu`` (as a stop-gradient there would do);
        ``"x->centred"``: the edges between two nodes; ``Edge(target, slot)`` or such a pair: that
        edge; or a list, tuple or set of these. Raises ValueError for an edge that is not there.
        """
        try:
            items = [spec] if isinstance(spec, str) else list(spec)
        except TypeError:
            raise ValueError(
                f"cut: got {spec!r}, want a node's name, two with -> between them, or an Edge"
            ) from None
        if items and all(isinstance(item, (int, np.integer)) for item in items):
            items = [items]
        found = set()
        for item in items:
            if isinstance(item, str):
                source, _, target = (part.strip() for part in item.partition("->"))
                try:
                    source, target = self.index(source), self.index(target) if target else None
                except KeyError as error:
                    raise ValueError(f"cut: {error.args[0]}") from None
                leaving = {e for e in self.edges if self.nodes[e.target].inputs[e.slot] == source}
                edges = {e for e in leaving if target in (None, e.target)}
            else:
                edges = {e for e in self.edges if [*e] == item or e == item}
            if not edges:
                raise ValueError(f"cut: the graph has no edge {item!r}")
            found |= edges
        return found

    def forward(self, **inputs):
        """Compute every node. Returns a `Run`.

        What an object held (``state``) need not be given; what the trace took for a constant
        (``fixed``) may be, unchanged. Raises ValueError if the inputs' names are not the graph's,
        or do not broadcast.
        """
        for name in self.fixed.keys() & inputs.keys():
            if not _same(self.fixed[name], inputs.pop(name)):
                raise ValueError(
                    f"forward: {name} is {self.fixed[name]!r} throughout this graph; trace the "
                    "function again for another"
                )
        inputs = {**self.state, **inputs}
        if inputs.keys() != self.inputs.keys():
            raise ValueError(
                f"forward: got the inputs {', '.join(inputs) or 'none'}, "
                f"the graph wants {', '.join(self.inputs)}"
            )
        values = []
        for node in self.nodes:
            if node.op == "input":
                values.append(as_number(node.name, inputs[node.name]))
            elif node.op == "constant":
                values.append(node.params["value"])
            else:
                arguments = [values[i] for i in node.inputs]
                try:
                    values.append(OPS[node.op].forward(*arguments, **node.params))
                except ValueError as error:
                    shapes = (f"{name} {np.shape(a)}" for name, a in inputs.items())
                    raise ValueError(
                        f"forward: the inputs' shapes, {', '.join(shapes)}, do not fit each other "
                        f"in {node.name or node.op}: {error}"
                    ) from error
        return Run(self, [kept(value) for value in values])

    def to_json(self):
        """The graph as JSON: what the page's interpreter reads.

        Raises ValueError for a constant that JSON cannot hold (infinite or NaN).
        """
        return wire.write(self.nodes, self.outputs)

    @classmethod
    def from_json(cls, text):
        """The graph that `to_json` wrote; its constants are float64, or Python numbers.

        Raises ValueError for a text that is no such graph, naming the node where that shows;
        `UnknownOperation` (a ValueError) for an operation it does not know.
        """
        entries, outputs = wire.read(text)
        return cls(tuple(Node(**entry) for entry in entries), outputs)


def _same(a, b):
    try:
        return bool(np.all(a == b))
    except ValueError:
        return False


def kept(value):
    """A value that nobody can change: an array as a view that takes no writing."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


class _PerNode:
    """One array a node, by the node's name or index."""

    def __init__(self, graph, arrays):
        self.graph, self.arrays = graph, arrays

    def __getitem__(self, key):
        return self.arrays[self.graph.index(key)]


class Run(_PerNode):
    """The values of one forward pass: ``run["mu"]``, ``run.output``. They take no writing, since
    the backward pass needs them; nor does it matter what becomes of the arrays that were given.
    """

    @property
    def output(self):
        """The output; a tuple of them if the function returns several."""
        outputs = tuple(self.arrays[i] for i in self.graph.outputs)
        return outputs if len(outputs) > 1 else outputs[0]

    def backward(self, dy, cut=(), *, received=None, carried=None):
        """Send ``dy`` (the loss's gradient at the output) back to every node.

        ``cut`` names edges over which nothing flows: see `Graph.cut`. For several outputs ``dy``
        is a sequence, one for each; None where nothing arrives. A gradient has the dtype of the
        value it belongs to. Raises ValueError if a gradient's shape is not its output's.

        To see what another rule would lead to, ``received(node, d)`` may put another gradient in
        the place of the one that a node (its index) has received before it sends it on, and
        ``carried(edge, d, arrived, taken)`` another in place of what an edge carries; there
        ``arrived`` is the gradient at its target, ``taken`` are the values of the target's inputs.
        """
        graph, values = self.graph, self.arrays
        cut, flow = graph.cut(cut), {}
        grads = [None] * len(values)  # None: nothing arrived
        dys = [dy] if len(graph.outputs) == 1 else list(dy)
        if len(dys) != len(graph.outputs):
            raise ValueError(
                f"dy: got {len(dys)} gradients, the graph has {len(graph.outputs)} outputs"
            )

        def add(i, d):
            d = kept(np.asarray(d, np.asarray(values[i]).dtype))
            grads[i] = d if grads[i] is None else kept(grads[i] + d)
            return d

        for i, d in zip(graph.outputs, dys, strict=True):
            if d is None:
                continue
            if np.shape(d) != np.shape(values[i]):
                raise ValueError(
                    f"dy: got shape {np.shape(d)}, the output has {np.shape(values[i])}"
                )
            add(i, as_number("dy", d))
        for target in reversed(range(len(values))):
            node = graph.nodes[target]
            if grads[target] is None:
                continue
            if received:
                grads[target] = received(target, grads[target])
            taken = [values[i] for i in node.inputs]
            for slot, source in enumerate(node.inputs):
                edge = Edge(target, slot)
                if edge in cut or graph.nodes[source].op == "constant":
                    continue
                arrived, rule = grads[target], OPS[node.op].rule(slot)
                if rule is None:
                    continue
                d = rule(_wide(arrived), values[target], *taken, **node.params)
                if carried:
                    d = carried(edge, d, arrived, taken)
                flow[edge] = add(source, unbroadcast(np.asarray(d), np.shape(values[source])))
        return Gradients(graph, grads, values, flow)


def _wide(d):
    """A gradient as a rule takes it: what lies between may be out of the range of float16."""
    return d.astype(np.float32) if d.dtype == np.float16 else d


class Gradients(_PerNode):
    """The gradients of one backward pass: ``grads["x"]``; zeros at constants, and where nothing
    arrived. ``flow[edge]``: what an edge carried; an edge over which nothing went is not there.
    Its arrays take no writing: nodes may share them.
    """

    def __init__(self, graph, arrays, values, flow):
        pairs = zip(arrays, values, strict=True)
        super().__init__(graph, [np.zeros_like(v) if d is None else d for d, v in pairs])
        self.flow = flow
