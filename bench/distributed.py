"""Time the two all-reduces of a shared layer against the layer's own work, as d grows.

Run on its own it starts itself under mpiexec with two workers, on one machine: so the link is
memory, as fast as a link can be, and the ratio is the least that sharing costs. Each worker holds
m samples in float64. Times are by the clock, since an all-reduce is mostly waiting; medians over
rounds in which the variants take turns. The all-reduces are waited for together, so a busy machine
with fewer free cores than workers shows its scheduler and not its link. Nothing is asserted.

mpi4py and mpich are in requirements.txt; other sizes: ``mpiexec -n 4 python bench/distributed.py``.
"""

import os

for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
    os.environ[f"{library}_NUM_THREADS"] = "1"  # read once, when NumPy is imported

import shutil  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from batchnorm import distributed  # noqa: E402

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


def main():
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    if comm.rank == 0:
        print(f"The shared layer, forward and backward, float64, {comm.size} workers, one machine.")
        print("Medians in µs; ratios to the layer alone, which holds a worker's part.")
        print(f"{'m':>6}{'d':>7}{'layer':>10}{'sums':>9}{'shared':>10}   sums/layer  shared/layer")
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
                cells = f"{m:6}{d:7}{us['layer']:10.0f}{us['sums']:9.0f}{us['shared']:10.0f}"
                ratios = us["sums"] / us["layer"], us["shared"] / us["layer"]
                print(f"{cells}   {ratios[0]:9.3f}× {ratios[1]:12.2f}×", flush=True)


def started_by_mpiexec():
    return any(name in os.environ for name in ("PMI_RANK", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"))


if __name__ == "__main__":
    here = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    mpiexec = shutil.which("mpiexec", path=here)
    if started_by_mpiexec():
        main()
    elif mpiexec:
        subprocess.run([mpiexec, "-n", "2", sys.executable, __file__], check=True)
    else:
        print("no mpiexec here: pip install mpi4py mpich")
