"""Every link inside the built book leads to a page, and to a place on it, that is there."""

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

REFERRING = {"a": "href", "link": "href", "script": "src", "img": "src", "iframe": "src"}


class Page(HTMLParser):
    """What a page can be linked at, and what it links to."""

    def __init__(self, path):
        super().__init__()
        self.places, self.links = set(), set()
        self.feed(path.read_text("utf8"))

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.places |= {named[key] for key in ("id", "name") if named.get(key)}
        if named.get(REFERRING.get(tag)):
            self.links.add(named[REFERRING[tag]])


def broken(site):
    """The links of a site's pages that lead nowhere: ["page: link"]."""
    page = cache(Page)
    found = []
    for path in sorted(site.rglob("*.html")):
        if "_static" in path.relative_to(site).parts:
            continue
        for link in sorted(page(path).links):
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path.resolve()
            place = unquote(url.fragment)
            there = target.is_file() and (
                not place or target.suffix != ".html" or place in page(Path(target)).places
            )
            if not there:
                found.append(f"{path.relative_to(site)}: {link}")
    return found


def test_every_link_inside_the_book_leads_somewhere(book):
    assert broken(book) == []


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "b.html").write_text('<h1 id="here">b</h1>', "utf8")
    links = ["b.html#here", "b.html", "#top", "b.html#gone", "c.html", "mailto:x", "//host/y"]
    anchors = "".join(f'<a href="{link}">x</a>' for link in links)
    (tmp_path / "a.html").write_text(f'<p id="top">{anchors}</p><img src="d.png">', "utf8")
    assert broken(tmp_path) == ["a.html: b.html#gone", "a.html: c.html", "a.html: d.png"]
