"""Batch normalization over several workers: each holds a part of the batch, all share its moments.

Forward, the workers merge their counts, means and sums of squares in one all-reduce; backward, they
add up two sums in one. Every worker then has what one worker with the whole batch would have.

Needs ``pip install batchnorm[mpi]``: mpi4py and an MPI, both from wheels. The arithmetic of a merge
needs neither, and is plain NumPy.

Sources: Ioffe & Szegedy 2015 for the layer; Chan, Golub & LeVeque 1979, "Updating formulae and a
pairwise algorithm for computing sample variances", for the merge.
"""

from typing import Any, NamedTuple

import numpy as np


class Moments(NamedTuple):
    """Count, mean and ``M2 = Σ (x - mean)²`` of some samples; of none they are all 0."""

    n: float
    mean: np.ndarray  # (d,)
    m2: np.ndarray  # (d,)


class Cache(NamedTuple):
    """What `forward` leaves for `backward`."""

    x_hat: np.ndarray  # this worker's part, (m, d)
    gamma: np.ndarray
    s: np.ndarray  # sqrt(var + eps) of the whole batch
    n: float  # samples in the whole batch
    comm: Any


def moments(x):
    """The `Moments` of x, (m, d), m >= 0."""
    n = float(len(x))
    mean = x.sum(axis=0) / max(n, 1.0)
    return Moments(n, mean, ((x - mean) ** 2).sum(axis=0))


def merge(a, b):
    """The `Moments` of two sets of samples together.

    ``delta = b.mean - a.mean``, ``mean = a.mean + delta * b.n / n``,
    ``m2 = a.m2 + b.m2 + delta² * a.n * b.n / n``. It never subtracts large squares, as
    ``Σx² - n mean²`` does.
    """
    n = a.n + b.n
    share = b.n / max(n, 1.0)
    delta = b.mean - a.mean
    return Moments(n, a.mean + delta * share, a.m2 + b.m2 + delta**2 * (a.n * share))


def forward(x, gamma, beta, eps=1e-5, *, comm):
    """Normalize this worker's part of the batch with the moments of the whole.

    ``y = gamma * (x - mu) / sqrt(var + eps) + beta``; one all-reduce of 1 + 2 d numbers.

    Parameters
    ----------
    x : (m, d) array, this worker's samples; m may differ between workers, and be 0
    gamma, beta : (d,) arrays, the same on every worker
    eps : number >= 0
    comm : an mpi4py communicator; all its workers must call this

    Returns (y, cache). Raises ValueError for shapes that do not fit, and on every worker if the
    whole batch is empty.
    """
    x = np.asarray(x, float)
    gamma, beta = np.asarray(gamma, float), np.asarray(beta, float)
    if x.ndim != 2:
        raise ValueError(f"x: got shape {x.shape}, want (m, d)")
    for name, a in (("gamma", gamma), ("beta", beta)):
        if a.shape != x.shape[1:]:
            raise ValueError(f"{name}: got shape {a.shape}, want {x.shape[1:]}")
    if not (np.isfinite(eps) and eps >= 0):
        raise ValueError(f"eps: got {eps!r}, want a finite number >= 0")
    whole = _all_merged(moments(x), comm)
    if whole.n == 0:
        raise ValueError("x: got no sample on any worker, want at least one")
    s = np.sqrt(whole.m2 / whole.n + eps)
    x_hat = (x - whole.mean) / s
    return gamma * x_hat + beta, Cache(x_hat, gamma, s, whole.n, comm)


def backward(dy, cache):
    """The gradients of this worker's x, and of gamma and beta.

    ``dbeta = Σ dy`` and ``dgamma = Σ dy * x_hat`` over the *whole* batch, from one all-reduce of
    2 d numbers; ``dx = gamma / s * (dy - dbeta / n - x_hat * dgamma / n)``.

    dy : this worker's part of the upstream gradient, of x's shape

    Returns (dx, dgamma, dbeta). dgamma and dbeta are the whole batch's on every worker already: a
    framework that adds up parameters' gradients over the workers must leave these out. Raises
    ValueError for a dy of another shape.
    """
    dy = np.asarray(dy, float)
    if dy.shape != cache.x_hat.shape:
        raise ValueError(f"dy: got shape {dy.shape}, want {cache.x_hat.shape}, that of x")
    sums = np.stack([dy.sum(axis=0), (dy * cache.x_hat).sum(axis=0)])
    cache.comm.Allreduce(sums.copy(), sums)  # the operation is a sum unless one says otherwise
    dbeta, dgamma = sums
    dx = cache.gamma / cache.s * (dy - dbeta / cache.n - cache.x_hat * (dgamma / cache.n))
    return dx, dgamma, dbeta


def _all_merged(own, comm):
    """The moments of all workers' samples, on each of them, by one all-reduce with `merge`."""
    from mpi4py import MPI  # here, since the rest of this file needs no MPI

    d = len(own.mean)
    packed = np.concatenate([[own.n], own.mean, own.m2])
    merged = np.empty_like(packed)

    def combine(left, right, datatype):
        # One element is a whole set of moments: MPI may cut a long message, never an element
        into = np.frombuffer(right, float).reshape(-1, 1 + 2 * d)
        for a, b in zip(np.frombuffer(left, float).reshape(into.shape), into, strict=True):
            n, mean, m2 = merge(_unpack(a), _unpack(b))
            b[:] = np.concatenate([[n], mean, m2])

    element = MPI.DOUBLE.Create_contiguous(1 + 2 * d).Commit()
    operation = MPI.Op.Create(combine, commute=True)
    try:
        comm.Allreduce([packed, 1, element], [merged, 1, element], op=operation)
    finally:
        operation.Free()
        element.Free()
    return _unpack(merged)


def _unpack(packed):
    d = (len(packed) - 1) // 2
    return Moments(float(packed[0]), packed[1 : 1 + d], packed[1 + d :])
