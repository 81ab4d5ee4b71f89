"""The fast layer: batch normalization over any axes, forward and backward.

Three backward passes give the same gradient. `backward_staged` walks the graph one node at a
time, `backward_compact` is the formula it shrinks to, `backward` is that formula with as few
passes over memory as NumPy allows. m is the number of samples that are reduced over (for axis=0
the batch size, for axis=(0, 2, 3) N*H*W), d the number of features that are kept.

Ioffe and Szegedy 2015, Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift.
"""

import math
import operator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

BLOCK = 2**16  # entries a block: slices of three arrays and three constants fit a 2 MB L2 cache
CHUNK = 64  # rows added up in the array's own precision before float64 takes over
LONG = 256  # from this many entries in line, one constant beside the line is as fast as one each


class Cache(NamedTuple):
    """What `forward` leaves for the backward pass.

    `kept` is the shape of x without the axes that are reduced: (d,) for axis=0.
    """

    x_hat: np.ndarray  # normalized x, shape of x
    gamma: np.ndarray  # a copy, shape kept
    mu: np.ndarray  # the mean that was taken away, shape kept
    var: np.ndarray  # the variance that was divided by, without eps, shape kept
    s: np.ndarray  # sqrt(var + eps), shape kept
    axis: tuple[int, ...]  # the axes that are reduced
    training: bool  # whether mu and var came from x itself
    dtype: np.dtype  # of x, y and dx; the arrays above are float32 where this is float16


@dataclass
class RunningStatistics:
    """Mean and variance for evaluation, updated by each training batch.

        running = (1 - momentum) * running + momentum * batch

    This is PyTorch's momentum (0.1 by default), the weight of the *new* batch. Keras and the
    original Caffe layer call the weight of the *old* value momentum (0.99 by default in Keras):
    pass 1 minus theirs.

    The layer normalizes with the biased variance (divide by m). What is stored is the unbiased one
    (times m / (m - 1)), as PyTorch does; `unbiased=False` stores the biased one. `mean` and `var`
    are numbers, or arrays of the shape of gamma; the first update makes them arrays.

    Raises ValueError for a momentum outside [0, 1], and for an unbiased update from a batch of one.
    """

    mean: np.ndarray | float = 0.0
    var: np.ndarray | float = 1.0
    momentum: float = 0.1
    unbiased: bool = True

    def __post_init__(self):
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum is {self.momentum!r}; it must lie between 0 and 1")

    def update(self, mu, var, m):
        """Take in the mean and the biased variance of a batch of m samples."""
        if self.unbiased and m == 1:
            raise ValueError(
                "running: a batch of one has no unbiased variance (m - 1 = 0); "
                "use a larger batch, unbiased=False, or training=False"
            )
        new = var * (m / (m - 1)) if self.unbiased else var
        self.mean = (1 - self.momentum) * self.mean + self.momentum * mu
        self.var = (1 - self.momentum) * self.var + self.momentum * new


def forward(
    x, gamma, beta, eps=1e-5, *, axis=0, running=None, training=True, out=None
) -> tuple[np.ndarray, Cache]:
    """y = gamma * x_hat + beta with x_hat = (x - mu) / sqrt(var + eps).

    mu and var (biased) are taken over `axis`: 0 for x of shape (m, d), (0, 2, 3) for images
    (N, C, H, W). gamma and beta have the shape of the axes that are left. With training=False
    they come from `running`; with training=True a given `running` is updated.

    Returns y, of the shape and dtype of x, and the cache for the backward pass. float32 and float64
    stay as they are, float16 is computed in float32, integers become float64. y is written to `out`
    if given.

    Raises ValueError for shapes that do not fit, an empty x, entries that are not finite real
    numbers, eps < 0, a variance of zero with eps = 0, and values whose square overflows.
    """
    x, dtype, work = _numbers("x", x)
    layout = _layout(x.shape, _axes(axis, x.ndim))
    gamma, beta = (_parameter(n, p, layout, work) for n, p in (("gamma", gamma), ("beta", beta)))
    eps = _eps(eps)
    _check_out(out, x, dtype, x=x)
    if running is None and not training:
        raise ValueError("running is None; training=False needs RunningStatistics")
    if training and running is not None and running.unbiased and layout.m == 1:
        running.update(0.0, 0.0, 1)  # raises, before any work is done

    with np.errstate(all="ignore"):
        rows = layout.rows(x.astype(work, copy=False))
        total = layout.sum(rows)
        _check_finite("x", x, total)
        # The mean is subtracted in two parts, since float32 cannot hold it next to a large offset:
        # first what float32 keeps of it, then the rest, found from the centred values.
        mu = total / layout.m if training else _statistic("running.mean", running.mean, layout)
        rounded = mu.astype(work)
        x_hat = np.empty_like(rows)
        (c,) = layout.spread(rounded)
        for block, part in layout.blocks():
            np.subtract(rows[block], c[part], out=x_hat[block])
        if training:
            rest = layout.sum(x_hat) / layout.m
            var = np.maximum(layout.sum(x_hat, x_hat) / layout.m - rest**2, 0)
            mu = rounded + rest
        else:
            rest = mu - rounded
            var = _statistic("running.var", running.var, layout)
        _check_variance(x, var, eps, layout, training)
        s = np.sqrt(var + eps)

        y = _room(out, layout, work)
        c = layout.spread(*(v.astype(work) for v in (rest, 1 / s, gamma.ravel(), beta.ravel())))
        for block, part in layout.blocks():
            rest_, ivar_, gamma_, beta_ = (v[part] for v in c)
            h = x_hat[block]
            h -= rest_
            h *= ivar_
            np.multiply(h, gamma_, out=y[block])
            y[block] += beta_
        y = _deliver(y, out, layout, dtype)

    if training and running is not None:
        running.update(mu.reshape(layout.kept), var.reshape(layout.kept), layout.m)
    mu, var, s = (v.astype(work).reshape(layout.kept) for v in (mu, var, s))
    x_hat = layout.shaped(x_hat)
    return y, Cache(x_hat, gamma, mu, var, s, layout.axis, bool(training), dtype)


def backward(dy, cache, *, out=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dL/dx, dL/dgamma and dL/dbeta from dy = dL/dy, in few passes over memory.

        dbeta = Σ dy      dgamma = Σ dy * x_hat
        dx = gamma / s * (dy - dbeta / m - x_hat * dgamma / m)

    and dx = gamma / s * dy in evaluation mode, where mu and var do not depend on x.

    dx has the shape and dtype of x, dgamma and dbeta the shape of gamma. dx is written to `out` if
    given, which spares the page faults of a fresh array; it must not overlap dy or the cache.

    Raises ValueError for a dy whose shape is not that of x, or that is not finite and real.
    """
    layout, dy_rows, dbeta, dgamma = _sums(dy, cache, out)
    x_hat = layout.rows(cache.x_hat)
    dx = _room(out, layout, x_hat.dtype)
    with np.errstate(all="ignore"):
        scale = (cache.gamma / cache.s).ravel()
        if cache.training:
            c = layout.spread(dgamma * (-1 / layout.m), dbeta * (-1 / layout.m), scale)
            for block, part in layout.blocks():
                p = dx[block]  # each line works on this one block, while it is in the cache
                np.multiply(x_hat[block], c[0][part], out=p)
                p += c[1][part]
                p += dy_rows[block]
                p *= c[2][part]
        else:
            (c,) = layout.spread(scale)
            for block, part in layout.blocks():
                np.multiply(dy_rows[block], c[part], out=dx[block])
        dx = _deliver(dx, out, layout, cache.dtype)
    return dx, dgamma.reshape(layout.kept), dbeta.reshape(layout.kept)


def backward_compact(dy, cache):
    """The same as `backward`, as the formula is usually written."""
    layout, dy, x_hat, gamma, s, total = _plain(dy, cache)
    m = layout.m
    dbeta = total(dy)
    dgamma = total(dy * x_hat)
    if cache.training:
        dx = gamma / (m * s) * (m * dy - x_hat * dgamma - dbeta)
    else:
        dx = gamma / s * dy
    return dx.astype(cache.dtype), dgamma.reshape(layout.kept), dbeta.reshape(layout.kept)


def backward_staged(dy, cache):
    """The same as `backward`, one line for each node of the forward pass, in reverse order."""
    layout, dy, x_hat, gamma, s, total = _plain(dy, cache)
    x_mu = x_hat * s
    dbeta = total(dy)
    dgamma = total(dy * x_hat)
    dx_hat = dy * gamma
    dx_mu = dx_hat / s
    if cache.training:
        ds = -total(dx_hat * x_hat) / s
        dvar = ds / (2 * s)
        dx_mu = dx_mu + dvar * 2 * x_mu / layout.m
        dmu = -total(dx_mu)
        dx = dx_mu + dmu / layout.m
    else:
        dx = dx_mu
    return dx.astype(cache.dtype), dgamma.reshape(layout.kept), dbeta.reshape(layout.kept)


def _plain(dy, cache):
    layout, dy = _upstream(dy, cache)
    shape = [1 if a in cache.axis else n for a, n in enumerate(dy.shape)]
    gamma, s = cache.gamma.reshape(shape), cache.s.reshape(shape)
    _check_finite("dy", dy, dy.sum())

    def total(a):
        return a.sum(axis=cache.axis, keepdims=True)

    return layout, dy, cache.x_hat, gamma, s, total


class _Layout:
    """How an array is walked: as a matrix, in blocks of rows, with one constant for each feature.

    Where the kept axes stand together the matrix is a view of the array. Its rows hold whole
    samples, (outer, d * inner), so that the constants repeat from row to row; or, when many
    entries in line share a feature, one run of them each, (outer * d, inner), so that a constant
    is a column.
    """

    def __init__(self, shape, axis):
        kept = [a for a in range(len(shape)) if a not in axis]
        together = not kept or kept[-1] - kept[0] < len(kept)
        self.axis = axis
        self.order = tuple(range(len(shape))) if together else (*axis, *kept)
        self.permuted = tuple(shape[a] for a in self.order)
        self.inverse = tuple(np.argsort(self.order))
        self.kept = tuple(shape[a] for a in kept)
        self.d = math.prod(self.kept)
        self.m = math.prod(shape[a] for a in axis)
        self.inner = math.prod(shape[kept[-1] + 1 :]) if together and kept else 1
        self.outer = self.m // self.inner if self.m else 0
        self.by_run = self.inner >= LONG or (self.inner > 1 and self.outer < 8)
        self.shape = (
            (self.outer * self.d, self.inner) if self.by_run else (self.outer, self.d * self.inner)
        )

    def rows(self, a):
        return a.transpose(self.order).reshape(self.shape)

    def shaped(self, rows):
        return rows.reshape(self.permuted).transpose(self.inverse)

    def blocks(self):
        """(rows of a block, rows of its constants) for each block."""
        n, step = self.shape[0], self._step()
        for i in range(0, n, step):
            stop = min(i + step, n)
            yield slice(i, stop), slice(i, stop) if self.by_run else slice(0, stop - i)

    def spread(self, *constants):
        """Constants of shape (d,) laid out for `blocks`."""
        if self.by_run:
            return [np.tile(c, self.outer)[:, None] for c in constants]
        # A constant for every entry of a block spares NumPy the start of a loop in each row;
        # for a single block, laying it out would cost more than that.
        copies = self._step() if self._step() < self.shape[0] else 1
        return [np.tile(np.repeat(c, self.inner), (copies, 1)) for c in constants]

    def _step(self):
        return max(1, BLOCK // self.shape[1])

    def sum(self, a, b=None):
        """Σ a, or Σ a * b, over the samples: float64 of shape (d,)."""
        n, width = self.shape
        if self.by_run:
            ends = a @ np.ones(width, a.dtype) if b is None else np.einsum("ij,ij->i", a, b)
            return ends.reshape(self.outer, self.d).sum(0, dtype=np.float64)
        whole = n - n % CHUNK
        total = np.zeros(width)
        for rows, shape in (slice(0, whole), (-1, CHUNK, width)), (slice(whole, n), (1, -1, width)):
            p = a[rows]
            if not len(p):
                continue
            p = p.reshape(shape)
            if b is None:
                parts = np.ones(p.shape[1], p.dtype) @ p
            else:
                parts = np.einsum("kij,kij->kj", p, b[rows].reshape(shape))
            total += parts.sum(0, dtype=np.float64)
        return total.reshape(self.d, self.inner).sum(1)


_layout = lru_cache(_Layout)


def _sums(dy, cache, out):
    """Layout, dy as rows, and the two sums of the backward pass."""
    layout, dy = _upstream(dy, cache)
    _check_out(out, dy, cache.dtype, dy=dy, x_hat=cache.x_hat)
    rows = layout.rows(dy)
    with np.errstate(all="ignore"):
        dbeta = layout.sum(rows)
        dgamma = layout.sum(rows, layout.rows(cache.x_hat))
        _check_finite("dy", dy, dbeta)
        _check_finite("dy", dy, dgamma)
        return layout, rows, dbeta.astype(dy.dtype), dgamma.astype(dy.dtype)


def _upstream(dy, cache):
    dy, _, _ = _numbers("dy", dy)
    shape = cache.x_hat.shape
    if dy.shape != shape:
        raise ValueError(f"dy has shape {dy.shape}; it must have the shape of x, {shape}")
    return _layout(shape, cache.axis), dy.astype(cache.x_hat.dtype, copy=False)


def _numbers(name, a):
    """The array, the dtype of results, and the dtype to compute in."""
    try:
        a = np.asarray(a)
    except ValueError as error:
        raise ValueError(f"{name} is not an array of numbers: {error}") from error
    kind, size = a.dtype.kind, a.dtype.itemsize
    if kind in "iu":
        return a, np.dtype(np.float64), np.dtype(np.float64)
    if kind != "f" or size > 8:
        raise ValueError(f"{name} has dtype {a.dtype}; it must be float16, 32 or 64, or integer")
    return a, np.dtype(f"f{size}"), np.dtype(f"f{max(size, 4)}")


def _axes(axis, ndim):
    try:
        axes = [operator.index(a) for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    except TypeError:
        raise ValueError(f"axis is {axis!r}; it must be an integer or a tuple of them") from None
    if not axes or not all(-ndim <= a < ndim for a in axes):
        raise ValueError(f"axis is {axis!r}; it must name axes of x, which has {ndim}")
    axes = sorted(a % ndim for a in axes)
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis is {axis!r}; it names an axis twice")
    return tuple(axes)


def _eps(eps):
    try:
        value = float(eps)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(f"eps is {eps!r}; it must be a finite number, 0 or larger")
    return value


def _parameter(name, a, layout, work):
    a, _, _ = _numbers(name, a)
    if a.shape != layout.kept:
        raise ValueError(
            f"{name} has shape {a.shape}; it must be {layout.kept}, x without axis {layout.axis}"
        )
    a = a.astype(work)
    if not np.isfinite(a).all():
        raise ValueError(f"{name} has an entry that is not finite")
    return a


def _statistic(name, a, layout):
    a = np.asarray(a, dtype=np.float64)
    if a.shape not in ((), layout.kept):
        raise ValueError(f"{name} has shape {a.shape}; it must be a number or {layout.kept}")
    if not np.isfinite(a).all():
        raise ValueError(f"{name} has an entry that is not finite")
    return np.broadcast_to(a, layout.kept).ravel()


def _check_finite(name, a, sums):
    """An entry that is not finite shows in the sums, so that only then every entry is looked at."""
    if np.isfinite(sums).all():
        return
    bad = np.argwhere(~np.isfinite(a))
    if len(bad):
        where = tuple(map(int, bad[0]))
        raise ValueError(f"{name} has {len(bad)} entries that are not finite, the first at {where}")
    raise ValueError(f"{name} is finite, but its sums overflow; scale it down or use float64")


def _check_variance(x, var, eps, layout, training):
    if not np.isfinite(var).all():
        raise ValueError("x is finite, but its squares overflow; scale it down or use float64")
    if (var < 0).any():
        raise ValueError("running.var has an entry below 0")
    if eps > 0:
        return
    zero = var.reshape(layout.kept) == 0
    if training:  # rounding can hide that all samples are equal, so ask the samples
        first = x[tuple(slice(1) if a in layout.axis else slice(None) for a in range(x.ndim))]
        zero |= (x == first).all(axis=layout.axis)
    if zero.any():
        where = tuple(map(int, np.argwhere(zero)[0]))
        raise ValueError(f"x has variance 0 at feature {where}; with eps = 0 it needs some spread")


def _check_out(out, like, dtype, **inputs):
    if out is None:
        return
    if not isinstance(out, np.ndarray) or out.shape != like.shape or out.dtype != dtype:
        got = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"out is {got}; it must be an array, {dtype} {like.shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    for name, a in inputs.items():
        if np.may_share_memory(out, a):
            raise ValueError(f"out overlaps {name} in memory; it must stand apart")


def _room(out, layout, work):
    """Rows to write to: out's own memory where its dtype and strides allow."""
    if out is not None and out.dtype == work:
        return layout.rows(out)
    return np.empty(layout.shape, work)


def _deliver(rows, out, layout, dtype):
    result = layout.shaped(rows)
    if out is None:
        return result.astype(dtype, copy=False)
    if not np.may_share_memory(rows, out):
        np.copyto(out, result, casting="same_kind")
    return out
