"""Drag the batch: a few samples of one feature, and the gradient that reaches each of them."""

import inspect

import numpy as np
import traitlets

from ...graph import trace
from ...reference import batch_norm
from ...validate import array
from ..kit import Figure, Vector, finite, not_too_large

PARAMETERS = ("gamma", "beta", "eps")


def start_state(x, dy, graph):
    """What a figure of this graph, as JSON, shows before any step and cut: {trait: value}.

    Raises ValueError for numbers beyond 1e150.
    """
    for name, a in (("x", x), ("dy", dy)):
        not_too_large(name, np.asarray(a))
    x, dy = np.asarray(x, float).tolist(), np.asarray(dy, float).tolist()
    return {"x": x, "dy": dy, "graph": graph, "start": [x, dy], "trail": [], "steps": 0, "cut": []}


class BatchFigure(Figure):
    """A batch of one feature, its outputs, and the gradient on its way back.

    Samples and upstream gradients can be dragged. The gradient that reaches a sample is split by
    colour into what comes directly, through the mean and through the variance; the flow through
    either can be cut. "Take a step" moves the samples by ``-rate * dx``; how far inputs and outputs
    have travelled in all steps is shown below them.

    Parameters
    ----------
    x : the samples, 2 to 8 numbers
    dy : the gradient of the loss at the outputs, one number per sample
    function : plain NumPy code ``y = function(x, …)`` that may take gamma, beta and eps; its local
        variables ``mu`` and ``var`` are what the cuts refer to
    gamma, beta, eps : numbers; eps >= 0
    flow_through_mean, flow_through_variance : False cuts every edge that leaves ``mu`` / ``var``
    cut : further edges of the function's graph to cut, as ``[target, slot]``: what a linked
        `GraphFigure` of the same function and inputs cuts, is cut here
    rate : the learning rate of a step
    steps : how many steps have been taken when the figure opens
    tour : stops for a newcomer, each ``(label, caption, changes)``: a button that brings the start
        state with these changes, {"x", "flow_through_mean", …: value, "steps": how many}. A figure
        with a tour has a switch for the mean's path, and no table of numbers

    Hands back ``x``, ``dy``, ``y`` and ``dx`` as lists. ``y`` and ``dx`` are empty where they are
    not defined (equal samples with eps = 0). Raises ValueError for a wrong number of samples, for
    numbers that are not finite or beyond 1e150, and for what `trace` refuses.
    """

    inputs = (
        *("x", "dy", *PARAMETERS, "flow_through_mean", "flow_through_variance", "cut"),
        *("rate", "start", "trail", "steps", "graph", "tour"),
    )
    outputs = ("y", "dx")

    x = Vector().tag(sync=True, link=("reals",))
    dy = Vector().tag(sync=True, link=("reals",))
    gamma = traitlets.CFloat(1.0).tag(sync=True, link=("real",))
    beta = traitlets.CFloat(0.0).tag(sync=True, link=("real",))
    eps = traitlets.CFloat(1e-5).tag(sync=True, link=("real", 0))
    flow_through_mean = traitlets.Bool(True).tag(sync=True, link=("bool",))
    flow_through_variance = traitlets.Bool(True).tag(sync=True, link=("bool",))
    cut = traitlets.List().tag(sync=True, link=("edges",))
    rate = traitlets.CFloat(0.5).tag(sync=True, link=("real",))
    graph = traitlets.Unicode().tag(sync=True)
    start = traitlets.List([[], []]).tag(sync=True)  # x and dy as "Reset" brings them back
    trail = traitlets.List().tag(sync=True)  # x before each of the steps taken, first to last
    steps = traitlets.Int(0).tag(sync=True, link=("int", 0))
    tour = traitlets.List().tag(sync=True)
    y = Vector([]).tag(sync=True)
    dx = Vector([]).tag(sync=True)

    def __init__(self, x, dy, *, function=batch_norm, steps=0, tour=(), **parameters):
        x, dy = array("x", x).astype(float), array("dy", dy).astype(float)
        if x.ndim != 1 or not 2 <= x.size <= 8:
            raise ValueError(f"x: got shape {x.shape}, want 2 to 8 samples of one feature")
        if dy.shape != x.shape:
            raise ValueError(f"dy: got shape {dy.shape}, want one number per sample, {x.shape}")
        wanted = [name for name in inspect.signature(function).parameters if name in PARAMETERS]
        given = {name: parameters.get(name, self.trait_defaults(name)) for name in wanted}
        with np.errstate(all="ignore"):  # equal samples with eps = 0 are shown, in words
            self._graph = trace(function, x=x, **given)
        stops = [self._stop(*stop) for stop in tour]
        super().__init__(**start_state(x, dy, self._graph.to_json()) | parameters, tour=stops)
        if not 0 <= steps <= 100:
            raise ValueError(f"steps: got {steps}, want 0 to 100")
        for _ in range(steps):
            self._step()
        self._made()

    def _kinds(self):
        return super()._kinds() | {"trail": ["rows", len(self.x)]}

    def _stop(self, label, caption, changes):
        unknown = set(changes) - {"x", "flow_through_mean", "flow_through_variance", "steps"}
        if unknown:
            raise ValueError(f"tour: {label!r} changes {sorted(unknown)}, which no stop can")
        changes = changes | ({"x": np.asarray(changes["x"]).tolist()} if "x" in changes else {})
        return {"label": label, "caption": caption, "changes": changes}

    def _step(self):
        if not self.dx:
            raise ValueError("steps: no step can be taken where dx is not defined")
        with self.hold_sync():
            self.trail, self.steps = [*self.trail, self.x], self.steps + 1
            self.x = np.array(self.x) - self.rate * np.array(self.dx)

    @traitlets.validate(*PARAMETERS, "rate")
    def _check_number(self, proposal):
        return finite(proposal)

    @traitlets.validate("cut")
    def _check_cut(self, proposal):
        edges = self._graph.cut([tuple(edge) for edge in proposal.value])
        return [list(edge) for edge in sorted(edges)]

    def compute(self):
        given = {name: getattr(self, name) for name in self._graph.inputs}
        given["x"] = np.array(self.x)
        flows = {"mu": self.flow_through_mean, "var": self.flow_through_variance}
        names = {node.name for node in self._graph.nodes}
        cut = [name for name, flow in flows.items() if name in names and not flow]
        with np.errstate(all="ignore"):
            run = self._graph.forward(**given)
            dx = run.backward(np.array(self.dy), cut=[*cut, *map(tuple, self.cut)])["x"]
        if not (np.isfinite(run.output).all() and np.isfinite(dx).all()):
            return {"y": [], "dx": []}
        return {"y": run.output, "dx": dx}
