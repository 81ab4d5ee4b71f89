"""Whitening: batch normalization with the whole covariance in place of its diagonal.

For a batch x of m samples and d features every method computes

``x_hat = (x - mu) W``,  ``W`` made from ``S = cov + eps I``,  ``cov = (x - mu)ᵀ (x - mu) / m``.

Whitening means ``Wᵀ S W = I``. That fixes W up to a rotation, and the methods differ in which
rotation they pick:

- ``"pca"``: ``W = U Λ^(-1/2)`` from ``S = U Λ Uᵀ``, eigenvalues falling: onto the principal axes
- ``"zca"``: ``W = S^(-1/2)``, the symmetric one: back to where the samples came from
- ``"cholesky"``: ``W = L^(-T)`` from ``S = L Lᵀ``, triangular: output j depends on 1 … j only
- ``"newton-schulz"``: matrix products only, which converge to ``"zca"``
- ``"standardise"``: ``W = diag(S)^(-1/2)``, which is batch normalization: it leaves correlations

**The gradient.** Let ``P = x_hatᵀ dy``. For all but the iterations

``dx = (dy - mean(dy) - x_hat M / m) Wᵀ``,  ``M_ij = w_ij P_ij + w_ji P_ji``,

a symmetric matrix. The weights, with ``w_ij + w_ji = 1``, say which part of a change of S turns
the samples: ``Λ_i / (Λ_i - Λ_j)`` for PCA, which has a pole; 1 above the diagonal and 0 below for
Cholesky; ``√Λ_i / (√Λ_i + √Λ_j)``, in the basis U, for ZCA, always between 0 and 1.

At eps = 0 white outputs keep ``x_hatᵀ x_hat = m I``, so every method that whitens takes
``x_hat N``, N symmetric, away from dy. Which moves of x go unnoticed depends on the method. For
"zca" they are the same directions, and for "standardise", too (there N is diagonal): x_hat is the
gradient of ``m trace(S^(1/2))`` and of ``m Σ s_j``, so its Jacobian is symmetric.

Sources: Kessy, Lewin & Strimmer 2018, "Optimal whitening and decorrelation"; Huang, Yang, Lang &
Deng 2018, "Decorrelated Batch Normalization" (the gradient of PCA and ZCA whitening); Huang, Zhou,
Zhu, Liu & Shao 2019, "Iterative Normalization: Beyond Standardization towards Efficient Whitening";
Siarohin, Sangineto & Sebe 2019, "Whitening and Coloring Batch Transform for GANs" (Cholesky).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .graph import eigenvalues, eigenvectors, inverse_sqrt, trace
from .reference import update_running
from .running import is_held, weight
from .validate import (
    SMALLEST,
    check_finite,
    finite,
    flag,
    integer,
    number,
    numbers,
    plain,
    quiet,
)

METHODS = ("standardise", "pca", "zca", "cholesky", "newton-schulz")
METHOD_NAMES = ("standardise", "PCA", "ZCA", "Cholesky", "Newton–Schulz")  # for a reader
GAP = 1e-9  # eigenvalues that differ by less than this part of the largest count as equal
ROUNDING = np.finfo(float).eps


class NotDefined(ValueError):
    """The batch has no such whitening, or the whitening no gradient there; the message says why."""


class WhiteningCache(NamedTuple):
    """What `whiten` leaves for `whiten_backward`."""

    x_hat: np.ndarray  # (m, d)
    centred: np.ndarray  # x - mu, (m, d)
    W: np.ndarray  # (d, d), x_hat = centred @ W
    method: str
    training: bool  # whether mu and the covariance were computed from x
    memo: Any  # what the method keeps for its gradient


@dataclass
class RunningCovariance:
    """The mean and covariance for evaluation mode, which follow the training batches.

    ``running = (1 - momentum) * running + momentum * batch``: momentum is the weight of the *new*
    batch. The covariance is averaged, not W. Averaging W works for ZCA, too, but ends farther
    from whitening; PCA's axes change places from batch to batch, and cancel in the mean.

    Parameters
    ----------
    mean : number or (d,) array; a copy is kept
    cov : (d, d) array, or None for the identity; a copy is kept
    momentum : number from 0 to 1
    unbiased : whether to store ``cov * m / (m - 1)``; the batch itself is whitened with the biased
        covariance in either case

    Raises ValueError for a momentum that is not in [0, 1], and for a mean or cov that is not an
    array of real numbers.
    """

    mean: np.ndarray | float = 0.0
    cov: np.ndarray | None = None
    momentum: float = 0.1
    unbiased: bool = True

    def __post_init__(self):
        self.momentum = weight("momentum", self.momentum)
        self.unbiased = flag("unbiased", self.unbiased)
        for name in ("mean", "cov"):
            if (value := getattr(self, name)) is not None:
                a = numbers(name, value)[0]
                setattr(self, name, a.astype(float) if a.ndim else value)

    def statistics(self, d):
        """(mean, cov) for d features. Raises ValueError if they do not fit or are not finite."""
        mean = finite("running.mean", self.mean)
        cov = np.eye(d) if self.cov is None else finite("running.cov", self.cov)
        if mean.shape not in ((), (d,)):
            raise ValueError(f"running.mean: got shape {mean.shape}, want a number or ({d},)")
        if cov.shape != (d, d):
            raise ValueError(f"running.cov: got shape {cov.shape}, want ({d}, {d})")
        if not np.allclose(cov, cov.T):
            raise ValueError("running.cov: got a matrix that is not symmetric, want a covariance")
        return np.broadcast_to(mean, (d,)), cov

    @quiet
    def update(self, mu, cov, m):
        """Take in the mean mu (d,) and the biased covariance cov (d, d) of a batch of m samples.

        Raises ValueError for an unbiased update from a batch of one, for numbers that are not
        finite or overflow, a variance below 0, and shapes that do not fit; the statistics are then
        as before.
        """
        momentum = weight("momentum", self.momentum)
        m = integer("m", m, 1, "an integer >= 1")
        mu, cov = finite("mu", mu), finite("cov", cov)
        if mu.ndim != 1 or cov.shape != 2 * mu.shape:
            raise ValueError(f"cov: got shape {cov.shape} for a mu of {mu.shape}, want (d, d)")
        if (np.diag(cov) < 0).any():
            raise ValueError("cov: got an entry below 0 on its diagonal, want variances there")
        if self.unbiased and m < 2:
            raise ValueError(
                "running: a batch of one has no unbiased covariance (it divides by m - 1 = 0); "
                "want more samples, unbiased=False, or training=False"
            )
        mean, old = self.statistics(len(mu))
        if self.unbiased:
            cov = cov * (m / (m - 1))
            check_finite("cov * m / (m - 1)", cov)
        if is_held():
            return
        self.mean = update_running(mean, mu, momentum)
        self.cov = update_running(old, cov, momentum)


@quiet
def whiten(x, eps=1e-5, *, method="zca", iterations=5, running=None, training=True):
    """Give the batch mean 0 and covariance I: ``x_hat = (x - mu) W``, as at the module's head.

    Parameters
    ----------
    x : (m, d) array, computed in float64
    eps : number >= 0, added to the covariance's diagonal; the covariance of x_hat is then
        ``I - eps Wᵀ W``. With eps > 0 any batch will do: d > m, copies of a feature, m = 1
    method : one of `METHODS`; "standardise" is batch normalization without gamma and beta
    iterations : integer >= 0, for "newton-schulz" only
    running : `RunningCovariance`; updated in training, used as mu and cov in evaluation
    training : False for evaluation mode

    Returns (x_hat, cache): x_hat of x's shape in float64, and the cache for `whiten_backward`.

    "pca" orders its axes by falling eigenvalue and points axis i towards feature i. Where two
    eigenvalues are equal, their axes are any two at right angles, as rounding has it.

    Raises `NotDefined` (a ValueError) for a covariance that is singular to rounding, and ValueError
    for an x that is not an (m, d) array of finite real numbers or whose squares overflow or
    underflow, eps < 0, an unknown method, iterations not an integer >= 0, and for evaluation
    without `running`.
    """
    x = _matrix("x", x)
    eps = number("eps", eps)
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method: got {method!r}, want one of {', '.join(METHODS)}")
    iterations = integer("iterations", iterations)
    training = flag("training", training)
    if running is None and not training:
        raise ValueError("running: got None, want a RunningCovariance, since training is False")
    if running is not None and not isinstance(running, RunningCovariance):
        raise ValueError(f"running: got {type(running).__name__}, want a RunningCovariance")
    m, d = x.shape
    if training:
        # The mean of equal numbers may round: what is constant shall be exactly so
        mu = np.where((x == x[0]).all(axis=0), x[0], x.mean(axis=0))
        cov = (x - mu).T @ (x - mu) / m
    else:
        mu, cov = running.statistics(d)
    S = cov + eps * np.eye(d)
    if not (np.isfinite(S).all() and np.isfinite(np.trace(S))):
        raise ValueError("x: its squares overflow; want smaller numbers, or a smaller eps")
    spread = np.diag(S)
    if ((spread > 0) & (spread < SMALLEST)).any():
        raise ValueError("x: its squares underflow; want larger numbers, or eps > 0")
    _check_regular(method, S)
    W = root(S, method, iterations)
    centred = x - mu
    x_hat = centred @ W
    if not np.isfinite(x_hat).all():
        raise ValueError("x: got numbers too far from the running mean, want smaller ones")
    if training and running is not None:
        running.update(mu, cov, m)
    return x_hat.copy(), WhiteningCache(x_hat, centred, W, method, training, (S, eps, iterations))


@quiet
def whiten_backward(dy, cache):
    """The gradient ``dx`` of a loss whose gradient at ``x_hat`` is ``dy``.

    In training it is the formula at the module's head; "newton-schulz" is traced and differentiated
    iteration by iteration, as it was run, converged or not. In evaluation mode, where mu and W do
    not depend on x, ``dx = dy Wᵀ``. The rules of the graph give the same for every method: see
    `whitened`.

    Parameters
    ----------
    dy : (m, d) array
    cache : what `whiten` returned

    Raises ValueError for a dy of another shape or that is not finite, for a dx that overflows, and
    `NotDefined` (a ValueError) for "pca" where two eigenvalues are equal to a part in 1e9 of the
    largest: its gradient grows as one over their distance. The equal eigenvalues of a batch of
    m <= d samples are an exception: every such batch is flat along them, and nothing flows there.
    """
    if not isinstance(cache, WhiteningCache):
        raise ValueError(f"cache: got {type(cache).__name__}, want what whiten returned")
    dy = _matrix("dy", dy)
    dx = _gradient(dy, cache)
    if not np.isfinite(dx).all():
        raise ValueError("dy: got numbers whose gradient overflows, want smaller ones")
    return dx


def _gradient(dy, cache):
    x_hat, centred, W, method, training, memo = cache
    if dy.shape != x_hat.shape:
        raise ValueError(f"dy: got shape {dy.shape}, want that of x, {x_hat.shape}")
    if not training:
        return dy @ W.T
    m, (S, eps, iterations) = len(dy), memo
    if method == "newton-schulz":
        run = trace(lambda S: root(S, method, iterations), S=S).forward(S=S)
        dS = run.backward(centred.T @ dy)["S"]
        dx = dy @ W.T + centred @ (dS + dS.T) / m
        return dx - dx.mean(axis=0)
    weights, basis = _weights(method, S, eps, m)
    if weights is None:
        raise NotDefined(
            "dy: two eigenvalues of the covariance are equal, so PCA's axes are not defined and "
            'have no gradient; want another batch, or method="zca"'
        )
    P = x_hat.T @ dy
    M = weights * (basis.T @ P @ basis)
    M = basis @ (M + M.T) @ basis.T
    return (dy - dy.mean(axis=0) - x_hat @ M / m) @ W.T


@plain
def whitened(x, eps=1e-5, method="zca", iterations=5, m=None):
    """Whiten in plain NumPy, to read and to trace: what `whiten` does; no value is checked.

    Parameters
    ----------
    x : (m, d) array
    eps : number >= 0, added to the covariance's diagonal
    method, iterations : as for `whiten`
    m : the number of samples, where it is to be an input of the traced graph; None for len(x)
    """
    mu = x.mean(axis=0)
    centred = x - mu
    cov = centred.T @ centred / (len(x) if m is None else m)
    S = cov + eps * np.eye(x.shape[1])
    W = root(S, method, iterations)
    x_hat = centred @ W
    return x_hat


def root(S, method="zca", iterations=5):
    """The W of a method with ``Wᵀ S W = I`` ("standardise": with a diagonal of ones), traceable."""
    identity = np.eye(S.shape[0])
    if method == "standardise":
        return identity / np.sqrt((S * identity).sum(axis=0))
    if method == "pca":
        return eigenvectors(S) / np.sqrt(eigenvalues(S))
    if method == "zca":
        return inverse_sqrt(S)
    if method == "cholesky":
        return np.linalg.solve(np.linalg.cholesky(S).T, identity)
    return _newton_schulz(S, iterations)[-1]


@plain
def newton_schulz(x, eps=1e-5, iterations=5, m=None):
    """Whiten by matrix products alone: plain NumPy, to read and to trace.

    With ``size = trace(S)``, ``Y = S / size``, ``Z = I``, repeat

    ``T = (3 I - Z Y) / 2``,  ``Y ← Y T``,  ``Z ← T Z``,

    Y converges to the root of ``S / size`` and Z to its inverse, so ``Z / √size`` to ``S^(-1/2)``.
    An eigenvalue q of Z Y becomes ``q (3 - q)² / 4``, which leads to 1 from anywhere in (0, 3); the
    division by the trace puts all of them into (0, 1].

    Parameters
    ----------
    x : (m, d) array
    eps : number >= 0, added to the covariance's diagonal
    iterations : integer >= 0
    m : the number of samples, where it is to be an input of the traced graph; None for len(x)

    Returns a tuple of x_hat after 0, 1, … ``iterations`` iterations, each of x's shape. Like
    `batch_norm` it checks no shape and no value.

    Source: Huang et al. 2019, "Iterative Normalization: Beyond Standardization towards Efficient
    Whitening", who iterate ``Z ← (3 Z - Z³ S / size) / 2``. That is the same on paper. In
    floating point it is stable only while the condition number of S is below
    ``((√17 - 1) / 2)² = 2.44``; beyond it rounding errors grow at each step. Those of the pair Y, Z
    do not (Higham 2008, "Functions of Matrices", chapter 6).
    """
    mu = x.mean(axis=0)
    centred = x - mu
    cov = centred.T @ centred / (len(x) if m is None else m)
    return tuple(centred @ W for W in _newton_schulz(cov + eps * np.eye(x.shape[1]), iterations))


def _newton_schulz(S, iterations):
    """W after 0, 1, … iterations."""
    identity = np.eye(S.shape[0])
    size = (S * identity).sum()
    scale = np.sqrt(size)
    Y, Z = S / size, identity
    found = [Z / scale]
    for _ in range(iterations):
        T = 1.5 * identity - 0.5 * (Z @ Y)
        Y, Z = Y @ T, T @ Z
        found.append(Z / scale)
    return found


def work(method, m, d, iterations=5):
    """How many multiplications whitening m samples of d features takes, forward, leading terms.

    Counted as for plain matrix products: ``m d²`` for the covariance and as many to apply W;
    ``d³/3`` for a Cholesky factor and its inverse; ``3 d³`` a Newton–Schulz iteration; for PCA an
    eigenvalue decomposition, about ``9/2 d³`` (Golub & Van Loan, "Matrix Computations", count
    ``9 d³`` additions and multiplications), and ``d³`` more for ZCA. "standardise" takes ``2 m d``.

    m and d are numbers or arrays >= 0. Raises ValueError for an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"method: got {method!r}, want one of {', '.join(METHODS)}")
    if method == "standardise":
        return 2 * m * d
    roots = {"pca": 4.5, "zca": 5.5, "cholesky": 1 / 3, "newton-schulz": 3 * iterations}
    return 2 * m * d**2 + roots[method] * d**3


# --- What the gradient by hand needs, and what is refused --------------------------------------


def _weights(method, S, eps, m):
    """The weights ``w_ij`` of the module's head, and the basis in which they are meant."""
    d = len(S)
    if method == "standardise":
        return np.eye(d) / 2, np.eye(d)
    if method == "cholesky":
        return np.triu(np.ones((d, d))) - np.eye(d) / 2, np.eye(d)
    values = eigenvalues(S)
    if method == "pca":
        return _pca_weights(values, eps, m), np.eye(d)
    s = np.sqrt(values)
    return s[:, None] / (s[:, None] + s), eigenvectors(S)


def _pca_weights(values, eps, m):
    """``Λ_i / (Λ_i - Λ_j)``, 1/2 on the diagonal; None where two eigenvalues are equal."""
    d = len(values)
    gap = values[:, None] - values
    equal = np.abs(gap) <= GAP * values[0]
    rank = min(d, m - 1)
    # Beyond the rank that m samples can have at most, x_hat is 0 whatever x is, and so is P
    if rank == 0 or values[rank - 1] - eps > GAP * (values[0] - eps):
        equal[rank:, rank:] = np.eye(d - rank, dtype=bool)
        gap[rank:, rank:] = np.inf
    if equal.sum() > d:
        return None
    np.fill_diagonal(gap, 2 * values)
    return values[:, None] / gap


def _check_regular(method, S):
    """Raises `NotDefined` where the method finds no W, or only one made of rounding."""
    d, var = len(S), np.diag(S)
    if method == "standardise" and not (var > 0).all():
        raise NotDefined("x: a feature is constant; want samples that differ, or eps > 0")
    if method == "newton-schulz" and not np.trace(S) > 0:
        raise _singular()
    if method in ("pca", "zca"):
        values = eigenvalues(S)
        if not values[-1] > d * ROUNDING * values[0]:
            raise _singular()
    if method == "cholesky":
        try:
            L = np.linalg.cholesky(S)
        except np.linalg.LinAlgError:
            raise _singular() from None
        if not (np.diag(L) ** 2).min() > d * ROUNDING * var.max():
            raise _singular()


def _singular():
    return NotDefined(
        "x: its covariance is singular (features that follow from one another, or m <= d), so no "
        "matrix whitens it; want eps > 0, and not lost beside the largest variance"
    )


def _matrix(name, value):
    a = finite(name, value)
    if a.ndim != 2 or 0 in a.shape:
        raise ValueError(f"{name}: got shape {a.shape}, want (m, d), and no empty axis")
    return a
