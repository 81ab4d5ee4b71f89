"""Batch normalization, one named line per step: what the book reads, runs, traces and draws.

The functions hold nothing but NumPy. `batchnorm.graph.trace` runs them on traced arrays, and the
names of their local variables become the names of the graph's nodes.
"""

import numpy as np


def batch_norm(x, gamma, beta, eps=1e-5):
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

    This function checks nothing, so that nothing stands between the reader and the formula;
    `batchnorm.forward` computes the same and refuses bad input.

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


def evaluate(x, gamma, beta, mean, var, eps=1e-5):
    """Batch norm in evaluation mode: the statistics are given, not computed from the batch.

    ``y = gamma * (x - mean) / sqrt(var + eps) + beta``. Shapes and units as in `batch_norm`;
    ``mean`` and ``var`` have the shape of ``gamma``. Checks nothing.
    """
    centred = x - mean
    s = np.sqrt(var + eps)
    x_hat = centred / s
    y = gamma * x_hat + beta
    return y


def follow(running, batch, momentum=0.1):
    """One update of a running statistic: ``(1 - momentum) * running + momentum * batch``.

    Here ``momentum`` is the weight of the new batch, from 0 to 1 (PyTorch's convention; Keras
    calls 1 minus this the momentum). Checks nothing.
    """
    kept = (1 - momentum) * running
    running = kept + momentum * batch
    return running
