"""Group normalization: the features of a sample, group by group."""

import numpy as np

from .normalization import normalization


def data(rng, k):
    n, groups, channels, length = [(3, 2, 2, 4), (2, 1, 3, 2), (2, 3, 2, 5)][k]
    gamma = rng.uniform(0.5, 2, size=(groups, channels, 1))
    return {
        "x": rng.normal(2.0, size=(n, groups, channels, length)),
        "gamma": gamma,
        "beta": rng.normal(size=gamma.shape),
        "eps": 0.1,
    }


def solution(dy, x_hat, gamma, s):
    dx_hat = dy * gamma
    dx = (
        dx_hat
        - np.mean(dx_hat, axis=(2, 3), keepdims=True)
        - x_hat * np.mean(dx_hat * x_hat, axis=(2, 3), keepdims=True)
    ) / s
    dgamma = np.sum(np.sum(dy * x_hat, axis=0), axis=2, keepdims=True)
    dbeta = np.sum(np.sum(dy, axis=0), axis=2, keepdims=True)
    return dx, dgamma, dbeta


EXERCISE = normalization(
    axes=(2, 3),
    name="group_norm",
    title="Group normalization",
    statement="""
Group normalization averages over the channels of a group and over space. The channels are grouped
already: `x` has shape `(n, groups, channels, length)`, and the moments are taken over the axes
`(2, 3)`. `gamma` and `beta` have one entry per channel, shape `(groups, channels, 1)`. Given `dy`,
`x_hat`, `gamma` and `s` of shape `(n, groups, 1, 1)`, return `dx, dgamma, dbeta`.
""",
    data=data,
    solution=solution,
    hints=(
        "It is layer normalization with other axes: dx_hat first, then two means over (2, 3).",
        "dgamma must have gamma's shape: sum over the samples and over the length.",
    ),
)
