"""Which line of an answer is to blame: the one whose right value puts the result right."""

from itertools import combinations

import numpy as np

from .differences import as_array, close, fitted

MOST = 300  # runs of the answer that the search may take


def meaning(trial, name):
    """What a variable of this name should hold: a value of the forward pass, or with "d" before it
    a gradient; None where the name says nothing. Underscores and capitals make no difference.
    """
    graph = trial.run.graph
    wanted = _plain(name)
    values, gradients = {}, {}
    for i, node in enumerate(graph.nodes):
        if node.name and node.inputs:
            values[_plain(node.name)] = trial.run.arrays[i]
        if node.name and trial.upstream:
            gradients["d" + _plain(node.name)] = trial.found.arrays[i]
    found = values.get(wanted, gradients.get(wanted))
    return None if found is None else np.asarray(found)


def _handed(array, given):
    """Whether an array is one of those that the answer was given, under any name."""
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, tuple | list):
        return any(_handed(array, part) for part in given)
    return isinstance(given, np.ndarray) and given.ndim and np.array_equal(array, given)


def _plain(name):
    return name.replace("_", "").lower()


class Stages:
    """An answer's variables on one batch, judged one by one.

    ``right`` holds those that have the value their name speaks of; ``other`` those that have not:
    name -> the value they should have. Whether one of these is to blame, `blamed` finds out by
    putting right values in their places: a name may mean something else to the reader.
    """

    def __init__(self, trial, seen, names):
        self.seen, self.right, self.other = seen, [], {}
        self.prescribed = names is not None
        for name, value in seen.variables.items():
            want = meaning(trial, name) if names is None or name in names else None
            got, trouble = as_array(name, value)
            if want is None or trouble or name not in seen.lines:
                continue
            want = fitted(want, got.shape)
            if close(got, want):
                if not _handed(got, trial.arguments):
                    self.right.append(name)
            elif got.shape == want.shape:
                self.other[name] = want

    def blamed(self, run, wrong):
        """The variables to blame, in the order of their lines; [] if there are none.

        ``run(put)`` runs the answer with values put in place, and gives its variables, its results
        and the names of those that are wrong; ``wrong`` are these where nothing is put. A variable
        is at fault if it is wrong although those before it have their right values. Right values of
        all that are at fault must repair a result and spoil none; if they do not, a name means
        something else here, and is left out. Results repair themselves, and say nothing of lines
        before them; they are looked at last, where the names are the task's.
        """
        order = sorted(self.other, key=lambda name: self.seen.lines[name])
        inner = [name for name in order if name not in wrong]
        left = MOST
        for spared in dict.fromkeys((0, 1, len(inner) - 1, *range(2, len(inner)))):
            for without in combinations(inner, spared) if 0 <= spared < len(inner) else ():
                left -= len(inner)
                at_fault = self._at_fault([n for n in inner if n not in without], run)
                if left > 0 and at_fault and run(self.put(at_fault))[2] < wrong:
                    return [name for name in at_fault if self._matters(name, at_fault, run)]
        at_fault = self._at_fault(order, run) if self.prescribed else []
        if at_fault and not run(self.put(at_fault))[2]:
            return [name for name in at_fault if self._matters(name, at_fault, run)]
        return []

    def put(self, names):
        return {name: (self.seen.lines[name], self.other[name]) for name in names}

    def _at_fault(self, names, run):
        found = []
        for name in names:
            variables = run(self.put(found))[0] if found else self.seen.variables
            if not close(variables.get(name), self.other[name]):
                found.append(name)
        return found

    def _matters(self, name, at_fault, run):
        """Whether the results change when a variable is put right after those before it."""
        before = at_fault[: at_fault.index(name)]
        without, whole = (run(self.put(names))[1] for names in (before, [*before, name]))
        return any(not np.array_equal(whole[k], without.get(k)) for k in whole)

    def follows(self, run, blamed):
        """Those of the others that come right once the blamed ones are."""
        variables = run(self.put(blamed))[0]
        return [
            name
            for name, want in self.other.items()
            if name not in blamed and close(variables.get(name), want)
        ]
