"""What every table is to the rest of fastlr: named columns, and batches of their rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastlr.errors import FileFormatError, InputError
from fastlr.files._chunks import Chunk
from fastlr.files._stream import Source

ColumnArrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Column:
    """One column of a table, as far as it is known before the rows are read."""

    name: str
    is_numeric: bool
    holds: str
    """For people: "numbers", or what stands in the way, such as "text ('?' in row 33)"."""
    is_named: bool = True
    """False where the file gives no name and ``column_3`` stands in for it."""
    is_declared: bool = False
    """Whether it is declared to hold categories: a dictionary of text."""


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a table: 1-D arrays of equal length, NaN (of text None) where a value is missing."""

    columns: dict[str, Any]
    n_rows: int
    first_row: int
    """1 is the first row of data; a header is not counted."""
    bytes_read: int
    """Bytes of the file (as stored, perhaps compressed) behind this batch and those before it."""
    label: str = ""
    """The file that the rows come from, which counts them."""


class Table(AbstractContextManager["Table"], ABC):
    """A table in a file: ``columns`` are known at once, rows come from ``batches()``.

    Use it as a context manager, or call ``close()``: a table from standard input may own a
    temporary file. ``n_bytes`` is the size of the file, ``None`` if it has no known end.
    """

    is_text = False
    """Whether the options of text have a meaning here."""
    _positions: dict[str, int] | None = None
    may_change = False
    """Whether the rows may be others when they are read again."""
    reads_anywhere = False
    """Whether chunks can be read in any order, and hold no rows while nobody reads them."""
    counts_rows = False
    """Whether progress is that of rows, since no file tells how many bytes there are."""
    has_names = True
    """Whether columns have names of their own."""
    doubt = ""
    """What the file may be instead, if its columns look odd, with the option that says so."""

    def __init__(self, source: Source, columns: Sequence[Column]) -> None:
        self._source = source
        self.label = source.label
        self.columns = tuple(columns)
        self.n_bytes = source.n_bytes
        self._text: frozenset[str] = frozenset()
        self._labels: frozenset[str] = frozenset()

    @property
    def source(self) -> Source:
        """The bytes that the table is read from."""
        return self._source

    @property
    def can_repeat(self) -> bool:
        """Whether the rows can be read again: those of standard input in most formats cannot."""
        return self._source.can_repeat

    def read_as_labels(self, names: Iterable[str]) -> None:
        """Have chunks give columns as codes and labels (`Labelled`)."""
        self._labels = frozenset(names)

    def read_as_text(self, names: Iterable[str]) -> None:
        """Have batches give columns as they are written: arrays of ``str``, and None where a value is missing."""
        self._text = frozenset(names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in file order."""
        return tuple(column.name for column in self.columns)

    @property
    def positions(self) -> dict[str, int]:
        """Where each column stands, by name."""
        if self._positions is None or len(self._positions) != len(self.columns):
            self._positions = {column.name: i for i, column in enumerate(self.columns)}
        return self._positions

    def column(self, name: str) -> Column:
        """The column called ``name``; raises ``InputError`` if there is none."""
        positions = self.positions
        if name in positions:
            return self.columns[positions[name]]
        raise InputError(f"{self.label} has no column {name!r}; it has {', '.join(self.names)}")

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[Batch]:
        """Read ``columns`` (default: every numeric one) from first row to last.

        Values are float64; integers, booleans and float32 stay as they are where none is missing.

        Raises
        ------
        InputError
            A column that is not in the table.
        FileFormatError
            A column that does not hold numbers, a ragged row, a damaged file, no rows at all.

        Notes
        -----
        Memory: a few batches (8 MiB of text each, or 65536 rows), not the file. An npz file is the
        exception: it is read whole.
        """
        if columns is None:
            columns = [column.name for column in self.columns if column.is_numeric]
        self.check_numbers(columns)
        has_rows = False
        for batch in self._batches(list(columns)):
            has_rows = True
            yield batch
        if not has_rows:
            raise FileFormatError(f"{self.label} has columns but no rows: nothing to read")

    def check_numbers(self, names: Iterable[str]) -> None:
        """Raise a `FileFormatError` if a column that is not read as text or labels holds no numbers."""
        for name in names:
            column = self.column(name)
            if not column.is_numeric and name not in self._text | self._labels:
                raise FileFormatError(
                    f"{self.label}: column {name!r} holds {column.holds}, not numbers: "
                    "correct it or leave it out"
                )

    def chunks(self, columns: Sequence[str], chunk_rows: int | None = None) -> Iterator[Chunk]:
        """The rows of ``columns`` in parts that several threads may read at the same time.

        What is iterated over is at most a block of bytes from the file; values are decoded by whoever reads a chunk,
        about ``chunk_rows`` rows at once. The chunks are the same ones every time.
        """
        self.check_numbers(columns)
        yield from self.chunks_of(list(columns), chunk_rows)

    def chunks_of(self, names: list[str], chunk_rows: int | None) -> Iterator[Chunk]:
        """As `chunks`; by default every batch is one, and is read when its turn comes."""
        n_rows = n_bytes = 0
        for arrays, n, bytes_read in self._read(names):
            yield Chunk(
                self.label,
                bytes_read - n_bytes,
                n_rows,
                lambda *_, batch=(arrays, n): iter([batch]),
                self._source.check_unchanged,
            )
            n_rows, n_bytes = n_rows + n, bytes_read

    def _batches(self, names: list[str]) -> Iterator[Batch]:
        """Batches that have rows, with the numbers of these."""
        next_row = 1
        for arrays, n_rows, bytes_read in self._read(names):
            if n_rows:
                yield Batch(arrays, n_rows, next_row, bytes_read, self.label)
                next_row += n_rows

    @abstractmethod
    def _read(self, names: list[str]) -> Iterator[tuple[ColumnArrays, int, int]]:
        """Yield (arrays of the named columns, number of rows, bytes read so far)."""

    def close(self) -> None:
        """Let go of temporary files and memory maps."""
        self._source.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def own_names(label: str, names: Sequence[str]) -> list[tuple[str, bool]]:
    """Each column's name and whether the file gave it; ``column_3`` where it did not.

    Raises ``FileFormatError`` if two columns share a name: a model could not tell them apart.
    """
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        places = [str(i + 1) for i, name in enumerate(names) if name == twice[0]]
        raise FileFormatError(
            f"{label}: columns {', '.join(places[:-1])} and {places[-1]} share the name "
            f"{twice[0]!r}: give every column its own"
        )
    result = []
    for i, name in enumerate(names):
        stand_in = f"column_{i + 1}"
        while not name and stand_in in names:
            stand_in += "_"
        result.append((name or stand_in, bool(name)))
    return result


def plain_numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers in a type that kernels read: float64 unless integer, boolean or float32."""
    keep = values.dtype.kind in "iub" or values.dtype == np.float32
    if keep and values.dtype.isnative:
        return values
    return values.astype(np.float64, copy=False)
