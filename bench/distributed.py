"""Time the two all-reduces of a shared layer against the layer's own work, as d grows.

It starts itself under mpiexec with two workers, on one machine: so the link is memory, as fast as
a link can be, and the ratio is the least that sharing costs. Each worker holds
m samples in float64. Times are by the clock, since an all-reduce is mostly waiting; medians over
rounds in which the variants take turns. The all-reduces are waited for together, so a busy machine
with fewer free cores than workers shows its scheduler and not its link.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from row import Row

from batchnorm import distributed

WIDTHS = [1, 8, 64, 512, 4096, 32768]
SAMPLES = [32, 1024]  # a worker
MOST = 2**21  # entries of x on a worker: larger cases are left out
ROUNDS = 21


class Alone:
    """A communicator of one: what is left is the layer's own work."""

    rank = 0

    def Allreduce(self, given, into, op=None):
        np.copyto(into[0] if isinstance(into, list) else into, given[0] if op else given)


def layer(x, dy, comm):
    d = x.shape[1]
    _, cache = distributed.forward(x, np.ones(d), np.zeros(d), comm=comm)
    distributed.backward(dy, cache)


def sums(d, comm):
    """The two all-reduces with nothing around them; plain sums, as fast as they get."""
    up, down = np.zeros((2, 1 + 2 * d)), np.zeros((2, 2 * d))
    comm.Allreduce(up[0], up[1])
    comm.Allreduce(down[0], down[1])


def medians(functions, comm):
    """The median of each function in microseconds, each round behind a barrier, in turn."""
    times = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            comm.Barrier()
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: 1e6 * statistics.median(t) for name, t in times.items()}


def worker():
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    for m in SAMPLES:
        for d in (d for d in WIDTHS if m * d <= MOST):
            x, dy = np.random.default_rng(comm.rank).normal(size=(2, m, d))
            functions = {
                "layer": lambda x=x, dy=dy: layer(x, dy, Alone()),
                "sums": lambda d=d: sums(d, comm),
                "shared": lambda x=x, dy=dy: layer(x, dy, comm),
            }
            us = medians(functions, comm)
            if comm.rank == 0:
                print(json.dumps([m, d, us]), flush=True)


def rows():
    here = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [shutil.which("mpiexec", path=here) or "mpiexec", "-n", "2", sys.executable, __file__]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for m, d, us in map(json.loads, printed.splitlines()):
        what = f"a shared layer, 2 workers of {m}×{d}"
        yield Row(what, us["shared"], "µs", "the layer alone", us["layer"])
        yield Row(what, us["shared"], "µs", "bare all-reduces", us["sums"])


if __name__ == "__main__":
    worker()
