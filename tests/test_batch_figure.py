"""Drag the batch: Python, the page and the layer give the same numbers; every move works."""

import numpy as np
import pytest
from stage import drag, frame, get, put, sound

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
    bn.agree("dx", figure.dx, bn.numeric_gradient(frozen_there, np.array(X), np.array(DY)))


def test_agrees_with_the_layer():
    figure = BatchFigure(X, DY, **LAYER)
    gamma, beta = np.full(1, LAYER["gamma"]), np.full(1, LAYER["beta"])
    y, cache = bn.forward(np.array(X)[:, None], gamma, beta, LAYER["eps"])
    bn.agree("y", figure.y, y[:, 0], 1e-12)
    bn.agree("dx", figure.dx, bn.backward(np.array(DY)[:, None], cache)[0][:, 0], 1e-12)


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


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"x: got shape \(1,\), want 2 to 8 samples"):
        BatchFigure([1.0], [1.0])
    with pytest.raises(ValueError, match=r"dy: got shape \(3,\), want one number a sample, \(2,\)"):
        BatchFigure([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="eps: got -1"):
        BatchFigure(X, DY, eps=-1)
    with pytest.raises(ValueError, match=r"x: .*finite"):
        BatchFigure([1.0, np.nan], [1.0, 2.0])
    figure = BatchFigure(X, DY)
    with pytest.raises(ValueError, match="dy: got"):
        figure.dy = "up"


def test_equal_samples_without_eps_have_no_outputs():
    figure = BatchFigure([2.0, 2.0], [1.0, -1.0], eps=0)
    assert (figure.y, figure.dx) == ([], [])
    figure.eps = 1e-3
    assert figure.y == [0, 0]


# On the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("variance", [True, False])
def test_the_page_agrees_with_python(show, mean, variance):
    figure = BatchFigure(X, DY, **LAYER)
    page = show(figure)
    x, dy = np.random.default_rng(4).normal(size=(2, 4))
    put(page, figure, x.tolist(), "x")
    put(page, figure, dy.tolist(), "dy")
    put(page, figure, mean, "flow_through_mean")
    put(page, figure, variance, "flow_through_variance")
    here = BatchFigure(x, dy, flow_through_mean=mean, flow_through_variance=variance, **LAYER)
    for name in ("y", "dx"):
        bn.agree(name, get(page, figure, name), getattr(here, name), 1e-12)


def test_shows_its_numbers(show):
    figure = BatchFigure(X, DY, **LAYER)
    page = show(figure)
    texts = page.locator("svg text").all_text_contents()
    for i, (x, dx, y) in enumerate(zip(X, figure.dx, figure.y, strict=True)):
        digit = "₁₂₃₄"[i]
        assert f"x{digit} = {x:.2f}".replace("-", "−") in texts
        assert f"∂L/∂x{digit} = {dx:.3f}".replace("-", "−") in texts
        assert f"y{digit} = {y:.2f}".replace("-", "−") in texts
    told = page.get_by_role("slider", name="sample x₁").get_attribute("aria-valuetext")
    assert f"gradient {figure.dx[0]:.3f}".replace("-", "−") in told
    assert "through the mean" in told
    assert sound(page)


def test_parts_add_up_to_the_whole(show):
    figure = BatchFigure(X, DY, **LAYER)
    page = show(figure)
    told = page.get_by_role("slider", name="sample x₂").get_attribute("aria-valuetext")
    numbers = [float(n.split(" ")[-1].replace("−", "-")) for n in told.split(": ")[1].split("; ")]
    assert len(numbers) == 3
    assert sum(numbers) == pytest.approx(figure.dx[1], abs=2e-3)
    assert min(map(abs, numbers)) > 1e-2


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
@pytest.mark.parametrize("width", [1280, 360])
def test_samples_and_gradients_can_be_dragged(show, touch, width):
    figure = BatchFigure(X, DY, **LAYER)
    page = show(figure)
    page.set_viewport_size({"width": width, "height": 800})
    frame(page)
    drag(page, "sample x₂", 40, touch=touch)
    x = get(page, figure, "x")
    assert x[1] > X[1] + 0.3
    assert [x[0], *x[2:]] == [X[0], *X[2:]]
    drag(page, "gradient ∂L/∂y₂", -30, touch=touch)
    dy = get(page, figure, "dy")
    assert dy[1] < DY[1] - 0.1
    assert [dy[0], *dy[2:]] == [DY[0], *DY[2:]]
    bn.agree("dx", get(page, figure, "dx"), BatchFigure(x, dy, **LAYER).dx, 1e-12)


def test_keys_move_what_has_the_focus(show):
    figure = BatchFigure(X, DY)
    page = show(figure)
    page.get_by_role("slider", name="sample x₁").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert get(page, figure, "x")[0] == pytest.approx(X[0] + 1.1)
    page.get_by_role("slider", name="gradient ∂L/∂y₃").focus()
    page.keyboard.press("PageDown")
    assert get(page, figure, "dy")[2] == pytest.approx(DY[2] - 1)


def test_steps_and_reset(show):
    figure = BatchFigure(X, DY, rate=0.3, **LAYER)
    page = show(figure)
    step = page.get_by_role("button", name="Take a step")
    step.click()
    first = np.array(X) - 0.3 * np.array(figure.dx)
    bn.agree("x", get(page, figure, "x"), first, 1e-12)
    second = first - 0.3 * np.array(BatchFigure(first, DY, **LAYER).dx)
    step.click()
    bn.agree("x", get(page, figure, "x"), second, 1e-12)
    bn.agree("before", get(page, figure, "before"), first, 1e-12)
    frame(page)
    assert "Step 2 moved the inputs by up to" in page.inner_text("body")
    page.get_by_role("button", name="Reset").click()
    assert get(page, figure, "x") == X
    assert get(page, figure, "steps") == 0


def test_two_steps_within_a_frame_are_two_steps(show):
    figure = BatchFigure(X, DY, rate=0.3)
    page = show(figure)
    page.evaluate("() => { for (const k of [1, 2, 3]) document.querySelector('button').click(); }")
    assert get(page, figure, "steps") == 3


def test_without_the_mean_inputs_run_and_outputs_stand(show):
    figure = BatchFigure([1.0, 3.0], [1.0, 1.0], function=centre, flow_through_mean=False)
    page = show(figure)
    for _ in range(60):
        page.get_by_role("button", name="Take a step").click()
    assert get(page, figure, "x") == pytest.approx([-29, -27])
    assert get(page, figure, "y") == pytest.approx([-1, 1])
    frame(page)
    assert "inputs by up to 0.500, the outputs by up to 0." in page.inner_text("body")


def test_controls_move_the_figure(show):
    figure = BatchFigure(X, DY, **LAYER)
    page = show(controls(figure, gamma=(0.0, 3.0), flow_through_variance=True))
    page.get_by_role("slider", name="γ gamma").fill("2.5")
    page.get_by_label("flow through variance").uncheck()
    want = BatchFigure(X, DY, **(LAYER | dict(gamma=2.5)), flow_through_variance=False)
    bn.agree("dx", get(page, figure, "dx"), want.dx, 1e-12)


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
    frame(page)
    assert get(page, figure, "dx") == []
    assert "the variance is 0 and the outputs are not defined" in page.inner_text("body")


def test_views_of_one_model_show_the_same(show):
    figure = BatchFigure(X, DY)
    page = show(figure, figure)
    put(page, figure, [0.0, 1.0, 2.0, 3.0], "x")
    frame(page)
    first, second = (page.locator(".bn-figure").nth(i).inner_text() for i in range(2))
    assert first == second
    assert "x₄ = 3.00" in first
