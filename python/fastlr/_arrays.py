"""Features, targets and weights: anything array-like, validated, where it lies.

Every message about input is written here, in `_columns`, which reads, or in `_names`. Finiteness is not looked for
here: the pass over the rows finds it for nothing, and `refuse_non_finite` then names the cell.
"""

from __future__ import annotations

import numbers
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._columns import Columns, FloatArray, as_columns, index_of
from fastlr._kernels import kernels
from fastlr._names import (
    GeneratedNames,
    as_names,
    check_same_features,
    check_same_targets,
    default_names,
    default_targets,
)
from fastlr.errors import InputError, InputTypeError, InputWarning, user_level

__all__ = [
    "Columns",
    "FloatArray",
    "GeneratedNames",
    "as_features",
    "as_flag",
    "as_names",
    "as_targets",
    "as_weights",
    "check_same_features",
    "check_same_targets",
    "default_names",
    "default_targets",
    "index_of",
    "refuse_bad_weights",
    "refuse_non_finite",
    "taken",
    "warn_of_target_among_features",
]

_SEARCHED_PER_CALL = (
    1 << 21
)  # values looked at in one call of the kernel: 10 ms, some 50 where they lie far apart


def as_features(X: object, *, argument: str = "X") -> Columns:
    """Features of shape (n_samples, n_features), at least one of each."""
    columns = as_columns(X, argument)
    if columns.is_vector:
        raise InputError(
            f"Expected 2D array, got 1D array instead: {argument} has shape ({columns.n_samples},) but needs "
            f"(n_samples, n_features). Reshape your data using {argument}.reshape(-1, 1) if it has a single "
            f"feature, or {argument}.reshape(1, -1) if it is a single sample."
        )
    shape = f"(shape=({columns.n_samples}, {columns.n_columns}))"
    if columns.n_samples == 0:
        raise InputError(
            f"Found array with 0 sample(s) {shape} while a minimum of 1 is required: {argument} has no rows."
        )
    if columns.n_columns == 0:
        raise InputError(
            f"Found array with 0 feature(s) {shape} while a minimum of 1 is required: {argument} has no columns."
        )
    return columns


def as_targets(y: object, n_samples: int, *, argument: str = "y", index: object = None) -> Columns:
    """One target of shape (n_samples,) or several of shape (n_samples, n_targets).

    Half and extended precision and the other byte order become float64. ``index`` is that of X, if it has one.
    """
    if y is None:
        raise InputError(
            f"requires {argument} to be passed, but the target {argument} is None: pass one number per row of X."
        )
    columns = as_columns(y, argument)
    if columns.n_samples != n_samples:
        raise InputError(
            f"Found input variables with inconsistent numbers of samples: X has {n_samples} rows but {argument} "
            f"has {columns.n_samples}. Pass one value of {argument} per row of X."
        )
    if columns.n_columns == 0:
        raise InputError(f"{argument} has no columns: pass at least one target.")
    _warn_of_other_rows(columns.index, index, argument)
    source = columns.source
    return replace(
        columns,
        index=columns.index if index is None else None,  # compared once is enough
        source=[_native(array) for array in source]
        if isinstance(source, list)
        else _native(source),
    )


def as_weights(
    sample_weight: object, n_samples: int, *, index: object = None
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
    columns = as_columns(sample_weight, "sample_weight")
    if not columns.is_vector:
        raise InputError(
            f"Sample weights must be 1D array or scalar: sample_weight has {columns.n_columns} columns. "
            "Pass one weight per row."
        )
    if columns.n_samples != n_samples:
        raise InputError(
            f"sample_weight.shape == ({columns.n_samples},), expected ({n_samples},): pass one weight per row of X."
        )
    _warn_of_other_rows(columns.index, index, "sample_weight")
    source = columns.source
    return _native(source[0] if isinstance(source, list) else source)


def taken(columns: Columns, rows: npt.NDArray[np.intp]) -> Columns:
    """The columns of some rows only, copied."""
    source = columns.source
    part = [array[rows] for array in source] if isinstance(source, list) else source[rows]
    return replace(columns, source=part, n_samples=len(rows), index=None)


def warn_of_target_among_features(features: Columns, targets: Columns) -> None:
    """A target that is also a feature explains itself perfectly, and nothing else: name and values tell."""
    for k, name in enumerate(targets.names or ()):
        if features.names is None or name not in features.names:
            continue
        if np.array_equal(_column(features, features.names.index(name)), _column(targets, k)):
            warnings.warn(
                f"the target {name!r} is also among the features of X, with the same values, and explains itself: "
                f"leave that column out of X (in a data frame: X.drop(columns=[{name!r}])).",
                InputWarning,
                stacklevel=user_level(),
            )


def _column(columns: Columns, j: int) -> npt.NDArray[Any]:
    source = columns.source
    if isinstance(source, list):
        return source[j]
    column: npt.NDArray[Any] = source.reshape(len(source), -1)[:, j]
    return column


def _native(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Numbers that NumPy alone reads fast, as float64; all others as they are."""
    if array.dtype.char not in "eg" and array.dtype.isnative:
        return array
    with np.errstate(over="ignore"):  # infinity is found, and named, by the pass
        return array.astype(np.float64)


def _warn_of_other_rows(index: Any, index_of_x: Any, argument: str) -> None:
    """Labels are not used; where they differ, somebody may think that they were."""
    if index is None or index_of_x is None or index.equals(index_of_x):
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


def refuse_non_finite(
    columns: Columns,
    names: tuple[str, ...],
    *,
    argument: str,
    first_row: int = 0,
    rows: tuple[int, int] | None = None,
) -> None:
    """Raise if a value (of the rows from the first of ``rows`` to before the second) is NaN or infinite.

    The message names the first such cell; ``first_row`` is the number of row 0. Rows are taken in parts so short that
    Ctrl-C is heard between them.
    """
    begin, end = rows or (0, columns.n_samples)
    step = max(256, _SEARCHED_PER_CALL // max(1, columns.n_columns))
    source = columns.source
    for start in range(begin, end, step):
        stop = min(end, start + step)
        part = [c[start:stop] for c in source] if isinstance(source, list) else source[start:stop]
        row, column = kernels.first_non_finite(part)
        if row >= 0:
            break
    else:
        return
    row += start
    value = float(
        source[column][row]
        if isinstance(source, list)
        else source.reshape(len(source), -1)[row, column]
    )
    kind = "NaN" if np.isnan(value) else "infinity"
    where = f"row {first_row + row}"
    if not columns.is_vector:
        where += f", column {names[column]!r}"
    raise InputError(
        f"Input {argument} contains {kind} ({where}, counted from 0): every value must be finite. Drop or fill "
        "such rows first."
    )


def refuse_bad_weights(weights: npt.NDArray[Any]) -> None:
    """Raise if a weight is NaN, infinite or negative, or if none is positive."""
    bad = np.flatnonzero(~np.isfinite(weights))
    if bad.size:
        raise InputError(
            f"Input sample_weight contains {weights[bad[0]]!s} (row {bad[0]}, counted from 0; NaN or infinity): "
            "weights must be finite."
        )
    negative = np.flatnonzero(weights < 0)
    if negative.size:
        raise InputError(
            f"sample_weight contains {weights[negative[0]]!s} (row {negative[0]}, counted from 0): weights must "
            "not be negative. Drop the row, or give it weight 0."
        )
    if not np.any(weights > 0):
        raise InputError(
            "sample_weight is zero in every row: at least one weight must be positive."
        )


def as_flag(value: object, argument: str) -> bool:
    """True or False, also as NumPy's or as 1 or 0."""
    if isinstance(value, bool | np.bool_ | int | np.integer) and value in (0, 1):
        return bool(value)
    raise InputTypeError(f"{argument}={value!r} is neither True nor False: pass one of these.")
