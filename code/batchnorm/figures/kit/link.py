"""A figure's state as text, as links hold it. In the page: _ext/host/address.js and past.js."""

import re
from decimal import Decimal

import numpy as np

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"  # of base64url
ALONE, ROOM, WORD = 24, 6400, 12  # bits: see past.js


def number(v):
    """A number as JavaScript's String writes it, without the + of an exponent."""
    text = repr(float(v))
    if v == 0 or 1e-6 <= abs(v) < 1e21:
        text = f"{Decimal(text):f}"
    short = re.sub(r"(\.0)?(e-?)\+?0*(?=\d)", r"\2", text) if "e" in text else text
    return "0" if v == 0 else short.removesuffix(".0")


def _bits(wholes, size):
    return "".join(f"{whole:0{size}b}" for whole in np.ravel(wholes).tolist())


def _digits(bits):
    return re.sub(".{1,6}", lambda six: DIGITS[int(six[0].ljust(6, "0"), 2)], bits)


def _rounded(values):
    """Numbers to five digits, as whole numbers of 24 bits."""
    floats = (np.asarray(values, "f4") + 0).astype(">f4")  # -0 is 0
    return floats.view(">u4").astype(np.uint64) + 128 >> 8


def packed(values):
    """Numbers to five digits, four characters each."""
    return _digits(_bits(_rounded(values), ALONE))


def packed_rows(values, n):
    """Rows of n numbers: each column's ends, and where between them each number lies."""
    rows = np.reshape(values, (-1, n))
    if not rows.size:
        return ""
    size = min(WORD, ROOM // rows.size)
    ends = np.stack([rows.min(0), rows.max(0)], axis=1)
    apart = np.diff(_rounded(ends).astype(np.int64), axis=1)[:, 0] != 0
    width = np.where(apart, ends[:, 1] - ends[:, 0], np.inf)
    at = np.floor((rows - ends[:, 0]) / width * (2**size - 1) + 0.5).astype(int)
    head = _bits(len(rows), WORD) + _bits(_rounded(ends), ALONE)
    return _digits(head + _bits(at, size))


def written(kind, value):
    """The text of a trait's value; `kind` as in the trait's tag ``link``: see `Figure`."""
    flat = np.ravel(np.asarray(value, float))
    if kind[0] == "past":
        return packed(flat)
    if kind[0] == "rows":
        return packed_rows(flat, kind[1])
    return ",".join(map(number, flat))
