"""What a pass makes of one chunk of rows: which of them count, what a kernel finds in them, and how that is merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.files import Batch, Chunk
from fastlr.files.missing import missing_rows, refuse_missing, refuse_negative
from fastlr.input.coded import Indicator, Member, coded_columns
from fastlr.input.columns import Columns
from fastlr.input.designs import Indicators
from fastlr.input.row_stream import Labelled, RowChunk, labelled
from fastlr.streams.choice import Choice

__all__ = ["ChunkWork", "Found"]

T = TypeVar("T")


class Found(NamedTuple, Generic[T]):
    """What a pass has found in some of the rows."""

    value: T | None
    n_rows: int
    n_dropped: int
    is_whole: bool
    """Whether all rows of the chunk took part, none being left out for gaps."""


@dataclass(frozen=True)
class ChunkWork(Generic[T]):
    """The work of a pass on any chunk: it changes nothing, so that another process may do it, and do it again."""

    choice: Choice
    drops_missing: bool
    way: str
    """How to have rows with missing values left out, for the error that refuses them."""
    is_vector: bool
    kernel: Callable[[RowChunk], T]
    merge: Callable[[T, T], T]
    is_wary: bool
    """Whether to look for missing values; a kernel may refuse them itself, or none may be there."""
    design: Indicators | None = None
    """The levels of categories, once they are known."""

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, indicators included."""
        return self.choice.features if self.design is None else self.design.feature_names

    @cached_property
    def positions(self) -> dict[str, dict[Any, int]]:
        """By category, where each level stands."""
        levels = {} if self.design is None else self.design.levels
        return {name: {level: k for k, level in enumerate(own)} for name, own in levels.items()}

    def of_chunk(self, chunk: Chunk, rows_before: int, first: int, n_threads: int) -> Found[T]:
        """What the kernel finds in a chunk, batch by batch.

        ``rows_before`` rows of its file are above it, and ``first`` of all rows.
        """
        total: Found[T] = Found(None, 0, 0, True)
        for columns, n in chunk.read(rows_before, n_threads):
            batch = Batch(columns, n, rows_before + total.n_rows + 1, 0, chunk.label)
            total = self.merged(total, self._of_batch(batch, first + total.n_rows, n_threads))
        return total

    def merged(self, first: Found[T], second: Found[T]) -> Found[T]:
        """What was found in two parts of the rows, the first above the second."""
        values = [found.value for found in (first, second) if found.value is not None]
        value = self.merge(*values) if len(values) == 2 else values[0] if values else None
        return Found(
            value,
            first.n_rows + second.n_rows,
            first.n_dropped + second.n_dropped,
            first.is_whole and second.is_whole,
        )

    def _of_batch(self, batch: Batch, first: int, n_threads: int) -> Found[T]:
        """What the kernel makes of a batch; of its complete rows, if others are to be left out."""
        has_labels = self.choice.clusters or self.choice.categories
        if not (self.is_wary or self.choice.weights is not None or has_labels):
            try:
                value = self.kernel(self._rows(first, batch.columns, batch.n_rows, n_threads))
                return Found(value, batch.n_rows, 0, True)
            except InputError:
                if self._complete(batch)[1] is None:
                    raise
        n_dropped, wanted = self._complete(batch)
        columns, n_rows = batch.columns, batch.n_rows
        if wanted is not None:
            n_rows = int(wanted.sum())
            if not n_rows:
                return Found(None, batch.n_rows, n_dropped, False)
            columns = {name: _taken(values, wanted) for name, values in columns.items()}
        value = self.kernel(self._rows(first, columns, n_rows, n_threads, wanted))
        return Found(value, batch.n_rows, n_dropped, wanted is None)

    def _complete(self, batch: Batch) -> tuple[int, npt.NDArray[np.bool_] | None]:
        """How many rows are left out for a missing value, and which ones are not; None for all.

        Raises
        ------
        InputError
            A value is missing and none may be, or a value or weight is none.
        """
        names = self.choice.names
        missing = missing_rows(batch, names, batch.label)
        wanted = ~missing
        weights = self.choice.weights
        if weights is not None:
            refuse_negative(batch, weights, batch.label)
            counts = batch.columns[weights] != 0
            missing &= counts
            wanted &= counts
        if not self.drops_missing:
            refuse_missing(batch, names, missing, batch.label, self.way)
        return int(missing.sum()), None if wanted.all() else wanted

    def _rows(
        self,
        first: int,
        columns: dict[str, Any],
        n_rows: int,
        n_threads: int,
        wanted: npt.NDArray[np.bool_] | None = None,
    ) -> RowChunk:
        targets = self.choice.targets
        return RowChunk(
            self._features(columns, n_rows),
            Columns(
                [columns[name] for name in targets], n_rows, len(targets), targets, self.is_vector
            ),
            np.asarray(columns[self.choice.weights], dtype=np.float64)
            if self.choice.weights
            else None,
            {name: _as_labels(columns[name]) for name in self._labelled},
            n_threads,
            first,
            wanted,
        )

    @property
    def _labelled(self) -> tuple[str, ...]:
        """Columns whose labels kernels are given: those of clusters, and categories while levels are not known."""
        more = () if self.design is not None else self.choice.categories
        return (*self.choice.clusters, *more)

    def _features(self, columns: dict[str, Any], n_rows: int) -> Columns:
        """Columns of numbers, and indicators of categories where their levels are known."""
        names, coded = self.choice.features, self.choice.categories
        if not coded:
            return Columns([columns[name] for name in names], n_rows, len(names), names)
        if self.design is None:
            names = tuple(name for name in names if name not in coded)
            return Columns([columns[name] for name in names], n_rows, len(names), names)
        members: list[Member] = []
        for name in names:
            levels = self.design.levels.get(name)
            if levels is None:
                members.append(columns[name])
            elif len(levels) > 1:
                codes = _codes_of(_as_labels(columns[name]), self.positions[name])
                members.append(Indicator(codes, 1, len(levels) - 1))
        return coded_columns(members, n_rows, self.feature_names)


def _codes_of(column: Labelled, positions: dict[Any, int]) -> npt.NDArray[np.int32]:
    """Positions of the rows' levels among all that are known."""
    table = np.array([positions.get(label, -1) for label in column.labels], dtype=np.int32)
    codes: npt.NDArray[np.int32] = table[column.codes]
    if codes.size and codes.min() < 0:
        label = column.labels[int(column.codes[int(codes.argmin())])]
        raise InputError(
            f"the level {label!r} was not there when the rows were read first: pass what gives the same rows each time."
        )
    return codes


def _as_labels(values: Any) -> Labelled:
    """A column of labels, which comes as numbers where it is a feature as well."""
    return values if isinstance(values, Labelled) else labelled(values)


def _taken(values: Any, rows: npt.NDArray[np.bool_]) -> Any:
    if isinstance(values, Labelled):
        return Labelled(values.codes[rows], values.labels)
    return values[rows]
