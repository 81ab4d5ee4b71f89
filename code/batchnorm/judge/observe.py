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


class TooLong(BaseException):
    """Raised inside code that runs over its time; not an Exception, so few catch it."""


class Limit:
    """A time limit for code that is traced step by step.

    It is over after `seconds`, but on a busy machine, where other programs have the processor, not
    before STEPS steps have run, or ten times the seconds have passed: code that does not end soon
    runs so many, and code that only had to wait does not.
    """

    STEPS = 100_000

    def __init__(self, seconds):
        self.seconds, self.start, self.steps = seconds, time.perf_counter(), 0

    def step(self):
        """Count a step. Raises `TooLong` once the limit is over."""
        self.steps += 1
        took = time.perf_counter() - self.start
        if took > self.seconds and (self.steps > self.STEPS or took > 10 * self.seconds):
            raise TooLong("It did not finish, and was stopped.")


@dataclass
class Observation:
    """What one call did. `trouble` is a sentence, or "" if the call returned."""

    result: Any = None
    variables: dict[str, Any] = field(default_factory=dict)  # as they were at the return
    lines: dict[str, int] = field(default_factory=dict)  # where each variable was last changed
    trouble: str = ""
    line: int | None = None  # where the trouble arose, or of the return; the function's head is 1


def within(seconds, file, call, /, *arguments, **named):
    """What the call returns. Raises `TooLong` where code of the file does not finish."""
    limit = Limit(seconds)

    def step(frame, event, argument):
        limit.step()
        return step

    def enter(frame, event, argument):
        frame.f_trace_opcodes = True  # a loop on one line comes to no new line
        return step if frame.f_code.co_filename == file else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        return call(*arguments, **named)
    finally:
        sys.settrace(before)


def observe(function, arguments, seconds=2.0, put=(), own=False):
    """Call ``function(*positional, **named)`` under watch, and return an `Observation`.

    ``arguments`` is a dict of named ones, or a pair of a list and a dict. ``put`` maps variables to
    (line, value): each time the line has changed the variable, the value is put in its place.

    The watch is Python's own trace function: it stops a call that runs longer than `seconds`,
    finds out which line last changed each variable, and notices a call into this package, which
    would be no answer, unless ``own`` allows it. A loop inside compiled code cannot be stopped.
    Never raises what the function raises, but for KeyboardInterrupt.
    """
    code = code_of(function)
    if code is None:
        return Observation(trouble=f"This is not a Python function but {type(function).__name__}.")
    positional, named = arguments if isinstance(arguments, tuple) else ((), arguments)
    watch = _Watch(code, Limit(seconds), dict(put))
    before = sys.gettrace()
    seen = Observation()
    try:
        sys.settrace(watch.enter)
        try:
            seen.result = function(*positional, **named)
        finally:
            sys.settrace(before)
    except TooLong:
        seen.trouble = f"Your function did not end within {seconds:g} seconds."
    except (Exception, SystemExit) as error:
        seen.trouble = f"Your function stopped with {type(error).__name__}: {error}"
        seen.line = _line_of(error, code)
    if seen.line:
        seen.trouble += f" (line {seen.line}: {source_line(code, seen.line)})"
    elif watch.last:
        seen.line = watch.last - code.co_firstlineno + 1
    if watch.called and not own:
        seen.trouble = (
            f"Your function calls {watch.called} of this package. Write it with NumPy alone."
        )
    seen.variables, seen.lines = watch.variables, watch.lines
    return seen


def code_of(function):
    """The code of a function, a method, or an object that can be called; None if it has none."""
    function = inspect.unwrap(function)
    function = getattr(function, "func", function)
    code = getattr(function, "__code__", None)
    return (
        code or getattr(type(function).__call__, "__code__", None) if callable(function) else None
    )


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

    def __init__(self, code, limit, put):
        self.code, self.limit, self.put = code, limit, put
        self.frame, self.last = None, None
        self.variables, self.lines, self.called = {}, {}, ""

    def enter(self, frame, event, argument):
        file = frame.f_code.co_filename
        if file.startswith(PACKAGE) and frame.f_code is not self.code:
            self.called = self.called or frame.f_code.co_qualname
        if self.frame is None and frame.f_code is self.code:
            self.frame = frame
        frame.f_trace_opcodes = True  # a loop on one line comes to no new line
        return None if "numpy" in file else self.step

    def step(self, frame, event, argument):
        self.limit.step()
        if frame is self.frame and event != "opcode":
            self.look(frame)
        return self.step

    def look(self, frame):
        """Ascribe every variable that has changed to the line that ran last."""
        line = None if self.last is None else self.last - self.code.co_firstlineno + 1
        variables = frame.f_locals  # read once: read again, it forgets what was put into it
        for name, value in list(variables.items()):
            if name in self.variables and _same(self.variables[name], value):
                continue
            if line is not None:
                self.lines[name] = line
                if name in self.put and self.put[name][0] == line:
                    value = variables[name] = np.array(self.put[name][1])
            self.variables[name] = value.copy() if isinstance(value, np.ndarray) else value
        self.last = frame.f_lineno


def _same(old, new):
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        return old.shape == new.shape and old.tobytes() == new.tobytes()
    return old is new
