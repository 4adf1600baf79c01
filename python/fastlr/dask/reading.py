"""`rows`: frames and arrays of Dask's, and files, as rows that its workers read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlr.dask.engine import DaskEngine, Shares
from fastlr.dask.graphs import FileParts, GraphParts, Parts
from fastlr.distributed.chunks import Described, FilePart, described, parts_of
from fastlr.distributed.rows import DistributedRows, Reading, power_of_two
from fastlr.errors import InputError, InputTypeError
from fastlr.input.missing import is_drop
from fastlr.input.options import as_whole
from fastlr.streams.scanning import check_text_options

__all__ = ["rows"]


class FileShares(Shares):
    """Parts of files, which workers read themselves."""

    def __init__(self, parts: list[FilePart], label: str) -> None:
        self.label, self._parts = label, parts

    def of(self, names: Sequence[str]) -> Parts:
        """The parts, which need nothing of one another."""
        return FileParts(self._parts)


class FrameShares(Shares):
    """The partitions of a frame, of which no column is read that is not asked for."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self.label = f"the Dask frame of {frame.npartitions} partitions"

    def of(self, names: Sequence[str]) -> Parts:
        """The partitions with these columns."""
        frame = self._frame[list(names)].optimize(fuse=False)  # tasks are joined by what calls them
        keys = [[key] for key in frame.__dask_keys__()]
        return GraphParts(dict(frame.__dask_graph__()), keys, False)


class PairShares(Shares):
    """The blocks of X, y and perhaps weights, row by row."""

    def __init__(self, collections: Sequence[Any]) -> None:
        self._collections = collections
        self.label = f"the Dask arrays of {len(_rows_of(collections[0]))} blocks of rows"

    def of(self, names: Sequence[str]) -> Parts:
        """The blocks of rows, those of all columns side by side."""
        tasks: dict[Any, Any] = {}
        for collection in self._collections:
            tasks |= dict(collection.__dask_graph__())
        keys = [list(own) for own in zip(*map(_rows_of, self._collections), strict=True)]
        return GraphParts(tasks, keys, True)


def rows(
    data: Any = None,
    *,
    files: Any = None,
    target: str | Sequence[str] | None = None,
    features: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] = (),
    weights: str | None = None,
    missing: str = "error",
    chunk_rows: int | None = None,
    client: Any = None,
    threads_per_task: int = 1,
    chunks_per_task: int | None = None,
    **text: Any,
) -> DistributedRows:
    """Rows that Dask's workers read: what can be fitted from `fastlr.scan` can be fitted from them.

    Parameters
    ----------
    data : dask.dataframe.DataFrame, or tuple of (X, y) or (X, y, weights)
        A frame with the target among its columns; or two or three arrays or frames of Dask's with the same blocks of
        rows. Columns of X may be in several blocks.
    files : path, list of paths, optional
        Files instead, as `fastlr.scan` takes them: each row group of a Parquet file is a partition, which workers read
        themselves, faster than through a frame. They must see the files under the same names.
    target, features, exclude, weights, missing, chunk_rows, **text
        As in `fastlr.scan`. Of a tuple (X, y) nothing of it is named.
    client : distributed.Client, optional
        Whose workers to use; by default those of Dask's current client or scheduler.
    threads_per_task : int, default=1
        Threads that a kernel uses within a task, whatever the environment of workers says.
    chunks_per_task : int, optional
        Consecutive partitions that are one task, a power of two; by default as many as leave eight tasks for each
        thread of the cluster. The result does not depend on it.

    Returns
    -------
    DistributedRows

    Raises
    ------
    InputError, InputTypeError, FileFormatError
        As in `fastlr.scan`; an error of the rows names its partition. Blocks of X and y differ.
    ImportError
        Dask is not installed.
    RuntimeError
        A partition cannot be computed, or workers die of it.

    Notes
    -----
    Tasks are pure functions of their partitions, and what is merged with what depends on the numbers of the partitions
    alone: a task that is done twice, or again after its worker was killed, changes no bit. A graph of 10,000 partitions
    becomes some 100 tasks, each of which computes its partitions one after another; only what several partitions need
    stays a task of its own.
    """
    _require_dask()
    check_text_options("rows", text)
    size = None if chunks_per_task is None else as_whole(chunks_per_task, "chunks_per_task")
    if size is not None and size & (size - 1):
        raise InputError(
            f"chunks_per_task={size} is no power of two, which keeps bits independent of it: pass "
            f"{power_of_two(size)} or {2 * power_of_two(size)}."
        )
    chunk_rows = None if chunk_rows is None else as_whole(chunk_rows, "chunk_rows")
    reading = Reading(
        is_drop(missing), as_whole(threads_per_task, "threads_per_task"), chunk_rows, text
    )
    roles = {"target": target, "features": features, "exclude": exclude, "weights": weights}
    if (data is None) == (files is None):
        raise InputError("pass either data, a frame or arrays of Dask's, or files=, and not both.")
    shares: Shares
    if files is not None:
        parts, known, label = parts_of(files, chunk_rows=chunk_rows, text=text, roles=roles)
        shares = FileShares(parts, label)
    elif isinstance(data, tuple | list):
        collections = _aligned(data)
        shares, known = PairShares(collections), _described_pair(collections, roles)
    elif hasattr(data, "__dask_graph__") and hasattr(data, "columns"):
        shares = FrameShares(data)
        known = _described_frame(data, roles)
    else:
        raise InputTypeError(
            f"data is a {type(data).__name__}: pass a dask.dataframe.DataFrame, a tuple (X, y) of Dask's arrays or "
            "frames, or files=; fastlr.scan takes what lies on one machine."
        )
    return DistributedRows(DaskEngine(shares, _client(client), size), known, reading)


def _require_dask() -> None:
    """Raise an `ImportError` that says how to install Dask, if it is not there."""
    try:
        import dask.core  # noqa: F401
    except ImportError as error:
        raise ImportError('fastlr.dask needs Dask: pip install "fastlr[dask]"') from error


def _client(client: Any) -> Any:
    """The client that is meant; None if Dask's scheduler is none."""
    if client is not None:
        if not callable(getattr(client, "compute", None)):
            raise InputTypeError(f"client is a {type(client).__name__}: pass a distributed.Client.")
        return client
    try:
        from distributed import default_client
    except ImportError:  # dask without distributed
        return None
    try:
        return default_client()
    except ValueError:  # there is none
        return None


def _described_frame(frame: Any, roles: dict[str, Any]) -> Described:
    """The roles of the columns of a frame, whose kinds Dask knows."""
    example = frame._meta_nonempty.reset_index(drop=True)
    known = described(example, {}, roles)
    if known is None:
        raise InputError("the Dask frame has no columns: nothing to read")
    return known


def _described_pair(collections: Sequence[Any], roles: dict[str, Any]) -> Described:
    """The roles of the columns of X, y and perhaps weights."""
    examples = tuple(map(_example, collections))
    known = described(examples, {}, roles)
    if known is None:
        raise InputError("X and y have no rows: nothing to read")
    return known


def _example(collection: Any) -> Any:
    """Some rows like those of a collection."""
    if hasattr(collection, "_meta_nonempty"):
        return collection._meta_nonempty.iloc[:1].reset_index(drop=True)
    return np.ones((1, *collection.shape[1:]), dtype=collection.dtype)


def _aligned(given: Sequence[Any]) -> list[Any]:
    """X, y and perhaps weights, in the same blocks of rows."""
    if len(given) not in (2, 3) or not all(hasattr(part, "__dask_graph__") for part in given):
        kinds = ", ".join(type(part).__name__ for part in given)
        raise InputTypeError(
            f"data is ({kinds}): pass (X, y) or (X, y, weights), all of Dask's arrays or frames "
            "(dask.array.from_array makes one)."
        )
    X = given[0]
    aligned = [X]
    for name, part in zip(("y", "weights"), given[1:], strict=False):
        chunks = getattr(X, "chunks", None)
        own = getattr(part, "chunks", None)
        if chunks is not None and own is not None and chunks[0] != own[0]:
            n, n_own = sum(chunks[0]), sum(own[0])
            if n == n_own:
                part = part.rechunk({0: chunks[0]})
            elif n == n and n_own == n_own:
                raise InputError(f"X has {n} rows and {name} has {n_own}: pass the same rows.")
        n_blocks, n_own_blocks = len(_rows_of(X)), len(_rows_of(part))
        if n_blocks != n_own_blocks:
            raise InputError(
                f"X has {n_blocks} blocks of rows and {name} has {n_own_blocks}, of lengths that Dask does not know: "
                f"compute the lengths (X.compute_chunk_sizes()), or make {name} of the same partitions."
            )
        aligned.append(part)
    return aligned


def _rows_of(collection: Any) -> list[Any]:
    """The keys of a collection, for each block of rows."""
    return list(collection.__dask_keys__())
