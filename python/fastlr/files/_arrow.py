"""Parquet, Feather and Arrow IPC; and from Arrow columns to NumPy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastlr.errors import FileFormatError
from fastlr.files._stream import Source, require_pyarrow
from fastlr.files._table import Column, ColumnArrays, Table, own_names, plain_numbers
from fastlr.input import arrow

_BATCH_ROWS = 1 << 16
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


class ParquetTable(Table):
    """A Parquet file: only the chosen columns are read."""

    def __init__(self, source: Source) -> None:
        require_pyarrow("reading Parquet files")
        import pyarrow.parquet as pq

        path = source.on_disk()
        with _damage_named(source.label):
            self._file = pq.ParquetFile(path)
            schema = self._file.schema_arrow
        super().__init__(source, _columns(source.label, schema))
        source.resources.callback(self._file.close)
        self._names_in_file = schema.names

    def _read(self, names: list[str]) -> Iterator[tuple[ColumnArrays, int, int]]:
        positions = [self.names.index(name) for name in names]
        wanted = [self._names_in_file[i] for i in positions]
        n_rows = 0
        with _damage_named(self.label):
            for batch in self._file.iter_batches(_BATCH_ROWS, columns=wanted):
                arrays = {
                    n: (to_text if n in self._text else to_numpy)(batch.column(w))
                    for n, w in zip(names, wanted, strict=True)
                }
                n_rows += batch.num_rows
                share = n_rows / self._file.metadata.num_rows
                yield arrays, batch.num_rows, int(share * (self.n_bytes or 0))


class ArrowTable(Table):
    """Arrow IPC, as a file (Feather version 2) or as a stream."""

    def __init__(self, source: Source) -> None:
        pa = require_pyarrow("reading Arrow files")
        self._is_stream = not source.peek(6).startswith(b"ARROW1")
        with _damage_named(source.label):
            if self._is_stream:
                self._reader = _stream_reader(source)
                self._is_fresh = True
            else:
                self._map = pa.memory_map(str(source.on_disk()))
                self._reader = pa.ipc.open_file(self._map)
            schema = self._reader.schema
        super().__init__(source, _columns(source.label, schema))
        if not self._is_stream:
            source.resources.callback(self._map.close)

    def _read(self, names: list[str]) -> Iterator[tuple[ColumnArrays, int, int]]:
        positions = [self.names.index(name) for name in names]
        with _damage_named(self.label):
            for batch, bytes_read in self._record_batches(positions):
                columns = dict(zip(names, self._chosen(batch, positions), strict=True))
                for start in range(0, batch.num_rows, _BATCH_ROWS):
                    n_rows = min(_BATCH_ROWS, batch.num_rows - start)
                    arrays = {
                        n: (to_text if n in self._text else to_numpy)(c.slice(start, n_rows))
                        for n, c in columns.items()
                    }
                    yield arrays, n_rows, bytes_read

    def _record_batches(self, positions: list[int]) -> Iterator[tuple[Any, int]]:
        import pyarrow as pa

        if self._is_stream:
            if not self._is_fresh:
                self._reader = _stream_reader(self._source)
            self._is_fresh = False
            for batch in self._reader:
                yield batch, self._source.bytes_read
            return
        options = pa.ipc.IpcReadOptions(included_fields=sorted(positions))
        reader = pa.ipc.open_file(self._map, options=options)
        for i in range(reader.num_record_batches):
            share = (i + 1) / reader.num_record_batches
            yield reader.get_batch(i), int(share * (self.n_bytes or 0))

    def _chosen(self, batch: Any, positions: list[int]) -> list[Any]:
        if self._is_stream:
            return [batch.column(i) for i in positions]
        order = sorted(positions)
        return [batch.column(order.index(i)) for i in positions]


def _stream_reader(source: Source) -> Any:
    """Record batches in turn, on this thread alone: their bytes are Python's (see ``own_memory``)."""
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(use_threads=False)
    return pa.ipc.open_stream(pa.PythonFile(source.open(), mode="r"), options=options)


def own_memory(data: bytes) -> Any:
    """A copy of ``data`` in memory of Arrow's own, which its threads can let go without Python.

    A reader's last thread may drop its buffer after the call has returned. A buffer of Python's
    takes the GIL for that, and a thread that asks for it while the interpreter shuts down is ended
    by force, which aborts the process (Arrow's issue 36389).
    """
    import pyarrow as pa

    buffer = pa.allocate_buffer(len(data))
    np.frombuffer(buffer, dtype=np.uint8)[:] = np.frombuffer(data, dtype=np.uint8)
    return buffer


def is_numeric(kind: Any) -> bool:
    """Whether an Arrow type holds real numbers or booleans (or nothing at all)."""
    import pyarrow.types as t

    if t.is_dictionary(kind):
        kind = kind.value_type
    tests = (t.is_integer, t.is_floating, t.is_boolean, t.is_decimal, t.is_null)
    return any(test(kind) for test in tests)


def holds(kind: Any) -> str:
    """An Arrow type in a word for people."""
    import pyarrow.types as t

    if t.is_dictionary(kind):
        kind = kind.value_type
    words = {
        "booleans": (t.is_boolean,),
        "numbers": (is_numeric,),
        "text": (t.is_string, t.is_large_string, lambda kind: str(kind) == "string_view"),
        "dates or times": (t.is_temporal,),
        "bytes": (t.is_binary, t.is_large_binary, t.is_fixed_size_binary),
    }
    for word, tests in words.items():
        if any(test(kind) for test in tests):
            return word
    return f"values of type {kind}"


def to_numpy(values: Any) -> NDArray[Any]:
    """An Arrow column of numbers as a NumPy array of a type that batches have, nulls as NaN."""
    return plain_numbers(arrow.to_numpy(values))


def to_text(values: Any) -> NDArray[Any]:
    """An Arrow column as text: an array of ``str``, and None for nulls."""
    import pyarrow as pa
    import pyarrow.types as t

    if t.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if not t.is_string(values.type):
        values = values.cast(pa.string())
    return np.array(values.to_pylist(), dtype=object)


def _columns(label: str, schema: Any) -> list[Column]:
    named = own_names(label, schema.names)
    return [
        Column(
            name,
            is_numeric(field.type),
            holds(field.type),
            is_named and not _PANDAS_INDEX.fullmatch(name),
        )
        for (name, is_named), field in zip(named, schema, strict=True)
    ]


@contextmanager
def _damage_named(label: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise FileFormatError(
            f"{label} is damaged or not what its first bytes promise: {error}"
        ) from error
