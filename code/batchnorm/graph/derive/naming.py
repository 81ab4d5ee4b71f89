"""Names for what a derived function computes: the reader's own, and clear ones for the rest."""

import builtins
import keyword
import re

TAKEN = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "np"}
WORDS = {
    "add": "shifted",
    "subtract": "difference",
    "multiply": "scaled",
    "divide": "ratio",
    "power": "power",
    "negative": "negated",
    "square": "squared",
    "sqrt": "root",
    "exp": "exponential",
    "log": "logarithm",
    "tanh": "squashed",
    "maximum": "larger",
    "sum": "total",
    "mean": "mean",
    "max": "largest",
    "matmul": "product",
    "transpose": "transposed",
    "constant": "constant",
    "minimum": "smaller",
    "min": "smallest",
    "absolute": "size",
    "sin": "sine",
    "cos": "cosine",
    "log1p": "logarithm",
    "expm1": "exponential",
    "reshape": "reshaped",
    "broadcast_to": "copied",
    "getitem": "picked",
    "setitem": "written",
    "concatenate": "joined",
    "where": "chosen",
    "greater": "mask",
    "greater_equal": "mask",
    "less": "mask",
    "less_equal": "mask",
    "equal": "mask",
    "not_equal": "mask",
}
"""What an unnamed node is called, by its operation."""


class Names:
    """Gives names, none twice: ``taken`` are those already in use."""

    def __init__(self, taken):
        self.taken = TAKEN | set(taken)

    def new(self, *wanted):
        """The first of the wanted names that is free, or the last with a number."""
        for name in wanted:
            if name not in self.taken:
                break
        else:
            stem, k = wanted[-1], 2
            while (name := f"{stem}{k}") in self.taken:
                k += 1
        self.taken.add(name)
        return name


def node_word(proofs, i):
    """What an unnamed node is: by what it does in its graph, or else by its operation."""
    nodes = proofs.graph.nodes
    node = nodes[i]
    if proofs.centring(i):
        return "centred"
    if node.op == "mean":
        (k,) = node.inputs
        square = nodes[k]
        if square.op in ("square", "power") and proofs.centring(square.inputs[0]):
            return "var"
    if node.op == "power" and _exponent(nodes, node) == 2:
        return "squared"
    if node.op == "divide" and proofs.centring(node.inputs[0]):
        return "normalized"
    if node.op == "sqrt" and "var" in _behind(proofs, node.inputs[0]):
        return "std"
    names = [nodes[k].name for k in node.inputs]
    if all(names) and sum(map(len, names)) < 16:
        joined = {"subtract": "_minus_", "add": "_plus_", "divide": "_over_", "matmul": "_"}
        if node.op in joined:
            return joined[node.op].join(names)
    return WORDS.get(node.op, re.sub(r"\W", "_", node.op))


def _exponent(nodes, node):
    exponent = nodes[node.inputs[1]]
    return exponent.params["value"] if exponent.op == "constant" and not exponent.shape else None


def _behind(proofs, i):
    """The words of a node and of what is added there."""
    node = proofs.graph.nodes[i]
    around = [i, *node.inputs] if node.op == "add" else [i]
    nodes = proofs.graph.nodes
    return {nodes[k].name or node_word(proofs, k) for k in around if nodes[k].op != "sqrt"}
