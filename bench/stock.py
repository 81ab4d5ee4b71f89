"""Build some of the chapters as Jupyter Book builds them, to compare our pages with: `make stock`.

The stock pages load MathJax, require.js and the widget manager from other hosts. Those come from
npm here, and `answer` gives them to the browser as if the other hosts did, in no time.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
STOCK = ROOT / "_build" / "stock"
CHAPTERS = ["start_here", "two_samples", "whitening"]
PACKAGES = ["mathjax@3.2.2", "requirejs@2.3.6", "@jupyter-widgets/html-manager@1.0.6"]
CONFIG = """\
title: Gradients Through Batch Normalization
only_build_toc_files: true
execute: {execute_notebooks: force, timeout: 300}
parse:
  myst_enable_extensions: [amsmath, attrs_inline, colon_fence, deflist, dollarmath]
"""
TOC = "format: jb-book\nroot: start_here\nchapters:\n" + "".join(
    f"  - file: {name}\n" for name in CHAPTERS[1:]
)
# Where a stock page asks, and where the answer lies
ANSWERS = {
    r"/mathjax@3/(.*)": "node_modules/mathjax/{0}",
    r"/require\.js/.*": "node_modules/requirejs/require.js",
    r"/@jupyter-widgets/html-manager@[^/]*/(.*)": "node_modules/@jupyter-widgets/html-manager/{0}",
    r"/anywidget@[^/]*/dist/(\w+)(?:\.js)?$": "anywidget/{0}.js",
}


def build():
    STOCK.mkdir(parents=True, exist_ok=True)
    for name in CHAPTERS:
        shutil.copy(ROOT / "chapters" / f"{name}.ipynb", STOCK)
    (STOCK / "_config.yml").write_text(CONFIG)
    (STOCK / "_toc.yml").write_text(TOC)
    tools = Path(sys.executable).parent
    install = [tools / "npm", "install", "--silent", "--no-save", "--prefix", STOCK, *PACKAGES]
    subprocess.run(install, check=True)
    served = Path(sys.prefix, "share/jupyter/nbextensions/anywidget")
    shutil.copytree(served, STOCK / "anywidget", dirs_exist_ok=True)
    subprocess.run([tools / "jupyter-book", "build", STOCK, "-q"], check=True)
    for page in (STOCK / "_build" / "html").glob("*.html"):
        # npm's require.js is not minified as the other host's is: it has another hash
        page.write_text(re.sub(r' integrity="[^"]*"', "", page.read_text("utf8")), "utf8")


def answer(route):
    """Hand the browser what another host would."""
    url = route.request.url.partition("?")[0]
    if url.startswith("http://127.0.0.1"):
        route.continue_()
        return
    for pattern, place in ANSWERS.items():
        found = re.search(pattern, url)
        path = found and STOCK / place.format(*found.groups())
        if path and path.is_file():
            route.fulfill(path=path, headers={"access-control-allow-origin": "*"})
            return
    route.abort()


if __name__ == "__main__":
    build()
