"""Compile what the pages' Python imports at its start: to compile it there was most of that start.

Bytecode is good for one version of Python alone. So the page's own makes it, in the Node.js that
comes with the build.
"""

import json
import subprocess
import tempfile
from pathlib import Path

from .formulas import node

# The driver: what is read from stdin says what to do
DRIVER = """
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const { core, inside, unpack, code, archives } = JSON.parse(readFileSync(0, "utf8"));
const { loadPyodide } = await import(pathToFileURL(`${core}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: core, env: { PYTHONHASHSEED: "0" } });
const bytes = (file) => new Uint8Array(readFileSync(file));
const extractDir = python.runPython("import site; site.getsitepackages()[0]");
for (const file of unpack) python.unpackArchive(bytes(file), "zip", { extractDir });
python.runPython(inside);
python.runPython(code);
const compiled = python.globals.get("compiled");
for (const { file, where, sources } of archives)
  writeFileSync(file, compiled(python.toPy(bytes(file)), where, sources).toJs());
"""

# What runs in the page's Python there
INSIDE = '''
import importlib.util, io, marshal, sys, zipfile

HEAD = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)  # never out of date

def compiled(archive, where, sources):
    """The archive, unpacked to `where`, with bytecode: of all modules, beside their sources, or
    instead of the sources of what is imported by now.
    """
    imported = {getattr(module, "__file__", "") for module in [*sys.modules.values()]}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".py") and (sources or where + name in imported):
                code = compile(content, where + name, "exec", dont_inherit=True)
                bytecode = HEAD + marshal.dumps(code)
                place = importlib.util.cache_from_source(name) if sources else f"{name}c"
                new.writestr(zipfile.ZipInfo(place), bytecode)
                if not sources:
                    continue
            new.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()
'''

STDLIB, SITE_PACKAGES = "/lib/python313.zip/", "/lib/python3.13/site-packages/"


def run(core, archives, *, unpack=(), code=""):
    """Compile archives: ``[(content, where, sources), …]``, with Pyodide from the folder `core`.

    `unpack` are contents of archives that are there when `code` runs. Raises RuntimeError with what
    Node says.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / str(i) for i in range(len(archives) + len(unpack))]
        contents = [content for content, _, _ in archives] + [*unpack]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        jobs = [
            {"file": str(file), "where": where, "sources": sources}
            for file, (_, where, sources) in zip(files, archives, strict=False)
        ]
        there = [str(file) for file in files[len(archives) :]]
        asked = {"core": str(core), "inside": INSIDE, "unpack": there, "code": code}
        done = subprocess.run(
            [node(), "--no-warnings", "--input-type=module", "-e", DRIVER],
            input=json.dumps({**asked, "archives": jobs}),
            capture_output=True,
            encoding="utf8",
        )
        if done.returncode:
            why = done.stderr[-2000:]  # after Pyodide's own script, which is one long line
            raise RuntimeError(f"Python for the pages was not compiled: {why}")
        return [file.read_bytes() for file in files[: len(archives)]]
