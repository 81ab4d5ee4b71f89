"""Three samples on their circle: Python, the page and geometry agree; every move works."""

import re

import numpy as np
import pytest
from stage import drag, frame, get, put, sound, words

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
    figure = SphereFigure(X, DY)
    with pytest.raises(ValueError, match="trail: got 4 numbers"):
        figure.trail = [1.0] * 4


# In the page -------------------------------------------------------------------------------------


@each_case
def test_the_page_agrees_with_python(show, x, dy, gamma, eps):
    figure = SphereFigure()
    page = show(figure)
    for name, value in dict(x=x, dy=dy, gamma=gamma, eps=eps).items():
        put(page, figure, value, name)
    here = SphereFigure(x, dy, gamma=gamma, eps=eps)
    for name in ("x_hat", "dx"):
        got, want = get(page, figure, name), getattr(here, name)
        assert len(got) == 3
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * np.abs(want).max())


def told_lengths(text):
    """From the words: dy along 1, dy along x_hat, what goes through, dx."""
    found = re.search(
        r"dy = .*?: (\S+) of it along 1 .*?, (\S+) of it along x̂ is taken away(?:, \S+ stays)?\. "
        r"What goes through has length (\S+); .* dx = .*of length (\d\S*)\.(?:\s|$)",
        text,
    )
    return [float(v.replace("−", "-")) for v in found.groups()]


@pytest.mark.parametrize("eps", [0.0, 0.6])
def test_the_words_tell_the_three_parts_of_dy(show, eps):
    figure = SphereFigure(X, DY, eps=eps, gamma=1.5)
    page = show(figure)
    x, dy = np.array(X), np.array(DY)
    u = (x - x.mean()) / np.linalg.norm(x - x.mean())
    taken = x.var() / (x.var() + eps)
    parts = [(ONE @ dy) * ONE, taken * (u @ dy) * u]
    through = dy - sum(parts)
    want = [*map(np.linalg.norm, [*parts, through, 1.5 / np.sqrt(x.var() + eps) * through])]
    text = page.locator(".readout").nth(1).text_content()
    np.testing.assert_allclose(told_lengths(text), want, atol=6e-4)
    assert ("stays" in text) == (eps > 0)


def points(page, figure):
    """x and dy in the plane, [right, up], and along 1."""
    frame = np.array([[0, -1, 1] / np.sqrt(2), [2, -1, -1] / np.sqrt(6), ONE])
    return [frame @ get(page, figure, name) for name in ("x", "dy")]


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
@pytest.mark.parametrize("width", [1280, 360])
def test_drags(show, page, touch, width):
    page.set_viewport_size({"width": width, "height": 900})
    figure = SphereFigure(X, DY)
    show(figure)
    x, dy = points(page, figure)
    drag(page, "the centred batch, R", 20, 30, touch)
    x_in_plane, same_dy = points(page, figure)
    step = x_in_plane - x
    assert step[0] > 0.2
    assert step[1] == pytest.approx(-1.5 * step[0], rel=0.1)
    assert step[2] == pytest.approx(0, abs=1e-12)
    assert same_dy == pytest.approx(dy)

    dx = get(page, figure, "dx")
    drag(page, "the batch along 1: its mean", 0, -25, touch)
    raised, _ = points(page, figure)
    assert raised[2] > x[2] + 0.2
    assert raised[:2] == pytest.approx(x_in_plane[:2])
    assert get(page, figure, "dx") == pytest.approx(dx, rel=1e-9)  # the mean does not matter

    drag(page, "dy along 1", 0, -25, touch)
    _, higher = points(page, figure)
    assert higher[2] > dy[2] + 0.2
    assert get(page, figure, "dx") == pytest.approx(dx, rel=1e-9)  # nor this part of dy

    drag(page, "dy in the plane", -30, 10, touch)
    _, pulled = points(page, figure)
    assert pulled[0] < dy[0] - 0.2
    assert pulled[1] < dy[1]
    assert pulled[2] == pytest.approx(higher[2])
    assert get(page, figure, "dx") != pytest.approx(dx, rel=1e-2)

    turn = get(page, figure, "turn")
    drag(page, "turn the view from the side", 60, 0, touch, inset=12)
    assert get(page, figure, "turn") == pytest.approx(turn + 30, abs=2)
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
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => document.activeElement.ariaLabel ?? document.activeElement.textContent"
            )
        )
    assert set(reached) == {
        *("the centred batch, R", "the batch along 1: its mean", "dy in the plane", "dy along 1"),
        *("turn the view from the side", "Take a step", "Reset"),
    }


def test_steps_leave_the_circle_outwards(show):
    figure = SphereFigure(X, DY, rate=0.8)
    page = show(figure)
    x = np.array(X)
    for count in range(1, 5):
        frame(page)
        told = page.locator(".readout").nth(2).text_content()
        dx = np.array(get(page, figure, "dx"))
        page.get_by_role("button", name="Take a step").click()
        new = np.array(get(page, figure, "x"))
        assert new == pytest.approx(x - 0.8 * dx, rel=1e-9)
        assert new.mean() == pytest.approx(np.mean(X))
        assert new.var() == pytest.approx(x.var() + 0.8**2 * (dx @ dx) / 3, rel=1e-9)
        assert told.endswith(f"σ² grows: {x.var():.3f} → {new.var():.3f}.")
        assert get(page, figure, "trail")[-3:] == pytest.approx(x)
        assert len(get(page, figure, "trail")) == 3 * count
        x = new
    page.get_by_role("button", name="Reset").click()
    assert get(page, figure, "x") == X
    assert get(page, figure, "trail") == []


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


@pytest.mark.parametrize("width", [1280, 360, 320])
@pytest.mark.parametrize("changes", EXTREMES, ids=str)
def test_extremes_stay_readable(show, page, changes, width):
    page.set_viewport_size({"width": width, "height": 800})
    figure = SphereFigure(X, DY)
    show(controls(figure, gamma=(0.0, 3.0), eps=(0.0, 3.0), rate=(0.0, 3.0)))
    for name, value in changes.items():
        put(page, figure, value, name)
    for _ in range(3):
        page.get_by_role("button", name="Take a step").click()
    frame(page)
    assert sound(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_equal_samples_are_said_in_words_and_can_be_left(show):
    figure = SphereFigure([1.0, 1.0, 1.0], DY)
    page = show(figure)
    assert "the variance is 0, so x̂ and dx are not defined" in words(page)
    page.get_by_role("slider", name="the centred batch, R", exact=True).press("ArrowRight")
    frame(page)
    assert "not defined" not in words(page)
    assert len(get(page, figure, "dx")) == 3


def test_handles_say_the_current_numbers(show):
    figure = SphereFigure([2.0, 0.0, 1.0], [0.5, -1.0, 0.25])
    page = show(figure)
    handle = page.get_by_role("slider", name="the batch along 1: its mean", exact=True)
    assert handle.get_attribute("aria-valuetext") == "mean 1.00, x = (2.00, 0, 1.00)"
    put(page, figure, [3.0, 0.0, 1.5], "x")
    frame(page)
    assert handle.get_attribute("aria-valuetext") == "mean 1.50, x = (3.00, 0, 1.50)"
    dy = page.get_by_role("slider", name="dy in the plane", exact=True)
    assert dy.get_attribute("aria-valuetext") == "dy = (0.50, −1.00, 0.25)"


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
