"""In no figure does a text lie on another one, or leave its drawing: over random states.

ABUSE=100 tries ten times as many.
"""

import os
from itertools import combinations

import numpy as np
import pytest
from drawn import draw
from test_goldens import biased, depth, graph, training, weights

import batchnorm as bn

WIDTHS = (330, 358, 520, 600, 690)  # units: a phone's, a column's, the most
NEAR = 1.0  # units: what nobody takes for a collision, letters being measured by another font


def batch(rng):
    m = int(rng.integers(2, 9))
    return bn.BatchFigure(
        rng.normal(rng.normal(0, 1), rng.choice([0.1, 1, 3]), m),
        rng.uniform(-3, 3, m),
        gamma=rng.uniform(-3, 3),
        beta=rng.normal(0, 2),
        eps=rng.choice([0.0, 1e-5, 1.0]),
        rate=rng.choice([0.1, 0.5, 2.0]),
        steps=int(rng.choice([0, 1, 12])),
        flow_through_mean=bool(rng.integers(2)),
        flow_through_variance=bool(rng.integers(2)),
    )


def cancellation(rng):
    return bn.CancellationFigure(offset=10 ** rng.uniform(0, 8), m=int(2 ** rng.integers(1, 8)))


def deep(rng):
    return depth(batch=int(rng.choice([4, 8, 16])), depth=int(rng.integers(1, 5)))


def descent(rng):
    steps = int(rng.integers(1, 60))
    how = dict(step=int(rng.integers(0, steps + 1)), steps=steps, rate=10 ** rng.uniform(-2, 1))
    if rng.integers(2):
        return weights(**how)
    given = dict(b=rng.normal(), u=rng.normal(size=3), t=rng.normal(size=3))
    return bn.DescentFigure(biased, given, train=["b"], cut=["mu"], watch=["b", "loss"], **how)


def graphs(rng):
    cut = [name for name in ("mu", "var") if rng.integers(2)]
    figure = graph(cut=cut, numbers=bool(rng.integers(2)), gamma=rng.normal(0, 20))[0]
    figure.x = rng.normal(0, rng.choice([0.1, 2, 300]), 3)
    figure.step = int(rng.integers(0, 10))
    return figure


def jacobian(rng):
    m = int(rng.integers(2, 9))
    flows = {name: bool(rng.integers(2)) for name in ("identity", "mean", "variance")}
    return bn.JacobianFigure(
        m=m, outlier=rng.normal(0, 5), entry=rng.integers(0, m, 2).tolist(), **flows
    )


def predict(rng):
    m = int(rng.integers(2, 6))
    made = bn.PredictFigure(rng.normal(0, 2, m), rng.normal(0, 1, m), more=1, eps=0.1)
    made.guess = (made.dx or np.zeros(m)) if rng.integers(2) else rng.normal(0, 0.7, m)
    made.shown = bool(rng.integers(2))
    return made


def running(rng):
    steps = int(rng.integers(1, 60))
    return bn.RunningFigure(
        steps=steps,
        step=int(rng.integers(0, steps + 1)),
        batch=int(rng.choice([1, 2, 8, 32])),
        momentum=rng.uniform(0, 1),
        drift=rng.uniform(0, 0.5),
    )


def sphere(rng):
    return bn.SphereFigure(
        rng.normal(0, rng.choice([0.3, 2]), 3),
        rng.normal(0, 2, 3),
        turn=rng.uniform(-180, 180),
        peeled=int(rng.integers(3)),
        eps=rng.choice([0.0, 0.5]),
    )


def trained(rng):
    return training(
        steps=int(rng.choice([0, 3, 40])),
        rate=rng.choice([0.1, 1e8]),
        chosen=int(rng.integers(3)),
        seed=int(rng.integers(1000)),
    )


def weight_space(rng):
    steps = int(rng.integers(1, 40))
    return bn.WeightSpaceFigure(
        w=rng.normal(0, rng.choice([0.1, 1, 5]), 2),
        steps=steps,
        step=int(rng.integers(0, steps + 1)),
        rate=10 ** rng.uniform(-2, 0.5),
        correlation=rng.uniform(-0.9, 0.9),
        eps=rng.choice([0.0, 0.5]),
        decay=rng.choice([0.0, 0.2]),
    )


def whitening(rng):
    return bn.WhiteningFigure(
        method=str(rng.choice(["zca", "pca", "cholesky", "newton-schulz"])),
        correlation=rng.uniform(-0.95, 0.95),
        scale_1=rng.uniform(0.1, 3),
        scale_2=rng.uniform(0.1, 3),
        batch_size=int(rng.integers(4, 40)),
        seed=int(rng.integers(1000)),
    )


FIGURES = {
    "batch": batch,
    "cancellation": cancellation,
    "depth": deep,
    "descent": descent,
    "graph": graphs,
    "jacobian": jacobian,
    "predict": predict,
    "running": running,
    "sphere": sphere,
    "training": trained,
    "weight_space": weight_space,
    "whitening": whitening,
}
STATES = 3 * int(os.environ.get("ABUSE", "10"))


def wrong(texts):
    """What is wrong with how texts lie: (what, how much, which)."""
    for one in texts:
        if not np.isfinite(one.box).all():
            yield "nowhere", one.key, one.text
        if one.cut > NEAR:
            yield f"cut by {one.cut:.0f}", one.key, one.text
    for one, other in combinations(texts, 2):
        if one.on(other) > NEAR:
            yield f"on another by {one.on(other):.0f}", one.key, one.text, other.key, other.text


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_lies_on_another_or_is_cut(name):
    rng = np.random.default_rng(0)
    found = {}
    for k in range(STATES):
        width = int(rng.choice(WIDTHS))
        figure = FIGURES[name](rng)
        for what in wrong(draw(figure, width=width).texts()):
            found.setdefault((what[0].split(" by")[0], *what[1::2]), (k, width, *what))
        figure.close()
    assert not found, "\n".join(map(str, [len(found), *list(found.values())[:25]]))


def test_a_collision_is_found():
    figure = bn.BatchFigure([1.0, 3.0], [1.0, -1.0])
    picture = draw(figure)
    assert not list(wrong(picture.texts()))
    name, other = picture["x name 0"], picture["x name 1"]
    other.attributes |= {"x": str(name["x"] + 20), "y": str(name["y"] + 5)}
    assert {what[0].split()[0] for what in wrong(picture.texts())} == {"on"}
    other.attributes |= {"x": "-9", "y": "60"}
    assert {what[0].split()[0] for what in wrong(picture.texts())} == {"cut"}
