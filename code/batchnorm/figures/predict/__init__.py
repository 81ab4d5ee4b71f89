"""Predict, then reveal: drag a guess for the gradient at the inputs, then see the true one."""

import inspect

import numpy as np
import traitlets

from ...graph import trace
from ...reference import batch_norm
from ...validate import array
from ..kit import Figure, Vector, finite, not_too_large

PARAMETERS = ("gamma", "beta", "eps")
TRIES = 300  # random batches looked at, before it is said that none is worth a guess


class PredictFigure(Figure):
    """A batch, the gradient at its outputs, and an arrow to drag at each sample: a guess of dx.

    "Show dx" draws the true gradient below the guess and says how far apart the two are,
    ``norm(guess - dx) / norm(dx)``. It also says which property of every dx of this layer the guess
    lacks: that it adds up to 0, or that it is at right angles to ``x_hat``. The figure finds out
    from the graph whether the layer has these properties, for this batch and all dy. "Next batch"
    goes on to another batch and clears the guess.

    Parameters
    ----------
    x : the samples of the first batch, 2 to 8 numbers
    dy : the gradient of the loss at the outputs, one number per sample
    function : plain NumPy code ``y = function(x, …)`` that may take gamma, beta and eps; y has the
        shape of x
    more : how many batches follow, drawn at random in tenths; the same ones for the same `seed`
    gamma, beta, eps : numbers; eps >= 0
    guess : one number per sample; 0 at the start
    shown : whether the true gradient is there to be seen
    problem : which batch, counted from 0

    Hands back ``x`` and ``dy`` of the batch, and ``dx``, which is empty before it is shown and
    where it is not defined (equal samples with eps = 0). Raises ValueError for a wrong number of
    samples, numbers that are not finite or beyond 1e150, a batch for which dx is not defined, a
    function for which no random batch is worth a guess, and for what `trace` refuses.
    """

    inputs = ("guess", "shown", "problem", "problems", *PARAMETERS, "graph")
    outputs = ("x", "dy", "dx")

    guess = Vector().tag(sync=True, link=("reals",))
    shown = traitlets.Bool(False).tag(sync=True, link=("bool",))
    problem = traitlets.Int(0).tag(sync=True)
    problems = traitlets.List().tag(sync=True)  # x and dy of each batch
    gamma = traitlets.CFloat(1.0).tag(sync=True, link=("real",))
    beta = traitlets.CFloat(0.0).tag(sync=True, link=("real",))
    eps = traitlets.CFloat(0.0).tag(sync=True, link=("real", 0))
    graph = traitlets.Unicode().tag(sync=True)
    x = Vector([]).tag(sync=True)
    dy = Vector([]).tag(sync=True)
    dx = Vector([]).tag(sync=True)

    def __init__(self, x, dy, *, function=batch_norm, more=5, seed=0, **parameters):
        x, dy = array("x", x).astype(float), array("dy", dy).astype(float)
        if x.ndim != 1 or not 2 <= x.size <= 8:
            raise ValueError(f"x: got shape {x.shape}, want 2 to 8 samples of one feature")
        if dy.shape != x.shape or not np.isfinite([x, dy]).all():
            raise ValueError(f"dy: got {dy}, want one finite number per sample, shape {x.shape}")
        for name, a in (("x", x), ("dy", dy)):
            not_too_large(name, a)
        wanted = [name for name in inspect.signature(function).parameters if name in PARAMETERS]
        given = {name: parameters.get(name, self.trait_defaults(name)) for name in wanted}
        with np.errstate(all="ignore"):
            self._graph = trace(function, x=x, **given)
        if self._truth(x, dy, given) is None:
            raise ValueError(f"x: got {x}, where dx is not defined with {given}")
        problems = [(x, dy), *self._draw(x.size, given, more, np.random.default_rng(seed))]
        super().__init__(
            problems=[[a.tolist(), b.tolist()] for a, b in problems],
            graph=self._graph.to_json(),
            **{"guess": np.zeros(x.size)} | parameters,
        )

    def _truth(self, x, dy, given):
        """The gradient at the inputs; None where it is not defined."""
        with np.errstate(all="ignore"):
            dx = self._graph.forward(x=x, **given).backward(dy)["x"]
        return dx if np.isfinite(dx).all() else None

    def _draw(self, m, given, count, rng):
        """Random batches: dx is neither nearly 0 nor nearly dy, or there were nothing to guess."""
        found = []
        for _ in range(TRIES):
            if len(found) == count:
                return found
            x, dy = rng.integers(-20, 21, m) / 10, rng.integers(-12, 13, m) / 10
            long = np.linalg.norm(dy)
            dx = self._truth(x, dy, given) if np.ptp(x) >= 1 and long >= 1 else None
            size = 0 if dx is None else np.linalg.norm(dx)
            if size >= 0.3 * long and np.linalg.norm(dx - dy) >= 0.3 * size > 0:
                found.append((x, dy))
        raise ValueError(f"more: got {count}, want 0: every dx here is nearly 0, or nearly dy")

    def _kinds(self):
        return super()._kinds() | {"problem": ["int", 0, len(self.problems) - 1]}

    @traitlets.validate("guess")
    def _check_guess(self, proposal):
        m = len(self.problems[0][0])
        if len(proposal.value) != m:
            raise ValueError(f"guess: got {len(proposal.value)} numbers, want one per sample, {m}")
        return proposal.value

    @traitlets.validate("problem")
    def _check_problem(self, proposal):
        last = len(self.problems) - 1
        if not 0 <= proposal.value <= last:
            raise ValueError(f"problem: got {proposal.value}, want 0 to {last}")
        return proposal.value

    @traitlets.validate("gamma", "beta", "eps")
    def _check_number(self, proposal):
        return finite(proposal)

    def compute(self):
        x, dy = map(np.array, self.problems[self.problem])
        given = {name: getattr(self, name) for name in self._graph.inputs if name != "x"}
        dx = self._truth(x, dy, given) if self.shown else None
        return {"x": x, "dy": dy, "dx": [] if dx is None else dx}
