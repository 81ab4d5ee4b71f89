"""The same entries in other places: reshaped, transposed, picked, written, joined.

An index is kept as JSON holds it, so that it counts from the end where the function did: a list of
integers, None (a new axis), "..." and slices as one writes them ("1:", "::2"), lists of integers,
and "#" for each further input, which holds the integers.
"""

from contextlib import contextmanager

import numpy as np

from .op import Formula, Op, Source


def _reshape(a, to):
    try:
        return np.reshape(a, to)
    except ValueError:
        raise ValueError(
            f"reshape: got shape {np.shape(a)}, the traced function makes {to} of it; "
            "trace it again for arrays of another size"
        ) from None


def _broadcast(a, to):
    try:
        return np.broadcast_to(a, to)
    except ValueError:
        raise ValueError(
            f"broadcast_to: got shape {np.shape(a)}, the traced function makes {to} of it; "
            "trace it again for arrays of another size"
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
    # What was written gets the gradient of its place; a later writer took its place
    key, last = key_of(index, arrays), np.zeros(np.shape(d), int)
    writers = np.arange(last[key].size).reshape(last[key].shape)
    last[key] = writers
    return d[key] * (last[key] == writers)


def _join(*arrays, axis):
    return np.concatenate(arrays, axis=axis)


def _join_rule(d, y, *arrays, slot, axis):
    start = sum(np.shape(a)[axis] for a in arrays[:slot])
    return np.take(d, range(start, start + np.shape(arrays[slot])[axis]), axis)


def _listed(numbers):
    return ", ".join(map(str, numbers))


def _is_flip(axes, ndim):
    return axes is None or [*axes] == [*range(ndim)][::-1]


def _transpose_text(node, a):
    axes = node.params["axes"]
    if not a.shape:
        return "a"
    return "a.T" if _is_flip(axes, len(a.shape)) else f"a.transpose({_listed(axes)})"


def _transpose_sent(node, a):
    axes = node.params["axes"]
    if not a.shape or _is_flip(axes, len(a.shape)):
        return "d.T" if a.shape else "d"
    back = sorted(range(len(axes)), key=lambda k: axes[k] % len(axes))
    return f"d.transpose({_listed(back)})"


def _reshape_text(node, a):
    to = node.params["to"]
    to = [to] if isinstance(to, int) else to
    if not a.shape:
        return f"np.reshape(a, {tuple(to)})"
    return f"a.reshape({_listed(to) if len(to) else '()'})"


def _reshape_sent(node, a):
    if not node.shape:
        return "np.reshape(d, a.shape)" if a.shape else "d"
    return "d.reshape(a.shape)" if a.shape else "d.reshape(())"


def _index_text(node, first):
    """An index as one writes it; the arrays in it are the inputs from ``first`` on."""
    parts, k = [], first
    for part in node.params["index"]:
        if part == "#":
            parts.append(f"a{k}.astype(int)")
            k += 1
        elif isinstance(part, list | tuple):
            parts.append(str([*part]))
        else:
            parts.append(str(part))
    return ", ".join(parts) or "..."


def views_only(index):
    """Whether an index takes everything, in axes of its own."""
    return all(part in (None, ":", "...") for part in index)


def _picks(index):
    """Whether an index holds arrays, which may name one place twice."""
    return any(part == "#" or isinstance(part, list | tuple) for part in index)


def _get_text(node, a, *arrays):
    return f"a[{_index_text(node, 1)}]" if a.shape else f"np.asarray(a)[{_index_text(node, 1)}]"


def _get_sent(node, a, *arrays):
    index = node.params["index"]
    if not a.shape:
        return "d.sum()"
    if views_only(index):
        return "d.reshape(a.shape)"
    made = "picked = np.zeros(a.shape, d.dtype)"
    if _picks(index):
        return f"{made}\nnp.add.at(picked, {_index_text(node, 1)}, d)\npicked"
    return f"{made}\npicked[{_index_text(node, 1)}] = d\npicked"


def _set_text(node, a, b, *arrays):
    made = "written = a.copy()" if a.shape else "written = np.array(a)"
    return f"{made}\nwritten[{_index_text(node, 2)}] = b\nwritten"


def _under_sent(node, a, b, *arrays):
    return f"under = d.copy()\nunder[{_index_text(node, 2)}] = 0\nunder"


def _written_sent(node, a, b, *arrays):
    index = _index_text(node, 2)
    if not _picks(node.params["index"]):
        return f"d[{index}]"
    # Only what was written last is there
    return (
        f"order = np.arange(d[{index}].size).reshape(d[{index}].shape)\n"
        "last = np.zeros(d.shape, int)\n"
        f"last[{index}] = order\n"
        f"d[{index}] * (last[{index}] == order)"
    )


def _join_text(node, *parts):
    names = ", ".join(f"a{k}" for k in range(len(parts)))
    names += "," if len(parts) == 1 else ""
    axis = node.params["axis"]
    return f"np.concatenate(({names}), axis={axis})" if axis else f"np.concatenate(({names}))"


def _join_sent(slot, node, *parts):
    axis = node.params["axis"] % len(node.shape)

    def length(count):
        """How long the first parts are together; a part of length 1 is one that was made so."""
        ones = sum(part.shape[axis] == 1 for part in parts[:count])
        shapes = [f"a{k}.shape[{axis}]" for k in range(count) if parts[k].shape[axis] != 1]
        return " + ".join([*shapes, *[str(ones)] * (ones > 0)])

    start, stop = length(slot), length(slot + 1) if slot < len(parts) - 1 else ""
    return f"d[{':, ' * axis}{start}:{stop}]"


OPERATIONS = {
    "transpose": Op(
        "ᵀ",
        Formula("{a}ᵀ", ("the same entries, transposed",), ("{d}ᵀ",)),
        np.transpose,
        (_transpose_rule,),
        "places",
        ("axes",),
        source=Source(_transpose_text, (_transpose_sent,)),
    ),
    "reshape": Op(
        "▭",
        Formula("{a} reshaped", ("the same entries, reshaped",), ("{d} reshaped",)),
        _reshape,
        (lambda d, y, a, to: np.reshape(d, np.shape(a)),),
        "places",
        ("to",),
        source=Source(_reshape_text, (_reshape_sent,)),
    ),
    "broadcast_to": Op(
        "▦",
        Formula("{a}, copied", ("1",), ("{d}",)),
        _broadcast,
        (lambda d, y, a, to: d,),
        params=("to",),
        source=Source(lambda node, a: f"np.broadcast_to(a, {tuple(node.shape)})", ("d",)),
    ),
    "getitem": Op(
        "[ ]",
        Formula("{a}[{i}]", ("1 at [{i}]", "0"), ("{d} at [{i}], else 0", "0")),
        _get,
        (_get_rule, None),
        "places",
        ("index",),
        many=True,
        source=Source(_get_text, (_get_sent, None)),
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
        source=Source(_set_text, (_under_sent, _written_sent, None)),
    ),
    "concatenate": Op(
        "join",
        Formula("join({all})", ("the same entries",), ("its part of {d}",)),
        _join,
        (_join_rule,),
        "places",
        ("axis",),
        many=True,
        source=Source(_join_text, (_join_sent,)),
    ),
}
