"""Many descents of one net at once: other seeds, rates and cuts side by side, in one stack."""

import numpy as np

from ..running import weight
from ..validate import integer
from .data import kept
from .descent import BATCHES, NOISE
from .draws import below, normal


class Descents:
    """What `Descent` does, for many settings in one go: the first axis of every array counts them.

    Parameters
    ----------
    net : `Net` without layer norm
    data : `Data`
    seed, rate, eps, noise : numbers, or arrays that broadcast together to (n,), one entry a descent
    cut_mean, cut_variance : booleans, or arrays of them likewise
    batch_size, running : as in `Descent`

    Each of the n descents takes the steps that a `Descent` of its settings would take, to rounding.
    Here the gradient is written out, for speed; the tests hold it against the traced graph.
    Raises ValueError for a net with layer norm, and for settings that do not stack.

    `parameters` holds (n, ...) arrays, `statistics` per layer a mean and a variance, (n, 1, d);
    `losses` one (n,) array a step, and `diverged` an (n,) array: the step at which a value was no
    longer finite, or -1. A diverged descent stays where it was, and its later losses are NaN.
    """

    def __init__(
        self,
        net,
        data,
        *,
        seed=0,
        rate=0.1,
        eps=1e-5,
        noise=0.5,
        cut_mean=False,
        cut_variance=False,
        batch_size=64,
        running=0.1,
    ):
        m = len(data.x)
        batch_size = integer("batch_size", batch_size, 1, f"1 to {m}", m)
        if "layer" in net.normalization:
            raise ValueError("net: got one with layer norm, want batch norm or none; use Descent")
        self.net, self.data = net, kept(data)
        self.batch_size, self.running = batch_size, weight("running", running)
        given = np.broadcast_arrays(*map(np.atleast_1d, (seed, rate, eps, noise)))
        given = np.broadcast_arrays(*given, np.atleast_1d(cut_mean), np.atleast_1d(cut_variance))
        if given[0].ndim != 1:
            raise ValueError(
                f"seed, rate, eps, noise, cuts: got an array of shape {given[0].shape}, "
                "want numbers, or arrays of one axis"
            )
        self.seed, self.rate, *rest = (values.copy() for values in given)
        self.eps, self.noise, *cuts = (values[:, None, None] for values in rest)
        self.keep_mean, self.keep_variance = (1.0 - cut for cut in cuts)
        self.seeds, self.which = np.unique(self.seed, return_inverse=True)
        starts = [net.initial(int(seed)) for seed in self.seeds]
        self.parameters = {name: self._each([s[name] for s in starts]) for name in starts[0]}
        self.target = np.eye(data.classes)[data.labels]
        self.statistics, self.steps, self.losses = {}, 0, []
        self.diverged = np.full(len(self.seed), -1)

    def __len__(self):
        return len(self.seed)

    def _each(self, values):
        """An array for every descent, from one for every seed."""
        return np.stack(values)[self.which]

    def _noise(self, k, step):
        """Scale and shift of every entry of layer k, as in `Descent`."""
        d, m = self.net.sizes[k], self.batch_size
        stream = NOISE + 4 * (step * len(self.net.sizes) + k)
        features, entries = (
            self._each([normal(int(s), stream + i, n).reshape(2, -1, d) for s in self.seeds])
            for i, n in enumerate((2 * d, 2 * m * d))
        )
        (log_scale, shift), (a, b) = (
            np.moveaxis(self.noise[:, None] * draws, 1, 0) for draws in (features, entries)
        )
        return np.exp(log_scale) * (1 + a), shift + b

    def batch(self, step):
        """x (n, m, features) and target (n, m, classes) of the batches of step number `step`."""
        size = len(self.data.x)
        at = self._each([below(int(s), BATCHES + step, self.batch_size, size) for s in self.seeds])
        return self.data.x[at], self.target[at]

    def gradients(self, parameters=None, step=None):
        """The losses (n,) on a batch, and the gradient at each parameter, cut where it is cut.

        parameters : {name: (n, ...) array} in place of the present ones; some, or all
        step : the number of the step whose batch is taken; None for the next one's
        """
        return self._backward(*self._forward(parameters or {}, step))

    def _forward(self, changed, step):
        """What `_backward` takes: the losses, their gradient at the logits, what each layer found,
        the last hidden layer's output, and the parameters used.
        """
        step = self.steps if step is None else step
        p, (h, target) = self.parameters | changed, self.batch(step)
        layers = []
        for k, kind in enumerate(self.net.normalization, start=1):
            noise = self._noise(k, step) if kind == "noisy" else None
            layer = self._layer(k, kind, h, p, noise=noise)
            layers.append(layer)
            h = layer["out"]
        last = len(self.net.sizes) - 1
        z = h @ p[f"w{last}"] + p[f"b{last}"][:, None]
        z = z - z.max(axis=-1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=-1, keepdims=True)
        loss = (np.log(total)[..., 0] - (target * z).sum(axis=-1)).mean(axis=-1)
        return loss, (e / total - target) / self.batch_size, layers, h, p

    def _layer(self, k, kind, h, p, held=None, noise=None):
        """The values of hidden layer k; held : the (mean, variance) of evaluation mode."""
        z = h @ p[f"w{k}"] + p[f"b{k}"][:, None]
        values = {"k": k, "in": h, "noise": noise}
        if kind != "none":
            mean = z.mean(axis=-2, keepdims=True) if held is None else held[0]
            centred = z - mean
            var = (centred * centred).mean(axis=-2, keepdims=True) if held is None else held[1]
            s = np.sqrt(var + self.eps)
            x_hat = centred / s
            values |= {"moments": (mean, var), "s": s, "x_hat": x_hat}
            z = p[f"gamma{k}"][:, None] * x_hat + p[f"beta{k}"][:, None]
        if noise:
            z = z * noise[0] + noise[1]
        activation = self.net.activation
        if activation == "relu":
            return values | {"out": np.maximum(z, 0.0), "slope": np.heaviside(z, 0.5)}
        t = np.tanh(z if activation == "tanh" else 0.5 * z)
        slope = 1 - t * t
        if activation == "tanh":
            return values | {"out": t, "slope": slope}
        return values | {"out": 0.5 * (t + 1), "slope": 0.25 * slope}

    def _backward(self, loss, dz, layers, h, p):
        last = len(self.net.sizes) - 1
        grads = {f"w{last}": h.mT @ dz, f"b{last}": dz.sum(axis=-2)}
        dh = dz @ p[f"w{last}"].mT
        for layer in reversed(layers):
            k, dz = layer["k"], dh * layer["slope"]
            if layer["noise"]:
                dz *= layer["noise"][0]
            if "x_hat" in layer:
                dy, x_hat, m = dz, layer["x_hat"], self.batch_size
                dgamma, dbeta = (dy * x_hat).sum(axis=-2), dy.sum(axis=-2)
                grads[f"gamma{k}"], grads[f"beta{k}"] = dgamma, dbeta
                dz = dy - self.keep_mean * dbeta[:, None] / m
                dz -= x_hat * (self.keep_variance * dgamma[:, None] / m)
                dz *= p[f"gamma{k}"][:, None] / layer["s"]
            grads[f"w{k}"], grads[f"b{k}"] = layer["in"].mT @ dz, dz.sum(axis=-2)
            if k > 1:
                dh = dz @ p[f"w{k}"].mT
        return loss, grads

    def train(self, steps):
        """Take so many steps. Returns self."""
        with np.errstate(all="ignore"):
            for _ in range(steps):
                self._step()
        return self

    def _step(self):
        loss, dz, layers, h, p = self._forward({}, None)
        _, grads = self._backward(loss, dz, layers, h, p)
        moved = {n: v - _column(self.rate, v) * grads[n] for n, v in self.parameters.items()}
        finite = np.isfinite(loss) & (self.diverged < 0)
        for value in moved.values():
            finite &= np.isfinite(value).reshape(len(self), -1).all(axis=1)
        self.diverged[~finite & (self.diverged < 0)] = self.steps
        if not finite.all():
            for name, value in self.parameters.items():
                moved[name] = np.where(_column(finite, value), moved[name], value)
        self.parameters = moved
        self._update_running(layers, finite)
        self.losses.append(np.where(finite, loss, np.nan))
        self.steps += 1

    def _update_running(self, layers, finite):
        for layer in layers:
            if "moments" in layer:
                k, new = layer["k"], layer["moments"]
                old = self.statistics.get(k, new)
                self.statistics[k] = tuple(
                    np.where(finite[:, None, None], (1 - self.running) * a + self.running * b, a)
                    for a, b in zip(old, new, strict=True)
                )

    def outputs(self, x, statistics="running"):
        """The activations of each hidden layer for x (m, features), then the logits.

        statistics : "running" (evaluation mode) or "batch" (the moments of x itself)

        Raises ValueError for another word.
        """
        if statistics not in ("running", "batch"):
            raise ValueError(f"statistics: got {statistics!r}, want 'running' or 'batch'")
        h, p, found = x, self.parameters, []
        held = self.statistics if statistics == "running" else {}
        for k, kind in enumerate(self.net.normalization, start=1):
            h = self._layer(k, kind, h, p, held.get(k))["out"]
            found.append(h)
        last = len(self.net.sizes) - 1
        return [*found, h @ p[f"w{last}"] + p[f"b{last}"][:, None]]

    def accuracy(self, statistics="running"):
        """The share of right answers on the test part of the data, (n,)."""
        with np.errstate(all="ignore"):
            z = self.outputs(self.data.test_x, statistics)[-1]
        return (z.argmax(axis=-1) == self.data.test_labels).mean(axis=-1)


def _column(values, like):
    """(n,) values, with as many axes as `like`."""
    return values.reshape(-1, *[1] * (like.ndim - 1))
