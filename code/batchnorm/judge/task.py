"""The judge: run an answer on random batches, and say whether it is right, and if not, why."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from ..graph import trace
from ..graph.graph import Run
from . import normal, slips
from .differences import (
    amount,
    as_array,
    close,
    first_difference,
    fitted,
    guess_axis,
    multiple,
    order,
    place,
    scrambled,
)
from .gradients import MOMENTS, gradients, of_edges, of_paths
from .observe import code_of, observe, source_line
from .stages import Stages, meaning
from .values import of_solution
from .verdict import Line, Verdict


class Trial(NamedTuple):
    """One random batch: the forward graph's run, and what the answer gets and should give."""

    run: Run
    upstream: list[np.ndarray]  # the gradients at the run's outputs; none where values are asked
    arguments: Any  # by name, or a list and those by name
    want: dict[str, np.ndarray]
    found: Any  # the run's gradients by node, or the run itself where values are asked
    known: dict[str, np.ndarray]  # the values that have a name

    @property
    def dy(self):
        """What arrived, as `Run.backward` takes it: a list for several outputs alone."""
        return self.upstream if len(self.upstream) > 1 else self.upstream[0]

    def floor(self, node):
        """How small a gradient may be before it is the rounding of what cancels in it."""
        flow = getattr(self.found, "flow", {})
        i = self.run.graph.index(node) if flow else -1
        terms = [v for e, v in flow.items() if self.run.graph.nodes[e.target].inputs[e.slot] == i]
        return 1e-6 * max((np.abs(v).max(initial=0) for v in terms), default=0.0)


def try_out(graph, run, upstream, arguments, gives, names=("dy",), more=()):
    """A `Trial`: what comes of a run, and of what arrives at its outputs."""
    known = {node.name: v for node, v in zip(graph.nodes, run.arrays, strict=True) if node.name}
    known = {**dict(more), **known, **dict(zip(names, upstream, strict=False))}
    found = run.backward(upstream if len(upstream) > 1 else upstream[0]) if upstream else run
    want = {name: np.asarray(found[node]) for name, node in gives.items()}
    return Trial(run, upstream, arguments, want, found, known)


@dataclass
class Task:
    """What is asked of an answer, and the means to judge it.

    Parameters
    ----------
    trials : the batches; an answer must be right, and a slip must fit, on every one
    gives : the answer's results: name -> the node whose gradient is asked, or, without an
        upstream gradient, whose value is asked
    upstream : what the answer calls the gradient that arrives
    stages : names of variables that are looked at one by one; None for all whose name says what
        they should hold
    solution : a right answer that can be traced, taking a trial's arguments; or None
    others : slips that change more than one place: what they are, and the answer they lead to
    own : whether the answer may call this package
    collect : what makes an answer's results of what it returned and of its arguments
    """

    trials: list[Trial]
    gives: Mapping[str, str]
    upstream: str = "dy"
    stages: tuple[str, ...] | None = None
    solution: Callable | None = None
    others: Mapping[str, Callable] = field(default_factory=dict)
    own: bool = False
    collect: Callable = lambda result, given: result

    def check(self, function, seconds=2.0):
        """The `Verdict` on an answer. Raises nothing that the answer raises."""
        answers, notes = [], ""
        for trial in self.trials:
            given = copy.deepcopy(trial.arguments)
            seen = observe(function, given, seconds, own=self.own)
            if seen.trouble:
                return Verdict(False, seen.trouble)
            if changed := _changed(given, trial.arguments):
                message = f"Your function changes its argument {changed}. Work on a copy of it."
                if not self.own:
                    return Verdict(False, message)
                notes = f" {message}"
            results, trouble = self._unpack(self.collect(seen.result, given))
            if trouble:
                return Verdict(False, trouble)
            answers.append((results, seen))
        found = [results for results, _ in answers]
        shapes = {name: got.shape for name, got in found[0].items()}
        trouble, named = self._shapes(found)
        if trouble:
            return Verdict(False, trouble, self._result_lines(function, answers, named))
        wrong = [name for name in self.gives if not self._right(name, found)]
        if wrong:
            return self._wrong(function, wrong, answers, seconds)
        for name, want in self.trials[0].want.items():
            if (shape := shapes[name]) != want.shape:
                text = f"The numbers of {name} are right; its shape is {shape}, want {want.shape}"
                how = "drop keepdims" if len(shape) > want.ndim else "keep the axes (keepdims=True)"
                return Verdict(False, f"{text}: {how}, or reshape it.")
        agree = "agrees" if len(self.gives) == 1 else "agree"
        message = f"Right: {', '.join(self.gives)} {agree} with the graph on {self._batches}."
        right = Stages(self.trials[0], answers[0][1], self.stages).right
        lines = self._lines(function, answers[0][1], right, "right")
        return Verdict(True, message + notes, tuple(_once_a_line(lines)))

    @property
    def _batches(self):
        return f"{len(self.trials)} batches"

    def _right(self, name, found):
        return all(
            close(results[name], trial.want[name], trial.floor(self.gives[name]))
            for results, trial in zip(found, self.trials, strict=False)
        )

    # --- Results of the wrong kind or shape ---

    def _unpack(self, result):
        """The results by name, and "" or a sentence that says why there are none."""
        names = list(self.gives)
        wanted = ", ".join(names)
        if result is None or (isinstance(result, tuple) and all(r is None for r in result)):
            return {}, f"Nothing returned yet: end your function with `return {wanted}`."
        if isinstance(result, dict):
            result = tuple(result.get(name, result.get(self.gives[name])) for name in names)
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
        return results, ""

    def _shapes(self, found):
        """A sentence on results in another order, of a wrong shape, or not finite, or ""; and of
        which results the numbers are wrong. Axes of length 1 are brought into place.
        """
        names = list(self.gives)
        if other := order(names, found, [trial.want for trial in self.trials]):
            text = "The numbers are right, but in another order: your function returns"
            return f"{text} {', '.join(other)}; want {', '.join(names)}.", ()
        for name in names:
            got, want = found[0][name], self.trials[0].want[name]
            if got.shape == want.shape:
                continue
            there = [
                fitted(results[name], trial.want[name].shape)
                for results, trial in zip(found, self.trials, strict=True)
            ]
            if there[0].shape != want.shape:
                text = f"{name} has shape {got.shape}, want {want.shape}."
                return text + guess_axis(got, want), (name,)
            for results, value in zip(found, there, strict=True):
                results[name] = value
        for name, got in found[0].items():
            if not np.isfinite(got).all():
                where = place(np.argwhere(~np.isfinite(got))[0])
                text = f"{name}{where} is {got[~np.isfinite(got)][0]}, want a finite number."
                return text, (name,)
        return "", ()

    # --- What is wrong with a value ---

    def _wrong(self, function, wrong, answers, seconds):
        """The verdict on wrong results: the slip that leads to the first, or the line to blame."""
        seen, trial = answers[0][1], self.trials[0]

        def run(put):
            given = copy.deepcopy(trial.arguments)
            again = observe(function, given, seconds, put, own=True)
            results, trouble = (
                ({}, "x") if again.trouble else self._unpack(self.collect(again.result, given))
            )
            fits = {k: fitted(v, trial.want[k].shape) for k, v in results.items()}
            left = {k for k in self.gives if trouble or not self._right(k, [fits])}
            return again.variables, fits, left

        stages = Stages(trial, seen, self.stages)
        blamed = stages.blamed(run, set(wrong)) if stages.other else []
        if blamed:  # what is still wrong then has its own line
            left = run(stages.put(blamed))[2]
            names = [name for name in wrong if name in left and name not in blamed]
        else:
            names = wrong[:1]
        lines = [
            *self._lines(function, seen, blamed, "wrong"),
            *self._result_lines(function, answers, names),
        ]
        lines.sort(key=lambda line: line.number or 10**6)
        name, number = lines[0].name, lines[0].number
        reason = self._reason(name, self._found(name, answers))
        if reason.plain and name not in self.gives:
            whole = self._reason(wrong[0], self._found(wrong[0], answers))
            reason = reason if whole.plain else whole
        follows = stages.follows(run, blamed) if blamed else []
        lines += self._lines(function, seen, follows, "follows")
        lines += self._lines(function, seen, stages.right, "right")
        lines = _once_a_line(sorted(lines, key=lambda line: line.number or 10**6))
        where = f", line {number}" if number else ""
        return Verdict(False, f"Not yet{where}: {reason.text}", tuple(lines))

    def _found(self, name, answers):
        """What a result, or a variable, is on each batch."""
        if name in self.gives:
            return [results[name] for results, _ in answers]
        return [as_array(name, seen.variables.get(name))[0] for _, seen in answers]

    def _lines(self, function, seen, names, verdict):
        code = code_of(function)
        numbers = [(name, seen.lines.get(name)) for name in names]
        numbers.sort(key=lambda pair: pair[1] or 10**6)
        return tuple(Line(a, verdict, n, source_line(code, n) if n else "") for a, n in numbers)

    def _result_lines(self, function, answers, names):
        """The lines that made wrong results: a variable's own, or else that of the return."""
        results, seen = answers[0]
        code, lines = code_of(function), []
        for name in names:
            number = seen.line
            for variable, value in seen.variables.items():
                array = as_array(variable, value)[0]
                if variable in seen.lines and np.array_equal(array, results[name]):
                    number = seen.lines[variable]
            lines.append(Line(name, "wrong", number, source_line(code, number) if number else ""))
        return tuple(lines)

    def _reason(self, name, gots):
        """Why a value is wrong, from what it is on each batch."""
        for other in self.gives:
            if other != name and all(map(close, gots, (t.want[other] for t in self.trials))):
                return Reason(f"{name} holds what {other} should be.")
        wants = [self._want(name, trial) for trial in self.trials]
        if wants[0] is None:
            return Reason(f"{name} is wrong.", plain=True)
        gots = [fitted(got, want.shape) for got, want in zip(gots, wants, strict=True)]
        if text := multiple(name, gots, wants, self._counts(name, wants)):
            return Reason(text)
        if scrambled(gots, wants):
            return Reason(
                f"{name} holds the right numbers in the wrong places: an array has to be "
                "transposed back before it is reshaped, or the other way round."
            )
        if text := self._fitting(name, gots):
            return Reason(f"{name} is what you get when {text}.")
        if text := self._factor(name, gots, wants):
            return Reason(text)
        return Reason(first_difference(name, gots[0], wants[0]), plain=True)

    def _want(self, name, trial):
        """What a result, or a variable that was looked at, should be."""
        if name in trial.want:
            return trial.want[name]
        return meaning(trial, name)

    def _counts(self, name, wants):
        """In words, the counts that a value may have been multiplied with or divided by."""
        trials = self.trials
        counts = {"m samples": [len(np.atleast_1d(t.run.arrays[self._first])) for t in trials]}
        if self._normalization:
            spread = [t.run.arrays[self._normalization.spread] for t in trials]
            inputs = [t.run.arrays[self._normalization.u] for t in trials]
            sizes = [np.size(u) // np.size(s) for u, s in zip(inputs, spread, strict=True)]
            counts["m values in a mean"] = sizes
        if self.trials[0].upstream:
            sizes = [
                np.size(t.upstream[0]) / np.size(w) for t, w in zip(trials, wants, strict=True)
            ]
            counts["n entries in the sum"] = sizes
        return counts

    def _factor(self, name, gots, wants):
        """A sentence for values that are the right ones times, or divided by, a named value."""
        for known in self.trials[0].known:
            for word, of in (("times", np.multiply), ("divided by", np.divide)):
                try:
                    with np.errstate(all="ignore"):
                        there = [
                            of(want, trial.known[known])
                            for want, trial in zip(wants, self.trials, strict=True)
                        ]
                except (ValueError, KeyError, TypeError):
                    continue
                if np.size(self.trials[0].known[known]) and all(map(close, gots, there)):
                    return f"{name} is what it should be, {word} {known}."
        return ""

    # --- The slips ---

    @cached_property
    def _normalization(self):
        return normal.find(self.trials[0].run.graph) if self.trials[0].upstream else None

    @cached_property
    def _solved(self):
        """The solutions: the task's own, and those of the normalization in its graph."""
        found = []
        if self.solution:
            graphs = [trace(self.solution, **trial.arguments) for trial in self.trials]
            sizes = [len(np.atleast_1d(trial.run.arrays[0])) for trial in self.trials]
            graphs = _with_counts(graphs, sizes)
            at = dict(zip(self.gives, graphs[0].outputs, strict=True))
            at |= {n.name: i for i, n in enumerate(graphs[0].nodes) if n.name and n.name not in at}
            inputs = [trial.arguments for trial in self.trials]
            found.append(normal.Solved(graphs, inputs, [t.known for t in self.trials], at))
        if self._normalization:
            of_nodes = {node: name for name, node in self.gives.items()}
            for solved in normal.solutions(self._normalization, self.trials, self.upstream):
                at = {of_nodes[k]: i for k, i in solved.at.items() if k in of_nodes}
                found.append(replace(solved, at=at))
        if self.trials[0].upstream:
            found.append(normal.of_forward(self._normalization, self.trials))
        return found

    def _families(self, name):
        """Slips, likelier ones first; what the value is with one on a batch; how an answer is
        brought into that value's layout; and the slips that are tried two at a time.
        """
        graph = self.trials[0].run.graph
        node = self.gives.get(name, name.removeprefix("d"))

        def same(k, got):
            return got

        edges = []
        if self.trials[0].upstream and node in (n.name for n in graph.nodes):

            def flowing(k, slip):
                return gradients(self.trials[k].run, self.trials[k].dy, slip)[node]

            paths, edges = of_paths(graph, self._moments), of_edges(graph)
            yield paths, flowing, same, ()
        for solved in self._solved:
            if name in solved.at:

                def values(k, slip, solved=solved):
                    return solved.values(k, slip)[solved.at[name]]

                found = [*solved.extra]
                if not solved.alone:
                    found += of_solution(solved.graphs[0], solved.shapes, self._sizes)
                yield found, values, solved.view, found
        if edges and self._normalization and self._normalization.stable is not None:

            def altered(k, slip):
                return slip.gradients(self.trials[k])[node]

            yield normal.of_eps(self._normalization, graph), altered, same, ()
        if edges:
            yield edges, flowing, same, paths + edges

    @cached_property
    def _first(self):
        """The node of the input whose gradient is asked first; or the first node."""
        inputs = self.trials[0].run.graph.inputs
        return next((inputs[node] for node in self.gives.values() if node in inputs), 0)

    @cached_property
    def _sizes(self):
        """The sizes of the first input's axes, and their products: what one may divide by."""
        shape = self.trials[0].run.graph.nodes[self._first].shape
        return {int(np.prod(part)) for n in range(1, 5) for part in combinations(shape, n)}

    @cached_property
    def _moments(self):
        graph = self.trials[0].run.graph
        found = {i: MOMENTS[n.name] for i, n in enumerate(graph.nodes) if n.name in MOMENTS}
        if found or not self._normalization:
            return found
        return self._normalization.called(graph)

    def _fitting(self, name, gots):
        """The slip that leads to these values, in words; or ""."""
        for text, answer in self.others.items():
            values = [self._named(answer, trial).get(name) for trial in self.trials]
            if all(map(close, gots, values)):
                return text
        families = list(self._families(name))
        for singles, values, view, _ in families:
            if text := self._search(gots, singles, values, view):
                return text
        if text := self._known(name, gots):
            return text
        for _, values, view, several in families:  # two at a time only where no single slip fits
            if text := self._search(gots, slips.pairs(several), values, view):
                return text
        return ""

    def _search(self, gots, candidates, values, view):
        """The first slip that leads to these values on every batch, in words; or ""."""
        there = [view(k, got) for k, got in enumerate(gots)]
        for slip in candidates:
            with np.errstate(all="ignore"):
                for k, got in enumerate(there):
                    value = values(k, slip)
                    if value is None or not close(fitted(got, np.shape(value)), value):
                        break
                else:
                    return slip.text
        return ""

    def _known(self, name, gots):
        """Whether the values are those of another name; in words, or ""."""
        for known, value in self.trials[0].known.items():
            if known == name or not np.ndim(value):
                continue
            there = [trial.known.get(known) for trial in self.trials]
            if all(map(close, gots, there)):
                return f"{known} is returned as it is"
        return ""

    def _named(self, answer, trial):
        """An answer's results by name."""
        results = answer(**trial.arguments)
        several = results if isinstance(results, tuple) else (results,)
        return dict(zip(self.gives, several, strict=True))


class Reason(NamedTuple):
    """A sentence on a value that is wrong; plain if it says no more than where."""

    text: str
    plain: bool = False


def _once_a_line(lines):
    """Of several names on a line one, the worst."""
    worst = {}
    for line in lines:
        old = worst.get(line.number or line.name)
        if old is None or (line.verdict == "wrong" != old.verdict):
            worst[line.number or line.name] = line
    return list(worst.values())


def _changed(given, before):
    """The name of the first argument that is no longer what it was; or ""."""
    named = given[1] if isinstance(given, tuple) else given
    old = before[1] if isinstance(before, tuple) else before
    for name, value in named.items():
        if isinstance(value, np.ndarray) and not np.array_equal(value, old[name]):
            return name
    return ""


def _with_counts(graphs, sizes):
    """The graphs, with a name for constants that are on each batch m, or m - 1."""
    names = {}
    for i, node in enumerate(graphs[0].nodes):
        if node.op == "constant" and node.shape == ():
            values = [graph.nodes[i].params["value"] for graph in graphs]
            for name, less in (("m", 0), ("m - 1", 1)):
                if len(set(sizes)) > 1 and values == [size - less for size in sizes]:
                    names[i] = name
    return [
        replace(
            g, nodes=tuple(replace(n, name=names.get(i, n.name)) for i, n in enumerate(g.nodes))
        )
        for g in graphs
    ]
