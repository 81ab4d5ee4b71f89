"""Layer normalization: gamma varies along the axis that is averaged."""

import numpy as np

from .normalization import normalization


def data(rng, k):
    m, d = [(5, 3), (2, 4), (4, 7)][k]
    gamma, beta = rng.uniform(0.5, 2, size=d), rng.normal(size=d)
    return {"x": rng.normal(2.0, size=(m, d)), "gamma": gamma, "beta": beta, "eps": 0.1}


def solution(dy, x_hat, gamma, s):
    dx_hat = dy * gamma
    dx = (
        dx_hat
        - np.mean(dx_hat, axis=1, keepdims=True)
        - x_hat * np.mean(dx_hat * x_hat, axis=1, keepdims=True)
    ) / s
    dgamma = np.sum(dy * x_hat, axis=0)
    dbeta = np.sum(dy, axis=0)
    return dx, dgamma, dbeta


EXERCISE = normalization(
    axes=1,
    name="layer_norm",
    title="Layer normalization",
    statement="""
Layer normalization takes the mean and the variance of each *row* of `x`, of shape `(m, d)`: over
`axis=1`. `gamma` and `beta` still have one entry per feature, shape `(d,)`. Given `dy`, `x_hat`,
`gamma` and `s` of shape `(m, 1)`, return `dx, dgamma, dbeta`.
""",
    data=data,
    solution=solution,
    hints=(
        "gamma varies along the averaged axis, so it cannot be pulled out of the means.",
        "Start with dx_hat = gamma * dy, and write the one line for dx_hat.",
        "gamma and beta are shared by all rows: over which axis are their gradients summed?",
    ),
)
