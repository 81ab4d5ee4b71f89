"""Three samples as one point in space: the circle of x_hat, and what of dy is tangent to it."""

import numpy as np
import traitlets

from ...graph import trace
from ...reference import batch_norm
from ...validate import array
from ..kit import Figure, Vector, finite, in_range


class SphereFigure(Figure):
    """A batch of three samples as a point in space, seen along the direction 1 and from the side.

    Centring drops the point on the plane of mean zero; dividing by s puts it on a circle of
    radius ``sqrt(3 var / (var + eps))``. The upstream gradient dy, drawn there, splits into the
    part along 1 and the part along x_hat, which are taken away (the latter not wholly if eps > 0),
    and the rest, which times gamma/s is dx. The batch and dy can be dragged, and the view from the
    side can be turned. One button removes the two parts from dy, one by one; "Take a step" moves
    the batch by ``-rate * dx``.

    Parameters
    ----------
    x : the three samples
    dy : the gradient of the loss at the outputs, one number per sample
    gamma, rate : numbers
    eps : number >= 0
    turn : degrees by which the view from the side is turned
    peeled : how many parts of dy are drawn as removed: 0, 1 (the mean's) or 2 (both)

    Hands back ``x``, ``dy``, ``x_hat`` and ``dx`` as lists; the latter two are empty where they are
    not defined (samples equal to within rounding, with eps = 0). ``trail`` holds the batches before
    each step taken, three numbers each. Raises ValueError for anything but three numbers in x and
    dy, for what is not finite or beyond 1e150, and for an eps < 0.
    """

    inputs = ("x", "dy", "gamma", "eps", "rate", "turn", "peeled", "trail", "start", "graph")
    outputs = ("x_hat", "dx")

    x = Vector().tag(sync=True, link=("reals",))
    dy = Vector().tag(sync=True, link=("reals",))
    gamma = traitlets.CFloat(1.0).tag(sync=True, link=("real",))
    eps = traitlets.CFloat(0.0).tag(sync=True, link=("real", 0))
    rate = traitlets.CFloat(1.0).tag(sync=True, link=("real",))
    turn = traitlets.CFloat(40.0).tag(sync=True, link=("real",))
    peeled = traitlets.Int(0).tag(sync=True, link=("int", 0, 2))
    trail = Vector([]).tag(sync=True, link=("past", 3))
    start = traitlets.List([[], []]).tag(sync=True)  # x and dy as "Reset" brings them back
    graph = traitlets.Unicode().tag(sync=True)
    x_hat = Vector([]).tag(sync=True)
    dx = Vector([]).tag(sync=True)

    _min_height = traitlets.Int(520).tag(sync=True)

    def __init__(self, x=(1.0, 2.4, -0.8), dy=(-0.5, 0.7, 2.1), **parameters):
        x, dy = array("x", x).astype(float), array("dy", dy).astype(float)
        self._graph = trace(batch_norm, x=np.zeros(3), gamma=1.0, beta=0.0, eps=1.0)
        super().__init__(
            x=x, dy=dy, start=[x.tolist(), dy.tolist()], graph=self._graph.to_json(), **parameters
        )

    @traitlets.validate("x", "dy")
    def _check_three(self, proposal):
        if len(proposal.value) != 3:
            name = proposal.trait.name
            raise ValueError(f"{name}: got {len(proposal.value)} numbers, want three samples")
        return proposal.value

    @traitlets.validate("trail")
    def _check_trail(self, proposal):
        if len(proposal.value) % 3:
            raise ValueError(f"trail: got {len(proposal.value)} numbers, want three per batch")
        return proposal.value

    @traitlets.validate("peeled")
    def _check_peeled(self, proposal):
        return in_range(proposal, 0, 2)

    @traitlets.validate("gamma", "eps", "rate", "turn")
    def _check_number(self, proposal):
        return finite(proposal)

    def compute(self):
        x = np.array(self.x)
        # Rounding alone spreads equal samples by so much, or their squares underflow
        if self.eps == 0 and np.ptp(x) <= max(1e-13 * np.abs(x).max(), 1e-150):
            return {"x_hat": [], "dx": []}
        with np.errstate(over="ignore"):
            run = self._graph.forward(x=x, gamma=self.gamma, beta=0.0, eps=self.eps)
            dx = run.backward(np.array(self.dy))["x"]
        return {"x_hat": run["x_hat"], "dx": dx if np.isfinite(dx).all() else []}
