"""What a page weighs, compressed as servers send it, and how often it carries a script."""

import gzip
import re
from functools import cache
from urllib.parse import urlsplit

import pytest
from stage import serve
from test_book import PAGES

KB = 1024
PAGE = 220 * KB  # document, scripts and styles, each compressed
FONTS = 90 * KB


@pytest.fixture(scope="module")
def site(book):
    with serve(book) as address:
        yield address


@cache
def compressed(path):
    """How many bytes a file has on its way; pages share most of theirs."""
    return len(gzip.compress(path.read_bytes())) if path.is_file() else 0


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light(page, book, site, name):
    """Everything it loads: nothing twice, little in all."""
    loaded = []
    page.on("response", lambda r: loaded.append((r.request.resource_type, r.url)))
    page.goto(f"{site}/{name}")
    page.evaluate("() => window.bnHost?.ready")
    page.evaluate("() => document.fonts.ready")
    weight = {"code": 0, "font": 0}
    for kind, url in loaded:
        path = book / urlsplit(url).path.lstrip("/")
        if kind in ("document", "script", "stylesheet"):
            weight["code"] += compressed(path)
        elif kind == "font":
            weight["font"] += path.stat().st_size
    urls = [url for _, url in loaded if not url.startswith("blob:")]
    assert len(urls) == len(set(urls))
    assert 0 < weight["code"] <= PAGE
    assert weight["font"] <= FONTS


@pytest.mark.parametrize("name", PAGES)
def test_each_script_of_a_figure_stands_once_on_a_page(book, name):
    """The state names scripts and holds none."""
    html = (book / name).read_text("utf8")
    scripts = re.findall(r'src="[./]*_static/figures/(\w+)\.js', html)
    assert len(scripts) == len(set(scripts))
    assert set(re.findall(r"bn-script:(\w+)", html)) == set(scripts)
    assert "export default" not in html
