"""Recognise a normalization in a graph: the few steps whose gradient is one short line.

With ``c = x - mean x`` (or x itself), ``s = sqrt(mean c² + eps)`` and ``x_hat = c / s``, what comes
back to x from a gradient g at x_hat is::

    (g - mean g - x_hat * mean(g * x_hat)) / s

for batch, layer, group and instance norm alike, and without ``mean g`` for a root mean square. With
eps outside the root, ``s = sigma + eps``, the second ``x_hat`` is ``c / sigma``.
"""

import contextlib
from typing import NamedTuple

from ..graph import Edge


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
        words += ["keepdims=True"] * node.params["keepdims"]
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
            how = "less its mean, over its standard deviation"
        return f"{x} {how}: all ways back to {x} in one line"


class _No(Exception):
    """This is no normalization."""


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
        """c, what it was multiplied by, and the edges over which it hears of node i."""
        node = self.nodes[i]
        k = node.inputs[slot]
        other = Edge(i, 1 - slot)
        yield k, None, {Edge(i, slot), other}
        product = self.nodes[k]
        if product.op == "multiply" and len(self.proofs.uses[k]) == 1 and k not in self.outputs:
            yield product.inputs[1], product.inputs[0], {Edge(k, 1), other}
            yield product.inputs[0], product.inputs[1], {Edge(k, 0), other}

    def _between(self, i, centred, gamma, scale, edges):
        nodes = self.nodes
        self.chain, self.taken = set(), set(edges)
        inverse = nodes[i].op == "multiply"
        at, power = self._under_one(scale) if inverse else (scale, 0.5)
        at, sigma = self._root(at, power)
        moment, divisor = self._moment(at, centred)
        taken_off = self.proofs.centring(centred)
        source, mean, axes = taken_off or (centred, None, self.proofs.over(moment))
        _want(axes is not None and axes == self.proofs.over(moment))
        _want(nodes[centred].shape == nodes[i].shape == nodes[source].shape)
        if mean is not None:
            self.chain |= {centred, mean}
            self.taken |= {Edge(centred, 0), Edge(centred, 1), Edge(mean, 0)}
        for k in self.chain:
            # Nothing else may use what lies between, and nothing else be asked for through it
            _want(k not in self.outputs)
            _want(all(edge in self.taken for edge in self.proofs.uses[k]))
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

    def _under_one(self, k):
        """From 1 / s to s, and the power that it has to be of what is under its root."""
        node = self.nodes[k]
        if node.op == "divide" and self._number(node.inputs[0]) == 1:
            return self._step(k, 1), 0.5
        return k, -0.5

    def _root(self, k, power):
        """What stands under the root, and the root if something is added to it."""
        node, sigma = self.nodes[k], None
        if node.op == "add" and power == 0.5:
            slot = next((s for s in (0, 1) if self._is_root(node.inputs[s], power)), None)
            _want(slot is not None)
            k = sigma = self._step(k, slot)
        _want(self._is_root(k, power))
        return self._step(k, 0), sigma

    def _is_root(self, k, power):
        node = self.nodes[k]
        if node.op == "sqrt":
            return power == 0.5
        return node.op == "power" and self._number(node.inputs[1]) == power

    def _moment(self, k, centred):
        """The mean of squares, or the sum that a number divides, under the root, and that number;
        eps may be added to it.
        """
        if self.nodes[k].op == "add":
            inputs = self.nodes[k].inputs
            slots = [s for s in (0, 1) if self.nodes[inputs[s]].op in ("mean", "divide")]
            _want(len(slots) == 1)
            k = self._step(k, slots[0])
        divisor = None
        if self.nodes[k].op == "divide":
            divisor = self._number(self.nodes[k].inputs[1])
            _want(divisor is not None and divisor > 0)
            divisor = int(divisor) if divisor.is_integer() else divisor
            k = self._step(k, 0)
        _want(self.nodes[k].op == ("mean" if divisor is None else "sum"))
        square = self._step(k, 0)
        node = self.nodes[square]
        two = node.op == "power" and self._number(node.inputs[1]) == 2
        same = node.op == "multiply" and node.inputs[0] == node.inputs[1]
        _want((two or same or node.op == "square") and node.inputs[0] == centred)
        self.chain.add(square)
        self.taken |= {Edge(square, slot) for slot in range(2 if same else 1)}
        return k, divisor

    def _number(self, k):
        node = self.nodes[k]
        if node.op != "constant" or node.shape:
            return None
        return float(node.params["value"])


def _want(true):
    if not true:
        raise _No
