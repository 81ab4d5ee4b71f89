"""One node for what a function computes twice, so that the derived code computes it once."""

from dataclasses import replace

import numpy as np

from ..graph import Graph


def merged(graph, cut):
    """The graph with all uses of equal nodes moved to the first of them.

    The indices stay; a later twin is used no more. Nodes at a cut stay apart, since the cut is of
    one of them, and so do nodes of two names.
    """
    touched = {edge.target for edge in cut}
    touched |= {graph.nodes[edge.target].inputs[edge.slot] for edge in cut}
    nodes, first, stands = [], {}, {}
    for i, node in enumerate(graph.nodes):
        node = replace(node, inputs=tuple(stands.get(k, k) for k in node.inputs))
        nodes.append(node)
        if node.op == "input" or i in touched or i in graph.outputs:
            continue
        key = node.op, node.inputs, _frozen(node.params)
        twin = first.setdefault(key, i)
        if twin != i and not (node.name and nodes[twin].name):
            stands[i] = twin
            if node.name:
                nodes[twin] = replace(nodes[twin], name=node.name)
                nodes[i] = replace(node, name="")
    return Graph(tuple(nodes), graph.outputs)


def _frozen(params):
    """Parameters as a key."""
    return tuple(
        (key, (np.shape(value), np.asarray(value).tobytes()) if key == "value" else str(value))
        for key, value in params.items()
    )
