"""Who draws batches of rows but for the kernels: somebody else's sampler."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sized
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError

__all__ = ["Draws", "EpochDraws"]

_MOST_GIVEN = 16  # times the rows of the table, in one pass of a sampler that has no length
_MOST_ROWS = 1 << 20  # ... or this many, if that is more
_EXHAUSTED = object()


@runtime_checkable
class EpochDraws(Protocol):
    """Who draws whole epochs: rows from 0 on and sizes of batches, which are not checked again."""

    @property
    def is_iterator(self) -> bool:
        """Whether there may be an end of the epochs."""
        ...

    def epoch(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The rows of the next epoch, batch after batch, and the sizes of its batches."""
        ...


class Draws:
    """The batches of somebody else's sampler: an iterable of index arrays, gone through once an epoch.

    Samplers may draw as soon as they are asked: they are asked once an epoch, and an iterator but once.
    """

    def __init__(self, sampling: Iterable[Any], n_samples: int) -> None:
        self._sampling = sampling
        self._n_samples = n_samples
        self._next: Iterator[Any] | None = iter(sampling)
        self.is_iterator = self._next is sampling
        self._most = (
            math.inf if isinstance(sampling, Sized) else max(_MOST_GIVEN * n_samples, _MOST_ROWS)
        )

    def epoch(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Draw the rows of the next epoch and the sizes of its batches; none if an iterator is exhausted."""
        n, rows = self._n_samples, 0
        batches: list[npt.NDArray[np.int64]] = []
        draws = iter(self._sampling) if self._next is None else self._next
        if not self.is_iterator:
            self._next = None
        # Not a for loop, which would ask an iterator for an iterator once more. An iterator ends when the rows of an
        # epoch are drawn, anything without a length at `_most` at the latest.
        while (batch := next(draws, _EXHAUSTED)) is not _EXHAUSTED:
            indices = self._checked(batch)
            if not len(indices):
                continue
            batches.append(indices)
            rows += len(indices)
            if self.is_iterator and rows >= n:
                break  # perhaps an endless iterator: an epoch is as many rows as there are
            if rows > self._most:
                raise InputError(
                    f"sampling gave {rows} rows in one pass, for a table of {n}, and no end: pass "
                    "iter(sampling), whose epochs end when as many rows as the table has are drawn."
                )
        if not batches:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        return np.concatenate(batches), np.array([len(batch) for batch in batches], dtype=np.int64)

    def _checked(self, batch: object) -> npt.NDArray[np.int64]:
        """Check that a batch holds row numbers; an empty one has any dtype, as NumPy calls an empty list float64."""
        indices = np.asarray(batch)
        if indices.shape == (0,):
            return np.empty(0, dtype=np.int64)
        if indices.ndim != 1 or indices.dtype.kind not in "iu":
            raise InputTypeError(
                f"sampling gave a batch of dtype {indices.dtype} and shape {indices.shape}: every batch must be "
                "a 1D array of row numbers."
            )
        n = self._n_samples
        if indices.min() < 0 or indices.max() >= n:
            raise InputError(
                f"sampling gave row {indices.min() if indices.min() < 0 else indices.max()}, but X has rows 0 to "
                f"{n - 1}: draw indices below {n}."
            )
        return indices.astype(np.int64)
