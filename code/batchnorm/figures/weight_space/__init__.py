"""Two weights below batch norm: its loss in rays, the plain one in ellipses, and a descent."""

import numpy as np
import traitlets

from ...graph import trace
from ...reparameterization import batch_norm_loss, descend, least_squares_loss, output_variance
from ...validate import array
from ..kit import LARGEST, Figure, Vector, in_range, not_too_large

SAME, OTHER = np.eye(2), np.eye(2)[::-1]


def correlated(samples, correlation, optimum):
    """Inputs of covariance ((1, c), (c, 1)) out of white ones; targets that `optimum` meets."""
    tall = np.sqrt(1 + correlation)
    flat = np.sqrt(1 - correlation)
    root = (tall + flat) / 2 * SAME + (tall - flat) / 2 * OTHER
    x = samples @ root
    t = x @ optimum
    beta = t.mean(axis=0)
    gamma = np.sqrt(((t - beta) ** 2).mean(axis=0))
    return x, t, gamma, beta


class WeightSpaceFigure(Figure):
    """Gradient descent on two weights, with batch norm above them and without.

    The data are least squares: inputs with variances 1 and the covariance ``correlation``, targets
    ``x @ optimum``; gamma and beta have the values that fit the optimum. With batch norm the loss
    depends only on the direction of w, as long as eps is 0: its contours are rays. Both descents
    start at w, which can be dragged, and take ``w <- w - rate * (gradient + decay * w)``.

    Parameters
    ----------
    w : the two weights at the start, at most 1e150 in size
    optimum : two weights, not both 0
    correlation : -0.999 to 0.999; 0 makes S the identity
    rate, decay, eps : numbers >= 0
    step : which step is shown, 0 to steps
    steps : how many are taken, 1 to 500
    samples : (m, 2) array from which the inputs are made, by default eight normal ones; they are
        centred and whitened first, so that S is exact

    Hands back, at the step shown, ``path`` (each w so far), ``loss`` and ``gradient`` under batch
    norm, and ``plain_path``, ``plain_loss`` and ``plain_gradient`` without. A path ends early where
    the next step is not defined or larger than 1e150. Where a loss is not defined (w = 0 with
    eps = 0, or beyond the range of numbers) it is None and its gradient is empty.

    Raises ValueError for numbers out of range, and for samples or an optimum of another shape.
    """

    inputs = (
        *("w", "rate", "decay", "correlation", "eps", "step"),
        *("steps", "optimum", "samples", "graphs"),
    )
    outputs = ("path", "loss", "gradient", "plain_path", "plain_loss", "plain_gradient")

    w = Vector().tag(sync=True, link=("reals", -LARGEST, LARGEST))
    rate = traitlets.CFloat(0.2).tag(sync=True, link=("real", 0, 1e300))
    decay = traitlets.CFloat(0.0).tag(sync=True, link=("real", 0, 1e300))
    correlation = traitlets.CFloat(0.0).tag(sync=True, link=("real", -0.999, 0.999))
    eps = traitlets.CFloat(0.0).tag(sync=True, link=("real", 0, 1e300))
    step = traitlets.Int(0).tag(sync=True, link=("int", 0))
    steps = traitlets.Int(100).tag(sync=True)
    optimum = Vector().tag(sync=True)
    samples = traitlets.List().tag(sync=True)
    graphs = traitlets.Dict().tag(sync=True)
    path = traitlets.List().tag(sync=True)
    loss = traitlets.CFloat(None, allow_none=True).tag(sync=True)
    gradient = Vector([]).tag(sync=True)
    plain_path = traitlets.List().tag(sync=True)
    plain_loss = traitlets.CFloat(None, allow_none=True).tag(sync=True)
    plain_gradient = Vector([]).tag(sync=True)

    _min_height = traitlets.Int(640).tag(sync=True)

    def __init__(self, w=(-1.0, 0.2), optimum=(1.5, 0.5), *, samples=None, **parameters):
        if samples is None:
            samples = np.random.default_rng(0).normal(size=(8, 2))
        samples = array("samples", samples).astype(float)
        if samples.ndim != 2 or samples.shape[1] != 2 or not np.isfinite(samples).all():
            raise ValueError(f"samples: got shape {samples.shape}, want finite (m, 2)")
        not_too_large("samples", samples)
        centred = samples - samples.mean(axis=0)
        spread, axes = np.linalg.eigh(centred.T @ centred / len(samples))
        if not spread[0] > 1e-10 * spread[1]:
            raise ValueError("samples: got points on one line, want some spread in two directions")
        white = centred @ axes / np.sqrt(spread)

        column = np.array([[1.0], [0.0]])
        given = dict(samples=white, correlation=0.0, optimum=column)
        data = dict(zip(("x", "t", "gamma", "beta"), correlated(**given), strict=True))
        x, t = data["x"], data["t"]
        self._graphs = {
            "data": trace(correlated, **given),
            "batch norm": trace(batch_norm_loss, w=column, **data, eps=0.0),
            "plain": trace(least_squares_loss, w=column, x=x, t=t),
            "variance": trace(output_variance, w=column, x=x),
        }
        super().__init__(
            w=w,
            optimum=optimum,
            samples=white.tolist(),
            graphs={name: graph.to_json() for name, graph in self._graphs.items()},
            **parameters,
        )

    @traitlets.validate("w", "optimum")
    def _check_two(self, proposal):
        name, value = proposal.trait.name, proposal.value
        if len(value) != 2:
            raise ValueError(f"{name}: got {len(value)} numbers, want two")
        if name == "optimum" and not any(value):
            raise ValueError("optimum: got (0, 0), want a direction")
        return value

    @traitlets.validate("rate", "decay", "eps", "correlation", "step", "steps")
    def _check_range(self, proposal):
        ranges = {"correlation": (-0.999, 0.999), "steps": (1, 500)}
        return in_range(proposal, *ranges.get(proposal.trait.name, (0, 1e300)))

    def compute(self):
        optimum = np.array(self.optimum)[:, None]
        samples = np.array(self.samples)
        graph = self._graphs["data"]
        run = graph.forward(samples=samples, correlation=self.correlation, optimum=optimum)
        data = dict(zip(("x", "t", "gamma", "beta"), run.output, strict=True))
        plain = {name: data[name] for name in ("x", "t")}
        return {
            **self._descent("batch norm", {**data, "eps": self.eps}, ""),
            **self._descent("plain", plain, "plain_"),
        }

    def _descent(self, name, data, prefix):
        def run(w):
            return self._graphs[name].forward(w=w[:, None], **data)

        def gradient(w):
            return run(w).backward(np.ones(1))["w"][:, 0]

        with np.errstate(all="ignore"):
            path = descend(gradient, np.array(self.w), self.rate, self.decay, self.steps)
            inside = (np.abs(path).max(axis=1) <= LARGEST).cumprod().sum()
            path = path[: min(self.step + 1, inside)]
            loss, slope = float(run(path[-1]).output[0]), gradient(path[-1])
        defined = np.isfinite([loss, *slope]).all()
        return {
            f"{prefix}path": path.tolist(),
            f"{prefix}loss": loss if defined else None,
            f"{prefix}gradient": slope if defined else [],
        }
