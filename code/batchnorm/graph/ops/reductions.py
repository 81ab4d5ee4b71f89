"""Many entries made one, along some axes or all."""

import numpy as np

from .op import Formula, Op

AXES = ("axis", "keepdims")


def _spread(d, a, axis, keepdims):
    """Undo a sum: give every entry of ``a`` the gradient of the sum it went into."""
    if axis is not None and not keepdims:
        d = np.expand_dims(d, axis)
    return np.broadcast_to(d, np.shape(a))


def _mean_rule(d, y, a, **params):
    return _spread(d, a, **params) / (np.size(a) / max(np.size(y), 1))


def _extreme_rule(d, y, a, axis, keepdims):
    # Those that tie share evenly: the mean of the slopes each alone would have
    there = a == _spread(y, a, axis, keepdims)
    return _spread(d, a, axis, keepdims) * there / there.sum(axis=axis, keepdims=True)


OPERATIONS = {
    "sum": Op(
        "Σ",
        Formula("Σ {a}", ("1",), ("{d}",)),
        np.sum,
        (lambda d, y, a, **params: _spread(d, a, **params),),
        "reduction",
        AXES,
    ),
    "mean": Op(
        "mean",
        Formula("mean {a}", ("1/{n}",), ("{d} / {n}",)),
        np.mean,
        (_mean_rule,),
        "reduction",
        AXES,
    ),
    "max": Op(
        "max",
        Formula("max {a}", ("[{a} = {y}]",), ("{d}·[{a} = {y}]",)),
        np.max,
        (_extreme_rule,),
        "reduction",
        AXES,
    ),
    "min": Op(
        "min",
        Formula("min {a}", ("[{a} = {y}]",), ("{d}·[{a} = {y}]",)),
        np.min,
        (_extreme_rule,),
        "reduction",
        AXES,
    ),
}
