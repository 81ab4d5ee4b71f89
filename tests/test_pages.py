"""What the pages are beside their figures: on paper, on a phone, in the dark, at the start."""

import io
import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from nbformat.v4 import new_output
from PIL import Image
from playwright.sync_api import expect
from stage import serve
from test_prose import CHAPTERS

from _ext.site import pages

START = "start_here"


@pytest.fixture
def read(page, book):
    """read(chapter, theme, width): the page, once its figures stand."""

    def opened(name, theme="light", width=1280, height=900):
        page.set_viewport_size({"width": width, "height": height})
        page.goto((book / "chapters" / f"{name}.html").as_uri())
        page.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
        page.evaluate("() => window.bnHost?.ready")
        return page

    return opened


# The longest lines of prose: of paragraphs without formulas, whose width is no matter of letters.
LINES = """() => {
  const range = document.createRange(), lines = [];
  for (const p of document.querySelectorAll(".bd-article :is(p, li)")) {
    if (p.closest(".cell, table, .bn-figure, details:not([open]), summary")) continue;
    if (p.querySelector("p, .math, ul, ol, math")) continue;
    const walker = document.createTreeWalker(p, NodeFilter.SHOW_TEXT);
    let bottom = -Infinity;
    while (walker.nextNode()) {
      for (let i = 0; i < walker.currentNode.length; i++) {
        range.setStart(walker.currentNode, i);
        range.setEnd(walker.currentNode, i + 1);
        const box = range.getBoundingClientRect();
        if (box.width && box.top > bottom) { lines.push(""); bottom = box.bottom - 2; }
        if (box.width) lines[lines.length - 1] += walker.currentNode.data[i];
      }
    }
  }
  return lines.map((line) => line.trim()).filter((line) => line.length > 75);
}"""


@pytest.mark.parametrize("name", [START, "derivation"])
def test_prose_has_at_most_75_characters_a_line(read, name):
    page = read(name)
    for width in (700, 1280, 2200):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(LINES) == [], f"{width} px"


# What is seen of a kind: elements with a size and not hidden.
SEEN = """(kind) => [...document.querySelectorAll(kind)]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length)
  .map((e) => e.outerHTML.slice(0, 120))"""
CONTROLS = (
    'article :is(input[type="range"], select, button:not([aria-pressed="true"])), .headerlink, '
    ".bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article button, .copybtn, "
    ".bn-checkbox input:not(:checked), .bn-choice label:has(input:not(:checked)), .gesture"
)
CHOSEN = '.bn-number, .bn-buttons :checked + span, .switch [aria-pressed="true"]'
CLOSED = "() => document.querySelectorAll('details:not([open])').length"


@pytest.mark.parametrize("name", [START, "whitening", "circle"])
def test_paper_shows_all_that_is_said_and_no_control(read, name):
    page = read(name, "dark")
    assert page.evaluate(SEEN, CONTROLS) != []
    closed = page.evaluate(CLOSED)
    assert closed > 0
    page.emulate_media(media="print")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate(CLOSED) == 0
    assert page.evaluate(SEEN, CONTROLS) == []
    assert page.evaluate(SEEN, ".bn-picture svg") != []
    assert page.evaluate(SEEN, CHOSEN) != []
    empty = "[...document.querySelectorAll('div.cell_input')].filter((e) => !e.innerText.trim())"
    assert page.evaluate(f"{empty}.length") == 0
    assert len(page.evaluate(SEEN, "h1")) == 1
    page.emulate_media(media="screen")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(CLOSED) == closed


def sheets(page):
    """How many sheets the printed page takes."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf()))


@pytest.mark.parametrize("name", ["two_samples", "computation_graph"])
def test_the_printed_page_has_its_end_and_what_its_folds_hold(read, name):
    page = read(name)
    folded = sheets(page)
    page.evaluate("() => document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    assert sheets(page) == folded > 5
    page.emulate_media(media="print")
    fading = "(e) => getComputedStyle(e).animationName !== 'none'"
    inside = "[...document.querySelectorAll('.bd-article details > *')]"
    assert page.evaluate(f"() => {inside}.some({fading})") is False


@pytest.mark.parametrize("name", ["two_samples", "computation_graph", "exercises"])
def test_paper_alone_says_where_the_buttons_are(read, book, name):
    page = read(name)
    page.emulate_media(media="print")
    pressed = page.evaluate(r"""() => [...document.querySelectorAll(".bd-article :is(p, li)")]
      .filter((e) => e.checkVisibility() && /\bpress\b/i.test(e.innerText))
      .map((e) => getComputedStyle(e, "::before").content + e.innerText
        + e.closest("ul")?.previousElementSibling.innerText)""")
    assert pressed
    for text in pressed:
        assert re.search("on the web page", text, re.I), text
    page.emulate_media(media="screen")
    said = r"() => document.querySelector('article').innerText"
    found = (book / "_static" / "sections" / f"{name}.js").read_text("utf8")  # by the search
    for text in (page.evaluate(said), found):
        assert not re.search(r"Try, on the web|\(on the web", text)


# What is cut off without a way to see it, and where the first cells of rows stand.
TABLES = """() => ({
  wide: document.documentElement.scrollWidth - innerWidth,
  stuck: [...document.querySelectorAll(".pst-scrollable-table-container")]
    .filter((e) => e.scrollWidth > e.clientWidth + 1)
    .map((e) => {
      e.scrollLeft = 40;
      const left = e.querySelector("td").getBoundingClientRect().left;
      return [e.scrollLeft, left - e.getBoundingClientRect().left];
    }),
})"""


@pytest.mark.parametrize("name", ["corrections", "questions", "notation", "relatives"])
def test_a_wide_table_scrolls_on_a_phone_and_says_what_each_row_is(read, name):
    state = read(name, width=390, height=844).evaluate(TABLES)
    assert state["wide"] == 0
    for scrolled, first in state["stuck"]:
        assert scrolled > 0
        assert first == pytest.approx(0, abs=2)


def test_what_people_ask_is_at_hand_and_the_title_stands_once(read):
    """In the sidebar, and in the text below the first figures; on a phone in the menu."""
    page = read(START)
    sidebar = page.locator(".bd-sidebar-primary")
    asked = sidebar.get_by_role("link", name="What people ask")
    expect(sidebar.get_by_text("Gradients Through Batch Normalization")).to_have_count(1)
    expect(asked).to_be_in_viewport()
    expect(page.locator("article a[href='questions.html']").first).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(asked).not_to_be_in_viewport()
    page.locator(".bd-header-article .primary-toggle").click()
    expect(asked).to_be_in_viewport()


# What is seen of a plot in the dark: the colours of its pixels, from light to dark.
def test_a_plot_is_dark_in_the_dark_and_keeps_its_hues(read):
    colours = {}
    for theme in ("light", "dark"):
        plot = read("depth", theme).locator(".cell_output img").first
        plot.scroll_into_view_if_needed()
        plot.evaluate("(image) => image.decode()")
        picture = Image.open(io.BytesIO(plot.screenshot())).convert("RGB")
        colours[theme] = np.asarray(picture, float) / 255
    light, dark = (colours[theme].reshape(-1, 3) for theme in ("light", "dark"))
    assert np.median(light.mean(axis=1)) > 0.95
    assert np.median(dark.mean(axis=1)) < 0.15
    vivid = np.ptp(light, axis=1) > 0.4
    assert vivid.sum() > 100
    # The strongest of red, green and blue stays the strongest
    same = light.argmax(axis=1)[vivid] == dark.argmax(axis=1)[vivid]
    assert same.mean() > 0.95


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_closed_answer_hides_its_code(path):
    """A cell of code right after an answer is folded, too."""
    cells = json.loads(path.read_text("utf8"))["cells"]
    bare = [
        "".join(cell["source"])
        for before, cell in pairwise(cells)
        if "<details><summary>Answer" in "".join(before["source"])
        and cell["cell_type"] == "code"
        and "hide-cell" not in cell["metadata"].get("tags", [])
    ]
    assert bare == []


def test_a_folded_section_has_its_heading_in_sight_and_opens_for_a_link_to_it(read):
    page = read("reparameterization")
    asides = page.locator(".bn-aside")
    expect(asides.first).to_be_visible()
    for aside in asides.all():
        expect(aside.locator("summary :is(h2, h3)").first).to_be_visible()
        expect(aside.locator("p").last).to_be_hidden()
    first, last = (aside.locator("xpath=..").get_attribute("id") for aside in
                   (asides.first, asides.last))  # fmt: skip
    page.locator(f".bd-sidebar-secondary a[href='#{first}']").click()
    expect(asides.first).to_have_attribute("open", "")
    address = page.url.partition("#")[0]
    page.goto("about:blank")
    page.goto(f"{address}#{last}")
    expect(asides.last).to_have_attribute("open", "")
    expect(asides.last.locator("p").first).to_be_in_viewport()
    expect(asides.first).not_to_have_attribute("open", "")


class Folded(HTMLParser):
    """Collects what a page's folded sections hold."""

    def __init__(self):
        super().__init__()
        self.stack, self.views = [], 0

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "details":
            self.stack.append(given.get("class") == "bn-aside")
        self.views += any(self.stack) and "widget-view" in (given.get("type") or "")

    def handle_endtag(self, tag):
        if tag == "details":
            self.stack.pop()


def test_no_figure_is_in_a_folded_section(book):
    """Figures are what one comes for; and what is closed, other tests do not see."""
    for path in (book / "chapters").glob("*.html"):
        folded = Folded()
        folded.feed(path.read_text("utf8"))
        assert (folded.views, folded.stack) == (0, []), path.stem


def test_what_is_printed_is_shown_as_it_was_printed():
    """A busy kernel sends a line and its end in two outputs."""

    def stream(text, name="stdout"):
        return new_output("stream", name=name, text=text)

    shown = new_output("display_data", {"text/plain": "a plot"})
    came = [stream("one"), stream("\n\ntwo\n"), shown, shown, stream("x", "stderr"), stream("y\n")]
    wanted = [stream("one\n\ntwo\n"), shown, shown, stream("x", "stderr"), stream("y\n")]
    assert pages.joined_streams(came) == wanted
    assert pages.joined_streams([]) == []


def test_menus_and_hints_of_the_theme_are_loaded_when_they_are_asked_for(read):
    page = read(START)
    loaded = "() => 'bootstrap' in window"
    assert not page.evaluate(loaded)
    page.get_by_role("button", name="Download this page").click()
    expect(page.locator(".dropdown-menu.show")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".dropdown-menu.show")).to_have_count(0)

    page = read("derivation")
    assert not page.evaluate(loaded)
    page.locator(".theme-switch-button:visible").hover()
    expect(page.get_by_role("tooltip")).to_have_text("Color mode")
    hint, arrow = page.locator(".tooltip-inner"), page.locator(".tooltip-arrow")
    expect(hint).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")
    expect(arrow).to_have_css("position", "absolute")
    page.mouse.move(600, 600)
    expect(page.get_by_role("tooltip")).to_have_count(0)

    page = read("jacobian")
    page.get_by_role("button", name="Download this page").focus()
    page.wait_for_function(loaded)
    page.keyboard.press("Enter")
    expect(page.locator(".dropdown-menu.show")).to_be_visible()


def test_menus_that_do_not_come_are_named_and_asked_for_again(browser, book):
    page = browser.new_page()
    with serve(book) as home:
        page.goto(f"{home}/chapters/{START}.html")
        page.route("**/bootstrap.js", lambda route: route.abort())
        button = page.get_by_role("button", name="Download this page")
        with page.expect_console_message(lambda said: "bootstrap.js did not load" in said.text):
            button.click()
        page.unroute("**/bootstrap.js")
        page.mouse.move(600, 600)
        button.click()
        expect(page.locator(".dropdown-menu.show")).to_be_visible()
    page.close()


def test_on_the_way_up_a_small_screen_offers_the_top(read):
    page = read("derivation", width=390)
    button = page.locator("#pst-back-to-top")
    page.mouse.wheel(0, 900)
    page.wait_for_function("() => scrollY > 800")
    expect(button).to_be_hidden()
    page.mouse.wheel(0, -100)
    button.click()
    page.wait_for_function("() => scrollY === 0")
    expect(button).to_be_hidden()
    assert not page.evaluate("() => 'bootstrap' in window")


def test_the_button_on_code_copies_it(read):
    page = read("two_samples")
    page.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    code = page.locator(".cell_input pre:visible").first
    wanted = code.inner_text().removesuffix("\n")
    page.evaluate("""() => document.addEventListener("copy", ({ target }) => {
      window.copied = [target.value, target.selectionStart, target.selectionEnd];
    })""")
    button = page.locator(".cell_input .copybtn:visible").first
    button.click()
    expect(button).to_have_attribute("data-tooltip", "Copied!")
    assert page.evaluate("() => copied") == [wanted, 0, len(wanted)]
    assert page.evaluate("() => document.querySelectorAll('body > textarea').length") == 0

    page.evaluate("() => { document.execCommand = () => false; }")
    button = page.locator(".cell_input .copybtn:visible").nth(1)
    button.click()
    expect(button).to_have_attribute("data-tooltip", "Failed to copy")
