"""What a published book needs besides its pages: the package, notebooks that find it, a map.

Where the book will be is set in one place, the environment of whoever builds it:
BATCHNORM_HOMEPAGE, the address of the folder that holds `index.html`. Without it, what needs that
address is left out.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

import nbformat

from .languages import languages

CODE = Path(__file__).parents[2] / "code"
PDF = "gradients-through-batch-normalization.pdf"
NOT_FOUND = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Page not found – {title}</title>
<style>body {{ max-width: 36rem; margin: 20vh auto; padding: 0 1rem; font-family: serif }}</style>
<h1>There is no page at this address</h1>
<p>It may have been renamed. Go to <a href="{home}">the first page</a>, or
<a href="{home}search.html">search the book</a>.</p>
</html>
"""


def homepage():
    """The address of the book, with a slash at its end, or "" if it is not set."""
    home = os.environ.get("BATCHNORM_HOMEPAGE", "").rstrip("/")
    return home and home + "/"


def set_address(app, config):
    """From this, Sphinx writes each page's canonical address."""
    config.html_baseurl = homepage()


def add_wheel(app):
    """Put the package into the site as a wheel, for pip install; nothing is fetched for it.

    A wheel that is there is of this package: when anything but chapters has changed, `make` empties
    the site first.
    """
    out = Path(app.outdir)
    if not list(out.glob("batchnorm-*.whl")):
        build_wheel(out)


def build_wheel(out):
    """Build the wheel of `code/`, from a copy: setuptools leaves files beside the sources."""
    with tempfile.TemporaryDirectory() as folder:
        ignore = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
        shutil.copytree(CODE, Path(folder, "code"), ignore=ignore)
        build = "import sys, setuptools.build_meta as meta; meta.build_wheel(sys.argv[1])"
        subprocess.run(
            [sys.executable, "-c", build, folder],
            cwd=Path(folder, "code"),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (wheel,) = Path(folder).glob("*.whl")
        shutil.copy(wheel, out)


def open_notebooks(app):
    """Let a downloaded chapter run anywhere: its first cell installs the package from this site."""
    home = homepage()
    if not home:
        return
    (wheel,) = Path(app.outdir).glob("batchnorm-*.whl")
    for path in (Path(app.outdir) / "_sources" / "chapters").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        if notebook.cells[0].get("id") == "install":
            continue  # an earlier build's: this one has not written its page again
        cell = nbformat.v4.new_code_cell(f"%pip install --quiet {home}{wheel.name}", id="install")
        notebook.cells.insert(0, cell)
        nbformat.write(notebook, path)


def write_map(app):
    """The list of pages for search engines, and the page for addresses that lead nowhere."""
    home, out = homepage(), Path(app.outdir)
    if not home:
        return
    ours = [f"{home}{name}.html" for name in sorted(app.env.found_docs)]
    also = [(language, name) for language, names in languages().items() for name in names]
    theirs = [f"{home}{part}/{name}.html" for part, name in also if name in app.env.found_docs]
    urls = [*ours, *theirs]
    entries = "".join(f"  <url><loc>{escape(url)}</loc></url>\n" for url in urls)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    (out / "sitemap.xml").write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="{space}">\n{entries}</urlset>\n',
        "utf8",
    )
    page = NOT_FOUND.format(title=app.config.html_title, home=escape(home, {'"': "&quot;"}))
    (out / "404.html").write_text(page, "utf8")


def forget_pdf(app):
    """A book printed before these pages were written is not this book: `make pdf` prints it."""
    (Path(app.outdir) / PDF).unlink(missing_ok=True)
    offer_pdf(Path(app.outdir))


def offer_pdf(site):
    """Link the printed book on the page about the book, if it has been printed."""
    page = site / "chapters" / "about.html"
    text = re.sub(r'<p class="bn-pdf">.*?</p>\n', "", page.read_text("utf8"))
    if (site / PDF).exists():
        size = (site / PDF).stat().st_size / 1e6
        link = f'<a href="../{PDF}">The whole book, printed</a> ({size:.0f} MB)'
        link = f'<p class="bn-pdf">{link}</p>\n'
        before, section, after = text.partition('<section id="on-paper">')
        text = before + section + after.replace("</section>", link + "</section>", 1)
    page.write_text(text, "utf8")
