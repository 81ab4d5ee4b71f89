"""Sentences that say "always" or "never": each is a claim that is tried, or accepted for a reason.

"No", "all" and "only" are too common to be asked about everywhere: they count where the sentence
speaks of results, of runs, rates and seeds, of what is better or larger.

A sentence is met if its cell carries the tag of a claim (see `test_claims`), or if it begins with a
line of `sentences.txt`, which says under which heading it is accepted: proved in the book, proved
in the source that it cites, a count of the run beside it, an instruction, or no claim at all.
"""

import json
import re
from pathlib import Path

import test_claims

HERE = Path(__file__).parent
CHAPTERS = sorted((HERE.parents[1] / "chapters").glob("*.ipynb"))
STRONG = re.compile(
    r"\b(always|never|without end|without exception|none (?:of|is|were)|every time|whatever|"
    r"(?:in|at|for) every|(?:at|for) any)\b",
    re.I,
)
PLAIN = re.compile(r"\b(no|all|only|alone)\b", re.I)
RESULTS = re.compile(
    r"\b(seeds?|runs|networks?|learns?|fails?|rates?|all \d+|avoids?|better|worse|larger|smaller|"
    r"higher|lower|faster|slower|quicker|smoother|noisier|(?<!no )longer|shorter)\b",
    re.I,
)
HEADINGS = {"proved", "cited", "of this run", "instruction", "no claim"}


def is_strong(sentence):
    plain = PLAIN.search(sentence) and RESULTS.search(sentence) and not sentence.endswith("?")
    return bool(STRONG.search(sentence) or plain)


def sentences(text):
    """The sentences of a Markdown text that hold such a word, formulas and marks as they are."""
    text = re.sub(r"^```.*?^```|\$\$.*?\$\$", " ", text, flags=re.M | re.S)
    for line in text.split("\n"):
        for sentence in re.split(r"(?<=[.!?:|])\s+(?=[A-Z*($\[\"])", line):
            if is_strong(sentence):
                yield sentence.strip().lstrip("-|*( ").replace("**", "")


def accepted():
    """(chapter, beginning) -> heading, from the lines of `sentences.txt`."""
    found, heading = {}, None
    for line in (HERE / "sentences.txt").read_text("utf8").splitlines():
        if line.startswith("# "):
            heading = line[2:]
        elif line:
            chapter, _, beginning = line.partition(": ")
            found[chapter, beginning] = heading
    return found


def strong():
    """(chapter, its cell, sentence) of each sentence that holds such a word."""
    for path in CHAPTERS:
        for cell in json.loads(path.read_text("utf8"))["cells"]:
            if cell["cell_type"] == "markdown":
                for sentence in sentences("".join(cell["source"])):
                    yield path.stem, cell, sentence


def claims_of(cell):
    tags = cell["metadata"].get("tags", [])
    return {tag.removeprefix("claim-") for tag in tags if tag.startswith("claim-")}


def test_a_strong_sentence_is_a_claim_that_is_tried_or_accepted():
    known = accepted()
    assert set(known.values()) <= HEADINGS
    open_ones = [
        f"{chapter}: {sentence[:90]}"
        for chapter, cell, sentence in strong()
        if not claims_of(cell)
        and not any(c == chapter and sentence.startswith(b) for c, b in known)
    ]
    assert open_ones == [], "tag the cell with a claim, or add the line to sentences.txt"


def test_no_accepted_line_is_idle():
    said = [(chapter, sentence) for chapter, _, sentence in strong()]
    idle = [
        f"{chapter}: {beginning}"
        for chapter, beginning in accepted()
        if not any(c == chapter and sentence.startswith(beginning) for c, sentence in said)
    ]
    assert idle == []


def test_claims_and_tests_name_each_other():
    tagged = {
        claim
        for path in CHAPTERS
        for cell in json.loads(path.read_text("utf8"))["cells"]
        for claim in claims_of(cell)
    }
    marks = [
        mark.args[0]
        for test in vars(test_claims).values()
        for mark in getattr(test, "pytestmark", [])
        if mark.name == "claim"
    ]
    assert len(marks) == len(set(marks)) >= 12
    assert tagged == set(marks)


def test_strong_sentences_are_found():
    text = "It never fails. It works here.\n- Every $x$ moves: It falls every time, $$y$$ or so."
    assert list(sentences(text)) == ["It never fails.", "It falls every time,   or so."]
    plain = "All paths meet. All seeds agree. Is no rate too large? It is no longer so. None fell."
    assert list(sentences(plain)) == ["All seeds agree."]
