"""What a wrong answer may be: the slips that a graph allows, each with the values it leads to.

A slip changes one edge or one node of a graph. There are two families. On the graph of the forward
function a slip changes how the *gradient* goes back over an edge: nothing flows, the sign is wrong,
a 1/m is missing. On the graph of the written-out solution it changes how a *value* is computed: a
term or factor left out, a sum for a mean, one variable in the place of another. So nobody writes
the slips of an exercise down: they follow from its graphs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..graph import OPS, Edge

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@"}
MOMENTS = {"mu": "the mean (mu)", "var": "the variance (var)"}


@dataclass(frozen=True)
class Slip:
    """A sentence's end ("the factor gamma is left out"), and what it changes.

    `edges` maps edges to functions of what the edge carries; `nodes` maps nodes to functions of
    the operation's inputs and parameters. `rough` slips are tried alone, not two at a time.
    """

    text: str
    edges: dict[Edge, Callable] | None = None
    nodes: dict[int, Callable] | None = None
    rough: bool = False

    def __and__(self, other):
        return Slip(
            f"{self.text}, and {other.text}",
            {**(self.edges or {}), **(other.edges or {})},
            {**(self.nodes or {}), **(other.nodes or {})},
        )

    def touches(self, other):
        """Whether both change the same place, so that they cannot be had together."""
        return bool(
            (self.edges or {}).keys() & (other.edges or {}).keys()
            or (self.nodes or {}).keys() & (other.nodes or {}).keys()
        )


MOST = 40  # slips of a family that are tried two at a time: a check takes under a second


def pairs(slips):
    """Two slips at a time, where they do not touch the same place."""
    fine = [slip for slip in slips if not slip.rough][:MOST]
    return (a & b for a, b in combinations(fine, 2) if not a.touches(b))


def written(graph, i):
    """Node i as a reader would write it: its name, its number, or its operation on such."""
    return _written(graph, i)[0]


def _written(graph, i):
    """The text, and how tightly it binds: a part that binds less than its place gets brackets."""
    node = graph.nodes[i]
    if node.name:
        return node.name, 5
    if node.op == "constant":
        return (f"{node.params['value']:g}" if node.shape == () else "the constant"), 5
    parts = [_written(graph, k) for k in node.inputs]
    if node.op == "transpose":
        return f"{_bracketed(parts[0], 5)}.T", 5
    if node.op == "negative":
        return f"-{_bracketed(parts[0], 3)}", 3
    if node.op not in INFIX:
        return f"{node.op}({parts[0][0]})", 5
    binds = 1 if node.op in ("add", "subtract") else 4 if node.op == "power" else 2
    left, right = _bracketed(parts[0], binds), _bracketed(parts[1], binds + 1)
    return f"{left} {INFIX[node.op]} {right}", binds


def _bracketed(part, least):
    text, binds = part
    return text if binds >= least else f"({text})"


# --- Slips of a written-out solution: how a value is computed -----------------------------------


def evaluate(graph, inputs, slip):
    """Every node's value with the slip, or None from where shapes no longer fit."""
    values = []
    for i, node in enumerate(graph.nodes):
        if node.op == "input":
            value = inputs[node.name]
        elif node.op == "constant":
            value = node.params["value"]
        else:
            taken = [values[k] for k in node.inputs]
            if any(v is None for v in taken):
                values.append(None)
                continue
            for slot in range(len(taken)):
                change = (slip.edges or {}).get(Edge(i, slot))
                if change:
                    taken[slot] = change(taken[slot], values)
            compute = (slip.nodes or {}).get(i, OPS[node.op].forward)
            try:
                value = compute(*taken, **node.params)
            except ValueError:
                value = None
        values.append(value)
    return values


def _mean_less_one(a, axis=None, keepdims=False):
    mean = np.mean(a, axis=axis, keepdims=keepdims)
    m = np.size(a) / max(np.size(mean), 1)
    return mean * m / (m - 1) if m > 1 else mean


def _across(operation):
    """The operation over the axis that it should have left alone."""

    def wrong(a, axis=None, keepdims=False):
        if axis is None or np.ndim(a) != 2 or len(axis) != 1:
            raise ValueError("no other axis")
        return operation(a, axis=1 - axis[0], keepdims=keepdims)

    return wrong


def _identity(a, **params):
    return a


# What can go wrong at an operation: (sentence, what the node then computes, rough)
AT_NODE = {
    "mean": [
        ("the 1/m of {it} is left out", np.sum, False),
        ("{it} divides by m - 1 instead of m", _mean_less_one, False),
        ("{it} runs over the wrong axis", _across(np.mean), True),
        ("the mean of {a} is not taken", _identity, True),
    ],
    "sum": [
        ("{it} is a mean where a sum is wanted", np.mean, False),
        ("{it} runs over the wrong axis", _across(np.sum), True),
        ("the sum of {a} is not taken", _identity, True),
    ],
    "sqrt": [("the root of {a} is not taken", _identity, False)],
    "power": [
        ("the power of {a} is one too high", lambda a, p: a ** (p + 1), True),
        ("the power of {a} is one too low", lambda a, p: a ** (p - 1), True),
        ("the power of {a} has the wrong sign", lambda a, p: a ** (-p), True),
    ],
    "divide": [("{a} is multiplied by {b} where it is divided", np.multiply, True)],
    "transpose": [("{a} is not transposed", _identity, False)],
    "matmul": [("the two sides of {it} are swapped", lambda a, b: b @ a, True)],
}
# What can go wrong with an operand: (sentence, what it is then, rough)
ZERO = ("{one} is left out", lambda v, _: np.zeros_like(v), False)
MINUS = ("{one} has the wrong sign", lambda v, _: -v, False)
TWICE = ("{one} is counted twice", lambda v, _: 2 * v, True)
ONE = ("the factor {one} is left out", lambda v, _: np.ones_like(v), False)
SQUARED = ("the factor {one} is squared", lambda v, _: v * v, True)
MORE = ("{other} is divided by a number one too large", lambda v, _: v + 1, False)
LESS = ("{other} is divided by a number one too small", lambda v, _: v - 1, False)
AT_EDGE = {
    "add": {0: [ZERO, MINUS, TWICE], 1: [ZERO, MINUS, TWICE]},
    "subtract": {0: [ZERO, MINUS, TWICE], 1: [ZERO, MINUS, TWICE]},
    "multiply": {0: [ONE, SQUARED], 1: [ONE, SQUARED]},
    "divide": {
        0: [ONE],
        1: [
            ("the division by {one} is left out", lambda v, _: np.ones_like(v), False),
            ("the division by {one} is done twice", lambda v, _: v * v, True),
            *(MORE, LESS),
        ],
    },
    "negative": {0: [("the minus of {it} is left out", lambda v, _: -v, False)]},
    "matmul": {
        0: [("{one} is not transposed", lambda v, _: np.transpose(v), True)],
        1: [("{one} is not transposed", lambda v, _: np.transpose(v), True)],
    },
}


def of_solution(graph):
    """Every slip in computing the graph's values, likelier ones first."""
    found, swaps = [], []
    for i, node in reversed(list(enumerate(graph.nodes))):
        it = written(graph, i)
        sides = [written(graph, k) for k in node.inputs]
        names = dict(zip("ab", sides, strict=False))
        for slot, source in enumerate(node.inputs):
            constant = graph.nodes[source].op == "constant"
            for text, change, rough in AT_EDGE.get(node.op, {}).get(slot, ()):
                if (constant and change is SQUARED[1]) or (
                    not constant and change in (MORE[1], LESS[1])
                ):
                    continue
                said = text.format(one=sides[slot], other=sides[0], it=it)
                found.append(Slip(said, {Edge(i, slot): change}, rough=rough))
            swaps += _swaps(graph, i, slot, source)
        for text, compute, rough in AT_NODE.get(node.op, ()):
            found.append(Slip(text.format(it=it, **names), nodes={i: compute}, rough=rough))
    found.sort(key=lambda slip: slip.rough)
    return found + list(_everywhere(graph)) + swaps


def _everywhere(graph):
    """What goes wrong at every mean, or at every sum, in the same way."""
    for op in ("mean", "sum"):
        places = [i for i, node in enumerate(graph.nodes) if node.op == op]
        for text, compute, _ in AT_NODE[op] if len(places) > 1 else ():
            said = text.format(it=f"every {op}", a="any array")
            yield Slip(said, nodes=dict.fromkeys(places, compute), rough=True)


def _swaps(graph, i, slot, source):
    """Another named value of the same shape in the place of a named one."""
    if not graph.nodes[source].name:
        return
    for k in range(i):
        other = graph.nodes[k]
        if other.name and k != source and other.shape == graph.nodes[source].shape:
            text = f"{other.name} stands where {graph.nodes[source].name} belongs"
            yield Slip(text, {Edge(i, slot): lambda v, values, k=k: values[k]}, rough=True)


# --- Slips of the backward pass: how a gradient flows -------------------------------------------


def gradients(run, dy, slip):
    """The run's gradients with the slip."""

    def carried(edge, d, arrived, taken):
        change = (slip.edges or {}).get(edge)
        return change(d, arrived, taken) if change else d

    return run.backward(dy, carried=carried)


def _scaled(factor):
    return lambda d, arrived, taken: factor * d


def of_backward(graph):
    """Every slip in sending the gradient back: whole paths first, then single edges."""
    named = [i for i, node in enumerate(graph.nodes) if node.name and node.op != "input"]
    leaving = {
        i: [e for e in graph.edges if graph.nodes[e.target].inputs[e.slot] == i] for i in named
    }
    called = {i: MOMENTS.get(graph.nodes[i].name, graph.nodes[i].name) for i in named}
    moments = [i for i in named if graph.nodes[i].name in MOMENTS]
    found = []
    if len(moments) == 2:
        edges = {e: _scaled(0) for i in moments for e in leaving[i]}
        found.append(
            Slip("the paths through the mean and through the variance are cut", edges, rough=True)
        )
    inner = [i for i in named if i not in graph.outputs]
    for i in sorted(inner, key=lambda i: i not in moments):
        for text, factor in [
            ("the path through {} is cut", 0.0),
            ("the gradient through {} has the wrong sign", -1.0),
            ("the gradient through {} is counted twice", 2.0),
            ("the gradient through {} is halved", 0.5),
        ]:
            edges = {e: _scaled(factor) for e in leaving[i]}
            found.append(Slip(text.format(called[i]), edges, rough=factor in (2.0, 0.5)))
    return found + [slip for edge in graph.edges for slip in _at(graph, edge)]


def _at(graph, edge):
    """The slips of a single edge: it is cut, or its local derivative lacks a factor."""
    node = graph.nodes[edge.target]
    source = graph.nodes[node.inputs[edge.slot]]
    if source.op == "constant":
        return
    a, it = source.name or written(graph, node.inputs[edge.slot]), written(graph, edge.target)
    yield Slip(f"nothing comes back from {it} to {a}", {edge: _scaled(0)})
    yield Slip(f"what comes back from {it} to {a} has the wrong sign", {edge: _scaled(-1)})
    others = [written(graph, k) for slot, k in enumerate(node.inputs) if slot != edge.slot]

    def arrived(d, arrived, taken):
        return arrived * np.ones_like(d)

    if node.op == "multiply":
        yield Slip(f"the factor {others[0]} is left out on the way back to {a}", {edge: arrived})
    if node.op == "divide" and edge.slot == 0:
        yield Slip(f"the 1/{others[0]} is left out on the way back to {a}", {edge: arrived})
    if node.op in ("power", "square"):
        text = f"the 2 of the square is left out on the way back to {a}"
        yield Slip(text, {edge: _scaled(0.5)})
    if node.op == "sqrt":
        text = f"the 1/2 of the root is left out on the way back to {a}"
        yield Slip(text, {edge: _scaled(2.0)})
    if node.op == "mean":
        text = f"the 1/m of the mean is left out on the way back to {a}"
        yield Slip(text, {edge: lambda d, arrived, taken: d * _count(arrived, taken[0])})
        text = f"the mean's way back to {a} divides by m - 1 instead of m"
        yield Slip(text, {edge: lambda d, arrived, taken: d * _bessel(arrived, taken[0])})


def _count(small, large):
    return np.size(large) / max(np.size(small), 1)


def _bessel(small, large):
    m = _count(small, large)
    return m / (m - 1) if m > 1 else 1.0
