"""Running statistics and the two modes: the figure, the layer, and what statistics says of both."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from stage import drag, frame, get, put, sound, to_their_ends

import batchnorm as bn
from batchnorm.figures import RunningFigure, controls
from batchnorm.figures.running_figure import LARGEST
from batchnorm.reference import evaluate, follow

OUTPUTS = ("mean", "var", "y_train", "y_eval", "mismatch")


def by_the_layer(figure):
    """What `bn.forward` makes of the same stream."""
    noise = np.frombuffer(figure.noise, np.float32).reshape(figure.steps, LARGEST)
    running = bn.RunningStatistics(momentum=figure.momentum, unbiased=figure.batch > 1)
    one, zero = np.ones(1), np.zeros(1)
    for k in range(figure.step + 1):
        x = figure.drift * k + noise[k, : figure.batch, None].astype(float)
        bn.forward(x, one, zero, running=running)
    x = x + figure.shift
    y_train = bn.forward(x, one, zero)[0]
    y_eval = bn.forward(x, one, zero, running=running, training=False)[0]
    off = np.sqrt(np.mean((y_train - y_eval) ** 2))
    return running.mean[0], running.var[0], y_train[:, 0], y_eval[:, 0], off


SETTINGS = [
    {},
    dict(step=0, batch=2, momentum=0.7),
    dict(step=59, batch=64, momentum=0.02, drift=0.3, shift=2.5),
    dict(step=11, batch=1, momentum=0.5, drift=-0.1),
    dict(step=5, momentum=0.0),
    dict(step=5, momentum=1.0),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_figure_is_the_layer(settings):
    figure = RunningFigure(**settings)
    for name, want in zip(OUTPUTS, by_the_layer(figure), strict=True):
        got = np.asarray(getattr(figure, name))
        assert got.shape == np.shape(want), name
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_page_agrees_with_python(show, settings):
    figure = RunningFigure()
    page = show(figure)
    for name, value in settings.items():
        put(page, figure, value, name)
    here = RunningFigure(**settings)
    for name in OUTPUTS:
        there = np.asarray(get(page, figure, name))
        want = np.asarray(getattr(here, name))
        assert there.shape == want.shape
        np.testing.assert_allclose(there, want, rtol=1e-9, atol=1e-12, err_msg=name)
    frame(page)
    assert sound(page)


def test_evaluation_mode_is_diagonal():
    rng = np.random.default_rng(3)
    x, dy = rng.normal(size=(2, 4, 3))
    gamma, beta, mean, var = rng.uniform(0.5, 2, (4, 3))
    want = autograd.grad(lambda x: anp.sum(dy * (gamma * (x - mean) / anp.sqrt(var + 0.1) + beta)))(
        x
    )
    graph = bn.trace(evaluate, x=x, gamma=gamma, beta=beta, mean=mean, var=var, eps=0.1)
    run = graph.forward(x=x, gamma=gamma, beta=beta, mean=mean, var=var, eps=0.1)
    bn.agree("dx", run.backward(dy)["x"], want, 1e-12)
    bn.agree("dx", want, gamma * dy / np.sqrt(var + 0.1), 1e-12)


def test_follow_forgets_at_the_rate_of_momentum():
    running = 0.0
    for _ in range(10):
        running = follow(running, 1.0, momentum=0.2)
    assert running == pytest.approx(1 - 0.8**10)


def test_says_what_is_wrong():
    for name, value in dict(batch=0, momentum=1.1, step=-1, drift=1e4).items():
        with pytest.raises(ValueError, match=f"{name}: got {value}, want"):
            RunningFigure(**{name: value})


def test_dragging_the_batch_moves_one_mode_only(show):
    figure = RunningFigure()
    page = show(figure)
    train, evaluation = get(page, figure, "y_train"), get(page, figure, "y_eval")
    drag(page, "the batch", -80)
    shift = get(page, figure, "shift")
    assert shift < -0.3
    np.testing.assert_allclose(get(page, figure, "y_train"), train, atol=1e-9)
    moved = np.array(get(page, figure, "y_eval")) - evaluation
    np.testing.assert_allclose(moved, shift / np.sqrt(figure.var + 1e-5), rtol=1e-6)
    page.get_by_role("slider", name="the batch").focus()
    page.keyboard.press("Shift+ArrowRight")
    assert get(page, figure, "shift") == pytest.approx(shift + 1)
    page.get_by_role("button", name="Put the batch back").click()
    assert get(page, figure, "shift") == 0


@pytest.mark.parametrize("width", [1280, 360])
def test_controls_to_their_ends(show, width):
    figure = RunningFigure()
    page = show(
        controls(figure, step=(0, 59), batch=(1, 64), momentum=(0.0, 1.0), drift=(-1.0, 1.0))
    )
    page.set_viewport_size({"width": width, "height": 800})
    to_their_ends(page)
