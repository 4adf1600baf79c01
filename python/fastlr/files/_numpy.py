"""npy (memory mapped) and npz files as tables."""

from __future__ import annotations

import mmap
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastlr.errors import FileFormatError
from fastlr.files._chunks import Chunk, rows_at_once
from fastlr.files._stream import Source
from fastlr.files._table import Column, ColumnArrays, Table, own_names, plain_numbers
from fastlr.input.row_stream import labelled

_BATCH_ROWS = 1 << 16


class NumpyTable(Table):
    """Columns of one array (npy: x0, x1, ...) or of several (npz: by the arrays' names)."""

    reads_anywhere = True

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
        self._map = getattr(loaded, "_mmap", None)
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
            arrays = {name: self._value(name, columns[name][start:stop]) for name in names}
            yield arrays, stop - start, (self.n_bytes or 0) * stop // total

    def _value(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        if name in self._text:
            return values.astype(np.str_).astype(object)
        return plain_numbers(values)

    def chunks_of(self, names: list[str], chunk_rows: int | None) -> Iterator[Chunk]:
        columns = dict(zip(self.names, (values for _, values in self._columns), strict=True))
        total, step = len(self._columns[0][1]), rows_at_once(chunk_rows, len(names))
        for start in range(0, total, step):
            stop = min(start + step, total)
            some = {name: columns[name][start:stop] for name in names}
            yield Chunk(
                self.label,
                (self.n_bytes or 0) * (stop - start) // total,
                start,
                partial(self._read_rows, some, stop - start),
                self._source.check_unchanged,
            )

    def _read_rows(
        self, columns: dict[str, NDArray[Any]], n_rows: int, *_: int
    ) -> Iterator[tuple[dict[str, Any], int]]:
        """Columns where they lie in the file; pages of it that were read are let go."""
        labels = {name: labelled(columns[name]) for name in columns if name in self._labels}
        yield {n: labels.get(n) or self._value(n, v) for n, v in columns.items()}, n_rows
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            start = np.frombuffer(self._map, dtype=np.uint8).ctypes.data
            for first, last in _extents(columns.values()):
                begin = (first - start) // mmap.PAGESIZE * mmap.PAGESIZE
                self._map.madvise(mmap.MADV_DONTNEED, begin, last - start - begin)


def _extents(columns: Any) -> list[tuple[int, int]]:
    """Ranges of addresses that columns take; those of neighbours, which share pages, as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(_extent(values) for values in columns):
        if found and first <= found[-1][1] + mmap.PAGESIZE:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


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


def _extent(column: NDArray[Any]) -> tuple[int, int]:
    """The addresses of the first byte of a column, and of that after its last."""
    start, span = column.ctypes.data, (len(column) - 1) * column.strides[0]
    return start + min(0, span), start + max(0, span) + column.itemsize
