"""The tracer and its gradients: against autograd, the complex step, and stop-gradients."""

import cProfile
import doctest
import functools
import importlib
import json
import math
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from programs import (
    OPERATIONS,
    assert_same,
    book,
    centre,
    gradients_by_autograd,
    net,
    net_inputs,
    quiet,
    traced,
    with_cuts,
)

from batchnorm.check import numeric_gradient
from batchnorm.graph import OPS, SYMBOLS, Edge, Graph, UnknownOperation, trace
from batchnorm.reference import batch_norm

BOOK = book()
RNG = np.random.default_rng(3)
V = RNG.normal(size=3)


def traced_book(name):
    function, inputs = BOOK[name]
    return function, inputs, trace(function, **inputs)


def random_dy(graph):
    (i,) = graph.outputs
    return RNG.normal(size=graph.nodes[i].shape)


def test_doctests():
    for name in ("graph", "ops.symmetric", "describe"):
        module = importlib.import_module(f"batchnorm.graph.{name}")
        assert doctest.testmod(module).failed == 0
        assert doctest.testmod(module).attempted > 3


# --- Values and gradients -------------------------------------------------------------------


@pytest.mark.parametrize("name", BOOK)
def test_forward_is_the_function_itself(name):
    function, inputs, graph = traced_book(name)
    other = {key: RNG.normal(size=np.shape(value)) for key, value in inputs.items()}
    other |= {"eps": 0.1} if "eps" in inputs else {}
    np.testing.assert_array_equal(graph.forward(**other).output, function(**other))


@pytest.mark.parametrize("name", BOOK)
def test_gradients_of_the_book_by_numbers(name):
    """Complex step, or central differences where it does not hold."""
    function, inputs, graph = traced_book(name)
    dy = random_dy(graph)
    grads = graph.forward(**inputs).backward(dy)
    for key, value in inputs.items():

        def of(v, key=key):
            return function(**{**inputs, key: v})

        want = numeric_gradient(of, value, dy)
        assert np.abs(want).max() > 1e-3 or name == "two samples" or key == "b"
        # What differences of a net with kinks can tell, or what the complex step can
        assert_same(key, grads[key], want, scale=1e5 if name == "net" else 1)


@pytest.mark.parametrize("name", BOOK)
def test_every_single_cut_of_the_book_is_a_stop_gradient(name):
    _, inputs, graph = traced_book(name)
    dy, changed = random_dy(graph), 0
    run = graph.forward(**inputs)
    whole = run.backward(dy)
    for edge in graph.edges:
        grads = run.backward(dy, cut=[edge])
        assert edge not in grads.flow
        want = gradients_by_autograd(with_cuts(graph, {edge}), inputs, [dy])
        for key in inputs:
            assert_same(f"{edge} {key}", grads[key], want[key])
            changed += not np.allclose(grads[key], whole[key], rtol=1e-6, atol=0)
    assert changed > len(graph.edges) / 3


@settings(max_examples=200, deadline=None)
@given(traced())
def test_random_programs(case):
    program, graph, dys, cut = case
    run = graph.forward(**program.inputs)
    for got, want in zip(as_tuple(run.output), program(np, **program.inputs), strict=True):
        np.testing.assert_array_equal(got, want)
    for edges in (set(), cut):
        grads = run.backward(dys if len(dys) > 1 else dys[0], cut=edges)
        scale = max((np.abs(f).max(initial=0) for f in grads.flow.values()), default=1)
        want = gradients_by_autograd(with_cuts(graph, edges), program.inputs, dys)
        for name in want:
            assert_same(name, grads[name], want[name], scale)
        check_flows(graph, grads, dys)
    # the oracle above runs the graph's own nodes; this one has never seen a graph
    import autograd.numpy as anp

    want = gradients_by_autograd(functools.partial(program, anp), program.inputs, dys)
    grads = run.backward(dys if len(dys) > 1 else dys[0])
    for name in want:
        assert_same(name, grads[name], want[name], scale)


def as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


def check_flows(graph, grads, dys):
    """What arrives at a node is the sum of what its edges carry, and of dy at an output."""
    arrived = {i: np.zeros(node.shape) for i, node in enumerate(graph.nodes)}
    for i, dy in zip(graph.outputs, dys, strict=True):
        arrived[i] = arrived[i] + dy
    for (target, slot), d in grads.flow.items():
        source = graph.nodes[target].inputs[slot]
        assert np.shape(d) == graph.nodes[source].shape
        arrived[source] = arrived[source] + d
    for i in arrived:
        np.testing.assert_allclose(grads[i], arrived[i], rtol=1e-9, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(traced(sizes=(0, 1, 2)))
def test_empty_arrays(case):
    program, graph, dys, cut = case
    with quiet():
        grads = graph.forward(**program.inputs).backward(dys if len(dys) > 1 else dys[0], cut)
    want = gradients_by_autograd(with_cuts(graph, cut), program.inputs, dys)
    for name in want:
        assert_same(name, grads[name], want[name])


@pytest.mark.parametrize(("function", "inputs"), OPERATIONS)
def test_operators_methods_and_functions(function, inputs):
    graph = trace(function, **inputs)
    dy = random_dy(graph)
    run = graph.forward(**inputs)
    np.testing.assert_allclose(
        run.output, function(**{k: np.asarray(v, float) for k, v in inputs.items()})
    )
    grads = run.backward(dy)
    for key, value in inputs.items():

        def of(v, key=key):
            return function(**{**inputs, key: v})

        assert_same(key, grads[key], numeric_gradient(of, value, dy), scale=1e5)


def test_a_power_of_zero_at_zero_has_no_gradient():
    x = np.array([0.0, -2.0])
    run = trace(lambda x: x ** np.array([[0.0], [2.0], [1.0]]), x=x).forward(x=x)
    np.testing.assert_array_equal(run.backward(np.ones((3, 2)))["x"], [1.0, -3.0])
    x = np.array([0.0, np.inf, np.nan])  # x ** 0 is 1, whatever x
    run = trace(lambda x: x**0, x=x).forward(x=x)
    np.testing.assert_array_equal(run.backward(np.ones(3))["x"], [0.0, 0.0, 0.0])


def test_a_maximum_of_equals_halves_the_gradient():
    graph = trace(lambda x: np.maximum(x, 0), x=np.zeros(3))
    run = graph.forward(x=np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(run.backward([3.0, 5.0, 7.0])["x"], [0.0, 2.5, 7.0])
    two = trace(lambda a, b: np.maximum(a, b), a=0, b=0)
    grads = two.forward(a=1.5, b=1.5).backward(4.0)
    assert (grads["a"], grads["b"]) == (2.0, 2.0)


def test_the_largest_gets_the_gradient_and_equals_share_it():
    def row(x):
        return np.max(x, axis=1)

    x = np.array([[3.0, -1.0, 2.0], [5.0, 5.0, 1.0], [4.0, 4.0, 4.0]])
    got = trace(row, x=x).forward(x=x).backward([6.0, 4.0, 9.0])["x"]
    np.testing.assert_array_equal(got, [[6, 0, 0], [2, 2, 0], [3, 3, 3]])
    apart, dy = RNG.permutation(12.0 * np.arange(12)).reshape(3, 4), RNG.normal(size=3)
    got = trace(row, x=apart).forward(x=apart).backward(dy)["x"]
    assert_same("x", got, numeric_gradient(row, apart, dy))
    with pytest.raises(ValueError, match="zero-size"):
        trace(row, x=x).forward(x=np.ones((2, 0)))
    with pytest.raises(UnknownOperation, match=r"np\.max with initial= is not traced"):
        trace(lambda x: np.max(x, initial=0.0), x=x)


def test_several_outputs():
    def both(x):
        mu = x.mean()
        y = x - mu
        return mu, y, y

    x = RNG.normal(size=3)
    run = trace(both, x=x).forward(x=x)
    for got, want in zip(run.output, both(x), strict=True):
        np.testing.assert_array_equal(got, want)
    dys = [0.7, RNG.normal(size=3), RNG.normal(size=3)]
    dx = 0.7 / 3 + (dys[1] + dys[2]) - np.mean(dys[1] + dys[2])
    np.testing.assert_allclose(run.backward(dys)["x"], dx)
    with pytest.raises(ValueError, match="got 2 gradients, the graph has 3 outputs"):
        run.backward(dys[:2])


def test_a_graph_runs_on_batches_of_other_sizes():
    graph = trace(batch_norm, x=np.zeros((2, 1)), gamma=np.ones(1), beta=np.zeros(1))
    x, gamma, beta = RNG.normal(size=(7, 3)), RNG.normal(size=3), RNG.normal(size=3)
    np.testing.assert_array_equal(
        graph.forward(x=x, gamma=gamma, beta=beta).output, batch_norm(x, gamma, beta)
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_precision_of_the_inputs_is_kept(dtype):
    function, inputs, graph = traced_book("net")
    inputs = {k: np.asarray(v, dtype) for k, v in inputs.items()}
    run = graph.forward(**inputs)
    grads = run.backward(1.0)
    for i, node in enumerate(graph.nodes):
        if node.op != "constant":
            assert (run[i].dtype, grads[i].dtype) == (dtype, dtype), node
    assert {d.dtype for d in grads.flow.values()} == {np.dtype(dtype)}
    again = trace(function, **inputs).forward(**inputs)
    assert again.output.dtype == dtype


def test_gradients_stop_at_constants_and_at_what_no_output_depends_on():
    def function(x, z):
        aside = x * z
        y = x + 2.0
        return y if aside.shape == x.shape else aside

    graph = trace(function, x=V, z=V)
    grads = graph.forward(x=V, z=V).backward(V)
    np.testing.assert_array_equal(grads["z"], np.zeros(3))
    np.testing.assert_array_equal(grads["aside"], np.zeros(3))
    assert set(grads.flow) == {Edge(graph.index("y"), 0)}


# --- Cuts -----------------------------------------------------------------------------------


def test_the_two_sample_question():
    """With the mean taken for a constant, the step's effect on y is no longer undone."""
    graph = trace(centre, x=np.zeros(2))
    run = graph.forward(x=np.array([1.0, 3.0]))
    np.testing.assert_array_equal(run.backward([1.0, 1.0])["x"], [0.0, 0.0])
    np.testing.assert_array_equal(run.backward([1.0, 1.0], cut="mu")["x"], [1.0, 1.0])


def test_what_is_received_or_carried_can_be_another():
    x, dy = RNG.normal(size=(4, 2)), RNG.normal(size=(4, 2))
    inputs = {"x": x, "gamma": np.ones(2), "beta": np.zeros(2), "eps": 0.1}
    graph = trace(batch_norm, **inputs)
    run, mu = graph.forward(**inputs), graph.index("mu")
    seen = []

    def stopped(edge, d, arrived, taken):
        seen.append(edge)
        values = [run.arrays[i] for i in graph.nodes[edge.target].inputs]
        assert all(a is b for a, b in zip(taken, values, strict=True))
        assert np.shape(arrived) == np.shape(run.arrays[edge.target])
        return 0 * d if edge in graph.cut("mu") else d

    want = run.backward(dy, cut="mu")
    for got in (
        run.backward(dy, carried=stopped),
        run.backward(dy, received=lambda i, d: 0 * d if i == mu else d),
    ):
        np.testing.assert_allclose(got["x"], want["x"], rtol=1e-13)
    assert set(seen) == set(run.backward(dy).flow)
    doubled = run.backward(dy, received=lambda i, d: 2 * d if i == graph.outputs[0] else d)
    np.testing.assert_allclose(doubled["x"], 2 * run.backward(dy)["x"], rtol=1e-13)


def mirror(x):
    mu = x.mean()
    y = mu - x
    return y


def test_what_a_cut_may_be():
    graph = trace(batch_norm, x=np.arange(3.0), gamma=1.0, beta=0.0)
    centred, y = graph.index("centred"), graph.index("y")
    leaving_centred = {Edge(t, s) for t, s in graph.edges if graph.nodes[t].inputs[s] == centred}
    assert len(leaving_centred) == 2
    assert graph.cut("mu") == {Edge(centred, 1)}
    assert graph.cut("centred") == leaving_centred
    assert graph.cut("mu->centred") == graph.cut(" mu -> centred ") == {Edge(centred, 1)}
    edge = Edge(centred, 1)
    as_array = np.array(edge)
    for spec in (
        edge,
        as_array,
        (centred, 1),
        [centred, 1],
        [edge],
        {edge},
        [[centred, 1]],
        [edge, "mu"],
    ):
        assert graph.cut(spec) == {edge}
    assert graph.cut(("x", "mu")) == graph.cut("x") | graph.cut("mu")
    assert graph.cut(()) == set()
    mirrored = trace(mirror, x=V)
    assert mirrored.cut("x->mu") == {Edge(1, 0)}
    assert mirrored.cut("x") == {Edge(1, 0), Edge(2, 1)}
    assert graph.cut(graph.edges) == set(graph.edges)
    for spec in (
        "y",
        "x->y",
        "nobody",
        "x->nobody",
        (y, 5),
        [edge, (99, 0)],
        (1, 2, 3),
        [3.5],
        [None],
        3,
        None,
        0.5,
    ):
        with pytest.raises(ValueError, match=r"^cut: "):
            graph.cut(spec)


# --- Names ----------------------------------------------------------------------------------


def names(graph):
    return [node.name for node in graph.nodes if node.name]


def test_local_variables_name_the_nodes():
    graph = trace(batch_norm, x=V, gamma=1.0, beta=0.0)
    assert names(graph) == [
        *("x", "gamma", "beta", "mu", "centred", "squared"),
        *("var", "stable", "s", "x_hat", "scaled", "y"),
    ]
    assert list(graph.inputs) == ["x", "gamma", "beta"]
    assert [graph.nodes[graph.index(n)].symbol for n in ("mu", "var", "y")] == ["μ", "σ²", "y"]
    assert {n.symbol for n in graph.nodes if n.op == "constant"} == {"2", "1e-05"}
    assert set(SYMBOLS) - set(names(graph)) == {"eps"}


def doubled(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        twice = 2 * function(*args, **kwargs)
        return twice

    return wrapper


class Layer:
    def method(self, x):
        mu = x.mean()
        return x - mu

    def __call__(self, x):
        total = x.sum()
        return x - total


def inner(x):
    mu = x.mean()
    y = x - mu
    return y


def test_names_are_those_of_the_function_itself():
    def outer(x):
        a = inner(x)
        b = inner(a * 2)
        return b

    def recursive(x, depth=2):
        h = x * 2
        return recursive(h, depth - 1) if depth else h

    def reassigned(x):
        h = x * 2
        h = h + 1
        same = h
        x = x + same
        return x

    def resurfacing(x, depth=1):
        if depth:
            h = resurfacing(x, depth - 1)
            top = h + 1
            return top
        leaf = x * 2
        return leaf

    def alias(x):
        start = x
        y = start * 2
        return y

    def within(x):
        values = [(lambda v: v * 2)(x)]
        mu = values[0].mean()
        return inner(mu)

    assert names(trace(outer, x=V)) == ["x", "a", "b"]
    assert names(trace(lambda x: inner(x), x=V)) == ["x"]
    assert names(trace(doubled(inner), x=V)) == ["x", "mu", "y"]
    assert names(trace(functools.partial(batch_norm, gamma=2.0, beta=1.0), x=V))[:2] == ["x", "mu"]
    assert names(trace(functools.partial(doubled(inner)), x=V)) == ["x", "mu", "y"]
    assert names(trace(Layer().method, x=V)) == ["x", "mu"]
    assert names(trace(Layer(), x=V)) == ["x", "total"]
    assert names(trace(recursive, x=V)) == ["x", "h"]
    assert names(trace(resurfacing, x=V)) == ["x", "h", "top"]
    assert names(trace(alias, x=V)) == ["x", "y"]
    assert names(trace(reassigned, x=V)) == ["x", "same"]
    assert names(trace(within, x=V)) == ["x", "mu"]
    assert names(trace(lambda x: x, x=V)) == ["x"]


def test_names_are_unique():
    for name in BOOK:
        found = names(traced_book(name)[2])
        assert len(found) == len(set(found))


def test_a_trace_within_a_traced_function_is_its_own():
    def outer(x):
        graph = trace(inner, x=np.ones(2))
        assert names(graph) == ["x", "mu", "y"]
        y = x * 3
        return y

    assert names(trace(outer, x=V)) == ["x", "y"]

    def itself(x, depth=1):
        y = x * 2
        if depth:
            more = y + 1 + 1
            graph = trace(functools.partial(itself, depth=0), x=np.ones(2))
            assert names(graph) == ["x", "y"]
            return more
        return y

    assert names(trace(itself, x=V)) == ["x", "y", "more"]

    def closure(x):
        far = x * 3 + 1

        def inside(z):
            assert far.ndim == 1
            y = z * 2 + 1 + 1
            return y

        assert names(trace(inside, z=V)) == ["z", "y"]
        return far

    assert names(trace(closure, x=V)) == ["x", "far"]

    def mixed(x):
        return trace(lambda z: z + x, z=V)

    with pytest.raises(UnknownOperation, match="another trace"):
        trace(mixed, x=V)


def test_profilers_and_tracers_are_left_alone():
    events = []

    def profile(frame, event, _):
        events.append(frame.f_code.co_name)

    before_trace = sys.gettrace()
    sys.setprofile(profile)
    try:
        graph = trace(inner, x=V)
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
    assert "inner" in events
    assert names(graph) == ["x", "mu", "y"]
    assert sys.gettrace() is before_trace
    with cProfile.Profile() as profiler:
        graph = trace(inner, x=V)
        inner(V)
    profiler.create_stats()
    assert {key[2] for key in profiler.stats} >= {"inner", "trace"}
    assert names(graph) == ["x", "mu", "y"]


def test_an_error_in_the_function_is_the_readers_own():
    def broken(x):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        trace(broken, x=V)


# --- What is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "function"),
    [
        ("`np.sort(x)` in line", lambda x: np.sort(x)),
        ("np.sort is not traced; max and min are", lambda x: np.sort(x)),
        ("np.linalg.det", lambda x: np.linalg.det(x[:2])),
        ("np.cumsum", lambda x: x.sum() + np.cumsum(x)),
        (".argsort", lambda x: x.argsort()),
        ("`x // 2`", lambda x: x // 2),
        ("np.einsum is traced with a text", lambda x: np.einsum("...j->...", x)),
        ("an index twice", lambda x: np.einsum("ii->i", x[:2])),
        ("np.exp with where=", lambda x: np.exp(x, where=True)),
        ("np.exp with dtype=", lambda x: np.exp(x, dtype=np.float32)),
        ("np.mean with dtype=int64", lambda x: x.mean(0, dtype=int)),
        ("np.sum with where=", lambda x: np.sum(x, where=np.ones((3, 2), bool))),
        ("np.sum with where=", lambda x: np.sum(x, where=True)),
        ("np.sum with initial=", lambda x: x.sum(initial=1.0)),
        ("np.sum with out=", lambda x: x.sum(0, out=np.zeros(2))),
        ("np.max with initial=", lambda x: np.max(x, initial=0.0)),
        ("np.multiply.outer", lambda x: np.multiply.outer(x, x)),
        ("np.add.accumulate", lambda x: np.add.accumulate(x)),
        ("write np.where", lambda x: x if x.sum() > 0 else -x),
        ("a condition", lambda x: x if x else -x),
        ("a condition", lambda x: x and 1),
        ("float()", lambda x: math.sqrt(x)),
        ("int()", lambda x: int(x)),
        ("round()", lambda x: round(x)),
        ("complex()", lambda x: complex(x)),
        ("an index or a count", lambda x: range(x)),
        (".item()", lambda x: x.sum().item()),
        ("a plain one", lambda x: np.random.default_rng(0).normal(x)),
        ("writes into the input x", lambda x: x.__setitem__(0, 1.0)),
        ("writes into the input x", lambda x: x.__iadd__(1)),
        ("writes into the input x", lambda x: x.reshape(-1).__iadd__(1)),
        ("writes into the input x", lambda x: x[0].__setitem__(0, 1)),
        ("writes into the input x", lambda x: np.exp(x, out=x)),
        ("astype(int64)", lambda x: (x * 1).astype(int)),
        ("integers", lambda x: x[x.mean(axis=1)]),
        ("condition", lambda x: ~x),
    ],
)
def test_what_is_refused_names_the_line(what, function):
    with pytest.raises(UnknownOperation, match=r"^trace: `.*` in line \d+: ") as raised:
        trace(lambda x: function(x), x=np.full((3, 2), 0.5))
    message = str(raised.value)
    assert what in message
    assert not re.search("Traced|node \\d|0x", message)
    assert issubclass(UnknownOperation, ValueError)


def test_other_refusals():
    odd = (1j, [[1], [2, 3]], np.array([object()]), np.ma.masked_array([1.0]), np.matrix([1.0]))
    for value in (*odd, np.array([1j]), 10**400, np.array("2000-01-01", "M8"), np.array(["a"])):
        with pytest.raises(ValueError, match=r"^x: got "):
            trace(inner, x=value)
    for constant in (1j, "a", None, np.ma.masked_array(V, V > 0), np.array([None])):
        with pytest.raises(ValueError, match="constant: "):
            trace(lambda x, c=constant: x * c, x=V)
    for output in (5, None, [], (), "x", (1, 2)):
        with pytest.raises(ValueError, match="trace: the function returned"):
            trace(lambda x, output=output: output, x=V)
    with pytest.raises(AttributeError):
        trace(lambda x: x.foo, x=V)
    graph = trace(inner, x=V)
    with pytest.raises(ValueError, match="got the inputs z, the graph wants x"):
        graph.forward(z=V)
    with pytest.raises(ValueError, match="got the inputs none"):
        graph.forward()
    with pytest.raises(ValueError, match="x: got <U1"):
        graph.forward(x="a")
    two = trace(batch_norm, x=np.ones((3, 2)), gamma=np.ones(2), beta=0.0)
    what = r"^forward: the inputs' shapes, x \(3, 2\), gamma \(5,\), .* fit each other in scaled"
    with pytest.raises(ValueError, match=what):
        two.forward(x=np.ones((3, 2)), gamma=np.ones(5), beta=0.0)
    run = graph.forward(x=V)
    for dy in (1.0, np.ones(2), np.ones((3, 1)), np.ones((1, 3))):
        with pytest.raises(ValueError, match=r"dy: got shape .*, the output has \(3,\)"):
            run.backward(dy)
    with pytest.raises(ValueError, match="dy: got complex128"):
        run.backward(np.ones(3) * 1j)
    for key in ("nobody", 99, -1, 1.5, None, (0, 1)):
        with pytest.raises(KeyError, match=r"no node .*; its names are x, mu, y"):
            run[key]
    assert run[np.int64(0)] is run["x"] is run[0]


def test_what_a_traced_array_tells():
    def function(x):
        assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((3, 2), 2, 6, 3, np.float32)
        assert repr(x) == repr(np.ones((3, 2), np.float32))
        assert f"{x.sum():.3f} {x[0, 0]}" == "6.000 1.0"
        assert isinstance(x, np.ndarray)
        return x * x.shape[0]

    trace(function, x=np.ones((3, 2), np.float32))


# --- JSON -----------------------------------------------------------------------------------


def equal(a, b):
    """Node for node, constants included."""
    assert a.outputs == b.outputs
    for p, q in zip(a.nodes, b.nodes, strict=True):
        assert (p.op, p.inputs, p.name, p.shape, p.symbol) == (
            q.op,
            q.inputs,
            q.name,
            q.shape,
            q.symbol,
        )
        assert p.params.keys() == q.params.keys()
        for key, value in p.params.items():
            if key == "value":
                np.testing.assert_array_equal(value, q.params[key], strict=True)
            else:
                assert value == q.params[key]


@settings(max_examples=50, deadline=None)
@given(traced(sizes=(0, 1, 2, 3)))
def test_json_and_back(case):
    program, graph, dys, cut = case
    text = graph.to_json()
    back = Graph.from_json(text)
    equal(graph, back)
    assert back.to_json() == text
    dy = dys if len(dys) > 1 else dys[0]
    with quiet():
        one, two = (g.forward(**program.inputs).backward(dy, cut) for g in (graph, back))
    assert one.flow.keys() == two.flow.keys()
    for name in program.inputs:
        np.testing.assert_array_equal(one[name], two[name])


def test_json_of_every_operation():
    for function, inputs in OPERATIONS:
        graph = trace(function, **inputs)
        equal(graph, Graph.from_json(graph.to_json()))


def test_json_names_what_the_page_reads():
    data = json.loads(trace(inner, x=V).to_json())
    assert data == {
        "nodes": [
            {"op": "input", "symbol": "x", "shape": [3], "name": "x"},
            {
                **{"op": "mean", "symbol": "μ", "shape": [], "name": "mu", "inputs": [0]},
                **{"axis": None, "keepdims": False},
            },
            {"op": "subtract", "symbol": "y", "shape": [3], "name": "y", "inputs": [0, 1]},
        ],
        "outputs": [2],
    }


def test_json_has_no_infinity():
    with pytest.raises(ValueError, match="JSON"):
        trace(lambda x: np.maximum(x, -np.inf), x=V).to_json()


def test_every_operation_has_a_rule_for_each_input():
    """But comparisons, conditions and indices, which have no gradient."""
    for name, op in OPS.items():
        inputs = {"solve": 2, "where": 3, "getitem": 2, "setitem": 3}.get(name)
        inputs = inputs or (2 if op.sign in ">≥<≤=≠" else getattr(op.forward, "nin", 1))
        assert len(op.rules) == inputs, name
        assert (None in op.rules) == (
            name in ("where", "getitem", "setitem") or op.sign in ">≥<≤=≠"
        )


def test_a_net_as_wide_as_the_books():
    """The gradients of 42 nodes, through two layers, by numbers."""
    inputs = net_inputs(np.random.default_rng(0), m=16, width=6)
    graph = trace(net, **inputs)
    assert len(graph.nodes) == 42
    grads = graph.forward(**inputs).backward(1.0)
    for key in ("w1", "gamma1", "beta2", "w3"):
        want = numeric_gradient(lambda v, key=key: net(**{**inputs, key: v}), inputs[key], 1.0)
        assert_same(key, grads[key], want, scale=1e5)
