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
    worst = comm.reduce(worst, MPI.MAX)
    if comm.rank == 0:
        print(f"{k} ranks agree with one to {worst:.1e}")


if __name__ == "__main__":
    try:
        main()
    except BaseException as error:
        print(f"rank {comm.rank}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        comm.Abort(1)  # or the others would wait for ever
