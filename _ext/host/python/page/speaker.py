"""What Python says to the page: one JSON text a message, bytes beside it."""

import io
import json
import math
from time import monotonic

AT_ONCE = 200  # so many lines of a cell go out as they come; then they are gathered
GATHER = 0.05  # seconds
MOST = 200_000  # characters that a cell may print: a page that shows more would freeze


class Speaker:
    """Sends outputs and comms' messages by `post(json, buffers)`; holds back a flood of text."""

    def __init__(self, post):
        self._post = post
        self.captures = []  # ids of the Output widgets that catch what is said now
        self.open(None)

    def open(self, cell):
        """From here on, what is said belongs to the cell with this number."""
        self._cell, self._held, self._name = cell, [], "stdout"
        self._sent, self._printed, self._last = 0, 0, monotonic()

    def close(self):
        """Say what was held back, and how much was dropped."""
        self.flush()
        if self._printed > MOST:
            dropped = f"\n… and {self._printed - MOST:,} more characters, which are not shown.\n"
            self._output({"type": "stream", "name": "stderr", "text": dropped})

    def write(self, name, text):
        """Print `text`; what goes beyond the limit is counted and dropped."""
        if name != self._name:
            self.flush()
            self._name = name
        room = max(0, MOST - self._printed)
        self._printed += len(text)
        if room:
            self._held.append(text[:room])
        now = monotonic()
        soon = self._sent < AT_ONCE and text.endswith("\n")
        if soon or now - self._last > GATHER:
            self._last = now
            self.flush()

    def flush(self):
        """Send the text that was held back."""
        text = "".join(self._held)
        self._held.clear()
        if text:
            self._sent += 1
            self._output({"type": "stream", "name": self._name, "text": text})

    def output(self, **output):
        """Send an output that is no text stream: a result, a display, an error."""
        self.flush()
        self._output(output)

    def _output(self, output):
        catcher = self.captures[-1] if self.captures else None
        self.send({"kind": "output", "id": self._cell, "output": output, "catcher": catcher})

    def send(self, message, buffers=None):
        """Send a message as it is. Numbers that JSON does not have become null."""
        self._post(dump(message), buffers)


class Stream(io.TextIOBase):
    """Python's stdout or stderr."""

    def __init__(self, name, speaker):
        self._name, self._speaker = name, speaker

    @property
    def name(self):
        return f"<{self._name}>"

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._speaker.write(self._name, text)
        return len(text)

    def flush(self):
        self._speaker.flush()


def dump(value):
    """`value` as JSON; NaN and infinity as null, tuples as lists, what is unknown as its str."""
    try:
        return json.dumps(value, allow_nan=False, default=_plain)
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, default=_plain)


def _plain(value):
    return value.item() if hasattr(value, "item") and not getattr(value, "ndim", 0) else str(value)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
