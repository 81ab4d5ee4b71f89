"""Time the layer on one thread in float32: every variant in turn, in one process.

Timed apart, or always after the same neighbour, a variant can move by a factor of two with nothing
but the state of the allocator. So one round runs each variant once, in a newly drawn order,
and medians are taken over the rounds. A plain copy of two arrays stands beside them as the memory's
own speed, and PyTorch's CPU kernels where it is installed.
Times are processor times of the one thread, which other programs disturb less than the clock.
"""

import math
import statistics
import time
from functools import partial

import numpy as np
from row import Row

import batchnorm as bn

try:
    import torch
except ImportError:
    torch = None

CASES = [  # shape of x, axes that are averaged over, shape of gamma if not x's without those
    ((32, 64), 0, None),
    ((128, 128), 0, None),
    ((256, 256), 0, None),
    ((1024, 1024), 0, None),
    ((4096, 1024), 0, None),
    ((65536, 64), 0, None),
    ((65537, 10), 0, None),
    ((131072, 16), 0, None),
    ((1048576, 2), 0, None),
    ((32, 64, 56, 56), (0, 2, 3), None),
    ((64, 512, 7, 7), (0, 2, 3), None),
    ((4096, 1024), 1, (1, 1024)),  # layer norm
    ((32, 32, 2, 28, 28), (2, 3, 4), (1, 32, 2, 1, 1)),  # group norm, 32 groups of 2 channels
]
PEERS = [  # ours, theirs, what theirs is
    ("forward", "plain fwd", "without checks"),
    ("forward", "torch fwd", "PyTorch"),
    ("backward", "staged", "staged"),
    ("backward", "compact", "compact"),
    ("backward", "torch bwd", "PyTorch"),
    ("out=", "compact", "compact"),
    ("backward", "copy", "copying two arrays"),
]
SECONDS = 2  # for the forward passes of a case, and for the backward passes


def plain_forward(x, gamma, beta, eps, axis):
    """The forward pass as it is usually written, without a check; the mean is computed once."""
    centred = x - x.mean(axis=axis, keepdims=True)
    var = (centred * centred).mean(axis=axis, keepdims=True)
    x_hat = centred / np.sqrt(var + eps)
    return gamma * x_hat + beta, x_hat


def variants(shape, axis, learned):
    """The forward and the backward passes to time: two dictionaries of functions."""
    rng = np.random.default_rng(0)
    axes = axis if isinstance(axis, tuple) else (axis,)
    beside = tuple(1 if a in axes else n for a, n in enumerate(shape))
    x, dy = rng.standard_normal((2, *shape), dtype=np.float32)
    gamma, beta = rng.uniform(0.5, 2, (2, *(learned or beside))).astype(np.float32)
    eps = np.float32(1e-5)
    _, cache = bn.forward(x, gamma, beta, axis=axis)
    out, other = np.empty_like(x), np.empty_like(x)
    plain = dy, cache.x_hat, gamma, cache.s.reshape(beside)

    forwards = {
        "plain fwd": lambda: plain_forward(x, gamma, beta, eps, axis),
        "forward": lambda: bn.forward(x, gamma, beta, axis=axis),
    }
    backwards = {
        "staged": lambda: bn.backward_staged(*plain),
        "compact": lambda: bn.backward_compact(*plain),
        "backward": lambda: bn.backward(dy, cache),
        "out=": lambda: bn.backward(dy, cache, out=out),
        "copy": lambda: (np.copyto(out, dy), np.copyto(other, cache.x_hat)),
    }
    if learned:
        del backwards["compact"]  # gamma cannot be taken out of the means
    if torch:
        torch.set_num_threads(1)
        tensors = map(torch.from_numpy, (x, dy, gamma.ravel(), beta.ravel()))
        forwards["torch fwd"], backwards["torch bwd"] = by_torch(*tensors, axes)
    return forwards, backwards


def by_torch(x, dy, gamma, beta, axes):
    """PyTorch's forward and backward pass: batch norm, or layer or group norm without 0 in axes."""
    aten, mask = torch.ops.aten, [True, True, True]
    if 0 in axes:
        given = x, gamma, beta, None, None, True, 0.1, 1e-5
        _, *saved = aten.native_batch_norm(*given)
        late = dy, x, gamma, None, None, *saved, True, 1e-5, mask
        return partial(aten.native_batch_norm, *given), partial(
            aten.native_batch_norm_backward, *late
        )
    if axes == (1,):
        given = x, x.shape[1:], gamma, beta, 1e-5
        _, *saved = aten.native_layer_norm(*given)
        late = dy, x, x.shape[1:], *saved, gamma, beta, mask
        return partial(aten.native_layer_norm, *given), partial(
            aten.native_layer_norm_backward, *late
        )
    n, groups, channels, *pixels = x.shape
    sizes = n, groups * channels, math.prod(pixels), groups
    _, *saved = aten.native_group_norm(x, gamma, beta, *sizes, 1e-5)
    return partial(aten.native_group_norm, x, gamma, beta, *sizes, 1e-5), partial(
        aten.native_group_norm_backward, dy, x, *saved, gamma, *sizes, mask
    )


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


def rows():
    for shape, axis, learned in CASES:
        ms = {}
        for functions in variants(shape, axis, learned):
            ms |= milliseconds(functions, math.prod(shape))
        label = "×".join(map(str, shape)) + (f", axis {axis}" if axis else "")
        for ours, theirs, peer in PEERS:
            if theirs in ms:
                yield Row(f"{ours}, {label}", ms[ours], "ms", peer, ms[theirs])
