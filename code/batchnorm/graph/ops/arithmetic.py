"""Arithmetic on entries, with broadcasting."""

import numpy as np

from .op import Formula, Op, Source


def _power_rule(d, y, a, p):
    # Where p is 0, so is the gradient; p - 1 would ask for 0 * 0 ** -1
    return d * p * a ** np.where(p, p - 1, 0.0)


def _exponent_rule(d, y, a, p):
    # A power of 0 is 0 (or 1) for exponents all around: there the log has no say
    return d * y * np.log(np.where(a == 0, 1.0, a))


def _share(p, q):
    """What p gets of a maximum's gradient: half where both are equal, the mean of both slopes."""
    return np.where(p == q, 0.5, p > q)


def _power_text(node, a, b):
    return "a**b" if b.op != "constant" or b.shape else f"a**{_plain_number(b)!r}"


def _base_sent(node, a, b):
    if b.op != "constant" or b.shape:
        return "b * a ** np.where(b, b - 1, 0.0) * d"
    p = _plain_number(b)
    if p == 0:
        return "0"
    if p == 0.5:
        return "d / (2 * y)"
    return f"{p!r} * a ** {p - 1!r} * d"


def _exponent_sent(node, a, b):
    if a.op == "constant" and not a.shape and a.params["value"] > 0:
        return f"d * y * np.log({_plain_number(a)!r})"
    return "d * y * np.log(np.where(a == 0, 1, a))"


def _plain_number(b):
    p = float(b.params["value"])
    return int(p) if p.is_integer() else p


OPERATIONS = {
    "add": Op(
        "+",
        Formula("{a} + {b}", ("1", "1"), ("{d}", "{d}")),
        np.add,
        (lambda d, y, a, b: d, lambda d, y, a, b: d),
        source=Source("a + b", ("d", "d")),
    ),
    "subtract": Op(
        "−",
        Formula("{a} − {b}", ("1", "−1"), ("{d}", "−{d}")),
        np.subtract,
        (lambda d, y, a, b: d, lambda d, y, a, b: -d),
        source=Source("a - b", ("d", "-d")),
    ),
    "multiply": Op(
        "×",
        Formula("{a}·{b}", ("{b}", "{a}"), ("{d}·{b}", "{d}·{a}")),
        np.multiply,
        (lambda d, y, a, b: d * b, lambda d, y, a, b: d * a),
        source=Source("a * b", ("d * b", "d * a")),
    ),
    "divide": Op(
        "÷",
        Formula("{a}/{b}", ("1/{b}", "−{y}/{b}"), ("{d} / {b}", "−{d}·{y} / {b}")),
        np.divide,
        (lambda d, y, a, b: d / b, lambda d, y, a, b: -d * y / b),
        source=Source("a / b", ("d / b", "-d * y / b")),
    ),
    "power": Op(
        "^",
        Formula(
            "{a}{p}",
            ("{times}{a}{q}", "{y}·log {a}"),
            ("{d}·{times}{a}{q}", "{d}·{y}·log {a}"),
        ),
        np.power,
        (_power_rule, _exponent_rule),
        source=Source(_power_text, (_base_sent, _exponent_sent)),
    ),
    "negative": Op(
        "−",
        Formula("−{a}", ("−1",), ("−{d}",)),
        np.negative,
        (lambda d, y, a: -d,),
        source=Source("-a", ("-d",)),
    ),
    "square": Op(
        "²",
        Formula("{a}²", ("2{a}",), ("{d}·2{a}",)),
        np.square,
        (lambda d, y, a: d * 2 * a,),
        source=Source("a**2", ("2 * a * d",)),
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
        source=Source(
            "np.maximum(a, b)",
            ("d * np.heaviside(a - b, 0.5)", "d * np.heaviside(b - a, 0.5)"),
        ),
    ),
    "minimum": Op(
        "min",
        Formula(
            "min({a}, {b})",
            ("[{b} > {a}]", "[{a} > {b}]"),
            ("{d}·[{b} > {a}]", "{d}·[{a} > {b}]"),
        ),
        np.minimum,
        (lambda d, y, a, b: d * _share(b, a), lambda d, y, a, b: d * _share(a, b)),
        source=Source(
            "np.minimum(a, b)",
            ("d * np.heaviside(b - a, 0.5)", "d * np.heaviside(a - b, 0.5)"),
        ),
    ),
}
