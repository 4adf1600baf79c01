"""Columns that are made of a category while a kernel reads them, from the levels of the rows alone.

A category of L levels takes 4 bytes a row, however many indicators are made of it: no column of 0 and 1 ever lies in
memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from fastlr.input.columns import Columns, FloatArray

__all__ = ["CodedColumns", "Indicator", "Member", "Within", "coded_columns"]

Codes = npt.NDArray[np.int32]


class Indicator:
    """Indicators of consecutive levels: 1 in the rows of a level, else 0.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        The level of each row, from 0 on.
    level : int
        The first level that has an indicator; 1 if level 0 is the reference.
    n_columns : int
        How many levels have one.
    """

    __slots__ = ("codes", "level", "n_columns")
    kind = "indicator"

    def __init__(self, codes: npt.NDArray[Any], level: int, n_columns: int) -> None:
        self.codes: Codes = np.ascontiguousarray(codes, dtype=np.int32)
        self.level = level
        self.n_columns = n_columns

    @property
    def n_levels(self) -> int:
        """Number of levels, those without an indicator included."""
        return self.level + self.n_columns

    def take_rows(self, rows: slice | npt.NDArray[Any]) -> Indicator:
        """Some of the rows of the indicators, by slice, mask or position."""
        return Indicator(self.codes[rows], self.level, self.n_columns)

    def part(self, first: int, last: int) -> Indicator:
        """The indicators from ``first`` to before ``last``."""
        return Indicator(self.codes, self.level + first, last - first)

    def column(self, j: int) -> npt.NDArray[Any]:
        """Indicator ``j`` as truth values, of shape (n_samples,): a copy."""
        indicator: npt.NDArray[Any] = self.codes == self.level + j
        return indicator


class Within:
    """A column less a number for each group of rows: ``x - centre[codes]``, rounded, or what rounding took from that.

    Parameters
    ----------
    column : ndarray of shape (n_samples,) or Indicator
        The column x, or one indicator.
    codes : ndarray of shape (n_samples,)
        The group of each row, from 0 on.
    centre : ndarray of shape (n_groups,)
        What is subtracted in each group.
    kind : {"within", "remainder"}, default="within"
        The difference as it is rounded to float64, or exactly what that differs by from the difference.
    """

    __slots__ = ("centre", "codes", "kind", "source")
    n_columns = 1

    def __init__(
        self,
        column: npt.NDArray[Any] | Indicator,
        codes: npt.NDArray[Any],
        centre: FloatArray,
        kind: str = "within",
    ) -> None:
        self.source = column
        self.codes: Codes = np.ascontiguousarray(codes, dtype=np.int32)
        self.centre = centre
        self.kind = kind

    def take_rows(self, rows: slice | npt.NDArray[Any]) -> Within:
        """Some of the rows of the column, by slice, mask or position."""
        source = self.source
        taken = source.take_rows(rows) if isinstance(source, Indicator) else source[rows]
        return Within(taken, self.codes[rows], self.centre, self.kind)

    def column(self, _: int = 0) -> npt.NDArray[Any]:
        """The values, of shape (n_samples,): a copy."""
        source = self.source
        x = source.column(0) if isinstance(source, Indicator) else source
        x, centre = x.astype(np.float64), self.centre[self.codes]
        difference: npt.NDArray[Any] = x - centre
        if self.kind == "within":
            return difference
        taken = difference - x  # Knuth's TwoSum
        remainder: npt.NDArray[Any] = (x - (difference - taken)) - (centre + taken)
        return remainder


Member = npt.NDArray[Any] | Indicator | Within


class CodedColumns(Columns):
    """Columns of which some are made of categories: ``source`` lists arrays (n_samples,), `Indicator` and `Within`."""

    @property
    def members(self) -> list[Member]:
        """The columns as they lie: arrays, indicators, and columns within the levels of a category."""
        return cast("list[Member]", self.source)

    @property
    def arrays(self) -> list[npt.NDArray[Any]]:
        """The columns that lie in memory."""
        return [member for member in self.members if isinstance(member, np.ndarray)]

    @property
    def indicators(self) -> list[Indicator]:
        """The categories whose indicators are among the columns."""
        return [member for member in self.members if isinstance(member, Indicator)]

    @property
    def all_float32(self) -> bool:
        """Levels have no type of their own: the other columns', if there are any."""
        arrays = self.arrays
        return bool(arrays) and all(array.dtype.char == "f" for array in arrays)

    def parted(self) -> tuple[npt.NDArray[np.intp], list[tuple[int, Indicator]]]:
        """Positions of the columns that lie in memory, and each category with the position of its first indicator."""
        numbers: list[int] = []
        categories: list[tuple[int, Indicator]] = []
        position = 0
        for member in self.members:
            if isinstance(member, Indicator):
                categories.append((position, member))
            else:
                numbers.append(position)
            position += _width(member)
        return np.array(numbers, dtype=np.intp), categories

    def column(self, j: int) -> npt.NDArray[Any]:
        """Column ``j``, of shape (n_samples,): a copy if it is made of a category."""
        for member in self.members:
            width = _width(member)
            if j < width:
                return member if isinstance(member, np.ndarray) else member.column(j)
            j -= width
        raise IndexError(f"there is no column {j} after the last")

    def as_matrix(self) -> npt.NDArray[Any]:
        """All columns as one array of shape (n_samples, n_columns)."""
        return np.column_stack(self.as_list())

    def take_rows(self, rows: slice | npt.NDArray[Any]) -> CodedColumns:
        """Some of the rows of all columns, by slice, mask or position."""
        taken = [
            member[rows] if isinstance(member, np.ndarray) else member.take_rows(rows)
            for member in self.members
        ]
        first = taken[0]
        n = len(first if isinstance(first, np.ndarray) else first.codes)
        return self._replace(source=cast(Any, taken), n_samples=n, index=None)

    def take_columns(self, columns: slice | Sequence[int]) -> CodedColumns:
        """Some of the columns by position, without their names."""
        if isinstance(columns, slice) and columns.step in (None, 1):
            return coded_columns(
                self._between(*columns.indices(self.n_columns)[:2]), self.n_samples
            )
        positions = range(self.n_columns)[columns] if isinstance(columns, slice) else columns
        places = self._places()
        return coded_columns([places[j] for j in positions], self.n_samples)

    def _between(self, first: int, last: int) -> list[Member]:
        """Members of the columns from ``first`` to before ``last``."""
        found: list[Member] = []
        position = 0
        for member in self.members:
            width = _width(member)
            begin, end = max(0, first - position), min(width, last - position)
            if begin < end:
                found.append(member.part(begin, end) if isinstance(member, Indicator) else member)
            position += width
        return found

    def _places(self) -> list[Member]:
        """A member of one column for every column."""
        places: list[Member] = []
        for member in self.members:
            if isinstance(member, Indicator):
                places += [member.part(k, k + 1) for k in range(member.n_columns)]
            else:
                places.append(member)
        return places

    def mapped(self, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> CodedColumns:
        """Return these columns with every array changed by a function; what is made of categories is float64."""
        changed = [
            change(member) if isinstance(member, np.ndarray) else member for member in self.members
        ]
        return self._replace(source=cast(Any, changed))


def coded_columns(
    members: Sequence[Member],
    n_samples: int,
    names: tuple[str, ...] | None = None,
    index: Any = None,
) -> CodedColumns:
    """Columns of these members in their order."""
    width = sum(_width(member) for member in members)
    return CodedColumns(cast(Any, list(members)), n_samples, width, names, index=index)


def _width(member: Member) -> int:
    return 1 if isinstance(member, np.ndarray) else member.n_columns
