"""Whitening, forward and backward, against oracles that share nothing with it.

The oracles compute in complex numbers (Jacobi rotations, a Cholesky factor by hand), so that the
complex step differentiates them to the last digits, also where the covariance is nearly singular
and differences would drown. No function of LAPACK is in them.
"""

import numpy as np
import pytest

import batchnorm as bn
from batchnorm.whitening import (
    METHODS,
    NotDefined,
    RunningCovariance,
    newton_schulz,
    whiten,
    whiten_backward,
    whitened,
    work,
)

WHITENING = ("pca", "zca", "cholesky")


# --- Oracles ------------------------------------------------------------------------------------


def covariance(x, eps):
    c = x - x.mean(axis=0)
    return c, c.T @ c / len(x) + eps * np.eye(x.shape[1])


def jacobi(S):
    """Eigenvalues and axes of a symmetric matrix, real or complex, by plane rotations."""
    S, d = S.copy(), len(S)
    U = np.eye(d, dtype=S.dtype)
    for _ in range(30):
        for p in range(d):
            for q in range(p + 1, d):
                if S[p, q] == 0:
                    continue
                a, b = S[q, q] - S[p, p], 2 * S[p, q]
                sign = 1 if a.real >= 0 else -1
                t = b / (a + sign * np.sqrt(a * a + b * b))
                c = 1 / np.sqrt(t * t + 1)
                R = np.eye(d, dtype=S.dtype)
                R[p, p] = R[q, q] = c
                R[p, q], R[q, p] = t * c, -t * c
                S, U = R.T @ S @ R, U @ R
    return np.diag(S), U


def oracle(method, eps):
    """x -> x_hat, written for complex numbers."""

    def standardise(x):
        c, S = covariance(x, eps)
        return c / np.sqrt(np.diag(S))

    def pca(x):
        c, S = covariance(x, eps)
        values, U = jacobi(S)
        order = np.argsort(-values.real)
        values, U = values[order], U[:, order]
        return c @ (U * np.where(np.diag(U).real < 0, -1, 1) / np.sqrt(values))

    def zca(x):
        c, S = covariance(x, eps)
        values, U = jacobi(S)
        return c @ (U / np.sqrt(values)) @ U.T

    def cholesky(x):
        c, S = covariance(x, eps)
        d = len(S)
        L = np.zeros_like(S)
        y = np.zeros_like(c)
        for j in range(d):
            L[j, j] = np.sqrt(S[j, j] - (L[j, :j] ** 2).sum())
            for i in range(j + 1, d):
                L[i, j] = (S[i, j] - (L[i, :j] * L[j, :j]).sum()) / L[j, j]
            y[:, j] = (c[:, j] - y[:, :j] @ L[j, :j]) / L[j, j]
        return y

    return locals()[method]


def batches(seed):
    """Batches of ordinary and of nearly singular covariance, each with the eps that it needs."""
    rng = np.random.default_rng(seed)
    z, mix = rng.normal(size=(9, 4)), rng.normal(size=(4, 4))
    return {
        "random": (z @ mix + 3, 1e-5),
        "no eps": (z @ mix - 7, 0.0),
        "large eps": (z @ mix, 0.7),
        "scales apart": (z @ mix * [30, 1, 0.1, 0.01], 1e-5),
        "nearly flat": (z @ mix * 0.3 + (z @ mix)[:, :1] * 50, 1e-5),
        "a copy of a feature": ((z @ mix)[:, [0, 1, 2, 0]], 1e-5),
        "a constant feature": (z @ mix * [1, 1, 1, 0] + 0.1, 1e-3),
        "more features than samples": (rng.normal(size=(3, 5)), 1e-3),
        "two samples": (rng.normal(size=(2, 3)), 1e-2),
        "one feature": (rng.normal(size=(6, 1)), 1e-5),
    }


KINDS = tuple(batches(0))


# --- Forward ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["standardise", *WHITENING])
def test_forward_agrees_with_the_oracle(method, kind):
    for seed in range(3):
        x, eps = batches(seed)[kind]
        x_hat, cache = whiten(x, eps, method=method)
        assert x_hat.shape == x.shape
        np.testing.assert_allclose(x_hat.mean(axis=0), 0, atol=1e-9)
        _, S = covariance(x, eps)
        if method in WHITENING:
            np.testing.assert_allclose(cache.W.T @ S @ cache.W, np.eye(len(S)), atol=1e-6)
        else:
            np.testing.assert_allclose(np.diag(cache.W.T @ S @ cache.W), 1, rtol=1e-12)
        np.testing.assert_allclose(x_hat, oracle(method, eps)(x), rtol=1e-6, atol=1e-6)


def test_each_method_has_its_shape():
    x, _ = batches(0)["random"]
    W = {method: whiten(x, 0.01, method=method)[1].W for method in METHODS}
    np.testing.assert_allclose(W["zca"], W["zca"].T, atol=1e-12)
    assert (np.linalg.eigvalsh(W["zca"]) > 0).all()
    np.testing.assert_array_equal(W["cholesky"], np.triu(W["cholesky"]))
    assert (np.diag(W["cholesky"]) > 0).all()
    np.testing.assert_array_equal(W["standardise"], np.diag(np.diag(W["standardise"])))
    gram = W["pca"].T @ W["pca"]
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-10)
    assert (np.diff(np.diag(gram)) > 0).all()  # falling eigenvalues, so rising 1 / eigenvalue
    assert (np.diag(W["pca"]) > 0).all()


def test_standardise_is_batch_normalization():
    rng = np.random.default_rng(1)
    x, dy = rng.normal(size=(7, 3)) * [1, 5, 0.1], rng.normal(size=(7, 3))
    x_hat, cache = whiten(x, 0.02, method="standardise")
    y, layer = bn.forward(x, np.ones(3), np.zeros(3), 0.02)
    np.testing.assert_allclose(x_hat, y, rtol=1e-12)
    np.testing.assert_allclose(whiten_backward(dy, cache), bn.backward(dy, layer)[0], rtol=1e-10)


def test_cholesky_looks_at_earlier_features_only():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(8, 3))
    y = whiten(x, method="cholesky")[0]
    x[:, 2] = rng.normal(size=8)
    np.testing.assert_allclose(whiten(x, method="cholesky")[0][:, :2], y[:, :2], rtol=1e-12)


def test_pca_does_not_turn_features_that_are_uncorrelated_and_alike():
    square = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    np.testing.assert_allclose(whiten(square, 0.0, method="pca")[0], square, atol=1e-12)
    tall = square * [1, 3]  # the first axis is feature 2: at right angles to feature 1
    np.testing.assert_allclose(whiten(tall, 0.0, method="pca")[0], square[:, ::-1], atol=1e-12)


# --- Backward -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["standardise", *WHITENING])
def test_gradient_agrees_with_the_complex_step(method, kind):
    for seed in range(3):
        x, eps = batches(seed)[kind]
        dy = np.random.default_rng(100 + seed).normal(size=x.shape)
        if method == "pca" and kind in ("more features than samples", "two samples"):
            # Several axes are arbitrary; no dy can reach x through them, as x_hat is 0 there
            want = _pca_gradient_of_the_rank(x, eps, dy)
        else:
            want = bn.numeric_gradient(oracle(method, eps), x, dy, "complex step")
        _, cache = whiten(x, eps, method=method)
        bn.compare(f"{method}, {kind}", whiten_backward(dy, cache), want, tolerance=1e-6)


def _pca_gradient_of_the_rank(x, eps, dy):
    rank = min(x.shape[1], len(x) - 1)
    dy = dy.copy()
    dy[:, rank:] = 0
    return bn.numeric_gradient(lambda x: oracle("pca", eps)(x), x, dy, "complex step")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_the_traced_function_is_the_same_forward_and_backward(method, kind):
    """The rules of the graph against the gradient by hand, nearly singular batches included."""
    for seed in range(3):
        x, eps = batches(seed)[kind]
        if method == "pca" and kind in ("more features than samples", "two samples"):
            continue  # equal eigenvalues: only by hand one knows that x_hat is 0 along their axes
        dy = np.random.default_rng(200 + seed).normal(size=x.shape)
        x_hat, cache = whiten(x, eps, method=method)
        graph = bn.trace(lambda x, eps, m: whitened(x, eps, method, m=m), x=x, eps=eps, m=len(x))
        run = graph.forward(x=x, eps=eps, m=len(x))
        np.testing.assert_allclose(run.output, x_hat, rtol=1e-6, atol=1e-6)
        got = run.backward(dy)["x"]
        bn.compare(f"{method}, {kind}", got, whiten_backward(dy, cache), tolerance=1e-6)


def test_iterations_agree_with_the_complex_step():
    x, eps = batches(0)["random"]
    dy = np.random.default_rng(300).normal(size=x.shape)
    for iterations in (0, 1, 5, 12):
        cache = whiten(x, eps, method="newton-schulz", iterations=iterations)[1]
        want = bn.numeric_gradient(
            lambda x, k=iterations: newton_schulz(x, eps, k)[-1], x, dy, "complex step"
        )
        bn.compare(f"{iterations}", whiten_backward(dy, cache), want, tolerance=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_gradient_agrees_with_central_differences(method):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        m, d = rng.integers(3, 12), rng.integers(1, 6)
        x, dy = rng.normal(size=(m, d)) @ rng.normal(size=(d, d)) + 2, rng.normal(size=(m, d))
        if method == "pca":  # keep the eigenvalues apart, so that differences can follow
            x = x * 3.0 ** np.arange(d)
        options = dict(eps=0.2, method=method, iterations=int(rng.integers(0, 9)))
        want = bn.numeric_gradient(
            lambda x, o=options: whiten(x, **o)[0], x, dy, "central differences"
        )
        got = whiten_backward(dy, whiten(x, **options)[1])
        bn.compare(method, got, want, tolerance=1e-6)


def test_gradient_in_evaluation_mode_is_diagonal_over_samples():
    rng = np.random.default_rng(3)
    x, dy = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    running = RunningCovariance(mean=rng.normal(size=3), cov=np.cov(rng.normal(size=(3, 9))))
    for method in METHODS:
        y, cache = whiten(x, 0.1, method=method, running=running, training=False)
        want = bn.numeric_gradient(
            lambda x, method=method: whiten(x, 0.1, method=method, running=running, training=False)[
                0
            ],
            x,
            dy,
            "central differences",
        )
        bn.compare(method, whiten_backward(dy, cache), want)
        np.testing.assert_allclose(y, (x - running.mean) @ cache.W)


@pytest.mark.parametrize("method", WHITENING)
def test_what_is_removed_and_what_is_left(method):
    """J has rank m d - d - d (d + 1) / 2; its transpose sends 1 aᵀ + x_hat N, N symmetric, to 0."""
    for seed, (m, d) in enumerate([(7, 3), (9, 2), (12, 4), (4, 3), (5, 1)]):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(m, d)) @ rng.normal(size=(d, d))
        x_hat, cache = whiten(x, 0.0, method=method)
        pull = np.array([whiten_backward(e.reshape(m, d), cache).ravel() for e in np.eye(m * d)])
        scale = np.linalg.norm(pull, 2)
        assert np.linalg.matrix_rank(pull, tol=1e-9 * scale) == m * d - d - d * (d + 1) // 2
        N = rng.normal(size=(d, d))
        gone = np.ones((m, 1)) * rng.normal(size=d) + x_hat @ (N + N.T)
        assert abs(whiten_backward(gone, cache)).max() < 1e-9 * scale
        # What comes back moves no mean, and has no symmetric part against x_hat, seen before W
        dx = whiten_backward(rng.normal(size=(m, d)), cache)
        assert abs(dx.sum(axis=0)).max() < 1e-9 * scale
        bracket = x_hat.T @ np.linalg.solve(cache.W, dx.T).T
        if method == "zca":
            np.testing.assert_allclose(x_hat.T @ dx, -(x_hat.T @ dx).T, atol=1e-9 * scale)
        if method == "cholesky":
            assert abs(np.triu(bracket)).max() < 1e-9 * scale


@pytest.mark.parametrize("eps", [0.0, 0.3])
@pytest.mark.parametrize("method", ["standardise", *WHITENING])
def test_only_batch_norm_and_zca_have_a_symmetric_jacobian(method, eps):
    """Their x_hat are gradients: of ``m Σ s_j``, and of ``m trace(S^(1/2))``."""
    x = np.random.default_rng(7).normal(size=(8, 3)) * [1, 2, 0.5]
    cache = whiten(x, eps, method=method)[1]
    one_hot = np.eye(x.size).reshape(-1, *x.shape)
    J = np.array([whiten_backward(e, cache).ravel() for e in one_hot])
    symmetric = np.allclose(J, J.T, atol=1e-12 * np.abs(J).max())
    assert symmetric == (method in ("standardise", "zca"))


def test_pca_gradient_grows_as_one_over_the_gap_and_zca_does_not():
    rng = np.random.default_rng(4)
    z, dy = whiten(rng.normal(size=(10, 2)), 0.0)[0], rng.normal(size=(10, 2))
    sizes = {"pca": [], "zca": []}
    for gap in (1e-2, 1e-4, 1e-6):
        for method, norms in sizes.items():
            cache = whiten(z * [np.sqrt(1 + gap), 1], 0.0, method=method)[1]
            norms.append(np.linalg.norm(whiten_backward(dy, cache)))
    np.testing.assert_allclose(np.divide(sizes["pca"][1:], sizes["pca"][:-1]), 100, rtol=0.05)
    np.testing.assert_allclose(sizes["zca"], sizes["zca"][-1], rtol=0.01)
    with pytest.raises(NotDefined, match="two eigenvalues"):
        whiten_backward(dy, whiten(z, 0.0, method="pca")[1])


def test_pca_has_no_gradient_along_two_directions_without_variance():
    x = np.random.default_rng(5).normal(size=(6, 4)) * [1, 2, 0, 0]
    with pytest.raises(NotDefined, match="two eigenvalues"):
        whiten_backward(x, whiten(x, 0.1, method="pca")[1])


def test_a_batch_of_one_passes_nothing():
    for method in METHODS:
        x_hat, cache = whiten([[1.0, 2, 3]], 0.1, method=method)
        assert (x_hat == 0).all()
        np.testing.assert_array_equal(whiten_backward([[1.0, -2, 0.5]], cache), 0)


# --- Newton–Schulz ------------------------------------------------------------------------------


def test_each_iteration_of_the_trace_is_that_of_whiten():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(8, 3)) @ rng.normal(size=(3, 3))
        dy = rng.normal(size=x.shape)
        graph = bn.trace(lambda x, m, eps: newton_schulz(x, eps, 6, m), x=x, m=8, eps=0.01)
        run = graph.forward(x=x, m=8, eps=0.01)
        for k, y in enumerate(run.output):
            x_hat, cache = whiten(x, 0.01, method="newton-schulz", iterations=k)
            np.testing.assert_allclose(x_hat, y, rtol=1e-10, atol=1e-10)
            one = [dy if j == k else np.zeros_like(dy) for j in range(7)]
            bn.compare(f"{k}", whiten_backward(dy, cache), run.backward(one)["x"], tolerance=1e-10)


def test_iterations_converge_to_zca_forward_and_backward_and_stay():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(20, 4)) @ rng.normal(size=(4, 4))
        dy = rng.normal(size=x.shape)
        y, cache = whiten(x, 1e-3)
        dx = whiten_backward(dy, cache)
        errors = []
        for iterations in (2, 10, 18, 40, 200):
            z, cache = whiten(x, 1e-3, method="newton-schulz", iterations=iterations)
            dz = whiten_backward(dy, cache)
            errors.append((abs(z - y).max(), abs(dz - dx).max() / abs(dx).max()))
        errors = np.array(errors)
        assert (errors[1] < errors[0]).all()
        assert (errors[3:] < 1e-8).all(), errors


# --- Running statistics -------------------------------------------------------------------------


def test_running_statistics_follow_the_batches():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(5, 2)) @ [[2.0, 1], [0, 1]] + 3
    running = RunningCovariance(momentum=0.25)
    whiten(x, running=running)
    np.testing.assert_allclose(running.mean, 0.25 * x.mean(axis=0))
    np.testing.assert_allclose(running.cov, 0.75 * np.eye(2) + 0.25 * np.cov(x.T))
    for _ in range(200):
        whiten(x, running=running)
    biased = np.cov(x.T, bias=True)
    np.testing.assert_allclose(running.cov * 4 / 5, biased)
    running = RunningCovariance(x.mean(axis=0), biased, unbiased=False)
    for method in METHODS:
        want = whiten(x, method=method, running=running)[0]
        got = whiten(x, method=method, running=running, training=False)[0]
        np.testing.assert_allclose(got, want, atol=1e-9)
    one = whiten(x[:1], running=running, training=False)[0]
    np.testing.assert_allclose(one, whiten(x)[0][:1], atol=1e-9)


# --- Work and errors ----------------------------------------------------------------------------


def test_work_counts_the_multiplications_of_the_traced_products():
    m, d, iterations = 64, 16, 4
    x = np.random.default_rng(7).normal(size=(m, d))
    graph = bn.trace(lambda x: newton_schulz(x, 1e-5, iterations)[-1], x=x)
    shapes = [[graph.nodes[i].shape for i in n.inputs] for n in graph.nodes if n.op == "matmul"]
    # One product is not of the last x_hat: each x_hat on the way is written down as well
    used = sum(a[0] * a[1] * b[1] for a, b in shapes) - iterations * m * d**2
    assert used == work("newton-schulz", m, d, iterations)
    assert work("standardise", m, d) < work("cholesky", m, d) < work("pca", m, d)


BAD = {
    "x: got shape .5,": dict(x=np.ones(5)),
    "x: got nan at .0, 1., want finite": dict(x=[[1.0, np.nan]]),
    "x: got complex": dict(x=np.ones((2, 2), complex)),
    "x: got shape .0, 2.": dict(x=np.ones((0, 2))),
    "x: its squares overflow": dict(x=[[1e300], [-1e300]]),
    "eps: got -1": dict(eps=-1),
    "eps: got nan": dict(eps=np.nan),
    "method: got 'qr'": dict(method="qr"),
    "iterations: got -1": dict(iterations=-1),
    "iterations: got 2.5": dict(iterations=2.5),
    "running: got None": dict(training=False),
    "running.cov": dict(training=False, running=RunningCovariance(cov=np.eye(3))),
    "running.mean": dict(training=False, running=RunningCovariance(mean=np.ones(3))),
    "running: a batch of one": dict(x=[[1.0, 2]], running=RunningCovariance()),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_refused(message):
    given = dict(x=np.random.default_rng(8).normal(size=(4, 2))) | BAD[message]
    with pytest.raises(ValueError, match=message):
        whiten(**given)


@pytest.mark.parametrize("method", METHODS)
def test_a_singular_covariance_is_refused_without_eps(method):
    constant = np.full((5, 2), 0.1)
    with pytest.raises(NotDefined, match=r"x: "):
        whiten(constant, 0.0, method=method)
    if method in WHITENING:
        x = np.random.default_rng(9).normal(size=(6, 1)) * [1.0, 2.0]
        for bad in (x, x.T):
            with pytest.raises(NotDefined, match="singular"):
                whiten(bad, 0.0, method=method)


def test_bad_gradients_momentum_and_methods_are_refused():
    _, cache = whiten(np.random.default_rng(10).normal(size=(4, 2)))
    with pytest.raises(ValueError, match="dy: got shape"):
        whiten_backward(np.ones((4, 1)), cache)
    with pytest.raises(ValueError, match=r"dy: got inf at \(0, 0\), want finite"):
        whiten_backward(np.full((4, 2), np.inf), cache)
    with pytest.raises(ValueError, match="momentum"):
        RunningCovariance(momentum=1.5)
    with pytest.raises(ValueError, match="method"):
        work("qr", 1, 1)
