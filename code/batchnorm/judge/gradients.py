"""The slips of the backward pass: how a gradient flows."""

import numpy as np

from .slips import Slip, written

MOMENTS = {"mu": "the mean (mu)", "var": "the variance (var)"}
BENT = {"tanh", "exp", "log", "log1p", "expm1", "sin", "cos", "abs", "absolute"}
BENT |= {"maximum", "minimum", "clip", "where"}


def gradients(run, dy, slip):
    """The run's gradients with the slip."""

    def carried(edge, d, arrived, taken):
        change = slip.edges.get(edge)
        return change(d, arrived, taken) if change else d

    return run.backward(dy, carried=carried)


def _scaled(factor):
    return lambda d, arrived, taken: factor * d


def of_paths(graph, moments):
    """Every slip in sending the gradient back through a named value.

    ``moments`` maps nodes to what a sentence calls them: "the mean (mu)", "the variance (var)".
    """
    named = [i for i, node in enumerate(graph.nodes) if node.name and node.op != "input"]
    inner = [*moments, *(i for i in named if i not in graph.outputs and i not in moments)]
    leaving = {
        i: [e for e in graph.edges if graph.nodes[e.target].inputs[e.slot] == i] for i in inner
    }
    found = []
    if len(moments) == 2:
        edges = {e: _scaled(0) for i in moments for e in leaving[i]}
        found.append(Slip("the paths through the mean and through the variance are cut", edges))
    for i in inner:
        for text, factor in [
            ("the path through {} is cut", 0.0),
            ("the gradient through {} has the wrong sign", -1.0),
            ("the gradient through {} is counted twice", 2.0),
            ("the gradient through {} is halved", 0.5),
        ]:
            edges = {e: _scaled(factor) for e in leaving[i]}
            said = text.format(moments.get(i, graph.nodes[i].name))
            found.append(Slip(said, edges, rough=factor in (2.0, 0.5)))
    return found


def of_edges(graph):
    """Every slip in sending the gradient back over a single edge."""
    return [slip for edge in graph.edges for slip in _at(graph, edge)]


def _at(graph, edge):
    """The slips of a single edge: it is cut, or its local derivative lacks a factor."""
    node = graph.nodes[edge.target]
    source = graph.nodes[node.inputs[edge.slot]]
    if source.op == "constant":
        return
    a, it = written(graph, node.inputs[edge.slot]), written(graph, edge.target)
    others = [written(graph, k) for slot, k in enumerate(node.inputs) if slot != edge.slot]

    def arrived(d, arrived, taken):
        return arrived * np.ones_like(d)

    def again(d, arrived, taken):
        return d * taken[1 - edge.slot]

    def divided_again(d, arrived, taken):
        return d / taken[1]

    if node.op == "multiply":
        text = f"the factor {others[0]} is left out on the way back to {a}"
        yield Slip(text, {edge: arrived})
        text = f"the factor {others[0]} is multiplied in twice on the way back to {a}"
        yield Slip(text, {edge: again}, rough=True)
    if node.op == "divide":
        text = f"the 1/{others[0]} is left out on the way back to {a}"
        if edge.slot == 0:
            yield Slip(text, {edge: arrived})
            text = f"the division by {others[0]} is done twice on the way back to {a}"
            yield Slip(text, {edge: divided_again}, rough=True)
        else:
            text = f"the division by {a} is done once, not twice, on the way back to {a}"
            yield Slip(text, {edge: lambda d, arrived, taken: d * taken[1]}, rough=True)
    if node.op in BENT:
        text = f"the slope of {node.op} is left out on the way back to {a}"
        yield Slip(text, {edge: arrived})
    if node.op in ("power", "square"):
        yield from _exponent(graph, edge, a)
    if node.op == "sqrt":
        text = f"the 1/2 of the root is left out on the way back to {a}"
        yield Slip(text, {edge: _scaled(2.0)})
    if node.op == "mean":
        text = f"the 1/m of the mean is left out on the way back to {a}"
        yield Slip(text, {edge: lambda d, arrived, taken: d * _count(arrived, taken[0])})
        text = f"the mean's way back to {a} divides by m - 1 instead of m"
        yield Slip(text, {edge: lambda d, arrived, taken: d * _bessel(arrived, taken[0])})
    yield Slip(f"nothing comes back from {it} to {a}", {edge: _scaled(0)})
    yield Slip(f"what comes back from {it} to {a} has the wrong sign", {edge: _scaled(-1)})


def _exponent(graph, edge, a):
    """What a power brings down, left out."""
    node = graph.nodes[edge.target]
    p = 2.0 if node.op == "square" else graph.nodes[node.inputs[1]].params.get("value", 0.0)
    if edge.slot == 0 and np.ndim(p) == 0 and p not in (0.0, 1.0):
        what = "2 of the square" if p == 2 else f"exponent {p:g}"
        text = f"the {what} is left out on the way back to {a}"
        yield Slip(text, {edge: _scaled(1 / p)})


def _count(small, large):
    return np.size(large) / max(np.size(small), 1)


def _bessel(small, large):
    m = _count(small, large)
    return m / (m - 1) if m > 1 else 1.0
