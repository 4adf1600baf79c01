"""Spark as the engine of a pass: DataFrames alone, in stages of `mapInArrow`, which run on Spark Connect as well."""

from __future__ import annotations

import itertools
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.distributed.rows import Engine, power_of_two, state_bytes
from fastlr.distributed.work import Gathered, Work, packed
from fastlr.errors import FileFormatError, InputError, InputTypeError
from fastlr.input.row_stream import StaticTree
from fastlr.streams.chunk_work import Found

__all__ = ["FileShares", "FrameShares", "Shares", "SparkEngine"]

_COLUMNS = "grp long, number long, payload binary"
_MERGED_BYTES = 1 << 28  # states that one task merges, and that the driver collects
_MOST_BYTES = (1 << 31) - (1 << 20)  # of one value of a column of Arrow's
_FAN_IN = 32
_TASKS = 64  # at least so many, where there are parts enough
_UNKNOWN = 4096  # partitions of a frame
_OWN = (InputError, InputTypeError, FileFormatError)
_Batches = Iterator[Any]
_Answer = tuple[str, Any]


class Shares(ABC):
    """What the tasks of a pass work on: a frame, and a function that makes rows (grp, number, payload) of its parts."""

    label: str

    @abstractmethod
    def frame(self, names: Sequence[str]) -> Any:
        """The frame whose partitions the tasks get, with these columns."""

    @abstractmethod
    def task(
        self, payload: bytes, ends: npt.NDArray[np.int64] | None
    ) -> Callable[[_Batches], _Batches]:
        """What an executor does with a partition of the frame; ``payload`` is the work."""

    @abstractmethod
    def n_tasks(self) -> int:
        """How many parts there are, about."""


class SparkEngine(Engine):
    """The executors of a session."""

    noun = "partition"

    def __init__(self, shares: Shares) -> None:
        self.label, self._shares = shares.label, shares

    def run(self, work: Work, ends: npt.NDArray[np.int64] | None) -> Gathered | None:
        """``work`` on all partitions; what they find is merged in stages, and by the driver in the end."""
        names = work.of_chunk.choice.names
        one = state_bytes(len(names))
        if one > _MOST_BYTES:
            raise InputError(
                f"cross-products of {len(names)} columns take {one:,} bytes, and Spark carries {_MOST_BYTES:,} in one "
                "value: choose fewer features."
            )
        payload = packed(work)
        frame = self._shares.frame(names).mapInArrow(self._shares.task(payload, ends), _COLUMNS)
        size = power_of_two(min(_FAN_IN, max(2, _MERGED_BYTES // one)))
        n_left = self._shares.n_tasks()
        while n_left > 1 and n_left * one > _MERGED_BYTES:  # at least halved each time
            n_left = -(-n_left // size)
            frame = _merged(frame, payload, size)
        return _tree_of(work, self._collected(frame))

    def _collected(self, frame: Any) -> dict[int, Any]:
        """What the tasks have found, by number; the error of the first one that has one is raised."""
        try:
            found = frame.select("number", "payload").collect()
        except Exception as error:
            said = [line for line in str(error).splitlines() if " failed: " in line]
            if not said:
                raise
            raise RuntimeError(f"{self.label}: {said[-1].strip()}") from error
        answers = {row[0]: pickle.loads(row[1]) for row in found}
        for number in sorted(answers):
            kind, value = answers[number]
            if kind == "failed":
                raise value
        return {number: value for number, (_, value) in answers.items()}


class FrameShares(Shares):
    """The partitions of a frame, which come as record batches."""

    def __init__(self, frame: Any) -> None:
        self._frame, self.label = frame, "the Spark frame"

    def frame(self, names: Sequence[str]) -> Any:
        """The columns alone, under names that `mapInArrow` takes; it refuses some that frames may have."""
        from pyspark.sql.functions import col

        quoted = (f"`{name.replace('`', '``')}`" for name in names)
        return self._frame.select(*(col(name).alias(f"c{k}") for k, name in enumerate(quoted)))

    def task(
        self, payload: bytes, ends: npt.NDArray[np.int64] | None
    ) -> Callable[[_Batches], _Batches]:
        """The work on one partition, batch by batch."""

        def of_partition(batches: _Batches) -> _Batches:
            from pyspark import TaskContext

            number = TaskContext.get().partitionId()
            work: Work = pickle.loads(payload)
            above = 0 if ends is None or not number else int(ends[min(number, len(ends)) - 1])
            chunks = [_reader(batches, work.of_chunk.choice.names)]
            yield _row(0, number, _tried(partial(work.over, number, above, chunks)))

        return of_partition

    def n_tasks(self) -> int:
        """More than it may have: a frame does not tell its partitions unless it is run."""
        return _UNKNOWN


class FileShares(Shares):
    """Parts of files, which executors read themselves."""

    def __init__(self, session: Any, parts: Sequence[Any], label: str) -> None:
        self._session, self._parts, self.label = session, parts, label
        self._size = power_of_two(len(parts) / _TASKS)

    def frame(self, names: Sequence[str]) -> Any:
        """The numbers of groups of parts, one in each partition."""
        n = self.n_tasks()
        return self._session.range(0, n, 1, n)

    def task(
        self, payload: bytes, ends: npt.NDArray[np.int64] | None
    ) -> Callable[[_Batches], _Batches]:
        """The work on groups of parts."""
        parts, size = self._parts, self._size

        def of_groups(batches: _Batches) -> _Batches:
            work: Work = pickle.loads(payload)
            for batch in batches:
                for group in batch.column(0).to_pylist():
                    start = group * size
                    above = 0 if ends is None or not start else int(ends[start - 1])
                    own = parts[start : start + size]
                    answer = _tried(partial(work.over, start, above, own))
                    yield _row(0, group, answer)

        return of_groups

    def n_tasks(self) -> int:
        """The groups of parts."""
        return -(-len(self._parts) // self._size)


def _merged(frame: Any, payload: bytes, size: int) -> Any:
    """A stage: rows whose numbers have the same quotient by ``size`` become one, with that number."""

    def numbered(batches: _Batches) -> _Batches:
        import pyarrow as pa

        for batch in batches:
            numbers = batch.column(1).to_numpy()
            columns = [pa.array(numbers // size), batch.column(1), batch.column(2)]
            yield pa.RecordBatch.from_arrays(columns, ["grp", "number", "payload"])

    def merge(batches: _Batches) -> _Batches:
        work: Work = pickle.loads(payload)
        groups: dict[int, dict[int, _Answer]] = {}
        for batch in batches:
            columns = (column.to_pylist() for column in batch.columns)
            for group, number, answer in zip(*columns, strict=True):
                groups.setdefault(group, {})[number] = pickle.loads(answer)
        for group in sorted(groups):
            answers = groups[group]
            failed = [k for k in sorted(answers) if answers[k][0] == "failed"]
            if failed:
                yield _row(0, group, answers[failed[0]])
                continue
            values = {k - group * size: value for k, (_, value) in answers.items()}
            filled = {k: values.get(k, _nothing()) for k in range(size)}
            yield _row(0, group, ("found", _tree_of(work, filled)))

    grouped = frame.mapInArrow(numbered, _COLUMNS).repartition("grp")  # by their bytes, adaptively
    return grouped.mapInArrow(merge, _COLUMNS)


def _tree_of(work: Work, values: dict[int, Any]) -> Gathered | None:
    """Numbered values merged; numbers that are missing had no rows."""
    tree = StaticTree(work.merged)
    for number in range(max(values, default=-1) + 1):
        tree.add(number, values.get(number) or _nothing())
    whole: Gathered | None = tree.result()
    return whole


def _nothing() -> Gathered:
    return Gathered(Found(None, 0, 0, True), np.zeros(1, dtype=np.int64))


def _tried(over: Callable[[], Gathered | None]) -> _Answer:
    """What was found, or the error of the rows: trying again would give the same one."""
    try:
        return "found", over()
    except _OWN as error:
        return "failed", error


def _row(group: int, number: int, answer: _Answer) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_pydict(
        {"grp": [group], "number": [number], "payload": [pickle.dumps(answer)]},
        schema=pa.schema([("grp", pa.int64()), ("number", pa.int64()), ("payload", pa.binary())]),
    )


def _reader(batches: _Batches, names: Sequence[str]) -> Any:
    """Record batches as one stream of columns with these names; a table without columns if there are none."""
    import pyarrow as pa

    first = next(batches, None)
    if first is None:
        return pa.table({})
    schema = pa.schema(
        [field.with_name(name) for field, name in zip(first.schema, names, strict=True)]
    )
    renamed = (
        pa.RecordBatch.from_arrays(batch.columns, schema=schema)
        for batch in itertools.chain([first], batches)
    )
    return pa.RecordBatchReader.from_batches(schema, renamed)
