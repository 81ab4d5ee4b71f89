"""What pictures mean, read off their elements: an arrow is its gradient, a curve its data.

A place counts in the numbers that stand at the ticks of its axis, as a reader takes it. The values
are those of the Python side.
"""

import re
from itertools import combinations

import numpy as np
import planted
import pytest
from drawn import NUMBER, draw
from matplotlib.path import Path as Outline
from node import run
from test_goldens import LAYER, X, batch, depth, descent, graph, press, training, weights

import batchnorm as bn

NEAR = dict(abs=0.15)  # units: nobody sees less


def turned(vector):
    """A vector of the picture, with up counted upwards."""
    return np.array([vector[0], -vector[1]])


def matrix(element):
    """The numbers of a transform."""
    return [float(n) for n in NUMBER.findall(element["transform"])]


# Drag the batch ----------------------------------------------------------------------------------


@pytest.fixture
def unit():
    """How long a gradient of 1 is: that sent to the first output."""
    figure = batch()
    return draw(figure).vector("dy 0")[0] / figure.dy[0]


@pytest.mark.parametrize(
    "cut", [{}, {"flow_through_mean": False}, {"flow_through_variance": False}]
)
def test_batch_arrows_are_the_gradients_and_paths_add_up_to_them(unit, cut):
    figure = batch(**cut)
    picture = draw(figure)
    layer = dict(zip(("gamma", "beta", "eps"), LAYER.values(), strict=True))
    whole = bn.trace(bn.batch_norm, x=np.array(X), **layer).forward(x=np.array(X), **layer)
    dx = {name: whole.backward(np.array(figure.dy), cut=names)["x"] for name, names in CUTS.items()}
    parts = {"direct": dx["both"], "variance": dx["mu"] - dx["both"], "mean": dx["none"] - dx["mu"]}
    closed = {name.rpartition("_")[2] for name in cut}
    for i, gradient in enumerate(figure.dx):
        start = picture[f"x {i}"]["data-x"]
        assert picture.vector(f"dx {i}")[0] == pytest.approx(gradient * unit, **NEAR)
        assert picture.vector(f"dy {i}")[0] == pytest.approx(figure.dy[i] * unit, **NEAR)
        tip, row = start, picture[f"x {i}"]["data-y"]
        for path in ("direct", "mean", "variance"):
            head, step = picture[f"{path} {i} head"], parts[path][i] * unit
            assert head.classes >= ({"cut"} if path in closed else {path})
            assert head.points[0][0] == pytest.approx(tip + step, **NEAR)
            if f"{path} {i} shaft" in picture:  # else it is too short to be measured
                assert picture.vector(f"{path} {i}")[0] == pytest.approx(step, **NEAR)
            assert head.points[0][1] > row  # each in a row below the one before
            row = head.points[0][1]
            tip += 0 if path in closed else step
        ends = sorted(x for x, _ in picture[f"left {i}"].points)
        assert [ends[0], ends[-1]] == pytest.approx(sorted([start, tip]), **NEAR)
        assert float(picture[f"left name {i}"].text[6:].replace("−", "-")) == pytest.approx(
            gradient, abs=6e-4
        )
        assert tip == pytest.approx(start + gradient * unit, **NEAR)


CUTS = {"none": [], "mu": ["mu"], "both": ["mu", "var"]}


def test_batch_places_are_the_samples_their_outputs_and_where_they_were():
    figure = batch(steps=3, flow_through_mean=False)
    picture = draw(figure)
    inputs = picture.axis("x")  # and the outputs', too
    for i in range(4):
        assert inputs(picture[f"x {i}"]["data-x"]) == pytest.approx(figure.x[i], abs=0.01)
        assert inputs(picture[f"y {i}"]["cx"]) == pytest.approx(figure.y[i], abs=0.01)
        rings = re.findall(r"M([-\d.]+) ", picture[f"x {i} ghosts"]["d"])
        was = [inputs(float(left) + 4) for left in rings]
        assert was == pytest.approx([x[i] for x in figure.trail], abs=0.02)
    mu, s = np.mean(figure.x), np.sqrt(np.var(figure.x) + LAYER["eps"])
    band = picture["band"]
    ends = [inputs(band["x"]), inputs(band["x"] + band["width"])]
    assert ends == pytest.approx([mu - s, mu + s], abs=0.01)
    assert inputs(picture["mean"].points[0][0]) == pytest.approx(mu, abs=0.01)


def test_batch_bars_are_how_far_all_have_travelled():
    figure = batch(steps=3, flow_through_mean=False)
    states = [*figure.trail, figure.x]
    outputs = [batch(x).y for x in states]
    picture = draw(figure)
    widths = []
    for name, places in (("x", states), ("y", outputs)):
        far = np.abs(np.diff(places, axis=0)).sum(axis=0).max()
        assert picture[f"{name} far value"].text == f"{far:.2f}"
        widths.append(picture[f"{name} far"]["width"] / far)
    assert widths[0] == pytest.approx(widths[1])
    assert widths[0] > 10


def test_batch_next_is_where_a_step_leads():
    figure = batch(rate=2.0)
    picture = draw(figure)
    next_ = np.array(figure.x) - 2 * np.array(figure.dx)
    rings = {i: picture[f"x next {i}"]["cx"] for i in range(4) if f"x next {i}" in picture}
    assert rings
    inputs = picture.axis("x")
    for i, place in rings.items():
        assert inputs(place) == pytest.approx(next_[i], abs=0.02)


# Descents ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "colour"), [(descent, "mean"), (weights, "variance")])
def test_descent_curves_are_the_whole_and_the_cut_descent(make, colour):
    picture = draw(make(step=6, steps=8, rate=0.2))
    figures = [make(step=k, steps=8, rate=0.2) for k in range(7)]
    for n, name in enumerate(figures[0].watch):
        x, y = picture.axis(f"course {n} x"), picture.axis(f"course {n} y")
        for k, look in enumerate(({"ink", "wide"}, {colour, "dashed"})):
            curve = picture[f"course {n} curve {k}"]
            assert curve.classes >= look
            steps, values = zip(*curve.points, strict=True)
            assert x(steps) == pytest.approx(range(7), abs=0.05)
            want = [figure.now[name][k] for figure in figures]
            assert y(values) == pytest.approx(want, abs=0.01 * max(np.abs(want)) + 1e-3)
        whole, cut = (picture[f"course {n} name {k}"].text for k in (0, 1))
        assert (whole[:5], cut[:3]) == ("whole", "cut")
        assert x(picture[f"step {n}"]["data-x"]) == pytest.approx(6, abs=0.05)


# Cancellation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [30.0, 1e4, 1e6])
def test_cancellation_curves_are_the_errors_of_the_four_methods(offset):
    figure = bn.CancellationFigure(offset=offset, m=64)
    picture = draw(figure)
    x, y = picture.axis("error x", log=True), picture.axis("error y", log=True)
    names = ["one pass", "two passes", "Welford", "merged"]
    for k, name in enumerate(names):
        assert picture[f"error name {k}"].text == name
        dot = picture[f"error dot {k}"]
        error = abs(figure.computed[k] - figure.exact) / figure.exact
        assert x(dot["cx"]) == pytest.approx(offset, rel=0.03)
        assert y(dot["cy"]) == pytest.approx(max(error, 1e-9), rel=0.03)
        for place, height in picture[f"error curve {k}"].points[::8]:
            there = bn.CancellationFigure(offset=10 ** (round(8 * np.log10(x(place))) / 8), m=64)
            at = np.clip(abs(there.computed[k] - there.exact) / there.exact, 1e-9, 1e9)
            assert y(height) == pytest.approx(at, rel=0.05)
    looks = {frozenset(picture[f"error curve {k}"].classes) for k in range(4)}
    assert len(looks) == 4
    numbers = [picture[f"error y number {k}"].text for k in range(7)]
    assert numbers == ["0", "10⁻⁶", "0.001", "1", "1000", "10⁶", "10⁹"]


# Depth -------------------------------------------------------------------------------------------


def test_depth_curves_are_medians_and_bands_the_range_over_the_seeds():
    figure = depth(batch=8, depth=3)
    picture = draw(figure)
    x, y = picture.axis("course x"), picture.axis("course y", log=True)
    logs = figure._logs[:, figure.sizes.index(8)]
    curves = {0: 0, 1: 2}  # of each kind: the first has a formula's curve after it
    for kind, curve in curves.items():
        places, heights = zip(*picture[f"course curve {curve}"].points, strict=True)
        assert x(places) == pytest.approx(range(4), abs=0.05)
        medians = np.median(logs[kind], axis=0)[:4]
        assert np.log10(y(heights)) == pytest.approx(medians, abs=0.02)
        band = np.array(picture[f"band {kind}"].points)[:, 1]
        ends = logs[kind].min(axis=0)[:4], logs[kind].max(axis=0)[:4][::-1]
        assert np.log10(y(band)) == pytest.approx(np.concatenate(ends), abs=0.02)
        factor = picture.axis("factors y")
        low, median, high = figure.factors[["ReLU", "tanh"][kind]]
        assert factor(picture[f"dot {kind} 1"]["cy"]) == pytest.approx(median, abs=0.02)
        bar = [factor(height) for _, height in picture[f"bar {kind} 1"].points]
        assert bar == pytest.approx([low, high], abs=0.02)
    formula = picture["course curve 1"]
    assert "dashed" in formula.classes
    assert y(formula.points[-1][1]) == pytest.approx(1.5 ** x(formula.points[-1][0]), rel=0.02)


# Graph -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [(), ("mu",), ("var",)])
def test_graph_edges_are_as_thick_as_what_they_carry(cut):
    figure = graph(cut=cut)[0]
    picture = draw(figure)
    names = {tuple(edge) for edge in figure.cut}
    widths, sizes = [], []
    for key in picture.keys(r"edge \d+:\d+"):
        edge = key.removeprefix("edge ")
        target, slot = map(int, edge.split(":"))
        wire = picture[f"{edge} wire"]
        states = picture[key].classes & {"severed", "lost", "changed", "whole"}
        assert len(states) == 1
        assert (states == {"severed"}) == ((target, slot) in names)
        assert (picture[key]["aria-checked"] == "false") == ((target, slot) in names)
        if states & {"severed", "lost"}:
            assert "cut" in wire.classes
            assert wire["stroke-width"] == 1.2
        else:
            label = picture[key]["aria-label"].replace("−", "-")
            carried = re.findall(r"-?\d+\.?\d*", label.split("carries back ")[1])
            widths.append(wire["stroke-width"])
            sizes.append(np.linalg.norm([float(number) for number in carried]))
    share = (np.array(widths) - 1.2) / sizes
    assert share == pytest.approx([share[0]] * len(share), rel=0.02)
    assert max(widths) <= 9
    assert cut or max(widths) == 9


def test_graph_edges_have_the_colours_of_their_paths():
    figure = graph()[0]
    names = {node.name: i for i, node in enumerate(figure._graph.nodes) if node.name}
    picture = draw(figure)
    looks = {key: picture[f"{key[5:]} wire"].classes for key in picture.keys(r"edge \d+:\d+")}
    from_mean = [key for key in looks if figure._graph.nodes[int(key[5:].split(":")[0])].inputs]
    for key in from_mean:
        target, slot = map(int, key[5:].split(":"))
        source = figure._graph.nodes[target].inputs[slot]
        if names["mu"] in (source, target):
            assert "mean" in looks[key]
        if names["var"] in (source, target):
            assert "variance" in looks[key]


def by_two_workers(x):
    """As several_workers has it: the moments, merged, and then no more than x_hat."""
    own = np.mean(x[:2], axis=0)
    sent = np.mean(x[2:], axis=0)
    mu = (own + sent) / 2
    centred = x - mu
    squared = centred * centred
    spread = (np.mean(squared[:2], axis=0) + np.mean(squared[2:], axis=0)) / 2
    x_hat = centred / np.sqrt(spread)
    return x_hat


def test_the_name_of_a_graph_s_path_stands_by_what_has_its_colour():
    two = np.array([1.0, -0.5, 2.2, 0.4])
    merged = bn.GraphFigure(by_two_workers, dy=[1.0, 0, 0, 0], x=two)
    for figure in (merged, graph()[0], graph(cut=["mu"])[0], graph(cut=["var"])[0]):
        picture = draw(figure)
        looks = {
            key: picture[key].classes & {"direct", "mean", "variance", "gradient", "cut"}
            for key in picture.keys("edge .* mark|.* mark")
        }
        for path in ("direct", "mean", "variance", "whole"):
            look = {"whole": "gradient"}.get(path, path)
            wires = [key for key, of in looks.items() if look in of]
            if f"path {path}" not in picture:
                assert not wires
                continue
            name = picture[f"path {path}"]
            if name.classes & {"closed"}:
                continue
            at = np.array(name.points[0])
            held = [NUMBER.findall(picture[key]["transform"])[:2] for key in wires]
            far = np.hypot(*(np.array(held, float) - at).T)
            assert far.min() < 160, (path, far)  # from its middle, which is half a name off


def test_graph_nodes_hold_their_values_and_gradients():
    figure = graph(cut=["var"])[0]
    picture = draw(figure)
    inputs = {name: np.asarray(getattr(figure, name)) for name in figure._graph.inputs}
    run_ = figure._graph.forward(**inputs)
    grads = run_.backward(np.asarray(figure.dy), cut=["var"])
    for key in picture.keys(r"node \d+"):
        node = int(key[5:])
        for what, arrays in (("value", run_.arrays), ("gradient", grads.arrays)):
            texts = [picture[entry] for entry in picture.keys(rf"{key} {what} \d+ \d+")]
            got = [float(entry.text.replace("−", "-")) for entry in texts]
            want = np.ravel(np.broadcast_to(arrays[node], np.shape(arrays[node])))
            assert got == pytest.approx(want, rel=0.006, abs=1e-4)
            looks = set.union(*(entry.classes for entry in texts))
            assert looks & {"data", "gradient", "cut"} <= (
                {"data"} if what == "value" else {"gradient", "cut"}
            )


# Jacobian ----------------------------------------------------------------------------------------


def squares(element):
    """The middles of the squares of a path."""
    found = re.findall(r"M([-\d.]+) ([-\d.]+)h([-\d.]+)v", element["d"])
    return [(float(x) + float(w) / 2, float(y) + float(w) / 2) for x, y, w in found]


@pytest.mark.parametrize("off", [{}, {"mean": False}, {"variance": False}, {"identity": False}])
def test_jacobian_cells_have_the_colour_and_strength_of_their_entries(off):
    figure = bn.JacobianFigure(m=5, outlier=3.0, eps=0.2, entry=[1, 4], **off)
    picture = draw(figure)
    s = np.sqrt(np.var(figure.x) + 0.2)
    entries = np.array(figure.jacobian) * s
    rim = picture["sum rim"]
    cell = rim["width"] / 5
    seen = {}
    for key in picture.keys(r"sum -?\d+"):
        path = picture[key]
        for x, y in squares(path):
            at = int((y - rim["y"]) // cell), int((x - rim["x"]) // cell)
            seen[at] = ({"positive": 1, "negative": -1}[path["class"]], path["fill-opacity"])
    for k in range(5):
        for i in range(5):
            sign, strength = seen.get((k, i), (0, 0))
            if abs(entries[k, i]) > 1e-9:
                assert sign == np.sign(entries[k, i])
            most = 1 if cell < 40 else 0.6
            assert strength == pytest.approx(most * np.sqrt(abs(entries[k, i])), abs=most / 15)
    chosen = picture["map mark 0"]
    assert [chosen["x"] / cell, chosen["y"] / cell] == pytest.approx([4, 1])  # row k, column i


def test_jacobian_arrow_leads_from_who_acts_to_whom_it_acts_on():
    for entry in ([0, 3], [3, 0], [2, 1]):
        figure = bn.JacobianFigure(m=4, outlier=3.0, entry=entry)
        picture = draw(figure)
        x = picture.axis("strip")
        k, i = entry
        head = picture["pull head"]
        assert x(head.points[0][0]) == pytest.approx(figure.x[k], abs=0.05)
        start = head.points[0][0] - picture.vector("pull")[0]
        assert x(start) == pytest.approx(figure.x[i], abs=0.05)
        sign = "positive" if figure.jacobian[k][i] > 0 else "negative"
        assert sign in head.classes
        verb = "pulls" if sign == "positive" else "pushes"
        assert verb in picture["strip title"].text


def test_jacobian_stems_are_the_singular_values_and_their_owners():
    figure = bn.JacobianFigure(m=5, eps=1.0)
    picture = draw(figure)
    axis = picture["spectrum axis"].points
    (_, top), (_, bottom) = axis
    s = np.sqrt(np.var(figure.x) + 1)
    part = [(bottom - picture[f"value {n}"]["cy"]) / (bottom - top) for n in range(5)]
    assert part == pytest.approx(np.array(figure.singular_values) * s, abs=0.01)
    owners = {picture[key].text: int(key[6:]) for key in picture.keys(r"owner \d+")}
    assert set(owners) == {"1", "x̂"}
    assert part[owners["1"]] == pytest.approx(0, abs=0.01)
    assert "mean" in picture[f"value {owners['1']}"].classes
    x_hat = (np.array(figure.x) - np.mean(figure.x)) / s
    assert part[owners["x̂"]] == pytest.approx(1 - x_hat @ x_hat / 5, abs=0.01)


# Predict -----------------------------------------------------------------------------------------


def test_predict_arrows_are_guess_truth_and_what_arrives():
    guess = [0.5, -0.8, 0.25]
    figure = bn.PredictFigure(
        [1.0, -0.5, 2.2], [1.0, 0.6, -0.4], guess=guess, shown=True, gamma=1.5
    )
    picture = draw(figure)
    x = picture.axis("x")
    per = 1 / (x(1) - x(0))
    rows = {}
    for i in range(3):
        assert x(picture[f"x {i}"]["cx"]) == pytest.approx(figure.x[i], abs=0.01)
        for name, values in (("guess", guess), ("dx", figure.dx), ("dy", figure.dy)):
            assert picture.vector(f"{name} {i}")[0] * 1 == pytest.approx(values[i] * per, **NEAR)
            rows[name] = picture[f"{name} {i} head"].points[0][1]
        assert rows["dy"] < rows["guess"] < rows["dx"]
        y = 1.5 * (figure.x[i] - np.mean(figure.x)) / np.sqrt(np.var(figure.x) + figure.eps)
        start = picture[f"dy {i} head"].points[0][0] - figure.dy[i] * per
        assert x([picture[f"y {i}"]["cx"], start]) == pytest.approx([y, y], abs=0.02)
        assert "ink" in picture[f"guess {i} head"].classes
        assert "gradient" in picture[f"dx {i} head"].classes
        assert "dashed" in picture[f"dy {i} head"].classes
    assert x(picture["mean"].points[0][0]) == pytest.approx(np.mean(figure.x), abs=0.01)


# Running -----------------------------------------------------------------------------------------


def test_running_rings_are_the_outputs_of_both_modes():
    figure = bn.RunningFigure(steps=12, batch=5, step=7, drift=0.3, shift=0.8)
    picture = draw(figure)
    y, x = picture.axis("y"), picture.axis("x")
    samples = np.array([x(picture[f"x {i}"]["cx"]) for i in range(5)])
    for i in range(5):
        train, evaluation = picture[f"train {i}"], picture[f"eval {i}"]
        assert y(train["cx"]) == pytest.approx(figure.y_train[i], abs=0.02)
        assert y(evaluation["cx"]) == pytest.approx(figure.y_eval[i], abs=0.02)
        assert "open" in train.classes
        assert "open" not in evaluation.classes
        ends = [place for place, _ in picture[f"apart {i}"].points]
        assert ends == pytest.approx([train["cx"], evaluation["cx"]], **NEAR)
    normal = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-5)
    assert figure.y_train == pytest.approx(normal, abs=0.03)
    assert x(picture["running"].points[0][0]) == pytest.approx(figure.mean, abs=0.02)
    assert x(picture["batch"]["data-x"]) == pytest.approx(samples.mean(), abs=0.02)
    heights = [picture[f"train {i}"]["cy"] for i in np.argsort(samples)]
    assert heights == sorted(heights)


def test_running_curves_are_the_statistics_of_every_step():
    def at(step, shift=0.0):
        return bn.RunningFigure(steps=8, batch=5, step=step, drift=0.3, shift=shift)

    picture = draw(at(5))
    for n, name in enumerate(["mean", "var"]):
        y = picture.axis(f"course {n} y")
        curve = picture[f"course {n} curve 1"]
        assert "mean" in curve.classes if n == 0 else "variance" in curve.classes
        values = [y(height) for _, height in curve.points]
        assert values == pytest.approx([getattr(at(k), name) for k in range(8)], abs=0.02)
    truth = [picture.axis("course 0 y")(v) for _, v in picture["course 0 curve 0"].points]
    assert truth == pytest.approx(0.3 * np.arange(8), abs=0.02)
    off = [picture.axis("course 2 y")(v) for _, v in picture["course 2 curve 0"].points]
    assert off == pytest.approx([at(k).mismatch for k in range(8)], abs=0.02)
    assert picture.axis("course 0 x")(picture["course 0 dot 1"]["cx"]) == pytest.approx(5, abs=0.1)


# Sphere ------------------------------------------------------------------------------------------


def plane(v):
    """Where a vector of three lies in the plane of mean zero, as its axes are drawn."""
    axes = np.array([[2, -1, -1], [0, np.sqrt(3), -np.sqrt(3)]]) / np.sqrt(6)
    return axes @ v


def test_sphere_seen_from_above_shows_what_each_moment_takes():
    figure = bn.SphereFigure(eps=0.4)
    picture = draw(figure)
    x, dy, x_hat = (np.array(v) for v in (figure.x, figure.dy, figure.x_hat))
    axes = [np.subtract(*picture[f"top axis {i}"].points[::-1]) for i in range(3)]
    unit = picture["top unit circle"]["rx"] / np.sqrt(3)
    centre = np.array(picture["top unit circle"].points[0])
    # Each axis points where its one-hot batch lies: what `plane` takes for granted is not needed
    directions = np.array([turned(a) / np.linalg.norm(a) for a in axes]) * np.sqrt(2 / 3)

    def seen(v):
        return (v - v.mean()) @ directions * unit

    def arrow(name):
        return turned(picture.vector(f"top {name}"))

    knob = picture["grip x"]
    at = turned(np.array([knob["data-x"], knob["data-y"]]) - centre)
    assert at == pytest.approx(seen(x), **NEAR)
    ghost = picture["top x hat"].points[0]
    assert turned(np.array(ghost) - centre) == pytest.approx(seen(x_hat), **NEAR)
    share = x_hat @ dy / (x_hat @ x_hat) * x_hat
    s = np.sqrt(x.var() + 0.4)
    assert arrow("dx") == pytest.approx(seen(np.array(figure.dx)), **NEAR)
    # What passes, times gamma/s, is dx; with eps > 0 some of dy along x_hat passes, too
    assert arrow("passes") == pytest.approx(s * seen(np.array(figure.dx)), abs=0.2)
    taken = dy - dy.mean() - s * np.array(figure.dx)
    assert arrow("variance") == pytest.approx(seen(taken), abs=0.2)
    assert np.linalg.norm(share) > np.linalg.norm(taken)
    assert "top mean head" not in picture  # it is along 1
    side = turned(picture.vector("side mean"))
    assert side[0] == pytest.approx(0, **NEAR)
    steep = np.cos(np.radians(24))
    scale = picture["side unit circle"]["rx"] / np.sqrt(3)
    assert side[1] == pytest.approx(np.sqrt(3) * dy.mean() * steep * scale, **NEAR)
    for part, look in (("passes", "ink"), ("variance", "variance")):
        assert look in picture[f"top {part} head"].classes


def test_sphere_greys_what_was_taken_and_turns_as_it_is_told():
    looks = {}
    for peeled in (0, 1, 2):
        picture = draw(bn.SphereFigure(peeled=peeled))
        heads = [picture[f"side {part} head"] for part in ("mean", "variance", "passes")]
        looks[peeled] = ["cut" in head.classes for head in heads]
    assert looks == {0: [False] * 3, 1: [True, False, False], 2: [True, True, False]}
    picture = draw(bn.SphereFigure(turn=50))
    c, s = np.cos(np.radians(50)), np.sin(np.radians(50))
    for i in range(3):
        top, side = (picture[f"{name} axis {i}"].points for name in ("top", "side"))
        a, b = turned(np.subtract(top[1], top[0]))
        lies = np.array([a * c - b * s, (a * s + b * c) * np.sin(np.radians(24))])
        assert turned(np.subtract(side[1], side[0])) == pytest.approx(lies, abs=0.2)
    walked = draw(bn.SphereFigure(rate=0.5), *[press("Take a step")] * 2)
    assert len(walked["top trail"].points) == 3


def test_the_number_of_what_is_left_keeps_off_the_last_part():
    for seed in range(12):
        x, dy = np.random.default_rng(seed).normal(size=(2, 3))
        picture = draw(bn.BatchFigure([*x], [*dy], eps=0.05))
        boxes = {text.key: text.box for text in picture.texts()}
        for i in range(3):
            left, top, right, bottom = boxes[f"left name {i}"]
            ends = picture.keys(f"variance {i} (shaft|head)")
            points = np.array([point for key in ends for point in picture[key].points])
            if len(points) and top < points[:, 1].max() < bottom:
                assert points[:, 0].max() < left + 2 or points[:, 0].min() > right - 2, (seed, i)


@pytest.mark.parametrize("m", [3, 8, 16])
def test_the_numbers_at_a_jacobian_s_rows_do_not_run_together(m):
    for entry in ([0, 1], [m - 1, m // 2]):
        picture = draw(bn.JacobianFigure(m=m, entry=entry), width=360)
        texts = [text for text in picture.texts() if text.key.startswith(("row", "column"))]
        assert {f"row {entry[0]}", f"column {entry[1]}"} < {text.key for text in texts}
        for a, b in combinations(texts, 2):
            assert a.on(b) < 0, (a.key, b.key)


# Training ----------------------------------------------------------------------------------------


def inside(element, point):
    """Whether a point lies in one of the shapes of a path."""
    shapes = re.findall("M([^Z]*)Z", element["d"])
    corners = [[float(n) for n in NUMBER.findall(shape)] for shape in shapes]
    return any(
        Outline(np.reshape(c, (-1, 2))).contains_point(point) for c in corners if len(c) >= 6
    )


def test_training_curves_are_losses_and_gauges():
    figure = training(steps=30)
    picture = draw(figure)
    y = picture.axis("loss y", log=True)
    for k, (name, losses) in enumerate(figure.losses.items()):
        heights = [place for _, place in picture[f"loss curve {k}"].points]
        assert np.log10(y(heights)) == pytest.approx(np.log10(losses), abs=0.01)
        assert picture[f"loss name {k}"].text == name
        for gauge in ("drift", "length"):
            last = picture[f"{gauge} curve {k}"].points[-1][1]
            now = figure.now[name][gauge]
            assert picture.axis(f"{gauge} y")(last) == pytest.approx(now, abs=0.03)
    angle = picture.axis("angle y")(picture["angle curve 0"].points[-1][1])
    assert angle == pytest.approx(figure.now["mean cut"]["angle"], abs=0.5)
    assert picture["angle curve 0"].classes >= {"mean", "dashed"}


def test_training_that_diverges_leaves_the_plot_at_its_step():
    figure = training(steps=60, rate=10.0, weight_decay=1e3)
    picture = draw(figure)
    gone = [(k, step) for k, step in enumerate(figure.diverged.values()) if step is not None]
    assert gone
    for k, step in gone:
        assert picture[f"diverged {k}"].text == f"diverged at step {step}"
        at, top = picture[f"loss curve {k}"].points[-1]
        assert picture.axis("loss x")(at) == pytest.approx(step, abs=0.1)
        assert top == min(y for _, y in picture["loss y axis"].points)
        assert f"loss leaves {k}" in picture


def test_training_curves_of_many_steps_are_means_of_a_few():
    figure = training(steps=90)
    picture = draw(figure)
    assert picture["loss y title"].text == "loss, mean of 2 batches"
    every = picture["loss raw 0"].points
    assert picture.axis("loss x")([place for place, _ in every]) == pytest.approx(range(90), abs=1)
    assert np.log10(picture.axis("loss y", log=True)([height for _, height in every])) == (
        pytest.approx(np.log10(figure.losses["plain"]), abs=0.01)
    )
    losses = np.reshape(figure.losses["plain"], (45, 2)).mean(axis=1)
    places, heights = zip(*picture["loss curve 0"].points, strict=True)
    assert np.log10(picture.axis("loss y", log=True)(heights)) == pytest.approx(
        np.log10(losses), abs=0.01
    )
    assert picture.axis("loss x")(places) == pytest.approx(0.5 + 2 * np.arange(45), abs=1)


@pytest.mark.parametrize(("k", "name"), enumerate(["plain", "batch norm", "mean cut"]))
def test_training_regions_are_what_each_net_answers(k, name):
    figure = training(steps=30)
    picture = draw(figure)
    marks = [
        np.array([[float(x) + r, float(y)] for x, y in re.findall("M([-\\d.]+) ([-\\d.]+)a", d)])
        for c, r in ((0, 1.4), (1, 1.7))
        for d in [picture[f"plane {k} samples {c}"]["d"]]
    ]
    data = figure._data
    for c, places in enumerate(marks):
        x = data.x[data.labels == c]
        for axis, sign in ((0, 1), (1, -1)):
            assert np.corrcoef(x[:, axis], places[:, axis])[0, 1] == pytest.approx(sign)
    places = np.concatenate(marks)
    order = np.concatenate([data.x[data.labels == c] for c in (0, 1)])
    net = figure._trained[1][name]
    answers = [int(net.score(x[None], np.array([1]))[1]) for x in order]
    assert 0 < sum(answers) < len(answers)
    for place, answer in zip(places, answers, strict=True):
        regions = [inside(picture[f"plane {k} region {c}"], place) for c in (0, 1)]
        assert regions == [answer == 0, answer == 1]


# Weight space ------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"correlation": 0.6, "decay": 0.1}, {"eps": 0.5}])
def test_weights_walk_and_their_gradients(settings):
    figure = bn.WeightSpaceFigure(step=4, steps=10, **settings)
    picture = draw(figure)
    for kind, path, gradient in (
        ("normal", figure.path, figure.gradient),
        ("plain", figure.plain_path, figure.plain_gradient),
    ):
        box = picture[f"{kind} edge"]
        centre = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
        way = np.array(picture[f"{kind} path"].points) - centre
        unit = np.linalg.norm(way[0]) / np.linalg.norm(path[0])
        assert np.array([turned(p) for p in way]) / unit == pytest.approx(np.array(path), abs=0.01)
        ticks = {picture[key].text: picture[key]["x"] for key in picture.keys(f"{kind} tick \\d+")}
        assert ticks["1"] == pytest.approx(centre[0] + unit, **NEAR)
        drawn = turned(picture.vector(f"{kind} gradient")) / unit
        if f"{kind} gradient break" in picture:  # it leaves the panel: its length is written
            drawn *= np.linalg.norm(gradient) / np.linalg.norm(drawn)
            name = picture[f"{kind} name gradient"].text
            assert name == f"gradient: {np.linalg.norm(gradient):.2f} long"
        assert drawn == pytest.approx(gradient, abs=0.01)
        w, decay = np.array(path[-1]), settings.get("decay", 0)
        next_ = w - figure.rate * (np.array(gradient) + decay * w)
        landing = np.array(picture[f"{kind} next"].points[0]) - centre
        assert turned(landing) / unit == pytest.approx(next_, abs=0.01)
        cross = picture[f"{kind} optimum"]["d"]
        x, y = (float(n) + 5 for n in NUMBER.findall(cross)[:2])
        assert turned(np.array([x, y]) - centre) / unit == pytest.approx([1.5, 0.5], abs=0.01)


@pytest.mark.parametrize("correlation", [0.6, -0.4])
def test_weights_lie_on_curves_of_equal_length_spread_and_loss(correlation):
    figure = bn.WeightSpaceFigure(step=3, steps=10, correlation=correlation)
    picture = draw(figure)
    S = np.array([[1, correlation], [correlation, 1]])
    box = picture["normal edge"]
    unit = picture["circle"]["r"] / np.linalg.norm(figure.path[-1])
    w = np.array(figure.path[-1])
    a, b, c, d, x, y = matrix(picture["of wᵀSw"])
    assert (x, y) == pytest.approx((box["width"] / 2, box["y"] + box["height"] / 2), **NEAR)
    r = picture["ellipse"]["r"]
    turn = np.linspace(0, 2 * np.pi, 7)
    points = r * np.array(
        [a * np.cos(turn) + c * np.sin(turn), b * np.cos(turn) + d * np.sin(turn)]
    )
    points = points.T * [1, -1] / unit
    assert [p @ S @ p for p in points] == pytest.approx([w @ S @ w] * 7, rel=0.01)
    # Without the layer the loss is (w − optimum)ᵀ S (w − optimum): the ovals are its levels
    a, b, c, d, x, y = matrix(picture["ovals"])
    points = np.array([a * np.cos(turn) + c * np.sin(turn), b * np.cos(turn) + d * np.sin(turn)])
    levels = [p @ S @ p for p in points.T * [1, -1] / unit]
    assert levels == pytest.approx([levels[0]] * 7, rel=0.01)
    radii = [picture[f"oval {k}"]["r"] for k in (1, 2, 3)]
    assert np.diff(radii) == pytest.approx([radii[0]] * 2, abs=0.01)


def test_weights_with_batch_norm_are_rays_of_equal_loss():
    figure = bn.WeightSpaceFigure(correlation=0.3)
    picture = draw(figure)
    lowest = None
    for k in (0, 4, 7):
        ends = [np.array(p) for p in picture[f"contour {k}"].points if p != (0, 0)]
        losses = [bn.WeightSpaceFigure(w=tuple(p), correlation=0.3).loss for p in ends]
        assert np.ptp(losses) < 0.02 * max(losses)
        opacity = picture[f"contour {k}"]["stroke-opacity"]
        assert lowest is None or (losses[0] > lowest[0] and opacity < lowest[1])
        lowest = losses[0], opacity
    assert matrix(picture["levels"])[0] > 0 > matrix(picture["levels"])[3]  # up is up
    shades = [picture[key] for key in picture.keys(r"shade \d+") if picture[key].points]
    assert len(shades) > 5
    lie = [np.mean(shade.points[:4], axis=0) for shade in shades]  # in the first of its pieces
    losses = [bn.WeightSpaceFigure(w=tuple(p), correlation=0.3).loss for p in lie]
    assert (np.diff(losses) > 0).all()
    assert (np.diff([shade["fill-opacity"] for shade in shades]) < 0).all()  # darker is lower
    tip, corner, end = np.array(picture["normal right angle"].points)
    assert (tip - corner) @ (end - corner) == pytest.approx(0, abs=1)
    assert "plain right angle" not in picture


def test_weights_curves_are_lengths_rates_and_angles():
    figures = [bn.WeightSpaceFigure(step=k, steps=8) for k in range(9)]
    picture = draw(figures[5])
    for n, of in enumerate(
        (
            np.linalg.norm,
            lambda w: 0.2 / (w @ w),
            lambda w: np.degrees(
                np.arccos(w @ [1.5, 0.5] / np.hypot(1.5, 0.5) / np.linalg.norm(w))
            ),
        )
    ):
        y = picture.axis(f"course {n} y", log=n == 1)
        heights = [place for _, place in picture[f"course {n} curve 0"].points]
        assert y(heights) == pytest.approx(
            [of(np.array(f.path[-1])) for f in figures], rel=0.02, abs=0.02
        )
    assert {"data"} <= picture["course 0 curve 0"].classes
    assert {"cut"} <= picture["course 0 curve 1"].classes


# Whitening ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["standardise", "pca", "zca", "cholesky"])
def test_whitening_ellipses_are_the_covariance_and_arrows_the_gradients(method):
    figure = bn.WhiteningFigure(method=method, upstream="shear", correlation=0.8, batch_size=10)
    picture = draw(figure)
    x, x_hat = np.array(figure.x), np.array(figure.x_hat)
    across, up = picture.axis("in x"), picture.axis("in y")
    places = [(picture[f"point {i}"]["data-x"], picture[f"point {i}"]["data-y"]) for i in range(10)]
    assert [across(u) for u, _ in places] == pytest.approx(x[:, 0], abs=0.02)
    assert [up(v) for _, v in places] == pytest.approx(x[:, 1], abs=0.02)
    values, axes = np.linalg.eigh(np.cov(x.T, bias=True))
    u, v, turn = matrix(picture["in ellipse line"])
    unit = 1 / (across(1) - across(0))
    ellipse = picture["in ellipse line"]
    assert [ellipse["rx"] / unit, ellipse["ry"] / unit] == pytest.approx(
        np.sqrt(values[::-1]), abs=0.01
    )
    main = axes[:, 1]
    angle = np.degrees(np.arctan2(main[1], main[0]))
    assert (turn + angle + 90) % 180 - 90 == pytest.approx(0, abs=0.1)  # down is positive in SVG
    assert [across(u), up(v)] == pytest.approx(x.mean(axis=0), abs=0.02)
    drawn_dx = [key for key in picture.keys(r"dx \d+ head")]
    for key in drawn_dx:
        arrow, dx = turned(picture.vector(key[:-5])), np.array(figure.dx[int(key.split()[1])])
        size = np.linalg.norm(arrow) * np.linalg.norm(dx)
        assert arrow @ dx == pytest.approx(size, rel=0.01)
    for i in range(10):
        sent = np.array(figure.dy[i])
        if f"dy {i} head" in picture and np.linalg.norm(sent) * unit > 11:
            per = (1 / np.diff(picture.axis("out x")([0, 1])))[0]
            assert turned(picture.vector(f"dy {i}")) == pytest.approx(sent * per, abs=0.3)
    out = picture.axis("out x"), picture.axis("out y")
    spots = [picture[f"out {i}"].points[0] for i in range(10)]
    assert [out[0](a) for a, _ in spots] == pytest.approx(x_hat[:, 0], abs=0.02)
    assert [out[1](b) for _, b in spots] == pytest.approx(x_hat[:, 1], abs=0.02)
    if method != "standardise":
        round_ = picture["out ellipse line"]
        assert round_["rx"] == pytest.approx(round_["ry"], rel=0.001)


def test_whitening_arrows_of_dx_keep_their_lengths_beside_one_another():
    figure = bn.WhiteningFigure(method="cholesky", batch_size=6)
    picture = draw(figure)
    lengths = {int(key.split()[1]): picture.vector(key[:-5]) for key in picture.keys("dx .* head")}
    long = {i: v for i, v in lengths.items() if np.linalg.norm(v) > 11}
    assert len(long) > 1
    per = [np.linalg.norm(v) / np.linalg.norm(figure.dx[i]) for i, v in long.items()]
    assert np.ptp(per) < 0.02 * max(per)


# What all share ----------------------------------------------------------------------------------

ROOM = """(m, name, ...args) => m[name](...args)"""


def test_an_axis_has_room_for_a_twentieth_more_than_the_farthest():
    assert run(
        "figures/kit/scale.js", ROOM, ["domainOf", [3.8, -3.8]], ["domainOf", [3.82, 0]]
    ) == [
        [-4, 4],
        [-4, 8],
    ]
    assert run("figures/kit/scale.js", ROOM, ["domainOf", [0, -3.82]]) == [[-8, 4]]
    assert run("figures/kit/scale.js", ROOM, ["grown", 4.01, 4, 1.25]) == [5]
    assert run("figures/kit/scale.js", ROOM, ["niceDomain", [0.3, 2.2]]) == [[0, 2.5]]
    assert run(
        "figures/whitening/view.js", ROOM, ["reachOf", [[3.8, 0]]], ["reachOf", [[0, -3.82]]]
    ) == [
        4,
        8,
    ]


def test_the_axis_of_the_batch_keeps_room_for_eight_steps():
    x, dy = np.array([1.0, -1.0, 0.5]), [1.0, 0.8, -0.5]
    figure = bn.BatchFigure(x, dy, flow_through_mean=False, rate=0.5)
    ahead = np.concatenate([x, x - 8 * 0.5 * np.array(figure.dx)])
    ends = [3.0, 3.0]
    for k, far in enumerate((-ahead.min(), ahead.max())):
        while ends[k] < 1.05 * far:
            ends[k] *= 1.5
    picture = draw(figure)
    line = picture["x axis"].points
    assert [picture.axis("x")(place) for place, _ in line] == pytest.approx([-ends[0], ends[1]])
    assert max(ends) > 3
    assert max(abs(x - 7 * 0.5 * np.array(figure.dx))) * 1.05 < max(ends)


def test_powers_are_written_as_they_are():
    numbers = [1e-12, 1e-5, 1e-4, 1e-3, 1, 1000, 1e4, 1e10]
    texts = ["10⁻¹²", "10⁻⁵", "10⁻⁴", "0.001", "1", "1000", "10⁴", "10¹⁰"]
    assert run("figures/kit/scale.js", "powerOfTen", *[[v] for v in numbers]) == texts


def test_each_planted_fault_still_has_its_place():
    assert [
        (script, old)
        for script, old, _ in planted.FAULTS
        if old not in planted.place(planted.ROOT, script).read_text("utf8")
    ] == []
