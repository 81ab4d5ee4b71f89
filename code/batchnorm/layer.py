"""The fast layer: normalization over any axes, forward and backward, in few passes over memory.

Batch norm averages over the samples, layer norm over the features of each sample, instance and
group norm over parts of them: they differ in `axis`, and in the axes along which gamma and beta
vary. The gradient is one formula, with ``gamma * dy`` inside its means: see `backward`.

This file holds the mathematics. `validate` refuses bad input, `blocks` walks through the arrays,
`running` remembers the batches; `reference` has the same backward pass in readable form.

Source: Ioffe & Szegedy 2015, "Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift".
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .blocks import blocks_of
from .running import RunningStatistics, of_a_batch
from .validate import (
    MOST,
    Shape,
    axes,
    check_out,
    check_spread,
    check_sums,
    flag,
    number,
    numbers,
    overflow,
    parameter,
    quiet,
    too_large,
)


class Cache(NamedTuple):
    """What `forward` leaves for the backward pass; `kept` is the shape of x without ``axis``."""

    x_hat: np.ndarray  # the normalized x, of its shape
    gamma: np.ndarray  # a copy
    beta: np.ndarray  # a copy
    mu: np.ndarray  # the mean that was subtracted, kept
    var: np.ndarray  # the variance without eps, kept
    s: np.ndarray  # sqrt(var + eps), kept
    axis: tuple[int, ...]  # the axes that are averaged over
    training: bool  # whether mu and var were computed from x
    dtype: np.dtype  # of x, y and dx; float16 has float32 arrays above
    learned: tuple[Shape, Shape]  # gamma's and beta's with all of x's axes, 1 where none is learned


@quiet
def forward(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    eps: float = 1e-5,
    *,
    axis: int | tuple[int, ...] = 0,
    running: RunningStatistics | None = None,
    training: bool = True,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, Cache]:
    """Normalize over ``axis``, then scale and shift.

    ``y = gamma * x_hat + beta`` with ``x_hat = (x - mu) / sqrt(var + eps)``, where ``mu`` and
    ``var`` are the mean and the biased variance (divided by m) over ``axis``.

    Parameters
    ----------
    x : array; float32 and float64 are computed as they are, float16 in float32, integers in float64
    gamma, beta : arrays that vary along some of x's axes; see below
    eps : number >= 0
    axis : integer or tuple, the axes that are averaged over
    running : `RunningStatistics`; updated in training, used as mu and var in evaluation. Only for
        an ``axis`` that includes 0, the batch: otherwise two batches have nothing in common
    training : False for evaluation mode; without 0 in ``axis`` the two modes are the same
    out : array for y, of x's shape and dtype

    Returns (y, cache): y of x's shape and dtype, and the `Cache` for the backward pass.

    =============  ===============  =========  ===============================
    norm           x                axis       gamma, beta
    =============  ===============  =========  ===============================
    batch          (m, d)           0          (d,)
    batch, images  (N, C, H, W)     (0, 2, 3)  (C,), (C, 1, 1) or (1, C, 1, 1)
    layer          (m, d)           1          (d,) or (1, d)
    instance       (N, C, H, W)     (2, 3)     (C, 1, 1) or (1, C, 1, 1)
    group          (N, G, K, H, W)  (2, 3, 4)  (G, K, 1, 1) or (1, G, K, 1, 1)
    =============  ===============  =========  ===============================

    The rule: with as many axes as x, gamma has length 1 where it does not vary. With fewer, its
    shape is that of x without ``axis``; or it lies along x's last axes, as NumPy broadcasts. Where
    both fit, and differ, the call is refused: (5,) beside an x of (5, 5) with axis 1 must become
    (1, 5), for layer norm, or (5, 1). In batch norm, with 0 in ``axis``, only a gamma with all of
    x's axes can vary along an averaged one, so (C,) always means the channels.

    Raises ValueError for shapes that do not fit, an empty x, masked arrays, data that are not
    finite real numbers or whose squares overflow, eps < 0, a variance of 0 with eps = 0, or one so
    small that it underflows, and for a y that its dtype cannot hold.
    """
    x, dtype, work = numbers("x", x)
    axis = axes(axis, x.shape)
    blocks = blocks_of(x.shape, axis)
    gamma, gamma_shape = parameter("gamma", gamma, x.shape, axis, work)
    beta, beta_shape = parameter("beta", beta, x.shape, axis, work)
    eps = number("eps", eps, 0.0, MOST[work])
    training = flag("training", training)
    own = training or 0 not in axis  # whether the moments are those of x
    if running is not None or not own:
        statistics = of_a_batch(running, axis, blocks.m, training)
        running_mu, running_var = statistics.flat(blocks.kept, work)
    if out is not None:
        check_out(out, x.shape, dtype, x=x)

    # The mean is subtracted in two parts: first as x's precision has it, which beside a large
    # offset is coarse, then what that left, which the centred values tell exactly enough.
    rows = blocks.rows(x if x.dtype == work else x.astype(work))
    total = blocks.sum(rows).astype(np.float64)
    check_sums("x", x, total, total)
    mu = total / blocks.m if own else running_mu
    rounded = mu.astype(work)
    x_hat = np.empty(blocks.shape, work)
    overflow.heard = False
    for u, h, c in blocks(rows, x_hat, rounded):
        np.subtract(u, c, out=h)
    if own:
        rest = blocks.sum(x_hat) / blocks.m
        var = np.maximum(blocks.sum(x_hat, x_hat) / blocks.m - rest * rest, 0)
        mu = rounded + rest
        overflow.heard = False  # the sums show it
    else:
        rest = mu - rounded
        var = running_var
    s = np.sqrt(var + eps)
    ivar = (1 / s).astype(work)
    heard = overflow.heard
    check_spread(x, var, ivar, eps, axis, own)
    overflow.heard = heard  # not the check's own: its bounds may be large

    rows = blocks.room(out, work)
    scale, shift = blocks.lay(gamma, gamma_shape), blocks.lay(beta, beta_shape)
    for h, v, r, i, g, b in blocks(x_hat, rows, rest.astype(work), ivar, scale, shift):
        h -= r
        h *= i
        np.multiply(h, g, out=v)
        v += b
    y = blocks.deliver(rows, out, dtype)
    if overflow.reached(y):
        raise too_large("y", dtype, "a smaller gamma or beta")

    if running is not None and training:
        running.update(mu.reshape(blocks.kept), var.reshape(blocks.kept), blocks.m)
    mu, var, s = (v.astype(work).reshape(blocks.kept) for v in (mu, var, s))
    learned = gamma_shape, beta_shape
    cache = Cache(blocks.array(x_hat), gamma, beta, mu, var, s, axis, own, dtype, learned)
    return y, cache


@quiet
def backward(
    dy: ArrayLike, cache: Cache, *, out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of x, gamma and beta.

    With ``dx_hat = gamma * dy``, ``s = sqrt(var + eps)`` and means over ``axis``

    ``dx = (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat)) / s``;

    in evaluation mode, where mu and var do not depend on x, ``dx = dx_hat / s``. ``dgamma`` and
    ``dbeta`` are ``dy * x_hat`` and ``dy``, summed over the axes along which gamma and beta do not
    vary. Where gamma is constant over ``axis``, as in batch norm, it can be taken out of the
    means; then the sums in them, ``Σ dy`` and ``Σ dy * x_hat``, are ``dbeta`` and ``dgamma``.

    Parameters
    ----------
    dy : array of x's shape, dL/dy
    cache : what `forward` returned
    out : array for dx, of x's shape and dtype, sharing no memory with dy or the cache; it spares
        the page faults of a new one

    Returns (dx, dgamma, dbeta): dx of x's shape and dtype, the others of gamma's and beta's shape.

    Raises ValueError for a dy of another shape, or that is not finite and real, and for a dx that
    its dtype cannot hold.
    """
    if not isinstance(cache, Cache):
        raise ValueError(f"cache: got {type(cache).__name__}, want what forward returned")
    dy, _, _ = numbers("dy", dy)
    if dy.shape != cache.x_hat.shape:
        raise ValueError(f"dy: got shape {dy.shape}, want {cache.x_hat.shape}, that of x")
    work = cache.x_hat.dtype
    dy = dy.astype(work, copy=False)
    if out is not None:
        check_out(out, dy.shape, cache.dtype, dy=dy, x_hat=cache.x_hat)

    blocks = blocks_of(dy.shape, cache.axis)
    up, x_hat = blocks.rows(dy), blocks.rows(cache.x_hat)
    gamma = blocks.lay(cache.gamma, cache.learned[0])
    taken_out = gamma.ndim == 1  # out of the means, being constant over them
    if not taken_out:
        up = up * gamma
    shift = blocks.sum(up).astype(work, copy=False)
    tilt = blocks.sum(up, x_hat).astype(work, copy=False)
    check_sums("dy", dy, shift, tilt)

    # Sums over the axes along which nothing is learned; where these are `axis`, they are there
    known = blocks.beside if taken_out else None
    to_gamma, to_beta = cache.learned
    dgamma = tilt if to_gamma == known else _sum_to(to_gamma, dy, cache.x_hat)
    dbeta = shift if to_beta == known else _sum_to(to_beta, dy)

    rows = blocks.room(out, work)
    overflow.heard = False
    scale = (gamma if taken_out else 1) / cache.s.ravel()
    if cache.training:
        weight = np.array(-1 / blocks.m, work)
        for v, u, h, t, c, k in blocks(rows, up, x_hat, tilt * weight, shift * weight, scale):
            np.multiply(h, t, out=v)  # in place from here on, while the block is in the cache
            v += c
            v += u
            v *= k
    else:
        for v, u, k in blocks(rows, up, scale):
            np.multiply(u, k, out=v)
    dx = blocks.deliver(rows, out, cache.dtype)
    if overflow.reached(dx):
        raise too_large("dx", cache.dtype, "a smaller dy or gamma")
    return dx, dgamma.reshape(cache.gamma.shape), dbeta.reshape(cache.beta.shape)


def _sum_to(shape: Shape, dy: np.ndarray, *x_hat: np.ndarray) -> np.ndarray:
    """Σ dy, or Σ dy * x_hat, over the axes where the shape has a 1."""
    blocks = blocks_of(dy.shape, tuple(a for a, n in enumerate(shape) if n == 1))
    total = blocks.sum(*map(blocks.rows, (dy, *x_hat))).astype(dy.dtype, copy=False)
    check_sums("dy", dy, total, total)
    return total
