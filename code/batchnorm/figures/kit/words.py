"""The language that figures speak: the words of each in a file, as words.js reads them."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "words"

_words: dict = {}  # of the language chosen; none: what the page has


def language(name):
    """Choose the language of all figures that are made from now on, and of their pages.

    English is in the figures' code; other languages are files in ``words/``, which are written
    from ``locale/``. What a language has no words for is said in English. Numbers keep their
    decimal point.

    Parameters
    ----------
    name : "en", or another that there are words for, as "de"

    Raises ValueError for a language without words.
    """
    global _words
    known = sorted(path.stem for path in FOLDER.glob("*.json"))
    if name != "en" and name not in known:
        raise ValueError(f"name: got {name!r}, want one of {', '.join(['en', *known])}")
    _words = {"": "en"} if name == "en" else json.loads((FOLDER / f"{name}.json").read_text("utf8"))


def words():
    """What a figure made now brings to its page: {English: its own}."""
    return _words
