"""The operations of a graph: one room for all that is known of each, a file a family.

An operation is one entry of ``OPERATIONS`` in a family's Python file: its sign, its formulas, what
it computes, the rules by which a gradient goes back, and the line that `derive` writes for it. In
the page it is one entry of ``OPERATIONS`` in the JavaScript file beside it, with the same rules.
To add one, write both; tests run it here, in the page and against HIPS autograd.

Where a function has a kink, the gradient is the mean of the slopes beside it: entries that tie for
a maximum or a minimum share evenly, and ``|x|`` and the bounds of ``clip`` follow from that. At 0
the root has an infinite slope, ``0/0`` is NaN on the way forth and back, and a power of 0 has no
slope by its exponent. Comparisons have none anywhere. In the page it is the same.
"""

from . import arithmetic, comparisons, functions, products, reductions, shapes, symmetric
from .op import Formula, Op, Source, UnknownOperation, as_number, unbroadcast

OPS = {
    **arithmetic.OPERATIONS,
    **functions.OPERATIONS,
    **reductions.OPERATIONS,
    **products.OPERATIONS,
    **shapes.OPERATIONS,
    **comparisons.OPERATIONS,
    **symmetric.OPERATIONS,
}
"""Name -> operation."""

__all__ = ["OPS", "Formula", "Op", "Source", "UnknownOperation", "as_number", "unbroadcast"]
