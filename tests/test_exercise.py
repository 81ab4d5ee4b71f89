"""The exercises: right answers pass in any style, wrong ones are named, all are safe to run."""

import itertools
import json
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from answers import RIGHT, WRONG, written

import batchnorm as bn
from batchnorm.exercise import exercises
from batchnorm.exercise.exercise import BATCHES, Exercise
from batchnorm.exercise.problems import five_faults, zca
from batchnorm.graph import trace
from batchnorm.judge import observe
from batchnorm.judge.gradients import of_edges, of_paths
from batchnorm.judge.values import of_solution

ONE_LINE = exercises["one_line"]
GOOD = "return gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))"


def check(body, exercise=ONE_LINE, **options):
    return exercise.check(written(exercise, body), **options)


def test_there_are_enough():
    assert len(exercises) >= 14
    assert len(WRONG) >= 40
    assert len(RIGHT) >= 20
    assert {name for name, *_ in WRONG} >= set(exercises) - {"five_faults"}


@pytest.mark.parametrize("exercise", exercises.values(), ids=exercises)
def test_an_exercise_is_whole(exercise: Exercise):
    assert exercise.check(exercise.solution)
    assert exercise.solution_text.startswith("def ")
    assert exercise.statement.strip()
    assert len(exercise.hints) >= 2
    assert str(exercise.takes[0]) in exercise.stub
    trials = exercise.trials
    assert len({np.shape(t.want[next(iter(t.want))]) for t in trials}) > 1 or trials[0].want


@pytest.mark.parametrize("exercise", exercises.values(), ids=exercises)
def test_a_stub_as_published_says_what_to_do(exercise):
    space = {"np": np}
    exec(exercise.stub, space)
    verdict = exercise.check(space[exercise.stub.strip().removeprefix("def ").partition("(")[0]])
    assert not verdict
    if exercise.name != "five_faults":
        assert verdict.message.startswith("Nothing returned yet")


@pytest.mark.parametrize(("name", "body", "expected"), WRONG)
def test_a_wrong_answer_is_named(name, body, expected):
    start = time.perf_counter()
    verdict = check(body, exercises[name])
    assert not verdict.passed
    assert expected in verdict.message
    assert time.perf_counter() - start < 30  # under a second where the machine is idle


def test_wrong_answers_are_told_apart():
    told = {}
    for name, body, _ in WRONG:
        told.setdefault(name, []).append(check(body, exercises[name]).message)
    for name, messages in told.items():
        # Both leave x_hat out of the same term: one writes a mean of dy, one a mean of dy * x_hat
        assert len(set(messages)) >= len(messages) - 2, name


@pytest.mark.parametrize(("name", "body"), RIGHT)
def test_a_right_answer_passes_in_any_style(name, body):
    assert check(body, exercises[name])


# --- The truth is the graph's; where there is none to differentiate, an oracle's -----------------


def test_the_second_derivative_is_right():
    for trial in exercises["second_derivative"].trials:
        x, v, c, eps = (trial.arguments[name] for name in ("x", "v", "c", "eps"))

        def along(t, x=x, v=v, c=c, eps=eps):
            z = x + t * v
            z = z - anp.mean(z, axis=0)
            return anp.sum(c * z / anp.sqrt(anp.mean(z**2, axis=0) + eps))

        second = autograd.grad(autograd.grad(along))(0.0)
        assert trial.want["value"] == pytest.approx(second)


def test_zca_is_right():
    for trial in exercises["zca"].trials:
        dy, centred = trial.arguments["dy"], trial.arguments["centred"]

        def loss(x, dy=dy):
            c = x - anp.mean(x, axis=0)
            values, axes = anp.linalg.eigh(anp.dot(c.T, c) / len(x))
            return anp.sum(dy * anp.dot(c, anp.dot(axes / anp.sqrt(values), axes.T)))

        want = autograd.grad(loss)(centred)
        assert zca.solution(**trial.arguments) == pytest.approx(want, abs=1e-9)


def test_merged_statistics_are_those_of_the_whole():
    rng = np.random.default_rng(5)
    a, b = rng.normal(1, 2, (4, 3)), rng.normal(-3, 1, (7, 3))
    parts = [(float(len(p)), p.mean(0), ((p - p.mean(0)) ** 2).sum(0)) for p in (a, b)]
    mean, m2 = exercises["merge"].solution(*parts[0], *parts[1])
    whole = np.concatenate([a, b])
    assert mean == pytest.approx(whole.mean(0))
    assert m2 == pytest.approx(whole.var(0) * 11)


# --- Step by step -------------------------------------------------------------------------------


def test_only_the_first_wrong_line_is_blamed():
    name, body, _ = next(w for w in WRONG if w[0] == "staged" and "dx_hat = dy\n" in w[1])
    verdict = check(body, exercises[name])
    found = {line.name: line.verdict for line in verdict.lines}
    assert found == {
        **dict.fromkeys(["mu", "centred", "var", "s"], "right"),
        **{"dx_hat": "wrong", "ds": "follows", "dvar": "follows", "dcentred": "follows"},
    }
    assert [line.number for line in verdict.lines] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert "✗ line 6: " in repr(verdict)


def test_five_faults_are_found_one_by_one():
    exercise = exercises["five_faults"]
    mends = [
        ("var = (centred**2).sum(axis=0) / (m - 1)", "var = (centred**2).sum(axis=0) / m"),
        ("s = np.sqrt(var) + eps", "s = np.sqrt(var + eps)"),
        ("dgamma = (dy * x).sum(axis=0)", "dgamma = (dy * x_hat).sum(axis=0)"),
        (
            "ds = (dx_hat * centred).sum(axis=0) / s**2",
            "ds = -(dx_hat * centred).sum(axis=0) / s**2",
        ),
        ("dx = dcentred + dmu", "dx = dcentred + dmu / m"),
    ]
    stub = exercise.stub
    for old, new in mends:
        assert stub.count(old) == 1
        space = {"np": np}
        exec(compile(stub, "<stub>", "exec"), space)
        verdict = exercise.check(space["layer"])
        wrong = [line for line in verdict.lines if line.verdict == "wrong"]
        assert not verdict
        assert wrong[0].name == old.partition(" ")[0]
        assert wrong[0].name in verdict.message
        stub = stub.replace(old, new)
    space = {"np": np}
    exec(compile(stub, "<stub>", "exec"), space)
    assert exercise.check(space["layer"])
    assert five_faults.EXERCISE is exercise


# --- Fair and safe ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pass", "Nothing returned yet: end your function with `return dx`."),
        ("return None", "Nothing returned yet"),
        (
            "return 1 / 0",
            "Your function stopped with ZeroDivisionError: division by zero (line 2: ",
        ),
        ("return nothing", "NameError"),
        ("raise SystemExit", "SystemExit"),
        ("return np.full_like(dy, np.nan)", "dx[0, 0] is nan, want a finite number."),
        ("return dy * np.inf", "inf, want a finite number."),
        ("return dy, dy", "Your function returns 2 results, want dx."),
        ("return dy[0]", "dx has shape (3,), want (5, 3)."),
        ("return 0.0", "dx has shape (), want (5, 3)."),
        ("return dy * 1j", "dx holds complex numbers, want real numbers."),
        ("return 'dx'", "dx holds str, want real numbers."),
        ("return [[1.0], [1.0, 2.0]]", "dx is a list of lists of different lengths"),
        ("dy *= 2\nreturn dy", "Your function changes its argument dy. Work on a copy of it."),
        ("s += 1\n" + GOOD, "Your function changes its argument s."),
        ("while True:\n    pass", "Your function did not end within 0.2 seconds."),
        ("def f():\n    return f()\nreturn f()", "RecursionError"),
    ],
)
def test_what_is_no_answer_gets_a_sentence(body, expected):
    verdict = check(body, seconds=0.2)
    assert not verdict.passed
    assert expected in verdict.message
    assert "\n" not in verdict.message


def test_a_right_answer_passes_where_the_machine_is_busy(monkeypatch):
    """A fifth of a second goes by between any two looks at the clock, as where others compute."""
    busy = SimpleNamespace(perf_counter=itertools.count(0, 0.2).__next__)
    monkeypatch.setattr(observe, "time", busy)
    assert check(GOOD)
    assert busy.perf_counter() > 2.0 * BATCHES


def test_the_reference_is_no_answer():
    def cheat(dy, x_hat, gamma, s):
        _, cache = bn.forward(x_hat, gamma, 0 * gamma, 1e-30)
        return bn.backward(dy, cache)[0]

    verdict = ONE_LINE.check(cheat)
    assert not verdict
    assert "calls forward of this package" in verdict.message


def test_what_is_no_function_gets_a_sentence():
    assert "not a Python function but float" in ONE_LINE.check(3.0).message


def test_a_check_leaves_no_watch_behind():
    before = sys.gettrace()
    check("while True:\n    pass", seconds=0.05)
    check(GOOD)
    assert sys.gettrace() is before


def test_an_answer_right_for_one_batch_does_not_pass():
    trial = ONE_LINE.trials[0]
    assert not ONE_LINE.check(lambda dy, x_hat, gamma, s: trial.want["dx"])
    assert BATCHES >= 3


def test_every_slip_changes_the_answer_or_nothing():
    """A slip that leads to the right values would be named for nothing."""
    graph = trace(ONE_LINE.solution, **ONE_LINE.trials[0].arguments)
    assert len(of_solution(graph, {})) > 40
    whole = ONE_LINE.trials[0].run.graph
    assert len(of_edges(whole)) > 40
    assert len(of_paths(whole, {})) > 20
    texts = [slip.text for slip in of_solution(graph, {})]
    assert all(text[0].islower() or text[0] in "(-" for text in texts)


@pytest.mark.parametrize("exercise", exercises.values(), ids=exercises)
def test_a_chapter_ends_with_its_exercises(exercise):
    path = Path(__file__).parents[1] / "chapters" / f"{exercise.chapter}.ipynb"
    last = "".join(json.loads(path.read_text("utf8"))["cells"][-1]["source"])
    anchor = re.sub(r"[^\w\- ]", "", exercise.title.lower()).replace(" ", "-")
    assert f"(exercises.ipynb#{anchor})" in last
