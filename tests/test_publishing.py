"""What a published book brings along: the package, notebooks that find it, a map, its citation."""

import re
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml

from _ext.site import publishing

ROOT = Path(__file__).parents[1]
HOME = "https://book.example/read"  # a domain that is reserved for examples
PROJECT = tomllib.loads((ROOT / "code/pyproject.toml").read_text("utf8"))["project"]
WHEEL = f"batchnorm-{PROJECT['version']}-py3-none-any.whl"


@pytest.fixture
def app(tmp_path):
    """A site with one notebook and a wheel, and the part of Sphinx's app that the steps read."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A chapter")])
    folder = tmp_path / "_sources" / "chapters"
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / "a.ipynb")
    (tmp_path / WHEEL).touch()
    return SimpleNamespace(
        outdir=tmp_path,
        env=SimpleNamespace(found_docs={"chapters/a", "chapters/b&c"}),
        config=SimpleNamespace(html_title="A book"),
    )


def finish(app):
    publishing.set_address(app, app.config)
    publishing.open_notebooks(app)
    publishing.write_map(app)
    return nbformat.read(app.outdir / "_sources/chapters/a.ipynb", as_version=4)


def test_without_an_address_nothing_is_made_up(app, monkeypatch):
    monkeypatch.delenv("BATCHNORM_HOMEPAGE", raising=False)
    assert [cell.cell_type for cell in finish(app).cells] == ["markdown"]
    assert app.config.html_baseurl == ""
    assert {path.name for path in app.outdir.iterdir()} == {"_sources", WHEEL}


@pytest.mark.parametrize("home", [HOME, HOME + "/"])
def test_one_address_serves_all(app, monkeypatch, home):
    monkeypatch.setenv("BATCHNORM_HOMEPAGE", home)
    notebook = finish(app)
    nbformat.validate(notebook)
    assert notebook.cells[0].source == f"%pip install --quiet {HOME}/{WHEEL}"
    assert app.config.html_baseurl == f"{HOME}/"
    pages = ElementTree.parse(app.outdir / "sitemap.xml").getroot()
    assert [url[0].text for url in pages] == [f"{HOME}/chapters/{n}.html" for n in ("a", "b&c")]
    lost = (app.outdir / "404.html").read_text("utf8")
    assert re.findall(r'href="([^"]+)"', lost) == [f"{HOME}/", f"{HOME}/search.html"]


def test_the_book_holds_the_wheel_that_its_page_names(book):
    assert [path.name for path in book.glob("*.whl")] == [WHEEL]
    assert WHEEL in (ROOT / "chapters/about.md").read_text("utf8")


def test_it_is_cited_in_one_way():
    """`CITATION.cff`, the BibTeX entry on the page, and the package agree."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf8"))
    page = (ROOT / "chapters/references.md").read_text("utf8")
    entry = dict(re.findall(r"^  (\w+) = \{+(.+?)\}+,?$", page, re.M))
    assert entry["title"] == cited["title"]
    assert entry["author"] == cited["authors"][0]["name"] == PROJECT["authors"][0]["name"]
    assert entry["version"] == cited["version"] == PROJECT["version"]
    assert entry["year"] == str(cited["date-released"].year)
    assert f"## {PROJECT['version']} " in (ROOT / "CHANGELOG.md").read_text("utf8")
