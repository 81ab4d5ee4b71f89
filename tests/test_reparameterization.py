"""The layer seen from its weights: against the layer itself, complex step, and closed forms."""

import numpy as np
import pytest

import batchnorm as bn
from batchnorm.reparameterization import (
    batch_norm_loss,
    covariance,
    descend,
    direction_gradient,
    direction_loss,
    equilibrium_norm,
    fold,
    least_squares_loss,
    output_variance,
    reparameterize,
)


def batch(seed, m=9, n=4, d=3):
    """A batch that is neither centred nor white, with weights, gamma and beta."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, n)) @ rng.normal(size=(n, n)) + 3 * rng.normal(size=n)
    return x, rng.normal(size=(n, d)), rng.uniform(0.5, 2, d), rng.normal(size=d), rng


def test_covariance_is_the_biased_one():
    x, *_ = batch(0)
    assert np.allclose(covariance(x), np.cov(x.T, bias=True), rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_variance_of_an_output_is_its_quadratic_form(seed):
    x, W, *_ = batch(seed)
    got = output_variance(W, x)
    assert got.shape == (3,)
    assert np.allclose(got, np.diag(W.T @ np.cov(x.T, bias=True) @ W), rtol=1e-12)
    assert np.isclose(output_variance(W[:, 0], x), got[0])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.3])
def test_folded_weights_are_the_layer(seed, eps):
    x, W, gamma, beta, _ = batch(seed)
    W_hat, b_hat = fold(W, x, gamma, beta, eps)
    assert W_hat.shape == W.shape
    assert b_hat.shape == beta.shape
    want, _ = bn.forward(x @ W, gamma, beta, eps)
    assert np.allclose(x @ W_hat + b_hat, want, rtol=0, atol=1e-12)


def test_folds_a_vector_as_it_folds_one_column():
    x, W, gamma, beta, _ = batch(1)
    whole, bias = fold(W, x, gamma, beta, 0.1)
    w_hat, b_hat = fold(W[:, 1], x, gamma[1], beta[1], 0.1)
    assert w_hat.shape == (4,)
    assert b_hat.shape == ()
    assert np.allclose(w_hat, whole[:, 1])
    assert np.isclose(b_hat, bias[1])


@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_the_reparameterization(seed):
    x, W, gamma, _, rng = batch(seed)
    dW = rng.normal(size=W.shape)
    S = covariance(x)
    run = bn.trace(reparameterize, w=W, S=S, gamma=gamma, eps=0.2).forward(
        w=W, S=S, gamma=gamma, eps=0.2
    )
    grads = run.backward(dW)
    numeric = bn.numeric_gradient(lambda W: reparameterize(W, S, gamma, 0.2), W, dW)
    assert bn.compare("dW", grads["w"], numeric)
    numeric = bn.numeric_gradient(lambda S: reparameterize(W, S, gamma, 0.2), S, dW)
    assert bn.compare("dS", grads["S"], numeric)


def test_identity_gives_weight_normalization():
    _, W, gamma, _, _ = batch(2)
    W_hat = reparameterize(W, np.eye(4), gamma, 0.0)
    assert np.allclose(np.linalg.norm(W_hat, axis=0), gamma)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_loss_and_gradient_against_the_layer(seed, eps):
    x, W, gamma, beta, rng = batch(seed)
    w, t = W[:, 0], rng.normal(size=len(x))
    given = dict(w=w, x=x, t=t, gamma=gamma[0], beta=beta[0], eps=eps)
    run = bn.trace(batch_norm_loss, **given).forward(**given)
    y, cache = bn.forward((x @ w)[:, None], gamma[:1], beta[:1], eps)
    assert np.isclose(run.output, np.mean((y[:, 0] - t) ** 2) / 2, rtol=1e-12)
    dz, _, _ = bn.backward((y - t[:, None]) / len(x), cache)
    got = run.backward(np.ones(()))["w"]
    assert bn.compare("dw", got, x.T @ dz[:, 0], tolerance=1e-10)
    numeric = bn.numeric_gradient(
        lambda w: batch_norm_loss(w, x, t, gamma[0], beta[0], eps), w, np.ones(())
    )
    assert bn.compare("dw", got, numeric)


def test_columns_are_separate_losses():
    x, W, gamma, beta, rng = batch(3)
    t = rng.normal(size=(len(x), 1))
    many = batch_norm_loss(W, x, t, gamma[0], beta[0], 0.1)
    plain = least_squares_loss(W, x, t)
    assert many.shape == plain.shape == (3,)
    for j in range(3):
        one = batch_norm_loss(W[:, j], x, t[:, 0], gamma[0], beta[0], 0.1)
        assert np.isclose(many[j], one, rtol=1e-12)
        error = x @ W[:, j] - t[:, 0]
        assert np.isclose(plain[j], error @ error / 18, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_radial_part_of_the_gradient_is_eps_alone(seed):
    # loss(c w, c² eps) = loss(w, eps), so w·dw = −2 eps dloss/deps (Euler)
    x, W, gamma, beta, rng = batch(seed)
    w, t = W[:, 0], rng.normal(size=len(x))
    for eps in (0.0, 0.5):
        given = dict(w=w, x=x, t=t, gamma=gamma[0], beta=beta[0], eps=eps)
        grads = bn.trace(batch_norm_loss, **given).forward(**given).backward(np.ones(()))
        along = w @ grads["w"] / np.linalg.norm(w) / np.linalg.norm(grads["w"])
        want = -2 * eps * grads["eps"] / np.linalg.norm(w) / np.linalg.norm(grads["w"])
        assert abs(along - want) < 1e-12
        assert (abs(along) > 1e-6) == (eps > 0)


@pytest.mark.parametrize("seed", range(5))
def test_direction_loss_is_least_squares_through_the_layer_at_the_best_gamma(seed):
    x, W, _, _, rng = batch(seed)
    w, t = W[:, 0], rng.normal(size=len(x))
    y = bn.forward(x @ W[:, :1], np.ones(1), np.zeros(1), 0.0)[0]
    through = np.linalg.lstsq(np.hstack([y, np.ones_like(y)]), t)[1][0] / (2 * len(x))
    S, c = covariance(x), (x - x.mean(axis=0)).T @ t / len(x)
    assert np.isclose(direction_loss(w, S, c) + t.var() / 2, through, rtol=1e-10)
    numeric = bn.numeric_gradient(lambda w: direction_loss(w, S, c), w, np.ones(()))
    assert bn.compare("dw", direction_gradient(w, S, c), numeric)
    best = np.linalg.solve(S, c)
    assert np.isclose(direction_loss(-3 * best, S, c), -c @ best / 2, rtol=1e-9)
    assert np.allclose(direction_gradient(best, S, c), 0, atol=1e-9)


def test_descend_is_the_rule_and_stops_where_numbers_end():
    A = np.diag([1.0, 0.3])
    path = descend(lambda w: A @ w, [1.0, 2.0], rate=0.5, decay=0.2, steps=7)
    assert path.shape == (8, 2)
    factor = 1 - 0.5 * (np.diag(A) + 0.2)
    assert np.allclose(path, np.array([1.0, 2.0]) * factor ** np.arange(8)[:, None])
    short = descend(lambda w: A @ w, [1.0, 2.0], rate=1e30, steps=100)
    assert 1 < len(short) < 101
    assert np.isfinite(short).all()
    assert descend(lambda w: w, np.ones((2, 3)), 0.1, steps=0).shape == (1, 2, 3)


@pytest.mark.parametrize("seed", range(5))
def test_equilibrium_of_random_turns(seed):
    # Gradients of length G / ‖w‖ at right angles to w: the one thing the formula assumes
    rng = np.random.default_rng(seed)

    def gradient(w):
        g = rng.normal(size=w.shape)
        g -= (g @ w) / (w @ w) * w
        return 0.7 * g / np.linalg.norm(g) / np.linalg.norm(w)

    for rate, decay in [(0.3, 0.1), (2.0, 0.4)]:
        path = descend(gradient, rng.normal(size=5), rate, decay, steps=3000)
        want = equilibrium_norm(rate, decay, 0.7)
        assert np.allclose(np.linalg.norm(path[-5:], axis=1), want, rtol=1e-6)


x4 = np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: covariance(np.ones(3)), r"x: got shape \(3,\), want 2 axes"),
        (lambda: covariance(np.ones((0, 3))), "x: got shape"),
        (lambda: covariance([[1.0, np.nan]]), r"x: got nan at \(0, 1\), want finite"),
        (lambda: fold(np.ones(3), x4, 1, 0), r"w: got shape \(3,\), want 2 rows"),
        (lambda: fold(np.ones((2, 2)), x4, np.ones(3), 0), r"gamma: got shape \(3,\)"),
        (lambda: fold(np.ones(2), x4, 1, np.inf), "beta: got"),
        (lambda: fold(np.ones(2), x4, 1, 0, eps=-1), "eps: got -1"),
        (lambda: fold(np.zeros(2), x4, 1, 0, eps=0), "w: got an output of variance 0"),
        (lambda: descend(lambda w: w, [1.0], -1), "rate: got -1"),
        (lambda: descend(lambda w: w, [1.0], 1, np.nan), "decay: got nan"),
        (lambda: descend(lambda w: w, [1.0], 1, steps=2.5), "steps: got 2.5"),
        (lambda: descend(lambda w: w[:1], [1.0, 2.0], 1), r"gradient: returned shape \(1,\)"),
        (lambda: equilibrium_norm(0, 1, 1), "rate: got 0"),
        (lambda: equilibrium_norm(1, 0, 1), "decay: got 0"),
        (lambda: equilibrium_norm(1, 2, 1), "decay: got 2"),
        (lambda: equilibrium_norm(1, 1, -1), "gradient_norm: got -1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
