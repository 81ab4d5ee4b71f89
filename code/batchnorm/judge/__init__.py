"""The judge: whether a backward pass is right, and if not, which slip leads to what it gives.

`task` judges, `observe` runs the answer under watch, `differences` compares, `slips` with `values`
and `gradients` knows what can go wrong, `normal` what that is for a layer that normalizes,
`stages` which line is to blame. The right values come from the traced forward pass, and so do the
slips: nobody writes them down.
"""

from .diagnose import assert_gradient, diagnose
from .task import Task, Trial, try_out
from .verdict import Line, Verdict

__all__ = ["Line", "Task", "Trial", "Verdict", "assert_gradient", "diagnose", "try_out"]
