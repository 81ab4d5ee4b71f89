"""The chapters' prose: links that lead somewhere, sources named once, words kept to."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
PAGES = [*CHAPTERS, *sorted((ROOT / "chapters").glob("*.md"))]
SOURCES = [
    path
    for path in [*PAGES, ROOT / "README.md", *sorted((ROOT / "code" / "batchnorm").rglob("*"))]
    if path.suffix in {".ipynb", ".md", ".py", ".js"}
]


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def prose(path):
    """The Markdown of a page, fenced code left out."""
    text = path.read_text("utf8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def slug(heading):
    """The anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def targets(path):
    headings = {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose(path), re.M)}
    return headings | set(re.findall(r"^\(([\w-]+)\)=$", prose(path), re.M))


LINK = re.compile(r"\]\(([^()\s]+)\)")


@each(PAGES)
def test_every_link_leads_to_a_page_and_a_target(path):
    dead = []
    for link in LINK.findall(prose(path)):
        if "://" in link:
            continue
        page, _, target = link.partition("#")
        other = path.parent / page if page else path
        if not other.is_file() or (target and target not in targets(other)):
            dead.append(link)
    assert dead == []


@each(PAGES)
def test_links_out_of_the_book_stand_on_one_page(path):
    out = re.findall(r"\w+://[^\s)>]+", prose(path))
    if path.stem == "references":
        assert all(re.fullmatch(r"https:/{2}[\w.-]+\.\w+/[\w./#()-]+", link) for link in out)
    else:
        assert out == []


ENTRY = re.compile(r"^\(([\w-]+)\)=\n(.+)$", re.M)
ENTRIES = dict(ENTRY.findall(prose(ROOT / "chapters" / "references.md")))


def test_references_are_in_order_and_there_once():
    text = prose(ROOT / "chapters" / "references.md")
    assert len(ENTRIES) == len(ENTRY.findall(text)) > 20
    for section in text.split("\n## ")[1:]:
        names = [name for name, _ in ENTRY.findall(section)]
        assert names == sorted(names)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_reference_has_who_when_what_and_where(name):
    assert re.match(r".+? (19|20)\d\d\. .*\[.+\]\(https:/{2}.+\)", ENTRIES[name])
    assert re.search(r"\d{4}", ENTRIES[name])[0] in name


CITED = {
    target for path in PAGES for target in re.findall(r"\]\(references\.md#([\w-]+)\)", prose(path))
}


def test_every_reference_is_cited():
    assert set(ENTRIES) - CITED == set()


@each(CHAPTERS)
def test_a_chapter_says_how_long_it_is_and_what_it_needs(path):
    line = re.search(
        r"^\*\*Reading time\*\* about (\d+) minutes\. \*\*Needs\*\*: .+\.$", prose(path), re.M
    )
    assert line, "write: **Reading time** about 8 minutes. **Needs**: [Start](start_here.ipynb)."
    assert 5 <= int(line[1]) <= 12
    assert line.start() < 2500, "at the head"


@each(CHAPTERS)
def test_a_chapter_cites(path):
    assert "](references.md#" in prose(path)


# One word for one thing; sentences that were riddles, or not true.
FORBIDDEN = [
    r"\broads?\b",
    r"ways of the gradient",
    r"in the next breath",
    r"something to say about",
    r"knowledge of itself",
    r"both samples \w+ .{0,60}in a batch of \*?ten",
    r"owes? (the graph )?nothing (but the order|at all)",
    r"entries pull along",
    r"only layer, instance and group norm have no batch",
    r"relative steps along the signs",
    r"the two are even when",
    r"fallen by a million",
    r"beside it stands",
    r"tests nothing(?! of)",
    r"only by luck",
    r"drift without end",
    r"it may pass 0",
    r"stand in many other places",
    r"no learning rate is too large",
    r"most frameworks is the unbiased",
    r"only ever makes a vector shorter",
    r"the diagonal of whitening",
    r"can only remove what it would undo",
    r"the same formula each time",
]


@each(SOURCES)
def test_no_forbidden_words(path):
    text = path.read_text("utf8")
    if path.suffix == ".ipynb":
        text = " ".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    text = re.sub(r"\s+", " ", text)
    found = [match[0] for words in FORBIDDEN for match in re.finditer(words, text, re.I)]
    assert found == []


@each(CHAPTERS)
def test_a_folded_cell_says_what_it_holds(path):
    """Tags, words and JupyterLab's own fold go together."""
    for cell in json.loads(path.read_text("utf8"))["cells"]:
        metadata = cell["metadata"]
        folded = bool({"hide-cell", "hide-input"} & set(metadata.get("tags", [])))
        assert folded == bool(metadata.get("mystnb", {}).get("code_prompt_show"))
        assert folded == metadata.get("jupyter", {}).get("source_hidden", False)


def test_every_question_has_an_answer_on_a_page():
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", prose(ROOT / "chapters" / "questions.md"), re.M)
    asked = [row for row in rows if row[0].endswith("?")]
    assert len(asked) >= 28, "what learners ask"
    assert [question for question, answer in asked if not LINK.search(answer)] == []


OPTION = r'<details class="option"><summary>(.+?)</summary>\n\n(.+?)\n\n</details>'
QUESTION = re.compile(rf"(?:{OPTION}\s*)+", re.S)
ASKED = [
    pytest.param(re.findall(OPTION, match[0], re.S), id=f"{path.stem}-{k}")
    for path in CHAPTERS
    for k, match in enumerate(QUESTION.finditer(prose(path)), 1)
]


@pytest.mark.parametrize("options", ASKED)
def test_a_question_has_one_right_answer_and_a_word_on_each(options):
    assert 2 <= len(options) <= 4
    assert len({summary for summary, _ in options}) == len(options)
    said = [re.match(r"\*\*(Right|No)\.\*\* .{30,}", body, re.S) for _, body in options]
    assert sorted(word[1] for word in said if word) == ["No"] * (len(options) - 1) + ["Right"]


def test_the_right_answer_stands_in_no_fixed_place():
    places = [[body.startswith("**Right") for _, body in p.values[0]].index(True) for p in ASKED]
    assert len(ASKED) >= 6
    assert max(places.count(place) for place in places) <= 0.6 * len(places)


@each(CHAPTERS)
def test_a_chapter_asks_little(path):
    """Three questions at most, and no option outside of one."""
    found = [match[0] for match in QUESTION.finditer(prose(path))]
    assert len(found) <= 3
    assert sum(q.count("<details") for q in found) == prose(path).count('class="option"')
