"""The page's interpreter, in Node.js: the same numbers as `Graph` and as HIPS autograd."""

import functools
import json

import autograd.numpy as anp
import numpy as np
from hypothesis import given, settings
from node import PACKAGE, run
from programs import (
    OPERATIONS,
    assert_same,
    book,
    gradients_by_autograd,
    net,
    net_inputs,
    quiet,
    traced,
)
from stage import serve

from batchnorm.graph import OPS, trace

MODULES = ["graph/interpreter.js", "graph/ops/symmetric.js"]
BOOK = book()

RUN = """({ forward, backward }, graph, inputs, dys, cuts) => {
  const take = (t) => t && { shape: t.shape, data: Float64Array.from(t.data) };
  const named = Object.entries(inputs).map(([name, input]) => [name, take(input)]);
  const values = forward(graph, Object.fromEntries(named));
  const runs = cuts.map((cut) => backward(graph, values, dys.map(take), new Set(cut)));
  return { values, runs };
}"""


def send(value):
    return None if value is None else {"shape": np.shape(value), "data": np.ravel(value)}


def receive(t):
    return np.array(t["data"], float).reshape(t["shape"])


def run_in_page(graph, inputs, dys, cuts):
    """All values, and for each cut the gradients of all nodes and the flows over all edges."""
    (result,) = run(
        MODULES,
        RUN,
        [
            json.loads(graph.to_json()),
            {name: send(value) for name, value in inputs.items()},
            [send(dy) for dy in dys],
            [[f"{target}:{slot}" for target, slot in cut] for cut in cuts],
        ],
    )
    runs = [
        ([*map(receive, run["grads"])], {key: receive(d) for key, d in run["flow"].items()})
        for run in result["runs"]
    ]
    return [*map(receive, result["values"])], runs


def compare(graph, inputs, dys, cuts):
    """Page and `Graph` on the same inputs: every value, gradient and flow. Returns the page's."""
    values, runs = run_in_page(graph, inputs, dys, cuts)
    with quiet():
        run = graph.forward(**inputs)
        for i, got in enumerate(values):
            assert_same(f"value {i}", got, run[i])
        for cut, (got, flow) in zip(cuts, runs, strict=True):
            grads = run.backward(dys if len(dys) > 1 else dys[0], cut)
            scale = max((np.abs(d).max(initial=0) for d in grads.flow.values()), default=1)
            for i, d in enumerate(got):
                assert_same(f"cut {cut}: gradient {i}", d, grads[i], scale)
            assert flow.keys() == {f"{target}:{slot}" for target, slot in grads.flow}
            for (target, slot), d in grads.flow.items():
                assert_same(f"cut {cut}: flow", flow[f"{target}:{slot}"], d, scale)
    return values, runs


def test_every_cut_of_every_graph_of_the_book():
    """Cutting any edge in the page gives the same gradients as cutting it in Python."""
    rng = np.random.default_rng(5)
    for function, inputs in BOOK.values():
        graph = trace(function, **inputs)
        (output,) = graph.outputs
        dy = rng.normal(size=graph.nodes[output].shape)
        named = [node.name for node in graph.nodes if leaves(graph, node.name)]
        cuts = [(), *([edge] for edge in graph.edges), *map(graph.cut, named), graph.edges]
        compare(graph, inputs, [dy], [list(cut) for cut in cuts])


def leaves(graph, name):
    return name and any(graph.index(name) in node.inputs for node in graph.nodes)


def test_every_operation():
    rng = np.random.default_rng(6)
    for function, inputs in OPERATIONS:
        graph = trace(function, **inputs)
        (output,) = graph.outputs
        dy = rng.normal(size=graph.nodes[output].shape)
        compare(graph, inputs, [dy], [(), *([edge] for edge in graph.edges)])


def test_random_programs():
    @settings(max_examples=250, deadline=None)
    @given(traced())
    def check(case):
        program, graph, dys, cut = case
        values, runs = compare(graph, program.inputs, dys, [(), list(cut)])
        # the same, owing nothing to the graph: the plain function under autograd
        plain = functools.partial(program, anp)
        for i, want in zip(graph.outputs, plain(**program.inputs), strict=True):
            assert_same("output", values[i], want)
        want = gradients_by_autograd(plain, program.inputs, dys)
        scale = max((np.abs(d).max(initial=0) for d in runs[0][1].values()), default=1)
        for name, i in graph.inputs.items():
            assert_same(name, runs[0][0][i], want[name], scale)

    check()


def test_empty_arrays():
    @settings(max_examples=80, deadline=None)
    @given(traced(sizes=(0, 1, 2)))
    def check(case):
        program, graph, dys, cut = case
        compare(graph, program.inputs, dys, [(), list(cut)])

    check()


def test_a_net_of_the_books_size():
    """Two hidden layers of 16 on 64 samples: tables and loops beyond a handful of entries."""
    inputs = net_inputs(np.random.default_rng(1), m=64, width=16)
    compare(trace(net, **inputs), inputs, [np.array(1.3)], [()])


def test_values_that_are_not_finite():
    def function(x):
        return np.maximum(x, 0.5) + np.sqrt(x) / x, x**0

    x = np.array([np.nan, np.inf, 0.0, -1.0, 4.0])
    with np.errstate(all="ignore"):
        graph = trace(function, x=x)
        run = graph.forward(x=x)
    for dys in ([np.ones(5), np.zeros(5)], [np.zeros(5), np.ones(5)]):
        with np.errstate(all="ignore"):
            want = run.backward(dys)
        values, [(grads, flow)] = run_in_page(graph, {"x": x}, dys, [()])
        for i, got in enumerate(values):
            np.testing.assert_allclose(got, run[i])
            np.testing.assert_allclose(grads[i], want[i])
        for edge, d in want.flow.items():
            np.testing.assert_allclose(flow["{}:{}".format(*edge)], d)


def test_an_output_at_which_nothing_arrives():
    x = np.array([1.0, 2.0])
    graph = trace(lambda x: (x * 2, x * 3), x=x)
    dys = [None, np.array([5.0, 7.0])]
    _, [(grads, flow)] = run_in_page(graph, {"x": x}, dys, [()])
    want = graph.forward(x=x).backward(dys)
    np.testing.assert_array_equal(grads[0], want["x"])
    np.testing.assert_array_equal(want["x"], [15.0, 21.0])
    assert len(flow) == len(want.flow) == 1


def test_the_operations_are_those_of_python():
    """Each with as many rules, and null where Python has None."""
    (rules,) = run(
        MODULES,
        """({ OPS }) => Object.fromEntries(
          Object.entries(OPS).map(([op, [forward, ...rules]]) => [op, rules.map((r) => !!r)]))""",
        [],
    )
    assert rules == {op: [rule is not None for rule in known.rules] for op, known in OPS.items()}


def test_names_and_edges():
    function, inputs = BOOK["batch_norm (m,)"]
    graph = trace(function, **inputs)
    (found,) = run(
        MODULES,
        """({ indexOf, leaving }, graph) => graph.nodes.filter((n) => n.name).map(({ name }) =>
          [name, indexOf(graph, name), leaving(graph, name)])""",
        [json.loads(graph.to_json())],
    )
    assert len(found) == 13
    for name, index, leaving in found:
        assert index == graph.index(name)
        edges = graph.cut(name) if leaves(graph, name) else set()
        assert leaving == [f"{target}:{slot}" for target, slot in sorted(edges)]
    assert run(MODULES, "edgeKey", [4, 1]) == ["4:1"]
    assert run(MODULES, "leaving", [{"nodes": []}, "mu"]) == [[]]


def test_nested_lists():
    script = """({ tensor, nested }, v) => { const t = tensor(v);
      return [t.shape, t.data, t.data.constructor.name, nested(t)]; }"""
    cases = [
        (1.5, []),
        ([], [0]),
        ([1, 2, 3], [3]),
        ([[1, 2, 3], [4, 5, 6]], [2, 3]),
        ([[[1], [2]], [[3], [4]], [[5], [6]]], [3, 2, 1]),
        ([[], []], [2, 0]),
    ]
    for (value, shape), got in zip(
        cases, run(MODULES, script, *[[v] for v, _ in cases]), strict=True
    ):
        assert got == [shape, np.ravel(value).tolist(), "Float64Array", value]
    assert run(MODULES, "nested", [{"shape": [0, 3], "data": []}]) == [[]]


def test_what_it_refuses():
    graph = trace(lambda x, z: x * z, x=np.ones(3), z=np.ones(3)).to_json()
    for script, message in [
        ("tensor([[1, 2], [3]])", "tensor: rows differ in length"),
        ("tensor([[1, 2], [3], [4, 5, 6]])", "tensor: rows differ in length"),
        ("tensor([[1], 2])", "tensor: rows differ in length"),
        ("indexOf(GRAPH, 'nobody')", "no node nobody in the graph"),
        ("forward(GRAPH, { z: one })", "forward: no input x"),
        ("forward(GRAPH, { x: one, z: tensor([1]) })", "accepted"),
        ("forward(GRAPH, { x: one, z: tensor([1, 2]) })", "shapes 3 and 2 do not broadcast"),
        (
            "forward({ nodes: [{ op: 'sort', inputs: [] }], outputs: [0] }, {})",
            "forward: unknown operation sort",
        ),
        (
            "backward(GRAPH, VALUES, [tensor([1, 2])])",
            "backward: dy has shape 2, the output 3",
        ),
        ("backward(GRAPH, VALUES, [tensor(1)])", "backward: dy has shape , the output 3"),
        (
            "backward(GRAPH, VALUES, [tensor([[1], [2], [3]])])",
            "backward: dy has shape 3,1, the output 3",
        ),
        (
            "OPS.max[0](tensor([[], []]), undefined, { axis: [1], keepdims: false })",
            "max: of no entries",
        ),
        (
            "OPS.matmul[0](tensor([[1, 2]]), tensor([[1, 2]]))",
            "matmul: rows of 2, columns of 1",
        ),
    ]:
        (answer,) = run(
            MODULES,
            f"""({{ tensor, forward, backward, indexOf, OPS }}) => {{
              const GRAPH = {graph}, one = tensor([1, 2, 3]);
              const VALUES = forward(GRAPH, {{ x: one, z: one }});
              try {{ {script}; return "accepted"; }} catch (error) {{ return error.message; }}
            }}""",
            [],
        )
        assert answer == message, script


def test_it_stands_apart_and_stays_small():
    """What a figure carries for its graph; linear algebra only where it asks for it."""
    sources = {
        path.name: path.read_text("utf8")
        for path in [*PACKAGE.glob("graph/*.js"), *PACKAGE.glob("graph/ops/*.js")]
        if path.name not in ("wire.js", "descend.js")
    }
    base = {name: source for name, source in sources.items() if name != "symmetric.js"}
    assert {"tensor.js", "index.js", "interpreter.js"} < base.keys() < sources.keys()
    assert sum(len(source.encode()) for source in base.values()) < 34 * 1024
    for source in sources.values():
        for word in ("document", "window", "innerHTML", "eval"):
            assert word not in source.replace("eigenvalues", "")
        assert all(len(line) <= 100 for line in source.split("\n"))
    for path in (PACKAGE / "figures").glob("*/built.js"):
        needs = path.parent.name in ("whitening", "jacobian")
        assert ("eigenvectors" in path.read_text("utf8")) == needs


def test_a_browser_runs_it_too(page):
    """What Node.js computes, Chromium does: one graph, forward and backward."""
    function, inputs = BOOK["batch_norm (m, d)"]
    graph = trace(function, **inputs)
    dy = np.random.default_rng(8).normal(size=(6, 3))
    want = graph.forward(**inputs).backward(dy)["x"]
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    with serve(PACKAGE) as address:
        page.goto(f"{address}/graph/interpreter.js")
        got = page.evaluate(
            """async ([graph, inputs, dy]) => {
              const module = await import("./interpreter.js");
              const { backward, forward, indexOf, nested, tensor } = module;
              const named = Object.entries(inputs).map(([name, value]) => [name, tensor(value)]);
              const values = forward(graph, Object.fromEntries(named));
              return nested(backward(graph, values, [tensor(dy)]).grads[indexOf(graph, "x")]);
            }""",
            [
                json.loads(graph.to_json()),
                {name: np.asarray(value).tolist() for name, value in inputs.items()},
                dy.tolist(),
            ],
        )
    assert_same("dx", got, want)
