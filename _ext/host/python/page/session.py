"""The page's kernel, as its worker (../worker.js) knows it: start, run, call, look, hear."""

import importlib
import json
import sys

from . import errors
from .cells import Cells, bundle
from .speaker import Speaker, Stream, dump
from .standins import Matplotlib, install_ipython

_here = {}


def start(post, figures):
    """Set the session up. `post(json, buffers)` speaks to the page; for `figures` see `comms`."""
    speaker = _here["speaker"] = Speaker(post)
    sys.stdout, sys.stderr = Stream("stdout", speaker), Stream("stderr", speaker)
    _here["display"] = install_ipython(
        show=lambda value: display(bundle(value)),
        clear=lambda wait: speaker.output(type="clear", wait=wait),
    )
    _here["plots"] = Matplotlib()
    _here["plots"].install()
    from .comms import Comms

    _here["comms"] = Comms(speaker, figures)
    forget()


def prepare():
    """Import what the first cell of each page imports: it then takes no time there."""
    importlib.import_module("batchnorm")


def forget():
    """Begin with no names, as in a new notebook."""
    cells = _here["cells"] = Cells(_here["speaker"])
    cells.names["display"] = _here["display"]


def run(source, name, cell):
    """Run a cell's source: JSON of ``{status, needs}``. Its outputs go to the cell's number."""
    speaker, plots = _here["speaker"], _here["plots"]
    speaker.open(cell)
    plots.asked = False
    try:
        done = _here["cells"].run(source, name)
        done = _show_plots() and done
    finally:
        speaker.captures.clear()
        speaker.close()
    needs = ["matplotlib"] if plots.asked else []
    return dump({"status": "ok" if done else "error", "needs": needs})


def _show_plots():
    """Show the plots that the cell has left open: False if one cannot be drawn."""
    try:
        if backend := sys.modules.get(f"{__package__}.backend"):
            backend.show()
    except Exception as error:
        show(error)
        return False
    return True


def call(name, values):
    """Call ``module.function`` of this package: JSON of ``{value}``, or of ``{error}``."""
    return _called(name, json.loads(values))


def look(name, values):
    """Like `call`, for functions of lookup.py: they also get the names that cells share."""
    return _called(f"lookup.{name}", {"names": _here["cells"].names, **json.loads(values)})


def _called(name, values):
    module, _, function = name.rpartition(".")
    try:
        called = getattr(importlib.import_module(f"{__package__}.{module}"), function)
        return dump({"value": called(**values)})
    except BaseException as error:
        return dump({"error": errors.describe(error, getattr(error, "source_file", None))})


def hear(message, buffers):
    """Take a message of a widget's other end. What its callbacks print goes to the last cell.

    ``buffers`` are JavaScript's arrays of bytes.
    """
    speaker = _here["speaker"]
    speaker.open(None)
    try:
        _here["comms"].hear(json.loads(message), [memoryview(b.to_bytes()) for b in buffers])
    except BaseException as error:
        show(error)
    finally:
        speaker.captures.clear()
        speaker.close()


def display(data):
    """Show data, by MIME type, as the output of the cell."""
    _here["speaker"].output(type="display", data=data)


def show(error):
    """Show an exception as the output of the cell."""
    _here["speaker"].output(**errors.describe(error, None))
