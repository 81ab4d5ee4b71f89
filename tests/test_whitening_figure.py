"""The whitened cloud: Python, the page and the module agree, at every extreme; every move works."""

import json
import re

import ipywidgets
import numpy as np
import pytest
from drawn import draw
from models import analyses
from playwright.sync_api import expect
from stage import counted, drag, frame, get, put, resize, settle, slide, sound

import batchnorm as bn
from batchnorm.figures import WhiteningFigure, controls
from batchnorm.figures.whitening import UPSTREAM
from batchnorm.whitening import METHOD_NAMES, METHODS, whiten, whiten_backward

each_method = pytest.mark.parametrize("method", METHODS)
INPUTS = [name for name in WhiteningFigure.inputs if name != "graphs"]

CLOUDS = {
    "as it starts": {},
    "nearly round": dict(correlation=0.0, scale_1=1.0, batch_size=64, seed=7),
    "on a line": dict(correlation=1.0),
    "on a falling line": dict(correlation=-1.0, scale_1=3.0, scale_2=3.0),
    "flat": dict(scale_2=0.0),
    "upright": dict(scale_1=0.0),
    "upright beside the axis": dict(scale_1=0.0, batch_size=2, moved=[0, 0.3, 0, 1, 0.3, 0]),
    "all points equal": dict(scale_1=0.0, scale_2=0.0),
    "one point": dict(batch_size=1),
    "two points": dict(batch_size=2),
    "three points, dragged": dict(batch_size=3, moved=[1, -8.5, 40.0, 50, 1.0, 1.0]),
    "no iteration": dict(iterations=0),
    "every iteration": dict(iterations=12, correlation=0.99),
    "pulled hard": dict(pull=[-3.0, 2.5], selected=63, eps=1e-3),
}


# In Python ---------------------------------------------------------------------------------------


@each_method
@pytest.mark.parametrize("upstream", UPSTREAM)
def test_agrees_with_the_module(method, upstream):
    figure = WhiteningFigure(method=method, upstream=upstream, seed=3, iterations=4)
    x, dy = np.array(figure.x), np.array(figure.dy)
    x_hat, cache = whiten(x, figure.eps, method=method, iterations=4)
    np.testing.assert_allclose(figure.x_hat, x_hat)
    np.testing.assert_allclose(figure.dx, whiten_backward(dy, cache), atol=1e-12)
    assert (figure.method, figure.upstream) == (METHODS.index(method), UPSTREAM.index(upstream))


def test_the_cloud_has_the_distribution_that_the_sliders_say():
    figure = WhiteningFigure(correlation=-0.6, scale_1=2.0, scale_2=0.5, batch_size=64)
    x = []
    for seed in range(40):
        figure.seed = seed
        x += figure.x
    want = [[4.0, -0.6], [-0.6, 0.25]]
    np.testing.assert_allclose(np.cov(np.array(x).T), want, rtol=0.1)
    assert len({tuple(row) for row in x}) == 40 * 64


def test_what_whitening_takes_away_and_what_it_leaves():
    size = {
        (method, upstream): np.linalg.norm(WhiteningFigure(method=method, upstream=upstream).dx)
        for method in ("standardise", "zca")
        for upstream in UPSTREAM
    }
    for method in ("standardise", "zca"):
        assert size[method, "shift"] < 1e-12
        assert size[method, "stretch"] < 1e-3
        assert size[method, "rotation"] > 0.5
    assert size["zca", "shear"] < 1e-3
    assert size["standardise", "shear"] > 0.5


def test_equal_axes_are_not_defined_for_pca_alone():
    for method in METHODS:
        figure = WhiteningFigure(method=method, scale_1=0, scale_2=0)
        assert len(figure.x) == 24
        assert [len(v) for v in (figure.x_hat, figure.dy, figure.dx)] == (
            [0, 0, 0] if method == "pca" else [24, 24, 24]
        )


def test_says_what_is_wrong():
    for name, bad in dict(
        correlation=1.1, scale_1=-1, scale_2=11, batch_size=65, iterations=13, eps=0, seed=-1
    ).items():
        with pytest.raises(ValueError, match=f"{name}: got {bad}.*, want a number from"):
            WhiteningFigure(**{name: bad})
    with pytest.raises(ValueError, match="correlation: got nan"):
        WhiteningFigure(correlation=np.nan)
    with pytest.raises(ValueError, match="method: got 'qr', want one of standardise, pca"):
        WhiteningFigure(method="qr")
    with pytest.raises(ValueError, match="upstream: got 5"):
        WhiteningFigure(upstream=5)
    with pytest.raises(ValueError, match="pull: got 3 numbers, want two"):
        WhiteningFigure(pull=[1, 2, 3])
    with pytest.raises(ValueError, match="moved: got 2 numbers, want three a point"):
        WhiteningFigure(moved=[1, 2])


def test_controls_join_choices_by_their_index():
    figure = WhiteningFigure(method="cholesky")
    box = controls(
        figure,
        method=ipywidgets.ToggleButtons(options=METHODS),
        upstream=list(UPSTREAM),
    )
    assert [control.value for control in box.children[1:]] == ["cholesky", "one point"]
    assert isinstance(box.children[2], ipywidgets.Dropdown)


# The page's model, in Node.js --------------------------------------------------------------------


@each_method
def test_the_model_agrees_with_python(method):
    """Every cloud and every upstream gradient: all that is handed back."""
    figures = [
        WhiteningFigure(method=method, upstream=upstream, **given)
        for given in CLOUDS.values()
        for upstream in UPSTREAM
    ]
    for figure, analysis in zip(figures, analyses(*figures), strict=True):
        for name in figure.outputs:
            got, want = np.array(analysis["outputs"][name]), np.array(getattr(figure, name))
            assert got.shape == want.shape, (figure, name)
            # Where nearly all of dy is taken away, dx is what rounding leaves of it
            sent = np.abs(figure.dy).max(initial=0)
            scale = max(np.abs(want).max(initial=0), sent, 1e-3)
            np.testing.assert_allclose(got, want, atol=1e-9 * scale, err_msg=f"{figure} {name}")


@each_method
def test_the_ellipses_are_those_of_the_covariances(method):
    for given in CLOUDS.values():
        figure = WhiteningFigure(method=method, **given)
        (analysis,) = analyses(figure)
        for name, rows in (("before", figure.x), ("after", figure.x_hat)):
            if not rows:
                assert (name, analysis[name]) == ("after", None)
                continue
            ellipse, cov = analysis[name], np.cov(np.array(rows).T, bias=True)
            scale = max(np.trace(cov), 1e-9)
            arms = np.array(ellipse["arms"])
            np.testing.assert_allclose(arms.T @ arms, cov, atol=1e-9 * scale)
            np.testing.assert_allclose(ellipse["mu"], np.mean(rows, axis=0), atol=1e-9)
            np.testing.assert_allclose(
                np.sort(ellipse["values"]), np.linalg.eigvalsh(cov).clip(0), atol=1e-9 * scale
            )
        if figure.x_hat:  # the arms go where the points on them would go
            W = whiten(figure.x, figure.eps, method=method, iterations=figure.iterations)[1].W
            want = np.array(analysis["before"]["arms"]) @ W
            np.testing.assert_allclose(analysis["before"]["carried"], want, atol=1e-6)


# In the page -------------------------------------------------------------------------------------


@each_method
def test_the_page_shows_only_numbers(show, method):
    """At every extreme, and what the page hands back is what its model found."""
    figure = WhiteningFigure()
    page = show(figure)
    plain = {name: getattr(figure, name) for name in INPUTS}
    for cloud, given in CLOUDS.items():
        state = plain | given | dict(method=METHODS.index(method))
        page.evaluate(
            """([id, state]) => {
                bnHost.models.get(id).set(state);
                return new Promise(requestAnimationFrame);
            }""",
            [figure.model_id, state],
        )
        here = WhiteningFigure(**state)
        scale = max(np.abs(here.dx).max(initial=0), 1e-3)
        np.testing.assert_allclose(get(page, figure, "dx"), here.dx, atol=1e-9 * scale)
        assert sound(page), cloud


def test_says_in_words_what_is_not_defined(show):
    figure = WhiteningFigure(method="pca", scale_1=0, scale_2=0)
    page = show(figure)
    expect(page.locator(".verdict")).to_contain_text("PCA's axes are not defined")
    expect(page.locator(".arrows path")).to_have_count(0)
    put(page, figure, 2, "method")
    expect(page.locator(".verdict")).to_contain_text("at the outputs")


def said(sent, rest):
    return f"The gradient has length {sent:.2f} at the outputs{rest}"


@pytest.mark.parametrize("width", [330, 690])
def test_a_method_has_one_name_on_buttons_and_pictures(width):
    for method, name in zip(METHODS, METHOD_NAMES, strict=True):
        picture = draw(WhiteningFigure(method=method), width=width)
        assert picture["out title"].text == f"Outputs, {name}"
    small = [
        "".join(picture[key].text for key in picture.keys(f"small {k} name\\d*"))
        for k in range(len(METHODS))
    ]
    assert small == list(METHOD_NAMES)


def cell(page, row, column):
    """The text in the table of numbers: row by its name, column 0 for inputs, 1 for outputs."""
    return page.get_by_role("row", name=re.compile(f"^{row}")).get_by_role("cell").nth(column)


@each_method
def test_the_ellipse_and_the_gradients_that_it_tells(show, method):
    figure = WhiteningFigure(method=method, iterations=7, unfolded=True)
    page = show(figure)
    values = np.linalg.eigvalsh(np.cov(np.array(figure.x).T, bias=True))
    radii = np.sqrt(values)[::-1]
    expect(cell(page, "ellipse", 0)).to_have_text(f"{radii[0]:.2f} and {radii[1]:.2f}")
    if method not in ("standardise", "newton-schulz"):
        expect(cell(page, "ellipse", 1)).to_have_text("1.00 and 1.00")
    sent, back = np.linalg.norm(figure.dy), np.linalg.norm(figure.dx)
    expect(cell(page, "gradient", 0)).to_have_text(f"{back:.3f}")
    expect(cell(page, "gradient", 1)).to_have_text(f"{sent:.3f}")
    expect(page.locator(".verdict")).to_have_text(said(sent, f" and {back:.2f} at the inputs."))


def test_what_is_taken_away_is_drawn_as_nothing(show):
    figure = WhiteningFigure(upstream="shear")
    page = show(figure)
    sent = np.linalg.norm(figure.dy)
    expect(page.locator(".verdict")).to_have_text(said(sent, "; none of it reaches the inputs."))
    expect(page.locator(".arrows .head")).to_have_count(24)  # of what is sent alone
    put(page, figure, UPSTREAM.index("rotation"), "upstream")
    expect(page.locator(".arrows .head")).to_have_count(48)


def test_a_short_arrow_shows_where_it_points(show):
    """One gradient sent, a small one back to every point: each is drawn 5 units long or more."""
    figure = WhiteningFigure()
    page = show(figure)
    frame(page)
    lengths = page.evaluate(
        """() => [...document.querySelectorAll(".arrows .head")].map((head) => {
          const numbers = head.getAttribute("d").match(/-?[\\d.]+/g).map(Number);
          const [tipX, tipY, x1, y1, x2, y2] = numbers;
          return Math.hypot(tipX - (x1 + x2) / 2, tipY - (y1 + y2) / 2);
        })"""
    )
    assert len(lengths) == 25
    assert min(lengths) >= 3.4  # of the head: seven tenths


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
@pytest.mark.parametrize("width", [1280, 360])
def test_drags(show, page, touch, width):
    page.set_viewport_size({"width": width, "height": 900})
    figure = WhiteningFigure(selected=3)
    show(figure)
    drag(page, "point 4", 40, -30, touch)
    x = np.array(get(page, figure, "x"))
    moved = x[3] - figure.x[3]
    assert moved[0] > 0.3
    assert moved[1] == pytest.approx(0.75 * moved[0], rel=0.05)
    np.testing.assert_allclose(np.delete(x, 3, 0), np.delete(figure.x, 3, 0), atol=1e-12)

    put(page, figure, 4, "upstream")
    frame(page)
    before = get(page, figure, "dy")[3]
    drag(page, "upstream gradient of the selected point", -25, -25, touch)
    assert get(page, figure, "upstream") == 0
    pull = np.array(get(page, figure, "pull")) - before
    assert pull[0] < -0.2
    assert pull[1] == pytest.approx(-pull[0], rel=0.05)
    assert sound(page)


def test_another_point_is_selected_by_taking_hold_of_it(show):
    figure = WhiteningFigure()
    page = show(figure)
    frame(page)
    i = int(np.argmax(np.abs(figure.x).max(axis=1)))  # one that stands alone
    others = page.locator(f"[aria-label='point {i + 1}']")
    expect(others).to_have_attribute("aria-hidden", "true")
    box = others.locator(".target").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    settle(page, figure, i, "selected")
    expect(others).to_have_attribute("aria-hidden", "false")
    assert np.nonzero(np.array(get(page, figure, "dy")).any(axis=1))[0].tolist() == [i]


POINT, TIP = "point 1", "upstream gradient of the selected point"


def test_tab_goes_from_thing_to_thing(show):
    page = show(WhiteningFigure())
    frame(page)
    stops = [page.get_by_role("slider", name=name, exact=True) for name in (POINT, TIP)]
    buttons = ("Save, copy, embed", "Enlarge", "Resample")
    stops += [page.get_by_role("button", name=name) for name in buttons]
    for stop in stops:
        page.keyboard.press("Tab")
        expect(stop).to_be_focused()


def test_all_methods_are_shown_and_a_click_enlarges_one(show):
    """What the small panels show is what each method makes of the same batch."""
    figure = WhiteningFigure(iterations=3)
    (analysis,) = analyses(figure)
    for k, one in enumerate(analysis["all"]):
        here = WhiteningFigure(method=k, iterations=3)
        np.testing.assert_allclose(one["x_hat"], here.x_hat, atol=1e-9)
        (alone,) = analyses(here)
        np.testing.assert_allclose(one["carried"], alone["before"]["carried"], atol=1e-9)
    page = show(figure)
    expect(page.locator("g.on text")).to_have_text(["ZCA"])
    with counted(page, analysis=1):
        page.locator("g.small", has_text="Cholesky").click()
    settle(page, figure, METHODS.index("cholesky"), "method")
    expect(page.locator("g.on text")).to_have_text(["Cholesky"])


def test_keys_move_the_point_and_its_gradient(show):
    figure = WhiteningFigure(method="pca", correlation=0.0, scale_1=1.0)
    page = show(figure)
    page.get_by_role("slider", name=POINT, exact=True).focus()
    for key in ("ArrowRight", "Shift+ArrowUp"):
        with counted(page, analysis=1):
            page.keyboard.press(key)
    np.testing.assert_allclose(get(page, figure, "x")[0], np.add(figure.x[0], [0.1, 1.0]))
    page.get_by_role("slider", name=TIP).focus()
    page.keyboard.press("ArrowLeft")
    settle(page, figure, [0.9, 0.6], "pull")


def test_buttons_draw_new_batches_around_the_point(show):
    given = dict(correlation=0.0, scale_1=1.0, moved=[0, 0.1, 1.0])
    figure = WhiteningFigure(method="pca", unfolded=True, **given)
    page = show(figure)
    there = get(page, figure, "x")[0]
    for _ in range(4):
        with counted(page, analysis=1):
            page.get_by_role("button", name="Resample").press("Enter")
    settle(page, figure, 5, "seed")
    np.testing.assert_allclose(get(page, figure, "x")[0], there)
    expect(page.locator(".ground circle.cut")).to_have_count(4)
    want = []  # where point 1 lands, by the module
    for seed in range(1, 6):
        x = np.array(WhiteningFigure(correlation=0.0, scale_1=1.0, seed=seed).x)
        x[0] = there
        want.append(whiten(x, method="pca")[0][0])
    far = max(np.linalg.norm(a - b) for a in want for b in want)
    expect(cell(page, "5 batches", 1)).to_have_text(f"{far:.2f}")

    page.get_by_role("button", name="Next point").press("Enter")
    settle(page, figure, 1, "selected")
    with counted(page, analysis=1):
        page.get_by_role("button", name="Reset").press("Enter")
    for name, value in dict(seed=1, past=0, moved=[], selected=0).items():
        settle(page, figure, value, name)


def test_sliders_and_buttons_move_it(show):
    figure = WhiteningFigure()
    box = controls(
        figure, method=ipywidgets.ToggleButtons(options=METHODS), correlation=(-1.0, 1.0)
    )
    page = show(box)
    with counted(page, analysis=1):
        page.get_by_role("radio", name="cholesky").check()
    with counted(page, analysis=1):
        slide(page, "correlation", 0.3)
    here = WhiteningFigure(method="cholesky", correlation=0.3)
    np.testing.assert_allclose(get(page, figure, "dx"), here.dx, rtol=1e-9)
    resize(page, 1000, 900)
    picture = page.locator(".bn-picture").bounding_box()
    choice = page.get_by_role("radio", name="zca").bounding_box()
    ends = [picture["x"] + picture["width"], picture["y"] + picture["height"]]
    assert choice["x"] >= ends[0] or choice["y"] >= ends[1]  # beside it or below it


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_nothing_is_wider_than_the_page(show, page, width):
    page.set_viewport_size({"width": width, "height": 800})
    figure = WhiteningFigure(method="newton-schulz", batch_size=64, past=5, seed=9)
    show(figure)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    inside = """() => [...document.querySelectorAll("svg text")].filter((t) => {
        const [a, b] = [t.getBoundingClientRect(), t.ownerSVGElement.getBoundingClientRect()];
        return a.left < b.left - 1 || a.right > b.right + 1 || a.bottom > b.bottom + 1;
    }).map((t) => t.textContent)"""
    for batch_size in (64, 1, 24, 40, 58):
        put(page, figure, batch_size, "batch_size")
        frame(page)
        assert page.evaluate(inside) == [], batch_size


def test_its_state_is_small():
    figure = WhiteningFigure()
    assert len(json.dumps(figure.get_state(["graphs"]))) < 18_000
    assert isinstance(bn.whitening.NotDefined("x"), ValueError)
