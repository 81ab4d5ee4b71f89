"""One node for what a function computes twice, so that the derived code computes it once."""

from dataclasses import replace

import numpy as np

from ..graph import Graph


def merged(graph, cut):
    """The graph with all uses of equal nodes moved to the first of them.

    The indices stay; a later twin, or a node that leads to no output, has no inputs any more, and
    so no say. Nodes at a cut stay apart, since the cut is of one of them, and so do nodes of two
    names.
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
    live = set()
    pending = [*graph.outputs]
    while pending:
        i = pending.pop()
        if i not in live:
            live.add(i)
            pending += nodes[i].inputs
    nodes = [n if i in live else replace(n, inputs=()) for i, n in enumerate(nodes)]
    return Graph(tuple(nodes), graph.outputs)


def _frozen(params):
    """Parameters as a key."""
    return tuple(
        (key, (np.shape(value), np.asarray(value).tobytes()) if key == "value" else str(value))
        for key, value in params.items()
    )
