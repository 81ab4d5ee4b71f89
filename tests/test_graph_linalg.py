"""Linear algebra in a graph: against HIPS autograd, the complex step and differences, and the page.

Equal eigenvalues included, wherever a gradient exists there.
"""

import warnings

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from node import run
from programs import assert_same
from test_interpreter import compare, run_in_page

from batchnorm.check import numeric_gradient
from batchnorm.graph import Graph, UnknownOperation, eigenvalues, eigenvectors, inverse_sqrt, trace

SIZES = (1, 2, 3, 6)


def positive(d, seed=0, spread=1.0):
    """A positive definite matrix with eigenvalues from 1 to 1 + ``spread`` d, well apart."""
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]
    S = Q * (1 + spread * np.arange(1, d + 1)) @ Q.T
    return (S + S.T) / 2


def symmetric(D):
    return (D + D.T) / 2


def root_by_products(S, steps=60):
    """``S^(-1/2)`` by products alone, analytic in S: an oracle for the complex step."""
    size = np.trace(S).real
    Y, Z = S / size, np.eye(len(S))
    for _ in range(steps):
        T = 1.5 * np.eye(len(S)) - 0.5 * (Z @ Y)
        Y, Z = Y @ T, T @ Z
    return Z / np.sqrt(size)


def along_symmetric(function, S, dy):
    """The numeric gradient of ``function`` at S, which moves among symmetric matrices."""
    return symmetric(numeric_gradient(lambda V: function((V + V.T) / 2), S, dy))


def gradient(function, dy=None, **inputs):
    graph = trace(function, **inputs)
    run = graph.forward(**inputs)
    return run.backward(dy)


@pytest.mark.parametrize("d", SIZES)
def test_inverse_sqrt(d):
    S, dy = positive(d), np.random.default_rng(1).normal(size=(d, d))
    W = inverse_sqrt(S)
    np.testing.assert_allclose(W @ S @ W, np.eye(d), atol=1e-13)
    np.testing.assert_allclose(W, W.T, rtol=0, atol=1e-15)
    want = symmetric(numeric_gradient(root_by_products, S, dy, "complex step"))
    assert_same("dS", gradient(inverse_sqrt, dy, S=S)["S"], want, scale=100)


@pytest.mark.parametrize(
    "values", [(2.0, 2.0), (3.0, 3.0, 3.0), (1.0, 4.0, 4.0), (1.0, 1.0 + 1e-12)]
)
def test_inverse_sqrt_of_equal_eigenvalues(values):
    """Where every formula in 1/(λi − λj) fails, this one does not."""
    rng = np.random.default_rng(2)
    Q = np.linalg.qr(rng.normal(size=(len(values),) * 2))[0]
    for basis in (np.eye(len(values)), Q):
        S, dy = symmetric(basis * values @ basis.T), rng.normal(size=(len(values),) * 2)
        want = symmetric(numeric_gradient(root_by_products, S, dy, "complex step"))
        assert_same("dS", gradient(inverse_sqrt, dy, S=S)["S"], want, scale=100)


@pytest.mark.parametrize("d", SIZES)
def test_eigenvalues(d):
    S, dy = positive(d), np.random.default_rng(3).normal(size=d)
    np.testing.assert_allclose(eigenvalues(S), np.linalg.eigvalsh(S)[::-1])
    want = autograd.grad(lambda S: anp.sum(dy[::-1] * anp.linalg.eigh(S)[0]))(S)
    assert_same("dS", gradient(eigenvalues, dy, S=S)["S"], symmetric(want), scale=100)


def test_functions_of_equal_eigenvalues():
    """The sum of a function of all eigenvalues is smooth, equal or not."""
    S = np.diag([2.0, 2.0, 5.0])
    got = gradient(lambda S: np.log(eigenvalues(S)).sum(), 1.0, S=S)["S"]
    np.testing.assert_allclose(got, np.linalg.inv(S), rtol=1e-14)


@pytest.mark.parametrize("d", SIZES)
def test_eigenvectors(d):
    S, dy = positive(d, seed=4), np.random.default_rng(4).normal(size=(d, d))
    values, U = eigenvalues(S), eigenvectors(S)
    np.testing.assert_allclose(U * values @ U.T, S, atol=1e-13)
    np.testing.assert_allclose(U.T @ U, np.eye(d), atol=1e-14)
    assert (np.diag(U) > 0).all()
    raw = np.linalg.eigh(S)[1]
    signs = np.sign(np.sum(raw[:, ::-1] * U, axis=0))
    dy_raw = (dy * signs)[:, ::-1]
    want = autograd.grad(lambda S: anp.sum(dy_raw * anp.linalg.eigh(S)[1]))(S)
    assert_same("dS", gradient(eigenvectors, dy, S=S)["S"], symmetric(want), scale=100)
    assert_same("dS", symmetric(want), along_symmetric(eigenvectors, S, dy), scale=1e6)


def test_eigenvectors_of_equal_eigenvalues():
    """Nothing is made up: no number where there is no derivative, 0 where nothing arrives."""
    S = np.eye(2) * 3
    np.testing.assert_array_equal(eigenvectors(S), np.eye(2))
    dy = np.array([[0.0, 1.0], [0.0, 0.0]])
    assert not np.isfinite(gradient(eigenvectors, dy, S=S)["S"]).all()
    np.testing.assert_array_equal(gradient(eigenvectors, 0 * dy, S=S)["S"], np.zeros((2, 2)))
    # The inverse root made of them has a derivative, which their rules cannot give: NaN, not wrong
    by_axes = gradient(
        lambda S: (eigenvectors(S) / np.sqrt(eigenvalues(S))) @ eigenvectors(S).T,
        np.ones((2, 2)),
        S=S,
    )["S"]
    assert np.isnan(by_axes).any()
    assert np.isfinite(gradient(inverse_sqrt, np.ones((2, 2)), S=S)["S"]).all()


def test_the_axes_point_ahead():
    across = np.diag([1.0, 4.0])  # the long axis is at right angles to feature 0
    np.testing.assert_array_equal(eigenvectors(across), [[0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(eigenvectors(np.diag([2.0, 2.0, 2.0])), np.eye(3))


@pytest.mark.parametrize("d", SIZES)
def test_cholesky(d):
    S, dy = positive(d, seed=5), np.random.default_rng(5).normal(size=(d, d))
    want = autograd.grad(lambda S: anp.sum(anp.tril(dy) * anp.linalg.cholesky(S)))(S)
    got = gradient(lambda S: np.linalg.cholesky(S), np.tril(dy), S=S)["S"]
    assert_same("dS", got, symmetric(want), scale=100)
    assert_same("dS", got, along_symmetric(np.linalg.cholesky, S, np.tril(dy)), scale=1e6)
    # What arrives above the diagonal moves nothing: L is 0 there whatever S is
    assert_same("dS", gradient(lambda S: np.linalg.cholesky(S), dy, S=S)["S"], got)


@pytest.mark.parametrize("columns", [(), (1,), (4,)])
@pytest.mark.parametrize("kind", ["full", "lower", "upper"])
def test_solve(kind, columns):
    rng = np.random.default_rng(6)
    A = rng.normal(size=(3, 3)) + 3 * np.eye(3)
    A = {"full": A, "lower": np.tril(A), "upper": np.triu(A)}[kind]
    b, dy = rng.normal(size=(3, *columns)), rng.normal(size=(3, *columns))
    got = gradient(lambda A, b: np.linalg.solve(A, b), dy, A=A, b=b)
    for slot, name in enumerate("Ab"):
        want = autograd.grad(lambda *ab: anp.sum(dy * anp.linalg.solve(*ab)), slot)(A, b)
        assert_same(name, got[name], want)
        other = [lambda v: np.linalg.solve(v, b), lambda v: np.linalg.solve(A, v)][slot]
        assert_same(name, got[name], numeric_gradient(other, (A, b)[slot], dy, "complex step"))


def test_the_same_numbers_in_the_page():
    """Values, gradients, flows, for all sizes, several starts, and graded and nearly flat ones."""
    rng = np.random.default_rng(7)
    functions = [
        lambda S: inverse_sqrt(S),
        lambda S: eigenvalues(S),
        lambda S: eigenvectors(S),
        lambda S: np.linalg.cholesky(S),
        lambda S: np.linalg.solve(S, np.arange(1.0, len(S) + 1)),
        lambda S: np.linalg.solve(np.linalg.cholesky(S), S + 1).T,
        lambda S: eigenvectors(S) / np.sqrt(eigenvalues(S)),
    ]
    for d in SIZES:
        for seed in range(4):
            S = positive(d, seed, spread=(1.0, 10.0, 0.1, 3.0)[seed])
            for function in functions:
                graph = trace(function, S=S)
                (output,) = graph.outputs
                compare(graph, {"S": S}, [rng.normal(size=graph.nodes[output].shape)], [()])


def test_extremes_in_the_page():
    """Equal, tiny, huge and graded eigenvalues; what Python cannot do is NaN there, not a loop."""
    for S in (
        np.eye(3),
        np.zeros((2, 2)) + np.diag([4.0, 4.0]),
        1e-200 * positive(3),
        1e150 * positive(3),
        np.array([[1e8, 1.0], [1.0, 1e-6]]),
        np.array([[1.0, 1e-9], [1e-9, 1.0]]),
        np.diag([1.0, 4.0, 9.0]),
    ):
        graph = trace(lambda S: (inverse_sqrt(S), eigenvalues(S)), S=S)
        values, _ = run_in_page(graph, {"S": S}, [None, None], [()])
        run = graph.forward(S=S)
        for i in graph.outputs:
            np.testing.assert_allclose(
                values[i], run[i], rtol=1e-7, atol=1e-15 * np.abs(run[i]).max()
            )
    graph = trace(lambda S: np.linalg.cholesky(S), S=np.eye(2))
    values, _ = run_in_page(graph, {"S": -np.eye(2)}, [None], [()])
    assert np.isnan(values[1]).any()
    with pytest.raises(ValueError, match="positive definite"):
        graph.forward(S=-np.eye(2))
    graph = trace(lambda S: inverse_sqrt(S), S=np.eye(2))
    values, _ = run_in_page(graph, {"S": np.full((2, 2), np.nan)}, [None], [()])
    assert np.isnan(values[1]).all()


def test_random_symmetric_matrices_in_the_page():
    """200 matrices of random size and spectrum; the decomposition puts each together again."""
    rng = np.random.default_rng(8)
    graphs = {}
    for _ in range(200):
        d = int(rng.integers(1, 9))
        Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
        values = rng.choice([1.0, 2.0, rng.uniform(0.1, 3), rng.uniform(0.1, 3)], d)
        S = symmetric(Q * values @ Q.T)
        graphs[d] = graphs.get(d) or trace(
            lambda S: (eigenvalues(S), eigenvectors(S), inverse_sqrt(S)), S=S
        )
        nodes, _ = run_in_page(graphs[d], {"S": S}, [None] * 3, [()])
        got, U, W = (nodes[i] for i in graphs[d].outputs)
        np.testing.assert_allclose(got, np.sort(values)[::-1], atol=1e-13)
        np.testing.assert_allclose(U.T @ U, np.eye(d), atol=1e-13)
        np.testing.assert_allclose(U * got @ U.T, S, atol=1e-13)
        np.testing.assert_allclose(W @ S @ W, np.eye(d), atol=1e-12)


def test_a_descent_in_the_page():
    """It uses its arrays again: what was found for one step does not hold for the next."""

    def loss(W, x):
        z = x @ W
        return ((z @ inverse_sqrt(z.T @ z) - x) ** 2).mean()

    x, W = np.random.default_rng(0).normal(size=(6, 2)), np.array([[1.0, 0.3], [0.1, 0.8]])
    graph, w, want = trace(loss, W=W, x=x), W, []
    for _ in range(5):
        values = graph.forward(W=w, x=x)
        want.append(float(values.output))
        w = w - 0.5 * values.backward(np.array(1.0))["W"]
    names = ("ops/symmetric", "wire", "tensor", "descend")
    script = """(m, text, W, x) => m.descend(m.readGraph(text), { W: m.tensor(W), x: m.tensor(x) },
      ["W"], { rate: 0.5, steps: 4, read: ({ values }) => values.at(-1).data[0] })"""
    (got,) = run([f"graph/{name}.js" for name in names], script, [graph.to_json(), W, x])
    assert got == pytest.approx(want, rel=1e-12)


def test_plain_calls_and_traces():
    S = [[2.0, 1.0], [1.0, 2.0]]
    np.testing.assert_allclose(eigenvalues(S), [3.0, 1.0])
    assert eigenvalues.__doc__.startswith("The eigenvalues")

    def named(S):
        values = eigenvalues(S)
        root = inverse_sqrt(S)
        return values @ root

    graph = trace(named, S=np.array(S))
    assert [node.name for node in graph.nodes] == ["S", "values", "root", ""]
    np.testing.assert_array_equal(graph.forward(S=S).output, named(S))
    again = Graph.from_json(graph.to_json())
    np.testing.assert_array_equal(again.forward(S=S).output, named(S))
    with warnings.catch_warnings(), pytest.raises(UnknownOperation, match=r"np\.linalg\.eigh"):
        trace(lambda S: np.linalg.eigh(S), S=np.array(S))
    with pytest.raises(UnknownOperation, match=r"cholesky with upper="):
        trace(lambda S: np.linalg.cholesky(S, upper=True), S=np.array(S))
    with pytest.raises(UnknownOperation, match="more than two dimensions"):
        trace(lambda S: np.linalg.cholesky(S + np.zeros((2, 2, 2))), S=np.array(S))
