"""Check a gradient against numbers that owe nothing to its derivation: shapes first, then values.

>>> import numpy as np
>>> x, dy = np.array([0.5, 2.0]), np.array([1.0, -1.0])
>>> compare("dx", 3 * x**2 * dy, numeric_gradient(lambda x: x**3, x, dy))
dx: shape (2,), agrees to 1e-07 of its largest entry
"""

import math
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .running import held
from .validate import array as plain_array
from .validate import number

EPS = np.finfo(float).eps
DOUBT = 1e-6  # central differences whose own check is worse than this are not taken in silence
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

    The complex step, ``Im f(x + ih) / h`` with ``h = 1e-30``, takes no difference and so loses no
    digits to it. But it works for analytic functions only: not for ``abs``, nor for a function that
    drops or rounds the imaginary part, which gives 0. So ``method=None`` uses it only where it
    agrees with central differences, along one random direction and within their accuracy, which
    shows in the difference between a step and its double. Where it does not agree, or where
    ``function`` refuses complex numbers, central differences are used. Their step is 6e-6 times
    the largest entry of ``x`` (or 6e-6, if no entry is larger than 1), and larger where the
    function rounds its values, to float32 for example; a RuntimeWarning says how many digits are
    left where that is fewer than six.

    Running statistics of this package that ``function`` would update are left as they are.

    Returns an array of x's shape, float64. Raises ValueError for an unknown method, for data that
    are not finite real numbers (masked arrays are refused), if ``function(x)`` does not have the
    shape of ``dy``, if two calls with the same ``x`` differ, or if the gradient overflows.

    Source: Squire & Trapp 1998, "Using complex variables to estimate derivatives of real
    functions".
    """
    if method not in (None, "complex step", "central differences"):
        raise ValueError(
            f"method: got {method!r}, want 'complex step' or 'central differences' or None"
        )
    x, dy = _finite("x", x), _finite("dy", dy)
    with held():
        y = _same_twice(function, x)
        if y.shape != dy.shape:
            raise ValueError(f"dy: got shape {dy.shape}, function(x) has shape {y.shape}")
        one_hot = np.eye(x.size).reshape(x.size, *x.shape)
        differences = _Differences(function, x, dy, y)
        if method is None:
            analytic = _is_analytic(function, x, dy, differences)
            method = "complex step" if analytic else "central differences"
        exact = method == "complex step"
        if not exact and differences.doubt > DOUBT:
            warnings.warn(
                "numeric_gradient: near x the function rounds its values, or is not smooth; its "
                f"central differences are good to about {3 * differences.doubt:.0e}, so compare no "
                "more closely than that",
                RuntimeWarning,
                stacklevel=2,
            )
        found = [_complex_step(function, x, dy, e) if exact else differences(e) for e in one_hot]
    if np.isinf(found).any():
        raise ValueError("dy: got numbers whose gradient overflows, want smaller ones")
    return np.array(found).reshape(x.shape)


def _same_twice(function: Function, x: np.ndarray) -> NDArray[np.float64]:
    """``function(x)``, called twice. Raises ValueError if the two differ by more than rounding."""
    first = function(x.copy())
    y, again = _finite("function(x)", first), _finite("function(x)", function(x.copy()))
    rounding = 100 * (np.finfo(np.asarray(first).dtype).eps if _is_float(first) else 0)
    if y.shape != again.shape or np.any(np.abs(y - again) > rounding * np.abs(y).max(initial=0)):
        raise ValueError(
            "function: two calls with the same x gave different values; want the same each time: "
            "draw a dropout mask or noise once, outside, and start from the same running statistics"
        )
    return y


def _is_float(value: object) -> bool:
    return np.asarray(value).dtype.kind == "f"


def _complex_step(
    function: Function, x: np.ndarray, dy: np.ndarray, direction: np.ndarray, h: float = 1e-30
) -> float:
    return np.sum(dy * np.imag(function(x + 1j * h * direction))) / h


class _Differences:
    """Central differences of one function, with the step that suits it.

    ``doubt`` says how far they disagree with those of the double step, relative to themselves,
    along a few random directions. The usual step gives way to a larger one that does ten times
    better: where the function rounds its values, small steps see little but the rounding.
    """

    def __init__(self, function: Function, x: np.ndarray, dy: np.ndarray, y: np.ndarray) -> None:
        self.function, self.x, self.dy = function, x, dy
        # The cube root of the machine's precision balances truncation against rounding
        self.h = usual = EPS ** (1 / 3) * max(1.0, np.abs(x).max(initial=0))
        self.rounding = EPS * np.sum(np.abs(dy * y))
        self.directions = np.random.default_rng(0).normal(size=(4, *x.shape))
        self.doubt = at_usual = self._doubt(usual)
        for h in usual * np.array([10, 100, 1000, 10_000]):
            if at_usual <= DOUBT:
                break
            try:
                with np.errstate(all="ignore"):
                    doubt = self._doubt(h)
            except (ValueError, ArithmeticError):  # so far from x the function need not exist
                break
            if doubt < min(self.doubt, at_usual / 10):
                self.h, self.doubt = h, doubt

    def __call__(self, direction: np.ndarray, h: float | None = None) -> float:
        h = h or self.h
        # Copied: the function may write each answer into the same array
        above = np.array(self.function(self.x + h * direction), float)
        return np.sum(self.dy * (above - self.function(self.x - h * direction))) / (2 * h)

    def _doubt(self, h: float) -> float:
        near, far = np.array([[self(d, k * h) for d in self.directions] for k in (1, 2)])
        size = np.linalg.norm(near)
        if size > 100 * self.rounding / h:
            return float(np.linalg.norm(far - near) / size)
        return 0.0 if h <= self.h else np.inf  # flat; a larger step must find a slope to count


def _is_analytic(
    function: Function, x: np.ndarray, dy: np.ndarray, differences: _Differences
) -> bool:
    """Whether the complex step and central differences agree, as far as the latter can tell."""
    direction = differences.directions[0]
    try:
        with warnings.catch_warnings():  # to drop the imaginary part is what is looked for
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            exact = _complex_step(function, x, dy, direction)
    except (TypeError, ValueError):  # it took x, so what it refuses is complex numbers
        return False
    if exact == 0 and differences.doubt > 0.1:  # it moves, by jumps: the imaginary part was rounded
        return False
    near, far = (differences(direction, k * differences.h) for k in (1, 2))
    allowed = 3 * abs(far - near) + DOUBT * abs(near) + 100 * differences.rounding / differences.h
    return bool(abs(exact - near) <= allowed)


class GradientMismatch(AssertionError):
    """Two gradients that should be the same are not; the message says where and by how much."""


def compare(
    name: str,
    got: ArrayLike,
    want: ArrayLike,
    tolerance: float = 1e-7,
    *,
    scale: float | None = None,
) -> "Comparison":
    """Say that two gradients agree, or raise `GradientMismatch`.

    Shapes are compared first, since a difference that broadcasts can be small and mean nothing.
    Values agree if no entry differs by more than ``tolerance * scale``.

    Parameters
    ----------
    name : what is compared, for the message
    got, want : real numbers, or arrays of them; computed in float64
    tolerance : number > 0
    scale : number > 0, the size that an error is measured by; by default the largest entry of
        ``want``, however small, or 1e-3 where all of ``want`` is exactly 0. Where ``want`` should
        be 0 up to rounding, pass the size of the numbers that cancel.

    Returns a `Comparison`, which prints as one line. Raises ValueError unless tolerance and scale
    are numbers > 0 and both arrays hold real numbers (masked arrays are refused).
    """
    tolerance = _positive("tolerance", tolerance)
    got, want = _real("got", got), _real("want", want)
    if got.shape != want.shape:
        raise GradientMismatch(f"{name}: got shape {got.shape}, want {want.shape}")
    largest = np.abs(want[np.isfinite(want)]).max(initial=0)
    if scale is not None:
        scale = _positive("scale", scale)
        what = f"agrees to {tolerance:g} of {scale:g}"
    elif largest > 0:
        scale, what = largest, f"agrees to {tolerance:g} of its largest entry"
    else:
        scale, what = 1e-3, f"is 0 to within {1e-3 * tolerance:g}" if want.size else "no entries"
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN, which fails below
        error = np.abs(got - want) / scale
    if not np.all(error <= tolerance):  # written so that NaN fails
        worst = np.unravel_index(np.argmax(np.nan_to_num(error, nan=np.inf)), error.shape)
        where = f" at {tuple(map(int, worst))}" if worst else ""
        raise GradientMismatch(
            f"{name}{where}: got {got[worst]:.9g}, want {want[worst]:.9g} "
            f"(relative error {error[worst]:.2g}, allowed {tolerance:g})"
        )
    return Comparison(f"{name}: shape {got.shape}, {what}")


class Comparison:
    """What `compare` found; truthy, and one line of text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _positive(name: str, value: float) -> float:
    return number(name, value, math.ulp(0.0), math.inf, "a number > 0")


def _real(name: str, value: ArrayLike) -> NDArray[np.float64]:
    array = plain_array(name, value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name}: got {array.dtype} data, want real numbers")
    return np.array(array, float)


def _finite(name: str, value: ArrayLike) -> NDArray[np.float64]:
    array = _real(name, value)
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: got {array}, want finite numbers")
    return array
