"""Batch normalization over several workers: each holds a part of the batch, all share its moments.

Forward, the workers merge their counts, means and sums of squares in one all-reduce; backward, they
add up two sums in one. Every worker then has what one worker with the whole batch would have, as
exactly as `batchnorm.forward` has it, in float64.

What one worker refuses, all refuse: it says so in the same message, and none of the others waits
for it or goes on without it.

Needs ``pip install batchnorm[mpi]``: mpi4py and an MPI, both from wheels. The arithmetic of a merge
needs neither, and is plain NumPy.

Sources: Ioffe & Szegedy 2015 for the layer; Chan, Golub & LeVeque 1979, "Updating formulae and a
pairwise algorithm for computing sample variances", for the merge.
"""

import math
import zlib
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from .validate import SMALLEST, all_finite, check_finite, number, numbers, plain, quiet

SMALL = 2**14  # entries: fewer are multiplied before np.einsum has started
ZERO = np.zeros(())  # added, it makes a copy in float64, where -0 is 0


class Moments(NamedTuple):
    """Count, mean and ``M2 = Σ (x - mean)²`` of some samples; of none they are all 0."""

    n: float
    mean: np.ndarray  # (d,)
    m2: np.ndarray  # (d,)
    rest: np.ndarray  # (d,), what the rounding of a large mean has taken from it


class Cache(NamedTuple):
    """What `forward` leaves for `backward`."""

    x_hat: np.ndarray  # this worker's part, (m, d)
    gamma: np.ndarray  # a copy
    s: np.ndarray  # sqrt(var + eps) of the whole batch
    n: float  # samples in the whole batch
    comm: Any


@plain
def moments(x):
    """The `Moments` of x, (m, d), m >= 0."""
    return _centred(x)[1]


def _centred(x):
    """x minus its mean, as x's precision has it, and the `Moments` of x."""
    n = len(x)
    ones, shares = _weights(n, x.dtype)
    mean = shares.dot(x)
    centred = x - mean
    left = ones.dot(centred)
    rest = left / (n or 1)
    m2 = _sum_of_products(centred, centred) - left * rest
    return centred, Moments(float(n), mean, np.maximum(m2, 0.0), rest)


@lru_cache(4)
def _weights(n, dtype):
    """For Σ x and for its mean: a product takes a quarter of the time of a sum."""
    return np.ones(n, dtype), np.full(n, 1 / (n or 1), dtype)


def _sum_of_products(a, b):
    """Σ a * b over the samples."""
    if a.size > SMALL:
        return np.einsum("ij,ij->j", a, b)  # no temporary of the full size
    return _weights(len(a), a.dtype)[0].dot(a * b)


def merge(a, b):
    """The `Moments` of two sets of samples together.

    ``delta = b.mean - a.mean``, ``mean = a.mean + delta * b.n / n``,
    ``m2 = a.m2 + b.m2 + delta² * a.n * b.n / n``. It never subtracts large squares, as
    ``Σx² - n mean²`` does. What the new mean's rounding takes is added to ``rest``.
    """
    if not a.n or not b.n:
        return a if a.n else b
    n = a.n + b.n
    delta = (b.mean - a.mean) + (b.rest - a.rest)
    step = delta * (b.n / n)
    mean = a.mean + step
    rest = a.rest + (step - (mean - a.mean))
    return Moments(n, mean, a.m2 + b.m2 + delta * step * a.n, rest)


@quiet
def forward(x, gamma, beta, eps=1e-5, *, comm):
    """Normalize this worker's part of the batch with the moments of the whole.

    ``y = gamma * (x - mu) / sqrt(var + eps) + beta``; one all-reduce of 5 + 3 d numbers.

    Parameters
    ----------
    x : (m, d) array, this worker's samples; m may differ between workers, and be 0
    gamma, beta : (d,) arrays, the same on every worker
    eps : number >= 0, the same on every worker
    comm : an mpi4py communicator; all its workers must call this

    Returns (y, cache), y in float64. Raises ValueError, on every worker, if any of them has shapes
    that do not fit, data that are not finite real numbers, or eps < 0; if gamma, beta or eps differ
    between them; if the whole batch is empty, its squares or y overflow, or a feature has variance
    0 with eps = 0, or one that underflows.

    It is not checked that d is the same everywhere: that would take another message. If it is not,
    MPI reports a truncated message, on some of the workers only, or ends the program; the results
    of the others then mean nothing.
    """
    _check_comm(comm)
    refused = None
    try:
        x, gamma, beta, eps = _arguments(x, gamma, beta, eps)
        scales, shifts = gamma.dot(gamma), beta.dot(beta)
        if not math.isfinite(scales + shifts):
            check_finite("gamma", gamma)
            check_finite("beta", beta)
        x_hat, own = _centred(x)
        if not all_finite(own.m2, own.m2):
            check_finite("x", x)
        same = [zlib.crc32(gamma), zlib.crc32(beta), eps]
    except Exception as error:  # whatever it is, the others must know of it
        refused, nothing = error, np.zeros(_features(x, gamma, beta))
        own, same = Moments(0.0, nothing, nothing, nothing), [0, 0, 0]
    whole = _all_merged(own, same, refused, comm)
    if whole.n == 0:
        raise ValueError("x: got no sample on any worker, want at least one")
    var = whole.m2 / whole.n
    if not all_finite(stable := var + eps, stable):
        raise ValueError("x: got numbers whose squares overflow, want smaller ones")
    if eps < SMALLEST and (small := stable < SMALLEST).any():
        where = tuple(map(int, np.argwhere(small)[0]))
        got = "numbers whose squares underflow" if var[where] else "variance 0"
        raise ValueError(f"x: got {got} in feature {where}, want some spread, or eps > {eps:g}")
    # |x_hat| is at most √n: so all workers can tell alike whether y may overflow
    if not math.isfinite(scales * whole.n + shifts):
        most = np.abs(gamma) * whole.n**0.5 + np.abs(beta)
        if not all_finite(most, most):
            raise ValueError("gamma: got numbers with which y may overflow, want smaller ones")
    s = np.sqrt(stable)
    x_hat -= (whole.mean - own.mean) + whole.rest  # the own mean is gone already
    x_hat *= 1 / s
    y = gamma * x_hat
    y += beta
    return y, Cache(x_hat, gamma, s, whole.n, comm)


@quiet
def backward(dy, cache):
    """The gradients of this worker's x, and of gamma and beta.

    ``dbeta = Σ dy`` and ``dgamma = Σ dy * x_hat`` over the *whole* batch, from one all-reduce of
    3 + 2 d numbers; ``dx = gamma / s * (dy - dbeta / n - x_hat * dgamma / n)``.

    dy : this worker's part of the upstream gradient, of x's shape

    Returns (dx, dgamma, dbeta), in float64. dgamma and dbeta are the whole batch's on every worker
    already: a framework that adds up parameters' gradients over the workers must leave these out.
    Raises ValueError, on every worker, if any of them has a dy of another shape or that is not
    finite and real, or if the sums or dx may overflow.
    """
    if not isinstance(cache, Cache):
        raise ValueError(f"cache: got {type(cache).__name__}, want what forward returned")
    x_hat, gamma, s, n, comm = cache
    refused, sums = None, np.zeros(3 + 2 * x_hat.shape[1])
    dbeta, dgamma = sums[3:].reshape(2, -1)
    try:
        dy = numbers("dy", dy)[0].astype(float, copy=False)
        if dy.shape != x_hat.shape:
            raise ValueError(f"dy: got shape {dy.shape}, want {x_hat.shape}, that of x")
        flat = dy.ravel()
        length = math.sqrt(flat.dot(flat))
        if not math.isfinite(length):  # the square has overflowed, if nothing else
            check_finite("dy", dy)
            length = np.abs(flat).max() * math.sqrt(flat.size)
        sums[2] = length
        _weights(len(dy), dy.dtype)[0].dot(dy, out=dbeta)
        dgamma[:] = _sum_of_products(dy, x_hat)
    except Exception as error:  # as in `forward`
        refused, sums[:2] = error, (1, comm.rank)
    comm.Allreduce(sums.copy(), sums)  # the operation is a sum unless one says otherwise
    refusing, ranks, length = sums[:3].tolist()
    if refusing:
        _refuse(refused, f"rank {ranks:.0f}" if refusing == 1 else f"{refusing:.0f} ranks")
    scale = gamma / s
    if not math.isfinite(sums.dot(sums) * scale.dot(scale)):  # the squares, if nothing else
        longest = scale * length  # dx is no longer than scale * dy
        if not (all_finite(sums, sums) and all_finite(longest, longest)):
            raise ValueError("dy: got numbers whose sums or gradients overflow, want smaller ones")
    dx = x_hat * (dgamma / -n)
    dx += dy
    dx -= dbeta / n
    dx *= scale
    return dx, dgamma, dbeta


def _arguments(x, gamma, beta, eps):
    x = numbers("x", x)[0].astype(float, copy=False)
    gamma = numbers("gamma", gamma)[0] + ZERO
    beta = numbers("beta", beta)[0] + ZERO
    if x.ndim != 2:
        raise ValueError(f"x: got shape {x.shape}, want (m, d)")
    if not gamma.shape == beta.shape == x.shape[1:]:
        name, a = ("beta", beta) if gamma.shape == x.shape[1:] else ("gamma", gamma)
        raise ValueError(f"{name}: got shape {a.shape}, want {x.shape[1:]}")
    return x, gamma, beta, number("eps", eps)


def _features(x, gamma, beta):
    """How many features there are elsewhere, most likely: what most of the arguments say."""
    found = []
    for a, ndim in ((gamma, 1), (beta, 1), (x, 2)):
        try:
            shape = np.shape(a)
        except Exception:  # an object's own __array__ may raise anything: x is refused for it
            continue
        if len(shape) == ndim:
            found.append(shape[-1])
    return max(found, key=found.count, default=1)


def _check_comm(comm):
    if not hasattr(comm, "Allreduce"):
        raise ValueError(f"comm: got {type(comm).__name__}, want an mpi4py communicator")


def _refuse(own, where):
    """Raise this worker's own error, or one that says where the arguments were refused."""
    if own is not None:
        raise own
    raise ValueError(
        f"comm: {where} refused its arguments, as its own error says, so no rank has a result"
    )


@cache
def _merging():
    """MPI's operation that merges messages: made once, since that takes as long as to use it."""
    from mpi4py import MPI  # here, since the rest of this file needs no MPI

    def combine(left, right, datatype):
        # One element is a whole message: MPI may cut a long one, never an element
        into = np.frombuffer(right, float).reshape(-1, datatype.Get_size() // 8)
        for a, b in zip(np.frombuffer(left, float).reshape(into.shape), into, strict=True):
            (one, *same), own = _parts(a)
            (two, *theirs), other = _parts(b)
            if same != theirs:
                same = [v if v == w else math.nan for v, w in zip(same, theirs, strict=True)]
            b[:] = _message(one or two, same, merge(own, other))

    return MPI.Op.Create(combine, commute=True)


@cache
def _element(length):
    """MPI's datatype of a message; there are as many as layers have widths, and all are kept."""
    from mpi4py import MPI

    return MPI.DOUBLE.Create_contiguous(length).Commit()


def _all_merged(own, same, refused, comm):
    """The moments of all workers' samples, on each of them, by one all-reduce with `merge`."""
    sent = _message(0.0 if refused is None else comm.rank + 1, same, own)
    merged = np.empty_like(sent)
    element = _element(len(sent))
    comm.Allreduce([sent, 1, element], [merged, 1, element], op=_merging())
    (who, *same), whole = _parts(merged)
    if who:
        _refuse(refused, f"rank {who - 1:.0f}")
    if math.isnan(sum(same)):
        name = ("gamma", "beta", "eps")[[math.isnan(v) for v in same].index(True)]
        raise ValueError(f"{name}: got different values on some ranks, want the same on all")
    return whole


def _message(who, same, moments):
    """One array: who has refused its arguments, its rank counted from 1, or 0; what must be the
    `same` for gamma, beta and eps, or nan where it is not; and moments. `_parts` takes it apart.
    """
    n, mean, m2, rest = moments
    return np.concatenate([[who, *same, n], mean, m2, rest])


def _parts(message):
    *head, n = message[:5].tolist()
    mean, m2, rest = message[5:].reshape(3, -1)
    return head, Moments(n, mean, m2, rest)
