"""What the pages are beside their figures: on paper, on a phone, in the dark, at the start."""

import json
import re
from itertools import pairwise
from pathlib import Path

import cards
import dark
import numpy as np
import pytest
import reading
from nbformat.v4 import new_output
from playwright.sync_api import expect
from test_prose import CHAPTERS, prose

from batchnorm.plots import PALETTE

START = "start_here"
THUMBS = sorted((Path(__file__).parents[1] / "_static" / "thumbs").glob("*.png"))


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
    ".bn-checkbox input:not(:checked), .bn-choice label:has(input:not(:checked))"
)
CLOSED = "() => document.querySelectorAll('details:not([open])').length"


@pytest.mark.parametrize("name", [START, "whitening"])
def test_paper_shows_all_that_is_said_and_no_control(read, name):
    page = read(name, "dark")
    assert page.evaluate(SEEN, CONTROLS) != []
    closed = page.evaluate(CLOSED)
    assert closed > 0
    page.emulate_media(media="print")
    expect(page.locator("html")).to_have_attribute("data-theme", "light", timeout=30_000)
    assert page.evaluate(CLOSED) == 0
    assert page.evaluate(SEEN, CONTROLS) == []
    assert page.evaluate(SEEN, ".bn-picture svg") != []
    assert page.evaluate(SEEN, ".bn-number, .bn-buttons :checked + span") != []
    empty = "[...document.querySelectorAll('div.cell_input')].filter((e) => !e.innerText.trim())"
    assert page.evaluate(f"{empty}.length") == 0
    assert len(page.evaluate(SEEN, "h1")) == 1
    page.emulate_media(media="screen")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark", timeout=30_000)
    assert page.evaluate(CLOSED) == closed


# Tables that are cut off, and the cells of cards with what stands above them.
TABLES = """() => ({
  clipped: [...document.querySelectorAll(".pst-scrollable-table-container")]
    .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.innerText.slice(0, 80)),
  wide: document.documentElement.scrollWidth - innerWidth,
  cells: [...document.querySelectorAll(".bn-cards td")].map((e) =>
    [getComputedStyle(e).display, getComputedStyle(e, "::before").content]),
})"""


@pytest.mark.parametrize("name", ["corrections", "questions", "notation", "relatives"])
def test_wide_tables_are_cards_on_a_phone(read, name):
    page = read(name, width=390, height=844)
    state = page.evaluate(TABLES)
    assert (state["clipped"], state["wide"]) == ([], 0)
    assert {display for display, _ in state["cells"]} <= {"block", "none"}
    assert any(label not in ("none", "normal", "") for _, label in state["cells"])
    page.set_viewport_size({"width": 1280, "height": 900})
    assert {display for display, _ in page.evaluate(TABLES)["cells"]} == {"table-cell"}


def test_each_cell_of_a_card_is_named_by_its_column():
    row = "<tr><td>{}</td><td>b</td></tr>"
    head = '<table class="table"><thead><tr><th>one &amp; two</th><th></th></tr></thead>'
    long = f"{head}<tbody>{row.format('word ' * 20)}</tbody></table>"
    made = cards.TABLE.sub(cards.stacked, long)
    assert re.findall('data-label="(.*?)"', made) == ["one &amp; two", ""]
    assert 'class="table bn-cards"' in made
    short = f"{head}<tbody>{row.format('word')}</tbody></table>"
    assert cards.TABLE.sub(cards.stacked, short) == short


def minutes(path):
    """How long a chapter takes, by its own words."""
    return int(re.search(r"\*\*Reading time\*\* about (\d+) minutes", prose(path))[1])


def test_the_start_page_says_how_long_each_chapter_takes_and_shows_it(read):
    page = read(START)
    said = page.locator(".bn-chapter").evaluate_all(
        """(all) => all.filter((e) => e.querySelector("small")).map((e) =>
          [e.querySelector("a").getAttribute("href"), parseInt(e.innerText.match(/[0-9]+ min/))])"""
    )
    wanted = {path.stem: minutes(path) for path in CHAPTERS if path.stem != START}
    assert {link.removesuffix(".html"): time for link, time in said} == wanted
    for theme, other in (("light", "dark"), ("dark", "light")):
        page.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
        expect(page.locator(f".bn-chapter .only-{theme}").first).to_be_visible()
        assert page.evaluate(SEEN, f".bn-chapter .only-{other}") == []
    page.locator(".bn-chapter").last.scroll_into_view_if_needed()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.bn-chapter img')].every((e) => e.naturalWidth)"
    )


@pytest.mark.parametrize("path", THUMBS, ids=lambda path: path.stem)
def test_a_small_picture_is_small(path):
    assert path.stat().st_size <= 4096
    assert path.stem in {chapter.stem for chapter in CHAPTERS}


def test_what_people_ask_is_near_the_top_and_the_title_stands_once(read):
    page = read(START)
    sidebar = page.locator(".bd-sidebar-primary")
    expect(sidebar.get_by_text("Gradients Through Batch Normalization")).to_have_count(1)
    expect(sidebar.get_by_role("link", name="What people ask")).to_be_in_viewport()
    expect(page.locator("article a[href='questions.html']").first).to_be_in_viewport()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("article a[href='questions.html']").first).to_be_in_viewport()


def test_a_dark_plot_keeps_the_meaning_of_each_colour():
    light = np.array([dark.rgb(meaning, 0) for meaning in PALETTE])
    right = np.array([dark.rgb(meaning, 1) for meaning in PALETTE])
    assert np.allclose(dark.darkened(light), right)
    paper = list(PALETTE).index("paper")
    half = dark.darkened((light + light[paper]) / 2)  # the edge of a line
    ink = list(PALETTE).index("ink")
    for i, meaning in enumerate(PALETTE):
        if meaning not in dark.GREYS:
            assert np.allclose(half[i], (right[i] + right[paper]) / 2), meaning
    assert right[paper].sum() < half[ink].sum() < right[ink].sum()


def test_each_theme_shows_its_own_plot(read):
    page = read("depth", "dark")
    for theme, other in (("dark", "light"), ("light", "dark")):
        page.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
        shown = page.locator(f".cell_output .only-{theme}")
        expect(shown).to_be_visible()
        expect(page.locator(f".cell_output .only-{other}")).to_be_hidden()
        shown.scroll_into_view_if_needed()  # it is loaded when it is about to be seen
        page.wait_for_function("(image) => image.naturalWidth", arg=shown.element_handle())


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


def test_what_is_printed_is_shown_as_it_was_printed():
    """A busy kernel sends a line and its end in two outputs."""

    def stream(text, name="stdout"):
        return new_output("stream", name=name, text=text)

    shown = new_output("display_data", {"text/plain": "a plot"})
    came = [stream("one"), stream("\n\ntwo\n"), shown, shown, stream("x", "stderr"), stream("y\n")]
    wanted = [stream("one\n\ntwo\n"), shown, shown, stream("x", "stderr"), stream("y\n")]
    assert reading.joined_streams(came) == wanted
    assert reading.joined_streams([]) == []
