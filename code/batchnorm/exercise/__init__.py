"""Exercises that say what is missing: ``bn.exercises["one_line"].check(my_backward)``.

`problems` holds the exercises, one a file; `exercise` says what one is. What is wrong with an
answer is found by the judge (`batchnorm.judge`).
"""

from ..judge import Line, Verdict
from .exercise import Exercise
from .problems import load

exercises = load()
"""Name -> `Exercise`, from easy to hard."""

__all__ = ["Exercise", "Line", "Verdict", "exercises"]
