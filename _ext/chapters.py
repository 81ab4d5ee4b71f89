"""The start page's list of chapters: each with its minutes and a small picture.

The minutes are those of the chapter's own line, "Reading time about 8 minutes". The pictures,
`_static/thumbs/<chapter>.png`, are taken from the figures by `make pictures`.
"""

import re
from pathlib import Path

LIST = re.compile(r'<section id="what-is-in-the-book">.*?</section>', re.S)
ITEM = re.compile(r'<li><p>(<a [^>]*href="([\w-]+)\.html">.*?</a>)')
THUMB = '<img class="{0}" src="../_static/thumbs/{1}.png" alt="" width="96" height="60">'


def note_minutes(app, doctree):
    """Keep how long a chapter takes, as it says at its head."""
    said = re.search(r"Reading time about (\d+) minutes", doctree.astext())
    if said:
        app.env.metadata[app.env.docname]["minutes"] = said[1]


def illustrate(app, pagename, templatename, context, doctree):
    """Give each entry of the list its picture, in light and dark, and its minutes."""
    if pagename != app.config.master_doc:
        return
    folder = Path(pagename).parent

    def entry(match):
        link, name = match[1], match[2]
        minutes = app.env.metadata[(folder / name).as_posix()].get("minutes")
        thumb = ""
        if (Path(app.srcdir) / "_static" / "thumbs" / f"{name}.png").is_file():
            thumb = THUMB.format("only-light", name) + THUMB.format("only-dark", f"{name}_dark")
        time = f" <small>({minutes} min)</small>" if minutes else ""
        return f'<li class="bn-chapter"><div>{thumb}</div><p>{link}{time}'

    context["body"] = LIST.sub(lambda part: ITEM.sub(entry, part[0]), context["body"])


def setup(app):
    app.connect("doctree-read", note_minutes)
    app.connect("html-page-context", illustrate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
