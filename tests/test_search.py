"""The search: its index of sections, and where queries lead."""

import gzip
import json
import re

import pytest
from asked import ASKED
from node import run

from _ext.site.sections import plain

SEARCH = "../../_ext/site/search/"
RANK = [f"{SEARCH}{name}.js" for name in ("rank", "index", "words")]
# As the search page finds them: packed, ranked, and the best 30 read again; each with its text.
FIND = """(m, sections, queries) => {
  const all = m.prepare(m.packed(sections));
  const place = ({ page, anchor }) => `${page}#${anchor}`;
  const known = new Map(sections.map((section) => [place(section), section]));
  const textOf = (section) => known.get(place(section)).text;
  return queries.map((query) => {
    const hits = m.rank(all, query);
    const best = m.reread(hits.slice(0, 30), query, textOf);
    return [...best, ...hits.slice(30)].map((hit) => known.get(place(hit.section)));
  });
}"""
# What is typed, and where it must lead: the first result is one of these.
PLACES = {
    "detach": [
        "notation.html#term-cut",
        "two_samples.html#only-the-mean",
        "constants.html#detached-moments-wrong",
    ],
    "frozen": [
        "in_practice.html#frozen-and-moving-still",
        "constants.html#frozen-statistics-exact",
    ],
    "batch size 1": ["batch_normalization.html#a-batch-of-one-a-batch-of-two"],
    "batch of one": ["batch_normalization.html#a-batch-of-one-a-batch-of-two"],
    "layer norm": ["relatives.html#one-function"],
    "momentum 0.9": ["batch_normalization.html#what-it-stores"],
    "NaN": ["in_practice.html#one-infinity-for-good"],
    "Checkpointing": ["in_practice.html#recomputation-counts-twice"],
    "kratzert": ["references.html#kratzert-2016"],
}


def script(path):
    """What a script of the book's search assigns."""
    value = re.fullmatch(
        r"(?:self\.bnSections|\(self\.bnTexts.*?\]) ?=(.*);", path.read_text("utf8")
    )
    return json.loads(value[1])


# Where the opened index differs from the sections' own words: [word, section].
SAID = """(m, packed, sections) => {
  const { words, places } = m.opened(packed);
  const found = sections.map(() => new Map());
  for (const [i, word] of words.entries()) {
    for (const [section, times] of places[i]) found[section].set(word, times);
  }
  return sections.flatMap(({ text }, i) => {
    const wanted = new Map();
    for (const word of m.termsOf(text)) wanted.set(word, (wanted.get(word) ?? 0) + 1);
    const wrong = [...wanted].filter(([word, times]) =>
      !m.SILENT.has(word) && found[i].get(word) !== Math.min(9, times));
    const more = [...found[i].keys()].filter((word) => !wanted.has(word));
    return [...wrong, ...more].map((word) => [word, i]);
  });
}"""


@pytest.fixture(scope="module")
def packed(book):
    return script(book / "_static" / "sections.js")


@pytest.fixture(scope="module")
def index(book, packed):
    """The sections, with their texts."""
    sections = []
    for page, title, rows in packed["pages"]:
        texts = script(book / "_static" / "sections" / f"{page[9:-5]}.js")
        assert list(texts) == [anchor for anchor, *_ in rows]
        for anchor, heading, asked, _ in rows:
            place = {"page": page, "title": title, "anchor": anchor}
            sections.append(place | {"heading": heading, "asked": asked, "text": texts[anchor]})
    return sections


def test_queries_lead_to_the_place(index):
    found = run(RANK, FIND, [index, list(PLACES)])[0]
    first = [f"{hits[0]['page']}#{hits[0]['anchor']}" for hits in found]
    wrong = {
        query: place
        for (query, wanted), place in zip(PLACES.items(), first, strict=True)
        if place.removeprefix("chapters/") not in wanted
    }
    assert wrong == {}


def places(index, queries):
    """The first two places for each query: page#anchor."""
    for hits in run(RANK, FIND, [index, queries])[0]:
        yield [f"{hit['page'][9:-5]}#{hit['anchor']}" for hit in hits[:2]]


def test_what_people_ask_is_found_however_it_is_typed(index):
    """Among the first two results is the section that answers."""
    typed = [(query, place) for place, queries in ASKED.items() for query in queries]
    assert all(len(queries) >= 3 for queries in ASKED.values())
    found = places(index, [query for query, _ in typed])
    wrong = [(q, want, got) for (q, want), got in zip(typed, found, strict=True) if want not in got]
    assert wrong == []


def test_every_answer_of_what_people_ask_is_asked_for(index):
    answers = {f"{s['page'][9:-5]}#{s['anchor']}" for s in index if s["asked"]}
    assert answers - {"at_the_weights#at-the-weights-another-direction"} <= set(ASKED)


def test_pages_of_lists_come_last(index):
    """The package's reference and the questions themselves say all words of anyone's query."""
    last = {"api", "questions", "contributing"}
    for hits in run(RANK, FIND, [index, ["batch size 1", "running mean", "backward"]])[0]:
        pages = [hit["page"][9:-5] in last for hit in hits]
        assert True in pages
        assert pages == sorted(pages)


def test_every_result_has_a_place_in_the_book(index, book):
    pages = {section["page"]: (book / section["page"]).read_text("utf8") for section in index}
    assert len(pages) > 20
    dead = [s for s in index if s["anchor"] and f'id="{s["anchor"]}"' not in pages[s["page"]]]
    assert dead == []
    assert [s for s in index if not s["heading"]] == []


def test_the_index_is_small_and_knows_each_word_of_each_section(book, packed, index):
    assert len(gzip.compress((book / "_static" / "sections.js").read_bytes())) < 48 * 1024
    assert run(RANK, "packed", [index])[0] == packed
    said = run(RANK, SAID, [packed, index])[0]
    assert said == []


def test_the_index_holds_neither_navigation_nor_code(index):
    text = json.dumps(index, ensure_ascii=False)
    assert not any(words in text for words in ("Skip to main", "import numpy", "Toggle", "\\frac"))


def section(heading, text, asked=""):
    return {
        "page": "a.html",
        "title": "A",
        "anchor": heading,
        "heading": heading,
        "asked": asked,
        "text": text,
    }


def test_headings_weigh_more_than_text():
    sections = [
        section("one", "frozen " * 20),
        section("frozen layers", "about layers"),
        section("two", "about", asked="Is it frozen?"),
        section("three", "nothing"),
    ]
    found = run(RANK, FIND, [sections, ["frozen", "froz", "layers frozen", "zebra", "", "(*"]])[0]
    names = [[hit["heading"] for hit in hits] for hits in found]
    assert names[0] == ["frozen layers", "two", "one"]
    assert names[1][0] == "frozen layers"
    assert names[2] == ["frozen layers"]  # all words, where there are such
    assert names[3:] == [[], [], []]


def test_words_as_they_were_typed_weigh_more_than_the_same_words_apart():
    apart, typed = "the mean of what is running", "what is the running mean of"
    pairs = {
        "heading": [section(apart, "about layers"), section(typed, "about layers")],
        "asked": [section("one", "about", asked=apart), section("two", "about", asked=typed)],
        "text": [section("one", apart), section("two", typed)],
    }
    for where, sections in pairs.items():  # of equal ones the first would come first
        hits = run(RANK, FIND, [sections, ["running mean"]])[0][0]
        assert hits[0] == sections[1], where
    both = [section("one", f"{typed}. {typed}. {typed}."), section(typed, "about layers")]
    assert run(RANK, FIND, [both, ["running mean"]])[0][0][0] == both[1]


def test_snippets_show_where_the_words_are():
    text = "word " * 100 + "the Frozen layer " + "word " * 100
    cut, whole, none = run(
        RANK, "snippet", [text, "frozen"], ["A frozen one.", "frozen 0.9"], ["Some text.", "(*"]
    )
    assert cut[1] == "Frozen"
    assert len("".join(cut)) < 200
    assert (cut[0][:2], cut[2][-2:]) == ("… ", " …")
    assert whole == ["A ", "frozen", " one."]
    assert none == ["Some text."]


def test_formulas_are_read_in_one_line():
    half = "<mfrac><mn>1</mn><mi>m</mi></mfrac>"
    power = "<msup><mi>x</mi><mn>2</mn></msup>"
    tex = '<annotation encoding="application/x-tex">\\frac1m</annotation>'
    assert plain(f"<p>So <math>{half}{power}{tex}</math>.</p>") == "So 1/m x^2 ."


def test_what_follows_a_picture_is_read_too():
    assert plain('<p>Before <img src="a.png" /> and<br/> after.</p><p>More.</p>').endswith("More.")


def test_every_heading_of_the_book_is_in_the_index(index, book):
    for page in {section["page"] for section in index}:
        ids = re.findall(r'<section id="([^"]+)"', (book / page).read_text("utf8"))[1:]
        known = {section["anchor"] for section in index if section["page"] == page}
        assert set(ids) <= known, page


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("Their σ^2 is biased.", ["σ²", "σ^2", "sigma^2", r"\sigma^2", "sigma", "SIGMA²"]),
        ("Centred, x^=c/s is one.", ["x_hat", "x̂", "x^", r"\hat{x}", r"\hat x"]),
        ("In code x_hat is one.", ["x_hat", "x̂", r"\hat x", "xhat", "ｘ＿ｈａｔ", "𝑥̂"]),
        ("So ∂L/∂x vanishes.", ["∂L/∂x", "dL/dx", r"\partial L/\partial x", "∂x"]),
        ("So ∂L/∂x_1 vanishes.", ["∂L/∂x₁", r"\frac{\partial L}{\partial x_1}"]),
        ("A scale γx^+β follows.", ["gamma", "γ", "beta", "γ x_hat + β"]),
        ("It adds ε below.", ["eps", "epsilon", "ϵ", "ε"]),
        ("With µ and μ.", ["mu", "μ", "µ"]),
    ],
)
def test_formulas_are_found_however_they_are_typed(text, queries):
    sections = [section("here", text), *(section(f"no {i}", "of other things") for i in range(3))]
    found = run(RANK, FIND, [sections, queries])[0]
    assert [[hit["heading"] for hit in hits] for hits in found] == [["here"]] * len(queries)


def test_a_power_is_no_hat_and_signs_stand_out_in_snippets():
    sections = [section("power", "We raise x^2 and x^⊤ x."), section("hat", "So x^ is one.")]
    found = run(RANK, FIND, [sections, ["x_hat"]])[0]
    assert [hit["heading"] for hit in found[0]] == ["hat"]
    shown = run(RANK, "snippet", ["Their σ^2 is biased.", "sigma"], ["So ∂L/∂x is.", "dL"])
    assert shown == [["Their ", "σ", "^2 is biased."], ["So ", "∂L", "/∂x is."]]
