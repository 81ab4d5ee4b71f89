"""An exercise: what it asks, and what its answers are judged by."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..graph import trace
from ..judge import Task, Trial, Verdict, try_out

BATCHES = 3  # an answer must be right, and a slip must fit, on so many random batches


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
        trial = try_out(graph, run, dys, {}, self.gives, self.upstream)
        given = dict(trial.known)
        if dys:
            given |= {f"d{n.name}": trial.found[n.name] for n in graph.nodes if n.name}
            given |= dict(zip(self.upstream, dys, strict=True))
        return trial._replace(arguments={name: given[name] for name in self.takes})

    @cached_property
    def task(self) -> Task:
        """What the judge needs."""
        upstream = self.upstream[0] if len(self.upstream) == 1 else "dy"
        stages, others = self.stages, self.others
        return Task(self.trials, self.gives, upstream, stages, self.solution, others)

    def check(self, function: Callable, seconds: float = 2.0) -> Verdict:
        """Run an answer on random batches and say whether it is right, and if not, what is wrong.

        First come results of the wrong kind or shape, then values. A wrong value is compared with
        what the slips of the judge lead to, one at a time and two at a time; the one that fits on
        every batch is named. Raises nothing that the answer raises.
        """
        return self.task.check(function, seconds)
