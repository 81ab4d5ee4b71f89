"""Four ways to compute a variance: right in float64, and wrong in float32 as theory says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batchnorm import variance

METHODS = [variance.one_pass, variance.two_pass, variance.by_welford, variance.merged]
floats = arrays(np.float64, st.integers(4, 40), elements=st.floats(-10, 10))


@given(floats)
def test_all_are_the_variance_in_float64(x):
    for method in METHODS:
        assert method(x) == pytest.approx(x.var(), abs=1e-12)


@given(floats, st.data())
def test_moments_merge_wherever_the_batch_is_split(x, data):
    k = data.draw(st.integers(1, len(x) - 1))
    whole = variance.merge(variance.welford(x[:k]), variance.welford(x[k:]))
    assert whole.count == len(x)
    assert whole.mean == pytest.approx(x.mean(), abs=1e-12)
    assert whole.m2 == pytest.approx(len(x) * x.var(), abs=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_the_precision_is_the_data_s(method):
    x = np.random.default_rng(0).normal(size=9)
    for dtype in (np.float32, np.float64):
        assert method(x.astype(dtype)).dtype == dtype


def test_one_pass_cancels_and_the_others_do_not():
    x = (1e4 + np.random.default_rng(0).normal(size=64)).astype(np.float32)
    exact = x.astype(float).var()
    assert abs(variance.one_pass(x) - exact) / exact > 0.5
    for method in METHODS[1:]:
        assert abs(method(x) - exact) / exact < 1e-2


@pytest.mark.parametrize("bad", [np.ones((2, 2)), np.ones(3, int), np.array([]), "x"])
def test_says_what_is_wrong(bad):
    for method in METHODS:
        with pytest.raises(ValueError, match=r"x: got .*, want \(m,\) floats"):
            method(bad)


@pytest.mark.parametrize("parts", [0, 10, 2.0])
def test_says_how_many_parts_there_can_be(parts):
    with pytest.raises(ValueError, match=f"parts: got {parts}, want an integer from 1 to 9"):
        variance.merged(np.ones(9), parts)
