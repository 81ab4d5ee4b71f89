"""Arrays that write down what is done to them.

A `Traced` array is handed every NumPy call on it (``__array_ufunc__``, ``__array_function__``),
computes the value and adds a node to its tape. One that depends on no input has no node: it is
*known*, a plain array that becomes traced when something traced is written into it.

NumPy's views share memory, and so do these: what is written into an array is seen by all its names,
and by the array that it is a basic index of. Another view of it is stale from then on, and refused
where it is read: a graph holds values, not memory.
"""

from dataclasses import replace

import numpy as np

from .graph import Node, kept
from .ops import OPS, UnknownOperation, as_number
from .ops.shapes import key_of
from .refusal import refused


class Memory:
    """What an array and its views share: how often it was written, and whose it is."""

    def __init__(self, owner=None):
        self.version, self.owner = 0, owner


class Tape:
    """What `trace` writes on, and the frame in which the traced function's ``code`` ran."""

    def __init__(self, code=None, frame_of=None):
        self.nodes, self.values = [], []
        self.code, self.frame, self._frame_of = code, None, frame_of
        self.given = {}  # node -> the int that it was given as, while it may be an axis or a count
        self.fixed = set()  # nodes of ints that the function used as such
        self.suggested = {}  # node -> the name it gets where no variable has that name
        self.inner = set()  # nodes that NumPy's own steps made: what repeats them uses them
        self.conditions = set()  # nodes that are 0 or 1, as comparisons make them
        self.whole = set()  # nodes that hold integers, as they were given
        self.plain = {}  # id -> plain array that was written to, what it now holds

    def add(self, node, value):
        self.nodes.append(replace(node, shape=np.shape(value)))
        self.values.append(value)
        return len(self.nodes) - 1

    def input(self, name, value, given=None, owner=None):
        index = self.add(Node("input", name=name), value)
        if type(given) is int:
            self.given[index] = given
        if np.asarray(given).dtype.kind in "iu":
            self.whole.add(index)
        return Traced(self, index, value, Memory(owner))

    def index(self, operand):
        """The node of an operand: a traced array's, or a constant's, made here."""
        if isinstance(operand, Traced) and operand._index is not None:
            return operand._index
        value = operand._value if isinstance(operand, Traced) else operand
        value = constant(value)
        return self.add(Node("constant", params={"value": kept(value)}), value)

    def find(self, name, inputs, **params):
        """The array of such a node, if there is one already."""
        for i, node in enumerate(self.nodes):
            if (node.op, node.inputs, node.params) == (name, inputs, params):
                return Traced(self, i, self.values[i], Memory())
        return None

    def look(self):
        """Keep the frame of the traced function, while it runs."""
        if self.frame is None and self._frame_of:
            self.frame = self._frame_of(self.code)


def constant(value):
    """A plain value as a graph holds it: numbers; true is 1, false is 0."""
    array = np.asarray(value) if not isinstance(value, bool) else np.float64(value)
    return as_number("constant", array.astype(float) if array.dtype.kind == "b" else value)


def tape_of(operands):
    """The one tape of all traced arrays among the operands; None if all of them are known."""
    tapes = {id(o._tape): o._tape for o in operands if isinstance(o, Traced)}
    if len(tapes) > 1:
        raise UnknownOperation("trace: an array of another trace is not traced")
    return next(iter(tapes.values()), None)


def record(name, *operands, **params):
    """The array that an operation makes of its operands, and its node."""
    op = OPS[name]
    tape = tape_of(operands)
    operands = [current(o, tape) for o in operands]
    values = [value_of(o) for o in operands]
    if all(o._index is None for o in operands if isinstance(o, Traced)):
        return wrapped(tape, op.forward(*values, **params), operands)
    tape.look()
    inputs = tuple(tape.index(o) for o in operands)
    values = [tape.values[i] for i in inputs]
    known = tape.find(name, inputs, **params) if tape.inner else None
    if known is not None and known._index in tape.inner:
        tape.inner.remove(known._index)
        return known
    value = op.forward(*values, **params)
    index = tape.add(Node(name, inputs, params), value)
    if op.rules[0] is None and name != "where":
        tape.conditions.add(index)
    elif op.kind == "places" or name == "broadcast_to":
        for known_of in (tape.whole, tape.conditions):
            if inputs[0] in known_of and name not in ("setitem", "concatenate"):
                known_of.add(index)
    return wrapped(tape, value, operands, index)


def wrapped(tape, value, operands=(), index=None):
    """A value as an array of the tape; a view of an operand shares that one's memory."""
    memory = Memory()
    if isinstance(value, np.ndarray):
        for o in operands:
            if isinstance(o, Traced) and np.may_share_memory(o._value, value):
                memory = o._memory
    return Traced(tape, index, value, memory)


def current(operand, tape=None):
    """The operand, if it may be read; for a plain array that the trace wrote to, what it holds."""
    if isinstance(operand, Traced):
        if operand._seen != operand._memory.version:
            raise refused(
                "this array shares its memory with one that was written to since; copy it before "
                "the writing, or take the view after it"
            )
        return operand
    if tape and isinstance(operand, np.ndarray) and tape.plain:
        if id(operand) in tape.plain:
            return tape.plain[id(operand)][1]
        if any(np.may_share_memory(operand, array) for array, _ in tape.plain.values()):
            raise refused("this is a view of an array that holds what was traced; copy it before")
    return operand


def value_of(operand):
    return operand._value if isinstance(operand, Traced) else operand


def encoded(key):
    """An index as the graph holds it, and the traced arrays in it. Raises for what it cannot."""
    items, arrays = [], []
    for part in key if isinstance(key, tuple) else (key,):
        part = _fixed(part)
        if part is None or part is ...:
            items.append("..." if part is ... else None)
        elif isinstance(part, slice):
            ends = [_fixed(end) for end in (part.start, part.stop, part.step)]
            text = ["" if end is None else str(int(np.asarray(end))) for end in ends]
            items.append(":".join(text[: 3 if text[2] else 2]))
        elif isinstance(part, Traced):
            if part._index in part._tape.conditions:
                raise refused(
                    "how many entries this picks depends on their values; write "
                    "np.where(condition, x, 0)"
                )
            if part._index not in part._tape.whole:
                raise refused("an index has to be integers, given as such")
            current(part)
            items.append("#")
            arrays.append(part)
        else:
            array = np.asarray(part)
            if array.dtype.kind == "b":
                items += [n.tolist() for n in array.nonzero()]
            elif array.dtype.kind in "iu" or array.size == 0:
                items.append(array.astype(int).tolist())
            else:
                raise refused("an index has to be integers, slices, None or ...")
    return tuple(_frozen(item) for item in items), arrays


def _frozen(item):
    return tuple(map(_frozen, item)) if isinstance(item, list) else item


def _fixed(value):
    """A known array as plain; an input that was given as an int as that int."""
    if isinstance(value, Traced):
        if value._index is None:
            return value._value
        if value._index in value._tape.given and value._memory.version == 0:
            return value.__index__()
    return value


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """A NumPy array that writes down what is done to it."""

    def __init__(self, tape, index, value, memory, origin=None):
        self._tape, self._index, self._value = tape, index, value
        self._memory, self._seen, self._origin = memory, memory.version, origin

    __class__ = property(lambda self: np.ndarray)  # so isinstance(x, np.ndarray) holds
    shape = property(lambda self: np.shape(self._value))
    ndim = property(lambda self: np.ndim(self._value))
    size = property(lambda self: np.size(self._value))
    dtype = property(lambda self: np.asarray(self._value).dtype)
    T = property(lambda self: np.transpose(self))
    mT = property(lambda self: np.swapaxes(self, -1, -2))
    flat = property(lambda self: np.ravel(self))
    real = property(lambda self: self)

    def __len__(self):
        return len(self._value)

    def __repr__(self):
        return repr(self._value)

    def __str__(self):
        return str(self._value)

    def __format__(self, spec):
        return format(self._value, spec)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def copy(self, order="C"):
        value = np.array(self._value) if isinstance(self._value, np.ndarray) else self._value
        return Traced(self._tape, current(self)._index, value, Memory())

    __hash__ = None  # type: ignore[assignment]

    # --- NumPy's two protocols ----------------------------------------------------------------

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        from .calls import FUNCTIONS  # which is written with traced arrays

        if method == "reduce" and ufunc in (np.add, np.maximum, np.minimum) and out is None:
            named = {np.add: np.sum, np.maximum: np.max, np.minimum: np.min}[ufunc]
            return named(*inputs, **{"axis": 0, **kwargs})
        name = f"np.{ufunc.__name__}"
        if method != "__call__":
            raise refused(f"{name}.{method} is not traced")
        if kwargs:
            raise refused(f"{name} with {', '.join(kwargs)}= is not traced")
        operands = [current(o, self._tape) for o in inputs]
        if (plain := _ints(ufunc, operands)) is not None:
            return plain
        if _known(operands):
            made = wrapped(tape_of(operands), ufunc(*map(value_of, operands)))
        elif ufunc in FUNCTIONS:
            made = FUNCTIONS[ufunc](*operands)
        else:
            raise refused(f"{name} is not traced")
        return made if out is None else _stored(out[0], made)

    def __array_function__(self, function, types, args, kwargs):
        from .calls import call

        return call(function, args, kwargs)

    # --- Indexing and writing -----------------------------------------------------------------

    def __getitem__(self, key):
        index, arrays = encoded(key)
        if not arrays and current(self)._index is None:
            return wrapped(self._tape, self._value[key_of(index)], [self])
        made = record("getitem", self, *arrays, index=index)
        if made._memory is self._memory:
            made._origin = (self, index)
        return made

    def __setitem__(self, key, value):
        if isinstance(key, Traced) and key._index in self._tape.conditions:
            if np.ndim(value_of(value)) or key.shape != self.shape[: key.ndim]:
                raise refused("what is written where a condition holds has to be one number")
            more = (None,) * (self.ndim - key.ndim)
            condition = key[(..., *more)] if more else key
            self._take(record("where", condition, value, self))
            return
        index, arrays = encoded(key)
        origin = value._origin if type(value) is Traced else None
        if origin and origin[0] is self and origin[1] == index:
            current(value)  # y[…] += v has written already
            return
        if self._index is None and not arrays and _known([value]):
            current(self)
            self._value[key_of(index)] = value_of(value)
            return
        target = np.shape(current(self)._value[key_of(index, [a._value for a in arrays])])
        if np.ndim(value_of(value)) > len(target):
            value = np.reshape(value, np.shape(value)[np.ndim(value) - len(target) :])
        np.broadcast_to(value_of(value), target)
        self._take(record("setitem", self, value, *arrays, index=index))

    def fill(self, value):
        self[...] = value

    def _take(self, made):
        """Hold what an operation made: NumPy's writing in place."""
        memory = current(self)._memory
        if memory.owner:
            raise refused(
                f"this writes into the input {memory.owner}, where the caller would see it; make a "
                f"new array, or begin with {memory.owner} = {memory.owner}.copy()"
            )
        if made.shape != self.shape:
            raise ValueError(
                f"trace: an array of shape {made.shape} does not fit into one of {self.shape}"
            )
        if self._origin:
            parent, index = self._origin
            parent._take(record("setitem", parent, made, index=index))
        else:
            memory.version += 1  # what else shares it is stale
        self._index, self._value, self._seen = made._index, made._value, memory.version

    # --- What would take the value out of the trace, or let the path depend on it -----------

    def _plain(self, what, instead):
        if self._index is not None:
            raise refused(f"{what} is not traced; {instead}")
        return current(self)._value

    def __array__(self, dtype=None, copy=None):
        value = self._plain(
            "an array turned into a plain one",
            "keep it as it is, join arrays with np.stack, and write entries into a copy or into "
            "np.zeros_like(x)",
        )
        return np.array(value, dtype=dtype, copy=copy)

    def __bool__(self):
        return bool(
            self._plain("a condition on an array (if, while, and, or, not)", "write np.where")
        )

    def __float__(self):
        return float(self._plain("float() of an array", "use NumPy's function of that name"))

    def __int__(self):
        if self._index in self._tape.given:
            return self.__index__()
        return int(self._plain("int() of an array", "it has no gradient; leave it a float"))

    def __index__(self):
        if self._index in self._tape.given:
            self._tape.fixed.add(self._index)
            return self._tape.given[self._index]
        value = self._plain("an array used as an index or a count", "give the function an int")
        return value.__index__()

    def __complex__(self):
        return complex(self._plain("complex() of an array", "gradients here are of real numbers"))

    def __round__(self, digits=None):
        return round(self._plain("round() of an array", "it has no gradient"), digits)

    def item(self, *args):
        return self._plain(".item() of an array", "leave it an array").item(*args)

    def tolist(self):
        return self._plain(".tolist() of an array", "leave it an array").tolist()

    def __getattr__(self, name):
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"an array has no attribute {name!r}")
        if self._index is None:
            return getattr(self._value, name)
        raise refused(f"the array's .{name} is not traced")


def _known(operands):
    return all(o._index is None for o in operands if isinstance(o, Traced))


def _ints(ufunc, operands):
    """What // and % and comparisons make of an input given as an int, and of ints: a plain one."""
    if ufunc not in INTEGER or len(operands) != 2:
        return None
    traced = [o for o in operands if isinstance(o, Traced)]
    plain = [o for o in operands if not isinstance(o, Traced)]
    if not all(o._index in o._tape.given for o in traced):
        return None
    if not all(isinstance(o, int | np.integer) for o in plain):
        return None
    result = ufunc(*(_fixed(o) for o in operands))
    return bool(result) if isinstance(result, np.bool_) else int(result)


INTEGER = {np.floor_divide, np.remainder, np.equal, np.not_equal}
INTEGER |= {np.greater, np.less, np.greater_equal, np.less_equal}


def _stored(out, made):
    """What ``out=`` and operators like += leave: a traced array changed, a plain one replaced."""
    if isinstance(out, Traced):
        if not isinstance(out._value, np.ndarray):
            return made  # a number: += gives the name a new one
        if _known([out, made]):
            current(out)._value[...] = made._value
        else:
            out._take(made)
        return out
    out[...] = made._value
    made._tape.plain[id(out)] = (out, made)
    return made
