"""The readable layer: the formula, the identities of its gradient, and nothing but NumPy."""

import ast
import doctest
import inspect
import json
from pathlib import Path

import autograd.numpy as anp
import numpy as np
import pytest
from programs import gradients_by_autograd

import batchnorm as bn
import batchnorm.reference
from batchnorm.check import numeric_gradient
from batchnorm.reference import backward_compact, backward_staged, batch_norm, sum_to

CHAPTERS = Path(__file__).parents[1] / "chapters"
RNG = np.random.default_rng(2)


def case(shape, offset=2.0):
    """A batch, its parameters away from 1 and 0, and a random gradient at the output."""
    d = shape[1:]
    return {
        "x": RNG.normal(offset, 3, shape),
        "gamma": RNG.uniform(0.5, 2, d) * RNG.choice([-1, 1], d),
        "beta": RNG.normal(size=d),
    }, RNG.normal(size=shape)


SHAPES = [(2,), (5,), (2, 3), (8, 1), (6, 4)]


def gradients(inputs, dy, **constants):
    """By the graph of the function: what the book computes with."""
    graph = bn.trace(lambda **inputs: batch_norm(**inputs, **constants), **inputs)
    grads = graph.forward(**inputs).backward(dy)
    return {name: grads[name] for name in inputs}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_output_is_standardised_scaled_and_shifted(shape):
    inputs, _ = case(shape)
    x, gamma, beta = inputs.values()
    y = batch_norm(x, gamma, beta, eps=0)
    assert y.shape == x.shape
    np.testing.assert_allclose(y.mean(axis=0), beta, atol=1e-13)
    np.testing.assert_allclose(y.std(axis=0), np.abs(gamma))  # biased: divided by m
    eps = 0.7
    by_hand = gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta
    np.testing.assert_allclose(batch_norm(x, gamma, beta, eps), by_hand)
    np.testing.assert_array_equal(batch_norm(x, gamma, beta), batch_norm(x, gamma, beta, 1e-5))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.5])
def test_gradients(shape, eps):
    inputs, dy = case(shape)
    if eps == 0 and shape[0] == 2:
        eps = 1e-3  # with two samples dx vanishes, and there is nothing to compare: see below
    got = gradients(inputs, dy, eps=eps)

    def by_hand(x, gamma, beta):
        # autograd's NumPy: its `mean` and `var` are not the function's own
        return (gamma * (x - anp.mean(x, 0)) / anp.sqrt(anp.var(x, 0) + eps) + beta,)

    want = gradients_by_autograd(by_hand, inputs, [dy])
    for name, value in inputs.items():

        def of(v, name=name):
            return batch_norm(**{**inputs, name: v}, eps=eps)

        number = numeric_gradient(of, value, dy)
        for answer in (want[name], number):
            assert np.shape(got[name]) == answer.shape == np.shape(value)
            # dx of two samples is what is left of terms as large as dy
            atol = 1e-12 * np.abs(answer).max() + 1e-15 * np.abs(dy).max()
            np.testing.assert_allclose(got[name], answer, rtol=0, atol=atol)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_one_expression(shape, eps):
    """dx = gamma / (m s) (m dy - dbeta - x_hat dgamma), and what it implies."""
    inputs, dy = case(shape)
    x, gamma, _ = inputs.values()
    m, s = len(x), np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) / s
    grads = gradients(inputs, dy, eps=eps)
    dbeta, dgamma = dy.sum(axis=0), (dy * x_hat).sum(axis=0)
    np.testing.assert_allclose(grads["beta"], dbeta)
    np.testing.assert_allclose(grads["gamma"], dgamma, atol=1e-14)
    dx = gamma / (m * s) * (m * dy - dbeta - x_hat * dgamma)
    np.testing.assert_allclose(grads["x"], dx, rtol=0, atol=1e-13)
    np.testing.assert_allclose(grads["x"].sum(axis=0), 0, atol=1e-13)
    along = (grads["x"] * x_hat).sum(axis=0)
    np.testing.assert_allclose(along, gamma * eps * s**-3.0 * dgamma, rtol=1e-6, atol=1e-13)


def test_the_staged_gradients_are_those_of_the_nodes():
    eps = 1e-2
    inputs, dy = case((6, 4))
    x, gamma, _ = inputs.values()
    m, mu, s = len(x), x.mean(axis=0), np.sqrt(x.var(axis=0) + eps)
    grads = bn.trace(batch_norm, **inputs, eps=eps).forward(**inputs, eps=eps).backward(dy)
    dx_hat = gamma * dy
    dvar = (dx_hat * (x - mu)).sum(axis=0) * -0.5 * s**-3.0
    dmu = -dx_hat.sum(axis=0) / s  # the second term, dvar (-2/m) Σ (x - mu), is 0
    for name, want in {"x_hat": dx_hat, "var": dvar, "mu": dmu, "eps": dvar.sum()}.items():
        assert np.shape(grads[name]) == np.shape(want)
        np.testing.assert_allclose(grads[name], want, rtol=1e-9, err_msg=name)
    dx = dx_hat / s + dvar * 2 * (x - mu) / m + dmu / m
    np.testing.assert_allclose(grads["x"], dx, rtol=0, atol=1e-13)


def test_the_norm_identity_without_eps():
    """‖dx‖² = gamma²/var (‖dy‖² - ⟨1, dy⟩²/m - ⟨x_hat, dy⟩²/m): with 1/m, and an equality."""
    inputs, dy = case((7,))
    x, gamma, _ = inputs.values()
    m, x_hat = len(x), (x - x.mean()) / x.std()
    dx = gradients(inputs, dy, eps=0.0)["x"]
    want = gamma**2 / x.var() * (dy @ dy - dy.sum() ** 2 / m - (x_hat @ dy) ** 2 / m)
    np.testing.assert_allclose(dx @ dx, want, rtol=1e-10)
    np.testing.assert_allclose([dx.sum(), dx @ x_hat], 0, atol=1e-12)


@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.3])
def test_two_samples_pass_almost_nothing(eps):
    inputs, dy = case((2, 5))
    x, gamma, _ = inputs.values()
    s = np.sqrt(x.var(axis=0) + eps)
    want = gamma * eps * s**-3.0 * (dy - dy.mean(axis=0))
    dx = gradients(inputs, dy, eps=eps)["x"]
    assert dx.shape == want.shape
    np.testing.assert_allclose(dx, want, rtol=1e-9 if eps else 0, atol=1e-14)


def test_equal_gradients_test_nothing():
    inputs, dy = case((6, 4))
    same = np.broadcast_to(dy[0], dy.shape)
    np.testing.assert_allclose(gradients(inputs, same)["x"], 0, atol=1e-14)


def test_a_shift_changes_nothing_and_a_scale_only_the_gradient():
    inputs, dy = case((6, 4), offset=0)
    moved = inputs | {"x": 3 * inputs["x"] + 5}
    np.testing.assert_allclose(batch_norm(**moved, eps=0), batch_norm(**inputs, eps=0))
    grads, other = (gradients(i, dy, eps=0.0) for i in (inputs, moved))
    np.testing.assert_allclose(3 * other["x"], grads["x"], rtol=1e-9, atol=1e-13)


def test_float32_stays_float32():
    inputs, _ = case((6, 4))
    x, gamma, beta = (np.float32(v) for v in inputs.values())
    assert batch_norm(x, gamma, beta).dtype == np.float32
    assert batch_norm(x, 1.5, -0.5).dtype == np.float32


@pytest.mark.parametrize("backward", [backward_staged, backward_compact])
@pytest.mark.parametrize(
    ("shape", "kept"), [((5,), ()), ((6, 4), (4,)), ((6, 4), (1, 4)), ((3, 2, 4, 5), (1, 2, 1, 1))]
)
def test_the_backward_passes_to_read(backward, shape, kept):
    """Against autograd and the complex step; the samples are what s, of shape `kept`, lacks."""
    inputs, _ = case(shape)
    dy = RNG.normal(size=shape)
    inputs["gamma"] = RNG.uniform(0.5, 2, kept) * RNG.choice([-1, 1], kept)
    inputs["beta"] = RNG.normal(size=kept)
    axes = tuple(range(len(shape) - len(kept)))
    axes += tuple(len(axes) + i for i, n in enumerate(kept) if n == 1)

    def forward(x, gamma, beta):
        centred = x - anp.mean(x, axes, keepdims=True)
        s = anp.sqrt(anp.mean(centred**2, axes, keepdims=True) + 1e-2)
        return (gamma * centred / s + beta,)

    x, gamma, _ = inputs.values()
    s = np.sqrt(x.var(axis=axes, keepdims=True) + 1e-2)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) / s
    want = gradients_by_autograd(forward, inputs, [dy])
    answers = dict(zip(inputs, backward(dy, x_hat, gamma, s.reshape(kept)), strict=True))
    for name, got in answers.items():

        def of(v, name=name):
            return forward(**{**inputs, name: v})[0]

        for answer in (want[name], numeric_gradient(of, inputs[name], dy)):
            assert got.shape == answer.shape == np.shape(inputs[name])
            np.testing.assert_allclose(got, answer, rtol=0, atol=1e-13 * np.abs(dy).sum())
    half = backward(*(np.float32(v) for v in (dy, x_hat, gamma, s.reshape(kept))))
    assert {v.dtype for v in half} == {np.dtype("f4")}


def test_the_staged_pass_holds_where_gamma_varies_among_the_samples():
    """Layer norm: gamma is learned along the axis that is averaged."""
    x, dy = RNG.normal(size=(2, 5, 4))
    gamma = RNG.uniform(0.5, 2, 4)
    s = np.sqrt(x.var(axis=1, keepdims=True) + 1e-2)
    x_hat = (x - x.mean(axis=1, keepdims=True)) / s

    def norm(x, gamma):
        centred = x - x.mean(axis=1, keepdims=True)
        return gamma * centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-2)

    dx, dgamma, dbeta = backward_staged(dy, x_hat, gamma, s)
    for got, want in [
        (dx, numeric_gradient(lambda x: norm(x, gamma), x, dy)),
        (dgamma, numeric_gradient(lambda gamma: norm(x, gamma), gamma, dy)),
        (dbeta, dy.sum(axis=0)),
    ]:
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 4), (3, 1), (3, 4), (1, 1, 4), (2, 1, 4)])
def test_sum_to_is_the_way_back_through_broadcasting(shape):
    a, small = RNG.normal(size=(2, 3, 4)), RNG.normal(size=shape)
    got = sum_to(a, small)
    assert got.shape == shape
    want = numeric_gradient(lambda small: small + np.zeros(a.shape), small, a)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-14)


def test_the_function_that_the_start_page_shows_is_this_one():
    """Statement by statement, if the chapter holds a copy of it."""

    def statements(function):
        body = [s for s in function.body if not isinstance(s, ast.Expr)]  # without the docstring
        names = [a.arg for a in function.args.args]
        return names, [ast.unparse(s) for s in (*function.args.defaults, *body)]

    notebook = json.loads((CHAPTERS / "start_here.ipynb").read_text())
    copies = [
        node
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and "def batch_norm(" in "".join(cell["source"])
        for node in ast.parse("".join(cell["source"])).body
        if isinstance(node, ast.FunctionDef) and node.name == "batch_norm"
    ]
    shown = any("getsource(bn.batch_norm)" in "".join(c["source"]) for c in notebook["cells"])
    assert copies or shown
    want = statements(ast.parse(inspect.getsource(batch_norm)).body[0])
    assert [statements(copy) for copy in copies] == [want] * len(copies)


def test_the_signature():
    parameters = inspect.signature(batch_norm).parameters.values()
    assert [p.name for p in parameters] == ["x", "gamma", "beta", "eps"]
    assert [p.default for p in parameters] == [inspect.Parameter.empty] * 3 + [1e-5]
    assert bn.batch_norm is batch_norm


def test_it_holds_nothing_but_numpy():
    tree = ast.parse(inspect.getsource(batchnorm.reference))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    wanted = ["import numpy as np", "from .validate import plain"]
    assert [ast.unparse(node) for node in imports] == wanted
    body = ast.parse(inspect.getsource(batch_norm)).body[0].body
    steps = [step for step in body if not isinstance(step, ast.Expr)]
    assert all(isinstance(step, ast.Assign) for step in steps[:-1])  # one named line per step
    assert isinstance(steps[-1], ast.Return)
    assert doctest.testmod(batchnorm.reference).failed == 0


def test_the_names_that_figures_rely_on():
    graph = bn.trace(batch_norm, x=np.arange(3.0), gamma=1.0, beta=0.0)
    named = [node.name for node in graph.nodes if node.name]
    assert named == [
        *("x", "gamma", "beta", "mu", "centred", "squared"),
        *("var", "stable", "s", "x_hat", "scaled", "y"),
    ]
    assert graph.outputs == (graph.index("y"),)
