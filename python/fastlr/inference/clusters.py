"""Clusters of rows: labels of any kind become codes, one way or two."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.convert import is_missing

__all__ = ["Clusters", "as_clusters", "label_columns"]


_MOST_SPREAD = (
    4  # numbers between the least and the most label for each row, up to which a table is short
)


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
        """One or two."""
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
    if isinstance(groups, tuple) and len(groups) == 2 and all(np.ndim(part) for part in groups):
        columns = [np.asanyarray(part) for part in groups]
    else:
        array = np.asanyarray(groups)
        columns = [array[:, j] for j in range(array.shape[1])] if array.ndim == 2 else [array]
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


def _codes(
    column: npt.NDArray[Any], counted: npt.NDArray[np.bool_] | None
) -> tuple[npt.NDArray[np.int32], int]:
    if column.dtype.kind == "O":
        column = _numbered(column)
    gaps = np.asarray(np.ma.getmaskarray(column))  # also of an array without a mask
    if column.dtype.kind in "fcmM":
        gaps = gaps | np.isnan(np.ma.getdata(column))
    if gaps.any():
        raise _missing(int(np.argmax(gaps)))
    column = np.asarray(column)
    out = np.zeros(len(column), dtype=np.int32)
    chosen = slice(None) if counted is None else counted
    some = column[chosen]
    if some.dtype.kind in "iub" and some.size:
        least, most = int(some.min()), int(some.max())
        if most - least <= _MOST_SPREAD * some.size:  # numbered by a table, without sorting
            # Unsigned ones may be beyond the range of the positions that they have from the least one on.
            is_unsigned = some.dtype.kind == "u"
            positions = (some - some.dtype.type(least) if is_unsigned else some).astype(np.intp)
            if not is_unsigned:
                positions -= least
            is_used = np.bincount(positions) > 0
            if counted is None and is_used.all():
                return positions.astype(np.int32), len(is_used)
            numbers = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
            out[chosen] = numbers[positions]
            return out, int(numbers[-1]) + 1
    labels, codes = np.unique(some, return_inverse=True)
    out[chosen] = codes.reshape(-1)
    return out, len(labels)


def _numbered(labels: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Numbers of labels that are any objects: the same for those that are equal, and only for these."""
    positions: dict[Any, int] = {}
    numbers = np.empty(len(labels), dtype=np.intp)
    for i, label in enumerate(labels):
        if is_missing(label) or label != label:
            raise _missing(i)
        try:
            numbers[i] = positions.setdefault(label, len(positions))
        except TypeError:
            raise InputTypeError(
                f"groups has the label {label!r} in row {i}, a {type(label).__name__}, by which rows cannot be "
                "grouped: pass numbers or text."
            ) from None
    return numbers


def _missing(row: int) -> InputError:
    return InputError(f"groups misses the label of row {row}: drop such rows first.")
