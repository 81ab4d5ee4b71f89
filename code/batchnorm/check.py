"""Check a gradient against numbers that owe nothing to its derivation: shapes first, then values.

>>> import numpy as np
>>> x, dy = np.array([0.5, 2.0]), np.array([1.0, -1.0])
>>> compare("dx", 3 * x**2 * dy, numeric_gradient(lambda x: x**3, x, dy))
dx: shape (2,), agrees to 1e-07
"""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

EPS = np.finfo(float).eps
Function = Callable[[np.ndarray], np.ndarray | float]


def numeric_gradient(
    function: Function,
    x: ArrayLike,
    dy: ArrayLike,
    method: str | None = None,
) -> NDArray[np.float64]:
    """The gradient of ``sum(dy * function(x))`` at ``x``, by moving one entry of ``x`` at a time.

    Parameters
    ----------
    function : takes an array of x's shape, gives an array of dy's shape
    x : array of real numbers; computed in float64
    dy : array, the gradient that arrives at the output
    method : "complex step", "central differences", or None to choose

    The complex step, ``Im f(x + ih) / h`` with ``h = 1e-30``, subtracts nothing and so loses
    nothing, but it holds for analytic functions only: not for ``abs``, nor for a function that
    drops the imaginary part, which answers 0. So with ``method=None`` it is believed only where it
    agrees, along one random direction, with central differences, as far as these can tell: they
    are made with a step and its double, and their own difference says how good they are. Where it
    does not, or where ``function`` refuses complex numbers, central differences are used; their
    step, 6e-6 times the largest entry of ``x`` (or times 1), suits functions smooth on that scale.

    Returns an array of x's shape. Raises ValueError for an unknown method, for data that are not
    finite, or when ``function(x)`` has not the shape of ``dy``.

    Source: Squire & Trapp 1998, "Using complex variables to estimate derivatives of real
    functions".
    """
    steps = {"complex step": _complex_step, "central differences": _central}
    if method is not None and method not in steps:
        raise ValueError(f"method: got {method!r}, want {' or '.join(map(repr, steps))} or None")
    x, dy = _finite("x", x), _finite("dy", dy)
    y = _finite("function(x)", function(x.copy()))
    if y.shape != dy.shape:
        raise ValueError(f"dy: got shape {dy.shape}, function(x) has shape {y.shape}")
    if method is None:
        method = "complex step" if _is_analytic(function, x, dy, y) else "central differences"
    one_hot = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([steps[method](function, x, dy, e) for e in one_hot]).reshape(x.shape)


def _complex_step(
    function: Function, x: np.ndarray, dy: np.ndarray, direction: np.ndarray, h: float = 1e-30
) -> float:
    return np.sum(dy * np.imag(function(x + 1j * h * direction))) / h


def _central(
    function: Function, x: np.ndarray, dy: np.ndarray, direction: np.ndarray, step: float = 1
) -> float:
    # The cube root of the machine's precision balances truncation against rounding
    h = step * EPS ** (1 / 3) * max(1.0, np.abs(x).max(initial=0))
    return np.sum(dy * (function(x + h * direction) - function(x - h * direction))) / (2 * h)


def _is_analytic(function: Function, x: np.ndarray, dy: np.ndarray, y: np.ndarray) -> bool:
    """Whether the complex step and central differences agree, as far as the latter can tell."""
    direction = np.random.default_rng(0).normal(size=x.shape)
    try:
        with warnings.catch_warnings():  # to drop the imaginary part is what is looked for
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            exact = _complex_step(function, x, dy, direction)
    except (TypeError, ValueError):  # it took x, so what it refuses is complex numbers
        return False
    near, far = (_central(function, x, dy, direction, step) for step in (1, 2))
    rounding = 100 * EPS ** (2 / 3) * np.sum(np.abs(dy * y))
    return bool(abs(exact - near) <= 3 * abs(far - near) + 1e-6 * abs(near) + rounding)


class GradientMismatch(AssertionError):
    """Two gradients that should be the same are not; the message says where and by how much."""


def compare(name: str, got: ArrayLike, want: ArrayLike, tolerance: float = 1e-7) -> "Comparison":
    """Say that two gradients agree, or raise `GradientMismatch`.

    Shapes are compared first, since a difference that broadcasts can be small and mean nothing.
    Values agree if no entry differs by more than ``tolerance`` times the largest entry of
    ``want`` (or times 1e-3, where all of ``want`` is smaller: a gradient that should vanish).

    Returns a `Comparison`, which prints as one line. Raises ValueError unless tolerance > 0 and
    both hold real numbers.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance: got {tolerance!r}, want a number > 0")
    got, want = _real("got", got), _real("want", want)
    if got.shape != want.shape:
        raise GradientMismatch(f"{name}: got shape {got.shape}, want {want.shape}")
    scale = max(np.abs(want[np.isfinite(want)]).max(initial=0), 1e-3)
    with np.errstate(invalid="ignore"):  # two infinities make NaN, which fails below
        error = np.abs(got - want) / scale
    if not np.all(error <= tolerance):  # written so that NaN fails
        worst = np.unravel_index(np.argmax(np.nan_to_num(error, nan=np.inf)), error.shape)
        where = f" at {tuple(map(int, worst))}" if worst else ""
        raise GradientMismatch(
            f"{name}{where}: got {got[worst]:.9g}, want {want[worst]:.9g} "
            f"(relative error {error[worst]:.2g}, allowed {tolerance:g})"
        )
    return Comparison(name, got.shape, tolerance)


class Comparison:
    """What `compare` found; truthy, and one line of text."""

    def __init__(self, name: str, shape: tuple[int, ...], tolerance: float) -> None:
        self.name, self.shape, self.tolerance = name, shape, tolerance

    def __repr__(self) -> str:
        return f"{self.name}: shape {self.shape}, agrees to {self.tolerance:g}"


def _real(name: str, value: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name}: got {array.dtype} data, want real numbers")
    return array.astype(float)


def _finite(name: str, value: ArrayLike) -> NDArray[np.float64]:
    array = _real(name, value)
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: got {array}, want finite numbers")
    return array
