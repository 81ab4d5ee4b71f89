"""Train a small net by stochastic gradient descent, in steps that the page repeats exactly."""

import numpy as np

from ..running import weight
from ..validate import finite, integer, number
from .data import class_numbers, kept
from .draws import below, normal

BATCHES, NOISE = 10_000, 1_000_000  # the first streams of `draws` for batches, and for noise


class Descent:
    """One descent: a net, its parameters, its running statistics, and what happened so far.

    Parameters
    ----------
    net : `Net`
    data : `Data`, of which copies are kept
    seed : for the first parameters, the batches and the noise; two descents of one seed see the
        same batches
    rate : learning rate
    batch_size : samples a step, drawn with repetition
    momentum, weight_decay : ``v = momentum * v + gradient + weight_decay * w``, ``w -= rate * v``;
        the decay acts on the weight matrices alone
    eps : of the normalizations
    cut_mean, cut_variance : whether the gradient's paths through the moments are cut
    noise : strength of the noise of "noisy" layers: at each step every feature draws a shift and
        the logarithm of a scale of this deviation, and every entry then draws its own round them
    running : momentum of the running statistics, the weight of the new batch
    dtype : float64 or float32

    `steps` counts; `losses` holds the loss of each batch; `diverged` is the step at which a value
    was no longer finite, or None. A diverged descent stays where it was.

    Raises ValueError for numbers out of range, and for data that are not finite real numbers.
    """

    def __init__(
        self,
        net,
        data,
        *,
        seed=0,
        rate=0.1,
        batch_size=64,
        momentum=0.0,
        weight_decay=0.0,
        eps=1e-5,
        cut_mean=False,
        cut_variance=False,
        noise=0.5,
        running=0.1,
        dtype=float,
    ):
        self.dtype = np.dtype(dtype)
        if self.dtype not in ("f4", "f8"):
            raise ValueError(f"dtype: got {self.dtype}, want float32 or float64")
        self.net, self.data, self.seed = net, kept(data), seed
        m = len(data.x)
        self.batch_size = integer("batch_size", batch_size, 1, f"1 to {m}", m)
        self.rate, self.momentum = number("rate", rate), number("momentum", momentum)
        self.eps, self.noise = number("eps", eps), number("noise", noise)
        self.weight_decay = number("weight_decay", weight_decay)
        self.running = weight("running", running)
        self.x = self.data.x.astype(dtype)
        self.target = np.eye(self.data.classes, dtype=dtype)[self.data.labels]
        self.parameters = net.initial(seed, dtype)
        self.velocity = {name: np.zeros_like(v) for name, v in self.parameters.items()}
        self.statistics = None
        self.steps, self.losses, self.diverged = 0, [], None
        with np.errstate(all="ignore"):  # it diverges at once, and says so
            self.graph = net.graph(**self._inputs(0))
        self.cut = net.moment_edges(self.graph, cut_mean, cut_variance)

    def batch(self, step):
        """The indices of the samples that step number `step` sees."""
        return below(self.seed, BATCHES + step, self.batch_size, len(self.x))

    def _inputs(self, step):
        at = self.batch(step)
        given = {"x": self.x[at], "target": self.target[at], "eps": self.eps, **self.parameters}
        for k, kind in enumerate(self.net.normalization, start=1):
            if kind == "noisy":
                given |= self._noise(k, step, self.net.sizes[k])
        return given

    def _noise(self, k, step, d):
        """Scale and shift of every entry of layer k: random features, then random entries."""
        stream = NOISE + 4 * (step * len(self.net.sizes) + k)
        m, noise = self.batch_size, self.noise
        log_scale, shift = noise * normal(self.seed, stream, 2 * d).reshape(2, d)
        a, b = noise * normal(self.seed, stream + 1, 2 * m * d).reshape(2, m, d)
        scale = np.exp(log_scale) * (1 + a)
        return {
            f"scale{k}": scale.astype(self.dtype),
            f"shift{k}": (shift + b).astype(self.dtype),
        }

    def gradients(self, cut=None, parameters=None, step=None):
        """The loss on a batch, and the gradient at each parameter.

        cut : the edges to cut; None for those of this descent
        parameters : {name: value} to use in place of the present ones; some, or all of them
        step : the number of the step whose batch is taken; None for the next one's
        """
        inputs = self._inputs(self.steps if step is None else step) | (parameters or {})
        run, grads = self._backward(inputs, self.cut if cut is None else cut)
        return float(run.output[0] if len(self.graph.outputs) > 1 else run.output), grads

    def _backward(self, inputs, cut):
        with np.errstate(all="ignore"):
            run = self.graph.forward(**inputs)
            outputs = [run.arrays[i] for i in self.graph.outputs]
            dys = [np.ones_like(outputs[0]), *map(np.zeros_like, outputs[1:])]
            grads = run.backward(dys if len(dys) > 1 else dys[0], cut=cut)
        return run, {name: grads[name] for name in self.parameters}

    def step(self):
        """One step of descent. Returns the loss on its batch, NaN once it has diverged."""
        if self.diverged is not None:
            return np.nan
        run, grads = self._backward(self._inputs(self.steps), self.cut)
        loss = float(run.arrays[self.graph.outputs[0]])
        moved = {}
        with np.errstate(all="ignore"):
            for name, value in self.parameters.items():
                decay = self.weight_decay if name.startswith("w") else 0.0
                pull = grads[name] + value.dtype.type(decay) * value
                velocity = value.dtype.type(self.momentum) * self.velocity[name] + pull
                moved[name] = velocity, value - value.dtype.type(self.rate) * velocity
        finite = np.isfinite(loss) and all(np.isfinite(new).all() for _, new in moved.values())
        if not finite:
            self.diverged = self.steps
            return np.nan
        self._update_running(run)
        for name, (velocity, value) in moved.items():
            self.velocity[name], self.parameters[name] = velocity, value
        self.losses.append(loss)
        self.steps += 1
        return loss

    def _update_running(self, run):
        """Update the running statistics; the first batch's are taken as they are."""
        moments = [run.arrays[i] for i in self.graph.outputs[1:]]
        kinds = [(k, kind) for k, kind in enumerate(self.net.normalization, 1) if kind != "none"]
        new = {
            k: (moments[2 * i], moments[2 * i + 1])
            for i, (k, kind) in enumerate(kinds)
            if kind != "layer"
        }
        weight = self.running
        self.statistics = (
            new
            if self.statistics is None
            else {
                k: tuple(
                    (1 - weight) * a + weight * b
                    for a, b in zip(self.statistics[k], v, strict=True)
                )
                for k, v in new.items()
            }
        )

    def train(self, steps):
        """Take so many steps, or fewer if it diverges. Returns self."""
        for _ in range(steps):
            if self.diverged is not None:
                break
            self.step()
        return self

    def score(self, x=None, labels=None, statistics="running"):
        """The loss and the share of right answers, on the test part of the data if none is given.

        statistics : "running" (evaluation mode) or "batch" (the moments of x itself). Before the
        first step there are no running ones, and the batch's are used.
        """
        if statistics not in ("running", "batch"):
            raise ValueError(f"statistics: got {statistics!r}, want 'running' or 'batch'")
        x = self.data.test_x if x is None else finite("x", x)
        labels = (
            self.data.test_labels if labels is None else class_numbers("labels", labels, len(x))
        )
        used = self.statistics if statistics == "running" else None
        with np.errstate(all="ignore"):
            z, _ = self.net.logits(x.astype(self.dtype), self.parameters, self.eps, used)
            z = z - z.max(axis=1, keepdims=True)
            right = z[np.arange(len(z)), labels]
            loss = np.mean(np.log(np.exp(z).sum(axis=1)) - right)
        return float(loss), float(np.mean(z.argmax(axis=1) == labels))
