"""What a wrong answer may be: the slips that a graph allows, each with the values it leads to.

A slip changes one place of a graph, or several alike. There are two families. On the graph of the
forward function a slip changes how the *gradient* goes back over an edge: nothing flows, the sign
is wrong, a 1/m is missing (`gradients`). On the graph of a written-out solution it changes how a
*value* is computed: a term or factor left out, a sum for a mean, one variable in place of
another (`values`). So nobody writes the slips of an exercise down: they follow from its graphs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations, islice

from ..graph import Edge

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@"}


@dataclass(frozen=True)
class Slip:
    """A sentence's end ("the factor gamma is left out"), and what it changes.

    `edges` maps edges to functions of what the edge carries; `nodes` maps nodes to functions of
    the operation's inputs and parameters; `inputs` maps the names of inputs to functions of them.
    `rough` slips are tried alone, not two at a time.
    """

    text: str
    edges: dict[Edge, Callable] = field(default_factory=dict)
    nodes: dict[int, Callable] = field(default_factory=dict)
    inputs: dict[str, Callable] = field(default_factory=dict)
    rough: bool = False

    def __and__(self, other):
        return Slip(
            f"{self.text}, and {other.text}",
            {**self.edges, **other.edges},
            {**self.nodes, **other.nodes},
            {**self.inputs, **other.inputs},
        )

    def touches(self, other):
        """Whether both change the same place, so that they cannot be had together."""
        return bool(
            self.edges.keys() & other.edges.keys()
            or self.nodes.keys() & other.nodes.keys()
            or self.inputs.keys() & other.inputs.keys()
        )


MOST = 48  # slips of a family that are tried two at a time: a check takes about a second


def pairs(slips):
    """Two slips at a time, where they do not touch the same place."""
    fine = islice((slip for slip in slips if not slip.rough), MOST)
    return (a & b for a, b in combinations(fine, 2) if not a.touches(b))


def written(graph, i):
    """Node i as a reader would write it: its name, its number, or its operation on such."""
    return _written(graph, i)[0]


def _written(graph, i):
    """The text, and how tightly it binds: a part that binds less than its place gets brackets."""
    node = graph.nodes[i]
    if node.name:
        return node.name, 5 if node.name.isidentifier() else 1
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


def named_once(graph, i):
    """Whether node i is used in one place alone, so that its name says which."""
    return sum(k == i for node in graph.nodes for k in node.inputs) < 2
