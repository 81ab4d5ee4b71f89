"""Comparisons, which are 1 where they hold and 0 elsewhere, and what chooses by them.

A comparison has no gradient: its value jumps. It is made again whenever the graph runs.
"""

import numpy as np

from .op import Formula, Op, Source


def _comparison(sign, python, function):
    def forward(a, b):
        return np.asarray(function(a, b), np.result_type(a, b))

    formula = Formula(f"{{a}} {sign} {{b}}", ("0", "0"), ("0", "0"))
    source = Source(f"a {python} b", (None, None))
    return Op(sign, formula, forward, (None, None), source=source)


def _where(c, a, b):
    return np.where(np.not_equal(c, 0), a, b)


OPERATIONS = {
    "greater": _comparison(">", ">", np.greater),
    "greater_equal": _comparison("≥", ">=", np.greater_equal),
    "less": _comparison("<", "<", np.less),
    "less_equal": _comparison("≤", "<=", np.less_equal),
    "equal": _comparison("=", "==", np.equal),
    "not_equal": _comparison("≠", "!=", np.not_equal),
    "where": Op(
        "if",
        Formula(
            "{b} if {a}, else {c}",
            ("0", "1 where {a}", "0 where {a}"),
            ("0", "{d} where {a}", "{d} where not {a}"),
        ),
        _where,
        (None, lambda d, y, c, a, b: _where(c, d, 0.0), lambda d, y, c, a, b: _where(c, 0.0, d)),
        source=Source("np.where(a, b, c)", (None, "np.where(a, d, 0)", "np.where(a, 0, d)")),
    ),
}
