"""What a page needs beyond what MyST-NB and the theme make of it.

The theme is set before the first paint; images keep their place. A plain Markdown link may point
to an explicit target of another page, `[text](page.md#target)`, as it may to a heading: such links
work in JupyterLab, too. A folded cell is named by its own words.
"""

import hashlib
import json
import re
import struct
import textwrap
from html import escape
from itertools import groupby
from pathlib import Path

from docutils import nodes
from myst_nb.core import render
from myst_nb.sphinx_ import NbMetadataCollector
from nbformat import NotebookNode
from sphinx.errors import ExtensionError

from .assets import STATE
from .bundle import joined
from .languages import label, translations
from .publishing import homepage
from .sections import plain

ASIDE = "<!-- aside -->"
KEYS = re.compile(r" \([^()<]*\bTab\b[^()<]*\)")
BUTTON = re.compile(r"\b[Pp]ress( \w+){0,2} <em>[^<]+</em>")
PARAGRAPH = re.compile(r"(?<!<li>)<p>.*?</p>", re.S)

# "auto" is no theme that the style sheets know: without this line they show unstyled colours first.
RESOLVE_THEME = """\
if (!["light", "dark"].includes(document.documentElement.dataset.theme))
  document.documentElement.dataset.theme =
    matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";"""

NOSCRIPT = """
<noscript><p class="bn-noscript">{}</p></noscript>"""

REDIRECT = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="_static/favicon.svg">
<meta http-equiv="refresh" content="0; url={page}">
<p><a href="{page}">{title}</a></p>
</html>
"""


def set_theme(app, pagename, templatename, context, doctree):
    """Set theme and letters before the first paint; say what a page without scripts lacks."""
    version = hashlib.sha256(joined("host/open.js").encode()).hexdigest()[:12]
    where = json.dumps(f"{context['pathto']('_static/open.js', 1)}?v={version}")
    context["first_script"] = f"var bnLinkScript={where};{joined('host/head.js')}"
    app.add_js_file(None, body=RESOLVE_THEME, priority=0)
    app.add_js_file(None, body=joined("host/letters.js"), priority=0)
    if STATE in NbMetadataCollector.get_js_files(app.env, pagename):
        app.add_css_file("host.css")
        without = label(
            app.config.language,
            "The figures on this page need JavaScript. "
            "The text, the formulas and the code's results are all here without it.",
        )
        context["body"] = context["body"].replace("</h1>", "</h1>" + NOSCRIPT.format(without), 1)


def give_face(app, pagename, templatename, context, doctree):
    """Give a page a title, a description and a picture of its own, for those who find it elsewhere.

    The first page's title is the book's. The description is what a chapter answers, what needs a
    formula left out, or a page's first paragraph. The picture comes from its first figure (see
    _ext/tools/pictures.py); its address must be whole, so it is left out where BATCHNORM_HOMEPAGE
    does not say where the book will be.
    """
    title = plain(context.get("title", ""))
    body = context.get("body", "")
    first = re.search(r"This chapter answers</strong></p>\s*<ul[^>]*>(.+?)</ul>", body, re.S)
    first = first or re.search(r"</h1>.*?<p>(.+?)</p>", body, re.S)
    tags = {"og:title": title, "og:type": "article", "og:site_name": app.config.html_title}
    if first:
        parts = map(plain, first[1].split("</li>"))
        words = shortened(" ".join(part for part in parts if not re.search(r"^$|[\\^_]", part)))
        tags |= {"description": words, "og:description": words}
    card = Path(app.srcdir, "_static", "cards", f"{Path(pagename).name}.png")
    if not card.exists():
        card = card.with_name(f"{Path(app.config.master_doc).name}.png")
    if homepage() and card.exists():
        tags["og:image"] = f"{homepage()}_static/cards/{card.name}"
        tags["twitter:card"] = "summary_large_image"
    for name, value in tags.items():
        key = "property" if name.startswith("og:") else "name"
        context["metatags"] = context.get("metatags", "") + (
            f'\n    <meta {key}="{name}" content="{escape(value)}" />'
        )


def shortened(text, most=160):
    """The sentences of a text that fit in so many characters; of a longer first one, its words."""
    sentences = re.split(r"(?<=[.?!]) ", text)
    while len(sentences) > 1 and len(" ".join(sentences)) > most:
        sentences.pop()
    return textwrap.shorten(" ".join(sentences), most, placeholder=" …")


def size_images(app, pagename, templatename, context, doctree):
    """Give each PNG its size, so that the text below does not jump when it arrives."""
    paths = {name: Path(app.srcdir) / path for path, name in app.builder.images.items()}

    def sized(match):
        with paths[match["name"]].open("rb") as file:
            width, height = struct.unpack(">16x2I", file.read(24))
        return f'{match[0]} width="{width}" height="{height}"'

    pattern = r'<img(?![^>]* width=)[^>]* src="[^"]*/_images/(?P<name>[^"]+\.png)"'
    context["body"] = re.sub(pattern, sized, context.get("body", ""))


def write_redirect(app):
    """Send the site's front door to the first page. The stock one has no icon: a 404."""
    page = REDIRECT.format(title=app.config.html_title, page=app.config.master_doc + ".html")
    (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")


def offer_targets(app, doctree):
    """Let links find the explicit targets of a page, `(target)=`, beside its headings."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for name, explicit in doctree.nametypes.items():
        if explicit and doctree.nameids.get(name):
            slugs.setdefault(name, (0, doctree.nameids[name], name))


def mark_asides(app, docname, source):
    """Mark the section that begins in a cell with the tag "aside": see `fold_asides`."""
    if Path(app.env.doc2path(docname)).suffix != ".ipynb":
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if "aside" in cell["metadata"].get("tags", []):
            lines = "".join(cell["source"]).split("\n")
            heads = [i for i, line in enumerate(lines) if line.startswith("##")]
            if cell["cell_type"] != "markdown" or not heads:
                raise ExtensionError(f"{docname}: no section begins in the aside {lines[0]!r}")
            lines.insert(heads[-1] + 1, f"\n{ASIDE}\n")
            cell["source"] = "\n".join(lines)
    source[0] = json.dumps(notebook)


def fold_asides(app, doctree):
    """Fold a section that goes further than the chapter's main line; its heading stays in sight."""
    for mark in [node for node in doctree.findall(nodes.raw) if node.astext().strip() == ASIDE]:
        section = mark.parent
        section.remove(mark)
        for place, html in [
            (len(section), "</details>"),
            (1, "</summary>"),
            (0, '<details class="bn-aside"><summary>'),
        ]:
            section.insert(place, nodes.raw("", html, format="html"))


def pair_notes(app, doctree):
    """Put what to try and what to notice into one block, which sets them side by side."""
    known = translations(app.config.language, app.env.docname)
    tries, notices = (known.gettext(f"**{word}**").strip("*") for word in ("Try", "Notice"))
    for paragraph in list(doctree.findall(lambda node: is_label(node, tries))):
        around = paragraph.parent
        place = around.index(paragraph)
        notes = around[place : place + 4]
        if [isinstance(node, nodes.bullet_list) for node in notes] != [False, True] * 2:
            continue
        if not is_label(notes[2], notices):
            continue
        halves = [nodes.container("", *notes[k : k + 2]) for k in (0, 2)]
        around[place : place + 4] = [nodes.container("", *halves, classes=["bn-notes"])]


def is_label(node, text):
    """Whether a paragraph is just this word, in bold."""
    if not isinstance(node, nodes.paragraph) or node.astext() != text:
        return False
    return [child.astext() for child in node.findall(nodes.strong)] == [text]


def name_folds(app, pagename, templatename, context, doctree):
    """Drop the label that would hide a fold's own words from screen readers."""
    label = ' aria-label="Toggle hidden content"'
    context["body"] = context.get("body", "").replace(label, "")


# What pages lack for translators and screen readers: (what is there, what is there then).
ACCESSIBLE = [
    # Code, by a class that is known to one translator alone
    (r'( class="[^"]*\bnotranslate\b[^"]*")(?! translate)', r'\1 translate="no"'),
    # A label in place of "Search Ctrl+K": speech input would not find the words that are seen.
    (r'(<button class="btn search-button-field[^>]*?) title="([^"]*)" aria-label="\2"', r"\1"),
    (
        r'(<div id="pst-primary-sidebar")(?! role)',
        r'\1 role="navigation" aria-label="Title, search and chapters"',
    ),
    (r'<th class="head"><p></p></th>', '<td class="head"></td>'),  # a corner heads nothing
]


def make_accessible(app):
    """Mend, in every page as it is written, what translators and screen readers stumble over."""
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text("utf8")
        better = text
        for found, instead in ACCESSIBLE:
            better = re.sub(found, instead, better)
        if better != text:
            path.write_text(better, "utf8")


def mark_keys(app, pagename, templatename, context, doctree):
    """Let the style sheet hide words on keys from those who only touch."""
    context["body"] = KEYS.sub(r'<span class="bn-keys">\g<0></span>', context.get("body", ""))


def mark_presses(app, pagename, templatename, context, doctree):
    """Say on paper, once a paragraph or list, that what to press is on the web page."""
    paper = '<span class="bn-paper">{}on the web page{}</span>'.format

    def marked(paragraph):
        return BUTTON.sub(r"\g<0>" + paper(" (", ")"), paragraph[0], count=1)

    body = PARAGRAPH.sub(marked, context.get("body", ""))
    context["body"] = body.replace("<strong>Try</strong>", f"<strong>Try{paper(', ', '')}</strong>")


def joined_streams(outputs):
    """Outputs with streams of one name that follow each other as one, character for character.

    A busy kernel sends a line and its end in two; MyST-NB's own way makes an empty line of that.
    """
    joined = []
    for name, group in groupby(outputs, lambda output: output.get("name")):
        if name is None:
            joined += group
        else:
            text = "".join(output["text"] for output in group)
            joined.append(NotebookNode(output_type="stream", name=name, text=text))
    return joined


render.coalesce_streams = joined_streams
