"""Batch normalization over two workers, backward."""

import numpy as np

from ..exercise import Exercise


def two_workers(x_a, x_b, gamma, beta, eps):
    m = x_a.shape[0] + x_b.shape[0]
    mu = (np.sum(x_a, axis=0) + np.sum(x_b, axis=0)) / m
    centred_a = x_a - mu
    centred_b = x_b - mu
    var = (np.sum(centred_a**2, axis=0) + np.sum(centred_b**2, axis=0)) / m
    s = np.sqrt(var + eps)
    x_hat_a = centred_a / s
    x_hat_b = centred_b / s
    y_a = gamma * x_hat_a + beta
    y_b = gamma * x_hat_b + beta
    return y_a, y_b


def data(rng, k):
    a, b, d = [(5, 3, 2), (2, 6, 3), (4, 1, 2)][k]
    return {
        "x_a": rng.normal(1.0, size=(a, d)),
        "x_b": rng.normal(-1.0, 2.0, size=(b, d)),
        "gamma": rng.uniform(0.5, 2, size=d),
        "beta": rng.normal(size=d),
        "eps": 0.1,
    }


def solution(dy_a, dy_b, x_hat_a, x_hat_b, gamma, s):
    m = x_hat_a.shape[0] + x_hat_b.shape[0]
    shared = (np.sum(dy_a, axis=0) + np.sum(dy_b, axis=0)) / m
    tilt = (np.sum(dy_a * x_hat_a, axis=0) + np.sum(dy_b * x_hat_b, axis=0)) / m
    dx_a = gamma / s * (dy_a - shared - x_hat_a * tilt)
    dx_b = gamma / s * (dy_b - shared - x_hat_b * tilt)
    return dx_a, dx_b


def _alone(dy, x_hat, gamma, s):
    return gamma / s * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))


def apart(dy_a, dy_b, x_hat_a, x_hat_b, gamma, s):
    return _alone(dy_a, x_hat_a, gamma, s), _alone(dy_b, x_hat_b, gamma, s)


EXERCISE = Exercise(
    name="workers",
    title="Two workers, backward",
    chapter="several_workers",
    statement="""
Two workers hold `x_a` and `x_b`, of different sizes, and have normalized them with the moments of
the *whole* batch. Each has its own part of the upstream gradient. Write `shared` for the mean of
`dy` over the whole batch, and `tilt` for that of `dy * x_hat`. Return `dx_a, dx_b`.
""",
    function=two_workers,
    data=data,
    takes=("dy_a", "dy_b", "x_hat_a", "x_hat_b", "gamma", "s"),
    gives={"dx_a": "x_a", "dx_b": "x_b"},
    solution=solution,
    stub="""
def my_backward(dy_a, dy_b, x_hat_a, x_hat_b, gamma, s):
    dx_a = dx_b = None  # your code here
    return dx_a, dx_b
""",
    hints=(
        "It is the one line again. Which sums in it run over the whole batch?",
        "Two sums are shared: of dy, and of dy * x_hat. Divide them by the whole batch's size.",
    ),
    upstream=("dy_a", "dy_b"),
    others={"each worker uses the sums of its own part only": apart},
)
