"""The gradients of the scale and of the shift."""

import numpy as np

from ...reference import batch_norm
from ..exercise import Exercise


def data(rng, k):
    m, d = [(5, 3), (4, 2), (7, 4)][k]
    gamma, beta = rng.uniform(0.5, 2, size=d), rng.normal(size=d)
    return {"x": rng.normal(2.0, size=(m, d)), "gamma": gamma, "beta": beta, "eps": 0.1}


def solution(dy, x_hat):
    dgamma = np.sum(dy * x_hat, axis=0)
    dbeta = np.sum(dy, axis=0)
    return dgamma, dbeta


EXERCISE = Exercise(
    name="gamma_beta",
    title="Scale and shift",
    chapter="implementation",
    statement="""
The last step of the layer is `y = gamma * x_hat + beta`, with `x_hat` of shape `(m, d)` and
`gamma`, `beta` of shape `(d,)`. Given `dy` and `x_hat`, return `dgamma, dbeta`.
""",
    function=batch_norm,
    data=data,
    takes=("dy", "x_hat"),
    gives={"dgamma": "gamma", "dbeta": "beta"},
    solution=solution,
    stub="""
def my_backward(dy, x_hat):
    dgamma = dbeta = None  # your code here
    return dgamma, dbeta
""",
    hints=(
        "gamma and beta are copied to every row, so their gradients are sums over the rows.",
        "beta is added: its gradient is the sum of dy. What multiplies gamma?",
    ),
)
