"""Step through gradient descent twice: with the whole gradient, and with some flow cut off."""

import math
from itertools import takewhile

import numpy as np
import traitlets

from ... import reparameterization
from ...graph import trace
from ...validate import array
from ..kit import Figure, in_range


def descend(graph, given, train, rate, steps, cut=()):
    """Gradient descent on a traced loss. Returns the `Run` at each of the steps 0 … ``steps``.

    ``given[name] -= rate * dloss/dname`` for each name in ``train``; ``cut`` as in `Graph.cut`.
    Stops early, with fewer runs, where a value is no longer finite.
    """
    shapes = {name: np.shape(given[name]) for name in train}
    ends = np.cumsum([0, *(math.prod(shape) for shape in shapes.values())])

    def run(w):
        parts = zip(shapes.items(), ends, ends[1:], strict=False)
        return graph.forward(**given | {name: w[a:b].reshape(s) for (name, s), a, b in parts})

    def gradient(w):
        grads = run(w).backward(np.ones(()), cut=cut)
        return np.concatenate([np.ravel(grads[name]) for name in train])

    def finite(run):
        return all(np.isfinite(value).all() for value in run.arrays)

    start = np.concatenate([np.ravel(given[name]) for name in train])
    with np.errstate(all="ignore"):
        path = reparameterization.descend(gradient, start, rate, steps=steps)
        return list(takewhile(finite, map(run, path)))


class DescentFigure(Figure):
    """Named values of a loss's graph, step by step, under the whole gradient and a cut one.

    Parameters
    ----------
    loss : plain NumPy code that returns one number
    given : {argument of loss: number or array}
    train : the names of the arguments that move
    cut : the names of the nodes whose outgoing edges the second descent cuts
    watch : the names of the one-number nodes to plot, "loss" for the result
    rate : the learning rate, >= 0
    steps : how many steps are taken, 1 to 500; ``step`` is the one that is read out

    Hands back ``now``: {name: [under the whole gradient, under the cut one]} at ``step``. Raises
    ValueError for a name that is not in the graph, a loss or watched node that is not one number,
    or given values at which the loss, or what leads to it, is not finite.
    """

    inputs = ("step", "rate", "given", "train", "cut", "watch", "steps", "graph")
    outputs = ("now",)

    step = traitlets.Int(0).tag(sync=True, link=("int", 0))
    rate = traitlets.CFloat(0.5).tag(sync=True, link=("real", 0))
    steps = traitlets.Int(40).tag(sync=True)
    given = traitlets.Dict().tag(sync=True)
    train = traitlets.List(traitlets.Unicode()).tag(sync=True)
    cut = traitlets.List(traitlets.Unicode()).tag(sync=True)
    watch = traitlets.List(traitlets.Unicode()).tag(sync=True)
    graph = traitlets.Unicode().tag(sync=True)
    now = traitlets.Dict().tag(sync=True)

    _min_height = traitlets.Int(330).tag(sync=True)

    def __init__(self, loss, given, *, train, cut, watch, **parameters):
        given = {name: array(name, value).astype(float) for name, value in given.items()}
        with np.errstate(all="ignore"):
            graph = trace(loss, **given)
        for name in [*train, *cut, *watch]:
            if name != "loss" and name not in {node.name for node in graph.nodes}:
                raise ValueError(f"{name}: no value of that name in {loss.__name__}")
        for name in train:
            if name not in given:
                raise ValueError(f"train: {name} is not among the given values")
        with np.errstate(all="ignore"):
            run = graph.forward(**given)
        for name in ["loss", *watch]:
            shape = np.shape(self._value(run, name))
            if shape != ():
                raise ValueError(f"{name}: has shape {shape}, want one number")
        if not all(np.isfinite(value).all() for value in run.arrays):
            raise ValueError("given: got numbers with which the loss overflows, want smaller ones")
        self._graph = graph
        super().__init__(
            given={name: value.tolist() for name, value in given.items()},
            graph=graph.to_json(),
            train=list(train),
            cut=list(cut),
            watch=list(watch),
            **parameters,
        )

    @staticmethod
    def _value(run, name):
        return run.output if name == "loss" else run[name]

    @traitlets.validate("rate", "step", "steps")
    def _check(self, proposal):
        return in_range(proposal, *{"steps": (1, 500)}.get(proposal.trait.name, (0, np.inf)))

    def compute(self):
        given = {name: np.array(value) for name, value in self.given.items()}
        last = []
        for cut in ([], self.cut):
            runs = descend(self._graph, given, self.train, self.rate, self.steps, cut)
            last.append(runs[min(self.step, len(runs) - 1)])
        return {"now": {n: [float(self._value(run, n)) for run in last] for n in self.watch}}
