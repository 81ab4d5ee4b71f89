"""The built book in a browser: each page over http://, under a sub-path and from file://."""

import gzip
import os
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from contents import FIGURES, FIRST, TALLER, TALLEST
from playwright.sync_api import expect
from stage import OFF_SCREEN, OUT_OF_SIGHT, UNEVEN, accessible, resize, rest, serve

ROOT = Path(__file__).parents[1]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))


def files(node):
    """Every file that a part of the table of contents names."""
    if isinstance(node, dict):
        return [v for k, v in node.items() if k in ("root", "file")] + files(list(node.values()))
    return [name for entry in node for name in files(entry)] if isinstance(node, list) else []


CHAPTERS = [f"{Path(name).with_suffix('')}.html" for name in files(TOC)]
PAGES = [*CHAPTERS, "search.html"]
ORIGINS = ["root", "sub-path", "file"]
KB = 1024
PAGE = 150 * KB  # document, scripts and styles of a page, each compressed as servers send it
FONTS = 90 * KB  # in files of their own, or in a style sheet
SHIFT = 0.1  # the most a page may move about while it loads ("good" in Core Web Vitals)


@pytest.fixture(scope="module")
def origins(book, tmp_path_factory):
    """Where the book can be read: {origin: address}."""
    outer = tmp_path_factory.mktemp("server")
    (outer / "some").mkdir()
    (outer / "some" / "where").symlink_to(book)
    with serve(book) as root, serve(outer) as other:
        yield {"root": root, "sub-path": f"{other}/some/where", "file": book.as_uri()}


# Runs before the page's own scripts.
PREPARE = """
for (const key of ["mode", "theme"]) localStorage.setItem(key, "THEME");
let shift = 0;
const add = (entries) => {
  for (const entry of entries) if (!entry.hadRecentInput) shift += entry.value;
};
const observer = new PerformanceObserver((list) => add(list.getEntries()));
observer.observe({ type: "layout-shift", buffered: true });
window.moved = () => {
  add(observer.takeRecords());
  return shift;
};
"""


@pytest.fixture
def visit(browser, origins):
    """visit(page, origin, theme, width): the page, once it is at rest. No visit may have problems.

    A problem is an error in the console or on the page, a request to another host, one that fails
    or is answered with 400 or above: `visit.problems`. `visit.loaded` lists what came, as (kind,
    address).
    """
    contexts, problems, loaded = [], [], []

    def visit(name, origin="root", theme="light", width=1280, script=True, rest=True):
        context = browser.new_context(
            viewport={"width": width, "height": 800 if width < 600 else 720},
            has_touch=width < 600,
            java_script_enabled=script,
        )
        contexts.append(context)
        context.add_init_script(PREPARE.replace("THEME", theme))
        page = context.new_page()
        home = urlsplit(origins[origin])
        page.on("console", lambda m: m.type == "error" and problems.append(m.text))
        page.on("pageerror", lambda e: problems.append(f"page error: {e}"))
        page.on("response", lambda r: r.status >= 400 and problems.append(f"{r.status}: {r.url}"))
        page.on("response", lambda r: loaded.append((r.request.resource_type, r.url)))

        def failed(request):
            if "ERR_ABORTED" not in request.failure:  # what leaving a page cuts short
                problems.append(f"failed: {request.url} ({request.failure})")

        def at_home(request):
            url = urlsplit(request.url)
            own = url.scheme in ("blob", "data") or url[:2] == home[:2]
            if not own:
                problems.append(f"request leaves the site: {request.url}")

        page.on("request", at_home)
        page.on("requestfailed", failed)
        page.goto(f"{origins[origin]}/{name}")
        if script and rest:
            page.evaluate("() => window.bnHost?.ready")
            settle(page)
        return page

    visit.loaded, visit.problems = loaded, problems
    yield visit
    for context in contexts:
        context.close()
    assert problems == []


def settle(page):
    """Wait until what was asked for has been drawn: two frames."""
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")


STATE_OF_PAGE = """() => ({
  theme: document.documentElement.dataset.theme,
  overflow: document.documentElement.scrollWidth - innerWidth,
  missing: [...document.querySelectorAll(".bn-missing")].map((e) => e.textContent),
  formulas: [...document.querySelectorAll(".katex-error")].map((e) => e.textContent),
  titled: document.querySelector("main h1:not(.onlyprint *)") !== null,
  icons: [...document.querySelectorAll("i.fa-solid")]
    .filter((icon) => getComputedStyle(icon, "::before").content === "none")
    .map((icon) => icon.className),
  tags: document.querySelectorAll('script[type$="widget-view+json"]').length,
  views: [...document.querySelectorAll('script[type$="widget-view+json"]')]
    .filter((tag) => tag.nextElementSibling?.matches("bn-view:not(:empty)")).length,
  outermost: [...document.querySelectorAll("bn-view")]
    .filter((view) => !view.parentElement.closest("bn-view")).length,
  kinds: [...window.bnHost?.models.values() ?? []]
    .map((model) => model.get("_anywidget_id")?.split(".").at(-1)).filter(Boolean).sort(),
  figures: document.querySelectorAll(".bn-figure").length,
  still: window.moved() < SHIFT,
  flat: [...document.querySelectorAll(".bn-picture, .bn-figure:not(:has(> .bn-picture))")]
    .filter((figure) => figure.clientHeight < 40 || figure.clientWidth < 200).length,
  covered: [...document.querySelectorAll(".bn-picture")].filter((picture, i, all) => {
    const [a, b] = [all[i - 1] ?? document.head, picture].map((e) => e.getBoundingClientRect());
    return a.bottom > b.top && a.top < b.bottom && a.right > b.left && a.left < b.right;
  }).length,
})""".replace("SHIFT", str(SHIFT))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_from_a_file_on_a_phone_in_the_dark(visit, name):
    stands(visit(name, "file", "dark", 360), name, "dark")


@pytest.mark.readers
@pytest.mark.parametrize("name", PAGES)
def test_a_page(visit, book, name):
    """Light, from a server's root: it stands, wide and narrow; it is light; its controls answer.

    One opening serves for many looks, since opening a page takes longer than most of what is done
    to it.
    """
    page, figures = visit(name), FIGURES.get(Path(name).stem, [])
    stands(page, name, "light")
    not_too_high(page, name)
    light(book, visit.loaded)
    # What is around the main part is the same on all pages
    accessible(page, "body" if name in (CHAPTERS[0], PAGES[-1]) else "main")
    assert page.evaluate(UNEVEN, True) == []
    assert page.evaluate(OUT_OF_SIGHT) == []
    if figures:
        fill_a_projector(page, figures)
        every_control_moves_a_figure(page)
    if handled(name):
        the_buttons_of_the_figures_break_nothing(page)
        fill_the_screen(page, figures)
        resize(page, 1920, 1080)
        fill_the_screen(page, figures)
    resize(page, 390, 900)
    stands(page, name, "light", loading=False)
    assert page.evaluate(UNEVEN, False) == []
    assert page.evaluate(OUT_OF_SIGHT) == []
    resize(page, 280, 600)  # or 1120, at 400 %
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 280
    assert page.locator("main :is(.katex, pre, code, .bn-figure)").evaluate_all(TRANSLATED) == []


def handled(name):
    """Whether this page's figures are handled: a kind of figure is the same on all pages.

    EVERY_CHAPTER=1 has them handled on each.
    """
    name = Path(name).stem
    return name in FIRST or bool(os.environ.get("EVERY_CHAPTER") and FIGURES.get(name))


def fill_the_screen(page, figures):
    """Nothing of a figure lies off the screen once the figure fills it."""
    buttons = page.locator(".bn-enlarge:visible").all()
    assert len(buttons) == len(figures)
    for button in buttons:
        button.evaluate("(node) => node.click()")
        settle(page)
        assert page.evaluate(OFF_SCREEN) == []
        page.keyboard.press("Escape")


def fill_a_projector(page, figures):
    """Nothing lies off the screen in a lecture: each figure in large letters, above its bar."""
    assert page.locator(".bn-enlarge:visible").count() == len(figures)
    page.evaluate("() => scrollTo(0, 0)")
    page.keyboard.press("l")
    where = page.locator(".bn-enlarged .bn-lead span")
    expect(where).to_have_text(re.compile("^1 of "))
    count = int(where.text_content().rpartition(" ")[2])
    assert 0 < count <= len(figures)
    for i in range(count):
        expect(where).to_have_text(f"{i + 1} of {count}")
        rest(page)
        assert page.evaluate(OFF_SCREEN) == []
        page.keyboard.press("PageDown")
    page.keyboard.press("Escape")
    expect(page.locator(".bn-lectern, .bn-enlarged")).to_have_count(0)


def not_too_high(page, name):
    name = Path(name).stem
    if name in FIGURES:
        height = page.locator(".bd-article").bounding_box()["height"]
        assert height <= TALLER.get(name, TALLEST)


# A file knows no absolute addresses, so that it stands for the other pages
@pytest.mark.parametrize("name", [CHAPTERS[0], "chapters/two_samples.html", "search.html"])
def test_a_page_under_a_sub_path(visit, name):
    stands(visit(name, "sub-path", "dark"), name, "dark")


# What a browser's translator would change of what must stay
TRANSLATED = """(all) => all.filter((node) => !node.closest("[translate=no]"))
  .map((node) => node.outerHTML.slice(0, 80))"""


def stands(page, name, theme, loading=True):
    """Every view exactly once, every formula and icon drawn, nothing wider than the screen.

    It does not move about while it loads. It shows the figures of its chapter, and carries no
    others: each has a state, so a loop that makes figures to read their numbers bloats the page.
    """
    page.evaluate("() => document.fonts.ready")
    settle(page)
    kinds = sorted(FIGURES.get(Path(name).stem, []))
    state = page.evaluate(STATE_OF_PAGE)
    views = state.pop("tags")
    assert state == {
        "theme": theme,
        "overflow": 0,
        "missing": [],
        "formulas": [],
        "titled": True,
        "icons": [],
        "views": views,
        "outermost": views,
        "kinds": kinds,
        "figures": len(kinds),
        "still": True if loading else state["still"],
        "flat": 0,
        "covered": 0,
    }


def light(book, loaded):
    """All that a page loads comes once, and is little in all."""
    weight = {"code": 0, "font": 0}
    for kind, url in loaded:
        path = book / urlsplit(url).path.lstrip("/")
        if kind in ("document", "script", "stylesheet"):
            code, fonts = compressed(path)
            weight["code"] += code
            weight["font"] += fonts
        elif kind == "font":
            weight["font"] += path.stat().st_size
    urls = [url for _, url in loaded if not url.startswith("blob:")]
    assert len(urls) == len(set(urls))
    assert 0 < weight["code"] <= PAGE
    assert weight["font"] <= FONTS


@cache
def compressed(path):
    """How many bytes a file has on its way, without and with fonts that a style sheet holds: (those
    of code, those of fonts). Pages share most of theirs."""
    if not path.is_file():
        return 0, 0
    everything = path.read_bytes()
    code = len(gzip.compress(re.sub(rb"url\(\"?data:font/[^)]*\)", b"", everything)))
    return code, len(gzip.compress(everything)) - code


def test_each_script_of_a_figure_stands_once_on_a_page(book):
    """The state names scripts and holds none."""
    scripts = {}
    for name in PAGES:
        html = (book / name).read_text("utf8")
        scripts[name] = re.findall(r'src="[./]*_static/figures/(\w+)\.js', html)
        assert len(scripts[name]) == len(set(scripts[name])), name
        assert set(re.findall(r"bn-script:(\w+)", html)) == set(scripts[name]), name
        assert "export default" not in html, name
    assert any(scripts.values())


# What a reader sees in the figures, once it is drawn: their elements, the pixels of their canvases.
# It stays in the page, for it is long; what comes back is which numbers are none, and how many
# different pictures there were.
PICTURE = """async (first) => {
  const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
  await frame();
  await frame();
  if (first) window.seen = new Set();
  const figures = [...document.querySelectorAll(".bn-figure")];
  const html = figures.map((figure) => figure.outerHTML).join();
  const canvases = figures.flatMap((figure) => [...figure.querySelectorAll("canvas")]);
  seen.add(html + canvases.map((canvas) => canvas.toDataURL()).join());
  return [html.match(/\\bNaN\\b|Infinity|\\bundefined\\b|\\[object /g) ?? [], seen.size];
}"""


class Pictures:
    """The pictures that a control brings about, each looked through for numbers that are none."""

    def __init__(self, page):
        self.page, self.count = page, 0
        self.look("at the start")

    def look(self, when):
        wrong, self.count = self.page.evaluate(PICTURE, self.count == 0)
        assert wrong == [], f"{when}: the figures show {wrong}"


def operate(control, look):
    """Take one control through all it can be set to, from its keyboard or by clicks, and back."""
    kind = control.evaluate("(e) => e.type")
    if kind == "range":
        start = control.input_value()
        for key in ("Home", "End"):
            control.press(key)
            look(key)
        control.fill(start)
    elif kind == "checkbox" or kind == "button":
        for _ in range(2):
            control.click()
            look("after a click")
    elif kind == "radio":
        group = control.evaluate("(e) => e.name")
        options = control.page.locator(f'input[name="{group}"]')
        start = options.evaluate_all("(all) => all.findIndex((e) => e.checked)")
        for index in [*range(options.count()), max(start, 0)]:
            options.nth(index).check(force=True)
            look(f"option {index}")
    else:
        assert kind == "select-one", f"this test does not know how to operate a {kind}"
        for index in range(control.locator("option").count()):
            control.select_option(index=index)
            look(f"option {index}")


# Each control of the host, radio buttons once a group; a slider's text field is the slider's.
CONTROLS = """() => {
  const groups = new Set();
  const all = document.querySelectorAll("bn-view :is(input, select, button)");
  return [...all].filter((e) => !e.closest(".bn-figure") && !e.matches(".bn-number") && !e.disabled)
    .filter((e) => e.type !== "radio" || (!groups.has(e.name) && groups.add(e.name)))
    .map((e, i) => ((e.dataset.control = i), e.labels?.[0]?.textContent || e.ariaLabel || e.type));
}"""


def every_control_moves_a_figure(page):
    quiet = []
    for index, label in enumerate(page.evaluate(CONTROLS)):
        if not answers(page, index):
            quiet.append((index, label))
    # A rate shows nothing where the gradient happens to be 0: move the figures from their start.
    if quiet:
        disturb(page)
    dead = [label for index, label in quiet if not answers(page, index)]
    assert dead == [], "no figure on the page answers to these"


def answers(page, index):
    """Whether any figure looks different at any setting of a control."""
    pictures = Pictures(page)
    operate(page.locator(f'[data-control="{index}"]'), pictures.look)
    return pictures.count > 1


def disturb(page):
    """Move all that can be dragged in the figures, the first by one step and so on; take steps."""
    for steps, thing in enumerate(page.locator('.bn-figure [role="slider"]').all(), 1):
        for _ in range(steps % 5):
            thing.press("ArrowRight")
    for button in page.locator(".bn-figure button").filter(has_text=re.compile("step", re.I)).all():
        if button.is_visible() and button.is_enabled():
            button.click()
    settle(page)


def the_buttons_of_the_figures_break_nothing(page):
    buttons = page.locator(".bn-figure button:not(.bn-enlarge, .bn-menu)")
    pictures = Pictures(page)
    for _ in range(2):
        for index in range(buttons.count()):
            if buttons.nth(index).is_visible() and buttons.nth(index).is_enabled():
                buttons.nth(index).click()
                pictures.look(f"after button {index}")


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_front_door_leads_to_the_first_page(visit, origin):
    page = visit("index.html", origin, rest=False)
    page.wait_for_url(f"**/{CHAPTERS[0]}")
    page.evaluate("() => window.bnHost?.ready")


def test_what_is_printed_is_light(visit):
    """From the dark theme, too; the screen is dark again afterwards."""
    page = visit(CHAPTERS[0], theme="dark")
    root = page.locator("html")
    for medium, theme in (("print", "light"), ("screen", "dark")):
        page.emulate_media(media=medium)
        expect(root).to_have_attribute("data-theme", theme)


def test_the_magnifier_covers_nothing_that_is_typed(visit):
    page = visit("search.html?q=gradient")
    field = page.locator(".bd-search-container .bd-search input")
    icon = page.locator(".bd-search-container .bd-search .fa-magnifying-glass").bounding_box()
    text = field.bounding_box()["x"] + field.evaluate(
        "(e) => parseFloat(getComputedStyle(e).paddingLeft)"
    )
    assert icon["x"] + icon["width"] <= text


@pytest.mark.parametrize("origin", ORIGINS)
def test_search_leads_to_a_section(visit, origin):
    page = visit("search.html?q=batch of one", origin)
    found = page.locator(".bn-results li").first
    expect(found.locator("mark").first).to_have_text("batch", ignore_case=True)
    found.locator("a").click()
    page.wait_for_url("**/chapters/batch_normalization.html#a-batch-of-one-a-batch-of-two")
    expect(page.locator("#a-batch-of-one-a-batch-of-two h2")).to_be_in_viewport()


def test_without_javascript_the_page_can_be_read(visit, book):
    for name, count in (("chapters/depth.html", 1), ("chapters/notation.html", 0)):
        page = visit(name, script=False)
        expect(page.locator("article h1")).to_be_visible()
        expect(page.locator(".bn-noscript")).to_have_count(count)
    for name in CHAPTERS:
        html = (book / name).read_text("utf8")
        figures = 'widget-view+json"' in html
        assert len(re.findall(r'<noscript><p class="bn-noscript"', html)) == figures, name
        assert re.search(r"<article.*?<h1", html, re.S), name


def test_no_page_names_another_host(book):
    """No address in the pages but the names of vocabularies, and the links of the references."""
    addresses = set()
    for path in book.rglob("*.html"):
        text = path.read_text("utf8")
        if path.stem == "references":
            text = re.sub(r'<a class="reference external" href="https:/{2}[^"]*"', "<a", text)
        addresses |= set(re.findall(r"(?:https?:)?//[\w-]+\.[\w.-]+\w", text))
    assert addresses <= {"http://www.w3.org"}


def test_every_image_has_words(book):
    """Give a plot's cell the metadata {"mystnb": {"image": {"alt": "what it shows"}}}."""
    pages = {name: (book / name).read_text("utf8") for name in CHAPTERS}
    images = [(n, image) for n, html in pages.items() for image in re.findall(r"<img[^>]*>", html)]
    assert images
    words = [re.search(r'alt="([^"]*)"', image) for _, image in images]
    assert [i for i, w in zip(images, words, strict=True) if not w or "_images/" in w[1]] == []
