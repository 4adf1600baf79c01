"""Arrays, sequences, mappings and data frames become columns of numbers, where they lie.

NumPy arrays of any stride are taken as they are; data frames (pandas, polars, pyarrow, ...), whatever offers Arrow's
stream of columns, and mappings give their columns, without a copy wherever the frame's own buffers are plain numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import Columns, tuple_of
from fastlr.input.frame_names import of_frame
from fastlr.input.frames import array_of, opened
from fastlr.input.sparse import is_sparse, is_sparse_frame, sparse_columns

__all__ = ["as_columns", "as_dense_or_sparse", "index_of", "is_missing"]

_READABLE = frozenset("efdgbhilqBHILQ?")  # by kernels, in either byte order


def as_dense_or_sparse(data: object, argument: str, *, may_miss: bool = False) -> Columns:
    """Columns of numbers, of which scipy.sparse may keep no zeros."""
    if is_sparse_frame(data):
        return _from_sparse_frame(data, argument)
    if not is_sparse(data):
        return as_columns(data, argument, may_miss=may_miss)
    matrix: Any = data
    if matrix.ndim != 2:
        raise InputError(
            f"Expected 2D array, got 1D array instead: {argument} is a sparse array of shape {matrix.shape} but needs "
            f"(n_samples, n_features). Pass {argument}.reshape(-1, 1) if it has a single feature."
        )
    if matrix.dtype.char not in _READABLE:
        raise _unreadable(f"{argument} (all {matrix.shape[1]} columns)", matrix.dtype)
    return sparse_columns(matrix, argument)


def as_columns(data: object, argument: str, *, may_miss: bool = False) -> Columns:
    """Columns of numbers; what is not made of numbers is refused, or is NaN if it ``may_miss``: None, NA and masks."""
    array = data if type(data) is np.ndarray else _read(data, argument, may_miss)
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
        array = _numbers_in_objects(array, argument, may_miss)
    return tuple_of(Columns, (array, shape[0], 1 if is_vector else shape[1], None, is_vector, None))


def _from_sparse_frame(data: Any, argument: str) -> Columns:
    """Columns of a sparse frame, which is not filled; pandas has no other type than one of numbers with this 0."""
    names = tuple(data.columns)
    if len(set(names)) < len(names):
        raise _same_names(argument)
    columns = as_dense_or_sparse(data.sparse.to_coo(), argument)
    are_names = all(isinstance(name, str) for name in names)
    return columns._replace(names=names if are_names else None, index=data.index)


def _read(data: object, argument: str, may_miss: bool) -> Columns | npt.NDArray[Any]:
    """Columns, or one plain array in which they lie side by side."""
    if isinstance(data, Columns):
        return data
    if isinstance(data, np.ndarray):
        return _plain(data, argument, may_miss)
    if is_sparse(data):
        raise InputTypeError(
            f"{argument} is a sparse matrix, and only X may be one: pass {argument}.toarray()."
        )
    if isinstance(data, Mapping):
        return _from_columns(list(data.keys()), list(data.values()), argument, may_miss)
    if isinstance(data, list | tuple):
        return _from_sequence(data, argument, may_miss)
    columns, index = _from_frame(data, argument, may_miss), index_of(data)
    if index is None or not isinstance(columns, Columns):
        return columns
    return columns._replace(index=index)


def _plain(array: npt.NDArray[Any], argument: str, may_miss: bool) -> npt.NDArray[Any]:
    """Strip a subclass that only adds behaviour; refuse one whose meaning would be lost; masked values may be NaN."""
    if isinstance(array, np.matrix):
        raise InputTypeError(
            f"{argument} is an np.matrix, which is not supported: pass np.asarray({argument})."
        )
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        if may_miss and array.dtype.kind in "fiub":
            return np.ma.filled(array.astype(np.float64), np.nan)
        raise InputTypeError(
            f"{argument} is a masked array with masked values: drop or fill them first ({argument}.filled(...))."
        )
    return np.asarray(array)


def _from_sequence(data: Sequence[Any], argument: str, may_miss: bool) -> npt.NDArray[Any]:
    if may_miss:
        data = [_unmasked(member, f"row {row} of {argument}") for row, member in enumerate(data)]
    for row, member in enumerate(data):  # np.asarray would forget the masks
        if member is np.ma.masked:
            raise _missing_value(argument, (row,))
        if isinstance(member, np.ma.MaskedArray):
            _plain(member, f"row {row} of {argument}", may_miss)
    try:
        return np.asarray(data)
    except ValueError as error:
        raise InputError(
            f"{argument} is a nested list whose rows differ in length or depth ({error}): pass rows of equal length."
        ) from error


def _unmasked(member: Any, name: str) -> Any:
    """A member of a list in which masked values are None or NaN."""
    if member is np.ma.masked:
        return None
    return _plain(member, name, True) if isinstance(member, np.ma.MaskedArray) else member


def _from_frame(data: object, argument: str, may_miss: bool) -> Columns | npt.NDArray[Any]:
    import narwhals as nw

    native = opened(data, argument)
    if isinstance(native, nw.Series):
        columns = _from_columns([native.name or argument], [array_of(native)], argument, may_miss)
        return Columns(columns.source, columns.n_samples, 1, of_frame(columns.names, native), True)
    if isinstance(native, nw.DataFrame):
        names = list(native.columns)
        arrays = [array_of(native.get_column(name)) for name in names]
        if not arrays:
            return Columns([], len(native), 0, ())
        columns = _from_columns(names, arrays, argument, may_miss)
        return columns._replace(names=of_frame(columns.names, native))
    if _is_numpys(data) or hasattr(data, "__dlpack__"):
        return _in_own_memory(data, argument)
    raise InputTypeError(
        f"{argument} is a {type(data).__name__}: pass an array, a data frame, or a mapping from names to columns."
    )


def _in_own_memory(data: Any, argument: str) -> npt.NDArray[Any]:
    """Another library's array, as NumPy's, without a copy wherever it lies in the computer's own memory."""
    try:
        return np.asarray(data) if _is_numpys(data) else np.from_dlpack(data)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
        raise InputTypeError(
            f"{argument} is a {kind} that NumPy cannot read ({error}): fits read the computer's own "
            f"memory, so copy them there first, such as by {argument}.detach().cpu() or cupy.asnumpy({argument})."
        ) from error


def _is_numpys(data: object) -> bool:
    return hasattr(data, "__array__") or hasattr(data, "__array_interface__")


def _same_names(argument: str) -> InputError:
    return InputError(f"{argument} has two columns of the same name: names must be distinct.")


def _from_columns(labels: list[Any], values: list[Any], argument: str, may_miss: bool) -> Columns:
    """Separate columns; text, complex and other unreadable ones are named all at once."""
    arrays: list[npt.NDArray[Any]] = []
    unreadable: list[str] = []
    for label, value in zip(labels, values, strict=True):
        name = f"column {label!r} of {argument}"
        if isinstance(value, list | tuple):
            array = _from_sequence(value, name, may_miss)
        elif isinstance(value, np.ndarray) and type(value) is not np.ndarray:
            array = _plain(value, name, may_miss)
        else:
            array = np.asarray(value)
        if array.ndim != 1:
            raise InputError(f"{name} has shape {array.shape}: columns are 1D.")
        if array.dtype == object:
            try:
                array = _numbers_in_objects(array, name, may_miss)
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


def _numbers_in_objects(array: npt.NDArray[Any], argument: str, may_miss: bool) -> npt.NDArray[Any]:
    """An object array of real numbers becomes float64 (a copy: its values are Python objects)."""
    gaps: list[tuple[int, ...]] = []
    for index, value in np.ndenumerate(array):
        if isinstance(value, float | int | np.number | np.bool_) and not isinstance(
            value, np.complexfloating
        ):
            continue
        if is_missing(value):
            if not may_miss:
                raise _missing_value(argument, index)
            gaps.append(index)
            continue
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
            "convert it to numbers, name it in categories= of fastlr.ols, or leave the column out."
        )
    if gaps:
        array = array.copy()
        array[tuple(np.transpose(gaps))] = np.nan
    return array.astype(np.float64)


def is_missing(value: object) -> bool:
    """Tell whether a value is None, masked, or what pandas puts where there is nothing."""
    return value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType")


def _missing_value(argument: str, index: tuple[int, ...]) -> InputError:
    place = f"row {index[0]}" + (f", column {index[1]}" if len(index) > 1 else "")
    return InputError(
        f"{argument} has a missing value ({place}, counted from 0): every value must be a number. Drop or fill such "
        "rows first, or pass missing='drop' to fastlr.ols, fastlr.descend or Moments.from_arrays."
    )


def _unreadable(name: str, dtype: np.dtype[Any]) -> InputTypeError:
    if dtype.kind == "c":
        return InputTypeError(
            f"Complex data not supported: {name} has dtype {dtype}. Pass real numbers."
        )
    if dtype.kind in "US":
        rule = (
            "text cannot be fitted: name it in categories= of fastlr.ols, encode it as numbers, or leave the column "
            "out."
        )
    elif dtype.kind in "mM":
        rule = "times cannot be fitted: convert them to a number of seconds or days first."
    else:
        rule = "it is not a type of numbers."
    return InputTypeError(f"{name} has dtype {dtype}: {rule}")


def index_of(data: object) -> Any:
    """The labels of the rows of a pandas object."""
    if hasattr(data, "to_native"):  # as narwhals gives a frame
        data = data.to_native()
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame | pandas.Series):
        return data.index
    return None
