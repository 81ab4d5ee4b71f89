"""How the published figures lie on their pages, and on a screen that one of them fills."""

from stage import OFF_SCREEN, UNEVEN, resize

WIDTHS = (1280, 390)
SCREENS = ((1920, 1080), (1280, 720))


def uneven(page):
    """What is wrong with the page, at each of the widths."""
    for width in WIDTHS:
        resize(page, width, 900)
        yield from page.evaluate(UNEVEN, width > 600)
        over = page.evaluate("() => document.documentElement.scrollWidth") - width
        if over > 0:
            yield f"{over} px wider than {width}"


def enlarged(page):
    """For each figure that can be enlarged: what lies off the screen, at each of the sizes."""
    resize(page, *SCREENS[0])
    for button in page.locator(".bn-enlarge").all():
        if button.is_visible():
            button.evaluate("(node) => node.click()")
            yield [what for size in SCREENS for what in off_screen(page, size)]
            page.keyboard.press("Escape")


def off_screen(page, size):
    resize(page, *size)
    return page.evaluate(OFF_SCREEN)


def test_figures_fit_their_pages_and_enlarged_the_screen(page, book):
    """Each page is opened once: that takes longer than all that is looked at there."""
    paths = sorted((book / "chapters").glob("*.html"))
    pages = [path for path in paths if "widget-view" in path.read_text("utf8")]
    assert len(pages) > 15
    wrong, figures = {}, 0
    for path in pages:
        page.goto(path.as_uri())
        page.evaluate("() => bnHost.ready")
        wrong[path.stem] = [*uneven(page)]
        for off in enlarged(page):
            wrong[path.stem] += off
            figures += 1
    assert figures > 25
    assert {name: some for name, some in wrong.items() if some} == {}
