"""The cells of the chapters in the page's Python: they print what is published, as in CPython.

It runs in Node.js, with the parts that the page has: that costs one start for all chapters.
"""

import os

import nbformat
import pytest
from session import ROOT, Session

from _ext.site import parts

pytestmark = pytest.mark.readers

# They take 4 seconds and more each, most to train nets: EVERY_CHAPTER=1 runs them as well.
LONG = {
    *("at_the_weights", "constants", "cut_on_purpose", "depth", "does_it_help"),
    *("length_of_weights", "longer_steps", "reparameterization", "samples_apart"),
    *("smoothness", "whitening_gradient", "without_it"),
}
IN_A_PAGE = {"two_samples"}  # tests/test_page_python.py runs it, in a browser
NAMES = sorted(path.stem for path in (ROOT / "chapters").glob("*.ipynb"))


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    try:
        session = Session(tmp_path_factory.mktemp("parts"))
    except parts.Missing as missing:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"no Python for the pages: {missing}")
        pytest.skip(f"no Python for the pages: {missing}")
    yield session
    session.close()


def texts(outputs):
    """What a cell prints and shows, in order: text streams that follow each other are one."""
    told = []
    for output in outputs:
        text = output.get("text") if "text" in output else output["data"]["text/plain"]
        kind = output.get("name", "value")
        if told and kind == "stdout" == told[-1][0]:
            told[-1] = (kind, told[-1][1] + text)
        else:
            told.append((kind, text))
    return told


def ignored(cell):
    return "nbval-ignore-output" in cell.metadata.get("tags", [])


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_prints_what_is_published(python, name):
    if name in LONG | IN_A_PAGE and not os.environ.get("EVERY_CHAPTER"):
        pytest.skip("it takes long or runs elsewhere; EVERY_CHAPTER=1 runs it")
    notebook = nbformat.read(ROOT / "chapters" / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, ran in zip(cells, python.run([cell.source for cell in cells]), strict=True):
        wanted = texts(cell.outputs)
        if ran["needs"]:  # the picture of a plot, which it cannot draw
            wanted = [(kind, text) for kind, text in wanted if not text.startswith("<Figure size")]
        assert ran["status"] == "ok", texts(ran["outputs"])
        if not ignored(cell):
            assert texts(ran["outputs"]) == wanted
