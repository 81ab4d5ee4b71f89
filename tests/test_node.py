"""The bridge to Node.js: what goes over comes back the same, and what fails says so."""

import doctest

import node
import numpy as np
import pytest
from node import Thrown, run

MODULE = "graph/interpreter.js"


def test_doctests():
    assert doctest.testmod(node).failed == 0
    assert doctest.testmod(node).attempted > 2


def test_values_go_there_and_back():
    values = [1 / 3, 1e-300, 5e-324, -0.0, float("inf"), float("-inf"), 2**53, "ε\n", None, True]
    assert run(MODULE, "(m, ...values) => values", values) == [values]
    assert np.signbit(run(MODULE, "(m) => -0", [])[0])
    assert np.isnan(run(MODULE, "(m, v) => v", [np.nan], [np.float64("nan")])).all()
    got = run(MODULE, "(m, { x }) => new Map([['x', Float64Array.from(x)]])", [{"x": np.arange(3)}])
    assert got == [{"x": [0, 1, 2]}]
    assert run(MODULE, "() => [new Set([1, NaN]).size, undefined]", []) == [[2, None]]
    assert run(MODULE, "async (m, v) => v + 1", [1], [2]) == [2, 3]


def test_what_fails_says_so():
    first, second = run(MODULE, "(m, v) => m.tensor(v).shape", [[[1], 2]], [[1, 2]])
    assert isinstance(first, Thrown)
    assert first.args == ("tensor: rows differ in length",)
    assert second == [2]
    with pytest.raises(RuntimeError, match="SyntaxError"):
        run(MODULE, "(m => ", [])
    with pytest.raises(FileNotFoundError):
        run("nowhere.js", "tensor", [1])
