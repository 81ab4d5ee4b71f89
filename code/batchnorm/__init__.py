"""Batch normalization and its gradient: to read, to run, to trace, to drag.

The mathematics lives in `reference` (to read and trace), `layer` (to use), `graph` (to
differentiate and cut) and `check` (to doubt); the pictures in `figures` and `plots`.
"""

from .check import compare, numeric_gradient
from .exercise import exercises
from .figures import (
    BatchFigure,
    CancellationFigure,
    DepthFigure,
    DescentFigure,
    GraphFigure,
    JacobianFigure,
    PredictFigure,
    RunningFigure,
    SphereFigure,
    TrainingFigure,
    WeightSpaceFigure,
    WhiteningFigure,
    controls,
)
from .graph import Derivation, Edge, Graph, derive, trace
from .jacobian import (
    gradient_norm_squared,
    jacobian_terms,
    tangent_projection,
    x_hat_jacobian,
)
from .judge import assert_gradient, diagnose
from .layer import backward, forward
from .reference import backward_compact, backward_staged, batch_norm
from .reparameterization import (
    batch_norm_loss,
    covariance,
    descend,
    direction_gradient,
    direction_loss,
    equilibrium_norm,
    fold,
    least_squares_loss,
    output_variance,
    reparameterize,
)
from .running import RunningStatistics
from .whitening import RunningCovariance, newton_schulz, whiten, whiten_backward

__all__ = [
    "BatchFigure",
    "CancellationFigure",
    "DepthFigure",
    "Derivation",
    "DescentFigure",
    "Edge",
    "Graph",
    "GraphFigure",
    "JacobianFigure",
    "PredictFigure",
    "RunningCovariance",
    "RunningFigure",
    "RunningStatistics",
    "SphereFigure",
    "TrainingFigure",
    "WeightSpaceFigure",
    "WhiteningFigure",
    "assert_gradient",
    "backward",
    "backward_compact",
    "backward_staged",
    "batch_norm",
    "batch_norm_loss",
    "compare",
    "controls",
    "covariance",
    "derive",
    "descend",
    "diagnose",
    "direction_gradient",
    "direction_loss",
    "equilibrium_norm",
    "exercises",
    "fold",
    "forward",
    "gradient_norm_squared",
    "jacobian_terms",
    "least_squares_loss",
    "newton_schulz",
    "numeric_gradient",
    "output_variance",
    "reparameterize",
    "tangent_projection",
    "trace",
    "whiten",
    "whiten_backward",
    "x_hat_jacobian",
]
