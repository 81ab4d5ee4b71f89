"""Small arguments for a function whose parameters have no defaults, to trace it on."""

import inspect

import numpy as np

DATA = ("x", "X", "inputs", "images", "a", "z")
SCALES = ("gamma", "g", "scale")
SHIFTS = ("beta", "b", "bias", "shift", "running_mean", "moving_mean")
SPREADS = ("running_var", "moving_var", "running_std")
COUNTS = ("G", "groups", "num_groups", "n_groups")
# The batch, and what belongs to a feature: single numbers; samples of features; images
SHAPES = [((3,), ()), ((4, 2), (2,)), ((2, 2, 2, 2), (2,)), ((2, 2, 2, 2), (1, 2, 1, 1))]


def examples(function):
    """Arguments to try, simplest first: dicts by the parameters' names; and what has none.

    Parameters with a default keep it. Of the others those that are called what people call a batch
    and its layer's parameters (`DATA`, `SCALES`, …) get small arrays: first a vector, then samples
    of two features, then images ``(N, C, H, W)``. Dicts like ``bn_param`` are left to `trace`.
    Returns the list of dicts, and the names of parameters that would need a value.
    """
    given, open_, missing = {}, [], []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not parameter.empty:
            given[name] = parameter.default
        elif name in (*DATA, *SCALES, *SHIFTS, *SPREADS, *COUNTS, "eps", "epsilon"):
            open_.append(name)
        elif "param" not in name.lower() and not parameter.kind.name.startswith("VAR"):
            missing.append(name)
    tries = [given | {name: _value(name, *shapes) for name in open_} for shapes in SHAPES]
    return tries if open_ else tries[:1], missing


def _value(name, batch, features):
    if name in DATA:
        return np.resize(BATCH, batch)
    if name in ("eps", "epsilon"):
        return 0.1
    if name in COUNTS:
        return 2
    start = 1.5 if name in SCALES else 0.5 if name in SHIFTS else 1.2
    size = int(np.prod(features))
    return (start - 0.4 * np.arange(size)).reshape(features) if features else start


BATCH = [1.0, -0.5, 2.2, 0.3, -1.4, 0.8, 1.9]
