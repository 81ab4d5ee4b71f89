"""The second derivative of a normalized batch along a line."""

import numpy as np

from ..exercise import Exercise


def second_derivative(x, v, c, eps):
    x_c = x - np.mean(x, axis=0)
    v_c = v - np.mean(v, axis=0)
    s = np.sqrt(np.mean(x_c**2, axis=0) + eps)
    x_hat = x_c / s
    ds = np.mean(x_hat * v_c, axis=0)
    bend = (3 * ds**2 - np.mean(v_c**2, axis=0)) / s**2
    value = np.sum(c * (x_hat * bend - 2 * v_c * ds / s**2))
    return value


def data(rng, k):
    shape = [(5, 3), (4, 2), (7, 1)][k]
    x, v, c = (rng.normal(size=shape) for _ in range(3))
    return {"x": x, "v": v, "c": c, "eps": 0.1}


EXERCISE = Exercise(
    name="second_derivative",
    title="A second derivative",
    chapter="derivation",
    statement="""
Let `L(t)` be the sum of `c * x_hat(x + t * v)`, where `x_hat` is the normalized batch (gamma 1,
beta 0) and `x`, `v`, `c` have shape `(m, d)`. Return the number `L''(0)`. Here you cannot hold the
moments constant: then `x_hat` would be a straight line in `t`, and `L''` would be 0.
""",
    function=second_derivative,
    data=data,
    takes=("x", "v", "c", "eps"),
    gives={"value": "value"},
    solution=second_derivative,
    stub="""
def my_second_derivative(x, v, c, eps):
    value = None  # your code here
    return value
""",
    hints=(
        "Let v_c be v minus its mean. Then x - mu moves by v_c, and ds = mean(x_hat * v_c).",
        "s s' = mean((x - mu) * v_c). Differentiate once more: s'' = (mean(v_c**2) - s'**2) / s.",
        "x_hat = (x - mu) / s. Its second derivative is -2 v_c s' / s**2 + (x - mu)(1/s)''.",
    ),
    upstream=(),
)
