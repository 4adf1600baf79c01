"""A pass as workers get it: what to do with a chunk, and how what is found merges."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from fastlr.distributed.chunks import Described, FilePart, chunks_of, opened, rows_above
from fastlr.errors import FileFormatError, InputError, InputTypeError
from fastlr.files import Chunk, Table
from fastlr.input.row_stream import StaticTree
from fastlr.streams.chunk_work import ChunkWork, Found

__all__ = ["Gathered", "Work", "failure", "packed"]

T = TypeVar("T")
_OWN = (InputError, InputTypeError, FileFormatError)


class Gathered(NamedTuple):
    """What a pass has found in consecutive chunks."""

    found: Found[Any]
    rows_of: npt.NDArray[np.int64]
    """Rows of each chunk."""


class Work:
    """The work of one pass on any chunk: a pure function, so that what is done twice changes nothing.

    It goes to other processes as bytes that are made once, and are read once by each process.
    """

    def __init__(
        self,
        of_chunk: ChunkWork[Any],
        columns: tuple[str, ...] | None,
        n_threads: int,
        chunk_rows: int | None,
        text: Mapping[str, Any],
        noun: str,
    ) -> None:
        self.of_chunk, self.columns = of_chunk, columns
        self.n_threads, self.chunk_rows, self.text, self.noun = (
            n_threads,
            chunk_rows,
            dict(text),
            noun,
        )
        self._payload: bytes | None = None

    @classmethod
    def of(
        cls,
        described: Described,
        kernel: Any,
        merge: Any,
        *,
        is_wary: bool,
        drops_missing: bool,
        n_threads: int,
        chunk_rows: int | None,
        text: Mapping[str, Any],
        noun: str,
    ) -> Work:
        """The work of a kernel on rows with these roles."""
        choice = described.choice
        of_chunk = ChunkWork(
            choice, drops_missing, "missing='drop'", described.is_vector, kernel, merge, is_wary
        )
        return cls(of_chunk, described.columns, n_threads, chunk_rows, text, noun)

    def over(self, number: int, first: int, chunks: Iterable[Any]) -> Gathered | None:
        """What is found in consecutive chunks, the first of which has this number and ``first`` rows above it.

        Merged as in the tree of all chunks, if there are a power of two of them and their first number is a multiple
        of that.
        """
        tree, rows_of = StaticTree(self.of_chunk.merged), []
        for k, chunk in enumerate(chunks):
            try:
                found = self._of_one(number + k, first, chunk)
            except Exception as error:
                raise failure(error, f"{self.noun} {number + k}", chunk) from error
            rows_of.append(found.n_rows)
            first += found.n_rows
            tree.add(k, found)
        total = tree.result()
        return None if total is None else Gathered(total, np.array(rows_of, dtype=np.int64))

    def merged(self, first: Gathered, second: Gathered) -> Gathered:
        """What was found in two parts of the chunks, the first before the second."""
        return Gathered(
            self.of_chunk.merged(first.found, second.found),
            np.concatenate([first.rows_of, second.rows_of]),
        )

    def merged_all(self, parts: Sequence[Gathered | None]) -> Gathered | None:
        """What was found in consecutive parts, merged as a tree that has a power of two of them."""
        tree = StaticTree(self.merged)
        for k, part in enumerate(parts):
            tree.add(k, part)
        whole: Gathered | None = tree.result()
        return whole

    def _of_one(self, number: int, first: int, chunk: Any) -> Found[Any]:
        """What is found in one chunk, which may be decoded in several parts."""
        total: Found[Any] = Found(None, 0, 0, True)
        table = opened(chunk, self.text)
        if table is None:
            return total
        try:
            if not isinstance(chunk, FilePart):
                table.label = f"{self.noun} {number}"
            choice = self.of_chunk.choice
            names = choice.names
            own = {*choice.features, *choice.targets, choice.weights}
            table.read_as_labels({*choice.clusters} - own)
            self._check_columns(table)
            tree, n_rows = StaticTree(self.of_chunk.merged), 0
            for k, part in enumerate(chunks_of(table, chunk, names, self.chunk_rows)):
                found = self._of_part(table, chunk, part, n_rows, first + n_rows)
                part.check()
                n_rows += found.n_rows
                tree.add(k, found)
            return tree.result() or total
        finally:
            table.close()

    def _of_part(self, table: Table, chunk: Any, part: Chunk, above: int, first: int) -> Found[Any]:
        """What is found in a part; if that fails, once more with the numbers of its rows, where they were unknown."""
        is_known = part.rows_before is not None
        is_inside = isinstance(chunk, FilePart) and bool(chunk.number)
        before = part.rows_before if part.rows_before is not None else above
        try:
            return self.of_chunk.of_chunk(part, before, first, self.n_threads)
        except _OWN:
            if is_known or not is_inside:
                raise
            names = self.of_chunk.choice.names
            before = rows_above(table, chunk, names, self.chunk_rows)
            return self.of_chunk.of_chunk(part, before, first, self.n_threads)

    def _check_columns(self, table: Table) -> None:
        """Refuse columns of a pair (X, y) that the first one has not: they would be left out unsaid."""
        names = table.names
        if self.columns is None or names == self.columns:
            return
        others = [name for name in names if name not in self.columns]
        lacking = [name for name in self.columns if name not in names]
        if others or lacking:
            what = f"has a column {others[0]!r}" if others else f"has no column {lacking[0]!r}"
            raise InputError(
                f"{table.label} {what}, and the first one has {', '.join(self.columns)}: give all the same columns."
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """As bytes, which a process reads once."""
        if self._payload is None:
            state = {name: value for name, value in vars(self).items() if name != "_payload"}
            self._payload = packed(state)
        return _unpacked, (self._payload,)

    def __sizeof__(self) -> int:
        """Bytes that it takes on the way to a worker."""
        return len(self.__reduce__()[1][0])


@lru_cache(maxsize=2)
def _unpacked(payload: bytes) -> Work:
    """The work that was packed; tasks of one pass share it."""
    work = object.__new__(Work)
    vars(work).update(pickle.loads(payload), _payload=payload)
    return work


def packed(value: Any) -> bytes:
    """Anything as bytes: functions within functions as well."""
    try:
        import cloudpickle
    except ImportError:  # joblib, which scikit-learn brings, has one of its own, or needs that one
        from joblib.externals import cloudpickle
    result: bytes = cloudpickle.dumps(value)
    return result


def failure(error: Exception, place: str, chunk: Any = None) -> Exception:
    """The error of a chunk, which is named: of the same kind if it is about the rows."""
    where = f"{place} ({chunk})" if isinstance(chunk, FilePart) else place
    said = str(error)
    known = (chunk.path, place) if isinstance(chunk, FilePart) else (place,)
    if isinstance(error, _OWN):
        return error if any(name in said for name in known) else type(error)(f"{where}: {said}")
    return RuntimeError(f"{where} failed: {type(error).__name__}: {said}")
