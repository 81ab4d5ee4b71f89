"""Each operation as Python's text: what it computes, and what it sends back to each input.

``a``, ``b`` are the inputs, ``y`` the output, ``d`` the gradient that arrives there; for a
reduction ``y`` and ``d`` stand over ``a`` as broadcasting puts them, and ``n`` says how many
entries it takes together. Where the text depends on the node, it is a function of the node and its
inputs' nodes.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..ops import OPS


class Source(NamedTuple):
    value: str | Callable
    sent: tuple[str | Callable | None, ...]


def _reduction(name):
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


def _power(node, a, b):
    return "a**b" if b.op != "constant" or b.shape else f"a**{_plain(b)!r}"


def _power_sent(node, a, b):
    if b.shape or b.op != "constant":
        return "b * a ** np.where(b, b - 1, 0.0) * d"
    p = _plain(b)
    if p == 0:
        return "0"
    if p == 0.5:
        return "d / (2 * y)"
    return f"{p!r} * a ** {p - 1!r} * d"


def _exponent_sent(node, a, b):
    if a.op == "constant" and np.all(a.params["value"]):
        return "d * y * np.log(a)"
    return "d * y * np.log(np.where(a == 0, 1.0, a))"


def _plain(b):
    p = float(b.params["value"])
    return int(p) if p.is_integer() else p


def _max_sent(node, a):
    axis, ndim = node.params["axis"], len(a.shape)
    if axis == () or not ndim:
        return "d"
    given = "" if axis is None or len(axis) == ndim else f"axis={_axis(axis)}, "
    return f"d * (a == y) / (a == y).sum({given}keepdims=True, dtype=a.dtype)"


def _axis(axis):
    return axis[0] if len(axis) == 1 else tuple(axis)


def _flat(*nodes):
    if any(len(node.shape) > 2 for node in nodes):
        raise ValueError("derive: a product of stacks cannot be written in lines of NumPy yet")


def _matmul_left(node, a, b):
    _flat(a, b)
    if len(b.shape) == 1:
        return "np.outer(d, b)" if len(a.shape) == 2 else "d * b"
    return "d @ b.T" if len(a.shape) == 2 else "b @ d"


def _matmul_right(node, a, b):
    _flat(a, b)
    if len(a.shape) == 1:
        return "np.outer(a, d)" if len(b.shape) == 2 else "d * a"
    return "a.T @ d"


def _transpose(node, a):
    axes = node.params["axes"]
    return "a.T" if axes is None else f"np.transpose(a, {tuple(axes)})"


def _transpose_sent(node, a):
    axes = node.params["axes"]
    return "d.T" if axes is None else f"np.transpose(d, {tuple(np.argsort(axes).tolist())})"


SOURCES = {
    "add": Source("a + b", ("d", "d")),
    "subtract": Source("a - b", ("d", "-d")),
    "multiply": Source("a * b", ("d * b", "d * a")),
    "divide": Source("a / b", ("d / b", "-d * y / b")),
    "power": Source(_power, (_power_sent, _exponent_sent)),
    "negative": Source("-a", ("-d",)),
    "square": Source("a**2", ("2 * a * d",)),
    "sqrt": Source("np.sqrt(a)", ("d / (2 * y)",)),
    "exp": Source("np.exp(a)", ("d * y",)),
    "log": Source("np.log(a)", ("d / a",)),
    "tanh": Source("np.tanh(a)", ("d * (1 - y**2)",)),
    "maximum": Source(
        "np.maximum(a, b)",
        ("d * np.heaviside(a - b, 0.5)", "d * np.heaviside(b - a, 0.5)"),
    ),
    "sum": Source(_reduction("sum"), ("d",)),
    "mean": Source(_reduction("mean"), ("d / n",)),
    "max": Source(_reduction("max"), (_max_sent,)),
    "matmul": Source("a @ b", (_matmul_left, _matmul_right)),
    "transpose": Source(_transpose, (_transpose_sent,)),
    "cholesky": Source(
        "np.linalg.cholesky(a)",
        (
            "phi = np.tril(y.T @ d) - np.diag(np.diag(y.T @ d)) / 2\n"
            "one_side = np.linalg.solve(y.T, phi)\n"
            "both = np.linalg.solve(y.T, one_side.T)\n"
            "(both + both.T) / 2",
        ),
    ),
    "solve": Source(
        "np.linalg.solve(a, b)",
        (
            lambda node, a, b: (
                "-np.outer(np.linalg.solve(a.T, d), y)"
                if len(node.shape) == 1
                else "-np.linalg.solve(a.T, d) @ y.T"
            ),
            "np.linalg.solve(a.T, d)",
        ),
    ),
    "inverse_sqrt": Source(
        "np.linalg.eigh(a)[1] / np.sqrt(np.linalg.eigh(a)[0]) @ np.linalg.eigh(a)[1].T",
        (
            "U = np.linalg.eigh(a)[1]\n"
            "root = np.sqrt(np.linalg.eigh(a)[0])\n"
            "pairs = root[:, None] * root * (root[:, None] + root)\n"
            "-U @ (U.T @ ((d + d.T) / 2) @ U / pairs) @ U.T",
        ),
    ),
    "eigenvalues": Source(
        "np.linalg.eigvalsh(a)[::-1]", ("U = np.linalg.eigh(a)[1][:, ::-1]\nU * d @ U.T",)
    ),
}


def source_of(op):
    """The source of an operation. Raises ValueError if it has none."""
    source = OPS[op].source or SOURCES.get(op)
    if source is None:
        raise ValueError(f"derive: {op.replace('_', ' ')} cannot be written in lines of NumPy")
    return source
