"""What every figure shares: how its script is put together, its colours, its traits."""

import re
from functools import cache
from pathlib import Path
from typing import ClassVar

import anywidget
import numpy as np
import traitlets

from ...plots import PALETTE

FIGURES = Path(__file__).parent.parent
IMPORT = re.compile(
    r'^(import|export) (?:(\{[^}]*\}) from )?"(\.\.?/[\w./]+\.js)";\n', re.MULTILINE
)
NAME = re.compile(r"\w+")
COMMENT = re.compile(
    r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/[ \t]*|// [^\n]*)\n|/\*\*(?:(?!\*/).)*\*/ ?| +// [^\n]*",
    re.MULTILINE | re.DOTALL,
)
EXPORT = re.compile(r"^export (?:(?:async )?function|const|class) (\w+)", re.MULTILINE)


@cache
def join(name):
    """One script out of ``<name>/figure.js`` and the modules it imports, each before its users.

    anywidget loads a single file, in which relative imports fail, and a plain ``pip install`` has
    no bundler. So the modules are ordinary ES modules that import one another in the form
    ``import { a, b as c } from "./d.js";`` (or ``import "./d.js";`` for what it does, or ``export``
    in the place of ``import`` to hand names on), and each is wrapped here in a function of its own
    that returns what it exports. Modules may use the same names, and two may have the same stem.
    Their comments stay behind: every figure's state carries its script.

    Raises ValueError for an import of another form, or for modules that import each other in turn.
    """
    entry, scopes, parts = (FIGURES / name / "figure.js").resolve(), {}, []

    def visit(path):
        if path in scopes:
            if scopes[path] is None:
                raise ValueError(f"{path.name}: it imports itself, by way of what it imports")
            return
        scopes[path] = None
        text, names = COMMENT.sub("", path.read_text("utf8")), []

        def bind(match):
            needed = (path.parent / match[3]).resolve()
            visit(needed)
            if not match[2]:
                return ""
            if match[1] == "export":
                names.extend(f"{name}: {scopes[needed]}.{name}" for name in NAME.findall(match[2]))
                return ""
            return f"const {re.sub(r' as ', ': ', match[2])} = {scopes[needed]};\n"

        text = IMPORT.sub(bind, text)
        if re.search(r"^import\b", text, re.MULTILINE):
            raise ValueError(
                f'{path.name}: an import is not of the form import {{ a, b }} from "./c.js";'
            )
        scopes[path] = f"$module{len(parts)}"
        if path == entry:
            parts.append(text)
            return
        names += EXPORT.findall(text)
        text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
        exported = ", ".join(names)
        parts.append(f"const {scopes[path]} = (() => {{\n{text}return {{ {exported} }};\n}})();\n")

    visit(entry)
    return "\n".join(parts)


def _palette_css():
    """The palette as CSS variables; dark on the book's, JupyterLab's and VS Code's dark themes."""

    def variables(dark):
        return "".join(f"--bn-{name}:{pair[dark]};" for name, pair in PALETTE.items())

    dark = ('html[data-theme="dark"]', '[data-jp-theme-light="false"]', ".vscode-dark")
    where = ",".join(f"{ground} .bn-figure" for ground in dark)
    return f".bn-figure{{{variables(0)}}}\n{where}{{{variables(1)}}}\n"


class Vector(traitlets.TraitType):
    """A list of finite numbers; takes any 1-D array. Raises ValueError for anything else."""

    info_text = "a list of finite numbers"

    def validate(self, obj, value):
        array = np.asarray(value)
        if array.ndim != 1 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise ValueError(f"{self.name}: got {value!r}, want a list of finite numbers")
        return [float(v) for v in array]


def in_range(proposal, lo, hi):
    """A trait's proposed value, if it lies in the range. Raises ValueError if not."""
    if not lo <= proposal.value <= hi:
        raise ValueError(f"{proposal.trait.name}: got {proposal.value}, want {lo:g} to {hi:g}")
    return proposal.value


def finite(proposal):
    """A trait's proposed value, if it is a finite number; eps >= 0. Raises ValueError if not."""
    name, least = proposal.trait.name, 0 if proposal.trait.name == "eps" else -np.inf
    if not (np.isfinite(proposal.value) and proposal.value >= least):
        wanted = "a number >= 0" if name == "eps" else "a finite number"
        raise ValueError(f"{name}: got {proposal.value}, want {wanted}")
    return proposal.value


def _short(value):
    """A value as one would print it: its floats to six digits."""
    if isinstance(value, list):
        return [_short(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


class Figure(anywidget.AnyWidget):
    """An interactive figure, alive on the static page, in JupyterLab and in VS Code.

    A subclass in ``<name>/__init__.py`` has its script beside it in ``figure.js``. It names the
    traits it reads in ``inputs`` and the traits it hands back in ``outputs``, and says in
    `compute` how the latter follow from the former. In the browser the script computes them; in
    Python `compute` does, whenever Python (and not the browser) sets an input. So the next cell
    can read ``figure.dx`` whether or not the figure was ever shown.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    labels: ClassVar[dict[str, str]] = {}  # what a control is called, if not by its trait's name

    _inputs = traitlets.List(traitlets.Unicode()).tag(sync=True)
    # How much room the static page keeps before the script has run: at least so many pixels
    _min_height = traitlets.Int(300).tag(sync=True)

    def __init_subclass__(cls, **kwargs):
        if "_esm" not in cls.__dict__:  # anywidget subclasses an instance's class to add traits
            cls._esm = join(cls.__module__.rpartition(".")[2])
            cls._css = _palette_css() + (Path(__file__).with_name("figure.css")).read_text("utf8")
        super().__init_subclass__(**kwargs)

    def __init__(self, **kwargs):
        self._from_page = False
        super().__init__(_inputs=list(self.inputs), **kwargs)
        self._update()
        self.observe(self._update, list(self.inputs))

    def compute(self):
        """The outputs that follow from the inputs: {name: value}."""
        return {}

    def _update(self, change=None):
        if not self._from_page:
            with self.hold_sync():
                for name, value in self.compute().items():
                    setattr(self, name, value)

    def set_state(self, sync_data):
        # The browser sends the outputs along; computing them again would echo back late values
        self._from_page = True
        try:
            super().set_state(sync_data)
        finally:
            self._from_page = False

    def __repr__(self):
        shown = ", ".join(f"{name}={_short(getattr(self, name))!r}" for name in self.inputs[:2])
        return f"{type(self).__name__}({shown})"

    def _repr_keys(self):  # ipywidgets asks for these when a box shows its children
        return iter(self.inputs[:2])
