"""The live figures: one Python class and one JavaScript module each, same stem."""

from .batch_figure import BatchFigure
from .controls import controls
from .descent_figure import DescentFigure

__all__ = ["BatchFigure", "DescentFigure", "controls"]
