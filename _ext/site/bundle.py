"""Join and minify scripts and style sheets with esbuild."""

import re
import subprocess
from functools import cache
from pathlib import Path

EXT = Path(__file__).parents[1]
FIGURES = EXT.parent / "code" / "batchnorm" / "figures"
TARGET = "es2022"  # what every browser of the last years knows


def esbuild(*arguments, text=None):
    """What esbuild prints; `text` is given to it. Raises RuntimeError with its complaint."""
    command = [EXT.parent / "node_modules" / ".bin" / "esbuild", f"--target={TARGET}"]
    done = subprocess.run(
        [*command, "--log-level=warning", "--legal-comments=none", "--charset=utf8", *arguments],
        input=text,
        capture_output=True,
        encoding="utf8",
    )
    if done.returncode:
        raise RuntimeError(f"esbuild: {done.stderr}")
    return done.stdout


@cache
def joined(name, gives=None):
    """A module below `_ext/` with all that it imports, as one classic script.

    What the module exports is in the global variable that `gives` names, if any.
    """
    named = [f"--global-name={gives}"] if gives else []
    return esbuild(EXT / name, "--bundle", "--minify", "--format=iife", *named)


@cache
def host_css():
    """The style of figures and controls on a page."""
    return minified((EXT / "host" / "host.css").read_text("utf8"), "css")


def minified(text, kind):
    """A script ("js") or style sheet ("css") made small; it does the same."""
    return esbuild("--minify", f"--loader={kind}", text=text)


def minify_in_place(folder, paths):
    """Make the files below `folder` small, each by itself: global names and licences stay."""
    where = [f"--outdir={folder}", f"--outbase={folder}", "--allow-overwrite"]
    esbuild(*sorted(paths), "--minify", "--legal-comments=inline", *where)


def write_figures(folder, figures=FIGURES):
    """Join each figure's script with all that it imports: `<folder>/<figure>/built.js`.

    anywidget loads one file, and where the package is installed with pip there is no esbuild. So
    what it makes is committed.
    """
    entries = [model.with_name("figure.js") for model in sorted(figures.glob("*/model.js"))]
    entries += figures.glob("take/take.js")
    where = [f"--outbase={figures}", f"--outdir={folder}", "--entry-names=[dir]/built"]
    esbuild(*entries, "--bundle", "--minify", "--format=esm", *where)


def write_host(folder):
    """Write what `Figure.save` puts into a page beside the figure: the host, and its style."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "built.js").write_text(joined("host/host.js"), "utf8")
    (folder / "built.css").write_text(host_css(), "utf8")


def factory(module, name):
    """A classic script that puts a function into `bnScripts` which makes this module again.

    The module is one that `write_figures` wrote. Raises ValueError for any other.
    """
    parts = re.fullmatch(r"(.+)export\{([\w$]+) as default\};\n", module, re.DOTALL)
    if not parts:
        raise ValueError(f"{name}: got a script that `make scripts` did not write")
    code, default = parts.groups()
    return f"(self.bnScripts??={{}}).{name}=()=>{{{code}return{{default:{default}}}}};"


if __name__ == "__main__":
    write_figures(FIGURES)
    write_host(FIGURES / "take" / "host")
