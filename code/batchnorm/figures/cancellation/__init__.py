"""How large a mean a float32 variance can bear: four ways to compute it, against the offset."""

from typing import ClassVar

import numpy as np
import traitlets

from ... import variance
from ..kit import Figure, Vector, in_range

METHODS = {
    "one pass": variance.one_pass,
    "two passes": variance.two_pass,
    "Welford": variance.by_welford,
    "merged": lambda x: variance.merged(x, min(4, len(x))),
}
RANGES = {"offset": (1, 1e8), "m": (2, 256)}


class CancellationFigure(Figure):
    """The variance of ``offset + noise`` in float32, by four methods, and how wrong each is.

    Parameters
    ----------
    offset : what is added to the noise, 1 to 1e8
    m : number of samples, 2 to 256
    seed : of the noise, which has standard deviation 1

    Hands back ``computed``, the variance by each of the methods in the order of METHODS, and
    ``exact``, that of the same float32 samples in float64. The page computes in its own float32
    (`Math.fround` after each operation), which is NumPy's to the last bit. Raises ValueError for
    a value out of its range.
    """

    inputs = ("offset", "m", "noise")
    outputs = ("computed", "exact")
    labels: ClassVar = {"m": "samples"}

    offset = traitlets.CFloat(1e4).tag(sync=True, link=("real", *RANGES["offset"]))
    m = traitlets.Int(64).tag(sync=True, link=("int", *RANGES["m"]))
    noise = Vector([]).tag(sync=True)
    computed = Vector([]).tag(sync=True)
    exact = traitlets.CFloat(0.0).tag(sync=True)

    _min_height = traitlets.Int(380).tag(sync=True)

    def __init__(self, *, seed=0, **parameters):
        noise = np.random.default_rng(seed).normal(size=256).round(6)
        super().__init__(noise=noise, **parameters)

    @traitlets.validate(*RANGES)
    def _check(self, proposal):
        return in_range(proposal, *RANGES[proposal.trait.name])

    def compute(self):
        x = (self.offset + np.array(self.noise[: self.m])).astype(np.float32)
        computed = [float(method(x)) for method in METHODS.values()]
        return {"computed": computed, "exact": x.astype(np.float64).var()}
