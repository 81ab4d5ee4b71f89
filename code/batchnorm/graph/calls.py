"""NumPy's calls on traced arrays: each an operation, or written with operations.

What NumPy does in one call and mathematics in several steps is recorded as the steps: a variance is
a mean, a difference, a square, a mean; so the paths of its gradient can be seen, and cut.
"""

import inspect
import math
from functools import partial

import numpy as np

from .ops import OPS
from .refusal import refused
from .traced import Traced, _fixed, current, record, value_of, wrapped

FUNCTIONS: dict = {}
"""NumPy's function -> what is called in its place; its parameters are those that are understood."""


def call(function, args, kwargs):
    """What a NumPy function makes of traced arrays. Raises for what is not understood."""
    module = function.__module__ or "numpy"
    name = f"{module}.{function.__name__}".replace("numpy", "np").replace("np._core", "np")
    arrays = [a for a in _flat([*args, *kwargs.values()]) if isinstance(a, Traced)]
    known = all(a._index is None for a in arrays)
    handler = FUNCTIONS.get(function)
    if known and handler not in KEEPS:
        result = function(*_plain(args), **_plain(kwargs))
        return wrapped(arrays[0]._tape, result, arrays) if _is_float(result) else result
    if handler is None:
        raise refused(f"{name} is not traced{HINTS.get(function.__name__, '')}")
    try:
        signature = inspect.signature(function)
    except ValueError:
        signature = inspect.signature(handler)
    given = signature.bind(*args, **kwargs).arguments
    understood = inspect.signature(handler).parameters
    rest = [given.pop(k) for k in [*given] if signature.parameters[k].kind.name == "VAR_POSITIONAL"]
    for key, value in given.items():
        default = signature.parameters[key].default
        if key not in understood and (value is not default or default is inspect.Parameter.empty):
            raise refused(f"{name} with {key}= is not traced")
    given = {key: value for key, value in given.items() if key in understood}
    if (dtype := given.pop("dtype", None)) is not None and "dtype" in understood:
        _floating(name, dtype)
    positional = [given.pop(k) for k in [*given] if understood[k].kind.name == "POSITIONAL_ONLY"]
    return handler(*positional, *(rest[0] if rest else ()), **given)


def _flat(values):
    for value in values:
        if type(value) in (list, tuple):
            yield from _flat(value)
        else:
            yield value


def _plain(value):
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {key: _plain(v) for key, v in value.items()}
    return current(value)._value if isinstance(value, Traced) else value


def _is_float(value):
    return isinstance(value, np.ndarray | np.floating) and np.asarray(value).dtype.kind == "f"


def _floating(name, dtype):
    """Graphs compute in the precision of their inputs: a floating dtype asks for no more."""
    if np.dtype(dtype).kind != "f":
        raise refused(f"{name} with dtype={np.dtype(dtype)} is not traced; leave it a float")


def calls(*functions):
    """Let the decorated function stand for NumPy's."""

    def register(handler):
        FUNCTIONS.update(dict.fromkeys(functions, handler))
        return handler

    return register


# --- The operations themselves --------------------------------------------------------------

for _name, _op in OPS.items():
    if isinstance(_op.forward, np.ufunc) or _name in ("cholesky", "solve"):
        FUNCTIONS[_op.forward] = partial(record, _name)
for _name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"):
    FUNCTIONS[getattr(np, _name)] = partial(record, _name)
for _name in ("eigenvalues", "eigenvectors", "inverse_sqrt"):

    def _symmetric(S, name=_name):
        return record(name, S)

    FUNCTIONS[OPS[_name].forward] = _symmetric


@calls(np.linalg.cholesky)
def cholesky(a):
    return record("cholesky", _matrix(a))


@calls(np.linalg.solve)
def solve(a, b):
    return record("solve", _matrix(a), _matrix(b))


@calls(np.linalg.inv)
def inv(a):
    return record("solve", _matrix(a), np.eye(a.shape[0]))


def _matrix(a):
    if np.ndim(value_of(a)) > 2:
        raise refused("linear algebra of more than two dimensions is not traced")
    return a


def _axes(axis, ndim):
    if axis is None:
        return None
    axis = tuple(map(_fixed, axis)) if isinstance(axis, list | tuple) else _fixed(axis)
    return np.lib.array_utils.normalize_axis_tuple(axis, ndim)


def _reduced(op, a, axis, keepdims):
    axis = _axes(axis, np.ndim(value_of(a)))
    return record(op, a, axis=axis, keepdims=bool(_fixed(keepdims)))


@calls(np.sum)
def sum_(a, axis=None, dtype=None, keepdims=False):
    return _reduced("sum", stacked(a), axis, keepdims)


@calls(np.mean)
def mean(a, axis=None, dtype=None, keepdims=False):
    return _reduced("mean", stacked(a), axis, keepdims)


@calls(np.max)
def max_(a, axis=None, keepdims=False):
    return _reduced("max", stacked(a), axis, keepdims)


@calls(np.min)
def min_(a, axis=None, keepdims=False):
    return _reduced("min", stacked(a), axis, keepdims)


@calls(np.any)
def any_(a, axis=None, keepdims=False):
    return _reduced("max", np.not_equal(a, 0), axis, keepdims)


@calls(np.all)
def all_(a, axis=None, keepdims=False):
    return _reduced("min", np.not_equal(a, 0), axis, keepdims)


@calls(np.where)
def where(condition, x, y):
    return record("where", condition, x, y)


# --- Several steps in one call --------------------------------------------------------------


def _centre(a, axis):
    """The deviations from the mean, which is named so that it can be cut.

    Where the function has computed that mean already, it is the same node: so the mean and the
    variance of batch norm have one mean between them, whoever computes which first.
    """
    axes = _axes(axis, np.ndim(a))
    leading = axes is None or axes == tuple(range(len(axes)))
    tape = a._tape
    for keepdims in (not leading, leading):
        mu = tape.find("mean", (a._index,), axis=axes, keepdims=keepdims)
        if mu is not None and (leading or keepdims):
            break
    else:
        mu = record("mean", a, axis=axes, keepdims=not leading)
        tape.suggested[mu._index] = "mu"
        tape.inner.add(mu._index)
    centred = tape.find("subtract", (a._index, mu._index))
    if centred is None:
        centred = record("subtract", a, mu)
        tape.inner.add(centred._index)
    return centred


@calls(np.var)
def var(a, axis=None, dtype=None, ddof=0, keepdims=False, *, correction=0):
    a = stacked(a)
    ddof = _fixed(ddof) or _fixed(correction)
    squared = record("square", _centre(current(a), axis))
    if not ddof:
        made = _reduced("mean", squared, axis, keepdims)
    else:
        total = _reduced("sum", squared, axis, keepdims)
        made = total / (np.size(a._value) / max(total.size, 1) - ddof)
    a._tape.suggested[made._index] = "var"
    return made


@calls(np.std)
def std(a, axis=None, dtype=None, ddof=0, keepdims=False, *, correction=0):
    return np.sqrt(var(a, axis, None, ddof, keepdims, correction=correction))


@calls(np.average)
def average(a, axis=None, weights=None, keepdims=False):
    if weights is None:
        return mean(a, axis, keepdims=keepdims)
    ndim, axes = np.ndim(a), _axes(axis, np.ndim(a))
    if np.shape(weights) != np.shape(a):
        (at,) = axes
        weights = np.reshape(weights, [-1 if i == at else 1 for i in range(ndim)])
    total = sum_(weights * a, axis, keepdims=keepdims)
    return total / sum_(weights * np.ones(np.shape(a)), axis, keepdims=keepdims)


@calls(np.linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    if ord is None or ord == 2 or ord == "fro":
        if ord == 2 and (np.ndim(x) > 1 and not isinstance(axis, int)):
            raise refused("the spectral norm is not traced")
        return np.sqrt(sum_(np.square(x), axis, keepdims=keepdims))
    if np.ndim(x) > 1 and not isinstance(axis, int):
        raise refused(f"a matrix norm of ord={ord!r} is not traced")
    if ord == 1:
        return sum_(np.abs(x), axis, keepdims=keepdims)
    if ord in (np.inf, -np.inf):
        return (max_ if ord > 0 else min_)(np.abs(x), axis, keepdims)
    return sum_(np.abs(x) ** ord, axis, keepdims=keepdims) ** (1 / ord)


@calls(np.ptp)
def ptp(a, axis=None, keepdims=False):
    return max_(a, axis, keepdims) - min_(a, axis, keepdims)


@calls(np.clip)
def clip(a, a_min=None, a_max=None, *, min=None, max=None):
    low, high = a_min if min is None else min, a_max if max is None else max
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@calls(np.dot)
def dot(a, b):
    one, two = np.ndim(a), np.ndim(b)
    if 0 in (one, two):
        return np.multiply(a, b)
    if two > 2:
        raise refused("np.dot with more than two dimensions on its right is not traced; use @")
    return np.matmul(a, b)


@calls(np.inner, np.vdot)
def inner(a, b):
    if np.ndim(a) > 1 or np.ndim(b) > 1:
        raise refused("this product of more than one dimension is not traced; use @")
    return dot(a, b)


@calls(np.outer)
def outer(a, b):
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@calls(np.einsum)
def einsum(*operands):
    text, *operands = operands
    if not isinstance(text, str) or "." in text:
        raise refused("np.einsum is traced with a text like 'ij,jk->ik' only")
    left, arrow, right = text.replace(" ", "").partition("->")
    parts = left.split(",")
    letters = sorted({*left} - {","})
    right = right if arrow else "".join(c for c in letters if left.count(c) == 1)
    if any(len({*part}) < len(part) for part in parts):
        raise refused("np.einsum with an index twice in one operand is not traced")
    order = right + "".join(c for c in letters if c not in right)
    made = None
    for part, operand in zip(parts, operands, strict=True):
        turn = sorted(range(len(part)), key=lambda i: order.index(part[i]))
        turned = operand if turn == sorted(turn) else np.transpose(operand, turn)
        spread = tuple(slice(None) if c in part else None for c in order)
        spread = turned[spread] if None in spread else turned
        made = spread if made is None else made * spread
    summed = tuple(range(len(right), len(order)))
    return np.sum(made, axis=summed) if summed else made


def _several(*functions):
    """A ufunc that is written with others."""
    return calls(*functions)


_several(np.reciprocal)(lambda x: np.divide(1.0, x))
_several(np.positive)(lambda x: x)
_several(np.conjugate)(lambda x: x)
_several(np.log2)(lambda x: np.log(x) / math.log(2))
_several(np.log10)(lambda x: np.log(x) / math.log(10))
_several(np.exp2)(lambda x: np.exp(x * math.log(2)))
_several(np.tan)(lambda x: np.sin(x) / np.cos(x))
_several(np.sinh)(lambda x: (np.exp(x) - np.exp(-x)) / 2)
_several(np.cosh)(lambda x: (np.exp(x) + np.exp(-x)) / 2)
_several(np.sign)(lambda x: np.greater(x, 0) - np.less(x, 0))
_several(np.heaviside)(lambda x, h: np.where(np.equal(x, 0), h, np.greater(x, 0)))
_several(np.isnan)(lambda x: np.not_equal(x, x))
_several(np.float_power)(lambda x, p: np.power(x, p))
_several(np.fmax)(lambda a, b: np.maximum(a, b))
_several(np.fmin)(lambda a, b: np.minimum(a, b))
_several(np.fabs)(lambda x: np.absolute(x))
_several(np.hypot)(lambda a, b: np.sqrt(np.square(a) + np.square(b)))
_several(np.logaddexp)(lambda a, b: np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b))))


def _truth(x):
    """A condition as 0 and 1, as comparisons give it."""
    values = np.asarray(value_of(x))
    known = x._index in x._tape.conditions if isinstance(x, Traced) else values.dtype.kind == "b"
    if not known:
        raise refused("this is for conditions, as comparisons make them")
    return x if isinstance(x, Traced) else values.astype(float)


def _condition(made):
    made._tape.conditions.add(made._index)
    return made


_several(np.logical_and, np.bitwise_and)(lambda a, b: _condition(np.multiply(_truth(a), _truth(b))))
_several(np.logical_or, np.bitwise_or)(lambda a, b: _condition(np.maximum(_truth(a), _truth(b))))
_several(np.logical_not, np.invert)(lambda a: _condition(np.subtract(1.0, _truth(a))))
_several(np.logical_xor, np.bitwise_xor)(lambda a, b: np.not_equal(_truth(a), _truth(b)))


# --- Shapes ---------------------------------------------------------------------------------


@calls(np.shape)
def shape(a):
    return a.shape


@calls(np.ndim)
def ndim(a):
    return a.ndim


@calls(np.size)
def size(a, axis=None):
    return a.size if axis is None else a.shape[axis]


def _shape_of(given):
    given = _fixed(given)
    items = given if isinstance(given, list | tuple | np.ndarray) else (given,)
    return tuple(int(_fixed(n)) for n in items)


@calls(np.reshape)
def reshape(a, shape, order="C"):
    if order not in ("C", "A"):
        raise refused("reshape in an order other than NumPy's own is not traced")
    return record("reshape", a, to=_shape_of(shape))


@calls(np.ravel)
def ravel(a, order="C"):
    return reshape(a, -1, order)


@calls(np.transpose)
def transpose(a, axes=None):
    if axes is not None:
        axes = _axes(axes, np.ndim(a))
        if axes == tuple(reversed(range(np.ndim(a)))):
            axes = None
    return record("transpose", a, axes=axes)


@calls(np.swapaxes)
def swapaxes(a, axis1, axis2):
    order = [*range(np.ndim(a))]
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transpose(a, order)


@calls(np.moveaxis)
def moveaxis(a, source, destination):
    source, destination = _axes(source, np.ndim(a)), _axes(destination, np.ndim(a))
    order = [i for i in range(np.ndim(a)) if i not in source]
    for to, at in sorted(zip(destination, source, strict=True)):
        order.insert(to, at)
    return transpose(a, order)


@calls(np.matrix_transpose)
def matrix_transpose(x, /):
    return swapaxes(x, -1, -2)


@calls(np.expand_dims)
def expand_dims(a, axis):
    count = len(axis) if isinstance(axis, list | tuple) else 1
    axes = _axes(axis, np.ndim(a) + count)
    return a[tuple(None if i in axes else slice(None) for i in range(np.ndim(a) + count))]


@calls(np.squeeze)
def squeeze(a, axis=None):
    axes = _axes(axis, a.ndim)
    axes = [i for i, n in enumerate(a.shape) if n == 1] if axes is None else axes
    if any(a.shape[i] != 1 for i in axes):
        raise ValueError("trace: squeeze takes axes of length 1 only")
    return a[tuple(0 if i in axes else slice(None) for i in range(a.ndim))] if axes else a


@calls(np.atleast_1d)
def atleast_1d(*args):
    return _at_least(1, args)


@calls(np.atleast_2d)
def atleast_2d(*args):
    return _at_least(2, args)


def _at_least(count, arrays):
    made = [a[(None,) * max(0, count - np.ndim(a))] if np.ndim(a) < count else a for a in arrays]
    return made[0] if len(made) == 1 else tuple(made)


@calls(np.broadcast_to)
def broadcast_to(array, shape):
    return record("broadcast_to", array, to=_shape_of(shape))


@calls(np.broadcast_arrays)
def broadcast_arrays(*args):
    shape = np.broadcast_shapes(*(np.shape(value_of(a)) for a in args))
    return tuple(np.broadcast_to(a, shape) for a in args)


@calls(np.copy)
def copy(a, order="K"):
    return a.copy()


@calls(np.flip)
def flip(m, axis=None):
    axes = range(m.ndim) if axis is None else _axes(axis, m.ndim)
    return m[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(m.ndim))]


@calls(np.take)
def take(a, indices, axis=None):
    if axis is None:
        return np.ravel(a)[indices]
    (axis,) = _axes(axis, np.ndim(a))
    return a[(slice(None),) * axis + (indices,)]


@calls(np.repeat)
def repeat(a, repeats, axis=None):
    a, axis = (np.ravel(a), 0) if axis is None else (a, _axes(axis, np.ndim(a))[0])
    return take(a, np.repeat(np.arange(a.shape[axis]), _fixed(repeats)), axis)


@calls(np.tile)
def tile(A, reps):
    reps = _shape_of(reps)
    A = _at_least(len(reps), [A])
    for axis, count in zip(range(-len(reps), 0), reps, strict=True):
        A = take(A, np.tile(np.arange(A.shape[axis]), count), axis)
    return A


@calls(np.diagonal)
def diagonal(a):
    return a[np.arange(min(a.shape)), np.arange(min(a.shape))]


@calls(np.diag)
def diag(v):
    return diagonal(v) if v.ndim == 2 else v[:, None] * np.eye(len(v))


@calls(np.cov)
def cov(m, rowvar=True, bias=False, ddof=None):
    rows = m if rowvar or m.ndim == 1 else np.transpose(m)
    centred = _centre(rows, -1)
    free = ddof if ddof is not None else 0 if bias else 1
    product = centred @ np.transpose(centred)
    return product / (rows.shape[-1] - free)


@calls(np.trace)
def trace(a):
    return np.sum(diagonal(a))


# --- Joining and filling --------------------------------------------------------------------


def stacked(a):
    """An array of a list of arrays, as NumPy makes it."""
    if type(a) not in (list, tuple):
        return a
    parts = [stacked(part) for part in a]
    return stack(parts) if any(isinstance(part, Traced) for part in parts) else np.array(a)


@calls(np.concatenate)
def concatenate(arrays, axis=0, *, dtype=None):
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    arrays = [a if isinstance(a, Traced) else np.asarray(a) for a in arrays]
    (axis,) = _axes(axis, np.ndim(arrays[0]))
    return record("concatenate", *arrays, axis=axis)


@calls(np.stack)
def stack(arrays, axis=0, *, dtype=None):
    arrays = [a if isinstance(a, Traced) else np.asarray(a) for a in arrays]
    return concatenate([np.expand_dims(a, axis) for a in arrays], axis)


@calls(np.hstack)
def hstack(tup):
    arrays = [np.atleast_1d(a) for a in tup]
    return concatenate(arrays, 0 if np.ndim(arrays[0]) == 1 else 1)


@calls(np.vstack)
def vstack(tup):
    return concatenate([np.atleast_2d(a) for a in tup], 0)


@calls(np.column_stack)
def column_stack(tup):
    return concatenate([a if np.ndim(a) == 2 else np.reshape(a, (-1, 1)) for a in tup], 1)


@calls(np.array_split)
def array_split(ary, indices_or_sections, axis=0):
    places = np.array_split(np.arange(ary.shape[axis]), _fixed(indices_or_sections))
    (axis,) = _axes(axis, ary.ndim)
    ends = [(int(p[0]), int(p[-1]) + 1) if len(p) else (0, 0) for p in places]
    return [ary[(slice(None),) * axis + (slice(*end),)] for end in ends]


@calls(np.split)
def split(ary, indices_or_sections, axis=0):
    np.split(np.arange(ary.shape[axis]), _fixed(indices_or_sections))  # which may refuse
    return array_split(ary, indices_or_sections, axis)


@calls(np.pad)
def pad(array, pad_width, mode="constant", **kwargs):
    if mode != "constant":
        raise refused(f"np.pad with mode={mode!r} is not traced; only constants are")
    value = kwargs.pop("constant_values", 0)
    if kwargs or np.ndim(value):
        raise refused("np.pad with these options is not traced; only one constant is")
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    made = np.full([n + sum(w) for n, w in zip(array.shape, widths, strict=True)], float(value))
    inside = tuple(slice(b, b + n) for n, (b, _) in zip(array.shape, widths, strict=True))
    made = wrapped(array._tape, made)
    made[inside] = array
    return made


def _filled(a, value, dtype, shape):
    shape = np.shape(a) if shape is None else _shape_of(shape)
    dtype = a.dtype if dtype is None else dtype
    made = wrapped(a._tape, np.zeros(shape, dtype))
    made[...] = value
    return made


@calls(np.zeros_like, np.empty_like)
def zeros_like(a, dtype=None, order="K", subok=True, shape=None):
    return _filled(a, 0.0, dtype, shape)


@calls(np.ones_like)
def ones_like(a, dtype=None, order="K", subok=True, shape=None):
    return _filled(a, 1.0, dtype, shape)


@calls(np.full_like)
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None):
    return _filled(a, fill_value, dtype, shape)


@calls(np.copyto)
def copyto(dst, src):
    dst[...] = src


@calls(np.isfinite)
def isfinite(x):
    return np.equal(x - x, 0)


@calls(np.isinf)
def isinf(x):
    return np.equal(np.abs(x), np.inf)


@calls(np.result_type)
def result_type(*args):
    return np.result_type(*(a.dtype if isinstance(a, Traced) else a for a in args))


@calls(np.iscomplexobj)
def iscomplexobj(x):
    return False


@calls(np.array2string, np.array_repr, np.array_str)
def text(a):
    return str(a)


KEEPS = {zeros_like, ones_like, full_like, shape, ndim, size, copy, copyto}
KEEPS |= {result_type, iscomplexobj, reshape, ravel, transpose, swapaxes, squeeze, expand_dims}
"""What is called for known arrays, too: it gives no array, or a view that shares their memory."""

HINTS = {
    "argmax": "; it has no gradient: compare with the maximum instead",
    "median": "; its gradient goes to one entry, use mean",
    "sort": "; max and min are",
    "nan_to_num": "; np.where is",
}


# --- Methods --------------------------------------------------------------------------------


def _method(name):
    function = getattr(np, name)

    def method(self, *args, **kwargs):
        return function(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in (
    *("sum", "mean", "max", "min", "var", "std", "ptp", "any", "all", "dot", "clip", "repeat"),
    *("squeeze", "swapaxes", "ravel", "take", "trace", "diagonal", "conjugate"),
):
    setattr(Traced, _name, _method(_name))


def _reshape_method(self, *shape, order="C"):
    return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)


def _transpose_method(self, *axes):
    axes = axes[0] if len(axes) == 1 and isinstance(axes[0], list | tuple) else axes
    return np.transpose(self, axes or None)


def _flatten_method(self, order="C"):
    return np.ravel(self, order=order).copy()


def _astype_method(self, dtype, copy=True, **kwargs):
    kind = np.dtype(dtype).kind
    if self._index is None:
        return wrapped(self._tape, self._value.astype(dtype))
    if kind == "b":
        return np.not_equal(self, 0)
    tape = self._tape
    if kind in "iu" and self._index in tape.whole | tape.conditions:
        return self.copy()
    if kind != "f":
        raise refused(f".astype({np.dtype(dtype)}) is not traced: it rounds, so it has no gradient")
    return self.copy() if copy else self


for _name, _call in (
    ("reshape", _reshape_method),
    ("transpose", _transpose_method),
    ("flatten", _flatten_method),
    ("astype", _astype_method),
):
    setattr(Traced, _name, _call)
