"""Rows that are mostly zeros, of which scipy.sparse keeps the others: what kernels read of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.errors import InputError
from fastlr.input.columns import Columns, FloatArray

__all__ = ["SparseColumns", "SparseRows", "is_sparse", "is_sparse_frame", "sparse_columns"]

Parts = tuple[npt.NDArray[Any], npt.NDArray[Any], FloatArray]
"""Where each row (or column) starts, the numbers of the columns (or rows), and the values: as SciPy has them."""


def is_sparse(data: object) -> bool:
    """Tell whether data are a matrix or an array of scipy.sparse."""
    return hasattr(data, "tocsr") and hasattr(data, "toarray")


def is_sparse_frame(data: object) -> bool:
    """Whether data are a pandas frame whose columns all keep no zeros."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, pandas.DataFrame) or data.shape[1] == 0:
        return False
    return all(isinstance(t, pandas.SparseDtype) and t.fill_value == 0 for t in data.dtypes)


class SparseRows:
    """Rows that are mostly zeros, in the order of rows, and of columns once a kernel asks for that.

    In the order of rows they share the user's memory where it holds float64 and every row's columns rise; the order
    of columns takes as much memory once more.
    """

    __slots__ = (
        "_by_columns",
        "by_rows",
        "column_counts",
        "is_float32",
        "n_columns",
        "n_products",
        "n_samples",
    )

    def __init__(self, matrix: Any) -> None:
        self.n_samples, self.n_columns = matrix.shape
        self.is_float32 = matrix.dtype.char == "f"
        """Whether the values came as float32; predictions then are, too."""
        self.by_rows = _parts(matrix)
        self._by_columns: Parts | None = None
        self.n_products = 0.0
        """Products of pairs of values that stand in the same row."""
        self.column_counts = np.zeros(0, dtype=np.int64)
        """How many values each column has."""

    def survey(self) -> tuple[bool, bool]:
        """Count; tell whether all numbers of columns exist, and whether they rise in every row."""
        is_sound, is_canonical, self.n_products, self.column_counts = kernels.survey_sparse(
            self.by_rows, self.n_samples, self.n_columns
        )
        return is_sound, is_canonical

    @property
    def values(self) -> FloatArray:
        """The values that are kept, row by row."""
        return self.by_rows[2]

    @property
    def by_columns(self) -> Parts:
        """The same values in the order of columns: a copy, made when it is first asked for."""
        if self._by_columns is None:
            self._by_columns = _parts(self.as_csr().tocsc())
        return self._by_columns

    def as_csr(self) -> Any:
        """Return a view for SciPy."""
        from scipy import sparse

        start, columns, values = self.by_rows
        matrix = sparse.csr_array((values, columns, start), shape=(self.n_samples, self.n_columns))
        matrix.has_canonical_format = True
        return matrix

    def as_csc(self) -> Any:
        """Return a view of the order of columns for SciPy."""
        from scipy import sparse

        start, rows, values = self.by_columns
        matrix = sparse.csc_array((values, rows, start), shape=(self.n_samples, self.n_columns))
        matrix.has_canonical_format = True
        return matrix


class SparseColumns(Columns):
    """Columns whose ``source`` are SparseRows."""

    @property
    def sparse_rows(self) -> SparseRows:
        """The compressed rows that hold all columns."""
        return cast(SparseRows, self.source)

    @property
    def arrays(self) -> list[npt.NDArray[Any]]:
        """One array: the values that are kept, without their positions."""
        return [self.sparse_rows.values]

    @property
    def all_float32(self) -> bool:
        """Whether the matrix was float32."""
        return bool(self.sparse_rows.is_float32)

    def column(self, j: int) -> npt.NDArray[Any]:
        """Column ``j`` with its zeros, of shape (n_samples,): a copy."""
        column = np.zeros(self.n_samples)
        start, rows, values = self.sparse_rows.by_columns
        column[rows[start[j] : start[j + 1]]] = values[start[j] : start[j + 1]]
        return column

    def row(self, i: int) -> FloatArray:
        """The values of row ``i`` with its zeros, of shape (n_columns,)."""
        row = np.zeros(self.n_columns)
        start, columns, values = self.sparse_rows.by_rows
        row[columns[start[i] : start[i + 1]]] = values[start[i] : start[i + 1]]
        return row

    def as_matrix(self) -> npt.NDArray[Any]:
        """All columns with their zeros, as one array of shape (n_samples, n_columns)."""
        matrix: npt.NDArray[Any] = self.sparse_rows.as_csr().toarray()
        return matrix

    def copied(self) -> SparseColumns:
        """Return rows that share no memory with the user's."""
        return _columns_of(self.sparse_rows.as_csr().copy(), self.sparse_rows.is_float32)

    def take_rows(self, rows: slice | npt.NDArray[Any]) -> SparseColumns:
        """Copy some of the rows, by slice, mask or position."""
        return _columns_of(self.sparse_rows.as_csr()[rows], self.sparse_rows.is_float32)

    def take_columns(self, columns: slice | Sequence[int]) -> SparseColumns:
        """Some of the columns by position: copies, without their names."""
        chosen = columns if isinstance(columns, slice) else list(columns)
        return _columns_of(
            self.sparse_rows.as_csc()[:, chosen].tocsr(), self.sparse_rows.is_float32
        )

    def mapped(self, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> SparseColumns:
        """Return the columns as they are: they hold float64 already."""
        return self

    def first_non_finite(self, begin: int, end: int) -> tuple[int, int, float] | None:
        """Row, column and value of the first NaN or infinity in these rows, or None."""
        return self._first(lambda values: ~np.isfinite(values), begin, end)

    def first_infinite(self) -> tuple[int, int, float] | None:
        """Row, column and value of the first infinity, or None."""
        return self._first(np.isinf, 0, self.n_samples)

    def rows_with_nan(self) -> npt.NDArray[np.intp]:
        """Rows in which a value is NaN, each once or more often."""
        start, _, values = self.sparse_rows.by_rows
        return np.searchsorted(start, np.flatnonzero(np.isnan(values)), side="right") - 1

    def _first(
        self, is_bad: Callable[[FloatArray], npt.NDArray[np.bool_]], begin: int, end: int
    ) -> tuple[int, int, float] | None:
        start, columns, values = self.sparse_rows.by_rows
        first = int(start[begin])
        bad = np.flatnonzero(is_bad(values[first : int(start[end])]))
        if not bad.size:
            return None
        place = first + int(bad[0])
        row = int(np.searchsorted(start, place, side="right")) - 1
        return row, int(columns[place]), float(values[place])


def sparse_columns(matrix: Any, argument: str) -> SparseColumns:
    """Columns of a matrix of scipy.sparse, which is never modified.

    Values are float64, and every row's columns rise: where the user's do not, or are named twice (then their values
    are added, as SciPy adds them), a copy is made.
    """
    csr = matrix.tocsr()
    rows = SparseRows(csr)
    is_sound, is_canonical = rows.survey()
    if not is_sound:
        raise InputError(
            f"{argument} is a damaged sparse matrix: its rows overlap, or a column's number is not between 0 and "
            f"{rows.n_columns - 1}. Build it anew, e.g. scipy.sparse.csr_array((values, (rows, columns)), shape=...)."
        )
    if not is_canonical:
        csr = csr.copy()
        csr.sum_duplicates()
        return _columns_of(csr, rows.is_float32)
    return SparseColumns(cast(Any, rows), rows.n_samples, rows.n_columns)


def _columns_of(csr: Any, is_float32: bool) -> SparseColumns:
    csr.sort_indices()
    rows = SparseRows(csr)
    rows.is_float32 = is_float32
    rows.survey()
    return SparseColumns(cast(Any, rows), rows.n_samples, rows.n_columns)


def _parts(matrix: Any) -> Parts:
    """The three arrays of a matrix, as the kernels take them: whole numbers of one type, and float64."""
    kinds = {matrix.indptr.dtype.char, matrix.indices.dtype.char}
    whole = np.dtype(np.int32 if kinds == {np.dtype(np.int32).char} else np.int64)
    n = int(matrix.indptr[-1])
    return (
        np.ascontiguousarray(matrix.indptr, dtype=whole),
        np.ascontiguousarray(matrix.indices[:n], dtype=whole),
        np.ascontiguousarray(matrix.data[:n], dtype=np.float64),
    )
