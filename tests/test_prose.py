"""The chapters' prose: links that lead somewhere, sources named once, words kept to."""

import json
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
PAGES = [*CHAPTERS, *sorted((ROOT / "chapters").glob("*.md"))]
SOURCES = [
    path
    for path in [*PAGES, ROOT / "README.md", *sorted((ROOT / "code" / "batchnorm").rglob("*"))]
    if path.suffix in {".ipynb", ".md", ".py", ".js"}
]


def cells(path):
    return json.loads(path.read_text("utf8"))["cells"]


@cache
def prose(path):
    """The Markdown of a page, fenced code left out."""
    if path.suffix == ".ipynb":
        markdown = [c for c in cells(path) if c["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in markdown)
    else:
        text = path.read_text("utf8")
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def slug(heading):
    """The anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@cache
def targets(path):
    headings = {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose(path), re.M)}
    return headings | set(re.findall(r"^\(([\w-]+)\)=$", prose(path), re.M))


LINK = re.compile(r"\]\(([^()\s]+)\)")


def leads_somewhere(path, link):
    """Whether a link from this page ends at a page of the book, and at a target on it."""
    page, _, target = link.partition("#")
    other = path.parent / page if page else path
    return other.is_file() and (not target or target in targets(other))


def test_every_link_leads_to_a_page_and_a_target():
    links = [(path, link) for path in PAGES for link in LINK.findall(prose(path))]
    inside = [(path, link) for path, link in links if "://" not in link]
    assert len(inside) > 200
    dead = [(path.stem, link) for path, link in inside if not leads_somewhere(path, link)]
    assert dead == []


OUT = re.compile(r"\w+://[^\s)>]+")


def test_links_out_of_the_book_stand_on_one_page():
    out = [(path.stem, link) for path in PAGES for link in OUT.findall(prose(path))]
    assert out != []
    plain = re.compile(r"https:/{2}[\w.-]+\.\w+/[\w./#()-]+")
    wrong = [(n, link) for n, link in out if n != "references" or not plain.fullmatch(link)]
    assert wrong == []


ENTRY = re.compile(r"^\(([\w-]+)\)=\n(.+)$", re.M)
ENTRIES = dict(ENTRY.findall(prose(ROOT / "chapters" / "references.md")))


def test_references_are_in_order_and_there_once():
    text = prose(ROOT / "chapters" / "references.md")
    assert len(ENTRIES) == len(ENTRY.findall(text)) > 20
    for section in text.split("\n## ")[1:]:
        names = [name for name, _ in ENTRY.findall(section)]
        assert names == sorted(names)


def is_full(name, entry):
    """Whether a reference says who, when, what and where, and is named by its year."""
    full = re.match(r".+? (19|20)\d\d\. .*\[.+\]\(https:/{2}.+\)", entry)
    return full and re.search(r"\d{4}", entry)[0] in name


def test_a_reference_has_who_when_what_and_where():
    assert [name for name, entry in ENTRIES.items() if not is_full(name, entry)] == []


def test_every_reference_is_cited():
    cited = {
        target
        for path in PAGES
        for target in re.findall(r"\]\(references\.md#([\w-]+)\)", prose(path))
    }
    assert set(ENTRIES) - cited == set()


NEEDS = re.compile(r"^\*\*Reading time\*\* about (\d+) minutes\. \*\*Needs\*\*: .+\.$", re.M)


def test_a_chapter_says_at_its_head_how_long_it_is_and_what_it_needs():
    """**Reading time** about 8 minutes. **Needs**: [Start](start_here.ipynb)."""
    heads = {path.stem: NEEDS.search(prose(path)[:2500]) for path in CHAPTERS}
    assert len(heads) > 20
    assert [name for name, head in heads.items() if not (head and 5 <= int(head[1]) <= 12)] == []


def test_a_chapter_cites():
    assert [path.stem for path in CHAPTERS if "](references.md#" not in prose(path)] == []


def test_one_word_for_one_thing():
    """Gradients pass along a path: no road, no way."""
    other = re.compile(r"\broads?\b|ways\s+of\s+the\s+gradient", re.I)
    found = []
    for path in SOURCES:
        notebook = path.suffix == ".ipynb"
        text = " ".join("".join(c["source"]) for c in cells(path)) if notebook else None
        text = path.read_text("utf8") if text is None else text
        found += [(path.name, words) for words in other.findall(text)]
    assert found == []


def folds_agree(cell):
    """Whether tags, words and JupyterLab's own fold go together."""
    metadata = cell["metadata"]
    folded = bool({"hide-cell", "hide-input"} & set(metadata.get("tags", [])))
    words = bool(metadata.get("mystnb", {}).get("code_prompt_show"))
    return folded == words == metadata.get("jupyter", {}).get("source_hidden", False)


def test_a_folded_cell_says_what_it_holds():
    every = [(path.stem, cell) for path in CHAPTERS for cell in cells(path)]
    assert [(name, c["source"][:1]) for name, c in every if not folds_agree(c)] == []


def test_every_question_has_an_answer_on_a_page():
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", prose(ROOT / "chapters" / "questions.md"), re.M)
    asked = [row for row in rows if row[0].endswith("?")]
    assert len(asked) >= 28, "what learners ask"
    assert [question for question, answer in asked if not LINK.search(answer)] == []


OPTION = r'<details class="option"><summary>(.+?)</summary>\n\n(.+?)\n\n</details>'
QUESTION = re.compile(rf"(?:{OPTION}\s*)+", re.S)
ASKED = {
    f"{path.stem}-{k}": re.findall(OPTION, match[0], re.S)
    for path in CHAPTERS
    for k, match in enumerate(QUESTION.finditer(prose(path)), 1)
}


def is_fair(options):
    """Whether one option is right, and each says why or why not."""
    said = [re.match(r"\*\*(Right|No)\.\*\* .{30,}", body, re.S) for _, body in options]
    verdicts = sorted(word[1] for word in said if word)
    once = len({summary for summary, _ in options}) == len(options)
    return 2 <= len(options) <= 4 and once and verdicts == ["No"] * (len(options) - 1) + ["Right"]


def test_a_question_has_one_right_answer_and_a_word_on_each():
    assert [name for name, options in ASKED.items() if not is_fair(options)] == []


def test_the_right_answer_stands_in_no_fixed_place():
    places = [[body.startswith("**Right") for _, body in o].index(True) for o in ASKED.values()]
    assert len(ASKED) >= 6
    assert max(places.count(place) for place in places) <= 0.6 * len(places)


def test_a_chapter_asks_little():
    """Three questions at most, and no option outside of one."""
    for path in CHAPTERS:
        found = [match[0] for match in QUESTION.finditer(prose(path))]
        assert len(found) <= 3, path.stem
        inside = sum(question.count("<details") for question in found)
        assert inside == prose(path).count('class="option"'), path.stem
