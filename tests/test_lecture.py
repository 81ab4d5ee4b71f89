"""The lecture view: one figure fills the window, and a presenter's remote leads on.

Every figure of the book is shown so in tests/test_book.py.
"""

import pytest
from playwright.sync_api import expect
from stage import OFF_SCREEN, accessible, rest

pytestmark = pytest.mark.readers

NOTES = ".bn-speaker-notes"


@pytest.fixture
def lecture(page, book):
    """Opens a chapter as a lecturer does, by a link, on a projector."""

    def opened(name):
        page.set_viewport_size({"width": 1280, "height": 720})
        page.goto(f"{(book / 'chapters' / name).as_uri()}.html?view=lecture")
        expect(page.locator(".bn-enlarged .bn-lectern")).to_be_visible()
        return page

    return opened


def where(page):
    return page.locator(".bn-lead span").text_content()


def test_the_arrow_keys_are_all_that_is_needed(lecture):
    page = lecture("at_the_weights")
    assert where(page) == "1 of 2"
    first = page.locator(".bn-enlarged .verdict").text_content()
    for key, place in [
        ("ArrowRight", "2 of 2"),
        ("PageDown", "2 of 2"),
        ("PageUp", "1 of 2"),
        ("PageDown", "2 of 2"),
        ("ArrowLeft", "1 of 2"),
    ]:
        page.keyboard.press(key)
        expect(page.locator(".bn-lead span")).to_have_text(place)
        expect(page.locator(".bn-enlarged")).to_have_count(1)
    expect(page.locator(".bn-enlarged .verdict")).to_have_text(first)
    page.keyboard.press("Escape")
    expect(page.locator(".bn-enlarged")).to_have_count(0)
    expect(page.locator(".bn-lectern")).to_have_count(0)


def test_notes_are_what_the_chapter_says(lecture):
    page = lecture("two_samples")
    expect(page.get_by_role("button", name="Notes (N)")).to_be_disabled()  # for the first figure
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Notes (N)")).to_be_enabled()
    expect(page.locator(NOTES)).to_have_count(0)
    said = page.locator("main .bn-notes").first.locator("li").first.text_content()
    page.keyboard.press("n")
    expect(page.locator(NOTES)).to_contain_text(said)
    accessible(page, ".bn-enlarged")
    rest(page)
    assert page.evaluate(OFF_SCREEN) == []
    page.keyboard.press("n")
    expect(page.locator(NOTES)).to_have_count(0)


def test_long_notes_leave_the_figures_in_sight(lecture):
    page = lecture("paths")
    for place in ("2 of 3", "3 of 3"):
        page.keyboard.press("PageDown")
        expect(page.locator(".bn-lead span")).to_have_text(place)
    rest(page)
    parts = page.locator(".bn-enlarged :is(.panel, .report)").all()
    panel, report = (part.bounding_box() for part in parts[:2])
    assert panel["y"] + panel["height"] <= report["y"] + 1  # they do not lie on one another
    page.keyboard.press("n")
    expect(page.locator(NOTES)).to_be_visible()
    rest(page)
    box = page.locator(".bn-enlarged")
    assert box.evaluate("(box) => box.scrollHeight - box.clientHeight") <= 1
    assert page.locator(NOTES).bounding_box()["height"] >= 70


def test_a_slider_and_a_handle_keep_their_keys(lecture):
    page = lecture("at_the_weights")
    slider = page.locator(".bn-enlarged input[type=range]").first
    slider.focus()
    before = slider.input_value()
    page.keyboard.press("ArrowRight")
    assert slider.input_value() != before
    assert where(page) == "1 of 2"
    handle = page.locator(".bn-enlarged .bn-picture [role=slider]").first
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("l")
    assert where(page) == "1 of 2"
    page.keyboard.press("PageDown")  # as a remote sends it, whatever was moved before
    expect(page.locator(".bn-lead span")).to_have_text("2 of 2")
    slider = page.locator(".bn-enlarged input[type=range]").first.element_handle()
    slider.focus()
    before = slider.input_value()
    page.keyboard.press("PageUp")
    expect(page.locator(".bn-lead span")).to_have_text("1 of 2")
    assert slider.input_value() == before


def test_a_box_that_is_ticked_keeps_no_key_and_a_graph_s_node_its_arrows(lecture):
    page = lecture("jacobian")
    ticked = page.locator(".bn-enlarged input[type=checkbox]").first
    ticked.click()
    page.keyboard.press("n")
    expect(page.get_by_role("button", name="Notes (N)")).to_have_attribute("aria-pressed", "true")
    page = lecture("paths")
    page.locator(".bn-enlarged .bn-picture [tabindex='0']").first.focus()
    focused = "() => document.activeElement.getAttribute('aria-label')"
    before = page.evaluate(focused)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"(before) => ({focused})() !== before", arg=before)
    assert where(page) == "1 of 3"


def test_the_space_bar_shows_what_comes_next(lecture):
    page = lecture("two_samples")
    page.keyboard.press(" ")
    expect(page.locator(".bn-lead span")).to_have_text("2 of 3")
    page.locator(".bn-enlarged").get_by_role("button", name="Take a step").focus()
    page.keyboard.press(" ")
    expect(page.locator(".bn-enlarged .verdict")).to_contain_text("one step moved")
    assert where(page) == "2 of 3"


def test_the_key_and_the_menu_begin_it_and_typing_does_not(page, book):
    page.goto((book / "chapters" / "two_samples.html").as_uri())
    page.evaluate("() => bnHost.ready")
    number = page.locator("input.bn-number, input[type=number]").first
    number.focus()
    page.keyboard.press("l")
    expect(page.locator(".bn-lectern")).to_have_count(0)
    number.blur()
    page.keyboard.press("l")
    expect(page.locator(".bn-lectern")).to_be_visible()
    page.keyboard.press("l")
    expect(page.locator(".bn-lectern")).to_have_count(0)
    page.locator(".bn-menu").nth(1).click()
    page.get_by_role("menuitem", name="Lecture view").click()
    expect(page.locator(".bn-lead span")).to_have_text("2 of 3")
    page.get_by_role("button", name="Back to the page").click()
    expect(page.locator(".bn-lectern")).to_have_count(0)


def test_letters_are_larger_than_those_of_a_figure_that_is_enlarged(lecture):
    page = lecture("jacobian")
    rest(page)

    def size():
        node = page.locator(".bn-enlarged .verdict").first
        return node.evaluate("(node) => parseFloat(getComputedStyle(node).fontSize)")

    large = size()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Enlarge").first.click()
    assert large > 1.1 * size()
