"""Two samples: a closed form, and what eps lets through."""

import numpy as np

from ...reference import batch_norm
from ..exercise import Exercise


def data(rng, k):
    x = rng.normal(size=2) * [1.0, 0.1, 3.0][k]
    return {"x": x, "gamma": rng.uniform(0.5, 2), "beta": 0.3, "eps": [0.1, 0.01, 1.0][k]}


def solution(dy, x, gamma, eps):
    s = np.sqrt(np.mean((x - np.mean(x)) ** 2) + eps)
    return gamma * eps / s**3 * (dy - np.mean(dy))


EXERCISE = Exercise(
    name="two_samples",
    title="Two samples",
    chapter="variance_of_two",
    statement="""
A batch holds two samples of one feature: `x` and `dy` have shape `(2,)`; `gamma` and `eps` are
numbers. The layer is batch normalization. Find a closed form of `dx` that needs no graph.
""",
    function=batch_norm,
    data=data,
    takes=("dy", "x", "gamma", "eps"),
    gives={"dx": "x"},
    solution=solution,
    stub="""
def my_backward(dy, x, gamma, eps):
    dx = None  # your code here
    return dx
""",
    hints=(
        "Let h be half the distance, h = (x[0] - x[1]) / 2. The variance is h**2.",
        "x_hat is (h / s, -h / s), with s = sqrt(h**2 + eps). How does it move with h?",
        "1/s - h**2 / s**3 = eps / s**3. Only the difference between the two entries of dy counts.",
    ),
)
