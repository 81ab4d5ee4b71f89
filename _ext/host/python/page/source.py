"""Reads what the reader has typed or pasted."""

import ast
import re

NO_TEXT = re.compile("[\0\ud800-\udfff]")  # half a surrogate pair is no character


def parse(source, file):
    """The syntax tree. Raises SyntaxError, which always names a line.

    Of characters that are none, and of what is nested too deep, Python says no line itself.
    """
    found = NO_TEXT.search(source)
    if found:
        line = source.count("\n", 0, found.start()) + 1
        begun = source[: found.start()].rpartition("\n")[2]
        what = f"a character that is not text (U+{ord(found[0]):04X}): delete it"
        raise SyntaxError(what, (file, line, len(begun) + 1, NO_TEXT.sub("�", begun + found[0])))
    try:
        return ast.parse(source, file)
    except (RecursionError, MemoryError):
        raise SyntaxError("this is nested too deep", (file, 1, 1, "")) from None
