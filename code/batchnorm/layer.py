"""The fast layer: batch normalization over any axes, forward and backward.

Three backward passes give the same gradient: `backward_staged` walks the graph one node at a time,
`backward_compact` is the formula that this shrinks to, and `backward` computes that formula with
few passes over memory. m is the number of samples that are averaged (for axis=0 the batch size, for
axis=(0, 2, 3) N * H * W), d the number of features that are kept apart.

Source: Ioffe & Szegedy 2015, "Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift".
"""

import math
import operator
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from typing import NamedTuple

import numpy as np

BLOCK = 2**16  # entries a block: slices of three arrays and three constants fit a 2 MB L2 cache
CHUNK = 256  # rows added up in the array's own precision, before float64 takes over
RUN = 4096  # the same for entries in line, which NumPy adds up in several lanes
LONG = 256  # from so many entries in line, one constant beside the line is as fast as one for each
SMALL = 2**13  # up to so many entries, a temporary costs less than the start of an einsum

_quiet = np.errstate(all="ignore")  # what is not finite is refused by name, so no warnings


class Cache(NamedTuple):
    """What `forward` leaves for the backward pass; `kept` is the shape of gamma."""

    x_hat: np.ndarray  # the normalized x, of its shape
    gamma: np.ndarray  # a copy, kept
    mu: np.ndarray  # the mean that was subtracted, kept
    var: np.ndarray  # the variance without eps, kept
    s: np.ndarray  # sqrt(var + eps), kept
    axis: tuple[int, ...]  # the axes that are averaged over
    training: bool  # whether mu and var were computed from x
    dtype: np.dtype  # of x, y and dx; float16 has float32 arrays above


@dataclass
class RunningStatistics:
    """The mean and variance for evaluation mode, which follow the training batches.

    ``running = (1 - momentum) * running + momentum * batch``

    This is PyTorch's convention: momentum, 0.1 by default, is the weight of the *new* batch. In
    Keras's it is the weight of the *old* value, 0.99 by default: pass 1 minus that.

    Parameters
    ----------
    mean, var : numbers, or arrays of gamma's shape; an update replaces them by float64 arrays
    momentum : number from 0 to 1
    unbiased : whether to store ``var * m / (m - 1)``, as PyTorch does; the layer itself
        normalizes with the biased variance in either case

    Raises ValueError for a momentum that is not in [0, 1].
    """

    mean: np.ndarray | float = 0.0
    var: np.ndarray | float = 1.0
    momentum: float = 0.1
    unbiased: bool = True

    def __post_init__(self):
        if not isinstance(self.momentum, Real) or not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum: got {self.momentum!r}, want a number from 0 to 1")

    def update(self, mu, var, m):
        """Take in the mean and the biased variance of a batch of m samples.

        Raises ValueError for an unbiased update from a batch of one.
        """
        self.check(m)
        weight, bessel = self.momentum, m / (m - 1) if self.unbiased else 1.0
        self.mean = (1 - weight) * self.mean + weight * mu
        self.var = (1 - weight) * self.var + weight * bessel * var

    def check(self, m):
        """Raise ValueError if a batch of m samples cannot be taken in."""
        if self.unbiased and m < 2:
            raise ValueError(
                "running: a batch of one has no unbiased variance (it divides by m - 1 = 0); "
                "want more samples, unbiased=False, or training=False"
            )


@_quiet
def forward(x, gamma, beta, eps=1e-5, *, axis=0, running=None, training=True, out=None):
    """Normalize each feature over the samples, then scale and shift it.

    ``y = gamma * x_hat + beta`` with ``x_hat = (x - mu) / sqrt(var + eps)``, where ``mu`` and
    ``var`` are the mean and the biased variance (divided by m) over ``axis``.

    Parameters
    ----------
    x : array; float32 and float64 are computed as they are, float16 in float32, integers in float64
    gamma, beta : arrays of the shape that x has without ``axis``: (d,) for x of shape (m, d)
    eps : number >= 0
    axis : integer or tuple: 0 for (m, d), (0, 2, 3) for images (N, C, H, W), 1 for layer norm
    running : `RunningStatistics`; updated in training, used as mu and var in evaluation
    training : False for evaluation mode
    out : array for y, of x's shape and dtype

    Returns (y, cache): y of x's shape and dtype, and the `Cache` for the backward pass.

    Raises ValueError for shapes that do not fit, an empty x, data that are not finite real numbers
    or whose squares overflow, eps < 0, and a variance of 0 with eps = 0.
    """
    x, dtype, work = _numbers("x", x)
    layout = _layout(x.shape, _axes(axis))
    gamma, beta = (_parameter(n, p, layout, work) for n, p in (("gamma", gamma), ("beta", beta)))
    if not isinstance(eps, Real) or not 0 <= eps < math.inf:
        raise ValueError(f"eps: got {eps!r}, want a finite number >= 0")
    if running is not None or not training:
        running_mu, running_var = _statistics(running, layout, work)
    if running is not None and training:
        running.check(layout.m)
    if out is not None:
        _check_out(out, x.shape, dtype, x=x)

    # The mean is subtracted in two parts: first as x's precision has it, which beside a large
    # offset is coarse, then what that left, which the centred values tell exactly enough.
    rows = layout.rows(x if x.dtype == work else x.astype(work))
    total = layout.sum(rows).astype(np.float64)
    _check_sums("x", x, total, total)
    mu = total / layout.m if training else running_mu
    rounded = mu.astype(work)
    x_hat = np.empty(layout.shape, work)
    for u, h, c in layout.blocks([rows, x_hat], [rounded]):
        np.subtract(u, c, out=h)
    if training:
        rest = layout.sum(x_hat) / layout.m
        var = np.maximum(layout.sum(x_hat, x_hat) / layout.m - rest * rest, 0)
        mu = rounded + rest
    else:
        rest = mu - rounded
        var = running_var
    s = np.sqrt(var + eps)
    ivar = (1 / s).astype(work)
    _check_spread(x, var, ivar, eps, layout, training)

    y = _room(out, layout, work)
    constants = [rest.astype(work), ivar, gamma.ravel(), beta.ravel()]
    for h, v, r, i, g, b in layout.blocks([x_hat, y], constants):
        h -= r
        h *= i
        np.multiply(h, g, out=v)
        v += b

    if training and running is not None:
        running.update(mu.reshape(layout.kept), var.reshape(layout.kept), layout.m)
    mu, var, s = (v.astype(work).reshape(layout.kept) for v in (mu, var, s))
    cache = Cache(layout.array(x_hat), gamma, mu, var, s, layout.axis, bool(training), dtype)
    return _deliver(y, out, layout, dtype), cache


@_quiet
def backward(dy, cache, *, out=None):
    """The gradients of x, gamma and beta, in few passes over memory.

    ``dbeta = Σ dy``, ``dgamma = Σ dy * x_hat``, and with s = sqrt(var + eps)
    ``dx = gamma / s * (dy - dbeta / m - x_hat * dgamma / m)``; in evaluation mode, where mu and
    var do not depend on x, ``dx = gamma / s * dy``.

    Parameters
    ----------
    dy : array of x's shape, dL/dy
    cache : what `forward` returned
    out : array for dx, of x's shape and dtype, apart from dy and the cache; it spares the page
        faults of a new one

    Returns (dx, dgamma, dbeta): dx of x's shape and dtype, the others of gamma's shape.

    Raises ValueError for a dy of another shape, or that is not finite and real.
    """
    layout, dy = _upstream(dy, cache)
    if out is not None:
        _check_out(out, dy.shape, cache.dtype, dy=dy, x_hat=cache.x_hat)
    rows, x_hat = layout.rows(dy), layout.rows(cache.x_hat)
    dbeta = layout.sum(rows).astype(dy.dtype, copy=False)
    dgamma = layout.sum(rows, x_hat).astype(dy.dtype, copy=False)
    _check_sums("dy", dy, dgamma, dbeta)

    dx = _room(out, layout, dy.dtype)
    scale = (cache.gamma / cache.s).ravel()
    if cache.training:
        weight = np.array(-1 / layout.m, dy.dtype)
        constants = [dgamma * weight, dbeta * weight, scale]
        for v, g, h, tilt, shift, c in layout.blocks([dx, rows, x_hat], constants):
            np.multiply(h, tilt, out=v)  # in place from here on, while the block is in the cache
            v += shift
            v += g
            v *= c
    else:
        for v, g, c in layout.blocks([dx, rows], [scale]):
            np.multiply(g, c, out=v)
    dx = _deliver(dx, out, layout, cache.dtype)
    return dx, dgamma.reshape(layout.kept), dbeta.reshape(layout.kept)


@_quiet
def backward_compact(dy, cache):
    """What `backward` gives, as the one formula is usually written."""
    layout, dy = _upstream(dy, cache)
    x_hat, gamma, s, m, total = _plain(cache, layout)
    dbeta = total(dy)
    dgamma = total(dy * x_hat)
    if not cache.training:
        return _answer(gamma / s * dy, dgamma, dbeta, dy, cache, layout)
    dx = gamma / (m * s) * (m * dy - x_hat * dgamma - dbeta)
    return _answer(dx, dgamma, dbeta, dy, cache, layout)


@_quiet
def backward_staged(dy, cache):
    """What `backward` gives, walking back over the graph of `reference.batch_norm`.

    One line for each step, the last one first; every gradient has the shape of its node, so that
    a mean hands back an array with 1/m of what it received in each entry.
    """
    layout, dy = _upstream(dy, cache)
    x_hat, gamma, s, m, total = _plain(cache, layout)
    dscaled = dy
    dbeta = total(dy)
    dx_hat = gamma * dscaled
    dgamma = total(x_hat * dscaled)
    direct = dx_hat / s
    if not cache.training:
        return _answer(direct, dgamma, dbeta, dy, cache, layout)
    centred = x_hat * s
    ds = -total(dx_hat * centred) / s**2
    dvar = ds / (2 * s)
    dsquared = np.full_like(dy, dvar / m)
    dcentred = direct + dsquared * 2 * centred
    dmu = -total(dcentred)
    dx = dcentred + np.full_like(dy, dmu / m)
    return _answer(dx, dgamma, dbeta, dy, cache, layout)


def _plain(cache, layout):
    """The cache for plain formulas: constants that broadcast, and a sum that keeps them so."""
    beside = [1 if a in cache.axis else n for a, n in enumerate(cache.x_hat.shape)]

    def total(a):
        return a.sum(axis=cache.axis, keepdims=True)

    return cache.x_hat, cache.gamma.reshape(beside), cache.s.reshape(beside), layout.m, total


def _answer(dx, dgamma, dbeta, dy, cache, layout):
    _check_sums("dy", dy, dgamma.ravel(), dbeta.ravel())
    dx = dx.astype(cache.dtype, copy=False)
    return dx, dgamma.reshape(layout.kept), dbeta.reshape(layout.kept)


class _Layout:
    """How an array is walked: as a matrix, in blocks of rows, with one constant for each feature.

    Where the kept axes stand together the matrix is a view of the array. Its rows hold whole
    samples, (outer, d * inner), so that the constants repeat from row to row; or, where many
    entries in line share a feature, one such run each, (outer * d, inner), so that the constants
    stand in a column.
    """

    def __init__(self, shape, axis):
        ndim = len(shape)
        if not axis or not all(-ndim <= a < ndim for a in axis):
            raise ValueError(f"axis: got {axis}, want axes of x, whose shape is {shape}")
        if 0 in shape:
            raise ValueError(f"x: got no entries, shape {shape}, want at least one")
        self.axis = tuple(sorted({a % ndim for a in axis}))
        if len(self.axis) < len(axis):
            raise ValueError(f"axis: got {axis}, want each axis once")
        kept = [a for a in range(ndim) if a not in self.axis]
        together = not kept or kept[-1] - kept[0] < len(kept)
        self.order = tuple(range(ndim)) if together else (*self.axis, *kept)
        self.permuted = tuple(shape[a] for a in self.order)
        self.inverse = tuple(np.argsort(self.order))
        self.kept = tuple(shape[a] for a in kept)
        self.m, self.d = math.prod(shape[a] for a in self.axis), math.prod(self.kept)
        self.inner = math.prod(shape[kept[-1] + 1 :]) if kept and together else 1
        self.outer = self.m // self.inner
        self.by_run = self.inner >= LONG or (self.inner > 1 and self.outer < 8)
        runs = (self.outer * self.d, self.inner)
        self.shape = runs if self.by_run else (self.outer, self.d * self.inner)
        self.as_is = together and self.shape == shape

    def rows(self, a):
        """The matrix of an array, a view where that is possible."""
        return a if self.as_is else a.transpose(self.order).reshape(self.shape)

    def array(self, rows):
        """The array of a matrix, a view."""
        return rows if self.as_is else rows.reshape(self.permuted).transpose(self.inverse)

    def blocks(self, arrays, constants):
        """The matrices cut into blocks, each with its constants, of shape (d,), laid out for it."""
        n, width = self.shape
        step = max(1, BLOCK // width)
        if self.by_run:
            constants = [np.tile(c, self.outer)[:, None] for c in constants]
        elif self.inner > 1:
            constants = [np.repeat(c, self.inner) for c in constants]
        if step >= n:
            yield *arrays, *constants
            return
        if not self.by_run:  # one constant for each entry spares a loop's start in each row
            constants = [np.tile(c, (step, 1)) for c in constants]
        for i in range(0, n, step):
            part = slice(i, min(i + step, n))
            beside = part if self.by_run else slice(part.stop - i)
            yield *[a[part] for a in arrays], *[c[beside] for c in constants]

    def sum(self, *factors):
        """Σ a, or Σ a * b, over the samples, of shape (d,); chunk by chunk, for float64 to join."""
        n, width = self.shape
        if self.by_run:
            cut = width - width % RUN
            total = _add_runs(*[a[:, :cut].reshape(n, -1, RUN) for a in factors])
            total = total.sum(1, dtype=np.float64) + _add_runs(*[a[:, cut:] for a in factors])
            return total.reshape(self.outer, self.d).sum(0)
        if n <= CHUNK:
            total = _add_rows(*factors)
        else:
            cut = n - n % CHUNK
            total = _add_rows(*[a[:cut].reshape(-1, CHUNK, width) for a in factors])
            total = total.sum(0, dtype=np.float64) + _add_rows(*[a[cut:] for a in factors])
        return total if self.inner == 1 else total.reshape(self.d, self.inner).sum(1)


def _add_runs(a, b=None):
    """Σ a, or Σ a * b, over the last axis; a product with ones takes half the time of a sum."""
    return a @ _ones(a.shape[-1], a.dtype) if b is None else np.vecdot(a, b)


def _add_rows(a, b=None):
    """Σ a, or Σ a * b, over the last axis but one."""
    if b is not None:
        if a.size > SMALL:
            return np.einsum("...ij,...ij->...j", a, b)  # no temporary, but slow to start
        a = a * b
    ones = _ones(a.shape[-2], a.dtype)
    return ones.dot(a) if a.ndim == 2 else ones @ a


_layout = lru_cache(_Layout)
_ones = lru_cache(np.ones)


def _room(out, layout, work):
    """Rows to write to: out's own memory, where its dtype and strides allow."""
    if out is None or out.dtype != work:
        return np.empty(layout.shape, work)
    return layout.rows(out)


def _deliver(rows, out, layout, dtype):
    result = layout.array(rows)
    if out is None:
        return result.astype(dtype, copy=False)
    if not np.may_share_memory(rows, out):
        np.copyto(out, result, casting="same_kind")
    return out


_WORK = {np.dtype(t): np.dtype(w) for t, w in (("f2", "f4"), ("f4", "f4"), ("f8", "f8"))}


def _numbers(name, a):
    """The array, the dtype of what is returned for it, and the dtype to compute in."""
    try:
        a = np.asarray(a)
    except ValueError as error:
        raise ValueError(f"{name}: got {error}, want an array of numbers") from error
    dtype = a.dtype
    if dtype not in _WORK:
        dtype = np.dtype(np.float64) if dtype.kind in "iu" else dtype.newbyteorder("=")
    if dtype not in _WORK:
        raise ValueError(f"{name}: got {dtype} data, want float16, float32, float64 or integers")
    return a, dtype, _WORK[dtype]


def _axes(axis):
    try:
        return tuple(map(operator.index, axis if isinstance(axis, (tuple, list)) else [axis]))
    except TypeError:
        raise ValueError(f"axis: got {axis!r}, want an integer or a tuple of them") from None


def _parameter(name, a, layout, work):
    a, _, _ = _numbers(name, a)
    if a.shape != layout.kept:
        raise ValueError(
            f"{name}: got shape {a.shape}, want {layout.kept}, x's without axis {layout.axis}"
        )
    a = a.astype(work)  # a copy: the cache must not change when the parameter is trained
    if not _all_finite(a.ravel(), a.ravel()):
        raise ValueError(f"{name}: got an entry that is not finite in {work}, want finite numbers")
    return a


def _statistics(running, layout, work):
    """Running mean and variance, of shape (d,) in float64."""
    if not isinstance(running, RunningStatistics):
        raise ValueError(f"running: got {type(running).__name__}, want RunningStatistics")
    found = []
    for name, a in (("running.mean", running.mean), ("running.var", running.var)):
        a, _, _ = _numbers(name, a)
        if a.shape not in ((), layout.kept):
            raise ValueError(f"{name}: got shape {a.shape}, want a number or {layout.kept}")
        if not np.isfinite(a.astype(work)).all():
            raise ValueError(f"{name}: got an entry that is not finite in {work}, want numbers")
        found.append(np.broadcast_to(a.astype(np.float64), layout.kept).ravel())
    if (found[1] < 0).any():
        raise ValueError("running.var: got an entry below 0, want a variance")
    return found


def _upstream(dy, cache):
    if not isinstance(cache, Cache):
        raise ValueError(f"cache: got {type(cache).__name__}, want what forward returned")
    dy, _, _ = _numbers("dy", dy)
    if dy.shape != cache.x_hat.shape:
        raise ValueError(f"dy: got shape {dy.shape}, want {cache.x_hat.shape}, that of x")
    if dy.dtype != cache.x_hat.dtype:
        dy = dy.astype(cache.x_hat.dtype)
    return _layout(dy.shape, cache.axis), dy


def _all_finite(a, b):
    # One product tells, in a third of the time; unless it overflows
    return math.isfinite(a.dot(b)) or bool(np.isfinite(a).all() and np.isfinite(b).all())


def _check_sums(name, a, one, two):
    """An entry that is not finite shows in the sums; only then is every entry looked at."""
    if _all_finite(one, two):
        return
    bad = np.argwhere(~np.isfinite(a))
    if len(bad):
        where = tuple(map(int, bad[0]))
        raise ValueError(f"{name}: got {a[where]} at {where}, want finite numbers")
    raise ValueError(f"{name}: got numbers whose sums overflow, want smaller ones or float64")


def _check_spread(x, var, ivar, eps, layout, training):
    if not _all_finite(var, var):
        raise ValueError("x: got numbers whose squares overflow, want smaller ones or float64")
    if eps > 0 and _all_finite(ivar, ivar):
        return
    none = ~np.isfinite(ivar.reshape(layout.kept))
    if training:  # rounding can hide that all samples are equal, so ask the samples
        first = x[tuple(slice(1) if a in layout.axis else slice(None) for a in range(x.ndim))]
        none |= (x == first).all(axis=layout.axis)
    if none.any():
        where = tuple(map(int, np.argwhere(none)[0]))
        raise ValueError(
            f"x: got variance 0 in feature {where}, want some spread, or eps > {eps:g}"
        )


def _check_out(out, shape, dtype, **inputs):
    if not isinstance(out, np.ndarray):
        raise ValueError(f"out: got {type(out).__name__}, want an array")
    if (out.shape, out.dtype) != (shape, dtype):
        raise ValueError(f"out: got {out.dtype} {out.shape}, want {dtype} {shape}")
    if not out.flags.writeable:
        raise ValueError("out: got a read-only array, want one to write to")
    for name, a in inputs.items():
        if np.may_share_memory(out, a):
            raise ValueError(f"out: got memory of {name}, want an array apart from it")
