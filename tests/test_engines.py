"""The built book in Firefox and WebKit: what its reader does, over http, in a sub-path, from file://.

`make engines` asks for it (ENGINES=1), and gives each a process of its own. Needed are Firefox, and
WebKitGTK with its driver and xvfb (Debian: apt-get install firefox-esr webkit2gtk-driver xvfb).
Everything else is tried in Chromium alone.
"""

import os
import re
import shutil

import pytest
from contents import FIGURES
from engines import Firefox, WebKit
from stage import serve, strict
from test_book import PAGES, STATE_OF_PAGE
from test_page_python import python_book  # noqa: F401
from test_storage import BROKEN, NOT_KEPT
from test_surroundings import TRANSLATE
from test_trouble import FORBIDS, PASTE, STRICTER

ORIGINS = ["http", "file"]
KINDS = [Firefox, WebKit]

# Runs before a page's own scripts: keeps what goes wrong, also where no console can be read;
# and the browser keeps nothing where the address asks for it
KEEP_ERRORS = (
    f"""<script>
if (location.search === "?denied") {{ {BROKEN["denied"]} }}
"""
    """
window.bnErrors = [];
const keep = (e) => bnErrors.push(`${e.type}: ${e.message ?? e.reason ?? e.blockedURI ?? ""}
  ${e.target?.src ?? e.target?.href ?? ""}`);
for (const kind of ["error", "unhandledrejection", "securitypolicyviolation"])
  addEventListener(kind, keep, true);
console.error = (...words) => bnErrors.push(words.join(" "));
window.moved = () => 0;
</script>"""
)
# After Back, Firefox asks for an icon of its own accord
AWAY = """(home) => performance.getEntriesByType("resource").map((entry) => entry.name)
  .filter((name) => !name.startsWith(home) && !/^(blob|data):|[/]favicon.ico$/.test(name))"""
READY = """async (address) => {
  if (document.readyState !== "complete" || !location.href.startsWith(address)) return false;
  await window.bnHost?.ready;
  return document.fonts.ready.then(() => true);
}"""

# What is shown once it has been the same for half a second: axes are fitted again bit by bit
AT_REST = """async () => {
  const before = (SHOWN)();
  await new Promise((go) => setTimeout(go, 500));
  return JSON.stringify((SHOWN)()) === JSON.stringify(before) && before;
}"""


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind.__name__)) for kind in KINDS],
)
def engine(request, tmp_path_factory):
    """A browser for the tests of this file."""
    missing = [name for name in request.param.needs if not shutil.which(name)]
    if os.environ.get("ENGINES") != "1" or missing:
        why = f"{', '.join(missing)} not found" if missing else "ask for it by ENGINES=1"
        pytest.skip(f"not tried in {request.param.__name__}: {why}")
    engine = request.param(tmp_path_factory.mktemp("browser"))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def homes(python_book, tmp_path_factory):  # noqa: F811
    """{origin: address} of a copy of the book whose pages keep their errors."""
    outer = tmp_path_factory.mktemp("server")
    copy = outer / "some" / "where"
    for path in python_book.rglob("*"):
        to = copy / path.relative_to(python_book)
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".html":
            to.write_text(path.read_text("utf8").replace("<head>", f"<head>{KEEP_ERRORS}"), "utf8")
        elif path.is_file():
            to.symlink_to(path)
    with serve(strict(outer)) as address:
        yield {"http": f"{address}/some/where", "file": copy.as_uri()}


@pytest.fixture
def read(engine, homes):
    """read(page, origin): a page, at rest. At its end it may have no errors, nor have left home."""
    homes_read = []

    def at_its_end():
        if homes_read:
            assert engine.js("() => bnErrors") == []
            assert engine.js(AWAY, homes_read.pop()) == []

    def open_page(name, origin):
        at_its_end()
        engine.open(f"{homes[origin]}/{name}")
        engine.until(READY, f"{homes[origin]}/{name}")
        homes_read.append(homes[origin])
        return engine

    yield open_page
    at_its_end()


@pytest.mark.parametrize("origin", ORIGINS)
def test_every_page_opens_with_its_figures_drawn(read, origin):
    """Each from one origin: the tests in Chromium open each from all."""
    for name in PAGES[ORIGINS.index(origin) :: 2]:
        state = read(name, origin).js(STATE_OF_PAGE)
        kinds = sorted(FIGURES.get(name.removeprefix("chapters/").removesuffix(".html"), []))
        assert (state["kinds"], state["figures"]) == (kinds, len(kinds)), name
        assert state["tags"] == state["views"] == state["outermost"], name
        wrong = ("missing", "formulas", "icons", "flat", "covered")
        assert not any(state[what] for what in wrong), f"{name}: {state}"


@pytest.mark.parametrize("origin", ORIGINS)
def test_code_is_copied_and_the_theme_s_menu_opens_once_it_is_there(read, origin):
    page = read("chapters/two_samples.html", origin)
    assert not page.js("() => 'bootstrap' in window")
    page.press(".article-header-buttons .dropdown-toggle")
    page.until("() => document.querySelector('.dropdown-menu.show')?.checkVisibility()")
    page.press(".cell:not(details *) > .cell_input .copybtn")
    page.until("() => document.querySelector('.copybtn.success')?.dataset.tooltip === 'Copied!'")


TOLD = """(number, words) => {
  const status = document.querySelectorAll(".bn-status")[number - 1]?.textContent ?? "";
  return status.includes(words) && status;
}"""
PRINTED = """(number, words) =>
  document.querySelectorAll(".bn-live")[number - 1].innerText.includes(words)"""
FIGURE = '[aria-label="Output of cell 8"]'
GAMMA = f"(shown) => document.querySelector('{FIGURE} .bn-number')?.value === shown"
SAMPLE = f'{FIGURE} [aria-label="sample x₁"]'
X = f"() => Number(document.querySelector('{SAMPLE}').ariaValueNow)"


def rewrite(engine, number, source):
    """Types a source into a cell, and runs it by the keys."""
    engine.press(f'[aria-label="Edit cell {number}"]')
    field = f'.cm-content[aria-label^="The code of cell {number} "]'
    engine.until("(field) => document.activeElement?.matches(field)", field)
    engine.type("Control+a", source)
    engine.until(TOLD, number, "Changed, but not run yet.")
    engine.type("Control+Enter")


@pytest.mark.parametrize("origin", ORIGINS)
def test_cells_run_and_change_and_share_the_figure(read, origin):
    engine = read("chapters/variance_of_two.html", origin)
    engine.js(
        "() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }"
    )
    engine.press('[aria-label="Run cell 8"]')
    for number in range(1, 9):
        engine.until(TOLD, number, "The output is the published one.")

    figure = "pair = bn.BatchFigure([1.0, 3.0], [0.9, -0.4], gamma=2.5)"
    rewrite(engine, 8, f"{figure}; bn.controls(pair, gamma=(0.0, 3.0))")
    engine.until(GAMMA, "2.50")
    engine.press(f"{SAMPLE} .target", right=40)
    engine.until(f"() => ({X})() > 1.2")
    rewrite(engine, 9, "pair.x[0] > 1.2, np.allclose(pair.dx, pair.compute()['dx'])")
    engine.until(PRINTED, 9, "(True, True)")
    rewrite(engine, 10, "pair.x = [0.0, 5.0]; pair.gamma = 0.5")
    engine.until(GAMMA, "0.50")
    engine.until(f"() => ({X})() === 0")


def test_the_workbench_s_figures_follow_what_is_typed(read):
    engine = read("chapters/workbench.html", "http")
    engine.press('[aria-label="Edit cell 2"]')
    engine.until(TOLD, 2, "The figures show layer.")
    names = """() => [...document.querySelectorAll(".bn-figure .node .name")]
      .map((name) => name.textContent)"""
    assert "μ" in engine.js(names)
    engine.press(".cm-line", 1)
    engine.type("Home", "Shift+End", "shift = 0.9 * gamma")
    error = """() => document.querySelector(".bn-line-error")?.textContent.includes("x - mu")"""
    engine.until(error)
    assert "μ" in engine.js(names)  # the last good figure stays
    engine.type("Home", "mu = ")
    engine.until(f"() => ({names})().includes('shift')")
    assert not engine.js(error)


def test_an_answer_is_judged_and_kept(read):
    stub = """() => [...document.querySelectorAll(".cell:has(.bn-run) .cell_input")]
      .findIndex((input) => input.textContent.includes("only_mean")) + 1"""
    engine = read("chapters/exercises.html", "file")
    number = engine.js(stub)
    engine.press(f'[aria-label="Check cell {number}"]')
    engine.until(TOLD, number, "Not yet.")
    engine.press(".cm-content")
    engine.type("Control+a", "def my_backward(dy): return dy - dy.mean(0)", "Control+Enter")
    engine.until(TOLD, number, "Right. 1 of")
    assert engine.js("""() => document.querySelectorAll(".bn-line-right").length""") == 1
    read("chapters/exercises.html", "file")
    engine.until(
        """() => document.querySelectorAll('h2 [aria-label="solved"]:not([hidden])').length"""
    )


def test_where_the_browser_keeps_nothing_all_works(read):
    engine = read("chapters/two_samples.html?denied", "http")
    engine.press(".theme-switch-button")
    engine.until("() => document.documentElement.dataset.theme === 'dark'")
    assert engine.js("(words) => document.body.innerText.split(words).length - 1", NOT_KEPT) == 1
    rewrite(engine, 2, "print(6 * 7)")
    engine.until(PRINTED, 2, "42")
    assert engine.js("(words) => document.body.innerText.split(words).length - 1", NOT_KEPT) == 2
    engine.press(".search-button-field, .search-button")
    engine.until("() => document.activeElement?.type === 'search'")
    engine.type("momentum", "Enter")
    engine.until("() => document.querySelector('.bn-results li')")


def test_after_back_a_page_shows_what_it_showed(read):
    engine = read("chapters/two_samples.html", "http")
    engine.press(".bd-article details.hide > summary", 1)
    engine.press(".bn-figure .handle .target, .bn-figure [role=slider] .target", right=40)
    engine.until("() => history.state?.bn?.folds?.includes(true) && history.state.bn.models")
    shown = "() => [...document.querySelectorAll('.bn-figure')].map((figure) => figure.innerText)"
    before = engine.until(AT_REST.replace("SHOWN", shown))
    read("chapters/notation.html", "http")
    engine.back()
    engine.until("() => location.pathname.endsWith('two_samples.html') && window.bnHost")
    engine.until(READY, "")
    engine.until(f"(before) => JSON.stringify(({shown})()) === JSON.stringify(before)", before)
    assert engine.js("() => document.querySelectorAll('.bd-article details.hide')[1].open")


def test_a_translated_page_works(read):
    engine = read("chapters/two_samples.html", "file")
    shown = (
        "() => [...document.querySelectorAll('.bn-figure, .katex, pre')].map((e) => e.innerText)"
    )
    before = engine.js(shown)
    engine.js(TRANSLATE)
    assert engine.js(shown) == before
    assert engine.js("() => document.querySelector('h1').innerText").startswith("ü")
    rewrite(engine, 2, "print(6 * 7)")
    engine.until("() => document.querySelectorAll('.bn-live')[1].innerText.includes('42')")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("print(1)\nx = 'a\0b'", "character that is not text (U+0000): delete it"),
        ("if True:\n\tprint('<b>a\\tb</b>')\n", "<b>a\tb</b>"),
        ("x = '" + "a" * 1_000_000 + "'\nlen(x)", "1000000"),
    ],
    ids=["NUL", "tabs and markup", "1 MB"],
)
def test_what_is_pasted_is_run_or_refused_by_its_line(read, text, shown):
    engine = read("chapters/two_samples.html", "file")
    engine.press('[aria-label="Edit cell 2"]')
    field = '.cm-content[aria-label^="The code of cell 2 "]'
    engine.until("(field) => document.activeElement?.matches(field)", field)
    engine.type("Control+a")
    data = {"text/plain": text, "text/html": "<b>never this</b>"}
    paste = f"(field, data) => ({PASTE})(document.querySelector(field), data)"
    engine.js(paste, field, data)
    engine.type("Control+Enter")
    engine.until(PRINTED.replace("bn-live", "bn-outputs"), 2, shown)
    assert "never this" not in engine.js("() => document.body.textContent")


@pytest.mark.parametrize(("change", "named"), STRICTER.values(), ids=STRICTER)
def test_the_directive_that_stops_python_is_named(engine, python_book, change, named):  # noqa: F811
    with serve(strict(python_book, change)) as address:
        page = f"{address}/chapters/two_samples.html"
        engine.open(page)
        engine.until(READY, page)
        engine.press('[aria-label="Run cell 2"]')
        if not named:
            engine.until(TOLD, 2, "The output is the published one.")
            return
        said = """(words) => [...document.querySelectorAll(".bn-status, .bn-run [role=status]")]
          .map((e) => e.textContent).find((text) => text.includes(words))"""
        assert re.search(named, engine.until(said, FORBIDS))


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_link_gives_the_state_that_it_was_made_of(read, homes, origin):
    engine = read("chapters/two_samples.html", origin)
    engine.press(".bn-figure .handle .target, .bn-figure [role=slider] .target", right=40)
    engine.js("""() => [...document.querySelectorAll(".bn-figure button")]
      .find((button) => button.textContent === "Take a step").click()""")
    engine.until("() => location.hash.includes('.steps=1')")
    values = """() => [...bnHost.figures()].map(([key, model]) =>
      [key, model.changes(), model.get("y"), model.get("dx")])"""
    before, link = engine.js(values), engine.js("() => bnHost.link()")
    held = "KyjKzCvRMFPQUjDXBAA"  # print(6 * 7)
    read("chapters/notation.html", origin)
    there = link.removeprefix(f"{homes[origin]}/")
    engine = read(f"{there}&cell2={held}", origin)
    engine.until("""() => document.querySelector(".bn-link-notice [role=status]")
      ?.textContent.includes("state that its link holds")""")
    engine.until("() => document.querySelector('.bn-offered .cm-content')?.textContent")
    assert engine.js(values) == before
