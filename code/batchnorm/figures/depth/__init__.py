"""How a gradient grows from layer to layer on its way down, at any depth and batch size."""

from typing import ClassVar

import numpy as np
import traitlets

from ..kit import Figure, in_range

CURVE = 8  # points of a formula's curve from one batch size to its double


class DepthFigure(Figure):
    """The squared norm of a gradient on its way down through many layers, and its factor per layer.

    Parameters
    ----------
    runs : {name: {batch size: (seeds, layers + 1) array}}, the squared norm of the gradient in
        networks of several seeds: where it starts, after one layer, after two, …; the same batch
        sizes and shapes for every name
    formulas : {name: (text, function of the batch size)}, the factor per layer that is predicted;
        infinite, or not a number, where there is none
    batch : the batch size that is looked at; the nearest of those in ``runs`` is taken
    depth : how many layers are looked at

    Hands back ``factors``: {name: [smallest, median, largest]} over the seeds, of the geometric
    mean of the factors of the first ``depth`` layers. Raises ValueError for arrays that do not
    fit, norms that are not finite and above 0, a batch size or a depth out of range.
    """

    inputs = ("batch", "depth", "layers", "sizes", "kinds", "norms")
    outputs = ("factors",)
    labels: ClassVar = {"batch": "batch size", "depth": "layers"}

    batch = traitlets.CFloat(16.0).tag(sync=True)
    depth = traitlets.Int(20).tag(sync=True)
    layers = traitlets.Int(1).tag(sync=True)  # that there are
    sizes = traitlets.List(traitlets.Int()).tag(sync=True)
    kinds = traitlets.List(traitlets.Dict()).tag(sync=True)  # name, formula, curve
    norms = traitlets.Bytes().tag(sync=True)  # float32 logarithms: of a kind, size, seed, layer
    factors = traitlets.Dict().tag(sync=True)

    _min_height = traitlets.Int(360).tag(sync=True)

    def __init__(self, runs, formulas, **parameters):
        sizes = sorted({size for given in runs.values() for size in given})
        if not sizes or any(sorted(given) != sizes for given in runs.values()):
            raise ValueError("runs: want names with the same batch sizes each, at least one")
        shapes = {np.shape(norms) for given in runs.values() for norms in given.values()}
        shape = shapes.pop()
        if shapes or len(shape) != 2 or shape[0] < 1 or shape[1] < 2:
            raise ValueError(f"runs: got {shape} and others, want one shape (seeds, layers + 1)")
        norms = np.array([[given[size] for size in sizes] for given in runs.values()], float)
        if not (np.isfinite(norms) & (norms > 0)).all():
            raise ValueError("runs: want finite norms above 0")
        if formulas.keys() != runs.keys():
            raise ValueError(f"formulas: got {', '.join(formulas)}, want {', '.join(runs)}")
        logs = np.log10(norms)
        self._logs = (logs - logs[..., :1]).astype("<f4")
        octaves = np.log2(sizes[-1] / sizes[0])
        grid = np.geomspace(sizes[0], sizes[-1], 1 + int(np.ceil(CURVE * octaves)))
        kinds = [
            {
                "name": name,
                "formula": text,
                "curve": [point for size in grid if (point := _point(size, predicted))],
                "predicted": [_point(size, predicted)[1:] for size in sizes],
            }
            for name, (text, predicted) in formulas.items()
        ]
        super().__init__(
            sizes=sizes,
            kinds=kinds,
            layers=shape[1] - 1,
            norms=self._logs.tobytes(),
            **{"depth": min(20, shape[1] - 1), "batch": sizes[len(sizes) // 2]} | parameters,
        )

    def _kinds(self):
        ranges = {
            "batch": ["real", self.sizes[0], self.sizes[-1]],
            "depth": ["int", 1, self.layers],
        }
        return super()._kinds() | ranges

    @traitlets.validate("batch")
    def _check_batch(self, proposal):
        in_range(proposal, self.sizes[0], self.sizes[-1])
        return float(min(self.sizes, key=lambda size: abs(np.log(size / proposal.value))))

    @traitlets.validate("depth")
    def _check_depth(self, proposal):
        return in_range(proposal, 1, self.layers)

    def compute(self):
        logs = self._logs[:, self.sizes.index(int(self.batch)), :, self.depth]
        each = np.sort(10.0 ** (logs.astype(float) / self.depth), axis=1)
        low, median, high = each[:, 0], np.median(each, axis=1), each[:, -1]
        names = [kind["name"] for kind in self.kinds]
        found = zip(names, low, median, high, strict=True)
        return {"factors": {name: [float(v) for v in values] for name, *values in found}}


def _point(size, predicted):
    """[size, the factor predicted there]; empty where there is none."""
    with np.errstate(all="ignore"):
        factor = float(np.float64(predicted(np.float64(size))))
    return [float(size), factor] if np.isfinite(factor) and factor > 0 else []
