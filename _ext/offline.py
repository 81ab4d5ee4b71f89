"""Keep the built site whole: every byte it needs is in it, and nothing else is loaded.

Jupyter Book and its theme load from other hosts, and load every file of `_static/` on every page.
Each function below mends one such thing.
"""

import re
import struct
from pathlib import Path

import bundle
from myst_nb.sphinx_ import NbMetadataCollector

STATE = "ipywidgets_state"  # the key under which MyST-NB keeps a page's widget state

# "auto" is no theme that the style sheets know: without this line they show unstyled colours first.
RESOLVE_THEME = """\
if (!["light", "dark"].includes(document.documentElement.dataset.theme))
  document.documentElement.dataset.theme =
    matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";"""

# Paper is white, and nobody unfolds a line on it: what is printed is light and open.
PRINT = """\
matchMedia("print").addEventListener("change", ({ matches }) => {
  const look = document.documentElement.dataset;
  if (matches) look.screen ??= look.theme;
  look.theme = matches ? "light" : look.screen;
  if (!matches) delete look.screen;
  const folds = matches ? "details:not([open])" : "details[data-unfolded]";
  for (const fold of document.querySelectorAll(folds)) {
    fold.open = matches;
    fold.toggleAttribute("data-unfolded", matches);
  }
});"""

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


def choose_assets(app, config):
    """Load one style sheet on every page, not every script and style sheet in `_static/`."""
    config.html_js_files = []
    config.html_css_files = ["book.css"]


def write_host(app):
    """Join what runs figures and controls on a page into one script, with its style.

    The editor, which a page loads only when it is asked for, is another.
    """
    site = Path(app.outdir) / "_static"
    (site / "python").mkdir(parents=True, exist_ok=True)
    (site / "host.js").write_text(bundle.host_js(), encoding="utf-8")
    (site / "host.css").write_text(bundle.host_css(), encoding="utf-8")
    (site / "python" / "editor.js").write_text(bundle.editor_js(), encoding="utf-8")


def mend_page(app, pagename, templatename, context, doctree):
    """Set the theme before the first paint; add what figures need to theirs."""
    app.add_js_file(None, body=RESOLVE_THEME, priority=0)
    app.add_js_file(None, body=PRINT)
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


def write_redirect(app, exception):
    """Send the site's front door to the first page. (The stock one has no icon: a 404.)"""
    if exception is None:
        page = REDIRECT.format(title=app.config.html_title, page=app.config.master_doc + ".html")
        (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")


def setup(app):
    # Settings that Jupyter Book always passes on to extensions this book does without.
    app.add_config_value("comments_config", {}, "")
    app.connect("config-inited", choose_assets)
    app.connect("builder-inited", write_host)
    app.connect("html-page-context", mend_page)
    app.connect("html-page-context", size_images)
    app.connect("build-finished", write_redirect)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
