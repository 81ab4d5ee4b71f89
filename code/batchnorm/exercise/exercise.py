"""An exercise: what it asks, and a check that says what is wrong with an answer."""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..graph import trace
from ..graph.graph import Run
from . import slips
from .differences import amount, as_array, close, first_difference, guess_axis, multiple, place
from .observe import observe, source_line
from .stages import judge

BATCHES = 3  # an answer must be right, and a slip must fit, on so many random batches


class Line(NamedTuple):
    """One named value of an answer: where it stands, and whether it is right.

    `verdict` is "right", "wrong", or "follows": wrong only because an earlier line is.
    """

    name: str
    verdict: str
    number: int | None = None  # counted from 1 at the function's head
    text: str = ""  # that line of the answer


@dataclass(frozen=True)
class Verdict:
    """What `Exercise.check` found: whether the answer passed, one message, and its lines."""

    passed: bool
    message: str
    lines: tuple[Line, ...] = ()

    def __bool__(self):
        return self.passed

    def __repr__(self):
        marks = {"right": "✓", "wrong": "✗", "follows": "·"}
        rows = [f"  {marks[line.verdict]} {_shown(line)}" for line in self.lines]
        if any(line.verdict == "follows" for line in self.lines):
            rows.append("  (· right, given the lines before)")
        return "\n".join([textwrap.fill(self.message, 76), *rows])


def _shown(line):
    return f"line {line.number}: {line.text or line.name}" if line.number else line.name


class Trial(NamedTuple):
    """One random batch: the forward graph's run, and what the answer gets and should give."""

    run: Run
    upstream: list[np.ndarray]  # the gradients at the run's outputs; none where values are asked
    arguments: dict
    want: dict[str, np.ndarray]
    found: Any  # the run's gradients by node, or the run itself where values are asked

    @property
    def dy(self):
        """What arrived, as `Run.backward` takes it: a list for several outputs alone."""
        return self.upstream if len(self.upstream) > 1 else self.upstream[0]


@dataclass
class Exercise:
    """A task whose answer is a function, and all that is needed to judge one.

    Parameters
    ----------
    name, title, chapter : what it is called; the chapter that it belongs to
    statement : the task, in Markdown
    function : the forward pass, in plain NumPy that `trace` takes
    data : ``data(rng, k)`` gives the forward pass's inputs for the k-th random batch
    takes : what the answer is given: inputs or named values of the forward pass, and `upstream`
    gives : the answer's results: name -> the node whose *gradient* is asked, or, without
        `upstream`, whose *value* is asked
    upstream : names of the gradients that arrive at the forward pass's outputs
    solution : a right answer, traceable too: its graph says what may be left out
    stub : source text from which a reader starts
    hints : sentences that help, one after another
    stages : names of variables that are judged one by one, if the answer uses them: a node's
        name for its value, "d" before it for its gradient
    others : slips that change more than one place: what they are, and the answer they lead to
    """

    name: str
    title: str
    chapter: str
    statement: str
    function: Callable
    data: Callable
    takes: tuple[str, ...]
    gives: Mapping[str, str]
    solution: Callable
    stub: str
    hints: tuple[str, ...]
    upstream: tuple[str, ...] = ("dy",)
    stages: tuple[str, ...] = ()
    others: Mapping[str, Callable] = field(default_factory=dict)

    def __repr__(self):
        return f"Exercise({self.name!r}: {self.title})"

    def _repr_markdown_(self):
        """The task and its hints, each hint folded into the one before it."""
        folded = ""
        for i, hint in reversed(list(enumerate(self.hints, start=1))):
            folded = f"<details><summary>Hint {i}</summary>\n\n{hint}\n\n{folded}</details>\n"
        return f"{self.statement.strip()}\n\n{folded}"

    @property
    def solution_text(self) -> str:
        """The solution as source text."""
        return inspect.getsource(self.solution)

    @cached_property
    def trials(self) -> list[Trial]:
        """Random batches of different sizes, always the same ones."""
        return [self._trial(np.random.default_rng(k), k) for k in range(BATCHES)]

    def _trial(self, rng, k):
        data = self.data(rng, k)
        graph = trace(self.function, **data)
        run = graph.forward(**data)
        dys = [rng.normal(size=np.shape(run.arrays[i])) for i in graph.outputs if self.upstream]
        known = {node.name: v for node, v in zip(graph.nodes, run.arrays, strict=True) if node.name}
        known |= dict(zip(self.upstream, dys, strict=True))
        found = run
        if dys:
            found = run.backward(dys if len(dys) > 1 else dys[0])
            known = {f"d{name}": found[name] for name in known if name not in self.upstream} | known
        want = {name: np.asarray(found[node]) for name, node in self.gives.items()}
        return Trial(run, dys, {name: known[name] for name in self.takes}, want, found)

    def check(self, function: Callable, seconds: float = 2.0) -> Verdict:
        """Run an answer on random batches and say whether it is right, and if not, what is wrong.

        First come results of the wrong kind or shape, then values. A wrong value is compared with
        what the slips of `slips` lead to, one at a time and two at a time; the one that fits on
        every batch is named. Raises nothing that the answer raises.
        """
        answers = []
        for trial in self.trials:
            given = {
                name: v.copy() if isinstance(v, np.ndarray) else v
                for name, v in trial.arguments.items()
            }
            seen = observe(function, given, seconds)
            if seen.trouble:
                return Verdict(False, seen.trouble)
            for name, value in trial.arguments.items():
                if not np.array_equal(given[name], value):
                    message = f"Your function changes its argument {name}. Work on a copy of it."
                    return Verdict(False, message)
            results, trouble = self._results(seen.result, trial)
            if trouble:
                return Verdict(False, trouble)
            answers.append((results, seen))
        lines = self._lines(answers[0][1], self.trials[0], function)
        for name in self.gives:
            gots = [results[name] for results, _ in answers]
            if not self._right(name, gots):
                return self._wrong(name, gots, answers, lines)
        agree = "agrees" if len(self.gives) == 1 else "agree"
        message = f"Right: {', '.join(self.gives)} {agree} with the graph on {BATCHES} batches."
        return Verdict(True, message, lines)

    def _right(self, name, gots):
        return all(
            close(got, trial.want[name]) for got, trial in zip(gots, self.trials, strict=True)
        )

    # --- Results of the wrong kind or shape ---

    def _results(self, result, trial):
        """The results by name, and "" or a sentence that says why there are none."""
        names = list(self.gives)
        wanted = ", ".join(names)
        if result is None or (isinstance(result, tuple) and all(r is None for r in result)):
            return {}, f"Nothing returned yet: end your function with `return {wanted}`."
        if isinstance(result, dict):
            result = tuple(result.get(name) for name in names)
        several = result if isinstance(result, tuple) else (result,)
        if len(names) > 1 and isinstance(result, list) and len(result) == len(names):
            several = tuple(result)
        if len(several) != len(names):
            return {}, f"Your function returns {amount(len(several))}, want {wanted}."
        results = {}
        for name, value in zip(names, several, strict=True):
            results[name], trouble = as_array(name, value)
            if trouble:
                return {}, trouble
        for name, want in trial.want.items():
            got = results[name]
            if got.shape != want.shape:
                return (
                    {},
                    f"{name} has shape {got.shape}, want {want.shape}.{guess_axis(got, want)}",
                )
        for name, got in results.items():
            if not np.isfinite(got).all():
                where = place(np.argwhere(~np.isfinite(got))[0])
                return {}, f"{name}{where} is {got[~np.isfinite(got)][0]}, want a finite number."
        return results, ""

    # --- What is wrong with a value ---

    def _wrong(self, name, gots, answers, lines):
        """The verdict on a wrong result; it names the first wrong line, if there is one."""
        first = next((line for line in lines if line.verdict == "wrong"), None)
        where = ""
        if first:
            name = first.name
            gots = [as_array(name, seen.variables.get(name))[0] for _, seen in answers]
            where = f", line {first.number}" if first.number else ""
        return Verdict(False, f"Not yet{where}: {self._reason(name, gots)}", lines)

    def _reason(self, name, gots):
        """A sentence on a value that is wrong, from what it is on each batch."""
        for other in self.gives:
            if other != name and all(map(close, gots, (t.want[other] for t in self.trials))):
                return f"{name} holds what {other} should be."
        wants = [self._want(name, trial) for trial in self.trials]
        sizes = [len(np.atleast_1d(trial.run.arrays[0])) for trial in self.trials]
        if text := multiple(name, gots, wants, sizes):
            return text
        if found := self._fitting(name, gots):
            rest = "".join(f" In the formula: {text}." for text in found[1:])
            return f"{name} is what one gets when {found[0]}.{rest}"
        return first_difference(name, gots[0], wants[0])

    def _want(self, name, trial):
        """What a result, or a variable among `stages`, should be."""
        if name in trial.want:
            return trial.want[name]
        if name in (node.name for node in trial.run.graph.nodes):
            return np.asarray(trial.run[name])
        return np.asarray(trial.found[name[1:]])

    @cached_property
    def _solved(self):
        """The solution's graph on each batch."""
        return [trace(self.solution, **trial.arguments) for trial in self.trials]

    def _fitting(self, name, gots):
        """The slips that lead to these values, in words: none, or one a family that has one."""
        families = [*self._backward(name), *self._forward(name)]
        for text, answer in self.others.items():
            values = [self._named(answer, trial).get(name) for trial in self.trials]
            if all(map(close, gots, values)):
                return [text]
        for pick in (iter, slips.pairs):  # two at a time only where no single slip fits
            found = [self._search(gots, pick(singles), values) for singles, values in families]
            if any(found):
                return [text for text in found if text]
        return []

    def _named(self, answer, trial):
        """An answer's results by name."""
        results = answer(**trial.arguments)
        several = results if isinstance(results, tuple) else (results,)
        return dict(zip(self.gives, several, strict=True))

    def _backward(self, name):
        """The slips in sending the gradient back, and what the value is with one on a batch."""
        graph = self.trials[0].run.graph
        node = self.gives.get(name, name[1:])
        if not self.upstream or node not in (n.name for n in graph.nodes):
            return

        def values(k, slip):
            return slips.gradients(self.trials[k].run, self.trials[k].dy, slip)[node]

        yield slips.of_backward(graph), values

    def _forward(self, name):
        """The slips in computing the solution, and what the value is with one on a batch."""
        graph = self._solved[0]
        if name in self.gives:
            at = graph.outputs[list(self.gives).index(name)]
        elif name in (n.name for n in graph.nodes):
            at = graph.index(name)
        else:
            return

        def values(k, slip):
            return slips.evaluate(self._solved[k], self.trials[k].arguments, slip)[at]

        yield slips.of_solution(graph), values

    def _search(self, gots, candidates, values):
        """The first slip that leads to these values on every batch, in words; or ""."""
        for slip in candidates:
            with np.errstate(all="ignore"):
                if all(close(got, values(k, slip)) for k, got in enumerate(gots)):
                    return slip.text
        return ""

    # --- Variables one by one ---

    def _lines(self, seen, trial, function):
        """The judged variables in the order of the answer's lines."""
        judged = judge(trial, seen.variables, self.stages)
        code = inspect.unwrap(function).__code__
        lines = []
        for name, verdict in judged.items():
            number = seen.lines.get(name)
            lines.append(Line(name, verdict, number, source_line(code, number) if number else ""))
        return tuple(sorted(lines, key=lambda line: line.number or 10**6))
