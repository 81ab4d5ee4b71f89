"""Batch renormalization: its two corrections are held."""

import numpy as np

from ..exercise import Exercise
from .gamma_beta import data as batch


def renormalize(x, gamma, beta, r, delta, eps):
    mu = x.mean(axis=0)
    centred = x - mu
    var = np.mean(centred**2, axis=0)
    s = np.sqrt(var + eps)
    x_hat = centred / s
    corrected = x_hat * r + delta
    y = gamma * corrected + beta
    return y


def data(rng, k):
    """A batch, and the corrections that it and random running statistics lead to, unclipped.

    They are inputs of the forward pass, so that its whole gradient holds them.
    """
    given = batch(rng, k)
    mean, spread = rng.normal(size=given["gamma"].shape), rng.uniform(0.5, 3, given["gamma"].shape)
    s = np.sqrt(given["x"].var(axis=0) + given["eps"])
    return given | {"r": s / spread, "delta": (given["x"].mean(axis=0) - mean) / spread}


def solution(dy, x_hat, r, delta, gamma, s):
    dx_hat = dy * gamma * r
    dx = (dx_hat - np.mean(dx_hat, axis=0) - x_hat * np.mean(dx_hat * x_hat, axis=0)) / s
    dgamma = np.sum(dy * (x_hat * r + delta), axis=0)
    dbeta = np.sum(dy, axis=0)
    return dx, dgamma, dbeta


def not_held(dy, x_hat, r, delta, gamma, s):
    _, dgamma, dbeta = solution(dy, x_hat, r, delta, gamma, s)
    return dy * gamma * r / s, dgamma, dbeta  # r / s is 1 / spread


EXERCISE = Exercise(
    name="renorm",
    title="Batch renormalization",
    chapter="cut_on_purpose",
    statement="""
Batch renormalization is `y = gamma * (x_hat * r + delta) + beta`. Its corrections
`r = s / spread` and `delta = (mu - mean) / spread` (clipped) are computed from the batch and the
running statistics, and *held*: no gradient flows through them. Given `dy` and `x_hat` of shape
`(m, d)`, and the others of shape `(d,)`, return `dx, dgamma, dbeta`.
""",
    function=renormalize,
    data=data,
    takes=("dy", "x_hat", "r", "delta", "gamma", "s"),
    gives={"dx": "x", "dgamma": "gamma", "dbeta": "beta"},
    solution=solution,
    stub="""
def my_backward(dy, x_hat, r, delta, gamma, s):
    dx = dgamma = dbeta = None  # your code here
    return dx, dgamma, dbeta
""",
    hints=(
        "r and delta count as constants. What takes the place of gamma?",
        "dx is batch norm's, times r. Which gradient depends on delta's value?",
        "gamma multiplies x_hat * r + delta, whatever flows back through them.",
    ),
    stages=("dx_hat",),
    others={"r and delta are not held: this is the gradient of evaluation mode": not_held},
)
