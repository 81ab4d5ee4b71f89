"""Four things that reading asks for and MyST does not give.

A plain Markdown link may point to an explicit target of another page, `[text](page.md#target)`,
as it may to a heading: such links work in JupyterLab, too. And a folded cell is named by its words.
What is said in brackets of the Tab key is shown where there may be one. And what a cell prints is
shown as it was printed.
"""

import re
from itertools import groupby

from myst_nb.core import render
from nbformat import NotebookNode

KEYS = re.compile(r" \([^()<]*\bTab\b[^()<]*\)")


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


def setup(app):
    render.coalesce_streams = joined_streams
    app.connect("doctree-read", offer_targets)
    app.connect("html-page-context", name_folds)
    app.connect("html-page-context", mark_keys)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
