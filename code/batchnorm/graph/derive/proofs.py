"""What a graph proves of its values and gradients, for every input: which sums are 0.

A centred value, ``x - x.mean(axis=0)``, sums to 0 along the axis of its mean; so does a multiple of
it, if the factor is the same along that axis. And what comes back to a value that is used to be
centred and for nothing else sums to 0 as well: moved as a whole, it changes nothing.
"""

import math

from ..graph import Edge
from ..ops import OPS
from ..ops.shapes import views_only


class Proofs:
    """``lengths``: for each node, one (node, axis) an axis, the first that has this length."""

    def __init__(self, graph, cut):
        self.graph, self.nodes, self.cut = graph, graph.nodes, cut
        self.uses = {i: [] for i in range(len(graph.nodes))}
        for edge in graph.edges:
            self.uses[graph.nodes[edge.target].inputs[edge.slot]].append(edge)
        self.lengths, self._is = [], {}
        for i in range(len(graph.nodes)):
            self.lengths.append(self._lengths(i))
        self._centred = {}

    def _lengths(self, i):
        node, nodes = self.graph.nodes[i], self.graph.nodes
        own = [(i, axis) for axis in range(len(node.shape))]
        if not node.inputs:
            return own
        kind = OPS[node.op].kind
        if kind == "entrywise":
            for axis in range(-len(node.shape), 0):
                found = [
                    self.lengths[k][axis]
                    for k in node.inputs
                    if len(nodes[k].shape) >= -axis and nodes[k].shape[axis] == node.shape[axis]
                ]
                own[axis] = self._same([length for length in found if length])
        elif kind == "reduction":
            source, axes = self.lengths[node.inputs[0]], summed_axes(self.graph, i)
            own = [None if a in axes else length for a, length in enumerate(source)]
            if not node.params["keepdims"]:
                own = [length for a, length in enumerate(source) if a not in axes]
        elif node.op == "transpose" and not node.params:
            own = self.lengths[node.inputs[0]][::-1]
        elif node.op == "matmul":
            left, right = (self.lengths[k] for k in node.inputs)
            if max(len(left), len(right)) < 3:
                self._same([length for length in (left[-1], right[0]) if length])
                own = [*left[:-1], *right[1:]]
        return own

    def _same(self, lengths):
        """Note that lengths are the same; the one to tell them by, an input's if there is one."""
        lengths = sorted({self.length(length) for length in lengths}, key=self._rank)
        for length in lengths[1:]:
            self._is[length] = lengths[0]
        return lengths[0] if lengths else None

    def _rank(self, length):
        op = self.graph.nodes[length[0]].op
        return ("input", op, "constant").index(op) if op in ("input", "constant") else 1, length

    def length(self, length):
        """The (node, axis) that a length is read from."""
        while length in self._is:
            length = self._is[length]
        return length

    # --- Centring ---

    def mean_of(self, i):
        """``(a, axes, edges)`` if node i is the mean of a over axes (counted from the last) and
        stands over a as broadcasting puts it; else None.

        It may be a sum that is divided by the number of its entries, or multiplied by 1 over it,
        and may have been given axes of length 1 since. ``edges`` lead from node i down to a.
        """
        edges, factor, k = [], 1.0, i
        while self.nodes[k].op not in ("mean", "sum"):
            slot, by = self.step(k)
            if slot is None:
                return None
            factor *= by
            edges.append(Edge(k, slot))
            k = self.nodes[k].inputs[slot]
        if not self.nodes[k].inputs:
            return None
        (a,) = self.nodes[k].inputs
        axes, shape = summed_axes(self.graph, k), self.nodes[a].shape
        entries = math.prod(shape[axis] for axis in axes) if self.nodes[k].op == "sum" else 1
        if abs(factor * entries - 1) > 1e-12 or not self.stands_over(i, a, axes):
            return None
        return a, frozenset(axis - len(shape) for axis in axes), [*edges, Edge(k, 0)]

    def step(self, k):
        """``(slot, factor)`` if node k is that input with other axes of length 1, or times a
        number; ``(None, 1)`` otherwise.
        """
        node = self.nodes[k]
        if node.op == "reshape" or (node.op == "getitem" and views_only(node.params["index"])):
            return (0, 1.0) if node.inputs else (None, 1)
        for slot, other in ((0, 1), (1, 0)):
            if node.op == "multiply" or (node.op == "divide" and slot == 0):
                number = self.number(node.inputs[other]) if node.inputs else None
                if number:
                    return slot, 1 / number if node.op == "divide" else number
        return None, 1

    def number(self, k):
        """The number that node k is, or None."""
        node = self.nodes[k]
        plain = node.op == "constant" and not node.shape
        return float(node.params["value"]) if plain else None

    def stands_over(self, i, a, axes):
        """Whether node i, a reduction of a over axes, lines up with a as broadcasting puts it."""
        shape, full = self.nodes[i].shape, self.nodes[a].shape
        kept = tuple(1 if axis in axes else n for axis, n in enumerate(full))
        first = sorted(axes) == list(range(len(axes)))
        return shape == kept or (first and shape == full[len(axes) :])

    def over(self, i):
        """The axes of a reduction, from the last, if its result lines up with what it reduces as
        broadcasting puts it; else None.
        """
        node = self.graph.nodes[i]
        axes, ndim = summed_axes(self.graph, i), len(self.graph.nodes[node.inputs[0]].shape)
        if not node.params["keepdims"] and sorted(axes) != list(range(len(axes))):
            return None
        return frozenset(axis - ndim for axis in axes)

    def centring(self, i):
        """``(a, mean, axes)`` if node i is a less its own mean over axes; else None."""
        node = self.graph.nodes[i]
        if node.op != "subtract":
            return None
        a, mean = node.inputs
        found = self.mean_of(mean)
        return (a, mean, found[1]) if found and found[0] == a and found[1] else None

    def centred_along(self, i):
        """``(axes, node)`` if node i sums to 0 along axes, because that node is centred there."""
        if i not in self._centred:
            self._centred[i] = self._centred_along(i)
        return self._centred[i]

    def _centred_along(self, i):
        node = self.graph.nodes[i]
        if found := self.centring(i):
            return found[2], i
        if node.op == "negative":
            return self.centred_along(node.inputs[0])
        if node.op in ("multiply", "divide"):
            order = [0, 1] if node.op == "multiply" else [0]
            for slot in order:
                found = self.centred_along(node.inputs[slot])
                other = self.graph.nodes[node.inputs[1 - slot]].shape
                if found and all(-axis > len(other) or other[axis] == 1 for axis in found[0]):
                    return found
        return None

    def gradient_is_centred(self, i):
        """The axes along which what comes back to node i sums to 0, because it is used to be
        centred along them and for nothing else; else None.
        """
        if i in self.graph.outputs:
            return None
        common = None
        uses = self.uses[i]
        for target, slot in uses:
            if (target, slot) in self.cut:
                return None
            axes = self._centres(i, target, slot)
            if axes is None or common not in (None, axes):
                return None
            common = axes
        return common

    def _centres(self, i, target, slot):
        found = self.centring(target)
        if found and slot == 0 and found[0] == i:
            return None if (target, 1) in self.cut else found[2]
        return self._only_centres(target, i) if self.nodes[target].op in ("mean", "sum") else None

    def _only_centres(self, k, i):
        """The axes along which all uses of node k, a step to the mean of node i, centre node i."""
        common = None
        for use in self.uses[k]:
            found = self.centring(use.target)
            if found and use.slot == 1 and found[0] == i and (use.target, 0) not in self.cut:
                axes = found[2]
            elif self.step(use.target)[0] == use.slot:
                axes = self._only_centres(use.target, i)
            else:
                axes = None
            if axes is None or use in self.cut or common not in (None, axes):
                return None
            common = axes
        return None if k in self.graph.outputs else common

    def only_shares(self, i):
        """The axes along which node i is used as a share of its own sum and for nothing else, so
        that scaling it changes nothing, and it times what comes back sums to 0; else None.
        """
        common = None
        for target, slot in self.uses[i]:
            share = self.graph.nodes[target]
            if (target, slot) in self.cut or i in self.graph.outputs:
                return None
            if share.op == "divide" and slot == 0:
                whole = share.inputs[1]
                edges = [(target, 1)]
            elif share.op in ("sum", "mean"):
                whole, edges = target, []
                others = [self.graph.nodes[use.target] for use in self.uses[target]]
                if target in self.graph.outputs or not all(
                    other.op == "divide" and other.inputs == (i, target) for other in others
                ):
                    return None
                edges = [edge for use in self.uses[target] for edge in ((use.target, 0), use)]
            else:
                return None
            axes = self._whole(whole, i)
            if axes is None or common not in (None, axes) or self.cut & set(edges):
                return None
            common = axes
        return common

    def _whole(self, whole, i):
        """The axes over which a node sums node i, if it does."""
        node = self.graph.nodes[whole]
        if node.op not in ("sum", "mean") or node.inputs != (i,):
            return None
        return self.over(whole)

    # --- Sums of terms ---

    def sums_to_zero(self, terms, term, full, axes):
        """Why a term sums to 0 over ``axes`` of an array of shape ``full``: a note; else None."""
        ndim = len(full)
        summed = {axis - ndim for axis in axes}
        _, factors, divisors = terms.split(term)
        for k, factor in enumerate(factors):
            for found, node, why, also in self._reasons(terms, factor, factors):
                others = [*factors[:k], *factors[k + 1 :], *divisors]
                others = [other for other in others if other is not also]
                along = [axis for axis in found if axis in summed]
                if len(along) == len(found) and all(
                    -axis > len(other.shape) or other.shape[axis] == 1
                    for other in others
                    for axis in found
                ):
                    return ("zero", why, term, node, tuple(sorted(a + ndim for a in found)))
        return None

    def _reasons(self, terms, factor, factors):
        """``(axes, node, kind, partner)`` for each reason for which a factor, times its partner if
        it has one, sums to 0.
        """
        if factor.op == "value" and (found := self.centred_along(factor.data)):
            yield *found, "value", None
        if factor.op == "gradient":
            i = factor.data
            if axes := self.gradient_is_centred(i):
                yield axes, i, "gradient", None
            if axes := self.only_shares(i):
                value = terms.value(i)
                if value in factors:
                    yield axes, i, "share", value
            _, inner, divisors = terms.split(terms.definitions[factor])
            if len(inner) == 2 and not divisors:
                for one, other in (inner, inner[::-1]):
                    i = one.data
                    if one.op == "gradient" and other is terms.value(i):
                        axes = self.only_shares(i)
                        yield from [(axes, i, "share", None)] if axes else []


def summed_axes(graph, i):
    """The axes that a reduction sums over, counted from the first."""
    node = graph.nodes[i]
    axis, ndim = node.params["axis"], len(graph.nodes[node.inputs[0]].shape)
    return tuple(range(ndim)) if axis is None else tuple(axis)
