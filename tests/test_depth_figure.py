"""The growth of a gradient: page and Python agree, and both with the definition."""

import re
from itertools import pairwise

import ipywidgets
import numpy as np
import pytest
from drawn import draw
from models import analyses
from playwright.sync_api import expect
from stage import counted, drag, frame, get, slide, sound, to_their_ends

import batchnorm as bn
from batchnorm.figures import controls

SIZES = (3, 4, 8, 16)
FORMULAS = {
    "ReLU": ("π/(π−1)", lambda m: np.pi / (np.pi - 1)),
    "linear": ("(B−2)/(B−3)", lambda m: (m - 2) / (m - 3)),
}


def runs(layers=12, seeds=5):
    """Norms that grow by a factor and by chance, from any start."""
    rng = np.random.default_rng(0)

    def norms(factor):
        steps = factor * np.exp(0.1 * rng.normal(size=(seeds, layers)))
        start = rng.uniform(1, 100, (seeds, 1))
        return start * np.cumprod(np.hstack([np.ones((seeds, 1)), steps]), axis=1)

    return {
        "ReLU": {m: norms(1.467 + 4 / m) for m in SIZES},
        "linear": {m: norms(1 + 1 / (m - 2)) for m in SIZES},
    }


RUNS = runs()


def figure_of(**settings):
    return bn.DepthFigure(RUNS, FORMULAS, **{"batch": 8, "depth": 5, **settings})


def with_controls(figure):
    batch = ipywidgets.FloatLogSlider(base=2, min=2, max=4, step=1, readout_format=".0f")
    return controls(figure, batch=batch, depth=(1, 12))


def test_the_factor_is_the_geometric_mean_in_the_page_as_in_python():
    figures = [figure_of(batch=m, depth=d) for m in SIZES for d in (1, 2, 7, 12)]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        for name, found in zip(RUNS, there["found"], strict=True):
            norms = np.array(RUNS[name][int(figure.batch)])
            each = (norms[:, figure.depth] / norms[:, 0]) ** (1 / figure.depth)
            want = [each.min(), np.median(each), each.max()]
            assert figure.factors[name] == pytest.approx(want, rel=1e-6)
            assert there["outputs"]["factors"][name] == pytest.approx(figure.factors[name])
            powers = np.log10(norms / norms[:, :1])
            for k, what in ((0, "low"), (50, "median"), (100, "high")):
                got = [power[what] for power in found["powers"]]
                np.testing.assert_allclose(got, np.percentile(powers, k, axis=0), atol=1e-6)
        assert there["size"] == figure.batch


def test_a_formula_is_drawn_where_it_is_a_number():
    with np.errstate(divide="ignore"):
        [there] = analyses(figure_of(batch=3))
    relu, linear = there["found"]
    assert relu["predicted"] == pytest.approx(1.467, abs=1e-3)
    assert linear["predicted"] is None  # one over nought
    sizes = [size for size, _ in linear["curve"]]
    assert min(sizes) > 3
    assert [f for _, f in linear["curve"]] == pytest.approx([(m - 2) / (m - 3) for m in sizes])


def test_a_batch_size_that_is_not_there_is_the_nearest():
    figure = figure_of(batch=13)
    assert figure.batch == 16
    [there] = analyses(figure)
    assert there["size"] == 16


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(batch=2), r"batch: got 2\.0, want 3 to 16"),
        (dict(depth=13), "depth: got 13, want 1 to 12"),
        (dict(depth=0), "depth: got 0, want 1 to 12"),
        (dict(runs={}), "runs: want names with the same batch sizes"),
        (dict(runs={"ReLU": RUNS["ReLU"]}), "formulas: got ReLU, linear, want ReLU"),
        (
            dict(runs={**RUNS, "linear": {4: np.ones((5, 3))}}),
            "runs: want names with the same batch sizes",
        ),
        (dict(runs={name: {4: np.ones((5, 1))} for name in RUNS}), r"want one shape \(seeds,"),
        (dict(runs={name: {4: np.zeros((5, 3))} for name in RUNS}), "finite norms above 0"),
    ],
)
def test_says_what_is_wrong(change, message):
    given = {"runs": RUNS, "formulas": FORMULAS, **change}
    with pytest.raises(ValueError, match=message):
        bn.DepthFigure(**given)


def test_sliders_and_the_lines_in_the_picture_move_both(show):
    figure = figure_of()
    page = show(with_controls(figure))
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("5 layers down, at batch size 8, ‖dh‖² has grown: ReLU")
    with counted(page, analysis=1):
        slide(page, "batch size", 4)  # the exponent: 2 to the 4
    expect(verdict).to_contain_text("at batch size 16")
    line = page.locator("svg").get_by_role("slider", name="layers passed")
    with counted(page, analysis=1):
        line.press("ArrowRight")
    expect(verdict).to_contain_text("6 layers down")
    drag(page, line, 2000, inset=30)
    expect(verdict).to_contain_text("12 layers down")
    batch = page.locator("svg").get_by_role("slider", name="batch")
    batch.press("ArrowLeft")
    expect(verdict).to_contain_text("at batch size 8")
    want = bn.DepthFigure(RUNS, FORMULAS, batch=8, depth=12).factors
    for name, values in get(page, figure, "factors").items():
        assert values == pytest.approx(want[name], rel=1e-9)


def test_no_extreme_breaks_it(show):
    page = show(with_controls(figure_of(batch=4)))
    page.set_viewport_size({"width": 360, "height": 800})
    frame(page)
    to_their_ends(page)
    batch = page.locator("svg").get_by_role("slider", name="batch")
    for _ in SIZES:
        batch.press("ArrowLeft")
    expect(page.locator(".verdict")).to_contain_text("at batch size 3")
    expect(page.locator(".numbers tr").last).to_contain_text("none")  # no formula there
    assert sound(page)


def test_a_number_without_room_on_its_axis_is_not_written():
    grown = {2**k: (1.5 + 2**-k) ** np.arange(13) * np.ones((5, 1)) for k in range(2, 11)}
    figure = bn.DepthFigure({"ReLU": grown}, {"ReLU": ("3/2", lambda m: 1.5)}, depth=8)
    picture = draw(figure, width=500)
    assert len(picture.keys(r"factors x tick \d+")) == 9
    boxes = [t.box for t in picture.texts() if re.fullmatch(r"factors x number \d+", t.key)]
    assert 3 < len(boxes) < 9
    for (_, _, right, _), (left, *_) in pairwise(sorted(boxes)):
        assert left >= right - 1
