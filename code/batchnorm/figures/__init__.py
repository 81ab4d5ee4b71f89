"""The live figures: a folder each, with its class, its scripts and its golden pictures."""

from .batch import BatchFigure
from .cancellation import CancellationFigure
from .controls import controls
from .depth import DepthFigure
from .descent import DescentFigure
from .graph import GraphFigure
from .jacobian import JacobianFigure
from .kit.words import language
from .predict import PredictFigure
from .running import RunningFigure
from .sphere import SphereFigure
from .training import TrainingFigure
from .weight_space import WeightSpaceFigure
from .whitening import WhiteningFigure

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
    "language",
]
