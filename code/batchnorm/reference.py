"""Batch normalization and its gradient, one named line per step: what the book reads and traces.

The functions hold nothing but NumPy: nothing comes between the reader and the formula. They
compute in the precision of their arguments (float16's squares overflow from 256 on), and check no
shape and no value; `plain` refuses anything that is not an array of numbers.
`batchnorm.forward` and `batchnorm.backward` compute the same, and refuse bad input.
`batchnorm.graph.trace` runs the forward ones on traced arrays, and the names of their local
variables become the names of the graph's nodes.
"""

import numpy as np

from .validate import plain

Numbers = np.ndarray | float
Gradients = tuple[np.ndarray, np.ndarray, np.ndarray]


@plain
def batch_norm(x: np.ndarray, gamma: Numbers, beta: Numbers, eps: float = 1e-5) -> np.ndarray:
    """Normalise each feature over the batch, then scale and shift it.

    ``y = gamma * (x - mu) / sqrt(var + eps) + beta``, where ``mu`` and ``var`` are the mean and
    the biased variance (divided by ``m``) over the first axis.

    Parameters
    ----------
    x : (m, d) or (m,) array, the batch
    gamma, beta : (d,) arrays or numbers, the scale and the shift
    eps : number >= 0, added to the variance, inside the root

    Returns
    -------
    y : array of x's shape

    Raises ValueError for masked arrays, and for data that are not numbers.

    Source: Ioffe & Szegedy 2015, "Batch Normalization", algorithm 1.
    """
    mu = x.mean(axis=0)
    centred = x - mu
    squared = centred**2
    var = squared.mean(axis=0)
    stable = var + eps
    s = np.sqrt(stable)
    x_hat = centred / s
    scaled = gamma * x_hat
    y = scaled + beta
    return y


@plain
def evaluate(
    x: np.ndarray, gamma: Numbers, beta: Numbers, mean: Numbers, var: Numbers, eps: float = 1e-5
) -> np.ndarray:
    """Batch norm in evaluation mode: the statistics are given, not computed from the batch.

    ``y = gamma * (x - mean) / sqrt(var + eps) + beta``. Shapes and units as in `batch_norm`;
    ``mean`` and ``var`` have the shape of ``gamma``.
    """
    centred = x - mean
    s = np.sqrt(var + eps)
    x_hat = centred / s
    y = gamma * x_hat + beta
    return y


@plain
def update_running(running: Numbers, batch: Numbers, momentum: float = 0.1) -> Numbers:
    """One update of a running statistic: ``(1 - momentum) * running + momentum * batch``.

    Here ``momentum`` is the weight of the new batch, from 0 to 1 (PyTorch's convention; Keras
    calls 1 minus this the momentum).
    """
    kept = (1 - momentum) * running
    running = kept + momentum * batch
    return running


@plain
def backward_staged(dy: np.ndarray, x_hat: np.ndarray, gamma: Numbers, s: Numbers) -> Gradients:
    """The gradients of x, gamma and beta, walking back over the graph of `batch_norm`.

    One line for each step, the last one first; every gradient has the shape of its node.

    Parameters
    ----------
    dy : array, dL/dy
    x_hat : array of dy's shape
    gamma, s : arrays that broadcast against x_hat, s = sqrt(var + eps). The samples are what s has
        no axis for, or a 1: with x_hat (m, d) it is (d,), with images (N, C, H, W) (1, C, 1, 1)

    Returns (dx, dgamma, dbeta): dx of dy's shape, the others of gamma's. Raises ValueError as
    `batch_norm` does.
    """
    m = dy.size // np.size(s)
    centred = x_hat * s
    dbeta = sum_to(dy, gamma)
    dgamma = sum_to(dy * x_hat, gamma)
    dx_hat = gamma * dy
    ds = -sum_to(dx_hat * centred, s) / s**2
    dvar = ds / (2 * s)
    dsquared = np.full(dy.shape, dvar / m)
    dcentred = dx_hat / s + dsquared * 2 * centred
    dmu = -sum_to(dcentred, s)
    dx = dcentred + np.full(dy.shape, dmu / m)
    return dx, dgamma, dbeta


@plain
def backward_compact(dy: np.ndarray, x_hat: np.ndarray, gamma: Numbers, s: Numbers) -> Gradients:
    """What `backward_staged` gives, in one formula, as it is usually written.

    Parameters and results are the same, but gamma must have the shape of s: it is taken out of the
    sums over the samples.
    """
    m = dy.size // np.size(s)
    dbeta = sum_to(dy, gamma)
    dgamma = sum_to(dy * x_hat, gamma)
    dx = gamma / (m * s) * (m * dy - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


def sum_to(a: np.ndarray, like: Numbers) -> np.ndarray:
    """Sum an array down to a shape that broadcasts to its own: the way back through broadcasting.

    Where one number was copied to many entries, their gradients are added up.
    """
    missing = a.ndim - np.ndim(like)
    ones = tuple(missing + i for i, n in enumerate(np.shape(like)) if n == 1)
    return a.sum(axis=ones, keepdims=True).sum(axis=tuple(range(missing)))
