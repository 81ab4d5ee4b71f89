"""The same entries in other places: reshaped, transposed, picked, written, joined.

An index is kept as JSON holds it, so that it counts from the end where the function did: a list of
integers, None (a new axis), "..." and slices as one writes them ("1:", "::2"), lists of integers,
and "#" for each further input, which holds the integers.
"""

from contextlib import contextmanager

import numpy as np

from .op import Formula, Op


def _reshape(a, to):
    try:
        return np.reshape(a, to)
    except ValueError:
        raise ValueError(
            f"reshape: got shape {np.shape(a)}, the traced function makes {to} of it; "
            "trace it anew for arrays of another size"
        ) from None


def _broadcast(a, to):
    try:
        return np.broadcast_to(a, to)
    except ValueError:
        raise ValueError(
            f"broadcast_to: got shape {np.shape(a)}, the traced function makes {to} of it; "
            "trace it anew for arrays of another size"
        ) from None


def _transpose_rule(d, y, a, axes):
    return np.transpose(d, None if axes is None else np.argsort(axes))


def key_of(index, arrays=()):
    """An index as NumPy takes it. ``arrays`` are what "#" stands for."""
    given = iter(arrays)

    def item(part):
        if part == "#":
            return np.asarray(next(given)).astype(int)
        if part == "...":
            return ...
        if isinstance(part, str):
            return slice(*(int(n) if n else None for n in part.split(":")))
        return np.array(part, int) if isinstance(part, list | tuple) else part

    return tuple(item(part) for part in index)


def _get(a, *arrays, index):
    with _in_range(a):
        return np.asarray(a)[key_of(index, arrays)]


@contextmanager
def _in_range(a):
    try:
        yield
    except IndexError as error:
        raise ValueError(f"index: {error}, of an array of shape {np.shape(a)}") from None


def _get_rule(d, y, a, *arrays, slot, index):
    made = np.zeros(np.shape(a), np.asarray(d).dtype)
    np.add.at(made, key_of(index, arrays), d)
    return made


def _set(a, v, *arrays, index):
    y = np.array(a)
    with _in_range(a):
        y[key_of(index, arrays)] = v
    return y


def _under_rule(d, y, a, v, *arrays, slot, index):
    return _set(d, 0.0, *arrays, index=index)


def _written_rule(d, y, a, v, *arrays, slot, index):
    # What was written gets the gradient of where it stands; a later writer took its place
    key, last = key_of(index, arrays), np.zeros(np.shape(d), int)
    writers = np.arange(last[key].size).reshape(last[key].shape)
    last[key] = writers
    return d[key] * (last[key] == writers)


def _join(*arrays, axis):
    return np.concatenate(arrays, axis=axis)


def _join_rule(d, y, *arrays, slot, axis):
    start = sum(np.shape(a)[axis] for a in arrays[:slot])
    return np.take(d, range(start, start + np.shape(arrays[slot])[axis]), axis)


OPERATIONS = {
    "transpose": Op(
        "ᵀ",
        Formula("{a}ᵀ", ("the same entries, transposed",), ("{d}ᵀ",)),
        np.transpose,
        (_transpose_rule,),
        "places",
        ("axes",),
    ),
    "reshape": Op(
        "▭",
        Formula("{a} reshaped", ("the same entries, reshaped",), ("{d} reshaped",)),
        _reshape,
        (lambda d, y, a, to: np.reshape(d, np.shape(a)),),
        "places",
        ("to",),
    ),
    "broadcast_to": Op(
        "▦",
        Formula("{a}, copied", ("1",), ("{d}",)),
        _broadcast,
        (lambda d, y, a, to: d,),
        params=("to",),
    ),
    "getitem": Op(
        "[ ]",
        Formula("{a}[{i}]", ("1 at [{i}]", "0"), ("{d} at [{i}], else 0", "0")),
        _get,
        (_get_rule, None),
        "places",
        ("index",),
        many=True,
    ),
    "setitem": Op(
        "[ ]=",
        Formula(
            "{a} with [{i}] = {b}",
            ("0 at [{i}], else 1", "1 at [{i}]", "0"),
            ("{d} but 0 at [{i}]", "{d}[{i}]", "0"),
        ),
        _set,
        (_under_rule, _written_rule, None),
        "places",
        ("index",),
        many=True,
    ),
    "concatenate": Op(
        "join",
        Formula("join({all})", ("the same entries",), ("its part of {d}",)),
        _join,
        (_join_rule,),
        "places",
        ("axis",),
        many=True,
    ),
}
