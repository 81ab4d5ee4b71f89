"""Browsers that keep nothing: all works, and what is not kept is said where it would be kept."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from node import run
from playwright.sync_api import expect
from stage import SAVE_DATA, serve

pytestmark = pytest.mark.readers

BROKEN = {
    "denied": """for (const name of ["localStorage", "sessionStorage"])
      Object.defineProperty(window, name, { configurable: true, get() {
        throw new DOMException("denied", "SecurityError"); } });""",
    "full": """Storage.prototype.setItem = () => {
      throw new DOMException("full", "QuotaExceededError"); };""",
    "unreadable": """Storage.prototype.getItem = () => {
      throw new DOMException("unreadable", "NS_ERROR_FILE_CORRUPTED"); };""",
    "forgetful": """Storage.prototype.setItem = () => {};""",
    "null": """for (const name of ["localStorage", "sessionStorage"])
      Object.defineProperty(window, name, { configurable: true, value: null });""",
}
NOT_KEPT = "your browser stores nothing for this site"


@pytest.fixture(params=BROKEN)
def bare(request, page):
    """A page of a browser that keeps nothing, in one way or another."""
    page.add_init_script(SAVE_DATA + BROKEN[request.param])
    return page


def open_search(page):
    page.keyboard.press("Control+k")
    field = page.locator("#pst-search-dialog input, .search-button__search-container input").first
    expect(field).to_be_visible()
    field.fill("momentum")
    page.keyboard.press("Enter")
    expect(page.locator(".bn-results li").first).to_be_visible()


def test_all_works_and_what_is_not_kept_is_said_once(bare, book):
    bare.goto((book / "chapters" / "two_samples.html").as_uri())
    notes = bare.get_by_text(NOT_KEPT)
    button = bare.locator(".theme-switch-button:visible").first
    for theme in ("dark", "light"):
        button.click()
        expect(bare.locator("html")).to_have_attribute("data-theme", theme)
        expect(notes).to_have_count(1)
    for number in (2, 3):
        bare.get_by_role("button", name=f"Edit cell {number}", exact=True).click()
        bare.get_by_label(f"The code of cell {number}").click()
        bare.keyboard.type("# mine\n")
        bar = bare.locator(".cell:has(.bn-run)").nth(number - 1)
        expect(bar.locator(".bn-status")).to_have_text("Changed, but not run yet.")
        expect(notes).to_have_count(2)  # of the theme, and of the edits
    open_search(bare)


def test_a_sandboxed_frame_works(browser, book):
    page = browser.new_page()  # the frame's fonts are refused, and the console says so
    broken = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    with serve(book) as address:
        url = f"{address}/chapters/two_samples.html"
        page.set_content(f'<iframe sandbox="allow-scripts" width=1200 height=700 src="{url}">')
        inside = page.frame_locator("iframe")
        expect(inside.locator(".bn-figure svg").first).to_be_attached()
        inside.locator(".theme-switch-button").first.dispatch_event("click")
        expect(inside.get_by_text(NOT_KEPT)).to_have_count(1)
    page.close()
    assert broken == []


def test_where_the_browser_keeps_things_nothing_is_said(page, book):
    page.add_init_script(SAVE_DATA)
    page.goto((book / "chapters" / "two_samples.html").as_uri())
    page.locator(".theme-switch-button:visible").first.click()
    assert page.evaluate("() => localStorage.getItem('mode')") == "dark"
    page.get_by_role("button", name="Edit cell 2", exact=True).click()
    page.get_by_label("The code of cell 2").click()
    page.keyboard.type("# mine\n")
    expect(page.locator(".cell:has(.bn-run)").nth(1).locator(".bn-status")).to_have_text(
        "Changed, but not run yet."
    )
    expect(page.get_by_text(NOT_KEPT)).to_have_count(0)


STORE = (Path(__file__).parents[1] / "_ext" / "host" / "store.js").as_uri()
# Does these steps with a new store. What fails at a step: methods of the storage, by their names
STORED = """async (_, url, begin, steps) => {
  const held = new Map([["a", "old"]]);
  let broken = [];
  const may = (name, f) => (...given) => {
    if (broken.includes(name)) throw new Error(name);
    return f(...given);
  };
  const storage = {
    getItem: may("getItem", (key) => held.get(key) ?? null),
    setItem: may("setItem", (key, text) => broken.includes("quietly") || held.set(key, text)),
    removeItem: may("removeItem", (key) => held.delete(key)),
  };
  const get = () => {
    if (begin === "denied") throw new Error("denied");
    return begin === "null" ? null : storage;
  };
  globalThis.window = {};
  for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, { configurable: true, get });
  delete globalThis.bnStore;
  const { store } = await import(`${url}?${Math.random()}`);
  return steps.map(([what, key, text, failing]) => {
    broken = failing;
    const said = store[what](key, text) ?? null;
    broken = [];
    return [said, store.get(key), store.kept(key), held.get(key) ?? null];
  });
}"""
FAILING = st.lists(st.sampled_from(["getItem", "setItem", "removeItem", "quietly"]), unique=True)
STEP = st.tuples(
    st.sampled_from(["get", "set", "remove"]), st.sampled_from("ab"), st.text(max_size=3), FAILING
)


@given(st.sampled_from(["", "denied", "null"]), st.lists(STEP, max_size=8))
@settings(deadline=None)
@example("", [("remove", "a", "", ["removeItem"])])
@example("", [("set", "a", "new", ["quietly"])])
@example("", [("set", "a", "new", ["getItem"]), ("remove", "a", "", ["removeItem"])])
def test_whatever_fails_a_page_finds_what_it_stored(begin, steps):
    value = {"a": None if begin else "old"}
    (answers,) = run("graph/interpreter.js", STORED, [STORE, begin, steps])
    for (what, key, text, failing), (said, found, kept, held) in zip(steps, answers, strict=True):
        if what == "set":
            value[key] = text
            assert said is kept, "says whether it is kept"
        elif what == "remove":
            value[key] = None
        else:
            assert said == value.get(key) or "getItem" in failing
        assert found == value.get(key)
        if not begin and kept:
            assert held == value.get(key), "what is called kept is in the storage"
