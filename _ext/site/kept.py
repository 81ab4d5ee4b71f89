"""Keep what takes the build long to make, from one build to the next, in `_build/kept/`.

A result is found by what it was made from: the function, its inputs, the build's own code and the
pinned parts. So nothing here is ever out of date.
"""

import hashlib
import pickle
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "_build" / "kept"

_used = set()


@cache
def code():
    """A hash of the build's code and of the versions it runs with."""
    locks = [ROOT / "requirements.lock", ROOT / "package-lock.json"]
    return hashlib.sha256(b"".join(p.read_bytes() for p in [*locks, *sorted(HERE.glob("*.py"))]))


def call(function, *inputs):
    """`function(*inputs)`, or what it returned in an earlier build.

    The inputs are strings, bytes, numbers, or lists of those: their `repr` says all of them.
    """
    key = code().copy()
    key.update(repr((function.__qualname__, *inputs)).encode())
    path = FOLDER / key.hexdigest()[:20]
    _used.add(path)
    if path.exists():
        return pickle.loads(path.read_bytes())
    result = function(*inputs)
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(result))
    return result


def drop_unused(app):
    """Forget what this build did not ask for."""
    for path in set(FOLDER.glob("*")) - _used:
        path.unlink()
