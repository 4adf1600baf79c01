"""Anything array-like -> validated columns where they lie. Every message about input is written here.

NumPy arrays of any stride are taken as they are; data frames (pandas, polars, pyarrow, ...) and mappings give
their columns, without a copy wherever the frame's own buffers are plain numbers. Finiteness is not looked for
here: the pass over the rows finds it for nothing, and `refuse_non_finite` then names the cell.
"""

from __future__ import annotations

import numbers
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

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

FloatArray = npt.NDArray[np.float64]
_READABLE = frozenset("efdgbhilqBHILQ?")  # by kernels, in either byte order


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of numbers for the kernels: one 2-D array, or a list of 1-D arrays of equal length."""

    source: npt.NDArray[Any] | list[npt.NDArray[Any]]
    n_samples: int
    n_columns: int
    names: tuple[str, ...] | None = None
    is_vector: bool = False
    index: Any = None
    """The rows' labels, if they came in a pandas object."""

    @property
    def all_float32(self) -> bool:
        """Whether every column is float32 (predictions then are, too)."""
        arrays = self.source if isinstance(self.source, list) else [self.source]
        return all(array.dtype == np.float32 for array in arrays)


def as_features(X: object, *, argument: str = "X") -> Columns:
    """Features of shape (n_samples, n_features), at least one of each."""
    columns = _as_columns(X, argument)
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
    columns = _as_columns(y, argument)
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
    columns = _as_columns(sample_weight, "sample_weight")
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
    """A copy of some rows."""
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


def index_of(data: object) -> Any:
    """The labels of the rows of a pandas object."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame | pandas.Series):
        return data.index
    return None


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
    columns: Columns, names: tuple[str, ...], *, argument: str, first_row: int = 0
) -> None:
    """Raise if a value is NaN or infinite, naming the first such cell; ``first_row`` is the number of row 0."""
    row, column = kernels.first_non_finite(columns.source)
    if row < 0:
        return
    source = columns.source
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


def _as_columns(data: object, argument: str) -> Columns:
    if isinstance(data, Columns):
        return data
    columns = _read_columns(data, argument)
    index = index_of(data)
    return columns if index is None else replace(columns, index=index)


def _read_columns(data: object, argument: str) -> Columns:
    if isinstance(data, np.ndarray):
        return _from_array(data, argument)
    if hasattr(data, "toarray") and hasattr(data, "tocsr"):
        raise InputTypeError(
            f"{argument} is a sparse matrix, and only dense data are supported: pass {argument}.toarray() if "
            "it fits into memory."
        )
    if isinstance(data, Mapping):
        return _from_columns(list(data.keys()), list(data.values()), argument)
    if isinstance(data, list | tuple):
        return _from_array(_from_sequence(data, argument), argument)
    return _from_frame(data, argument)


def _from_array(array: npt.NDArray[Any], argument: str) -> Columns:
    if type(array) is not np.ndarray:
        array = _plain(array, argument)
    if array.ndim not in (1, 2):
        raise InputError(
            f"Found array with dim {array.ndim}: {argument} has shape {array.shape}, and must be 1D or 2D. "
            f"Reshape your data, with one row per sample."
        )
    is_vector = array.ndim == 1
    if array.dtype.char not in _READABLE:
        if array.dtype == object:
            array = _numbers_in_objects(array, argument)
        else:
            name = argument if is_vector else f"{argument} (all {array.shape[1]} columns)"
            raise _unreadable(name, array.dtype)
    return Columns(array, array.shape[0], 1 if is_vector else array.shape[1], None, is_vector)


def _plain(array: npt.NDArray[Any], argument: str) -> npt.NDArray[Any]:
    """Strip a subclass that only adds behaviour; refuse one whose meaning would be lost."""
    if isinstance(array, np.matrix):
        raise InputTypeError(
            f"{argument} is an np.matrix, which is not supported: pass np.asarray({argument})."
        )
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise InputTypeError(
            f"{argument} is a masked array with masked values: drop or fill them first ({argument}.filled(...))."
        )
    return np.asarray(array)


def _from_sequence(data: Sequence[Any], argument: str) -> npt.NDArray[Any]:
    for row, member in enumerate(data):  # np.asarray would forget the masks
        if member is np.ma.masked:
            raise _missing_value(argument, (row,))
        if isinstance(member, np.ma.MaskedArray):
            _plain(member, f"row {row} of {argument}")
    try:
        return np.asarray(data)
    except ValueError as error:
        raise InputError(
            f"{argument} is a nested list whose rows differ in length or depth ({error}): pass rows of equal length."
        ) from error


def _from_frame(data: object, argument: str) -> Columns:
    import narwhals as nw

    if hasattr(data, "collect") and hasattr(data, "lazy"):
        raise InputTypeError(f"{argument} is a lazy frame: pass {argument}.collect().")
    try:
        native: Any = nw.from_native(data, eager_only=True, allow_series=True)
    except nw.exceptions.DuplicateError:
        raise InputError(
            f"{argument} has two columns of the same name: names must be distinct."
        ) from None
    except TypeError:
        native = None
    if isinstance(native, nw.Series):
        columns = _from_columns([native.name or argument], [native.to_numpy()], argument)
        return Columns(columns.source, columns.n_samples, 1, columns.names, True)
    if isinstance(native, nw.DataFrame):
        names = list(native.columns)
        arrays = [native.get_column(name).to_numpy() for name in names]
        if not arrays:
            return Columns([], len(native), 0, ())
        return _from_columns(names, arrays, argument)
    if hasattr(data, "__array__") or hasattr(data, "__array_interface__"):
        return _from_array(np.asarray(data), argument)
    raise InputTypeError(
        f"{argument} is a {type(data).__name__}: pass an array, a data frame, or a mapping from names to columns."
    )


def _from_columns(labels: list[Any], values: list[Any], argument: str) -> Columns:
    """Separate columns; text, complex and other unreadable ones are named all at once."""
    arrays: list[npt.NDArray[Any]] = []
    unreadable: list[str] = []
    for label, value in zip(labels, values, strict=True):
        name = f"column {label!r} of {argument}"
        if isinstance(value, list | tuple):
            array = _from_sequence(value, name)
        elif isinstance(value, np.ndarray) and type(value) is not np.ndarray:
            array = _plain(value, name)
        else:
            array = np.asarray(value)
        if array.ndim != 1:
            raise InputError(f"{name} has shape {array.shape}: columns are 1D.")
        if array.dtype == object:
            try:
                array = _numbers_in_objects(array, name)
            except InputTypeError as error:
                unreadable.append(str(error))
                continue
        elif array.dtype.char not in _READABLE:
            unreadable.append(str(_unreadable(name, array.dtype)))
            continue
        arrays.append(array)
    if unreadable:
        raise InputTypeError(" ".join(unreadable))
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        raise InputError(
            f"columns of {argument} differ in length ({sorted(lengths)}): pass columns of one length."
        )
    names = tuple(labels) if all(isinstance(label, str) for label in labels) else None
    return Columns(arrays, lengths.pop() if lengths else 0, len(arrays), names)


def as_flag(value: object, argument: str) -> bool:
    """True or False, also as NumPy's or as 1 or 0."""
    if isinstance(value, bool | np.bool_ | int | np.integer) and value in (0, 1):
        return bool(value)
    raise InputTypeError(f"{argument}={value!r} is neither True nor False: pass one of these.")


def _numbers_in_objects(array: npt.NDArray[Any], argument: str) -> npt.NDArray[Any]:
    """An object array of real numbers becomes float64 (a copy: its values are Python objects)."""
    for index, value in np.ndenumerate(array):
        if isinstance(value, float | int | np.number | np.bool_) and not isinstance(
            value, np.complexfloating
        ):
            continue
        if _is_missing(value):
            raise _missing_value(argument, index)
        if isinstance(value, str | bytes | complex):
            reason = f"{value!r} is not a number"
        else:
            try:
                float(value)
                continue
            except (TypeError, ValueError) as error:
                reason = str(error)
        place = f"row {index[0]}" if array.ndim == 1 else f"row {index[0]}, column {index[1]}"
        raise InputTypeError(
            f"{argument} has dtype object and holds something else than numbers ({place}: {reason}): "
            "convert it to numbers, encode it, or leave the column out."
        )
    return array.astype(np.float64)


def _is_missing(value: object) -> bool:
    """None, a masked value, and what pandas puts where there is nothing."""
    return value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType")


def _missing_value(argument: str, index: tuple[int, ...]) -> InputError:
    place = f"row {index[0]}" + (f", column {index[1]}" if len(index) > 1 else "")
    return InputError(
        f"{argument} has a missing value ({place}, counted from 0): every value must be a number. Drop or fill such "
        "rows first."
    )


def _unreadable(name: str, dtype: np.dtype[Any]) -> InputTypeError:
    if dtype.kind == "c":
        return InputTypeError(
            f"Complex data not supported: {name} has dtype {dtype}. Pass real numbers."
        )
    if dtype.kind in "US":
        rule = "text cannot be fitted: encode it as numbers, or leave the column out."
    elif dtype.kind in "mM":
        rule = "times cannot be fitted: convert them to a number of seconds or days first."
    else:
        rule = "it is not a type of numbers."
    return InputTypeError(f"{name} has dtype {dtype}: {rule}")
