"""The table of letters against the formulas: each letter means one thing in a chapter, and the
table says what. A chapter that gives a letter another meaning than the book's says so at its head.
"""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

CHAPTERS = {
    path.stem: path for path in sorted((Path(__file__).parents[1] / "chapters").glob("*.ipynb"))
}
NOTATION = (Path(__file__).parents[1] / "chapters" / "notation.md").read_text("utf8")

NAMES = (
    "Gamma Lambda Omega alpha beta gamma delta varepsilon eta kappa lambda mu pi rho sigma phi ell"
)
GREEK = dict(zip(NAMES.split(), "ΓΛΩαβγδεηκλμπρσφℓ", strict=True))
MARKS = r"\\(?:hat|tilde|bar|overline|mathbf|mathcal|boldsymbol)\b"
WORDS = r"\\(?:text|mathrm|operatorname|begin|end)\*?\s*\{[^}]*\}"


def markdown(path):
    cells = json.loads(path.read_text("utf8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def letters(text):
    """The letters of all formulas of a Markdown text, Greek ones as themselves.

    Names of operators, digits and the d of a differential (dx, dW) are none.
    """
    text = re.sub(r"^```.*?^```|`[^`\n]*`", " ", text, flags=re.M | re.S)
    found = Counter()
    for display, inline in re.findall(r"\$\$(.+?)\$\$|\$([^$]+?)\$", text, re.S):
        formula = re.sub(MARKS, " ", re.sub(WORDS, " ", display or inline))
        formula = re.sub(r"\\([A-Za-z]+)", lambda m: f" {GREEK.get(m[1], '')} ", formula)
        formula = re.sub(r"\bd(?=[A-Za-zΓΛΩ]\b)|\bd +(?=[γβμσ])", " ", formula)
        found.update(c for c in formula if c.isalpha())
    return found


ROW = re.compile(r"^\| \$(\\?\w+)\$ \| (.+?) \| (everywhere|\[.+?\))(?: \|)$", re.M)


def table():
    """(letter, meaning, the chapters it holds for; None for all) of each row, in order."""
    rows = []
    for letter, meaning, where in ROW.findall(NOTATION):
        chapters = None if where == "everywhere" else re.findall(r"\((\w+)\.ipynb\)", where)
        rows.append((GREEK.get(letter.strip("\\"), letter), meaning, chapters))
    return rows


LAYER = {*"mdxyμσεsγβLη"}  # those of the table above it, the same everywhere
ROWS = table()


def meanings(letter, chapter):
    """The rows that hold for a letter in a chapter, those that name it before the book's own."""
    own = [row for row in ROWS if row[0] == letter and row[2] and chapter in row[2]]
    return own or [row for row in ROWS if row[0] == letter and row[2] is None]


def borrowed(chapter):
    """The line at a chapter's head: its letters that mean something else elsewhere in the book."""
    used, first, named = letters(markdown(CHAPTERS[chapter])), {}, []
    for letter, meaning, chapters in ROWS:
        first.setdefault(letter, meaning)
        if chapters and chapter in chapters and first[letter] != meaning and letter in used:
            back = {sign: f"\\{name}" for name, sign in GREEK.items()}
            named.append(f"${back.get(letter, letter)}$, {meaning}")
    return f"**Letters** borrowed here: {'; '.join(named)}." if named else ""


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_letter_of_a_chapter_has_one_meaning_in_the_table(chapter):
    used = set(letters(markdown(CHAPTERS[chapter]))) - LAYER
    assert {letter for letter in used if len(meanings(letter, chapter)) != 1} == set()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_says_which_letters_it_borrows(chapter):
    lines = re.findall(r"^\*\*Letters\*\* .+$", markdown(CHAPTERS[chapter]), re.M)
    assert "\n".join(lines) == borrowed(chapter)


def test_no_row_is_idle():
    """Each row names chapters that use its letter; none gives another meaning to the layer's."""
    assert len(ROWS) > 80
    used = {name: letters(markdown(path)) for name, path in CHAPTERS.items()}
    for letter, meaning, chapters in ROWS:
        assert letter not in LAYER, letter
        idle = [c for c in chapters or () if letter not in used[c]]
        assert idle == [], (letter, meaning)


def test_letters_are_found():
    text = r"$\hat x_i + dW\,\mathrm{tr}\,S$ and `$q$`, $$\frac{d\gamma}{ds} \le \Omega_{jk}$$"
    assert set(letters(text)) == {*"xiWSγsΩjk"}
