"""The same entries in other places."""

import numpy as np

from .op import Formula, Op

OPERATIONS = {
    "transpose": Op(
        "ᵀ",
        Formula("{a}ᵀ", ("the same entries, transposed",), ("{d}ᵀ",)),
        np.transpose,
        (lambda d, y, a: np.transpose(d),),
        "matrix",
    ),
}
