"""A short traceback: the reader's own lines, and where in a package it came to grief."""

import re
import traceback
from pathlib import Path

HERE = str(Path(__file__).parent)
CELL = re.compile(r"<(?P<name>.+?)(, run \d+)?>")


def describe(error, source_file):
    """An exception as the output ``{type, name, message, line, text}``.

    ``line`` is the last line of `source_file` that the way to the error passed, from 1, or None.
    """
    report = traceback.TracebackException.from_exception(error, capture_locals=False)
    line = next((f.lineno for f in reversed(report.stack) if f.filename == source_file), None)
    if isinstance(error, SyntaxError) and error.filename == source_file:
        line = error.lineno
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    about = {"name": type(error).__name__, "message": message, "line": line, "text": _text(report)}
    return {"type": "error", **about}


def _text(report):
    parts = []
    if report.__cause__ is not None:
        parts += [_text(report.__cause__), "\n…which led to:\n"]
    elif report.__context__ is not None and not report.__suppress_context__:
        parts += [_text(report.__context__), "\nWhile this was being handled:\n"]
    frames = [frame for frame in report.stack if not frame.filename.startswith(HERE)]
    if issubclass(report.exc_type, SyntaxError) and CELL.fullmatch(report.filename or ""):
        frames = []  # it says itself where it is
    mine = [i for i, frame in enumerate(frames) if CELL.fullmatch(frame.filename)]
    # Of what the cell called: the last stop alone. And of a deep recursion: its two ends.
    shown = [*mine[:3], *mine[3:][-3:]]
    if frames and len(frames) - 1 not in shown:
        shown.append(len(frames) - 1)
    previous = -1
    for i in shown:
        if i != previous + 1:
            parts.append(f"… {i - previous - 1} more …\n")
        parts.append(_frame(report, frames[i]))
        previous = i
    parts += [_named(part) for part in report.format_exception_only()]
    return "".join(parts)


def _frame(report, frame):
    rest = report.stack.format_frame_summary(frame).partition("\n")[2]
    match = CELL.fullmatch(frame.filename)
    where = match["name"] if match else "/".join(Path(frame.filename).parts[-2:])
    inside = "" if frame.name in ("<module>", "<lambda>") else f", in {frame.name}"
    return f"{where}, line {frame.lineno}{inside}\n{rest}"


def _named(text):
    """A syntax error's place, in the words of `_frame`."""
    return re.sub(rf'^  File "{CELL.pattern}", ', r"\g<name>, ", text)
