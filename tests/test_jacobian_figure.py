"""The Jacobian entry by entry: Python, the page and the formula agree; every move works."""

import itertools

import ipywidgets
import numpy as np
import pytest
from stage import frame, get, put, slide, sound, words

import batchnorm as bn
from batchnorm.figures import JacobianFigure, controls

SWITCHES = list(itertools.product([True, False], repeat=3))
NAMES = ("identity", "mean", "variance")

each_case = pytest.mark.parametrize(
    ("m", "outlier", "eps"),
    [(6, 2.0, 1e-5), (2, 3.0, 0.2), (3, -7.5, 0.0), (5, 0.0, 0.7), (16, 10.0, 1e-8), (9, 1e4, 3.0)],
)


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


# In the page -------------------------------------------------------------------------------------


@each_case
def test_the_page_agrees_with_python(show, m, outlier, eps):
    figure = JacobianFigure()
    page = show(figure)
    for name, value in dict(outlier=outlier, m=m, eps=eps).items():
        put(page, figure, value, name)
    for switches in SWITCHES:
        for name, on in zip(NAMES, switches, strict=True):
            put(page, figure, on, name)
        here = JacobianFigure(m, outlier, eps=eps, **dict(zip(NAMES, switches, strict=True)))
        scale = 1 / np.sqrt(np.var(here.x) + eps)
        assert get(page, figure, "x") == pytest.approx(here.x)
        for name in ("jacobian", "singular_values"):
            got, want = np.array(get(page, figure, name)), np.array(getattr(here, name))
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * scale)
        frame(page)
        assert sound(page)


def test_controls_move_the_matrix(show):
    figure = JacobianFigure()
    page = show(with_controls(figure))
    slide(page, "m", 9)
    slide(page, "outlier", -4)
    page.get_by_role("checkbox", name="mean").uncheck()
    here = JacobianFigure(9, -4.0, mean=False)
    np.testing.assert_allclose(get(page, figure, "jacobian"), here.jacobian, rtol=1e-9, atol=1e-12)
    frame(page)
    assert "through the variance" in words(page)
    assert "through the mean" not in words(page)


def readout(page):
    frame(page)
    return page.locator(".readout").first.text_content()


def test_hover_says_who_pulls_on_whom(show):
    figure = JacobianFigure(6, 2.0)
    page = show(figure)
    box = page.locator(".bn-map .target").bounding_box()
    cell = box["width"] / 6
    page.mouse.move(box["x"] + 5.5 * cell, box["y"] + 0.5 * cell)
    assert get(page, figure, "entry") == [0, 5]
    J, (_, mean, variance) = np.array(figure.jacobian), bn.jacobian_terms(figure.x)
    assert readout(page) == (
        f"x₆ = 2.00 pulls x̂₁ along: ∂x̂₁/∂x₆ = {J[0, 5]:.3f} = 0 directly, "
        f"{mean[0, 5]:.3f} through the mean, {variance[0, 5]:.3f} through the variance."
    ).replace("-", "−")
    page.mouse.move(box["x"] + 1.5 * cell, box["y"] + 1.5 * cell)
    assert readout(page).startswith(
        f"x₂ = −0.50 pulls its own output along: ∂x̂₂/∂x₂ = {J[1, 1]:.3f}"
    )
    page.mouse.move(box["x"] + 1.5 * cell, box["y"] + 0.5 * cell)
    assert readout(page).startswith(
        f"x₂ = −0.50 pushes x̂₁ the other way: ∂x̂₁/∂x₂ = −{-J[0, 1]:.3f}"
    )


def test_a_finger_chooses_an_entry(show):
    figure = JacobianFigure(6, 2.0)
    page = show(figure)
    box = page.locator(".bn-map .target").bounding_box()
    cell = box["width"] / 6
    cdp = page.context.new_cdp_session(page)
    cdp.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    at = [{"x": box["x"] + 3.5 * cell, "y": box["y"] + 2.5 * cell}]
    cdp.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at})
    cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("id => bnHost.models.get(id).get('entry')[0] === 2", arg=figure.model_id)
    assert get(page, figure, "entry") == [2, 3]


def test_keys_walk_over_the_map_and_stop_at_its_rim(show):
    figure = JacobianFigure(4, 2.0)
    page = show(figure)
    page.keyboard.press("Tab")
    at = page.get_by_role("slider", name="entry of the Jacobian", exact=True)
    assert at.evaluate("e => e === document.activeElement")
    for key, entry in [
        *(("ArrowDown", [1, 1]), ("ArrowRight", [1, 2]), ("ArrowUp", [0, 2]), ("ArrowUp", [0, 2])),
        *(("ArrowLeft", [0, 1]), ("End", [0, 3]), ("ArrowRight", [0, 3]), ("PageDown", [3, 3])),
        *(("Home", [3, 0]), ("PageUp", [0, 0])),
    ]:
        page.keyboard.press(key)
        assert get(page, figure, "entry") == entry
        frame(page)
        k, i = entry
        told = at.get_attribute("aria-valuetext")
        assert told.startswith(f"row {k + 1}, column {i + 1}: x{'₁₂₃₄'[i]} = ")
        assert f"{figure.jacobian[k][i]:.3f}".replace("-", "−") in told


def test_fewer_samples_than_the_entry_pointed_at(show):
    figure = JacobianFigure(8, 2.0, entry=[7, 6])
    page = show(figure)
    put(page, figure, 3, "m")
    assert "∂x̂₃/∂x₃" in readout(page)
    page.get_by_role("slider", name="entry of the Jacobian", exact=True).press("ArrowLeft")
    assert get(page, figure, "entry") == [2, 1]


def test_the_words_count_the_singular_values(show):
    figure = JacobianFigure(7, 3.0, eps=0.5)
    page = show(figure)
    s = np.sqrt(np.var(figure.x) + 0.5)
    told = page.locator(".readout").nth(1).text_content()
    assert told == (
        f"Singular values: {1 / s:.3f} (5 times), {0.5 / s**3:.3f}, 0. Stretch along 1: 0; "
        f"along x̂: {0.5 / s**3:.3f}. 1/s = {1 / s:.3f}."
    )


@pytest.mark.parametrize("width", [1280, 360, 320])
@pytest.mark.parametrize("m", [2, 3, 9, 16])
def test_extremes_stay_readable(show, page, m, width):
    page.set_viewport_size({"width": width, "height": 800})
    figure = JacobianFigure(m)
    show(with_controls(figure))
    for outlier, eps, on in itertools.product([0.0, 1e8, -1e-9], [0.0, 1e-8, 1e6], [True, False]):
        for name, value in dict(outlier=outlier, eps=eps, identity=on, mean=on).items():
            put(page, figure, value, name)
        frame(page)
        assert sound(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_equal_samples_are_said_in_words_and_can_be_left(show):
    figure = JacobianFigure(2, 0.0, eps=0)
    page = show(figure)
    assert "The samples are equal and ε is 0" in words(page)
    put(page, figure, 1.0, "outlier")
    frame(page)
    assert "The samples are equal" not in words(page)
