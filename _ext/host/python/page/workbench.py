"""Trace the function that a reader is writing: what the workbench's figures then show."""

import inspect

import numpy as np

from batchnorm.figures import batch, graph
from batchnorm.graph import UnknownOperation
from batchnorm.graph.examples import examples
from batchnorm.judge.observe import TooLong, within

from .own import last_function, line_of

FILE = "<workbench>"
SECONDS = 1.0  # a longer run is an endless loop


def trace(source, seconds=SECONDS):
    """The figures of the last function in `source`, or why there are none.

    Gives ``{"name", "graph", "batch"}``: the function's name, and the traits of a `GraphFigure` and
    a `BatchFigure` of it; the latter is None for a function that is none of one batch of single
    numbers. Or ``{"error", "line"}``: a sentence, and the line of the source it speaks of, or None.

    The parameters' defaults are what the function is run on; a batch and its layer's parameters
    need none: see `examples`.
    """
    try:
        head, function = last_function(source, FILE, seconds)
        inputs, state = _first_that_runs(function, seconds)
    except SyntaxError as error:
        return {"error": f"{error.msg}", "line": error.lineno}
    except _Missing as error:
        return {"error": str(error), "line": head.lineno}
    except (Exception, SystemExit, TooLong) as error:
        kind = "" if isinstance(error, TooLong | ValueError) else f"{type(error).__name__}: "
        return {"error": f"{kind}{error}", "line": line_of(error, FILE)}
    return {"name": function.__name__, "graph": state, "batch": _batch(state, inputs)}


class _Missing(ValueError):
    """Something without which there is nothing to trace."""


def _first_that_runs(function, seconds):
    """The first arguments of `examples` on which the function can be traced, and the state."""
    tries, missing = examples(function)
    for name in missing:
        raise _Missing(f"{name} needs a value to start from: write {name}=1.0 in the brackets.")
    if not inspect.signature(function).parameters:
        raise _Missing("The function takes nothing: give it an input, x for example.")
    error = None
    for inputs in tries:
        try:
            return inputs, within(seconds, FILE, graph.start_state, function, **inputs)
        except UnknownOperation:  # another shape will not help
            raise
        except Exception as raised:
            error = error or raised
    raise error


def _batch(state, inputs):
    """The traits of a `BatchFigure` of the same function, or None where it has no place."""
    x = np.asarray(inputs.get("x", 0.0))
    others = {name for name in inputs if name != "x"}
    fits = others <= set(batch.PARAMETERS) and all(np.ndim(inputs[name]) == 0 for name in others)
    if not fits or x.ndim != 1 or not 2 <= x.size <= 8 or np.shape(state["dy"]) != x.shape:
        return None
    if "eps" in inputs and not inputs["eps"] >= 0:
        return None
    start = batch.start_state(state["x"], state["dy"], state["graph"])
    return {name: state[name] for name in others} | start
