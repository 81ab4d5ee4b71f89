"""A page that is left and come back to, and pages that stand side by side or stay open for long."""

import shutil

import ipywidgets as widgets
import pytest
from conftest import WHOLE, launch
from playwright.sync_api import expect
from stage import SAVE_DATA, get, serve, slide, write
from test_host import Echo, figure
from test_training_figure import BATCH, figure_of

pytestmark = pytest.mark.readers

PAGE = "chapters/two_samples.html"


def code(page, number):
    return page.locator(".cell:has(.bn-run)").nth(number - 1)


def edit(page, number, text):
    """Opens the editor of a cell, and types a line at its end."""
    page.get_by_role("button", name=f"Edit cell {number}", exact=True).click()
    page.get_by_label(f"The code of cell {number} ").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(f"\n{text}")
    expect(code(page, number).locator(".bn-status")).to_contain_text("Changed")


# A figure with inputs of its own, from which an output follows
DOUBLE = """export default { initialize({ model }) {
  const follow = () => model.set("twice", 2 * model.get("own"));
  model.on("change:own", follow);
  follow();
}, render({ model, el }) {
  const show = () => { el.textContent = `${model.get("own")} ${model.get("twice")}`; };
  model.on("change", show);
  show();
} };"""


@pytest.mark.parametrize("way", ["back", "link"])
def test_after_back_controls_and_figures_are_as_they_were(page, tmp_path, way):
    slider, echo = widgets.FloatSlider(description="a", max=9, step=0.5), Echo()
    choice = widgets.Dropdown(description="c", options=["one", "two"])
    own = figure(DOUBLE, own=1, twice=0, _inputs=["own"])
    link = widgets.jslink((slider, "value"), (echo, "value"))
    folds = "<details><summary>more</summary>text</details>"
    here = write(tmp_path, slider, echo, choice, own, also=[link], tags=folds)
    page.goto(here.as_uri())
    page.evaluate("() => bnHost.ready")
    slide(page, "a", 2.5)
    page.get_by_label("c").select_option("two")
    page.evaluate("(id) => { bnHost.models.get(id).set('own', 7); }", own.model_id)
    if way == "link":  # left at once
        page.evaluate("""() => document.querySelector("main").append(
          Object.assign(document.createElement("a"), { href: "host.css", textContent: "away" }))""")
        page.get_by_text("away").click()
    else:
        page.wait_for_function("() => Object.keys(history.state?.bn?.models ?? {}).length === 4")
        page.goto((tmp_path / "host.css").as_uri())
    page.go_back()
    page.evaluate("() => bnHost.ready")
    assert [get(page, slider), get(page, echo), get(page, choice, "index")] == [2.5, 2.5, 1]
    assert page.get_by_label("a", exact=True).input_value() == "2.5"
    assert [get(page, own, "own"), get(page, own, "twice")] == [7, 14]
    page.goto("about:blank")
    page.goto(here.as_uri())  # a new visit begins as published
    page.evaluate("() => bnHost.ready")
    assert [get(page, slider), get(page, own, "own")] == [0, 1]


def test_after_back_folds_and_edits_are_as_they_were(page, book):
    page.add_init_script(SAVE_DATA)
    page.goto((book / PAGE).as_uri())
    folds = page.locator(".bd-article details")
    at = folds.evaluate_all("all => all.findIndex((e) => e.checkVisibility() && !e.open)")
    fold = folds.nth(at)
    fold.locator("summary").first.click()
    edit(page, 2, "mine = 1")
    page.wait_for_function(
        "(at) => history.state?.bn?.folds?.[at] "
        "&& Object.keys(history.state.bn.edits ?? {}).length",
        arg=at,
    )
    page.evaluate("() => localStorage.removeItem(`bn-cells:${location.pathname}`)")
    page.goto((book / "chapters" / "notation.html").as_uri())
    page.go_back()
    expect(fold).to_have_attribute("open", "")
    expect(code(page, 2).locator("pre").first).to_contain_text("mine = 1")


@pytest.fixture
def keeper(browser):
    """A page of a Chromium that keeps whole pages when they are left (back/forward cache).

    The headless shell never does, and Playwright turns it off in the others.
    """
    if not any(map(shutil.which, WHOLE)):
        pytest.skip("only a whole Chromium, not its headless shell, keeps pages")
    refused = ["--disable-back-forward-cache"]
    whole = launch(browser.browser_type, WHOLE, ignore_default_args=refused)
    page = whole.new_page()
    page.add_init_script("addEventListener('pageshow', (e) => { window.kept = e.persisted; })")
    errors = []
    page.on("pageerror", lambda e: errors.append(e.stack or str(e)))
    yield page
    whole.close()
    assert errors == []


def away_and_back(page, elsewhere):
    """Leaves the page, and goes back to the very same: the browser has kept it whole."""
    here = page.url
    page.goto(elsewhere)
    page.evaluate("() => history.back()")  # Playwright waits in vain for a kept page to load
    page.wait_for_url(here, wait_until="commit")
    page.wait_for_function("() => window.kept")


def test_a_page_that_the_browser_kept_goes_on(keeper, tmp_path):
    slider, echo = widgets.FloatSlider(description="a", max=9, step=0.5), Echo()
    training = figure_of(dict(batch=BATCH), most=300)
    link = widgets.jslink((slider, "value"), (echo, "value"))
    write(tmp_path, slider, echo, training, also=[link])
    with serve(tmp_path) as address:
        keeper.goto(f"{address}/page.html")
        keeper.evaluate("() => bnHost.ready")
        slide(keeper, "a", 2.5)
        keeper.get_by_role("button", name="Run", exact=True).click()
        expect(keeper.locator(".count")).not_to_contain_text("step 0,")  # left while it trains
        away_and_back(keeper, f"{address}/host.css")
        assert [get(keeper, slider), get(keeper, echo)] == [2.5, 2.5]
        assert keeper.get_by_label("a", exact=True).input_value() == "2.5"
        expect(keeper.locator(".verdict")).to_contain_text("After 300 steps")
        slide(keeper, "a", 4)
        assert get(keeper, echo) == 4


def test_python_in_a_page_that_the_browser_kept_goes_on(keeper, book):
    with serve(book) as address:
        keeper.goto(f"{address}/{PAGE}")
        edit(keeper, 2, "mine = 41")
        keeper.keyboard.press("Control+Enter")
        # Left after the run: a page with something on its way is not kept
        expect(code(keeper, 2).locator(".bn-status")).to_contain_text("The output ")
        away_and_back(keeper, f"{address}/chapters/notation.html")
        edit(keeper, 3, "print(mine + 1)")
        keeper.keyboard.press("Control+Enter")
        expect(code(keeper, 3).locator(".bn-live")).to_contain_text("42")


def test_two_tabs_do_not_overwrite_each_others_edits(browser, book):
    with serve(book) as address:
        context = browser.new_context()
        context.add_init_script(SAVE_DATA)
        one, two = context.new_page(), context.new_page()
        for tab in (one, two):
            tab.goto(f"{address}/{PAGE}")
        edit(one, 2, "first = 1")
        edit(two, 3, "second = 2")
        edit(one, 5, "both = 1")
        edit(two, 5, "both = 2")
        three = context.new_page()
        three.goto(f"{address}/{PAGE}")
        for number, text in [(2, "first = 1"), (3, "second = 2"), (5, "both = 2")]:
            expect(code(three, number).locator("pre").first).to_contain_text(text)
        one.wait_for_function("() => Object.keys(history.state?.bn?.edits ?? {}).length === 2")
        one.reload()
        expect(code(one, 5).locator("pre").first).to_contain_text("both = 1")
        context.close()
