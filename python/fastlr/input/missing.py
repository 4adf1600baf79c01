"""Rows in which a value is missing, NaN in one of the columns, are found and left out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.arguments import as_features, as_targets, as_weights
from fastlr.input.arrow import without_bitmaps
from fastlr.input.columns import Columns
from fastlr.input.names import default_names, default_targets
from fastlr.input.options import as_choice
from fastlr.input.refusals import is_finite, not_finite
from fastlr.input.sparse import SparseColumns

__all__ = ["MISSING", "CompleteRows", "complete_rows", "is_drop", "missing_rows", "without_missing"]

MISSING = ("error", "drop")
_SEARCHED_AT_ONCE = 1 << 18  # values: the masks of a part stay in the cache


class CompleteRows(NamedTuple):
    """Rows in which no value is missing, and how many others there were."""

    features: Columns
    targets: Columns
    weights: npt.NDArray[Any] | None
    n_dropped: int
    """Rows that were left out; those of weight zero do not count."""
    keep: npt.NDArray[np.bool_] | None = None
    """Which rows are left, if not all are."""


def is_drop(missing: object) -> bool:
    """Whether rows with missing values are left out: "drop", not "error"."""
    return as_choice(missing, MISSING, "missing") == "drop"


def complete_rows(X: object, y: object, sample_weight: object) -> CompleteRows:
    """Validate X, y and weights, in which values may be missing, and leave rows out that miss one.

    Infinite values are refused. Where nothing is missing this costs one look at every value; else a copy of the rows
    that are kept.
    """
    plain, valid = without_bitmaps(X)
    features = as_features(plain, may_miss=True)
    n = features.n_samples
    targets = as_targets(y, n, index=features.index, may_miss=True)
    weights = as_weights(sample_weight, n, index=features.index, may_miss=True)
    if valid is not None and valid.any():
        try:
            return _of_valid_rows(features, targets, weights, valid)
        except InputError:  # about a row of those that are left: say which one of all rows it is
            pass
    if valid is not None:
        features = as_features(X, may_miss=True)
    return without_missing(features, targets, weights)


def _of_valid_rows(
    features: Columns,
    targets: Columns,
    weights: npt.NDArray[Any] | None,
    valid: npt.NDArray[np.bool_],
) -> CompleteRows:
    """Complete rows among those that no bitmap leaves out, whose values are gathered once."""
    rows = np.flatnonzero(valid)
    some = None if weights is None else weights[rows]
    found = without_missing(features.take_rows(rows), targets.take_rows(rows), some)
    counted = ~valid if weights is None else ~valid & (weights != 0)
    keep = valid
    if found.keep is not None:
        keep = np.zeros_like(valid)
        keep[rows[found.keep]] = True
    n_dropped = found.n_dropped + int(np.count_nonzero(counted))
    return found._replace(n_dropped=n_dropped, keep=keep)


def without_missing(
    features: Columns, targets: Columns, weights: npt.NDArray[Any] | None
) -> CompleteRows:
    """Leave out the rows in which a feature, a target or the weight is missing."""
    names = features.names or default_names(features.n_columns)
    labels = targets.names or default_targets(targets.n_columns)
    missing = missing_rows(features, names, argument="X")
    parts = [missing, missing_rows(targets, labels, argument="y")]
    if weights is not None:
        column = Columns(weights, len(weights), 1, None, True)
        parts.append(missing_rows(column, ("sample_weight",), argument="sample_weight"))
    found = [part for part in parts if part is not None]
    if not found:
        return CompleteRows(features, targets, weights, 0)
    any_missing = np.logical_or.reduce(found)
    keep = ~any_missing
    if not keep.any():
        raise InputError(
            f"no row is left to fit: in each of the {features.n_samples} rows a value of X, y or sample_weight is "
            "missing. Fill them in, or leave out the columns that lack most values."
        )
    counted = any_missing if weights is None else any_missing & (weights != 0)
    return CompleteRows(
        features.take_rows(keep),
        targets.take_rows(keep),
        None if weights is None else weights[keep],
        int(np.count_nonzero(counted)),
        keep,
    )


def missing_rows(
    columns: Columns, names: tuple[str, ...], *, argument: str
) -> npt.NDArray[np.bool_] | None:
    """Which rows have NaN in one of the columns, or None if no row has; infinity is an `InputError`."""
    n = columns.n_samples
    missing = np.zeros(n, dtype=np.bool_)
    if isinstance(columns, SparseColumns):
        infinite_cell = columns.first_infinite()
        if infinite_cell is not None:
            raise not_finite(columns, names, *infinite_cell, argument)
        missing[columns.rows_with_nan()] = True
        return missing if missing.any() else None
    for first, array in enumerate(columns.arrays):
        if array.dtype.kind != "f":
            continue
        width = 1 if array.ndim == 1 else array.shape[1]
        step = max(1, _SEARCHED_AT_ONCE // max(1, width))
        for start in range(0, n, step):
            part = array[start : start + step]
            if is_finite(part):
                continue
            part = part.reshape(-1, width)
            infinite = np.isinf(part)
            if infinite.any():
                row, column = map(int, np.argwhere(infinite)[0])
                value = float(part[row, column])
                raise not_finite(columns, names, start + row, first + column, value, argument)
            missing[start : start + step] |= np.isnan(part).any(axis=1)
    return missing if missing.any() else None
