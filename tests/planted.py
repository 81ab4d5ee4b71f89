"""Plants faults in what draws the figures, one at a time in a copy, and says which the tests miss.

``.venv/bin/python tests/planted.py`` takes some minutes; with ``meaning``, the golden pictures are
left out and only what is read off a drawing may find them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# A script below code/batchnorm/figures; what stands there; what is planted in its place
FAULTS = [
    line.split("\t") for line in Path(__file__).with_suffix(".tsv").read_text("utf8").splitlines()
]


def place(folder, script):
    """The script that a line names."""
    return folder / "code" / "batchnorm" / "figures" / script


def plant(folder, script, old, new, only):
    """Whether the tests find one fault; None where there is no place for it."""
    path = place(folder, script)
    text = path.read_text("utf8")
    if old not in text:
        return None
    path.write_text(text.replace(old, new, 1), "utf8")
    tests = ["test_pictures.py"] if only else ["test_goldens.py", "test_pictures.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    if not script.startswith("kit/"):  # the tests of one figure alone
        command += ["-k", script.partition("/")[0].partition("_")[0]]
    environment = os.environ | {"PYTHONPATH": str(folder / "code")}
    try:
        done = subprocess.run(
            [*command, *(f"tests/{name}" for name in tests)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
    finally:
        path.write_text(text, "utf8")
    if done.returncode > 1:
        raise SystemExit(done.stdout + done.stderr)
    return done.returncode == 1


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("code", "tests", "_ext"):
            shutil.copytree(ROOT / part, folder / part)
        shutil.copy(ROOT / "pytest.ini", folder)
        found = [plant(folder, *fault, "meaning" in sys.argv) for fault in FAULTS]
    for (script, old, new), died in zip(FAULTS, found, strict=True):
        if not died:
            sys.stdout.write(f"{'missed' if died is False else 'gone'}: {script}: {old} -> {new}\n")
    sys.stdout.write(f"{sum(map(bool, found))} of {len(FAULTS)} faults were found\n")


if __name__ == "__main__":
    main()
