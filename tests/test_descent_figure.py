"""Gradient descent, step by step, with the whole gradient and with a cut one."""

import re

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from drawn import draw
from models import analyses
from node import run
from playwright.sync_api import expect
from stage import counted, drag, put, settle, slide, sound

import batchnorm as bn
from batchnorm.figures import DescentFigure, controls
from batchnorm.figures.descent import descend

U, T = [-1.0, 1.0, 0.3], [0.2, 1.0, 0.9]


def biased(b, u, t):
    x = u + b
    mu = x.mean(axis=0)
    x_hat = x - mu
    loss = ((x_hat - t) ** 2).mean(axis=0) / 2
    return loss


def square(w):
    loss = (w**2).sum()
    return loss


def figure_of(**parameters):
    return DescentFigure(
        biased,
        dict(b=0.0, u=U, t=T),
        train=["b"],
        cut=["mu"],
        watch=["b", "mu", "loss"],
        **parameters,
    )


# In Python ---------------------------------------------------------------------------------------


def test_descends_as_autograd_does():
    given = dict(w=np.array([1.0, -2.0]))
    runs = descend(bn.trace(square, **given), given, ["w"], 0.1, 5)
    w = given["w"]
    for run_ in runs:
        assert run_["w"].shape == w.shape
        np.testing.assert_allclose(run_["w"], w, rtol=1e-12)
        w = w - 0.1 * autograd.grad(lambda w: anp.sum(w**2))(w)
    assert len(runs) == 6


def test_the_cut_bias_runs_away_and_the_loss_stands():
    figure = figure_of(step=40, rate=0.5)
    assert figure.now["b"] == pytest.approx([0, 40 * 0.5 * np.mean(T)], abs=1e-12)
    start = biased(0.0, np.array(U), np.array(T))
    assert figure.now["loss"] == pytest.approx([start, start], abs=1e-12)


def test_says_what_is_wrong():
    given = dict(b=0.0, u=U, t=T)
    with pytest.raises(ValueError, match="nu: no value of that name in biased"):
        DescentFigure(biased, given, train=["b"], cut=["nu"], watch=["b"])
    with pytest.raises(ValueError, match="train: mu is not among the given"):
        DescentFigure(biased, given, train=["mu"], cut=["mu"], watch=["b"])
    with pytest.raises(ValueError, match=r"x_hat: has shape \(3,\), want one number"):
        DescentFigure(biased, given, train=["b"], cut=["mu"], watch=["x_hat"])
    with pytest.raises(ValueError, match="rate: got -1"):
        figure_of(rate=-1)
    with pytest.raises(ValueError, match="steps: got 1000, want 1 to 500"):
        figure_of(steps=1000)


# The page's model, in Node.js --------------------------------------------------------------------


def test_the_page_agrees_with_python():
    rng = np.random.default_rng(0)
    drawn = zip(rng.integers(0, 60, 8).tolist(), rng.uniform(0, 2, 8), strict=True)
    cases = [(0, 0.5), (40, 2.0), *drawn]
    figures = [figure_of(step=step, rate=rate, steps=60) for step, rate in cases]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        assert there["outputs"]["now"].keys() == figure.now.keys()
        for name, values in figure.now.items():
            assert there["outputs"]["now"][name] == pytest.approx(values, rel=1e-9, abs=1e-12)


def test_the_last_numbers_of_a_diverging_descent_are_finite():
    given = dict(w=np.array([1.0]))
    kind = dict(train=["w"], cut=[], watch=["loss"], steps=500)
    figures = [DescentFigure(square, given, rate=r, step=500, **kind) for r in (1.1, 1e6, 1e300)]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        assert np.isfinite(there["outputs"]["now"]["loss"]).all()
        assert there["outputs"]["now"]["loss"] == pytest.approx(figure.now["loss"])
        assert there["courses"]["loss"][0] == "runs away"


def test_a_course_is_named_when_it_can_be_seen():
    steps = np.arange(41.0)
    paths = {
        "stays": np.full(41, 0.3),
        "runs away": 0.3 + 0.2 * steps,
        "comes to rest": 0.7**steps,
        "": np.cos(steps),
    }
    cases = [[path.tolist(), 40] for path in paths.values()]
    assert run("figures/descent/model.js", "course", *cases) == list(paths)
    early = run("figures/descent/model.js", "course", *([path, 3] for path, _ in cases))
    assert early == ["stays", "", "", ""]
    drift = 0.9 - 1e-6 * steps  # as eps makes it, where the whole gradient is 0 but for that
    assert run("figures/descent/model.js", "course", [drift.tolist(), 40]) == [""]


def rising(w):
    """Its gradient without the path through mu points uphill."""
    mu = w * 3.0
    loss = (w - mu) ** 2 / 8
    return loss


def test_the_verdict_says_what_the_curves_of_the_loss_show():
    given = dict(train=["w"], cut=["mu"], watch=["loss"], rate=0.1, steps=20)
    figure = DescentFigure(rising, dict(w=1.0), **given)
    starts = figure.now["loss"]
    figure.step = 5
    whole, cut = figure.now["loss"]
    assert whole < starts[0] < cut
    says = next(node.text for node in draw(figure).figure.walk() if "verdict" in node.classes)
    assert says == (
        f"Step 5. With the path through the mean cut, the loss rises from {starts[0]:.3f} to "
        f"{cut:.3f}; with the whole gradient it falls to {whole:.3f}."
    )


def there_and_back(w):
    mu = 1.0 * w
    loss = 0.5 * w * w + mu
    return loss


def test_a_loss_that_came_back_is_not_said_to_have_risen():
    """Without mu's path w only changes its sign: the loss is 1.5, then -0.5 again."""
    said = {}
    for step in (1, 2):
        how = dict(train=["w"], cut=["mu"], watch=["loss"], rate=2.0, steps=4, step=step)
        figure = draw(bn.DescentFigure(there_and_back, dict(w=-1.0), **how)).figure
        said[step] = next(node for node in figure.walk() if "verdict" in node.classes).text
    assert "cut, the loss rises from −0.500 to 1.500; with" in said[1]
    assert said[2].endswith(
        "cut, the loss is back at −0.500; with the whole gradient it stays at −0.500."
    )


@pytest.mark.parametrize("width", [360, 600, 1000])
def test_no_curve_s_name_touches_the_line_of_the_step(width):
    """Wherever it fits between that line and an end of its plot."""
    free = 0
    for step in range(13):
        picture = draw(figure_of(step=step, steps=12, rate=0.3), width=width)
        for name in picture.texts():
            if not (found := re.fullmatch(r"course (\d) name \d", name.key)):
                continue
            line = picture[f"step {found[1]}"]["data-x"]
            (left, _), (right, _) = picture[f"course {found[1]} x axis"].points
            if 12 + 7.9 * len(name.text) <= max(line - left, right - line):
                assert name.box[0] > line or name.box[2] < line, (step, name)
                free += 1
    assert free > 50


# On the page -------------------------------------------------------------------------------------


def test_draws_as_one_steps_on_axes_that_stand_still(show):
    figure = figure_of()
    page = show(controls(figure, step=(0, 40)))
    numbers = page.locator("svg text.end").all_text_contents()
    curve = page.locator("path.mean.line").first
    assert curve.get_attribute("d").count("L") == 0
    for step in (1, 7, 40):
        slide(page, "step", step)
        expect(curve).to_have_attribute("d", re.compile(rf"^M[^L]*(L[^L]*){{{step}}}$"))
        assert page.locator("svg text.end:not(.label)").all_text_contents() == numbers


def test_names_each_line_in_place_and_gives_the_verdict(show):
    page = show(figure_of(step=40, rate=0.5))
    labels = page.locator("svg text.label")
    expect(labels).to_have_text(
        [
            *("whole: stays", "cut: runs away"),
            *("whole: stays", "cut: runs away"),
            *("whole: stays", "cut: stays"),
        ]
    )
    verdict = (
        "Step 40. Without the path through the mean, b and mu run away; "
        "the loss is the same either way."
    )
    expect(page.locator(".verdict")).to_have_text(verdict)
    end = f"{40 * 0.5 * np.mean(T):.3f}"
    expect(page.locator(".numbers tr").nth(1).locator("td")).to_have_text(["0", end])


def test_two_equal_lines_are_seen_as_two(show):
    page = show(figure_of(step=40))
    wide, dashed = (page.locator(f"path.line.{look}").last for look in ("wide", "dashed"))
    assert wide.get_attribute("d") == dashed.get_attribute("d")
    thick = [
        float(line.evaluate("(node) => parseFloat(getComputedStyle(node).strokeWidth)"))
        for line in (wide, dashed)
    ]
    assert thick[0] > 2 * thick[1]


def test_buttons_keys_and_drags_step(show):
    figure = figure_of()
    page = show(figure)
    step = page.get_by_role("button", name="Step", exact=True)
    for _ in range(3):
        with counted(page, analysis=1):
            step.click()
    page.get_by_role("button", name="Back").click()
    settle(page, figure, 2, "step")
    page.get_by_role("slider", name="step").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    settle(page, figure, 13, "step")
    line = page.get_by_role("slider", name="step").first
    drag(page, line, 60, inset=50)
    assert int(line.get_attribute("aria-valuenow")) > 13
    page.get_by_role("button", name="To the start").click()
    settle(page, figure, 0, "step")


def test_a_slider_costs_one_analysis(show):
    page = show(controls(figure_of(), step=(0, 40), rate=(0.0, 2.0)))
    for name, value in (("step", 40), ("learning rate", 1.5)):
        with counted(page, analysis=1):
            slide(page, name, value)
    expect(page.locator(".verdict")).to_contain_text("Step 40.")


def test_a_diverging_descent_stays_on_the_page(show):
    figure = DescentFigure(
        square, dict(w=np.array([1.0])), train=["w"], cut=[], watch=["loss"], steps=500
    )
    page = show(figure)
    put(page, figure, 500, "step")
    for rate, end in ((1.1, "the loss runs away"), (1e6, "leave"), (1e300, "leave")):
        put(page, figure, rate, "rate")
        expect(page.locator(".verdict")).to_contain_text(end)
        assert sound(page), rate
