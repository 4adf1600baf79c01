"""Rows that come in chunks: what a pass over them hands out, and the one verb that every engine supplies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.columns import Columns

if TYPE_CHECKING:
    from fastlr.input.designs import Indicators

__all__ = ["Labelled", "RowChunk", "RowStream", "StaticTree", "labelled"]

T = TypeVar("T")


class Labelled(NamedTuple):
    """A column of labels: a code for each row, and what the codes stand for."""

    codes: npt.NDArray[np.int32]
    """Numbers of the labels, from 0 on; -1 where a label is missing."""
    labels: tuple[Any, ...]
    """Distinct values, of which some may occur in no row."""


def labelled(values: npt.NDArray[Any]) -> Labelled:
    """A column of numbers or text as codes and labels; NaN and None are missing."""
    if values.dtype == object:
        table: dict[Any, int] = {}
        found = [-1 if value is None else table.setdefault(value, len(table)) for value in values]
        return Labelled(np.array(found, dtype=np.int32), tuple(table))
    labels, inverse = np.unique(values, return_inverse=True, equal_nan=True)
    codes = inverse.reshape(len(values)).astype(np.int32)
    if labels.dtype.kind == "f" and labels.size and np.isnan(labels[-1]):
        labels, codes = labels[:-1], np.where(codes == len(labels) - 1, np.int32(-1), codes)
    return Labelled(codes, tuple(labels.tolist()))


class RowChunk(NamedTuple):
    """Some of the rows: complete ones of positive weight."""

    features: Columns
    targets: Columns
    weights: npt.NDArray[Any] | None
    labels: Mapping[str, Labelled]
    """The columns of labels that the stream was asked for, by name."""
    n_threads: int
    """How many threads a kernel may use for them."""
    first: int = 0
    """Number of the first row that was read with them, among all rows, from 0 on: known from the second pass on."""
    which: npt.NDArray[np.bool_] | None = None
    """Which of the rows that were read with them they are; None for all."""

    def numbers(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Numbers, among all rows that were read, of some of these rows."""
        places = rows if self.which is None else np.flatnonzero(self.which)[rows]
        return places + self.first


class RowStream(ABC):
    """Rows that are read chunk by chunk, by one machine or many.

    An engine supplies one verb, `map_merge`: a kernel goes over the chunks, and what it gives is merged. Chunks and the
    order in which they are merged depend on the source alone, so results have the same bits for any number of threads
    or workers, whichever of them is faster and whatever had to be done twice. Kernels and merges are pure functions.
    """

    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    label: str
    """What messages call the source."""
    n_threads: int | None
    has_weights: bool
    n_rows: int | None = None
    """Rows that the first pass read, once there has been one."""
    n_dropped: int
    """Rows that the last pass left out because a value was missing."""
    is_vector: bool
    """Whether the only target counts as a vector, so that coefficients do, too."""
    design: Indicators | None = None
    """What makes features of the columns, where some hold categories."""
    has_names: bool = True
    """Whether the source names its features; those of arrays without names are called x0, x1, ..."""

    @property
    @abstractmethod
    def can_repeat(self) -> bool:
        """Whether the rows can be read again."""

    @abstractmethod
    def map_merge(self, kernel: Callable[[RowChunk], T], merge: Callable[[T, T], T]) -> T:
        """``kernel(chunk)`` of all chunks that have rows, merged in a static order: one pass over the rows.

        Raises
        ------
        InputError
            No row counts; or the rows can be read once only, and have been.
        """

    @abstractmethod
    def with_labels(self, names: Sequence[str]) -> RowStream:
        """The same rows with further columns of labels, in which no value may be missing either."""

    def in_turn(self, order: Callable[[int], Sequence[int]] | None = None) -> Iterator[RowChunk]:
        """The rows chunk by chunk on this thread, in an order that ``order`` makes of the number of chunks.

        Without one, and where chunks cannot be read in any order, they come as they are in the source.

        Raises
        ------
        InputError
            The rows are not on this machine.
        """
        raise InputError(
            f"rows of {self.label} are read where they are, not in turn: leave batch_size out, or pass a scan."
        )

    def check_repeatable(self, purpose: str) -> None:
        """Raise an `InputError` if the rows can be read only once."""
        if not self.can_repeat:
            raise InputError(
                f"{self.label} can be read once, and {purpose} takes a second pass over the rows: pass a path, a "
                "table, or a function that gives the batches anew each time it is called."
            )


class StaticTree:
    """Merges numbered values pairwise, in an order that their numbers alone decide.

    Values 2k and 2k + 1 are merged, then pairs of pairs, and so on; at the end what is left, from the last on.
    However early or late a value comes, the result has the same bits. As many values wait as there are digits in their
    number, and those that came before their turn.

    Examples
    --------
    >>> from fastlr.input.row_stream import StaticTree
    >>> tree = StaticTree(lambda left, right: f"({left}{right})")
    >>> for number in (1, 0, 2, 4, 3):
    ...     tree.add(number, str(number))
    >>> tree.result()
    '(((01)(23))4)'
    """

    def __init__(self, merge: Callable[[Any, Any], Any]) -> None:
        self._merge = merge
        self._waiting: dict[tuple[int, int], Any] = {}

    def add(self, number: int, value: Any) -> None:
        """Take in a value (None for nothing), and merge what has become complete."""
        level = 0
        while (sibling := (level, number ^ 1)) in self._waiting:  # as many turns as levels
            other = self._waiting.pop(sibling)
            value = self._both(value, other) if number & 1 == 0 else self._both(other, value)
            level, number = level + 1, number >> 1
        self._waiting[level, number] = value

    def result(self) -> Any:
        """All values merged, None if there are none; the tree is empty then."""
        total = None
        for key in sorted(self._waiting):
            total = self._both(self._waiting[key], total)
        self._waiting.clear()
        return total

    def _both(self, left: Any, right: Any) -> Any:
        if left is None or right is None:
            return right if left is None else left
        return self._merge(left, right)
