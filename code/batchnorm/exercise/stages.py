"""Judge an answer's variables one by one, so that only the first wrong line is blamed."""

import numpy as np

from ..graph import OPS
from ..graph.graph import Run
from .differences import as_array, close


def judge(trial, variables, stages):
    """Name -> "right", "wrong" or "follows" for the variables among `stages`.

    A value is right if it is the graph's. It follows if it is what the graph gives with the
    answer's own earlier values in place of the graph's.
    """
    graph, judged = trial.run.graph, {}
    owned = {}
    for name in stages:
        if name in variables:
            array, trouble = as_array(name, variables[name])
            if not trouble:
                owned[name] = array

    def settle(name, right, given):
        got = owned.get(name)
        if got is None:
            return given
        verdict = "right" if close(got, right) else "follows" if close(got, given) else "wrong"
        judged[name] = verdict
        return got if got.shape == np.shape(given) else given

    values = []
    for i, node in enumerate(graph.nodes):
        value = trial.run.arrays[i]
        if node.inputs:
            with np.errstate(all="ignore"):
                value = OPS[node.op].forward(*(values[k] for k in node.inputs), **node.params)
            value = settle(node.name, trial.run.arrays[i], value)
        values.append(value)
    if not trial.upstream:
        return judged

    def received(i, d):
        name = graph.nodes[i].name
        return settle(f"d{name}", trial.found.arrays[i], d) if name else d

    with np.errstate(all="ignore"):
        Run(graph, values).backward(trial.dy, received=received)
    return judged
