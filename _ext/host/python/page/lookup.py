"""What the names in a cell mean: looked up, while none of the reader's code runs.

A dotted name is followed through modules, classes, and what objects themselves hold, as
`inspect.getattr_static` does. So ``__getattr__``, ``__dir__`` and ``__repr__`` are not called, and
what an attribute would have to compute is not known: a property is named and described, but
nothing is offered after it. The exceptions run C alone: slots, and some attributes of an array.
"""

import ast
import builtins
import inspect
import keyword
import re
import types

import numpy as np

import batchnorm as bn

KNOWN = {"np": np, "bn": bn}  # before a cell has imported them: each page's first cell does
MOST = 3000  # names in one answer
LINE, LONG = 500, 6000  # characters of a signature or a paragraph; of a docstring
ROWS, SHORT, FIRST = 100, 60, 5  # of the table: rows; characters of a value; elements of an array
OF_ARRAYS = {"T", "mT", "dtype", "flat", "real", "shape"}
OF_C = (types.MemberDescriptorType, types.GetSetDescriptorType)
WRAPPERS = (types.FunctionType, type(np.mean))
PLAIN = (type(None), bool, int, float, complex, str, bytes)
MADE_IN_PYTHON = 1 << 9  # a flag of types: it may be the reader's own
UNKNOWN = object()

_mro = type.__dict__["__mro__"].__get__
_dict = type.__dict__["__dict__"].__get__
_name = type.__dict__["__name__"].__get__
_flags = type.__dict__["__flags__"].__get__


def complete(names, path, hidden=False):
    """What may follow `path`, "np.linalg" or "": ``[[name, what it is], …]``, sorted.

    Names that begin with an underscore are left out, unless they are asked for.
    """
    every = {**vars(builtins), **KNOWN, **names}
    found = _members(_find(names, path)) if path else every
    what = {name: _what(value) for name, value in found.items() if _is_name(name)}
    if not path:
        what.update(dict.fromkeys(keyword.kwlist, "keyword"))
    shown = sorted(name for name in what if hidden or not name.startswith("_"))
    return [[name, what[name]] for name in shown[:MOST]]


def describe(names, path):
    """What a dotted name is: ``{title, first, text}``, or None where that is unknown.

    The title has the signature, or the kind; `first` is the docstring's first paragraph, `text`
    all of it.
    """
    value = _find(names, path, computed=True)
    if value is UNKNOWN:
        return None
    name = path.rpartition(".")[2]
    signature, text = _said(value, name)
    title = f"{name}{signature}" if signature else f"{name}: {_what(value)}"
    first = " ".join(text.partition("\n\n")[0].split())
    return {"title": title[:LINE], "first": first[:LINE], "text": text[:LONG]}


def keywords(names, path, given=0):
    """What a call of `path` may give by name: ``[["num=", its default], …]``.

    The first `given` arguments have been given in their places.
    """
    value = _find(names, path)
    signature = "" if value is UNKNOWN else _said(value, path.rpartition(".")[2])[0]
    plain = re.sub(r"\[,[^]]*\]", "", signature).replace("…", "...")  # ufuncs' own brackets
    try:
        found = ast.parse(f"def _{plain}: pass").body[0].args
    except SyntaxError:  # none, or none that Python knows
        return []
    placed = [*found.posonlyargs, *found.args]
    defaults = [None] * (len(placed) - len(found.defaults)) + found.defaults
    free = [*zip(placed, defaults, strict=True)][max(given, len(found.posonlyargs)) :]
    free += zip(found.kwonlyargs, found.kw_defaults, strict=True)
    return [[f"{each.arg}=", _default(default)] for each, default in free]


def _default(node):
    return ast.unparse(node).replace("...", "…")[:SHORT] if node else ""


def _said(value, name):
    """The signature and the docstring. That of C's functions may be in their docstring."""
    signature, text = _signature(value), inspect.cleandoc(_doc(value))
    head, _, rest = text.partition("\n\n")
    while called := re.match(rf"(\w+\.)?{name}(?=\()", head):
        signature = signature or head.removesuffix("\n--")[called.end() :]
        text = rest.strip()
        head, _, rest = text.partition("\n\n")
    return " ".join(signature.split()), text


def _find(names, path, computed=False):
    """What a dotted name means, or UNKNOWN. What is `computed` is there as its descriptor."""
    first, *rest = path.split(".")
    value = next((d[first] for d in (names, KNOWN, vars(builtins)) if first in d), UNKNOWN)
    for i, name in enumerate(rest, 1):
        value = UNKNOWN if value is UNKNOWN else _attribute(value, name)
        if _is_computed(value) and not (computed and i == len(rest)):
            return UNKNOWN
    return value


def _attribute(value, name):
    """An attribute as it lies there; of what C alone reads, its value."""
    found, kind = inspect.getattr_static(value, name, UNKNOWN), type(value)
    if _is(found, classmethod, staticmethod):
        function, of = found.__func__, value if issubclass(kind, type) else kind
        return types.MethodType(function, of) if _is(found, classmethod) else function
    if _is(found, types.FunctionType):
        inside = issubclass(kind, type | types.ModuleType) or name in _own(value)
        return found if inside else types.MethodType(found, value)
    read = kind is np.ndarray and name in OF_ARRAYS
    if _is(found, types.MemberDescriptorType) or (read and _is(found, *OF_C)):
        return _read(found, value)
    return found


def _read(descriptor, value):
    try:
        return descriptor.__get__(value)
    except (AttributeError, TypeError, ValueError):  # an empty slot, one of a class; mT of a vector
        return UNKNOWN


def _is(value, *kinds):
    """Whether it is of exactly one of these kinds. A metaclass may have an ``==`` of its own."""
    return any(type(value) is kind for kind in kinds)


def _binds(value):
    return any("__get__" in _dict(kind) for kind in _mro(type(value)))


def _is_computed(value):
    """Whether an attribute has to compute its value, as a property does."""
    return not callable(value) and _binds(value)


def _members(value):
    """What is in a module, a class or an object: {name: value, or what gives it}."""
    if value is UNKNOWN:
        return {}
    inside = _own(value)
    if issubclass(type(value), types.ModuleType):
        listed = inside.get("__all__")
        public = set(filter(_is_name, listed if type(listed) is list else inside))
        return {
            name: what
            for name, what in inside.items()
            if _is_name(name) and (name in public or name.startswith("_"))
        }
    found = {}
    kind = value if issubclass(type(value), type) else type(value)
    for each in reversed(_mro(kind)):
        found.update(_dict(each))
    return found | inside


def _is_name(name):
    return type(name) is str


def _own(value):
    """A copy of an object's own dictionary; a class's holds descriptors for its objects."""
    if issubclass(type(value), type):
        return {}
    holder = inspect.getattr_static(value, "__dict__", None)
    inside = holder.__get__(value) if _is(holder, *OF_C) else None
    return dict(dict.items(inside)) if issubclass(type(inside), dict) else {}


def _what(value):
    """What a value is, in a word or two."""
    kind = type(value)
    if issubclass(kind, types.ModuleType):
        return "module"
    if issubclass(kind, type):
        return "class"
    if issubclass(kind, np.ndarray):
        return f"array {np.ndarray.shape.__get__(value)}"
    if kind is np.ufunc or _binds(value) or _is(value, types.BuiltinFunctionType):
        function = callable(value) or _is(value, classmethod, staticmethod)
        return "function" if function else "property"
    return _name(kind)


def _doc(value):
    """The docstring, if it is there to be read. That of int says nothing of a 3."""
    value = value.__func__ if _is(value, types.MethodType) else value
    kind = type(value)
    doc = inspect.getattr_static(value, "__doc__", "")
    if issubclass(kind, type):
        doc = _dict(value).get("__doc__")
    elif _is(doc, *OF_C):
        doc = _read(doc, value)
    elif not _flags(kind) & MADE_IN_PYTHON and "__doc__" not in _own(value):
        doc = ""
    return doc if type(doc) is str else ""


class _Something:
    """Stands for a parameter's default whose repr may be anybody's."""

    def __repr__(self):
        return "…"


def _signature(value):
    """Like "(x, axis=None)"; "" where it is not known."""
    if issubclass(type(value), type):
        made = [_attribute(value, name) for name in ("__init__", "__new__")]
        own = next((each for each in made if _is(each, types.FunctionType)), None)
        return _signature(types.MethodType(own, value)) if own else ""
    bound = _is(value, types.MethodType, types.MethodDescriptorType)
    function = value.__func__ if _is(value, types.MethodType) else value
    for _ in range(10):  # what decorators have wrapped
        inner = _own(function).get("__wrapped__") if _is(function, *WRAPPERS) else None
        if inner is None:
            break
        function = inner
    if _is(function, types.FunctionType):
        found = inspect.signature(_bare(function))
    elif _is(function, types.MethodDescriptorType) or _is_plain_builtin(function):
        try:
            found = inspect.signature(function)
        except ValueError:
            return ""
    else:
        return ""
    parameters = [_quiet(each) for each in found.parameters.values()]
    return str(inspect.Signature(parameters[1 if bound else 0 :]))


def _is_plain_builtin(value):
    """Whether it is one that C has bound to nothing of the reader's."""
    if not _is(value, types.BuiltinFunctionType):
        return False
    return not _flags(type(value.__self__)) & MADE_IN_PYTHON


def _bare(function):
    """The same function, without the attributes that could speak for it."""
    code, closure = function.__code__, function.__closure__
    made = types.FunctionType(code, {}, function.__name__, function.__defaults__, closure)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _quiet(parameter):
    default = parameter.default
    if default is parameter.empty or _is(default, *PLAIN):
        return parameter
    return parameter.replace(default=_Something())


def table(names):
    """What cells have made: ``{rows, more}``, a row ``[name, kind, shape, dtype, value]``.

    The last `ROWS` names, in the order in which they came; `more` counts those before them.
    A value is shown where its kind is known, and of an array its first elements.
    """
    made = [name for name in names if _is_name(name) and not name.startswith("_")]
    made = [name for name in made if name != "display" and _what(names[name]) != "module"]
    rows = [[name[:SHORT], *_row(names[name])] for name in made[-ROWS:]]
    return {"rows": rows, "more": len(made) - len(rows)}


def _row(value):
    if issubclass(type(value), np.ndarray):
        shape, dtype = np.ndarray.shape.__get__(value), np.ndarray.dtype.__get__(value)
        return ["array", str(shape), str(dtype)[:SHORT], _short(value)]
    return [_what(value), "", "", _short(value)]


def _short(value, inside=False):
    """A value in a few characters; "" if that is not known to run nothing of the reader's."""
    kind = type(value)
    if kind is np.ndarray:
        first = value.flat[: FIRST + 1] if value.dtype.kind in "biufc" else None
        return "" if first is None else _listed(first.tolist(), "[", "]")
    if _is(value, list, tuple) and not inside:
        return _listed(value[: FIRST + 1], *("[]" if kind is list else "()")) or _count(value)
    if _is(value, list, tuple, dict, set, frozenset):
        return "" if inside else _count(value)
    if issubclass(kind, np.generic) and not _flags(kind) & MADE_IN_PYTHON:
        value = np.generic.item(value)
    if _is(value, str, bytes):
        shown = repr(value[:SHORT])
    elif _is(value, int) and value.bit_length() > SHORT:
        shown = f"a number of {value.bit_length()} bits"
    elif _is(value, float, complex):
        shown = f"{value:.6g}"
    else:
        shown = repr(value) if _is(value, *PLAIN) else ""
    return shown if len(shown) <= SHORT else f"{shown[: SHORT - 1]}…"


def _listed(items, begin, end):
    """The first items, if all of them can be shown."""
    shown = [_short(item, inside=True) for item in items[:FIRST]]
    more = [", …"] if len(items) > FIRST else []
    text = ", ".join(shown) + "".join(more)
    return f"{begin}{text}{end}" if all(shown) and len(text) <= 2 * SHORT else ""


def _count(value):
    return f"{len(value)} items" if len(value) != 1 else "1 item"
