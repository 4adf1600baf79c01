"""Several files with the same columns as one table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from fastlr.errors import FileFormatError
from fastlr.files._open import open_table, table_from, text_only
from fastlr.files._paths import table_files
from fastlr.files._table import Batch, Column, ColumnArrays, Table
from fastlr.files._text_options import TextOptions, as_block_bytes, text_options


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
    if len(files) == 1:
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


class JoinedTable(Table):
    """Files with the same columns; all but pipes are closed until their turn comes."""

    def __init__(self, files: Sequence[str], block_bytes: int, options: TextOptions) -> None:
        self._block_bytes, self._options = block_bytes, options
        self._text = frozenset()
        self._parts: list[Table | str] = []
        self.label = f"{files[0]} and {len(files) - 1} more"
        self.n_bytes = 0
        columns: dict[str, Column] = {}
        try:
            for file in files:
                table = table_from(file, block_bytes, options)
                self._parts.append(table)
                if not columns:
                    columns = {column.name: column for column in table.columns}
                else:
                    _check_same(files[0], columns, table)
                self.is_text = self.is_text or table.is_text
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
        except BaseException:
            self.close()
            raise
        self.columns = tuple(columns.values())

    def _batches(self, names: list[str]) -> Iterator[Batch]:
        bytes_before = 0
        for part in self._parts:
            if isinstance(part, str):
                with table_from(part, self._block_bytes, self._options) as table:
                    table.read_as_text(self._text)
                    yield from _shifted(table, names, bytes_before)
            else:
                part.read_as_text(self._text)
                yield from _shifted(table := part, names, bytes_before)
            bytes_before += table.n_bytes or 0

    def _read(self, names: list[str]) -> Iterator[tuple[ColumnArrays, int, int]]:
        for batch in self._batches(names):
            yield batch.columns, batch.n_rows, batch.bytes_read

    def close(self) -> None:
        """Close the pipes among the files."""
        for part in self._parts:
            if isinstance(part, Table):
                part.close()


def _shifted(table: Table, names: list[str], bytes_before: int) -> Iterator[Batch]:
    for batch in table._batches(names):
        yield replace(batch, bytes_read=bytes_before + batch.bytes_read)


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
