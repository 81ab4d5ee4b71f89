"""Runs the source of a cell as Jupyter does: the last expression is the result."""

import ast
import builtins
import linecache
import sys
import tokenize
import types
from io import StringIO

from . import errors
from .source import parse

FORMATS = {
    "text/markdown": "_repr_markdown_",
    "text/latex": "_repr_latex_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
}


def bundle(value):
    """How a value is shown, by MIME type: text/plain always, others if it knows them."""
    data = {}
    rich = getattr(value, "_repr_mimebundle_", None)
    if callable(rich) and not isinstance(value, type):
        data = rich() or {}
        data = dict(data[0] if isinstance(data, tuple) else data)
    for mime, method in FORMATS.items():
        shown = getattr(value, method, None)
        if mime not in data and callable(shown) and not isinstance(value, type):
            made = shown()
            if made is not None:
                data[mime] = made
    data.setdefault("text/plain", repr(value))
    return data


class Cells:
    """The names that cells share, and what runs them."""

    def __init__(self, speaker):
        self._speaker, self._count = speaker, 0
        main = types.ModuleType("__main__")
        main.__builtins__ = builtins
        sys.modules["__main__"] = main
        self.names = main.__dict__

    def run(self, source, name):
        """Run a source that tracebacks call `name`: True if it came to its end."""
        self._count += 1
        file = f"<{name}, run {self._count}>"  # of its own: older functions keep their source
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        try:
            body, last = _split(source, file)
            exec(body, self.names)
            if last is not None:
                value = eval(last, self.names)
                if value is not None and not _silent(source):
                    self.names["_"] = value
                    self._speaker.output(type="result", data=bundle(value))
        except BaseException as error:
            self._speaker.output(**errors.describe(error, file))
            return False
        return True


def _split(source, file):
    """The compiled statements, and the compiled last expression if there is one."""
    tree = parse(source, file)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), file, "eval", dont_inherit=True)
    return compile(tree, file, "exec", dont_inherit=True), last


def _silent(source):
    """Whether a semicolon ends the source: then its last value is not shown."""
    plain = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.DEDENT}
    tokens = [t for t in tokenize.generate_tokens(StringIO(source).readline) if t.type not in plain]
    return bool(tokens) and tokens[-1].string == ";"
