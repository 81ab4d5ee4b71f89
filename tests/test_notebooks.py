"""What is committed: chapters run and clean, and no address or path of a machine in any file."""

import ast
import re
import subprocess
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path

import nbformat
import pytest
import yaml

from _ext.tools.notebooks import normalise

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
TOOL = ROOT / "_ext" / "tools" / "notebooks.py"


@cache
def notebook(path):
    return nbformat.read(path, as_version=4)


def code(path):
    return [cell for cell in notebook(path).cells if cell.cell_type == "code"]


def outputs(path):
    """(MIME type or stream name, value) of every output."""
    for cell in code(path):
        for output in cell.outputs:
            yield from output.get("data", {}).items()
            yield output.get("name", output.output_type), output.get("text", "")


def names(paths):
    return [path.stem for path in paths]


def test_every_cell_was_run_once_and_in_order():
    """A cell that was never run would show nothing, and be compared with nothing."""
    assert len(CHAPTERS) > 20
    counts = {path.stem: [cell.execution_count for cell in code(path)] for path in CHAPTERS}
    wrong = [name for name, found in counts.items() if found != [*range(1, len(found) + 1)]]
    assert wrong == [], "run: make notebooks"
    empty = [path for path in CHAPTERS if not all(cell.source.strip() for cell in code(path))]
    assert names(empty) == []


def is_text(path):
    """Whether nothing but text was committed: no picture, no widget, no warning."""
    kinds = {kind for kind, _ in outputs(path)}
    return (
        not any(kind.startswith("image/") or "widget" in kind for kind in kinds)
        and not kinds & {"stderr", "error"}
        and "widgets" not in notebook(path).metadata
        and not any("attachments" in cell for cell in notebook(path).cells)
        and notebook(path).metadata.kernelspec.name == "python3"
    )


def test_only_text_is_committed():
    assert names(path for path in CHAPTERS if not is_text(path)) == []


def test_no_output_shows_an_address_of_memory():
    """Such an output differs from run to run. Give the object a __repr__."""
    shown = [(path.stem, str(text)) for path in CHAPTERS for _, text in outputs(path)]
    assert [found for found in shown if re.search(r"\b0x[0-9a-f]{6,}", found[1])] == []


def as_written(path):
    """The bytes that `make notebooks` would write, with the outputs that are there."""
    return (nbformat.writes(normalise(deepcopy(notebook(path)))) + "\n").encode()


def test_the_files_are_what_make_notebooks_writes():
    """The same bytes, but for the outputs: those, tests/test_chapters.py compares."""
    other = [path for path in CHAPTERS if as_written(path) != path.read_bytes()]
    assert names(other) == [], "run: make notebooks"


INSTALLS = re.compile(r"sys\.path|\bpip\b|\bconda\b|^\s*[%!]", re.M)


def test_one_cell_imports_and_nothing_is_installed():
    sources = {path.stem: [cell.source for cell in code(path)] for path in CHAPTERS}
    assert [(n, s) for n, cells in sources.items() for s in cells if INSTALLS.search(s)] == []
    imports = {n: [s for s in cells if imports_any(s)] for n, cells in sources.items()}
    assert [name for name, cells in imports.items() if len(cells) != 1] == []


def imports_any(source):
    return any(map(is_import, ast.walk(ast.parse(source))))


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

print("one")
print("two")
display({"image/png": "iVBORw0KGgo=", "text/plain": "a plot"}, raw=True)
ipywidgets.FloatSlider(description="x")
"""


def write(path, *sources, **metadata):
    cells = [nbformat.v4.new_code_cell(source.strip(), metadata=metadata) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def test_make_notebooks_strips_and_refuses_what_warns(tmp_path):
    """Normalised once, it stays."""
    path, warns = tmp_path / "chapter.ipynb", tmp_path / "warns.ipynb"
    write(path, SOURCE, "print('three')", tags=["t"], collapsed=True)
    write(warns, "import warnings\nwarnings.warn('careful')")
    command = [sys.executable, TOOL, path, warns]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode != 0
    assert "cell 1 writes to stderr" in ran.stderr
    assert as_written(path) == path.read_bytes()
    assert [cell.metadata for cell in code(path)] == [{"tags": ["t"]}] * 2
    assert {kind for kind, _ in outputs(path)} == {
        *("stdout", "text/plain", "execute_result", "display_data"),
    }


# References are where the book's links lead out. Names of vocabularies, a domain reserved for
# examples, and this machine itself may stand anywhere.
REFERENCES = ROOT / "chapters" / "references.md"
ALLOWED = r"(?!www\.(?:w3|sitemaps)\.org\b|\w+\.example\b|127\.0\.0\.1|localhost)"
ADDRESS = re.compile(rf"\bhttps?://{ALLOWED}[\w\[]")
MACHINE_PATH = re.compile(
    r"(?<![\w.}~])/(?:home|root|Users|work|tmp|opt|usr/local)/\w|(?<![\w.])[A-Z]:\\\w"
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
        ("in C:" + "\\Users", True),
        ("for row in a.T:\\n", False),
    ],
)
def test_the_search_for_addresses_finds_what_it_should(text, caught):
    assert bool(ADDRESS.search(text) or MACHINE_PATH.search(text)) == caught
