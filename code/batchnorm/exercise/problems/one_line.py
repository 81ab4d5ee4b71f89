"""The whole backward pass as one expression."""

import numpy as np

from ...reference import batch_norm
from ..exercise import Exercise
from .gamma_beta import data


def solution(dy, x_hat, gamma, s):
    return gamma / s * (dy - np.mean(dy, axis=0) - x_hat * np.mean(dy * x_hat, axis=0))


EXERCISE = Exercise(
    name="one_line",
    title="One line",
    chapter="derivation",
    statement="""
The graph's steps collapse into one expression. Given `dy` and `x_hat` of shape `(m, d)`, and
`gamma` and `s = sqrt(var + eps)` of shape `(d,)`, return `dx` in one line.
""",
    function=batch_norm,
    data=data,
    takes=("dy", "x_hat", "gamma", "s"),
    gives={"dx": "x"},
    solution=solution,
    stub="""
def my_backward(dy, x_hat, gamma, s):
    dx = None  # your code here
    return dx
""",
    hints=(
        "It has three terms: one for each path from an input to the loss.",
        "The path through the mean takes away the mean of dy.",
        "The path through the variance takes away the part of dy along x_hat.",
    ),
)
