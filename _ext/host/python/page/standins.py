"""What stands in for parts that the page does not carry: IPython, and matplotlib.

ipywidgets asks IPython for a handful of names; the whole of it is large. matplotlib's stand-in lets
a cell that draws run to its end, draws nothing, and remembers that it was asked.
"""

import importlib.util
import sys
import types


class Shell:
    """What ``get_ipython()`` gives: a shell with a kernel, and nothing to type into."""

    kernel = object()  # an Output widget catches what its msg_id marks: see `Comms.publish`

    class events:
        """comm tells a shell before and after it hands on a message, and matplotlib asks when a
        cell ends: nobody listens here.
        """

        @staticmethod
        def trigger(name):
            pass

        @staticmethod
        def register(name, callback):
            pass

    def get_parent(self):
        return {"header": {"msg_id": "page"}}

    def set_parent(self, parent):
        pass

    def showtraceback(self, exception=None, **_):
        from . import session

        session.show(exception[1] if exception else sys.exception())


def install_ipython(show, clear):
    """Make ``import IPython`` work. `show(value)` displays, `clear(wait)` clears the output."""
    shell = Shell()

    def display(*values, **_):
        """Show each value under the cell."""
        for value in values:
            show(value)

    def clear_output(wait=False):
        """Clear what the cell has shown so far."""
        clear(wait)

    def get_ipython():
        return shell

    _module("IPython", get_ipython=get_ipython, display=display, version_info=(9, 0, 0))
    _module("IPython.display", display=display, clear_output=clear_output)
    _module("IPython.core")
    _module("IPython.core.pylabtools", backend2gui={})  # an older matplotlib looks for windows
    _module("IPython.core.interactiveshell", InteractiveShell=Shell)
    return display


class Drawing:
    """Takes whatever matplotlib would, and draws nothing."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_, **__):
        return self

    def __getitem__(self, _):
        return self

    def __setitem__(self, *_):
        pass

    def __iter__(self):
        return iter(())

    def __repr__(self):
        return "<a drawing that needs matplotlib>"


class Matplotlib:
    """The stand-in for matplotlib: `asked` once something was drawn."""

    asked = False

    def install(self):
        """Make ``import matplotlib`` work, unless the page carries it."""
        if importlib.util.find_spec("matplotlib"):
            return
        root = _module("matplotlib", rcParams={}, __path__=[])
        for name in ("pyplot", "colors", "cm", "ticker", "patches", "lines", "figure", "axes"):
            root.__dict__[name] = _module(f"matplotlib.{name}")
        root.pyplot.__dict__.update(rcParams=root.rcParams, cycler=Drawing())
        root.pyplot.__dict__.update(subplots=self._panels, show=lambda *_, **__: None)
        for module in (root.pyplot, root.patches, root.lines):
            module.__getattr__ = self._draw
        for module in (root, root.colors, root.cm, root.ticker, root.figure, root.axes):
            module.__getattr__ = _nothing

    def _draw(self, name):
        drawing = _nothing(name)
        self.asked = True
        return drawing

    def _panels(self, nrows=1, ncols=1, *, squeeze=True, **_):
        import numpy as np

        self.asked = True
        panels = np.empty((nrows, ncols), object)
        panels[:] = [[Drawing() for _ in range(ncols)] for _ in range(nrows)]
        if squeeze:
            panels = panels.item() if panels.size == 1 else panels.squeeze()
        return Drawing(), panels


def _nothing(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return Drawing()


def _module(name, **content):
    module = sys.modules[name] = types.ModuleType(name)
    module.__dict__.update(content)
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, module)
    return module
