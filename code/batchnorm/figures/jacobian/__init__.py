"""The Jacobian of x -> x_hat as a heat map, with its singular values: who pulls on whom."""

from typing import ClassVar

import numpy as np
import traitlets

from ...graph import trace
from ...reference import batch_norm
from ..kit import Figure, Vector, finite
from ..kit.paths import gradient_paths


class JacobianFigure(Figure):
    """The m x m Jacobian of x -> x_hat for one feature, in three terms that can be switched.

    The batch is made up: m - 1 samples are spread evenly from -1 to 1 (a single one is at 0), and
    the last one is at the distance ``outlier`` from their middle.

    Parameters
    ----------
    m : the number of samples, 2 to 16
    outlier : where the last sample lies
    eps : number >= 0
    identity, mean, variance : which terms are added up: the direct path, the path through the mean,
        the path through the variance
    entry : (k, i), the row and column that are pointed at, from 0

    Hands back the samples ``x``; ``jacobian``, a list of rows, in which row k, column i is
    ``∂x_hat_k/∂x_i``; and ``singular_values``, largest first. The latter two are empty where x_hat
    is not defined (equal samples with eps = 0, or numbers beyond float64). Raises ValueError for an
    m outside 2 to 16, an outlier or eps that is not finite, an eps < 0, and an entry that is
    not two whole numbers >= 0.
    """

    inputs = ("m", "outlier", "eps", "identity", "mean", "variance", "entry", "graph")
    outputs = ("x", "jacobian", "singular_values")
    labels: ClassVar = {"m": "samples m"}

    m = traitlets.Int(6).tag(sync=True, link=("int", 2, 16))
    outlier = traitlets.CFloat(2.0).tag(sync=True, link=("real",))
    eps = traitlets.CFloat(1e-5).tag(sync=True, link=("real", 0))
    identity = traitlets.Bool(True).tag(sync=True, link=("bool",))
    mean = traitlets.Bool(True).tag(sync=True, link=("bool",))
    variance = traitlets.Bool(True).tag(sync=True, link=("bool",))
    entry = traitlets.List([0, 1]).tag(sync=True, link=("ints", 0))
    graph = traitlets.Unicode().tag(sync=True)
    x = Vector([]).tag(sync=True)
    jacobian = traitlets.List([]).tag(sync=True)
    singular_values = Vector([]).tag(sync=True)

    _min_height = traitlets.Int(480).tag(sync=True)

    def __init__(self, m=6, outlier=2.0, **parameters):
        self._graph = trace(batch_norm, x=np.eye(2), gamma=1.0, beta=0.0, eps=1.0)
        super().__init__(m=m, outlier=outlier, graph=self._graph.to_json(), **parameters)

    @traitlets.validate("m")
    def _check_m(self, proposal):
        if not 2 <= proposal.value <= 16:
            raise ValueError(f"m: got {proposal.value}, want 2 to 16 samples")
        return proposal.value

    @traitlets.validate("outlier", "eps")
    def _check_number(self, proposal):
        return finite(proposal, np.finfo(float).max)  # it says itself where it overflows

    @traitlets.validate("entry")
    def _check_entry(self, proposal):
        entry = list(proposal.value)
        if len(entry) != 2 or not all(isinstance(v, int) and v >= 0 for v in entry):
            raise ValueError(f"entry: got {entry}, want a row and a column, counted from 0")
        return entry

    def compute(self):
        m = self.m
        x = np.append(np.linspace(-1, 1, m - 1) if m > 2 else 0.0, self.outlier)
        # m copies of the feature, and a one-hot dy for each: one backward pass asks for every row
        with np.errstate(all="ignore"):
            run = self._graph.forward(x=np.tile(x[:, None], m), gamma=1.0, beta=0.0, eps=self.eps)
            parts = gradient_paths(run, np.eye(m))
        if not all(np.isfinite(a).all() for a in [run["s"], *parts.values()]) or not run["s"].all():
            return {"x": x, "jacobian": [], "singular_values": []}
        chosen = {"direct": self.identity, "mean": self.mean, "variance": self.variance}
        jacobian = sum(parts[path].T * on for path, on in chosen.items())
        values = np.linalg.svd(jacobian, compute_uv=False)
        return {"x": x, "jacobian": jacobian.tolist(), "singular_values": values}
