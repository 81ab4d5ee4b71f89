"""Each operation as Python's text: what it computes, and what it sends back to each input.

``a``, ``b`` are the inputs, ``y`` the output, ``d`` the gradient that arrives there; for a
reduction ``y`` and ``d`` stand over ``a`` as broadcasting puts them, and ``n`` says how many
entries it takes together. Where the text depends on the node, it is a function of the node and its
inputs' nodes.
"""

from collections.abc import Callable
from typing import NamedTuple

from ..ops import OPS


class Source(NamedTuple):
    value: str | Callable
    sent: tuple[str | Callable | None, ...]


def _reduction(name):
    def text(node, a):
        given = []
        axis = node.params["axis"]
        if axis is not None and (len(axis) < len(a.shape) or not axis):
            given.append(f"axis={_axis(axis)}")
        if node.params["keepdims"] and a.shape:
            given.append("keepdims=True")
        if not a.shape:
            return f"np.{name}(a)"
        return f"a.{name}({', '.join(given)})"

    return text


def _power(node, a, b):
    return "a**b" if b.op != "constant" or b.shape else f"a**{_plain(b)!r}"


def _base_sent(node, a, b):
    if b.op != "constant" or b.shape:
        return "b * a ** np.where(b, b - 1, 0.0) * d"
    p = _plain(b)
    if p == 0:
        return "0"
    if p == 0.5:
        return "d / (2 * y)"
    return f"{p!r} * a ** {p - 1!r} * d"


def _exponent_sent(node, a, b):
    if a.op == "constant" and not a.shape and a.params["value"] > 0:
        return f"d * y * np.log({_plain(a)!r})"
    return "d * y * np.log(np.where(a == 0, 1, a))"


def _plain(b):
    p = float(b.params["value"])
    return int(p) if p.is_integer() else p


def _extreme_sent(node, a):
    axis, ndim = node.params["axis"], len(a.shape)
    if axis == () or not ndim:
        return "d"
    given = "" if axis is None or len(axis) == ndim else f"axis={_axis(axis)}, "
    return f"d * (a == y) / (a == y).sum({given}keepdims=True, dtype=a.dtype)"


def _axis(axis):
    return axis[0] if len(axis) == 1 else tuple(axis)


def _left_sent(node, a, b):
    if len(b.shape) == 1:
        if len(a.shape) == 1:
            return "d * b"
        return "np.outer(d, b)" if len(a.shape) == 2 else "d[..., None] * b"
    if len(a.shape) == 1:
        if len(b.shape) == 2:
            return "b @ d"
        return "(d[..., None, :] @ np.swapaxes(b, -1, -2))[..., 0, :]"
    return "d @ b.T" if len(b.shape) == 2 else "d @ np.swapaxes(b, -1, -2)"


def _right_sent(node, a, b):
    if len(a.shape) == 1:
        if len(b.shape) == 1:
            return "d * a"
        return "np.outer(a, d)" if len(b.shape) == 2 else "a[:, None] * d[..., None, :]"
    if len(b.shape) == 1:
        if len(a.shape) == 2:
            return "a.T @ d"
        return "(np.swapaxes(a, -1, -2) @ d[..., None])[..., 0]"
    return "a.T @ d" if len(a.shape) == 2 else "np.swapaxes(a, -1, -2) @ d"


def _listed(numbers):
    return ", ".join(map(str, numbers))


def _is_flip(axes, ndim):
    return axes is None or [*axes] == [*range(ndim)][::-1]


def _transpose(node, a):
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


def _reshape(node, a):
    to = node.params["to"]
    to = [to] if isinstance(to, int) else to
    if not a.shape:
        return f"np.reshape(a, {tuple(to)})"
    return f"a.reshape({_listed(to) if len(to) else '()'})"


def _reshape_sent(node, a):
    if not node.shape:
        return "np.reshape(d, a.shape)" if a.shape else "d"
    return "d.reshape(a.shape)" if a.shape else "d.reshape(())"


def _index(node, first):
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


def _only_views(index):
    return all(part in (None, ":", "...") for part in index)


def _picks(index):
    """Whether an index holds arrays, which may name one place twice."""
    return any(part == "#" or isinstance(part, list | tuple) for part in index)


def _get(node, a, *arrays):
    return f"a[{_index(node, 1)}]" if a.shape else f"np.asarray(a)[{_index(node, 1)}]"


def _get_sent(node, a, *arrays):
    index = node.params["index"]
    if not a.shape:
        return "d.sum()"
    if _only_views(index):
        return "d.reshape(a.shape)"
    made = "picked = np.zeros(a.shape, d.dtype)"
    if _picks(index):
        return f"{made}\nnp.add.at(picked, {_index(node, 1)}, d)\npicked"
    return f"{made}\npicked[{_index(node, 1)}] = d\npicked"


def _set(node, a, b, *arrays):
    made = "written = a.copy()" if a.shape else "written = np.array(a)"
    return f"{made}\nwritten[{_index(node, 2)}] = b\nwritten"


def _under_sent(node, a, b, *arrays):
    return f"under = d.copy()\nunder[{_index(node, 2)}] = 0\nunder"


def _written_sent(node, a, b, *arrays):
    index = _index(node, 2)
    if not _picks(node.params["index"]):
        return f"d[{index}]"
    # Only what was written last is there
    return (
        f"order = np.arange(d[{index}].size).reshape(d[{index}].shape)\n"
        "last = np.zeros(d.shape, int)\n"
        f"last[{index}] = order\n"
        f"d[{index}] * (last[{index}] == order)"
    )


def _join(node, *parts):
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


def _comparison(sign):
    def text(node, a, b):
        return f"a {sign} b"

    return Source(text, (None, None))


SOURCES = {
    "add": Source("a + b", ("d", "d")),
    "subtract": Source("a - b", ("d", "-d")),
    "multiply": Source("a * b", ("d * b", "d * a")),
    "divide": Source("a / b", ("d / b", "-d * y / b")),
    "power": Source(_power, (_base_sent, _exponent_sent)),
    "negative": Source("-a", ("-d",)),
    "square": Source("a**2", ("2 * a * d",)),
    "sqrt": Source("np.sqrt(a)", ("d / (2 * y)",)),
    "exp": Source("np.exp(a)", ("d * y",)),
    "log": Source("np.log(a)", ("d / a",)),
    "tanh": Source("np.tanh(a)", ("d * (1 - y**2)",)),
    "maximum": Source(
        "np.maximum(a, b)",
        ("d * np.heaviside(a - b, 0.5)", "d * np.heaviside(b - a, 0.5)"),
    ),
    "sum": Source(_reduction("sum"), ("d",)),
    "mean": Source(_reduction("mean"), ("d / n",)),
    "max": Source(_reduction("max"), (_extreme_sent,)),
    "min": Source(_reduction("min"), (_extreme_sent,)),
    "matmul": Source("a @ b", (_left_sent, _right_sent)),
    "transpose": Source(_transpose, (_transpose_sent,)),
    "reshape": Source(_reshape, (_reshape_sent,)),
    "broadcast_to": Source(lambda node, a: f"np.broadcast_to(a, {tuple(node.shape)})", ("d",)),
    "getitem": Source(_get, (_get_sent, None)),
    "setitem": Source(_set, (_under_sent, _written_sent, None)),
    "concatenate": Source(_join, (_join_sent,)),
    "greater": _comparison(">"),
    "greater_equal": _comparison(">="),
    "less": _comparison("<"),
    "less_equal": _comparison("<="),
    "equal": _comparison("=="),
    "not_equal": _comparison("!="),
    "where": Source("np.where(a, b, c)", (None, "np.where(a, d, 0)", "np.where(a, 0, d)")),
    "minimum": Source(
        "np.minimum(a, b)",
        ("d * np.heaviside(b - a, 0.5)", "d * np.heaviside(a - b, 0.5)"),
    ),
    "absolute": Source("np.abs(a)", ("d * np.sign(a)",)),
    "sin": Source("np.sin(a)", ("d * np.cos(a)",)),
    "cos": Source("np.cos(a)", ("-d * np.sin(a)",)),
    "log1p": Source("np.log1p(a)", ("d / (1 + a)",)),
    "expm1": Source("np.expm1(a)", ("d * np.exp(a)",)),
    "cholesky": Source(
        "np.linalg.cholesky(a)",
        (
            "phi = np.tril(y.T @ d) - np.diag(np.diag(y.T @ d)) / 2\n"
            "one_side = np.linalg.solve(y.T, phi)\n"
            "both = np.linalg.solve(y.T, one_side.T)\n"
            "(both + both.T) / 2",
        ),
    ),
    "solve": Source(
        "np.linalg.solve(a, b)",
        (
            lambda node, a, b: (
                "-np.outer(np.linalg.solve(a.T, d), y)"
                if len(node.shape) == 1
                else "-np.linalg.solve(a.T, d) @ y.T"
            ),
            "np.linalg.solve(a.T, d)",
        ),
    ),
    "inverse_sqrt": Source(
        "np.linalg.eigh(a)[1] / np.sqrt(np.linalg.eigh(a)[0]) @ np.linalg.eigh(a)[1].T",
        (
            "U = np.linalg.eigh(a)[1]\n"
            "root = np.sqrt(np.linalg.eigh(a)[0])\n"
            "pairs = root[:, None] * root * (root[:, None] + root)\n"
            "-U @ (U.T @ ((d + d.T) / 2) @ U / pairs) @ U.T",
        ),
    ),
    "eigenvalues": Source(
        "np.linalg.eigvalsh(a)[::-1]", ("U = np.linalg.eigh(a)[1][:, ::-1]\nU * d @ U.T",)
    ),
}


def source_of(op):
    """The source of an operation. Raises ValueError if it has none."""
    source = OPS[op].source or SOURCES.get(op)
    if source is None:
        raise ValueError(f"derive: {op.replace('_', ' ')} cannot be written in lines of NumPy")
    return source
