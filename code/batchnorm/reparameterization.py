"""Batch norm seen from the weights below it: which weights the layer amounts to, and how they move.

A linear map ``z = x @ w`` before batch norm has the variance ``wᵀSw``, where S is the batch's
covariance. So for one batch, the layer does nothing that other weights and a bias could not do: it
replaces w by ``gamma * w / sqrt(wᵀSw + eps)``. At eps = 0 the length of w cancels, and only its
direction is left.

`output_variance`, `reparameterize`, `direction_gradient` and the losses are plain NumPy, to read
and to trace: they refuse what is not an array of numbers, and check no shape and no value. The
other functions compute in float64 and refuse bad input.
"""

import numpy as np

from .reference import batch_norm
from .validate import LARGEST, finite, integer, number, numbers, plain, quiet

SMALLEST = np.nextafter(0, 1)


@quiet
def covariance(x):
    """The covariance of a batch, centred and biased: ``S = (x - mu)ᵀ (x - mu) / m``.

    x : (m, n) array, m samples of n inputs. Returns S, (n, n). Raises ValueError for another
    number of axes, no samples, or entries that are not finite or whose squares overflow.
    """
    x = _array("x", x, 2)
    centred = x - x.mean(axis=0)
    S = centred.T @ centred / len(x)
    if not np.isfinite(S).all():
        raise ValueError("x: got numbers whose squares overflow, want smaller ones")
    return S


@plain
def output_variance(w, x):
    """The variance of the output ``z = x @ w`` over the batch, which is ``wᵀSw``.

    w (n,) gives a number, w (n, K) gives K, one per column. To read and to trace: it checks no
    shape and no value.
    """
    z = x @ w
    mu = z.mean(axis=0)
    var = ((z - mu) ** 2).mean(axis=0)
    return var


@plain
def reparameterize(w, S, gamma, eps=1e-5):
    """The weights that batch norm puts in place of w: ``w_hat = gamma w / sqrt(wᵀSw + eps)``.

    Parameters
    ----------
    w : (n,) or (n, d) array, the weights below the layer, one column per output
    S : (n, n) array, the covariance of the inputs; the identity gives weight normalization
    gamma : number or (d,) array, the layer's scale
    eps : number >= 0

    Returns ``w_hat`` of w's shape. With a matrix each column is divided by its own root: only the
    diagonal of ``WᵀSW`` enters, which is ``(W * (S @ W)).sum(axis=0)``.

    To read and to trace: it checks no shape and no value.

    Source: Kohler et al. 2019, "Exponential convergence rates for Batch Normalization"; for
    S = I Salimans & Kingma 2016, "Weight Normalization".
    """
    spread = S @ w
    var = (w * spread).sum(axis=0)
    s = np.sqrt(var + eps)
    w_hat = gamma * w / s
    return w_hat


@quiet
def fold(w, x, gamma, beta, eps=1e-5):
    """Weights and a bias that alone do to this batch what w and the layer do together.

    ``batch_norm(x @ w, gamma, beta, eps) = x @ w_hat + b_hat``, where ``w_hat`` is
    `reparameterize`'s for the covariance of x, and ``b_hat = beta - mean(x) @ w_hat``.

    Parameters
    ----------
    w : (n,) or (n, d) array
    x : (m, n) array, the batch
    gamma, beta : numbers, or (d,) arrays for a matrix w
    eps : number >= 0

    Returns (w_hat, b_hat), of the shapes of w and of ``x[0] @ w``. Raises ValueError for shapes
    that do not fit, for data that are not finite, where the variance is 0 with eps = 0, and where
    the result overflows.
    """
    x = _array("x", x, 2)
    w = _array("w", w, 1, 2)
    if len(w) != x.shape[1]:
        raise ValueError(f"w: got shape {w.shape}, want {x.shape[1]} rows, one an input of x")
    gamma, beta = (_parameter(name, v, w) for name, v in (("gamma", gamma), ("beta", beta)))
    eps = number("eps", eps)
    S = covariance(x)
    if eps == 0 and not np.all((w * (S @ w)).sum(axis=0) > 0):
        raise ValueError("w: got an output of variance 0, want some spread, or eps > 0")
    w_hat = reparameterize(w, S, gamma, eps)
    b_hat = beta - x.mean(axis=0) @ w_hat
    if not (np.isfinite(w_hat).all() and np.isfinite(b_hat).all()):
        raise ValueError(
            "w: got numbers that overflow with this x, gamma and beta, want smaller ones"
        )
    return w_hat, b_hat


@plain
def batch_norm_loss(w, x, t, gamma, beta, eps=1e-5):
    """Least squares through batch norm: ``mean((batch_norm(x @ w) - t)²) / 2``.

    w (n,) with t (m,) gives a number; w (n, K) with t (m, 1) gives K numbers, one for each column:
    a whole map of the loss in one run. gamma, beta and eps are those of `batch_norm`. To read and
    to trace: it checks no shape and no value.
    """
    z = x @ w
    y = batch_norm(z, gamma, beta, eps)
    error = y - t
    loss = (error**2).mean(axis=0) / 2
    return loss


@plain
def least_squares_loss(w, x, t):
    """Least squares with no layer: ``mean((x @ w - t)²) / 2``; shapes as in `batch_norm_loss`."""
    error = x @ w - t
    loss = (error**2).mean(axis=0) / 2
    return loss


@plain
def direction_loss(w, S, c):
    """What is left of least squares under batch norm, once gamma has its best value.

    ``rho(w) = -(cᵀw)² / (2 wᵀSw)``, up to a constant, where S is the covariance of the inputs and
    ``c`` their covariance with the targets; eps = 0. It depends only on the direction of w, and
    has its minimum, ``-cᵀS⁻¹c / 2``, along ``S⁻¹c``. To read and to trace: it checks no shape and
    no value.

    Source: Kohler et al. 2019, "Exponential convergence rates for Batch Normalization".
    """
    return -((c @ w) ** 2) / (2 * (w @ S @ w))


@plain
def direction_gradient(w, S, c):
    """The gradient of `direction_loss`: ``gamma * (gamma Sw - c)`` at ``gamma = cᵀw / wᵀSw``."""
    gamma = (c @ w) / (w @ S @ w)
    return gamma * (gamma * (S @ w) - c)


def descend(gradient, w, rate, decay=0.0, steps=100):
    """Gradient descent with weight decay: ``w <- w - rate * (gradient(w) + decay * w)``.

    Parameters
    ----------
    gradient : function of an array of w's shape that returns one; it may draw a new batch at
        each call, and write to what it is given, a copy
    w : array, the start
    rate, decay : finite numbers >= 0
    steps : integer >= 0

    Returns the path, an array of shape (1 + steps, *w.shape); shorter where a step would not be
    finite. Raises ValueError for bad numbers, or a gradient of another shape.
    """
    rate, decay = number("rate", rate), number("decay", decay)
    steps = integer("steps", steps)
    w = finite("w", w)
    path = [w]
    with np.errstate(all="ignore"):
        for _ in range(steps):
            g = numbers("gradient", gradient(w.copy()))[0]
            if g.shape != w.shape:
                raise ValueError(f"gradient: returned shape {g.shape}, want {w.shape}, that of w")
            w = w - rate * (g + decay * w)
            if not np.isfinite(w).all():
                break
            path.append(w)
    return np.array(path)


def equilibrium_norm(rate, decay, gradient_norm):
    """The length of w at which weight decay takes away what the steps add.

    For a loss that does not change with the length of w, ``g = gradient / ‖w‖`` is orthogonal to
    w, where ``gradient`` is the one on the unit sphere. A step gives
    ``‖w'‖² = (1 - rate decay)² ‖w‖² + rate² gradient_norm² / ‖w‖²``, which stays the same at
    ``‖w‖⁴ = rate gradient_norm² / (decay (2 - rate decay))``, for small ``rate decay`` about
    ``rate gradient_norm² / (2 decay)``.

    Parameters
    ----------
    rate : number > 0
    decay : number > 0 with rate * decay < 2, beyond which the decay alone overshoots
    gradient_norm : number >= 0, the root mean square length of the gradient on the unit sphere,
        taken to be the same wherever the descent goes

    Returns a number. Raises ValueError outside these ranges.

    Source: van Laarhoven 2017, "L2 Regularization versus Batch and Weight Normalization".
    """
    rate = number("rate", rate, SMALLEST, want="a finite number > 0")
    decay = number("decay", decay, -LARGEST, want="a finite number")
    if not 0 < rate * decay < 2:
        raise ValueError(f"decay: got {decay}, want 0 < rate * decay < 2, with the rate {rate}")
    gradient_norm = number("gradient_norm", gradient_norm)
    # Root by root, since squares and quotients may overflow where their fourth root does not
    return gradient_norm**0.5 * rate**0.25 / decay**0.25 / (2 - rate * decay) ** 0.25


def _array(name, value, *ndims):
    array = finite(name, value)
    if array.ndim not in ndims or not array.size:
        axes = " or ".join(map(str, ndims))
        raise ValueError(f"{name}: got shape {array.shape}, want {axes} axes and no empty one")
    return array


def _parameter(name, value, w):
    if not isinstance(value, (np.ndarray, list, tuple)):
        value = number(name, value, -LARGEST, want="finite numbers")
    array = finite(name, value)
    if array.shape not in ((), w.shape[1:]):
        raise ValueError(f"{name}: got shape {array.shape}, want a number or {w.shape[1:]}")
    return array
