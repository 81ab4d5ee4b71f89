"""How an array is walked: as a matrix, in blocks that stay in the processor's cache.

What takes time in a layer is not to multiply, but to fetch numbers from memory and bring them back.
So the array is cut into blocks, and each is finished before the next one is touched.
"""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

BLOCK = 2**16  # entries a block: slices of three arrays and three constants fit a 2 MB L2 cache
CHUNK = 256  # rows added up in the array's own precision, before float64 takes over
RUN = 4096  # the same for entries in line, which NumPy adds up in several lanes


class Blocks:
    """An array as a matrix, one constant for each of the d features that are kept apart.

    Where the kept axes are neighbours, the matrix is a view of the array. Its rows hold whole
    samples, (outer, d * inner), so that the constants repeat from row to row; or, where the
    entries in line that share a feature are many and such runs few, one run each,
    (outer * d, inner), so that the constants form a column.
    """

    def __init__(self, shape: tuple[int, ...], axis: tuple[int, ...]) -> None:
        kept = [a for a in range(len(shape)) if a not in axis]
        together = not kept or kept[-1] - kept[0] < len(kept)
        self.axis, self.full = axis, shape
        self.order = tuple(range(len(shape))) if together else (*axis, *kept)
        self.permuted = tuple(shape[a] for a in self.order)
        self.inverse = tuple(np.argsort(self.order))
        self.kept = tuple(shape[a] for a in kept)
        self.beside = tuple(1 if a in axis else n for a, n in enumerate(shape))
        self.m, self.d = math.prod(shape[a] for a in axis), math.prod(self.kept)
        self.inner = math.prod(shape[kept[-1] + 1 :]) if kept and together else 1
        self.outer = self.m // self.inner
        self.by_run = self.inner > 16 * self.outer  # else constants would outweigh the rows
        runs = (self.outer * self.d, self.inner)
        self.shape = runs if self.by_run else (self.outer, self.d * self.inner)
        self.as_is = together and self.shape == shape

    def rows(self, a: np.ndarray) -> np.ndarray:
        """The matrix of an array, a view where that is possible."""
        return a if self.as_is else a.transpose(self.order).reshape(self.shape)

    def array(self, rows: np.ndarray) -> np.ndarray:
        """The array of a matrix, a view."""
        return rows if self.as_is else rows.reshape(self.permuted).transpose(self.inverse)

    def lay(self, p: np.ndarray, aligned: tuple[int, ...]) -> np.ndarray:
        """A parameter as constants, (d,), if it is the same for all samples; else as a matrix."""
        if aligned == self.beside:
            return p.ravel()
        p = p.reshape(aligned)
        if all(aligned[a] == 1 for a in self.axis):
            return np.broadcast_to(p, self.beside).ravel()
        return self.rows(np.broadcast_to(p, self.full))

    def room(self, out: np.ndarray | None, work: np.dtype) -> np.ndarray:
        """A matrix to write to: out's own memory, where its dtype and strides allow."""
        if out is None or out.dtype != work:
            return np.empty(self.shape, work)
        return self.rows(out)

    def deliver(self, rows: np.ndarray, out: np.ndarray | None, dtype: np.dtype) -> np.ndarray:
        """The array of a matrix that `room` gave, in ``out`` if there is one."""
        result = self.array(rows)
        if out is None:
            return result.astype(dtype, copy=False)
        if rows is not out and not np.may_share_memory(rows, out):
            np.copyto(out, result, casting="same_kind")
        return out

    def __call__(self, *operands: np.ndarray) -> Iterable[Sequence[np.ndarray]]:
        """The operands block by block: matrices are cut, constants of shape (d,) laid beside."""
        n, width = self.shape
        step = max(1, BLOCK // width)
        laid: Sequence[np.ndarray] = operands
        if self.inner > 1:
            laid = [a if a.ndim == 2 else self._beside(a) for a in operands]
        if step >= n:
            return [laid]
        if not self.by_run:  # one constant for each entry spares a loop's start in each row
            laid = [a if a.ndim == 2 else np.tile(a, (step, 1)) for a in laid]
        return (
            [a[i : i + step] if len(a) == n else a[: n - i] for a in laid]
            for i in range(0, n, step)
        )

    def _beside(self, constants: np.ndarray) -> np.ndarray:
        if self.by_run:
            return np.tile(constants, self.outer)[:, None]
        return np.repeat(constants, self.inner)

    def sum(self, *factors: np.ndarray) -> np.ndarray:
        """Σ a, or Σ a * b, over the samples, of shape (d,); chunk by chunk, for float64 to join."""
        n, width = self.shape
        if self.by_run:
            cut = width - width % RUN
            total = _add_runs(*[a[:, :cut].reshape(n, -1, RUN) for a in factors])
            total = total.sum(1, dtype=np.float64) + _add_runs(*[a[:, cut:] for a in factors])
            return total.reshape(self.outer, self.d).sum(0)
        if n <= CHUNK:
            total = _add_rows(*factors)
        else:
            cut = n - n % CHUNK
            total = _add_rows(*[a[:cut].reshape(-1, CHUNK, width) for a in factors])
            total = total.sum(0, dtype=np.float64) + _add_rows(*[a[cut:] for a in factors])
        return total if self.inner == 1 else total.reshape(self.d, self.inner).sum(1)


def _add_runs(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """Σ a, or Σ a * b, over the last axis; a product with ones takes half the time of a sum."""
    return a @ _ones(a.shape[-1], a.dtype) if b is None else np.vecdot(a, b)


def _add_rows(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """Σ a, or Σ a * b, over the last axis but one."""
    if b is not None:
        return np.einsum("...ij,...ij->...j", a, b)  # no temporary of the full size
    ones = _ones(a.shape[-2], a.dtype)
    return ones.dot(a) if a.ndim == 2 else ones @ a


_ones = lru_cache(np.ones)
blocks_of = lru_cache(Blocks)
