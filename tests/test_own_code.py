"""A reader's own code in the built book: the workbench's figures, the exercises' verdicts."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from test_page_python import START, Reader, accessible, python_book, site  # noqa: F401

pytestmark = pytest.mark.readers


@pytest.fixture
def read(browser, python_book):  # noqa: F811
    """read(chapter): a reader of a page from file://, or `base`; without errors at the end."""
    readers = []

    def open_page(name, base=None):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        address = f"{base or python_book.as_uri()}/chapters/{name}"
        readers.append((context, Reader(context, address)))
        return readers[-1][1]

    yield open_page
    for context, reader in readers:
        context.close()
        assert reader.problems == []


def nodes(page):
    return page.locator(".bn-figure").first.locator(".node .name")


FIGURE = """(kind) => [...bnHost.models.values()].find((model) =>
  model.get("_anywidget_id")?.endsWith(kind))"""


def joined(page):
    """What a key does to a sample in one figure, the other shows; and the other way round."""
    first = f"(kind) => ({FIGURE})(kind).get('x')[0]"
    before = page.evaluate(first, "GraphFigure")
    page.locator(".bn-box > bn-view").nth(1).get_by_role("slider").first.press("ArrowRight")
    page.wait_for_function(f"(x) => ({first})('GraphFigure') > x", arg=before)
    assert page.evaluate(first, "BatchFigure") == page.evaluate(first, "GraphFigure")
    page.evaluate(f"(x) => ({FIGURE})('GraphFigure').set('x', [x, 0.5, -0.5])", before)
    assert page.evaluate(first, "BatchFigure") == before


def written(page, start):
    """The backward pass of a course's function stands below it, joined to the graph."""
    start.select_option("course batch norm")
    backward = page.locator(".bn-backward")
    code = backward.locator("pre")
    expect(code).to_contain_text("def course_batch_norm_backward(dout, x, gamma, beta):")
    expect(code).to_contain_text("return dx, dgamma, dbeta")
    code.get_by_text("dbeta = dout.sum(axis=0)").hover()
    expect(code.locator(".bn-lit").first).to_contain_text("beta")
    backward.get_by_role("button", name="Copy").click()
    expect(backward.get_by_role("status")).to_have_text("Copied")
    backward.get_by_role("combobox").select_option("compact")
    expect(code).to_contain_text("all paths back to x in one line")
    backward.get_by_role("combobox").select_option("formulas (LaTeX)")
    expect(code).to_contain_text("d\\gamma = ")
    backward.get_by_role("combobox").select_option("step by step")
    expect(code).to_contain_text("return dx, dgamma, dbeta")
    accessible(page)
    start.select_option("images")
    expect(code).to_contain_text("transpose(0, 3, 1, 2)")
    start.select_option("BatchNormLayer")
    expect(code).to_contain_text("return dx, dgamma, dbeta")


def test_the_figures_follow_the_function_as_it_is_typed(read):
    reader = read("workbench.html")
    page = reader.page
    cell = page.locator(".tag_workbench")
    status, batch = cell.locator(".bn-status"), page.locator(".bn-box > bn-view").nth(1)
    cell.get_by_role("button", name="Edit").click()
    expect(status).to_have_text("The figures show layer.", timeout=START)
    expect(nodes(page).get_by_text("μ", exact=True)).to_have_count(1)
    accessible(page)
    joined(page)

    editor = cell.get_by_role("textbox")
    line = cell.locator(".cm-line").nth(1)
    line.click()
    page.keyboard.press("End")
    page.keyboard.press("Shift+Home")
    page.keyboard.type("shift = 0.9 * gamma")  # no mean: its node goes, another comes
    expect(nodes(page).get_by_text("shift", exact=True)).to_have_count(0)  # NameError: mu
    expect(cell.locator(".bn-line-error")).to_contain_text("centred = x - mu")
    expect(cell.locator(".bn-note")).to_contain_text("name 'mu' is not defined")
    expect(nodes(page).get_by_text("μ", exact=True)).to_have_count(1)  # the last good figure stays
    page.keyboard.press("Home")
    page.keyboard.type("mu = ")
    expect(cell.locator(".bn-line-error")).to_have_count(0)
    expect(nodes(page).get_by_text("shift", exact=True)).to_have_count(1)
    expect(status).to_have_text("The figures show layer.")

    start = cell.locator(".bn-menu select")
    start.select_option("layer norm")
    expect(status).to_have_text("The figures show layer_norm.")
    expect(batch).to_be_hidden()
    expect(page.get_by_text("The second figure is paused")).to_be_visible()
    start.select_option("your own")
    expect(status).to_have_text("The figures show my_function.")
    expect(batch).to_be_visible()
    joined(page)
    written(page, start)
    page.evaluate(
        "() => { bnPython.notebook.cells[1].editor.value = 'def f(x):\\n  return np.sort(x)' }"
    )
    expect(status).to_contain_text("Line 2: trace: `np.sort(x)` in line 2: np.sort is not traced")
    expect(editor).to_contain_text("np.sort is not traced")

    cell.get_by_role("button", name="Reset").click()
    expect(nodes(page).get_by_text("σ²", exact=True)).to_have_count(1)
    expect(editor).to_have_count(0)


RIGHT = """def my_backward(dy):
    return dy - dy.mean(axis=0)


bn.exercises["only_mean"].check(my_backward)"""


def test_an_answer_is_judged_beside_its_lines_and_kept(site, read):  # noqa: F811
    """From a server: on a busy machine, Chromium's private windows lose what a file has stored."""
    reader = read("exercises.html", site)
    page = reader.page
    section = page.locator("section").filter(has=page.get_by_role("heading", name="Only the mean"))
    section = section.last
    cell = section.locator(".cell:has(.bn-run)").first
    solved = section.get_by_role("img", name="solved")
    cell.get_by_role("button", name="Check").click()
    status = cell.locator(".bn-status")
    expect(status).to_contain_text("Not yet.", timeout=START)
    wrong = cell.locator(".bn-line-wrong")
    expect(wrong).to_contain_text("dx = None")
    expect(cell.locator(".bn-note")).to_contain_text("Nothing returned yet")
    expect(cell.get_by_text("Nothing returned yet")).to_have_count(2)  # and for screen readers
    expect(cell.locator(".cell_output:visible")).to_have_count(0)
    expect(solved).to_have_count(0)
    accessible(page)

    number = page.evaluate("""() => bnPython.notebook.cells.find((cell) => cell.editor).number""")
    reader.write(number, RIGHT)
    cell.get_by_role("textbox").focus()
    page.keyboard.press("Control+Enter")
    expect(status).to_contain_text(re.compile("Right. 1 of .* saved in this browser"))
    expect(cell.locator(".bn-line-right")).to_contain_text("return dy - dy.mean(axis=0)")
    expect(solved).to_have_count(1)
    with page.expect_download() as download:
        cell.get_by_role("button", name="Save my answers").click()
    saved = Path(download.value.path()).read_text("utf8")
    assert RIGHT in saved
    accessible(page)

    page.reload()
    expect(solved).to_have_count(1)
    expect(cell).to_contain_text("dy - dy.mean(axis=0)")


ANSWERS = f"import numpy as np\r\n\r\nimport batchnorm as bn\n\n# only_mean\n\n{RIGHT}\n"


def test_answers_that_were_saved_are_opened_in_another_browser_and_do_not_run(read):
    """Only what is below an exercise's name is taken, and only *Check* runs it."""
    reader = read("exercises.html")
    page = reader.page
    cell = (
        page.locator("section").filter(has=page.get_by_role("heading", name="Only the mean")).last
    )
    cell = cell.locator(".cell:has(.bn-run)").first
    cell.get_by_role("button", name="Edit").click()
    status, button = cell.locator(".bn-status"), cell.get_by_role("button", name="Open my answers")

    def choose(text):
        with page.expect_file_chooser() as chooser:
            button.click()
        file = {"name": "a.py", "mimeType": "text/x-python", "buffer": text.encode()}
        chooser.value.set_files([file])

    choose("print('hello')")
    expect(status).to_have_text("No answer in this file: open one that Save my answers has made.")
    choose(ANSWERS)
    expect(status).to_have_text("Answers in their cells: 1. Press Check above each.")
    expect(cell.locator(".cm-content")).to_contain_text("return dy - dy.mean(axis=0)")
    assert page.evaluate("() => bnPython.kernel.status.state") == "off"
    expect(page.get_by_role("img", name="solved")).to_have_count(0)
    cell.get_by_role("button", name="Check").click()
    expect(status).to_contain_text("Right. 1 of", timeout=START)
