"""Collections of Dask's as partitions: what computes each of them, and what several of them share."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["FileParts", "GraphParts", "Part", "Parts"]


class Part:
    """A partition that is computed where it is called, from its own tasks and from what it is given of others."""

    def __init__(
        self, tasks: Sequence[tuple[Hashable, Any]], keys: Sequence[Any], is_pair: bool
    ) -> None:
        self._tasks, self._keys, self._is_pair = tasks, keys, is_pair

    def __call__(self, given: Mapping[Hashable, Any]) -> Any:
        """The rows: a frame, or a tuple of X, y and perhaps weights."""
        values = self._values(given)
        if self._is_pair:
            return tuple(_whole(key, values) for key in self._keys)
        return _without_index(values[self._keys[0]])

    def _values(self, given: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
        """The values of the keys; those on the way are let go once they were used for the last time."""
        from dask.core import flatten, get

        values, wanted = dict(given), set(flatten(list(self._keys)))
        if not all(hasattr(task, "dependencies") for _, task in self._tasks):
            tasks = {**dict(self._tasks), **values}  # as graphs were written once
            return dict(zip(wanted, get(tasks, list(wanted)), strict=True))
        last = {key: k for k, (_, task) in enumerate(self._tasks) for key in task.dependencies}
        for k, (name, task) in enumerate(self._tasks):
            values[name] = task(values)
            for key in task.dependencies:
                if last[key] == k and key not in wanted:
                    del values[key]
        return values


class Parts(ABC):
    """Partitions in order."""

    n_parts: int
    shared: Mapping[Hashable, Any]
    """Tasks that are not done within the partitions: several need them, or they are done already."""
    are_held = False
    """Whether the partitions lie in the memory of workers already."""

    @abstractmethod
    def part(self, number: int) -> tuple[Any, tuple[Hashable, ...]]:
        """A partition, and the keys of what it is given."""


class FileParts(Parts):
    """Parts of files, which need nothing of one another."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts, self.n_parts = parts, len(parts)
        self.shared = {}

    def part(self, number: int) -> tuple[Any, tuple[Hashable, ...]]:
        """The description of a part."""
        return self._parts[number], ()


class GraphParts(Parts):
    """The partitions with some keys of a graph: what one of them alone needs is done where it is worked on."""

    def __init__(
        self, tasks: Mapping[Hashable, Any], keys: Sequence[Sequence[Any]], is_pair: bool
    ) -> None:
        from dask.core import flatten

        self._tasks, self._keys, self._is_pair = tasks, keys, is_pair
        self.n_parts = len(keys)
        owner: dict[Hashable, int] = {}
        outer: set[Hashable] = set()
        for number, own in enumerate(keys):
            waiting = list(flatten(list(own)))
            while waiting:  # each key once for each that needs it
                key = waiting.pop()
                if key not in owner:
                    owner[key] = number
                    if _is_future(tasks[key]):
                        outer.add(key)
                        self.are_held = True
                    waiting += self._needs(key)
                elif owner[key] != number:
                    outer.add(key)
        self._outer = outer
        self.shared = {key: tasks[key] for key in self._reached(outer, {})}

    def part(self, number: int) -> tuple[Any, tuple[Hashable, ...]]:
        """A partition with its own tasks."""
        from dask.core import flatten

        keys = self._keys[number]
        reached = self._reached(flatten(list(keys)), self._outer)
        inner = [(key, self._tasks[key]) for key in reached if key not in self._outer]
        needs = tuple(key for key in reached if key in self._outer)
        return Part(inner, keys, self._is_pair), needs

    def _reached(self, keys: Iterable[Any], ends: Iterable[Hashable]) -> list[Hashable]:
        """These keys and all that they depend on, each once, after what it depends on; nothing beyond the ends."""
        reached: dict[Hashable, bool] = {}
        waiting = [(key, False) for key in keys]
        while waiting:  # each key twice at most, for each that needs it
            key, is_ready = waiting.pop()
            if is_ready or key in ends:
                reached[key] = True
            elif key not in reached:
                waiting.append((key, True))
                waiting += [(other, False) for other in self._needs(key)]
        return list(reached)

    def _needs(self, key: Hashable) -> Iterable[Hashable]:
        """The keys whose values a task needs; what is done already needs none, though it bears its own name."""
        from dask.core import get_dependencies

        if _is_future(self._tasks[key]):
            return ()
        needs: Iterable[Hashable] = get_dependencies(self._tasks, key)
        return needs


def _is_future(task: Any) -> bool:
    """Whether a task is done already, its result in the memory of a worker."""
    future = getattr(sys.modules.get("distributed"), "Future", ())
    return isinstance(getattr(task, "value", task), future)


def _whole(keys: Any, values: Mapping[Hashable, Any]) -> Any:
    """The blocks of a partition, columns beside columns, as one array."""
    if not isinstance(keys, list):
        return values[keys]
    blocks = [_whole(key, values) for key in keys]
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)


def _without_index(frame: Any) -> Any:
    """A frame whose index is no column of Arrow's."""
    return frame.reset_index(drop=True) if hasattr(frame, "reset_index") else frame
