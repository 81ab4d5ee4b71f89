"""Check a gradient against numbers that owe nothing to its derivation: shapes first, then values.

>>> import numpy as np
>>> x, dy = np.array([0.5, 2.0]), np.array([1.0, -1.0])
>>> agree("dx", 3 * x**2 * dy, numeric_gradient(lambda x: x**3, x, dy))
dx: shape (2,), agrees to 1e-07
"""

import numpy as np


def numeric_gradient(function, x, dy, method=None):
    """The gradient of ``sum(dy * function(x))`` at ``x``, by moving one entry of ``x`` at a time.

    Parameters
    ----------
    function : takes an array of x's shape, gives an array of dy's shape
    x : array of real numbers; computed in float64
    dy : array, the gradient that arrives at the output
    method : "complex step", "central differences", or None to choose

    The complex step, ``Im f(x + ih) / h`` with ``h = 1e-30``, subtracts nothing and so loses
    nothing, but it holds for analytic functions only: no ``abs``, no ``maximum`` of it, and a
    function that drops the imaginary part answers 0. So with ``method=None`` it is believed only
    where central differences agree with it along one random direction; else those are used.

    Returns an array of x's shape. Raises ValueError for an unknown method, for data that are not
    finite, or when ``function(x)`` has not the shape of ``dy``.

    Source: Squire & Trapp 1998, "Using complex variables to estimate derivatives of real
    functions".
    """
    x, dy = _finite("x", x), _finite("dy", dy)
    y = np.asarray(function(x.copy()))
    if y.shape != dy.shape:
        raise ValueError(f"dy: got shape {dy.shape}, function(x) has shape {y.shape}")
    if method is None:
        direction = np.random.default_rng(0).normal(size=x.shape)
        try:
            by_complex = _complex_step(function, x, dy, direction)
            by_difference = _central(function, x, dy, direction)
            analytic = np.isclose(by_complex, by_difference, rtol=1e-5, atol=1e-7)
        except TypeError:  # NumPy has no such operation on complex numbers
            analytic = False
        method = "complex step" if analytic else "central differences"
    try:
        step = {"complex step": _complex_step, "central differences": _central}[method]
    except KeyError:
        raise ValueError(
            f'method: got {method!r}, want "complex step", "central differences" or None'
        ) from None
    one_hot = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([step(function, x, dy, e) for e in one_hot]).reshape(x.shape)


def _complex_step(function, x, dy, direction, h=1e-30):
    return np.sum(dy * np.imag(function(x + 1j * h * direction))) / h


def _central(function, x, dy, direction):
    # The cube root of the machine's precision balances truncation against rounding
    h = np.finfo(float).eps ** (1 / 3) * max(1.0, np.abs(x).max(initial=0))
    return np.sum(dy * (function(x + h * direction) - function(x - h * direction))) / (2 * h)


class GradientMismatch(AssertionError):
    """Two gradients that should be the same are not; the message says where and by how much."""


def agree(name, got, want, tolerance=1e-7):
    """Say that two gradients agree, or raise `GradientMismatch`.

    Shapes are compared first, since a difference that broadcasts can be small and mean nothing.
    Values agree if no entry differs by more than ``tolerance`` times the largest entry of
    ``want`` (or times 1e-3, where all of ``want`` is smaller: a gradient that should vanish).

    Returns an `Agreement`, which prints as one line. Raises ValueError unless tolerance > 0.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance: got {tolerance!r}, want a number > 0")
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        raise GradientMismatch(f"{name}: got shape {got.shape}, want {want.shape}")
    scale = max(np.abs(want).max(initial=0), 1e-3)
    error = np.abs(got - want) / scale
    if not np.all(error <= tolerance):  # written so that NaN fails
        worst = np.unravel_index(np.argmax(np.nan_to_num(error, nan=np.inf)), error.shape)
        where = f" at {tuple(map(int, worst))}" if worst else ""
        raise GradientMismatch(
            f"{name}{where}: got {got[worst]:.9g}, want {want[worst]:.9g} "
            f"(relative error {error[worst]:.2g}, allowed {tolerance:g})"
        )
    return Agreement(name, got.shape, tolerance)


class Agreement:
    """What `agree` found; truthy, and one line of text."""

    def __init__(self, name, shape, tolerance):
        self.name, self.shape, self.tolerance = name, shape, tolerance

    def __repr__(self):
        return f"{self.name}: shape {self.shape}, agrees to {self.tolerance:g}"


def _finite(name, value):
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ValueError(f"{name}: want finite real numbers, got {array.dtype} data: {array}")
    return array.astype(float)
