"""The wheel: built, installed into an empty environment, and whole there."""

import email
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from _ext.site.publishing import build_wheel

ROOT = Path(__file__).parents[1]
SETTING = "the project's own address"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The path of the wheel, as the book's build makes it, with the tools that are here."""
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BATCHNORM_SOURCE", SETTING)
        patch.delenv("BATCHNORM_HOMEPAGE", raising=False)
        patch.setenv("PATH", "")
        patch.setenv("HOME", str(folder))
        build_wheel(folder)
    (path,) = folder.glob("*.whl")
    return path


def test_it_says_who_made_it_and_on_what_terms(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("/METADATA")]
        about = email.message_from_string(archive.read(name).decode())
        (licence,) = [n for n in archive.namelist() if n.endswith("/LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
    assert about["Author"] == "The authors of Gradients Through Batch Normalization"
    assert about["License-Expression"] == "MIT"
    assert about["Project-URL"] == f"Source, {SETTING}"
    assert about.get_payload().strip() == (ROOT / "code/README.md").read_text("utf8").strip()


def test_it_holds_every_file_of_the_package(wheel):
    package = ROOT / "code" / "batchnorm"
    kinds = {".py", ".js", ".css"}
    there = {p.relative_to(ROOT / "code") for p in package.rglob("*") if p.suffix in kinds}
    with zipfile.ZipFile(wheel) as archive:
        packed = {Path(name) for name in archive.namelist() if Path(name).suffix in kinds}
    assert packed == there


PROBE = """
import batchnorm as bn
assert bn.__file__.startswith({home!r}), bn.__file__
figure = bn.BatchFigure(x=[1, 1, 3, 3], dy=[1, 0, 0, 0], eps=0.0)
assert [round(v, 9) for v in figure.dx] == [0.5, -0.5, 0, 0], figure.dx
print(figure._esm, figure._css, sep="\\0", end="")
"""


def test_a_figure_is_alive_where_only_the_wheel_is(wheel, tmp_path):
    """In an environment of its own, with the pinned parts in reach but not this folder."""
    home = tmp_path / "env"
    venv.create(home)
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--quiet", f"--python={python}", "install", "--no-deps"]
    env = {"PATH": "", "HOME": str(tmp_path)}
    subprocess.run([*pip, "--no-index", wheel], env=env, check=True, capture_output=True)
    # Named by PYTHONPATH, a folder's .pth files are not read: the editable install is not there.
    env["PYTHONPATH"] = sysconfig.get_path("purelib")
    probe = PROBE.format(home=str(home))
    ran = subprocess.run([python, "-c", probe], env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    from batchnorm import BatchFigure

    assert ran.stdout.split("\0") == [BatchFigure._esm, BatchFigure._css]
