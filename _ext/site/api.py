"""The page of the package, made from its docstrings: every public name, grouped by its module."""

import inspect
import re
from itertools import groupby

import batchnorm

PAGE = "chapters/api"
# In the order in which they are met; modules that are not named here follow.
SUBJECTS = ["reference", "layer", "check", "graph", "figures"]


def module_of(name):
    """The part of the package that a public name belongs to."""
    value = getattr(batchnorm, name)
    if hasattr(value, "__module__"):
        return value.__module__.split(".")[1]
    modules = inspect.getmembers(batchnorm, inspect.ismodule)
    return next(part for part, module in modules if name in vars(module))


def place(module):
    return (SUBJECTS.index(module) if module in SUBJECTS else len(SUBJECTS), module)


def listed(match):
    """A section of a docstring, of parameters or results, as a list in Markdown."""
    lines = re.sub(r"\n +", " ", match[2].strip()).splitlines()
    items = [re.sub(r"^([\w, *]+?) : ", r"- `\1`: ", line) for line in lines]
    return "\n".join([f"{match[1]}:\n", *items, ""])


def example(match):
    """An example in a docstring, as code: Markdown would make quotations of its ``>>>``."""
    shown = match[0].replace("<BLANKLINE>", "").rstrip()
    return f"```pycon\n{shown}\n```\n"


def table(match):
    """A table in a docstring, its columns below lines of ``=``, in Markdown."""
    columns = [slice(*column.span()) for column in re.finditer("=+", match[1])]
    last = slice(columns[-1].start, None)
    lines = [line for line in match[0].splitlines() if not line.startswith("=")]
    rows = [[line[place].strip() for place in (*columns[:-1], last)] for line in lines]
    rows.insert(1, ["---"] * len(columns))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def words(value):
    """A docstring as Markdown: its first sentences, and the rest."""
    text = inspect.getdoc(value) or ""
    text = re.sub(r"^(=+(?: +=+)+)\n.+\n\1\n(?:.+\n)+\1$", table, text, flags=re.M)
    text = re.sub(r"^(\w+)\n-{3,}\n((?:.+\n?)+)", listed, text, flags=re.M)
    text = re.sub(r"^>>> (?:.+\n?)+", example, text, flags=re.M)
    first, _, rest = re.sub(r"::$", ":", text, flags=re.M).partition("\n\n")
    return first.replace("\n", " "), rest


def call(function, name):
    """How a function is called, as a line of Python; its docstring says the types."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return f"{name}{inspect.Signature([p for p in bare if p.name != 'self'])}"


def entry(name):
    """A public name, folded: its first sentence, signature, docstring; a class's methods, too."""
    value = getattr(batchnorm, name)
    if not callable(value):
        yield f"`bn.{name}`\n"
        return
    first, rest = words(value)
    yield f":::::{{dropdown}} `bn.{name}`: {first}\n"
    if inspect.isfunction(value):
        yield f"```python\nbn.{call(value, name)}\n```\n"
    yield f"{rest}\n"
    if inspect.isclass(value) and not name.endswith("Figure"):
        for method, function in vars(value).items():
            if inspect.isfunction(function) and not method.startswith("_") and function.__doc__:
                told = "\n\n".join(words(function))
                yield f"```python\n.{call(function, method)}\n```\n\n{told}\n"
    yield ":::::\n"


def page():
    """The page's Markdown, below its introduction."""
    names = sorted(batchnorm.__all__, key=lambda name: (place(module_of(name)), name.lower()))
    for module, group in groupby(names, module_of):
        summary = words(getattr(batchnorm, module))[0]
        yield f"## {module.capitalize()}\n\n{summary}\n"
        for name in group:
            yield from entry(name)


def write(app, name, source):
    if name == PAGE:
        source[0] += "\n" + "\n".join(page())
