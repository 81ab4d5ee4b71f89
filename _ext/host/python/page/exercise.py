"""Check a reader's answer to an exercise, and say beside which lines the verdict belongs."""

import ast
import linecache
import re

import numpy as np

import batchnorm as bn

from .source import parse

FILE = "<answer>"


def check(name, source):
    """The verdict on the last function in `source`, as an answer to the exercise `name`.

    Gives ``{"passed", "message", "marks", "shown"}``: a mark is ``{"line", "kind", "text"}``, its
    line counted from 1 in the source, its kind one of those of ../marks.js; "shown" is what a cell
    prints. Never raises what the answer raises.
    """
    try:
        head, function = _answer(source)
    except SyntaxError as error:
        return _trouble(f"{error.msg} (line {error.lineno})", error.lineno)
    except (Exception, SystemExit) as error:
        line, step = None, error.__traceback__
        while step:
            line = step.tb_lineno if step.tb_frame.f_code.co_filename == FILE else line
            step = step.tb_next
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
        wrong = {"line": int(stopped[1]) if stopped else _last_line(head), "kind": kind}
        marks = [mark for mark in marks if mark["line"] != wrong["line"]] + [wrong]
    wrong["text"] = message
    return {
        "passed": bool(verdict),
        "message": message,
        "marks": sorted(marks, key=lambda mark: mark["line"]),
        "shown": repr(verdict),
    }


def _answer(source):
    """The last function that the source defines: its node, and itself. Nothing below it runs."""
    tree = parse(source, FILE)
    heads = [i for i, node in enumerate(tree.body) if isinstance(node, ast.FunctionDef)]
    if not heads:
        raise SyntaxError("There is no function here: begin with def", (FILE, 1, 1, ""))
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    names = {"np": np, "bn": bn}
    tree.body = tree.body[: heads[-1] + 1]
    exec(compile(tree, FILE, "exec"), names)
    head = tree.body[-1]
    return head, names[head.name]


def _last_line(head):
    """The line of a function's last return, or its last line."""
    returns = [node.lineno for node in ast.walk(head) if isinstance(node, ast.Return)]
    return max(returns, default=head.end_lineno)


def _trouble(message, line):
    mark = {"line": line or 1, "kind": "error", "text": message}
    return {"passed": False, "message": message, "marks": [mark], "shown": message}
