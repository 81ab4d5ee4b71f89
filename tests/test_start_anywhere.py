"""Other ways to begin: without `make`, in a container, on Binder, with a downloaded notebook."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from stage import serve
from test_chapters import shown

import make
from _ext.site import publishing

ROOT = Path(__file__).parents[1]
# A program of .venv or node_modules, and its arguments: up to a pipe, a comment, a redirection
CALL = r"/\.?bin/(python|npm|jupyter-book|jupyter|ruff|mypy|biome|tsc) (.*?)(?=$|\s\d?>|[|&;#])"


# make.py and the Makefile ------------------------------------------------------------------------


def by_make(*arguments):
    """The commands that `make` would run with the tools of .venv and node_modules, in a set."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--dry-run", "--no-print-directory", *arguments]
    said = subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, check=True)
    calls = re.findall(CALL, said.stdout.replace("\\\n", " "), re.M)
    loudly = ("npm", "ci")  # once more, to say what is wrong, where `npm ci --silent` failed
    return {told(tool, shlex.split(words)) for tool, words in calls if words.strip()} - {loudly}


def told(tool, arguments):
    """A command with its file names in order, and `*.json` as the files that it means."""
    names = [str(p.name) for a in arguments for p in ([*ROOT.glob(a)] if "*" in a else [Path(a)])]
    return (tool, *sorted(names))


@pytest.fixture
def by_python(monkeypatch, tmp_path):
    """The commands that make.py would run for a target where nothing has been made yet."""

    def commands(target):
        found = set()

        def run(tool, *words):
            found.add(told(tool, words))
            make.SITE.parent.mkdir(exist_ok=True)  # as if the book had been built

        monkeypatch.setattr(make, "run", run)
        monkeypatch.setattr(make, "VENV", tmp_path)
        monkeypatch.setattr(make, "NPM", tmp_path / "npm" / ".bin")
        monkeypatch.setattr(make, "SITE", tmp_path / "html" / "index.html")
        (tmp_path / "npm").mkdir(exist_ok=True)
        make.TARGETS[target]()
        return found

    return commands


needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make to compare with")


@needs_make
@pytest.mark.parametrize("target", make.TARGETS)
def test_without_make_a_target_runs_the_same_commands(by_python, target):
    assert by_python(target) == by_make("--always-make", "install", target)


@needs_make
def test_without_make_the_same_files_make_the_book_old():
    ask = "--eval=named: ; @echo $(SOURCES)"
    quiet = ["make", "--no-print-directory", ask, "named"]
    said = subprocess.run(quiet, cwd=ROOT, capture_output=True, text=True)
    wanted = {ROOT / name for name in said.stdout.split()}
    assert set(make.sources()) == wanted


def test_without_make_a_step_that_fails_ends_all():
    with pytest.raises(SystemExit) as ended:
        make.run("python", "-c", "raise SystemExit(3)")
    assert ended.value.code == 3
    with pytest.raises(SystemExit, match=r"make\.py: there is no nothing-of-this-name in "):
        make.run("nothing-of-this-name")


def test_without_make_a_target_is_asked_for():
    done = subprocess.run([sys.executable, "make.py", "buk"], cwd=ROOT, capture_output=True)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("Name what to do: make.py book\n")
    asked = subprocess.run([sys.executable, "make.py", "help"], cwd=ROOT, capture_output=True)
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, done.stderr, b"")


# Containers --------------------------------------------------------------------------------------


def test_the_container_makes_the_book_with_a_python_that_will_do():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf8"))
    assert re.fullmatch(r"python:3\.1[1-9]", container["image"])
    target = container["postCreateCommand"].removeprefix("make ")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf8"), re.M)


def pins(name):
    lines = (ROOT / name).read_text("utf8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def test_binder_installs_what_the_chapters_import_as_it_is_pinned():
    ours, all_pins = pins(".binder/requirements.txt"), pins("requirements.txt")
    assert ours.items() <= all_pins.items()
    assert "./code" in (ROOT / ".binder/requirements.txt").read_text("utf8").split()
    project = tomllib.loads((ROOT / "code/pyproject.toml").read_text("utf8"))["project"]
    assert set(ours) == {re.match(r"\w+", need)[0] for need in project["dependencies"]}
    for path in ROOT.glob("chapters/*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        code = (c.source for c in cells if c.cell_type == "code" and c.source[0] not in "%!")
        for node in (node for source in code for node in ast.walk(ast.parse(source))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module] if isinstance(node, ast.ImportFrom) else []
            for module in (name.split(".")[0] for name in named):
                assert module in {*ours, "batchnorm"} | sys.stdlib_module_names, path


# A downloaded notebook ---------------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path):
    """An environment with all pinned parts but not this package: its Python."""
    home = tmp_path / "env"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "batchnorm" not in path.name.lower():
            (Path(site.strip()) / path.name).symlink_to(path)
    return python


def printed(notebook):
    """What each code cell shows, whatever its number is."""
    cells = shown(notebook)
    return [[{**output, "execution_count": None} for output in cell] for cell in cells]


@pytest.mark.readers
def test_a_downloaded_notebook_fetches_the_package_and_prints_what_is_published(
    bare, tmp_path, monkeypatch
):
    site = tmp_path / "site"
    folder = site / "_sources" / "chapters"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "chapters" / "two_samples.ipynb", folder)
    publishing.build_wheel(site)
    with serve(site) as address:
        monkeypatch.setenv("BATCHNORM_HOMEPAGE", address)
        publishing.open_notebooks(type("App", (), {"outdir": site}))
        notebook = nbformat.read(folder / "two_samples.ipynb", as_version=4)
        wanted = printed(notebook)[1:]
        for name, value in {"PYTHONPATH": "", "PIP_NO_INDEX": "1", "HOME": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        kernel = tmp_path / "share" / "kernels" / "bare"
        kernel.mkdir(parents=True)
        argv = [str(bare), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": "bare", "language": "python"}
        (kernel / "kernel.json").write_text(json.dumps(spec), "utf8")
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
        client = NotebookClient(notebook, kernel_name="bare", timeout=300)
        client.execute(cwd=str(tmp_path))
    assert printed(notebook)[1:] == wanted
    where = subprocess.run(
        [bare, "-c", "import batchnorm; print(batchnorm.__file__)"], capture_output=True, text=True
    )
    assert Path(where.stdout.strip()).is_relative_to(tmp_path / "env")
