"""A stream of batches: running statistics chase a drifting truth; training against evaluation."""

from typing import ClassVar

import numpy as np
import traitlets

from ...graph import trace
from ...reference import batch_norm, evaluate, update_running
from ...validate import integer
from ..kit import Figure, in_range

LARGEST = 64  # samples per batch
MOST = 500  # steps
RANGES = {
    "step": (0, MOST - 1),
    "batch": (1, LARGEST),
    "momentum": (0, 1),
    "drift": (-1e3, 1e3),
    "shift": (-1e3, 1e3),
}


class RunningFigure(Figure):
    """Batches from a normal distribution whose mean drifts, and what the layer stores of them.

    At each step the running mean and variance take in the batch:
    ``running = (1 - momentum) * running + momentum * batch`` (the batch's unbiased variance; for
    a batch of one, which has none, the biased one, 0). The batch of the step that is read is shown
    as training mode and as evaluation mode see it, and can be dragged as a whole.

    Parameters
    ----------
    step : which step is read, 0 to ``steps - 1``
    batch : samples in a batch, 1 to 64
    momentum : weight of the new batch, 0 to 1
    drift : how far the true mean moves in a step; the true variance is 1
    shift : how far the batch that is read was dragged; it does not enter the running statistics
    steps : how many there are, 1 to 500
    seed : of the samples

    Hands back ``mean`` and ``var`` (the running ones at the step), ``y_train`` and ``y_eval``
    (the batch's outputs in both modes) and ``mismatch`` (the root mean square of their
    difference). Raises ValueError for a value out of its range.
    """

    inputs = ("step", "batch", "momentum", "drift", "shift", "steps", "noise", "graphs")
    outputs = ("mean", "var", "y_train", "y_eval", "mismatch")
    labels: ClassVar = {"batch": "samples per batch", "drift": "drift per step"}

    step = traitlets.Int(30).tag(sync=True, link=("int", *RANGES["step"]))
    batch = traitlets.Int(8).tag(sync=True, link=("int", *RANGES["batch"]))
    momentum = traitlets.CFloat(0.1).tag(sync=True, link=("real", *RANGES["momentum"]))
    drift = traitlets.CFloat(0.1).tag(sync=True, link=("real", *RANGES["drift"]))
    shift = traitlets.CFloat(0.0).tag(sync=True, link=("real", *RANGES["shift"]))
    steps = traitlets.Int(60).tag(sync=True)
    noise = traitlets.Bytes().tag(sync=True)  # float32, (steps, LARGEST)
    graphs = traitlets.Dict().tag(sync=True)
    mean = traitlets.CFloat(0.0).tag(sync=True)
    var = traitlets.CFloat(1.0).tag(sync=True)
    y_train = traitlets.List().tag(sync=True)
    y_eval = traitlets.List().tag(sync=True)
    mismatch = traitlets.CFloat(0.0).tag(sync=True)

    _min_height = traitlets.Int(470).tag(sync=True)

    def __init__(self, *, seed=0, **parameters):
        steps = integer("steps", parameters.get("steps", 60), 1, f"an integer, 1 to {MOST}", MOST)
        samples = np.random.default_rng(seed).normal(size=(steps, LARGEST))
        x = np.ones((2, 3))  # each step is a feature of its own
        self._graphs = {
            "train": trace(batch_norm, x=x, gamma=1.0, beta=0.0),
            "evaluate": trace(evaluate, x=x, gamma=1.0, beta=0.0, mean=x[0], var=x[0]),
        }
        super().__init__(
            noise=samples.astype(np.float32).tobytes(),
            graphs={name: graph.to_json() for name, graph in self._graphs.items()},
            **parameters,
        )

    @traitlets.validate(*RANGES, "steps")
    def _check(self, proposal):
        drawn = len(self.noise) // (LARGEST * np.dtype(np.float32).itemsize)
        return in_range(proposal, *RANGES.get(proposal.trait.name, (1, drawn)))

    def compute(self):
        step, m = min(self.step, self.steps - 1), self.batch
        noise = np.frombuffer(self.noise, np.float32).reshape(-1, LARGEST)
        x = self.drift * np.arange(step + 1) + noise[: step + 1, :m].T.astype(float)
        train, evaluation = self._graphs.values()
        run = train.forward(x=x, gamma=1.0, beta=0.0)
        bessel = m / (m - 1) if m > 1 else 1.0
        mean, var = 0.0, 1.0
        for mu, biased in zip(run["mu"], run["var"], strict=True):
            mean = update_running(mean, mu, self.momentum)
            var = update_running(var, bessel * biased, self.momentum)
        here = x[:, -1:] + self.shift
        y_train = train.forward(x=here, gamma=1.0, beta=0.0).output[:, 0]
        y_eval = evaluation.forward(x=here, gamma=1.0, beta=0.0, mean=mean, var=var).output[:, 0]
        mismatch = np.sqrt(np.mean((y_train - y_eval) ** 2))
        return dict(
            mean=mean, var=var, y_train=y_train.tolist(), y_eval=y_eval.tolist(), mismatch=mismatch
        )
