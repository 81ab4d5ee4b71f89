"""What `trace` does not take, said with the reader's own line."""

import linecache
import sys
import traceback
from pathlib import Path

import numpy as np

from .ops import UnknownOperation

OURS = (str(Path(__file__).parent), str(Path(np.__file__).parent))


def refused(why):
    """An `UnknownOperation` that says where the reader wrote what cannot be traced, and why."""
    where = _written()
    return UnknownOperation(f"trace: {where}{why}" if where else f"trace: {why}")


def written_plain(error):
    """The refusal of what NumPy would not write into one of its own arrays."""
    step = error.__traceback__
    while step.tb_next and not step.tb_next.tb_frame.f_code.co_filename.startswith(OURS):
        step = step.tb_next
    line = linecache.getline(step.tb_frame.f_code.co_filename, step.tb_lineno).strip()
    return UnknownOperation(
        f"trace: `{line}` in line {step.tb_lineno}: a plain array cannot hold what is traced; make "
        "it with np.zeros_like(x), or join the parts with np.stack"
    )


def lines_in(error, file):
    """The lines of a file that an error came through, the outermost first."""
    steps = traceback.walk_tb(error.__traceback__)
    return [line for frame, line in steps if frame.f_code.co_filename == file]


def line_of(error, file):
    """The innermost line of a file that an error came through; None if there is none."""
    return next(reversed(lines_in(error, file)), None)


def _written():
    """Where the reader's innermost frame is, as "`np.sort(x)` in line 3: "; "" if not known."""
    frame = sys._getframe(2)
    while frame and frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    if frame is None:
        return ""
    positions = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    first, last, start, end = positions
    line = linecache.getline(frame.f_code.co_filename, first or frame.f_lineno)
    if not line.strip():
        return ""
    text = line.strip()
    if first == last and start is not None and end is not None:
        text = line.encode()[start:end].decode(errors="ignore")
    return f"`{text}` in line {first or frame.f_lineno}: "
