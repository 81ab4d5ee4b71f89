"""The gradient checker: right where the answer is known, and not to be fooled."""

import doctest

import numpy as np
import pytest

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


# --- compare --------------------------------------------------------------------------------


def test_agreement_is_one_line():
    found = compare("dx", X + 1e-9, X)
    assert found
    assert repr(found) == "dx: shape (4, 3), agrees to 1e-07"
    assert repr(compare("dgamma", 1.0, 1.0, tolerance=1e-12)) == "dgamma: shape (), agrees to 1e-12"
    assert repr(compare("none", [], [])) == "none: shape (0,), agrees to 1e-07"


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
    tiny = np.array([1e-9, -1e-9])
    assert compare("vanishes", tiny * 0, tiny * 0.09)
    with pytest.raises(GradientMismatch):
        compare("vanishes", tiny, 0 * tiny)
    with pytest.raises(GradientMismatch):
        compare("wrong sign", -X, X)


def test_float32_is_compared_in_float64():
    with pytest.raises(GradientMismatch):
        compare("dx", np.float32([1 + 1e-6]), np.float32([1]))
    assert compare("dx", np.float32([1 + 1e-6]), np.float32([1]), tolerance=1e-5)
    assert compare("count", [1, 2], [1.0, 2.0])


@pytest.mark.parametrize("tolerance", [0, -1e-3, np.nan])
def test_compare_refuses_a_tolerance_that_is_none(tolerance):
    with pytest.raises(ValueError, match=r"tolerance: got .*, want a number > 0"):
        compare("dx", X, X, tolerance)


def test_compare_refuses_what_is_not_a_number():
    with pytest.raises(ValueError, match="got: got <U1 data, want real numbers"):
        compare("dx", "a", X)
    with pytest.raises(ValueError, match="want: got complex128 data, want real numbers"):
        compare("dx", X, X * 1j)
