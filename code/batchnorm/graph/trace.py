"""Trace plain NumPy code into a computation graph.

The inputs of the function are replaced by `Traced` arrays. NumPy hands every call on such an array
to it (``__array_ufunc__``, ``__array_function__``), and it computes the value and writes down the
node. So the graph is what the function did on this run, whatever Python it is written in.

**How a frame's locals name the nodes.** A local variable is a name that the function gave to a
value; but a value does not know who holds it. A frame does: while a function runs, the interpreter
keeps its local variables in a frame object, and that object can be reached from the functions that
it calls (``sys._getframe`` and ``f_back``). At the first operation the tape looks up the stack for
the frame that runs the traced function's code, and keeps it. A frame that someone holds keeps its
variables when the function has returned; so then `trace` reads them, and where a variable ``mu``
holds a traced array, the array's node is called "mu".
"""

import inspect
import sys
from dataclasses import replace

import numpy as np

from .graph import Graph, Node
from .ops import OPS, UnknownOperation, as_number


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
        op = OPS.get(function.__name__)
        if op is None or op.forward is not function:
            return self._tape.record(function, name, args)  # which refuses it
        given = inspect.signature(function).bind(*args, **kwargs).arguments
        operands = [given.pop(key) for key in [*given][: len(op.rules)]]
        params = {}
        if op.params:
            params = {"axis": given.pop("axis", None), "keepdims": given.pop("keepdims", False)}
        if unknown := [k for k, v in given.items() if v is not None and v is not False]:
            raise UnknownOperation(f"trace: {name} with {', '.join(unknown)}= is not traced")
        return self._tape.record(function, name, operands, **params)

    def sum(self, *args, **kwargs):
        return np.sum(self, *args, **kwargs)

    def mean(self, *args, **kwargs):
        return np.mean(self, *args, **kwargs)

    def max(self, *args, **kwargs):
        return np.max(self, *args, **kwargs)

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
            value = as_number("constant", value)
            return self.add(Node("constant", params={"value": value}), value)
        if value._tape is not self:
            raise UnknownOperation("trace: an array of another trace is not traced")
        return value

    def record(self, function, name, arguments, **params):
        known = next((op for op in OPS if OPS[op].forward is function), None)
        if known is None:
            raise UnknownOperation(f"trace: {name} is not traced; what is: {', '.join(OPS)}")
        op = OPS[known]
        for argument, rule in zip(arguments, op.rules, strict=True):
            if rule is None and isinstance(argument, Traced):
                raise UnknownOperation("trace: np.power with a traced exponent is not traced")
        self.frame = self.frame or _frame_of(self.code)
        operands = [self.operand(argument) for argument in arguments]
        if op.kind == "matrix" and max(operand.ndim for operand in operands) > 2:
            raise UnknownOperation(f"trace: {name} of more than two dimensions is not traced")
        if params.get("axis") is not None:
            ndim = operands[0].ndim
            params["axis"] = np.lib.array_utils.normalize_axis_tuple(params["axis"], ndim)
        if params:
            params["keepdims"] = bool(params["keepdims"])
        value = op.forward(*(operand._value for operand in operands), **params)
        return self.add(Node(known, tuple(operand._index for operand in operands), params), value)


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
        arguments[name] = tape.add(Node("input", name=name), as_number(name, value))
    result = function(**arguments)
    results = result if isinstance(result, tuple) else (result,)
    if not results or not all(isinstance(output, Traced) for output in results):
        raise ValueError(
            f"trace: the function returned {result!r}, "
            "want an array that depends on an input, or a tuple of such arrays"
        )
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
