"""Trace the function that a reader is writing: what the page then shows of it."""

import numpy as np

import batchnorm as bn
from batchnorm.figures import batch, graph
from batchnorm.graph.examples import Missing, example
from batchnorm.graph.refusal import line_of
from batchnorm.judge.observe import TooLong, within

from .own import last_function

FILE = "<workbench>"
SECONDS = 1.0  # a longer run is an endless loop


def trace(source, seconds=SECONDS):
    """What is shown of the last function or class in `source`, or why it cannot be.

    Gives ``{"name", "graph", "batch", "backward"}``: the function's name, the traits of a
    `GraphFigure` and of a `BatchFigure` of it, and its backward pass; the second figure is None for
    a function that is none of one batch of single numbers. Or ``{"error", "line"}``: a sentence,
    and the line of the source it speaks of, or None.

    Parameters' defaults are what the function is run on; `example` knows values for the others.
    """
    line = None
    try:
        head, function = last_function(source, FILE, seconds, classes=True)
        line = head.lineno
        if isinstance(function, type):
            function = _object(function, seconds)
        inputs = within(seconds, FILE, example, function)
        state = graph.start_state(function, **inputs)  # which ends, as the example did
    except SyntaxError as error:
        return {"error": f"{error.msg}", "line": error.lineno}
    except Missing as error:
        return {"error": str(error), "line": line}
    except (Exception, SystemExit, TooLong) as error:
        kind = "" if isinstance(error, TooLong | ValueError) else f"{type(error).__name__}: "
        return {"error": f"{kind}{error}", "line": line_of(error, FILE)}
    name = getattr(function, "__name__", type(function).__name__)
    start = {k: v for k, v in state["start"].items() if k not in ("dy", "cut", "step")}
    backward = _backward(function, inputs, [*start])
    return {"name": name, "graph": state, "batch": _batch(state, start), "backward": backward}


def _object(kind, seconds):
    """An object of the reader's class, made of what `example` knows."""
    found = within(seconds, FILE, kind, **example(kind))
    if not (callable(found) or hasattr(found, "forward")):
        raise Missing("The class needs a method forward, or __call__.")
    return found


def _backward(function, inputs, known):
    """The backward pass, as `bn.derive` writes it: its lines with the names of their nodes.

    For a normalization its compact form, too. Or ``{"error"}``, where none can be written.
    """
    wrt = [name for name in known if name != "eps"] or known
    try:
        derived = bn.derive(function, wrt=wrt, **inputs)
    except Exception as error:
        return {"error": str(error)}
    compact = derived.compact
    return {
        "lines": _lines(derived),
        "compact": compact and _lines(compact),
        "formulas": derived.formulas,
    }


def _lines(derived):
    nodes = derived.graph.nodes
    return [
        [line.text, "" if line.node is None else nodes[line.node].name] for line in derived.lines
    ]


def _batch(state, start):
    """The traits of a `BatchFigure` of the same function, or None where it has no place."""
    x = np.asarray(start.get("x", 0.0))
    others = {name for name in start if name != "x"}
    fits = others <= set(batch.PARAMETERS) and all(np.ndim(start[name]) == 0 for name in others)
    if not fits or x.ndim != 1 or not 2 <= x.size <= 8 or np.shape(state["dy"]) != x.shape:
        return None
    if "eps" in start and not start["eps"] >= 0:
        return None
    shown = batch.start_state(state["x"], state["dy"], state["graph"])
    return {name: state[name] for name in others} | shown
