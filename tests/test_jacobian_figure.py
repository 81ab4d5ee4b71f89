"""The Jacobian entry by entry: Python, the page and the formula agree; every move works."""

import itertools
import re

import ipywidgets
import numpy as np
import pytest
from models import analyses
from playwright.sync_api import expect
from stage import counted, drag, frame, get, put, settle, slide, sound

import batchnorm as bn
from batchnorm.figures import JacobianFigure, controls

SWITCHES = list(itertools.product([True, False], repeat=3))
NAMES = ("identity", "mean", "variance")

CASES = [
    *((6, 2.0, 1e-5), (2, 3.0, 0.2), (3, -7.5, 0.0)),
    *((5, 0.0, 0.7), (16, 10.0, 1e-8), (9, 1e4, 3.0)),
]
each_case = pytest.mark.parametrize(("m", "outlier", "eps"), CASES)


def samples(m, outlier):
    others = [0.0] if m == 2 else [-1 + 2 * i / (m - 2) for i in range(m - 1)]
    return np.array([*others, outlier])


def with_controls(figure):
    return controls(
        figure,
        m=(2, 16),
        outlier=(-10.0, 10.0),
        eps=ipywidgets.FloatLogSlider(min=-8, max=1),
        identity=True,
        mean=True,
        variance=True,
    )


# In Python ---------------------------------------------------------------------------------------


@each_case
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_the_matrix_is_the_sum_of_the_terms_switched_on(m, outlier, eps, switches):
    figure = JacobianFigure(m, outlier, eps=eps, **dict(zip(NAMES, switches, strict=True)))
    x = samples(m, outlier)
    want = sum(on * t for on, t in zip(switches, bn.jacobian_terms(x, eps), strict=True))
    assert figure.x == pytest.approx(x)
    assert np.shape(figure.jacobian) == (m, m)
    np.testing.assert_allclose(figure.jacobian, want, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(
        figure.singular_values, np.linalg.svd(want, compute_uv=False), atol=1e-10
    )


def test_row_and_column_are_output_and_input():
    figure = JacobianFigure(5, 3.0, eps=0.3)
    x = np.array(figure.x)
    for k in range(5):
        row = bn.numeric_gradient(lambda x: bn.batch_norm(x, 1.0, 0.0, 0.3), x, np.eye(5)[k])
        np.testing.assert_allclose(figure.jacobian[k], row, atol=1e-9)


def test_equal_samples_without_eps_have_no_jacobian():
    figure = JacobianFigure(2, 0.0, eps=0)
    assert (figure.jacobian, figure.singular_values) == ([], [])
    figure.outlier = 1.0
    assert len(figure.singular_values) == 2


def test_says_what_is_wrong():
    for m in (1, 17):
        with pytest.raises(ValueError, match=f"m: got {m}, want 2 to 16"):
            JacobianFigure(m)
    with pytest.raises(ValueError, match="outlier: got inf, want a finite number"):
        JacobianFigure(outlier=np.inf)
    for eps in (-0.5, np.nan):
        with pytest.raises(ValueError, match=f"eps: got {eps}, want a number >= 0"):
            JacobianFigure(eps=eps)
    for entry in ([1], [0, -1], [0.5, 1]):
        with pytest.raises(ValueError, match="entry: got"):
            JacobianFigure(entry=entry)


def test_numbers_beyond_float64_have_no_jacobian():
    figure = JacobianFigure(2, 1e-310, eps=0)  # its variance underflows to 0
    assert figure.jacobian == []
    figure.outlier = 1e200  # and here it overflows
    assert figure.jacobian == []


# The page's model, in Node.js --------------------------------------------------------------------


def test_the_page_agrees_with_python():
    figures = [
        JacobianFigure(m, outlier, eps=eps, **dict(zip(NAMES, switches, strict=True)))
        for (m, outlier, eps), switches in itertools.product(CASES, SWITCHES)
    ]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        scale = 1 / np.sqrt(np.var(figure.x) + figure.eps)
        assert there["outputs"]["x"] == pytest.approx(figure.x)
        for name in ("jacobian", "singular_values"):
            got, want = np.array(there["outputs"][name]), np.array(getattr(figure, name))
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * scale)


def test_the_page_says_where_there_is_none():
    figures = [JacobianFigure(2, outlier, eps=0) for outlier in (0.0, 1e-310, 1e200)]
    for there in analyses(*figures):
        assert there["defined"] is False
        assert there["outputs"]["jacobian"] == there["outputs"]["singular_values"] == []


def test_a_term_only_stretches_1_and_x_hat():
    figures = [JacobianFigure(m, outlier, eps=eps) for m, outlier, eps in CASES]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        x = np.array(figure.x)
        s = np.sqrt(x.var() + figure.eps)
        shrunk = figure.eps / s**3
        want = dict(identity=1 / s, mean=-1 / s, variance=0, sum=0)
        assert there["stretch"]["one"] == pytest.approx(want, rel=1e-9, abs=1e-9 / s)
        want = dict(identity=1 / s, mean=0, variance=shrunk - 1 / s, sum=shrunk)
        assert there["stretch"]["xHat"] == pytest.approx(want, rel=1e-9, abs=1e-9 / s)


# On the page -------------------------------------------------------------------------------------


def the_map(page):
    return page.get_by_role("slider", name="entry of the Jacobian", exact=True)


def test_controls_move_the_matrix(show):
    figure = JacobianFigure()
    page = show(with_controls(figure))
    for name, value in (("samples m", 9), ("outlier", -4)):
        with counted(page, analysis=1):
            slide(page, name, value)
    with counted(page, analysis=1):
        page.get_by_role("checkbox", name="mean").uncheck()
    here = JacobianFigure(9, -4.0, mean=False)
    np.testing.assert_allclose(get(page, figure, "jacobian"), here.jacobian, rtol=1e-9, atol=1e-12)
    expect(page.locator("svg text", has_text="off")).to_have_count(1)
    expect(page.locator(".numbers tr").nth(2).locator("td").nth(1)).to_have_text("off")


def test_the_verdict_says_which_singular_values_are_left(show):
    figure = JacobianFigure()
    page = show(with_controls(figure))
    verdict = page.locator(".verdict")
    expect(verdict).to_have_text(
        "4 of 6 singular values are left: the mean takes that of 1, the variance takes that of x̂."
    )
    put(page, figure, 1.0, "eps")
    share = 1 / (np.var(figure.x) + 1)
    expect(verdict).to_contain_text(
        f"5 of 6 singular values are left: the mean takes that of 1, "
        f"the variance shrinks that of x̂ to {share:.3f}/s."
    )
    for name, want in (
        ("variance", "5 of 6 singular values are left: the mean takes that of 1."),
        ("mean", "With the direct path alone, no sample acts on another"),
        ("identity", "All paths are switched off"),
    ):
        page.get_by_role("checkbox", name=name).uncheck()
        expect(verdict).to_contain_text(want)


def test_the_numbers_of_the_terms_add_up(show):
    figure = JacobianFigure(7, 3.0, eps=0.5, entry=[0, 5])
    page = show(figure)
    terms = bn.jacobian_terms(figure.x, 0.5)
    entries = [t[0, 5] for t in terms]
    row = page.locator(".numbers tr").nth(1).locator("td")
    told = [f"{v:.3f}".replace("-", "−") for v in [*entries, sum(entries)]]
    expect(row).to_have_text(["0", *told[1:]])
    s = np.sqrt(np.var(figure.x) + 0.5)
    row = page.locator(".numbers tr").nth(3).locator("td")
    expect(row.first).to_have_text(f"{1 / s:.3f}")
    expect(row.last).to_have_text(f"{0.5 / s**3:.3f}")


def test_hover_says_who_pulls_on_whom(show):
    figure = JacobianFigure(6, 2.0)
    page = show(figure)
    box = the_map(page).locator(".target").bounding_box()
    cell = box["width"] / 6
    for k, i, told in (
        (0, 5, "x₆ = 2.00 pulls x̂₁ along"),
        (1, 1, "x₂ = −0.50 pulls its own output along"),
        (0, 1, "x₂ = −0.50 pushes x̂₁ the other way"),
    ):
        page.mouse.move(box["x"] + (i + 0.5) * cell, box["y"] + (k + 0.5) * cell)
        settle(page, figure, [k, i], "entry")
        expect(page.locator("svg text.title", has_text=told)).to_be_visible()


def test_a_finger_chooses_an_entry(show):
    figure = JacobianFigure(6, 2.0)
    page = show(figure)
    box = the_map(page).locator(".target").bounding_box()
    cell = box["width"] / 6
    cdp = page.context.new_cdp_session(page)
    cdp.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    at = [{"x": box["x"] + 3.5 * cell, "y": box["y"] + 2.5 * cell}]
    cdp.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at})
    cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page, figure, [2, 3], "entry")


def test_keys_walk_over_the_map_and_stop_at_its_rim(show):
    figure = JacobianFigure(4, 2.0)
    page = show(figure)
    at = the_map(page)
    at.focus()
    for key, entry in [
        *(("ArrowDown", [1, 1]), ("ArrowRight", [1, 2]), ("ArrowUp", [0, 2]), ("ArrowUp", [0, 2])),
        *(("ArrowLeft", [0, 1]), ("End", [0, 3]), ("ArrowRight", [0, 3]), ("PageDown", [3, 3])),
        *(("Home", [3, 0]), ("PageUp", [0, 0])),
    ]:
        page.keyboard.press(key)
        settle(page, figure, entry, "entry")
        k, i = entry
        expect(at).to_have_attribute(
            "aria-valuetext", re.compile(f"^row {k + 1}, column {i + 1}: x{'₁₂₃₄'[i]} = ")
        )


def test_fewer_samples_than_the_entry_pointed_at(show):
    figure = JacobianFigure(8, 2.0, entry=[7, 6])
    page = show(figure)
    put(page, figure, 3, "m")
    expect(page.locator(".numbers")).to_contain_text("∂x̂₃/∂x₃")
    the_map(page).press("ArrowLeft")
    settle(page, figure, [2, 1], "entry")


def test_the_outlier_is_dragged_on_an_axis_that_stands_still(show):
    figure = JacobianFigure(6, 2.0)
    page = show(figure)
    knob = page.get_by_role("slider", name="the outlier x₆")
    drag(page, knob, -60)
    moved = get(page, figure, "outlier")
    assert moved < 1.9
    knob.press("Shift+ArrowRight")
    expect(knob).to_have_attribute("aria-valuenow", f"{moved + 1:.6g}")
    drag(page, knob, 5000)
    expect(knob).to_have_attribute("aria-valuenow", "10")


@pytest.mark.parametrize(("m", "width"), [(2, 320), (3, 320), (16, 1280), (16, 320)])
def test_extremes_stay_readable(show, page, m, width):
    page.set_viewport_size({"width": width, "height": 800})
    figure = JacobianFigure(m)
    show(with_controls(figure))
    far = [0.0, 1e-310, 1e8, -1e-9, 1e308, -1e308]
    for outlier, eps, on in itertools.product(far, [0.0, 1e6], [True, False]):
        for name, value in dict(outlier=outlier, eps=eps, identity=on, mean=on).items():
            put(page, figure, value, name)
        frame(page)
        assert sound(page), (outlier, eps, on)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_equal_samples_are_said_in_words_and_can_be_left(show):
    figure = JacobianFigure(2, 0.0, eps=0)
    page = show(figure)
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("The samples are equal and ε is 0")
    page.get_by_role("slider", name="the outlier x₂").press("Shift+ArrowRight")
    expect(verdict).not_to_contain_text("The samples are equal")
