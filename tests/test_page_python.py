"""Python in the page: the cells of a built chapter are run, changed, stopped.

It takes seconds to start: one page and one kernel serve most tests, each of which leaves the cells
as it found them. From a file it runs in tests/test_own_code.py and tests/test_trouble.py.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from stage import accessible, serve, slide, strict

pytestmark = pytest.mark.readers

ROOT = Path(__file__).parents[1]

START = 300_000  # milliseconds: a busy machine is slow, not broken
CHAPTER = "chapters/start_here.html"
WHOLE = "chapters/two_samples.html"  # all of its cells are run
WITHOUT = "this book was built without Python in its pages"


@pytest.fixture(scope="module")
def python_book(book):
    """The built book, if its pages have Python."""
    if not (book / "_static" / "live.js").exists():
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"{WITHOUT}: see what `make book` says")
        pytest.skip(WITHOUT)
    return book


KEEP_WORKERS = """globalThis.bnWorkers = [];
globalThis.Worker = class extends Worker {
  constructor(url) { super(url); bnWorkers.push(this); }
};"""


class Reader:
    """A reader of one page, with what it loaded and what went wrong."""

    def __init__(self, context, address):
        self.page = context.new_page()
        self.page.set_default_timeout(START)
        self.loaded, self.problems = [], []
        self.page.on("request", lambda r: self.loaded.append(r.url))
        self.page.on("console", lambda m: m.type == "error" and self.problems.append(m.text))
        self.page.on("pageerror", lambda e: self.problems.append(str(e)))
        self.page.add_init_script(KEEP_WORKERS)
        self.page.goto(address)

    def cell(self, number):
        return self.page.locator(".cell:has(.bn-run)").nth(number - 1)

    def press(self, number, name):
        """Presses a button of a cell, unfolded if need be."""
        self.unfold(number)
        self.cell(number).get_by_role("button", name=f"{name} cell {number}", exact=True).click()

    def unfold(self, number):
        fold = self.cell(number).locator("details.hide:not([open]) > summary")
        if fold.count():
            fold.click()

    def status(self, number):
        return self.cell(number).locator(".bn-status")

    def live(self, number):
        return self.cell(number).locator(".bn-live")

    def ran(self, number, words="The output "):
        """Waits for the end of a run."""
        expect(self.status(number)).to_contain_text(words, timeout=START)

    def write(self, number, source):
        """Puts a source into a cell's editor."""
        field = self.cell(number).locator(".cm-content")
        if field.count():
            field.focus()
        else:
            self.press(number, "Edit")
        expect(field).to_be_focused()
        index = number - 1
        script = "([i, text]) => { bnPython.notebook.cells[i].editor.value = text; }"
        self.page.evaluate(script, [index, source])

    def run(self, number, source, words="The output "):
        """Writes a source, runs it with the keys, and waits for its end."""
        self.write(number, source)
        expect(self.status(number)).to_contain_text("not run yet")
        self.page.keyboard.press("Control+Enter")
        self.ran(number, words)


@pytest.fixture(scope="module")
def context(browser):
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(python_book):
    """The book's address, served under the policy that the README names."""
    with serve(strict(python_book)) as address:
        yield address


@pytest.fixture(scope="module")
def reader(context, site):
    """A page over http whose cell 2 has run, and with it cell 1, once Python was ready."""
    reader = Reader(context, f"{site}/{WHOLE}")
    reader.before = list(reader.loaded)
    reader.unfold(2)
    reader.cell(2).get_by_role("button", name="Run cell 2", exact=True).hover()
    reader.page.wait_for_function("() => globalThis.bnPython?.kernel.status.state === 'ready'")
    reader.told_when_ready = reader.status(2).text_content()
    reader.press(2, "Run")
    reader.ran(2)
    return reader


@pytest.fixture
def cell(reader):
    """The number of a cell to write into; it is reset after the test."""
    yield 2
    reader.cell(2).get_by_role("button", name="Reset cell 2 as published").click()
    expect(reader.live(2)).to_be_hidden()
    assert reader.problems == []


def test_nothing_of_python_is_loaded_before_it_is_asked_for(reader, site):
    early = [url for url in reader.before if re.search(r"live\.js|/python/", url)]
    assert early == []
    assert all(url.startswith((site, "blob:", "data:")) for url in reader.loaded)
    assert reader.problems == []


def test_python_starts_while_its_button_is_aimed_at(reader):
    """Without a press of the button: the fixture waited for it. Nothing is said of it yet."""
    assert reader.told_when_ready == ""


def test_a_cell_runs_those_above_it_and_shows_what_is_published(reader):
    expect(reader.status(1)).to_contain_text("The output is the published one.")
    expect(reader.status(2)).to_contain_text("The output is the published one.")
    expect(reader.status(2)).to_contain_text("Python 3.13, NumPy 2.2, in your browser")


def test_streams_and_the_last_expression(reader, cell):
    reader.run(cell, "import sys\nprint('one')\nsys.stderr.write('two\\n')\nnp.arange(3) ** 2")
    expect(reader.live(cell).locator("pre")).to_have_text(["one\n", "two\n", "array([0, 1, 4])"])
    expect(reader.status(cell)).to_contain_text("differs from the published one")
    reader.run(cell, "np.arange(3);")
    expect(reader.live(cell).locator("pre")).to_have_count(0)


def test_an_exception_names_its_line(reader, cell):
    reader.run(cell, "def f(x):\n    return 1 / x\n\nf(0)", "ended with an error")
    alert = reader.live(cell).get_by_role("alert")
    expect(alert).to_contain_text("cell 2, line 4\n")
    expect(alert).to_contain_text("cell 2, line 2, in f\n    return 1 / x")
    expect(alert).to_contain_text("ZeroDivisionError: division by zero")
    expect(alert).not_to_contain_text("page/")
    expect(reader.cell(cell).locator(".bn-note")).to_have_text(
        "ZeroDivisionError: division by zero"
    )
    accessible(reader.page, ".cell")
    reader.run(cell, "x = 1\ny = (2,\nz = = 3", "ended with an error")
    expect(alert).to_contain_text(re.compile(r"cell 2, line \d\n.*SyntaxError", re.S))


def test_ten_megabytes_of_output_are_cut(reader, cell):
    reader.run(cell, "for i in range(100):\n    print('x' * 100_000)\nprint('end')")
    text = reader.live(cell).inner_text()
    assert 190_000 < len(text) < 210_000
    assert "more characters, which are not shown" in text


def test_names_and_docstrings_come_from_the_running_python(reader, cell):
    page = reader.page
    reader.run(cell, 'class Mine:\n    "My own."\n    scale = 2\n\nmine = Mine()')
    reader.write(cell, "")
    options = page.get_by_role("option")
    page.keyboard.type("bn.batch_")
    expect(options).to_have_text(["batch_normfunction", "batch_norm_lossfunction"])
    info = page.locator(".cm-completionInfo")
    expect(info).to_contain_text("batch_norm(x, gamma, beta, eps=")
    expect(info).to_contain_text("Normalise each feature over the batch")
    accessible(page, ".cell")
    page.keyboard.press("Escape")
    reader.write(cell, "")
    page.keyboard.type("mine.")
    expect(options).to_have_text(["scaleint"])
    reader.write(cell, "")
    page.keyboard.type("np.mean(")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(".bn-docstring")).to_contain_text("mean(a, axis=None")
    expect(page.locator(".bn-docstring")).to_contain_text("Compute the arithmetic mean")
    accessible(page, ".cell")
    for call, offered in [("np.linspace(0, 1, nu", "num=50"), ("bn.forward(x, ga", "gamma=")]:
        reader.write(cell, "")
        page.keyboard.type(call)
        page.keyboard.press("Control+Space")
        expect(options).to_have_text([offered])
        page.keyboard.press("Escape")
    assert page.evaluate("bnPython.kernel.status.state") == "ready"

    reader.write(cell, "while True:\n    print('busy')")
    page.keyboard.press("Control+Enter")
    expect(reader.live(cell)).to_contain_text("busy")
    reader.write(cell, "np.mean(")
    page.keyboard.press("Control+End")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(".bn-docstring")).to_contain_text("Python is off, or busy.")
    reader.press(cell, "Stop")
    expect(reader.status(cell)).to_contain_text("Stopped")
    asking = """() => {
      const { kernel } = bnPython;
      kernel.stop();
      kernel.look("complete", { path: "np" });
      return kernel.status.state;
    }"""
    assert page.evaluate(asking) == "off"  # asking starts nothing


def test_variables_are_listed_below_a_cell_and_follow_its_runs(reader, cell):
    page = reader.page
    reader.run(cell, "scale = 2.5\ncentred = np.zeros((3, 4))")
    button = reader.cell(cell).get_by_role("button", name="Variables")
    listed = reader.cell(cell).locator(".bn-variables")
    row = listed.get_by_role("row").filter(has=page.get_by_text("centred", exact=True))
    expect(listed).to_be_hidden()
    assert listed.inner_text() == ""  # nothing is asked for before
    button.click()
    expect(row.get_by_role("cell")).to_have_text(
        ["array", "(3, 4)", "float64", "[0, 0, 0, 0, 0, …]"]
    )
    accessible(page, ".cell")
    reader.run(cell, "centred = np.ones(2, int)\nclass Slow:\n    __repr__ = None\nslow = Slow()")
    expect(row.get_by_role("cell").nth(1)).to_have_text("(2,)")
    expect(listed.get_by_role("row", name="slow Slow")).to_be_visible()
    reader.cell(cell).get_by_role("button", name="Restart Python").click()
    expect(listed).to_have_text(re.compile("^Python is not running"))
    reader.run(cell, "centred = 1")
    expect(row.get_by_role("cell")).to_have_text(["int", "", "", "1"])
    reader.cell(cell).get_by_role("button", name="Reset").click()
    expect(listed).to_be_hidden()
    reader.write(cell, "0")  # which the fixture resets


def test_what_a_start_imports_is_compiled_and_sources_can_be_read(reader, cell):
    reader.run(
        cell,
        "import inspect, os\n"
        "print([m.__file__.rpartition('.')[2] for m in (np, np.linalg, inspect)])\n"
        "print(os.path.exists(bn.layer.__cached__), bn.layer.__file__.rpartition('.')[2])\n"
        "print('def batch_norm' in inspect.getsource(bn.batch_norm))",
    )
    expect(reader.live(cell)).to_have_text("['pyc', 'pyc', 'pyc']\nTrue py\nTrue\n")


def test_the_figure_and_python_stay_joined_both_ways(reader, cell):
    reader.run(cell, "figure = bn.BatchFigure([1.0, 2.0, 4.0], [0.5, -1.0, 0.2])\n"
               "bn.controls(figure, gamma=(0.0, 3.0))")  # fmt: skip
    assert not re.search("Cannot show", reader.live(cell).inner_text())
    expect(reader.live(cell).locator(".bn-figure svg").first).to_be_visible()
    slide(reader.page.locator(".bn-live"), "scale γ", 2.5)
    ask = "print(figure.gamma, np.allclose(figure.dx, figure.compute()['dx']))"
    script = """async ([source]) => {
      let text = "";
      const onOutput = (output) => { text += output.text ?? ""; };
      bnPython.joined.flush();
      await bnPython.kernel.run(source, { onOutput });
      return text;
    }"""
    assert reader.page.evaluate(script, [ask]) == "2.5 True\n"
    reader.page.evaluate(script, ["figure.gamma = 0.5"])
    number = reader.live(cell).get_by_role("textbox", name="scale γ, value")
    expect(number).to_have_value("0.50")


def test_observe_link_buttons_and_interact(reader, cell):
    reader.run(
        cell,
        "import ipywidgets as w\n"
        "a, b, c = (w.IntSlider(description=name) for name in 'abc')\n"
        "button = w.Button(description='Press')\n"
        "button.on_click(lambda _: setattr(a, 'value', 7))\n"
        "w.jslink((a, 'value'), (c, 'value'))\n"
        "w.dlink((a, 'value'), (b, 'value'), lambda v: v + 1)\n"
        "a.observe(lambda change: print('now', change.new), 'value')\n"
        "@w.interact(n=(0, 5))\n"
        "def f(n=2):\n"
        "    print('n is', n)\n"
        "w.VBox([a, b, c, button])",
    )
    live = reader.live(cell)
    expect(live.locator(".bn-output")).to_have_text("n is 2\n")
    live.get_by_role("slider", name="n", exact=True).fill("4")
    expect(live.locator(".bn-output")).to_have_text("n is 4\n")
    live.get_by_role("button", name="Press").click()
    expect(live.get_by_role("textbox", name="a, value")).to_have_value("7")
    expect(live.get_by_role("textbox", name="b, value")).to_have_value("8")
    expect(live.get_by_role("textbox", name="c, value")).to_have_value("7")
    expect(live.locator(".bn-stdout").last).to_contain_text("now 7")
    live.get_by_role("slider", name="c", exact=True).fill("3")  # jslink joins both ways
    expect(live.locator(".bn-stdout").last).to_contain_text("now 3")


def test_an_endless_loop_is_stopped_and_python_starts_anew(reader, cell):
    reader.write(cell, "while True:\n    print('still here')")
    reader.page.keyboard.press("Control+Enter")
    expect(reader.live(cell)).to_contain_text("still here")
    reader.press(cell, "Stop")
    expect(reader.status(cell)).to_contain_text("Stopped")
    loaded = len([url for url in reader.loaded if "part_" in url])
    reader.run(cell, "bn.batch_norm.__name__")  # cell 1 runs again, too: bn is known
    expect(reader.live(cell)).to_have_text("'batch_norm'")
    assert len([url for url in reader.loaded if "part_" in url]) == loaded


def test_restart_forgets_what_cells_have_made(reader, cell):
    reader.run(cell, "made = 1")
    reader.cell(cell).get_by_role("button", name="Restart Python").click()
    expect(reader.status(cell)).to_have_text("Python was restarted: nothing has run in it yet.")
    reader.run(cell, "'made' in globals(), 'bn' in globals()")  # cell 1 has run again
    expect(reader.live(cell)).to_have_text("(False, True)")


def test_a_worker_that_dies_takes_nothing_with_it_but_pythons_names(reader, cell):
    reader.run(cell, "print('once')\nimport os\nos.abort()", "Python crashed")
    expect(reader.live(cell)).to_contain_text("once")
    expect(reader.cell(cell).get_by_role("button", name="Run cell 2")).to_be_visible()
    assert reader.problems  # Pyodide names it in the console
    reader.problems.clear()
    reader.run(cell, "print('still here')\nwhile 'bn' in globals():\n    pass", "Running")
    expect(reader.live(cell)).to_contain_text("still here")
    reader.page.evaluate("bnWorkers.at(-1).terminate()")  # nothing is heard of it any more
    reader.press(cell, "Stop")
    expect(reader.status(cell)).to_contain_text("Stopped")
    reader.run(cell, "bn.batch_norm.__name__")
    expect(reader.live(cell)).to_have_text("'batch_norm'")


def test_edits_are_lost_by_nothing_but_reset(context, reader, site, cell):
    reader.write(cell, "kept = 1")
    again = Reader(context, f"{site}/{WHOLE}")
    expect(again.cell(cell).locator(".cell_input pre")).to_have_text("kept = 1")
    expect(again.status(cell)).to_contain_text("Changed, but not run yet")
    again.unfold(cell)
    again.cell(cell).get_by_role("button", name="Reset cell 2 as published").click()
    expect(again.cell(cell).locator(".cell_input pre")).not_to_have_text("kept = 1")
    again.page.close()


def shows_what_is_published(reader):
    """Runs all cells of a page, each of which then shows what was published."""
    free = "(cell) => cell.matches('.tag_nbval-ignore-output')"
    last = reader.page.locator(".cell:has(.bn-run)").count()
    reader.press(last, "Run")
    expect(reader.status(last)).to_contain_text(re.compile("The output|ended with"), timeout=START)
    for number in range(1, last + 1):
        if not reader.cell(number).evaluate(free):
            expect(reader.status(number)).to_contain_text("The output is the published one.")
    assert reader.page.locator(".bn-live .bn-missing, .bn-live .bn-error").count() == 0
    assert reader.problems == []


def test_all_cells_of_a_chapter_show_what_is_published(reader):
    """test_page_chapters.py runs the other chapters in the same Python, without a browser."""
    shows_what_is_published(reader)


CHAPTERS = {path.stem for path in (ROOT / "chapters").glob("*.ipynb")} - {"exercises"}


@pytest.mark.skipif(not os.environ.get("EVERY_CHAPTER"), reason="EVERY_CHAPTER=1 runs it")
@pytest.mark.parametrize("name", sorted(CHAPTERS - {Path(WHOLE).stem}))
def test_all_cells_of_every_chapter_show_what_is_published(context, site, name):
    reader = Reader(context, f"{site}/chapters/{name}.html")
    shows_what_is_published(reader)
    reader.page.close()
