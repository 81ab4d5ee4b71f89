"""What a page needs beyond what MyST-NB and the theme make of it.

The theme is set before the first paint; images keep their place. A
plain Markdown link may point to an explicit target of another page, `[text](page.md#target)`, as
it may to a heading: such links work in JupyterLab, too. A folded cell is named by its own words.
"""

import re
import struct
from itertools import groupby
from pathlib import Path

from myst_nb.core import render
from myst_nb.sphinx_ import NbMetadataCollector
from nbformat import NotebookNode

from .assets import STATE
from .bundle import joined

KEYS = re.compile(r" \([^()<]*\bTab\b[^()<]*\)")

# "auto" is no theme that the style sheets know: without this line they show unstyled colours first.
RESOLVE_THEME = """\
if (!["light", "dark"].includes(document.documentElement.dataset.theme))
  document.documentElement.dataset.theme =
    matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";"""

NOSCRIPT = """
<noscript><p class="bn-noscript">The figures on this page move only where JavaScript is allowed.
The text, the formulas and the code's results are all here without it.</p></noscript>"""

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
    """Set the theme before the first paint; say what a page without scripts lacks."""
    context["first_script"] = joined("host/head.js")
    app.add_js_file(None, body=RESOLVE_THEME, priority=0)
    if STATE in NbMetadataCollector.get_js_files(app.env, pagename):
        app.add_css_file("host.css")
        context["body"] = context["body"].replace("</h1>", "</h1>" + NOSCRIPT, 1)


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
    """Send the site's front door to the first page. (The stock one has no icon: a 404.)"""
    page = REDIRECT.format(title=app.config.html_title, page=app.config.master_doc + ".html")
    (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")


def offer_targets(app, doctree):
    """Let links find the explicit targets of a page, `(target)=`, beside its headings."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for name, explicit in doctree.nametypes.items():
        if explicit and doctree.nameids.get(name):
            slugs.setdefault(name, (0, doctree.nameids[name], name))


def name_folds(app, pagename, templatename, context, doctree):
    """Drop the label that would hide a fold's own words from screen readers."""
    label = ' aria-label="Toggle hidden content"'
    context["body"] = context.get("body", "").replace(label, "")


def keep_untranslated(app):
    """Keep translators off the code, also in a page's list of contents: Sphinx's own class for that
    is known to one of them alone."""
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text("utf8")
        pattern = r'( class="[^"]*\bnotranslate\b[^"]*")(?! translate)'
        path.write_text(re.sub(pattern, r'\1 translate="no"', text), "utf8")


def mark_keys(app, pagename, templatename, context, doctree):
    """Let the style sheet hide words on keys from those who only touch."""
    context["body"] = KEYS.sub(r'<span class="bn-keys">\g<0></span>', context.get("body", ""))


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
