"""Check a reader's answer to an exercise, and say beside which lines the verdict belongs."""

import ast
import re

import batchnorm as bn
from batchnorm.graph.refusal import line_of
from batchnorm.judge.observe import TooLong

from .own import last_function

FILE = "<answer>"
SECONDS = 2.0  # a longer run is an endless loop


def check(name, source):
    """The verdict on the last function in `source`, as an answer to the exercise `name`.

    Gives ``{"passed", "message", "marks", "shown"}``: a mark is ``{"line", "kind", "text"}``, its
    line counted from 1 in the source, its kind one of those of ../marks.js; "shown" is what a cell
    prints. Never raises what the answer raises.
    """
    try:
        head, function = last_function(source, FILE, SECONDS)
    except SyntaxError as error:
        return _trouble(f"{error.msg} (line {error.lineno})", error.lineno)
    except TooLong as error:
        return _trouble(str(error), line_of(error, FILE))
    except (Exception, SystemExit) as error:
        line = line_of(error, FILE)
        return _trouble(f"{type(error).__name__}: {error} (line {line})", line)
    verdict = bn.exercises[name].check(function)
    before = head.lineno - 1  # lines above the function: the verdict counts from its head
    message = re.sub(r"\bline (\d+)", lambda m: f"line {int(m[1]) + before}", verdict.message)
    marks = [
        {"line": line.number + before, "kind": line.verdict, "text": ""}
        for line in verdict.lines
        if line.number
    ]
    wrong = next((mark for mark in marks if mark["kind"] == "wrong"), None)
    if wrong is None:  # it rests on what is returned, or on the line that stopped
        stopped = re.search(r"\(line (\d+): ", message)
        kind = "right" if verdict else "error" if stopped else "wrong"
        line = _last_return(head).lineno if verdict else _made_in(head, message)
        wrong = {"line": int(stopped[1]) if stopped else line, "kind": kind}
        marks = [mark for mark in marks if mark["line"] != wrong["line"]] + [wrong]
    wrong["text"] = message
    return {
        "passed": bool(verdict),
        "message": message,
        "marks": sorted(marks, key=lambda mark: mark["line"]),
        "shown": repr(verdict),
    }


def _last_return(head):
    """A function's last return, or its last statement."""
    returns = [node for node in ast.walk(head) if isinstance(node, ast.Return)]
    return max(returns, default=head.body[-1], key=lambda node: node.lineno)


def _made_in(head, message):
    """The line where a wrong result was made: the last one that assigns to what is returned.

    Of several results it is one that the message names. Where the return itself computes, it is
    the return.
    """
    last = _last_return(head)
    value = getattr(last, "value", None)
    results = value.elts if isinstance(value, ast.Tuple) else [value]
    names = {result.id for result in results if isinstance(result, ast.Name)}
    names = {name for name in names if re.search(rf"\b{name}\b", message)} or names
    made = [
        node.lineno
        for node in ast.walk(head)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in names
    ]
    return max(made, default=last.lineno)


def _trouble(message, line):
    mark = {"line": line or 1, "kind": "error", "text": message}
    return {"passed": False, "message": message, "marks": [mark], "shown": message}
