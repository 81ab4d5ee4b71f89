"""Put Python into the book, so that its cells can be run and changed in the page.

`parts` fetches what does not change with the book; here the book's own package is added, and the
scripts that start it all.
"""

import hashlib
import json
import shutil
from pathlib import Path

import batchnorm

from . import assets, bundle, bytecode
from .parts import CORE_SCRIPTS, Missing, folder_archive, folder_of_core, pinned_parts, write_part

EXT = Path(__file__).parents[1]
WORKBENCH = '<div class="cell tag_workbench '
WITHOUT = """<p><em>This copy of the book was built without Python in its pages: here the code
cannot be changed, and the figures show it as it is.</em></p>
"""


def package():
    """The archive of what changes with the book: its package, and the kernel's Python."""
    ours = EXT / "host" / "python" / "page"
    return folder_archive({"batchnorm": EXT.parent / "code" / "batchnorm", "page": ours})


def prepare(app, env):
    """Get the parts, and write the script that gives cells their buttons."""
    app.page_python = None
    try:
        app.page_python = pinned_parts()
    except Missing as missing:
        app.say(f"Without Python in the pages, and so without run buttons ({missing}).\n")
        return
    ours = [bundle.joined(f"host/python/{name}.js").encode() for name in ("live", "worker")]
    known = json.dumps(app.page_python[1]).encode()
    compiler = Path(bytecode.__file__).read_bytes()
    version = hashlib.sha256(b"".join([known, *ours, compiler, package()]))
    text = f'globalThis.bnVersion="{version.hexdigest()[:12]}";' + bundle.joined("host/cells.js")
    (Path(app.outdir) / "_static" / "cells.js").write_text(text, "utf8")


def add_buttons(app, pagename, templatename, context, doctree):
    """Load that script on the pages that have cells. Nothing else is loaded before it is asked."""
    body = context.get("body", "")
    if app.page_python and "cell_input" in body:
        app.add_js_file("cells.js", loading_method="defer")
    elif not app.page_python:
        context["body"] = body.replace(WORKBENCH, WITHOUT + WORKBENCH)


def keep_figures(static):
    """Put every figure's script and style into the site, though no page may show it: cells may."""
    for figure in vars(batchnorm).values():
        if isinstance(figure, type) and issubclass(figure, batchnorm.figures.kit.Figure):
            assets.keep(static, str(figure._esm), "js")
            assets.keep(static, str(figure._css), "css")


def finish(app):
    """Put into the site the pinned parts, the book's package, and the script that starts Python."""
    static = Path(app.outdir) / "_static"
    site = static / "python"
    for old in site.glob("part_*.js"):
        old.unlink()
    if app.page_python is None:
        return
    keep_figures(static)
    pinned, known = app.page_python
    for part in pinned.glob("part_*.js"):
        shutil.copy(part, site)
    core = folder_of_core()
    worker = [(core / name).read_text("utf8") for name in CORE_SCRIPTS]
    worker.append(bundle.joined("host/python/worker.js"))
    (compiled,) = bytecode.run(core, [(package(), bytecode.SITE_PACKAGES, True)])
    parts = {**known["parts"], "page.zip": write_part(compiled, site)}
    (runtime,) = write_part("\n".join(worker).encode(), site)
    files = [runtime, *(name for names in parts.values() for name in names)]
    manifest = {
        "what": known["what"],
        "runtime": runtime,
        "parts": parts,
        "bytes": {name: (site / name).stat().st_size for name in files},
        "figures": sorted(path.stem for path in (static / "figures").glob("figure_*")),
    }
    setting = f"globalThis.bnManifest={json.dumps(manifest)};"
    (static / "live.js").write_text(setting + bundle.joined("host/python/live.js"), "utf8")
