"""A page for each figure, `embed/<chapter>-<figure>.html`, to be shown in a frame on other pages.

It holds the figure, with its controls, as the chapter has published it, and takes its scripts and
styles from the site. `embed/<kind>.html` is the first of its kind.
"""

import json
import re
from html import escape
from pathlib import Path

from batchnorm.figures.take import STATE, VIEW, escaped

from . import bundle

KIND = re.compile(r"batchnorm\.figures\.(\w+)\.\w+")

PAGE = """<!doctype html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="icon" href="../_static/favicon.svg">
<script src="../_static/embed.js"></script>
<link rel="stylesheet" href="../_static/embed.css">
<link rel="stylesheet" href="../_static/host.css">
{assets}
<script type="{state_type}">{state}</script>
<script defer src="../_static/host.js"></script>
</head>
<body>
<main>
<div class="cell_output"><script type="{view_type}">{view}</script></div>
<p class="from">From <a href="../{address}" target="_blank" rel="noopener">{chapter}</a></p>
</main>
<noscript><p>This figure needs JavaScript.</p></noscript>
</body>
</html>
"""


def write(app):
    """Write a page for each figure that a chapter shows, and for each kind."""
    out = Path(app.outdir)
    static = out / "_static"
    (static / "embed.js").write_text(bundle.joined("host/embed.js"), "utf8")
    style = (bundle.EXT / "host" / "embed.css").read_text("utf8")
    (static / "embed.css").write_text(bundle.minified(style, "css"), "utf8")
    (out / "embed").mkdir(exist_ok=True)
    pages = [out / f"{name}.html" for name in in_order(app.env)]
    for name, page in embeds([path for path in pages if path.exists()], out).items():
        (out / "embed" / f"{name}.html").write_text(page, "utf8")


def in_order(env):
    """The book's pages, as their reader turns them."""
    relations, name = env.collect_relations(), env.config.master_doc
    while name:
        yield name
        name = relations[name][2]


def embeds(paths, out):
    """The pages, from those of the book: {name: page}."""
    found, first = {}, {}
    for path in paths:
        text = path.read_text("utf8")
        (state,) = tags(text, STATE) or [{"state": {}}]
        heading = re.search(r"<h1>(.*?)<a class=\"headerlink\"", text, re.DOTALL)
        title = re.sub(r"<[^>]+>", "", heading[1]) if heading else path.stem
        names = {}
        for view in tags(text, VIEW):
            part = needed(state["state"], view["model_id"])
            kinds = {name: kind for name in part if (kind := kind_of(part[name]))}
            page = written(state | {"state": part}, view, title, text, path.relative_to(out))
            for name, kind in kinds.items():
                if name not in names:
                    names[name] = numbered(kind, names.values())
                    found[f"{path.stem}-{names[name]}"] = page
                # Alone if a chapter shows it so, else with what it is linked to
                if kind not in first or len(kinds) < first[kind][0]:
                    first[kind] = len(kinds), page
    return found | {kind: page for kind, (_, page) in first.items()}


def numbered(kind, taken):
    """What links call a page's next figure of this kind: state.js numbers them the same."""
    key = kind.replace("_", "")
    others = sum(name.partition("-")[0] == key for name in taken)
    return f"{key}-{others + 1}" if others else key


def tags(text, kind):
    """What the script tags of this type hold."""
    pattern = rf'<script type="{re.escape(kind)}">(.*?)</script>'
    return [json.loads(found) for found in re.findall(pattern, text, re.DOTALL)]


def kind_of(model):
    """The kind of a figure's model, or None."""
    match = KIND.fullmatch(model["state"].get("_anywidget_id", ""))
    return match and match[1]


def needed(state, start):
    """Of a page's models those that one view needs, and the links between them."""
    part = {}

    def take(name):
        if name in part or name not in state:
            return
        part[name] = state[name]
        for other in re.findall(r"IPY_MODEL_(\w+)", json.dumps(state[name]["state"])):
            take(other)

    take(start)
    for name, model in state.items():
        ends = [model["state"].get(end) for end in ("source", "target")]
        if all(ends) and all(end[0].removeprefix("IPY_MODEL_") in part for end in ends):
            take(name)
    return part


def written(state, view, title, text, address):
    """One page, from the text of the book's page at this address."""
    scripts = {
        model["state"]["_esm"].removeprefix("bn-script:"): None
        for model in state["state"].values()
        if "_esm" in model["state"]
    }
    sheets = dict.fromkeys(re.findall(r"figures/(figure_\w+\.css)", text))
    assets = [f'<link rel="stylesheet" href="../_static/figures/{name}">' for name in sheets]
    assets += [f'<script async src="../_static/figures/{name}.js"></script>' for name in scripts]
    return PAGE.format(
        title=f"A figure from {title}",
        assets="\n".join(assets),
        state_type=STATE,
        state=escaped(state),
        view_type=VIEW,
        view=escaped(view),
        address=escape(address.as_posix()),
        chapter=title,
    )
