"""Functions of one entry."""

import numpy as np

from .op import Formula, Op

OPERATIONS = {
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
}
