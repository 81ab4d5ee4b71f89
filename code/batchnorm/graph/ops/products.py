"""Products of vectors and matrices, and of stacks of them."""

import numpy as np

from .op import Formula, Op


def _left_rule(d, y, a, b):
    D, _, B = _as_matrices(d, a, b)
    made = D @ np.swapaxes(B, -1, -2)
    return made[..., 0, :] if a.ndim == 1 else made


def _right_rule(d, y, a, b):
    D, A, _ = _as_matrices(d, a, b)
    made = np.swapaxes(A, -1, -2) @ D
    return made[..., 0] if b.ndim == 1 else made


def _as_matrices(d, a, b):
    """A product's gradient and operands; a vector on the left is a row, on the right a column."""
    if b.ndim == 1:
        d, b = np.expand_dims(d, -1), b[:, None]
    if a.ndim == 1:
        d, a = np.expand_dims(d, -2), a[None, :]
    return d, a, b


OPERATIONS = {
    "matmul": Op(
        "@",
        Formula(
            "{a} @ {b}",
            ("{b}ᵀ on its right", "{a}ᵀ on its left"),
            ("{d} @ {b}ᵀ", "{a}ᵀ @ {d}"),
        ),
        np.matmul,
        (_left_rule, _right_rule),
        "matrix",
    ),
}
