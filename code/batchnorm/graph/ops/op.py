"""What an operation is: its sign, its formulas, what it computes, its rules, its source."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class UnknownOperation(ValueError):
    """An operation that the graph has no rule for; the message names it."""


class Formula(NamedTuple):
    """How an operation is written. ``{a}``, ``{b}`` are its inputs, ``{y}`` its output, ``{d}`` the
    gradient that arrives there, ``{n}`` how many entries it averages, ``{p}`` its exponent,
    ``{q}`` that less one. ``[p > q]`` is 1 where that holds, ½ where both are equal; ``[p = q]`` is
    shared evenly among the entries where that holds.
    """

    value: str
    local: tuple[str, ...]  # d output / d input, one an input
    sent: tuple[str, ...]  # what goes back to the input, before a broadcast is summed


class Source(NamedTuple):
    """An operation in Python, as `derive` writes it; the places are those of `Formula`."""

    value: str
    sent: tuple[str, ...]


class Op(NamedTuple):
    """One operation.

    ``rules`` has one entry an input: ``rule(d, y, *inputs, **params)`` makes that input's gradient
    of the gradient ``d`` that arrived at the output ``y``; broadcasting is undone afterwards, by
    `unbroadcast`. An input whose rule is None has to be a constant.
    """

    sign: str  # what a figure writes on an unnamed node
    formula: Formula
    forward: Callable
    rules: tuple[Callable | None, ...]
    kind: str = "entrywise"  # or "reduction" or "matrix"
    params: tuple[str, ...] = ()  # the names of the parameters that it takes
    source: Source | None = None


def as_number(name, value):
    """``value`` as a float, if it is a Python number, or a real array. Raises ValueError."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name}: got {array.dtype} data, want real numbers")
    if type(value) in (int, float):
        return float(value)  # takes the other operand's precision: float32 stays float32
    return array.astype(float) if array.dtype.kind in "iu" else array


def unbroadcast(d, shape):
    """Sum ``d`` down to ``shape``: what broadcasting copied forward is summed backward."""
    d = d.sum(axis=tuple(range(d.ndim - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and d.shape[i] != 1)
    return d.sum(axis=stretched, keepdims=True)
