"""Which nodes the paths of a gradient are named by, and what they are called."""

import inspect

import numpy as np
import pytest
from drawn import draw
from node import run

import batchnorm as bn

MODULES = ["figures/kit/moments.js", "figures/kit/routes.js", "graph/wire.js"]
FOUND = """(m, text) => {
  const graph = m.readGraph(text);
  const { open } = m.routesOf(graph);
  const names = m.pathNames(graph);
  return [...open].sort().map((path) => names[path]);
}"""


def root_mean_square(x, gamma, eps):
    r = np.sqrt((x**2).mean(axis=0) + eps)
    return gamma * x / r


def mixed(x, gamma):
    mu = x.mean(axis=0)
    c = x - mu
    r = np.sqrt((x**2).mean(axis=0))
    return gamma * c / r + np.tanh(x)


def other_names(x):
    m = x.mean(axis=0)
    q = x - m
    v = (q**2).mean(axis=0)
    return q / np.sqrt(v + 1e-5)


def raw(x, eps):
    mu = x.mean(axis=0)
    var = (x**2).mean(axis=0) - mu**2
    return (x - mu) / np.sqrt(var + eps)


def peak(x):
    return x / np.abs(x).max(axis=0)


def centred_loss(x, t):  # the sum at the end is on every route: it names none
    mu = x.mean(axis=0)
    return ((x - mu - t) ** 2).mean(axis=0)


MEAN, VARIANCE = "path through the mean", "path through the variance"


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (bn.batch_norm, ["direct path", MEAN, VARIANCE]),
        (raw, ["direct path", MEAN, VARIANCE]),
        (mixed, ["direct path", MEAN, "path through r"]),
        (root_mean_square, ["direct path", "path through r"]),
        (other_names, ["direct path", "path through m", "path through v"]),
        (peak, ["direct path", "path through a max"]),
        (centred_loss, ["direct path", MEAN]),
        (lambda x: np.tanh(x), []),
    ],
)
def test_paths_are_named_from_the_graph(function, wanted):
    x = np.array([1.0, -0.5, 2.2])
    parameters = inspect.signature(function).parameters
    graph = bn.trace(function, **{name: x if name in "xt" else 0.5 for name in parameters})
    assert run(MODULES, FOUND, [graph.to_json()]) == [wanted]


def test_the_part_through_a_moment_is_what_its_cut_takes_away():
    """Of any name: the parts sum to dx, and each is a difference between two cuts."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 5))
    graph = bn.trace(mixed, x=x, gamma=1.3)
    parts = """(m, text, given, dy) => {
      const { dx, paths } = m.gradientPaths(m.readGraph(text), given, dy);
      return { dx, ...paths };
    }"""
    given = {"x": x, "gamma": 1.3}
    modules = ["figures/kit/paths.js", "graph/wire.js"]
    got = run(modules, parts, [graph.to_json(), given, dy])[0]
    back = graph.forward(x=x, gamma=1.3).backward
    both, mean, whole = (back(dy, cut=cut)["x"] for cut in (["mu", "r"], ["mu"], []))
    for name, want in (
        ("dx", whole),
        ("direct", both),
        ("mean", whole - mean),
        ("variance", mean - both),
    ):
        np.testing.assert_allclose(got[name], want, rtol=0, atol=1e-12)
    numeric = bn.numeric_gradient(lambda x: mixed(x, 1.3), x, dy)
    np.testing.assert_allclose(got["dx"], numeric, atol=1e-7)


def test_a_graph_says_which_paths_there_are():
    x, dy = [1.0, -0.5, 2.2], [1.0, 0.6, -0.4]
    graph = bn.GraphFigure(mixed, x=np.array(x), gamma=1.0, dy=np.array(dy))
    said = draw(graph).root.text
    for name in ("direct path", "through the mean", "through r"):
        assert name in said
    assert "through the variance" not in said
