"""Make and test the book where there is no `make`, as on Windows.

    py make.py book test

A target does what its namesake in the Makefile does, by the same commands, which
tests/test_start_anywhere.py compares. It needs Python 3.11 or newer and nothing else.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
NPM = ROOT / "node_modules" / ".bin"
SITE = ROOT / "_build" / "html" / "index.html"
LOCKED = ["requirements.lock", "code/pyproject.toml"]
FOLDERS = ["chapters", "locale", "_static", "_ext", "code/batchnorm"]


def run(tool, *arguments, **options):
    """Run a program of .venv or node_modules. What fails ends all of it."""
    path = os.pathsep.join(map(str, (BIN, NPM, os.environ.get("PATH", ""))))
    # Small matrices: threads of one process would only wait for those of another.
    env = {**os.environ, "PATH": path, "OPENBLAS_NUM_THREADS": "1"}
    program = shutil.which(tool, path=path) or sys.exit(f"make.py: there is no {tool} in {BIN}")
    status = subprocess.run([program, *arguments], cwd=ROOT, env=env, **options).returncode
    if status:
        sys.exit(status)


def sources():
    """The files that the book is made from."""
    found = (path for name in FOLDERS for path in (ROOT / name).rglob("*") if path.is_file())
    seen = (path for path in found if "/." not in f"/{path.relative_to(ROOT).as_posix()}")
    named = [ROOT / name for name in ("_config.yml", "_toc.yml", "requirements.lock")]
    return named + [path for path in seen if path.suffix != ".pyc"]


def text(*names):
    return "".join((ROOT / name).read_text("utf8") for name in names)


def install():
    """Install what requirements.lock names into .venv, unless it is there."""
    if not VENV.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    wanted, mark = text(*LOCKED), VENV / ".installed"
    if not mark.exists() or mark.read_text("utf8") != wanted:
        run("python", "_ext/tools/install.py")
        mark.write_text(wanted, "utf8")


def modules():
    """Install what package-lock.json names into node_modules; npm comes with .venv."""
    install()
    wanted, mark = text("package-lock.json"), NPM.parent / ".installed"
    if not mark.exists() or mark.read_text("utf8") != wanted:
        run("npm", "ci", "--silent")
        mark.write_text(wanted, "utf8")


def book():
    """Build the book into _build/html; where chapters or catalogues alone changed, only theirs."""
    modules()
    built = SITE.stat().st_mtime if SITE.exists() else 0
    changed = [path for path in sources() if path.stat().st_mtime > built]
    if not changed:
        return
    run("python", "-m", "_ext.site.parts")
    run("python", "-m", "_ext.site.execution")
    pages = (ROOT / "chapters", ROOT / "locale")
    everything = any(not set(pages) & set(path.parents) for path in changed)
    if everything:
        shutil.rmtree(SITE.parent, ignore_errors=True)
    flags = ["-W", "--keep-going", "-n", "-q"]
    run("jupyter-book", "build", ".", *["--all"] * everything, *flags)
    SITE.touch()


def serve():
    """Serve the built book on this machine."""
    book()
    where = ["--bind", "127.0.0.1", "--directory", "_build/html"]
    run("python", "-m", "http.server", "8000", *where)


def lab():
    """Open the chapters in JupyterLab."""
    install()
    run("jupyter", "lab", "--notebook-dir=chapters")


def lint():
    """Check style and types of Python, notebooks, scripts, style sheets."""
    modules()
    run("ruff", "check", "--quiet", ".")
    run("ruff", "format", "--check", "--quiet", ".")
    run("mypy", "--no-error-summary")
    scripts = sorted((ROOT / "code" / "batchnorm").rglob("*.js"))
    names = [str(path.relative_to(ROOT)) for path in scripts if path.name != "built.js"]
    configs = [path.name for path in sorted(ROOT.glob("*.json"))]
    run("biome", "format", "--log-level=warn", "_ext", "_static", *configs, *names)
    run("biome", "lint", "--log-level=warn", "--diagnostic-level=warn")
    run("tsc", "--pretty", "false")


def pytest(which):
    """Run the tests with these marks."""
    workers = f"--numprocesses={(os.cpu_count() or 1) + 1}"
    spread = ["--dist=loadfile", "--no-loadscope-reorder", "--durations=10"]
    run("python", "-m", "pytest", workers, *spread, "-m", which)


def test():
    """Check style, formulas, chapters, figures, and each page of the built book in a browser."""
    book()
    lint()
    pytest("not readers")


def readers():
    """Go through the built book as its readers do: each control, Python, links."""
    book()
    pytest("readers")


TARGETS = {each.__name__: each for each in (book, test, readers, lint, serve, lab)}

if __name__ == "__main__":
    names = sys.argv[1:]
    if sys.version_info < (3, 11):  # noqa: UP036 - nobody has looked before
        sys.exit("make.py: the book needs Python 3.11 or newer")
    if not names or set(names) - set(TARGETS):
        lines = (f"  {name:8}{target.__doc__}" for name, target in TARGETS.items())
        usage = "\n".join(["Name what to do: make.py book", *lines])
        if names != ["help"]:
            sys.exit(usage)
        print(usage)
        sys.exit()
    for name in names:
        TARGETS[name]()
