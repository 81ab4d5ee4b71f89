"""The fast layer against oracles that owe nothing to it: HIPS autograd, complex step, long double.

Shapes and dtypes are compared before values. Upstream gradients are random, gamma and beta away
from 1 and 0: with a constant dy a backward pass that forgets half of its terms would pass.
"""

import math

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import make_vjp
from hypothesis import given, settings
from hypothesis import strategies as st

from batchnorm import layer
from batchnorm.layer import Cache, RunningStatistics, backward, forward
from batchnorm.reference import batch_norm

BACKWARDS = [layer.backward, layer.backward_compact, layer.backward_staged]
WORK = {np.float64: np.float64, np.float32: np.float32, np.float16: np.float32}
pytestmark = pytest.mark.filterwarnings("error")
every_backward = pytest.mark.parametrize("backward", BACKWARDS, ids=lambda b: b.__name__)


# --- oracles --------------------------------------------------------------------------------


def beside(c, axis, ndim):
    """A constant of gamma's shape, shaped to broadcast against x."""
    for a in sorted(axis):
        c = anp.expand_dims(c, a)
    assert c.ndim == ndim
    return c


def plain(x, gamma, beta, eps, axis):
    """Batch norm without a thought for speed, for autograd's arrays and complex numbers."""
    mu = anp.mean(x, axis=axis, keepdims=True)
    var = anp.mean((x - mu) ** 2, axis=axis, keepdims=True)
    x_hat = (x - mu) / anp.sqrt(var + eps)
    return beside(gamma, axis, x.ndim) * x_hat + beside(beta, axis, x.ndim)


def plain_evaluation(x, gamma, beta, eps, axis, mean, var):
    gamma, beta, mean, var = (beside(c, axis, x.ndim) for c in (gamma, beta, mean, var))
    return gamma * (x - mean) / anp.sqrt(var + eps) + beta


def complex_step(function, dy, arguments, k, h=1e-30):
    """The gradient of sum(dy * function(*arguments)) with respect to argument k."""
    gradient = np.empty(arguments[k].shape)
    for index in np.ndindex(gradient.shape):
        moved = [np.asarray(a, complex) for a in arguments]
        moved[k] = moved[k].copy()
        moved[k][index] += 1j * h
        gradient[index] = np.sum(dy * np.imag(function(*moved))) / h
    return gradient


def agree(got, want, dtype, tolerance, size=None):
    """Equal shape and dtype, then values: to `tolerance` times the size of what was added up."""
    assert got.shape == want.shape
    assert got.dtype == dtype
    assert np.isfinite(want).all()
    size = np.abs(want).max() if size is None else size
    np.testing.assert_allclose(got.astype(float), want, rtol=0, atol=tolerance * size)


def batch(shape, axis=0, seed=0, dtype=np.float64, scale=1.0, offset=0.0):
    """x, dy, gamma, beta."""
    rng = np.random.default_rng(seed)
    axis = axis if isinstance(axis, tuple) else (axis,)
    kept = tuple(n for a, n in enumerate(shape) if a not in axis)
    x = scale * rng.standard_normal(shape) + offset
    dy = rng.standard_normal(shape)
    gamma, beta = rng.uniform(0.5, 2, (2, *kept)) * rng.choice([-1, 1], (2, *kept))
    return [np.asarray(v, dtype) for v in (x, dy, gamma, beta)]


# --- against the oracles --------------------------------------------------------------------

SIZES = {"BLOCK": 30, "CHUNK": 4, "RUN": 4, "LONG": 5, "SMALL": 12}
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-6, np.float16: 2e-3}


@st.composite
def problems(draw):
    """Shape, axes, dtype, scale and offset of a batch, and where the fast path cuts it up."""
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    axes = st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True)
    return (
        shape,
        tuple(draw(axes)),
        draw(st.sampled_from([np.float64, np.float32, np.float16])),
        draw(st.sampled_from([0.3, 1.0, 10.0])),
        draw(st.sampled_from([0.0, 3.0, -100.0])),
        {name: draw(st.integers(1, most)) for name, most in SIZES.items()},
        draw(st.integers(0, 2**32 - 1)),
    )


@pytest.mark.parametrize("training", [True, False])
@given(problem=problems())
@settings(max_examples=200, deadline=None)
def test_agrees_with_autograd(problem, training):
    shape, given_axis, dtype, scale, offset, sizes, seed = problem
    x, dy, gamma, beta = batch(shape, given_axis, seed, dtype, scale, offset)
    axis, eps, work, tolerance = tuple(sorted(given_axis)), 0.1, WORK[dtype], TOLERANCE[dtype]
    rng = np.random.default_rng(seed)
    mean = offset + scale * rng.standard_normal(gamma.shape)
    var = scale**2 * rng.uniform(0.5, 2, gamma.shape)

    def function(arguments):
        if training:
            return plain(*arguments, eps, axis)
        return plain_evaluation(*arguments, eps, axis, mean, var)

    vjp, want_y = make_vjp(function)(tuple(a.astype(float) for a in (x, gamma, beta)))
    want = vjp(dy.astype(float))
    running = None if training else RunningStatistics(mean, var)
    with pytest.MonkeyPatch.context() as patch:
        for name, size in sizes.items():
            patch.setattr(layer, name, size)
        layer._layout.cache_clear()  # a layout remembers LONG
        y, cache = forward(x, gamma, beta, eps, axis=given_axis, running=running, training=training)
        answers = [b(dy, cache) for b in BACKWARDS]
    layer._layout.cache_clear()

    assert cache.x_hat.shape == shape
    assert cache.x_hat.dtype == cache.s.dtype == work
    assert (cache.axis, cache.training, cache.dtype) == (axis, training, np.dtype(dtype))
    # A size for each: of the terms that are added up, which may cancel
    x_hat = np.abs(cache.x_hat).astype(float)
    m = x.size / gamma.size
    terms = np.abs(beside(gamma / cache.s, axis, x.ndim) * dy).max() * (3 + x_hat.max() ** 2)
    agree(y, want_y, dtype, tolerance, 10 * max(1, x_hat.max()))
    for dx, dgamma, dbeta in answers:
        agree(dx, want[0], dtype, tolerance, 3 * terms)
        agree(dgamma, want[1], work, tolerance, m * np.abs(dy).max() * (1 + x_hat.max()) * 3)
        agree(dbeta, want[2], work, tolerance, m * np.abs(dy).max())


@every_backward
@pytest.mark.parametrize(
    ("shape", "axis"), [((5, 3), 0), ((2, 3, 2, 2), (0, 2, 3)), ((3, 4), 1), ((6,), 0)]
)
def test_agrees_with_complex_step(backward, shape, axis):
    x, dy, gamma, beta = batch(shape, axis)
    axes = axis if isinstance(axis, tuple) else (axis,)
    y, cache = forward(x, gamma, beta, 0.01, axis=axis)
    agree(y, plain(x, gamma, beta, 0.01, axes), np.float64, 1e-14)
    for k, got in enumerate(backward(dy, cache)):
        want = complex_step(
            lambda x, gamma, beta: plain(x, gamma, beta, 0.01, axes), dy, [x, gamma, beta], k
        )
        agree(got, want, np.float64, 1e-13)


def test_agrees_with_central_differences_of_itself():
    x, dy, gamma, beta = batch((4, 3))
    dx = backward(dy, forward(x, gamma, beta)[1])[0]
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-5
        ends = (np.sum(dy * forward(x + sign * step, gamma, beta)[0]) for sign in (1, -1))
        assert dx[index] == pytest.approx((next(ends) - next(ends)) / 2e-5, abs=1e-8)


def test_agrees_with_the_reference():
    x, _, gamma, beta = batch((300, 7), offset=5)
    agree(forward(x, gamma, beta, 1e-3)[0], batch_norm(x, gamma, beta, 1e-3), np.float64, 1e-14)


# --- the fast path: blocks, chunks and runs -------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        *(((m, d), 0) for m in (255, 256, 257, 511, 512, 513) for d in (1, 7)),
        ((2**16 // 64 - 1, 64), 0),
        ((2**16 // 64, 64), 0),
        ((2**16 // 64 + 1, 64), 0),
        ((2 * 2**16 // 64 + 1, 64), 0),
        ((3, 2**16 + 1), 0),
        ((3, 8191), 1),
        ((3, 8193), 1),
        ((40, 3, 16, 16), (0, 2, 3)),
        ((40, 30, 7, 9), (0, 2, 3)),
        ((300, 5, 60), (0, 2)),
        ((70, 20, 60), (1,)),
        ((70, 20, 60), (0, 1)),
    ],
    ids=str,
)
def test_agrees_across_the_edges_of_blocks(shape, axis):
    x, dy, gamma, beta = batch(shape, axis, dtype=np.float32, offset=2)
    axes = axis if isinstance(axis, tuple) else (axis,)
    y, cache = forward(x, gamma, beta, axis=axis)
    agree(y, plain(*(v.astype(float) for v in (x, gamma, beta)), 1e-5, axes), np.float32, 1e-6)
    dx, dgamma, dbeta = backward(dy, cache)
    exact = cache._replace(**{k: getattr(cache, k).astype(float) for k in ("x_hat", "gamma", "s")})
    want = layer.backward_staged(dy, exact._replace(dtype=np.dtype(float)))
    agree(dx, want[0], np.float32, 1e-6)
    agree(dgamma, want[1], np.float32, 1e-6)
    agree(dbeta, want[2], np.float32, 1e-6)


def test_views_and_other_memory_orders_give_the_same():
    x, dy, gamma, beta = batch((40, 6))
    y, cache = forward(x, gamma, beta)
    want = backward(dy, cache)
    for other in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2], lambda a: a[::-1]):
        backwards = other(x)[0, 0] != x[0, 0]
        y2, cache2 = forward(other(x), gamma, beta)
        dx2, dgamma2, dbeta2 = backward(other(dy), cache2)
        agree(y2, y[::-1] if backwards else y, np.float64, 1e-14)
        agree(dx2, want[0][::-1] if backwards else want[0], np.float64, 1e-13)
        agree(dgamma2, want[1], np.float64, 1e-13)
        agree(dbeta2, want[2], np.float64, 1e-13)


def test_a_big_offset_costs_float32_nothing():
    # E[x²] - mu² gives variances like 0 or 131072 here, NumPy's own mean and var are off as well
    for shape, axis in [((20000, 3), 0), ((4, 3, 50, 50), (0, 2, 3)), ((3, 20000), 1)]:
        x, dy, gamma, beta = batch(shape, axis, dtype=np.float32, offset=1e6)
        axes = axis if isinstance(axis, tuple) else (axis,)
        exact = [v.astype(np.longdouble) for v in (x, gamma, beta)]
        running = RunningStatistics(momentum=1)
        y, cache = forward(x, gamma, beta, axis=axis, running=running)
        agree(y, plain(*exact, 1e-5, axes), np.float32, 1e-6)
        agree(running.mean, np.mean(exact[0], axis=axis), np.float64, 1e-12)
        agree(cache.var, np.var(exact[0], axis=axis), np.float32, 1e-6)
        assert np.abs(cache.x_hat.sum(axis=axis, dtype=float)).max() < 1e-7 * x.size
        vjp, _ = make_vjp(lambda x, g=gamma, b=beta, a=axes: plain(x, g, b, 1e-5, a))(
            x.astype(float)
        )
        agree(backward(dy, cache)[0], vjp(dy.astype(float)), np.float32, 1e-6)


# --- identities of the mathematics ----------------------------------------------------------


@every_backward
def test_what_dx_has_lost(backward):
    eps = 0.3
    x, dy, gamma, beta = batch((9, 4), scale=0.7)
    _, cache = forward(x, gamma, beta, eps)
    dx, dgamma, _ = backward(dy, cache)
    np.testing.assert_allclose(dx.sum(axis=0), 0, atol=1e-14)
    along = np.sum(dx * cache.x_hat, axis=0)
    np.testing.assert_allclose(along, gamma * eps * cache.s**-3.0 * dgamma, rtol=1e-12)
    assert np.abs(along).min() > 1e-3


@every_backward
def test_two_samples_in_closed_form(backward):
    x, dy, gamma, beta = batch((2, 5))
    for eps, rtol in ((0.3, 1e-12), (1e-5, 1e-7)):
        _, cache = forward(x, gamma, beta, eps)
        want = gamma * eps * cache.s**-3 * (dy - dy.mean(axis=0))
        np.testing.assert_allclose(backward(dy, cache)[0], want, rtol=rtol)
    _, cache = forward(x, gamma, beta, 0)
    np.testing.assert_allclose(backward(dy, cache)[0], 0, atol=1e-14 / np.abs(cache.s).min())


@every_backward
def test_a_constant_dy_gives_no_dx(backward):
    x, dy, gamma, beta = batch((7, 3))
    _, cache = forward(x, gamma, beta)
    dx, dgamma, dbeta = backward(np.tile(dy[0], (7, 1)), cache)
    np.testing.assert_allclose(dx, 0, atol=1e-13)
    np.testing.assert_allclose(dgamma, 0, atol=1e-13)
    np.testing.assert_allclose(dbeta, 7 * dy[0], rtol=1e-14)


@every_backward
def test_evaluation_mode_is_diagonal(backward):
    x, dy, gamma, beta = batch((6, 3))
    running = RunningStatistics(np.array([1.0, -2.0, 0.5]), np.array([0.5, 2.0, 3.0]))
    y, cache = forward(x, gamma, beta, running=running, training=False)
    root = np.sqrt(running.var + 1e-5)
    agree(y, gamma * (x - running.mean) / root + beta, np.float64, 1e-14)
    dx, _, _ = backward(dy, cache)
    agree(dx, gamma * dy / root, np.float64, 1e-14)
    dy[0] += 1
    changed = backward(dy, cache)[0] != dx
    assert changed[0].all()
    assert not changed[1:].any()


def test_one_sample_gives_beta_and_no_gradient():
    x, dy, gamma, beta = batch((1, 3))
    y, cache = forward(x, gamma, beta)
    np.testing.assert_array_equal(y, beta[None])
    dx, dgamma, dbeta = backward(dy, cache)
    np.testing.assert_array_equal(dx, np.zeros((1, 3)))
    np.testing.assert_array_equal(dgamma, np.zeros(3))
    np.testing.assert_array_equal(dbeta, dy[0])


# --- running statistics ---------------------------------------------------------------------


@pytest.mark.parametrize("unbiased", [True, False])
def test_running_statistics_follow_the_batches(unbiased):
    running = RunningStatistics(momentum=0.3, unbiased=unbiased)
    mean, var = np.zeros(3), np.ones(3)
    for seed in range(3):
        x, _, gamma, beta = batch((8, 3), seed=seed, offset=seed)
        forward(x, gamma, beta, running=running)
        mean = 0.7 * mean + 0.3 * x.mean(axis=0)
        var = 0.7 * var + 0.3 * x.var(axis=0, ddof=int(unbiased))
        agree(running.mean, mean, np.float64, 1e-14)
        agree(running.var, var, np.float64, 1e-14)
        forward(x, gamma, beta, running=running, training=False)
        agree(running.mean, mean, np.float64, 1e-14)


def test_running_statistics_over_image_axes_and_in_float32():
    x, _, gamma, beta = batch((4, 3, 5, 5), (0, 2, 3), dtype=np.float32, offset=3)
    running = RunningStatistics(np.zeros(3), np.ones(3), momentum=1)
    forward(x, gamma, beta, axis=(0, 2, 3), running=running)
    agree(running.mean, x.mean(axis=(0, 2, 3), dtype=float), np.float64, 1e-7)
    agree(running.var, x.var(axis=(0, 2, 3), dtype=float, ddof=1), np.float64, 1e-6)


def test_an_update_leaves_the_arrays_it_was_given_alone():
    mean, var = np.zeros(3), np.ones(3)
    x, _, gamma, beta = batch((8, 3))
    forward(x, gamma, beta, running=RunningStatistics(mean, var))
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_array_equal(var, 1)


def test_a_batch_of_one_has_no_unbiased_variance():
    x, _, gamma, beta = batch((1, 3))
    running = RunningStatistics()
    with pytest.raises(ValueError, match="running: a batch of one has no unbiased variance"):
        forward(x, gamma, beta, running=running)
    assert (running.mean, running.var) == (0.0, 1.0)
    running.unbiased = False
    forward(x, gamma, beta, running=running)
    agree(running.mean, 0.1 * x[0], np.float64, 1e-14)
    agree(running.var, np.full(3, 0.9), np.float64, 1e-14)


def test_a_refused_batch_leaves_running_statistics_as_they_were():
    x, _, gamma, beta = batch((8, 3))
    running = RunningStatistics()
    x[3, 1] = np.nan
    with pytest.raises(ValueError, match="x: got nan"):
        forward(x, gamma, beta, running=running)
    assert (running.mean, running.var) == (0.0, 1.0)


# --- dtypes, out, and what must not change --------------------------------------------------


def test_integers_lists_and_foreign_byte_orders():
    x = [[1, 2], [3, 5], [4, -4]]
    want, _ = forward(np.array(x, float), np.array([2.0, 3.0]), np.array([1.0, 0.5]))
    for other in (x, np.array(x), np.array(x, np.int16)):
        agree(forward(other, [2, 3], [1, 0.5])[0], want, np.float64, 1e-15)
    agree(forward(np.array(x, ">f4"), [2, 3], [1, 0.5])[0], want, np.float32, 1e-6)


def test_wider_parameters_do_not_widen_the_result():
    x, dy, gamma, beta = batch((5, 3), dtype=np.float32)
    y, cache = forward(x, gamma.astype(float), beta.astype(float))
    assert y.dtype == np.float32
    assert [v.dtype for v in backward(dy.astype(float), cache)] == [np.float32] * 3


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("shape", "axis"), [((40, 6), 0), ((4, 3, 2, 5), (0, 2, 3)), ((4, 3, 5), (0, 2)), ((4, 5), 1)]
)
def test_out_is_written_and_returned(dtype, order, shape, axis):
    x, dy, gamma, beta = batch(shape, axis, dtype=dtype)
    want_y, cache = forward(x, gamma, beta, axis=axis)
    want_dx = backward(dy, cache)[0]
    room = np.full(shape, np.nan, dtype, order)
    y, _ = forward(x, gamma, beta, axis=axis, out=room)
    assert y is room
    np.testing.assert_array_equal(room, want_y)
    room.fill(np.nan)
    assert backward(dy, cache, out=room)[0] is room
    np.testing.assert_array_equal(room, want_dx)


def test_out_may_be_a_part_of_a_larger_array():
    x, dy, gamma, beta = batch((40, 6))
    _, cache = forward(x, gamma, beta)
    whole = np.zeros((40, 12))
    backward(dy, cache, out=whole[:, ::2])
    np.testing.assert_array_equal(whole[:, ::2], backward(dy, cache)[0])
    assert not whole[:, 1::2].any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64])
@pytest.mark.parametrize("axis", [0, 1, (0, 1)])
def test_nothing_that_goes_in_changes(dtype, axis):
    x, dy, gamma, beta = batch((40, 6), axis, dtype=dtype, scale=9)
    before = [v.copy() for v in (x, dy, gamma, beta)]
    _, cache = forward(x, gamma, beta, axis=axis)
    saved = [v.copy() for v in cache[:5]]
    first = [b(dy, cache) for b in BACKWARDS]
    for v, old in zip((x, dy, gamma, beta), before, strict=True):
        np.testing.assert_array_equal(v, old)
    for v, old in zip(cache[:5], saved, strict=True):
        np.testing.assert_array_equal(v, old)
    gamma += 1  # training the parameter must not reach back into the cache
    for b, answer in zip(BACKWARDS, first, strict=True):
        for v, old in zip(b(dy, cache), answer, strict=True):
            np.testing.assert_array_equal(v, old)


def test_float16_sums_do_not_overflow():
    x, dy, gamma, beta = batch((2048, 2), dtype=np.float16, scale=40, offset=300)
    y, cache = forward(x, gamma, beta)
    agree(y, plain(*(v.astype(float) for v in (x, gamma, beta)), 1e-5, (0,)), np.float16, 1e-3)
    agree(
        backward(dy + np.float16(100), cache)[2], (dy + np.float16(100)).sum(0, float), "f4", 1e-6
    )


def test_overflow_of_a_result_is_inf_and_no_warning():
    x, dy, gamma, beta = batch((8, 3), dtype=np.float16)
    y, cache = forward(x, gamma * 30000, beta)
    assert np.isinf(y).any()
    with np.errstate(all="raise"):
        for b in BACKWARDS:
            assert np.isinf(b(dy * 60, cache)[0]).any()


@every_backward
def test_large_gradients_are_finite_even_where_their_squares_are_not(backward):
    x, dy, gamma, beta = batch((8, 3))
    _, cache = forward(x, gamma, beta)
    for got, want in zip(backward(dy * 1e200, cache), backward(dy, cache), strict=True):
        agree(got, want * 1e200, np.float64, 1e-13)


# --- what is refused ------------------------------------------------------------------------

X, DY, GAMMA, BETA = batch((4, 3))
HUGE = np.full((4, 3), 3e38, np.float32) * np.array([[1], [1], [1], [-1]], np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((0, 3))}, r"x: got no entries, shape \(0, 3\)"),
        ({"x": np.zeros((4, 0)), "gamma": [], "beta": []}, r"x: got no entries, shape \(4, 0\)"),
        ({"x": 3.0}, "axis: got .*, want axes of x"),
        ({"x": X.astype(complex)}, "x: got complex128 data, want"),
        ({"x": X.astype(str)}, "x: got <U.* data, want"),
        ({"x": X.astype(object)}, "x: got object data, want"),
        ({"x": X > 0}, "x: got bool data, want"),
        ({"x": X.astype(np.longdouble)}, "x: got .* data, want"),
        ({"x": None}, "x: got object data, want"),
        ({"x": [[1, 2], [3]]}, "x: got .*, want an array of numbers"),
        ({"x": HUGE[:3]}, "x: got numbers whose sums overflow"),
        ({"x": HUGE / 4}, "x: got numbers whose squares overflow"),
        ({"gamma": np.ones(4)}, r"gamma: got shape \(4,\), want \(3,\)"),
        ({"gamma": np.ones((1, 3))}, r"gamma: got shape \(1, 3\), want \(3,\)"),
        ({"gamma": 1.0}, r"gamma: got shape \(\), want \(3,\)"),
        ({"gamma": [1, np.nan, 1]}, "gamma: got an entry that is not finite"),
        ({"x": X.astype("f4"), "gamma": [1, 1e300, 1]}, "gamma: got .* not finite in float32"),
        ({"gamma": ["a", "b", "c"]}, "gamma: got <U1 data"),
        ({"beta": np.ones(2)}, r"beta: got shape \(2,\), want \(3,\)"),
        ({"beta": [1, 1, -np.inf]}, "beta: got an entry that is not finite"),
        ({"beta": [1j, 0, 0]}, "beta: got complex128 data"),
        ({"eps": -1e-9}, "eps: got -1e-09, want a finite number >= 0"),
        ({"eps": np.inf}, "eps: got inf"),
        ({"eps": np.nan}, "eps: got nan"),
        ({"eps": "small"}, "eps: got 'small'"),
        ({"eps": None}, "eps: got None"),
        ({"axis": 2}, r"axis: got \(2,\), want axes of x, whose shape is \(4, 3\)"),
        ({"axis": -3}, r"axis: got \(-3,\)"),
        ({"axis": ()}, r"axis: got \(\)"),
        ({"axis": (0, -2)}, r"axis: got \(0, -2\), want each axis once"),
        ({"axis": 0.0}, "axis: got 0.0, want an integer or a tuple"),
        ({"axis": (0, None)}, "axis: got .*, want an integer or a tuple"),
        ({"training": False}, "running: got NoneType, want RunningStatistics"),
        ({"running": (0, 1)}, "running: got tuple, want RunningStatistics"),
        ({"running": RunningStatistics(np.zeros(2))}, r"running.mean: got shape \(2,\), want a"),
        ({"running": RunningStatistics(0.0, [1, 1])}, r"running.var: got shape \(2,\), want a"),
        ({"running": RunningStatistics(np.nan)}, "running.mean: got an entry that is not finite"),
        ({"running": RunningStatistics(0.0, -1.0)}, "running.var: got an entry below 0"),
        ({"out": [0.0]}, "out: got list, want an array"),
        ({"out": np.empty((3, 4))}, r"out: got float64 \(3, 4\), want float64 \(4, 3\)"),
        ({"out": np.empty((4, 3), "f4")}, r"out: got float32 \(4, 3\), want float64"),
        ({"out": np.broadcast_to(1.0, (4, 3))}, "out: got a read-only array"),
        ({"out": X}, "out: got memory of x"),
    ],
)
def test_forward_refuses(change, message):
    arguments = {"x": X, "gamma": GAMMA, "beta": BETA, **change}
    with pytest.raises(ValueError, match=message):
        forward(**arguments)


@every_backward
@pytest.mark.parametrize(
    ("dy", "message"),
    [
        (DY[:3], r"dy: got shape \(3, 3\), want \(4, 3\), that of x"),
        (DY[:1], r"dy: got shape \(1, 3\)"),  # would broadcast
        (1.0, r"dy: got shape \(\)"),
        (DY.T, r"dy: got shape \(3, 4\)"),
        (DY.astype(complex), "dy: got complex128 data"),
        (DY.astype(object), "dy: got object data"),
        (np.full((4, 3), 1e308), "dy: got numbers whose sums overflow"),
    ],
)
def test_backward_refuses(backward, dy, message):
    with pytest.raises(ValueError, match=message):
        backward(dy, forward(X, GAMMA, BETA)[1])


@every_backward
def test_backward_refuses_what_is_no_cache(backward):
    y, _ = forward(X, GAMMA, BETA)
    with pytest.raises(ValueError, match="cache: got ndarray, want what forward returned"):
        backward(DY, y)


def test_backward_refuses_an_out_that_overlaps():
    _, cache = forward(X, GAMMA, BETA)
    dy = DY.copy()
    for out, name in ((dy, "dy"), (dy[::-1], "dy"), (cache.x_hat, "x_hat")):
        with pytest.raises(ValueError, match=f"out: got memory of {name}"):
            backward(dy, cache, out=out)
    np.testing.assert_array_equal(dy, DY)


@given(
    st.sampled_from([(7, 5), (2, 3, 4), (600, 2)]),
    st.sampled_from([np.nan, np.inf, -np.inf]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_one_entry_that_is_not_finite_is_found(shape, bad, training, seed):
    x, dy, gamma, beta = batch(shape, seed=seed)
    running = RunningStatistics()
    options = {"running": running, "training": training}
    _, cache = forward(x, gamma, beta, **options)
    where = tuple(int(np.random.default_rng(seed).integers(n)) for n in shape)
    place = str(where).replace("(", r"\(").replace(")", r"\)")
    dy[where] = bad
    for b in BACKWARDS:
        with pytest.raises(ValueError, match=f"dy: got {bad} at {place}, want finite"):
            b(dy, cache)
    x[where] = bad
    with pytest.raises(ValueError, match=f"x: got {bad} at {place}, want finite"):
        forward(x, gamma, beta, **options)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("value", [0.0, 0.1, 12345.678])
def test_no_spread_needs_eps(dtype, value):
    # The mean of equal numbers is rounded, so their computed variance need not be 0
    x, _, gamma, beta = batch((77, 3), dtype=dtype)
    x[:, 1] = value
    with pytest.raises(ValueError, match=r"x: got variance 0 in feature \(1,\), .*eps > 0"):
        forward(x, gamma, beta, 0)
    with pytest.raises(ValueError, match=r"x: got variance 0 in feature \(0,\)"):
        forward(x, gamma, beta, 0, running=RunningStatistics(0.0, 0.0), training=False)
    y, _ = forward(x, gamma, beta)
    np.testing.assert_allclose(y[:, 1], beta[1], rtol=1e-3)


def test_no_spread_is_seen_through_rounding():
    x, _, gamma, beta = batch((3, 3775), 1, dtype=np.float32)
    x[1] = 242.0900347  # found by search: its computed variance is 6e-14
    with pytest.raises(ValueError, match=r"x: got variance 0 in feature \(1,\)"):
        forward(x, gamma, beta, 0, axis=1)


def test_an_eps_that_vanishes_in_float32_is_no_eps():
    x = np.ones((4, 2), np.float32)
    with pytest.raises(ValueError, match=r"x: got variance 0 in feature \(0,\), .*eps > 1e-90"):
        forward(x, np.ones(2), np.zeros(2), 1e-90)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, math.nan, "0.1", None])
def test_momentum_is_a_weight(momentum):
    with pytest.raises(ValueError, match=r"momentum: got .*, want a number from 0 to 1"):
        RunningStatistics(momentum=momentum)


def test_the_cache_says_what_it_holds():
    _, cache = forward(X, GAMMA, BETA, 0.5)
    assert isinstance(cache, Cache)
    agree(cache.mu, X.mean(axis=0), np.float64, 1e-15)
    agree(cache.var, X.var(axis=0), np.float64, 1e-15)
    agree(cache.s, np.sqrt(X.var(axis=0) + 0.5), np.float64, 1e-15)
    agree(cache.x_hat, (X - cache.mu) / cache.s, np.float64, 1e-15)
