"""Checks of arguments: every message names the argument, what it got, and what it wants.

Whatever comes in becomes a plain NumPy array or a Python float, or is refused.
"""

import inspect
import math
import operator
import reprlib
import threading
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache, wraps
from numbers import Number, Real
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

Shape = tuple[int, ...]
Function = TypeVar("Function", bound=Callable)

_WORK = {np.dtype(t): np.dtype(w) for t, w in (("f2", "f4"), ("f4", "f4"), ("f8", "f8"))}
MOST = {dtype: float(np.finfo(dtype).max) for dtype in _WORK}
LEAST = {dtype: float(np.finfo(dtype).tiny) for dtype in _WORK}  # of full precision
LARGEST = MOST[np.dtype(np.float64)]
ENOUGH = LEAST[np.dtype("f4")]  # with such an eps no variance is too small to compute with
SMALLEST = LEAST[np.dtype(np.float64)]
WIDER = {np.dtype("f2"): "float32", np.dtype("f4"): "float64"}


class Overflow(threading.local):
    """Whether an entry grew beyond its dtype: the processor says so, at no cost.

    ``quiet`` makes NumPy call this. Products by BLAS may raise flags of their own, so what is
    heard before the work that is asked about is to be forgotten first: ``overflow.heard = False``.
    """

    heard = False

    def __call__(self, kind: str, flag: int) -> None:
        self.heard = True

    def reached(self, result: np.ndarray) -> bool:
        """Whether the result is spoiled."""
        return self.heard or (not FLAGS and not np.isfinite(result).all())


overflow = Overflow()
# What is not finite is refused by name, so no warnings
quiet = np.errstate(all="ignore", over="call", call=overflow)


@quiet
def _has_flags() -> bool:
    np.multiply(np.full(8, 1e300), 1e300)
    return overflow.heard


FLAGS = _has_flags()  # WebAssembly, in a page, has none


def array(name: str, a: ArrayLike) -> np.ndarray:
    """A plain array, of no subclass.

    Raises ValueError for masked arrays, in lists too, for ragged lists, and for an object that does
    not become an array.
    """
    if type(a) is np.ndarray:
        return a
    masked = _masked(a)
    try:
        found = np.asanyarray(None if masked else a)
    except Exception as error:  # an object's own __array__ may raise anything
        got = "lists of different lengths" if isinstance(a, (list, tuple)) else error
        raise ValueError(f"{name}: got {got}, want an array of numbers") from error
    if masked or _masked(found):
        raise ValueError(
            f"{name}: got a masked array, whose mask would be lost, want a plain array, "
            "of .compressed() or .filled(…)"
        )
    return np.asarray(found)


def _masked(a: object) -> bool:
    if isinstance(a, (list, tuple)):
        return any(map(_masked, a))
    return isinstance(a, np.ma.MaskedArray)


def numbers(name: str, a: ArrayLike) -> tuple[np.ndarray, np.dtype, np.dtype]:
    """The array, the dtype of what is returned for it, and the dtype to compute in."""
    a = a if type(a) is np.ndarray else array(name, a)
    dtype = a.dtype
    if dtype not in _WORK:
        if dtype.kind in "iu":
            dtype = np.dtype(np.float64)
        elif dtype.kind == "f":
            dtype = dtype.newbyteorder("=")
        if dtype not in _WORK:
            raise ValueError(
                f"{name}: got {dtype} data, want float16, float32, float64 or integers"
            )
    return a, dtype, _WORK[dtype]


def finite(name: str, a: ArrayLike) -> np.ndarray:
    """A copy in float64. Raises ValueError unless it holds finite real numbers."""
    a = numbers(name, a)[0].astype(np.float64)
    check_finite(name, a)
    return a


def check_finite(name: str, a: np.ndarray) -> None:
    """Raise ValueError for the first entry that is not finite."""
    if not all_finite(flat := a.ravel(), flat):
        where = tuple(map(int, np.argwhere(~np.isfinite(a))[0]))
        raise ValueError(
            f"{name}: got {a[where]}{f' at {where}' if where else ''}, want finite numbers"
        )


def number(
    name: str,
    value: Any,
    low: float = 0.0,
    high: float = LARGEST,
    want: str = "a finite number >= 0",
) -> float:
    """A Python float for a real number of any kind: a Fraction, a Decimal, NumPy's own.

    Raises ValueError unless it is one from ``low`` to ``high``; for a bool, too.
    """
    if type(value) is float and low <= value <= high:
        return value
    got = None
    single = type(value) is np.ndarray and value.ndim == 0 and value.dtype.kind in "fiu"
    if single or (isinstance(value, (Real, Decimal)) and not isinstance(value, bool)):
        try:
            found = float(value)
            if math.isinf(found) and found != value:
                raise OverflowError
            if low <= found <= high:
                return found
            got = repr(found)
        except OverflowError:
            got = "a number beyond float64"
        except ValueError:  # a Decimal that signals
            got = "nan"
    raise ValueError(f"{name}: got {got or reprlib.repr(value)}, want {want}")


def integer(
    name: str, value: Any, low: int = 0, want: str = "an integer >= 0", high: float = math.inf
) -> int:
    """A Python int. Raises ValueError unless it is one, of any kind, from ``low`` to ``high``."""
    try:
        found = operator.index(value)
        if low <= found <= high and not isinstance(value, bool):
            return found
    except TypeError:
        pass
    raise ValueError(f"{name}: got {reprlib.repr(value)}, want {want}")


def flag(name: str, value: Any) -> bool:
    """A Python bool. Raises ValueError for anything but a bool, Python's or NumPy's, 0 and 1."""
    if isinstance(value, (bool, np.bool_)) or (type(value) is int and value in (0, 1)):
        return bool(value)
    raise ValueError(f"{name}: got {reprlib.repr(value)}, want True or False")


def plain(function: Function) -> Function:
    """For plain NumPy code that is read and traced: its arguments are what it takes them for.

    Lists and integers become arrays of float64, since NumPy's integers wrap around; an array of a
    subclass becomes a plain one. Floats of any precision are computed in it, and complex numbers
    too, for the complex step. What computes in its own way, as a traced array
    or a reader's own class does, goes through as it is.

    The function raises ValueError for masked arrays, for bools, objects and other data that are no
    numbers, and for a number that is too large for float64.
    """
    parameters = inspect.signature(function).parameters
    names = list(parameters)
    words = {n for n, p in parameters.items() if p.default is None or isinstance(p.default, str)}

    def admit(name: str, a: Any) -> Any:
        if name in words and (a is None or isinstance(a, str)):
            return a
        if isinstance(a, (Number, Decimal)) and not isinstance(a, (np.generic, bool)):
            if not isinstance(a, complex):
                exact = number(name, a, -math.inf, math.inf, "a number that float64 can hold")
                return a if isinstance(a, (int, float)) else exact
            return a
        known = issubclass(type(a), (np.ndarray, np.generic, bool, memoryview))
        if not known and (hasattr(a, "shape") or hasattr(type(a), "__truediv__")):
            return a
        a = array(name, a)
        if a.dtype.kind not in "fciu":
            raise ValueError(f"{name}: got {a.dtype} data, want numbers")
        return a if a.dtype.kind in "fc" else a.astype(np.float64)

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        for a in args:
            if type(a) is not np.ndarray or a.dtype.kind != "f":
                break
        else:
            if not kwargs:  # nothing to do, and no time to lose
                return function(*args)
        admitted = [admit(name, a) for name, a in zip(names, args, strict=False)]
        kwargs = {name: admit(name, a) for name, a in kwargs.items()}
        return function(*admitted, *args[len(names) :], **kwargs)

    return checked  # type: ignore[return-value]


def axes(axis: int | tuple[int, ...] | list[int], shape: Shape) -> Shape:
    """The axes as indices from 0, in order. Raises ValueError for an x without entries, too."""
    several = axis if isinstance(axis, (tuple, list)) else [axis]
    try:
        if any(isinstance(a, bool) for a in several):
            raise TypeError
        given = tuple(map(operator.index, several))
    except TypeError:
        raise ValueError(f"axis: got {axis!r}, want an integer or a tuple of them") from None
    return _indices(given, shape)


@lru_cache
def _indices(given: Shape, shape: Shape) -> Shape:
    ndim = len(shape)
    if not given or not all(-ndim <= a < ndim for a in given):
        raise ValueError(f"axis: got {given}, want axes of x, whose shape is {shape}")
    found = tuple(sorted({a % ndim for a in given}))
    if len(found) < len(given):
        raise ValueError(f"axis: got {given}, want each axis once")
    if 0 in shape:
        raise ValueError(f"x: got no entries, shape {shape}, want at least one")
    return found


@lru_cache
def align(name: str, shape: Shape, x_shape: Shape, axis: Shape) -> Shape:
    """The shape with all of x's axes, 1 where nothing is learned; the rule is `forward`'s."""
    kept = tuple(n for a, n in enumerate(x_shape) if a not in axis)
    beside = tuple(1 if a in axis else n for a, n in enumerate(x_shape))
    last = (1,) * (len(x_shape) - len(shape)) + shape
    # A shorter gamma is learned along no averaged axis of a batch norm: (C,) is the channels
    one = axis if 0 in axis and len(shape) < len(x_shape) else ()
    may = [{1} if a in one else {1, n} for a, n in enumerate(x_shape)]
    broadcasts = len(last) == len(may) and all(n in m for n, m in zip(last, may, strict=True))
    readings = [beside] * (shape == kept) + [last] * broadcasts
    if not readings:
        raise ValueError(
            f"{name}: got shape {shape}, want {kept}, x's without axis {axis}, "
            f"or one that broadcasts against x's {x_shape}"
        )
    if readings[0] != readings[-1]:
        raise ValueError(
            f"{name}: got shape {shape}, which fits x's {x_shape} in two ways, "
            f"want {beside} or {last}"
        )
    return readings[0]


def parameter(
    name: str, a: ArrayLike, x_shape: Shape, axis: Shape, work: np.dtype
) -> tuple[np.ndarray, Shape]:
    """A copy of gamma or beta, since the cache must not change when it is trained; its `align`."""
    a = numbers(name, a)[0]
    aligned = align(name, a.shape, x_shape, axis)
    a = a.astype(work)
    if not all_finite(a.ravel(), a.ravel()):
        raise ValueError(f"{name}: got an entry that is not finite in {work}, want finite numbers")
    return a, aligned


def all_finite(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two vectors are finite."""
    # One product tells, in a third of the time; unless it overflows
    return math.isfinite(a.dot(b)) or bool(np.isfinite(a).all() and np.isfinite(b).all())


def check_sums(name: str, a: np.ndarray, one: np.ndarray, two: np.ndarray) -> None:
    """An entry that is not finite shows in the sums; only then is every entry looked at."""
    if all_finite(one, two):
        return
    check_finite(name, a)
    raise ValueError(f"{name}: got numbers whose sums overflow, want smaller ones or float64")


def check_spread(
    x: np.ndarray, var: np.ndarray, ivar: np.ndarray, eps: float, axis: Shape, from_x: bool
) -> None:
    """Refuse a variance that is no finite number; 0 where eps is, too; or made of squares so small
    that they have lost their digits.
    """
    if eps >= ENOUGH and all_finite(var, ivar):
        return
    if not all_finite(var, var):
        raise ValueError("x: got numbers whose squares overflow, want smaller ones or float64")
    kept = [n for a, n in enumerate(x.shape) if a not in axis]
    none = ~np.isfinite(ivar.reshape(kept))
    if from_x:  # rounding can hide that all samples are equal, so ask the samples
        first = x[tuple(slice(1) if a in axis else slice(None) for a in range(x.ndim))]
        none |= (x == first).all(axis=axis)
        small = ~none & (var.reshape(kept) + eps < LEAST[ivar.dtype])
        if small.any():
            where = tuple(map(int, np.argwhere(small)[0]))
            raise ValueError(
                f"x: got numbers whose squares underflow in feature {where}, "
                f"want larger ones, or eps > {eps:g}"
            )
    if none.any():
        where = tuple(map(int, np.argwhere(none)[0]))
        raise ValueError(
            f"x: got variance 0 in feature {where}, want some spread, or eps > {eps:g}"
        )


def too_large(name: str, dtype: np.dtype, smaller: str) -> ValueError:
    """What to raise where a result does not fit its dtype."""
    wider = f", or x in {WIDER[dtype]}" if dtype in WIDER else ""
    return ValueError(f"{name}: got an entry beyond {dtype}, want {smaller}{wider}")


def check_out(out: np.ndarray, shape: Shape, dtype: np.dtype, **inputs: np.ndarray) -> None:
    """Refuse an ``out`` that does not fit, or shares memory with an input."""
    if not isinstance(out, np.ndarray):
        raise ValueError(f"out: got {type(out).__name__}, want an array")
    if (out.shape, out.dtype) != (shape, dtype):
        raise ValueError(f"out: got {out.dtype} {out.shape}, want {dtype} {shape}")
    if not out.flags.writeable:
        raise ValueError("out: got a read-only array, want one to write to")
    for name, a in inputs.items():
        if np.may_share_memory(out, a):
            raise ValueError(f"out: got memory of {name}, want an array that shares none of it")
