"""Back through ZCA whitening."""

import numpy as np

from ..exercise import Exercise


def solution(dy, centred, axes, roots):
    m = centred.shape[0]
    W = (axes / roots) @ axes.T
    dW = centred.T @ dy
    inner = axes.T @ dW @ axes
    dS = -(axes @ (inner / (roots.T * roots * (roots.T + roots))) @ axes.T)
    dcentred = dy @ W + centred @ (dS + dS.T) / m
    dx = dcentred - np.mean(dcentred, axis=0)
    return dx


def data(rng, k):
    m, d = [(8, 3), (6, 2), (9, 4)][k]
    x = rng.normal(size=(m, d)) @ rng.normal(size=(d, d))
    centred = x - x.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred / m)
    roots = np.sqrt(values)[None, :]
    return {"dy": rng.normal(size=(m, d)), "centred": centred, "axes": axes, "roots": roots}


EXERCISE = Exercise(
    name="zca",
    title="Back through ZCA whitening",
    chapter="whitening_gradient",
    statement="""
ZCA whitening is `x_hat = centred @ W`, with `centred = x - x.mean(axis=0)` of shape `(m, d)` and
`W` the inverse square root of `S = centred.T @ centred / m`. You are given the eigenvectors of `S`
in the columns of `axes`, and the square roots of its eigenvalues in `roots`, of shape `(1, d)`. So
`W = (axes / roots) @ axes.T`. Given `dy`, the gradient at `x_hat`, return `dx`.
""",
    function=solution,
    data=data,
    takes=("dy", "centred", "axes", "roots"),
    gives={"dx": "dx"},
    solution=solution,
    stub="""
def my_backward(dy, centred, axes, roots):
    m = len(centred)
    W = (axes / roots) @ axes.T
    dx = None  # your code here
    return dx
""",
    hints=(
        "W depends on x through S. So dW = centred.T @ dy, and centred gets dy @ W directly.",
        "In the basis of the eigenvectors the derivative of S**(-1/2) is a product entry by entry.",
        "Entry (i, j) of that product is -1 / (r_i r_j (r_i + r_j)), where r are the roots.",
        "S = centred.T @ centred / m sends centred @ (dS + dS.T) / m. Then subtract the mean.",
    ),
    upstream=(),
)
