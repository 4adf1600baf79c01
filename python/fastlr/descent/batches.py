"""Batches of rows: who draws them, and the engine that takes a step for each of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.descent.epochs import MOST_EPOCHS, WORK_PER_CALL, Epochs, joined, room_for
from fastlr.descent.state import State
from fastlr.descent.table import MeasuredRows
from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray

__all__ = ["BatchEngine", "Draws"]

_ROWS_PER_CALL = 1 << 20
_MOST_GIVEN = 16  # times the rows of the table, in one pass of a sampler that has no length
_MOST_ROWS = 1 << 20  # ... or this many, if that is more
_EXHAUSTED = object()


@dataclass
class BatchEngine:
    """Descent by minibatches or single rows, which the kernels or somebody else's sampler draw."""

    measured: MeasuredRows
    standard: FloatArray | None
    batch_size: int | None
    """None only where somebody else's sampler decides."""
    sampling: str | Iterable[Any]
    seed: int
    n_threads: int
    scatters: ClassVar[bool] = True
    largest_batch: int = field(init=False)
    _order: npt.NDArray[np.uint32] = field(init=False)
    _draws: Draws | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        size = 0
        self.largest_batch = 1
        if isinstance(self.sampling, str):
            self.largest_batch = self.batch_size or 1
            plan = kernels.plan_sampling(
                self.sampling, self.measured.n_samples, self.measured.n_features, self.largest_batch
            )
            size = plan["table_size"]
        else:
            self._draws = Draws(self.sampling, self.measured.n_samples)
        self._order = np.zeros(size, dtype=np.uint32)

    @property
    def _rows_per_call(self) -> int:
        most = _ROWS_PER_CALL if self.largest_batch >= 8 else _ROWS_PER_CALL // 4
        return max(1, min(most, WORK_PER_CALL // self.measured.n_features))

    def most_epochs(self) -> int:
        """How many epochs fit into one short call; one if somebody else draws the batches."""
        if not isinstance(self.sampling, str):
            return 1
        return max(1, min(MOST_EPOCHS, self._rows_per_call // self.measured.n_samples))

    def drawn(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows and sizes of the batches of the next epoch, by somebody else's sampler."""
        assert self._draws is not None
        return self._draws.epoch()

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """Run the epochs in as many calls of the kernel as they take; Python sees Ctrl-C between them."""
        given = sizes = None
        sampling = self.sampling if isinstance(self.sampling, str) else "given"
        if self._draws is not None:
            given, sizes = self.drawn()
            if not len(sizes):
                if not self._draws.is_iterator or not state.n_epochs:
                    raise InputError(
                        "sampling gave no batch at all: it must yield arrays of row numbers."
                    )
                history, path = room_for(0, state, keep_path)
                return Epochs.of(0, "exhausted", history, path)
            self.largest_batch = max(self.largest_batch, int(sizes.max()))
        parts: list[Epochs] = []
        done, outcome = 0, "running"
        while done < len(rates) and outcome == "running":  # every call uses a window of rows
            before = state.counters.copy()
            history, path = room_for(len(rates) - done, state, keep_path)
            n, outcome = kernels.descend_batches(
                *self.measured.arguments,
                self.standard,
                settings,
                sampling,
                self.largest_batch,
                self.seed,
                given,
                sizes,
                self._rows_per_call,
                self.n_threads,
                self._order,
                state.vectors,
                state.numbers,
                state.counters,
                np.ascontiguousarray(rates[done:]),
                history,
                path,
            )
            if outcome == "running" and np.array_equal(before, state.counters):
                raise RuntimeError("a call of the kernel of minibatches has used no row")
            parts.append(Epochs.of(n, outcome, history, path))
            done += n
        return joined(parts)


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
