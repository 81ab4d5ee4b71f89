"""The formulas that a graph's figure shows: there is one for every rule, and each is right."""

import re

import numpy as np
import pytest
from programs import normalise_by_raw_moment

import batchnorm as bn
from batchnorm.graph import OPS
from batchnorm.graph.describe import Description, describe, drawn_edges
from batchnorm.graph.ops import symmetric

RNG = np.random.default_rng(0)
A, B, D = RNG.uniform(0.5, 2, (3, 3)), RNG.uniform(0.5, 2, (3, 3)), RNG.normal(size=(3, 3))
PYTHON = [
    (r"(max|min)\(", r"np.\1imum("),
    (r"min (\(A\))", r"np.min(\1)"),
    (r"\|(\(A\))\|", r"np.abs(\1)"),
    (r"log\(1", "np.log(1"),
    (r"Σ (\(A\))", r"np.sum(\1)"),
    (r"mean (\(A\))", r"np.mean(\1)"),
    (r"max (\(A\))", r"np.max(\1)"),
    (r"\[(.*) = (.*)\]", r"(\1 == \2)"),
    (r"√(\(A\))", r"np.sqrt(\1)"),
    (r"(exp|log|tanh|sin|cos|sign) (\(A\))", r"np.\1(\2)"),
    (r"\[(.*) > (.*)\]", r"(\1 > \2)"),
    ("·", "*"),
    ("−", "-"),
    ("²", "**2"),
    ("³", "**3"),
    ("ᵀ", ".T"),
    (r"(\d)\(", r"\1*("),
]


# Those of linear algebra tell what a matrix is turned into, not how to compute it
LINALG = {name for name in vars(symmetric) if name in OPS}
PLAIN = OPS.keys() - LINALG - {"cholesky", "solve", "broadcast_to", "where"}
# Nor do those that put entries elsewhere, and comparisons
PLAIN = sorted(n for n in PLAIN if OPS[n].kind != "places" and OPS[n].sign not in ">≥<≤=≠")


def evaluate(formula, **numbers):
    for old, new in PYTHON:
        formula = re.sub(old, new, formula)
    return eval(formula, {"np": np, **numbers})


def filled(pattern):
    return pattern.format(a="(A)", b="(B)", y="(Y)", d="(D)", n=9, p="³", q="²", times="3")


def test_every_operation_has_its_formulas():
    for name, op in OPS.items():
        assert len(op.formula.sent) == len(op.formula.local) == len(op.rules), name
        for rule, *formulas in zip(op.rules, op.formula.sent, op.formula.local, strict=True):
            assert all(formulas), name
            assert (formulas == ["0", "0"]) == (rule is None), name


@pytest.mark.parametrize("name", PLAIN)
def test_each_formula_is_what_the_operation_computes(name):
    op = OPS[name]
    two = name in ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "matmul")
    arguments = (A, np.full((), 3.0) if name == "power" else B) if two else (A,)
    params = dict(axis=None, keepdims=False) if op.kind == "reduction" else {}
    y = np.asarray(op.forward(*arguments, **params))
    np.testing.assert_allclose(evaluate(filled(op.formula.value), A=A, B=B), y)
    d = RNG.normal(size=y.shape)
    for rule, sent, local in zip(op.rules, op.formula.sent, op.formula.local, strict=True):
        if rule is None:
            continue
        want = rule(d, y, *arguments, **params)
        got = evaluate(filled(sent), A=A, B=B, D=d, Y=y)
        np.testing.assert_allclose(np.broadcast_to(got, want.shape), want, err_msg=sent)
        if name != "matmul":
            factor = evaluate(filled(local), A=A, B=B, Y=y)
            want = np.broadcast_to(want / d, np.shape(want))
            np.testing.assert_allclose(np.broadcast_to(factor, want.shape), want, err_msg=local)


def described_layer():
    x, p = RNG.normal(size=(4, 2)), np.ones(2)
    graph = bn.trace(bn.batch_norm, x=x, gamma=p, beta=p, eps=0.1)
    return Description(graph), graph


def test_the_layer_in_formulas():
    formulas, graph = described_layer()
    got = {
        graph.nodes[i].name: (formulas.title(i), formulas.gradient(i))
        for i in range(len(graph.nodes))
        if graph.nodes[i].op != "constant"
    }
    assert got == {
        "x": ("x", "dL/d(x−μ) + dL/dμ / 4"),
        "gamma": ("γ", "Σ dL/d(γx̂)·x̂"),
        "beta": ("β", "Σ dL/dy"),
        "eps": ("ε", "Σ dL/d(σ²+ε)"),
        "mu": ("μ = mean x", "Σ(−dL/d(x−μ))"),
        "centred": ("centred = x − μ", "dL/dx̂ / s + dL/d(x−μ)²·2(x−μ)"),
        "squared": ("squared = (x−μ)²", "dL/dσ² / 4"),
        "var": ("σ² = mean (x−μ)²", "dL/d(σ²+ε)"),
        "stable": ("stable = σ² + ε", "dL/ds / (2s)"),
        "s": ("s = √(σ²+ε)", "Σ(−dL/dx̂·x̂ / s)"),
        "x_hat": ("x̂ = (x−μ)/s", "dL/d(γx̂)·γ"),
        "scaled": ("scaled = γ·x̂", "dL/dy"),
        "y": ("y = γx̂ + β", "dy as given"),
    }


def test_shapes_are_told_where_they_change():
    formulas, graph = described_layer()
    notes = {
        (
            graph.nodes[graph.nodes[e.target].inputs[e.slot]].name,
            graph.nodes[e.target].name,
        ): formulas.note(e)
        for e in drawn_edges(graph)
    }
    summed = "Broadcast from (2,) to (4, 2) going forward, so summed coming back."
    assert notes["gamma", "scaled"] == notes["s", "x_hat"] == notes["mu", "centred"] == summed
    assert notes["x", "mu"] == "Summed from (4, 2) to (2,) going forward, so copied coming back."
    assert notes["x", "centred"] == notes["var", "stable"] == ""


def test_a_largest_entry_takes_back_all_that_comes():
    graph = bn.trace(lambda x: np.max(x, axis=0), x=RNG.normal(size=(4, 2)))
    formulas, (edge,) = Description(graph), graph.edges
    assert formulas.value(1) == "max x"
    assert formulas.local(edge) == "[x = (max x)]"
    told = "The largest of (4, 2), as (2,), going forward: that entry gets it back."
    assert formulas.note(edge) == told


def test_names_numbers_and_brackets():
    def odd(x1, x2):
        y = -(np.maximum(x1 + x2, x1) ** -0.5) + (-2.0) * x2 - 1e-5
        return y

    graph = bn.trace(odd, x1=1.0, x2=2.0)
    titles = [node["title"] for node in describe(graph)["nodes"]]
    assert titles[:2] == ["x₁", "x₂"]
    assert titles[2] == "x₁ + x₂"
    assert titles[3] == "v₄ = max((x₁ + x₂), x₁)"
    assert "v₆ = v₄^(−0.5)" in titles or "v₄^(−0.5)" in titles
    assert "(−2)·x₂" in titles
    assert titles[-1].startswith("y = ")
    assert titles[-1].endswith(" − 10⁻⁵")


def test_the_other_graph_of_the_variance_in_formulas():
    graph = bn.trace(normalise_by_raw_moment, x=np.array([1.0, 2.0, 4.0]))
    formulas = Description(graph)
    gradient = formulas.gradient(graph.index("mu"))
    assert gradient == "Σ(−dL/d(x − μ)) + dL/dμ²·2μ"
    text = str(describe(graph))
    assert not re.search("None|nan|constant", text)
