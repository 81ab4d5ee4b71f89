"""Gradient descent, step by step, with the whole gradient and with a cut one."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from stage import drag, frame, get, put, sound

import batchnorm as bn
from batchnorm.figures import DescentFigure, controls
from batchnorm.figures.descent_figure import descend

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


def test_descends_as_autograd_does():
    given = dict(w=np.array([1.0, -2.0]))
    runs = descend(bn.trace(square, **given), given, ["w"], 0.1, 5)
    w = given["w"]
    for run in runs:
        assert run["w"].shape == w.shape
        np.testing.assert_allclose(run["w"], w, rtol=1e-12)
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


@pytest.mark.parametrize(("step", "rate"), [(0, 0.5), (17, 0.3), (40, 2.0)])
def test_the_page_agrees_with_python(show, step, rate):
    figure = figure_of()
    page = show(figure)
    put(page, figure, step, "step")
    put(page, figure, rate, "rate")
    here = figure_of(step=step, rate=rate).now
    there = get(page, figure, "now")
    assert there.keys() == here.keys()
    for name in here:
        assert there[name] == pytest.approx(here[name], rel=1e-9, abs=1e-12)


def test_buttons_keys_and_drags_step(show):
    figure = figure_of()
    page = show(figure)
    for _ in range(3):
        page.get_by_role("button", name="Step", exact=True).click()
    page.get_by_role("button", name="Back").click()
    assert get(page, figure, "step") == 2
    page.get_by_role("slider", name="step").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert get(page, figure, "step") == 13
    drag(page, page.locator(".bn-movable").first, 60, inset=50)
    assert get(page, figure, "step") > 13
    page.get_by_role("button", name="To the start").click()
    assert get(page, figure, "step") == 0


def test_controls_and_words(show):
    figure = figure_of()
    page = show(controls(figure, step=(0, 40), rate=(0.0, 2.0)))
    page.locator("input[type=range]").first.fill("40")
    frame(page)
    assert (
        f"b = 0 with the whole gradient, {40 * 0.5 * np.mean(T):.3f} with the cut"
        in page.inner_text("body")
    )


def test_a_diverging_descent_stays_on_the_page(show):
    figure = DescentFigure(
        square, dict(w=np.array([1.0])), train=["w"], cut=[], watch=["loss"], steps=500
    )
    page = show(figure)
    for rate in (1.1, 1e6, 1e300):
        put(page, figure, rate, "rate")
        put(page, figure, 500, "step")
        frame(page)
        assert sound(page), rate
    assert np.isfinite(figure_of(rate=1e300, step=500, steps=500).now["loss"]).all()
