"""`derive`: from a function to the source of its backward pass."""

import inspect
import re

import numpy as np

from ..graph import Graph
from ..ops import UnknownOperation
from ..trace import trace
from .backward import Backward
from .emit import WIDTH, Line, Writer
from .merge import merged


class Derivation:
    """The backward pass of one function. ``print`` it to see its code.

    ``code`` is its source, ``lines`` the same line by line, each with the node that it computes;
    ``function`` is the compiled code.
    """

    def __init__(self, name, graph, lines, constants):
        self.name, self.graph, self.lines, self.constants = name, graph, lines, constants
        self.code = "".join(line.text + "\n" for line in lines)

    def __repr__(self):
        return self.code


def derive(function, /, *, cut=(), wrt=None, **inputs):
    if isinstance(function, Graph):
        graph, name, defaults = function, "", {}
    else:
        graph, defaults = _traced(function, inputs)
        name = getattr(function, "__name__", "")
    cut = graph.cut(cut)
    graph = merged(graph, cut)
    known = graph.inputs
    asked = [known[key] for key in ([*inputs] or [*known] if wrt is None else _listed(wrt))]
    return written(graph, cut, asked, name, defaults)


def written(graph, cut, wrt, name, defaults):
    backward = Backward(graph, cut, wrt)
    writer = Writer(backward, name, [*graph.inputs])
    body, returned = writer.write()
    name = f"{name}_backward" if name.isidentifier() else "backward"
    dys = [writer.names[backward.terms.upstream(i)] for i in graph.outputs]
    parameters = [*dys, *graph.inputs, *writer.constants]
    shown = [f"{p}={defaults[p]!r}" if p in defaults else p for p in parameters]
    lines = [Line(text, None) for text in signature(name, shown)]
    lines += [Line(line.text and f"    {line.text}", line.node) for line in body]
    lines += [Line(f"    {text}", None) for text in returning(returned)]
    if any("np." in line.text for line in lines):
        lines = [Line("import numpy as np", None), Line("", None), Line("", None), *lines]
    return Derivation(name, graph, lines, writer.constants)


def signature(name, parameters):
    line = f"def {name}({', '.join(parameters)}):"
    if len(line) <= WIDTH:
        return [line]
    inner = "    " + ", ".join(parameters)
    if len(inner) <= WIDTH:
        return [f"def {name}(", inner, "):"]
    return [f"def {name}(", *(f"    {p}," for p in parameters), "):"]


def returning(names):
    line = f"return {', '.join(names)}"
    if len(line) + 4 <= WIDTH:
        return [line]
    return ["return (", *(f"    {name}," for name in names), ")"]


def _listed(names):
    return names.replace(",", " ").split() if isinstance(names, str) else list(names)


def _traced(function, inputs):
    """The graph of a function, its numbers by default as inputs too, where that can be traced."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        parameters = {}
    defaults = {
        name: p.default
        for name, p in parameters.items()
        if name not in inputs and type(p.default) is float
    }
    if defaults:
        try:
            return trace(function, **inputs, **defaults), defaults
        except UnknownOperation:
            pass
    return trace(function, **inputs), {}
