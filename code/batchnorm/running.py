"""What a layer remembers of its training batches, for use in evaluation mode."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .reference import update_running
from .validate import check_finite, finite, flag, integer, number, numbers, quiet

_held = ContextVar("held", default=False)


@contextmanager
def held() -> Iterator[None]:
    """While this is open, no statistics are updated: a gradient check only looks."""
    token = _held.set(True)
    try:
        yield
    finally:
        _held.reset(token)


def is_held() -> bool:
    """Whether statistics are held as they are."""
    return _held.get()


@dataclass
class RunningStatistics:
    """The mean and variance for evaluation mode, which follow the training batches.

    ``running = (1 - momentum) * running + momentum * batch``

    This is PyTorch's convention: momentum, 0.1 by default, is the weight of the *new* batch. In
    Keras's it is the weight of the *old* value, 0.99 by default: pass 1 minus that.

    Parameters
    ----------
    mean, var : numbers, or arrays of x's shape without the axes that are averaged, (d,) for
        x of shape (m, d), of which float64 copies are kept; an update replaces them
    momentum : number from 0 to 1
    unbiased : whether to store ``var * m / (m - 1)``, as PyTorch does, and Keras 3 and Flax do not;
        the layer itself normalizes with the biased variance in either case

    Raises ValueError for a momentum that is not in [0, 1], and for a mean or var that is not an
    array of real numbers.
    """

    mean: np.ndarray | float = 0.0
    var: np.ndarray | float = 1.0
    momentum: float = 0.1
    unbiased: bool = True

    def __post_init__(self) -> None:
        self.momentum = weight("momentum", self.momentum)
        self.unbiased = flag("unbiased", self.unbiased)
        for name in ("mean", "var"):
            a = numbers(name, getattr(self, name))[0]
            if a.ndim:
                setattr(self, name, a.astype(np.float64))

    @quiet
    def update(self, mu: ArrayLike, var: ArrayLike, m: int) -> None:
        """Take in the mean mu and the biased variance var of a batch of m samples.

        Raises ValueError for an unbiased update from a batch of one, for numbers that are not
        finite or overflow, a var below 0, and shapes that do not fit; the statistics are then as
        before.
        """
        momentum = weight("momentum", self.momentum)
        self.check(integer("m", m, 1, "an integer >= 1"))
        mu, var = finite("mu", mu), finite("var", var)
        if var.shape != mu.shape:
            raise ValueError(f"var: got shape {var.shape}, want {mu.shape}, that of mu")
        if (var < 0).any():
            raise ValueError("var: got an entry below 0, want a variance")
        if self.unbiased:
            var = var * (m / (m - 1))
            check_finite("var * m / (m - 1)", var)
        mean, old = (a.reshape(mu.shape) for a in self.flat(mu.shape, mu.dtype))
        if is_held():
            return
        self.mean = update_running(mean, mu, momentum)
        self.var = update_running(old, var, momentum)

    def check(self, m: int) -> None:
        """Raise ValueError if a batch of m samples cannot be taken in."""
        if self.unbiased and m < 2:
            raise ValueError(
                "running: a batch of one has no unbiased variance (it divides by m - 1 = 0); "
                "want more samples, unbiased=False, or training=False"
            )

    def flat(self, shape: tuple[int, ...], work: np.dtype) -> list[np.ndarray]:
        """Mean and variance in float64, one for each feature, in line.

        Raises ValueError unless they fit the features' shape, are finite in the dtype ``work``,
        and the variance is at least 0.
        """
        found = []
        for name, a in (("running.mean", self.mean), ("running.var", self.var)):
            a, _, _ = numbers(name, a)
            if a.shape not in ((), shape):
                raise ValueError(f"{name}: got shape {a.shape}, want a number or {shape}")
            if not np.isfinite(a.astype(work)).all():
                raise ValueError(f"{name}: got an entry that is not finite in {work}, want numbers")
            found.append(np.broadcast_to(a.astype(np.float64), shape).ravel())
        if (found[1] < 0).any():
            raise ValueError("running.var: got an entry below 0, want a variance")
        return found


def weight(name: str, value: object) -> float:
    """A number from 0 to 1, or a ValueError."""
    return number(name, value, 0.0, 1.0, "a number from 0 to 1")


def of_a_batch(running: object, axis: tuple[int, ...], m: int, training: bool) -> RunningStatistics:
    """The statistics; ValueError unless they are some, of a batch, and can take in m samples."""
    if not isinstance(running, RunningStatistics):
        raise ValueError(f"running: got {type(running).__name__}, want RunningStatistics")
    if 0 not in axis:
        raise ValueError(
            f"running: got statistics for axis {axis}, want none, or 0, the batch, in axis"
        )
    if training:
        running.check(m)
    return running
