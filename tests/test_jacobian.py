"""The Jacobian of one feature, against numbers that owe nothing to its formula."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import batchnorm as bn
from batchnorm.figures.kit.paths import gradient_paths

rng = np.random.default_rng(5)
BATCHES = [rng.normal(3, 2, m) for m in (3, 4, 7, 16)]
each_batch = pytest.mark.parametrize("x", BATCHES, ids=len)
each_eps = pytest.mark.parametrize("eps", [0, 1e-5, 0.4, 30.0])


def x_hat(x, eps, mean=None, var=None):
    mean = anp.mean(x) if mean is None else mean
    var = anp.mean((x - mean) ** 2) if var is None else var
    return (x - mean) / anp.sqrt(var + eps)


@each_batch
@each_eps
def test_the_whole_is_what_autograd_finds(x, eps):
    J = bn.x_hat_jacobian(x, eps)
    assert J.shape == (x.size, x.size)
    np.testing.assert_allclose(J, autograd.jacobian(x_hat)(x, eps), rtol=1e-10, atol=1e-12)


@each_batch
@each_eps
def test_each_term_is_what_holding_a_moment_still_takes_away(x, eps):
    held = dict(mean=x.mean(), var=x.var())
    direct = autograd.jacobian(x_hat)(x, eps, **held)
    without_mean = autograd.jacobian(lambda x: x_hat(x, eps, mean=held["mean"]))(x)
    whole = autograd.jacobian(x_hat)(x, eps)
    terms = bn.jacobian_terms(x, eps)
    for got, want in zip(terms, (direct, whole - without_mean, without_mean - direct), strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


@each_batch
def test_paths_of_the_traced_graph_are_the_terms(x):
    graph = bn.trace(bn.batch_norm, x=x, gamma=1.0, beta=0.0, eps=0.3)
    dy, gamma = rng.normal(size=x.size), -1.7
    parts = gradient_paths(graph.forward(x=x, gamma=gamma, beta=0.2, eps=0.3), dy)
    terms = bn.jacobian_terms(x, 0.3)
    for way, term in zip(("direct", "mean", "variance"), terms, strict=True):
        np.testing.assert_allclose(parts[way], gamma * term @ dy, rtol=1e-9, atol=1e-12)


@each_batch
def test_the_projection(x):
    P, m = bn.tangent_projection(x), x.size
    np.testing.assert_allclose(P, x.std() * bn.x_hat_jacobian(x, 0), atol=1e-12)
    np.testing.assert_allclose(P @ P, P, atol=1e-12)
    np.testing.assert_allclose(P, P.T, atol=1e-15)
    assert np.trace(P) == pytest.approx(m - 2, abs=1e-12)
    for removed in (np.ones(m), x):
        np.testing.assert_allclose(P @ removed, 0, atol=1e-10)


@each_batch
@each_eps
def test_singular_values_are_known_in_closed_form(x, eps):
    s = np.sqrt(x.var() + eps)
    want = [*[1 / s] * (x.size - 2), eps / s**3, 0]
    got = np.linalg.svd(bn.x_hat_jacobian(x, eps), compute_uv=False)
    np.testing.assert_allclose(got, want, atol=1e-12)


@each_batch
@pytest.mark.parametrize("gamma", [1.0, -2.3, 0.0])
def test_the_norm_identity(x, gamma):
    dy = rng.normal(size=x.size)
    dx = bn.numeric_gradient(lambda x: bn.batch_norm(x, gamma, 0.4, 0), x, dy)
    assert bn.gradient_norm_squared(x, dy, gamma) == pytest.approx(dx @ dx, rel=1e-9)


def test_says_what_is_wrong():
    x = np.array([1.0, 2.0, 4.0])
    with pytest.raises(ValueError, match=r"x: got shape \(1, 3\), want one feature"):
        bn.jacobian_terms(x[None])
    with pytest.raises(ValueError, match=r"x: got shape \(0,\), want one feature"):
        bn.x_hat_jacobian([])
    with pytest.raises(ValueError, match=r"x: got nan at \(1,\), want finite numbers"):
        bn.x_hat_jacobian([1.0, np.nan])
    with pytest.raises(ValueError, match="x: got <U1 data, want float16"):
        bn.x_hat_jacobian(["a"])
    for eps in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match="eps: got"):
            bn.x_hat_jacobian(x, eps)
    with pytest.raises(ValueError, match="x: all samples are equal and eps is 0"):
        bn.tangent_projection([2.0, 2.0])
    with pytest.raises(ValueError, match=r"dy: got shape \(2,\), want that of x, \(3,\)"):
        bn.gradient_norm_squared(x, [1.0, 2.0])
