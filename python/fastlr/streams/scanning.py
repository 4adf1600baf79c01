"""`scan`: a source of rows and the roles of its columns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from fastlr.errors import InputError, InputTypeError
from fastlr.files import Table
from fastlr.input.missing import is_drop
from fastlr.input.options import as_whole
from fastlr.input.threads import resolve_threads
from fastlr.streams.roles import Words, choose
from fastlr.streams.rows import Progress, Scan
from fastlr.streams.sources import WEIGHTS, FunctionTable, opened_source

__all__ = ["as_column_names", "check_text_options", "scan"]

_OPTIONS_OF_TEXT = ("delimiter", "decimal", "encoding", "skip", "na", "block_bytes")


def scan(
    source: Any,
    *,
    target: str | Sequence[str] | None = None,
    features: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] = (),
    categories: str | Sequence[str] | None = "auto",
    weights: str | None = None,
    missing: str = "error",
    chunk_rows: int | None = None,
    n_threads: int | None = None,
    progress: bool | Progress = False,
    **text: Any,
) -> Scan:
    r"""Rows of any source, read in chunks: they may be more than memory holds.

    What can be fitted from arrays can be fitted from a scan: ``fastlr.ols(scan)``, `Moments.from_rows`,
    `fastlr.ridge_path`, `fastlr.lasso_path` and `fastlr.best_subset`.

    Parameters
    ----------
    source
        Files: a path, a list of paths, a pattern (``"days/*.parquet"``) or a directory, whose parts named ``key=value``
        are columns; formats as in `fastlr.files.open_table`. Or a frame (polars, pandas, pyarrow), what offers Arrow's
        stream of columns (a relation of DuckDB's, a reader), a data set of pyarrow's, a lazy frame of polars'. Or
        batches: an iterable of (X, y), (X, y, weights), frames or mappings, or a function that gives one each time it
        is called.
    target : str or sequence of str
        Column to explain, or several. Batches (X, y) say it themselves.
    features : str or sequence of str, optional
        Columns to explain it by; by default every other one, which must hold numbers.
    exclude : str or sequence of str, optional
        Columns that are no features.
    categories : "auto", str or sequence of str, or None, default="auto"
        Features whose values are categories: those declared to be (Arrow's dictionaries of text, as pandas and polars
        write them), or those named, which may hold text or numbers. They become indicators of all their levels but the
        first, sorted; one more pass finds the levels. Of many levels the largest category is eliminated by sums by
        level, so that memory is that of the levels.
    weights : str, optional
        Column of sample weights, 0 or more. Rows of weight 0 do not count.
    missing : {"error", "drop"}, default="error"
        Rows with a missing value: an error that names file, column and row, or left out.
    chunk_rows : int, optional
        Rows that a thread decodes at once; by default as many as make 16 to 32 MB, at most 131072.
        Text comes in blocks of ``block_bytes``.
    n_threads : int, optional
        Threads that read and compute; by default all that the process may use. The result does not depend on it.
    progress : bool or callable, default=False
        True writes a line on standard error; a function is called with the bytes that are done and all bytes (None if
        that is unknown), for each pass. Of frames, streams and functions it is rows that count, all of them known from
        the second pass on.
    **text
        ``delimiter``, ``decimal``, ``encoding``, ``skip``, ``na`` and ``block_bytes``, as in `fastlr.files.open_table`.

    Returns
    -------
    Scan

    Raises
    ------
    InputError
        A name is not a column, or stands for two things; a directory or list is empty.
    InputTypeError
        The source gives no rows, or a name is no string.
    FileFormatError
        A file is no table, files differ in their columns, or a feature holds no numbers.
    FileNotFoundError, ImportError
        There is no such file; pyarrow is missing and the source needs it.

    Notes
    -----
    Threads decode and compute chunk by chunk; what they find is merged in an order that the chunks' numbers alone
    decide, so results have the same bits for any number of threads. Memory is that of a few chunks for each thread. A
    file that changes while it is read, or between passes, is an error.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlr
    >>> x = np.arange(6.0)
    >>> np.savez("first.npz", x=x[:3], y=3 * x[:3] + 1)
    >>> np.savez("second.npz", x=x[3:], y=3 * x[3:] + 1)
    >>> rows = fastlr.scan(["first.npz", "second.npz"], target="y")
    >>> fit = fastlr.ols(rows)
    >>> fit.n_samples, fit.coef.round(12), round(fit.intercept, 12)
    (6, array([3.]), 1.0)
    """
    drops = is_drop(missing)
    chunk_rows = None if chunk_rows is None else as_whole(chunk_rows, "chunk_rows")
    resolve_threads(n_threads)
    check_text_options("scan", text)
    names = {
        "target": as_column_names(target or (), "target"),
        "features": None if features is None else as_column_names(features, "features"),
        "exclude": as_column_names(exclude, "exclude"),
    }
    weight = None if weights is None else as_column_names(weights, "weights")[0]
    table = opened_source(source, text)
    try:
        if isinstance(table, FunctionTable) and table.is_of_pairs:
            if target is not None or weights is not None:
                raise InputError(
                    "batches (X, y) say themselves what the target and the weights are: leave out target= and weights=."
                )
            names["target"] = table.targets
            weight = WEIGHTS if WEIGHTS in table.names else None
        elif target is None:
            raise InputTypeError(
                "scan needs the name of a column to explain: pass target='...', or batches (X, y)."
            )
        coded = _coded(categories, table, names["features"], names["exclude"])
        choice = choose(table, weights=weight, words=Words(), categories=coded, **names)  # type: ignore[arg-type]
        table.check_numbers(choice.names)
    except BaseException:
        table.close()
        raise
    return Scan(
        table,
        choice,
        drop_missing=drops,
        chunk_rows=chunk_rows,
        n_threads=n_threads,
        progress=_progress_of(progress, table),
    )


def _coded(
    categories: object,
    table: Table,
    features: tuple[str, ...] | None,
    exclude: tuple[str, ...] | None,
) -> tuple[str, ...]:
    """The columns that are categories: those named, or those of the features that are declared to be."""
    if categories is None:
        return ()
    if categories != "auto":
        return as_column_names(categories, "categories")
    declared = [column.name for column in table.columns if column.is_declared]
    if features is not None:
        return tuple(name for name in declared if name in features)
    return tuple(name for name in declared if name not in (exclude or ()))


def check_text_options(function: str, text: Mapping[str, Any]) -> None:
    """Raise a `TypeError` if an option of text is unknown."""
    if unknown := sorted(set(text) - set(_OPTIONS_OF_TEXT)):
        raise TypeError(
            f"{function} has no argument {unknown[0]!r}: those of text are {', '.join(sorted(_OPTIONS_OF_TEXT))}"
        )


def as_column_names(names: object, argument: str) -> tuple[str, ...]:
    """Return the names that an argument has, or raise an `InputTypeError` if they are no strings."""
    is_one = argument == "weights"
    found: tuple[object, ...] | None = None
    if isinstance(names, str):
        found = (names,)
    elif isinstance(names, Iterable) and not isinstance(names, Set | Mapping | bytes):  # in order
        found = None if is_one else tuple(names)
    if found is None or not all(isinstance(name, str) for name in found):
        fix = "pass a string" if is_one else "pass a string, or a list of strings"
        raise InputTypeError(f"{argument}={names!r} is not the name of a column: {fix}.")
    return tuple(map(str, found))


def _progress_of(progress: bool | Progress, table: Table) -> Progress | None:
    if callable(progress):
        return progress
    return _line(table.label, is_rows=table.counts_rows) if progress else None


def _line(label: str, *, is_rows: bool) -> Callable[[int, int | None], None]:
    """A line on standard error that says how much is done, where that is known."""
    shown: list[str] = [""]

    def show(done: int, total: int | None) -> None:
        done_so_far = f"{done:,} rows" if is_rows else f"{done / 1e6:,.0f} MB"
        share = f"{done / total:4.0%}" if total else done_so_far
        if share != shown[0]:
            shown[0] = share
            end = "\n" if total and done >= total else ""
            sys.stderr.write(f"\r{label}: {share}{end}")
            sys.stderr.flush()

    return show
