"""JSON of a graph that is malformed is refused, by name, in Python and in the page."""

import contextlib
import copy
import json
import random

import numpy as np
import pytest
from node import Thrown, run
from programs import OPERATIONS, book, quiet

from batchnorm.graph import Graph, UnknownOperation, trace

BOOK = book()
MODULES = ["graph/wire.js", "graph/interpreter.js", "graph/ops/symmetric.js"]
TEXT = trace(*BOOK["batch_norm (m, d)"][:1], **BOOK["batch_norm (m, d)"][1]).to_json()


def roots(S):
    L = np.linalg.cholesky(S)
    return np.linalg.solve(L, S).sum(axis=0)


def graphs():
    """The data of graphs with every kind of node: reductions, powers, constants, empty arrays."""
    cases = [*BOOK.values(), *OPERATIONS, (roots, {"S": np.eye(3)})]
    return [json.loads(trace(function, **inputs).to_json()) for function, inputs in cases]


ODD = [None, True, -1, 0, 1, 99, 2.5, 10**400, float("nan"), "", "x", "mean", [], [0], [99], {}]
ODD += [[-1], [[1], [2, 3]], [None], "constant", "input", [0, 0], "ab", 1e308, ["x"], [True]]
ODD += [["#"], ["..."], ["...", "..."], [":"], ["1:-1"], ["::-1"], ["::0"], ["-"], [[0, 1]]]
KEYS = ["axis", "keepdims", "to", "axes", "index", "value", "inputs", "name", "z"]


def mutilated(data, rng):
    """A copy with one or two things wrong: dropped, replaced, added, doubled or moved."""
    data = copy.deepcopy(data)
    for _ in range(rng.choice([1, 1, 2])):
        nodes = data["nodes"] if isinstance(data.get("nodes"), list) else []
        node = rng.choice(nodes) if nodes else {}
        place = rng.choice([node] * 8 + [data])
        if not isinstance(place, dict) or not place:
            continue
        key, kind = rng.choice([*place]), rng.randrange(7)
        if kind == 0:
            del place[key]
        elif kind == 1:
            place[key] = rng.choice(ODD)
        elif kind == 2:
            place[rng.choice(KEYS)] = rng.choice(ODD)
        elif kind == 3 and isinstance(place[key], list) and place[key]:
            place[key][rng.randrange(len(place[key]))] = rng.choice(ODD)
        elif kind == 4 and isinstance(place[key], list):
            place[key].append(rng.choice(ODD))
        elif kind == 5 and len(nodes) > 1:
            i, j = rng.randrange(len(nodes)), rng.randrange(len(nodes))
            nodes[i], nodes[j] = nodes[j], nodes[i]
        elif nodes:
            nodes[rng.randrange(len(nodes))] = rng.choice(ODD)
    return data


def cases(count):
    rng = random.Random(0)
    known = graphs()
    return [mutilated(rng.choice(known), rng) for _ in range(count)]


def works(graph):
    """Runs it on ones, back and forth; shapes that do not fit are the caller's ValueError."""
    inputs = {node.name: np.ones(node.shape) for node in graph.nodes if node.op == "input"}
    if sum(np.size(v) for v in inputs.values()) > 10**6:
        return
    with quiet(), np.errstate(all="ignore"):
        run = graph.forward(**inputs)
        outputs = run.output if isinstance(run.output, tuple) else (run.output,)
        dys = [np.ones(np.shape(y)) for y in outputs]
        run.backward(dys if len(dys) > 1 else dys[0])
    assert Graph.from_json(graph.to_json()).to_json() == graph.to_json()


def read(text):
    """The graph, or the ValueError that refuses it."""
    try:
        return Graph.from_json(text)
    except ValueError as error:
        return error


def test_mutilated_graphs_are_refused_or_work():
    """Of 3,000, a ValueError or a graph: never a KeyError, an IndexError or a TypeError."""
    answers = [read(json.dumps(data)) for data in cases(3000)]
    refused = [answer for answer in answers if isinstance(answer, ValueError)]
    assert all(str(error).startswith("from_json: ") for error in refused)
    assert 1500 < len(refused) < 2900
    for graph in answers:
        if isinstance(graph, Graph):
            with contextlib.suppress(ValueError):
                works(graph)


def test_the_page_refuses_what_python_refuses():
    texts = [json.dumps(data) for data in cases(1500)]
    script = "({ readGraph }, text) => readGraph(text).nodes.length"
    for text, answer in zip(texts, run(MODULES, script, *[[t] for t in texts]), strict=True):
        graph = read(text)
        assert isinstance(answer, Thrown) == isinstance(graph, ValueError), f"{graph!r}: {text}"
        if isinstance(answer, Thrown) and "NaN" not in text:  # which is no JSON
            assert answer.args[0].startswith("graph: "), answer


def changed(at, **changes):
    data = json.loads(TEXT)
    node = data["nodes"][at]
    for key, value in changes.items():
        if value is ...:
            del node[key]
        else:
            node[key] = value
    return json.dumps(data)


def with_(at, op, **params):
    return changed(at, op=op, **{"axis": ..., "keepdims": ...} | params)


NODES = {node.get("name"): i for i, node in enumerate(json.loads(TEXT)["nodes"])}
MU, CENTRED, X = NODES["mu"], NODES["centred"], NODES["x"]
CONSTANT = next(i for i, n in enumerate(json.loads(TEXT)["nodes"]) if n["op"] == "constant")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed(MU, axis=...), rf"node {MU} \(mu\): it has no axis"),
        (changed(MU, op=...), rf"node {MU} \(mu\): it has no op"),
        (changed(MU, shape=...), rf"node {MU} \(mu\): it has no shape"),
        (changed(MU, op="sort"), rf"node {MU} \(mu\): unknown operation 'sort'"),
        (changed(MU, op=["mean"]), rf"node {MU} \(mu\): unknown operation"),
        (changed(MU, axis=[2]), rf"node {MU} \(mu\): axis: got \[2\], want null or a list of axes"),
        (changed(MU, axis=[0, 0]), rf"node {MU} \(mu\): axis: got"),
        (changed(MU, op="max", keepdims=...), rf"node {MU} \(mu\): it has no keepdims"),
        (changed(MU, op="max", axis=[2]), rf"node {MU} \(mu\): axis: got \[2\]"),
        (changed(MU, keepdims=1), rf"node {MU} \(mu\): keepdims: got 1, want true or false"),
        (changed(MU, shape=[-1]), rf"node {MU} \(mu\): shape: got \[-1\], want a list of integers"),
        (changed(MU, shape="x"), rf"node {MU} \(mu\): shape: got 'x'"),
        (changed(MU, shape=[1.5]), rf"node {MU} \(mu\): shape: got \[1.5\]"),
        (changed(MU, inputs=[]), rf"node {MU} \(mu\): got 0 inputs, want 1"),
        (changed(CENTRED, inputs=[0, 99]), rf"node {CENTRED} \(centred\): inputs: got 99"),
        (changed(CENTRED, inputs=[0, CENTRED]), rf"node {CENTRED} \(centred\): inputs: got"),
        (changed(CENTRED, inputs=[0, -1]), rf"node {CENTRED} \(centred\): inputs: got"),
        (changed(CENTRED, axis=[0]), rf"node {CENTRED} \(centred\): subtract takes no axis"),
        (changed(CENTRED, name="mu"), rf"node {CENTRED} \(mu\): an earlier node has that name"),
        (changed(X, name=""), rf"node {X} \(\): an input needs a name"),
        (changed(X, name=5), rf"node {X}: name: got 5, want a string"),
        (changed(X, value=1), rf"node {X} \(x\): input takes no value"),
        (changed(MU, op="transpose", axis=..., keepdims=...), r"\(mu\): it has no axes"),
        (
            with_(MU, "transpose", axes=[0, 0]),
            r"axes: got \[0, 0\], want null or each axis",
        ),
        (with_(MU, "transpose", axes=[0]), r"\(mu\): axes: got \[0\], want null or each axis"),
        (with_(MU, "reshape", to=[-1, -1]), r"\(mu\): to: got \[-1, -1\], want a list of"),
        (with_(MU, "reshape", to=[2.0]), r"\(mu\): to: got \[2.0\], want a list of integers"),
        (with_(MU, "getitem", index=[0, 0, 0]), r"index: got \[0, 0, 0\], want a list"),
        (with_(MU, "getitem", index=["1;2"]), r"\(mu\): index: got \['1;2'\]"),
        (with_(MU, "getitem", index=["::0"]), r"\(mu\): index: got \['::0'\]"),
        (with_(MU, "getitem", index=["#"]), r"\(mu\): got 1 inputs, want 2"),
        (with_(MU, "setitem", index=[0]), r"\(mu\): got 1 inputs, want 2"),
        (with_(MU, "concatenate", axis=2), r"\(mu\): axis: got 2, want an axis below 2"),
        (with_(MU, "concatenate", axis=None), r"\(mu\): axis: got None, want an axis below 2"),
        (with_(MU, "concatenate", axis=0, inputs=[]), r"\(mu\): got 0 inputs, want 1"),
        (changed(CONSTANT, value=[1.0]), rf"node {CONSTANT}: value: got shape \(1,\), want \(\)"),
        (changed(CONSTANT, value=[[1], [2, 3]]), rf"node {CONSTANT}: value: its rows differ"),
        (changed(CONSTANT, value="2"), rf"node {CONSTANT}: value: got '2', want finite numbers"),
        (changed(CONSTANT, value=float("nan")), rf"node {CONSTANT}: value: got nan"),
        (TEXT.replace('"outputs":[', '"outputs":[99,'), "outputs: got 99, there are"),
        (TEXT.replace('"outputs"', '"output"'), "want an object with nodes and outputs"),
        ('{"nodes": [], "outputs": []}', "outputs: want at least one"),
        ('{"nodes": {}, "outputs": []}', "nodes: want a list"),
        ('{"nodes": [5], "outputs": [0]}', "node 0: got 5, want an object"),
        ("[]", "want an object"),
        ("{", "from_json: "),
        ("", "from_json: "),
    ],
)
def test_a_refusal_names_the_node(text, message):
    with pytest.raises(ValueError, match=message) as raised:
        Graph.from_json(text)
    assert isinstance(raised.value, UnknownOperation) == ("unknown" in message)


def test_the_page_names_the_node_too():
    texts = [changed(MU, axis=[2]), changed(CENTRED, inputs=[0, 99]), changed(MU, op="sort")]
    answers = run(MODULES, "readGraph", *[[text] for text in texts], [TEXT])
    assert [answer.args[0] for answer in answers[:3]] == [
        f"graph: node {MU} (mu): axis: want axes of its input",
        f"graph: node {CENTRED} (centred): inputs: want indices of earlier nodes",
        f"graph: node {MU} (mu): unknown operation sort",
    ]
    assert answers[3] == json.loads(TEXT)
