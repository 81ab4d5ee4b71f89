"""Run a reader's function and write down what it did: results, its variables, why it stopped."""

import inspect
import linecache
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

PACKAGE = str(Path(__file__).parent.parent)


class _TooLong(BaseException):
    """Raised inside a function that runs over its time; not an Exception, so few catch it."""


@dataclass
class Observation:
    """What one call did. `trouble` is a sentence, or "" if the call returned."""

    result: Any = None
    variables: dict[str, Any] = field(default_factory=dict)  # as they were at the return
    lines: dict[str, int] = field(default_factory=dict)  # where each variable was last changed
    trouble: str = ""
    line: int | None = None  # where the trouble arose, counted from 1 at the function's head


def observe(function, arguments, seconds=2.0):
    """Call ``function(**arguments)`` under watch, and return an `Observation`.

    The watch is Python's own trace function: it stops a call that runs longer than `seconds`,
    finds out which line last changed each variable, and notices a call into this package, which
    would be no answer. A loop inside compiled code cannot be stopped. Never raises what the
    function raises, but for KeyboardInterrupt.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return Observation(trouble=f"This is no Python function, but {type(function).__name__}.")
    watch = _Watch(code, time.perf_counter() + seconds)
    before = sys.gettrace()
    seen = Observation()
    try:
        sys.settrace(watch.enter)
        try:
            seen.result = function(**arguments)
        finally:
            sys.settrace(before)
    except _TooLong:
        seen.trouble = f"Your function did not end within {seconds:g} seconds."
    except (Exception, SystemExit) as error:
        seen.trouble = f"Your function stopped with {type(error).__name__}: {error}"
        seen.line = _line_of(error, code)
    if seen.line:
        seen.trouble += f" (line {seen.line}: {source_line(code, seen.line)})"
    if watch.called:
        seen.trouble = (
            f"Your function calls {watch.called} of this package. Write it with NumPy alone."
        )
    seen.variables, seen.lines = watch.variables, watch.lines
    return seen


def source_line(code: CodeType, line: int) -> str:
    """The text of a line of the function, counted from 1 at its head; "" if it is not known."""
    return linecache.getline(code.co_filename, code.co_firstlineno + line - 1).strip()


def _line_of(error, code):
    """The function's line at which an error arose or came through."""
    line, step = None, error.__traceback__
    while step:
        if step.tb_frame.f_code is code:
            line = step.tb_lineno - code.co_firstlineno + 1
        step = step.tb_next
    return line


class _Watch:
    """The trace function of one call, and what it saw in the outermost frame of `code`."""

    def __init__(self, code, until):
        self.code, self.until = code, until
        self.frame, self.last = None, None
        self.variables, self.lines, self.called = {}, {}, ""

    def enter(self, frame, event, argument):
        file = frame.f_code.co_filename
        if file.startswith(PACKAGE) and frame.f_code is not self.code:
            self.called = self.called or frame.f_code.co_qualname
        if self.frame is None and frame.f_code is self.code:
            self.frame = frame
        return None if "numpy" in file else self.step

    def step(self, frame, event, argument):
        if time.perf_counter() > self.until:
            raise _TooLong
        if frame is self.frame:
            self.look(frame, event)
        return self.step

    def look(self, frame, event):
        """Ascribe every variable that has changed to the line that ran last."""
        for name, value in frame.f_locals.items():
            if name not in self.variables or not _same(self.variables[name], value):
                self.variables[name] = value.copy() if isinstance(value, np.ndarray) else value
                if self.last is not None:
                    self.lines[name] = self.last - self.code.co_firstlineno + 1
        self.last = frame.f_lineno


def _same(old, new):
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        return old.shape == new.shape and old.tobytes() == new.tobytes()
    return old is new
