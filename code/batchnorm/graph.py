"""Trace plain NumPy code into a computation graph; run it forward and backward; cut its edges.

>>> import numpy as np
>>> def centre(x):
...     mu = x.mean(axis=0)
...     y = x - mu
...     return y
>>> graph = trace(centre, x=np.array([1.0, 3.0]))
>>> run = graph.forward(x=np.array([1.0, 3.0]))
>>> run.output
array([-1.,  1.])
>>> run.backward(np.array([1.0, 1.0]))["x"]
array([0., 0.])
>>> run.backward(np.array([1.0, 1.0]), cut="mu")["x"]
array([1., 1.])

The graph goes to the page as JSON, where `figures/interpreter.js` does what `Graph.forward` and
`Run.backward` do here. An operation is one entry of `OPS` here and one of `OPS` there.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

SYMBOLS = {
    "mu": "μ",
    "var": "σ²",
    "stable": "σ²+ε",
    "x_hat": "x̂",
    "gamma": "γ",
    "beta": "β",
    "eps": "ε",
    "centred": "x−μ",
    "squared": "(x−μ)²",
    "scaled": "γx̂",
}
"""How a figure writes a name. A name that is not here stands for itself."""


class UnknownOperation(ValueError):
    """The traced function did something that the graph has no rule for; the message names it."""


# --- Operations -----------------------------------------------------------------------------


class Op(NamedTuple):
    """One operation: what it computes, and what it sends back to each of its inputs.

    ``backward(d, y, *inputs, **params)`` takes the gradient ``d`` that arrived at the output
    ``y`` and returns one gradient an input, before the broadcasting is undone (`unbroadcast`).
    """

    forward: Callable
    backward: Callable
    sign: str


def _power_backward(d, y, a, p):
    # p is a constant (see trace); p = 0 would ask for 0 * 0**-1
    return d * p * a ** (p - 1) if np.any(p) else 0 * d, None


def _maximum_backward(d, y, a, b):
    # Where both are equal each gets half: the mean of the two one-sided derivatives
    return d * ((a > b) + 0.5 * (a == b)), d * ((b > a) + 0.5 * (a == b))


def _spread(d, a, axis, keepdims):
    """Undo a sum: give every entry of ``a`` the gradient of the sum it went into."""
    if axis is not None and not keepdims:
        d = np.expand_dims(d, axis)
    return np.broadcast_to(d, a.shape)


def _mean_backward(d, y, a, axis=None, keepdims=False):
    return (_spread(d, a, axis, keepdims) / (a.size / max(y.size, 1)),)


def _matmul_backward(d, y, a, b):
    # A vector on the left is a row, on the right a column; the reshape takes that back
    A, B = np.atleast_2d(a), b if b.ndim == 2 else b[:, None]
    D = d.reshape(A.shape[0], B.shape[1])
    return (D @ B.T).reshape(a.shape), (A.T @ D).reshape(b.shape)


OPS = {
    "add": Op(np.add, lambda d, y, a, b: (d, d), "+"),
    "subtract": Op(np.subtract, lambda d, y, a, b: (d, -d), "−"),
    "multiply": Op(np.multiply, lambda d, y, a, b: (d * b, d * a), "×"),
    "divide": Op(np.divide, lambda d, y, a, b: (d / b, -d * y / b), "÷"),
    "power": Op(np.power, _power_backward, "^"),
    "negative": Op(np.negative, lambda d, y, a: (-d,), "−"),
    "square": Op(np.square, lambda d, y, a: (d * 2 * a,), "²"),
    "sqrt": Op(np.sqrt, lambda d, y, a: (d / (2 * y),), "√"),
    "exp": Op(np.exp, lambda d, y, a: (d * y,), "exp"),
    "log": Op(np.log, lambda d, y, a: (d / a,), "log"),
    "tanh": Op(np.tanh, lambda d, y, a: (d * (1 - y * y),), "tanh"),
    "maximum": Op(np.maximum, _maximum_backward, "max"),
    "sum": Op(np.sum, lambda d, y, a, axis=None, keepdims=False: (_spread(d, a, axis, keepdims),), "Σ"),
    "mean": Op(np.mean, _mean_backward, "mean"),
    "matmul": Op(np.matmul, _matmul_backward, "@"),
    "transpose": Op(np.transpose, lambda d, y, a: (np.transpose(d),), "ᵀ"),
}


def unbroadcast(d, shape):
    """Sum ``d`` down to ``shape``: broadcasting copies forward, so it sums backward."""
    d = d.sum(axis=tuple(range(d.ndim - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and d.shape[i] != 1)
    return d.sum(axis=stretched, keepdims=True)


# --- The graph ------------------------------------------------------------------------------


class Edge(NamedTuple):
    """An edge of the graph: it ends in input ``slot`` of node ``target``."""

    target: int
    slot: int


@dataclass(frozen=True)
class Node:
    """One value of the graph: an input, a constant, or an operation on earlier nodes."""

    op: str
    inputs: tuple[int, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)  # axis, keepdims; a constant's value
    name: str = ""
    shape: tuple[int, ...] = ()  # the shape it had when it was traced

    @property
    def symbol(self):
        """What a figure writes on the node: its symbol, its number, or its operation's sign."""
        if self.name:
            return SYMBOLS.get(self.name, self.name)
        if self.op == "constant":
            return f"{self.params['value']:g}" if self.shape == () else "const"
        return OPS[self.op].sign


@dataclass(frozen=True)
class Graph:
    """A traced function. ``nodes`` stand in the order of their computation.

    The graph holds no sizes: ``mean`` divides by the number of entries it then finds. So it runs
    on batches of any size, unless the traced function read a number from ``x.shape``.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]

    @property
    def inputs(self):
        """Name -> index of each input."""
        return {node.name: i for i, node in enumerate(self.nodes) if node.op == "input"}

    def index(self, key):
        """The index of a node given by its name or index. Raises KeyError if there is none."""
        if isinstance(key, str):
            for i, node in enumerate(self.nodes):
                if node.name == key:
                    return i
        elif 0 <= key < len(self.nodes):
            return int(key)
        names = ", ".join(node.name for node in self.nodes if node.name)
        raise KeyError(f"no node {key!r} in the graph; its names are {names}")

    @property
    def edges(self):
        """Every edge, in the order of computation."""
        return [Edge(t, s) for t, node in enumerate(self.nodes) for s in range(len(node.inputs))]

    def cut(self, spec):
        """The set of edges that ``spec`` means.

        ``"mu"``: every edge that leaves the node ``mu`` (as a stop-gradient there would do);
        ``"x->centred"``: the edges between two nodes; ``Edge(target, slot)`` or such a pair: that
        edge; or a list, tuple or set of these. Raises ValueError for an edge that is not there.
        """
        if isinstance(spec, str | Edge):
            spec = [spec]
        found = set()
        for item in spec:
            if isinstance(item, str):
                source, _, target = (part.strip() for part in item.partition("->"))
                try:
                    source = self.index(source)
                    target = self.index(target) if target else None
                except KeyError as error:
                    raise ValueError(f"cut: {error.args[0]}") from None
                edges = {
                    edge
                    for edge in self.edges
                    if self.nodes[edge.target].inputs[edge.slot] == source
                    and target in (None, edge.target)
                }
            else:
                edges = {Edge(*item)} & set(self.edges)
            if not edges:
                raise ValueError(f"cut: the graph has no edge {item!r}")
            found |= edges
        return found

    def forward(self, **inputs):
        """Compute every node. Returns a `Run`.

        Raises ValueError if the inputs' names are not the graph's, or do not broadcast.
        """
        if inputs.keys() != self.inputs.keys():
            raise ValueError(
                f"forward: got the inputs {', '.join(inputs) or 'none'}, "
                f"the graph wants {', '.join(self.inputs)}"
            )
        values = []
        for node in self.nodes:
            if node.op == "input":
                values.append(_number(node.name, inputs[node.name]))
            elif node.op == "constant":
                values.append(node.params["value"])
            else:
                arguments = [values[i] for i in node.inputs]
                values.append(OPS[node.op].forward(*arguments, **node.params))
        return Run(self, values)

    def to_json(self):
        """The graph as JSON: what the page's interpreter reads. Raises ValueError on NaN."""
        nodes = []
        for node in self.nodes:
            entry = {"op": node.op, "symbol": node.symbol, "shape": node.shape}
            entry |= {"name": node.name} if node.name else {}
            entry |= {"inputs": node.inputs} if node.inputs else {}
            entry |= {k: np.asarray(v).tolist() if k == "value" else v for k, v in node.params.items()}
            nodes.append(entry)
        return json.dumps({"nodes": nodes, "outputs": self.outputs}, allow_nan=False)

    @classmethod
    def from_json(cls, text):
        """The graph that `to_json` wrote. Raises ValueError for an operation it does not know."""
        data = json.loads(text)
        nodes = []
        for entry in data["nodes"]:
            entry.pop("symbol", None)
            op, name = entry.pop("op"), entry.pop("name", "")
            if op not in OPS and op not in ("input", "constant"):
                raise UnknownOperation(f"from_json: unknown operation {op!r}")
            inputs, shape = tuple(entry.pop("inputs", ())), tuple(entry.pop("shape"))
            if "value" in entry and shape:
                entry["value"] = np.array(entry["value"], float)
            if isinstance(entry.get("axis"), list):
                entry["axis"] = tuple(entry["axis"])
            nodes.append(Node(op, inputs, entry, name, shape))
        return cls(tuple(nodes), tuple(data["outputs"]))


class _PerNode:
    """One array a node, by the node's name or index."""

    def __init__(self, graph, arrays):
        self.graph, self.arrays = graph, arrays

    def __getitem__(self, key):
        return self.arrays[self.graph.index(key)]


class Run(_PerNode):
    """The values of one forward pass: ``run["mu"]``, ``run.output``."""

    @property
    def output(self):
        """The output; a tuple of them if the function returns several."""
        outputs = tuple(self.arrays[i] for i in self.graph.outputs)
        return outputs if len(outputs) > 1 else outputs[0]

    def backward(self, dy, cut=()):
        """Send ``dy`` (the loss's gradient at the output) back to every node.

        ``cut`` names edges over which nothing flows: see `Graph.cut`. For several outputs ``dy``
        is a sequence. Raises ValueError if a gradient's shape is not its output's.
        """
        graph, values = self.graph, self.arrays
        cut, flow = graph.cut(cut), {}
        grads = [None] * len(values)  # None: nothing arrived
        outputs = graph.outputs
        for i, d in zip(outputs, dy if len(outputs) > 1 else [dy], strict=True):
            d = _number("dy", d)
            if d.shape != np.shape(values[i]):
                raise ValueError(f"dy: got shape {d.shape}, the output has {np.shape(values[i])}")
            grads[i] = d if grads[i] is None else grads[i] + d
        for target in reversed(range(len(values))):
            node, d = graph.nodes[target], grads[target]
            if d is None or not node.inputs:
                continue
            arguments = [np.asarray(values[i]) for i in node.inputs]
            sent = OPS[node.op].backward(d, np.asarray(values[target]), *arguments, **node.params)
            for slot, source in enumerate(node.inputs):
                edge = Edge(target, slot)
                if edge in cut or graph.nodes[source].op == "constant":
                    continue
                flow[edge] = unbroadcast(np.asarray(sent[slot]), np.shape(values[source]))
                grads[source] = flow[edge] if grads[source] is None else grads[source] + flow[edge]
        return Gradients(graph, grads, values, flow)


class Gradients(_PerNode):
    """The gradients of one backward pass: ``grads["x"]``. ``flow[edge]``: what an edge carried."""

    def __init__(self, graph, arrays, values, flow):
        zeros = (np.zeros_like(v) for v in values)
        super().__init__(graph, [z if d is None else d for d, z in zip(arrays, zeros, strict=True)])
        self.flow = flow


# --- Tracing --------------------------------------------------------------------------------


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """A NumPy array that writes down what is done to it."""

    __array_priority__ = 1000

    def __init__(self, tape, index, value):
        self._tape, self._index, self._value = tape, index, value

    shape = property(lambda self: np.shape(self._value))
    ndim = property(lambda self: np.ndim(self._value))
    size = property(lambda self: np.size(self._value))
    dtype = property(lambda self: np.asarray(self._value).dtype)
    T = property(lambda self: self._tape.record("transpose", [self]))

    def __len__(self):
        return len(self._value)

    def __repr__(self):
        return f"Traced(node {self._index}, shape {self.shape})"

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__":
            raise UnknownOperation(f"trace: np.{ufunc.__name__}.{method} is not traced")
        if kwargs:
            what = "an operation in place" if "out" in kwargs else ", ".join(kwargs)
            raise UnknownOperation(f"trace: np.{ufunc.__name__} with {what} is not traced")
        return self._tape.record(ufunc.__name__, inputs)

    def __array_function__(self, function, types, args, kwargs):
        if function in (np.sum, np.mean, np.transpose) and isinstance(args[0], Traced):
            return getattr(args[0], function.__name__)(*args[1:], **kwargs)
        raise UnknownOperation(f"trace: np.{function.__name__} is not traced")

    def sum(self, axis=None, keepdims=False):
        return self._tape.record("sum", [self], axis=axis, keepdims=keepdims)

    def mean(self, axis=None, keepdims=False):
        return self._tape.record("mean", [self], axis=axis, keepdims=keepdims)

    def transpose(self):
        return self.T

    def __array__(self, *args, **kwargs):
        raise UnknownOperation("trace: a traced array cannot be turned into a plain one")

    def _refuse(self, *args):
        raise UnknownOperation(
            "trace: the path of the computation may not depend on a traced value "
            "(an index, a loop over it, `if`, `float()`)"
        )

    __getitem__ = __iter__ = __bool__ = __float__ = __int__ = _refuse

    def __getattr__(self, name):
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(name)
        raise UnknownOperation(f"trace: the array method .{name} is not traced")


class _Tape:
    def __init__(self):
        self.nodes, self.values = [], []

    def add(self, node, value):
        self.nodes.append(replace(node, shape=np.shape(value)))
        self.values.append(value)
        return Traced(self, len(self.nodes) - 1, value)

    def constant(self, value):
        value = _number("constant", value)
        return self.add(Node("constant", params={"value": value}), value)

    def record(self, op, arguments, **params):
        if op not in OPS:
            raise UnknownOperation(
                f"trace: np.{op} is not an operation the graph knows; it knows {', '.join(OPS)}"
            )
        if op == "power" and isinstance(arguments[1], Traced):
            raise UnknownOperation("trace: np.power with a traced exponent is not traced")
        traced = [a if isinstance(a, Traced) else self.constant(a) for a in arguments]
        values = [a._value for a in traced]
        if op == "matmul" and max(map(np.ndim, values)) > 2:
            raise UnknownOperation("trace: np.matmul of more than two dimensions is not traced")
        if op == "transpose" and np.ndim(values[0]) > 2:
            raise UnknownOperation("trace: np.transpose of more than two dimensions is not traced")
        if params.get("axis") is not None:
            axes = np.lib.array_utils.normalize_axis_tuple(params["axis"], np.ndim(values[0]))
            params["axis"] = axes
        inputs = tuple(a._index for a in traced)
        return self.add(Node(op, inputs, params), OPS[op].forward(*values, **params))


def trace(function, /, **inputs):
    """Run ``function`` once on ``inputs`` and write down what it did, as a `Graph`.

    Each keyword becomes an input of the graph; arguments left to their defaults are constants.
    The names of the function's local variables become the names of the nodes.

    Raises `UnknownOperation` (a ValueError) naming the first operation it has no rule for, and
    ValueError for an input that is not numeric.
    """
    tape = _Tape()
    for name, value in inputs.items():
        tape.add(Node("input", name=name), _number(name, value))
    arguments = {
        name: Traced(tape, i, value)
        for i, (name, value) in enumerate(zip(inputs, tape.values, strict=True))
    }
    result, local = _call(function, arguments)
    results = result if isinstance(result, tuple) else (result,)
    for output in results:
        if not isinstance(output, Traced):
            raise ValueError(f"trace: the function returned {output!r}, which depends on no input")
    for name, value in local.items():
        if isinstance(value, Traced) and name not in inputs and value._index >= len(inputs):
            tape.nodes[value._index] = replace(tape.nodes[value._index], name=name)
    return Graph(tuple(tape.nodes), tuple(output._index for output in results))


def _call(function, arguments):
    """Call ``function``; return its result and its local variables as they were at the end."""
    local, code = {}, getattr(function, "__code__", None)

    def at_return(frame, event, _):
        if event == "return" and frame.f_code is code:
            local.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(at_return)
    try:
        return function(**arguments), local
    finally:
        sys.setprofile(before)


def _number(name, value):
    """``value`` as a real array (or the Python number it is). Raises ValueError otherwise."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name}: got {array.dtype} data, want real numbers")
    if isinstance(value, int | float):
        return value  # a Python number takes the other operand's precision: float32 stays float32
    return array.astype(float) if array.dtype.kind in "iu" else array
