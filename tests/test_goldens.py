"""What each figure draws in a few states, compared with the pictures in its ``goldens`` folder.

A picture is an SVG with an element a line, known by its key; what stands below it, in words. Look
at the difference, and if it is what was meant, write the pictures again: ``make goldens``.
"""

import doctest
import re
import sys
from pathlib import Path

import drawn
import numpy as np
import pytest
from drawn import draw

import batchnorm as bn
from batchnorm.training import Net, spirals

FIGURES = Path(bn.__file__).parent / "figures"
X, DY = [-1.3, 0.4, 2.2, 0.9], [0.7, -1.1, 0.3, 0.5]
LAYER = dict(gamma=1.7, beta=-0.6, eps=0.2)
THREE = dict(x=[1.0, -0.5, 2.2], dy=[1.0, 0.6, -0.4], **LAYER)


def batch(x=X, dy=DY, **settings):
    return bn.BatchFigure(x, dy, **LAYER | settings)


def biased(b, u, t):
    mu = (u + b).mean(axis=0)
    loss = ((u + b - mu - t) ** 2).mean(axis=0) / 2
    return loss


def descent(cut="mu", **settings):
    given = dict(b=0.3, u=[-1.0, 1.0], t=[0.0, 1.0])
    return bn.DescentFigure(biased, given, train=["b"], cut=[cut], watch=["b", "loss"], **settings)


def squared(x, w, t):
    mu = (x @ w).mean(axis=0)
    centred = x @ w - mu
    var = (centred**2).mean(axis=0)
    y = centred / np.sqrt(var + 0.1)
    loss = ((y - t) ** 2).mean(axis=(0, 1))
    return loss


def weights(**settings):
    given = dict(x=[[1.0, 0.0], [0.0, 1.0], [1.0, 2.0]], w=[[0.5], [-1.0]], t=[[1.0], [0.0], [-1]])
    return bn.DescentFigure(squared, given, train=["w"], cut=["var"], watch=["loss"], **settings)


def depth(**settings):
    many = np.random.default_rng(0).normal(0, 0.05, (3, 1, 5))
    grown = {m: (1.4 + 2 / m) ** (np.arange(5) * np.exp(many[0])) for m in (4, 8, 16)}
    flat = {m: (1.1 + 1 / m) ** (np.arange(5) + 0 * many[1]) for m in (4, 8, 16)}
    spread = {m: v * np.geomspace(0.8, 1.3, 3)[:, None] ** np.arange(5) for m, v in grown.items()}
    formulas = {"ReLU": ("3/2", lambda m: 1.5), "tanh": ("none", lambda m: float("nan"))}
    both = {"ReLU": spread, "tanh": {m: np.repeat(v, 3, axis=0) for m, v in flat.items()}}
    return bn.DepthFigure(both, formulas, **settings)


def training(**settings):
    nets = {"plain": Net((2, 4, 2), "none"), "batch norm": Net((2, 4, 2), "batch")}
    cut = {"mean cut": (nets["batch norm"], dict(cut_mean=True))}
    return bn.TrainingFigure(nets | cut, spirals(m=12), batch_size=6, **settings)


def graph(*actions, cut=(), numbers=True, step=0, **inputs):
    figure = bn.GraphFigure(bn.batch_norm, cut=cut, numbers=numbers, **THREE | inputs)
    figure.step = step
    return figure, *actions


def predict(**settings):
    return bn.PredictFigure(THREE["x"], THREE["dy"], more=1, **settings)


def whitening(**settings):
    return bn.WhiteningFigure(**dict(batch_size=6) | settings)


def press(name):
    return (name, "click")


def nudge(name, key="ArrowRight"):
    return (name, "keydown", {"key": key, "shiftKey": False})


# A figure's states: itself, and what a reader does then
STATES = {
    "batch": {
        "start": lambda: [batch()],
        "variance-cut": lambda: [
            batch(flow_through_variance=False, rate=0.3),
            press("Take a step"),
        ],
        "mean-cut-after-steps": lambda: [batch(steps=3, flow_through_mean=False)],
        "not-defined": lambda: [batch([1.0, 1.0], [1.0, -1.0], eps=0)],
    },
    "cancellation": {
        "small": lambda: [bn.CancellationFigure(offset=30, m=8)],
        "large": lambda: [bn.CancellationFigure(offset=1e6, m=64)],
        "all-equal": lambda: [bn.CancellationFigure(offset=1e8, m=2)],
    },
    "depth": {
        "start": lambda: [depth()],
        "small-batch": lambda: [depth(batch=4), nudge("layers passed", "ArrowLeft")],
        "one-layer": lambda: [depth(batch=8, depth=1)],
    },
    "descent": {
        "mean-cut": lambda: [descent(step=9, steps=12)],
        "variance-cut": lambda: [weights(step=5, steps=8, rate=0.1)],
        "start": lambda: [descent(step=1, steps=12), press("Back")],
    },
    "graph": {
        "start": lambda: graph(),
        "walking": lambda: graph(press("Next node"), press("Next node"), numbers=False),
        "cut": lambda: graph(cut=["mu"], gamma=-0.5),
        "many-samples": lambda: graph(cut=["var"], x=[1, -0.5, 2.2, 0.4, 3, -1], dy=[1, -1] * 3),
        "pointed": lambda: graph(
            ("x̂, value", "pointerenter", {"pointerType": "mouse"}), numbers=False
        ),
        "not-defined": lambda: graph(x=[1.0, 1.0, 1.0], eps=0.0, numbers=False),
    },
    "jacobian": {
        "start": lambda: [bn.JacobianFigure(m=4, entry=[0, 1])],
        "without-the-mean": lambda: [bn.JacobianFigure(m=3, mean=False, outlier=-3, eps=0.5)],
        "without-the-direct-path": lambda: [bn.JacobianFigure(m=6, identity=False, entry=[5, 5])],
        "outlier": lambda: [
            bn.JacobianFigure(m=8, outlier=7, entry=[2, 7]),
            nudge("entry of the Jacobian"),
        ],
    },
    "predict": {
        "start": lambda: [predict()],
        "shown": lambda: [predict(guess=[0.5, 0.0, -0.25], gamma=1.5), press("Show dx")],
        "right": lambda: [predict(eps=0.1, shown=True, guess=predict(eps=0.1, shown=True).dx)],
        "next": lambda: [predict(guess=[0.5, 0.0, -0.25], shown=True), press("Next batch")],
    },
    "running": {
        "start": lambda: [bn.RunningFigure(steps=10, batch=4)],
        "drift": lambda: [bn.RunningFigure(steps=10, batch=4, step=6, drift=0.4)],
        "moved": lambda: [
            bn.RunningFigure(steps=10, batch=4, step=9, momentum=0.5),
            nudge("the batch"),
            nudge("the batch", "PageUp"),
        ],
        "one-sample": lambda: [bn.RunningFigure(steps=10, batch=1, step=3)],
    },
    "sphere": {
        "start": lambda: [bn.SphereFigure()],
        "mean-removed": lambda: [bn.SphereFigure(peeled=1, eps=0.5)],
        "walked": lambda: [bn.SphereFigure(turn=-60, rate=0.8), *[press("Take a step")] * 3],
        "not-defined": lambda: [bn.SphereFigure([1, 1, 1], eps=0)],
    },
    "training": {
        "start": lambda: [training(steps=0)],
        "trained": lambda: [training(steps=30, chosen=1)],
        "diverged": lambda: [training(steps=20, rate=1e8, momentum=0.9)],
    },
    "weight_space": {
        "start": lambda: [bn.WeightSpaceFigure(steps=12)],
        "steps": lambda: [bn.WeightSpaceFigure(correlation=0.5, step=4, steps=12, decay=0.1)],
        "eps": lambda: [bn.WeightSpaceFigure(eps=0.5, correlation=-0.6, steps=12, w=[0.2, -0.7])],
        "not-defined": lambda: [bn.WeightSpaceFigure(w=[0, 0], steps=12)],
    },
    "whitening": {
        "start": lambda: [whitening()],
        "steep": lambda: [whitening(method="cholesky", scale_1=0.1, correlation=0.0)],
        "pca": lambda: [whitening(method="pca", upstream="stretch", correlation=0.9)],
        "cholesky": lambda: [whitening(method="cholesky", upstream="shear", correlation=-0.7)],
        "resampled": lambda: [whitening(method="newton-schulz"), *[press("Resample")] * 2],
        "not-defined": lambda: [
            whitening(method="pca", batch_size=4, scale_1=0.0, scale_2=0.0, moved=SQUARE)
        ],
    },
}
SQUARE = [0, 1.0, 0.0, 1, -1.0, 0.0, 2, 0.0, 1.0, 3, 0.0, -1.0]
PICTURES = [(name, state) for name, states in STATES.items() for state in states]
PARTS = re.compile(r"(?<![\d.])-?\d+(?:\.\d+)?")


def path(name, state):
    return FIGURES / name / "goldens" / f"{state}.svg"


def picture(name, state):
    return draw(*STATES[name][state]())


def same(line, other):
    """Whether two lines say the same; what is rounded may differ by one in its last digit."""
    if PARTS.split(line) != PARTS.split(other):
        return False
    pairs = zip(PARTS.findall(line), PARTS.findall(other), strict=True)
    for a, b in pairs:
        places = max(len(number.partition(".")[2]) for number in (a, b))
        if a != b and (not places or abs(float(a) - float(b)) > 1.01 * 10**-places):
            return False
    return True


def different(text, golden):
    """The lines that are not the same, as a list of (golden, now)."""
    a, b = golden.splitlines(), text.splitlines()
    if len(a) != len(b):
        keys = [re.findall('data-key="([^"]*)"', t) for t in (golden, text)]
        return [sorted(set(keys[0]) ^ set(keys[1])), (len(a), len(b))]
    return [pair for pair in zip(a, b, strict=True) if not same(*pair)]


@pytest.mark.parametrize(("name", "state"), PICTURES)
def test_a_picture_is_as_it_was_when_it_was_looked_at(name, state):
    golden = path(name, state)
    assert golden.exists(), f"{golden} is missing: make goldens"
    found = different(picture(name, state).svg(), golden.read_text("utf8"))
    assert not found, f"{golden.name}: look at it, then make goldens"


def test_doctests():
    found = doctest.testmod(drawn)
    assert (found.failed, found.attempted > 2) == (0, True)


def test_no_picture_is_left_over():
    kept = {*FIGURES.glob("*/goldens/*")}
    assert kept == {path(name, state) for name, state in PICTURES}


def test_a_golden_line_bears_rounding_and_nothing_else():
    assert same('x="12" d="M1.2 3"', 'x="12.1" d="M1.3 3"')
    assert not same('x="12.1"', 'x="12.3"')
    assert not same(">3 steps<", ">4 steps<")
    assert not same('class="mean"', 'class="cut"')
    assert not same(">−0.120<", ">0.120<")


if __name__ == "__main__":
    for golden in FIGURES.glob("*/goldens/*"):
        golden.unlink()
    for name, state in PICTURES:
        path(name, state).parent.mkdir(parents=True, exist_ok=True)
        path(name, state).write_text(picture(name, state).svg(), "utf8")
    sys.stdout.write(f"{len(PICTURES)} pictures: git diff shows which have changed\n")
