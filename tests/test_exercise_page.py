"""The check of an answer in the page: its verdict, and beside which lines it stands."""

import pytest

from _ext.host.python.page import exercise

STEPS = """def my_backward(dy, x, gamma, eps):
    mu = x.mean(axis=0)
    centred = x - mu
    s = np.sqrt((centred**2).mean(axis=0) + eps)
    dx_hat = gamma * dy
    ds = (dx_hat * centred).sum(axis=0) / s**2
    dvar = ds / (2 * s)
    dcentred = dx_hat / s + dvar * 2 * centred / len(x)
    return dcentred - dcentred.mean(axis=0)


bn.exercises["staged"].check(my_backward)
"""


@pytest.mark.parametrize("above", [0, 3])
def test_marks_stand_beside_the_lines(above):
    """Whatever stands above the function: the editor counts from its own first line."""
    got = exercise.check("staged", "\n" * above + STEPS)
    kinds = {mark["line"] - above: mark["kind"] for mark in got["marks"]}
    assert kinds == {2: "right", 3: "right", 4: "right", 5: "right", 6: "wrong"} | {
        7: "follows",
        8: "follows",
    }
    (said,) = [mark["text"] for mark in got["marks"] if mark["text"]]
    assert f"line {6 + above}: every entry of ds has the wrong sign" in said == got["message"]
    assert got["passed"] is False


ONE = "def my_backward(dy, x_hat, gamma, s):\n    dx = {}\n    return dx\n"


@pytest.mark.parametrize(
    ("answer", "line", "kind", "words"),
    [
        ("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))", 3, "right", "Right"),
        ("None", 2, "wrong", "Nothing returned yet"),
        ("dy", 2, "wrong", "Not yet, line 2"),
        ("dy / nothing", 2, "error", "NameError"),
        ("(dy", 2, "error", "never closed"),
        ("1\n    raise SystemExit", 3, "error", "SystemExit"),
    ],
)
def test_the_verdict_stands_where_it_rests(answer, line, kind, words):
    got = exercise.check("one_line", ONE.format(answer))
    (mark,) = got["marks"]
    assert (mark["line"], mark["kind"]) == (line, kind)
    assert words in mark["text"] == got["message"]
    assert got["passed"] == (kind == "right")


TWO = "def my_backward(dy, x_hat):\n    {}\n    {}\n    return {}\n"


@pytest.mark.parametrize(
    ("dgamma", "dbeta", "returned", "line", "words"),
    [
        ("dgamma = (dy * x_hat).sum(0)", "dbeta = dy.sum()", "dgamma, dbeta", 3, "dbeta"),
        ("dgamma = (dy * x_hat).sum()", "dbeta = dy.sum(0)", "dgamma, dbeta", 2, "dgamma"),
        ("a = (dy * x_hat).sum(0)", "b = dy.sum(1)", "a, b", 3, "dbeta"),
        ("a = (dy * x_hat).sum()", "b = dy.sum(0)", "a, b", 2, "dgamma"),
        ("a = (dy * x_hat).sum(0)", "b = dy.sum(0)", "a, b[0]", 4, "dbeta"),
        ("a = 1", "b = 2", "None", 4, "Nothing returned yet"),
    ],
)
def test_a_wrong_result_is_marked_where_it_was_made(dgamma, dbeta, returned, line, words):
    got = exercise.check("gamma_beta", TWO.format(dgamma, dbeta, returned))
    (mark,) = [mark for mark in got["marks"] if mark["text"]]
    assert words in mark["text"]
    assert (mark["line"], mark["kind"]) == (line, "wrong")


def test_no_function_is_said():
    assert "begin with def" in exercise.check("one_line", "x = 1")["message"]


def test_an_answer_that_never_ends_is_stopped_before_it_is_a_function():
    got = exercise.check("one_line", "while True: pass\n\n" + ONE.format("dy"))
    assert "did not finish" in got["message"]
    assert not got["passed"]
