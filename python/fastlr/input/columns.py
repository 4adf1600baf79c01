"""Columns of numbers where they lie: what every kernel reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Columns", "FloatArray", "tuple_of"]

FloatArray = npt.NDArray[np.float64]

tuple_of = tuple.__new__
"""Makes a named tuple, ``tuple_of(Class, (...))``, of all its fields in order; meant for what every small fit makes."""


class Columns(NamedTuple):
    """Columns of numbers for the kernels: one array, or a list of 1-D arrays of equal length."""

    source: npt.NDArray[Any] | list[npt.NDArray[Any]]
    n_samples: int
    n_columns: int
    names: tuple[str, ...] | None = None
    is_vector: bool = False
    index: Any = None
    """The rows' labels, if they came in a pandas object."""

    @property
    def arrays(self) -> list[npt.NDArray[Any]]:
        """The arrays that hold the columns: a single one, or one per column."""
        return self.source if isinstance(self.source, list) else [self.source]

    @property
    def all_float32(self) -> bool:
        """Whether every column is float32 (predictions then are, too)."""
        if not isinstance(self.source, list):
            return self.source.dtype.char == "f"
        return all(array.dtype.char == "f" for array in self.source)

    def column(self, j: int) -> npt.NDArray[Any]:
        """Column ``j``, of shape (n_samples,), as a view."""
        if isinstance(self.source, list):
            return self.source[j]
        column: npt.NDArray[Any] = self.source if self.source.ndim == 1 else self.source[:, j]
        return column

    def row(self, i: int) -> FloatArray:
        """The values of row ``i``, of shape (n_columns,)."""
        return np.array([self.column(j)[i] for j in range(self.n_columns)], dtype=np.float64)

    def as_list(self) -> list[npt.NDArray[Any]]:
        """All columns one by one, as views."""
        return [self.column(j) for j in range(self.n_columns)]

    def as_matrix(self) -> npt.NDArray[Any]:
        """All columns as one array of shape (n_samples, n_columns), which is a view if they lie in one."""
        if isinstance(self.source, list):
            return np.column_stack(self.source)
        matrix: npt.NDArray[Any] = self.source.reshape(self.n_samples, self.n_columns)
        return matrix

    def take_rows(self, rows: slice | npt.NDArray[Any]) -> Columns:
        """Some of the rows: views of a slice, copies of those that a mask or positions choose."""
        taken = self.mapped(lambda array: array[rows])
        return taken._replace(n_samples=len(taken.arrays[0]), index=None)

    def take_columns(self, columns: slice | Sequence[int]) -> Columns:
        """Some of the columns by position, as views and without their names; a slice of one array stays one array."""
        positions = range(self.n_columns)[columns] if isinstance(columns, slice) else columns
        if isinstance(columns, slice) and not isinstance(self.source, list):
            return Columns(self.source[:, columns], self.n_samples, len(positions))
        return Columns([self.column(j) for j in positions], self.n_samples, len(positions))

    def mapped(self, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Columns:
        """Return these columns with every array changed by a function, or themselves if that changes none."""
        if isinstance(self.source, list):
            changed = [change(array) for array in self.source]
            is_same = all(new is old for new, old in zip(changed, self.source, strict=True))
            return self if is_same else self._replace(source=changed)
        array = change(self.source)
        return self if array is self.source else self._replace(source=array)
