"""Print the whole book into one file, with its contents, page numbers and links.

    make pdf

Each built page is opened in Chromium, which draws its figures; what is then in the article becomes
a chapter of one long page without scripts, and that is printed. It is printed twice: only then is
it known on which pages the chapters begin.
"""

import sys
from html import escape
from pathlib import Path

import pikepdf
import yaml
from playwright.sync_api import sync_playwright

from _ext.site.publishing import PDF, homepage, offer_pdf

ROOT = Path(__file__).parents[2]
GATHER = Path(__file__).with_name("gather.js")
SCALE = 0.9  # of all that is printed: figures are drawn for screens, with letters of 12 pixels
WIDTH = round(680 / SCALE)  # of a page's text, in CSS pixels: A4 between these margins
MARGIN = {"left": "15mm", "right": "15mm", "top": "15mm", "bottom": "18mm"}
PARTS = """() => [...document.querySelectorAll(".bd-links :is(.caption-text, a)")].map((node) => [
  node.matches("a") ? (node.href.match(/(\\w+)\\.html|$/)[1] ?? "") : "",
  node.textContent.trim(),
])"""
FOOTER = """<div style="width: 100%; font: 8pt serif; text-align: center; color: #555">
<span class="pageNumber"></span></div>"""
STYLE = """
.bn-print > section, .bn-print > nav { break-before: page; }
html { font-size: 85%; }
.bn-print div.cell div.cell_input, .bn-print div.cell div.cell_input :is(.highlight, pre) {
  border: 0;
  background: none;
}
.bn-print pre { padding: 0; }
.bn-print :is(section[id$="--where-next"], li) { break-inside: avoid; }
.bn-part { padding-inline: 0.8rem; break-inside: avoid; }
.bn-part.long { break-inside: auto; }
.bn-part:first-child { padding-top: 0.35rem; }
.bn-part:last-child { padding-bottom: 0.35rem; }
.cell_input .bn-part {
  border-inline-start: 2px solid var(--pst-color-border);
  background: var(--pst-color-surface);
}
.bn-print .bn-figure :is(details, .lead) { font-size: 13px; }
.bn-print .bn-figure .numbers :is(th, td) { padding-inline-end: 1em; }
:is(.bn-api, .bn-references) > section { columns: 2; column-gap: 2rem; font-size: 0.92em; }
:is(.bn-api, .bn-references) h2 { column-span: all; }
.bn-cover { height: 240mm; display: grid; align-content: center; }
.bn-cover h1 { font-size: 3rem; }
.bn-contents { max-width: 36rem; }
.bn-contents ol { list-style: none; margin: 0; padding: 0; }
.bn-contents h2 { margin: 1.1rem 0 0.2rem; font-size: 1.1rem; }
.bn-contents li { break-inside: avoid; }
.bn-contents a { display: flex; gap: 0.4rem; color: inherit; }
.bn-contents i { flex: 1; border-bottom: 1px dotted #999; margin-bottom: 0.35em; }
.bn-contents b { width: 3ch; text-align: right; font-weight: normal; }
"""
PAGE = """<!doctype html>
<html lang="{language}" data-theme="light" data-mode="light">
<meta charset="utf-8">
<title>{title}</title>
{styles}
<style>{style}</style>
<body><main class="bn-print bd-article">
<div class="bn-cover"><div><h1>{title}</h1><p>{about}</p></div></div>
<nav class="bn-contents"><h1>Contents</h1>{contents}</nav>
{chapters}
</main></body></html>
"""


def order(page, site, names):
    """The parts of the book, as its list of chapters has them: (title, [(name, title), ...])."""
    page.goto((site / "chapters" / "start_here.html").as_uri())
    front = page.locator(".bd-sidebar-primary .title").text_content().strip()
    parts = [("", [("start_here", front)] if names is None or "start_here" in names else [])]
    for name, title in page.evaluate(PARTS):
        if not name:
            parts.append((title, []))
        elif names is None or name in names:
            parts[-1][1].append((name, title))
    return [part for part in parts if part[1]]


def contents(parts, numbers):
    """The list of chapters, each with the number of the page on which it begins."""
    lists = []
    for title, chapters in parts:
        rows = "".join(
            f'<li><a href="#{name}"><span>{escape(words)}</span><i></i>'
            f"<b>{numbers.get(name, '000')}</b></a></li>"
            for name, words in chapters
        )
        lists.append(f"<h2>{escape(title)}</h2><ol>{rows}</ol>")
    return "".join(lists)


def page_numbers(pdf):
    """On which page of a printed file each target of its links is: {its name: number}."""
    sheets = {page.objgen: number for number, page in enumerate(pdf.pages, 1)}
    return {name[1:]: sheets[place[0].objgen] for name, place in pdf.Root.Dests.items()}


def finish(path, parts):
    """Say who wrote the file, group its bookmarks as the contents are, and make it half as large.

    Chromium writes what screen readers need uncompressed.
    """
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.docinfo["/Author"] = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))["author"]
        pdf.Root.PageMode = pikepdf.Name.UseOutlines
        pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        with pdf.open_outline() as outline:
            cover, contents, *chapters = outline.root
            outline.root[:] = [cover, contents]
            contents.children.clear()
            for title, named in parts:
                group, chapters = chapters[: len(named)], chapters[len(named) :]
                for chapter in group:
                    chapter.is_closed = True
                part = pikepdf.OutlineItem(title, group[0].destination)
                part.children.extend(group)
                outline.root.extend([part] if title else group)
        pdf.save(path, object_stream_mode=pikepdf.ObjectStreamMode.generate)


BROKEN = """() => [...document.querySelectorAll("a[href^='#']")]
  .map((link) => decodeURIComponent(link.getAttribute("href").slice(1)))
  .filter((name) => !document.getElementById(name))"""


def gathered(page, site, parts):
    """Each chapter as gather.js takes it from its page, its figures drawn as wide as a page.

    Networks that are trained where they are seen are trained at once.
    """
    names = [name for _, chapters in parts for name, _ in chapters]
    page.set_viewport_size({"width": WIDTH, "height": 1000})
    page.emulate_media(media="print", reduced_motion="reduce")
    for name in names:
        page.goto((site / "chapters" / f"{name}.html").as_uri())
        page.evaluate("() => window.bnHost?.ready")
        page.evaluate("() => document.fonts.ready")
        page.evaluate("() => new Promise((r) => requestAnimationFrame(() => setTimeout(r, 50)))")
        page.evaluate("() => void dispatchEvent(new Event('beforeprint'))")
        options = {"name": name, "chapters": names, "home": homepage()}
        yield page.evaluate(
            f"(options) => {{ {GATHER.read_text('utf8')}\n return gather(options); }}", options
        )


def print_book(browser, site, path, names=None):
    """Print the chapters of a built site, all of them or those of these names, into one file.

    Raises ValueError if a link within the book leads nowhere.
    """
    page = browser.new_page()
    parts = order(page, site, names)
    chapters = list(gathered(page, site, parts))
    styles = dict.fromkeys(style for chapter in chapters for style in chapter["styles"])
    title = page.locator(".bd-sidebar-primary .title").text_content().strip()
    words = {
        "language": page.locator("html").get_attribute("lang"),
        "title": escape(title),
        "about": page.get_by_text("Text: CC BY").inner_html(),
        "styles": "\n".join(styles),
        "style": STYLE,
        "chapters": "\n".join(chapter["html"] for chapter in chapters),
    }
    numbers, before = {}, None
    assembled = path.with_suffix(".html")
    while numbers != before:
        before = numbers
        html = PAGE.format(contents=contents(parts, numbers), **words)
        assembled.write_text(html, "utf8")
        page.goto(assembled.as_uri())
        page.evaluate("() => document.fonts.ready")
        if broken := page.evaluate(BROKEN):
            raise ValueError(f"links within the book lead nowhere: {sorted(set(broken))}")
        page.pdf(
            path=path,
            format="A4",
            margin=MARGIN,
            scale=SCALE,
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            outline=True,
            tagged=True,
        )
        with pikepdf.open(path) as pdf:
            numbers = page_numbers(pdf)
    assembled.unlink()
    finish(path, parts)
    page.close()


def main():
    sys.path[:0] = [str(ROOT / "tests")]
    from conftest import launch

    site = ROOT / "_build" / "html"
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        print_book(browser, site, site / PDF)
        browser.close()
    offer_pdf(site)


if __name__ == "__main__":
    main()
