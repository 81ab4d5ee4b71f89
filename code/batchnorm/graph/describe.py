"""A traced graph in formulas to read: what a node is, its local derivatives, what it sends back.

>>> import numpy as np
>>> from batchnorm.graph import trace
>>> def centre(x):
...     mu = x.mean(axis=0)
...     centred = x - mu
...     return centred
>>> description = Description(trace(centre, x=np.zeros(3)))
>>> description.value(1), description.local((1, 0)), description.gradient(1)
('mean x', '1/3', 'Σ(−dL/d(x−μ))')

The formulas are beside the rules, in `ops`; a test multiplies them out and finds the same numbers.
"""

import re

from .graph import SYMBOLS
from .ops import OPS

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
# One letter with its hat and indices, a name in plain letters, or something bracketed already
ATOM = re.compile(r"[^\W\d_]\u0302?[²₀-₉]*|[A-Za-z_]+[₀-₉]*|\([^()]*\)[²³]?")
SHORT = 6  # an unnamed node shows what it is while that is no longer than this, else its sign
LONGEST = 12  # an unnamed node is written out in a formula while that is no longer than this


class Description:
    """The formulas of one graph, by node index or `Edge`."""

    def __init__(self, graph):
        self.graph = graph

    def symbol(self, i):
        """How the node is written on its own: "x̂₁" for x_hat1; unnamed ones as "c₁²" or "+"."""
        node = self.graph.nodes[i]
        stem, digits = re.fullmatch(r"(.*?)_?(\d*)", node.name).groups()
        if stem:
            return SYMBOLS.get(stem, stem) + digits.translate(SUBSCRIPTS)
        if node.op == "constant":
            return _number(node.symbol)
        value = self.value(i).replace(" ", "")
        return value if len(value) <= SHORT else node.symbol

    def term(self, i):
        """How the node is written inside a formula, in brackets where it needs them."""
        node = self.graph.nodes[i]
        if node.op == "constant":
            return self.symbol(i)
        text = self.symbol(i) if node.name else self.value(i)
        if not node.name and len(text) > LONGEST:
            return f"v{str(i + 1).translate(SUBSCRIPTS)}"
        return text if ATOM.fullmatch(text) else f"({text})"

    def title(self, i):
        """The node as an equation: "s = √(σ²+ε)", "centred = x − μ"; an input is its symbol."""
        node, value = self.graph.nodes[i], self.value(i)
        if not node.name:
            name = self.term(i)
            return f"{name} = {value}" if name.startswith("v") else value or name
        symbol = self.symbol(i)
        if symbol.replace(" ", "") == re.sub("[ ·]", "", value):  # "x−μ = x − μ" tells nothing
            symbol = node.name
        return f"{symbol} = {value}" if value else symbol

    def arrives(self, i):
        """The gradient at a node: "dL/dx̂"."""
        return f"dL/d{self.term(i)}"

    def value(self, i):
        """What a node is computed as, "" for an input: "√(σ²+ε)"."""
        node = self.graph.nodes[i]
        return self._fill(i, OPS[node.op].formula.value) if node.inputs else ""

    def local(self, edge):
        """The derivative of the edge's target by its source, all else held fixed: "1/s"."""
        return self._fill(edge[0], _of(self._formula(edge).local, edge))

    def sent(self, edge):
        """What goes back over an edge: "Σ(−dL/dx̂·x̂/s)"."""
        text = self._fill(edge[0], _of(self._formula(edge).sent, edge))
        if not self.sums(edge):
            return text
        return f"Σ({text})" if re.search("^−| ", text) else f"Σ {text}"

    def gradient(self, i):
        """The gradient at a node as the sum of what its edges bring; "" where nothing does."""
        parts = [self.sent(edge) for edge in self.leaving(i) if self._returns(edge)]
        if i in self.graph.outputs:
            parts.insert(0, "dy as given")
        return " + ".join(parts).replace("+ −", "− ")

    def leaving(self, i):
        """The edges that start at a node, later targets first: the order of the backward pass."""
        nodes, edges = self.graph.nodes, reversed(drawn_edges(self.graph))
        return [e for e in edges if nodes[e.target].inputs[e.slot] == i]

    def sums(self, edge):
        """Whether the source was broadcast on the way forward, so that backward sums."""
        source, target = self._ends(edge)
        entrywise = OPS[target.op].kind == "entrywise"
        return entrywise and source.shape != target.shape and self._returns(edge)

    def note(self, edge):
        """What happens to the shape on the way back, as a sentence; "" where nothing does."""
        source, target = self._ends(edge)
        here, there = _shape(target.shape), _shape(source.shape)
        if not self._returns(edge):
            return "A comparison has no slope: nothing goes back."
        if self.sums(edge):
            return f"Broadcast from {there} to {here} going forward, so summed coming back."
        if OPS[target.op].kind == "reduction" and source.shape != target.shape:
            if target.op in ("max", "min"):
                what = "largest" if target.op == "max" else "smallest"
                return f"The {what} of {there}, as {here}, going forward: that entry gets it back."
            return f"Summed from {there} to {here} going forward, so copied coming back."
        if target.op in ("reshape", "getitem") and source.shape != target.shape:
            return f"From {there} to {here} going forward, so each entry goes back to its place."
        return ""

    def _returns(self, edge):
        """Whether a gradient can go back over the edge."""
        return OPS[self.graph.nodes[edge[0]].op].rule(edge[1]) is not None

    def _ends(self, edge):
        target = self.graph.nodes[edge[0]]
        return self.graph.nodes[target.inputs[edge[1]]], target

    def _formula(self, edge):
        return OPS[self.graph.nodes[edge[0]].op].formula

    def _fill(self, i, pattern):
        node, nodes = self.graph.nodes[i], self.graph.nodes
        # A sum's terms need no brackets, everything else does
        plain = pattern == OPS["add"].formula.value
        shown = [self.symbol(k) if plain and nodes[k].name else self.term(k) for k in node.inputs]
        known = dict(zip("abc", shown, strict=False), all=", ".join(shown))
        if "index" in node.params:
            known["i"] = _index(node.params["index"], shown[-1:])
        if "{y}" in pattern:
            known["y"] = self.term(i) if node.name else f"({self.value(i)})"
        if "{d}" in pattern:
            known["d"] = self.arrives(i)
        if OPS[node.op].kind == "reduction":
            known["n"] = _size(nodes[node.inputs[0]].shape) // max(_size(node.shape), 1)
        if node.op == "power":
            known |= _power(nodes[node.inputs[1]], shown[1])
        return pattern.format(**known)


def _of(formulas, edge):
    return formulas[min(edge[1], len(formulas) - 1)]


def _index(index, arrays):
    """An index as one writes it: "1:, 0"."""
    return ", ".join(
        str([*item]) if isinstance(item, tuple) else arrays[0] if item == "#" else str(item)
        for item in index
    )


def _power(exponent, term):
    """The exponent and the exponent less one, raised; "p" where it is an array."""
    if exponent.op != "constant":
        return {"p": f"^{term}", "q": f"^({term} − 1)", "times": f"{term}·"}
    if exponent.shape:
        return {"p": "ᵖ", "q": "ᵖ⁻¹", "times": "p·"}
    p = float(exponent.params["value"])
    factor = "" if p == 1 else f"{p:g}" if p > 0 else f"(−{-p:g})·"
    return {"p": _raised(p), "q": _raised(p - 1), "times": factor}


def _number(text):
    """A constant as it is read: 1e-05 becomes 10⁻⁵, a negative number gets brackets."""
    ten = re.fullmatch(r"1e([-+]\d+)", text)
    if ten:
        return "10" + f"{int(ten[1])}".translate(SUPERSCRIPTS)
    return f"(−{text[1:]})" if text.startswith("-") else text


def _raised(p):
    if p == 1:
        return ""
    return f"{p:g}".translate(SUPERSCRIPTS) if p == int(p) else f"^({p:g})".replace("-", "−")


def _size(shape):
    return shape[0] * _size(shape[1:]) if shape else 1


def _shape(shape):
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def describe(graph):
    """The formulas of every node and every edge that is drawn, for the page.

    Returns ``{"nodes": [{symbol, term, title, gradient}], "edges": {"target:slot": {local, sent,
    note}}}``. Constants are not drawn: they appear in the formulas of the nodes that use them.
    """
    description = Description(graph)
    nodes = [
        {
            "symbol": description.symbol(i),
            "term": description.term(i),
            "title": description.title(i),
            "gradient": description.gradient(i),
        }
        for i in range(len(graph.nodes))
    ]
    edges = {
        f"{target}:{slot}": {
            "local": description.local(edge),
            "sent": description.sent(edge),
            "note": description.note(edge),
        }
        for edge in drawn_edges(graph)
        for target, slot in [edge]
    }
    return {"nodes": nodes, "edges": edges}


def drawn_edges(graph):
    """The edges that carry a gradient: all but those that leave a constant."""
    return [
        edge
        for edge in graph.edges
        if graph.nodes[graph.nodes[edge.target].inputs[edge.slot]].op != "constant"
    ]
