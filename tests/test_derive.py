"""The derived backward passes: run beside the graph's own, read beside what was agreed, linted.

``python tests/test_derive.py`` writes the texts in ``tests/derived`` again.
"""

import copy
import doctest
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from node import NODE
from programs import OPERATIONS, assert_same, book, net, net_inputs, traced
from test_styles import STYLES

import batchnorm as bn
from batchnorm.graph import inverse_sqrt
from batchnorm.graph.ops.symmetric import eigenvalues, eigenvectors

HERE = Path(__file__).parent
RNG = np.random.default_rng(11)
X, GAMMA, BETA = RNG.normal(2, 1.5, (5, 3)), RNG.normal(1, 0.3, 3), RNG.normal(size=3)
LAYER = {"x": X, "gamma": GAMMA, "beta": BETA}
IMAGES = RNG.normal(2, 1.5, (4, 3, 2, 5))


# --- What is derived, and how it is compared ------------------------------------------------


def layer_norm(x, gamma, beta, eps=1e-5):
    mu = np.mean(x, axis=-1, keepdims=True)
    var = np.mean((x - mu) ** 2, axis=-1, keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + eps)
    out = gamma * x_hat + beta
    return out


def rms_norm(x, gamma, eps=1e-5):
    rms = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    y = x / rms * gamma
    return y


def cross_entropy(z, t):
    shifted = z - z.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -(t * np.log(p)).sum(axis=1).mean()
    return loss


def course(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=0)
    xmu = x - mean
    ivar = 1.0 / np.sqrt(np.mean(xmu * xmu, axis=0) + eps)
    out = gamma * (xmu * ivar) + beta
    return out


def over_images(axes):
    def norm(x, gamma, beta, eps=1e-5):
        mu = x.mean(axis=axes, keepdims=True)
        centred = x - mu
        s = np.sqrt((centred**2).mean(axis=axes, keepdims=True) + eps)
        y = gamma * (centred / s) + beta
        return y

    return norm


def eps_outside(x, gamma, beta, eps=1e-3):
    mu = x.mean(axis=0)
    centred = x - mu
    sigma = np.sqrt((centred**2).mean(axis=0))
    y = gamma * (centred / (sigma + eps)) + beta
    return y


def bessel(x, gamma, beta, eps=1e-5):
    centred = x - x.mean(axis=0)
    var = (centred**2).sum(axis=0) / (len(x) - 1)
    y = centred * (var + eps) ** -0.5 * gamma + beta
    return y


def sums_over_n(x, gamma, beta, eps=1e-5):
    n = len(x)
    mu = 1.0 / n * np.sum(x, axis=0)
    xmu = x - mu
    var = np.sum(xmu**2, axis=0) / n
    ivar = 1.0 / np.sqrt(var + eps)
    return gamma * (xmu * ivar) + beta


def axes_given_back(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=1)
    xmu = x - mu[:, None]
    s = np.sqrt((xmu**2).mean(axis=1) + eps)
    return gamma * (xmu / s.reshape(-1, 1)) + beta


def one_expression(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=0)
    var = ((x - mu) ** 2).mean(axis=0)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta


CHANNELS = {"x": IMAGES, "gamma": np.ones((1, 3, 1, 1)) * 1.5, "beta": np.ones((1, 3, 1, 1))}
GOLDEN = {
    "batch_norm": (bn.batch_norm, LAYER),
    "layer_norm": (layer_norm, LAYER),
    "rms_norm": (rms_norm, {"x": X, "gamma": GAMMA}),
    "cross_entropy": (cross_entropy, {"z": X, "t": X}),
    "net": (net, net_inputs(np.random.default_rng(0))),
}
NORMALIZATIONS = {
    "batch": (bn.batch_norm, LAYER),
    "layer": (layer_norm, LAYER),
    "1/s": (course, LAYER),
    "images": (over_images((0, 2, 3)), CHANNELS),
    "instance": (over_images((2, 3)), CHANNELS),
    "group": (over_images((2, 3, 4)), {**CHANNELS, "x": IMAGES.reshape(4, 1, 3, 2, 5)}),
    "a gamma for each sample": (bn.batch_norm, {**LAYER, "gamma": X + 3}),
    "one gamma": (bn.batch_norm, {**LAYER, "gamma": 1.5, "beta": 0.5}),
    "one feature": (bn.batch_norm, {"x": X[:, 0], "gamma": 1.5, "beta": 0.5}),
    "eps outside": (eps_outside, LAYER),
    "bessel": (bessel, LAYER),
    "sums over n": (sums_over_n, LAYER),
    "axes given back": (axes_given_back, LAYER),
    "one expression": (one_expression, LAYER),
    "root mean square": (rms_norm, {"x": X, "gamma": GAMMA}),
    "net": (net, net_inputs(np.random.default_rng(0))),
}


def results(derivation, *args, **kwargs):
    got = derivation.function(*args, **kwargs)
    return got if isinstance(got, tuple) else (got,)


def assert_right(derivation, inputs, cut=(), wrt=None, graph=None):
    """The derived code gives what the graph it came from gives, on data of its own."""
    graph = graph or derivation.graph
    rng = np.random.default_rng(5)
    dys = [rng.normal(size=graph.nodes[i].shape) for i in graph.outputs]
    defaults = {"eps": 1e-5} if "eps" in graph.inputs and "eps" not in inputs else {}
    run = graph.forward(**{**inputs, **defaults})
    grads = run.backward(dys if len(dys) > 1 else dys[0], cut=cut)
    scale = max((np.abs(f).max(initial=0) for f in grads.flow.values()), default=1)
    names = wrt or [*inputs]
    for name, got in zip(names, results(derivation, *dys, **inputs, **defaults), strict=True):
        assert_same(f"{name}\n{derivation}", got, grads[name], 10 * scale)


def has_no_empty_array(graph):
    return all(0 not in node.shape for node in graph.nodes)


def lint(folder):
    """ruff finds nothing to say of the texts in a folder, by its own rules and by ours."""
    # A random program may compare a name with itself
    for command in (["check", "--ignore=PLR0124"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", folder]
        done = subprocess.run(ruff, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_doctests():
    module = importlib.import_module("batchnorm.graph.derive.derivation")
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 2


# --- The numbers are right, and the text is clean -------------------------------------------


def test_random_programs(tmp_path):
    """The code of each does what the graph does, with cuts and for some inputs alone."""
    codes = set()

    @settings(max_examples=150, deadline=None)
    @given(traced(), st.data())
    def check(case, data):
        program, graph, dys, cut = case
        assume(has_no_empty_array(graph))
        names = [*program.inputs]
        wrt = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        for edges, asked in ((set(), names), (cut, names), (cut, wrt)):
            derivation = bn.derive(graph, cut=edges, wrt=asked)
            codes.add(derivation.code)
            run = graph.forward(**program.inputs)
            grads = run.backward(dys if len(dys) > 1 else dys[0], cut=edges)
            scale = max((np.abs(f).max(initial=0) for f in grads.flow.values()), default=1)
            got = results(derivation, *dys, **program.inputs)
            for name, gradient in zip(asked, got, strict=True):
                assert_same(f"{name}\n{derivation}", gradient, grads[name], scale)

    check()
    assert len(codes) > 50
    for k, code in enumerate(codes):
        (tmp_path / f"code{k}.py").write_text(code)
    lint(tmp_path)


@settings(max_examples=100, deadline=None)
@given(traced())
def test_random_programs_in_single_precision(case):
    program, graph, dys, _ = case
    assume(has_no_empty_array(graph))
    single = {name: np.float32(value) for name, value in program.inputs.items()}
    with np.errstate(all="ignore"):
        grads = graph.forward(**single).backward(
            [np.float32(dy) for dy in dys] if len(dys) > 1 else np.float32(dys[0])
        )
        got = results(bn.derive(graph), *map(np.float32, dys), **single)
    scale = max((np.abs(f).max(initial=0) for f in grads.flow.values()), default=1)
    constants = any(node.op == "constant" and node.shape for node in graph.nodes)
    for name, gradient in zip(single, got, strict=True):
        assert constants or gradient.dtype == np.float32
        assert np.shape(gradient) == single[name].shape
        np.testing.assert_allclose(gradient, grads[name], rtol=1e-3, atol=2e-5 * scale)


NOT_EMPTY = [pair for pair in OPERATIONS if has_no_empty_array(bn.trace(pair[0], **pair[1]))]


@pytest.mark.parametrize(("function", "inputs"), NOT_EMPTY)
def test_each_operation(function, inputs, tmp_path):
    derivation = bn.derive(function, **inputs)
    assert_right(derivation, inputs)
    (tmp_path / "code.py").write_text(derivation.code)
    lint(tmp_path)


@pytest.mark.parametrize("name", book())
def test_the_book(name):
    function, inputs = book()[name]
    assert_right(bn.derive(function, **inputs), inputs)


def test_other_peoples_styles(tmp_path):
    compact = 0
    for k, (function, inputs) in enumerate(STYLES):
        derivation = bn.derive(function, **copy.deepcopy(inputs))
        graph = derivation.graph
        defaults = {**graph.state, **{name: 0.1 for name in graph.inputs if name not in inputs}}
        given = {name: {**defaults, **inputs, **graph.state}[name] for name in graph.inputs}
        rng = np.random.default_rng(5)
        dys = [rng.normal(size=graph.nodes[i].shape) for i in graph.outputs]
        grads = graph.forward(**given).backward(dys if len(dys) > 1 else dys[0])
        for shown in filter(None, [derivation, derivation.compact]):
            names = [n[1:] for n in re.findall(r"[\w_]+", shown.code.split("return ")[-1])]
            got = results(shown, *dys, **given)
            for name, gradient in zip(names, got, strict=True):
                assert_same(f"{name}\n{shown}", gradient, grads[name.lstrip("_")], 1e3)
            compact += shown is derivation.compact
            (tmp_path / f"style{k}_{compact}.py").write_text(shown.code)
    assert compact > 30
    lint(tmp_path)


S = RNG.normal(size=(3, 3)) / 5
MATRICES = {
    "cholesky": lambda S: np.linalg.cholesky(S),
    "inverse root": lambda S: inverse_sqrt(S),
    "eigenvalues": lambda S: eigenvalues(S),
    "solve": lambda S: np.linalg.solve(S, np.ones((3, 2))),
    "solve for a vector": lambda S: np.linalg.solve(S, S @ np.array([1.0, 2.0, 4.0]) + 1),
}


@pytest.mark.parametrize("name", MATRICES)
def test_symmetric_matrices(name, tmp_path):
    inputs = {"S": S @ S.T + np.diag([1.0, 2.0, 3.0])}
    derivation = bn.derive(MATRICES[name], **inputs)
    assert_right(derivation, inputs)
    (tmp_path / "code.py").write_text(derivation.code)
    lint(tmp_path)


def test_every_line_is_its_nodes_gradient_or_value():
    for name in {*GOLDEN} - {"layer_norm"}:  # where two nodes are one, theirs is the sum
        function, inputs = GOLDEN[name]
        derivation = bn.derive(function, **inputs)
        defaults = {"eps": 1e-5} if "eps" in derivation.graph.inputs else {}
        run = derivation.graph.forward(**inputs, **defaults)
        dy = RNG.normal(size=np.shape(run.output))
        grads, space = run.backward(dy), {}
        code = re.sub(r"return .*", "return locals()", derivation.code)
        exec(code, space)
        local = space[derivation.name](dy, **inputs)
        checked = 0
        for text, node in derivation.lines:
            if (name := re.match(r"    (\w+) = ", text)) and node is not None:
                want = (grads if local[name[1]] is not None and name[1][0] == "d" else run)[node]
                if name[1].startswith(("part", "chosen", "averaged", "summed")):
                    continue
                np.testing.assert_allclose(
                    np.broadcast_to(local[name[1]], np.shape(want)), want, atol=1e-12
                )
                checked += 1
        assert checked > 5


def test_the_code_holds_for_other_sizes():
    derivation = bn.derive(bn.batch_norm, **LAYER)
    rng = np.random.default_rng(2)
    x, gamma, beta = rng.normal(size=(9, 4)), rng.normal(size=4), rng.normal(size=4)
    graph = bn.trace(bn.batch_norm, x=x, gamma=gamma, beta=beta)
    dy = rng.normal(size=(9, 4))
    grads = graph.forward(x=x, gamma=gamma, beta=beta).backward(dy)
    got = derivation.function(dy, x, gamma, beta)
    for name, gradient in zip(LAYER, got, strict=True):
        assert_same(name, gradient, grads[name])


# --- It reads as agreed ---------------------------------------------------------------------


def golden(name):
    function, inputs = GOLDEN[name]
    derivation = bn.derive(function, **inputs)
    text = derivation.code
    if derivation.compact:
        text += f"\n\n# --- compact ---\n{derivation.compact.code}"
    formulas = "".join(f"# {formula}\n" for formula in derivation.formulas)
    return f"{text}\n\n# --- formulas ---\n{formulas}"


@pytest.mark.parametrize("name", GOLDEN)
def test_the_text(name):
    assert golden(name) == (HERE / "derived" / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", GOLDEN)
def test_the_text_is_clean(name, tmp_path):
    derivation = bn.derive(GOLDEN[name][0], **GOLDEN[name][1])
    for k, shown in enumerate([derivation, derivation.compact]):
        if shown:
            (tmp_path / f"code{k}.py").write_text(shown.code)
            assert "fmt:" not in shown.code
            assert f"{shown}\n" == shown.code == "".join(f"{t}\n" for t, _ in shown.lines)
    lint(tmp_path)


def test_formulas_are_latex():
    """KaTeX, which sets the book's formulas, takes them all."""
    formulas = []
    for function, inputs in [*GOLDEN.values(), *NORMALIZATIONS.values(), *NOT_EMPTY]:
        derivation = bn.derive(function, **inputs)
        formulas += derivation.formulas
        formulas += derivation.compact.formulas if derivation.compact else []
    script = (
        "const katex = require('katex'); let text = ''; process.stdin.on('data', (d) => text += d);"
        "process.stdin.on('end', () => { for (const f of JSON.parse(text)) "
        "katex.renderToString(f, {strict: 'error'}); });"
    )
    done = subprocess.run(
        [NODE, "-e", script], input=json.dumps(formulas), text=True, cwd=HERE.parent,
        capture_output=True,
    )  # fmt: skip
    assert len(formulas) > 100
    assert done.returncode == 0, done.stderr


def lines(derivation):
    return "\n".join(text.strip() for text, _ in derivation.lines)


# --- Simplifications: where they are proved, and nowhere else -------------------------------


def test_what_is_centred_sums_to_zero():
    derivation = bn.derive(bn.batch_norm, **LAYER)
    assert "# 2 * centred * dsquared sums to 0 along axis 0" in lines(derivation)
    assert "dmu = -dx_hat.sum(axis=0) / s" in lines(derivation)
    assert_right(derivation, LAYER)


def square_mean(axis, keepdims, back):
    def function(x):
        centred = x - x.mean(axis=axis, keepdims=keepdims)
        var = (centred**2).mean(axis=back)
        return (centred + x.sum(axis=0)) / (var + 1)

    return function


@pytest.mark.parametrize(
    ("axis", "keepdims", "back"),
    [
        (1, False, 0),  # broadcast along the other axis: no centring
        (1, True, 0),  # centred along the other axis
    ],
)
def test_nothing_is_dropped_that_is_not_centred_there(axis, keepdims, back):
    x = RNG.normal(size=(3, 3))
    derivation = bn.derive(square_mean(axis, keepdims, back), x=x)
    assert_right(derivation, {"x": x})


@pytest.mark.parametrize("given", [lambda mu: mu[:, None], lambda mu: mu.reshape(-1, 1)])
def test_a_mean_with_its_axis_given_back_centres(given):
    def function(x):
        mu = x.mean(axis=1)
        centred = x - given(mu)
        return (centred**2).mean(axis=1, keepdims=True) * centred

    derivation = bn.derive(function, x=X)
    assert "sums to 0 along axis 1, as centred does" in lines(derivation)
    assert_right(derivation, {"x": X})


def test_a_mean_of_something_else_does_not_centre():
    inputs = {"x": X, "z": X**2}

    def function(x, z):
        off = x - z.mean(axis=0)
        return (off**2).mean(axis=0) * off

    derivation = bn.derive(function, **inputs)
    assert "sums to 0" not in derivation.code
    assert_right(derivation, inputs)


def test_a_bias_below_the_layer_gets_no_gradient():
    def biased(x, w, b, gamma):
        u = x @ w + b
        mu = u.mean(axis=0)
        centred = u - mu
        y = gamma * centred / np.sqrt((centred**2).mean(axis=0) + 1e-5)
        return y

    inputs = {"x": X, "w": S, "b": BETA, "gamma": GAMMA}
    derivation = bn.derive(biased, **inputs)
    assert "db = np.zeros_like(b)" in lines(derivation)
    assert "since u is centred: moving it as a whole changes nothing" in " ".join(
        lines(derivation).replace("\n# ", " ").split()
    )
    assert_right(derivation, inputs)
    # A cut on the way through the mean lets the bias move the output
    cut = bn.derive(biased, cut="mu", **inputs)
    assert "zeros_like" not in cut.code
    graph = bn.trace(biased, **inputs)
    assert_right(cut, inputs, cut="mu", graph=graph)

    def also_used(x, w, b, gamma):
        u = x @ w + b
        return gamma * (u - u.mean(axis=0)) * u

    derivation = bn.derive(also_used, **inputs)
    assert "zeros_like" not in derivation.code
    assert_right(derivation, inputs)


def test_a_shift_of_a_softmax_sends_nothing_back():
    derivation = bn.derive(cross_entropy, z=X, t=X)
    assert "dshifted sums to 0 along axis 1, since a multiple of e has the same shares" in " ".join(
        lines(derivation).replace("\n# ", " ").split()
    )
    assert "==" not in derivation.code  # nothing of the largest
    assert_right(derivation, {"z": X, "t": X**2})

    def unnormalized(z):  # e is used beside its shares
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True) + e

    derivation = bn.derive(unnormalized, z=X)
    assert "sums to 0" not in derivation.code
    assert_right(derivation, {"z": X})

    def other_shares(z):  # shares of the other axis' sum
        shifted = z - z.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        return e / e.sum(axis=0)

    derivation = bn.derive(other_shares, z=X)
    assert "sums to 0" not in derivation.code
    assert_right(derivation, {"z": X})


def test_what_is_the_same_comes_out_of_the_sum():
    def scaled(x, a, b):
        return (x * a) / b

    a, b = RNG.normal(size=3), RNG.normal(size=(5, 1)) + 4
    derivation = bn.derive(scaled, x=X, a=a, b=b)
    assert_right(derivation, {"x": X, "a": a, "b": b})
    derivation = bn.derive(bn.batch_norm, **LAYER)
    assert "s is the same along axis 0: take it out of the sum" in lines(derivation)
    uneven = bn.derive(bn.batch_norm, **{**LAYER, "gamma": X + 3})
    assert_right(uneven, {**LAYER, "gamma": X + 3})


def test_like_terms_are_added():
    derivation = bn.derive(lambda x: x * x + x - x, x=X)
    assert "dx = 2 * dy * x" in lines(derivation)
    assert_right(derivation, {"x": X})


def test_what_is_computed_twice_is_written_once():
    derivation = bn.derive(one_expression, **LAYER)
    assert derivation.code.count("x - mu") == 1
    graph = bn.trace(one_expression, eps=1e-5, **LAYER)
    first = next(i for i, node in enumerate(graph.nodes) if node.op == "subtract")
    edge = next(edge for edge in graph.edges if graph.nodes[edge.target].inputs[0] == first)
    assert_right(bn.derive(one_expression, cut=[edge], **LAYER), LAYER, cut=[edge], graph=graph)


# --- The compact form -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_a_normalization_in_one_line(name, tmp_path):
    function, inputs = NORMALIZATIONS[name]
    compact = bn.derive(function, **inputs).compact
    assert compact
    assert len(compact.lines) < len(bn.derive(function, **inputs).lines)
    assert "of the staged code, on random numbers" in compact.check
    assert float(re.search(r"within (\S+)", compact.check)[1]) < 1e-12
    if name == "net":  # its own numbers: a ReLU's edge may lie between two roundings
        inputs = {**inputs, "x": inputs["x"] * 1.01}
    assert_right(compact, inputs)
    (tmp_path / "code.py").write_text(compact.code)
    lint(tmp_path)


def altered(change):
    """Batch norm with one step of it another."""

    def function(x, gamma, beta, eps=1e-5):
        mu = x.mean(axis=0)
        centred = x - mu
        squared = centred**2
        var = squared.mean(axis=0)
        stable = var + eps
        s = np.sqrt(stable)
        x_hat = centred / s
        return change(**locals())

    return function


ALTERED = {
    "another use of the variance": lambda var, x_hat, gamma, beta, **_: gamma * x_hat + var * beta,
    "another use of the mean": lambda mu, x_hat, gamma, beta, **_: gamma * x_hat + beta * mu,
    "another use of what is centred": lambda centred, x_hat, gamma, beta, **_: (
        gamma * x_hat + beta * centred
    ),
    "a variance of x about 0": lambda x, centred, gamma, beta, eps, **_: (
        gamma * centred / np.sqrt((x**2).mean(axis=0) + eps) + beta
    ),
    "other axes": lambda centred, gamma, beta, eps, **_: (
        gamma * centred / np.sqrt((centred**2).mean() + eps) + beta
    ),
    "another power": lambda centred, stable, gamma, beta, **_: gamma * centred / stable + beta,
    "an inverse root that divides": lambda centred, stable, gamma, beta, **_: (
        gamma * (centred / stable**-0.5) + beta
    ),
    "the third power": lambda centred, gamma, beta, eps, **_: (
        gamma * centred / np.sqrt((centred**3).mean(axis=0) ** 2 + eps) + beta
    ),
    "two outputs": lambda var, x_hat, gamma, beta, **_: (gamma * x_hat + beta, var),
}


@pytest.mark.parametrize("name", ALTERED)
def test_what_is_no_normalization_has_no_compact_form(name):
    derivation = bn.derive(altered(ALTERED[name]), **LAYER)
    assert derivation.compact is None
    assert_right(derivation, LAYER)


def test_a_sum_over_another_number_is_no_mean():
    """What is left is the root mean square of what was to be centred."""

    def function(x, gamma, beta, eps=1e-5):
        off = x - x.sum(axis=0) / 4
        return gamma * off / np.sqrt((off**2).mean(axis=0) + eps) + beta

    derivation = bn.derive(function, **LAYER)
    assert "minus its mean" not in derivation.compact.code
    assert "root mean square" in derivation.compact.code
    assert "sums to 0" not in derivation.code
    assert_right(derivation, LAYER)
    assert_right(derivation.compact, LAYER)


@pytest.mark.parametrize("cut", ["mu", "var", "s", "x->mu", "x->centred", "centred->squared"])
def test_a_cut_normalization_has_no_compact_form(cut):
    derivation = bn.derive(bn.batch_norm, cut=cut, **LAYER)
    assert derivation.compact is None
    assert "# cut: " in derivation.code
    assert_right(derivation, LAYER, cut=cut)
    assert bn.derive(bn.batch_norm, cut="gamma", **LAYER).compact


def test_a_gradient_of_eps_has_no_compact_form():
    inputs = {**LAYER, "eps": 0.1}
    derivation = bn.derive(bn.batch_norm, **inputs)
    assert derivation.compact is None
    assert_right(derivation, inputs)
    assert bn.derive(bn.batch_norm, wrt="x gamma beta", **inputs).compact


# --- Names, signatures, what is refused -----------------------------------------------------


def test_names_never_clash():
    def awkward(x, dx, m, d_x):
        dy = x - x.mean(axis=0)
        lambda_ = dy * dx + d_x
        difference = lambda_ * m
        return difference / difference.sum()

    inputs = {"x": X, "dx": X + 1, "m": GAMMA, "d_x": X - 1}
    derivation = bn.derive(awkward, **inputs)
    assert_right(derivation, inputs)
    assert re.search(r"return grad_x, ddx, dm, dd_x", derivation.code)


def test_defaults_stay_parameters_and_the_order_of_the_inputs_is_the_results():
    derivation = bn.derive(bn.batch_norm, beta=BETA, gamma=GAMMA, x=X)
    assert "def batch_norm_backward(dy, beta, gamma, x, eps=1e-5):" in derivation.code
    assert "return dbeta, dgamma, dx" in derivation.code
    only = bn.derive(bn.batch_norm, wrt=["gamma"], **LAYER)
    assert "return dgamma\n" in only.code
    assert "dx" not in only.code
    assert_right(only, LAYER, wrt=["gamma"])


def test_what_nothing_reaches_is_zero():
    derivation = bn.derive(lambda x, unused: x * 2, x=X, unused=GAMMA)
    assert "dunused = np.zeros_like(unused)" in lines(derivation)
    assert_right(derivation, {"x": X, "unused": GAMMA})


def test_large_constants_become_parameters():
    table = RNG.normal(size=(5, 3))
    derivation = bn.derive(lambda x: x * table, x=X)
    assert "def backward(dy, x, constant):" in derivation.code
    np.testing.assert_array_equal(derivation.constants["constant"], table)
    assert_right(derivation, {"x": X})


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_forward_and_backward_with_a_cache(name, tmp_path):
    function, inputs = NORMALIZATIONS[name]
    derivation = bn.derive(function, **inputs)
    dy = RNG.normal(size=np.shape(function(**inputs)))
    for k, shown in enumerate([derivation, derivation.compact]):
        space = {}
        exec(shown.with_cache, space)
        forward = space[shown.name.replace("backward", "forward")]
        y, cache = forward(**inputs)
        np.testing.assert_allclose(y, function(**inputs), rtol=1e-12)
        got = space[shown.name](dy, cache)
        for gradient, want in zip(got, shown.function(dy, **inputs), strict=True):
            np.testing.assert_array_equal(gradient, want)
        (tmp_path / f"code{k}.py").write_text(shown.with_cache)
    lint(tmp_path)


def test_it_imports_numpy_or_nothing():
    assert "import" not in bn.derive(lambda x: x * 2, x=X).code
    for function, inputs in GOLDEN.values():
        code = bn.derive(function, **inputs).code
        assert re.findall(r"^.*import.*$", code, re.M) == ["import numpy as np"]


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"wrt: 'z' is no input; the inputs are x, gamma, beta"):
        bn.derive(bn.batch_norm, wrt="z", **LAYER)
    with pytest.raises(ValueError, match="wrt: names no input"):
        bn.derive(bn.batch_norm, wrt=[], **LAYER)
    with pytest.raises(ValueError, match=r"x: got an array of shape \(0, 3\)"):
        bn.derive(lambda x: x * 2, x=np.ones((0, 3)))
    with pytest.raises(ValueError, match="eigenvectors cannot be written in lines of NumPy"):
        bn.derive(lambda S: eigenvectors(S), S=np.diag([1.0, 2.0]))
    with pytest.raises(ValueError, match="cut: "):
        bn.derive(bn.batch_norm, cut="nothing", **LAYER)


if __name__ == "__main__":
    for name in GOLDEN:
        (HERE / "derived" / f"{name}.txt").write_text(golden(name))
