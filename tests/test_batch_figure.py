"""Drag the batch: Python, the page and the layer give the same numbers; every move works."""

import re

import numpy as np
import pytest
from models import analyses
from node import run
from playwright.sync_api import expect
from stage import counted, drag, frame, get, put, settle, slide, sound

import batchnorm as bn
from batchnorm.figures import BatchFigure, controls

X, DY = [-1.3, 0.4, 2.2, 0.9], [0.7, -1.1, 0.3, 0.5]
LAYER = dict(gamma=1.7, beta=-0.6, eps=0.2)


def centre(x):
    mu = x.mean(axis=0)
    y = x - mu
    return y


def frozen(mean, variance):
    """The layer with the mean and/or the variance held at their values, as plain NumPy."""
    x = np.array(X)
    mu0, var0 = x.mean(), x.var()

    def layer(x):
        mu = mu0 if mean else x.mean()
        var = var0 if variance else ((x - mu) ** 2).mean()
        return LAYER["gamma"] * (x - mu) / np.sqrt(var + LAYER["eps"]) + LAYER["beta"]

    return layer


# In Python ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("variance", [True, False])
def test_a_cut_is_a_constant(mean, variance):
    figure = BatchFigure(X, DY, flow_through_mean=mean, flow_through_variance=variance, **LAYER)
    frozen_there = frozen(mean=not mean, variance=not variance)
    bn.compare("dx", figure.dx, bn.numeric_gradient(frozen_there, np.array(X), np.array(DY)))


def test_agrees_with_the_layer():
    figure = BatchFigure(X, DY, **LAYER)
    gamma, beta = np.full(1, LAYER["gamma"]), np.full(1, LAYER["beta"])
    y, cache = bn.forward(np.array(X)[:, None], gamma, beta, LAYER["eps"])
    bn.compare("y", figure.y, y[:, 0], 1e-12)
    bn.compare("dx", figure.dx, bn.backward(np.array(DY)[:, None], cache)[0][:, 0], 1e-12)


def test_follows_what_python_sets():
    figure = BatchFigure(X, DY)
    figure.x = np.array([3.0, 1.0, 0.0, 0.0])
    assert figure.y == BatchFigure(figure.x, DY).y
    figure.gamma = 0
    assert figure.dx == [0, 0, 0, 0]


def test_takes_any_function_with_the_names():
    figure = BatchFigure([1.0, 3.0], [1.0, 1.0], function=centre)
    assert figure.dx == [0, 0]
    figure.flow_through_mean = False
    assert figure.dx == [1, 1]


def test_opens_after_some_steps():
    figure = BatchFigure(X, DY, rate=0.3, steps=3, flow_through_mean=False, **LAYER)
    x, trail = np.array(X), []
    for _ in range(3):
        trail.append(x)
        here = BatchFigure(x, DY, flow_through_mean=False, **LAYER)
        x = x - 0.3 * np.array(here.dx)
    bn.compare("x", figure.x, x, 1e-12)
    bn.compare("trail", np.array(figure.trail), np.array(trail), 1e-12)
    assert (figure.steps, figure.start) == (3, [X, DY])


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"x: got shape \(1,\), want 2 to 8 samples"):
        BatchFigure([1.0], [1.0])
    with pytest.raises(ValueError, match=r"dy: got shape \(3,\), want one number per sample"):
        BatchFigure([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="eps: got -1"):
        BatchFigure(X, DY, eps=-1)
    with pytest.raises(ValueError, match=r"x: .*finite"):
        BatchFigure([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(ValueError, match="steps: got -1, want 0 to 100"):
        BatchFigure(X, DY, steps=-1)
    with pytest.raises(ValueError, match="steps: no step can be taken"):
        BatchFigure([2.0, 2.0], [1.0, -1.0], eps=0, steps=1)
    figure = BatchFigure(X, DY)
    with pytest.raises(ValueError, match="dy: got"):
        figure.dy = "up"


def test_equal_samples_without_eps_have_no_outputs():
    figure = BatchFigure([2.0, 2.0], [1.0, -1.0], eps=0)
    assert (figure.y, figure.dx) == ([], [])
    figure.eps = 1e-3
    assert figure.y == [0, 0]


# The page's model, in Node.js --------------------------------------------------------------------


def drawn(seed):
    """A figure with everything drawn at random, some edges cut."""
    rng = np.random.default_rng(seed)
    m = rng.integers(2, 9)
    mean, variance = rng.integers(0, 2, 2).astype(bool).tolist()
    return BatchFigure(
        rng.normal(1, 2, m),
        rng.normal(0.3, 1, m),
        gamma=rng.uniform(-2, 2),
        beta=rng.normal(),
        eps=rng.uniform(0, 1),
        rate=rng.uniform(0.1, 1),
        steps=int(rng.integers(0, 6)),
        flow_through_mean=mean,
        flow_through_variance=variance,
    )


def test_the_page_agrees_with_python():
    figures = [drawn(seed) for seed in range(40)]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        for name in ("y", "dx"):
            bn.compare(name, there["outputs"][name], getattr(figure, name), 1e-12)
        whole = BatchFigure(
            figure.x, figure.dy, gamma=figure.gamma, beta=figure.beta, eps=figure.eps
        )
        bn.compare("the paths' sum", np.sum([*there["parts"].values()], axis=0), whole.dx, 1e-9)


def test_the_page_cuts_the_edges_it_is_told_to():
    figure = BatchFigure(X, DY, **LAYER)
    node = next(i for i, n in enumerate(figure._graph.nodes) if n.name == "var")
    figure.cut = [[node, 0]]
    assert figure.dx != BatchFigure(X, DY, **LAYER).dx
    (there,) = analyses(figure)
    bn.compare("dx", there["outputs"]["dx"], figure.dx, 1e-12)
    # A path that a cut closes is as if its box were unticked
    (unticked,) = analyses(BatchFigure(X, DY, flow_through_variance=False, **LAYER))
    assert there["flows"] == unticked["flows"] == dict(direct=True, mean=True, variance=False)
    for path, part in there["parts"].items():
        bn.compare(path, part, unticked["parts"][path], 1e-12)


def test_what_was_travelled_adds_up():
    figure = BatchFigure(X, DY, rate=0.8, steps=5, flow_through_mean=False, **LAYER)
    trail = np.array([*figure.trail, figure.x])
    (there,) = analyses(figure)
    far = np.abs(np.diff(trail, axis=0)).sum(axis=0).max()
    assert there["travelled"]["inputs"] == pytest.approx(far)
    y = np.array([BatchFigure(x, DY, **LAYER).y for x in trail])
    assert there["travelled"]["outputs"] == pytest.approx(np.abs(np.diff(y, axis=0)).sum(0).max())


def test_not_defined_is_nothing_not_nan():
    (there,) = analyses(BatchFigure([2.0, 2.0], [1.0, -1.0], eps=0))
    assert there["outputs"] == {"y": [], "dx": []}
    assert there["defined"] is False


def test_a_dragged_value_snaps_to_others_then_to_tenths():
    cases = [[0.47, [0.5, 1.23], 0.05], [1.2, [0.5, 1.23], 0.05], [0.44, [], 0.05], [-0.04, [], 1]]
    got = run("figures/kit/scale.js", "snap", *cases)
    assert got == [0.5, 1.23, 0.4, 0]


# On the page -------------------------------------------------------------------------------------


def test_shows_its_numbers(show):
    figure = BatchFigure(X, DY, **LAYER)
    page = show(figure)
    texts = page.locator("svg text").all_text_contents()
    for i, (x, dx, y) in enumerate(zip(X, figure.dx, figure.y, strict=True)):
        digit = "₁₂₃₄"[i]
        assert f"x{digit} = {x:.2f}".replace("-", "−") in texts
        assert f"∂L/∂x{digit} = {dx:.3f}".replace("-", "−") in texts
        assert f"y{digit} = {y:.2f}".replace("-", "−") in texts
    text = page.get_by_role("slider", name="sample x₁").get_attribute("aria-valuetext")
    assert f"gradient {figure.dx[0]:.3f}".replace("-", "−") in text
    assert "path through the mean" in text
    assert sound(page)


def unit_of(page):
    """How many pixels long a gradient of 1 is."""
    bar = page.locator("[data-key='unit bar']")
    return bar.evaluate("(node) => node.getBBox().width * node.getScreenCTM().a")


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
@pytest.mark.parametrize("width", [1280, 360, 1920])
def test_samples_and_gradients_can_be_dragged(show, touch, width):
    figure = BatchFigure(X, DY, **LAYER)
    page = show(figure)
    page.set_viewport_size({"width": width, "height": 800})
    frame(page)
    one, other = (page.locator(f"[data-key='x number {k}']") for k in (0, 1))
    apart = other.bounding_box()["x"] - one.bounding_box()["x"]  # a little off: a number's width
    low, high = (float(n.text_content().replace("−", "-")) for n in (one, other))
    apart /= high - low
    drag(page, "sample x₂", 40, touch=touch)
    x = get(page, figure, "x")
    assert x[1] - X[1] == pytest.approx(40 / apart, rel=0.1, abs=0.06)
    assert [x[0], *x[2:]] == [X[0], *X[2:]]
    drag(page, "gradient ∂L/∂y₂", -30, touch=touch)
    dy = get(page, figure, "dy")
    assert dy[1] - DY[1] == pytest.approx(-30 / unit_of(page), abs=0.06)
    assert [dy[0], *dy[2:]] == [DY[0], *DY[2:]]
    bn.compare("dx", get(page, figure, "dx"), BatchFigure(x, dy, **LAYER).dx, 1e-12)


def test_a_snapped_drag_gives_equal_values(show):
    figure = BatchFigure([0.43, 1.7], [0.55, -0.3])
    page = show(figure)
    # It jumps to the other's value from some pixels off, however long a gradient of 1 is drawn
    drag(page, "gradient ∂L/∂y₂", 0.85 * unit_of(page) + 3)
    assert get(page, figure, "dy") == [0.55, 0.55]
    drag(page, "sample x₂", -40)
    assert get(page, figure, "x")[1] == pytest.approx(round(get(page, figure, "x")[1], 1), abs=1e-9)


def test_keys_move_what_has_the_focus(show):
    figure = BatchFigure(X, DY)
    page = show(figure)
    page.get_by_role("slider", name="sample x₁").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowDown"):
        with counted(page, analysis=1):
            page.keyboard.press(key)
    settle(page, figure, [-0.2, *X[1:]], "x")
    page.get_by_role("slider", name="gradient ∂L/∂y₃").focus()
    page.keyboard.press("PageDown")
    settle(page, figure, [*DY[:2], -0.7, DY[3]], "dy")


def test_steps_and_reset(show):
    figure = BatchFigure(X, DY, rate=0.3, **LAYER)
    page = show(figure)
    step = page.get_by_role("button", name="Take a step")
    with counted(page, analysis=1):
        step.click()
    first = np.array(X) - 0.3 * np.array(figure.dx)
    bn.compare("x", get(page, figure, "x"), first, 1e-12)
    second = first - 0.3 * np.array(BatchFigure(first, DY, **LAYER).dx)
    step.click()
    bn.compare("x", get(page, figure, "x"), second, 1e-12)
    bn.compare("trail", np.array(get(page, figure, "trail")), np.array([X, first]), 1e-12)
    expect(page.locator(".verdict")).to_contain_text("2 steps moved the inputs by up to")
    with counted(page, analysis=1):
        page.get_by_role("button", name="Reset").click()
    settle(page, figure, X, "x")
    settle(page, figure, 0, "steps")


def test_two_steps_within_a_frame_are_two_steps(show):
    figure = BatchFigure(X, DY, rate=0.3)
    page = show(figure)
    three = "(button) => { for (const k of [1, 2, 3]) button.click(); }"
    page.get_by_role("button", name="Take a step").evaluate(three)
    settle(page, figure, 3, "steps")


def test_without_the_mean_inputs_run_and_outputs_stand(show):
    figure = BatchFigure([1.0, 3.0], [1.0, 1.0], function=centre, flow_through_mean=False, steps=3)
    page = show(figure)
    ghosts = page.locator("path.ghost")
    expect(ghosts).to_have_count(2)  # of the inputs; the outputs stand
    expect(ghosts.first).to_have_attribute("d", re.compile(r"^(M[^M]*){3}$"))
    expect(page.locator(".verdict")).to_have_text(
        "With the path through the mean cut, 3 steps moved the inputs by up to 1.50, "
        "the outputs by up to 0."
    )
    bars = page.locator("rect.data")
    expect(bars.nth(1)).to_have_attribute("width", "0")
    assert float(bars.nth(0).get_attribute("width")) > 20
    step = page.get_by_role("button", name="Take a step")
    step.evaluate("(node) => { for (let k = 0; k < 57; k++) node.click(); }")
    assert get(page, figure, "x") == pytest.approx([-29, -27])
    assert get(page, figure, "y") == pytest.approx([-1, 1])
    verdict = "60 steps moved the inputs by up to 30.00, the outputs by up to 0."
    expect(page.locator(".verdict")).to_contain_text(verdict)


@pytest.mark.parametrize("mean", [True, False])
def test_axes_hold_still_during_steps(show, mean):
    figure = BatchFigure([-1.5, 0.5, 2.5], [1.0, 0.8, -0.5], flow_through_mean=mean)
    page = show(figure)
    frame(page)
    axes = page.locator("svg text.middle:not(:text('μ'))")
    numbers = axes.all_text_contents()
    assert len(numbers) >= 4
    for k in range(8):
        page.get_by_role("button", name="Take a step").click()
        expect(page.locator(".verdict")).to_contain_text("one step" if k == 0 else f"{k + 1} steps")
        assert axes.all_text_contents() == numbers


def place(page):
    return float(page.get_by_role("slider", name="sample x₁").get_attribute("data-x"))


def test_a_step_moves_and_arrives(show):
    figure = BatchFigure([-1.5, 2.5], [1.0, 0.8], flow_through_mean=False, rate=1.0)
    page = show(figure)
    frame(page)
    start = place(page)
    places = page.evaluate(
        """() => new Promise((done) => {
          const [handle, places] = [document.querySelector("[aria-label='sample x₁']"), []];
          const look = () => {
            places.push(Number(handle.dataset.x));
            if (places.length > 5 && places.at(-1) === places.at(-6)) done(places);
            else requestAnimationFrame(look);
          };
          document.querySelector(".bar button").click();
          requestAnimationFrame(() => requestAnimationFrame(look));
        })"""
    )
    assert places[-1] < start
    assert sorted(places, reverse=True) == places


@pytest.mark.parametrize("reduced", [False, True])
def test_an_axis_follows_smoothly_or_at_once(show, page, reduced):
    page.emulate_media(reduced_motion="reduce" if reduced else "no-preference")
    figure = BatchFigure([-1.0, 1.0], [0.1, -0.1])
    show(figure)
    start = page.evaluate(PLACES, [figure.model_id, [-1.0, 1.0]])
    wide = page.evaluate(PLACES, [figure.model_id, [-20.0, 20.0]])
    assert len(set(wide)) == 1 if reduced else len(set(wide)) > 3
    assert sorted(wide, reverse=True) == wide  # the units of a value of 1
    assert wide[-1] < start[-1] / 4


# Sets x, and lists how long a value of 1 is on the axis, frame by frame
PLACES = """async ([id, x]) => {
  bnHost.models.get(id).set("x", x);
  const found = [];
  const began = performance.now();
  while (performance.now() - began < 600) {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const at = [...document.querySelectorAll("[data-key^='x number ']")].map((node) => [
      Number(node.textContent.replace("−", "-")), Number(node.getAttribute("x"))]);
    const [a, b] = [at[0], at.at(-1)];
    found.push(Math.round((100 * (b[1] - a[1])) / (b[0] - a[0])) / 100);
  }
  return found;
}"""


def test_with_reduced_motion_a_step_is_there_at_once(show):
    figure = BatchFigure([-1.5, 2.5], [1.0, 0.8], flow_through_mean=False, rate=1.0)
    page = show(figure)
    page.emulate_media(reduced_motion="reduce")
    with counted(page, analysis=1):
        before = page.evaluate("() => bnCounts.draw")
        page.get_by_role("button", name="Take a step").click()
    assert page.evaluate("() => bnCounts.draw") - before == 1


def test_controls_move_the_figure(show):
    figure = BatchFigure(X, DY, **LAYER)
    page = show(controls(figure, gamma=(0.0, 3.0), flow_through_variance=True))
    with counted(page, analysis=1):
        slide(page, "scale γ", 2.5)
    with counted(page, analysis=1):
        page.get_by_label("flow through variance").uncheck()
    want = BatchFigure(X, DY, **(LAYER | dict(gamma=2.5)), flow_through_variance=False)
    bn.compare("dx", get(page, figure, "dx"), want.dx, 1e-12)
    expect(page.locator(".entry.off")).to_have_text(["path through the variance"])


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_breaks_at_the_extremes(show, width):
    figure = BatchFigure(X, DY)
    page = show(figure)
    page.set_viewport_size({"width": width, "height": 800})
    for values in (
        dict(x=[1.0] * 4, eps=0),
        dict(x=[1.0] * 4, eps=1e-12),
        dict(x=[1e9, -1e9, 1e9, 0.0]),
        dict(gamma=1e6, dy=[3.0, -3.0, 3.0, -3.0]),
        dict(x=[0.0, 0.0, 0.0, 1e-9], eps=0, rate=1e9),
    ):
        for name, value in values.items():
            put(page, figure, value, name)
        frame(page)
        assert sound(page), values
        page.get_by_role("button", name="Take a step").click()
        frame(page)
        assert sound(page), values
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_says_when_nothing_is_defined(show):
    figure = BatchFigure([1.0, 3.0], [1.0, -1.0], eps=0)
    page = show(figure)
    put(page, figure, [2.0, 2.0], "x")
    why = re.compile("the variance is 0 and the outputs are not defined")
    expect(page.locator(".verdict")).to_have_text(why)
    settle(page, figure, [], "dx")


def test_views_of_one_model_show_the_same_from_one_analysis(show, page):
    page.emulate_media(reduced_motion="reduce")  # each axis would be on its way
    figure = BatchFigure(X, DY)
    page = show(figure, figure)
    with counted(page, analysis=1):
        put(page, figure, [0.0, 1.0, 2.0, 3.0], "x")
    pictures = page.locator(".bn-picture svg")
    expect(pictures.first).to_contain_text("x₄ = 3.00")
    assert pictures.nth(0).text_content() == pictures.nth(1).text_content()
