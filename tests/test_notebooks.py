"""What is committed: chapters run and clean, and no address or path of a machine in any file."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
TOOL = ROOT / "_ext" / "tools" / "notebooks.py"

each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def code(path):
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


def outputs(path):
    """(MIME type or stream name, value) of every output."""
    for cell in code(path):
        for output in cell.outputs:
            yield from output.get("data", {}).items()
            yield output.get("name", output.output_type), output.get("text", "")


@each_chapter
def test_every_cell_was_run_once_and_in_order(path):
    """nbval would silently not compare a cell that was never run."""
    counts = [cell.execution_count for cell in code(path)]
    assert all(cell.source.strip() for cell in code(path)), "an empty cell"
    assert counts == list(range(1, len(counts) + 1)), "run: make notebooks"


@each_chapter
def test_only_text_is_committed(path):
    notebook = nbformat.read(path, as_version=4)
    kinds = {kind for kind, _ in outputs(path)}
    assert not {kind for kind in kinds if kind.startswith("image/") or "widget" in kind}
    assert not kinds & {"stderr", "error"}
    assert "widgets" not in notebook.metadata
    assert not any("attachments" in cell for cell in notebook.cells)
    assert notebook.metadata.kernelspec.name == "python3"


@each_chapter
def test_no_output_shows_an_address_of_memory(path):
    """Such an output differs from run to run. Give the object a __repr__."""
    assert [text for _, text in outputs(path) if re.search(r"\b0x[0-9a-f]{6,}", str(text))] == []


@each_chapter
def test_the_file_is_what_make_notebooks_writes(path, tmp_path, monkeypatch):
    """The same bytes, but for the outputs: those, nbval runs and compares."""
    monkeypatch.syspath_prepend(TOOL.parent)
    from notebooks import normalise

    copy = tmp_path / path.name
    nbformat.write(normalise(nbformat.read(path, as_version=4)), copy)
    assert copy.read_bytes() == path.read_bytes(), "run: make notebooks"


@each_chapter
def test_one_cell_imports_and_nothing_is_installed(path):
    cells = [cell.source for cell in code(path)]
    assert [s for s in cells if re.search(r"sys\.path|\bpip\b|\bconda\b|^\s*[%!]", s, re.M)] == []
    imports = [s for s in cells if any(map(is_import, ast.walk(ast.parse(s))))]
    assert len(imports) == 1


def is_import(node):
    return isinstance(node, ast.Import | ast.ImportFrom)


def files(node):
    """Every file that a part of the table of contents names."""
    if isinstance(node, dict):
        return [v for k, v in node.items() if k in ("root", "file")] + files(list(node.values()))
    return [name for entry in node for name in files(entry)] if isinstance(node, list) else []


def test_the_table_of_contents_names_each_chapter_once():
    named = files(yaml.safe_load((ROOT / "_toc.yml").read_text("utf8")))
    there = [p for p in (ROOT / "chapters").iterdir() if p.suffix in (".ipynb", ".md")]
    assert sorted(named) == sorted(f"chapters/{p.stem}" for p in there)


SOURCE = """
import ipywidgets
import matplotlib.pyplot as plt

print("one")
print("two")
_, axes = plt.subplots()
axes.plot([1, 2])
ipywidgets.FloatSlider(description="x")
"""


def test_make_notebooks_strips_and_is_idempotent(tmp_path):
    """Run twice, the same bytes; and nbval, strict, agrees with what is left."""
    path = tmp_path / "chapter.ipynb"
    cell = nbformat.v4.new_code_cell(SOURCE.strip(), metadata={"tags": ["t"], "collapsed": True})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    contents = []
    for _ in range(2):
        subprocess.run([sys.executable, TOOL, path], check=True, capture_output=True)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    (written,) = code(path)
    assert written.metadata == {"tags": ["t"]}
    assert {kind for kind, _ in outputs(path)} == {
        *("stdout", "text/plain", "execute_result", "display_data"),
    }
    wrong = nbformat.read(path, as_version=4)
    wrong.cells[0].outputs[0].text = "one\nthree\n"
    nbformat.write(wrong, tmp_path / "wrong.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "1 failed, 1 passed" in checked.stdout, checked.stdout


def test_a_cell_that_warns_is_refused(tmp_path):
    path = tmp_path / "chapter.ipynb"
    cell = nbformat.v4.new_code_cell("import warnings\nwarnings.warn('careful')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    ran = subprocess.run([sys.executable, TOOL, path], capture_output=True, text=True)
    assert ran.returncode != 0
    assert "stderr" in ran.stderr


# References are where the book's links lead out. Names of vocabularies, and this machine itself,
# may stand anywhere.
REFERENCES = ROOT / "chapters" / "references.md"
ALLOWED = r"(?!www\.w3\.org\b|127\.0\.0\.1|localhost)"
ADDRESS = re.compile(rf"\bhttps?://{ALLOWED}[\w\[]")
MACHINE_PATH = re.compile(
    r"(?<![\w.}~])/(?:home|root|Users|work|tmp|opt|usr/local)/\w|\b[A-Z]:\\\w"
)


def test_no_file_names_an_address_or_a_path_of_a_machine():
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    command = [*git, "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    assert len(paths) > 10
    found = []
    for path in paths:
        try:
            text = path.read_text("utf8")
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(text.splitlines(), 1):
            if (path != REFERENCES and ADDRESS.search(line)) or MACHINE_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("see https:" + "//example.test/x", True),
        ("xmlns='http://www.w3.org/2000/svg'", False),
        ("http://127.0.0.1:80", False),
        ("in " + "/home/" + "someone/x", True),
        ("../shared/tmp/x", False),
    ],
)
def test_the_search_for_addresses_finds_what_it_should(text, caught):
    assert bool(ADDRESS.search(text) or MACHINE_PATH.search(text)) == caught
