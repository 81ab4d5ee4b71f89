"""The gradient checker: right where the answer is known, and not to be fooled."""

import doctest
import warnings
from fractions import Fraction

import numpy as np
import pytest

import batchnorm as bn
import batchnorm.check
from batchnorm.check import GradientMismatch, compare, numeric_gradient

RNG = np.random.default_rng(11)
X, DY = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))


def test_doctests():
    results = doctest.testmod(batchnorm.check)
    assert results.failed == 0
    assert results.attempted > 2


# --- numeric_gradient -----------------------------------------------------------------------

ANALYTIC = [
    (lambda x: x**3, lambda x, dy: 3 * x**2 * dy),
    (np.exp, lambda x, dy: np.exp(x) * dy),
    (
        lambda x: np.sin(x) / (2 + np.cos(x)),
        lambda x, dy: dy * (2 * np.cos(x) + 1) / (2 + np.cos(x)) ** 2,
    ),
    (lambda x: x - x.mean(axis=0), lambda x, dy: dy - dy.mean(axis=0)),
    (lambda x: 1e4 + 1e-3 * x, lambda x, dy: 1e-3 * dy),
]
NOT_ANALYTIC = [
    (np.abs, lambda x, dy: np.sign(x) * dy),
    (lambda x: np.maximum(x, 0 * x.real), lambda x, dy: (x > 0) * dy),
    (lambda x: np.real(x) ** 2, lambda x, dy: 2 * x * dy),
    (lambda x: np.asarray(x, float) ** 2, lambda x, dy: 2 * x * dy),
    (lambda x: np.sin(x) + 1e-4 * np.abs(x), lambda x, dy: (np.cos(x) + 1e-4 * np.sign(x)) * dy),
    (lambda x: 1e-9 * np.abs(x), lambda x, dy: 1e-9 * np.sign(x) * dy),
    (lambda x: x * x.conj(), lambda x, dy: 2 * x * dy),
]


@pytest.mark.parametrize(("function", "gradient"), ANALYTIC)
def test_the_complex_step_is_exact_for_analytic_functions(function, gradient):
    want = gradient(X, DY)
    for method in (None, "complex step"):
        got = numeric_gradient(function, X, DY, method=method)
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-14, atol=1e-15 * np.abs(want).max())
    near = numeric_gradient(function, X, DY, method="central differences")
    assert np.abs(near - want).max() > 1e-14 * np.abs(want).max()
    scale = max(np.abs(want).max(), np.abs(function(X)).max())
    np.testing.assert_allclose(near, want, rtol=0, atol=1e-8 * scale)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("function", "gradient"), NOT_ANALYTIC)
def test_central_differences_where_the_complex_step_would_lie(function, gradient):
    want = gradient(X, DY)
    got = numeric_gradient(function, X, DY)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-8 * np.abs(want).max())


def test_the_complex_step_by_name_is_taken_at_its_word():
    lie = numeric_gradient(np.abs, X, DY, method="complex step")
    np.testing.assert_array_equal(lie, np.zeros_like(X))


def test_functions_that_refuse_complex_numbers():
    def picky(x):
        if np.iscomplexobj(x):
            raise ValueError("x: want real numbers")
        return np.sin(x)

    for function in (picky, lambda x: np.arctan2(x, 1.0) * 0 + np.sin(x)):
        got = numeric_gradient(function, X, DY)
        np.testing.assert_allclose(got, np.cos(X) * DY, rtol=0, atol=1e-9)
    with pytest.raises(ValueError, match="want real numbers"):
        numeric_gradient(picky, X, DY, method="complex step")


@pytest.mark.parametrize("spread", [1e-6, 1e-3, 1.0, 1e3])
def test_a_steep_function_still_gets_the_complex_step(spread):
    """Differences with a step of 6e-6 are poor here, and know it."""
    x = spread * X

    def standardise(x):
        centred = x - x.mean(axis=0)
        return centred / np.sqrt((centred**2).mean(axis=0) + 1e-5)

    got = numeric_gradient(standardise, x, DY)
    np.testing.assert_array_equal(got, numeric_gradient(standardise, x, DY, method="complex step"))


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_the_step_of_the_differences_grows_with_x(scale):
    x = 0.1 * X * scale
    got = numeric_gradient(lambda x: np.exp(x / scale), x, DY, method="central differences")
    want = np.exp(x / scale) * DY / scale
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-9 * np.abs(want).max())


def test_shapes():
    for shape, function, dy in [
        ((), lambda x: x**2, 2.0),
        ((3,), lambda x: x.sum(), 2.0),
        ((2, 3, 2), lambda x: x.mean(axis=1), RNG.normal(size=(2, 2))),
        ((0, 3), lambda x: x.sum(axis=0), np.ones(3)),
        ((2,), lambda x: x @ np.ones((2, 5)), RNG.normal(size=5)),
    ]:
        x = RNG.normal(size=shape)
        for method in (None, "complex step", "central differences"):
            assert numeric_gradient(function, x, dy, method).shape == shape
    got = numeric_gradient(lambda x: x @ np.arange(6.0).reshape(2, 3), X[0, :2], np.ones(3))
    np.testing.assert_allclose(got, [3.0, 12.0])


def test_the_input_is_left_alone_and_integers_are_taken():
    def spoil(x):
        x *= x
        return x

    x = np.array([2, 3])
    np.testing.assert_allclose(numeric_gradient(spoil, x, [1, 1]), [4.0, 6.0])
    np.testing.assert_array_equal(x, [2, 3])
    np.testing.assert_allclose(numeric_gradient(lambda x: x**-1, x, [1, 1]), [-1 / 4, -1 / 9])
    x = np.float32([1.5, 2.5])
    assert numeric_gradient(np.square, x, [1.0, 1.0]).dtype == np.float64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.square, X, DY, "forward"), "method: got 'forward', want 'complex step' or 'central"),
        ((np.square, X, DY, ""), "method: got ''"),
        ((np.square, X, DY[0]), r"dy: got shape \(3,\), function\(x\) has shape \(4, 3\)"),
        ((np.square, X, 1.0), r"dy: got shape \(\)"),
        ((np.square, X, DY[:, None]), r"dy: got shape \(4, 1, 3\)"),
        ((np.square, [1.0, np.nan], [1, 1]), "x: got .*, want finite numbers"),
        ((np.square, [1.0, 2.0], [1, np.inf]), "dy: got .*, want finite numbers"),
        ((np.square, ["a"], [1]), "x: got <U1 data, want real numbers"),
        ((np.square, [1j], [1]), "x: got complex128 data"),
        ((np.square, np.ma.masked_array([1.0, 2.0], [0, 1]), [1, 1]), "x: got a masked array"),
        ((np.square, [1.0, 2.0], np.ma.masked_array([1.0, 2.0], [0, 1])), "dy: got a masked array"),
        ((np.square, [True], [1]), "x: got bool data"),
        ((np.square, [1.0], [None]), "dy: got object data"),
        ((lambda x: x * np.nan, [1.0], [1]), r"function\(x\): got .*, want finite numbers"),
        ((lambda x: x * 1j, [1.0], [1]), r"function\(x\): got complex128 data"),
        ((lambda x: None, [1.0], [1]), r"function\(x\): got object data"),
    ],
)
def test_numeric_gradient_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        numeric_gradient(*arguments)


# --- What a numeric gradient cannot be made of, it says -------------------------------------


def standardise(x):
    centred = x - x.mean(axis=0)
    return centred / np.sqrt((centred * centred).mean(axis=0) + 1e-5)


@pytest.mark.parametrize(
    ("rounded", "good_to"),
    [
        (lambda f: lambda x: f(x).astype(np.float32), 1e-4),
        (lambda f: lambda x: f(x.astype(np.float32)).astype(float), 3e-4),
        (lambda f: lambda x: f(x) + (x**2).astype(np.float32) - x**2, 1e-4),
        (lambda f: lambda x: np.round(f(x), 6), 1e-3),
        (lambda f: lambda x: np.round(f(x), 4), 3e-2),
    ],
)
def test_where_a_function_rounds_differences_are_used_and_it_is_said(rounded, good_to):
    want = numeric_gradient(standardise, X, DY)
    with pytest.warns(RuntimeWarning, match="rounds its values.* good to about"):
        got = numeric_gradient(rounded(standardise), X, DY)
    assert np.abs(got - want).max() < good_to * np.abs(want).max()


def test_what_is_flat_or_smooth_is_not_called_rounded():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for function in (standardise, lambda x: x - x, lambda x: np.abs(x) * 0, np.abs, np.floor):
            numeric_gradient(function, X, DY)
        assert not numeric_gradient(standardise, X, np.ones_like(X)).round(12).any()


def test_a_function_that_differs_from_call_to_call_is_refused_with_a_hint():
    rng, calls = np.random.default_rng(0), []

    def remembers(x):
        calls.append(x)
        return x * len(calls)

    for function in (lambda x: x * (rng.random(x.shape) < 0.5), remembers):
        with pytest.raises(ValueError, match="two calls with the same x gave different values"):
            numeric_gradient(function, X, DY)


def test_a_check_leaves_running_statistics_as_they_are():
    stats, whole = bn.RunningStatistics(np.zeros(3), np.ones(3)), bn.RunningCovariance(np.zeros(3))
    for method in (None, "complex step", "central differences"):
        try:
            numeric_gradient(
                lambda x: bn.forward(x, np.ones(3), np.zeros(3), running=stats)[0], X, DY, method
            )
        except ValueError:  # the layer takes no complex numbers
            assert method == "complex step"
    numeric_gradient(lambda x: bn.whiten(x, running=whole)[0], X, DY)
    assert not stats.mean.any()
    assert (stats.var == 1).all()
    assert whole.cov is None
    stats.update(np.ones(3), np.ones(3), 4)  # afterwards they learn again
    assert stats.mean.any()


def test_a_function_may_write_its_answers_into_one_array():
    out = np.empty_like(X)
    got = numeric_gradient(lambda x: np.multiply(x, x, out=out), X, DY, "central differences")
    np.testing.assert_allclose(got, 2 * X * DY, atol=1e-8)


# --- compare --------------------------------------------------------------------------------


def test_agreement_is_one_line():
    found = compare("dx", X + 1e-9, X)
    assert found
    assert repr(found) == "dx: shape (4, 3), agrees to 1e-07 of its largest entry"
    found = compare("dgamma", 1.0, 1.0, tolerance=1e-12)
    assert repr(found) == "dgamma: shape (), agrees to 1e-12 of its largest entry"
    assert repr(compare("none", [], [])) == "none: shape (0,), no entries"
    assert repr(compare("dmu", X * 1e-12, 0 * X)) == "dmu: shape (4, 3), is 0 to within 1e-10"
    found = compare("noise", 1e-16, 3e-17, scale=2.5)
    assert repr(found) == "noise: shape (), agrees to 1e-07 of 2.5"


def test_shapes_that_would_broadcast_do_not_agree():
    for got, want in [
        (1.0, np.ones(3)),
        (np.ones((3, 1)), np.ones(3)),
        (np.ones((1, 3)), np.ones(3)),
    ]:
        for a, b in [(got, want), (want, got)]:
            with pytest.raises(GradientMismatch, match=r"^dx: got shape .*, want "):
                compare("dx", a, b)


def test_the_worst_entry_is_named():
    got = X.copy()
    got[1, 2] += 1e-3
    got[2, 0] -= 1e-2
    with pytest.raises(
        GradientMismatch, match=r"^dx at \(2, 0\): got .*, want .* \(relative error"
    ):
        compare("dx", got, X)
    with pytest.raises(GradientMismatch, match=r"^dx: got 2, want 1 "):
        compare("dx", 2, 1)
    assert issubclass(GradientMismatch, AssertionError)


@pytest.mark.filterwarnings("error")
def test_what_is_not_finite_never_agrees():
    for bad in (np.nan, np.inf, -np.inf):
        spoilt = X.copy()
        spoilt[3, 1] = bad
        for got, want in [(spoilt, X), (X, spoilt), (spoilt, spoilt)]:
            with pytest.raises(GradientMismatch, match=r"at \(3, 1\)"):
                compare("dx", got, want)


def test_the_scale_is_the_largest_entry():
    want = np.array([1e6, 1.0])
    assert compare("dx", want + np.array([0, 0.09]), want)
    with pytest.raises(GradientMismatch):
        compare("dx", want + np.array([0, 0.11]), want)
    assert compare("dx", want + np.array([0, 0.11]), want, tolerance=1e-6)
    for size in (1e9, 1e-3, 4e-11, 1e-300):  # a factor of 2 is one at every size
        assert compare("dx", size * X, size * X)
        with pytest.raises(GradientMismatch, match=r"relative error 0\.5"):
            compare("dx", size * X, 2 * size * X)
    tiny = np.array([1e-9, -1e-9])
    with pytest.raises(GradientMismatch):
        compare("vanishes", tiny, 0 * tiny)
    assert compare("vanishes", tiny / 10, 0 * tiny)
    assert compare("vanishes", tiny, tiny * 0.09, scale=1)
    with pytest.raises(GradientMismatch):
        compare("wrong sign", -X, X)


def test_float32_is_compared_in_float64():
    with pytest.raises(GradientMismatch):
        compare("dx", np.float32([1 + 1e-6]), np.float32([1]))
    assert compare("dx", np.float32([1 + 1e-6]), np.float32([1]), tolerance=1e-5)
    assert compare("count", [1, 2], [1.0, 2.0])


@pytest.mark.parametrize("bad", [0, -1e-3, np.nan, "small", True, X])
def test_compare_refuses_a_tolerance_or_scale_that_is_none(bad):
    with pytest.raises(ValueError, match=r"tolerance: got .*, want a number > 0"):
        compare("dx", X, X, bad)
    with pytest.raises(ValueError, match=r"scale: got .*, want a number > 0"):
        compare("dx", X, X, scale=bad)


def test_compare_refuses_what_is_not_a_number():
    with pytest.raises(ValueError, match="got: got <U1 data, want real numbers"):
        compare("dx", "a", X)
    with pytest.raises(ValueError, match="want: got complex128 data, want real numbers"):
        compare("dx", X, X * 1j)
    with pytest.raises(ValueError, match="got: got a masked array"):
        compare("dx", np.ma.masked_array(X, mask=X > 0), X)
    with pytest.raises(ValueError, match="got: got lists of different lengths"):
        compare("dx", [[1.0], [1.0, 2.0]], X)
    with pytest.raises(ValueError, match="want: got object data, want real numbers"):
        compare("dx", 1.0, Fraction(1, 2))
