"""From a path to the right kind of table: the content decides, not the ending of the name."""

from __future__ import annotations

import os
import re
import zipfile

from fastlr.errors import FileFormatError
from fastlr.files._stream import Source
from fastlr.files._table import Table

_NOT_TABLES = {
    b"FEA1": "a Feather file of version 1: write it again with a current pyarrow or pandas",
    b"\x89HDF": "an HDF5 file: save the table as Parquet or CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel or Office file: save the sheet as CSV",
    b"%PDF": "a PDF: save the table as CSV",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
    b"\x80\x04": "a Python pickle: save the table as Parquet or CSV",
    b"\x80\x05": "a Python pickle: save the table as Parquet or CSV",
}
_MARKUP = re.compile(rb'\s*(<(!doctype|html|\?xml)|\{\s*"|\[\s*[\[{])', re.IGNORECASE)
_PEEK = 4096


def open_table(path: str | os.PathLike[str], *, block_bytes: int = 8 << 20) -> Table:
    """Open a table file, find its columns, and leave its rows to be read in batches.

    Parameters
    ----------
    path : str or path-like
        CSV or TSV (also semicolons or bars; plain, .gz, .bz2, .zst or .xz), Parquet, Feather or
        Arrow IPC (file or stream), npy, npz; ``"-"`` is standard input, in any of these formats.
        The first bytes tell the format; the name's ending only tells ``.tsv``.
    block_bytes : int, default 8 MiB
        Text is read in blocks of this size; a batch is the rows of one block.

    Returns
    -------
    Table
        ``columns``, ``names``, ``n_bytes`` and ``batches(columns)``. A context manager.

    Raises
    ------
    FileFormatError
        The file is empty, not a table, has no column names, or two columns of one name.
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
    source = Source(path)
    try:
        return _table_from(source, block_bytes)
    except BaseException:
        source.close()
        raise


def _table_from(source: Source, block_bytes: int) -> Table:
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
    if b"\x00" in start:
        raise FileFormatError(
            f"{label} is not a table fastlr knows (it holds binary data): "
            "give CSV, TSV, Parquet, Feather, npy or npz"
        )
    if _MARKUP.match(start):
        raise FileFormatError(f"{label} is JSON, HTML or XML, not a table: convert it to CSV")
    from fastlr.files._delimited import DelimitedTable

    return DelimitedTable(source, block_bytes)


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
