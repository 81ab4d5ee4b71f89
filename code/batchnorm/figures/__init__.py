"""The live figures: one Python class and one JavaScript module each, same stem."""

from .batch_figure import BatchFigure
from .cancellation_figure import CancellationFigure
from .controls import controls
from .depth_figure import DepthFigure
from .descent_figure import DescentFigure
from .graph_figure import GraphFigure
from .jacobian_figure import JacobianFigure
from .predict_figure import PredictFigure
from .running_figure import RunningFigure
from .sphere_figure import SphereFigure
from .training_figure import TrainingFigure
from .weight_space_figure import WeightSpaceFigure
from .whitening_figure import WhiteningFigure

__all__ = [
    "BatchFigure",
    "CancellationFigure",
    "DepthFigure",
    "DescentFigure",
    "GraphFigure",
    "JacobianFigure",
    "PredictFigure",
    "RunningFigure",
    "SphereFigure",
    "TrainingFigure",
    "WeightSpaceFigure",
    "WhiteningFigure",
    "controls",
]
