"""What the exercises on layer and group normalization share: all but axes, data and words."""

import numpy as np

from ..exercise import Exercise


def normalization(axes, **own):
    """The exercise on a normalization over these axes; `own` is the rest of it."""

    def forward(x, gamma, beta, eps):
        mu = x.mean(axis=axes, keepdims=True)
        centred = x - mu
        var = np.mean(centred**2, axis=axes, keepdims=True)
        s = np.sqrt(var + eps)
        x_hat = centred / s
        y = gamma * x_hat + beta
        return y

    def outside(dy, x_hat, gamma, s):
        along = x_hat * np.mean(dy * x_hat, axis=axes, keepdims=True)
        dx = gamma / s * (dy - np.mean(dy, axis=axes, keepdims=True) - along)
        return dx, *own["solution"](dy, x_hat, gamma, s)[1:]

    return Exercise(
        chapter="implementation",
        function=forward,
        takes=("dy", "x_hat", "gamma", "s"),
        gives={"dx": "x", "dgamma": "gamma", "dbeta": "beta"},
        stub="""
def my_backward(dy, x_hat, gamma, s):
    dx = dgamma = dbeta = None  # your code here
    return dx, dgamma, dbeta
""",
        stages=("dx_hat",),
        others={"gamma is pulled out of the means, along which it varies": outside},
        **own,
    )
