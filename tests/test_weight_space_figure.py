"""Two weights under batch norm: Python, page and layer agree; every move works; no NaN."""

import numpy as np
import pytest
from stage import drag, frame, get, put, sound, write

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
    assert bn.agree("gradient", figure.gradient, slope, 1e-9)
    assert bn.agree("plain gradient", figure.plain_gradient, plain_slope, 1e-9)


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
    assert (far.path, far.plain_path) == ([[-1.2, 1.6]], [[-1.2, 1.6]])
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


# On the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_page_agrees_with_python(show, case):
    figure = WeightSpaceFigure()
    page = show(figure)
    for name, value in case.items():
        put(page, figure, list(value) if name == "w" else value, name)
    want = WeightSpaceFigure(**case)
    for name in OUTPUTS:
        got, here = get(page, figure, name), getattr(want, name)
        assert np.shape(got) == np.shape(here), name
        if here is None:
            assert got is None
        elif np.size(here):
            got, here = np.array(got, float), np.array(here)
            assert np.abs(got - here).max() <= 1e-9 * max(np.abs(here).max(), 1e-3), name


def test_w_is_dragged_in_both_panels_and_snaps_to_zero(show):
    figure = WeightSpaceFigure(step=4)
    page = show(figure)
    knobs = page.get_by_role("slider", name="w at the start")
    assert knobs.count() == 2
    for k in range(2):
        before = get(page, figure, "w")
        drag(page, knobs.nth(k), 40, 30)
        after = get(page, figure, "w")
        unit = 40 / (after[0] - before[0])
        assert unit > 0
        assert after[1] - before[1] == pytest.approx(-30 / unit, abs=1e-3)
        assert get(page, figure, "step") == 0
    page.locator("svg").first.scroll_into_view_if_needed()
    box = page.locator("svg").first.bounding_box()
    panel = page.locator("svg svg").first
    box |= {name: float(panel.get_attribute(name)) for name in ("width", "height")}
    box["y"] += float(panel.get_attribute("y"))
    spot = knobs.first.bounding_box()
    to = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    drag(
        page,
        knobs.first,
        to[0] - spot["x"] - spot["width"] / 2 + 2,
        to[1] - spot["y"] - spot["height"] / 2 - 2,
    )
    assert get(page, figure, "w") == [0, 0]
    assert "divides 0 by 0" in page.inner_text("body")
    assert sound(page)


def test_keys_move_w_and_the_step(show):
    figure = WeightSpaceFigure(w=(0.3, -0.1))
    page = show(figure)
    page.get_by_role("slider", name="w at the start").first.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    assert get(page, figure, "w") == [0, 0]  # not 3e-17: steps of 0.1 meet 0
    page.keyboard.press("Shift+ArrowRight")
    assert get(page, figure, "w") == [1, 0]
    page.get_by_role("slider", name="step").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageUp")
    assert get(page, figure, "step") == 11
    page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="Step", exact=True).click()
    page.get_by_role("button", name="Step", exact=True).click()
    assert get(page, figure, "step") == 12
    frame(page)
    assert "Step 12:" in page.inner_text("body")
    assert len(get(page, figure, "path")) == 13
    drag(page, page.get_by_role("slider", name="step").nth(1), 50, 0)
    assert get(page, figure, "step") > 12
    page.get_by_role("button", name="To the start").click()
    assert get(page, figure, "step") == 0


def test_a_finger_drags_w(browser, tmp_path):
    figure = WeightSpaceFigure()
    context = browser.new_context(has_touch=True, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(write(tmp_path, figure).as_uri())
    page.evaluate("() => bnHost.ready")
    box = page.get_by_role("slider", name="w at the start").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = context.new_cdp_session(page)
    for kind, points in [
        ("touchStart", [dict(x=x, y=y)]),
        ("touchMove", [dict(x=x + 20, y=y + 12)]),
        ("touchMove", [dict(x=x + 45, y=y + 25)]),
        ("touchEnd", []),
    ]:
        session.send("Input.dispatchTouchEvent", dict(type=kind, touchPoints=points))
    assert get(page, figure, "w") != [-1.2, 1.6]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    context.close()


@pytest.mark.parametrize(
    "case",
    [
        *CASES,
        dict(rate=1e300, step=100),
        dict(rate=0.0, step=100),
        dict(w=(1e6, -1e6), eps=1.0),
        dict(w=(1e-6, 0.0), step=50),
        dict(rate=1e4, decay=0.5, correlation=0.99, step=100),
        dict(decay=100.0, step=100),
        dict(correlation=0.999, step=500, steps=500, rate=100.0),
        dict(steps=1, step=1),
    ],
)
def test_no_extreme_breaks_it(show, case):
    page = show(WeightSpaceFigure(**case))
    for width in (1280, 360, 320):
        page.set_viewport_size({"width": width, "height": 800})
        frame(page)
        frame(page)
        assert sound(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_at_zero_eps_the_words_are_a_right_angle_and_a_sum(show):
    figure = WeightSpaceFigure(correlation=0.5, rate=2.0)
    page = show(figure)
    w, g = np.array(figure.w), np.array(figure.gradient)
    told = page.inner_text("body")
    assert "at 90.0° to w" in told
    assert f"from {w @ w:.3f} to {w @ w + 4 * g @ g:.3f}" in told
    put(page, figure, 0.5, "eps")
    frame(page)
    told = page.inner_text("body")
    assert "at 90.0° to w" not in told
    assert "from its part along w" in told


def test_contours_are_rays_until_eps_bends_them(show):
    figure = WeightSpaceFigure(correlation=0.4)
    page = show(figure)

    def bend():
        """How far the ends of a contour's segments are from a line through the origin."""
        return page.evaluate(
            """() => Math.max(...[...document.querySelector('svg svg').querySelectorAll('.contour')]
              .flatMap((path) => path.getAttribute('d').split('M').slice(1).map((part) => {
                const box = path.closest('svg').viewBox.baseVal;
                const [a, b] = part.split('L').map((p) => p.split(',').map(Number))
                  .map(([x, y]) => [x - box.x - box.width / 2, y - box.y - box.height / 2]);
                const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
                return length ? Math.abs(a[0] * b[1] - a[1] * b[0]) / length : 0;
              })))"""
        )

    assert page.locator("svg svg").first.locator(".contour").count() > 0
    assert bend() < 1
    put(page, figure, 1.0, "eps")
    frame(page)
    assert bend() > 5


def test_controls_move_it(show):
    figure = WeightSpaceFigure()
    page = show(controls(figure, correlation=(-0.99, 0.99), step=(0, 100)))
    page.locator("input[type=range]").nth(1).fill("20")
    page.locator("input[type=range]").first.fill("0.9")
    frame(page)
    assert len(get(page, figure, "path")) == 21
    assert get(page, figure, "correlation") == pytest.approx(0.9, abs=0.1)
