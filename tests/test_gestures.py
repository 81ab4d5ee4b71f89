"""Hands on figures and controls: the ends by key, and a scroll that is no drag."""

import ipywidgets as widgets
import numpy as np
import pytest
from drawn import draw
from stage import frame, get, put, write
from test_goldens import STATES, descent

import batchnorm as bn

# In a plane the ends are its edges: the one value, for screen readers, is a length or an angle.
# Those of an entry of a matrix are those of its row.
PLANES = {"w at the start", "the centred batch, R", "dy in the plane", "entry of the Jacobian"}


def sliders(figure, *actions):
    """Every handle of a figure by its label."""
    nodes = draw(figure, *actions).root.walk()
    return {e["aria-label"]: e for e in nodes if e.attributes.get("role") == "slider"}


@pytest.mark.parametrize("name", STATES)
def test_home_and_end_go_to_the_ends(name):
    start = next(iter(STATES[name].values()))
    for label, handle in sliders(*start()).items():
        if handle.attributes.get("aria-hidden") == "true":
            continue
        values = []
        for key in ("Home", "End"):
            press = (label, "keydown", {"key": key, "shiftKey": False})
            now = sliders(*start(), press)[label]
            values.append(now["aria-valuenow"])
            if label not in PLANES:
                end = handle["aria-valuemin" if key == "Home" else "aria-valuemax"]
                assert values[-1] == pytest.approx(end, rel=0.02), (label, key)
        assert values[0] < values[1] or label in PLANES or values[0] == values[1] == 0, label


LOOSE = {"width": 390, "height": 700}
BELOW = '<div style="height: 3000px"></div>'


@pytest.fixture
def phone(browser, tmp_path):
    """Opens a page on a phone; gives the page and what moves a finger there."""
    context = browser.new_context(viewport=LOOSE, has_touch=True, is_mobile=True)
    page = context.new_page()

    def opened(*views, **options):
        page.goto(write(tmp_path, *views, tags=BELOW, **options).as_uri())
        page.evaluate("() => bnHost.ready")
        cdp = context.new_cdp_session(page)

        def swipe(place, right, down):
            def finger(kind, *at):
                points = [{"x": x, "y": y} for x, y in at]
                cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

            finger("touchStart", place)
            for part in range(1, 11):
                finger("touchMove", (place[0] + part * right / 10, place[1] + part * down / 10))
                frame(page)
            finger("touchEnd")
            frame(page)

        return page, swipe

    yield opened
    context.close()


def within(locator, across, down=0.5):
    box = locator.bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


@pytest.mark.parametrize("continuous", [True, False])
def test_a_scroll_that_begins_on_a_slider_leaves_it_alone(phone, continuous):
    exact = 30.123  # between two steps: no thumb stands there
    slider = widgets.FloatSlider(
        description="a", value=exact, max=100, continuous_update=continuous
    )
    page, swipe = phone(slider)
    thumb = page.locator("input[type=range]")
    swipe(within(thumb, 0.1), 100, 0)
    assert get(page, slider) != exact
    put(page, slider, exact)
    swipe(within(thumb, 0.1), 4, -150)
    page.wait_for_function("() => scrollY > 50")
    assert (get(page, slider), thumb.get_attribute("aria-valuetext")) == (exact, "30.12")
    page.evaluate("() => scrollTo(0, 0)")
    swipe(within(page.get_by_label("a, value"), 0.5), 4, -150)
    page.wait_for_function("() => scrollY > 50")
    assert get(page, slider) == exact
    thumb.focus()
    page.keyboard.press("Home")
    assert get(page, slider) == 0


def test_a_scroll_that_begins_on_a_handle_leaves_it_alone(phone):
    figure = descent(step=5, steps=12)
    page, swipe = phone(figure)
    handle = page.get_by_role("slider", name="step").first
    swipe(within(handle.locator(".target"), 0.5), 100, 0)
    step = get(page, figure, "step")
    assert step > 5
    swipe(within(handle.locator(".target"), 0.5), -14, -150)
    page.wait_for_function("() => scrollY > 50")
    assert get(page, figure, "step") == step


def test_a_second_finger_takes_a_drag_back(phone):
    """Two fingers zoom the page: the browser cancels the drag."""
    figure = bn.BatchFigure([1.0, 3.0, 2.0], [1.0, -1.0, 0.5])
    page, _ = phone(figure)
    handle = page.get_by_role("slider", name="sample x₁")
    handle.evaluate(
        """(node) => {
          const { x, y } = node.querySelector(".target").getBoundingClientRect();
          node.setPointerCapture = () => {};
          const tell = (type, right) => node.dispatchEvent(new PointerEvent(type,
            { bubbles: true, pointerId: 5, clientX: x + 10 + right, clientY: y + 10 }));
          tell("pointerdown", 0);
          tell("pointermove", 40);
          window.moved = bnHost.models.get("ID").get("x")[0];
          tell("pointercancel", 40);
        }""".replace("ID", figure.model_id)
    )
    assert page.evaluate("() => moved") != 1
    assert get(page, figure, "x") == [1, 3, 2]


def test_the_picture_rests_while_one_drags_however_long_the_verdict_grows(show):
    figure = bn.WeightSpaceFigure(w=(1.0, 0.5))
    page = show(figure)
    page.set_viewport_size({"width": 390, "height": 844})
    handle = page.get_by_role("slider", name="w at the start").first
    handle.scroll_into_view_if_needed()
    frame(page)
    verdict, picture = page.locator(".verdict").first, page.locator(".bn-picture > svg")
    lines, before = verdict.evaluate("(p) => p.offsetHeight"), picture.bounding_box()
    box = handle.bounding_box()
    unit = page.locator("circle.axis.round").bounding_box()["width"] / 2 / np.hypot(1, 0.5)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.set_viewport_size({"width": 390, "height": 700})  # as a phone's bars come and go
    for part in (0.3, 0.6, 1):
        page.mouse.move(x - part * unit, y + part * 0.5 * unit)
        frame(page)
        assert picture.bounding_box() == before
    words = verdict.locator("span").bounding_box()
    assert "At w = 0 all outputs are equal" in verdict.inner_text()
    assert words["height"] > lines  # it has grown, and lies over the picture on a ground of its own
    page.mouse.up()
    frame(page)
    assert picture.bounding_box()["y"] >= words["y"] + words["height"] - 1
    assert verdict.evaluate("(p) => p.scrollHeight <= p.clientHeight")


def test_a_wheel_changes_nothing(show):
    """Firefox moves a slider in focus by the wheel."""
    slider = widgets.IntSlider(description="a", value=30, max=100)
    page = show(slider, tags=BELOW)
    thumb = page.locator("input[type=range]")
    thumb.focus()
    thumb.evaluate(
        """(input) => {
          input.dispatchEvent(new WheelEvent("wheel", { deltaY: 40 }));
          input.value = "31";
          input.dispatchEvent(new Event("input"));
          input.dispatchEvent(new Event("change"));
        }"""
    )
    assert (get(page, slider), thumb.input_value()) == (30, "30")
    for box in (thumb, page.get_by_label("a, value")):
        box.focus()
        box.hover()
        page.mouse.wheel(0, 120)
        page.wait_for_function("() => scrollY > 50")
        assert get(page, slider) == 30
        page.evaluate("() => scrollTo(0, 0)")
    page.keyboard.press("ArrowUp")
    assert get(page, slider) == 31
