"""The operations of a graph: each one's sign, its formulas, what it computes, and its rules.

An operation is one entry of `OPS` here and one of ``OPS`` in ``ops.js``, which computes the same
in the page; those on symmetric matrices stand in ``linalg.py`` and ``linalg.js``.
"""

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
    kind: str = "entrywise"  # or "reduction", which takes axis and keepdims, or "matrix"

    @property
    def params(self):
        """The names of the parameters that it takes."""
        return ("axis", "keepdims") if self.kind == "reduction" else ()


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


def _power_rule(d, y, a, p):
    # Where p is 0, so is the gradient; p - 1 would ask for 0 * 0 ** -1
    return d * p * a ** np.where(p, p - 1, 0.0)


def _share(p, q):
    """What p gets of a maximum's gradient: half where both are equal, the mean of both slopes."""
    return np.where(p == q, 0.5, p > q)


def _spread(d, a, axis, keepdims):
    """Undo a sum: give every entry of ``a`` the gradient of the sum it went into."""
    if axis is not None and not keepdims:
        d = np.expand_dims(d, axis)
    return np.broadcast_to(d, np.shape(a))


def _mean_rule(d, y, a, **params):
    return _spread(d, a, **params) / (np.size(a) / max(np.size(y), 1))


def _max_rule(d, y, a, axis, keepdims):
    # Those that tie for the largest share evenly: the mean of the slopes each alone would have
    largest = a == _spread(y, a, axis, keepdims)
    return _spread(d, a, axis, keepdims) * largest / largest.sum(axis=axis, keepdims=True)


def _matmul_left_rule(d, y, a, b):
    D, _, B = _as_matrices(d, a, b)
    return (D @ B.T).reshape(a.shape)


def _matmul_right_rule(d, y, a, b):
    D, A, _ = _as_matrices(d, a, b)
    return (A.T @ D).reshape(b.shape)


def _as_matrices(d, a, b):
    """A product's gradient and operands; a vector on the left is a row, on the right a column."""
    A, B = np.atleast_2d(a), b if b.ndim == 2 else b[:, None]
    return d.reshape(len(A), B.shape[1]), A, B


OPS = {
    "add": Op(
        "+",
        Formula("{a} + {b}", ("1", "1"), ("{d}", "{d}")),
        np.add,
        (lambda d, y, a, b: d, lambda d, y, a, b: d),
    ),
    "subtract": Op(
        "−",
        Formula("{a} − {b}", ("1", "−1"), ("{d}", "−{d}")),
        np.subtract,
        (lambda d, y, a, b: d, lambda d, y, a, b: -d),
    ),
    "multiply": Op(
        "×",
        Formula("{a}·{b}", ("{b}", "{a}"), ("{d}·{b}", "{d}·{a}")),
        np.multiply,
        (lambda d, y, a, b: d * b, lambda d, y, a, b: d * a),
    ),
    "divide": Op(
        "÷",
        Formula("{a}/{b}", ("1/{b}", "−{y}/{b}"), ("{d} / {b}", "−{d}·{y} / {b}")),
        np.divide,
        (lambda d, y, a, b: d / b, lambda d, y, a, b: -d * y / b),
    ),
    "power": Op(
        "^",
        Formula("{a}{p}", ("{times}{a}{q}", ""), ("{d}·{times}{a}{q}", "")),
        np.power,
        (_power_rule, None),
    ),
    "negative": Op("−", Formula("−{a}", ("−1",), ("−{d}",)), np.negative, (lambda d, y, a: -d,)),
    "square": Op(
        "²", Formula("{a}²", ("2{a}",), ("{d}·2{a}",)), np.square, (lambda d, y, a: d * 2 * a,)
    ),
    "sqrt": Op(
        "√",
        Formula("√{a}", ("1/(2{y})",), ("{d} / (2{y})",)),
        np.sqrt,
        (lambda d, y, a: d / (2 * y),),
    ),
    "exp": Op("exp", Formula("exp {a}", ("{y}",), ("{d}·{y}",)), np.exp, (lambda d, y, a: d * y,)),
    "log": Op(
        "log", Formula("log {a}", ("1/{a}",), ("{d} / {a}",)), np.log, (lambda d, y, a: d / a,)
    ),
    "tanh": Op(
        "tanh",
        Formula("tanh {a}", ("1 − {y}²",), ("{d}·(1 − {y}²)",)),
        np.tanh,
        (lambda d, y, a: d * (1 - y * y),),
    ),
    "maximum": Op(
        "max",
        Formula(
            "max({a}, {b})",
            ("[{a} > {b}]", "[{b} > {a}]"),
            ("{d}·[{a} > {b}]", "{d}·[{b} > {a}]"),
        ),
        np.maximum,
        (lambda d, y, a, b: d * _share(a, b), lambda d, y, a, b: d * _share(b, a)),
    ),
    "sum": Op(
        "Σ",
        Formula("Σ {a}", ("1",), ("{d}",)),
        np.sum,
        (lambda d, y, a, **params: _spread(d, a, **params),),
        "reduction",
    ),
    "mean": Op(
        "mean", Formula("mean {a}", ("1/{n}",), ("{d} / {n}",)), np.mean, (_mean_rule,), "reduction"
    ),
    "max": Op(
        "max",
        Formula("max {a}", ("[{a} = {y}]",), ("{d}·[{a} = {y}]",)),
        np.max,
        (_max_rule,),
        "reduction",
    ),
    "matmul": Op(
        "@",
        Formula(
            "{a} @ {b}",
            ("{b}ᵀ on its right", "{a}ᵀ on its left"),
            ("{d} @ {b}ᵀ", "{a}ᵀ @ {d}"),
        ),
        np.matmul,
        (_matmul_left_rule, _matmul_right_rule),
        "matrix",
    ),
    "transpose": Op(
        "ᵀ",
        Formula("{a}ᵀ", ("the same entries, transposed",), ("{d}ᵀ",)),
        np.transpose,
        (lambda d, y, a: np.transpose(d),),
        "matrix",
    ),
}
"""Name -> operation. `linalg` adds its own."""
