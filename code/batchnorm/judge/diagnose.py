"""The verdict on a reader's own backward pass, for any forward pass that can be traced."""

import ast
import copy
import functools
import linecache
import textwrap

import numpy as np

from ..check import GradientMismatch
from ..graph import trace
from .binding import Passed, holds_arrays, plain, upstream_names
from .differences import amount
from .observe import code_of, observe
from .task import Task, try_out
from .verdict import Verdict

BATCHES = 3


def diagnose(forward, backward, /, **inputs):
    """Say whether a backward pass is right, and if not, what is wrong with it.

    Parameters
    ----------
    forward : the forward pass in NumPy, as `trace` takes it
    backward : its backward pass, in any of the usual signatures: ``(dy, cache)``, with what
        ``forward`` returns after its output; ``(dout, x_hat, gamma, s)``, with values of the
        forward pass by the names of its arguments and variables; a method of the same object as
        ``forward``; or a ``torch.autograd.Function``
    inputs : the arguments of ``forward`` by name, preferably of different sizes along their axes

    The results, one array, a tuple or a dict, are the gradients of the array arguments in their
    order: ``dx``, or ``dx, dgamma, dbeta``. They may be arrays of any library that NumPy can read.
    They are compared with the gradients of the traced forward pass, for random upstream gradients,
    on ``inputs``, and on random arrays like them unless ``backward`` holds arrays of its own.

    Returns a `Verdict`, true if all is right, which prints as a sentence and the lines it rests on.
    The sentence names the slip that leads to exactly what was returned, if one is found. A line is
    blamed only if the right value in its place puts the result right.

    Raises ValueError for a forward pass that cannot be run or traced, and for a parameter of
    ``backward`` that is not a value of the forward pass. If ``backward`` raises, the sentence says
    what.

    >>> import numpy as np
    >>> def centre(x):
    ...     mu = x.mean(axis=0)
    ...     y = x - mu
    ...     return y
    >>> def backward(dy):
    ...     dx = dy - dy.sum(axis=0)
    ...     return dx
    >>> diagnose(centre, backward, x=np.eye(3))
    Not yet, line 2: dx is what you get when the 1/m of the mean is left out on
    the way back to x.
      ✗ line 2: dx = dy - dy.sum(axis=0)
    """
    function = _as_function(backward)
    inputs = {name: _in_doubles(value) for name, value in inputs.items()}
    fixed = holds_arrays(function)
    trials, gives = [], {}
    for k in range(BATCHES):
        rng = np.random.default_rng(k)
        batch = inputs if fixed or k == 0 else _another(inputs, rng)
        owner = getattr(function, "__self__", None)
        there, back = _on_a_twin(forward, function, owner, None if fixed or k == 0 else rng)
        passed = Passed(there, back, batch)
        graph = trace(there, **batch)
        run = graph.forward(**{n: batch[n] for n in graph.inputs if n in batch})
        upstream = upstream_names(graph, passed)
        dys = [rng.normal(size=np.shape(run.arrays[i])) for i in graph.outputs]
        dys[len(upstream) :] = [None] * (len(dys) - len(upstream))
        arguments = passed.arguments(graph, dys)
        if not k:
            called = copy.deepcopy(arguments)
            seen = observe(passed.backward, called, own=True)
            if seen.trouble:
                return Verdict(False, seen.trouble)
            gives, trouble = _gives(graph, passed.backward, seen.result)
            if trouble:
                return Verdict(False, trouble)
            kept = _kept(passed, called, graph, gives)
            gives |= kept
        trials.append(try_out(graph, run, dys, arguments, gives, upstream, passed.named))
    task = Task(trials, gives, upstream[0], own=True)
    if kept:
        task.collect = functools.partial(_with_kept, list(gives), kept, type(passed.owner))
    return task.check(passed.backward)


def assert_gradient(forward, backward, /, **inputs):
    """Raise `AssertionError` with the sentence of `diagnose`, if a backward pass is not right.

    For your own tests: ``bn.assert_gradient(forward, backward, x=x, gamma=gamma, beta=beta)``.
    Parameters and other errors are those of `diagnose`. Returns the `Verdict`. What it raises is a
    `GradientMismatch`, as `compare` does.
    """
    verdict = diagnose(forward, backward, **inputs)
    if not verdict:
        raise GradientMismatch(verdict.message)
    return verdict


# --- The batches --------------------------------------------------------------------------------


def _in_doubles(value):
    """A copy, in float64 where it holds smaller floats: the truth is to be better than theirs."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.dtype.itemsize < 8:
        return value.astype(float)
    return copy.deepcopy(value)


def _another(inputs, rng):
    """Random arrays like the inputs; numbers, integers, masks and the rest stay as they are."""
    return {name: _alike(value, rng) for name, value in inputs.items()}


def _alike(value, rng):
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or not value.size:
        return copy.deepcopy(value)
    if not value.any():
        return rng.normal(size=value.shape)
    if np.isin(value, (0, 1)).all() and not value.all():
        return value.copy()  # a mask, or classes
    if (value > 0).all() or (value < 0).all():
        return value * rng.uniform(0.6, 1.6, value.shape)
    return value + rng.normal(size=value.shape) * np.abs(value).max() / 2


def _on_a_twin(forward, backward, owner, rng):
    """Both passes, on a copy of the object whose methods they are, if they are; its arrays are
    other ones if there is an rng to make them.
    """
    theirs = getattr(forward, "__self__", forward)
    if owner is None or theirs is not owner:
        return forward, backward
    twin = copy.deepcopy(owner)
    for name, value in vars(twin).items():
        if rng is not None and "run" not in name and "moving" not in name:
            setattr(twin, name, _alike(value, rng))
    there = twin if forward is owner else getattr(twin, forward.__name__)
    return there, getattr(twin, backward.__name__)


# --- What comes back ----------------------------------------------------------------------------


def _gives(graph, backward, result):
    """The results' names and the inputs that they belong to, and "" or what is wrong."""
    named = [name for name, i in graph.inputs.items()]
    arrays = [name for name in named if graph.nodes[graph.inputs[name]].shape != ()] or named
    if isinstance(result, dict):
        keys = {key: _input_of(key, named) for key in result}
        return {key: name for key, name in keys.items() if name}, ""
    n = len(result) if isinstance(result, tuple | list) else 1
    if isinstance(result, list) and not all(np.ndim(r) for r in result):
        n = 1
    written = [_input_of(name, named) for name in _returned(backward)]
    for names in (arrays, named):
        if n == len(names):
            return {f"d{name}": name for name in names}, ""
    if len(written) == n and all(written) and len(set(written)) == n:
        return {f"d{name}": name for name in written}, ""
    if n < len(arrays):
        return {f"d{name}": name for name in arrays[:n]}, ""
    if n < len(named):  # numbers, as gamma is for one feature, have gradients, too
        return {f"d{name}": name for name in named[:n]}, ""
    wanted = ", ".join(f"d{name}" for name in arrays)
    return {}, f"Your function returns {amount(n)}, want {wanted}."


def _input_of(name, inputs):
    """The input whose gradient a name speaks of; or None."""
    for one in inputs:
        own = plain(one)
        if plain(str(name)) in (own, f"d{own}", f"grad{own}", f"{own}grad", f"dld{own}"):
            return one
    return None


def _returned(function):
    """The names in a function's last return."""
    code = code_of(function)
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    try:
        tree = ast.parse(textwrap.dedent("".join(_block(lines))))
    except SyntaxError:  # a lambda in the midst of something
        return []
    found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    parts = getattr(found[-1], "elts", [found[-1]]) if found else []
    return [getattr(part, "id", getattr(part, "attr", "")) for part in parts]


def _block(lines):
    """The lines of a function: its head, and what is indented below it."""
    indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    for i, line in enumerate(lines):
        if (
            i
            and line.strip()
            and len(line) - len(line.lstrip()) <= indent
            and line.strip()[0] != ")"
        ):
            return
        yield line


def _kept(passed, called, graph, gives):
    """Gradients that a method leaves on its object, in its attributes or a dict there: where they
    are, and the inputs that they belong to.
    """
    if passed.owner is None:
        return {}
    owner = next(v for v in called.values() if isinstance(v, type(passed.owner)))
    found = {}
    for name, value in _attributes(owner).items():
        one = _input_of(name.rpartition(".")[2], list(graph.inputs))
        is_gradient = (one and plain(name.rpartition(".")[2]) != plain(one)) or "grad" in name
        if one and is_gradient and one not in gives.values() and isinstance(value, np.ndarray):
            found[name] = one
    return found


def _attributes(owner):
    """An object's attributes, and the entries of dicts among them as ``grads.gamma``."""
    found = dict(vars(owner))
    for name, value in vars(owner).items():
        if isinstance(value, dict):
            found |= {f"{name}.{key}": part for key, part in value.items()}
    return found


def _with_kept(names, kept, of, result, called):
    """What a method returned, and what it left on its object, by name."""
    several = result if isinstance(result, tuple | list) else (result,)
    found = result if isinstance(result, dict) else dict(zip(names, several, strict=False))
    attributes = _attributes(next(v for v in called.values() if isinstance(v, of)))
    return found | {name: attributes.get(name) for name in kept}


# --- Other libraries ----------------------------------------------------------------------------


def _as_function(backward):
    """A ``torch.autograd.Function`` as a function of dy and its inputs; else unchanged."""
    if not (isinstance(backward, type) and hasattr(backward, "apply")):
        return backward
    return _of_torch(backward)


def _of_torch(of):
    import torch  # only who has such a class has it

    @functools.wraps(of.backward)
    def through(dy, **arguments):
        tensors = [torch.tensor(value, requires_grad=True) for value in arguments.values()]
        return torch.autograd.grad(of.apply(*tensors), tensors, torch.tensor(dy))

    return through
