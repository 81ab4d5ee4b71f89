"""Time the layer on one thread in float32: every variant in turn, in one process.

Timed apart, or always after the same neighbour, a variant can move by a factor of two with nothing
but the state of the allocator. So one round runs each variant once, in an order that is drawn anew,
and medians are taken over the rounds. A plain copy of two arrays stands beside them as the memory's
own speed, and PyTorch's CPU kernels where it is installed.
Times are processor times of the one thread, which other programs disturb less than the clock.
Nothing here is asserted: a busy machine is slower, not wrong.
"""

import os

for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
    os.environ[f"{library}_NUM_THREADS"] = "1"  # read once, when NumPy is imported

import math  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402

from batchnorm import layer  # noqa: E402

try:
    import torch
except ImportError:
    torch = None

CASES = [  # shape of x, axes that are averaged over
    ((32, 64), 0),
    ((128, 128), 0),
    ((256, 256), 0),
    ((1024, 1024), 0),
    ((4096, 1024), 0),
    ((65536, 64), 0),
    ((65537, 10), 0),
    ((32, 64, 56, 56), (0, 2, 3)),
    ((64, 512, 7, 7), (0, 2, 3)),
    ((4096, 1024), 1),
]
COLUMNS = ["plain fwd", "forward", "torch fwd", "staged", "compact"]
COLUMNS += ["backward", "out=", "torch bwd", "copy"]
SECONDS = 2  # for the forward passes of a case, and for the backward passes


def plain_forward(x, gamma, beta, eps, axis):
    """The forward pass as it is usually written, without a check."""
    mu = x.mean(axis=axis, keepdims=True)
    var = x.var(axis=axis, keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + eps)
    return gamma * x_hat + beta, x_hat


def variants(shape, axis):
    """The forward and the backward passes to time: two dictionaries of functions."""
    rng = np.random.default_rng(0)
    axes = axis if isinstance(axis, tuple) else (axis,)
    kept = [n for a, n in enumerate(shape) if a not in axes]
    beside = [1 if a in axes else n for a, n in enumerate(shape)]
    x, dy = rng.standard_normal((2, *shape), dtype=np.float32)
    gamma, beta = rng.uniform(0.5, 2, (2, *kept)).astype(np.float32)
    gamma_, beta_, eps = gamma.reshape(beside), beta.reshape(beside), np.float32(1e-5)
    _, cache = layer.forward(x, gamma, beta, axis=axis)
    out, other = np.empty_like(x), np.empty_like(x)

    forwards = {
        "plain fwd": lambda: plain_forward(x, gamma_, beta_, eps, axis),
        "forward": lambda: layer.forward(x, gamma, beta, axis=axis),
    }
    backwards = {
        "staged": lambda: layer.backward_staged(dy, cache),
        "compact": lambda: layer.backward_compact(dy, cache),
        "backward": lambda: layer.backward(dy, cache),
        "out=": lambda: layer.backward(dy, cache, out=out),
        "copy": lambda: (np.copyto(out, dy), np.copyto(other, cache.x_hat)),
    }
    if torch and kept == [shape[1]]:  # PyTorch keeps the second axis
        torch.set_num_threads(1)
        tx, tdy, tgamma, tbeta = map(torch.from_numpy, (x, dy, gamma, beta))
        norm = torch.ops.aten.native_batch_norm
        norm_backward = torch.ops.aten.native_batch_norm_backward
        fixed = (tx, tgamma, tbeta, None, None, True, 0.1, 1e-5)
        _, mu, ivar = norm(*fixed)
        saved = (tdy, tx, tgamma, None, None, mu, ivar, True, 1e-5, [True, True, True])
        forwards["torch fwd"] = lambda: norm(*fixed)
        backwards["torch bwd"] = lambda: norm_backward(*saved)
    return forwards, backwards


def milliseconds(functions, entries):
    """The median of each function: all run in turn, for at least nine rounds."""
    rng = np.random.default_rng(0)
    times = {name: [] for name in functions}
    calls = max(1, 2**17 // entries)  # a call must be long beside the reading of the clock
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(next(iter(times.values()))) < 9:
        for name in rng.permutation(list(functions)).tolist():
            start = time.thread_time()
            for _ in range(calls):
                functions[name]()
            times[name].append((time.thread_time() - start) / calls)
    return {name: 1e3 * statistics.median(t) for name, t in times.items()}


def main():
    version = torch.__version__ if torch else "not installed"
    print(f"The layer, float32, one thread; NumPy {np.__version__}, PyTorch {version}.")
    print("Medians in ms. The ratios say how many times as fast the second one is as the first;")
    print("`backward` allocates dx, `out=` writes to an array that is already there.\n")
    ratios = [("staged", "backward"), ("staged", "out="), ("compact", "backward")]
    ratios += [("compact", "out="), ("plain fwd", "forward")]
    heads = [f"{slow}/{fast}" for slow, fast in ratios]
    print(f"{'x':22}", *(f"{name:>9}" for name in COLUMNS), " ", *heads)
    for shape, axis in CASES:
        ms = {}
        for functions in variants(shape, axis):
            ms |= milliseconds(functions, math.prod(shape))
        label = "×".join(map(str, shape)) + (f",axis{axis}" if axis else "").replace(" ", "")
        cells = [f"{ms[name]:9.3f}" if name in ms else f"{'':9}" for name in COLUMNS]
        times = [
            f"{ms[slow] / ms[fast]:.2f}×".rjust(len(head))
            for (slow, fast), head in zip(ratios, heads, strict=True)
        ]
        print(f"{label:22}", *cells, " ", *times, flush=True)


if __name__ == "__main__":
    main()
