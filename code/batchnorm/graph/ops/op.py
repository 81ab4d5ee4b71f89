"""What an operation is: its sign, its formulas, what it computes, its rules, its source."""

import decimal
import functools
import math
import numbers
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...validate import array as plain_array
from ...validate import number


class UnknownOperation(ValueError):
    """An operation that the graph has no rule for; the message names it."""


class Formula(NamedTuple):
    """How an operation is written. ``{a}``, ``{b}`` are its inputs, ``{y}`` its output, ``{d}`` the
    gradient that arrives there, ``{n}`` how many entries it averages, ``{p}`` its exponent,
    ``{q}`` that less one, ``{c}`` its third input, ``{all}`` all of them, ``{i}`` an index.
    ``[p > q]`` is 1 where that holds, ½ where both are equal; ``[p = q]`` is shared evenly among
    the entries where that holds.
    """

    value: str
    local: tuple[str, ...]  # d output / d input, one an input
    sent: tuple[str, ...]  # what goes back to the input, before a broadcast is summed


class Source(NamedTuple):
    """An operation in Python, as `derive` writes it.

    ``a``, ``b``, ``c`` are its inputs (``a0``, ``a1``, … all of them), ``y`` its output, ``d`` the
    gradient that arrives there; for a reduction ``y`` and ``d`` stand over ``a`` as broadcasting
    puts them, and ``n`` says how many entries it takes together. Lines before the last make a name
    or write into what it holds. Where the text depends on the node, it is a function of the node
    and its inputs' nodes; with ``many`` inputs, the rule of the last gets its slot first.
    """

    value: str | Callable
    sent: tuple[str | Callable | None, ...]


class Op(NamedTuple):
    """One operation.

    ``rules`` has one entry an input: ``rule(d, y, *inputs, **params)`` makes that input's gradient
    of the gradient ``d`` that arrived at the output ``y``; broadcasting is undone afterwards, by
    `unbroadcast`. None where no gradient goes back: a comparison has none. An operation of
    ``many`` inputs may have more of them than rules: all further ones share the last, and each
    rule is given its ``slot``.
    """

    sign: str  # what a figure writes on an unnamed node
    formula: Formula
    forward: Callable
    rules: tuple[Callable | None, ...]
    kind: str = "entrywise"  # or "reduction", "matrix", "places" (the same entries elsewhere)
    params: tuple[str, ...] = ()  # the names of the parameters that it takes
    source: Source | None = None
    many: bool = False

    def rule(self, slot):
        """The rule of the input in that slot."""
        rule = self.rules[min(slot, len(self.rules) - 1)]
        return functools.partial(rule, slot=slot) if rule and self.many else rule


def as_number(name, value):
    """``value`` as a float, if it is a Python number, or a real array of its own.

    Integers become float64, other types are kept. Raises ValueError for anything else: a mask, a
    matrix (of which ``*`` is the product), complex or other data, a number beyond all floats.
    """
    if isinstance(value, np.matrix):
        raise ValueError(f"{name}: got a matrix, want a plain array of real numbers")
    real = isinstance(value, numbers.Real | decimal.Decimal)
    if real and not isinstance(value, bool | np.generic):
        # A Python number takes the other operand's precision: float32 stays float32
        return number(name, value, -math.inf, math.inf, "a number that float64 can hold")
    array = plain_array(name, value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name}: got {array.dtype} data, want real numbers")
    return array.astype(float if array.dtype.kind in "iu" else array.dtype.newbyteorder("="))


def unbroadcast(d, shape):
    """Sum ``d`` down to ``shape``: what broadcasting copied forward is summed backward."""
    if d.shape == shape:
        return d
    d = d.sum(axis=tuple(range(d.ndim - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and d.shape[i] != 1)
    return d.sum(axis=stretched, keepdims=True)
