"""The fast layer against oracles that owe nothing to it: HIPS autograd, complex step, long double.

Shapes and dtypes are compared before values. Upstream gradients are random, gamma and beta away
from 1 and 0: a constant dy does not see the variance term, nor a forgotten gamma.
"""

import itertools
import math

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import make_vjp
from hypothesis import given, settings
from hypothesis import strategies as st

from batchnorm import blocks, reference, validate
from batchnorm.layer import Cache, RunningStatistics, backward, forward
from batchnorm.reference import batch_norm

WORK = {np.float64: np.float64, np.float32: np.float32, np.float16: np.float32}
pytestmark = pytest.mark.filterwarnings("error")


# --- oracles --------------------------------------------------------------------------------


def beside(c, axis, ndim):
    """A constant of the shape that x has without axis, or of all of x's axes, beside x."""
    for a in sorted(axis) if c.ndim < ndim else ():
        c = anp.expand_dims(c, a)
    assert c.ndim == ndim
    return c


def in_all_axes(c, shape, axis):
    """The same parameter with all of x's axes: as x without axis, else along x's last axes."""
    if c.shape == tuple(n for a, n in enumerate(shape) if a not in axis):
        return beside(c, axis, len(shape))
    return c.reshape((1,) * (len(shape) - c.ndim) + c.shape)


def to_read(plain_backward):
    """A backward pass of the reference, for what `forward` left."""

    def backward(dy, cache):
        ndim = dy.ndim
        gamma, s = (beside(c, cache.axis, ndim) for c in (cache.gamma, cache.s))
        dx, dgamma, dbeta = plain_backward(dy, cache.x_hat, gamma, s)
        return dx, dgamma.reshape(cache.gamma.shape), dbeta.reshape(cache.gamma.shape)

    return backward


BACKWARDS = {
    "fast": backward,
    "compact": to_read(reference.backward_compact),
    "staged": to_read(reference.backward_staged),
}
every_backward = pytest.mark.parametrize("backward", BACKWARDS.values(), ids=BACKWARDS)


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


def compare(got, want, dtype, tolerance, size=None):
    """Equal shape and dtype, then values: to `tolerance` times the size of what was added up."""
    assert got.shape == want.shape
    assert got.dtype == dtype
    assert np.isfinite(want).all()
    size = np.abs(want).max() if size is None else size
    np.testing.assert_allclose(got.astype(float), want, rtol=0, atol=tolerance * size)


def batch(shape, axis=0, seed=0, dtype=np.float64, scale=1.0, offset=0.0, learned=None):
    """x, dy, gamma, beta, the last two of the shape that x has without axis, or of those given."""
    rng = np.random.default_rng(seed)
    axis = axis if isinstance(axis, tuple) else (axis,)
    kept = tuple(n for a, n in enumerate(shape) if a not in axis)
    x = scale * rng.standard_normal(shape) + offset
    dy = rng.standard_normal(shape)
    gamma, beta = (rng.uniform(0.5, 2, n) * rng.choice([-1, 1], n) for n in learned or [kept] * 2)
    return [np.asarray(v, dtype) for v in (x, dy, gamma, beta)]


# --- against the oracles --------------------------------------------------------------------

SIZES = {"BLOCK": 30, "CHUNK": 4, "RUN": 4}
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-6, np.float16: 2e-3}


@st.composite
def problems(draw, training):
    """Shape, axes, where gamma and beta are learned, dtype, scale and offset, and the blocks."""
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    axes = st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True)
    axis = tuple(draw(axes.filter(lambda axis: training or 0 in axis)))
    some = st.sampled_from(list(itertools.product(*({1, n} for n in shape))))
    kept = st.just(tuple(n for a, n in enumerate(shape) if a not in axis))
    form = st.one_of(some, kept) if 0 in axis else some
    return (
        shape,
        axis,
        (draw(form), draw(form)),
        draw(st.sampled_from([np.float64, np.float32, np.float16])),
        draw(st.sampled_from([0.3, 1.0, 10.0])),
        draw(st.sampled_from([0.0, 3.0, -100.0])),
        {name: draw(st.integers(1, most)) for name, most in SIZES.items()},
        draw(st.integers(0, 2**32 - 1)),
    )


@pytest.mark.parametrize("training", [True, False])
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_agrees_with_autograd(data, training):
    problem = data.draw(problems(training))
    shape, given_axis, learned, dtype, scale, offset, sizes, seed = problem
    x, dy, gamma, beta = batch(shape, given_axis, seed, dtype, scale, offset, learned)
    axis, eps, work, tolerance = tuple(sorted(given_axis)), 0.1, WORK[dtype], TOLERANCE[dtype]
    rng = np.random.default_rng(seed)
    kept = tuple(n for a, n in enumerate(shape) if a not in axis)
    mean = offset + scale * rng.standard_normal(kept)
    var = scale**2 * rng.uniform(0.5, 2, kept)

    def function(arguments):
        if training:
            return plain(*arguments, eps, axis)
        return plain_evaluation(*arguments, eps, axis, mean, var)

    vjp, want_y = make_vjp(function)(tuple(a.astype(float) for a in (x, gamma, beta)))
    want = vjp(dy.astype(float))
    running = None if training else RunningStatistics(mean, var)
    with pytest.MonkeyPatch.context() as patch:
        for name, size in sizes.items():
            patch.setattr(blocks, name, size)
        y, cache = forward(x, gamma, beta, eps, axis=given_axis, running=running, training=training)
        dx, dgamma, dbeta = backward(dy, cache)

    assert cache.x_hat.shape == shape
    assert cache.mu.shape == cache.var.shape == cache.s.shape == kept
    assert cache.x_hat.dtype == cache.s.dtype == work
    assert (cache.axis, cache.training, cache.dtype) == (axis, training, np.dtype(dtype))
    # A size for each: of the terms that are added up, which may cancel
    x_hat = np.abs(cache.x_hat).astype(float).max()
    most = np.abs(dy).max()
    terms = most * np.abs(gamma).max() / cache.s.min() * (3 + x_hat**2)
    compare(y, want_y, dtype, tolerance, 10 * max(1, x_hat))
    compare(dx, want[0], dtype, tolerance, 3 * terms)
    compare(dgamma, want[1], work, tolerance, x.size / gamma.size * most * (1 + x_hat) * 3)
    compare(dbeta, want[2], work, tolerance, x.size / beta.size * most)


@every_backward
@pytest.mark.parametrize(
    ("shape", "axis"), [((5, 3), 0), ((2, 3, 2, 2), (0, 2, 3)), ((3, 4), 1), ((6,), 0)]
)
def test_agrees_with_complex_step(backward, shape, axis):
    x, dy, gamma, beta = batch(shape, axis)
    axes = axis if isinstance(axis, tuple) else (axis,)
    y, cache = forward(x, gamma, beta, 0.01, axis=axis)
    compare(y, plain(x, gamma, beta, 0.01, axes), np.float64, 1e-14)
    for k, got in enumerate(backward(dy, cache)):
        want = complex_step(
            lambda x, gamma, beta: plain(x, gamma, beta, 0.01, axes), dy, [x, gamma, beta], k
        )
        compare(got, want, np.float64, 1e-13)


def moments(x, axis):
    mu = anp.mean(x, axis=axis, keepdims=True)
    return mu, anp.sqrt(anp.mean((x - mu) ** 2, axis=axis, keepdims=True) + 1e-3)


def named_norm(subscripts, axis):
    """y = gamma * x_hat + beta, the axes of gamma and beta named as einsum does."""

    def norm(arguments):
        x, gamma, beta = arguments
        mu, s = moments(x, axis)
        ones = anp.ones(x.shape)
        return anp.einsum(subscripts, (x - mu) / s, gamma) + anp.einsum(subscripts, ones, beta)

    return norm


@pytest.mark.parametrize(
    ("shape", "axis", "subscripts", "learned", "spellings"),
    [
        ((6, 4), 0, "md,d->md", (4,), [(4,), (1, 4)]),
        ((5, 3, 2, 4), (0, 2, 3), "nchw,c->nchw", (3,), [(3,), (3, 1, 1), (1, 3, 1, 1)]),
        ((4, 3, 3, 3), (0, 2, 3), "nchw,c->nchw", (3,), [(3,), (3, 1, 1), (1, 3, 1, 1)]),
        ((6, 4), 1, "md,d->md", (4,), [(4,), (1, 4)]),
        ((4, 4), 1, "md,d->md", (4,), [(1, 4)]),
        ((4, 4), 1, "md,m->md", (4,), [(4, 1)]),
        ((6, 4), 1, "md,m->md", (6,), [(6,), (6, 1)]),
        ((3, 5, 4), 2, "mtd,d->mtd", (4,), [(4,), (1, 4), (1, 1, 4)]),
        ((3, 5, 4), (1, 2), "mtd,td->mtd", (5, 4), [(5, 4), (1, 5, 4)]),
        ((3, 5, 4), (0, 2), "mtd,d->mtd", (4,), [(1, 1, 4)]),
        ((3, 4, 4), (0, 2), "mtd,t->mtd", (4,), [(4,), (4, 1), (1, 4, 1)]),
        ((5, 3, 2, 4), (2, 3), "nchw,c->nchw", (3,), [(3, 1, 1), (1, 3, 1, 1)]),
        ((5, 2, 3, 2, 4), (2, 3, 4), "ngkhw,gk->ngkhw", (2, 3), [(2, 3, 1, 1), (1, 2, 3, 1, 1)]),
        ((5, 2, 3), (0, 1), "mtd,->mtd", (), [(), (1,), (1, 1), (1, 1, 1)]),
        ((3, 2), 0, "md,md->md", (3, 2), [(3, 2)]),
    ],
)
def test_every_norm_of_the_family(shape, axis, subscripts, learned, spellings):
    x, dy, gamma, beta = batch(shape, axis, offset=3, learned=(learned, learned))
    vjp, want_y = make_vjp(named_norm(subscripts, axis))((x, gamma, beta))
    want = vjp(dy)
    for spelling in spellings:
        g, b = gamma.reshape(spelling), beta.reshape(spelling)
        y, cache = forward(x, g, b, 1e-3, axis=axis)
        compare(y, want_y, np.float64, 1e-13)
        for got, exact, like in zip(backward(dy, cache), want, (x, g, b), strict=True):
            assert got.shape == like.shape
            compare(got, exact.reshape(like.shape), np.float64, 1e-13)


def test_gamma_and_beta_may_be_learned_along_different_axes():
    x, dy, gamma, beta = batch((5, 4, 6), 2, learned=((4, 1), (1, 1, 6)))
    y, cache = forward(x, gamma, beta, 1e-3, axis=2)
    mu, s = moments(x, 2)
    x_hat = (x - mu) / s
    compare(y, gamma * x_hat + beta, np.float64, 1e-14)
    dx, dgamma, dbeta = backward(dy, cache)
    compare(dgamma, (dy * x_hat).sum(axis=(0, 2))[:, None], np.float64, 1e-14)
    compare(dbeta, dy.sum(axis=(0, 1))[None, None], np.float64, 1e-14)
    dx_hat = gamma * dy
    means = (v.mean(axis=2, keepdims=True) for v in (dx_hat, dx_hat * x_hat))
    compare(dx, (dx_hat - next(means) - x_hat * next(means)) / s, np.float64, 1e-14)


def test_to_take_a_gamma_out_of_means_that_it_varies_in_is_seen():
    """The mistake with the batch norm formula in layer norm, which these tests must not pass."""
    x, dy, gamma, beta = batch((6, 8), 1, learned=((8,), (8,)))
    _, cache = forward(x, gamma, beta, axis=1)
    s = cache.s[:, None]
    wrong = gamma / s * (dy - dy.mean(1, keepdims=True))
    wrong -= gamma / s * cache.x_hat * (dy * cache.x_hat).mean(1, keepdims=True)
    dx = backward(dy, cache)[0]
    assert np.abs(wrong - dx).max() > 0.05 * np.abs(dx).max()
    np.testing.assert_allclose(dx.sum(axis=1), 0, atol=1e-13)
    assert np.abs(wrong.sum(axis=1)).min() > 0.01


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
    compare(forward(x, gamma, beta, 1e-3)[0], batch_norm(x, gamma, beta, 1e-3), np.float64, 1e-14)


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
    compare(y, plain(*(v.astype(float) for v in (x, gamma, beta)), 1e-5, axes), np.float32, 1e-6)
    dx, dgamma, dbeta = backward(dy, cache)
    exact = cache._replace(**{k: getattr(cache, k).astype(float) for k in ("x_hat", "gamma", "s")})
    want = BACKWARDS["staged"](dy.astype(float), exact)
    compare(dx, want[0], np.float32, 1e-6)
    compare(dgamma, want[1], np.float32, 1e-6)
    compare(dbeta, want[2], np.float32, 1e-6)


def test_views_and_other_memory_orders_give_the_same():
    x, dy, gamma, beta = batch((40, 6))
    y, cache = forward(x, gamma, beta)
    want = backward(dy, cache)
    for other in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2], lambda a: a[::-1]):
        backwards = other(x)[0, 0] != x[0, 0]
        y2, cache2 = forward(other(x), gamma, beta)
        dx2, dgamma2, dbeta2 = backward(other(dy), cache2)
        compare(y2, y[::-1] if backwards else y, np.float64, 1e-14)
        compare(dx2, want[0][::-1] if backwards else want[0], np.float64, 1e-13)
        compare(dgamma2, want[1], np.float64, 1e-13)
        compare(dbeta2, want[2], np.float64, 1e-13)


@pytest.mark.parametrize(
    ("shape", "axis", "learned"),
    [
        ((20000, 3), 0, (3,)),
        ((4, 3, 50, 50), (0, 2, 3), (3,)),
        ((3, 20000), 1, (3, 1)),
        ((3, 20000), 1, (20000,)),
        ((4, 6, 50, 50), (2, 3), (6, 1, 1)),
        ((4, 2, 3, 50, 50), (2, 3, 4), (2, 3, 1, 1)),
    ],
)
def test_a_big_offset_costs_float32_nothing(shape, axis, learned):
    # E[x²] - mu² gives variances like 0 or 131072 here, NumPy's own mean and var are off as well
    given = batch(shape, axis, dtype=np.float32, offset=1e6, learned=(learned, learned))
    x, dy, gamma, beta = given
    axes = axis if isinstance(axis, tuple) else (axis,)
    exact = [v.astype(np.longdouble) for v in (x, gamma, beta)]
    exact[1:] = (in_all_axes(p, shape, axes) for p in exact[1:])
    running = RunningStatistics(momentum=1) if 0 in axes else None
    y, cache = forward(x, gamma, beta, axis=axis, running=running)
    compare(y, plain(*exact, 1e-5, axes), np.float32, 1e-6)
    if running:
        compare(running.mean, np.mean(exact[0], axis=axis), np.float64, 1e-12)
    compare(cache.var, np.var(exact[0], axis=axis), np.float32, 1e-6)
    assert np.abs(cache.x_hat.sum(axis=axis, dtype=float)).max() < 1e-7 * x.size
    arguments = tuple(v.astype(float) for v in exact)
    vjp, _ = make_vjp(lambda arguments: plain(*arguments, 1e-5, axes))(arguments)
    for got, want in zip(backward(dy, cache), vjp(dy.astype(float)), strict=True):
        compare(got, want.reshape(got.shape), np.float32, 2e-6)


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


def test_evaluation_mode_is_diagonal():
    x, dy, gamma, beta = batch((6, 3))
    running = RunningStatistics(np.array([1.0, -2.0, 0.5]), np.array([0.5, 2.0, 3.0]))
    y, cache = forward(x, gamma, beta, running=running, training=False)
    root = np.sqrt(running.var + 1e-5)
    compare(y, gamma * (x - running.mean) / root + beta, np.float64, 1e-14)
    dx, _, _ = backward(dy, cache)
    compare(dx, gamma * dy / root, np.float64, 1e-14)
    dy[0] += 1
    changed = backward(dy, cache)[0] != dx
    assert changed[0].all()
    assert not changed[1:].any()


def test_without_the_batch_evaluation_mode_is_training():
    x, dy, gamma, beta = batch((6, 4), 1, learned=((4,), (4,)))
    (y, cache), (want, cache2) = (forward(x, gamma, beta, axis=1, training=t) for t in (0, 1))
    np.testing.assert_array_equal(y, want)
    assert cache.training is cache2.training is True
    np.testing.assert_array_equal(backward(dy, cache)[0], backward(dy, cache2)[0])


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
        compare(running.mean, mean, np.float64, 1e-14)
        compare(running.var, var, np.float64, 1e-14)
        forward(x, gamma, beta, running=running, training=False)
        compare(running.mean, mean, np.float64, 1e-14)


def test_running_statistics_over_image_axes_and_in_float32():
    x, _, gamma, beta = batch((4, 3, 5, 5), (0, 2, 3), dtype=np.float32, offset=3)
    running = RunningStatistics(np.zeros(3), np.ones(3), momentum=1)
    forward(x, gamma, beta, axis=(0, 2, 3), running=running)
    compare(running.mean, x.mean(axis=(0, 2, 3), dtype=float), np.float64, 1e-7)
    compare(running.var, x.var(axis=(0, 2, 3), dtype=float, ddof=1), np.float64, 1e-6)


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
    compare(running.mean, 0.1 * x[0], np.float64, 1e-14)
    compare(running.var, np.full(3, 0.9), np.float64, 1e-14)


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
        compare(forward(other, [2, 3], [1, 0.5])[0], want, np.float64, 1e-15)
    compare(forward(np.array(x, ">f4"), [2, 3], [1, 0.5])[0], want, np.float32, 1e-6)


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


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize(
    ("shape", "axis", "learned"),
    [((40, 6), 1, (6,)), ((3, 4, 2, 5), (2, 3), (4, 1, 1)), ((3, 2, 4, 5), (2, 3), (2, 4, 1))],
)
def test_out_and_memory_order_with_gamma_along_other_axes(dtype, shape, axis, learned):
    x, dy, gamma, beta = batch(shape, axis, dtype=dtype, learned=(learned, learned))
    want_y, cache = forward(x, gamma, beta, axis=axis)
    want = backward(dy, cache)
    before = [v.copy() for v in cache[:6]]
    for order in "CF":
        room = np.full(shape, np.nan, dtype, order)
        assert forward(np.asarray(x, order=order), gamma, beta, axis=axis, out=room)[0] is room
        compare(room, want_y.astype(float), dtype, 1e-13 if dtype is np.float64 else 1e-6)
        dx, dgamma, dbeta = backward(np.asarray(dy, order=order), cache, out=room)
        assert dx is room
        assert dgamma.dtype == dbeta.dtype == WORK[dtype]
        np.testing.assert_array_equal(room, want[0])
    for v, old in zip(cache[:6], before, strict=True):
        np.testing.assert_array_equal(v, old)


def test_sums_that_overflow_in_no_mean_are_refused():
    x, dy, _, beta = batch((4, 3), 1, learned=((3,), (3,)))
    _, cache = forward(x, np.full(3, 1e-30), beta, axis=1)
    with pytest.raises(ValueError, match="dy: got numbers whose sums overflow"):
        backward(np.full_like(dy, 1e308), cache)


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
    saved = [v.copy() for v in cache[:6]]
    first = backward(dy, cache)
    for v, old in zip((x, dy, gamma, beta), before, strict=True):
        np.testing.assert_array_equal(v, old)
    for v, old in zip(cache[:6], saved, strict=True):
        np.testing.assert_array_equal(v, old)
    gamma += 1  # training the parameter must not reach back into the cache
    for v, old in zip(backward(dy, cache), first, strict=True):
        np.testing.assert_array_equal(v, old)


def test_float16_sums_do_not_overflow():
    x, dy, gamma, beta = batch((2048, 2), dtype=np.float16, scale=40, offset=300)
    y, cache = forward(x, gamma, beta)
    compare(y, plain(*(v.astype(float) for v in (x, gamma, beta)), 1e-5, (0,)), np.float16, 1e-3)
    compare(
        backward(dy + np.float16(100), cache)[2], (dy + np.float16(100)).sum(0, float), "f4", 1e-6
    )


@pytest.mark.parametrize("flags", [True, False], ids=["", "where no flag tells"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_a_result_that_its_dtype_cannot_hold_is_refused(dtype, training, flags, monkeypatch):
    monkeypatch.setattr(validate, "FLAGS", flags)
    if not flags:  # as in a page, where nothing calls
        monkeypatch.setattr(validate.Overflow, "__call__", lambda self, kind, flag: None)
    large, room = np.finfo(dtype).max, np.empty((8, 3), dtype)
    x, dy, _, beta = batch((8, 3), dtype=dtype)
    options = dict(running=RunningStatistics(x.mean(0), x.var(0)), training=training)
    for out in (None, room):
        with pytest.raises(ValueError, match=f"y: got an entry beyond {dtype.__name__}, want a "):
            forward(x, np.full(3, 0.9 * large), beta, **options, out=out)
        y, cache = forward(x, np.full(3, large / 4), beta, **options, out=out)
        assert np.isfinite(y).all()
        with pytest.raises(ValueError, match=f"dx: got an entry beyond {dtype.__name__}, want a"):
            backward(dy * 8, cache, out=out)
        assert np.isfinite(backward(dy / 64, cache, out=out)[0]).all()


def test_what_overflowed_before_is_forgotten():
    x, dy, gamma, beta = batch((8, 3), dtype=np.float16)
    with pytest.raises(ValueError, match="y: got an entry beyond float16"):
        forward(x, gamma * 30000, beta)
    backward(dy, forward(x, gamma, beta)[1])


def test_a_mean_so_far_off_that_the_distance_overflows_is_refused():
    x, _, gamma, beta = batch((8, 3), dtype=np.float32, scale=1e38)
    running = RunningStatistics(-3.4e38, 1.0)
    with pytest.raises(ValueError, match=r"y: got an entry beyond float32, .* or x in float64"):
        forward(x, 0 * gamma, beta, running=running, training=False)


def test_a_small_eps_in_float16():
    # dx is 2e4 times dy: where that fits it is right, where it does not it is refused
    x = np.array([[1.0], [1.0], [1.0], [1.001]], np.float16)
    dy, one = np.array([[1.0], [-1.0], [0.5], [0.3]]), np.ones(1)
    _, cache = forward(x, one, one, 1e-8)
    exact = make_vjp(lambda x: plain(x, one, one, 1e-8, (0,)))(x.astype(float))[0](dy / 4)
    compare(backward(dy / 4, cache)[0], exact, np.float16, 2e-3)
    with pytest.raises(ValueError, match="dx: got an entry beyond float16"):
        backward(dy * 1e3, cache)


def test_large_gradients_are_finite_even_where_their_squares_are_not():
    x, dy, gamma, beta = batch((8, 3))
    _, cache = forward(x, gamma, beta)
    for got, want in zip(backward(dy * 1e200, cache), backward(dy, cache), strict=True):
        compare(got, want * 1e200, np.float64, 1e-13)


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
        ({"gamma": np.ones((1, 1, 3))}, r"gamma: got shape \(1, 1, 3\), want \(3,\)"),
        ({"x": X[:3], "axis": 1}, r"gamma: got shape \(3,\), which fits x's \(3, 3\) in two ways"),
        ({"x": X[:3], "axis": 1, "gamma": X[:1]}, r"beta: .*, want \(3, 1\) or \(1, 3\)"),
        ({"x": X, "axis": 1, "gamma": np.ones(2)}, r"gamma: got shape \(2,\), want \(4,\), x's"),
        (  # 3 wide, and 2 channels: (3,) is no number of channels, nor is it the width
            {"x": np.ones((4, 2, 5, 3)), "axis": (0, 2, 3)},
            r"gamma: got shape \(3,\), want \(2,\), .* broadcasts against x's \(4, 2, 5, 3\)",
        ),
        ({"gamma": np.ones((4, 2))}, r"gamma: got shape \(4, 2\), want \(3,\), x's without axis"),
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
        (
            {"running": RunningStatistics(), "axis": 1, "gamma": X[:1], "beta": X[:1]},
            r"running: got statistics for axis \(1,\), want none, or 0, the batch, in axis",
        ),
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
def test_backward_refuses(dy, message):
    with pytest.raises(ValueError, match=message):
        backward(dy, forward(X, GAMMA, BETA)[1])


def test_backward_refuses_what_is_no_cache():
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
    with pytest.raises(ValueError, match=f"dy: got {bad} at {place}, want finite"):
        backward(dy, cache)
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


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("power", [0.4, 0.49, 0.495, 0.505, 0.51, 0.515, 0.55, 1.02])
def test_squares_that_underflow_are_refused(dtype, power):
    """Without eps, x_hat knows no unit: it is that of larger numbers, or the layer says no."""
    x = np.random.default_rng(0).normal(size=(6, 2)).astype(dtype)
    tiny = float(np.finfo(dtype).tiny)
    small = (x * 2.0 ** np.round(np.log2(tiny) * power)).astype(dtype)
    given = np.ones(2), np.zeros(2), 0
    if power > 0.5:
        with pytest.raises(ValueError, match=r"^x: got (numbers whose squares underflow|variance)"):
            forward(small, *given)
    else:
        np.testing.assert_allclose(forward(small, *given)[0], forward(x, *given)[0], rtol=1e-5)
    forward(small, np.ones(2), np.zeros(2), tiny)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, math.nan, "0.1", None])
def test_momentum_is_a_weight(momentum):
    with pytest.raises(ValueError, match=r"momentum: got .*, want a number from 0 to 1"):
        RunningStatistics(momentum=momentum)


def test_the_cache_says_what_it_holds():
    _, cache = forward(X, GAMMA, BETA, 0.5)
    assert isinstance(cache, Cache)
    compare(cache.mu, X.mean(axis=0), np.float64, 1e-15)
    compare(cache.var, X.var(axis=0), np.float64, 1e-15)
    compare(cache.s, np.sqrt(X.var(axis=0) + 0.5), np.float64, 1e-15)
    compare(cache.x_hat, (X - cache.mu) / cache.s, np.float64, 1e-15)
