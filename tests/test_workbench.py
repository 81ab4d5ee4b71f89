"""The workbench: a reader's function becomes the figures' state, or a sentence at its line."""

import json

import numpy as np
import pytest

import batchnorm as bn
from _ext.host.python.page import workbench

LAYER = """
def layer(x, gamma, beta, eps):
    mu = x.mean(axis=0)
    centred = x - mu
    s = np.sqrt((centred**2).mean(axis=0) + eps)
    return gamma * centred / s + beta
"""


def test_the_state_is_that_of_figures_made_in_python():
    got = workbench.trace(LAYER)
    names = {"np": np}
    exec(LAYER, names)
    inputs = dict(x=[1.0, -0.5, 2.2], gamma=1.5, beta=0.5, eps=0.1)
    dy = [1.0, 0.6, -0.4]
    arrays = {**inputs, "x": np.array(inputs["x"])}
    graph = bn.GraphFigure(names["layer"], dy=dy, **arrays)
    batch = bn.BatchFigure(function=names["layer"], dy=dy, **arrays)
    assert got["name"] == "layer"
    assert json.loads(json.dumps(got)) == got
    for figure, state in ((graph, got["graph"]), (batch, got["batch"])):
        assert {name: figure.get_state()[name] for name in state} == state
    assert set(got["graph"]["_inputs"]) - {"numbers"} <= set(got["graph"])


PASTED = """
def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    N, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    out, cache = None, None
    if mode == "train":
        mu = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        std = np.sqrt(var + eps)
        x_hat = (x - mu) / std
        out = gamma * x_hat + beta
        cache = (x, x_hat, mu, var, std, gamma)
        running_mean = momentum * running_mean + (1 - momentum) * mu
    bn_param["running_mean"] = running_mean
    return out, cache
"""
SPATIAL = """
def spatial(x, gamma, beta, eps=1e-5):
    N, C, H, W = x.shape
    flat = x.transpose(0, 2, 3, 1).reshape(-1, C)
    x_hat = (flat - flat.mean(axis=0)) / np.sqrt(flat.var(axis=0) + eps)
    out = gamma * x_hat + beta
    return out.reshape(N, H, W, C).transpose(0, 3, 1, 2)
"""
LAYER_OBJECT = """
class Layer:
    def __init__(self, num_features, eps=1e-5):
        self.gamma, self.beta, self.eps = np.ones(num_features), np.zeros(num_features), eps

    def forward(self, x, train_flg=True):
        self.xc = x - x.mean(axis=0)
        self.std = np.sqrt(np.mean(self.xc**2, axis=0) + self.eps)
        return self.gamma * self.xc / self.std + self.beta
"""
STYLES = {  # source, the inputs, and whether it returns more than its output
    "a course's": (PASTED, ["x", "gamma", "beta"]),
    "images": (SPATIAL, ["x", "gamma", "beta"]),
    "an object": (LAYER_OBJECT, ["x", "gamma", "beta"]),
}


@pytest.mark.parametrize(("source", "inputs"), STYLES.values(), ids=STYLES)
def test_the_styles_that_people_write_come_with_their_backward_pass(source, inputs):
    got = workbench.trace(source, seconds=20)
    assert "error" not in got, got
    assert json.loads(json.dumps(got)) == got
    start = got["graph"]["start"]
    assert [name for name in inputs if name in start] == inputs
    space = {}
    exec("\n".join(text for text, _ in got["backward"]["lines"]), space)
    (backward,) = (value for key, value in space.items() if key.endswith("backward"))

    names = {"np": np}
    exec(source, names)
    x, gamma, beta = (np.array(start[name]) for name in ("x", "gamma", "beta"))
    dy = np.random.default_rng(0).normal(size=x.shape)

    def forward(x):
        if source is LAYER_OBJECT:
            layer = names["Layer"](x.shape[1])
            layer.gamma, layer.beta = gamma, beta
            return layer.forward(x)
        more = [{"mode": "train"}] if source is PASTED else []
        found = names["spatial" if source is SPATIAL else "batchnorm_forward"](
            x, gamma, beta, *more
        )
        return found[0] if isinstance(found, tuple) else found

    given = {"x": x, "gamma": gamma, "beta": beta}
    taken = backward.__code__.co_varnames[1 : backward.__code__.co_argcount]
    given |= {"eps": 1e-5} if "eps" in taken else {}
    results = dict(zip(inputs, backward(dy, **{n: given[n] for n in taken}), strict=True))
    bn.compare("dx", results["x"], bn.numeric_gradient(forward, x, dy))
    lit = {node for _, node in got["backward"]["lines"]}
    assert {"x", "gamma"} <= lit


def test_a_function_without_a_backward_pass_in_numpy_still_has_its_graph():
    source = "from batchnorm.graph import eigenvectors\n"
    source += "def f(x=np.array([[2.0, 0.5], [0.5, 1.0]])):\n    return eigenvectors(x)"
    got = workbench.trace(source, seconds=20)
    assert "graph" in got
    assert "eigen" in got["backward"]["error"]


def test_defaults_are_what_the_function_runs_on():
    source = "def net(x=np.ones((2, 3)), w=np.array([1.0, 2.0, -1.0])):\n    return x @ w"
    got = workbench.trace("import numpy\n" + source)
    assert got["graph"]["x"] == np.ones((2, 3)).tolist()
    assert got["graph"]["dy"] == [1.0, 0.6]
    assert got["batch"] is None
    assert workbench.trace("def a(x):\n    return x + 1\ndef b(x):\n    return x")["name"] == "b"


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("def f(x:\n    return x", 1, "never closed"),
        ("x = 1", 1, "no function"),
        ("def f(x):\n    y = np.sort(x)\n    return y", 2, "np.sort is not traced"),
        ("def f(x):\n    if x > 0:\n        return x\n    return -x", 2, "write np.where"),
        ("def g(x):\n    return x // 1\ndef f(x):\n    return g(x)", 2, "`x // 1` in line 2"),
        ("def f(x):\n    return x + nothing", 2, "NameError: name 'nothing'"),
        ("def f(x):\n    while True:\n        pass", 3, "did not finish"),
        ("while True:\n    pass\ndef f(x):\n    return x", None, "did not finish"),
        ("\n\ndef f(x, wobble):\n    return x", 3, "wobble needs a value"),
        ("def f():\n    return 1", 1, "takes nothing"),
        ("def f(x):\n    return 1.0", None, "nothing that depends on an input"),
        ("def f(x, step=1.0):\n    return x * step", None, "step: the figure needs this name"),
        ("def f(x):\n    for k in range(60):\n        x = x * 2.0\n    return x", None, "61 nodes"),
        ("raise SystemExit('no')\ndef f(x):\n    return x", 1, "SystemExit: no"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(source, line, words):
    got = workbench.trace(source, seconds=0.2)
    assert words in got["error"]
    if line:
        assert got["line"] in (line, line - 1) if "while" in source else got["line"] == line


def test_what_does_not_fit_the_batch_figure_has_none():
    assert workbench.trace("def f(x):\n    return x.mean()")["batch"] is None
    assert workbench.trace("def f(x, eps=-1.0):\n    return x + eps")["batch"] is None
    assert workbench.trace("def f(x, gamma=np.ones(3)):\n    return x * gamma")["batch"] is None
    assert workbench.trace("def f(x):\n    return x - x.mean()")["batch"]["x"] == [1.0, -0.5, 2.2]


COURSE = """
def forward(x, gamma, beta, bn_param):
    N, D = x.shape
    eps = bn_param.get("eps", 1e-5)
    mu = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    x_hat = (x - mu) / np.sqrt(var + eps)
    bn_param["running_mean"] = 0.1 * mu
    return gamma * x_hat + beta, (x_hat, mu)
"""
IMAGES = """
def forward(x, gamma, beta, G, eps=1e-5, mode="train", verbose=False):
    N, C, H, W = x.shape
    x = x.reshape(N, G, C // G, H, W)
    x = (x - x.mean(axis=(2, 3, 4), keepdims=True)) / np.sqrt(x.var((2, 3, 4), keepdims=True) + eps)
    return gamma * x.reshape(N, C, H, W) + beta
"""


def test_a_batch_is_offered_in_the_shape_that_the_function_takes():
    got = workbench.trace(COURSE)
    assert np.shape(got["graph"]["x"]) == (3, 4)
    assert {"x", "gamma", "beta"} < set(got["graph"]["_inputs"])
    assert "bn_param" not in got["graph"]
    got = workbench.trace(IMAGES)
    assert np.shape(got["graph"]["x"]) == (3, 4, 2, 2)
    assert np.size(got["graph"]["gamma"]) == 4
    assert {"G", "mode", "verbose"}.isdisjoint(got["graph"])
    channels = "def f(x, gamma):\n    N, C, H, W = x.shape\n    return x * gamma[:, None, None]"
    assert np.shape(workbench.trace(channels)["graph"]["gamma"]) == (4,)
    broken = "def f(x):\n    a, b, c, d, e = x.shape\n    return x"
    assert workbench.trace(broken)["line"] == 2
