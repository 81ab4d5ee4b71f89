"""Compare an answer's arrays with the right ones, and say how they differ."""

import numpy as np


def as_array(name, value):
    """The value as a real array, and "" or a sentence that says why it is none."""
    try:
        array = np.asarray(value)
    except ValueError:
        return np.empty(0), f"{name} is a list of lists of different lengths, want an array."
    if array.dtype.kind not in "fiu":
        kind = "complex numbers" if array.dtype.kind == "c" else type(value).__name__
        return np.empty(0), f"{name} holds {kind}, want real numbers."
    return array, ""


def close(got, want):
    """Whether two arrays have one shape and agree, as far as got's precision lets one tell."""
    if want is None or np.shape(got) != np.shape(want) or not np.isfinite(want).all():
        return False
    tolerance = 1e-7 if np.asarray(got).dtype.itemsize == 8 else 1e-4
    got, want = np.asarray(got, float), np.asarray(want, float)
    scale = max(np.abs(want).max(initial=0), 1e-3)
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(got - want) <= tolerance * scale))


def multiple(name, gots, wants, sizes):
    """A sentence for values that are the right ones times a number, or times m; "" otherwise."""
    ratios = []
    for got, want in zip(gots, wants, strict=True):
        if got.shape != want.shape or not np.any(want):
            return ""
        ratio = np.vdot(want, got) / np.vdot(want, want)
        if not close(got, ratio * want):
            return ""
        ratios.append(ratio)
    if np.allclose(ratios, 0):
        return f"{name} is 0."
    if np.allclose(ratios, -1):
        return f"every entry of {name} has the wrong sign."
    for power, text in [(1, "m times"), (-1, "1/m of")]:
        for sign, minus in [(1, ""), (-1, ", with the wrong sign")]:
            if np.allclose(ratios, sign * np.power(sizes, float(power))):
                return f"{name} is {text} what it should be{minus} (m samples)."
    if np.allclose(ratios, ratios[0]):
        return f"every entry of {name} is {ratios[0]:.4g} times what it should be."
    return ""


def first_difference(name, got, want):
    if got.shape != want.shape:
        return f"{name} has shape {got.shape}, want {want.shape}."
    scale = max(np.abs(want).max(initial=0), 1e-3)
    where = np.argwhere(np.abs(got - want) > 1e-7 * scale)[0]
    a, b = got[tuple(where)], want[tuple(where)]
    how = "too large" if a > b else "too small"
    return f"{name}{place(where)} is {a:.4g}, want {b:.4g}: {how} by {abs(a - b):.3g}."


def guess_axis(got, want):
    """A guess at a wrong shape."""
    if got.size > want.size and want.ndim < got.ndim:
        return " What was broadcast on the way forward is summed on the way back."
    if got.ndim == want.ndim == 1:
        return " Was the sum taken over the wrong axis?"
    return ""


def place(where):
    return f"[{', '.join(map(str, where))}]" if len(where) else ""


def amount(n):
    return "one result" if n == 1 else f"{n} results"
