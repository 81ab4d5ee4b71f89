"""What a reader's backward pass is called with: values of the forward pass, by their names."""

import copy
import functools
import inspect
import types

import numpy as np

from .observe import code_of, observe

UPSTREAM = ("upstream", "dout", "dy", "dldy", "dldout", "gradoutput", "gradout", "grady", "grad")
CACHE = ("cache", "cached", "ctx", "context", "saved", "memory")
OUTPUTS = ("y", "out", "output", "z")
# What one value is called by different people
SAME = (
    ("xhat", "xnorm", "xnormalized", "normalized", "xnormed", "xn"),
    ("s", "std", "sigma", "sqrtvar", "stddev"),
    ("mu", "mean", "samplemean", "batchmean", "xmean"),
    ("var", "variance", "samplevar", "batchvar", "xvar"),
    ("gamma", "scale", "weight"),
    ("beta", "shift", "bias"),
)


def plain(name):
    """A name without underscores and capitals."""
    return name.replace("_", "").lower()


class Passed:
    """One forward pass as the reader's code runs it, and what a backward pass may ask of it."""

    def __init__(self, forward, backward, inputs):
        """Raises ValueError if the forward pass cannot be run on these inputs."""
        self.backward, self.owner = backward, None
        owner = getattr(backward, "__self__", None)
        if owner is not None and not isinstance(owner, types.ModuleType | type):
            self.owner, self.backward = owner, backward.__func__
            if forward is not owner and getattr(forward, "__self__", None) is owner:
                forward = functools.partial(forward.__func__, owner)
        if not callable(forward) and hasattr(forward, "forward"):
            forward = forward.forward
        self.inputs = copy.deepcopy(inputs)
        seen = observe(forward, self.inputs, own=True)
        if seen.trouble:
            raise ValueError(f"forward: {seen.trouble.replace('Your function', 'it')}")
        self.cache, self.outputs = _apart(seen.result)
        self.values = {**_defaults(forward), **seen.variables, **self.inputs}
        for held in (v for v in [*self.values.values()] if isinstance(v, dict)):
            self.values |= {k: v for k, v in held.items() if k not in self.values}
        self.values |= getattr(self.owner, "__dict__", {})

    def arguments(self, graph, dys):
        """The backward pass's arguments by name, given the gradients at the graph's outputs.

        Raises ValueError for a parameter that is not a value of the forward pass.
        """
        parameters = _parameters(self.backward)
        upstream = upstream_names(graph, self)
        given = dict(zip(upstream, dys, strict=False))
        if self.owner is not None:
            given[next(iter(parameters))] = self.owner
        for name, parameter in parameters.items():
            if name in given:
                continue
            found, value = self._value(name)
            if found:
                given[name] = value
            elif parameter.default is parameter.empty:
                raise ValueError(
                    f"backward: its parameter {name} is not a value of the forward pass; want the "
                    f"upstream gradient, the cache, or one of {', '.join(self._names)}"
                )
        return copy.deepcopy(given)

    @property
    def _names(self):
        return [name for name, v in self.values.items() if isinstance(v, np.ndarray | float | int)]

    def _value(self, name):
        """Whether the forward pass has a value of that name, or one that means the same; and it."""
        if name in self.values:
            return True, self.values[name]
        if plain(name) in CACHE and self.cache is not None:
            return True, self.cache
        meant = {plain(name), *next((same for same in SAME if plain(name) in same), ())}
        alike = [key for key in self._names if plain(key) in meant]
        if len(alike) == 1 or (alike and plain(alike[0]) == plain(name)):
            return True, self.values[alike[0]]
        return False, None

    def unknown(self, name):
        """Whether nothing in the forward pass is called so."""
        return not self._value(name)[0]

    @property
    def named(self):
        """The arrays and numbers among the values, by name."""
        arrays = {}
        for name, value in self.values.items():
            if isinstance(value, np.ndarray | float) and np.asarray(value).dtype.kind == "f":
                arrays[name] = value
        return arrays


def upstream_names(graph, passed):
    """The parameters that take the gradients at the graph's outputs: one, or one an output.

    Raises ValueError if there is none.
    """
    parameters = _parameters(passed.backward)
    names = list(parameters)
    names = names[1:] if passed.owner is not None else names
    outputs = [plain(graph.nodes[i].name) for i in graph.outputs]
    found = []
    for output in outputs:
        found += [name for name in names if output and plain(name) in _gradient_of(output)][:1]
    if len(found) == len(outputs):
        return found
    others = {word for output in (*outputs, *OUTPUTS) for word in _gradient_of(output)}
    known = [name for name in names if plain(name) in others or plain(name) in UPSTREAM]
    strange = [name for name in names if passed.unknown(name)]
    required = [
        name
        for name in strange
        if parameters[name].default is inspect.Parameter.empty and plain(name) not in CACHE
    ]
    if not known and not required:
        raise ValueError(
            f"backward: it takes {', '.join(names) or 'nothing'}; want a parameter for the "
            "gradient that arrives at the output, called dy or dout"
        )
    chosen = (known or required)[0]
    rest = [name for name in required if name != chosen]
    if rest and passed.cache is not None:
        passed.values[rest[0]] = passed.cache
    return [chosen]


def _gradient_of(name):
    """How the gradient of a value may be called."""
    return {f"d{name}", f"grad{name}", f"{name}grad", f"dld{name}", f"dlossd{name}", f"g{name}"}


def _parameters(function):
    found = inspect.signature(function).parameters
    return {k: p for k, p in found.items() if p.kind.name not in ("VAR_POSITIONAL", "VAR_KEYWORD")}


def _defaults(function):
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _apart(result):
    """What a forward pass keeps for the backward pass, and its outputs."""
    if isinstance(result, dict):
        caches = [v for k, v in result.items() if plain(str(k)) in CACHE]
        return (caches[0] if caches else None), result
    if isinstance(result, tuple | list) and len(result) > 1:
        return (result[1] if len(result) == 2 else tuple(result[1:])), result[0]
    return None, result


def holds_arrays(function, depth=2):
    """Whether a function reads arrays from its surroundings, as a lambda with a cache does."""
    function = inspect.unwrap(getattr(function, "func", function))
    function = getattr(function, "__func__", function)
    code = code_of(function)
    if code is None or not hasattr(function, "__globals__"):
        return False
    cells = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    names = {name for part in _codes(code) for name in part.co_names}
    read = [*cells, *(v for k, v in function.__globals__.items() if k in names)]
    for value in read:
        if isinstance(value, types.FunctionType):
            if depth and holds_arrays(value, depth - 1):
                return True
        elif not isinstance(value, types.ModuleType | type) and _has_array(value):
            return True
    return False


def _filled(cell):
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:  # a variable that has no value yet
        return False
    return True


def _codes(code):
    yield code
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _codes(part)


def _has_array(value, depth=3):
    if hasattr(value, "__array__"):
        return np.ndim(value) > 0
    if not depth:
        return False
    if isinstance(value, dict):
        value = list(value.values())
    elif not isinstance(value, tuple | list):
        value = list(getattr(value, "__dict__", {}).values())
    return any(_has_array(part, depth - 1) for part in value)
