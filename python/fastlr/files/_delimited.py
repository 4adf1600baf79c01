"""CSV and TSV, a block of whole rows at a time, parsed by pyarrow."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from fastlr.errors import FileFormatError
from fastlr.files._arrow import holds, is_numeric, own_memory, to_numpy
from fastlr.files._stream import ByteStream, Source, require_pyarrow
from fastlr.files._table import Column, ColumnArrays, Table, own_names

_DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_COMPRESSED_ENDINGS = {".gz", ".bz2", ".zst", ".xz"}
_HEAD_BYTES = 1 << 20
_LONGEST_ROW = 64 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?)\s*", re.IGNORECASE)
_MISSING_WORDS = "", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "null", "NULL", "None"
_MISSING = [a + word + b for word in _MISSING_WORDS for a in ("", " ") for b in ("", " ")]
_BAD_CELL = re.compile(
    r"CSV column #(\d+): Row #(\d+): .* error to (\w+): invalid value '(.*)'", re.DOTALL
)
_BAD_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


class DelimitedTable(Table):
    """Text with a line of names; the types come from the first mebibyte of rows."""

    def __init__(self, source: Source, block_bytes: int) -> None:
        require_pyarrow("reading CSV and TSV files")
        super().__init__(source, ())
        self._block_bytes = block_bytes
        head = source.peek(_HEAD_BYTES)
        self._header = _Header(head, source)
        self._newline = b"\n" if b"\n" in head else b"\r"
        body = head[self._header.n_bytes :]
        if len(head) == _HEAD_BYTES:
            body = body[: _whole_rows(body, self._newline)]
        self.columns = tuple(self._columns(own_names(self.label, self._header.names), body))

    def _columns(self, named: Sequence[tuple[str, bool]], rows: bytes) -> Iterator[Column]:
        import pyarrow as pa

        sample = self._parse(rows, None, 0) if rows and not rows.isspace() else None
        for i, (name, is_named) in enumerate(named):
            values = pa.nulls(0) if sample is None else sample.column(i)
            kind = holds(values.type)
            if is_numeric(values.type):
                yield Column(name, True, kind, is_named)
            else:
                row, cell = _first_that_is_no_number(values)
                yield Column(name, False, f"{kind} ({_shown(cell)} in row {row})", is_named)

    def _read(self, names: list[str]) -> Iterator[tuple[ColumnArrays, int, int]]:
        chosen = {str(self.names.index(name)): name for name in names}
        stream = self._source.open()
        stream.read(self._header.n_bytes)
        n_rows = 0
        for rows in self._row_blocks(stream):
            block = self._parse(rows, list(chosen), n_rows)
            arrays = {name: to_numpy(block.column(i)) for i, name in chosen.items()}
            n_rows += block.num_rows
            yield arrays, block.num_rows, self._source.bytes_read

    def _row_blocks(self, stream: ByteStream) -> Iterator[bytes]:
        rest = b""
        while part := stream.read(self._block_bytes):
            rest += part
            cut = _whole_rows(rest, self._newline)
            if not cut and len(rest) > max(_LONGEST_ROW, 2 * self._block_bytes):
                cut = rest.rfind(self._newline) + 1 or len(rest)
            rows, rest = rest[:cut], rest[cut:]
            if rows and not rows.isspace():
                yield rows
        if rest and not rest.isspace():
            yield rest

    def _parse(self, rows: bytes, chosen: list[str] | None, rows_before: int) -> Any:
        """Whole rows to an Arrow table; ``chosen`` are column numbers, None infers every type.

        pyarrow knows row numbers only when it works on one thread: an error is found again there.
        """
        import pyarrow as pa

        held = own_memory(rows)
        try:
            try:
                table = self._parsed(held, rows, chosen, use_threads=True)
            except pa.ArrowInvalid:
                table = self._parsed(held, rows, chosen, use_threads=False)
        except pa.ArrowInvalid as error:
            raise FileFormatError(self._explained(str(error), rows_before)) from error
        if b'"' in rows and rows.count(b'"') % 2 and table.num_rows < _n_lines(rows, self._newline):
            raise FileFormatError(
                f"{self.label}: a quoted field that begins at or after row {rows_before + 1} is "
                'never closed: add the missing " or remove the other'
            )
        return table

    def _parsed(
        self, held: Any, rows: bytes, chosen: list[str] | None, *, use_threads: bool
    ) -> Any:
        import pyarrow as pa
        import pyarrow.csv as pacsv

        types = {}
        for i in chosen or ():
            is_boolean = self.columns[int(i)].holds == "booleans"
            types[i] = pa.bool_() if is_boolean else pa.float64()
        return pacsv.read_csv(
            pa.BufferReader(held),
            pacsv.ReadOptions(
                column_names=[str(i) for i in range(len(self._header.names))],
                block_size=max(len(rows) // 4, 1 << 20) if use_threads else len(rows) + 1,
                use_threads=use_threads,
            ),
            pacsv.ParseOptions(delimiter=self._header.delimiter, newlines_in_values=b'"' in rows),
            pacsv.ConvertOptions(
                column_types=types,
                include_columns=chosen,
                null_values=_MISSING,
                strings_can_be_null=True,
            ),
        )

    def _explained(self, message: str, rows_before: int) -> str:
        if bad_cell := _BAD_CELL.search(message):
            column, row, kind, cell = bad_cell.groups()
            what = "neither true nor false" if kind == "bool" else "not a number"
            rule = "missing values are written as an empty field, NA, NaN or null"
            if re.fullmatch(r"\s*[+-]?\d+,\d+\s*", cell):
                rule = "decimals are written with a point, not a comma"
            return (
                f"{self.label}: column {self.names[int(column)]!r}, row {rows_before + int(row)}: "
                f"{_shown(cell)} is {what} ({rule}): correct it or leave the column out"
            )
        if bad_row := _BAD_ROW.search(message):
            row, expected, got = bad_row.groups()
            fields = "1 field" if got == "1" else f"{got} fields"
            separated = _DELIMITERS[self._header.delimiter]
            return (
                f"{self.label}: row {rows_before + int(row)} has {fields}, but the header names "
                f"{expected} columns (separated by {separated}): give every row one field a column"
            )
        return f"{self.label}: rows after row {rows_before} cannot be read as a table: {message}"


class _Header:
    """The line of names (longer than a line if a quoted name is), its delimiter and its length."""

    def __init__(self, head: bytes, source: Source) -> None:
        n_before = len(head) - len(head.removeprefix(_BYTE_ORDER_MARK).lstrip(b"\r\n"))
        lines = head[n_before:].splitlines(keepends=True)
        used = []

        def decoded() -> Iterator[str]:
            for line in lines:
                used.append(line)
                yield line.decode("utf-8")

        try:
            self.delimiter = _delimiter(lines[0].decode("utf-8"), source)
            fields = next(
                csv.reader(decoded(), delimiter=self.delimiter, strict=True, skipinitialspace=True)
            )
        except UnicodeDecodeError as error:
            raise FileFormatError(
                f"{source.label}: the column names are not UTF-8 text: save the file as UTF-8"
            ) from error
        except csv.Error as error:
            raise FileFormatError(
                f"{source.label}: the first line does not name columns ({error}): put one name a "
                "column there"
            ) from error
        self.names = [field.strip() for field in fields]
        self.n_bytes = n_before + sum(map(len, used))
        if all(map(_NUMBER.fullmatch, self.names)):
            shown = ", ".join(self.names[:4]) + (", ..." if len(self.names) > 4 else "")
            raise FileFormatError(
                f"{source.label}: the first line holds only numbers ({shown}), so the columns "
                f"have no names: put a line of {len(self.names)} names above it"
            )


def _delimiter(line: str, source: Source) -> str:
    """Tab for .tsv, otherwise the separator that occurs most outside quotes."""
    path = PurePath(source.path or "")
    ending = (path.with_suffix("") if path.suffix in _COMPRESSED_ENDINGS else path).suffix
    if ending.lower() in {".tsv", ".tab"}:
        return "\t"
    return max(_DELIMITERS, key=re.sub('"[^"]*"', "", line).count)


def _whole_rows(data: bytes, newline: bytes) -> int:
    """Length of the longest beginning of ``data`` that ends a row: a newline outside quotes."""
    cut = data.rfind(newline) + 1
    if b'"' not in data:
        return cut
    n_quotes = data.count(b'"', 0, cut)
    while cut and n_quotes % 2:
        earlier = data.rfind(newline, 0, cut - 1) + 1
        n_quotes -= data.count(b'"', earlier, cut)
        cut = earlier
    return cut


def _n_lines(rows: bytes, newline: bytes) -> int:
    return sum(1 for line in rows.split(newline) if line.strip())


def _first_that_is_no_number(values: Any) -> tuple[int, str]:
    """Row (from 1) and text of the cell that makes a column more than numbers."""
    first = (1, "")
    for row, value in enumerate(values, start=1):
        cell = value.as_py()
        if cell is None:
            continue
        text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
        if not _NUMBER.fullmatch(text):
            return row, text
        first = first if first[1] else (row, text)
    return first


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")
