"""The Jacobian of x -> x_hat for one feature: its three terms, and what they take away.

    ∂x_hat_k/∂x_i = (1/s) (δ_ki - 1/m - x_hat_k x_hat_i / m)

m is the number of samples, s = sqrt(var + eps), var the biased variance. The matrix is symmetric,
so it carries a gradient back as it carries a change forward: dL/dx = gamma * J @ dy.

Ioffe and Szegedy 2015, Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift. Santurkar, Tsipras, Ilyas and Madry 2018, How Does Batch Normalization
Help Optimization?, whose Theorem 4.1 compares two networks; for one layer and the gradient that
arrives at its own output it is the equality of `gradient_norm_squared`.
"""

from typing import NamedTuple

import numpy as np

from .validate import LARGEST, SMALLEST, finite, number, quiet


class Terms(NamedTuple):
    """The three terms of the Jacobian, (m, m) each; their sum is the whole."""

    identity: np.ndarray  # I / s: the direct path, both moments held still
    mean: np.ndarray  # -11ᵀ / (m s): the path through the mean
    variance: np.ndarray  # -x_hat x_hatᵀ / (m s): the path through the variance


def jacobian_terms(x, eps=1e-5):
    """The Jacobian of x -> x_hat = (x - mu) / sqrt(var + eps), term by term.

    x is one feature, shape (m,); eps >= 0. Returns `Terms`.

    Raises ValueError for an x that is not one-dimensional, finite and real, or whose squares
    overflow, for eps < 0, and for equal samples with eps = 0, where x_hat is not defined.
    """
    x_hat, s, _ = _normalised(x, eps)
    m = x_hat.size
    return Terms(np.eye(m) / s, np.full((m, m), -1 / (m * s)), np.outer(x_hat, x_hat) / (-m * s))


def x_hat_jacobian(x, eps=1e-5):
    """The (m, m) Jacobian of x -> x_hat; row k, column i holds ∂x_hat_k/∂x_i.

    The sum of `jacobian_terms`, which says what x and eps may be.
    """
    return sum(jacobian_terms(x, eps))


def tangent_projection(x):
    """P = I - 11ᵀ/m - uuᵀ, (m, m), with u = x_hat / ‖x_hat‖: what is left at eps = 0 of s * J.

    P is symmetric and P @ P = P; its rank is m - 2. The part of a vector that it keeps is tangent
    to the sphere on which x_hat lies: it has mean zero, and is at right angles to x_hat.

    x is one feature, shape (m,). Raises ValueError as `jacobian_terms` does at eps = 0.
    """
    x_hat, _, _ = _normalised(x, 0)
    m = x_hat.size
    return np.eye(m) - 1 / m - np.outer(x_hat, x_hat) / m


@quiet
def gradient_norm_squared(x, dy, gamma=1.0):
    """‖dx‖² from dy alone, at eps = 0, without dx.

        ‖dx‖² = (gamma² / var) (‖dy‖² - ⟨1, dy⟩² / m - ⟨x_hat, dy⟩² / m)

    x and dy are one feature, shape (m,); gamma is a number. An equality, with 1/m in both places
    since ‖1‖² = ‖x_hat‖² = m. So ‖dx‖ is never more than |gamma| / sqrt(var) times ‖dy‖, and equal
    to it where dy has no component along 1 or x_hat.

    Raises ValueError for a dy of another shape than x, for a result that overflows, and as
    `jacobian_terms` does at eps = 0.

    Source: the proof of Theorem 4.1 in Santurkar et al. 2018, where dy is the gradient in a network
    without the layer; the theorem holds where the two gradients are the same.
    """
    x_hat, _, var = _normalised(x, 0)
    dy, m = finite("dy", dy), x_hat.size
    gamma = number("gamma", gamma, -LARGEST, want="a finite number")
    if dy.shape != x_hat.shape:
        raise ValueError(f"dy: got shape {dy.shape}, want that of x, {x_hat.shape}")
    squared = gamma * gamma / var * (dy @ dy - dy.sum() ** 2 / m - (x_hat @ dy) ** 2 / m)
    if not np.isfinite(squared):
        raise ValueError("dy: got numbers whose squares overflow, want a smaller dy or gamma")
    return squared


@quiet
def _normalised(x, eps):
    """x_hat, s and var of one feature, or a ValueError that says why there are none."""
    x = finite("x", x)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"x: got shape {x.shape}, want one feature, (m,)")
    eps = number("eps", eps)
    centred = x - x.mean()
    centred -= centred.mean()  # what the rounding of a large mean has left
    var = np.mean(centred**2)
    s = np.sqrt(var + eps)
    if not np.isfinite(s):
        raise ValueError("x: got numbers whose squares overflow, want smaller ones")
    if s == 0 or (eps == 0 and np.ptp(x) == 0):
        raise ValueError("x: all samples are equal and eps is 0, so x_hat is not defined")
    if var + eps < SMALLEST:
        raise ValueError("x: got numbers whose squares underflow, want larger ones, or eps > 0")
    return centred / s, s, var
