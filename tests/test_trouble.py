"""Python in the page where something is against it: policies, slow lines, what readers paste."""

import re
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import expect
from stage import SAVE_DATA, Quiet, serve, strict
from test_page_python import CHAPTER, Reader, python_book  # noqa: F401

pytestmark = pytest.mark.readers

LOADED = re.compile(r"([\d.]+) of [\d.]+ MB")


# A change of the policy, and what is said of it: nothing where all works without it
STRICTER = {
    "worker": (("worker-src blob:", "worker-src 'none'"), "worker-src would have to allow blob:"),
    "wasm": ((" 'wasm-unsafe-eval'", ""), "script-src would have to allow 'wasm-unsafe-eval'"),
    "trusted types": (
        ("base-uri", "require-trusted-types-for 'script'; base-uri"),
        re.compile("require-trusted-types-for[.)]"),
    ),
    "connect": (("connect-src 'self'", "connect-src 'none'"), None),
}
FORBIDS = "Content-Security-Policy forbids it: its directive "


@pytest.mark.parametrize(("change", "named"), STRICTER.values(), ids=STRICTER)
def test_the_directive_that_stops_python_is_named(browser, python_book, change, named):  # noqa: F811
    context = browser.new_context()
    with serve(strict(python_book, change)) as address:
        reader = Reader(context, f"{address}/{CHAPTER}")
        reader.press(1, "Run")
        if named:
            status = reader.cell(1).locator(".bn-status:visible, .bn-run [role=status]").last
            expect(status).to_contain_text(FORBIDS)
            expect(status).to_contain_text(named)
        else:
            reader.ran(1)
    context.close()


def slow(folder):
    """A handler for `serve`: 50 KB/s for Python's parts, over all connections together."""
    line = threading.Lock()

    class Slow(Quiet):
        def copyfile(self, source, outputfile):
            if "/python/" not in self.path:
                return super().copyfile(source, outputfile)
            with suppress(ConnectionError):  # the page is closed before all has come
                while piece := source.read(5000):
                    with line:
                        time.sleep(0.1)
                        outputfile.write(piece)
            return None

    return partial(Slow, directory=str(folder))


def test_over_a_slow_line_one_sees_how_far_it_is(browser, python_book):  # noqa: F811
    context = browser.new_context()
    with serve(slow(python_book)) as address:
        reader = Reader(context, f"{address}/{CHAPTER}")
        reader.press(1, "Run")
        seen = set()
        while len(seen) < 3:  # of megabytes in tenths: two seconds each
            text = reader.status(1).filter(has_text=LOADED).text_content()
            seen.add(float(LOADED.search(text)[1]))
            reader.page.wait_for_function(
                "([node, text]) => node.textContent !== text",
                arg=[reader.status(1).element_handle(), text],
            )
        assert max(seen) < 1  # long before the first of its files is here
    context.close()


# What may become of one of Python's parts on its way, and what is said of it. The server does it:
# where Playwright's routes stand between, Chromium may never answer again.


def missing(server, part):
    server.send_error(404)


def another_page(server, part):
    answer(server, "text/html", b"<!doctype html><title>Sign in</title>")


def damaged(server, part):
    middle = len(part) // 2
    lost = part[middle : middle + 400].swapcase()
    answer(server, "text/javascript", part[:middle] + lost + part[middle + 400 :])


def silent(server, part):
    """The line is cut before the first byte of an answer."""


def breaks_off(server, part):
    answer(server, "text/javascript", part[:1000], len(part))


def wrong_type(server, part):
    answer(server, "text/plain", part)


def answer(server, kind, body, length=None):
    server.send_response(200)
    for name, value in (("Type", kind), ("Length", len(body) if length is None else length)):
        server.send_header(f"Content-{name}", str(value))
    server.send_header("X-Content-Type-Options", "nosniff")
    server.end_headers()
    server.wfile.write(body)


LOST = {
    "missing": (missing, "did not load: status 404"),
    "another page": (another_page, "holds no part of Python"),
    "damaged": (damaged, "arrived damaged"),
    "silent": (silent, "did not load"),
    "breaks off": (breaks_off, "the connection broke off"),
}


def spoiling(folder, spoilt):
    """A handler for `serve`, under the README's policy: what becomes of files, by their names."""
    strictly = strict(folder).func

    class Spoiling(strictly):
        def do_GET(self):
            name = self.path.partition("?")[0]
            spoil = spoilt.get(Path(name).name)
            if not spoil:
                return super().do_GET()
            return spoil(self, (folder / name.lstrip("/")).read_bytes())

    return partial(Spoiling, directory=str(folder))


def parts_of(book):
    """The names of the files that hold Python's parts."""
    return sorted(path.name for path in (book / "_static/python").glob("part_*.js"))


def test_what_is_lost_on_its_way_is_said_and_tried_again(browser, python_book):  # noqa: F811
    """Whatever is lost and however it is, of Python's scripts and its parts, until all arrives."""
    (live,) = [path.name for path in python_book.rglob("live.js")]
    parts, spoilt = parts_of(python_book), {live: wrong_type}
    context = browser.new_context()
    context.add_init_script(SAVE_DATA)  # else a pointer that rests on Run tries again on its own
    with serve(spoiling(python_book, spoilt)) as address:
        reader = Reader(context, f"{address}/{CHAPTER}")
        reader.press(1, "Run")
        said, status = reader.cell(1).locator(".bn-run [role=status]"), reader.status(1)
        expect(said).to_have_text("This does not work here: live.js did not load.")

        def fails(lost, words):
            spoilt.clear()
            spoilt.update(lost)
            if status.is_visible():
                reader.cell(1).get_by_role("button", name="Try again").click()
            else:
                reader.press(1, "Run")
            expect(status).to_contain_text("Python did not start (")
            expect(status).to_contain_text(words)

        for spoil, words in LOST.values():
            # Half of the parts arrive: a reader who is offline has some of them, too
            fails(dict.fromkeys(parts[::2], spoil), words)
        expect(said).to_have_text("")
        manifest = reader.page.evaluate("() => bnManifest")
        assert {*manifest["parts"]} >= {"lock.json", "pyodide.asm.wasm", "python_stdlib.zip"}
        for name, files in manifest["parts"].items():
            # Pyodide itself would wait for ever where its WebAssembly does not come
            fails(dict.fromkeys(files, damaged), f"({name} arrived damaged)")
        spoilt.clear()
        spoilt.update(dict.fromkeys(parts, wrong_type))  # of a part it does not matter
        reader.cell(1).get_by_role("button", name="Try again").click()
        reader.ran(1)
        expect(reader.cell(1).get_by_role("button", name="Restart Python")).to_be_visible()
    by_browser = re.compile("Failed to load resource|Refused to execute|MIME type")
    assert [problem for problem in reader.problems if not by_browser.search(problem)] == []
    context.close()


def test_a_german_page_says_in_german_what_is_damaged(browser, python_book):  # noqa: F811
    """The page unpacks the worker's script; the worker all else, and it has the page's words."""
    context = browser.new_context()
    context.add_init_script(SAVE_DATA)
    spoilt = dict.fromkeys(parts_of(python_book), damaged)
    with serve(spoiling(python_book, spoilt)) as address:
        reader = Reader(context, f"{address}/de/{CHAPTER}")
        reader.unfold(1)
        cell = reader.cell(1)
        cell.get_by_role("button", name="Ausführen: Zelle 1", exact=True).click()
        expect(reader.status(1)).to_contain_text("kam beschädigt an")
        manifest = reader.page.evaluate("() => bnManifest")
        spoilt.clear()
        spoilt.update(dict.fromkeys(manifest["parts"]["packages.zip"], damaged))
        cell.get_by_role("button", name="Noch einmal versuchen").click()
        words = "Python ist nicht gestartet (packages.zip kam beschädigt an)"
        expect(reader.status(1)).to_contain_text(words)
    assert reader.problems == []
    context.close()


def test_a_failure_is_no_longer_told_once_python_has_started_unasked(browser, python_book):  # noqa: F811
    lost = dict.fromkeys(parts_of(python_book), missing)
    context = browser.new_context()
    with serve(spoiling(python_book, lost)) as address:
        reader = Reader(context, f"{address}/{CHAPTER}")
        reader.press(1, "Run")
        expect(reader.status(1)).to_contain_text("Python did not start (")
        lost.clear()
        reader.page.mouse.move(0, 0)
        reader.cell(1).get_by_role("button", name="Run cell 1", exact=True).hover()
        expect(reader.status(1)).to_have_text("Python has started. Run the cell.")
        expect(reader.cell(1).get_by_role("button", name="Restart Python")).to_be_visible()
        reader.press(1, "Run")
        reader.ran(1)
    context.close()


PASTE = """(content, data) => {
  const clipboardData = new DataTransfer();
  for (const [type, text] of Object.entries(data)) clipboardData.setData(type, text);
  // Firefox takes no clipboardData: it makes its own of one text
  const own = { data: data["text/plain"], dataType: "text/plain" };
  const event = { ...own, clipboardData, bubbles: true, cancelable: true };
  content.dispatchEvent(new ClipboardEvent("paste", event));
}"""


@pytest.fixture(scope="module")
def pasting(browser, python_book):  # noqa: F811
    """Replaces a cell by what is pasted, and runs it: its outputs and what is told.

    The page is a file: Python runs there, too, and loads nothing but files.
    """
    context = browser.new_context()
    reader = Reader(context, (python_book / CHAPTER).as_uri())
    reader.press(2, "Run")
    reader.ran(2, "The output is the published one.")
    reader.press(2, "Edit")

    def paste(data):
        content = reader.page.get_by_label("The code of cell 2 ")
        content.click()
        reader.page.keyboard.press("Control+a")
        # JSON cannot carry half a pair
        content.evaluate(PASTE.replace("text)", "text.replace('HALF', '\\ud800'))"), data)
        reader.press(2, "Run")
        expect(reader.status(2)).to_contain_text(re.compile("The output|ended with an error"))
        return reader.cell(2).locator(".bn-outputs"), reader

    yield paste
    assert reader.problems == []
    assert all(url.startswith(("file:", "blob:", "data:")) for url in reader.loaded)
    context.close()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("print(1)\nx = 'a\0b'", "character that is not text (U+0000): delete it"),
        ("print(1)\nx = 'aHALFb'", "character that is not text (U+D800): delete it"),
        ("print('<b>bold</b>')", "<b>bold</b>\n"),
        ("if True:\n\tprint('a\\tb')\n", "a\tb\n"),
        ("print('\\0', '\\ud800', len('x'))", " 1\n"),
        ("x = '" + "a" * 1_000_000 + "'\nlen(x)", "1000000"),
        ("print('y' * 1_000_000)", "800,001 more characters, which are not shown."),
    ],
    ids=["NUL", "half a pair", "markup", "tabs", "output of these", "1 MB", "1 MB of output"],
)
def test_what_is_pasted_is_run_or_refused_by_its_line(pasting, text, shown):
    outputs, reader = pasting({"text/plain": text, "text/html": "<b onclick='x'>never this</b>"})
    expect(outputs).to_contain_text(shown, use_inner_text=False)
    assert outputs.locator("b").count() == 0
    assert "never this" not in reader.cell(2).text_content()
