"""Random numbers that the page can draw, too: the same seed gives the same numbers in both.

NumPy's generators have no counterpart in JavaScript. Here number i of a stream is a hash of
(seed, stream, i) in 32-bit arithmetic, which `draws.js` repeats bit for bit. Good enough to start
a small net and to choose its batches; not for statistics, and never for secrets.

Source of the hash: Wellons 2018, "Prospecting for Hash Functions" (the one named lowbias32, in its
later version with multipliers 0x21f0aaad and 0xd35a2d97).
"""

import numpy as np

from ..validate import integer


def uniform(seed, stream, n):
    """n numbers between 0 and 1, neither included.

    seed, stream : integers from 0 to 2**32 - 1; other streams of one seed are other numbers

    Raises ValueError for a seed or stream out of range, and for an n that is no integer >= 0.
    """
    wanted = 0, "an integer from 0 to 2**32 - 1", 2**32 - 1
    seed, stream = integer("seed", seed, *wanted), integer("stream", stream, *wanted)
    n = integer("n", n)
    with np.errstate(over="ignore"):
        start = _hash(np.uint32(seed) ^ _hash(np.array([stream], np.uint32)))
        return (_hash(np.arange(n, dtype=np.uint32) ^ start) + 0.5) / 2**32


def _hash(z):
    z = z + np.uint32(0x9E3779B9)
    z = (z ^ (z >> np.uint32(16))) * np.uint32(0x21F0AAAD)
    z = (z ^ (z >> np.uint32(15))) * np.uint32(0xD35A2D97)
    return z ^ (z >> np.uint32(15))


def normal(seed, stream, n):
    """n numbers of mean 0 and variance 1, normally distributed (Box and Muller 1958)."""
    u, v = uniform(seed, stream, 2 * n).reshape(2, n)
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)


def below(seed, stream, n, bound):
    """n integers from 0 to bound - 1, with repetition."""
    return np.floor(uniform(seed, stream, n) * bound).astype(int)
