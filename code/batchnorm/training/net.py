"""A small net with a normalization of one's choice, as a NumPy loss that can be traced."""

from dataclasses import dataclass

import numpy as np

from ..graph import Edge, trace
from ..validate import integer, number
from .draws import normal

WEIGHTS = 100  # the streams of `draws` that weights come from: one per layer


def normalize(z, gamma, beta, eps, axis=0):
    """Batch norm (axis 0) or layer norm (axis 1) of z, (m, d); also the mean and the variance.

    ``y = gamma * (z - mu) / sqrt(var + eps) + beta``
    """
    mu = np.mean(z, axis=axis, keepdims=True)
    centred = z - mu
    var = np.mean(centred**2, axis=axis, keepdims=True)
    y = gamma * centred / np.sqrt(var + eps) + beta
    return y, mu, var


def sigmoid(z):
    """``1 / (1 + exp(-z))``, by way of tanh, which does not overflow."""
    return 0.5 * (np.tanh(0.5 * z) + 1)


ACTIVATIONS = {"relu": lambda z: np.maximum(z, 0.0), "tanh": np.tanh, "sigmoid": sigmoid}
NORMALIZATIONS = ("none", "batch", "layer", "noisy")


@dataclass(frozen=True)
class Net:
    """Layers ``h = activation(normalize(h @ w + b))``, the last one without both.

    sizes : features of the input, of each hidden layer, and the number of classes
    normalization : "none", "batch", "layer" or "noisy" (batch norm, then noise on every entry),
        one word for all hidden layers or one for each
    activation : "relu", "tanh" or "sigmoid"
    std : standard deviation of the first weights; None for ``sqrt(2 / n)`` (He et al. 2015) under
        relu and ``sqrt(1 / n)`` else, n being the layer's inputs

    Raises ValueError for anything else.
    """

    sizes: tuple[int, ...] = (2, 16, 16, 2)
    normalization: str | tuple[str, ...] = "batch"
    activation: str = "relu"
    std: float | None = None

    def __post_init__(self):
        sizes = tuple(integer("sizes", n, 1, "integers >= 1") for n in self.sizes)
        hidden = len(sizes) - 2
        if hidden < 0:
            raise ValueError(f"sizes: got {sizes}, want at least two integers >= 1")
        given = self.normalization
        words = (given,) * hidden if isinstance(given, str) else tuple(given)
        if len(words) != hidden or not set(words) <= set(NORMALIZATIONS):
            wanted = ", ".join(NORMALIZATIONS)
            raise ValueError(
                f"normalization: got {given!r}, want one of {wanted}, or {hidden} of them"
            )
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation: got {self.activation!r}, want {', '.join(ACTIVATIONS)}")
        if self.std is not None:
            object.__setattr__(self, "std", number("std", self.std))
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "normalization", words)

    def starts(self):
        """How each parameter begins: {name: (shape, value, std, stream)}.

        An entry is `value`, plus `std` times a number of that stream of `draws` if std is not 0.
        """
        found = {}
        gain = 2.0 if self.activation == "relu" else 1.0
        for k, (n, d) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            std = float(np.sqrt(gain / n) if self.std is None else self.std)
            found[f"w{k}"] = (n, d), 0.0, std, WEIGHTS + k
            found[f"b{k}"] = (d,), 0.0, 0.0, 0
            if k < len(self.sizes) - 1 and self.normalization[k - 1] != "none":
                found[f"gamma{k}"] = (d,), 1.0, 0.0, 0
                found[f"beta{k}"] = (d,), 0.0, 0.0, 0
        return found

    def initial(self, seed=0, dtype=float):
        """The first parameters by name: w1, b1, gamma1, beta1, w2, … as arrays."""
        parameters = {}
        for name, (shape, value, std, stream) in self.starts().items():
            start = np.full(shape, value)
            if std:
                start = start + std * normal(seed, stream, start.size).reshape(shape)
            parameters[name] = start.astype(dtype)
        return parameters

    def logits(self, x, parameters, eps=1e-5, statistics=None, noise=None):
        """The net's outputs for x, and the (mean, variance) of each layer that has them.

        statistics : layer number -> (mean, variance) to use in place of the batch's, where
            the layer takes them over the batch: evaluation mode
        noise : layer number -> (scale, shift) arrays for "noisy" layers; None for no noise
        """
        h, found = x, {}
        for k, kind in enumerate(self.normalization, start=1):
            z = h @ parameters[f"w{k}"] + parameters[f"b{k}"]
            if kind != "none":
                gamma, beta = parameters[f"gamma{k}"], parameters[f"beta{k}"]
                if statistics and kind != "layer":
                    mean, var = statistics[k]
                    z = gamma * (z - mean) / np.sqrt(var + eps) + beta
                else:
                    z, mean, var = normalize(z, gamma, beta, eps, axis=int(kind == "layer"))
                    found[k] = mean, var
                if kind == "noisy" and noise:
                    scale, shift = noise[k]
                    z = z * scale + shift
            h = ACTIVATIONS[self.activation](z)
        last = len(self.sizes) - 1
        return h @ parameters[f"w{last}"] + parameters[f"b{last}"], found

    def loss(self, x, target, eps, **rest):
        """The mean cross entropy, then mean and variance of each normalized layer: to be traced.

        target : (m, classes), one-hot; rest : the parameters, and scale1, shift1, … for noise
        """
        noisy = [k for k, kind in enumerate(self.normalization, 1) if kind == "noisy"]
        noise = {k: (rest[f"scale{k}"], rest[f"shift{k}"]) for k in noisy if f"scale{k}" in rest}
        z, found = self.logits(x, rest, eps, noise=noise)
        return cross_entropy(z, target), *(value for pair in found.values() for value in pair)

    def graph(self, x, target, eps=1e-5, **rest):
        """The traced `loss`; outputs: the loss, then a mean and a variance a normalized layer."""
        return trace(self.loss, x=x, target=target, eps=eps, **rest)

    def evaluation(self, x, eps, **rest):
        """The net's outputs for x in evaluation mode, to be traced.

        rest : the parameters, and mean1, var1, … for each layer normalized over the batch
        """
        layers = range(1, len(self.sizes) - 1)
        held = {k: (rest[f"mean{k}"], rest[f"var{k}"]) for k in layers if f"mean{k}" in rest}
        z, _ = self.logits(x, rest, eps, held)
        return z

    @staticmethod
    def moment_edges(graph, mean=True, variance=True):
        """The edges that leave the means and the variances of a graph from `graph`, to be cut."""
        means, variances = set(graph.outputs[1::2]), set(graph.outputs[2::2])
        sources = (means if mean else set()) | (variances if variance else set())
        return [
            Edge(*edge)
            for edge in graph.edges
            if graph.nodes[edge.target].inputs[edge.slot] in sources
        ]


def cross_entropy(logits, target):
    """``mean(log Σ exp(logits) - Σ target * logits)`` over the samples; target is one-hot.

    Each row's largest entry is taken off first, which changes neither the loss nor its gradient:
    so ``exp`` never overflows.
    """
    logits = logits - np.max(logits, axis=1, keepdims=True)
    total = np.log(np.sum(np.exp(logits), axis=1))
    loss = np.mean(total - np.sum(target * logits, axis=1))
    return loss
