"""Two weights under batch norm: Python, page and layer agree; every move works; no NaN."""

import re

import numpy as np
import pytest
from models import analyses
from playwright.sync_api import expect
from stage import counted, drag, frame, get, put, settle, slide, sound

import batchnorm as bn
from batchnorm.figures import WeightSpaceFigure, controls

OUTPUTS = WeightSpaceFigure.outputs
CASES = [
    {},
    dict(step=30, correlation=0.7, rate=0.8),
    dict(step=60, correlation=-0.99, rate=0.5, w=(0.3, -2.0)),
    dict(step=40, correlation=0.5, rate=3.0, eps=0.4, decay=0.05),
    dict(step=3, rate=1e4),
    dict(step=100, rate=1e4, decay=0.5),
    dict(w=(0.0, 0.0), step=5),
    dict(w=(0.0, 0.0), eps=0.2, step=5),
]


def inputs_of(figure):
    """Inputs with the figure's covariance, made another way; t, gamma and beta."""
    values, axes = np.linalg.eigh([[1, figure.correlation], [figure.correlation, 1]])
    x = np.array(figure.samples) @ (axes * np.sqrt(values) @ axes.T)
    t = x @ figure.optimum
    return x, t, t.std(), t.mean()


def gradients(figure, w):
    """The loss and the gradient at w with batch norm, then without, by the fast layer."""
    x, t, gamma, beta = inputs_of(figure)
    y, cache = bn.forward((x @ w)[:, None], np.array([gamma]), np.array([beta]), figure.eps)
    errors = [y[:, 0] - t, x @ w - t]
    dz = bn.backward(errors[0][:, None] / len(x), cache)[0][:, 0]
    slopes = [x.T @ dz, x.T @ errors[1] / len(x)]
    return [(e @ e / 2 / len(x), slope) for e, slope in zip(errors, slopes, strict=True)]


# In Python ---------------------------------------------------------------------------------------


def test_samples_have_the_covariance_they_claim():
    figure = WeightSpaceFigure(correlation=0.6)
    x, *_ = inputs_of(figure)
    assert np.allclose(x.mean(axis=0), 0)
    assert np.allclose(np.cov(x.T, bias=True), [[1, 0.6], [0.6, 1]])
    graph = figure._graphs["data"]
    given = dict(samples=np.array(figure.samples), correlation=0.6)
    got = graph.forward(**given, optimum=np.array([[1.5], [0.5]])).output
    for value, want in zip(got, inputs_of(figure), strict=True):
        assert np.allclose(np.ravel(value), np.ravel(want), atol=1e-12)


@pytest.mark.parametrize("case", [c for c in CASES if c.get("w", (1,))[0] or "eps" in c])
def test_the_last_point_agrees_with_the_layer(case):
    figure = WeightSpaceFigure(**case)
    assert len(figure.path) == figure.step + 1 or figure.rate * figure.decay > 2
    (loss, slope), _ = gradients(figure, np.array(figure.path[-1]))
    _, (plain_loss, plain_slope) = gradients(figure, np.array(figure.plain_path[-1]))
    assert figure.loss == pytest.approx(loss, rel=1e-9, abs=1e-12)
    assert figure.plain_loss == pytest.approx(plain_loss, rel=1e-9, abs=1e-12)
    assert bn.compare("gradient", figure.gradient, slope, 1e-9)
    assert bn.compare("plain gradient", figure.plain_gradient, plain_slope, 1e-9)


def test_the_path_is_the_rule():
    figure = WeightSpaceFigure(step=12, correlation=0.5, rate=1.5, decay=0.1, eps=0.1)
    for kind, path in enumerate([figure.path, figure.plain_path]):
        for w, after in zip(np.array(path), np.array(path)[1:], strict=False):
            want = w - 1.5 * (gradients(figure, w)[kind][1] + 0.1 * w)
            assert np.allclose(after, want, atol=1e-10)


def test_the_optimum_is_one_and_any_length_of_it():
    for scale in (0.1, 1, 40):
        figure = WeightSpaceFigure(w=(1.5 * scale, 0.5 * scale), correlation=0.8)
        assert abs(figure.loss) < 1e-12
        assert np.abs(figure.gradient).max() < 1e-7
    assert figure.plain_loss > 1


def test_where_nothing_is_defined():
    figure = WeightSpaceFigure(w=(0, 0), step=9)
    assert (figure.loss, figure.gradient, figure.path) == (None, [], [[0, 0]])
    assert len(figure.plain_path) == 10
    figure.eps = 0.1
    assert figure.loss > 0
    assert len(figure.path) == 10
    far = WeightSpaceFigure(rate=1e200, step=100)
    assert (far.path, far.plain_path) == ([[-1, 0.2]], [[-1, 0.2]])
    assert far.loss > 1
    plain = WeightSpaceFigure(rate=1e4, step=100)
    assert len(plain.path) == 101
    assert 10 < len(plain.plain_path) < 101
    assert np.abs(plain.plain_path).max() <= 1e150


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (dict(w=(1, 2, 3)), "w: got 3 numbers, want two"),
        (dict(w=(1, np.inf)), "w: got"),
        (dict(w=(1, 1e200)), "w: got .*want at most 1e[+]150"),
        (dict(optimum=(0, 0)), r"optimum: got \(0, 0\)"),
        (dict(correlation=1.0), "correlation: got 1.0"),
        (dict(rate=-1), "rate: got -1"),
        (dict(decay=np.nan), "decay: got nan"),
        (dict(eps=-0.1), "eps: got -0.1"),
        (dict(steps=501), "steps: got 501"),
        (dict(step=-1), "step: got -1"),
        (dict(samples=np.ones((4, 3))), r"samples: got shape \(4, 3\)"),
        (dict(samples=np.ones((4, 2))), "samples: got points on one line"),
    ],
)
def test_says_what_is_wrong(parameters, message):
    with pytest.raises(ValueError, match=message):
        WeightSpaceFigure(**parameters)


# The page's model, in Node.js --------------------------------------------------------------------

EXTREMES = [
    dict(rate=1e300, step=100),
    dict(rate=0.0, step=100),
    dict(w=(1e6, -1e6), eps=1.0),
    dict(w=(1e-6, 0.0), step=50),
    dict(rate=1e4, decay=0.5, correlation=0.99, step=100),
    dict(decay=100.0, step=100),
    dict(correlation=0.999, step=500, steps=500, rate=100.0),
    dict(steps=1, step=1),
]


def drawn(seed):
    """A figure with everything drawn at random; every third with eps = 0 and no decay."""
    rng = np.random.default_rng(seed)
    return WeightSpaceFigure(
        rng.normal(size=2),
        rng.normal(1, 1, 2),
        rate=rng.uniform(0.1, 1),
        correlation=rng.uniform(-0.8, 0.8),
        eps=rng.uniform(0.05, 1) if seed % 3 else 0.0,
        decay=rng.uniform(0, 0.2) if seed % 3 else 0.0,
        step=int(rng.integers(0, 30)),
    )


def test_the_page_agrees_with_python():
    figures = [WeightSpaceFigure(**case) for case in [*CASES, *EXTREMES]]
    figures += [drawn(seed) for seed in range(10)]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        for name in OUTPUTS:
            got, here = there["outputs"][name], getattr(figure, name)
            assert np.shape(got) == np.shape(here), name
            if here is None:
                assert got is None
            elif np.size(here):
                got, here = np.array(got, float), np.array(here)
                assert np.abs(got - here).max() <= 1e-9 * max(np.abs(here).max(), 1e-3), name


def test_a_step_adds_up():
    figures = [drawn(seed) for seed in range(12)]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        for kind in ("normal", "plain"):
            change = there["now"][kind]["change"]
            w = np.array([point["w"] for point in there["paths"][kind]])
            parts = [change[name] for name in ("from", "gradient", "along", "decay")]
            assert sum(parts) == pytest.approx(change["to"])
            assert change["to"] == pytest.approx((w[figure.step + 1] ** 2).sum())
        norms = np.linalg.norm([point["w"] for point in there["paths"]["normal"]], axis=1)
        here = there["now"]["normal"]
        assert here["norm"] == pytest.approx(norms[figure.step])
        if figure.eps == 0:
            assert (np.diff(norms) >= -1e-12 * norms[1:]).all()
            assert change_along(here) == 0
            assert here["turn"] == pytest.approx(90) or np.abs(here["gradient"]).max() < 1e-9


def change_along(here):
    return here["change"]["along"]


def test_the_forms_are_the_variance_and_the_plain_loss():
    figures = [drawn(seed) for seed in range(8)]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        x, t, *_ = inputs_of(figure)
        w = np.array([0.7, -1.3])
        a, b, c = np.transpose([there["forms"][name] for name in ("variance", "loss")])
        got = a * w[0] ** 2 + 2 * b * w[0] * w[1] + c * w[1] ** 2
        error = x @ (np.array(figure.optimum) + w) - t
        assert got == pytest.approx([np.var(x @ w), (error**2).mean() / 2])
        assert there["variance"] == pytest.approx(np.var(x @ np.array(figure.path[-1])))


def test_along_a_contour_the_loss_is_one():
    figures = [drawn(seed) for seed in (0, 3, 6, 1, 2)]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        least = [gradients(figure, np.array(p))[0][0] for p in ([1, 0], [0, 1], [-1, 0], [0, -1])]
        size = np.ptp(least)
        for contour in there["contours"]:
            ends = np.array(re.findall(r"[-.\d]+", contour["d"]), float).reshape(-1, 2, 2)
            points = ends.mean(axis=1) / 4000 * (there["reach"] if figure.eps else 1)
            points = [p for p in points if np.linalg.norm(p) > 0.3]
            assert points
            losses = [gradients(figure, p)[0][0] for p in points]
            assert np.ptp(losses) < 0.03 * size


def test_the_scale_stands_still_while_one_steps():
    figures = [WeightSpaceFigure(step=step, correlation=0.5) for step in (0, 3, 50, 100)]
    assert len({there["reach"] for there in analyses(*figures)}) == 1
    near, far = analyses(*[WeightSpaceFigure(step=step, rate=100) for step in (0, 1)])
    assert far["reach"] > 2 * near["reach"]


# On the page -------------------------------------------------------------------------------------


def test_former_lengths_stay_as_circles_on_axes_that_do_not_move(show):
    figure = WeightSpaceFigure(correlation=0.5)
    page = show(controls(figure, step=(0, 100)))
    ghosts = page.locator("circle.ghost")
    expect(ghosts).to_have_count(0)
    ticks = page.locator("svg svg text.faded").all_text_contents()
    assert {"1", "−1"} <= set(ticks)
    for step, count in ((1, 1), (3, 3), (4, 3)):
        with counted(page, analysis=1):
            slide(page, "step", step)
        expect(ghosts).to_have_count(count)
        assert page.locator("svg svg text.faded").all_text_contents() == ticks
    sizes = [float(r) for r in ghosts.evaluate_all("(all) => all.map((c) => c.getAttribute('r'))")]
    assert max(sizes) < float(page.locator("circle.round").get_attribute("r"))
    fading = ghosts.evaluate_all(
        "(all) => all.map((c) => Number(c.getAttribute('stroke-opacity')))"
    )
    assert fading == sorted(fading, reverse=True)
    expect(page.locator(".verdict")).to_contain_text("In 4 steps ‖w‖ only grew, from 1.02 to 1.51")


def test_the_gradient_s_head_is_in_view(show):
    page = show(WeightSpaceFigure(correlation=0.5, step=4))
    for panel in page.locator("svg svg").all():
        head = panel.locator("path.gradient.head").bounding_box()
        box = panel.locator("rect.grid").bounding_box()
        assert head["x"] > box["x"]
        assert head["y"] > box["y"]
        assert head["x"] + head["width"] < box["x"] + box["width"]
        assert head["y"] + head["height"] < box["y"] + box["height"]


def test_w_is_dragged_in_both_panels_and_snaps_to_zero(show):
    figure = WeightSpaceFigure(step=4)
    page = show(figure)
    knobs = page.get_by_role("slider", name="w at the start")
    expect(knobs).to_have_count(2)
    for k in range(2):
        before = get(page, figure, "w")
        drag(page, knobs.nth(k), 40, 30)
        after = get(page, figure, "w")
        unit = 40 / (after[0] - before[0])
        assert unit > 0
        assert after[1] - before[1] == pytest.approx(-30 / unit, abs=1e-3)
        assert get(page, figure, "step") == 0
    box = page.locator("svg svg rect.grid").first.bounding_box()
    spot = knobs.first.locator(".target").bounding_box()
    to = [
        (box[a] + box[b] / 2) - (spot[a] + spot[b] / 2)
        for a, b in (("x", "width"), ("y", "height"))
    ]
    drag(page, knobs.first, to[0] + 2, to[1] - 2)
    assert get(page, figure, "w") == [0, 0]
    expect(page.locator(".verdict")).to_contain_text("batch norm divides 0 by 0")
    assert sound(page)


def test_keys_and_buttons_move_w_and_the_step(show):
    figure = WeightSpaceFigure(w=(0.3, -0.1))
    page = show(figure)
    page.get_by_role("slider", name="w at the start").first.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowUp"):
        with counted(page, analysis=1):
            page.keyboard.press(key)
    settle(page, figure, [0, 0], "w")  # not 3e-17: steps of 0.1 meet 0
    page.keyboard.press("Shift+ArrowRight")
    settle(page, figure, [1, 0], "w")
    page.get_by_role("slider", name="step").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageUp")
    settle(page, figure, 11, "step")
    page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="Step", exact=True).click()
    with counted(page, analysis=1):
        page.get_by_role("button", name="Step", exact=True).click()
    settle(page, figure, 12, "step")
    expect(page.locator(".verdict")).to_contain_text("In 12 steps")
    assert len(get(page, figure, "path")) == 13
    drag(page, page.get_by_role("slider", name="step").nth(1), 50, 0)
    assert get(page, figure, "step") > 12
    page.get_by_role("button", name="To the start").click()
    settle(page, figure, 0, "step")


def test_a_finger_drags_w(show, page):
    page.set_viewport_size({"width": 360, "height": 740})
    figure = WeightSpaceFigure()
    show(figure)
    drag(page, page.get_by_role("slider", name="w at the start").first, 45, 25, touch=True)
    assert get(page, figure, "w") != [-1, 0.2]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("width", [1280, 320])
def test_no_extreme_breaks_it(show, page, width):
    page.set_viewport_size({"width": width, "height": 800})
    figure = WeightSpaceFigure()
    show(figure)
    start = {name: getattr(figure, name) for name in figure.inputs}
    for case in [*CASES, *EXTREMES]:
        for name, value in (start | case).items():
            put(page, figure, list(value) if name == "w" else value, name)
        frame(page)
        assert sound(page), case
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, case


def test_the_table_tells_a_right_angle_and_a_sum(show):
    figure = WeightSpaceFigure(correlation=0.5, step=2, unfolded=True)
    page = show(figure)
    w, g = np.array(figure.path[-1]), np.array(figure.gradient)
    first, table = page.locator(".lead"), page.locator(".report")
    angle = first.get_by_role("row", name=re.compile("angle to w"))
    expect(angle).to_contain_text("90.0°")
    expect(table.get_by_role("row", name=re.compile("now"))).to_contain_text(f"{w @ w:.3f}")
    grown = w @ w + figure.rate**2 * (g @ g)
    expect(table.get_by_role("row", name=re.compile("next"))).to_contain_text(f"{grown:.3f}")
    lengths = first.get_by_role("row", name=re.compile("→ next"))
    expect(lengths).to_contain_text(f"{np.sqrt(w @ w):.2f} → {np.sqrt(grown):.2f}")
    put(page, figure, 0.5, "eps")
    expect(angle.locator("td").first).not_to_have_text("90.0°")


def test_a_slider_costs_one_analysis(show):
    figure = WeightSpaceFigure()
    page = show(controls(figure, correlation=(-0.99, 0.99), eps=(0.0, 1.0), rate=(0.0, 2.0)))
    for name, value in (("correlation", 0.9), ("ε", 0.3), ("learning rate", 1.5)):
        with counted(page, analysis=1):
            slide(page, name, value)
    assert get(page, figure, "correlation") == pytest.approx(0.9, abs=0.1)
    expect(page.locator("svg text.title").first).to_contain_text("ε > 0 bends the rays")
