"""The variance as E[x**2] - mu**2: another graph, the same gradient."""

import numpy as np

from ..exercise import Exercise
from .gamma_beta import data


def raw_moments(x, gamma, beta, eps):
    mu = x.mean(axis=0)
    squared = x**2
    mean_square = squared.mean(axis=0)
    var = mean_square - mu**2
    s = np.sqrt(var + eps)
    x_hat = (x - mu) / s
    y = gamma * x_hat + beta
    return y


def solution(dx_hat, dvar, x, mu, s):
    dmu = -np.sum(dx_hat / s, axis=0) - 2 * mu * dvar
    direct = dx_hat / s
    dx = direct + 2 * x * dvar / x.shape[0] + dmu / x.shape[0]
    return dmu, dx


def mixed(dx_hat, dvar, x, mu, s):
    dmu, dx = solution(dx_hat, dvar, x, mu, s)
    return dmu, dx - 2 * mu * dvar / x.shape[0]


EXERCISE = Exercise(
    name="raw_moments",
    title="The other graph of the variance",
    chapter="two_variance_graphs",
    statement="""
Suppose the forward pass computes the variance as `var = (x**2).mean(axis=0) - mu**2`. On this graph
`var` depends on `mu`. You are given the gradients `dx_hat` and `dvar`. Return `dmu, dx`.
""",
    function=raw_moments,
    data=data,
    takes=("dx_hat", "dvar", "x", "mu", "s"),
    gives={"dmu": "mu", "dx": "x"},
    solution=solution,
    stub="""
def my_backward(dx_hat, dvar, x, mu, s):
    dmu = dx = None  # your code here
    return dmu, dx
""",
    hints=(
        "On this graph mu is used in two places: in x - mu, and in var.",
        "The edges of var are 2 x / m, from x, and -2 mu, from mu.",
        "x is used in three places. Add what comes back from each.",
    ),
    others={"2 (x - mu) / m, an edge of the other graph, is used where 2 x / m belongs": mixed},
)
