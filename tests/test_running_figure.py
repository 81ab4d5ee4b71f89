"""Running statistics and the two modes: the figure, the layer, and what statistics says of both."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from models import analyses
from playwright.sync_api import expect
from stage import counted, drag, frame, get, slide, sound, to_their_ends

import batchnorm as bn
from batchnorm.figures import RunningFigure, controls
from batchnorm.figures.running import LARGEST
from batchnorm.reference import evaluate, update_running

OUTPUTS = ("mean", "var", "y_train", "y_eval", "mismatch")


def with_controls(figure):
    return controls(figure, step=(0, 59), batch=(1, 64), momentum=(0.0, 1.0), drift=(-1.0, 1.0))


# In Python ---------------------------------------------------------------------------------------


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


def test_evaluation_mode_is_diagonal():
    rng = np.random.default_rng(3)
    x, dy = rng.normal(size=(2, 4, 3))
    gamma, beta, mean, var = rng.uniform(0.5, 2, (4, 3))
    want = autograd.grad(lambda x: anp.sum(dy * (gamma * (x - mean) / anp.sqrt(var + 0.1) + beta)))(
        x
    )
    graph = bn.trace(evaluate, x=x, gamma=gamma, beta=beta, mean=mean, var=var, eps=0.1)
    run = graph.forward(x=x, gamma=gamma, beta=beta, mean=mean, var=var, eps=0.1)
    bn.compare("dx", run.backward(dy)["x"], want, 1e-12)
    bn.compare("dx", want, gamma * dy / np.sqrt(var + 0.1), 1e-12)


def test_update_running_forgets_at_the_rate_of_momentum():
    running = 0.0
    for _ in range(10):
        running = update_running(running, 1.0, momentum=0.2)
    assert running == pytest.approx(1 - 0.8**10)


def test_says_what_is_wrong():
    for name, value in dict(batch=0, momentum=1.1, step=-1, drift=1e4).items():
        with pytest.raises(ValueError, match=f"{name}: got {value}, want"):
            RunningFigure(**{name: value})


# The page's model, in Node.js --------------------------------------------------------------------


def random_settings(seed):
    rng = np.random.default_rng(seed)
    return dict(
        step=int(rng.integers(60)),
        batch=int(rng.integers(1, 65)),
        momentum=rng.uniform(),
        drift=rng.normal(),
        shift=rng.normal(),
        seed=seed,
    )


def test_the_page_agrees_with_python():
    figures = [RunningFigure(**s) for s in [*SETTINGS, *map(random_settings, range(20))]]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        for name in OUTPUTS:
            got, want = np.asarray(there["outputs"][name]), np.asarray(getattr(figure, name))
            assert got.shape == want.shape, name
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12, err_msg=name)


def test_every_step_of_the_stream_is_what_is_read_there():
    """All steps are computed in one pass; each is what Python finds for that step alone."""
    settings = dict(batch=5, momentum=0.3, drift=0.2)
    [there] = analyses(RunningFigure(**settings))
    for step in range(60):
        here = RunningFigure(step=step, **settings)
        got = [there["stream"][name][step] for name in ("mean", "var", "off", "truth")]
        assert got == pytest.approx([here.mean, here.var, here.mismatch, 0.2 * step], rel=1e-9)


def test_more_steps_than_there_are_read_the_last_one():
    [there] = analyses(RunningFigure(steps=4, step=9))
    assert there["outputs"]["mean"] == pytest.approx(RunningFigure(steps=4, step=3).mean)


# On the page -------------------------------------------------------------------------------------


def test_dragging_the_batch_moves_one_mode_only(show):
    figure = RunningFigure()
    page = show(figure)
    train, evaluation = get(page, figure, "y_train"), get(page, figure, "y_eval")
    knob = page.get_by_role("slider", name="the batch")
    drag(page, knob, -80)
    shift = get(page, figure, "shift")
    assert shift < -0.3
    np.testing.assert_allclose(get(page, figure, "y_train"), train, atol=1e-9)
    moved = np.array(get(page, figure, "y_eval")) - evaluation
    np.testing.assert_allclose(moved, shift / np.sqrt(figure.var + 1e-5), rtol=1e-6)
    with counted(page, analysis=1):
        knob.press("Shift+ArrowRight")
    expect(knob).to_have_attribute("aria-valuenow", f"{shift + 1:.6g}")
    expect(page.locator(".verdict")).to_contain_text("changes evaluation mode only")
    page.get_by_role("button", name="Put the batch back").click()
    expect(knob).to_have_attribute("aria-valuenow", "0")


def test_the_mismatch_is_a_length(show):
    """Each sample's two outputs are joined by a line as long as they are apart."""
    figure = RunningFigure()
    page = show(figure)
    lines = page.locator("path.alarm.strong")
    expect(lines).to_have_count(figure.batch)
    long = np.array([line.bounding_box()["width"] for line in lines.all()])
    dots = [page.locator(f"circle.ring{kind}").all() for kind in (".open", ":not(.open)")]
    left, right = ([dot.bounding_box()["x"] for dot in kind] for kind in dots)
    np.testing.assert_allclose(np.abs(np.subtract(right, left)), long, atol=4)
    apart = np.abs(np.subtract(figure.y_eval, figure.y_train))
    unit = long.sum() / apart.sum()
    order = np.argsort(RunningFigure().y_train)  # rows stand in the order of the samples
    np.testing.assert_allclose(long, unit * apart[order], atol=4)


def test_the_verdict_says_how_far_apart_and_why(show):
    figure = RunningFigure()
    page = show(with_controls(figure))
    off = 0.1 * 30 - figure.mean
    expect(page.locator(".verdict")).to_have_text(
        f"Step 30: the same samples come out {figure.mismatch:.2f} apart in the two modes "
        f"(root mean square); the running mean is {off:.2f} below the truth."
    )
    cells = page.locator(".numbers tr").nth(1).locator("td")
    expect(cells.first).to_have_text(f"{figure.mean:.3f}")
    slide(page, "samples per batch", 1)
    expect(page.locator(".verdict")).to_contain_text("a batch of one has variance 0")


def test_the_line_in_a_plot_chooses_the_step(show):
    figure = RunningFigure(shift=1.0)
    page = show(figure)
    line = page.get_by_role("slider", name="step", exact=True).first
    line.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuenow", "31")
    expect(page.get_by_role("slider", name="the batch")).to_have_attribute("aria-valuenow", "0")
    drag(page, line, 2000, inset=30)
    expect(line).to_have_attribute("aria-valuenow", "59")


@pytest.mark.parametrize("width", [1280, 360])
def test_controls_to_their_ends_cost_one_analysis_each(show, width):
    page = show(with_controls(RunningFigure()))
    page.set_viewport_size({"width": width, "height": 800})
    frame(page)
    for name, value in (("momentum", 0.7), ("samples per batch", 64), ("drift per step", 0.5)):
        with counted(page, analysis=1):
            slide(page, name, value)
    to_their_ends(page)
    assert sound(page)
