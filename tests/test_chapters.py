"""What the chapters printed as the book was built is what is committed.

The build has run each of them from the top, in a fresh kernel, with this package and the pinned
parts. `make nbval`, a part of what continuous integration does, runs them once more.
"""

from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache

from _ext.site.execution import cache_folder
from _ext.tools.notebooks import normalise

CHAPTERS = sorted((Path(__file__).parents[1] / "chapters").glob("*.ipynb"))


def shown(notebook):
    """What each code cell shows: texts of a stream that follow each other are one."""
    cells = []
    for cell in normalise(deepcopy(notebook)).cells:
        if cell.cell_type == "code":
            cells.append([])
            for output in cell.outputs:
                last = cells[-1][-1] if cells[-1] else {}
                if "text" in output and last.get("name") == output.name:
                    last.text += output.text
                elif output.get("data") != {}:  # a picture or a control, and nothing said of it
                    cells[-1].append(output)
    return cells


def differences(committed, ran):
    """The cells that show something else than is committed: (number, committed, ran)."""
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    pairs = zip(code, shown(committed), shown(ran), strict=True)
    for number, (cell, wanted, found) in enumerate(pairs, 1):
        if wanted != found and "nbval-ignore-output" not in cell.metadata.get("tags", []):
            yield number, wanted, found


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_printed_what_is_committed(book, path):
    committed = nbformat.read(path, as_version=4)
    _, ran = get_cache(cache_folder()).merge_match_into_notebook(committed)
    assert [*differences(committed, ran)] == []


def test_a_line_that_differs_is_found():
    cells = [nbformat.v4.new_code_cell("1")]
    cells[0].outputs = [nbformat.v4.new_output("stream", text=text) for text in ("one\n", "two\n")]
    ran = nbformat.v4.new_notebook(cells=cells)
    committed = deepcopy(ran)
    committed.cells[0].outputs = [nbformat.v4.new_output("stream", text="one\ntwo\n")]
    assert [*differences(committed, ran)] == []
    for other in ("one\n", "one\nthree\n", "one\ntwo\ntwo\n"):
        committed.cells[0].outputs[0].text = other
        assert [number for number, *_ in differences(committed, ran)] == [1]
    committed.cells[0].outputs = []
    assert [number for number, *_ in differences(committed, ran)] == [1]
    committed.cells[0].metadata.tags = ["nbval-ignore-output"]
    assert [*differences(committed, ran)] == []


def test_code_that_two_chapters_have_is_the_same_in_both():
    """A cell whose id begins with "twice-" is in several chapters: a reader may begin with any."""
    cells = {}
    for path in CHAPTERS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.id.startswith("twice-"):
                cells.setdefault(cell.id, []).append(cell.source)
    assert cells
    for name, sources in cells.items():
        assert len(sources) > 1, name
        assert len(set(sources)) == 1, name
