"""The scripts, styles and fonts of the site: every byte it needs is in it, and nothing more.

Jupyter Book and its theme load from other hosts, and load every file of `_static/` on every page.

A notebook's state carries the whole script and style of every widget. On a built page the state
names a script instead, and the host (_ext/host/figures.js) finds it there.
"""

import base64
import hashlib
import json
import re
import shutil
from io import BytesIO
from pathlib import Path

from fontTools import subset
from myst_nb.sphinx_ import NbMetadataCollector

from batchnorm.figures.kit.base import TAKE

from . import bundle, kept, purge

STATE = "ipywidgets_state"  # the key under which MyST-NB keeps a page's widget state
UNUSED = [  # what the theme brings along and no page of this book loads
    *("**/*.map", "scripts/fontawesome.js*", "vendor/**/*.ttf", "locales"),
    *("*webpack-macros.html", "searchtools.js", "language_data.js"),
    # Tabs, marks for Sphinx's own search, its keys, and a clipboard of 9 KB: see host/clipboard.js
    *(LEFT_OUT := ["design-tabs.js", "sphinx_highlight.js", "doctools.js", "clipboard.min.js"]),
]


def choose(app, config):
    """Load one style sheet on every page, not every script and style sheet in `_static/`."""
    config.html_js_files = []
    config.html_css_files = ["book.css"]


def leave_out(app, pagename, templatename, context, doctree):
    """Take from a page the scripts that it does not need; *Copy* gets a smaller one."""
    names = {f"_static/{name}" for name in LEFT_OUT}
    files = context["script_files"]
    files[:] = [file for file in files if file.filename not in names]
    app.add_js_file("clipboard.js")


def write_host(app, env):
    """Join what runs figures and controls on a page into one script, with its style.

    The editor, which a page loads only when it is asked for, is another.
    """
    site = Path(app.outdir) / "_static"
    (site / "python").mkdir(parents=True, exist_ok=True)
    (site / "host.css").write_text(bundle.host_css(), encoding="utf-8")
    for name in ("host", "open", "lecture", "names", "clipboard"):
        (site / f"{name}.js").write_text(bundle.joined(f"host/{name}.js"), encoding="utf-8")
    editor = bundle.joined("host/python/editor.js", "bnEditor")
    (site / "python" / "editor.js").write_text(editor, encoding="utf-8")
    write_take(site)


def write_take(site):
    """Write what a figure's menu loads when it is opened (figures/take/)."""
    (site / "figures").mkdir(exist_ok=True)
    script = bundle.factory(TAKE.read_text("utf8"), "take")
    (site / "figures" / "take.js").write_text(script, encoding="utf-8")


def keep(site, text, kind):
    """The name, made from its content, under which a script or style sheet is in the site."""
    name = f"figure_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    path = site / "figures" / f"{name}.{kind}"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        small = bundle.factory(text, name) if kind == "js" else bundle.minified(text, kind)
        path.write_text(small, encoding="utf8")
    return name


def share(state, site):
    """Take scripts and styles out of widgets' state, in place: ({script names}, {style names})."""
    scripts, styles = {}, {}
    for model in state["state"].values():
        values = model["state"]
        values.pop("_take", None)
        if "_esm" in values:
            name = keep(site, values["_esm"], "js")
            values["_esm"] = f"bn-script:{name}"
            scripts[name] = None
        if values.get("_css"):
            styles[keep(site, values.pop("_css"), "css")] = None
    return scripts, styles


def share_scripts(app, pagename, templatename, context, doctree):
    """Let a page refer to the scripts and styles of its figures; each then loads once."""
    files = NbMetadataCollector.get_js_files(app.env, pagename)
    if STATE not in files:
        return
    source, attributes = files[STATE]
    state = json.loads(attributes["body"])
    scripts, styles = share(state, Path(app.outdir) / "_static")
    body = json.dumps(state, separators=(",", ":"), ensure_ascii=False).replace("</", r"<\/")
    files[STATE] = (source, {**attributes, "body": body})
    for name in styles:
        app.add_css_file(f"figures/{name}.css")
    for name in scripts:
        app.add_js_file(f"figures/{name}.js", loading_method="async")


def cut(font, used, features):
    """A font, as bytes, cut down to the characters with these codes."""
    options = subset.Options(flavor="woff2", layout_features=features)
    loaded = subset.load_font(BytesIO(font), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=used)
    cutter.subset(loaded)
    out = BytesIO()
    subset.save_font(loaded, out, options)
    return out.getvalue()


def cut_in_place(paths, used, features):
    """Cut fonts down to the characters with these codes."""
    for path in paths:
        path.write_bytes(kept.call(cut, path.read_bytes(), sorted(used), features))


def cut_icons(site):
    """Cut the theme's icon fonts down to the characters that the style sheets name."""
    styles = "".join(path.read_text("utf8") for path in site.rglob("*.css"))
    used = {int(code, 16) for code in re.findall(r"\\(f[0-9a-f]{3})\b", styles)}
    cut_in_place(site.glob("vendor/fontawesome/webfonts/*.woff2"), used, [])


def cut_letters(site, pages):
    """Cut the fonts of text and formulas down to the letters on the pages; put the most used ones
    into their style sheets. Of their refinements only the distances between letters stay.

    As files they come after the first picture of a page, and text takes another width then: lines
    break elsewhere, and what is below jumps.
    """
    used = set(map(ord, set().union(*(page.read_text("utf8") for page in pages))))
    fonts = [*site.glob("fonts/*.woff2"), *site.glob("katex/fonts/*.woff2")]
    cut_in_place(fonts, used, ["kern"])
    embed(site / "katex" / "katex.css", "KaTeX_Main-Regular", "KaTeX_Math-Italic")
    embed(site / "book.css", "regular", "italic", "semibold")


def embed(sheet, *names):
    """Put fonts that a style sheet names, in ``fonts/`` beside it, into the sheet itself."""
    style = sheet.read_text("utf8")
    for name in names:
        data = base64.b64encode((sheet.parent / "fonts" / f"{name}.woff2").read_bytes()).decode()
        url = f"url(data:font/woff2;base64,{data})"
        style, times = re.subn(rf'url\("?fonts/{name}\.woff2"?\)', url, style)
        if times != 1:
            raise ValueError(f"{sheet} should name {name}.woff2 once, but does {times} times")
    sheet.write_text(style, "utf8")


def slim(app):
    """Cut, purge, minify and drop, once all is in the site."""
    out = Path(app.outdir)
    site = out / "_static"
    for pattern in UNUSED:
        for path in site.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    # What is in python/ is small, or nobody's to make smaller, and names no classes of the theme.
    scripts = {path for path in site.rglob("*.js") if site / "python" not in path.parents}
    styles = set(site.rglob("*.css"))
    # Bootstrap's script names the classes of all that it can do: menus and hints are what is used
    known = purge.words(
        path.read_text("utf8")
        for path in {*out.rglob("*.html"), *scripts} - {site / "scripts" / "bootstrap.js"}
    )
    known |= {"tooltip-arrow", "tooltip-inner"}
    theirs = {path for path in styles if path.parent.name != "figures"}
    theirs -= {site / "book.css", site / "host.css"}  # our scripts make up names of classes
    for path in theirs:
        style = path.read_text("utf8")
        named = sorted(known & purge.words([style]))
        path.write_text(kept.call(purge.purged, style, named), "utf8")
    cut_icons(site)
    cut_letters(site, out.rglob("*.html"))
    small = {
        site / "host.js",
        site / "open.js",
        site / "host.css",
        site / "search.js",
        site / "sections.js",
    }
    small |= {*site.glob("figures/*"), *site.glob("sections/*")}
    bundle.minify_in_place(site, (scripts | styles) - small)
