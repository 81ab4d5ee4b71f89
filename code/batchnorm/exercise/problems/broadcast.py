"""What was broadcast on the way forward is summed on the way back."""

import numpy as np

from ..exercise import Exercise


def scale_and_shift(x, w, b):
    scaled = x * w
    y = scaled + b
    return y


def data(rng, k):
    m, d = [(5, 3), (4, 2), (7, 4)][k]
    return {"x": rng.normal(size=(m, d)), "w": rng.normal(size=d), "b": rng.normal(size=d)}


def solution(dy, x, w):
    dx = dy * w
    dw = np.sum(dy * x, axis=0)
    db = np.sum(dy, axis=0)
    return dx, dw, db


EXERCISE = Exercise(
    name="broadcast",
    title="The gradient of a broadcast",
    chapter="computation_graph",
    statement="""
The layer is `y = x * w + b`, with `x` of shape `(m, d)` and `w`, `b` of shape `(d,)`. NumPy copies
`w` and `b` to every row. Given the upstream gradient `dy`, return `dx, dw, db`.
""",
    function=scale_and_shift,
    data=data,
    takes=("dy", "x", "w"),
    gives={"dx": "x", "dw": "w", "db": "b"},
    solution=solution,
    stub="""
def my_backward(dy, x, w):
    dx = dw = db = None  # your code here
    return dx, dw, db
""",
    hints=(
        "A gradient has the shape of the value it belongs to.",
        "Row i of y is x[i] * w + b. So every row of dy says something about b.",
        "What is copied on the way forward is summed on the way back: db = dy.sum(axis=0).",
    ),
)
