"""The gradient of each node as a term: the chain rule, walked back over the graph."""

import functools

from ..graph import Edge
from ..ops import OPS
from .proofs import Proofs, summed_axes
from .terms import Terms, source_of

INLINE = 5  # an unnamed step is written into the next line while that has no more parts than this


class Backward:
    """The gradients of the nodes in ``wrt``, and of all on the way to them.

    ``gradients[i]`` is the term of what arrives at node i, None where nothing does; ``notes`` say
    what was simplified there, and what was cut, by the node at which the reader meets it.
    """

    def __init__(self, graph, cut, wrt, normalizations=()):
        self.graph, self.cut = graph, cut
        self.wrt = wrt
        self.proofs = Proofs(graph, cut)
        self.terms = Terms(graph, self.proofs)
        self.compact = {norm.x_hat: norm for norm in normalizations}
        inside = {i for norm in normalizations for i in norm.inside}
        self.replaced = {edge for norm in normalizations for edge in norm.edges}
        self.needed = self._needed(inside)
        self.gradients = [None] * len(graph.nodes)
        self.notes = {i: [] for i in range(len(graph.nodes))}
        self.place = {}  # node -> where in the walk its gradient is complete
        self._walk()

    def _needed(self, inside):
        """Which nodes' gradients lead to one that is asked for."""
        needed = []
        for i, node in enumerate(self.graph.nodes):
            ways = [k for slot, k in enumerate(node.inputs) if self.carries(i, slot)]
            if i in self.compact:
                ways.append(self.compact[i].source)
            leads = i in self.wrt or any(needed[k] for k in ways)
            needed.append(leads and i not in inside)
        return needed

    def carries(self, i, slot):
        """Whether anything goes back over an edge: it is not cut, and has a rule."""
        op = OPS[self.graph.nodes[i].op]
        return Edge(i, slot) not in self.cut and op.rule(slot) is not None

    def source(self, edge):
        """The node at which an edge starts; None if its end leads to no output."""
        inputs = self.graph.nodes[edge.target].inputs
        return inputs[edge.slot] if inputs else None

    def matters(self, edge):
        """Whether something asked for would come back over a cut edge."""
        behind, pending = set(), [self.source(edge)]
        while pending:
            i = pending.pop()
            if i is not None and i not in behind:
                behind.add(i)
                pending += self.graph.nodes[i].inputs
        return bool(behind & {*self.wrt})

    def live(self, i):
        """The edges over which node i sends something back that is used."""
        return [
            Edge(i, slot)
            for slot, source in enumerate(self.graph.nodes[i].inputs)
            if self.needed[source] and self.carries(i, slot) and Edge(i, slot) not in self.replaced
        ]

    def _walk(self):
        graph, terms = self.graph, self.terms
        arrived = {i: [] for i in range(len(graph.nodes))}
        for i in graph.outputs:
            arrived[i].append(terms.upstream(i))
            self.place[i] = len(graph.nodes)
        for i in reversed(range(len(graph.nodes))):
            if not self.needed[i]:
                continue
            term = terms.total(arrived[i])
            if term is not None:
                term = self._named(i, term)
            self.gradients[i] = term
            if term is None:
                continue
            if i in self.compact:
                norm = self.compact[i]
                arrived[norm.source].append(norm.sent(self, term))
                self.notes[norm.source].append(("compact", norm))
                self.place[norm.source] = i
            for edge in self.live(i):
                source = graph.nodes[i].inputs[edge.slot]
                terms.notes = []
                sent = self.sent(i, edge.slot, term)
                if OPS[graph.nodes[i].op].kind == "entrywise":
                    sent = terms.reduced(sent, i, graph.nodes[source].shape)
                elif sent.shape != graph.nodes[source].shape:
                    sent = terms.narrowed(sent, graph.nodes[source].shape)
                self.notes[source] += terms.notes
                arrived[source].append(sent)
                self.place[source] = i

    def _named(self, i, term):
        """A reference to the gradient, where it deserves a line of its own; else the term."""
        if term.op in ("gradient", "upstream") and i not in self.wrt:
            return term
        node = self.graph.nodes[i]
        if i in self.wrt and term.shape != node.shape:
            names = {"d": term, "y": self.terms.value(i)}
            term = self.terms.read("np.broadcast_to(d, y.shape).copy()", names)
        lines = node.name or i in self.wrt or len(self.live(i)) > 1 or i in self.compact
        if lines or term.op != "product" or self.size(term) > INLINE or "sum" in self.ops(term):
            return self.terms.gradient(i, term)
        return term

    def ops(self, term):
        """The operations that a term is made of."""
        return {term.op}.union(*map(self.ops, term.args))

    def size(self, term):
        """How many leaves a term has."""
        return sum(map(self.size, term.args)) if term.args else 1

    def sent(self, i, slot, d):
        """What node i sends back over one of its edges, before a broadcast is summed."""
        graph, terms = self.graph, self.terms
        node = graph.nodes[i]
        y, kind = terms.value(i), OPS[node.op].kind
        if kind == "reduction":
            names = {"d": self._over(i, d), "y": self._over(i, y), "n": self._entries(i)}
        else:
            names = {"d": d if kind == "entrywise" else self.spread(d, i), "y": y}
        sent = source_of(node.op).sent
        text = sent[min(slot, len(sent) - 1)]
        if OPS[node.op].many and slot >= len(sent) - 1:
            return terms.filled(functools.partial(text, slot), i, names)
        return terms.filled(text, i, names)

    def spread(self, d, i):
        """``d`` with all of node i's shape."""
        if d.shape == self.graph.nodes[i].shape:
            return d
        return self.terms.read("np.broadcast_to(d, y.shape)", {"d": d, "y": self.terms.value(i)})

    def _entries(self, i):
        """How many entries a reduction takes together."""
        (a,) = self.graph.nodes[i].inputs
        lengths = [self.terms.length(a, axis) for axis in summed_axes(self.graph, i)]
        return self.terms.product(1, lengths)

    def _over(self, i, term):
        """A term of a reduction's output with new axes where it would not broadcast back."""
        node = self.graph.nodes[i]
        if node.params["keepdims"]:
            return term
        ndim = len(self.graph.nodes[node.inputs[0]].shape)
        axes = summed_axes(self.graph, i)
        left = [axis for axis in range(ndim) if axis not in axes]
        left = left[len(left) - len(term.shape) :]
        if not left or all(axis < left[0] for axis in axes):
            return term
        index = [":" if axis in left else "None" for axis in range(left[0], ndim)]
        if "None" not in index:
            return term
        return self.terms.make("index", [term], ", ".join(index))
