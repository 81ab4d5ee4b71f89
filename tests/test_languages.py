"""Other languages: catalogues that are complete, figures that speak them, pages that are theirs."""

import json
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from conftest import watched
from drawn import draw
from node import run
from playwright.sync_api import expect
from stage import accessible
from test_goldens import DY, LAYER, X, batch, descent

import batchnorm as bn
from _ext.site.languages import TABLES, WORDS, catalogue, languages
from _ext.tools import catalogues

# What a language says it has: pages, and files whose sentences are all among its words
COMPLETE = {
    "de": {
        "pages": ["chapters/start_here"],
        "words": ["code/batchnorm/figures/", "_ext/host/", "_ext/site/", "_toc.yml"],
    }
}
SPEAK = "figures/kit/words.js"
ENGLISH = {"": "en"}


@pytest.fixture
def german():
    """Figures made meanwhile are German ones; those drawn afterwards are not."""
    bn.figures.language("de")
    yield
    bn.figures.language("en")
    run(SPEAK, "bring", [ENGLISH])


def lacking(language, name, places=("",)):
    """The sentences from these places that a catalogue does not translate, or not for certain."""
    known = read_po(catalogue(language, name).open("rb"), locale=language)
    return [
        message.id
        for message in known
        if message.id
        and any(path.startswith(tuple(places)) for path, _ in message.locations)
        and not catalogues.translated(message)
    ]


# Catalogues --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", COMPLETE)
def test_a_language_has_what_it_says_it_has(language):
    wanted = COMPLETE[language]
    assert languages()[language] == wanted["pages"]
    assert [lacking(language, name) for name in wanted["pages"]] == [[] for _ in wanted["pages"]]
    chapters = [f"{name}.ipynb" for name in wanted["pages"]]
    assert lacking(language, WORDS, wanted["words"] + chapters) == []


@pytest.mark.parametrize("language", languages())
def test_the_words_are_up_to_date(language):
    """If not: make catalogues, and translate what is new or fuzzy in locale/."""
    made = catalogues.template(catalogues.word_messages())
    text = catalogues.merged(language, WORDS, made)
    assert catalogue(language, WORDS).read_text("utf8") == text
    assert (TABLES / f"{language}.json").read_text("utf8") == catalogues.table(language)


def test_the_pages_are_up_to_date(book):
    """If not: make catalogues, and translate what is new or fuzzy in locale/."""
    for language, names in languages().items():
        for name in names:
            made = catalogues.template(catalogues.page_messages(name))
            text = catalogues.merged(language, name, made)
            assert catalogue(language, name).read_text("utf8") == text, (language, name)


@pytest.mark.parametrize("language", languages())
def test_formulas_and_holes_are_those_of_the_english(language):
    for name in [*languages()[language], WORDS]:
        for message in read_po(catalogue(language, name).open("rb"), locale=language):
            if not message.id or not message.string:
                continue
            ids = message.id if message.pluralizable else [message.id]
            texts = message.string if message.pluralizable else [message.string]
            for text in filter(None, texts):
                for pattern in (r"\$[^$]+\$", r"`[^`]+`", r"\]\([^)]+\)"):
                    english = sorted(re.findall(pattern, ids[0]))
                    assert sorted(re.findall(pattern, text)) == english, text
                holes = {hole for each in ids for hole in re.findall(r"\{\w+\}", each)}
                assert set(re.findall(r"\{\w+\}", text)) <= holes, text


def test_a_changed_sentence_is_marked(tmp_path, monkeypatch):
    path = tmp_path / "words.po"
    monkeypatch.setattr(catalogues, "catalogue", lambda language, name: path)
    first = catalogues.template([("Take a step", "a.js:1"), ("Reset", "a.js:2")])
    path.write_text(catalogues.merged("de", WORDS, first), "utf8")
    path.write_text(
        path.read_text("utf8").replace('step"\nmsgstr ""', 'step"\nmsgstr "Geh"'), "utf8"
    )
    assert json.loads(catalogues.table("de")) == {"": "de", "Take a step": "Geh"}
    changed = catalogues.template([("Take one step", "a.js:1")])
    path.write_text(catalogues.merged("de", WORDS, changed), "utf8")
    assert "fuzzy" in path.read_text("utf8")
    assert "Reset" not in path.read_text("utf8")
    assert json.loads(catalogues.table("de")) == ENGLISH | {"": "de"}


# Figures -----------------------------------------------------------------------------------------


def words_of(picture):
    """All that a figure says: texts, and what screen readers are told."""
    for node in picture.figure.walk():
        yield from (part for part in node.parts if isinstance(part, str))
        for name in ("aria-label", "aria-valuetext", "title"):
            if name in node.attributes:
                yield str(node.attributes[name])


STATES = {
    "start": batch,
    "both cut": lambda: batch(flow_through_mean=False, flow_through_variance=False, steps=2),
    "not defined": lambda: bn.BatchFigure([1.0, 1.0], [0.3, 0.2], eps=0.0),
    "far": lambda: batch([-1e3, 0.4, 2e3], [0.7, -2.1, 3.0], rate=40.0, steps=1),
    "other function": lambda: bn.BatchFigure(X, DY, function=lambda x: x - x.max(axis=0)),
    "tour": lambda: bn.BatchFigure(
        [-1.5, 0.5, 2.5],
        [0.9, 1.3, 0.8],
        tour=[("Move a sample", "Now μ counts as a constant.", dict(steps=1))],
    ),
    "descent": lambda: descent(step=9, steps=12),
    "descent, whole": lambda: descent(step=0, steps=12),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("width", [360, 900])
def test_every_word_of_the_first_figures_can_be_translated(state, width):
    """In a language without letters, none is left."""
    table = {"": "en", "Now μ counts as a constant.": ""}
    for text, _ in catalogues.word_messages():
        one, *many = [text] if isinstance(text, str) else text
        holes = "".join(re.findall(r"\{\w+\}", (many or [one])[-1]))
        table[one] = {"one": holes, "other": holes} if many else holes
    figure = STATES[state]()
    figure._words = table
    try:
        left = [text for text in words_of(draw(figure, width=width))]
    finally:
        run(SPEAK, "bring", [ENGLISH])
    # max: the name of the operation that the other function calls
    assert [text for text in left if re.search(r"(?!max)[A-Za-z]{3}", text)] == []


def test_a_figure_speaks_the_language_that_was_chosen(german):
    picture = draw(batch(flow_through_mean=False, steps=3))
    said = " ".join(words_of(picture))
    assert "Gekappt: Pfad durch den Mittelwert. So bewegten 3 Schritte die Eingaben" in said
    assert "Zurücksetzen" in said
    assert "Reset" not in said
    bn.figures.language("en")
    assert "3 steps moved the inputs" in " ".join(words_of(draw(batch(steps=3))))


def test_a_language_without_words_is_refused():
    with pytest.raises(ValueError, match="name: got 'tlh', want one of en, de"):
        bn.figures.language("tlh")


def test_a_saved_page_keeps_its_language(german, tmp_path):
    bn.BatchFigure(X, DY, **LAYER).save(tmp_path / "figure.html")
    assert "Zurücksetzen" in (tmp_path / "figure.html").read_text("utf8")


def test_what_a_language_lacks_is_said_in_english():
    table = {"": "pl", "Take {n}": "Weź {n}"}
    texts = ["Take {n}", "Leave {n}", "constructor", "{other}"]
    code = "(m, table, texts) => { m.bring(table); return texts.map((t) => m.say(t, { n: 2 })); }"
    assert run(SPEAK, code, [table, texts]) == [["Weź 2", "Leave 2", "constructor", "{other}"]]
    run(SPEAK, "bring", [ENGLISH])


def test_a_language_counts_by_its_own_rules():
    forms = {"one": "{n} krok", "few": "{n} kroki", "many": "{n} kroków", "other": "{n} kroku"}
    table = {"": "pl", "one step": forms}
    code = """(m, table) => {
      m.bring(table);
      return [1, 3, 5, 22].map((n) => m.count(n, "one step", "{n} steps"));
    }"""
    assert run(SPEAK, code, [table]) == [["1 krok", "3 kroki", "5 kroków", "22 kroki"]]
    assert run(SPEAK, code, [ENGLISH]) == [["one step", "3 steps", "5 steps", "22 steps"]]


# Pages -------------------------------------------------------------------------------------------

PAGE = "chapters/start_here.html"


def test_a_page_leads_to_its_other_language_and_back(page, book):
    page.goto((book / PAGE).as_uri())
    page.locator(".bn-languages a", has_text="Deutsch").click()
    expect(page).to_have_url(re.compile(f"/de/{PAGE}$"))
    assert page.locator("html").get_attribute("lang") == "de"
    verdict = page.locator(".bn-figure .verdict").first
    expect(verdict).to_contain_text("bewegten 3 Schritte die Eingaben um bis zu")
    page.get_by_role("button", name="Verschiebe einen Datenpunkt").click()
    expect(page.locator(".tour-caption").first).to_contain_text("x₂ ist um 1 gewandert")
    page.locator(".bn-languages a", has_text="English").click()
    expect(page).to_have_url(re.compile(f"html/{PAGE}$"))
    expect(page.locator(".bn-figure .verdict").first).to_contain_text("3 steps moved the inputs")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_translated_page_is_accessible(page, book, theme):
    page.emulate_media(color_scheme=theme)
    page.goto((book / "de" / PAGE).as_uri())
    expect(page.locator(".bn-figure .verdict").first).to_be_visible()
    accessible(page)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_translated_page_fits(page, book, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((book / "de" / PAGE).as_uri())
    expect(page.locator(".bn-figure .verdict").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_language_is_on_its_own_pages_only(book):
    for path in book.rglob("*.html"):
        language = path.relative_to(book).parts[0]
        assert ("words/de.js" in path.read_text("utf8")) == (language == "de"), path
    assert "de/" not in (book / "_static" / "sections.js").read_text("utf8")


def test_a_translated_page_is_whole(book):
    """As many headings, cells, formulas and figures, and what to try beside what to notice."""
    english, german = ((book / folder / PAGE).read_text("utf8") for folder in (".", "de"))
    for part in ("<h2", 'class="cell ', 'class="katex"', "widget-view+json", "bn-notes"):
        assert english.count(part) == german.count(part) > 0, part
    article = german[german.index("<article") : german.index("</article>")]
    assert "Probiere" in article
    assert "The code of this figure" not in article
    assert Path(book / "de" / PAGE).stat().st_size < 1.2 * Path(book / PAGE).stat().st_size


# What a page says in any state: texts, and what screen readers are told; no code, and no formulas
LISTEN = """
  globalThis.bnHeard = new Set();
  const SILENT = "pre, code, script, style, noscript, iframe, .katex, .cm-scroller, " +
    ".cm-announced, .bn-docstring, .cm-completionInfo, .cm-completionLabel"; // of NumPy's
  const NAMES = ["aria-label", "aria-valuetext", "title", "placeholder", "alt"];
  const listen = (node) => {
    const at = node instanceof Element ? node : node.parentElement;
    if (!at?.isConnected || at.closest(SILENT) !== null) return;
    if (node instanceof Text) bnHeard.add(node.data.replace(/\\s+/g, " ").trim());
    if (node instanceof Element)
      for (const name of NAMES) bnHeard.add(node.getAttribute(name) ?? "");
    for (const child of node.childNodes) listen(child);
  };
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) [target, ...addedNodes].forEach(listen);
  }).observe(document, {
    attributeFilter: NAMES, attributes: true, characterData: true, childList: true, subtree: true,
  });
"""
CODE = "y = 2**16\ny"


def heard(page):
    """What has been said since the last time."""
    return set(page.evaluate("() => { const all = [...bnHeard]; bnHeard.clear(); return all; }"))


def run_cells(page):
    """Everything that a cell and its Python say while one is edited, run, stopped and reset."""
    cell = page.locator(".cell:has(.bn-run)").nth(1)
    cell.locator("summary").first.click()
    run, edit = cell.locator(".bn-run button").all()
    status, editor = cell.locator(".bn-status"), cell.locator(".cm-content")

    def write(code):
        page.evaluate("(code) => { bnPython.notebook.cells[1].editor.value = code; }", code)
        editor.press("Control+End")

    edit.click()
    expect(editor).to_be_focused()
    write("np.linspace(0, 1")
    editor.press("Shift+Tab")  # Python is off
    expect(cell.locator(".bn-docstring")).to_be_visible()
    for code, output in [("1 / 0", "ZeroDivisionError"), ("def f(): pass\n" + CODE, "65536")]:
        write(code)
        run.click()
        expect(cell.locator(".bn-outputs")).to_contain_text(output)
    write("np.linspace(0, 1")
    editor.press("Shift+Tab")
    expect(cell.locator(".bn-docstring")).to_contain_text("num=50")
    write("f")
    editor.press("Control+Space")
    expect(page.get_by_role("option").first).to_be_visible()
    cell.locator(".bn-bar button[aria-expanded]").click()
    expect(cell.locator(".bn-variables table")).to_be_visible()
    write("while True: print('busy')")
    run.click()
    expect(cell.locator(".bn-outputs")).to_contain_text("busy")
    before = status.text_content()
    run.click()
    expect(status).not_to_have_text(before)
    reset, again = cell.locator(".bn-bar > button:not([aria-expanded])").all()
    again.click()
    reset.click()
    expect(editor).to_have_count(0)


def use_page(page, address):
    """A reader's way through all that a page offers; gives what it has said."""
    page.add_init_script(LISTEN)
    page.goto(address)
    page.evaluate("() => bnHost.ready")
    page.locator(".article-header-buttons .bn-copy").click()
    expect(page.locator(".bn-toast").first).not_to_be_empty()
    page.locator("button.bn-menu").first.click()
    page.locator(".bn-entries [role=menuitem]").nth(3).click()  # the link
    expect(page.locator(".bn-figure .bn-toast").first).not_to_be_empty()
    page.locator(".bn-enlarge").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    expect(page.locator(".bn-lectern")).to_be_visible()
    page.keyboard.press("PageDown")
    page.keyboard.press("n")
    expect(page.locator(".bn-speaker-notes")).to_be_visible()
    page.keyboard.press("l")
    run_cells(page)
    said = heard(page)
    deflate = "code => { const c = new CompressionStream('deflate-raw');" + (
        "return new Response(new Blob([code]).stream().pipeThrough(c)).arrayBuffer()"
        ".then((b) => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/[+/=]/g,"
        "(x) => ({'+': '-', '/': '_', '=': ''})[x])); }"
    )
    code = page.evaluate(deflate, CODE)
    for state in (f"batch.gamma=2&cell5={code}&cell6={code}&none.x=1", "none.x=1", "%"):
        page.goto("about:blank")
        page.goto(f"{address}#s=1&{state}")
        expect(page.locator(".bn-link-notice")).not_to_be_empty()
        buttons = page.locator(".bn-foreign button, .bn-link-notice button")
        while buttons.count():
            buttons.first.click()
        said |= heard(page)
    return {text for text in said if re.search("[A-Za-z]{3}", text)}


# The same in every language, or left as it is
SAME = re.compile(
    r"Ctrl|Deutsch|English|\.(ipynb|pdf)|Whitening|Link|Name|dtype|Python [\d.]+.*|"
    r"(bn|np)\.\w+|batch_norm|BatchFigure|float|int|Kratzert 2016|Karpathy 2022"
)


@pytest.mark.readers
def test_nothing_that_a_page_says_is_left_in_english(browser, book):
    """Whatever the German page says, in any of its states, the English one says otherwise."""
    with watched(browser) as page:
        english = use_page(page, (book / PAGE).as_uri())
    with watched(browser) as page:
        german = use_page(page, (book / "de" / PAGE).as_uri())
    assert {text for text in english & german if not SAME.fullmatch(text)} == set()
    assert len(german) > 0.9 * len(english) > 200
