"""Compare an answer's arrays with the right ones, and say how they differ."""

from itertools import permutations

import numpy as np

TOLERANCE = {2: 1e-2, 4: 1e-4}  # by the size of an entry; else 1e-7


def as_array(name, value):
    """The value as a real array, and "" or a sentence that says why it is none.

    Arrays of other libraries are taken if NumPy can read them; a tensor that keeps a graph for its
    gradient is detached from it.
    """
    if hasattr(value, "detach"):
        value = value.detach()
    if hasattr(value, "cpu"):
        value = value.cpu()
    if np.ma.isMaskedArray(value):
        return np.empty(0), f"{name} is a masked array, want a plain one."
    try:
        array = np.asarray(value)
    except ValueError:
        return np.empty(0), f"{name} is a list of lists of different lengths, want an array."
    if array.dtype.kind not in "fiu":
        kind = "complex numbers" if array.dtype.kind == "c" else type(value).__name__
        return np.empty(0), f"{name} holds {kind}, want real numbers."
    return array, ""


def close(got, want, floor=0.0):
    """Whether two arrays have one shape and agree, as far as got's precision lets one tell.

    Errors are measured by want's largest entry, or by ``floor`` where that is larger: the size
    below which want itself is rounding.
    """
    if (
        want is None
        or got is None
        or np.shape(got) != np.shape(want)
        or not np.isfinite(want).all()
    ):
        return False
    if np.asarray(got).dtype.kind not in "fiu":
        return False
    tolerance = TOLERANCE.get(np.asarray(got).dtype.itemsize, 1e-7)
    got, want = np.asarray(got, float), np.asarray(want, float)
    scale = max(np.abs(want).max(initial=0), floor) or 1e-3
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(got - want) <= tolerance * scale))


def fitted(got, shape):
    """The array in a shape that differs from its own by axes of length 1 alone; else unchanged."""
    if got is None or np.shape(got) == shape:
        return got
    squeezed = tuple(n for n in np.shape(got) if n != 1)
    return np.reshape(got, shape) if squeezed == tuple(n for n in shape if n != 1) else got


def multiple(name, gots, wants, counts):
    """A sentence for values that are the right ones times a number, or times m; "" otherwise.

    ``counts`` maps the words for a count ("m samples") to what it is on each batch.
    """
    ratios = []
    for got, want in zip(gots, wants, strict=True):
        if got.shape != want.shape or not np.any(want):
            return ""
        ratio = np.vdot(want, got) / np.vdot(want, want)
        if not close(got, ratio * want, np.abs(want).max()):
            return ""
        ratios.append(ratio)
    if np.allclose(ratios, 0):  # to rounding: of the size of want
        return f"{name} is 0."
    if np.allclose(ratios, -1):
        return f"every entry of {name} has the wrong sign."
    for words, sizes in counts.items():
        if np.all(np.equal(sizes, 1)):
            continue
        for power, text in [(1, "{} times"), (-1, "1/{} of")]:
            for sign, minus in [(1, ""), (-1, ", with the wrong sign")]:
                if np.allclose(ratios, sign * np.power(np.array(sizes, float), power)):
                    text = text.format(words.split()[0])
                    return f"{name} is {text} what it should be{minus} ({words})."
        less = np.array(sizes, float) / np.maximum(np.array(sizes, float) - 1, 1)
        if np.allclose(ratios, less):
            return f"{name} is m / (m - 1) times what it should be: m - 1 is used where m belongs."
    if np.allclose(ratios, ratios[0]):
        return f"every entry of {name} is {ratios[0]:.4g} times what it should be."
    return ""


def order(names, results, wants):
    """The names in the order in which the results hold them, if they hold all; else None."""
    for found in permutations(names) if 1 < len(names) <= 4 else ():
        if found != tuple(names) and all(
            close(fitted(got[a], want[b].shape), want[b])
            for got, want in zip(results, wants, strict=True)
            for a, b in zip(names, found, strict=True)
        ):
            return found
    return None


def scrambled(gots, wants):
    """Whether the right numbers are in the wrong places, and there are enough to tell."""
    return wants[0].size > 3 and all(
        close(np.sort(got, axis=None), np.sort(want, axis=None))
        for got, want in zip(gots, wants, strict=True)
    )


def first_difference(name, got, want):
    if got.shape != want.shape:
        return f"{name} has shape {got.shape}, want {want.shape}."
    scale = np.abs(want).max(initial=0) or 1e-3
    wrong = np.argwhere(~(np.abs(got - want) <= 1e-7 * scale))
    where = wrong[0] if len(wrong) else np.zeros(got.ndim, int)
    a, b = got[tuple(where)], want[tuple(where)]
    if not np.isfinite(a):
        return f"{name}{place(where)} is {a}, want {b:.4g}."
    how = "too large" if a > b else "too small"
    worst = np.abs(got - want).max() / scale
    rough = f" (The whole array agrees to {worst:.0e}.)" if worst < 1e-3 else ""
    return f"{name}{place(where)} is {a:.4g}, want {b:.4g}: {how} by {abs(a - b):.3g}.{rough}"


def guess_axis(got, want):
    """A guess at a wrong shape."""
    if got.size == 1 < want.size:
        return " A sum without an axis adds up everything: name the axis."
    if got.ndim == want.ndim > 1 and got.shape == want.shape[::-1]:
        return " Is it transposed?"
    if got.ndim == want.ndim and got.size <= max(want.size, *got.shape) and got.shape != want.shape:
        return " Was the sum taken over the wrong axis?"
    if got.size > want.size:
        return " What was broadcast on the way forward is summed on the way back."
    return ""


def place(where):
    return f"[{', '.join(map(str, where))}]" if len(where) else ""


def amount(n):
    return "one result" if n == 1 else f"{n} results"
