"""A broken implementation: five lines are wrong."""

import numpy as np

from ...reference import batch_norm
from ..exercise import Exercise
from .gamma_beta import data


def solution(dy, x, gamma, eps):
    m = x.shape[0]
    mu = np.mean(x, axis=0)
    centred = x - mu
    var = np.sum(centred**2, axis=0) / m
    s = np.sqrt(var + eps)
    x_hat = centred / s
    dbeta = np.sum(dy, axis=0)
    dgamma = np.sum(dy * x_hat, axis=0)
    dx_hat = dy * gamma
    ds = -np.sum(dx_hat * centred, axis=0) / s**2
    dvar = ds / (2 * s)
    dcentred = dx_hat / s + dvar * 2 * centred / m
    dmu = -np.sum(dcentred, axis=0)
    dx = dcentred + dmu / m
    return dx, dgamma, dbeta


EXERCISE = Exercise(
    name="five_faults",
    title="Five faults",
    chapter="implementation",
    statement="""
This layer was written in a hurry: five of its lines are wrong. Fix them one by one. The check
names the first line that is wrong, and says for each later one whether it is right, given what
came before.
""",
    function=batch_norm,
    data=data,
    takes=("dy", "x", "gamma", "eps"),
    gives={"dx": "x", "dgamma": "gamma", "dbeta": "beta"},
    solution=solution,
    stub="""
def layer(dy, x, gamma, eps):
    m = len(x)
    mu = x.mean(axis=0)
    centred = x - mu
    var = (centred**2).sum(axis=0) / (m - 1)
    s = np.sqrt(var) + eps
    x_hat = centred / s
    dbeta = dy.sum(axis=0)
    dgamma = (dy * x).sum(axis=0)
    dx_hat = gamma * dy
    ds = (dx_hat * centred).sum(axis=0) / s**2
    dvar = ds / (2 * s)
    dcentred = dx_hat / s + dvar * 2 * centred / m
    dmu = -dcentred.sum(axis=0)
    dx = dcentred + dmu
    return dx, dgamma, dbeta
""",
    hints=(
        "Which variance does the layer normalize with, m or m - 1?",
        "Where does eps belong, inside the root or outside?",
        "gamma multiplies x_hat, not x.",
        "x_hat = centred / s: raising s makes x_hat smaller.",
        "The mean sends each sample 1/m of its gradient.",
    ),
    stages=(
        *("mu", "centred", "var", "s", "x_hat", "dbeta", "dgamma"),
        *("dx_hat", "ds", "dvar", "dcentred", "dmu", "dx"),
    ),
)
