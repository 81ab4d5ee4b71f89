"""Four ways to compute a variance, entry by entry in the precision of the data.

In exact arithmetic they give the same number; in float32 they may give four. They are written as
loops, since the order of the operations is the subject. The layer itself works as `two_pass` does,
a block at a time, and subtracts what the rounding of the mean has added.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .validate import array, integer


def one_pass(x):
    """``mean(x²) - mean(x)²`` from two running sums. Cancels where the mean is large.

    x : (m,) float array; returns a number of its precision, which can be wrong by any amount and
    even negative. Raises ValueError for an array that is not one feature of floats, or is masked.
    """
    x, m = _feature(x)
    total = squares = x.dtype.type(0)
    for v in x:
        total = total + v
        squares = squares + v * v
    mean = total / m
    return squares / m - mean * mean


def two_pass(x):
    """``mean((x - mean(x))²)``: the mean first, then the squares. As `one_pass` otherwise."""
    x, m = _feature(x)
    total = squares = x.dtype.type(0)
    for v in x:
        total = total + v
    mean = total / m
    for v in x:
        squares = squares + (v - mean) * (v - mean)
    return squares / m


class Moments(NamedTuple):
    """What can be merged: the count, the mean, and ``m2 = Σ (x - mean)²``; var = m2 / count."""

    count: np.floating  # type: ignore[assignment]  # a tuple has a method of this name
    mean: np.floating
    m2: np.floating


def welford(x):
    """The `Moments` of x in one pass, each sample correcting the mean so far.

    With d = x_k - mean: ``mean += d / k``, ``m2 += d * (x_k - mean)``, that
    with the new mean.

    Source: Welford 1962, "Note on a method for calculating corrected sums of squares and products".
    """
    x, _ = _feature(x)
    count = mean = m2 = x.dtype.type(0)
    for v in x:
        count = count + x.dtype.type(1)
        d = v - mean
        mean = mean + d / count
        m2 = m2 + d * (v - mean)
    return Moments(count, mean, m2)


def merge(a, b):
    """The `Moments` of two batches together, from the moments of each: what workers exchange.

    With d = b.mean - a.mean and n = a.count + b.count: ``mean = a.mean + d * b.count / n``,
    ``m2 = a.m2 + b.m2 + d² * a.count * b.count / n``.

    Source: Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for computing
    sample variances".
    """
    n = a.count + b.count
    d = b.mean - a.mean
    mean = a.mean + d * (b.count / n)
    m2 = a.m2 + b.m2 + d * d * (a.count * b.count / n)
    return Moments(n, mean, m2)


def merged(x, parts=4):
    """The variance of x, its batch split over ``parts`` workers, each with `welford`, then merged.

    Raises ValueError unless parts is an integer from 1 to the number of samples.
    """
    x, _ = _feature(x)
    parts = integer("parts", parts, 1, f"an integer from 1 to {len(x)}", len(x))
    ends = [len(x) * k // parts for k in range(parts + 1)]
    total, *rest = [welford(x[a:b]) for a, b in pairwise(ends)]
    for moments in rest:
        total = merge(total, moments)
    return total.m2 / total.count


def by_welford(x):
    """The variance of x by `welford`."""
    moments = welford(x)
    return moments.m2 / moments.count


def _feature(x):
    x = array("x", x)
    if x.ndim != 1 or x.size == 0 or x.dtype.kind != "f":
        raise ValueError(f"x: got {x.dtype} data of shape {x.shape}, want (m,) floats, m >= 1")
    return x, x.dtype.type(x.size)
