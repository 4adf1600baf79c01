"""Rows that workers read: any engine that maps work over chunks and merges what is found, behind one verb."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fastlr.distributed.chunks import Described
from fastlr.distributed.work import Gathered, Work
from fastlr.errors import FileFormatError, InputError
from fastlr.input.row_stream import RowChunk, RowStream

__all__ = ["DistributedRows", "Engine", "Reading", "power_of_two", "state_bytes"]

T = TypeVar("T")


class Engine(ABC):
    """What has workers: it gives the chunks of rows to the work of a pass, and merges what that finds."""

    label: str
    """The rows in messages."""
    noun = "chunk"
    """What a part of the rows is called."""

    @abstractmethod
    def run(self, work: Work, ends: npt.NDArray[np.int64] | None) -> Gathered | None:
        """``work`` on all chunks, merged in the order of a `StaticTree` over their numbers; None without rows.

        ``ends`` are the numbers of rows up to the end of each chunk, where a pass has counted them.
        """


@dataclass(frozen=True)
class Reading:
    """How workers read chunks."""

    drops_missing: bool = False
    threads_per_task: int = 1
    chunk_rows: int | None = None
    text: Mapping[str, Any] = field(default_factory=dict)


class DistributedRows(RowStream):
    """Rows on the workers of a cluster: what can be fitted from `fastlr.scan` can be fitted from them.

    It holds no rows: every pass is work for the engine. Results have the bits of a scan over the same chunks, for any
    number of workers, whichever of them is faster and whatever had to be done twice.

    Attributes
    ----------
    feature_names, target_names : tuple of str
        The columns that are fitted.
    label : str
        The rows in messages.
    """

    def __init__(self, engine: Engine, described: Described, reading: Reading) -> None:
        choice = described.choice
        self._engine, self._described, self._reading = engine, described, reading
        self.feature_names, self.target_names = choice.features, choice.targets
        self.label, self.n_threads = engine.label, None
        self.is_vector = len(choice.targets) == 1 and described.is_vector
        self.has_weights, self.has_names = choice.weights is not None, described.has_names
        self.n_dropped = 0
        self._ends: npt.NDArray[np.int64] | None = None
        self._is_whole = False

    @property
    def can_repeat(self) -> bool:
        """Whether the rows can be read again: an engine's can."""
        return True

    def map_merge(self, kernel: Callable[[RowChunk], T], merge: Callable[[T, T], T]) -> T:
        """``kernel(chunk)`` of all chunks that have rows, merged in a static order: one pass by the workers."""
        reading = self._reading
        work = Work.of(
            self._described,
            kernel,
            merge,
            is_wary=not (self._is_whole or getattr(kernel, "refuses_missing", False)),
            drops_missing=reading.drops_missing,
            n_threads=reading.threads_per_task,
            chunk_rows=reading.chunk_rows,
            text=reading.text,
            noun=self._engine.noun,
        )
        whole = self._engine.run(work, self._ends)
        if whole is None or not whole.found.n_rows:
            raise FileFormatError(f"{self.label} has no rows: nothing to read")
        found = whole.found
        if found.value is None:
            reason = "every row has a missing value" if found.n_dropped else "all weights are zero"
            raise InputError(f"{self.label}: no row is left to fit: {reason}")
        ends = np.cumsum(whole.rows_of)
        if self._ends is not None and not np.array_equal(ends, self._ends):
            k = _first_change(self._ends, ends)
            raise InputError(
                f"{self._engine.noun} {k} of {self.label} had other rows when it was read first: pass what gives the "
                "same rows each time, or use accuracy='fast', which reads them once."
            )
        self._ends, self.n_dropped, self._is_whole = ends, found.n_dropped, found.is_whole
        self.n_rows = int(ends[-1])
        value: T = found.value
        return value

    def with_labels(self, names: Sequence[str]) -> DistributedRows:
        """The same rows with further columns of labels, in which no value may be missing either."""
        described = self._described
        if tuple(names) == described.choice.clusters:
            return self
        choice = replace(described.choice, clusters=tuple(names))
        return DistributedRows(self._engine, replace(described, choice=choice), self._reading)


def _first_change(before: npt.NDArray[np.int64], after: npt.NDArray[np.int64]) -> int:
    """The first chunk with another number of rows than before."""
    n = min(len(before), len(after))
    differing = np.flatnonzero(before[:n] != after[:n])
    return int(differing[0]) if differing.size else n


def power_of_two(number: float) -> int:
    """The largest power of two up to a number; 1 at least."""
    return 1 << max(0, int(number).bit_length() - 1)


def state_bytes(n_columns: int) -> int:
    """Bytes of cross-products of so many columns."""
    return 8 * n_columns * n_columns
