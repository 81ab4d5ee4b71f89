"""A figure's state as text, as a link to it holds it. In the page: _ext/host/address.js."""

import base64
import re
from decimal import Decimal

import numpy as np

PAST = ("past", "rows")  # kinds that are packed: where something has been, which is only drawn


def number(v):
    """A number as JavaScript's String writes it, without the + of an exponent."""
    text = repr(float(v))
    if v == 0 or 1e-6 <= abs(v) < 1e21:
        text = f"{Decimal(text):f}"
    short = re.sub(r"(\.0)?(e-?)\+?0*(?=\d)", r"\2", text) if "e" in text else text
    return "0" if v == 0 else short.removesuffix(".0")


def packed(values):
    """Numbers to 16 bits of precision, three bytes each, in base64url."""
    bits = np.asarray(values, ">f4").view(">u4").astype(np.uint64) + 128 >> 8
    raw = bits.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
    return base64.urlsafe_b64encode(raw).decode()


def written(kind, value):
    """The text of a trait's value; `kind` as in the trait's tag ``link``: see `Figure`."""
    flat = np.ravel(np.asarray(value, float))
    return packed(flat) if kind in PAST else ",".join(map(number, flat))
