"""A cloud in the plane, whitened five ways: where its points go, and what gradient comes back."""

from functools import cache, partial

import numpy as np
import traitlets

from ...graph import eigenvalues, eigenvectors, trace
from ...whitening import METHODS, NotDefined, newton_schulz, whiten, whiten_backward, whitened
from ..kit import Figure, Vector

UPSTREAM = ("one point", "shift", "stretch", "shear", "rotation")
MOST = 64  # samples
MOST_ITERATIONS = 12

RANGES = {
    "correlation": (-1, 1),
    "scale_1": (0, 10),
    "scale_2": (0, 10),
    "batch_size": (1, MOST),
    "iterations": (0, MOST_ITERATIONS),
    "eps": (1e-8, 1e3),
    "seed": (0, 2**31 - 1),
    "selected": (0, MOST - 1),
    "past": (0, 30),
}


def ellipse(x, m, W):
    """A batch's mean, the variances along its principal axes, these axes as arms of one standard
    deviation, and where W takes the arms.
    """
    mu = x.mean(axis=0)
    centred = x - mu
    cov = centred.T @ centred / m
    variances = np.maximum(eigenvalues(cov), 0)
    arms = (eigenvectors(cov) * np.sqrt(variances)).T
    carried = arms @ W
    return mu, variances, arms, carried


@cache
def _graphs():
    given = dict(x=np.eye(2), m=2, eps=1.0)
    methods = [partial(whitened, method=method) for method in METHODS[:-1]]
    methods.append(partial(newton_schulz, iterations=MOST_ITERATIONS))
    traced = [trace(method, **given) for method in methods]
    traced.append(trace(ellipse, x=np.diag([2.0, 1.0]), m=2, W=np.eye(2)))
    return [graph.to_json() for graph in traced]


class Choice(traitlets.Int):
    """One of some names, kept as its index, which is what buttons and menus are joined by."""

    def __init__(self, names, default, **kwargs):
        super().__init__(names.index(default), **kwargs)
        self.names = names

    def validate(self, obj, value):
        if value in self.names:
            value = self.names.index(value)
        if not isinstance(value, int) or not 0 <= value < len(self.names):
            raise ValueError(f"{self.name}: got {value!r}, want one of {', '.join(self.names)}")
        return value


class WhiteningFigure(Figure):
    """A batch of two features, its whitened output, and the gradient on its way back.

    The cloud of inputs with its covariance ellipse, and the same after whitening; the ellipse's
    axes are followed from inputs to outputs. A gradient starts at the outputs, and what reaches the
    inputs is drawn at them. Points and the selected point's upstream gradient can be dragged.
    "Resample" draws a new batch around the selected point, which keeps its place, and marks where
    it landed before.

    Parameters
    ----------
    method : a name or index of `batchnorm.whitening.METHODS`
    upstream : a name or index: "one point" sends ``pull`` to the selected point; "shift" the same
        gradient to all; the others send ``x_hat N``, N diagonal ("stretch"), symmetric ("shear") or
        antisymmetric ("rotation")
    correlation : number from -1 to 1, of the distribution that the points come from
    scale_1, scale_2 : numbers from 0 to 10, its standard deviations
    batch_size : 1 to 64
    iterations : 0 to 12, for "newton-schulz"
    eps : number >= 1e-8
    seed : integer >= 0, which batch
    selected : index of a point
    pull : two numbers, the upstream gradient of the selected point

    Hands back ``x``, ``x_hat``, ``dy`` and ``dx``, lists of pairs; the last three are empty where
    PCA has no gradient (equal axes). ``method`` and ``upstream`` read as indices. Raises ValueError
    for anything out of range.
    """

    inputs = (
        *("method", "upstream", "correlation", "scale_1", "scale_2", "batch_size", "iterations"),
        *("eps", "seed", "selected", "pull", "moved", "past", "graphs"),
    )
    outputs = ("x", "x_hat", "dy", "dx")

    method = Choice(METHODS, "zca").tag(sync=True, link=("int", 0, len(METHODS) - 1))
    upstream = Choice(UPSTREAM, "one point").tag(sync=True, link=("int", 0, len(UPSTREAM) - 1))
    correlation = traitlets.CFloat(0.8).tag(sync=True, link=("real", *RANGES["correlation"]))
    scale_1 = traitlets.CFloat(1.5).tag(sync=True, link=("real", *RANGES["scale_1"]))
    scale_2 = traitlets.CFloat(1.0).tag(sync=True, link=("real", *RANGES["scale_2"]))
    batch_size = traitlets.Int(24).tag(sync=True, link=("int", *RANGES["batch_size"]))
    iterations = traitlets.Int(5).tag(sync=True, link=("int", *RANGES["iterations"]))
    eps = traitlets.CFloat(1e-5).tag(sync=True, link=("real", *RANGES["eps"]))
    seed = traitlets.Int(1).tag(sync=True, link=("int", *RANGES["seed"]))
    selected = traitlets.Int(0).tag(sync=True, link=("int", *RANGES["selected"]))
    pull = Vector([1.0, 0.6]).tag(sync=True, link=("reals",))
    # For each point that was dragged: its index, how far
    moved = Vector([]).tag(sync=True, link=("list", 3, MOST))
    past = traitlets.Int(0).tag(
        sync=True, link=("int", *RANGES["past"])
    )  # how many earlier batches are marked
    graphs = traitlets.List(traitlets.Unicode()).tag(sync=True)  # a method each, the ellipse
    x = traitlets.List().tag(sync=True)
    x_hat = traitlets.List().tag(sync=True)
    dy = traitlets.List().tag(sync=True)
    dx = traitlets.List().tag(sync=True)

    _min_height = traitlets.Int(560).tag(sync=True)

    def __init__(self, **parameters):
        super().__init__(graphs=_graphs(), **parameters)

    @traitlets.validate(*RANGES)
    def _check_range(self, proposal):
        name, value = proposal.trait.name, proposal.value
        lo, hi = RANGES[name]
        if not lo <= value <= hi:
            raise ValueError(f"{name}: got {value}, want a number from {lo:g} to {hi:g}")
        return value

    @traitlets.validate("pull", "moved")
    def _check_length(self, proposal):
        name, got = proposal.trait.name, len(proposal.value)
        if (got != 2) if name == "pull" else (got % 3):
            wanted = "two" if name == "pull" else "three a point: its index, how far it was moved"
            raise ValueError(f"{name}: got {got} numbers, want {wanted}")
        if name == "moved" and not {*proposal.value[::3]} <= {*range(MOST)}:
            raise ValueError(f"moved: got {proposal.value[::3]}, want indices, 0 to {MOST - 1}")
        return proposal.value

    def compute(self):
        z = np.array([_normal_pair(self.seed, i) for i in range(self.batch_size)])
        rest = np.sqrt(1 - self.correlation**2)
        x = np.stack(
            [self.scale_1 * z[:, 0], self.scale_2 * (self.correlation * z[:, 0] + rest * z[:, 1])],
            axis=1,
        )
        for i, *far in np.reshape(self.moved, (-1, 3)):
            if i < len(x):
                x[int(i)] += far
        given = dict(method=METHODS[self.method], iterations=self.iterations)
        try:
            x_hat, cache = whiten(x, self.eps, **given)
            dy = self._upstream(x_hat)
            dx = whiten_backward(dy, cache)
        except NotDefined:  # the picture says so in words
            return {"x": x.tolist(), "x_hat": [], "dy": [], "dx": []}
        return {"x": x.tolist(), "x_hat": x_hat.tolist(), "dy": dy.tolist(), "dx": dx.tolist()}

    def _upstream(self, x_hat):
        kind = UPSTREAM[self.upstream]
        if kind == "one point":
            dy = np.zeros_like(x_hat)
            dy[min(self.selected, len(dy) - 1)] = self.pull
            return dy
        if kind == "shift":
            return np.broadcast_to([0.8, 0.4], x_hat.shape)
        N = {"stretch": [[0.6, 0], [0, -0.3]], "shear": [[0, 0.5], [0.5, 0]]}
        return x_hat @ np.array(N.get(kind, [[0, 0.5], [-0.5, 0]]))


def _normal_pair(seed, i):
    """Two independent normal numbers, the same here and in the page."""
    a, b = (_uniform(seed, 2 * i + k) for k in (0, 1))
    return np.sqrt(-2 * np.log(a)) * np.array([np.cos(2 * np.pi * b), np.sin(2 * np.pi * b)])


def _uniform(seed, k):
    """A number in (0, 1) for each seed and k: 32 bits, well stirred (mulberry32)."""
    mask = 2**32 - 1
    t = (seed * 0x9E3779B1 + (k + 1) * 0x6D2B79F5) & mask
    t = (t ^ t >> 15) * (t | 1) & mask
    t ^= (t + (t ^ t >> 7) * (t | 61)) & mask
    return ((t ^ t >> 14) + 0.5) / 2**32
