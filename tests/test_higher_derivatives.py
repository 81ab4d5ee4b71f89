"""Moments held in a formula that is differentiated again: PyTorch's answers are those of our cuts.

The formulas are those of the chapter, taken from it. Runs where PyTorch is installed.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import batchnorm as bn

torch = pytest.importorskip("torch")

CHAPTER = Path(__file__).parents[1] / "chapters" / "higher_derivatives.ipynb"
HELD = torch.__version__.startswith("2.13")  # later ones may have mended it, or refuse


@pytest.fixture(scope="module")
def chapter():
    """The names that the chapter's own cells define."""
    names = {"np": np, "bn": bn}
    for cell in json.loads(CHAPTER.read_text("utf8"))["cells"]:
        if cell["id"] in {"functions", "functions-second"}:
            exec("".join(cell["source"]), names)
        if cell["id"] == "derivative":
            exec("".join(cell["source"]).split("\n\n\n")[0], names)
    return names


def fused(x):
    return torch.nn.functional.batch_norm(x, None, None, training=True, eps=1e-5)


def layer_norm(x):
    return torch.nn.functional.layer_norm(x.T, (len(x),), eps=1e-5).T


def instance_norm(x):
    return torch.nn.functional.instance_norm(x.T[None], eps=1e-5)[0].T


def group_norm(x):
    return torch.nn.functional.group_norm(x.T[None], x.shape[1], eps=1e-5)[0].T


FUSED = {"batch": fused, "layer": layer_norm, "instance": instance_norm}


def written_out(x):
    centred = x - x.mean(dim=0)
    return centred / torch.sqrt((centred**2).mean(dim=0) + 1e-5)


def batch(seed, m):
    return np.random.default_rng(seed).normal(size=(3, m, 2))


def repeated(layer, x, v, c):
    """dL/dt to orders 0 to 3 at t = 0, each the gradient of the one before."""
    x, v, c = map(torch.from_numpy, (x, v, c))
    t = torch.zeros((), dtype=torch.float64, requires_grad=True)
    orders = [(c * layer(x + t * v)).sum()]
    for _ in range(3):
        orders += torch.autograd.grad(orders[-1], t, create_graph=True)
    return [order.item() for order in orders]


def forward(function):
    """The derivative of a function of one number, by forward mode."""
    return lambda t: torch.func.jvp(function, (t,), (torch.ones_like(t),))[1]


reverse = torch.func.grad
MODES = {
    "reverse, then reverse": (reverse, reverse),
    "reverse, then forward": (reverse, forward),
    "forward, then reverse": (forward, reverse),
    "forward, then forward": (forward, forward),
}


def twice(modes, layer, x, v, c):
    """The second derivative: the first mode inside, the second around it."""
    x, v, c = map(torch.from_numpy, (x, v, c))
    inside, around = MODES[modes]
    slope = inside(lambda t: (c * layer(x + t * v)).sum())
    return around(slope)(torch.zeros((), dtype=torch.float64)).item()


CASES = [(seed, m) for seed in range(3) for m in (3, 5, 17)]


@pytest.mark.parametrize(("seed", "m"), CASES)
@pytest.mark.parametrize("layer", [written_out, group_norm])
def test_written_out_and_group_norm_all_orders_are_right(chapter, layer, seed, m):
    x, v, c = batch(seed, m)
    first, second, derivative = (chapter[n] for n in ("first", "second", "derivative"))
    want = [first(x, v, c), second(x, v, c), derivative(second, x, v, c)]
    np.testing.assert_allclose(repeated(layer, x, v, c)[1:], want, rtol=1e-7)
    for modes in MODES:
        np.testing.assert_allclose(twice(modes, layer, x, v, c), want[1], rtol=1e-8)


@pytest.mark.parametrize(("seed", "m"), CASES)
@pytest.mark.parametrize("name", FUSED)
def test_fused_the_first_two_orders_are_right_in_reverse(chapter, name, seed, m):
    x, v, c = batch(seed, m)
    want = [chapter["first"](x, v, c), chapter["second"](x, v, c)]
    np.testing.assert_allclose(repeated(FUSED[name], x, v, c)[1:3], want, rtol=1e-8)
    for modes in ("reverse, then reverse", "reverse, then forward"):
        np.testing.assert_allclose(twice(modes, FUSED[name], x, v, c), want[1], rtol=1e-8)


@pytest.mark.skipif(not HELD, reason="what PyTorch 2.13 answers")
@pytest.mark.parametrize(("seed", "m"), CASES)
@pytest.mark.parametrize("name", FUSED)
def test_fused_the_third_order_holds_the_moments(chapter, name, seed, m):
    x, v, c = batch(seed, m)
    held = chapter["derivative"](chapter["second"], x, v, c, held=["mu", "s"])
    assert repeated(FUSED[name], x, v, c)[3] == pytest.approx(held, rel=1e-7)


@pytest.mark.skipif(not HELD, reason="what PyTorch 2.13 answers")
@pytest.mark.parametrize(("seed", "m"), CASES)
@pytest.mark.parametrize("name", FUSED)
def test_fused_forward_mode_first_holds_them_at_the_second(chapter, name, seed, m):
    x, v, c = batch(seed, m)
    held = chapter["derivative"](chapter["first"], x, v, c, held=["mu", "s"])
    for modes in ("forward, then reverse", "forward, then forward"):
        assert twice(modes, FUSED[name], x, v, c) == pytest.approx(held, rel=1e-7)


@pytest.mark.skipif(not HELD, reason="what PyTorch 2.13 answers")
def test_fused_refuses_eps_0():
    with pytest.raises(ValueError, match="eps must be positive"):
        torch.nn.functional.batch_norm(torch.ones(3, 2), None, None, training=True, eps=0.0)
