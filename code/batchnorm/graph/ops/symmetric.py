"""Linear algebra of small symmetric matrices, as operations of the graph.

>>> import numpy as np
>>> from batchnorm.graph import trace
>>> S = np.array([[2.0, 0.0], [0.0, 2.0]])
>>> run = trace(inverse_sqrt, S=S).forward(S=S)
>>> run.backward(np.eye(2))["S"] * np.sqrt(128)
array([[-2.,  0.],
       [ 0., -2.]])

``S = U Λ Uᵀ``: the eigenvalues Λ fall, the eigenvectors are the columns of U. A gradient at S is
symmetric, since S moves among symmetric matrices only. The rules, in the basis U:

- `inverse_sqrt`: ``-D_ij / (√λi √λj (√λi + √λj))``, finite where eigenvalues are equal;
- `eigenvalues`: D on the diagonal, 0 beside it;
- `eigenvectors`: ``(G_ij - G_ji) / (2 (λj - λi))`` with ``G = Uᵀ D``. Equal eigenvalues have no
  eigenvectors of their own: what would turn them gives infinity or NaN, what does not gives 0;
- ``np.linalg.cholesky``: ``L⁻ᵀ Φ(Lᵀ D) L⁻¹``, where Φ takes the lower triangle with half the
  diagonal (Murray 2016, "Differentiation of the Cholesky decomposition").

``np.linalg.solve`` takes any square matrix, so triangular ones as well.
"""

import functools

import numpy as np

from .op import Formula, Op, Source


def _traceable(function):
    """Let a traced array see the call, as it sees those of NumPy's own functions."""

    @functools.wraps(function)
    def call(S):
        if issubclass(type(S), np.ndarray) or not hasattr(S, "__array_function__"):
            return function(np.asarray(S))
        return S.__array_function__(call, (type(S),), (S,), {})

    return call


@_traceable
def eigenvalues(S):
    """The eigenvalues of a symmetric matrix, falling."""
    return _eigen(S)[0]


@_traceable
def eigenvectors(S):
    """The eigenvectors of a symmetric matrix as columns, by falling eigenvalue.

    Column k points towards feature k, or, at right angles to it, along its own largest entry.
    Equal eigenvalues keep the order of their features, so that a multiple of the identity has the
    axes themselves; in general theirs are any at right angles, as rounding has it.
    """
    return _eigen(S)[1]


@_traceable
def inverse_sqrt(S):
    """``S^(-1/2)``, the symmetric root of a positive definite matrix."""
    values, U = _eigen(S)
    return U / np.sqrt(values) @ U.T


FLAT = 1e-9  # a unit vector is at right angles to an axis when its entry there is no larger


def _eigen(S):
    values, U = np.linalg.eigh(S)
    order = np.argsort(-values, kind="stable")
    U = U[:, order]
    ahead = np.diag(U).copy()
    flat = np.abs(ahead) < FLAT
    ahead[flat] = U[np.abs(U).argmax(axis=0), np.arange(len(U))][flat]
    return values[order], U * np.where(ahead < 0, -1.0, 1.0)


def _symmetric(A):
    return (A + A.T) / 2


def _inverse_sqrt_rule(d, y, S):
    values, U = _eigen(S)
    s = np.sqrt(values)
    pairs = s[:, None] * s * (s[:, None] + s)
    return -U @ (U.T @ _symmetric(d) @ U / pairs) @ U.T


def _eigenvalues_rule(d, y, S):
    U = eigenvectors(S)
    return U * d @ U.T


def _eigenvectors_rule(d, y, S):
    values, G = eigenvalues(S), y.T @ d
    turning = (G - G.T) / 2
    gap = values - values[:, None]
    moved = (G != 0) | (G.T != 0)
    np.fill_diagonal(moved, False)
    with np.errstate(divide="ignore", invalid="ignore"):
        return y @ np.where(moved, turning / gap, 0.0) @ y.T


def _cholesky_rule(d, y, S):
    half = np.tril(y.T @ d)
    half -= np.diag(np.diag(half)) / 2
    left = np.linalg.solve(y.T, half)
    return _symmetric(np.linalg.solve(y.T, left.T).T)


def _solve_left_rule(d, y, a, b):
    columns = np.linalg.solve(a.T, d)
    return -np.outer(columns, y) if y.ndim == 1 else -columns @ y.T


def _solve_right_rule(d, y, a, b):
    return np.linalg.solve(a.T, d)


OPERATIONS = {
    "eigenvalues": Op(
        "λ",
        Formula("λ({a})", ("uᵢuᵢᵀ",), ("U diag({d}) Uᵀ",)),
        eigenvalues,
        (_eigenvalues_rule,),
        "matrix",
        source=Source(
            "np.linalg.eigvalsh(a)[::-1]", ("U = np.linalg.eigh(a)[1][:, ::-1]\nU * d @ U.T",)
        ),
    ),
    "eigenvectors": Op(
        "U",
        Formula("U({a})", ("turns by 1/(λⱼ − λᵢ)",), ("U (F∘Uᵀ{d}) Uᵀ, Fᵢⱼ = 1/(λⱼ − λᵢ)",)),
        eigenvectors,
        (_eigenvectors_rule,),
        "matrix",
    ),
    "inverse_sqrt": Op(
        "^(−½)",
        Formula(
            "{a}^(−½)",
            ("shrinks by 1/(√λᵢ√λⱼ(√λᵢ + √λⱼ))",),
            ("−U (F∘Uᵀ{d} U) Uᵀ, Fᵢⱼ = 1/(√λᵢ√λⱼ(√λᵢ + √λⱼ))",),
        ),
        inverse_sqrt,
        (_inverse_sqrt_rule,),
        "matrix",
        source=Source(
            "np.linalg.eigh(a)[1] / np.sqrt(np.linalg.eigh(a)[0]) @ np.linalg.eigh(a)[1].T",
            (
                "U = np.linalg.eigh(a)[1]\n"
                "root = np.sqrt(np.linalg.eigh(a)[0])\n"
                "pairs = root[:, None] * root * (root[:, None] + root)\n"
                "-U @ (U.T @ ((d + d.T) / 2) @ U / pairs) @ U.T",
            ),
        ),
    ),
    "cholesky": Op(
        "chol",
        Formula("chol {a}", ("{y} times a triangle",), ("L⁻ᵀ Φ(Lᵀ{d}) L⁻¹, L = {y}",)),
        np.linalg.cholesky,
        (_cholesky_rule,),
        "matrix",
        source=Source(
            "np.linalg.cholesky(a)",
            (
                "phi = np.tril(y.T @ d) - np.diag(np.diag(y.T @ d)) / 2\n"
                "one_side = np.linalg.solve(y.T, phi)\n"
                "both = np.linalg.solve(y.T, one_side.T)\n"
                "(both + both.T) / 2",
            ),
        ),
    ),
    "solve": Op(
        "⁻¹@",
        Formula(
            "{a}⁻¹ @ {b}",
            ("−{a}⁻¹ on its left, {y} on its right", "{a}⁻¹ on its left"),
            ("−{a}⁻ᵀ @ {d} @ {y}ᵀ", "{a}⁻ᵀ @ {d}"),
        ),
        np.linalg.solve,
        (_solve_left_rule, _solve_right_rule),
        "matrix",
        source=Source(
            "np.linalg.solve(a, b)",
            (
                lambda node, a, b: (
                    "-np.outer(np.linalg.solve(a.T, d), y)"
                    if len(node.shape) == 1
                    else "-np.linalg.solve(a.T, d) @ y.T"
                ),
                "np.linalg.solve(a.T, d)",
            ),
        ),
    ),
}
