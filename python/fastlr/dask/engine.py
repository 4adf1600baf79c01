"""Dask as the engine of a pass: groups of partitions as tasks, and a tree of merges that they alone decide."""

from __future__ import annotations

import os
import pickle
import sys
import uuid
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.dask.graphs import Part, Parts
from fastlr.distributed.rows import Engine, power_of_two, state_bytes
from fastlr.distributed.work import Gathered, Work, packed

__all__ = ["DaskEngine", "Shares"]

_TASKS = 64  # at least so many tasks, where there are partitions enough
_MOST_TASKS_HELD = 2048  # where partitions lie in memory, tasks of few of them stay beside them
_MERGED_BYTES = 1 << 28  # states that one task merges
_FAN_IN = 32


class Shares(ABC):
    """What the tasks of a pass work on."""

    label: str

    @abstractmethod
    def of(self, names: Sequence[str]) -> Parts:
        """The chunks of the columns of these names."""


class DaskEngine(Engine):
    """The workers of a client; without one, of Dask's scheduler."""

    noun = "partition"

    def __init__(self, shares: Shares, client: Any, chunks_per_task: int | None) -> None:
        self.label, self._shares, self._client = shares.label, shares, client
        self._size = chunks_per_task

    def run(self, work: Work, ends: npt.NDArray[np.int64] | None) -> Gathered | None:
        """``work`` on all partitions, as one graph: nothing is added up but what tasks return."""
        names = work.of_chunk.choice.names
        parts = self._shares.of(names)
        token = uuid.uuid4().hex
        size = self._size or self._group(parts)
        graph = dict(parts.shared)
        graph[f"fastlr-work-{token}"] = (_itself, _Held(work))
        level: list[str] = []
        for start in range(0, parts.n_parts, size):
            numbers = range(start, min(start + size, parts.n_parts))
            own = [parts.part(number) for number in numbers]
            above = 0 if ends is None or not start else int(ends[start - 1])
            given = list(dict.fromkeys(key for _, keys in own for key in keys))
            key = f"fastlr-chunks-{token}-{start}"
            group = _Group(packed((own, given, start, above)))
            graph[key] = (_over, f"fastlr-work-{token}", group, given)
            level.append(key)
        fan_in = power_of_two(min(_FAN_IN, max(2, _MERGED_BYTES // state_bytes(len(names)))))
        depth = 0
        while len(level) > 1:  # a level of the tree less each time
            depth += 1
            above_them = []
            for k in range(0, len(level), fan_in):
                key = f"fastlr-merge-{token}-{depth}-{k}"
                graph[key] = (_merge, f"fastlr-work-{token}", level[k : k + fan_in])
                above_them.append(key)
            level = above_them
        return self._computed(graph, level[0], size, parts.n_parts, len(names))

    def _group(self, parts: Parts) -> int:
        """How many partitions a task takes, a power of two, which changes no bit."""
        n = parts.n_parts
        if parts.are_held:
            return 2 * power_of_two(n / _MOST_TASKS_HELD) if n > _MOST_TASKS_HELD else 1
        n_threads = os.cpu_count() or 1
        if self._client is not None:
            n_threads = sum(self._client.nthreads().values()) or 1
        return power_of_two(n / max(_TASKS, 8 * n_threads))

    def _computed(
        self, graph: Mapping[Hashable, Any], key: str, size: int, n: int, n_columns: int
    ) -> Gathered | None:
        from dask.delayed import Delayed

        whole = Delayed(key, dict(graph))
        future = None
        try:
            if self._client is None:
                result = whole.compute(optimize_graph=False)
            else:
                future = self._client.compute(whole, optimize_graph=False)
                result = future.result()
        except BaseException as error:
            if future is not None:
                future.cancel()
            if isinstance(error, _killed()):
                raise self._told(error, size, n, n_columns) from error
            raise
        found: Gathered | None = result
        return found

    def _told(self, error: Any, size: int, n: int, n_columns: int) -> RuntimeError:
        """The error for a task that several workers have died of, with its partitions."""
        name = str(getattr(error, "task", ""))
        what = "partial sums were merged"
        if name.startswith("fastlr-chunks-"):
            start = int(name.rpartition("-")[2])
            what = f"partitions {start} to {min(start + size, n) - 1} were worked on"
        return RuntimeError(
            f"several workers died while {what} ({self.label}): they may have run out of memory. Cross-products of "
            f"{n_columns} columns take {state_bytes(n_columns):,} bytes, and a task holds a partition and three of "
            "these: pass smaller partitions, fewer features, or workers with more memory."
        )


class _Held:
    """Something that Dask does not look into."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return _Held, (self.value,)

    def __sizeof__(self) -> int:
        return sys.getsizeof(self.value)


class _Group:
    """Consecutive partitions of one task, as bytes, which nobody but a worker reads."""

    __slots__ = ("payload",)

    def __init__(self, payload: bytes) -> None:
        self.payload = payload

    def __reduce__(self) -> tuple[Any, ...]:
        return _Group, (self.payload,)

    def __sizeof__(self) -> int:
        return len(self.payload)


def _itself(held: _Held) -> Any:
    return held.value


def _over(work: Work, group: _Group, values: Sequence[Any]) -> Gathered | None:
    """A task: the work on consecutive partitions, one in memory at a time."""
    own, keys, number, above = pickle.loads(group.payload)
    given = dict(zip(keys, values, strict=True))
    chunks = (
        partial(part, {key: given[key] for key in needs}) if isinstance(part, Part) else part
        for part, needs in own
    )
    return work.over(number, above, chunks)


def _merge(work: Work, parts: Sequence[Gathered | None]) -> Gathered | None:
    """A task: what consecutive tasks have found, as one."""
    return work.merged_all(parts)


def _killed() -> tuple[type[BaseException], ...]:
    """The error of tasks that workers die of, if there are such workers."""
    killed = getattr(sys.modules.get("distributed"), "KilledWorker", None)
    return () if killed is None else (killed,)
