"""Group normalization: the features of a sample, group by group."""

import numpy as np

from ..exercise import Exercise


def group_norm(x, gamma, beta, eps):
    mu = x.mean(axis=(2, 3), keepdims=True)
    centred = x - mu
    var = np.mean(centred**2, axis=(2, 3), keepdims=True)
    s = np.sqrt(var + eps)
    x_hat = centred / s
    y = gamma * x_hat + beta
    return y


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


def outside(dy, x_hat, gamma, s):
    along = x_hat * np.mean(dy * x_hat, axis=(2, 3), keepdims=True)
    dx = gamma / s * (dy - np.mean(dy, axis=(2, 3), keepdims=True) - along)
    return dx, *solution(dy, x_hat, gamma, s)[1:]


EXERCISE = Exercise(
    name="group_norm",
    title="Group normalization",
    chapter="implementation",
    statement="""
Group normalization averages over the channels of a group and over space. The channels are grouped
already: `x` has shape `(n, groups, channels, length)`, and the moments are taken over the axes
`(2, 3)`. `gamma` and `beta` have one entry a channel, shape `(groups, channels, 1)`. Given `dy`,
`x_hat`, `gamma` and `s` of shape `(n, groups, 1, 1)`, return `dx, dgamma, dbeta`.
""",
    function=group_norm,
    data=data,
    takes=("dy", "x_hat", "gamma", "s"),
    gives={"dx": "x", "dgamma": "gamma", "dbeta": "beta"},
    solution=solution,
    stub="""
def my_backward(dy, x_hat, gamma, s):
    dx = dgamma = dbeta = None  # your code here
    return dx, dgamma, dbeta
""",
    hints=(
        "It is layer normalization with other axes: dx_hat first, then two means over (2, 3).",
        "dgamma must have gamma's shape: sum over the samples and over the length.",
    ),
    stages=("dx_hat",),
    others={"gamma is pulled out of the means, along which it varies": outside},
)
