"""The slips of a written-out solution: how a value is computed."""

from itertools import combinations

import numpy as np

from ..graph import OPS, Edge
from .slips import Slip, named_once, written


def evaluate(graph, inputs, slip, known):
    """Every node's value with the slip, or None from where shapes no longer fit.

    ``known`` holds other named values that may take the place of the graph's own.
    """
    values, names = [], dict(known)
    for i, node in enumerate(graph.nodes):
        if node.op == "input":
            value = inputs[node.name]
            if change := slip.inputs.get(node.name):
                try:
                    value = change(value, names)
                except (ValueError, KeyError):  # as below
                    value = None
        elif node.op == "constant":
            value = node.params["value"]
        else:
            value = _computed(graph, i, values, slip, names)
        values.append(value)
        if node.name and value is not None:
            names[node.name] = value
    return values


def _computed(graph, i, values, slip, names):
    node = graph.nodes[i]
    taken = [values[k] for k in node.inputs]
    try:
        for slot, value in enumerate(taken):
            if value is None:
                return None
            if change := slip.edges.get(Edge(i, slot)):
                taken[slot] = change(value, names)
        return slip.nodes.get(i, OPS[node.op].forward)(*taken, **node.params)
    except (ValueError, KeyError):  # shapes that no longer fit; a value this batch has not
        return None


def of_solution(graph, known, sizes=()):
    """Every slip in computing the graph's values, likelier ones first.

    ``known`` maps the names of other values to their shapes; ``sizes`` are further counts that one
    may have divided by.
    """
    found, swaps = [], []
    for i in reversed(range(len(graph.nodes))):
        found += [*_at_edges(graph, i), *_at_node(graph, i, sizes)]
        swaps += _swaps(graph, i, known)
    found += [*_everywhere(graph, sizes), *_swapped_everywhere(graph, known)]
    found.sort(key=lambda slip: slip.rough)
    return found + swaps


# --- What can go wrong with an operand: (sentence, what it is then, rough) ----------------------

ZERO = ("{one} is left out", lambda v, _: np.zeros_like(v), False)
MINUS = ("{one} has the wrong sign", lambda v, _: -v, False)
TWICE = ("{one} is counted twice", lambda v, _: 2 * v, True)
HALF = ("{one} is halved", lambda v, _: v / 2, True)
# A constant that is left out leaves its sign behind: the minus is another slip
ONE = ("the factor {one}{place} is left out", lambda v, _: _one(v), False)
SQUARED = ("the factor {one}{place} is multiplied in twice", lambda v, _: v * v, True)
AT_EDGE = {
    "add": {0: [ZERO, MINUS, TWICE, HALF], 1: [ZERO, MINUS, TWICE, HALF]},
    "subtract": {0: [ZERO, MINUS, TWICE, HALF], 1: [ZERO, MINUS, TWICE, HALF]},
    "multiply": {0: [ONE, SQUARED], 1: [ONE, SQUARED]},
    "divide": {
        0: [("the factor {one}{place} is left out", lambda v, _: _one(v), False)],
        1: [
            ("the division by {one}{place} is left out", lambda v, _: np.ones_like(v), False),
            ("the division by {one}{place} is done twice", lambda v, _: v * v, True),
            ("{other} is divided by {more} instead of {one}", lambda v, _: v + 1, False),
            ("{other} is divided by {less} instead of {one}", lambda v, _: v - 1, False),
        ],
    },
    "negative": {0: [("the minus of {it} is left out", lambda v, _: -v, False)]},
    "matmul": {
        0: [("{one} is not transposed", lambda v, _: np.transpose(v), True)],
        1: [("{one} is not transposed", lambda v, _: np.transpose(v), True)],
    },
}


def _one(v):
    return np.sign(v) if np.ndim(v) == 0 and v < 0 else np.ones_like(v)


def _at_edges(graph, i):
    node, it = graph.nodes[i], written(graph, i)
    sides = [written(graph, k) for k in node.inputs]
    for slot, source in enumerate(node.inputs):
        count = _is_count(graph.nodes[source])
        place = "" if named_once(graph, source) else f" of {it}"
        for text, change, rough in AT_EDGE.get(node.op, {}).get(slot, ()):
            if ("{more}" in text or "{less}" in text) and not count:
                continue
            if change is SQUARED[1] and graph.nodes[source].op == "constant":
                continue
            if change is ONE[1] and graph.nodes[source].op == "constant" and node.op == "divide":
                continue
            said = text.format(
                one=sides[slot], other=sides[0], it=it, place=place, **_next_to(sides[slot])
            )
            yield Slip(said, {Edge(i, slot): change}, rough=rough)
        if node.op in ("add", "subtract"):
            yield from _scaled_term(graph, i, slot, source)
        value = graph.nodes[source].params.get("value", 0.0)
        if node.op == "multiply" and np.ndim(value) == 0 and value < 0:
            yield Slip(f"the minus of {sides[slot]} is left out", {Edge(i, slot): lambda v, _: -v})


def _is_count(node):
    """Whether a node holds how many there are: m, or a number from the function's text."""
    return node.shape == () and (node.op == "constant" or node.name in ("m", "m - 1"))


def _next_to(text):
    """What is one more and one less than a count, in words."""
    more = {"m": "m + 1", "m - 1": "m"}.get(text, f"{text} + 1")
    less = {"m": "m - 1", "m - 1": "m - 2"}.get(text, f"{text} - 1")
    return {"more": more, "less": less}


def _scaled_term(graph, i, slot, source):
    """A factor, or a division, that belongs to another term, or to none."""
    term = written(graph, source)
    for node in graph.nodes:
        small = np.prod(node.shape, dtype=int) < np.prod(graph.nodes[i].shape, dtype=int)
        if node.op != "input" or not (small or node.name == "gamma"):
            continue
        name = node.name
        for text, change in [
            (f"{term} is multiplied by {name}", lambda v, names, name=name: v * names[name]),
            (f"{term} is divided by {name}", lambda v, names, name=name: v / names[name]),
        ]:
            yield Slip(text, {Edge(i, slot): change}, rough=True)


# --- What can go wrong at an operation ----------------------------------------------------------

AT_NODE = {
    "sqrt": [("the root of {a} is not taken", lambda a: a, False)],
    "power": [
        ("the power of {a} is one too high", lambda a, p: a ** (p + 1), True),
        ("the power of {a} is one too low", lambda a, p: a ** (p - 1), True),
        ("the power of {a} has the wrong sign", lambda a, p: a ** (-p), True),
    ],
    "divide": [("{a} is multiplied by {b} where it is divided", np.multiply, True)],
    "multiply": [("{a} is divided by {b} where it is multiplied", np.divide, True)],
    "transpose": [("{a} is not transposed", lambda a, **_: a, False)],
    "matmul": [("the two sides of {it} are swapped", lambda a, b: b @ a, True)],
}


def _at_node(graph, i, more):
    node, it = graph.nodes[i], written(graph, i)
    names = dict(zip("ab", (written(graph, k) for k in node.inputs), strict=False))
    for text, compute, rough in AT_NODE.get(node.op, ()):
        yield Slip(text.format(it=it, **names), nodes={i: compute}, rough=rough)
    for text, _, compute, rough in reductions(graph, i, more).values():
        yield Slip(text.format(it=it, **names), nodes={i: compute}, rough=rough)


def reductions(graph, i, more=()):
    """What can go wrong at a sum or a mean: kind -> (sentence, the sentence where it goes wrong at
    every one, what the node then computes, rough).
    """
    node = graph.nodes[i]
    if node.op not in ("sum", "mean"):
        return {}
    shape = graph.nodes[node.inputs[0]].shape
    own = node.params["axis"]
    own = tuple(range(len(shape))) if own is None else own
    found = {}

    def add(kind, text, compute, rough=False, every=None):
        found[kind] = (
            text,
            every or text.format(it=f"every {node.op}", a="any array"),
            compute,
            rough,
        )

    if node.op == "mean":
        add("sum", "the 1/m of {it} is left out", np.sum)
        add("less", "{it} divides by m - 1 instead of m", _mean_less_one)
        diagonal = "only the diagonal of the Jacobian is kept: no sum runs over the other samples"
        alone = "{it} is no sum: only each sample's own share, 1/m of it, is kept"
        add("own", alone, _own_share, False, diagonal)
        add("none", "the mean of {a} is not taken", _as_it_is, True)
        sizes = {np.prod([shape[k] for k in axes], dtype=int) for axes in _axes(shape)} | {*more}
        for size in sorted(sizes - {1, _size(shape, own)}):
            add(("size", size), "{it} divides by the size of the wrong axis", _over(size), True)
    else:
        add("mean", "{it} is a mean where a sum is wanted", np.mean)
        add("none", "the sum of {a} is not taken", _as_it_is, True)
    wrong = "axis" if len(shape) == 2 else "axes"
    for axes in _axes(shape):
        if _size(shape, axes) == 1 or axes == own:
            continue
        whole = len(axes) == len(shape)
        text = (
            "{it} has no axis, so it runs over everything"
            if whole
            else f"{{it}} runs over the wrong {wrong}"
        )
        for keepdims in (True, False):
            add((axes, keepdims), text, _across(OPS[node.op].forward, axes, keepdims), True)
            if node.op == "mean":
                compute = _over(_size(shape, own), axes, keepdims)
                add((axes, keepdims, "own size"), text, compute, True)
    return found


def _axes(shape):
    """Every choice of axes, from few to many."""
    every = range(len(shape))
    return [axes for n in range(1, len(shape) + 1) for axes in combinations(every, n)]


def _size(shape, axes):
    return int(np.prod([shape[k] for k in axes], dtype=int))


def _mean_less_one(a, axis=None, keepdims=False):
    mean = np.mean(a, axis=axis, keepdims=keepdims)
    m = np.size(a) / max(np.size(mean), 1)
    return mean * m / (m - 1) if m > 1 else mean


def _own_share(a, axis=None, keepdims=False):
    return a * (np.size(np.mean(a, axis=axis)) / np.size(a))


def _as_it_is(a, axis=None, keepdims=False):
    return a


def _across(operation, axes, keep):
    """The operation over other axes than its own; kept, or dropped if then the shapes still fit."""
    return lambda a, axis=None, keepdims=False: operation(a, axis=axes, keepdims=keep)


def _over(size, axes=None, keep=None):
    """A sum over the node's own axes, or others, divided by a size of its own."""

    def mean(a, axis=None, keepdims=False):
        kept = keepdims if keep is None else keep
        return np.sum(a, axis=axis if axes is None else axes, keepdims=kept) / size

    return mean


def _everywhere(graph, sizes):
    """What goes wrong at every mean, or at every sum, in the same way."""
    for op in ("mean", "sum"):
        places = {
            i: reductions(graph, i, sizes) for i, node in enumerate(graph.nodes) if node.op == op
        }
        if len(places) < 2:
            continue
        for kind in next(iter(places.values())):
            alike = {i: found[kind] for i, found in places.items() if kind in found}
            if len(alike) == len(places):
                text = next(iter(alike.values()))[1]
                yield Slip(text, nodes={i: found[2] for i, found in alike.items()}, rough=True)


def _swapped_everywhere(graph, known):
    """Another value in place of an input, wherever that is used."""
    for i, node in enumerate(graph.nodes):
        if node.op != "input" or named_once(graph, i):
            continue
        for other, shape in known.items():
            if other != node.name and _alike(shape, node.shape):

                def change(v, names, other=other):
                    return np.reshape(names[other], np.shape(v))

                text = f"{other} is used where {node.name} belongs"
                yield Slip(text, inputs={node.name: change}, rough=True)


def _swaps(graph, i, known):
    """Another named value of the same shape in place of a named one."""
    node = graph.nodes[i]
    for slot, source in enumerate(node.inputs):
        name, shape = graph.nodes[source].name, graph.nodes[source].shape
        if not name:
            continue
        earlier = {n.name: n.shape for n in graph.nodes[:i] if n.name}
        place = "" if named_once(graph, source) else f", in {written(graph, i)}"
        for other, its in {**known, **earlier}.items():
            if other != name and _alike(its, shape):

                def change(v, names, other=other):
                    return np.reshape(names[other], np.shape(v))

                text = f"{other} is used where {name} belongs{place}"
                yield Slip(text, {Edge(i, slot): change}, rough=True)


def _alike(one, other):
    return [n for n in one if n != 1] == [n for n in other if n != 1]
