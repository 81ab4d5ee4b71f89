"""Exercises that say what is missing: ``bn.exercises["one_line"].check(my_backward)``.

An answer is judged against the traced graph; what is wrong with it is found among the slips that
the graph allows. `problems` holds the exercises, one a file; `exercise` judges, `observe` runs the
answer under watch, `slips` knows what can go wrong.
"""

from .exercise import Exercise, Line, Verdict
from .problems import load

exercises = load()
"""Name -> `Exercise`, from easy to hard."""

__all__ = ["Exercise", "Line", "Verdict", "exercises"]
