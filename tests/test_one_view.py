"""A reader sees what a control does while moving it; a figure can fill the screen."""

from itertools import combinations

import ipywidgets
import numpy as np
import pytest
from conftest import opened, watched
from playwright.sync_api import expect
from stage import CONTRASTS, OFF_SCREEN, OUT_OF_SIGHT, UNEVEN, frame, resize, slide

import batchnorm as bn
from batchnorm.figures import controls
from batchnorm.training import Net, spirals


def biased(b, u, t):
    mu = (u + b).mean(axis=0)
    loss = ((u + b - mu - t) ** 2).mean(axis=0) / 2
    return loss


def batch():
    return bn.BatchFigure([-1.5, 0.5, 2.5], [1.0, 0.8, -0.5], steps=3, flow_through_mean=False)


def descent():
    given = dict(b=0.0, u=[-1.0, 1.0], t=[0.0, 1.0])
    return bn.DescentFigure(biased, given, train=["b"], cut=["mu"], watch=["b", "loss"], step=9)


def predict():
    return bn.PredictFigure([1.0, -0.5, 2.2], [1.0, 0.6, -0.4], shown=True)


def graph():
    return bn.GraphFigure(
        bn.batch_norm, x=[1.0, -0.5, 2.2], dy=[1.0, 0.6, -0.4], gamma=1.5, beta=0.5, eps=0.1
    )


def training():
    nets = {"no normalization": Net((2, 8, 2), "none"), "batch norm": Net((2, 8, 2), "batch")}
    cut = {"mean's path cut": (nets["batch norm"], dict(cut_mean=True))}
    return bn.TrainingFigure(nets | cut, spirals(m=48), batch_size=24, steps=0)


def depth():
    grown = {m: (1.5 + 2 / m) ** np.arange(13) * np.ones((5, 1)) for m in (4, 8, 16)}
    return bn.DepthFigure({"ReLU": grown}, {"ReLU": ("3/2", lambda m: 1.5)}, depth=8)


def whitening():
    return bn.WhiteningFigure(upstream="shear")


# A figure as a chapter would show it, and its controls: each figure built on the kit stands here
CASES = {
    "batch": (
        batch,
        dict(gamma=(0.0, 3.0), beta=(-2.0, 2.0), flow_through_mean=True, rate=(0.0, 2.0)),
    ),
    "graph": (graph, dict(gamma=(0.0, 3.0), eps=(0.0, 2.0))),
    "whitening": (whitening, dict(correlation=(-1.0, 1.0, 0.05), scale_1=(0.0, 3.0, 0.1))),
    "predict": (predict, dict(gamma=(0.0, 3.0), eps=(0.0, 2.0))),
    "descent": (descent, dict(step=(0, 40), rate=(0.0, 2.0))),
    "weight space": (
        lambda: bn.WeightSpaceFigure(correlation=0.5, step=4),
        dict(step=(0, 100), rate=(0.0, 2.0), correlation=(-0.9, 0.9), eps=(0.0, 1.0)),
    ),
    "sphere": (bn.SphereFigure, dict(gamma=(0.0, 3.0), eps=(0.0, 3.0), rate=(0.0, 3.0))),
    "running": (bn.RunningFigure, dict(step=(0, 59), momentum=(0.0, 1.0), batch=(1, 64))),
    "jacobian": (
        bn.JacobianFigure,
        dict(m=(2, 16), outlier=(-10.0, 10.0), identity=True, mean=True, variance=True),
    ),
    "cancellation": (bn.CancellationFigure, dict(offset=(1.0, 1e8), m=(2, 256))),
    "depth": (
        depth,
        dict(batch=ipywidgets.FloatLogSlider(base=2, min=2, max=4, step=1), depth=(1, 12)),
    ),
    "training": (training, dict(rate=(0.0, 1.0), batch_size=(4, 48), noise=(0.0, 2.0))),
}


@pytest.fixture(scope="module", params=CASES)
def shown(request, browser, tmp_path_factory):
    """A page with one figure and its controls. It is opened once for all tests, which leave it as
    they found it, but for the size of the window."""
    make, wanted = CASES[request.param]
    with watched(browser) as page:
        folder, below = (
            tmp_path_factory.mktemp("view"),
            "<p style='height: 200vh'>What follows.</p>",
        )
        yield opened(page, folder, controls(make(), **wanted), tags=below)


def test_the_picture_stays_in_sight_of_every_control(shown):
    page = shown
    page.evaluate("() => { document.body.style.paddingTop = '200vh'; }")
    for width, height in [(1280, 800), (1000, 700), (390, 844)]:
        resize(page, width, height)
        assert page.evaluate(OUT_OF_SIGHT) == [], width
    page.evaluate("() => { document.body.style.paddingTop = ''; }")


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("name", "beside"), [("jacobian", True), ("descent", False)])
def test_beside_a_square_picture_below_a_wide_one_whichever_style_comes_last(
    show, name, beside, late
):
    make, wanted = CASES[name]
    page = show(controls(make(), **wanted))
    if late:
        page.evaluate("() => document.head.append(document.querySelector('link[rel=stylesheet]'))")
    frame(page)
    picture, control = (
        page.locator(f".bn-box {thing}").first.bounding_box() for thing in (".bn-picture", "input")
    )
    if beside:
        assert picture["x"] + picture["width"] <= control["x"]
    else:
        assert picture["width"] > 1200
        assert picture["y"] + picture["height"] <= control["y"]


def test_controls_take_less_room_than_their_picture(shown):
    page = shown
    for width in (1280, 390):
        resize(page, width, 900)
        assert page.evaluate(UNEVEN, width > 600) == []


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)])
def test_all_of_an_enlarged_figure_is_on_the_screen(shown, size):
    page = shown
    resize(page, *size)
    page.get_by_role("button", name="Enlarge").click()
    frame(page)
    assert page.evaluate(OFF_SCREEN) == []
    zoom, share = page.evaluate(
        """() => {
          const picture = document.querySelector(".bn-picture svg");
          const { width, bottom } = picture.getBoundingClientRect();
          const room = picture.closest(".bn-picture").clientWidth;
          return [picture.getScreenCTM().a, Math.max(width / room, bottom / innerHeight)];
        }"""
    )
    assert zoom >= 1
    assert zoom == pytest.approx(2.4, abs=0.01) or share > 0.9  # as large as there is room
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)])
@pytest.mark.parametrize("first", [batch, graph])
def test_two_figures_that_are_enlarged_together_are_both_large(show, first, size):
    page = show(ipywidgets.VBox([first(), batch()]).add_class("bn-box"))
    resize(page, *size)
    page.get_by_role("button", name="Enlarge").last.click()
    frame(page)
    assert page.evaluate(OFF_SCREEN) == []
    one, other = (p.bounding_box() for p in page.locator(".bn-picture svg[role=group]").all())
    beside = one["x"] + one["width"] <= other["x"]
    below = one["y"] + one["height"] <= other["y"]
    assert (beside, below) == ((True, False) if first is batch else (False, True))
    shares = [box["width"] * box["height"] / (size[0] * size[1]) for box in (one, other)]
    assert min(shares) > 0.18


@pytest.mark.parametrize("width", [1280, 1000, 390])
@pytest.mark.parametrize("first", [batch, graph])
def test_two_figures_in_one_box_hide_nothing_of_each_other(show, first, width):
    page = show(ipywidgets.VBox([first(), batch()]).add_class("bn-box"))
    resize(page, width, 900)
    parts = page.locator(".bn-figure > :is(.bn-picture, .bar, .keys, .report)").all()
    boxes = [box for box in (part.bounding_box() for part in parts) if box and box["height"]]
    assert len(boxes) >= 7
    for a, b in combinations(boxes, 2):
        assert any(
            a[at] + a[size] <= b[at] + 1 or b[at] + b[size] <= a[at] + 1
            for at, size in (("x", "width"), ("y", "height"))
        )


def test_on_a_phone_it_is_enlarged_and_scrolls(show):
    make, wanted = CASES["batch"]
    page = show(controls(make(), **wanted))
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Enlarge").click()
    frame(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Back to the page").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


# How many pixels high the type of every text is, as it is drawn
SIZES = """() => [...document.querySelectorAll(".bn-box, .bn-box *")]
  .filter((node) => [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .map((node) => parseFloat(getComputedStyle(node).fontSize) *
    (node.ownerSVGElement ? node.getScreenCTM().a : 1))"""


def test_no_text_is_smaller_than_12_pixels(shown):
    page = shown
    for width, least in [(1280, 11.99), (390, 11.99), (1920, 14)]:
        resize(page, width, 900)
        page.wait_for_function(f"(least) => Math.min(...({SIZES})()) >= least", arg=least)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_a_figure_fills_the_screen_and_goes_back(shown):
    page = shown
    resize(page, 1280, 900)
    page.evaluate("() => scrollTo(0, 0)")
    before = page.locator(".bn-picture").bounding_box()
    enlarge = page.get_by_role("button", name="Enlarge")
    enlarge.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    frame(page)
    assert dialog.bounding_box() == {"x": 0, "y": 0, "width": 1280, "height": 900}
    control = page.locator(".bn-box label").first.text_content()
    start = page.get_by_role("slider", name=control, exact=True).and_(page.locator("input"))
    start = start.input_value()
    slide(page, control, 2)
    back = dialog.evaluate_handle("() => document.activeElement")
    for _ in range(40):  # round and round: Tab never leaves the dialog
        page.keyboard.press("Tab")
        inside, round_ = dialog.evaluate(
            "(node, back) => [node, back].map((one) => one.contains(document.activeElement))", back
        )
        assert inside
        if round_:
            break
    assert round_
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(enlarge).to_be_focused()
    frame(page)
    assert page.locator(".bn-picture").bounding_box() == pytest.approx(before, abs=0.1)
    slide(page, control, start)


# Waits for a frame in which nothing was drawn: an axis may still be on its way
RESTS = """() => new Promise((done) => {
  const look = (before) => requestAnimationFrame(() =>
    bnCounts.draw === before ? done() : look(bnCounts.draw));
  look();
})"""


def test_a_move_costs_one_analysis_and_one_picture(shown):
    page = shown
    page.emulate_media(reduced_motion="reduce")  # but for the frames in which an axis moves
    page.evaluate(RESTS)
    for control in page.locator("input[type=range]").all():
        before = page.evaluate("() => ({ ...bnCounts })")
        start = control.input_value()
        end = "min" if start == control.get_attribute("max") else "max"
        control.fill(control.get_attribute(end))
        frame(page)
        after = page.evaluate("() => ({ ...bnCounts })")
        assert after["analysis"] - before["analysis"] == 1
        assert after["draw"] - before["draw"] <= 2
        control.fill(start)
    page.emulate_media(reduced_motion="no-preference")


# Not needed to read a picture: grids and frames; grounds that are named, or shown by lines as well;
# the raw curve behind a smooth one; a broken arrow's gap; the cells of a matrix, which has numbers
QUIET = {"grid", "frame", "plane", "band", "zone", "envelope", "many", "answer", "ground-of-loss"}
QUIET |= {"faint", "gap", "positive", "negative"}
LOOK = """(theme) => {
  document.documentElement.dataset.theme = theme;
  for (const details of document.querySelectorAll("details")) details.open = true;
}"""


def test_texts_and_marks_stand_out_from_what_they_lie_on(shown):
    """By as much as WCAG asks for: 4.5 for texts, 3 for marks."""
    page = shown
    resize(page, 1280, 900)
    for theme in ("dark", "light"):
        page.evaluate(LOOK, theme)
        frame(page)
        found = page.evaluate(CONTRASTS)
        assert len(found) > 20
        marks = [one for one in found if one["of"] == "mark" and not QUIET & {*one["look"]}]
        texts = [one for one in found if one["of"] == "text"]
        faint = [one for one in texts if one["contrast"] < 4.5]
        faint += [one for one in marks if one["contrast"] < 3]
        assert not faint, theme
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = false; })")
