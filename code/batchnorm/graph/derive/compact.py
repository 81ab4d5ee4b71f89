"""Recognise a normalization in a graph: the few steps whose gradient is one short line.

With ``c = x - mean x`` (or x itself), ``s = sqrt(mean c² + eps)`` and ``x_hat = c / s``, what comes
back to x from a gradient g at x_hat is::

    (g - mean g - x_hat * mean(g * x_hat)) / s

for batch, layer, group and instance norm alike, and without ``mean g`` for a root mean square. With
eps outside the root, ``s = sigma + eps``, the second ``x_hat`` is ``c / sigma``.
"""

import contextlib
import math
from typing import NamedTuple

from ..graph import Edge
from .proofs import summed_axes


class Normalization(NamedTuple):
    """A normalization: nodes of its graph, by index."""

    x_hat: int  # where the gradient comes in: c / s, or gamma * c / s
    source: int  # x
    centred: int  # c; x itself where no mean is taken off
    scale: int  # s, or 1 / s if it is multiplied by
    gamma: int | None  # what c was multiplied by before it was divided
    inverse: bool  # whether scale is 1 / s
    sigma: int | None  # the root, if eps was added to it
    moment: int  # mean c², or the sum of c² that a number divides
    divisor: float | None  # that number
    inside: frozenset  # the nodes that have no other use
    edges: frozenset  # the edges by which x_hat sends to them

    def sent(self, backward, d):
        """What comes back to x, as a term."""
        graph, terms = backward.graph, backward.terms
        value = terms.value
        d = backward.spread(d, self.x_hat)
        c, s = value(self.centred), value(self.scale)
        g, h = d, value(self.x_hat)
        if self.gamma is not None:
            g = terms.product(1, [d, value(self.gamma)])
            h = terms.product(1, [c, s]) if self.inverse else terms.product(1, [c], [s])
            terms.hints |= {g: "dnormalized", h: "normalized"}
        node = graph.nodes[self.moment]
        axis, words = node.params["axis"], []
        if axis is not None and len(axis) < len(graph.nodes[self.source].shape):
            words.append(f"axis={axis[0] if len(axis) == 1 else tuple(axis)}")
        first = axis is None or sorted(axis) == list(range(len(axis)))
        words += ["keepdims=True"] * (node.params["keepdims"] or not first)
        given = ", ".join(words)
        text = "g"
        if self.centred != self.source:
            text += f" - g.mean({given})"
        share = f"(g * h).mean({given})"
        if self.divisor is not None:
            share = f"(g * h).sum({given}) / {self.divisor!r}"
        text += f" - {'c / sigma' if self.sigma is not None else 'h'} * {share}"
        names = {"g": g, "h": h, "c": c, "s": s}
        if self.sigma is not None:
            names["sigma"] = value(self.sigma)
        return terms.read(f"({text}) {'*' if self.inverse else '/'} s", names)

    def comment(self, word):
        """What was recognised, in words; ``word`` names a node."""
        x = word(self.source)
        how = "over its root mean square"
        if self.centred != self.source:
            how = "minus its mean, over its standard deviation"
        return f"{x} {how}: all paths back to {x} in one line"


class _No(Exception):
    """Raised where there is no normalization."""


def normalizations(graph, proofs, cut, needed):
    """Every normalization whose gradient is exactly the line above; see `Normalization`."""
    found = []
    for i in range(len(graph.nodes)):
        with contextlib.suppress(_No):
            found.append(_Finder(graph, proofs, cut, needed).at(i))
    return found


class _Finder:
    def __init__(self, graph, proofs, cut, needed):
        self.nodes, self.outputs, self.proofs = graph.nodes, graph.outputs, proofs
        self.cut, self.needed = cut, needed

    def at(self, i):
        """The normalization that ends in node i. Raises _No if there is none."""
        node = self.nodes[i]
        _want(node.op in ("divide", "multiply"))
        _want(any(self.needed[k] for k in node.inputs))
        for over, scale in self._ways(node):
            for centred, gamma, edges in self._numerators(i, over):
                try:
                    return self._between(i, centred, gamma, scale, edges)
                except _No:
                    continue
        raise _No

    def _ways(self, node):
        a, b = node.inputs
        return [(0, b)] if node.op == "divide" else [(0, b), (1, a)]

    def _numerators(self, i, slot):
        """c, what it was multiplied by, and the edges over which node i reaches it."""
        node = self.nodes[i]
        k = node.inputs[slot]
        other = Edge(i, 1 - slot)
        yield k, None, {Edge(i, slot), other}
        product = self.nodes[k]
        if product.op == "multiply" and len(self.proofs.uses[k]) == 1 and k not in self.outputs:
            yield product.inputs[1], product.inputs[0], {Edge(k, 1), other}
            yield product.inputs[0], product.inputs[1], {Edge(k, 0), other}

    def _between(self, i, centred, gamma, scale, edges):
        nodes, proofs = self.nodes, self.proofs
        self.chain, self.taken = set(), set(edges)
        inverse = nodes[i].op == "multiply"
        at, power = self._under_one(scale) if inverse else (scale, 0.5)
        at, sigma = self._root(at, power)
        moment, divisor = self._moment(at, centred)
        source, mean, taken_off = proofs.centring(centred) or (centred, None, None)
        axes = summed_axes(proofs.graph, moment)
        last = frozenset(axis - len(nodes[source].shape) for axis in axes)
        _want(taken_off in (None, last))
        _want(all(proofs.stands_over(k, source, axes) for k in (scale, sigma) if k is not None))
        _want(nodes[centred].shape == nodes[i].shape == nodes[source].shape)
        if mean is not None:
            down = proofs.mean_of(mean)[2]
            self.chain |= {centred, *(edge.target for edge in down)}
            self.taken |= {Edge(centred, 0), Edge(centred, 1), *down}
        for k in self.chain:
            # Nothing else may use what lies between, and nothing else be asked for through it
            _want(k not in self.outputs)
            _want(all(edge in self.taken for edge in proofs.uses[k]))
            for slot, other in enumerate(nodes[k].inputs):
                _want(Edge(k, slot) in self.taken or not self.needed[other])
        _want(not self.taken & self.cut)
        if gamma is not None:
            _want(nodes[gamma].shape == nodes[i].shape or self._broadcasts(gamma, i))
        return Normalization(
            *(i, source, centred, scale, gamma, inverse, sigma, moment, divisor),
            frozenset(self.chain),
            frozenset(edges),
        )

    def _broadcasts(self, k, i):
        return len(self.nodes[k].shape) <= len(self.nodes[i].shape)

    def _step(self, k, slot):
        """Go from node k to one of its inputs, as part of the chain."""
        self.chain.add(k)
        self.taken.add(Edge(k, slot))
        return self.nodes[k].inputs[slot]

    def _through(self, k):
        """Down from a node that only has other axes of length 1 than its input."""
        while self.nodes[k].op in ("reshape", "getitem") and self.proofs.step(k)[0] == 0:
            k = self._step(k, 0)
        return k

    def _under_one(self, k):
        """From 1 / s to s, and the power that it has to be of what is under its root."""
        k = self._through(k)
        node = self.nodes[k]
        if node.op == "divide" and self.proofs.number(node.inputs[0]) == 1:
            return self._step(k, 1), 0.5
        return k, -0.5

    def _root(self, k, power):
        """What is under the root, and the root if something is added to it."""
        k, sigma = self._through(k), None
        if self.nodes[k].op == "add" and power == 0.5:
            inputs = self.nodes[k].inputs
            below = [self._is_root(self._below(other), power) for other in inputs]
            _want(any(below))
            sigma = self._step(k, below.index(True))
            k = self._through(sigma)
        _want(self._is_root(k, power))
        return self._step(k, 0), sigma

    def _below(self, k):
        while self.nodes[k].op in ("reshape", "getitem") and self.proofs.step(k)[0] == 0:
            k = self.nodes[k].inputs[0]
        return k

    def _is_root(self, k, power):
        node = self.nodes[k]
        if node.op == "sqrt":
            return power == 0.5
        return node.op == "power" and self.proofs.number(node.inputs[1]) == power

    def _moment(self, k, centred):
        """The mean of squares, or the sum that a number divides, under the root, and that number;
        eps may be added to it.
        """
        k = self._through(k)
        if self.nodes[k].op == "add":
            slots = [s for s, other in enumerate(self.nodes[k].inputs) if self._is_moment(other)]
            _want(len(slots) == 1)
            k = self._step(k, slots[0])
        factor = 1.0
        while self.nodes[k].op not in ("mean", "sum"):
            slot, by = self.proofs.step(k)
            _want(slot is not None and by > 0)
            factor *= by
            k = self._step(k, slot)
        square = self._step(k, 0)
        axes, shape = summed_axes(self.proofs.graph, k), self.nodes[square].shape
        if self.nodes[k].op == "sum":
            factor *= math.prod(shape[axis] for axis in axes)
        divisor = None
        if abs(factor - 1) > 1e-12:
            _want(self.nodes[k].op == "sum")
            divisor = math.prod(shape[axis] for axis in axes) / factor
            divisor = round(divisor) if abs(divisor - round(divisor)) < 1e-9 else divisor
        node = self.nodes[square]
        two = node.op == "power" and self.proofs.number(node.inputs[1]) == 2
        same = node.op == "multiply" and node.inputs[0] == node.inputs[1]
        _want((two or same or node.op == "square") and node.inputs[0] == centred)
        self.chain.add(square)
        self.taken |= {Edge(square, slot) for slot in range(2 if same else 1)}
        return k, divisor

    def _is_moment(self, k):
        """Whether a node is a mean or a sum, or one of them in other axes or times a number."""
        while self.nodes[k].op not in ("mean", "sum"):
            slot, _ = self.proofs.step(k)
            if slot is None:
                return False
            k = self.nodes[k].inputs[slot]
        return True


def _want(true):
    if not true:
        raise _No
