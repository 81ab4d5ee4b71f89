"""Several workers: k ranks of a real MPI equal one; the merge is that of the whole batch."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from batchnorm import distributed
from batchnorm.distributed import merge, moments

MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_ranks_equal_one_worker(ranks):
    program = Path(__file__).with_name("mpi_program.py")
    command = [MPIEXEC, "-n", str(ranks), sys.executable, program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{ranks} ranks agree with one to" in done.stdout


@pytest.mark.parametrize("sizes", [(3, 4), (0, 5), (5, 0), (1, 1, 1), (2, 0, 7, 1)])
def test_merged_moments_are_those_of_the_whole(sizes):
    rng = np.random.default_rng(len(sizes))
    parts = [rng.normal(1e6, 1, (n, 3)) for n in sizes]
    whole = np.concatenate(parts)
    n, mean, m2, _ = reduce(merge, map(moments, parts))
    assert n == len(whole)
    assert mean == pytest.approx(whole.mean(axis=0), rel=1e-14)
    assert m2 == pytest.approx(whole.var(axis=0) * n, rel=1e-8)


def test_moments_of_nothing_are_zero():
    none = moments(np.empty((0, 2)))
    assert none.n == 0
    assert merge(none, none).m2.tolist() == [0, 0]


class Alone:
    """A communicator of one."""

    rank = 0

    def Allreduce(self, given, into, op=None):
        np.copyto(into[0] if isinstance(into, list) else into, given[0] if op else given)


def test_what_happens_to_the_arguments_later_changes_nothing():
    rng = np.random.default_rng(0)
    x, dy, gamma, beta = *rng.normal(size=(2, 5, 3)), rng.normal(size=3), rng.normal(size=3)
    y, cache = distributed.forward(x, gamma, beta, comm=Alone())
    want = [a.copy() for a in distributed.backward(dy, cache)]
    for a in (x, gamma, beta, y):
        a *= 3
    for a in distributed.backward(dy, cache):
        a *= 3
    for a, b in zip(distributed.backward(dy, cache), want, strict=True):
        np.testing.assert_array_equal(a, b)


def test_bad_input_is_named():
    x, one = np.ones((4, 3)), np.ones(3)
    with pytest.raises(ValueError, match=r"x: got shape \(4,\), want \(m, d\)"):
        distributed.forward(np.ones(4), one, one, comm=Alone())
    with pytest.raises(ValueError, match=r"gamma: got shape \(2,\), want \(3,\)"):
        distributed.forward(x, np.ones(2), one, comm=Alone())
    with pytest.raises(ValueError, match="eps: got -1"):
        distributed.forward(x, one, one, -1, comm=Alone())
    with pytest.raises(ValueError, match=r"x: got variance 0 in feature \(0,\)"):
        distributed.forward(x, one, one, 0, comm=Alone())
    with pytest.raises(ValueError, match=r"x: got numbers whose squares underflow in feature"):
        distributed.forward(np.eye(3) * 1e-160, one, one, 0, comm=Alone())
    _, cache = distributed.forward(np.eye(3), one, one, comm=Alone())
    with pytest.raises(ValueError, match="comm: got NoneType, want an mpi4py communicator"):
        distributed.forward(x, one, one, comm=None)
    with pytest.raises(ValueError, match="cache: got list, want what forward returned"):
        distributed.backward(x, [])
    with pytest.raises(ValueError, match=r"dy: got shape \(3,\), want \(3, 3\)"):
        distributed.backward(np.ones(3), cache)


def test_the_chapters_program_runs(tmp_path):
    """What the chapter tells the reader to save and to start, and what it says is printed."""
    path = Path(__file__).parents[1] / "chapters" / "several_workers.ipynb"
    cells = json.loads(path.read_text("utf8"))["cells"]
    (text,) = ("".join(c["source"]) for c in cells if "How to start it" in "".join(c["source"]))
    program = tmp_path / "shared.py"
    program.write_text(re.search(r"```python\n(.*?)```", text, re.S)[1])
    ranks = re.search(r"mpiexec -n (\d) python shared.py", text)[1]
    command = [MPIEXEC, "-n", ranks, sys.executable, program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == re.search(r"It prints `(.*?)`", text)[1]
