"""From a path to the right kind of table: the content decides, not the ending of the name."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Sequence

from fastlr.errors import FileFormatError, InputError
from fastlr.files._paths import as_path
from fastlr.files._stream import Source
from fastlr.files._table import Table
from fastlr.files._text_options import TextOptions, as_block_bytes, text_options

_NOT_TABLES = {
    b"FEA1": "a Feather file of version 1: write it again with a current pyarrow or pandas",
    b"\x89HDF": "an HDF5 file: save the table as Parquet or CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel or Office file: save the sheet as CSV",
    b"%PDF": "a PDF: save the table as CSV",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"\x80\x04": "a Python pickle: save the table as Parquet or CSV",
    b"\x80\x05": "a Python pickle: save the table as Parquet or CSV",
}
_MARKUP = re.compile(rb'\s*(<(!doctype|html|\?xml)|\{\s*"|\[\s*[\[{])', re.IGNORECASE)
_BYTE_ORDER_MARKS = {  # the longer first
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_PEEK = 4096


def open_table(
    path: str | os.PathLike[str],
    *,
    block_bytes: int = 8 << 20,
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str | None = None,
    skip: int = 0,
    na: str | Sequence[str] = (),
) -> Table:
    """Open a table file, find its columns, and leave its rows to be read in batches.

    Parameters
    ----------
    path : str or path-like
        CSV or TSV (also semicolons or bars; plain, .gz, .bz2, .zst or .xz), Parquet, Feather or
        Arrow IPC (file or stream), npy, npz; ``"-"`` is standard input, in any of these formats.
        The first bytes tell the format; the name's ending only tells ``.tsv``.
    block_bytes : int, default 8 MiB
        Text is read in blocks of this size; a batch is the rows of one block.
    delimiter : str, optional
        What separates columns in text: one character, or a word such as "tab" or "semicolon". By
        default the comma, tab, semicolon or bar that occurs most in the line of names.
    decimal : {".", ","}, default="."
        The decimal mark in text.
    encoding : str, optional
        The encoding of text, by Python's name for it ("latin-1", "cp1252"). By default UTF-8, or
        UTF-16 and UTF-32 if a byte order mark says so.
    skip : int, default=0
        Lines of text to leave out above the line of names.
    na : str or sequence of str, optional
        Further words that stand for a missing value in text, such as "-999".

    Returns
    -------
    Table
        ``columns``, ``names``, ``n_bytes`` and ``batches(columns)``. A context manager.

    Raises
    ------
    FileFormatError
        The file is empty, not a table, has no column names, or two columns of one name.
    InputError, InputTypeError
        An option has a wrong value, or is for text and the file holds none; the path is a URL.
    FileNotFoundError, IsADirectoryError
        There is no such file, or it is a directory.
    ImportError
        pyarrow is missing and the format needs it.

    Notes
    -----
    In text files an empty field, NA, NaN and null are missing; the first row names the columns; a
    column is numeric if its first rows are, and a later cell that is not a number is an error that
    names column and row. An npy matrix has columns x0, x1, ...; an npz file has a column for each
    1-D array and X0, X1, ... for a 2-D array X.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.files import open_table
    >>> np.savez("plots.npz", X=np.zeros((3, 2)), crop=[5.0, 7.5, 9.0])
    >>> with open_table("plots.npz") as table:
    ...     table.names
    ('X0', 'X1', 'crop')
    """
    options = text_options(delimiter, decimal, encoding, skip, na)
    table = table_from(as_path(path), as_block_bytes(block_bytes), options)
    if options.given and not table.is_text:
        table.close()
        raise text_only(table.label, options)
    return table


def table_from(path: str | os.PathLike[str], block_bytes: int, options: TextOptions) -> Table:
    """The table of one file, whether or not the options have a meaning for it."""
    source = Source(path)
    try:
        return _table_from(source, block_bytes, options)
    except BaseException:
        source.close()
        raise


def text_only(label: str, options: TextOptions) -> InputError:
    """Return the error for options of text that were given for a table of another format."""
    name = options.given[0]
    return InputError(
        f"{name}={getattr(options, name)!r} is for text, and {label} is none: omit it"
    )


def _table_from(source: Source, block_bytes: int, options: TextOptions) -> Table:
    start = source.peek(_PEEK)
    label = source.label
    if not start.removeprefix(b"\xef\xbb\xbf").strip():
        raise FileFormatError(f"{label} is empty: a table needs a line of names and rows below it")
    if start.startswith(b"PAR1"):
        from fastlr.files._arrow import ParquetTable

        return ParquetTable(source)
    if start.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        from fastlr.files._arrow import ArrowTable

        return ArrowTable(source)
    if start.startswith(b"\x93NUMPY") or _is_npz(start, source):
        from fastlr.files._numpy import NumpyTable

        return NumpyTable(source)
    for magic, what in _NOT_TABLES.items():
        if start.startswith(magic):
            raise FileFormatError(f"{label} is {what}")
    encoding = options.encoding or next(
        (name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), None
    )
    if encoding is not None:
        source.recode(encoding)
        start = source.peek(_PEEK)
    if b"\x00" in start:
        hint = _wide_characters(start)
        raise FileFormatError(
            f"{label} is not a table fastlr knows (it holds binary data): "
            f"give CSV, TSV, Parquet, Feather, npy or npz{hint}"
        )
    if _MARKUP.match(start):
        raise FileFormatError(f"{label} is JSON, HTML or XML, not a table: convert it to CSV")
    from fastlr.files._delimited import DelimitedTable

    return DelimitedTable(source, block_bytes, options)


def _wide_characters(start: bytes) -> str:
    """A hint, if every other byte is zero: UTF-16 without its mark."""
    for encoding, zeros, others in (
        ("utf-16-le", start[1::2], start[::2]),
        ("utf-16-be", start[::2], start[1::2]),
    ):
        if not any(zeros) and all(others):
            return f". If it is UTF-16 text without its mark: encoding={encoding!r}"
    return ""


def _is_npz(start: bytes, source: Source) -> bool:
    if not start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return False
    try:
        with zipfile.ZipFile(source.on_disk()) as archive:
            members = archive.namelist()
    except zipfile.BadZipFile as error:
        raise FileFormatError(f"{source.label} is a damaged zip file: {error}") from error
    if members and all(name.endswith(".npy") for name in members):
        return True
    kind = "an Excel sheet" if "xl/workbook.xml" in members else "a zip archive, not an npz file"
    raise FileFormatError(f"{source.label} is {kind}: save the table as CSV or Parquet")
