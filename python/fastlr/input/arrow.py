"""Arrow columns become NumPy arrays where they lie."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["to_numpy", "without_bitmaps"]


def to_numpy(values: Any) -> npt.NDArray[Any]:
    """An Arrow column of numbers as a NumPy array, nulls as NaN.

    Arrow's buffers are read where they lie: ``values.to_numpy()`` would import pandas, if it is
    installed, and that takes longer than fitting a small table. Several chunks are copied into one
    array, and so is a chunk that has nulls.
    """
    import pyarrow as pa
    import pyarrow.types as t

    kind = values.type
    if t.is_null(kind):
        return np.full(len(values), np.nan)
    if t.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = kind.value_type
    if t.is_decimal(kind):
        values = values.cast(pa.float64(), safe=False)
        kind = values.type
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    arrays = [_from_buffers(chunk) for chunk in chunks]
    return arrays[0] if len(arrays) == 1 else _joined(arrays, kind)


def _from_buffers(values: Any) -> npt.NDArray[Any]:
    """An Arrow array of integers, floats or booleans: (validity bits or None, values), an offset."""
    import pyarrow.types as t

    validity, data = values.buffers()
    start, stop = values.offset, values.offset + len(values)
    if len(values) == 0:
        return _joined([], values.type)
    numbers = (
        _bits(data, start, stop)
        if t.is_boolean(values.type)
        else np.frombuffer(data, dtype=values.type.to_pandas_dtype())[start:stop]
    )
    if not values.null_count:
        return numbers
    valid = _bits(validity, start, stop)
    return np.where(valid, numbers, np.float64(np.nan))  # a copy: Arrow's buffers are not ours


def without_bitmaps(data: object) -> tuple[Any, npt.NDArray[np.bool_] | None]:
    """An Arrow table whose columns of numbers forget which values are null, and the rows in which none of them is.

    The bitmaps are read together, eight rows at a time; the values stay where they lie. Other data come back as they
    are, with None, and so do tables without nulls.
    """
    pa = sys.modules.get("pyarrow")
    native = data.to_native() if hasattr(data, "to_native") else data  # as narwhals gives a frame
    if pa is None or not isinstance(native, pa.Table | pa.RecordBatch):
        return data, None
    table: Any = pa.table(native)
    valid: npt.NDArray[np.bool_] | None = None
    columns = list(table.columns)
    for j, column in enumerate(columns):
        if not column.null_count or not _is_plain(column.type):
            continue
        if valid is None:
            valid = np.ones(table.num_rows, dtype=np.bool_)
        first = 0
        for chunk in column.chunks:
            if chunk.null_count:
                bits = _bits(chunk.buffers()[0], chunk.offset, chunk.offset + len(chunk))
                valid[first : first + len(chunk)] &= bits
            first += len(chunk)
        columns[j] = pa.chunked_array([_without_bitmap(chunk) for chunk in column.chunks])
    return (data, None) if valid is None else (pa.table(columns, names=table.column_names), valid)


def _is_plain(kind: Any) -> bool:
    import pyarrow.types as t

    return any(is_kind(kind) for is_kind in (t.is_integer, t.is_floating, t.is_boolean))


def _without_bitmap(chunk: Any) -> Any:
    return type(chunk).from_buffers(
        chunk.type, len(chunk), [None, chunk.buffers()[1]], 0, chunk.offset
    )


def _bits(buffer: Any, start: int, stop: int) -> npt.NDArray[np.bool_]:
    """Bits ``start`` to ``stop`` of a bitmap, least significant first."""
    first = start // 8
    packed = np.frombuffer(buffer, dtype=np.uint8)[first : (stop + 7) // 8]
    return np.unpackbits(packed, bitorder="little")[start - 8 * first : stop - 8 * first].view(bool)


def _joined(arrays: list[npt.NDArray[Any]], kind: Any) -> npt.NDArray[Any]:
    """Chunks one after another; those with missing values are float64 already."""
    return np.concatenate(arrays) if arrays else np.empty(0, dtype=kind.to_pandas_dtype())
