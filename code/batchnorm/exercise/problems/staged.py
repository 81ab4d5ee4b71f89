"""Backward through batch normalization, one named step at a time."""

import numpy as np

from ...reference import batch_norm
from ..exercise import Exercise
from .gamma_beta import data


def solution(dy, x, gamma, eps):
    mu = np.mean(x, axis=0)
    centred = x - mu
    var = np.mean(centred**2, axis=0)
    s = np.sqrt(var + eps)
    dx_hat = dy * gamma
    ds = -np.sum(dx_hat * centred, axis=0) / s**2
    dvar = ds / (2 * s)
    straight = dx_hat / s
    dcentred = straight + dvar * 2 * centred / x.shape[0]
    dmu = -np.sum(dcentred, axis=0)
    dx = dcentred + dmu / x.shape[0]
    return dx


EXERCISE = Exercise(
    name="staged",
    title="Step by step, back through the graph",
    chapter="computation_graph",
    statement="""
Write the backward pass of batch normalization one step at a time. Name each gradient after its
value, with a `d` in front: `dx_hat`, `ds`, `dvar`, `dcentred`, `dmu`, and finally `dx`. The values
have the names of `bn.batch_norm`: `mu`, `centred = x - mu`, `squared`, `var`, `stable`, `s`,
`x_hat`. The check looks at each gradient by itself, and names the first wrong line.
""",
    function=batch_norm,
    data=data,
    takes=("dy", "x", "gamma", "eps"),
    gives={"dx": "x"},
    solution=solution,
    stub="""
def my_backward(dy, x, gamma, eps):
    mu = x.mean(axis=0)
    centred = x - mu
    var = (centred**2).mean(axis=0)
    s = np.sqrt(var + eps)
    dx = None  # your code here
    return dx
""",
    hints=(
        "Walk back from the output: dx_hat = gamma * dy. Then x_hat = centred / s has two inputs.",
        "s is one number per feature, used by every sample: ds is a sum over the samples.",
        "centred is used twice: by the division, and by the square in the variance. Add both.",
        "var and mu are means: what goes back to each sample is 1/m of their gradient.",
    ),
    stages=("mu", "centred", "var", "s", "x_hat", "dx_hat", "ds", "dvar", "dmu", "dcentred"),
)
