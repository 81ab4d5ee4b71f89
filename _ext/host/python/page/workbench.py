"""Trace the function that a reader is writing: what the workbench's figures then show."""

import ast
import inspect
import linecache
import sys
import time

import numpy as np

import batchnorm as bn
from batchnorm.figures import batch, graph
from batchnorm.graph import UnknownOperation
from batchnorm.graph.examples import examples

from .source import parse

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
        function, line = _last_function(source, time.perf_counter() + seconds)
        inputs, state = _first_that_runs(function, time.perf_counter() + seconds)
    except SyntaxError as error:
        return {"error": f"{error.msg}", "line": error.lineno}
    except _Missing as error:
        return {"error": str(error), "line": line}
    except (Exception, SystemExit, _TooLong) as error:
        kind = "" if isinstance(error, _TooLong | ValueError) else f"{type(error).__name__}: "
        return {"error": f"{kind}{error}", "line": _line_of(error)}
    return {"name": function.__name__, "graph": state, "batch": _batch(state, inputs)}


class _Missing(ValueError):
    """Something without which there is nothing to trace."""


class _TooLong(BaseException):
    """Raised inside code that runs over its time; not an Exception, so few catch it."""


def _timed(call, until, /, *arguments, **named):
    """What the call returns. Raises _TooLong where the reader's code does not come to an end."""

    def step(frame, event, argument):
        if time.perf_counter() > until:
            raise _TooLong("It did not come to an end, and was stopped.")
        return step

    def enter(frame, event, argument):
        return step if frame.f_code.co_filename == FILE else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        return call(*arguments, **named)
    finally:
        sys.settrace(before)


def _last_function(source, until):
    """The last function that the source defines at its outermost level, and its line."""
    tree = parse(source, FILE)
    heads = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if not heads:
        raise SyntaxError("There is no function here to trace: begin with def", (FILE, 1, 1, ""))
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    names = {"np": np, "bn": bn}
    _timed(exec, until, compile(tree, FILE, "exec"), names)
    return names[heads[-1].name], heads[-1].lineno


def _first_that_runs(function, until):
    """The first arguments of `examples` on which the function can be traced, and the state."""
    tries, missing = examples(function)
    for name in missing:
        raise _Missing(f"{name} needs a value to start from: write {name}=1.0 in the brackets.")
    if not inspect.signature(function).parameters:
        raise _Missing("The function takes nothing: give it an input, x for example.")
    error = None
    for inputs in tries:
        try:
            return inputs, _timed(graph.start_state, until, function, **inputs)
        except UnknownOperation:  # another shape will not help
            raise
        except Exception as raised:
            error = error or raised
    raise error


def _line_of(error):
    """The last line of the reader's own that the way to the error passed."""
    line, step = None, error.__traceback__
    while step:
        if step.tb_frame.f_code.co_filename == FILE:
            line = step.tb_lineno
        step = step.tb_next
    return line


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
