"""Functions of one entry."""

import numpy as np

from .op import Formula, Op, Source

OPERATIONS = {
    "sqrt": Op(
        "√",
        Formula("√{a}", ("1/(2{y})",), ("{d} / (2{y})",)),
        np.sqrt,
        (lambda d, y, a: d / (2 * y),),
        source=Source("np.sqrt(a)", ("d / (2 * y)",)),
    ),
    "exp": Op(
        "exp",
        Formula("exp {a}", ("{y}",), ("{d}·{y}",)),
        np.exp,
        (lambda d, y, a: d * y,),
        source=Source("np.exp(a)", ("d * y",)),
    ),
    "log": Op(
        "log",
        Formula("log {a}", ("1/{a}",), ("{d} / {a}",)),
        np.log,
        (lambda d, y, a: d / a,),
        source=Source("np.log(a)", ("d / a",)),
    ),
    "tanh": Op(
        "tanh",
        Formula("tanh {a}", ("1 − {y}²",), ("{d}·(1 − {y}²)",)),
        np.tanh,
        (lambda d, y, a: d * (1 - y * y),),
        source=Source("np.tanh(a)", ("d * (1 - y**2)",)),
    ),
    "absolute": Op(
        "| |",
        Formula("|{a}|", ("sign {a}",), ("{d}·sign {a}",)),
        np.absolute,
        (lambda d, y, a: d * np.sign(a),),  # at 0 the mean of both slopes: 0
        source=Source("np.abs(a)", ("d * np.sign(a)",)),
    ),
    "sin": Op(
        "sin",
        Formula("sin {a}", ("cos {a}",), ("{d}·cos {a}",)),
        np.sin,
        (lambda d, y, a: d * np.cos(a),),
        source=Source("np.sin(a)", ("d * np.cos(a)",)),
    ),
    "cos": Op(
        "cos",
        Formula("cos {a}", ("−sin {a}",), ("−{d}·sin {a}",)),
        np.cos,
        (lambda d, y, a: -d * np.sin(a),),
        source=Source("np.cos(a)", ("-d * np.sin(a)",)),
    ),
    "log1p": Op(
        "log(1+ )",
        Formula("log(1 + {a})", ("1/(1 + {a})",), ("{d} / (1 + {a})",)),
        np.log1p,
        (lambda d, y, a: d / (1 + a),),
        source=Source("np.log1p(a)", ("d / (1 + a)",)),
    ),
    "expm1": Op(
        "exp −1",
        Formula("exp {a} − 1", ("exp {a}",), ("{d}·exp {a}",)),
        np.expm1,
        (lambda d, y, a: d * np.exp(a),),
        source=Source("np.expm1(a)", ("d * np.exp(a)",)),
    ),
}
