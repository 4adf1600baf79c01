"""Tables of any library become frames of whole columns; columns become NumPy arrays, where they lie if they can.

narwhals speaks to the libraries that it knows (pandas, polars, PyArrow, Modin, DuckDB and others). Whatever else
offers Arrow's stream of columns, ``__arrow_c_stream__``, is read through that.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.arrow import to_numpy

__all__ = ["array_of", "has_columns", "like_frame", "new_frame", "opened", "opened_table"]

_COLLECTED = ("polars", "duckdb", "ibis")  # engines of one machine, whose tables are collected
_FRAMES = ("pandas", "polars", "pyarrow")  # in the order of our choice
_SEEN = ("modin", "pandas", "polars", "pyarrow")  # by scikit-learn


def opened(data: Any, argument: str, names: Sequence[str] | None = None) -> Any:
    """The narwhals DataFrame or Series that ``data`` is, or None if it is none.

    Lazy frames are collected: all columns, or those of ``names`` that they have.
    """
    import narwhals as nw

    try:
        native: Any = nw.from_native(data, allow_series=True, pass_through=True)
        if isinstance(native, nw.LazyFrame):
            return _collected(native, argument, names)
        if isinstance(native, nw.DataFrame | nw.Series):
            return native
        if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
            return _from_arrow(data, argument)
    except nw.exceptions.DuplicateError:
        raise InputError(
            f"{argument} has two columns of the same name: names must be distinct."
        ) from None
    return None


def _collected(frame: Any, argument: str, names: Sequence[str] | None) -> Any:
    if frame.implementation.value not in _COLLECTED:
        raise InputTypeError(
            f"{argument} is a lazy frame of {frame.implementation.value}, which may be spread over many machines: "
            f"pass {argument}.compute() or {argument}.toPandas() if it fits into memory, or add up fastlr.Moments of "
            "its parts."
        )
    if names is not None:
        known = frame.collect_schema().names()
        frame = frame.select([name for name in known if name in names])
    return frame.collect()


def _from_arrow(data: Any, argument: str) -> Any:
    """A table, or a single column, of which only Arrow's C interface is known."""
    import narwhals as nw

    if importlib.util.find_spec("pyarrow") is None:
        if importlib.util.find_spec("polars") is None:
            raise ImportError(
                f"{argument} is a {type(data).__name__}, which is read through Arrow and needs pyarrow: pip install "
                '"fastlr[files]".'
            )
        return nw.from_arrow(data, backend="polars")
    import pyarrow as pa

    if isinstance(data, pa.Array):
        return nw.from_native(pa.chunked_array([data]), series_only=True)
    if isinstance(data, pa.RecordBatchReader):
        return nw.from_native(data.read_all(), eager_only=True)
    try:
        table = pa.table(data)
    except pa.ArrowInvalid:  # a column has no fields
        return nw.from_native(pa.chunked_array(data), series_only=True)
    return nw.from_native(table, eager_only=True)


def array_of(series: Any) -> npt.NDArray[Any]:
    """The values of a narwhals Series; NaN where an integer or a truth value is missing."""
    import narwhals as nw

    kind = series.dtype
    is_number = kind.is_numeric() or kind == nw.Boolean
    if series.implementation.is_pyarrow() and (is_number or _is_of_numbers(series)):
        return to_numpy(series.to_native())
    array: npt.NDArray[Any] = series.to_numpy()
    if is_number and array.dtype == object:  # truth values with gaps, decimals
        array = series.cast(nw.Float64).to_numpy()
    return array


def _is_of_numbers(series: Any) -> bool:
    """Whether this is an Arrow column of nothing but nulls, or a dictionary of numbers."""
    import pyarrow.types as t

    kind = series.to_native().type
    if t.is_dictionary(kind):
        kind = kind.value_type
    tests = (t.is_null, t.is_integer, t.is_floating, t.is_boolean, t.is_decimal)
    return any(test(kind) for test in tests)


def has_columns(data: object) -> bool:
    """Whether an object is a table of which scikit-learn cannot see the columns: lazy ones, and streams of Arrow's."""
    kind = type(data)
    if issubclass(kind, np.ndarray) or (
        kind.__module__.partition(".")[0] in _SEEN and kind.__name__ in ("DataFrame", "Table")
    ):
        return False
    return hasattr(kind, "__arrow_c_stream__") or (
        hasattr(kind, "collect") and hasattr(kind, "columns")
    )


def opened_table(data: Any, argument: str) -> Any:
    """The narwhals DataFrame that ``data`` is, to make others like it of; None for arrays, sequences and mappings."""
    if isinstance(data, np.ndarray | list | tuple | dict):
        return None
    return opened(data, argument)


def new_frame(columns: dict[str, npt.NDArray[Any]], backend: str | None = None) -> Any:
    """Columns as a frame of a library: pandas, polars or pyarrow, or the first of these that is installed."""
    if backend is None:
        backend = next((name for name in _FRAMES if importlib.util.find_spec(name)), None)
        if backend is None:
            raise ImportError(f"a frame needs one of {', '.join(_FRAMES)}: pip install pandas")
    if backend not in _FRAMES:
        raise InputError(f"backend={backend!r} is unknown: choose one of {', '.join(_FRAMES)}.")
    import narwhals as nw

    library: Any = backend
    return nw.from_dict(columns, backend=library).to_native()


def like_frame(frame: Any, columns: dict[str, npt.NDArray[Any]]) -> Any:
    """Columns as a frame of the library that another one is of, with its index; as they are without one."""
    if frame is None:
        return columns
    import narwhals as nw

    table = nw.from_dict(columns, backend=frame.implementation)
    native = table.to_native()
    index = nw.maybe_get_index(frame)
    if index is not None:
        native.index = index
    return native
