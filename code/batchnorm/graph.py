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

import inspect
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
    """One operation: its sign in a figure, what it computes, and a rule for each of its inputs.

    ``rule(d, y, *inputs, **params)`` makes an input's gradient of the gradient ``d`` that arrived
    at the output ``y``; broadcasting is undone afterwards, by `unbroadcast`.
    """

    sign: str
    forward: Callable
    rules: tuple[Callable, ...]


def _power_rule(d, y, a, p):
    # Where p is 0, so is the gradient; p - 1 would ask for 0 * 0 ** -1
    return d * p * a ** np.where(p, p - 1, 0.0)


def _share(p, q):
    """What p gets of a maximum's gradient: half where both are equal, the mean of both slopes."""
    return np.where(p == q, 0.5, p > q)


def _spread(d, a, axis, keepdims):
    """Undo a sum: give every entry of ``a`` the gradient of the sum it went into."""
    if axis is not None and not keepdims:
        d = np.expand_dims(d, axis)
    return np.broadcast_to(d, np.shape(a))


def _mean_rule(d, y, a, **params):
    return _spread(d, a, **params) / (np.size(a) / max(np.size(y), 1))


def _matmul_left_rule(d, y, a, b):
    D, _, B = _as_matrices(d, a, b)
    return (D @ B.T).reshape(a.shape)


def _matmul_right_rule(d, y, a, b):
    D, A, _ = _as_matrices(d, a, b)
    return (A.T @ D).reshape(b.shape)


def _as_matrices(d, a, b):
    """A product's gradient and operands; a vector on the left is a row, on the right a column."""
    A, B = np.atleast_2d(a), b if b.ndim == 2 else b[:, None]
    return d.reshape(len(A), B.shape[1]), A, B


OPS = {
    "add": Op("+", np.add, (lambda d, y, a, b: d, lambda d, y, a, b: d)),
    "subtract": Op("−", np.subtract, (lambda d, y, a, b: d, lambda d, y, a, b: -d)),
    "multiply": Op("×", np.multiply, (lambda d, y, a, b: d * b, lambda d, y, a, b: d * a)),
    "divide": Op("÷", np.divide, (lambda d, y, a, b: d / b, lambda d, y, a, b: -d * y / b)),
    "power": Op("^", np.power, (_power_rule,)),  # the exponent is a constant: see trace
    "negative": Op("−", np.negative, (lambda d, y, a: -d,)),
    "square": Op("²", np.square, (lambda d, y, a: d * 2 * a,)),
    "sqrt": Op("√", np.sqrt, (lambda d, y, a: d / (2 * y),)),
    "exp": Op("exp", np.exp, (lambda d, y, a: d * y,)),
    "log": Op("log", np.log, (lambda d, y, a: d / a,)),
    "tanh": Op("tanh", np.tanh, (lambda d, y, a: d * (1 - y * y),)),
    "maximum": Op(
        "max",
        np.maximum,
        (lambda d, y, a, b: d * _share(a, b), lambda d, y, a, b: d * _share(b, a)),
    ),
    "sum": Op("Σ", np.sum, (lambda d, y, a, **params: _spread(d, a, **params),)),
    "mean": Op("mean", np.mean, (_mean_rule,)),
    "matmul": Op("@", np.matmul, (_matmul_left_rule, _matmul_right_rule)),
    "transpose": Op("ᵀ", np.transpose, (lambda d, y, a: np.transpose(d),)),
}


def unbroadcast(d, shape):
    """Sum ``d`` down to ``shape``: what broadcasting copied forward is summed backward."""
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


@dataclass(frozen=True, eq=False)
class Graph:
    """A traced function. ``nodes`` stand in the order of their computation.

    The graph holds no sizes: ``mean`` divides by the number of entries it then finds. So it runs
    on batches of any size (with as many axes), unless the function read a number from ``x.shape``.
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
        elif isinstance(key, int | np.integer) and 0 <= key < len(self.nodes):
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
        items = [spec] if isinstance(spec, str) else list(spec)
        if items and all(isinstance(item, int) for item in items):
            items = [items]
        found = set()
        for item in items:
            if isinstance(item, str):
                source, _, target = (part.strip() for part in item.partition("->"))
                try:
                    source, target = self.index(source), self.index(target) if target else None
                except KeyError as error:
                    raise ValueError(f"cut: {error.args[0]}") from None
                leaving = {e for e in self.edges if self.nodes[e.target].inputs[e.slot] == source}
                edges = {e for e in leaving if target in (None, e.target)}
            else:
                edges = {e for e in self.edges if [*e] == item or e == item}
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
        """The graph as JSON: what the page's interpreter reads.

        Raises ValueError for a constant that JSON cannot hold (infinite or NaN).
        """
        nodes = []
        for node in self.nodes:
            entry = {"op": node.op, "symbol": node.symbol, "shape": node.shape}
            entry |= {"name": node.name} if node.name else {}
            entry |= {"inputs": node.inputs} if node.inputs else {}
            entry |= node.params
            if "value" in entry:
                entry["value"] = np.asarray(entry["value"]).tolist()
            nodes.append(entry)
        return json.dumps({"nodes": nodes, "outputs": self.outputs}, allow_nan=False)

    @classmethod
    def from_json(cls, text):
        """The graph that `to_json` wrote; its constants are float64, or Python numbers.

        Raises `UnknownOperation` for an operation it does not know.
        """
        data = json.loads(text)
        nodes = []
        for entry in data["nodes"]:
            entry.pop("symbol", None)
            op, name = entry.pop("op"), entry.pop("name", "")
            if op not in OPS and op not in ("input", "constant"):
                raise UnknownOperation(f"from_json: unknown operation {op!r}")
            inputs, shape = tuple(entry.pop("inputs", ())), tuple(entry.pop("shape"))
            if "value" in entry and shape:
                entry["value"] = np.array(entry["value"], float).reshape(shape)
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
        is a sequence, one for each. A gradient has the dtype of the value it belongs to. Raises
        ValueError if a gradient's shape is not its output's.
        """
        graph, values = self.graph, self.arrays
        cut, flow = graph.cut(cut), {}
        grads = [None] * len(values)  # None: nothing arrived
        dys = [dy] if len(graph.outputs) == 1 else list(dy)
        if len(dys) != len(graph.outputs):
            raise ValueError(
                f"dy: got {len(dys)} gradients, the graph has {len(graph.outputs)} outputs"
            )

        def add(i, d):
            d = np.asarray(d, np.asarray(values[i]).dtype)
            grads[i] = d if grads[i] is None else grads[i] + d
            return d

        for i, d in zip(graph.outputs, dys, strict=True):
            if np.shape(d) != np.shape(values[i]):
                raise ValueError(
                    f"dy: got shape {np.shape(d)}, the output has {np.shape(values[i])}"
                )
            add(i, _number("dy", d))
        for target in reversed(range(len(values))):
            node = graph.nodes[target]
            if grads[target] is None:
                continue
            for slot, source in enumerate(node.inputs):
                edge = Edge(target, slot)
                if edge in cut or graph.nodes[source].op == "constant":
                    continue
                arrays = (values[i] for i in (target, *node.inputs))
                d = OPS[node.op].rules[slot](grads[target], *arrays, **node.params)
                flow[edge] = add(source, unbroadcast(np.asarray(d), np.shape(values[source])))
        return Gradients(graph, grads, values, flow)


class Gradients(_PerNode):
    """The gradients of one backward pass: ``grads["x"]``; zeros at constants, and where nothing
    arrived. ``flow[edge]``: what an edge carried; an edge over which nothing went is not there.
    """

    def __init__(self, graph, arrays, values, flow):
        zeros = (np.zeros_like(v) for v in values)
        super().__init__(graph, [z if d is None else d for d, z in zip(arrays, zeros, strict=True)])
        self.flow = flow


# --- Tracing --------------------------------------------------------------------------------


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """A NumPy array that writes down what is done to it."""

    def __init__(self, tape, index, value):
        self._tape, self._index, self._value = tape, index, value

    shape = property(lambda self: np.shape(self._value))
    ndim = property(lambda self: np.ndim(self._value))
    size = property(lambda self: np.size(self._value))
    dtype = property(lambda self: np.asarray(self._value).dtype)
    T = property(lambda self: np.transpose(self))

    def __len__(self):
        return len(self._value)

    def __repr__(self):
        return f"Traced(node {self._index}, shape {self.shape})"

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        name = f"np.{ufunc.__name__}"
        if method != "__call__":
            raise UnknownOperation(f"trace: {name}.{method} is not traced")
        if kwargs:
            what = "in place (out=)" if "out" in kwargs else f"with {', '.join(kwargs)}="
            raise UnknownOperation(f"trace: {name} {what} is not traced")
        return self._tape.record(ufunc, name, inputs)

    def __array_function__(self, function, types, args, kwargs):
        name = f"{function.__module__}.{function.__name__}".replace("numpy", "np")
        params = {}
        if function in (np.sum, np.mean, np.transpose):
            given = inspect.signature(function).bind(*args, **kwargs).arguments
            args = [given.pop("a")]
            if function is not np.transpose:
                params = {"axis": given.pop("axis", None), "keepdims": given.pop("keepdims", False)}
            if unknown := [key for key, value in given.items() if value is not None]:
                raise UnknownOperation(f"trace: {name} with {', '.join(unknown)}= is not traced")
        return self._tape.record(function, name, args, **params)

    def sum(self, *args, **kwargs):
        return np.sum(self, *args, **kwargs)

    def mean(self, *args, **kwargs):
        return np.mean(self, *args, **kwargs)

    def transpose(self, *axes):
        return np.transpose(self, axes or None)

    def _refusing(what):
        def refuse(self, *args, **kwargs):
            raise UnknownOperation(f"trace: {what} is not traced")

        return refuse

    # What would take the value out of the trace, or let the path of the computation depend on it
    __array__ = _refusing("an array turned into a plain one (np.array, np.asarray)")
    __getitem__ = _refusing("an index into an array (x[…])")
    __setitem__ = _refusing("writing into an array (x[…] = …)")
    __iter__ = _refusing("a loop over an array")
    __bool__ = _refusing("a condition on an array (if, while, and, or, not)")
    __float__ = _refusing("float() of an array")
    __int__ = _refusing("int() of an array")
    __index__ = _refusing("an array used as an index or a count")
    __complex__ = _refusing("complex() of an array")
    __round__ = _refusing("round() of an array")

    def __getattr__(self, name):
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(name)
        raise UnknownOperation(f"trace: the array's .{name} is not traced")


class _Tape:
    """What `trace` writes on, and the frame in which the traced function's ``code`` ran."""

    def __init__(self, code):
        self.nodes, self.values = [], []
        self.code, self.frame = code, None

    def add(self, node, value):
        self.nodes.append(replace(node, shape=np.shape(value)))
        self.values.append(value)
        return Traced(self, len(self.nodes) - 1, value)

    def operand(self, value):
        if not isinstance(value, Traced):
            value = _number("constant", value)
            return self.add(Node("constant", params={"value": value}), value)
        if value._tape is not self:
            raise UnknownOperation("trace: an array of another trace is not traced")
        return value

    def record(self, function, name, arguments, **params):
        op = next((op for op, known in OPS.items() if known.forward is function), None)
        if op is None:
            raise UnknownOperation(f"trace: {name} is not traced; what is: {', '.join(OPS)}")
        if op == "power" and isinstance(arguments[1], Traced):
            raise UnknownOperation("trace: np.power with a traced exponent is not traced")
        self.frame = self.frame or _frame_of(self.code)
        operands = [self.operand(argument) for argument in arguments]
        if op in ("matmul", "transpose") and max(operand.ndim for operand in operands) > 2:
            raise UnknownOperation(f"trace: {name} of more than two dimensions is not traced")
        if params.get("axis") is not None:
            ndim = operands[0].ndim
            params["axis"] = np.lib.array_utils.normalize_axis_tuple(params["axis"], ndim)
        if params:
            params["keepdims"] = bool(params["keepdims"])
        value = OPS[op].forward(*(operand._value for operand in operands), **params)
        return self.add(Node(op, tuple(operand._index for operand in operands), params), value)


def trace(function, /, **inputs):
    """Run ``function`` once on ``inputs`` and write down what it did, as a `Graph`.

    Each keyword becomes an input of the graph; arguments left to their defaults are constants.
    The function's local variables, as they are when it returns, name the nodes: its own, not
    those of functions it calls; under a decorator that keeps ``__wrapped__`` or in a
    `functools.partial`, those of the function inside. If two hold one array, the later names it.

    Raises `UnknownOperation` (a ValueError) naming the first operation it has no rule for, and
    ValueError for an input that is not numeric, or an output that depends on no input.
    """
    tape = _Tape(_code(function))
    arguments = {}
    for name, value in inputs.items():
        arguments[name] = tape.add(Node("input", name=name), _number(name, value))
    result = function(**arguments)
    results = result if isinstance(result, tuple) else (result,)
    if not results or not all(isinstance(output, Traced) for output in results):
        raise ValueError(
            f"trace: the function returned {result!r}, "
            "want an array that depends on an input, or a tuple of such arrays"
        )
    # A frame keeps its variables for as long as something refers to it
    local = tape.frame.f_locals if tape.frame else {}
    for name, value in local.items():
        here = isinstance(value, Traced) and value._tape is tape
        if here and name not in inputs and value._index >= len(inputs):
            tape.nodes[value._index] = replace(tape.nodes[value._index], name=name)
    return Graph(tuple(tape.nodes), tuple(output._index for output in results))


def _code(function):
    """The code of a function, inside its decorators and partials; None if it has none."""
    while inner := getattr(function, "__wrapped__", None) or getattr(function, "func", None):
        function = inner
    return getattr(function, "__code__", None) or getattr(function.__call__, "__code__", None)


def _frame_of(code):
    """The outermost frame that runs ``code`` in the running `trace`, if any does."""
    frame, found = sys._getframe(), None
    while frame and frame.f_code is not trace.__code__:
        if frame.f_code is code:
            found = frame
        frame = frame.f_back
    return found


def _number(name, value):
    """``value`` as a float, if it is a Python number, or a real array. Raises ValueError."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name}: got {array.dtype} data, want real numbers")
    if type(value) in (int, float):
        return float(value)  # takes the other operand's precision: float32 stays float32
    return array.astype(float) if array.dtype.kind in "iu" else array
