"""What a graph proves of its values and gradients, for every input: which sums are 0.

A centred value, ``x - x.mean(axis=0)``, sums to 0 along the axis of its mean; so does a multiple of
it, if the factor is the same along that axis. And what comes back to a value that is used to be
centred and for nothing else sums to 0 as well: moved as a whole, it changes nothing.
"""

from ..ops import OPS


class Proofs:
    """``lengths``: for each node, one (node, axis) an axis, the first that has this length."""

    def __init__(self, graph, cut):
        self.graph, self.cut = graph, cut
        self.uses = {i: [] for i in range(len(graph.nodes))}
        for edge in graph.edges:
            self.uses[graph.nodes[edge.target].inputs[edge.slot]].append(edge)
        self.lengths = []
        for i in range(len(graph.nodes)):
            self.lengths.append(self._lengths(i))
        self._centred = {}

    def _lengths(self, i):
        node, nodes = self.graph.nodes[i], self.graph.nodes
        kind = OPS[node.op].kind if node.inputs else ""
        own = [(i, axis) for axis in range(len(node.shape))]
        if kind == "entrywise":
            for axis in range(-len(node.shape), 0):
                known = [
                    self.lengths[k][axis]
                    for k in node.inputs
                    if len(nodes[k].shape) >= -axis and nodes[k].shape[axis] == node.shape[axis]
                ]
                known = [source for source in known if source is not None]
                known.sort(key=lambda source: (nodes[source[0]].op == "constant", source))
                own[axis] = known[0] if known else None
        elif kind == "reduction":
            source, axes = self.lengths[node.inputs[0]], summed_axes(self.graph, i)
            kept = [None if a in axes else length for a, length in enumerate(source)]
            own = kept if node.params["keepdims"] else [
                length for a, length in enumerate(source) if a not in axes
            ]
        elif node.op == "transpose" and not node.params:
            own = self.lengths[node.inputs[0]][::-1]
        elif node.op == "matmul":
            left, right = (self.lengths[k] for k in node.inputs)
            own = [*left[:-1], *right[1:]] if len(right) < 3 and len(left) < 3 else own
        return own

    # --- Centring ---

    def mean_of(self, i):
        """``(a, axes)`` if node i is the mean of a over axes (counted from the last) and stands
        over a as broadcasting puts it; else None.
        """
        node = self.graph.nodes[i]
        if node.op != "mean":
            return None
        (a,) = node.inputs
        axes, ndim = summed_axes(self.graph, i), len(self.graph.nodes[a].shape)
        if not node.params["keepdims"] and sorted(axes) != list(range(len(axes))):
            return None
        return a, frozenset(axis - ndim for axis in axes)

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
        if target in self.graph.outputs and not self.centring(target):
            return None
        found = self.centring(target)
        if found and slot == 0 and found[0] == i:
            return None if (target, 1) in self.cut else found[2]
        if (found := self.mean_of(target)) and found[0] == i:
            for other in self.uses[target]:
                there = self.centring(other.target)
                if other.slot != 1 or not there or there[0] != i or other in self.cut:
                    return None
                if (other.target, 0) in self.cut:
                    return None
            return found[1]
        return None

    # --- Sums of terms ---

    def sums_to_zero(self, terms, term, full, axes):
        """Why a term sums to 0 over ``axes`` of an array of shape ``full``, as a note; else None."""
        ndim = len(full)
        summed = {axis - ndim for axis in axes}
        coefficient, factors, divisors = terms.split(term)
        for k, factor in enumerate(factors):
            found = None
            if factor.op == "value":
                found = self.centred_along(factor.data)
            elif factor.op == "gradient":
                along = self.gradient_is_centred(factor.data)
                found = along and (along, factor.data)
            if not found or not found[0] <= summed:
                continue
            others = [*factors[:k], *factors[k + 1 :], *divisors]
            if all(-a > len(t.shape) or t.shape[a] == 1 for t in others for a in found[0]):
                return ("zero", factor.op, found[1], tuple(sorted(a + ndim for a in found[0])))
        return None


def summed_axes(graph, i):
    """The axes that a reduction sums over, counted from the first."""
    node = graph.nodes[i]
    axis, ndim = node.params["axis"], len(graph.nodes[node.inputs[0]].shape)
    return tuple(range(ndim)) if axis is None else tuple(axis)
