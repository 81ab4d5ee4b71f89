"""What each rank runs: its part of a batch through the shared layer; rank 0 compares the whole."""

import sys

import numpy as np
import pytest
from mpi4py import MPI

import batchnorm as bn
from batchnorm import distributed

comm = MPI.COMM_WORLD


def compare(name, got, want):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, (name, got.shape, want.shape)
    error = np.abs(got - want).max(initial=0) / max(1.0, np.abs(want).max(initial=0))
    assert error < 1e-12, (name, error)
    return error


def whole_equals_parts(sizes, d, offset, seed):
    """All ranks' parts, put together, against the layer on the whole batch."""
    rng = np.random.default_rng(seed)
    m = sum(sizes)
    x, dy = rng.normal(offset, 2, (m, d)), rng.normal(size=(m, d))
    gamma, beta = rng.uniform(0.5, 2, d), rng.normal(size=d)
    at = np.cumsum([0, *sizes])
    part = slice(at[comm.rank], at[comm.rank + 1])
    y, cache = distributed.forward(x[part], gamma, beta, 1e-3, comm=comm)
    dx, dgamma, dbeta = distributed.backward(dy[part], cache)
    want_y, want_cache = bn.forward(x, gamma, beta, 1e-3)
    want_dx, want_dgamma, want_dbeta = bn.backward(dy, want_cache)
    return max(
        compare("y", y, want_y[part]),
        compare("dx", dx, want_dx[part]),
        compare("dgamma", dgamma, want_dgamma),
        compare("dbeta", dbeta, want_dbeta),
    )


ONE = np.ones(3)
GOOD = dict(x=np.eye(5, 3), gamma=ONE, beta=ONE)
BAD = [  # what one rank has in the place of something good, and how its own error begins
    (dict(x=np.ones(4)), "x: got shape"),
    (dict(x=np.ones((2, 2, 3))), "x: got shape"),
    (dict(x=np.full((4, 3), np.nan)), "x: got nan at"),
    (dict(x=np.ma.ones((4, 3))), "x: got a masked array"),
    (dict(x=[["a"] * 3]), "x: got <U1 data"),
    (dict(x=[[1.0], [2.0, 3.0]]), "x: got"),
    (dict(gamma=np.ones(4)), "gamma: got shape"),
    (dict(gamma=1.0), "gamma: got shape"),
    (dict(beta=[1, 2, None]), "beta: got object data"),
    (dict(eps=-1.0), "eps: got -1"),
    (dict(eps=10**400), "eps: got a number beyond float64"),
]


def what_one_refuses_all_refuse(bad):
    """One rank is at fault, each in turn: it says how, the others say who; then all go on."""
    for change, message in BAD:
        wrong = comm.rank == bad
        with pytest.raises(ValueError, match=message if wrong else f"comm: rank {bad} refused"):
            distributed.forward(**GOOD | (change if wrong else {}), comm=comm)
    _, cache = distributed.forward(**GOOD, comm=comm)
    for change, message in [
        (np.ones(3), "dy: got shape"),
        (np.ones((5, 4)), "dy: got shape"),
        (np.full((5, 3), np.inf), "dy: got inf at"),
        (np.ma.ones((5, 3)), "dy: got a masked array"),
    ]:
        wrong = comm.rank == bad
        with pytest.raises(ValueError, match=message if wrong else f"comm: rank {bad} refused"):
            distributed.backward(change if wrong else np.ones((5, 3)), cache)
    distributed.backward(np.ones((5, 3)), cache)


def all_have_the_same_parameters(odd):
    """One rank has another gamma, beta or eps: all refuse it by its name. -0 is no other than 0."""
    for name, other in [("gamma", ONE * 2), ("beta", ONE * [0, 0, 1e-300]), ("eps", 1e-4)]:
        change = {name: other} if comm.rank == odd else {}
        with pytest.raises(ValueError, match=f"{name}: got different values on some ranks"):
            distributed.forward(**dict(GOOD, beta=0 * ONE, eps=1e-5) | change, comm=comm)
    zero = -0.0 if comm.rank == odd else 0.0
    distributed.forward(**GOOD | dict(beta=zero * ONE), comm=comm)


def what_overflows_anywhere_is_refused_everywhere():
    large = np.array([1e200, 1.0, 1.7e308]) if comm.rank == 0 else ONE
    with pytest.raises(ValueError, match="x: got numbers whose squares overflow"):
        distributed.forward(np.eye(5, 3) * large, ONE, ONE, comm=comm)
    with pytest.raises(ValueError, match="gamma: got numbers with which y may overflow"):
        distributed.forward(np.eye(5, 3), ONE * 1.7e308, ONE, comm=comm)
    _, cache = distributed.forward(np.eye(5, 3), ONE, ONE, comm=comm)
    with pytest.raises(ValueError, match="dy: got numbers whose sums or gradients overflow"):
        distributed.backward(np.ones((5, 3)) * large[2], cache)


def a_constant_feature_is_as_the_layer_has_it(seed):
    """However it is split, and however large: y is beta, and without eps it is refused."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 400, comm.size) + 1
    x = rng.normal(1e9, 1, (sizes.sum(), 3))
    x[:, 1] = 10.0 ** rng.uniform(-10, 10) / 3
    at = np.cumsum([0, *sizes])
    part = x[at[comm.rank] : at[comm.rank + 1]]
    beta = np.array([0.5, 0.0, -0.25])
    y, _ = distributed.forward(part, ONE, beta, comm=comm)
    assert not y[:, 1].any()
    compare("y", y, bn.forward(x, ONE, beta)[0][at[comm.rank] : at[comm.rank + 1]])
    with pytest.raises(ValueError, match=r"x: got variance 0 in feature \(1,\), want some spread"):
        distributed.forward(part, ONE, beta, 0, comm=comm)


def main():
    k = comm.size
    uneven = [[5, 2, 4, 7], [0, 3, 6, 1], [8, 0, 0, 9]]
    worst = 0.0
    for seed, sizes in enumerate(uneven):
        for d in (1, 3, 5000):
            offset = 0.0 if d == 5000 else 100.0
            if sum(sizes[:k]) > 0:
                worst = max(worst, whole_equals_parts(sizes[:k], d, offset, seed))
    with pytest.raises(ValueError, match="no sample on any worker"):
        distributed.forward(np.empty((0, 2)), np.ones(2), np.ones(2), comm=comm)
    for bad in range(k if k > 1 else 0):
        what_one_refuses_all_refuse(bad)
        all_have_the_same_parameters(bad)
    what_overflows_anywhere_is_refused_everywhere()
    for seed in range(20):
        a_constant_feature_is_as_the_layer_has_it(seed)
    worst = comm.reduce(worst, MPI.MAX)
    if comm.rank == 0:
        print(f"{k} ranks agree with one to {worst:.1e}")


if __name__ == "__main__":
    try:
        main()
    except BaseException as error:
        print(f"rank {comm.rank}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        comm.Abort(1)  # or the others would wait for ever
