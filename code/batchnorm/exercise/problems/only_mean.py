"""Only the mean is subtracted: half of batch normalization."""

import numpy as np

from ..exercise import Exercise


def centre(x):
    mu = x.mean(axis=0)
    y = x - mu
    return y


def data(rng, k):
    return {"x": rng.normal(size=[(5, 3), (4, 2), (7, 4)][k])}


def solution(dy):
    return dy - np.mean(dy, axis=0)


EXERCISE = Exercise(
    name="only_mean",
    title="Only the mean",
    chapter="two_samples",
    statement="""
The layer subtracts the mean of the batch: `y = x - x.mean(axis=0)`, with `x` of shape `(m, d)`.
Given the upstream gradient `dy`, return `dx`.
""",
    function=centre,
    data=data,
    takes=("dy",),
    gives={"dx": "x"},
    solution=solution,
    stub="""
def my_backward(dy):
    dx = None  # your code here
    return dx
""",
    hints=(
        "x[i] reaches the loss along two paths: straight to y[i], and through the mean to every y.",
        "Every output contains -mu, so the gradient at mu is -dy.sum(axis=0).",
        "mu moves by 1/m when x[i] moves by 1. Add what comes along both paths.",
    ),
)
