"""The page's float32 is NumPy's, to the last bit; and the figure holds at its ends."""

import ipywidgets
import numpy as np
import pytest
from stage import drag, frame, get, put, sound, to_their_ends

from batchnorm.figures import CancellationFigure, controls


@pytest.mark.parametrize("m", [2, 3, 37, 256])
@pytest.mark.parametrize("offset", [1.0, 123.456, 1e4, 1e6, 1e8])
def test_the_page_agrees_with_numpy_to_the_last_bit(show, m, offset):
    figure = CancellationFigure()
    page = show(figure)
    put(page, figure, m, "m")
    put(page, figure, offset, "offset")
    here = CancellationFigure(m=m, offset=offset)
    assert get(page, figure, "computed") == here.computed
    assert get(page, figure, "exact") == pytest.approx(here.exact, rel=1e-12)
    frame(page)
    assert sound(page)


def test_one_pass_fails_and_says_so(show):
    figure = CancellationFigure(offset=1e4)
    page = show(figure)
    assert np.abs(figure.computed[0] - figure.exact) > 0.5 * figure.exact
    assert f"the true variance of these float32 numbers is {figure.exact:.3f}" in page.inner_text(
        "body"
    )


def test_keys_and_drags_move_the_offset(show):
    figure = CancellationFigure(offset=1e3)
    page = show(figure)
    page.get_by_role("slider", name="offset").focus()
    page.keyboard.press("Shift+ArrowRight")
    assert get(page, figure, "offset") == pytest.approx(1e4)
    drag(page, "offset", 2000, inset=50)
    assert get(page, figure, "offset") == 1e8


@pytest.mark.parametrize("width", [1280, 360])
def test_controls_to_their_ends(show, width):
    figure = CancellationFigure()
    page = show(controls(figure, offset=ipywidgets.FloatLogSlider(min=0, max=8), m=(2, 256)))
    page.set_viewport_size({"width": width, "height": 800})
    to_their_ends(page)


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"offset: got 0\.5, want 1 to 1e"):
        CancellationFigure(offset=0.5)
    with pytest.raises(ValueError, match="m: got 1, want 2 to 256"):
        CancellationFigure(m=1)
