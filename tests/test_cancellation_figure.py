"""The page's float32 is NumPy's, to the last bit; one method fails, and the figure says so."""

import ipywidgets
import numpy as np
import pytest
from models import analyses
from playwright.sync_api import expect
from stage import counted, drag, frame, put, slide, sound, to_their_ends

from batchnorm.figures import CancellationFigure, controls
from batchnorm.figures.cancellation import METHODS


def with_controls(figure):
    return controls(figure, offset=ipywidgets.FloatLogSlider(min=0, max=8), m=(2, 256))


# The page's model, in Node.js --------------------------------------------------------------------


def test_the_page_agrees_with_numpy_to_the_last_bit():
    rng = np.random.default_rng(0)
    drawn = zip(rng.integers(2, 257, 20).tolist(), 10 ** rng.uniform(0, 8, 20), strict=True)
    ends = [(m, offset) for m in (2, 3, 37, 256) for offset in (1.0, 123.456, 1e4, 1e6, 1e8)]
    figures = [CancellationFigure(m=m, offset=offset) for m, offset in [*ends, *drawn]]
    for figure, there in zip(figures, analyses(*figures), strict=True):
        assert there["outputs"]["computed"] == figure.computed
        assert there["outputs"]["exact"] == pytest.approx(figure.exact, rel=1e-12)


def test_the_curves_are_the_errors_of_numpy():
    figure = CancellationFigure(m=50)
    [there] = analyses(figure)
    noise = np.array(figure.noise[:50])
    assert len(there["curves"]) == len(there["offsets"]) == 65
    for offset, found in zip(there["offsets"], there["curves"], strict=True):
        x = (offset + noise).astype(np.float32)
        exact = np.var(x.astype(float))
        if not exact:  # equal samples: nothing to be relative to
            assert found["errors"] == [None] * 4
            continue
        want = [abs(float(method(x)) - exact) / exact for method in METHODS.values()]
        assert found["errors"] == pytest.approx(want, rel=1e-6, abs=1e-12)


def test_one_pass_loses_every_digit_at_the_start_and_the_others_do_not():
    figure = CancellationFigure()
    errors = np.abs(np.array(figure.computed) / figure.exact - 1)
    assert errors[0] > 1
    assert errors[1:].max() < 1e-3


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"offset: got 0\.5, want 1 to 1e"):
        CancellationFigure(offset=0.5)
    with pytest.raises(ValueError, match="m: got 1, want 2 to 256"):
        CancellationFigure(m=1)


# On the page -------------------------------------------------------------------------------------


def test_the_verdict_counts_the_digits_that_are_left(show):
    figure = CancellationFigure()
    page = show(figure)
    verdict = page.locator(".verdict")
    expect(verdict).to_have_text(
        "At an offset of 10,000, one pass keeps no digits of the variance; "
        "the others keep 3 to 4 digits."
    )
    cells = page.locator(".numbers tr").nth(1).locator("td")
    expect(cells).to_have_text([f"{figure.computed[0]:.3f}", "5.7·10¹", "0"])
    put(page, figure, 1.0, "offset")
    expect(verdict).to_contain_text("At an offset of 1, one pass keeps 6 digits")
    put(page, figure, 2, "m")
    put(page, figure, 1e8, "offset")
    expect(verdict).to_have_text(
        "At an offset of 100,000,000, all samples are the same float32 number."
    )
    assert sound(page)


def test_each_line_is_named_in_place_and_one_is_in_alarm(show):
    page = show(CancellationFigure())
    names = page.locator("svg text.label.halo")
    expect(names).to_have_text(list(METHODS))
    expect(page.locator("svg path.line.alarm")).to_have_count(1)
    drawn = "(nodes) => nodes.map((node) => getComputedStyle(node).stroke)"
    assert len(set(page.locator("svg path.line.hollow").evaluate_all(drawn))) == 4
    expect(page.locator("svg text", has_text="no digits left")).to_be_visible()


def test_keys_and_drags_move_the_offset(show):
    page = show(CancellationFigure(offset=1e3))
    line = page.get_by_role("slider", name="offset")
    line.focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(line).to_have_attribute("aria-valuenow", "10000")
    drag(page, line, 2000, inset=50)
    expect(line).to_have_attribute("aria-valuenow", "100000000")


@pytest.mark.parametrize("width", [1280, 360])
def test_controls_to_their_ends_cost_one_analysis_each(show, width):
    page = show(with_controls(CancellationFigure()))
    page.set_viewport_size({"width": width, "height": 800})
    frame(page)
    with counted(page, analysis=1):
        slide(page, "samples", 100)
    to_their_ends(page)
