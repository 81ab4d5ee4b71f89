"""The page's interpreter, in a browser: the same numbers as `Graph` and as HIPS autograd."""

import functools
import json
from pathlib import Path

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
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

import batchnorm.figures
from batchnorm.graph import OPS, trace

SOURCE = Path(batchnorm.figures.__file__).with_name("interpreter.js").read_text("utf8")
BOOK = book()

LOAD = """async (source) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  window.interpreter = await import(url);
}"""
# Every number goes to the page and back in full; JSON has none for NaN and infinity
RUN = """(text) => {
  const { forward, backward } = window.interpreter;
  const take = ({ shape, data }) => ({ shape, data: Float64Array.from(data, Number) });
  const give = ({ shape, data }) => [shape, Array.from(data, (v) => (isFinite(v) ? v : `${v}`))];
  const { graph, inputs, dys, cuts } = JSON.parse(text);
  const named = Object.entries(inputs).map(([name, input]) => [name, take(input)]);
  const values = forward(graph, Object.fromEntries(named));
  const runs = cuts.map((cut) => {
    const { grads, flow } = backward(graph, values, dys.map(take), new Set(cut));
    return { grads: grads.map(give), flow: [...flow].map(([key, d]) => [key, give(d)]) };
  });
  return JSON.stringify({ values: values.map(give), runs });
}"""


@pytest.fixture
def interpreter(page):
    """The page, with the module in ``window.interpreter``."""
    page.evaluate(LOAD, SOURCE)
    return page


def send(value):
    data = [v if np.isfinite(v) else json.dumps(v) for v in np.ravel(value).tolist()]
    return {"shape": np.shape(value), "data": data}


def receive(entry):
    shape, data = entry
    return np.array([float(v) for v in data]).reshape(shape)


def run_in_page(page, graph, inputs, dys, cuts):
    """All values, and for each cut the gradients of all nodes and the flows over all edges."""
    text = json.dumps(
        {
            "graph": json.loads(graph.to_json()),
            "inputs": {name: send(value) for name, value in inputs.items()},
            "dys": [send(dy) for dy in dys],
            "cuts": [[f"{target}:{slot}" for target, slot in cut] for cut in cuts],
        }
    )
    result = json.loads(page.evaluate(RUN, text))
    runs = [
        ([receive(d) for d in run["grads"]], {key: receive(d) for key, d in run["flow"]})
        for run in result["runs"]
    ]
    return [receive(value) for value in result["values"]], runs


def compare(page, graph, inputs, dys, cuts):
    """Page and `Graph` on the same inputs: every value, gradient and flow. Returns the page's."""
    values, runs = run_in_page(page, graph, inputs, dys, cuts)
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


def test_every_cut_of_every_graph_of_the_book(interpreter):
    """Cutting any edge in the page gives the same gradients as cutting it in Python."""
    rng = np.random.default_rng(5)
    for function, inputs in BOOK.values():
        graph = trace(function, **inputs)
        (output,) = graph.outputs
        dy = rng.normal(size=graph.nodes[output].shape)
        named = [node.name for node in graph.nodes if leaves(graph, node.name)]
        cuts = [(), *([edge] for edge in graph.edges), *map(graph.cut, named), graph.edges]
        compare(interpreter, graph, inputs, [dy], [list(cut) for cut in cuts])


def leaves(graph, name):
    return name and any(graph.index(name) in node.inputs for node in graph.nodes)


def test_every_operation(interpreter):
    rng = np.random.default_rng(6)
    for function, inputs in OPERATIONS:
        graph = trace(function, **inputs)
        (output,) = graph.outputs
        dy = rng.normal(size=graph.nodes[output].shape)
        compare(interpreter, graph, inputs, [dy], [(), *([edge] for edge in graph.edges)])


def test_random_programs(interpreter):
    @settings(max_examples=250, deadline=None)
    @given(traced())
    def check(case):
        program, graph, dys, cut = case
        values, runs = compare(interpreter, graph, program.inputs, dys, [(), list(cut)])
        # the same, owing nothing to the graph: the plain function under autograd
        plain = functools.partial(program, anp)
        for i, want in zip(graph.outputs, plain(**program.inputs), strict=True):
            assert_same("output", values[i], want)
        want = gradients_by_autograd(plain, program.inputs, dys)
        scale = max((np.abs(d).max(initial=0) for d in runs[0][1].values()), default=1)
        for name, i in graph.inputs.items():
            assert_same(name, runs[0][0][i], want[name], scale)

    check()


def test_empty_arrays(interpreter):
    @settings(max_examples=80, deadline=None)
    @given(traced(sizes=(0, 1, 2)))
    def check(case):
        program, graph, dys, cut = case
        compare(interpreter, graph, program.inputs, dys, [(), list(cut)])

    check()


def test_a_net_of_the_books_size(interpreter):
    """Two hidden layers of 16 on 64 samples: tables and loops beyond a handful of entries."""
    inputs = net_inputs(np.random.default_rng(1), m=64, width=16)
    compare(interpreter, trace(net, **inputs), inputs, [np.array(1.3)], [()])


def test_values_that_are_not_finite(interpreter):
    def function(x):
        return np.maximum(x, 0.5) + np.sqrt(x) / x, x**0

    x = np.array([np.nan, np.inf, 0.0, -1.0, 4.0])
    with np.errstate(all="ignore"):
        graph = trace(function, x=x)
        run = graph.forward(x=x)
    for dys in ([np.ones(5), np.zeros(5)], [np.zeros(5), np.ones(5)]):
        with np.errstate(all="ignore"):
            want = run.backward(dys)
        values, [(grads, flow)] = run_in_page(interpreter, graph, {"x": x}, dys, [()])
        for i, got in enumerate(values):
            np.testing.assert_allclose(got, run[i])
            np.testing.assert_allclose(grads[i], want[i])
        for edge, d in want.flow.items():
            np.testing.assert_allclose(flow["{}:{}".format(*edge)], d)


def test_the_operations_are_those_of_python(interpreter):
    rules = interpreter.evaluate(
        """() => Object.fromEntries(
          Object.entries(interpreter.OPS).map(([op, [forward, ...rules]]) => [op, rules.length]))"""
    )
    assert rules == {op: len(known.rules) for op, known in OPS.items()}


def test_names_and_edges(interpreter):
    function, inputs = BOOK["batch_norm (m,)"]
    graph = trace(function, **inputs)
    found = interpreter.evaluate(
        """(graph) => graph.nodes.filter((n) => n.name).map(({ name }) =>
          [name, interpreter.indexOf(graph, name), interpreter.leaving(graph, name)])""",
        json.loads(graph.to_json()),
    )
    assert len(found) == 13
    for name, index, leaving in found:
        assert index == graph.index(name)
        edges = graph.cut(name) if leaves(graph, name) else set()
        assert leaving == [f"{target}:{slot}" for target, slot in sorted(edges)]
    assert interpreter.evaluate("() => interpreter.edgeKey(4, 1)") == "4:1"
    assert interpreter.evaluate("() => interpreter.leaving({ nodes: [] }, 'mu')") == []


def test_nested_lists(interpreter):
    script = """(v) => { const t = interpreter.tensor(v);
      return [t.shape, Array.from(t.data), t.data.constructor.name, interpreter.nested(t)]; }"""
    for value, shape in [
        (1.5, []),
        ([], [0]),
        ([1, 2, 3], [3]),
        ([[1, 2, 3], [4, 5, 6]], [2, 3]),
        ([[[1], [2]], [[3], [4]], [[5], [6]]], [3, 2, 1]),
        ([[], []], [2, 0]),
    ]:
        want = [shape, np.ravel(value).tolist(), "Float64Array", value]
        assert interpreter.evaluate(script, value) == want
    empty = "() => interpreter.nested({ shape: [0, 3], data: new Float64Array(0) })"
    assert interpreter.evaluate(empty) == []


def test_what_it_refuses(interpreter):
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
            "OPS.matmul[0](tensor([[1, 2]]), tensor([[1, 2]]))",
            "matmul: rows of 2, columns of 1",
        ),
    ]:
        answer = interpreter.evaluate(
            f"""() => {{
              const {{ tensor, forward, backward, indexOf, OPS }} = interpreter;
              const GRAPH = {graph}, one = tensor([1, 2, 3]);
              const VALUES = forward(GRAPH, {{ x: one, z: one }});
              try {{ {script}; return "accepted"; }} catch (error) {{ return error.message; }}
            }}"""
        )
        assert answer == message, script


def test_it_stands_apart_and_stays_small():
    assert len(SOURCE.encode()) < 11 * 1024
    for word in ("document", "window", "innerHTML", "eval", "import "):
        assert word not in SOURCE
