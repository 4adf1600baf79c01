"""CSV and TSV, a block of whole rows at a time, parsed by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from fastlr._kernels import kernels
from fastlr.errors import FileFormatError
from fastlr.files._arrow import holds, is_numeric, own_memory, values_of
from fastlr.files._cells import MISSING_WORDS, explained, not_numbers
from fastlr.files._chunks import Chunk
from fastlr.files._header import Header
from fastlr.files._stream import Source, require_pyarrow
from fastlr.files._table import Column, ColumnArrays, Table, own_names
from fastlr.files._text_blocks import TextBlock, text_blocks, whole_rows
from fastlr.files._text_options import TextOptions

_HEAD_BYTES = 1 << 20


class DelimitedTable(Table):
    """Text with a line of names; the types come from the first mebibyte of rows."""

    is_text = True

    def __init__(self, source: Source, block_bytes: int, options: TextOptions) -> None:
        require_pyarrow("reading CSV and TSV files")
        super().__init__(source, ())
        self._block_bytes = block_bytes
        self._options = options
        words = (*MISSING_WORDS, *options.na)
        self.reads_anywhere = source.n_bytes is not None and not source.is_decoded
        self._missing = [a + word + b for word in words for a in ("", " ") for b in ("", " ")]
        head = source.peek(_HEAD_BYTES)
        self._header = Header(head, source, options)
        self.doubt = self._header.doubt
        self._newline = b"\n" if b"\n" in head else b"\r"
        body = head[self._header.n_bytes :]
        is_whole = len(head) < _HEAD_BYTES
        if not is_whole:
            body = body[: whole_rows(body, self._newline)]
        named = own_names(self.label, self._header.names)
        self.columns = tuple(self._columns(named, body, is_whole))

    def _columns(
        self, named: Sequence[tuple[str, bool]], rows: bytes, is_whole: bool
    ) -> Iterator[Column]:
        import pyarrow as pa

        sample = self._parse(rows, None, 0) if rows and not rows.isspace() else None
        for i, (name, is_named) in enumerate(named):
            values = pa.nulls(0) if sample is None else sample.column(i)
            kind = holds(values.type)
            if is_numeric(values.type):
                yield Column(name, True, kind, is_named)
                continue
            if kind == "dates or times":  # as they are written, not as they are understood
                held = own_memory(rows)
                text = self._parsed(held, rows, [str(i)], use_threads=False, as_text=True)
                values = text.column(0)
            cells = [_text(cell) for cell in values.to_pylist()]
            held = not_numbers(kind, cells, self._header, is_whole=is_whole)
            yield Column(name, False, held, is_named)

    def _read(self, names: list[str]) -> Iterator[tuple[ColumnArrays, int, int]]:
        n_rows = 0
        for block, bytes_read in self._blocks():
            ((arrays, n),) = self._read_block(names, block, n_rows, 2)
            n_rows += n
            yield arrays, n, bytes_read

    def chunks_of(self, names: list[str], chunk_rows: int | None) -> Iterator[Chunk]:
        """Blocks of whole rows, which are parsed by whoever reads them; the size of a block is that of their text."""
        n_bytes = 0
        for k, (block, bytes_read) in enumerate(self._blocks()):
            yield Chunk(
                self.label,
                bytes_read - n_bytes,
                0 if k == 0 else None,
                partial(self._read_block, names, block),
                self._source.check_unchanged,
                block.forget,
            )
            n_bytes = bytes_read

    def _blocks(self) -> Iterator[tuple[TextBlock, int]]:
        """Blocks of whole rows, and how many bytes of the file are read after each."""
        return text_blocks(self._source, self._header.n_bytes, self._block_bytes, self._newline)

    def _read_block(
        self, names: list[str], block: TextBlock, rows_before: int, n_threads: int
    ) -> Iterator[tuple[dict[str, Any], int]]:
        """The values of a block of whole rows, as a batch; what is more than numbers is left to pyarrow."""
        with block as rows:
            plain = self._plain_numbers(names, rows)
            text = b"" if plain is not None else bytes(rows)
        if plain is not None:
            yield plain
            return
        chosen = [str(self.positions[name]) for name in names]
        table = self._parse(text, chosen, rows_before, use_threads=n_threads > 1)
        columns = [table.column(i) for i in chosen]
        yield values_of(names, columns, self._text, self._labels), table.num_rows

    def _plain_numbers(
        self, names: list[str], rows: memoryview
    ) -> tuple[dict[str, Any], int] | None:
        """The values of rows that hold nothing but numbers and gaps in the chosen columns; None of others."""
        options = self._options
        is_plain = options.decimal == "." and not options.na and self._newline == b"\n"
        columns = [self.columns[self.positions[name]] for name in names]
        are_plain = all(column.holds == "numbers" for column in columns)
        if not (is_plain and are_plain and names) or (self._labels | self._text) & {*names}:
            return None
        place = [-1] * len(self.columns)
        for k, name in enumerate(names):
            place[self.positions[name]] = k
        values = np.empty((len(names), kernels.count_rows(rows) + 1))
        n_rows = kernels.parse_numbers(rows, self._header.delimiter, place, MISSING_WORDS, values)
        if n_rows < 0:
            return None
        return dict(zip(names, values[:, :n_rows], strict=True)), n_rows

    def _parse(
        self, rows: bytes, chosen: list[str] | None, rows_before: int, *, use_threads: bool = True
    ) -> Any:
        """Whole rows to an Arrow table; ``chosen`` are column numbers, None infers every type.

        pyarrow knows row numbers only when it works on one thread: an error is found again there.
        """
        import pyarrow as pa

        held = own_memory(rows)
        try:
            try:
                table = self._parsed(held, rows, chosen, use_threads=use_threads)
            except pa.ArrowInvalid:
                table = self._parsed(held, rows, chosen, use_threads=False)
        except pa.ArrowInvalid as error:
            problem = explained(
                str(error), self.names or self._header.names, self._header, rows_before, rows
            )
            raise FileFormatError(f"{self.label}: {problem}") from error
        if b'"' in rows and rows.count(b'"') % 2 and table.num_rows < _n_lines(rows, self._newline):
            raise FileFormatError(
                f"{self.label}: a quoted field that begins at or after row {rows_before + 1} is "
                'never closed: add the missing " or remove the other'
            )
        return table

    def _is_text(self, i: int) -> bool:
        """Whether column ``i`` is read as it is written; labels are, unless they are numbers."""
        column = self.columns[i]
        return column.name in self._text or (column.name in self._labels and not column.is_numeric)

    def _parsed(
        self,
        held: Any,
        rows: bytes,
        chosen: list[str] | None,
        *,
        use_threads: bool,
        as_text: bool = False,
    ) -> Any:
        import pyarrow as pa
        import pyarrow.csv as pacsv

        types = {}
        for i in chosen or ():
            if as_text or self._is_text(int(i)):
                types[i] = pa.string()
            else:
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
                null_values=self._missing,
                strings_can_be_null=True,
                decimal_point=self._options.decimal,
            ),
        )


def _n_lines(rows: bytes, newline: bytes) -> int:
    return sum(1 for line in rows.split(newline) if line.strip())


def _text(cell: Any) -> str | None:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell
