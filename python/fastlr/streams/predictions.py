"""`predict_file`: predictions of rows in chunks, written to a file as they are made."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fastlr.errors import FileFormatError, InputError, InputTypeError
from fastlr.files import (
    Batch,
    Table,
    check_writable,
    file_among,
    replaced,
    table_files,
)
from fastlr.files.missing import Mask, matrix, missing_rows, refuse_missing
from fastlr.files.reading import require_pyarrow
from fastlr.input.options import as_choice
from fastlr.input.threads import resolve_threads
from fastlr.results import LinearFit
from fastlr.streams.roles import listed
from fastlr.streams.scanning import check_text_options
from fastlr.streams.sources import opened_source

__all__ = ["batch_predictions", "predict_file", "read_model_columns"]

_MISSING = ("error", "keep")
_ENDINGS = (".csv", ".parquet", ".feather", ".arrow")


def predict_file(
    fit: LinearFit,
    source: Any,
    output: str | os.PathLike[str],
    *,
    missing: str = "error",
    n_threads: int | None = None,
    **text: Any,
) -> int:
    r"""Predict all rows of a source, chunk by chunk, and write what is predicted to a file.

    Parameters
    ----------
    fit : LinearFit
        Whose features the source has, by name; other columns are ignored.
    source
        As in `fastlr.scan`; batches are frames or mappings.
    output : str or path-like
        Where to write: CSV, Parquet, or Feather (``.feather`` or ``.arrow``), by the ending. A column for each target,
        named TARGET_predicted, and a row for each row of the source, in its order. A file already there is replaced
        when all is written, or not touched at all; one that is read here is refused.
    missing : {"error", "keep"}, default="error"
        Rows with a missing value: an error that names the first one, or a missing prediction
        (``nan`` in text).
    n_threads : int, optional
        Threads that decode and compute; by default all that the process may use.
    **text
        As in `fastlr.scan`.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    InputError, FileFormatError
        A feature is not among the columns, a value is missing or infinite, or a file is refused.
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import fastlr
    >>> fit = fastlr.ols({"x": [1.0, 2.0, 4.0]}, [3.0, 5.0, 9.0])
    >>> fastlr.predict_file(fit, [{"x": [0.0, 10.0]}, {"x": [20.0]}], "predicted.csv")
    3
    """
    if not isinstance(fit, LinearFit):
        raise InputTypeError(f"fit is a {type(fit).__name__}: pass what fastlr.ols gives.")
    keeps = as_choice(missing, _MISSING, "missing") == "keep"
    check_text_options("predict_file", text)
    path = Path(output)
    if path.suffix.lower() not in _ENDINGS:
        raise InputError(
            f"output={str(output)!r} does not say what to write: let its name end in {', '.join(_ENDINGS)}."
        )
    check_writable(path)
    _check_other(path, source)
    threads = resolve_threads(n_threads)
    table = opened_source(source, text)
    n_rows = 0
    try:
        wanted = fit.feature_names if fit.design is None else fit.design.variables
        absent = [name for name in wanted if name not in table.names]
        if absent:
            raise FileFormatError(
                f"{table.label} lacks {len(absent)} of the {len(wanted)} features of the fit: {listed(absent)}; it has "
                f"{listed(table.names)}: add or rename columns"
            )
        columns = read_model_columns(table, fit, dict(zip(wanted, wanted, strict=True)))
        names = [f"{name}_predicted" for name in fit.target_names]
        with replaced(path) as file, _writer(path.suffix.lower(), file, names) as write:
            for chunk in table.chunks(columns):
                before = n_rows if chunk.rows_before is None else chunk.rows_before
                for arrays, n in chunk.read(before, threads):
                    batch = Batch(arrays, n, before + 1, 0, chunk.label)
                    gaps = missing_rows(batch, columns, chunk.label)
                    if not keeps:
                        refuse_missing(batch, columns, gaps, chunk.label, "missing='keep'")
                    predicted = np.full((n, fit.n_targets), np.nan)
                    if not gaps.all():
                        predicted[~gaps] = batch_predictions(fit, batch, columns, ~gaps)
                    write(predicted, gaps)
                    n_rows, before = n_rows + n, before + n
                chunk.check()
    finally:
        table.close()
    return n_rows


def _check_other(output: Path, source: Any) -> None:
    """Refuse an output that is one of the files of the source, which it would replace."""
    if output.exists() and (same := _named_in_query(output, source)) is not None:
        raise InputError(
            f"output={str(output)!r} would overwrite {same}, which is read: name another file."
        )
    paths = [source] if isinstance(source, str | os.PathLike) else source
    if not isinstance(paths, list | tuple):
        paths = getattr(source, "files", None)  # of a data set
    if not isinstance(paths, list | tuple) or not all(
        isinstance(path, str | os.PathLike) for path in paths
    ):
        return
    if paths and (same := file_among(output, table_files(paths))) is not None:
        raise InputError(
            f"output={str(output)!r} would overwrite {same}, which is read: name another file."
        )


def _named_in_query(output: Path, source: Any) -> str | None:
    """The file that a lazy frame or a relation reads, by the words of its query, if it is the output."""
    if isinstance(source, str | os.PathLike | list | tuple):
        return None
    query = getattr(source, "explain", None)  # of polars'
    if callable(getattr(source, "sql_query", None)):  # of DuckDB's
        query = source.sql_query
    text = query() if callable(query) else ""
    for word in re.findall(r"[^\s'\"\[\](),]+", str(text)):
        if Path(word).name == output.name and Path(word).exists() and output.samefile(word):
            return str(word)
    return None


def read_model_columns(table: Table, fit: LinearFit, found: dict[str, str]) -> list[str]:
    """The table's names for a fit's columns, in the fit's order; categories of text are read as text."""
    if fit.design is None:
        return [found[name] for name in fit.feature_names]
    levels = fit.design.levels.items()
    table.read_as_text(found[n] for n, known in levels if any(type(k) is str for k in known))
    return [found[name] for name in fit.design.variables]


def batch_predictions(
    fit: LinearFit, batch: Batch, columns: Sequence[str], rows: Mask
) -> npt.NDArray[Any]:
    """Predictions of the rows that are True, a column for each target."""
    if fit.design is None:
        X: Any = matrix(batch, columns, rows)
    else:
        names = zip(fit.design.variables, columns, strict=True)
        X = {name: batch.columns[column][rows] for name, column in names}
    return fit.predict(X).reshape(int(rows.sum()), -1)


@contextmanager
def _writer(ending: str, file: BinaryIO, names: list[str]) -> Any:
    """What writes predictions (n, n_targets) and which of them are missing to a file, a batch at a time."""
    require_pyarrow("writing predictions")
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    schema = pa.schema([(name, pa.float64()) for name in names])
    opened: Callable[..., Any] = {
        ".csv": pa.csv.CSVWriter,
        ".parquet": pa.parquet.ParquetWriter,
    }.get(ending, pa.ipc.new_file)
    with opened(file, schema) as sink:

        def write(predicted: npt.NDArray[Any], gaps: Mask) -> None:
            # A null would be an empty line of text, which readers skip; "nan" is read as missing.
            mask = gaps if gaps.any() and ending != ".csv" else None
            columns = [pa.array(column, mask=mask) for column in np.ascontiguousarray(predicted.T)]
            sink.write_table(pa.Table.from_arrays(columns, schema=schema))

        yield write
