"""A layer that normalizes with the unbiased variance."""

import numpy as np

from ..exercise import Exercise
from .gamma_beta import data


def unbiased(x, gamma, beta, eps):
    mu = x.mean(axis=0)
    centred = x - mu
    var = np.sum(centred**2, axis=0) / (x.shape[0] - 1)
    s = np.sqrt(var + eps)
    x_hat = centred / s
    y = gamma * x_hat + beta
    return y


def solution(dy, x_hat, gamma, s):
    m = x_hat.shape[0]
    dx_hat = dy * gamma
    tilt = np.sum(dx_hat * x_hat, axis=0) / (m - 1)
    return (dx_hat - np.mean(dx_hat, axis=0) - x_hat * tilt) / s


EXERCISE = Exercise(
    name="bessel",
    title="Divide by m − 1",
    chapter="implementation",
    statement="""
A colleague normalizes with the *unbiased* variance: the sum of squares is divided by `m - 1`. How
does the one line for `dx` change? Here `x_hat` and `s` come from that variance.
""",
    function=unbiased,
    data=data,
    takes=("dy", "x_hat", "gamma", "s"),
    gives={"dx": "x"},
    solution=solution,
    stub="""
def my_backward(dy, x_hat, gamma, s):
    m = len(dy)
    dx = None  # your code here
    return dx
""",
    hints=(
        "The mean is as before, so its term is as before.",
        "With respect to x[i], the derivative of var is 2 (x[i] - mu) / (m - 1).",
    ),
)
