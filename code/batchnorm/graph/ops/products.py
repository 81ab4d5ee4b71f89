"""Products of vectors and matrices."""

import numpy as np

from .op import Formula, Op


def _matmul_left_rule(d, y, a, b):
    D, _, B = _as_matrices(d, a, b)
    return (D @ B.T).reshape(a.shape)


def _matmul_right_rule(d, y, a, b):
    D, A, _ = _as_matrices(d, a, b)
    return (A.T @ D).reshape(b.shape)


def _as_matrices(d, a, b):
    """A product's gradient and operands; a vector on the left is a row, on the right a column."""
    A, B = np.atleast_2d(a), b if b.ndim == 2 else b[:, None]
    return d.reshape(len(A), B.shape[1]), A, B


OPERATIONS = {
    "matmul": Op(
        "@",
        Formula(
            "{a} @ {b}",
            ("{b}ᵀ on its right", "{a}ᵀ on its left"),
            ("{d} @ {b}ᵀ", "{a}ᵀ @ {d}"),
        ),
        np.matmul,
        (_matmul_left_rule, _matmul_right_rule),
        "matrix",
    ),
}
