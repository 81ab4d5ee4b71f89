"""Evaluation mode: the statistics are given."""

import numpy as np

from ...reference import evaluate
from ..exercise import Exercise


def data(rng, k):
    m, d = [(5, 3), (4, 2), (7, 4)][k]
    return {
        "x": rng.normal(2.0, size=(m, d)),
        "gamma": rng.uniform(0.5, 2, size=d),
        "beta": rng.normal(size=d),
        "mean": rng.normal(size=d),
        "var": rng.uniform(0.5, 3, size=d),
        "eps": 0.1,
    }


def solution(dy, gamma, var, eps):
    s = np.sqrt(var + eps)
    dx = gamma / s * dy
    return dx


EXERCISE = Exercise(
    name="evaluation",
    title="Evaluation mode",
    chapter="batch_normalization",
    statement="""
In evaluation mode the layer is `y = gamma * (x - mean) / sqrt(var + eps) + beta`, where `mean` and
`var` are the running statistics: given numbers, one per feature. Return `dx`.
""",
    function=evaluate,
    data=data,
    takes=("dy", "gamma", "var", "eps"),
    gives={"dx": "x"},
    solution=solution,
    stub="""
def my_backward(dy, gamma, var, eps):
    dx = None  # your code here
    return dx
""",
    hints=(
        "Do mean and var depend on x here? Then how many paths lead from x to y?",
        "Each output depends on its own input alone, by a straight line. What is its slope?",
    ),
)
