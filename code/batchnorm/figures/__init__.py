"""The live figures: one Python class and one JavaScript module each, same stem."""

from .batch_figure import BatchFigure
from .controls import controls

__all__ = ["BatchFigure", "controls"]
