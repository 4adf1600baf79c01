"""Arrays, sequences, mappings and data frames become columns of numbers, where they lie.

NumPy arrays of any stride are taken as they are; data frames (pandas, polars, pyarrow, ...) and mappings give
their columns, without a copy wherever the frame's own buffers are plain numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import Columns
from fastlr.input.sparse import is_sparse, sparse_columns

__all__ = ["as_columns", "as_dense_or_sparse", "index_of"]

_READABLE = frozenset("efdgbhilqBHILQ?")  # by kernels, in either byte order


def as_dense_or_sparse(data: object, argument: str) -> Columns:
    """Columns of numbers, of which scipy.sparse may keep no zeros."""
    if _is_sparse_frame(data):
        return _from_sparse_frame(data, argument)
    if not is_sparse(data):
        return as_columns(data, argument)
    matrix: Any = data
    if matrix.ndim != 2:
        raise InputError(
            f"Expected 2D array, got 1D array instead: {argument} is a sparse array of shape {matrix.shape} but needs "
            f"(n_samples, n_features). Pass {argument}.reshape(-1, 1) if it has a single feature."
        )
    if matrix.dtype.char not in _READABLE:
        raise _unreadable(f"{argument} (all {matrix.shape[1]} columns)", matrix.dtype)
    return sparse_columns(matrix, argument)


def as_columns(data: object, argument: str) -> Columns:
    """Columns of numbers; what is not made of numbers is refused."""
    array = data if type(data) is np.ndarray else _read(data, argument)
    if isinstance(array, Columns):
        return array
    shape, dtype = array.shape, array.dtype
    if not 1 <= len(shape) <= 2:
        raise InputError(
            f"Found array with dim {array.ndim}: {argument} has shape {array.shape}, and must be 1D or 2D. "
            f"Reshape your data, with one row per sample."
        )
    is_vector = len(shape) == 1
    if dtype.char not in _READABLE:
        if dtype.char != "O":
            name = argument if is_vector else f"{argument} (all {shape[1]} columns)"
            raise _unreadable(name, dtype)
        array = _numbers_in_objects(array, argument)
    return Columns(array, shape[0], 1 if is_vector else shape[1], None, is_vector)


def _is_sparse_frame(data: object) -> bool:
    """Whether data are a pandas frame whose columns all keep no zeros."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, pandas.DataFrame) or data.shape[1] == 0:
        return False
    return all(isinstance(t, pandas.SparseDtype) and t.fill_value == 0 for t in data.dtypes)


def _from_sparse_frame(data: Any, argument: str) -> Columns:
    """Columns of a sparse frame, which is not filled; pandas has no other type than one of numbers with this 0."""
    names = tuple(data.columns)
    if len(set(names)) < len(names):
        raise _same_names(argument)
    columns = as_dense_or_sparse(data.sparse.to_coo(), argument)
    are_names = all(isinstance(name, str) for name in names)
    return columns._replace(names=names if are_names else None, index=data.index)


def _read(data: object, argument: str) -> Columns | npt.NDArray[Any]:
    """Columns, or one plain array in which they lie side by side."""
    if isinstance(data, Columns):
        return data
    if isinstance(data, np.ndarray):
        return _plain(data, argument)
    if is_sparse(data):
        raise InputTypeError(
            f"{argument} is a sparse matrix, and only X may be one: pass {argument}.toarray()."
        )
    if isinstance(data, Mapping):
        return _from_columns(list(data.keys()), list(data.values()), argument)
    if isinstance(data, list | tuple):
        return _from_sequence(data, argument)
    columns, index = _from_frame(data, argument), index_of(data)
    if index is None or not isinstance(columns, Columns):
        return columns
    return columns._replace(index=index)


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


def _from_frame(data: object, argument: str) -> Columns | npt.NDArray[Any]:
    import narwhals as nw

    if hasattr(data, "collect") and hasattr(data, "lazy"):
        raise InputTypeError(f"{argument} is a lazy frame: pass {argument}.collect().")
    try:
        native: Any = nw.from_native(data, eager_only=True, allow_series=True)
    except nw.exceptions.DuplicateError:
        raise _same_names(argument) from None
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
        return np.asarray(data)
    raise InputTypeError(
        f"{argument} is a {type(data).__name__}: pass an array, a data frame, or a mapping from names to columns."
    )


def _same_names(argument: str) -> InputError:
    return InputError(f"{argument} has two columns of the same name: names must be distinct.")


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
    """Tell whether a value is None, masked, or what pandas puts where there is nothing."""
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


def index_of(data: object) -> Any:
    """The labels of the rows of a pandas object."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame | pandas.Series):
        return data.index
    return None
