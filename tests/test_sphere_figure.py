"""Three samples on their circle: Python, the page and geometry agree; every move works."""

import re

import numpy as np
import pytest
from models import analyses
from playwright.sync_api import expect
from stage import counted, drag, get, put, resize, settle, slide, sound

import batchnorm as bn
from batchnorm.figures import SphereFigure, controls

X, DY = [2.1, -0.4, 0.9], [0.7, 1.4, -0.8]
ONE = np.ones(3) / np.sqrt(3)

each_case = pytest.mark.parametrize(
    ("x", "dy", "gamma", "eps"),
    [
        (X, DY, 1.0, 0.0),
        (X, DY, -1.7, 0.6),
        ([100.3, 100.1, 99.2], [0.1, 0.0, -3.0], 2.5, 1e-5),
        ([1.0, 1.0, 1.0], DY, 1.3, 0.5),
        ([1e-3, 0.0, -2e-3], DY, 0.4, 0.0),
    ],
)


# In Python ---------------------------------------------------------------------------------------


@each_case
def test_dx_is_the_layers(x, dy, gamma, eps):
    figure = SphereFigure(x, dy, gamma=gamma, eps=eps)
    y, cache = bn.forward(np.array(x)[:, None], [gamma], [0.7], eps)
    dx, _, _ = bn.backward(np.array(dy)[:, None], cache)
    np.testing.assert_allclose(figure.dx, dx[:, 0], rtol=1e-9, atol=1e-12 * np.abs(dx).max())
    np.testing.assert_allclose(figure.x_hat, (y[:, 0] - 0.7) / gamma, rtol=1e-9, atol=1e-12)


def test_equal_samples_without_eps_have_no_output():
    for x in ([1.0, 1.0, 1.0], [0.1 + 0.2, 0.3, 0.3], [0.0, 0.0, 0.0]):
        figure = SphereFigure(x, DY, eps=0)
        assert (figure.x_hat, figure.dx) == ([], [])
        figure.eps = 1e-5
        assert np.isfinite(figure.dx).all()
        assert len(figure.dx) == 3


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match="x: got 2 numbers, want three"):
        SphereFigure([1.0, 2.0], DY)
    with pytest.raises(ValueError, match="dy: got 4 numbers, want three"):
        SphereFigure(X, [1.0] * 4)
    with pytest.raises(ValueError, match="x: got"):
        SphereFigure([[1.0, 2.0, 3.0]], DY)
    with pytest.raises(ValueError, match="dy: got"):
        SphereFigure(X, [1.0, np.inf, 0.0])
    with pytest.raises(ValueError, match=r"eps: got -1\.0, want a number >= 0"):
        SphereFigure(X, DY, eps=-1)
    for name in ("gamma", "rate", "turn"):
        with pytest.raises(ValueError, match=f"{name}: got nan, want a finite number"):
            SphereFigure(X, DY, **{name: np.nan})
    with pytest.raises(ValueError, match="peeled: got 3, want 0 to 2"):
        SphereFigure(X, DY, peeled=3)
    figure = SphereFigure(X, DY)
    with pytest.raises(ValueError, match="trail: got 4 numbers"):
        figure.trail = [1.0] * 4


# The page's model, in Node.js --------------------------------------------------------------------

FRAME = np.array([[0, -1, 1] / np.sqrt(2), [2, -1, -1] / np.sqrt(6), ONE])


def drawn(seed):
    """A figure with everything drawn at random; every third with eps = 0."""
    rng = np.random.default_rng(seed)
    return SphereFigure(
        rng.normal(1, 2, 3),
        rng.normal(0.3, 1, 3),
        gamma=rng.uniform(-2, 2),
        eps=rng.uniform(0, 1) if seed % 3 else 0.0,
        rate=rng.uniform(0.1, 1),
    )


def test_the_page_agrees_with_python():
    cases = [
        (X, DY, -1.7, 0.6),
        ([100.3, 100.1, 99.2], [0.1, 0.0, -3.0], 2.5, 1e-5),
        ([1.0, 1.0, 1.0], DY, 1.3, 0.5),
        ([1e-3, 0.0, -2e-3], DY, 0.4, 0.0),
        ([1.0, 1.0, 1.0], DY, 1.3, 0.0),
    ]
    figures = [SphereFigure(x, dy, gamma=gamma, eps=eps) for x, dy, gamma, eps in cases]
    figures += [drawn(seed) for seed in range(30)]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        for name in ("x_hat", "dx"):
            bn.compare(name, there["outputs"][name], getattr(figure, name), 1e-9)


def test_dy_falls_into_what_mean_and_variance_remove_and_what_passes():
    figures = [drawn(seed) for seed in range(30)]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        x, dy = np.array(figure.x), np.array(figure.dy)
        u = (x - x.mean()) / np.linalg.norm(x - x.mean())
        share = x.var() / (x.var() + figure.eps)
        parts = {name: np.array(value) for name, value in there["parts"].items()}
        bn.compare("mean", parts["mean"], (ONE @ dy) * ONE, 1e-9)
        bn.compare("variance", parts["variance"], share * (u @ dy) * u, 1e-9)
        bn.compare("dy", sum(parts.values()), dy, 1e-9)
        s = np.sqrt(x.var() + figure.eps)
        bn.compare("dx", there["outputs"]["dx"], figure.gamma / s * parts["passes"], 1e-9)
        assert there["along"] == pytest.approx(abs(u @ dy))
        # In space the pieces stand one on the other, from x_hat to x_hat + dy
        chain = np.array(there["space"]["chain"])
        bn.compare("tip of dy", chain[-1], FRAME @ (np.array(figure.x_hat) + dy), 1e-9)
        bn.compare("passes", chain[1] - chain[0], FRAME @ parts["passes"], 1e-9)


def test_a_step_leaves_the_circle_outwards():
    figures = [drawn(3 * seed) for seed in range(10)]  # eps = 0
    for figure, there in zip(figures, analyses(*figures), strict=True):
        x, dx = np.array(figure.x), np.array(figure.dx)
        bn.compare("next", there["next"], x - figure.rate * dx, 1e-9)
        want = x.var() + figure.rate**2 * (dx @ dx) / 3
        assert there["variances"] == pytest.approx(dict(first=x.var(), now=x.var(), next=want))
        figure.trail = [1.0, 2.0, 4.0, *figure.x]
    for there in analyses(*figures):
        assert there["variances"]["first"] == pytest.approx(np.var([1.0, 2.0, 4.0]))
        assert there["space"]["trail"][0] == pytest.approx(FRAME @ [1.0, 2.0, 4.0])


# On the page -------------------------------------------------------------------------------------


def points(page, figure):
    """x and dy in the plane, [right, up], and along 1."""
    return [FRAME @ get(page, figure, name) for name in ("x", "dy")]


STEEP = np.cos(np.radians(24))  # of the side view: what is upright in space looks so much shorter


def pixel_of(page, view):
    """How far a pixel reaches in a view: the radius of the circle is √3."""
    circle = page.locator(f"[data-key='{view} unit circle']")
    return 2 * np.sqrt(3) / circle.evaluate("(node) => node.getBoundingClientRect().width")


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
@pytest.mark.parametrize("width", [1280, 360])
def test_drags(show, page, touch, width):
    page.emulate_media(reduced_motion="reduce")  # the scale is that of the values at once
    page.set_viewport_size({"width": width, "height": 900})
    figure = SphereFigure(X, DY)
    show(figure)
    x, dy = points(page, figure)
    pixel = pixel_of(page, "top")
    drag(page, "the centred batch, R", 20, 30, touch)
    x_in_plane, same_dy = points(page, figure)
    step = x_in_plane - x
    assert step[0] == pytest.approx(20 * pixel, rel=0.1)
    assert step[1] == pytest.approx(-1.5 * step[0], rel=0.1)
    assert step[2] == pytest.approx(0, abs=1e-12)
    assert same_dy == pytest.approx(dy)

    dx, pixel = get(page, figure, "dx"), pixel_of(page, "side")
    drag(page, "the batch along 1: its mean", 0, -25, touch)
    raised, _ = points(page, figure)
    far = 25 * pixel / STEEP
    assert 0.5 * far < raised[2] - x[2] < 1.1 * far  # on a phone it meets the edge of the view
    assert raised[:2] == pytest.approx(x_in_plane[:2])
    assert get(page, figure, "dx") == pytest.approx(dx, rel=1e-9)  # the mean does not matter

    pixel = pixel_of(page, "side")
    drag(page, "dy along 1", 0, -25, touch)
    _, higher = points(page, figure)
    assert higher[2] - dy[2] == pytest.approx(25 * pixel / STEEP, rel=0.1)
    assert get(page, figure, "dx") == pytest.approx(dx, rel=1e-9)  # nor this part of dy

    pixel = pixel_of(page, "top")
    drag(page, "dy in the plane", -30, 10, touch)
    _, pulled = points(page, figure)
    assert pulled[0] - dy[0] == pytest.approx(-30 * pixel, rel=0.1)
    assert pulled[1] < dy[1]
    assert pulled[2] == pytest.approx(higher[2])
    assert get(page, figure, "dx") != pytest.approx(dx, rel=1e-2)

    turn = get(page, figure, "turn")
    drag(page, "turn the view from the side", 60, 0, touch, inset=12)
    zoom = page.locator(".bn-picture svg").evaluate("(node) => node.getScreenCTM().a")
    assert get(page, figure, "turn") == pytest.approx(turn + 30 / zoom, abs=2)
    assert sound(page)


def test_keys(show):
    figure = SphereFigure(X, DY)
    page = show(figure)
    x, dy = points(page, figure)

    def press(name, *keys):
        handle = page.get_by_role("slider", name=name, exact=True)
        handle.focus()
        for key in keys:
            handle.press(key)
        return points(page, figure)

    got, _ = press("the centred batch, R", "ArrowRight", "ArrowRight", "ArrowDown")
    assert got - x == pytest.approx([0.2, -0.1, 0])
    got, _ = press("the batch along 1: its mean", "ArrowUp", "Shift+ArrowDown")
    assert got[2] - x[2] == pytest.approx(-0.9)
    _, got = press("dy in the plane", "ArrowLeft", "PageUp")
    assert got - dy == pytest.approx([-0.1, 1, 0])
    _, got = press("dy along 1", "ArrowUp")
    assert got[2] - dy[2] == pytest.approx(0.1)
    press("turn the view from the side", "ArrowLeft")
    assert get(page, figure, "turn") == pytest.approx(35)
    page.get_by_role("button", name="Reset").press("Enter")
    assert points(page, figure)[0] == pytest.approx(x)


def test_all_can_be_reached_with_the_tab_key(show):
    page = show(SphereFigure(X, DY))
    reached = []
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => document.activeElement.ariaLabel ?? document.activeElement.textContent"
            )
        )
    assert set(reached) >= {
        *("the centred batch, R", "the batch along 1: its mean", "dy in the plane", "dy along 1"),
        *("turn the view from the side", "Remove the mean’s part", "Take a step", "Reset"),
    }


def test_its_arrows_are_named_and_peeled_off_one_by_one(show):
    figure = SphereFigure()
    page = show(figure)
    page.emulate_media(reduced_motion="reduce")
    names = page.locator("svg text.label")
    for name in ("mean’s part", "variance’s part", "passes", "dy", "dx", "R = x − mean"):
        expect(names.get_by_text(name, exact=True).last).to_be_visible()
    expect(page.locator("path.mean.head, path.variance.head")).to_have_count(3)
    expect(page.locator(".verdict")).to_have_text(
        "The mean removes 1.33 of dy, the variance 1.10; 1.48 passes."
    )
    ends = [
        ("Remove the mean’s part", 2, "what is left of dy lies in the plane"),
        ("Remove the variance’s part", 0, "What passes is tangent to the circle"),
        ("Put both back", 3, "The mean removes 1.33"),
    ]
    for name, arrows, verdict in ends:
        with counted(page, analysis=1):
            page.get_by_role("button", name=name).click()
        expect(page.locator("path.mean.head, path.variance.head")).to_have_count(arrows)
        expect(page.locator(".verdict")).to_contain_text(verdict)
    assert page.locator("path.mean.head").get_attribute("d")


def test_no_two_arrows_share_a_colour_but_a_gradient_and_its_batch(show):
    page = show(SphereFigure())
    looks = page.locator("svg path.head").evaluate_all(
        "(heads) => heads.map((head) => getComputedStyle(head).fill)"
    )
    dashed = page.locator("svg path.gradient.dashed").count()
    assert dashed == 2  # dy is dashed, dx is not
    assert len(set(looks)) == 4  # mean, variance, what passes, dx


def test_a_row_has_the_colour_of_its_arrow(show):
    page = show(SphereFigure(unfolded=True))
    colour = "(node) => getComputedStyle(node)[node.tagName === 'path' ? 'fill' : 'color']"
    for row, part in (("mean removes", "mean"), ("variance removes", "variance"), ("dx", "dx")):
        cell = page.get_by_role("row", name=re.compile(f"^{row}")).get_by_role("cell").first
        arrow = page.locator(f"[data-key='side {part} head']")
        assert cell.evaluate(colour) == arrow.evaluate(colour)


def test_a_part_goes_away_in_sight_unless_motion_is_not_wanted(show):
    page = show(SphereFigure())
    watch = """() => {
      window.seen = 0;
      const svg = document.querySelector(".bn-picture svg");
      new MutationObserver(() => {
        seen += Boolean(svg.querySelector("[data-key='side mean going head']"));
      }).observe(svg, { subtree: true, childList: true, attributes: true });
    }"""
    page.evaluate(watch)
    page.get_by_role("button", name="Remove the mean’s part").click()
    page.wait_for_function("() => seen > 0")
    expect(page.locator("[data-key='side mean going head']")).to_have_count(0)
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Remove the variance’s part").click()
    page.get_by_role("button", name="Put both back").click()
    page.evaluate(watch)
    page.get_by_role("button", name="Remove the mean’s part").click()
    expect(page.locator("[data-key='side mean head'].cut")).to_have_count(1)
    assert page.evaluate("seen") == 0


def test_steps_and_reset(show):
    figure = SphereFigure(X, DY, rate=0.8)
    page = show(figure)
    x = np.array(X)
    for count in range(1, 4):
        dx = np.array(get(page, figure, "dx"))
        with counted(page, analysis=1):
            page.get_by_role("button", name="Take a step").click()
        bn.compare("x", get(page, figure, "x"), x - 0.8 * dx, 1e-9)
        bn.compare("trail", get(page, figure, "trail")[-3:], x, 1e-9)
        assert len(get(page, figure, "trail")) == 3 * count
        x = np.array(get(page, figure, "x"))
    expect(page.locator(".verdict")).to_have_text(
        "In 3 steps, outwards along tangents, the variance grew from "
        f"{np.var(X):.2f} to {x.var():.2f}."
    )
    with counted(page, analysis=1):
        page.get_by_role("button", name="Reset").click()
    settle(page, figure, X, "x")
    settle(page, figure, [], "trail")


def test_a_slider_costs_one_analysis(show):
    figure = SphereFigure(X, DY)
    page = show(controls(figure, gamma=(0.0, 3.0), eps=(0.0, 3.0)))
    with counted(page, analysis=1):
        slide(page, "scale γ", 2.5)
    with counted(page, analysis=1):
        slide(page, "ε", 1.5)
    bn.compare("dx", get(page, figure, "dx"), SphereFigure(X, DY, gamma=2.5, eps=1.5).dx, 1e-9)
    page.get_by_role("button", name="Remove the mean’s part").click()
    page.get_by_role("button", name="Remove the variance’s part").click()
    expect(page.locator(".verdict")).to_contain_text("With ε > 0 the variance removes")


EXTREMES = [
    dict(x=[1.0, 1.0, 1.0], eps=0.0),
    dict(x=[1.0, 1.0, 1.0], eps=1e-5),
    dict(x=[0.0, 0.0, 0.0], dy=[0.0, 0.0, 0.0], eps=0.0),
    dict(x=[1e6, -1e6, 0.0]),
    dict(x=[1e9, 1e9 + 1, 1e9]),
    dict(x=[1e-9, 0.0, 0.0], rate=1e6),
    dict(gamma=0.0),
    dict(dy=[0.0, 0.0, 0.0]),
    dict(dy=[1.0, 1.0, 1.0], eps=3.0),
    dict(dy=[1e8, -1e8, 0.0], gamma=-50.0),
    dict(turn=-180.0),
]


@pytest.mark.parametrize("changes", EXTREMES, ids=str)
def test_extremes_stay_readable(show, page, changes):
    figure = SphereFigure(X, DY)
    show(controls(figure, gamma=(0.0, 3.0), eps=(0.0, 3.0), rate=(0.0, 3.0)))
    for name, value in changes.items():
        put(page, figure, value, name)
    page.get_by_role("button", name="Remove the mean’s part").click()
    for _ in range(3):
        page.get_by_role("button", name="Take a step").click()
    for width in (1280, 360, 320):
        resize(page, width, 800)
        assert sound(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_equal_samples_are_said_in_words_and_can_be_left(show):
    figure = SphereFigure([1.0, 1.0, 1.0], DY)
    page = show(figure)
    why = "the variance is 0, so x̂ and dx are not defined"
    expect(page.locator(".verdict")).to_contain_text(why)
    page.get_by_role("slider", name="the centred batch, R", exact=True).press("ArrowRight")
    expect(page.locator(".verdict")).to_contain_text("removes")
    assert len(get(page, figure, "dx")) == 3


def test_handles_say_the_current_numbers(show):
    figure = SphereFigure([2.0, 0.0, 1.0], [0.5, -1.0, 0.25])
    page = show(figure)
    handle = page.get_by_role("slider", name="the batch along 1: its mean", exact=True)
    expect(handle).to_have_attribute("aria-valuetext", "mean 1.00, x = (2.00, 0, 1.00)")
    put(page, figure, [3.0, 0.0, 1.5], "x")
    expect(handle).to_have_attribute("aria-valuetext", "mean 1.50, x = (3.00, 0, 1.50)")
    dy = page.get_by_role("slider", name="dy in the plane", exact=True)
    expect(dy).to_have_attribute("aria-valuetext", "dy = (0.50, −1.00, 0.25)")


def test_a_finger_scrolls_the_page_over_the_ground_but_not_over_a_handle(show, page):
    page.set_viewport_size({"width": 360, "height": 500})
    figure = SphereFigure(X, DY)
    show(figure)
    turn = get(page, figure, "turn")
    drag(page, "turn the view from the side", 4, -80, touch=True, inset=12)
    assert page.evaluate("scrollY") > 20
    assert get(page, figure, "turn") == pytest.approx(turn, abs=3)
    handle = page.get_by_role("slider", name="the centred batch, R", exact=True)
    handle.scroll_into_view_if_needed()
    before, x = page.evaluate("scrollY"), get(page, figure, "x")
    drag(page, "the centred batch, R", 4, 60, touch=True)
    assert page.evaluate("scrollY") == before
    assert get(page, figure, "x") != pytest.approx(x, abs=0.3)
