"""npy (memory mapped) and npz files as tables."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastlr.errors import FileFormatError
from fastlr.files._stream import Source
from fastlr.files._table import Column, ColumnArrays, Table, own_names, plain_numbers

_BATCH_ROWS = 1 << 16


class NumpyTable(Table):
    """Columns of one array (npy: x0, x1, ...) or of several (npz: by the arrays' names)."""

    def __init__(self, source: Source) -> None:
        path = source.on_disk()
        try:
            loaded = np.load(path, mmap_mode="r", allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                plain_vector = loaded.ndim == 1 and not loaded.dtype.names
                arrays = {"x": loaded[:, np.newaxis] if plain_vector else loaded}
            else:
                with loaded:
                    arrays = dict(loaded)
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise FileFormatError(f"{source.label} is damaged or holds objects: {error}") from error
        self._columns = _columns_of(arrays, source.label)
        named = own_names(source.label, [name for name, _ in self._columns])
        super().__init__(
            source,
            [
                Column(name, values.dtype.kind in "fiub", _holds(values.dtype), is_named)
                for (name, is_named), (_, values) in zip(named, self._columns, strict=True)
            ],
        )

    def _read(self, names: list[str]) -> Iterator[tuple[ColumnArrays, int, int]]:
        columns = dict(zip(self.names, (values for _, values in self._columns), strict=True))
        total = len(self._columns[0][1])
        for start in range(0, total, _BATCH_ROWS):
            stop = min(start + _BATCH_ROWS, total)
            arrays = {
                name: columns[name][start:stop].astype(np.str_).astype(object)
                if name in self._text
                else plain_numbers(columns[name][start:stop])
                for name in names
            }
            yield arrays, stop - start, (self.n_bytes or 0) * stop // total


def _columns_of(arrays: Mapping[str, NDArray[Any]], label: str) -> list[tuple[str, NDArray[Any]]]:
    """Named 1-D columns; every array must be 1-D or 2-D with the same number of rows."""
    result: list[tuple[str, NDArray[Any]]] = []
    for name, values in arrays.items():
        if values.ndim not in (1, 2):
            raise FileFormatError(
                f"{label}: array {name!r} has shape {values.shape}: a table is made of 1-D and 2-D "
                "arrays, (rows,) or (rows, columns)"
            )
        if values.dtype.names:
            result += _columns_of({field: values[field] for field in values.dtype.names}, label)
        elif values.ndim == 1:
            result.append((name, values))
        else:
            result += [(f"{name}{j}", values[:, j]) for j in range(values.shape[1])]
    if not result:
        raise FileFormatError(f"{label} has no columns: save at least one 1-D or 2-D array")
    lengths = {len(values) for _, values in result}
    if len(lengths) > 1:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in arrays.items())
        raise FileFormatError(
            f"{label}: the arrays have different numbers of rows ({shapes}): "
            "save arrays of equal length"
        )
    return result


def _holds(dtype: np.dtype[Any]) -> str:
    words = {"c": "complex numbers", "U": "text", "S": "text", "M": "dates", "m": "durations"}
    return "numbers" if dtype.kind in "fiub" else words.get(dtype.kind, f"values of type {dtype}")
