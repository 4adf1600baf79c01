"""`rows`: frames of Spark's, and files, as rows that its executors read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastlr.distributed.chunks import described, parts_of
from fastlr.distributed.rows import DistributedRows, Reading
from fastlr.errors import InputError, InputTypeError
from fastlr.files.reading import require_pyarrow
from fastlr.input.missing import is_drop
from fastlr.input.options import as_whole
from fastlr.spark.engine import FileShares, FrameShares, Shares, SparkEngine
from fastlr.streams.scanning import check_text_options

__all__ = ["rows"]


def rows(
    data: Any = None,
    *,
    files: Any = None,
    session: Any = None,
    target: str | Sequence[str] | None = None,
    features: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] = (),
    weights: str | None = None,
    missing: str = "error",
    chunk_rows: int | None = None,
    threads_per_task: int = 1,
    **text: Any,
) -> DistributedRows:
    """Rows that Spark's executors read: what can be fitted from `fastlr.scan` can be fitted from them.

    Parameters
    ----------
    data : pyspark.sql.DataFrame, optional
        With the target among its columns; also one of Spark Connect.
    files : path, list of paths, optional
        Files instead, as `fastlr.scan` takes them, which executors must see under the same names. They read row groups
        themselves, several times as fast as rows come from a frame to Python.
    session : pyspark.sql.SparkSession, optional
        For files; by default the one that is active.
    target, features, exclude, weights, missing, chunk_rows, **text
        As in `fastlr.scan`.
    threads_per_task : int, default=1
        Threads that a kernel uses within a task.

    Returns
    -------
    DistributedRows

    Raises
    ------
    InputError, InputTypeError, FileFormatError
        As in `fastlr.scan`; an error of the rows names its partition, and no task is tried again for it.
    ImportError
        pyspark or pyarrow is not installed.
    RuntimeError
        A task failed as often as Spark allows.

    Notes
    -----
    Nothing but frames and ``mapInArrow`` is used, no RDDs. A partition becomes one row with what was found in it, and
    what is merged with what depends on the numbers of partitions alone; Spark keeps the rows of one attempt of each
    task, so that retries and speculation change no bit. Bits are the same for the same partitions and batches
    (``spark.sql.execution.arrow.maxRecordsPerBatch``): a plan whose partitions differ each time it runs, such as one
    with an unordered limit, is not such a source. Executors need fastlr.
    """
    _require_spark()
    check_text_options("rows", text)
    chunk_rows = None if chunk_rows is None else as_whole(chunk_rows, "chunk_rows")
    reading = Reading(
        is_drop(missing), as_whole(threads_per_task, "threads_per_task"), chunk_rows, text
    )
    roles = {"target": target, "features": features, "exclude": exclude, "weights": weights}
    if (data is None) == (files is None):
        raise InputError("pass either data, a frame of Spark's, or files=, and not both.")
    shares: Shares
    if files is not None:
        parts, known, label = parts_of(files, chunk_rows=chunk_rows, text=text, roles=roles)
        shares = FileShares(_session(session), parts, label)
        return DistributedRows(SparkEngine(shares), known, reading)
    if not callable(getattr(data, "mapInArrow", None)):
        raise InputTypeError(
            f"data is a {type(data).__name__}: pass a pyspark.sql.DataFrame, or files=; fastlr.scan takes what lies on "
            "one machine."
        )
    described_frame = described(_example(data), {}, roles)
    if described_frame is None:
        raise InputError("the Spark frame has no columns: nothing to read")
    return DistributedRows(SparkEngine(FrameShares(data)), described_frame, reading)


def _require_spark() -> None:
    """Raise an `ImportError` that says how to install pyspark, if it is not there."""
    require_pyarrow("fastlr.spark")
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise ImportError('fastlr.spark needs pyspark: pip install "fastlr[spark]"') from error


def _session(session: Any) -> Any:
    """The session that is meant."""
    if session is None:
        from pyspark.sql import SparkSession

        session = SparkSession.getActiveSession()
        if session is None:
            raise InputError(
                "no Spark session is active: pass session=, a pyspark.sql.SparkSession."
            )
    if not callable(getattr(session, "range", None)):
        raise InputTypeError(
            f"session is a {type(session).__name__}: pass a pyspark.sql.SparkSession."
        )
    return session


def _example(frame: Any) -> Any:
    """A row with the kinds of the columns of a frame."""
    import pyarrow as pa
    from pyspark.sql import types

    names, columns = [], []
    for field in frame.schema.fields:
        kind = field.dataType
        names.append(field.name)
        if isinstance(kind, types.NumericType | types.BooleanType | types.NullType):
            columns.append(pa.array([1.0]))
        elif isinstance(kind, types.DateType | types.TimestampType):
            columns.append(pa.array([0], pa.timestamp("us")))
        else:
            columns.append(pa.array(["text"]))
    return pa.Table.from_arrays(columns, names=names)
