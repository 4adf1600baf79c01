"""Any executor of `concurrent.futures` as the engine of a pass: threads, processes, loky, MPI."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.distributed.chunks import Described, are_paths, described, parts_of
from fastlr.distributed.rows import DistributedRows, Engine, Reading, power_of_two, state_bytes
from fastlr.distributed.work import Gathered, Work, failure
from fastlr.errors import InputError, InputTypeError
from fastlr.input.missing import is_drop
from fastlr.input.options import as_whole
from fastlr.input.row_stream import StaticTree
from fastlr.streams.scanning import check_text_options

__all__ = ["ExecutorEngine", "rows"]

_TASKS = 64  # at least so many tasks, where there are chunks enough
_MOST_WAITING = 1 << 30  # bytes of states on their way


class ExecutorEngine(Engine):
    """Tasks of consecutive chunks, a bounded number of them under way; this process merges what they find."""

    def __init__(
        self,
        executor: Executor,
        chunks: Sequence[Any],
        label: str,
        n_columns: int,
        *,
        in_flight: int | None = None,
        chunks_per_task: int | None = None,
    ) -> None:
        self.label = label
        self._executor, self._chunks = executor, chunks
        n_workers = getattr(executor, "_max_workers", None) or os.cpu_count() or 1
        most = max(1, _MOST_WAITING // max(1, state_bytes(n_columns)))
        self._in_flight = in_flight or min(2 * n_workers, most)
        wanted = len(chunks) / max(_TASKS, 8 * n_workers)
        self._size = power_of_two(wanted) if chunks_per_task is None else chunks_per_task
        self._bytes = state_bytes(n_columns)

    def run(self, work: Work, ends: npt.NDArray[np.int64] | None) -> Gathered | None:
        """``work`` on all chunks; of several that fail, the first one is told."""
        tree = StaticTree(work.merged)
        starts = iter(range(0, len(self._chunks), self._size))
        running: dict[Future[Any], int] = {}
        failed: dict[int, BaseException] = {}
        try:
            while True:  # until all tasks are done, each of which is submitted once
                while not failed and len(running) < self._in_flight:
                    start = next(starts, None)
                    if start is None:
                        break
                    chunks = list(self._chunks[start : start + self._size])
                    above = 0 if ends is None or not start else int(ends[start - 1])
                    running[self._executor.submit(_over, work, start, above, chunks)] = start
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    start = running.pop(future)
                    error = future.exception()
                    if error is None:
                        tree.add(start // self._size, future.result())
                    else:
                        failed[start] = error
                if failed:  # what comes later cannot change which chunk is told
                    for future in [f for f, start in running.items() if start > min(failed)]:
                        if future.cancel():
                            del running[future]
        except BaseException:
            for future in running:
                future.cancel()
            raise
        if failed:
            raise self._told(min(failed), failed[min(failed)])
        whole: Gathered | None = tree.result()
        return whole

    def _told(self, start: int, error: BaseException) -> BaseException:
        """The error of a task, with its chunks if it does not name one."""
        if not isinstance(error, BrokenExecutor):
            return error
        last = min(start + self._size, len(self._chunks)) - 1
        return RuntimeError(
            f"a worker died while chunks {start} to {last} of {self.label} were worked on ({error}): it may have run "
            f"out of memory. Cross-products take {self._bytes:,} bytes, and so do those that a worker merges: pass "
            "smaller chunks, fewer features, or fewer workers."
        )


def _over(work: Work, number: int, first: int, chunks: Sequence[Any]) -> Gathered | None:
    """A task: the work on consecutive chunks."""
    return work.over(number, first, chunks)


def rows(
    executor: Executor,
    chunks: Any,
    *,
    target: str | Sequence[str] | None = None,
    features: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] = (),
    weights: str | None = None,
    missing: str = "error",
    chunk_rows: int | None = None,
    threads_per_task: int = 1,
    in_flight: int | None = None,
    chunks_per_task: int | None = None,
    **text: Any,
) -> DistributedRows:
    """Rows that the workers of an executor read: what can be fitted from `fastlr.scan` can be fitted from them.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Of threads or processes (also loky, MPI, Dask's ``client.get_executor()``, or anything else whose ``submit``
        gives futures of `concurrent.futures`). It stays its owner's: nothing here shuts it down.
    chunks : sequence, or path
        Files, as `fastlr.scan` takes them, which workers must see under the same names; each row group of a Parquet
        file is a chunk, as is each file of text. Or a sequence of chunks: (X, y), (X, y, weights), frames, mappings
        from names to columns, or, so that rows are made or loaded where they are worked on, functions that give one
        of these (`functools.partial` of a function of a module, for other processes).
    target, features, exclude, weights, missing, chunk_rows, **text
        As in `fastlr.scan`. Pairs (X, y) say themselves what is explained.
    threads_per_task : int, default=1
        Threads that a worker uses for a task. The result does not depend on it.
    in_flight : int, optional
        Tasks that are under way at once; by default two for each worker, fewer where cross-products of so many columns
        would take more than 1 GB.
    chunks_per_task : int, optional
        Consecutive chunks that are one task, a power of two; by default as many as leave eight tasks for each worker.
        The result does not depend on it.

    Returns
    -------
    DistributedRows

    Raises
    ------
    InputError, InputTypeError, FileFormatError
        As in `fastlr.scan`; an error of the rows names its chunk.
    RuntimeError
        A chunk could not be loaded, or a worker died; the message names the chunks.

    Notes
    -----
    A task is a pure function of its chunks. What is merged with what depends on the numbers of the chunks alone, so
    that the bits are those of a scan over the same chunks on one machine. Ctrl-C cancels what has not begun.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> import numpy as np
    >>> import fastlr
    >>> X = np.arange(12.0).reshape(6, 2) ** 2
    >>> chunks = [(X[:2], X[:2, 0] + 1), (X[2:5], X[2:5, 0] + 1), (X[5:], X[5:, 0] + 1)]
    >>> with ThreadPoolExecutor(2) as executor:
    ...     rows = fastlr.distributed.rows(executor, chunks)
    ...     fit = fastlr.ols(rows)
    >>> fit.n_samples, fit.coef.round(9), round(fit.intercept, 9)
    (6, array([1., 0.]), 1.0)
    """
    if not callable(getattr(executor, "submit", None)):
        raise InputTypeError(
            f"executor is a {type(executor).__name__}: pass one of concurrent.futures, or what has a submit() that "
            "gives its futures."
        )
    check_text_options("rows", text)
    sizes = {"in_flight": in_flight, "chunks_per_task": chunks_per_task}
    for name, value in sizes.items():
        sizes[name] = None if value is None else as_whole(value, name)
    size = sizes["chunks_per_task"]
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
    if are_paths(chunks):
        chunks, known, label = parts_of(chunks, chunk_rows=chunk_rows, text=text, roles=roles)
    else:
        chunks = _as_sequence(chunks)
        label = f"the {len(chunks)} chunks"
        known = _described(executor, chunks, text, roles, label)
    n_columns = len(known.choice.names)
    engine = ExecutorEngine(executor, chunks, label, n_columns, **sizes)
    return DistributedRows(engine, known, reading)


def _as_sequence(chunks: Any) -> Sequence[Any]:
    """Chunks that are there more than once, and at least one of them."""
    if isinstance(chunks, Mapping | str | bytes | np.ndarray) or not isinstance(chunks, Iterable):
        raise InputTypeError(
            f"chunks is a {type(chunks).__name__}: pass a list of chunks, each (X, y), a frame, a path, or a function "
            "that gives one."
        )
    found = chunks if isinstance(chunks, Sequence) else list(chunks)
    if not len(found):
        raise InputError("chunks is empty: pass one at least.")
    return found


def _described(
    executor: Executor, chunks: Sequence[Any], text: Any, roles: Any, label: str
) -> Described:
    """The roles of the columns, from the first chunk that has rows; a worker reads it."""
    for k, chunk in enumerate(chunks):  # to the first one with rows, which is mostly the first one
        try:
            known = executor.submit(described, chunk, text, roles).result()
        except Exception as error:
            raise failure(error, f"chunk {k}") from error
        if known is not None:
            found: Described = known
            return found
    raise InputError(f"{label} have no rows: nothing to read")
