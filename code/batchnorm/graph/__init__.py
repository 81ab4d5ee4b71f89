"""The traced computation graph: record NumPy code, run it, differentiate it, cut it, draw it.

To read in order: `ops` (what a node can do), `graph` (forward, backward, cuts), `wire` (JSON),
`trace`, `traced` and `calls` (from NumPy code to a graph; `refusal` says what is not taken, in the
reader's own line; `examples` are small arguments), `layout` (where a figure puts the nodes),
`describe` (the formulas it shows). Beside them the same for the page: ``tensor.js``, ``ops/``,
``interpreter.js``, ``wire.js``.
"""

from .derive import Derivation, derive
from .examples import example
from .graph import SYMBOLS, Edge, Graph, Node
from .ops import OPS, UnknownOperation, unbroadcast
from .ops.symmetric import eigenvalues, eigenvectors, inverse_sqrt
from .trace import trace

__all__ = [
    "OPS",
    "SYMBOLS",
    "Derivation",
    "Edge",
    "Graph",
    "Node",
    "UnknownOperation",
    "derive",
    "eigenvalues",
    "eigenvectors",
    "example",
    "inverse_sqrt",
    "trace",
    "unbroadcast",
]
