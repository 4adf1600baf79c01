"""Several files with the same columns as one table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from fastlr.errors import FileFormatError
from fastlr.files._chunks import Chunk, ChunkReader
from fastlr.files._open import open_table, table_from, text_only
from fastlr.files._paths import partitions_of, table_files
from fastlr.files._stream import Source
from fastlr.files._table import Batch, Column, ColumnArrays, Table
from fastlr.files._text_options import TextOptions, as_block_bytes, text_options
from fastlr.input.row_stream import Labelled


def open_tables(
    paths: Iterable[str | os.PathLike[str]],
    *,
    block_bytes: int = 8 << 20,
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    skip: int = 0,
    na: str | Sequence[str] = (),
) -> Table:
    r"""Open several table files as one table: their rows one after another.

    Parameters
    ----------
    paths : iterable of str or path-like
        Files, directories or patterns, as `table_files` takes them. All files must have the same
        columns, which are matched by name; formats may differ.
    block_bytes, delimiter, decimal, encoding, skip, na
        As in `open_table`, for all files; those of text need one file that is text.

    Returns
    -------
    Table
        With the columns of the first file, in its order. A batch has rows of one file, which
        ``Batch.label`` names and ``Batch.first_row`` counts.

    Raises
    ------
    FileFormatError
        A file is no table, or its columns are not those of the first one; no file has rows.
    InputError, InputTypeError, FileNotFoundError, ImportError
        As in `open_table` and `table_files`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from fastlr.files import open_tables
    >>> _ = Path("north.csv").write_text("area,crop\n2,5\n3,7.5\n")
    >>> _ = Path("south.csv").write_text("crop,area\n8,3\n")
    >>> with open_tables(["north.csv", "south.csv"]) as table:
    ...     [batch.columns["crop"].tolist() for batch in table.batches()]
    [[5.0, 7.5], [8.0]]
    """
    files = table_files(paths)
    if len(files) == 1 and not partitions_of(files):
        return open_table(
            files[0],
            block_bytes=block_bytes,
            delimiter=delimiter,
            decimal=decimal,
            encoding=encoding,
            skip=skip,
            na=na,
        )
    options = text_options(delimiter, decimal, encoding, skip, na)
    return JoinedTable(files, as_block_bytes(block_bytes), options)


def closed_tables(
    paths: Iterable[str | os.PathLike[str]],
    *,
    block_bytes: int = 8 << 20,
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    skip: int = 0,
    na: str | Sequence[str] = (),
) -> Table:
    """As `open_tables`, but no file is kept open between passes: nobody needs to close the table."""
    options = text_options(delimiter, decimal, encoding, skip, na)
    return JoinedTable(table_files(paths), as_block_bytes(block_bytes), options)


class JoinedTable(Table):
    """Files with the same columns; all but pipes are closed until their turn comes.

    The parts of a path that say ``key=value`` are columns, too, if all files have the same keys.
    """

    def __init__(
        self,
        files: Sequence[str],
        block_bytes: int,
        options: TextOptions,
    ) -> None:
        self._block_bytes, self._options = block_bytes, options
        self._text = self._labels = frozenset()
        self._parts: list[Table | str] = []
        self._sources: list[Source] = []
        self._partitions = partitions = partitions_of(files)
        self._resources = ExitStack()
        self.label = f"{files[0]} and {len(files) - 1} more" if len(files) > 1 else files[0]
        self.n_bytes = 0
        columns: dict[str, Column] = {}
        try:
            for file in files:
                table = table_from(file, block_bytes, options)
                self._parts.append(table)
                self._sources.append(table.source)
                if not columns:
                    self.doubt = table.doubt
                    columns = {column.name: column for column in table.columns}
                else:
                    _check_same(files[0], columns, table)
                self.is_text = self.is_text or table.is_text
                self.reads_anywhere = table.reads_anywhere and (
                    self.reads_anywhere or len(self._parts) == 1
                )
                for column in table.columns:
                    if not column.is_numeric and columns[column.name].is_numeric:
                        holds = f"in {table.label} {column.holds}"
                        columns[column.name] = replace(column, holds=holds)
                if self.n_bytes is not None:
                    self.n_bytes = None if table.n_bytes is None else self.n_bytes + table.n_bytes
                if table.n_bytes is not None:
                    self._parts[-1] = file
                    table.close()
            if options.given and not self.is_text:
                raise text_only(self.label, options)
            for key, values in partitions.items():
                if key in columns:
                    raise FileFormatError(
                        f"{files[0]} has a column {key!r}, and its path says {key}={values[0]} as well: rename one"
                    )
                is_number = isinstance(values[0], float)
                columns[key] = Column(key, is_number, "numbers" if is_number else "text")
        except BaseException:
            self.close()
            raise
        self.columns = tuple(columns.values())

    @property
    def can_repeat(self) -> bool:
        """Whether the rows of all files can be read again."""
        return all(isinstance(part, str) or part.can_repeat for part in self._parts)

    def _batches(self, names: list[str]) -> Iterator[Batch]:
        bytes_before = 0
        for i, part in enumerate(self._parts):
            with ExitStack() as stack:
                table = self._opened(i)
                if isinstance(part, str):
                    stack.enter_context(table)
                own = [name for name in names if name not in self._partitions]
                for batch in table._batches(own):
                    arrays = self._with_partitions(i, names, batch.columns, batch.n_rows)
                    n_bytes = bytes_before + batch.bytes_read
                    yield replace(batch, columns=arrays, bytes_read=n_bytes)
            bytes_before += table.n_bytes or 0

    def chunks_of(self, names: list[str], chunk_rows: int | None) -> Iterator[Chunk]:
        own = [name for name in names if name not in self._partitions]
        for i, part in enumerate(self._parts):
            table = self._opened(i)
            try:
                table.check_numbers(own)
                for chunk in table.chunks_of(own, chunk_rows):
                    if not self._partitions:
                        yield chunk
                    else:
                        yield replace(chunk, read=partial(self._read_chunk, i, names, chunk.read))
            finally:
                if isinstance(part, str) and table.source.has_copy:
                    self._resources.callback(table.close)  # chunks are read from the copy
                elif isinstance(part, str):
                    table.close()

    def _opened(self, i: int) -> Table:
        """The table of file ``i``, which must be what it was."""
        part = self._parts[i]
        table = (
            table_from(part, self._block_bytes, self._options) if isinstance(part, str) else part
        )
        table.source.same_as(self._sources[i])
        table.read_as_text(self._text)
        table.read_as_labels(self._labels)
        return table

    def _read_chunk(
        self, i: int, names: list[str], read: ChunkReader, rows_before: int, n_threads: int
    ) -> Iterator[tuple[dict[str, Any], int]]:
        for arrays, n_rows in read(rows_before, n_threads):
            yield self._with_partitions(i, names, arrays, n_rows), n_rows

    def _with_partitions(
        self, i: int, names: list[str], arrays: dict[str, Any], n_rows: int
    ) -> dict[str, Any]:
        if not self._partitions:
            return arrays
        found = {}
        for name in names:
            if name not in self._partitions:
                found[name] = arrays[name]
                continue
            value = self._partitions[name][i]
            if name in self._labels:
                found[name] = Labelled(np.zeros(n_rows, dtype=np.int32), (value,))
            elif name in self._text:
                found[name] = np.full(n_rows, str(value), dtype=object)
            else:
                found[name] = np.full(n_rows, value)
        return found

    def _read(self, names: list[str]) -> Iterator[tuple[ColumnArrays, int, int]]:
        for batch in self._batches(names):
            yield batch.columns, batch.n_rows, batch.bytes_read

    def close(self) -> None:
        """Close the pipes among the files, and drop temporary copies."""
        self._resources.close()
        for part in self._parts:
            if isinstance(part, Table):
                part.close()


def _check_same(first: str, columns: dict[str, Column], table: Table) -> None:
    lacking = [name for name in columns if name not in table.names]
    extra = [name for name in table.names if name not in columns]
    if lacking or extra:
        differences = []
        if lacking:
            differences.append(f"lacks {', '.join(map(repr, lacking[:5]))}")
        if extra:
            differences.append(f"has {', '.join(map(repr, extra[:5]))} besides")
        raise FileFormatError(
            f"{table.label} {' and '.join(differences)}, compared with {first}: files that are one "
            "table have the same columns, in any order"
        )
