"""How the published figures lie on their pages, and on a screen that one of them fills."""

import pytest
from stage import OFF_SCREEN, UNEVEN, frame, resize


@pytest.fixture(scope="module")
def pages(book):
    """The pages with figures."""
    found = [
        p for p in sorted((book / "chapters").glob("*.html")) if "widget-view" in p.read_text()
    ]
    assert len(found) > 15
    return found


def opened(page, path):
    page.goto(path.as_uri())
    page.evaluate("() => bnHost.ready")
    frame(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_no_controls_are_higher_than_their_picture(page, pages, width):
    resize(page, width, 900)
    wrong = {}
    for path in pages:
        opened(page, path)
        wrong[path.stem] = page.evaluate(UNEVEN, width > 600)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert {name: some for name, some in wrong.items() if some} == {}


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)])
def test_all_of_every_enlarged_figure_is_on_the_screen(page, pages, size):
    resize(page, *size)
    off = {}
    for path in pages:
        opened(page, path)
        for i, button in enumerate(page.locator(".bn-enlarge").all()):
            if button.is_visible():
                button.evaluate("(node) => node.click()")
                frame(page)
                off[f"{path.stem} {i}"] = page.evaluate(OFF_SCREEN)
                page.keyboard.press("Escape")
    assert len(off) > 25
    assert {name: some for name, some in off.items() if some} == {}
