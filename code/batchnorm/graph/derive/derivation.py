"""`derive`: from a function to the source of its backward pass."""

import functools
import inspect
import textwrap

import numpy as np

from ..graph import Graph
from ..ops import UnknownOperation
from ..trace import trace
from .backward import Backward
from .compact import normalizations
from .emit import WIDTH, Line, Writer, statement
from .merge import merged
from .python import number

GLUE = "\N{NO-BREAK SPACE}"


class Derivation:
    """The backward pass of a function, written out; ``print`` it to see its ``code``.

    Attributes
    ----------
    code : the source of a NumPy function, to paste; ``lines`` the same, one ``(text, node)`` a
        line, where ``node`` is the index of the node in ``graph`` whose gradient or value the line
        computes or speaks of, or None
    name : the function's name
    formulas : the same steps in LaTeX, one per line that computes something
    constants : arrays that the traced function took from elsewhere and that are too large to be
        written into the code: name -> value; they are its last parameters
    with_cache : the source of two functions, as courses have them: ``f_forward``, which returns
        ``y, cache``, and ``f_backward(dy, cache)``
    function : the compiled code, its constants filled in
    compact : for a normalization, a second `Derivation` whose paths from ``x_hat`` to ``x`` are one
        line; None where the graph has none, or a cut or another use goes through it
    check : of a compact form: how far its results are from the staged ones on random numbers
    graph : the traced `Graph`
    """

    def __init__(self, name, graph, writer, about, body, returned, parameters):
        self.name, self.graph, self.constants = name, graph, {**writer.constants}
        lines = [Line(text, None) for text in _signature(name, parameters)]
        lines += [Line(f"    {text}" if text else "", None) for text in about]
        lines += [Line(line.text and f"    {line.text}", line.node) for line in body]
        lines += [Line(f"    {text}", None) for text in _returning(returned)]
        if any("np." in line.text.partition("#")[0] for line in lines):
            lines = [Line("import numpy as np", None), Line("", None), Line("", None), *lines]
        self.lines = lines
        self.code = "".join(line.text + "\n" for line in lines)
        self.formulas = writer.latex()
        self.compact, self.check = None, ""
        self._halves = functools.cache(lambda: _with_cache(name, writer, parameters, returned))
        self._function = None

    @property
    def with_cache(self):
        return self._halves()

    @property
    def function(self):
        if self._function is None:
            space = {}
            exec(compile(self.code, f"<{self.name}>", "exec"), space)
            self._function = space[self.name]
            if self.constants:
                whole, constants = self._function, self.constants
                self._function = lambda *args, **kwargs: whole(*args, **kwargs, **constants)
        return self._function

    def __repr__(self):
        return self.code.rstrip()


def derive(function, /, *, cut=(), wrt=None, **inputs):
    '''Write the backward pass of a function as the NumPy that one would write by hand.

    ``function`` is traced on ``inputs``, as `trace` does it; parameters left to a number by default
    (``eps=1e-5``) stay parameters. The result is the source of one function, to paste::

        def f_backward(dy, <the parameters of f>):
            return <one gradient for each input, in the order in which they are given>

    It needs nothing but NumPy and its arguments. It first computes what it uses of the forward
    pass, each thing once, and then walks back, one line a step, with the names of the function's
    own variables: ``dvar`` is the gradient of ``var``. What broadcasting copied is summed. Lines
    whose result nothing uses are left out, and so are terms that are 0 for every input: a comment
    says what was left out, and how that is proved.

    Parameters
    ----------
    function : a function of NumPy arrays, or a `Graph`
    cut : edges over which nothing flows, as in `Graph.cut`
    wrt : names of the inputs whose gradients are wanted, a list or one text such as "x gamma"; if
        not given, all of ``inputs`` that are traced, and the arrays that an object holds; but not
        labels, which only say what to pick
    inputs : arrays or numbers, with no axis of length 0. Only their shapes matter: the code is for
        arrays of other sizes, too, if they broadcast alike. So give no axis the length 1 where
        it may be longer later, and give axes that need not match different lengths.

    Returns a `Derivation`: ``code``, ``formulas`` in LaTeX, ``function``, and for a normalization
    the ``compact`` form.

    Raises ValueError for a name in ``wrt`` that is not an input, for an empty array, for an
    operation that has no line of NumPy (eigenvectors), and whatever `trace` refuses.

    >>> import numpy as np
    >>> def layer(x, w):
    ...     h = x @ w
    ...     y = np.tanh(h)
    ...     return y
    >>> print(derive(layer, x=np.ones((3, 2)), w=np.ones((2, 4))))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def layer_backward(dy, x, w):
        """Send dy back to x and w.
    <BLANKLINE>
        Shapes: dy (3, 4), x (3, 2), w (2, 4).
        """
        # Forward: what the backward pass uses
        h = x @ w
        y = np.tanh(h)
    <BLANKLINE>
        # Backward: the last step first
        dh = dy * (1 - y**2)
        dw = x.T @ dh
        dx = dh @ w.T
        return dx, dw
    '''
    if isinstance(function, Graph):
        graph, defaults = function, {}
    else:
        graph, defaults = _traced(function, inputs)
    for node in graph.nodes:
        if 0 in node.shape:
            raise ValueError(
                f"{node.name or 'derive'}: got an array of shape {node.shape}; "
                "give one with at least one entry"
            )
    known = graph.inputs
    names = (
        _listed(wrt)
        if wrt is not None
        else [k for k, i in known.items() if k not in defaults and not _only_picks(graph, i)]
    )
    if not names:
        raise ValueError("wrt: names no input; name at least one")
    for key in names:
        if key not in known:
            raise ValueError(f"wrt: {key!r} is no input; the inputs are {', '.join(known)}")
    cut = graph.cut(cut)
    wrt = [known[key] for key in dict.fromkeys(names)]
    name = _named(function)
    staged, backward = _written(graph, cut, wrt, name, defaults)
    found = normalizations(backward.graph, backward.proofs, cut, backward.needed)
    if found:
        staged.compact, _ = _written(graph, cut, wrt, name, defaults, found)
        staged.compact.check = _compared(staged, staged.compact, graph, wrt)
    return staged


def _only_picks(graph, i):
    """Whether an input is used as an index and for nothing else."""
    first = {"getitem": 1, "setitem": 2}
    nodes = graph.nodes
    uses = [
        (nodes[e.target].op, e.slot) for e in graph.edges if nodes[e.target].inputs[e.slot] == i
    ]
    return bool(uses) and all(slot >= first.get(op, slot + 1) for op, slot in uses)


def _named(function):
    """What the derived function is called: f_backward, also for f_forward."""
    stem = getattr(function, "__name__", "").strip("_").removesuffix("_forward")
    return (
        "backward"
        if stem in ("", "forward", "call") or not stem.isidentifier()
        else f"{stem}_backward"
    )


def _written(graph, cut, wrt, name, defaults, found=()):
    backward = Backward(merged(graph, cut), cut, wrt, found)
    writer = Writer(backward)
    body, returned = writer.write()
    dys = [writer.names[backward.terms.upstream(i)] for i in dict.fromkeys(graph.outputs)]
    parameters = [*dys, *graph.inputs, *writer.constants]
    shown = _with_defaults(parameters, defaults)
    shapes = {dy: graph.nodes[i].shape for dy, i in zip(dys, graph.outputs, strict=False)}
    shapes |= {key: graph.nodes[i].shape for key, i in graph.inputs.items()}
    shapes |= {key: value.shape for key, value in writer.constants.items()}
    about = _about(dys, [graph.nodes[i].name for i in wrt], shapes)
    return Derivation(name, graph, writer, about, body, returned, shown), backward


def _with_cache(name, writer, parameters, returned):
    """The source of a forward pass that keeps what the backward pass uses, and of that."""
    dys = [*dict.fromkeys(writer.upstream)]
    parameters = [parameter for parameter in parameters if parameter not in dys]
    names = [parameter.partition("=")[0] for parameter in parameters]
    forward, outputs, kept, backward = writer.split(names)
    more = [constant for constant in writer.constants if constant not in names]
    parameters = [*more, *parameters] if "=" in parameters[-1] else [*parameters, *more]
    cache = writer.taken.new("cache")
    inner = f"({kept[0]},)" if len(kept) == 1 else f"({', '.join(kept)})"
    first = [line.text for line in forward] + statement(cache, inner)
    second = [line.text for line in backward]
    if kept:
        unpacked = f"{kept[0]}," if len(kept) == 1 else ", ".join(kept)
        second = [*statement(unpacked, cache), *second]
    text = []
    for title, given, body, result in (
        (f"{name.removesuffix('backward')}forward", parameters, first, [*outputs, cache]),
        (name, [*dys, cache], second, returned),
    ):
        text += ["", "", *_signature(title, given)]
        text += [f"    {line}" if line else "" for line in body]
        text += [f"    {line}" for line in _returning(result)]
    uses = any("np." in line.partition("#")[0] for line in text)
    return "\n".join([*["import numpy as np"] * uses, *text[0 if uses else 2 :], ""])


def _about(dys, inputs, shapes):
    """The docstring: what comes in and out, and in what shapes."""
    text = f'''"""Send {_joined(dys)} back to {_joined(inputs)}.'''
    shapes = [f"{name} {shape}".replace(" ", GLUE) for name, shape in shapes.items() if shape]
    if not shapes:
        return [*textwrap.wrap(f'{text}"""', WIDTH - 4)]
    lines = textwrap.wrap(f"Shapes: {', '.join(shapes)}.", WIDTH - 4)
    lines = [line.replace(GLUE, " ") for line in lines]
    return [*textwrap.wrap(text, WIDTH - 4), "", *lines, '"""']


def _joined(names):
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _with_defaults(parameters, defaults):
    """Parameters as a signature has them: those with a default at the end."""
    plain = [p for p in parameters if p not in defaults]
    return plain + [f"{p}={number(defaults[p])}" for p in parameters if p in defaults]


def _compared(staged, compact, graph, wrt):
    """How far two derivations are apart on random numbers, in words."""
    rng = np.random.default_rng(0)
    dys = [rng.normal(size=graph.nodes[i].shape) for i in graph.outputs]
    inputs = {name: rng.uniform(0.5, 2, graph.nodes[i].shape) for name, i in graph.inputs.items()}
    pair = []
    for derivation in (staged, compact):
        with np.errstate(all="ignore"):
            got = derivation.function(*dys, **inputs)
        pair.append(got if len(wrt) > 1 else (got,))
    apart = max(
        np.abs(a - b).max() / max(np.abs(a).max(), np.finfo(float).tiny)
        for a, b in zip(*pair, strict=True)
    )
    names = ", ".join(f"d{graph.nodes[i].name}" for i in wrt)
    return f"{names}: within {apart:.0e} of the staged code, on random numbers"


def _signature(name, parameters):
    line = f"def {name}({', '.join(parameters)}):"
    if len(line) <= WIDTH:
        return [line]
    inner = "    " + ", ".join(parameters)
    if len(inner) <= WIDTH:
        return [f"def {name}(", inner, "):"]
    return [f"def {name}(", *(f"    {p}," for p in parameters), "):"]


def _returning(names):
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
