"""Chunks of rows as descriptions that a worker opens: sources of any kind, and parts of files."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastlr.errors import FileFormatError, InputError
from fastlr.files import Chunk, Table, table_files
from fastlr.streams import Choice, Scan, scan
from fastlr.streams.sources import FunctionTable, opened_source

__all__ = [
    "Described",
    "FilePart",
    "are_paths",
    "chunks_of",
    "described",
    "opened",
    "parts_of",
    "rows_above",
]


@dataclass(frozen=True)
class FilePart:
    """A chunk of a file, as a worker opens it: small, whatever the file's size."""

    path: str
    number: int | None
    """Which of the chunks that `fastlr.scan` reads the file in; None for all of them."""
    stamp: tuple[int, int]
    """Size and time of the last change, of which another machine knows as well."""
    text: tuple[tuple[str, Any], ...] = ()
    """How a file of text is written."""

    def __str__(self) -> str:
        return self.path if self.number is None else f"{self.path}, part {self.number}"

    def check(self) -> None:
        """Raise a `FileFormatError` if the file is not what it was when the pass was planned."""
        if _stamp(self.path) != self.stamp:
            raise FileFormatError(
                f"{self.path} has changed since its rows were shared out: wait until it is written, and start again"
            )


@dataclass(frozen=True)
class Described:
    """The roles of the columns, as the first chunk that has rows tells them."""

    choice: Choice
    is_vector: bool
    columns: tuple[str, ...] | None
    """All columns where chunks are pairs (X, y), which have no others; None where more may be there."""
    has_names: bool = True
    """Whether features have names of their own."""


def parts_of(
    paths: Any, *, chunk_rows: int | None, text: Mapping[str, Any], roles: Mapping[str, Any]
) -> tuple[list[FilePart], Described, str]:
    """The chunks of files, the roles of their columns, and a label for all: the chunks that `fastlr.scan` reads.

    Footers alone are read. A file of text is one chunk, whose end nobody knows before its rows are read.
    """
    rows = scan(paths, chunk_rows=chunk_rows, **roles, **text)
    table = rows.table
    if not table.can_repeat:
        raise InputError(
            f"{rows.label} is a pipe, which workers cannot read: write its rows to a file."
        )
    named = [paths] if isinstance(paths, str | os.PathLike) else paths
    files = table_files(named)
    written = tuple(text.items())
    stamps = {file: _stamp(file) for file in files}
    if table.is_text:
        parts = [FilePart(file, None, stamps[file], written) for file in files]
    else:
        count = Counter(chunk.label for chunk in table.chunks(rows.choice.names, chunk_rows))
        parts = [FilePart(file, k, stamps[file]) for file in files for k in range(count[file])]
    return parts, Described(rows.choice, rows.is_vector, None, rows.has_names), rows.label


def are_paths(chunks: Any) -> bool:
    """Whether chunks are named by the paths of files."""
    if isinstance(chunks, str | os.PathLike):
        return True
    is_list = isinstance(chunks, list | tuple) and len(chunks) > 0
    return is_list and all(isinstance(chunk, str | os.PathLike) for chunk in chunks)


def as_source(chunk: Any) -> Any:
    """The source that a chunk is: batches are lists of one, and functions are called until there are rows."""
    for _ in range(2):  # a function may give a function that gives batches
        if not callable(chunk) or hasattr(chunk, "__arrow_c_stream__"):
            break
        chunk = chunk()
    is_batch = (
        isinstance(chunk, tuple)
        or (isinstance(chunk, list) and len(chunk) in (2, 3) and _is_array(chunk[0]))
        or isinstance(chunk, Mapping)
    )
    return [chunk] if is_batch else chunk


def opened(chunk: Any, text: Mapping[str, Any]) -> Table | None:
    """The table of a chunk; None of one without rows."""
    if isinstance(chunk, FilePart):
        chunk.check()
        return opened_source(chunk.path, dict(chunk.text))
    source = as_source(chunk)
    if _is_empty(source):
        return None
    return opened_source(source, text)


def described(chunk: Any, text: Mapping[str, Any], roles: Mapping[str, Any]) -> Described | None:
    """The roles of the columns of a chunk, None of one without rows."""
    source = as_source(chunk)
    if _is_empty(source):
        return None
    rows: Scan = scan(source, **roles, **text)
    table = rows.table
    is_of_pairs = isinstance(table, FunctionTable) and table.is_of_pairs
    columns = tuple(table.names) if is_of_pairs else None
    table.close()
    return Described(rows.choice, rows.is_vector, columns, rows.has_names)


def chunks_of(
    table: Table, chunk: Any, names: Sequence[str], chunk_rows: int | None
) -> Iterator[Chunk]:
    """The parts that a chunk's rows are decoded in."""
    number = chunk.number if isinstance(chunk, FilePart) else None
    stop = None if number is None else number + 1
    return itertools.islice(table.chunks(names, chunk_rows), number or 0, stop)


def rows_above(table: Table, chunk: Any, names: Sequence[str], chunk_rows: int | None) -> int:
    """How many rows of its file are above a part of it: they are read, for a message that counts them."""
    above = itertools.islice(table.chunks(names, chunk_rows), chunk.number)
    return sum(n for part in above for _, n in part.read(0, 1))


def _is_empty(source: Any) -> bool:
    """Whether a source is one batch (X, y) without rows, or a frame without any, whose types mean nothing."""
    if isinstance(source, list) and len(source) == 1:
        batch = source[0]
        if isinstance(batch, Mapping):
            return len(batch) > 0 and all(len(column) == 0 for column in batch.values())
        if isinstance(batch, tuple | list) and len(batch) in (2, 3):
            return all(np.ndim(part) > 0 and len(part) == 0 for part in batch[:2])
    n_rows = getattr(source, "num_rows", None)
    shape = getattr(source, "shape", None)
    if isinstance(n_rows, int):
        return n_rows == 0
    return isinstance(shape, tuple) and len(shape) == 2 and shape[0] == 0


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") or hasattr(value, "__arrow_c_stream__")


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except FileNotFoundError as error:
        raise FileFormatError(
            f"{path} is not there: workers need the same files under the same names as the process that asks them"
        ) from error
    return found.st_size, found.st_mtime_ns
