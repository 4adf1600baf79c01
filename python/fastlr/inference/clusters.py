"""Clusters of rows: labels of any kind become codes, one way or two."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.errors import InputError, InputTypeError
from fastlr.input.categories import coded, is_declared
from fastlr.input.convert import is_missing
from fastlr.input.frames import opened

__all__ = ["Clusters", "as_clusters", "label_columns"]


_MOST_SPREAD = 4
"""Numbers between the least and the most label for each row, up to which a table is short."""
_MOST_CODES = 2**31 - 1
_EXACT = 2.0**53
"""Below it floats may be whole numbers that differ by one."""


class Clusters:
    """The clusters of rows.

    Attributes
    ----------
    codes : list of ndarray of shape (n_samples,)
        For one way its codes; for two ways those of each, and of their intersections.
    counts : list of int
        How many clusters each has.
    """

    __slots__ = ("codes", "counts")

    def __init__(self, codes: list[npt.NDArray[np.int32]], counts: list[int]) -> None:
        self.codes = codes
        self.counts = counts

    @property
    def n_ways(self) -> int:
        """In how many ways rows are clustered: one or two."""
        return 1 if len(self.codes) == 1 else 2


def as_clusters(groups: Any, n_samples: int, weights: npt.NDArray[Any] | None = None) -> Clusters:
    """Labels of clusters, one for each row, or two columns of them; rows of weight zero belong to none that counts.

    Raises
    ------
    InputError
        If there are not as many labels as rows, one is missing, or there is one cluster only.
    """
    counted = None if weights is None else np.asarray(weights) > 0
    columns = label_columns(groups, n_samples)
    codes, counts = [], []
    for column in columns:
        code, n_clusters = _codes(column, counted)
        if n_clusters < 2:
            raise InputError(
                "groups has one cluster only, and covariances by clusters need two at least: pass one label per row."
            )
        codes.append(code)
        counts.append(n_clusters)
    if len(columns) == 2:
        both, n_both = _codes(codes[0].astype(np.int64) * counts[1] + codes[1], counted)
        codes.append(both)
        counts.append(n_both)
    return Clusters(codes, counts)


def label_columns(groups: Any, n_samples: int) -> list[npt.NDArray[Any]]:
    """The labels of one way or two, an array of shape (n_samples,) for each.

    Raises
    ------
    InputError
        If there are not as many labels as rows, or more than two ways.
    """
    if groups is None:
        raise InputError('cov_type="cluster" needs groups: pass one label per row, groups=ids.')
    columns = [_plain(part) for part in _ways(groups)]
    if len(columns) not in (1, 2):
        raise InputError(
            f"groups has {len(columns)} columns: pass one label per row, or two for clusters of two ways."
        )
    for column in columns:
        if column.shape != (n_samples,):
            raise InputError(
                f"groups has shape {column.shape} for {n_samples} rows: pass one label per row of X."
            )
    return columns


def _ways(groups: Any) -> list[Any]:
    """The columns of labels, as they were given."""
    if isinstance(groups, np.ndarray):
        table: Any = groups
    elif isinstance(groups, tuple) and len(groups) == 2 and all(np.ndim(part) for part in groups):
        return list(groups)
    else:
        frame = opened(groups, "groups")
        if frame is not None:
            return list(frame.iter_columns()) if hasattr(frame, "iter_columns") else [frame]
        if is_declared(groups):
            return [groups]
        table = np.asanyarray(groups)
    return [table[:, j] for j in range(table.shape[1])] if table.ndim == 2 else [table]


def _plain(column: Any) -> npt.NDArray[Any]:
    """A column of labels as an array; of a category its codes, which are masked where labels are missing."""
    if isinstance(column, np.ndarray):
        return column
    if is_declared(column):
        codes = coded(column, "groups").codes
        is_missed = codes < 0
        return np.ma.masked_array(codes, is_missed) if is_missed.any() else codes
    return np.asanyarray(column)


def _codes(
    column: npt.NDArray[Any], counted: npt.NDArray[np.bool_] | None
) -> tuple[npt.NDArray[np.int32], int]:
    if column.dtype.kind in "OT":
        column = _numbered(column)
    elif column.dtype.names is not None:
        column = _numbered(np.array([*column.tolist(), None], dtype=object)[:-1])
    gaps = None
    if isinstance(column, np.ma.MaskedArray):
        gaps = np.ma.getmaskarray(column)
    if column.dtype.kind in "fcmM":
        is_nan = np.isnan(np.ma.getdata(column))
        gaps = is_nan if gaps is None else gaps | is_nan
    if gaps is not None and gaps.any():
        raise _missing(int(np.argmax(gaps)))
    column = np.asarray(column)
    if counted is None:
        return _in_order(column)
    out = np.zeros(len(column), dtype=np.int32)
    out[counted], n_clusters = _in_order(column[counted])
    return out, n_clusters


def _in_order(labels: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int32], int]:
    """Codes of labels in ascending order, and how many labels there are."""
    if labels.dtype.kind == "c" or not labels.dtype.isnative or labels.dtype.char == "g":
        found, codes = np.unique(labels, return_inverse=True)  # which are not told apart by bytes
        return codes.reshape(-1).astype(np.int32), len(found)
    if labels.dtype.kind == "f":
        labels = _whole(labels)
    if labels.dtype.kind in "iub" and labels.size:
        least, most = int(labels.min()), int(labels.max())
        if most - least <= min(_MOST_SPREAD * labels.size, _MOST_CODES):
            # Numbered by a table, without sorting. Unsigned ones may be beyond the range of their differences.
            is_wide = labels.dtype.kind == "i" and labels.dtype.itemsize >= 4
            positions: npt.NDArray[Any] = labels if is_wide else labels.astype(np.uint64)
            if least:
                positions = positions - positions.dtype.type(least if is_wide else least % 2**64)
            positions = positions.astype(np.int32, copy=False)
            is_used = np.bincount(positions) > 0
            if is_used.all():
                return np.ascontiguousarray(positions, dtype=np.int32), len(is_used)
            numbers: npt.NDArray[np.int32] = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
            return numbers[positions], int(numbers[-1]) + 1
    by_bytes, first_rows = kernels.number_labels(np.ascontiguousarray(labels))
    order = np.argsort(labels[first_rows], kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[by_bytes], len(order)


def _whole(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Floats as whole numbers if they are, else with one zero for those of both signs."""
    if labels.size and float(np.abs(labels).max()) < _EXACT:
        whole = labels.astype(np.int64)
        if (whole == labels).all():
            return whole
    of_one_zero: npt.NDArray[Any] = labels + labels.dtype.type(0)
    return of_one_zero


def _numbered(labels: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Numbers of labels that are any objects: the same for those that are equal, and only for these."""
    rows = labels.tolist()
    try:
        found = dict.fromkeys(rows)
    except TypeError:
        raise _unhashable(rows) from None
    for label in found:
        if is_missing(label) or label != label:
            raise _missing(next(i for i, other in enumerate(rows) if other is label))
    positions = {label: number for number, label in enumerate(found)}
    return np.fromiter(map(positions.__getitem__, rows), np.intp, len(rows))


def _unhashable(rows: list[Any]) -> InputTypeError:
    i = next(i for i, label in enumerate(rows) if not _has_hash(label))
    return InputTypeError(
        f"groups has the label {rows[i]!r} in row {i}, a {type(rows[i]).__name__}, by which rows cannot be grouped: "
        "pass numbers or text."
    )


def _has_hash(label: Any) -> bool:
    try:
        hash(label)
    except TypeError:  # of a list, say, or of a tuple that holds one
        return False
    return True


def _missing(row: int) -> InputError:
    return InputError(f"groups misses the label of row {row}: drop such rows first.")
