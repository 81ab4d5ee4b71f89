"""Trace plain NumPy code into a computation graph.

The inputs of the function are replaced by `Traced` arrays, which write down what is done to them
(`traced`, `calls`). So the graph is what the function did on this run, whatever Python it is
written in.

**How a frame's locals name the nodes.** A local variable is a name that the function gave to a
value; but a value does not know who holds it. A frame does: while a function runs, the interpreter
keeps its local variables in a frame object, and that object can be reached from the functions that
it calls (``sys._getframe`` and ``f_back``). At the first operation the tape looks up the stack for
the frame that runs the traced function's code, and keeps it. A frame that someone holds keeps its
variables when the function has returned; so then `trace` reads them, and where a variable ``mu``
holds a traced array, the array's node is called "mu".
"""

import copy
import inspect
import sys
import types
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from .calls import stacked
from .graph import Graph, Node
from .ops import UnknownOperation, as_number
from .refusal import written_plain
from .traced import Tape, Traced, wrapped

PARAMETERS = {"mode": "train", "eps": 1e-5, "momentum": 0.9}
"""What a parameter like ``bn_param`` holds that is not given."""


def trace(function, /, **inputs):
    """Run ``function`` once on ``inputs`` and write down what it did, as a `Graph`.

    Parameters
    ----------
    function : plain NumPy code; a function, or an object that is called or has a ``forward``
    inputs : its arguments by name. Numbers and arrays become inputs of the graph; strings, bools,
        None, dicts, tuples of integers, and integers used as an axis or a count are constants of
        it. Arguments left to their defaults are constants. A dict like ``bn_param`` that is not
        given holds `PARAMETERS`.

    An object's attributes that hold float arrays, and such arrays in a dict, are inputs if the
    output depends on them; `Graph.forward` takes them as they were unless they are given. The
    object and the dict themselves are not changed.

    A function may return one array, or a tuple or a list of arrays: then the graph has several
    outputs. Of anything else (``out, cache``; a dict) the first array is the output, which
    `Graph.taken` says; `Graph.with_outputs` chooses others by their names.

    The function's local variables, as they are when it returns, name the nodes: its own, not
    those of functions it calls; under a decorator that keeps ``__wrapped__`` or in a
    `functools.partial`, those of the function inside. If two hold one array, the later names it.
    The mean and the variance inside `np.var` and `np.std` are called ``mu`` and ``var`` where no
    variable is.

    Raises `UnknownOperation` (a ValueError) with the line that cannot be traced, and ValueError for
    an input that is not numeric, or an output that depends on no input.
    """
    called, owner = _called(function)
    code = _code(called)
    tape = Tape(code, _frame_of)
    state = {}  # name -> its array, of what the object or a dict holds
    arguments = {k: _argument(tape, k, v, state, set(inputs)) for k, v in inputs.items()}
    if owner is not None:
        called = _with_traced_state(called, owner, tape, state, set(inputs))
    fixed = {k: v for k, v in inputs.items() if not isinstance(arguments[k], Traced)}
    args, kwargs = _bound(called, arguments)
    with _traced_numpy(called, tape):
        try:
            result = called(*args, **kwargs)
        except (TypeError, ValueError) as error:
            if "setting an array element with a sequence" not in str(error):
                raise
            raise written_plain(error) from None
    outputs, taken = _outputs(result)
    _name(tape, inputs)
    fixed |= _settle(tape, outputs, state)
    return _graph(tape, outputs, taken, state, fixed)


def _called(function):
    """What is called, and the object whose state it reads, if there is one."""
    if not callable(function) and hasattr(function, "forward"):
        function = function.forward
    owner = getattr(function, "__self__", None)
    if (
        owner is None
        and not isinstance(function, types.FunctionType)
        and hasattr(function, "__dict__")
    ):
        owner = None if hasattr(function, "func") else function  # not a partial
    if isinstance(owner, type | types.ModuleType):
        owner = None
    return function, owner


def _with_traced_state(called, owner, tape, state, taken):
    """The same call on a copy of its object, whose float arrays are traced."""
    held = {k: v for k, v in getattr(owner, "__dict__", {}).items() if _is_state(v)}
    if not held and not _changes(owner):
        return called
    try:
        twin = copy.deepcopy(owner)
    except Exception:  # it holds what cannot be copied: a file, a lock
        twin = copy.copy(owner)
    for key, value in twin.__dict__.items():
        if isinstance(value, dict | list):
            twin.__dict__[key] = _state(tape, key, value, state, taken)
    for key, value in held.items():
        twin.__dict__[key] = _state(tape, key, value, state, taken)
    if called is owner:
        return twin
    return types.MethodType(called.__func__, twin)


def _changes(owner):
    return bool(getattr(owner, "__dict__", None)) and type(owner).__module__ != "builtins"


def _is_state(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and type(value) is np.ndarray


def _state(tape, key, value, state, taken):
    """A value that the object or a dict holds: its float arrays are traced, the rest is copied."""
    if isinstance(value, dict):
        return {k: _state(tape, k, v, state, taken) for k, v in value.items()}
    if isinstance(value, list):
        return [_state(tape, f"{key}{i}", v, state, taken) for i, v in enumerate(value)]
    if not _is_state(value):
        return copy.copy(value) if isinstance(value, np.ndarray) else value
    name = key if isinstance(key, str) and key.isidentifier() else f"p{key}"
    while name in state or name in taken:
        name = f"{name}_"
    state[name] = as_number(name, value)
    return tape.input(name, state[name])


def _argument(tape, name, value, state, taken):
    if value is None or isinstance(value, str | bool | np.bool_ | bytes) or callable(value):
        return value
    if isinstance(value, dict):
        return _state(tape, name, value, state, taken)
    whole = isinstance(value, tuple) and all(isinstance(n, int | np.integer) for n in value)
    if whole or (isinstance(value, np.ndarray) and value.dtype.kind == "b"):
        return value
    return tape.input(name, as_number(name, value), value, owner=name)


def _bound(called, arguments):
    """The arguments as the call takes them: by position, by name, and what is not given."""
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):
        return (), arguments
    arguments = dict(arguments)
    for name, parameter in signature.parameters.items():
        missing = parameter.default is parameter.empty and name not in arguments
        if missing and parameter.kind.name != "VAR_KEYWORD" and "param" in name.lower():
            arguments[name] = dict(PARAMETERS)
    args, by_name = [], dict(arguments)
    for name, parameter in signature.parameters.items():
        if parameter.kind.name == "POSITIONAL_ONLY" and name in by_name:
            args.append(by_name.pop(name))
        elif parameter.kind.name == "VAR_POSITIONAL":
            break
    return args, by_name


class _NumPy(types.ModuleType):
    """NumPy, as a function that is traced sees it: the arrays it makes may be written to."""

    def __init__(self, tape):
        super().__init__("numpy")
        self.__dict__["_tape"] = tape

    def __getattr__(self, name):
        found = getattr(np, name)
        if name in LISTS:
            return _of_a_list(found)
        return _making(self._tape, found) if name in MAKES else found


TAKES = ("array", "asarray", "asanyarray", "ascontiguousarray")
MAKES = ("zeros", "ones", "empty", "full", "eye", "identity", *TAKES)


LISTS = ("sum", "mean", "max", "min", "var", "std", "average", "ptp")


def _of_a_list(function):
    """One of NumPy's functions that take a list of arrays for an array."""

    def call(a, *args, **kwargs):
        return function(stacked(a), *args, **kwargs)

    return call


def _making(tape, function):
    """One of NumPy's functions that make arrays, for use within a trace."""

    def make(*args, **kwargs):
        if function.__name__ in TAKES and args:
            made = stacked(args[0])
            if isinstance(made, Traced):
                dtype = kwargs.get("dtype", args[1] if len(args) > 1 else None)
                if dtype is not None:
                    return made.astype(dtype, copy=function is np.array)
                return made.copy() if function is np.array else made
            made = function(*args, **kwargs)
            return made
        made = function(*args, **kwargs)
        return wrapped(tape, made) if made.dtype.kind == "f" else made

    return make


@contextmanager
def _traced_numpy(called, tape):
    """While the function runs, its module's ``np`` makes arrays that can hold what is traced."""
    function = inspect.unwrap(getattr(called, "__func__", called))
    while hasattr(function, "func"):
        function = inspect.unwrap(function.func)
    function = getattr(function, "__func__", function)
    if not hasattr(function, "__globals__"):
        function = getattr(type(function).__call__, "__func__", type(function).__call__)
    names = getattr(function, "__globals__", {})
    makers = {getattr(np, name): name for name in MAKES}
    stand_in = _NumPy(tape)
    before = {}
    for name, value in [*names.items()]:
        if value is np or isinstance(value, _NumPy):
            before[name], names[name] = value, stand_in
        elif isinstance(value, types.BuiltinFunctionType | types.FunctionType) and value in makers:
            before[name], names[name] = value, getattr(stand_in, makers[value])
    try:
        yield
    finally:
        names.update(before)


def _outputs(result):
    """The traced outputs in what a function returned, and a word for which they are."""
    if _is_output(result):
        return [result], ""
    if isinstance(result, tuple | list) and result and all(map(_is_output, result)):
        return [*result], ""
    found = next(_arrays(result, "result"), None)
    if found is None:
        raise ValueError(
            "trace: the function returned nothing that depends on an input; "
            "want an array, or a tuple or a dict that holds one"
        )
    return [found[0]], found[1]


def _is_output(value):
    if not isinstance(value, Traced) or value._index is None:
        return False
    if value._seen != value._memory.version:
        raise UnknownOperation(
            "trace: the function returns an array whose memory was written to through another "
            "name; return that one, or write into a copy"
        )
    return True


def _arrays(result, place):
    if _is_output(result):
        yield result, place
    elif isinstance(result, dict):
        for key, value in result.items():
            yield from _arrays(value, f"{place}[{key!r}]")
    elif isinstance(result, tuple | list):
        for i, value in enumerate(result):
            yield from _arrays(value, f"{place}[{i}]")


def _name(tape, inputs):
    """Name the nodes by the variables of the function's frame, and by its object's attributes."""
    taken = {node.name for node in tape.nodes if node.op == "input"}
    local = dict(tape.frame.f_locals) if tape.frame else {}
    held = getattr(local.get("self"), "__dict__", {})
    names = {}
    for name, value in [*held.items(), *local.items()]:
        here = isinstance(value, Traced) and value._tape is tape and value._index is not None
        here = here and value._seen == value._memory.version
        if here and name not in taken and tape.nodes[value._index].op != "input":
            names[value._index] = name
    given, used = {}, set(taken)
    for index, name in names.items():
        if name not in used:
            given[index] = name
            used.add(name)
    for index, name in tape.suggested.items():
        if index in given:
            continue
        free = name
        for k in range(2, len(tape.nodes) + 2):
            if free not in used:
                break
            free = f"{name}{k}"
        given[index] = free
        used.add(free)
    for index, name in given.items():
        tape.nodes[index] = replace(tape.nodes[index], name=name)


def _settle(tape, outputs, state):
    """What turned out to be a constant: ints used as such, state that no output depends on."""
    fixed = {}
    for index in tape.fixed:
        fixed[tape.nodes[index].name] = tape.given[index]
    needed = {output._index for output in outputs}
    for i in reversed(range(len(tape.nodes))):
        if i in needed:
            needed.update(tape.nodes[i].inputs)
    idle = {n: i for i, n in enumerate(node.name for node in tape.nodes) if n in state}
    idle = {i for name, i in idle.items() if i not in needed and tape.nodes[i].op == "input"}
    for index in tape.fixed | idle:
        value = tape.values[index]
        state.pop(tape.nodes[index].name, None)
        tape.nodes[index] = Node("constant", params={"value": value}, shape=np.shape(value))
    tape.idle = set(idle)
    for i, node in enumerate(tape.nodes):  # the running statistics that follow from idle state
        if i not in needed and any(k in tape.idle for k in node.inputs):
            tape.idle.add(i)
    for i in reversed(range(len(tape.nodes))):  # and what serves them alone
        users = {k for k, node in enumerate(tape.nodes) if i in node.inputs}
        if users and users <= tape.idle and tape.nodes[i].op != "input":
            tape.idle.add(i)
    return fixed


def _graph(tape, outputs, taken, state, fixed):
    kept = [i for i in range(len(tape.nodes)) if i not in tape.idle]
    users = {k for i in kept for k in tape.nodes[i].inputs} | {o._index for o in outputs}
    kept = [i for i in kept if tape.nodes[i].op != "constant" or i in users]
    at = {i: k for k, i in enumerate(kept)}
    nodes = tuple(
        replace(tape.nodes[i], inputs=tuple(at[k] for k in tape.nodes[i].inputs)) for i in kept
    )
    found = tuple(at[output._index] for output in outputs)
    return Graph(nodes, found, state, fixed, taken)


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
