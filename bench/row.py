"""What every measurement gives: a row of the table."""

from typing import NamedTuple


class Row(NamedTuple):
    """``ours`` beside ``theirs``, what the ``peer`` takes; without a peer, a number of its own."""

    what: str
    ours: float
    unit: str
    peer: str = ""
    theirs: float | None = None
