"""What the layer refuses, by name: every message says the argument, what came, what is wanted."""

import math
import operator
from functools import lru_cache
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

Shape = tuple[int, ...]

_WORK = {np.dtype(t): np.dtype(w) for t, w in (("f2", "f4"), ("f4", "f4"), ("f8", "f8"))}


def numbers(name: str, a: ArrayLike) -> tuple[np.ndarray, np.dtype, np.dtype]:
    """The array, the dtype of what is returned for it, and the dtype to compute in."""
    try:
        a = np.asarray(a)
    except ValueError as error:
        raise ValueError(f"{name}: got {error}, want an array of numbers") from error
    dtype = a.dtype
    if dtype not in _WORK:
        dtype = np.dtype(np.float64) if dtype.kind in "iu" else dtype.newbyteorder("=")
        if dtype not in _WORK:
            raise ValueError(
                f"{name}: got {dtype} data, want float16, float32, float64 or integers"
            )
    return a, dtype, _WORK[dtype]


def axes(axis: int | tuple[int, ...] | list[int], shape: Shape) -> Shape:
    """The axes as indices from 0, in order. Raises ValueError for an x without entries, too."""
    try:
        given = tuple(map(operator.index, axis if isinstance(axis, (tuple, list)) else [axis]))
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


def check_eps(eps: float) -> None:
    """Raise ValueError unless eps is a finite number >= 0."""
    if not isinstance(eps, Real) or not 0 <= eps < math.inf:
        raise ValueError(f"eps: got {eps!r}, want a finite number >= 0")


def all_finite(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two vectors are finite."""
    # One product tells, in a third of the time; unless it overflows
    return math.isfinite(a.dot(b)) or bool(np.isfinite(a).all() and np.isfinite(b).all())


def check_sums(name: str, a: np.ndarray, one: np.ndarray, two: np.ndarray) -> None:
    """An entry that is not finite shows in the sums; only then is every entry looked at."""
    if all_finite(one, two):
        return
    bad = np.argwhere(~np.isfinite(a))
    if len(bad):
        where = tuple(map(int, bad[0]))
        raise ValueError(f"{name}: got {a[where]} at {where}, want finite numbers")
    raise ValueError(f"{name}: got numbers whose sums overflow, want smaller ones or float64")


def check_spread(
    x: np.ndarray, var: np.ndarray, ivar: np.ndarray, eps: float, axis: Shape, from_x: bool
) -> None:
    """Refuse a variance that is no finite number, or 0 where eps is, too."""
    if not all_finite(var, var):
        raise ValueError("x: got numbers whose squares overflow, want smaller ones or float64")
    if eps > 0 and all_finite(ivar, ivar):
        return
    none = ~np.isfinite(ivar.reshape([n for a, n in enumerate(x.shape) if a not in axis]))
    if from_x:  # rounding can hide that all samples are equal, so ask the samples
        first = x[tuple(slice(1) if a in axis else slice(None) for a in range(x.ndim))]
        none |= (x == first).all(axis=axis)
    if none.any():
        where = tuple(map(int, np.argwhere(none)[0]))
        raise ValueError(
            f"x: got variance 0 in feature {where}, want some spread, or eps > {eps:g}"
        )


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
            raise ValueError(f"out: got memory of {name}, want an array apart from it")
