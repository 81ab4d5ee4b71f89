"""Products of vectors and matrices, and of stacks of them."""

import numpy as np

from .op import Formula, Op, Source


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


def _left_sent(node, a, b):
    if len(b.shape) == 1:
        if len(a.shape) == 1:
            return "d * b"
        return "np.outer(d, b)" if len(a.shape) == 2 else "d[..., None] * b"
    if len(a.shape) == 1:
        if len(b.shape) == 2:
            return "b @ d"
        return "(d[..., None, :] @ np.swapaxes(b, -1, -2))[..., 0, :]"
    return "d @ b.T" if len(b.shape) == 2 else "d @ np.swapaxes(b, -1, -2)"


def _right_sent(node, a, b):
    if len(a.shape) == 1:
        if len(b.shape) == 1:
            return "d * a"
        return "np.outer(a, d)" if len(b.shape) == 2 else "a[:, None] * d[..., None, :]"
    if len(b.shape) == 1:
        if len(a.shape) == 2:
            return "a.T @ d"
        return "(np.swapaxes(a, -1, -2) @ d[..., None])[..., 0]"
    return "a.T @ d" if len(a.shape) == 2 else "np.swapaxes(a, -1, -2) @ d"


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
        source=Source("a @ b", (_left_sent, _right_sent)),
    ),
}
