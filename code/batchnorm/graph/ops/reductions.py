"""Many entries made one, along some axes or all."""

import numpy as np

from .op import Formula, Op, Source

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


def _reduction_text(name):
    def text(node, a):
        given = []
        axis = node.params["axis"]
        if axis is not None and (len(axis) < len(a.shape) or not axis):
            given.append(f"axis={_axis(axis)}")
        if node.params["keepdims"] and a.shape:
            given.append("keepdims=True")
        if not a.shape:
            return f"np.{name}(a)"
        return f"a.{name}({', '.join(given)})"

    return text


def _extreme_sent(node, a):
    axis, ndim = node.params["axis"], len(a.shape)
    if axis == () or not ndim:
        return "d"
    given = "" if axis is None or len(axis) == ndim else f"axis={_axis(axis)}, "
    return f"d * (a == y) / (a == y).sum({given}keepdims=True, dtype=a.dtype)"


def _axis(axis):
    return axis[0] if len(axis) == 1 else tuple(axis)


OPERATIONS = {
    "sum": Op(
        "Σ",
        Formula("Σ {a}", ("1",), ("{d}",)),
        np.sum,
        (lambda d, y, a, **params: _spread(d, a, **params),),
        "reduction",
        AXES,
        source=Source(_reduction_text("sum"), ("d",)),
    ),
    "mean": Op(
        "mean",
        Formula("mean {a}", ("1/{n}",), ("{d} / {n}",)),
        np.mean,
        (_mean_rule,),
        "reduction",
        AXES,
        source=Source(_reduction_text("mean"), ("d / n",)),
    ),
    "max": Op(
        "max",
        Formula("max {a}", ("[{a} = {y}]",), ("{d}·[{a} = {y}]",)),
        np.max,
        (_extreme_rule,),
        "reduction",
        AXES,
        source=Source(_reduction_text("max"), (_extreme_sent,)),
    ),
    "min": Op(
        "min",
        Formula("min {a}", ("[{a} = {y}]",), ("{d}·[{a} = {y}]",)),
        np.min,
        (_extreme_rule,),
        "reduction",
        AXES,
        source=Source(_reduction_text("min"), (_extreme_sent,)),
    ),
}
