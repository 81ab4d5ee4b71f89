"""What a check says: whether an answer is right, one message, and its lines."""

import textwrap
from dataclasses import dataclass
from typing import NamedTuple


class Line(NamedTuple):
    """One named value of an answer: where it is, and whether it is right.

    `verdict` is "right", "wrong", or "follows": wrong only because an earlier line is.
    """

    name: str
    verdict: str
    number: int | None = None  # counted from 1 at the function's head
    text: str = ""  # that line of the answer


@dataclass(frozen=True)
class Verdict:
    """What a check found: whether the answer passed, one message, and its lines."""

    passed: bool
    message: str
    lines: tuple[Line, ...] = ()

    def __bool__(self):
        return self.passed

    def __repr__(self):
        marks = {"right": "✓", "wrong": "✗", "follows": "·"}
        rows = [f"  {marks[line.verdict]} {_shown(line)}" for line in self.lines]
        if any(line.verdict == "follows" for line in self.lines):
            rows.append("  (· right, given the lines before)")
        return "\n".join([textwrap.fill(self.message, 76), *rows])


def _shown(line):
    return f"line {line.number}: {line.text or line.name}" if line.number else line.name
