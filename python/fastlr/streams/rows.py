"""`scan`: rows of any source, chunk by chunk, for whatever is fitted from them."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from fastlr.errors import FileFormatError, InputError
from fastlr.files import Chunk, Table
from fastlr.input.designs import Indicators
from fastlr.input.row_stream import Labelled, RowChunk, RowStream
from fastlr.input.threads import resolve_threads
from fastlr.streams.choice import Choice
from fastlr.streams.chunk_work import ChunkWork, Found
from fastlr.streams.engine import map_chunks
from fastlr.streams.levels import design_of
from fastlr.streams.turns import in_turn

__all__ = ["Scan"]

T = TypeVar("T")
_MOST_REMEMBERED = 1 << 26  # bytes of a source that is read once
Progress = Callable[[int, int | None], None]


class Scan(RowStream):
    """Rows of a table, read in chunks by several threads; what can be fitted from arrays can be fitted from it.

    `fastlr.scan` makes it. It holds no rows: every pass over them reads the source anew.

    Attributes
    ----------
    feature_names, target_names : tuple of str
        The columns that are fitted.
    label : str
        The source in messages.
    n_threads : int or None
        Threads that read and compute.
    """

    def __init__(
        self,
        table: Table,
        choice: Choice,
        *,
        drop_missing: bool,
        chunk_rows: int | None = None,
        n_threads: int | None = None,
        progress: Progress | None = None,
        way: str = "missing='drop'",
        design: Indicators | None = None,
    ) -> None:
        self.table, self.choice = table, choice
        self.feature_names, self.target_names = choice.features, choice.targets
        self.label, self.n_threads = table.label, n_threads
        self.is_vector = len(choice.targets) == 1
        self.has_weights = choice.weights is not None
        self.has_names = table.has_names
        self._drops, self._chunk_rows = drop_missing, chunk_rows
        self._progress, self._way = progress, way
        self.n_dropped = 0
        self.n_rows = None
        self._rows_of: dict[int, int] = {}  # by the number of a chunk, once a pass has read it
        self._is_whole = False
        self._remembered: list[Chunk] | None = None
        self._rest: Iterator[Chunk] | None = None
        self._blocks: list[Chunk] | None = None  # of a source that is read in any order
        self.design = design
        if choice.categories:
            self.design = design or design_of(self)
            self.feature_names = self.design.feature_names

    @property
    def can_repeat(self) -> bool:
        """Whether the rows can be read again; of a source that is read once, as many as are remembered (64 MB)."""
        if self.table.can_repeat:
            return True
        if self._remembered is None:
            self._remember()
        return self._rest is None

    def _remember(self) -> None:
        """Read the first rows of a source that is read once, and keep them: all, if they are few."""
        self._remembered, n_bytes, rows_before = [], 0, 0
        self._rest = self.table.chunks(self.choice.names, self._chunk_rows)
        n_threads = resolve_threads(self.n_threads)
        for chunk in self._rest:
            before = rows_before if chunk.rows_before is None else chunk.rows_before
            batches = list(chunk.read(before, n_threads))
            self._remembered.append(
                replace(chunk, rows_before=before, read=lambda *_, kept=batches: iter(kept))
            )
            rows_before = before + sum(n for _, n in batches)
            n_bytes += sum(_size(values) for columns, _ in batches for values in columns.values())
            if n_bytes > _MOST_REMEMBERED:
                return
        self._rest = None

    def _of_pass(self) -> Iterator[Chunk]:
        """Yield the chunks of one pass over the source."""
        own = {*self.choice.features, *self.choice.targets, self.choice.weights}
        coded = set(self.choice.categories)
        self.table.read_as_labels((set(self.choice.clusters) - own) | coded)
        if self.can_repeat and self._remembered is None:
            return self.table.chunks(self.choice.names, self._chunk_rows)
        kept, rest = self._remembered or [], self._rest
        if rest is None:
            return iter(kept)
        self._remembered = []
        return itertools.chain(kept, rest)

    def count_rows(self) -> None:
        """Make sure that chunks know the numbers of their rows: one pass, if there has been none."""
        if self.n_rows is None:
            self.map_merge(lambda _: 0, max)

    def with_labels(self, names: Sequence[str]) -> Scan:
        """The same rows with further columns of labels, in which no value may be missing either."""
        if tuple(names) == self.choice.clusters:
            return self  # which has counted the rows of its chunks, perhaps
        for name in names:
            self.table.column(name)
        return Scan(
            self.table,
            replace(self.choice, clusters=tuple(names)),
            drop_missing=self._drops,
            chunk_rows=self._chunk_rows,
            n_threads=self.n_threads,
            progress=self._progress,
            way=self._way,
            design=self.design,
        )

    def map_merge(self, kernel: Callable[[RowChunk], T], merge: Callable[[T, T], T]) -> T:
        """``kernel(chunk)`` of all chunks that have rows, merged in a static order: one pass over the rows.

        A kernel with a true attribute ``refuses_missing`` raises an `InputError` at values that are not finite, so that
        nobody needs to look for them before it does.
        """
        if self.n_rows is not None:
            self.check_repeatable("this")
        is_wary = not (self._is_whole or getattr(kernel, "refuses_missing", False))
        work = ChunkWork(
            self.choice, self._drops, self._way, self.is_vector, kernel, merge, is_wary, self.design
        )
        rows_of: dict[int, int] = {}
        ends = list(itertools.accumulate(self._rows_of[k] for k in range(len(self._rows_of))))

        def of_chunk(
            number: int, chunk: Chunk, rows_before: int, n_threads: int
        ) -> tuple[Found[T], int]:
            start = ends[number - 1] if 0 < number <= len(ends) else 0
            found = work.of_chunk(chunk, rows_before, start, n_threads)
            rows_of[number] = found.n_rows
            return found, found.n_rows

        result: Found[T] | None = map_chunks(
            self._of_pass(),
            of_chunk,
            work.merged,
            n_threads=resolve_threads(self.n_threads),
            progress=None if self._progress is None else self._tell,
        )
        if result is None or not result.n_rows:
            raise FileFormatError(f"{self.label} has columns but no rows: nothing to read")
        if result.value is None:
            raise self.nothing_left(result.n_dropped)
        if self.n_rows not in (None, result.n_rows):
            raise InputError(
                f"{self.label} had {self.n_rows} rows when it was read first, and {result.n_rows} now: pass what "
                "gives the same rows each time, or use accuracy='fast', which reads them once."
            )
        self.n_rows, self.n_dropped = result.n_rows, result.n_dropped
        self._rows_of = rows_of
        self._is_whole = result.is_whole and not self.table.may_change
        return result.value

    def in_turn(self, order: Callable[[int], Sequence[int]] | None = None) -> Iterator[RowChunk]:
        """The rows chunk by chunk on this thread, the next chunk decoded by another one meanwhile.

        ``order`` makes an order of the number of chunks; where these cannot be read in any order (compressed text,
        streams, functions) they come as they are in the source.
        """
        self.count_rows()
        self.check_repeatable("this")
        numbered: Iterable[tuple[int, Chunk]]
        if order is not None and self.table.reads_anywhere:
            if self._blocks is None:
                self._blocks = []
                for chunk in self._of_pass():
                    chunk.forget()
                    self._blocks.append(chunk)
            numbered = ((k, self._blocks[k]) for k in order(len(self._blocks)))
        else:
            numbered = enumerate(self._of_pass())
        work: ChunkWork[list[RowChunk]] = ChunkWork(
            self.choice,
            self._drops,
            self._way,
            self.is_vector,
            lambda rows: [rows],
            operator.add,
            not self._is_whole,
            self.design,
        )
        starts = [0, *itertools.accumulate(self._rows_of[k] for k in range(len(self._rows_of)))]
        n_threads, n_bytes, n_rows = resolve_threads(self.n_threads), 0, 0

        def read(number: int, chunk: Chunk) -> list[RowChunk]:
            nonlocal n_bytes, n_rows
            found = work.of_chunk(
                chunk, chunk.rows_before or 0, starts[min(number, len(starts) - 1)], n_threads
            )
            chunk.check()
            n_bytes, n_rows = n_bytes + chunk.n_bytes, n_rows + found.n_rows
            return found.value or []

        for rows in in_turn(numbered, read):
            self._tell(n_bytes, n_rows)
            yield rows

    def _tell(self, n_bytes: int, n_rows: int) -> None:
        """Report progress: by bytes where the source has some, else by rows."""
        if self._progress is None:
            return
        if self.table.counts_rows:
            self._progress(n_rows, self.n_rows)
        else:
            self._progress(n_bytes, self.table.n_bytes)

    def nothing_left(self, n_dropped: int = 0) -> InputError:
        """The error for a source of which no row counts, with the reason."""
        reason = "every row has a missing value" if n_dropped else "all weights are zero"
        return InputError(f"{self.label}: no row is left to fit: {reason}")


def _size(values: Any) -> int:
    return int(values.codes.nbytes if isinstance(values, Labelled) else values.nbytes)
