"""Arrow columns become NumPy arrays where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["to_numpy"]


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
    values_or_gaps = numbers.astype(np.float64)  # a copy: Arrow's buffers are not ours to write to
    values_or_gaps[~_bits(validity, start, stop)] = np.nan
    return values_or_gaps


def _bits(buffer: Any, start: int, stop: int) -> npt.NDArray[np.bool_]:
    """Bits ``start`` to ``stop`` of a bitmap, least significant first."""
    first = start // 8
    packed = np.frombuffer(buffer, dtype=np.uint8)[first : (stop + 7) // 8]
    return np.unpackbits(packed, bitorder="little")[start - 8 * first : stop - 8 * first].view(bool)


def _joined(arrays: list[npt.NDArray[Any]], kind: Any) -> npt.NDArray[Any]:
    """Chunks one after another; those with missing values are float64 already."""
    return np.concatenate(arrays) if arrays else np.empty(0, dtype=kind.to_pandas_dtype())
