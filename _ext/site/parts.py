"""The parts of the Python that runs in a page: fetched, checked, and packed for the browser.

Pyodide's core comes from npm (package.json), the packages that widgets need from the Python
registry (parts.txt), NumPy from the wheel that one of these carries: its hash must be the one
in Pyodide's own lock file. Or core and NumPy come from a full Pyodide distribution, and matplotlib
with them: ``make book PYODIDE=folder``. ``PYODIDE=none`` builds the book without.

The parts become classic scripts, each a piece of gzip in base64: the one form that a page can load
over http and from file:// alike. They are kept beside the installed packages, so that the next
build needs no network.
"""

import base64
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from . import bytecode

HERE = Path(__file__).parent
PINNED = HERE / "parts.txt"
CARRIER, WHERE = "gbdraw", "gbdraw/web/vendor/pyodide-wheels"
CORE = ["pyodide.asm.wasm", "python_stdlib.zip"]
COMPILED = ["python_stdlib.zip", "packages.zip"]
START = """
from page import session
session.start(lambda *_: None, [])
session.run("import numpy, anywidget", "cell", 1)
session.run("1 +", "cell", 1)  # and what describes an error
"""
CORE_SCRIPTS = ["pyodide.asm.js", "pyodide.js"]
PIECE = 1_000_000  # characters of base64 in one file: progress is reported a file at a time
LEFT_OUT = ["/tests/", "/labextension/", "/nbextension/", ".data/", ".pyi", "/RECORD"]
LEFT_OUT += ["numpy/f2py/", "/_pyinstaller/", "/include/", "_tests.cpython-"]
FOR_COMPILERS = (".a", ".c", ".h", ".pc", ".pxd", ".pyx", ".build")


class Missing(Exception):
    """Why the book is built without Python in its pages."""


def folder_of_core():
    """Where Pyodide's core lies: in the distribution that PYODIDE names, or in node_modules."""
    named = os.environ.get("PYODIDE", "")
    if named == "none":
        raise Missing("PYODIDE=none")
    folder = Path(named or HERE.parents[1] / "node_modules" / "pyodide")
    if not (folder / "pyodide-lock.json").is_file():
        raise Missing(f"no Pyodide in {folder}")
    return folder


def download(to):
    """Fetch the pinned wheels into a folder. Raises Missing with pip's last words."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--platform=any"]
    done = subprocess.run(
        [*command, f"--requirement={PINNED}", f"--dest={to}"], capture_output=True, text=True
    )
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["no word of why"]
        raise Missing(f"pip download: {words[-1]}")


def checked(content, entry):
    """A wheel's bytes, if their hash is the one in Pyodide's lock. Raises Missing if not."""
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise Missing(f"{entry['file_name']} is not the file that pyodide-lock.json names")
    return content


def compiled_wheels(core, lock, wheels):
    """The wheels of Pyodide's own build: NumPy, and matplotlib if the distribution has it."""
    entries, wanted, found = lock["packages"], ["numpy"], {}
    full = (core / entries["numpy"]["file_name"]).is_file()
    if full and (core / entries["matplotlib"]["file_name"]).is_file():
        wanted.append("matplotlib")
    for name in wanted:
        if name in found:
            continue
        entry = entries[name]
        if full:
            content = (core / entry["file_name"]).read_bytes()
            wanted += entry["depends"]
        else:
            (carrier,) = wheels.glob(f"{CARRIER}-*.whl")
            with zipfile.ZipFile(carrier) as archive:
                content = archive.read(f"{WHERE}/{entry['file_name']}")
        found[name] = checked(content, entry)
    return list(found.values())


def merged(wheels):
    """One archive, not compressed, of what wheels install: it is zipped as a whole later."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for wheel in wheels:
            with zipfile.ZipFile(BytesIO(wheel)) as source:
                for info in source.infolist():
                    left_out = any(part in f"/{info.filename}" for part in LEFT_OUT)
                    if not left_out and not info.filename.endswith(FOR_COMPILERS):
                        archive.writestr(zipfile.ZipInfo(info.filename), source.read(info))
    return out.getvalue()


def package_files(folder):
    """What Python needs of a package: its modules, styles and data, and the figures' scripts.

    Not what figures take along (figures/take/): a page has it, and loads it when it is asked for.
    """
    files = [p for p in folder.rglob("*") if p.suffix == ".py" or "take" not in p.parts]
    return sorted(p for p in files if p.suffix in (".py", ".css", ".npz") or p.name == "built.js")


def folder_archive(folders):
    """One archive, not compressed, of folders with sources: {name in the archive: folder}."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, folder in folders.items():
            for path in package_files(folder):
                inside = f"{name}/{path.relative_to(folder).as_posix()}"
                archive.writestr(zipfile.ZipInfo(inside), path.read_bytes())
    return out.getvalue()


def write_part(content, folder):
    """Write a part as scripts, named after what they hold: their names."""
    text = base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
    names = []
    for at in range(0, len(text), PIECE):
        piece = text[at : at + PIECE]
        name = f"part_{hashlib.sha256(piece.encode()).hexdigest()[:12]}.js"
        (folder / name).write_text(f'bnPart("{name}","{piece}");\n', "utf8")
        names.append(name)
    return names


def pinned_parts():
    """The folder with the parts that no change to this book changes, and what they are.

    They are made once, and again when a pinned version changes. Raises Missing.
    """
    core = folder_of_core()
    made_by = [Path(__file__), Path(bytecode.__file__), PINNED]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in made_by))
    lock_text = (core / "pyodide-lock.json").read_bytes()
    key.update(lock_text + str(core).encode())
    kept = Path(sys.prefix) / "page-python"
    folder = kept / key.hexdigest()[:16]
    if not (folder / "parts.json").exists():
        kept.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as work:
            made = Path(work) / "made"
            made.mkdir()
            make_parts(core, json.loads(lock_text), Path(work), made)
            shutil.rmtree(folder, ignore_errors=True)
            made.rename(folder)
    return folder, json.loads((folder / "parts.json").read_text("utf8"))


def started(core, contents):
    """The parts again, with bytecode of what a start of the pages' Python imports."""
    stdlib, packages = (contents[name] for name in COMPILED)
    ours = folder_archive({"page": HERE.parent / "host" / "python" / "page"})
    archives = [(stdlib, bytecode.STDLIB, False), (packages, bytecode.SITE_PACKAGES, False)]
    made = bytecode.run(core, archives, unpack=[packages, ours], code=START)
    return dict(zip(COMPILED, made, strict=True))


def make_parts(core, lock, work, folder):
    """Fetch what is missing, and write parts.json and the parts into a folder."""
    wheels = work / "wheels"
    download(wheels)
    ours = [path.read_bytes() for path in sorted(wheels.glob("*.whl")) if CARRIER not in path.name]
    contents = {name: (core / name).read_bytes() for name in CORE}
    contents["packages.zip"] = merged([*compiled_wheels(core, lock, wheels), *ours])
    contents |= started(core, contents)
    contents["lock.json"] = json.dumps({**lock, "packages": {}}).encode()
    numpy = lock["packages"]["numpy"]["version"]
    short = [".".join(version.split(".")[:2]) for version in (lock["info"]["python"], numpy)]
    parts = {
        "what": f"Python {short[0]}, NumPy {short[1]}",
        "parts": {name: write_part(content, folder) for name, content in contents.items()},
    }
    (folder / "parts.json").write_text(json.dumps(parts), "utf8")


if __name__ == "__main__":  # fetch what is missing, while the chapters run
    with suppress(Missing):  # the build says so
        pinned_parts()
