"""X, y and sample_weight: what a user passes becomes validated columns, with a message for whatever cannot.

Finiteness is not looked for here: the pass over the rows finds it for nothing, and `refusals` then names the cell.
"""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError, InputWarning, user_level
from fastlr.input.columns import Columns
from fastlr.input.convert import as_columns, as_dense_or_sparse

__all__ = ["as_features", "as_targets", "as_weights"]

_FLOAT64 = np.dtype(np.float64)


def as_features(X: object, *, argument: str = "X", may_miss: bool = False) -> Columns:
    """Features of shape (n_samples, n_features), at least one of each; with ``may_miss``, NaN for None and the like."""
    if type(X) is np.ndarray:
        columns = as_columns(X, argument, may_miss=may_miss)
    else:
        columns = as_dense_or_sparse(X, argument, may_miss=may_miss)
    if columns.is_vector:
        raise InputError(
            f"Expected 2D array, got 1D array instead: {argument} has shape ({columns.n_samples},) but needs "
            f"(n_samples, n_features). Reshape your data using {argument}.reshape(-1, 1) if it has a single "
            f"feature, or {argument}.reshape(1, -1) if it is a single sample."
        )
    if columns.n_samples == 0:
        raise _empty(columns, "sample", f"{argument} has no rows")
    if columns.n_columns == 0:
        raise _empty(columns, "feature", f"{argument} has no columns")
    return columns


def _empty(columns: Columns, noun: str, what: str) -> InputError:
    shape = f"(shape=({columns.n_samples}, {columns.n_columns}))"
    return InputError(
        f"Found array with 0 {noun}(s) {shape} while a minimum of 1 is required: {what}."
    )


def as_targets(
    y: object,
    n_samples: int,
    *,
    argument: str = "y",
    index: object = None,
    may_miss: bool = False,
) -> Columns:
    """One target of shape (n_samples,) or several of shape (n_samples, n_targets).

    Half and extended precision and the other byte order become float64. ``index`` is that of X, if it has one.
    """
    if y is None:
        raise InputError(
            f"requires {argument} to be passed, but the target {argument} is None: pass one number per row of X."
        )
    columns = as_columns(y, argument, may_miss=may_miss)
    if columns.n_samples != n_samples:
        raise InputError(
            f"Found input variables with inconsistent numbers of samples: X has {n_samples} rows but {argument} "
            f"has {columns.n_samples}. Pass one value of {argument} per row of X."
        )
    if columns.n_columns == 0:
        raise InputError(f"{argument} has no columns: pass at least one target.")
    if columns.index is not None and index is not None:
        _warn_of_other_rows(columns.index, index, argument)
        columns = columns._replace(index=None)  # compared once is enough
    source = columns.source
    if isinstance(source, np.ndarray) and source.dtype is _FLOAT64:
        return columns
    return columns.mapped(_native)


def as_weights(
    sample_weight: object, n_samples: int, *, index: object = None, may_miss: bool = False
) -> npt.NDArray[Any] | None:
    """Weights of shape (n_samples,), or None; one number is the weight of every row.

    Signs are checked by `refuse_bad_weights` after the pass. ``index`` is that of X, if it has one.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Real | np.bool_):
        weight = float(sample_weight)
        if not 0.0 < weight < np.inf:
            raise InputError(
                f"sample_weight={sample_weight!r} is the weight of every row, and must be positive and finite: pass "
                "one weight per row, or None."
            )
        return np.full(n_samples, weight)
    if np.isscalar(sample_weight):
        raise InputTypeError(
            f"sample_weight={sample_weight!r} is not a number: pass one weight per row, one number for all, or None."
        )
    columns = as_columns(sample_weight, "sample_weight", may_miss=may_miss)
    if not columns.is_vector:
        raise InputError(
            f"Sample weights must be 1D array or scalar: sample_weight has {columns.n_columns} columns. "
            "Pass one weight per row."
        )
    if columns.n_samples != n_samples:
        raise InputError(
            f"sample_weight.shape == ({columns.n_samples},), expected ({n_samples},): pass one weight per row of X."
        )
    if columns.index is not None and index is not None:
        _warn_of_other_rows(columns.index, index, "sample_weight")
    return _native(columns.column(0))


def _native(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return float16, long double and swapped bytes as float64, and all other arrays as they are."""
    if array.dtype.char not in "eg" and array.dtype.isnative:
        return array
    with np.errstate(over="ignore"):  # infinity is found, and named, by the pass
        return array.astype(np.float64)


def _warn_of_other_rows(index: Any, index_of_x: Any, argument: str) -> None:
    """Warn, naming the first row, where labels differ from those of X: rows are paired by their order alone."""
    if index.equals(index_of_x):
        return
    labels = zip(map(repr, index_of_x), map(repr, index), strict=True)
    for row, (of_x, other) in enumerate(labels):
        if of_x != other:
            warnings.warn(
                f"{argument} has another index than X (row {row} is {other} in {argument} and {of_x} in X): rows are "
                f"paired in their order, not by label. If labels should pair them, pass {argument}.loc[X.index]; if "
                f"not, {argument}.to_numpy().",
                InputWarning,
                stacklevel=user_level(),
            )
            return
