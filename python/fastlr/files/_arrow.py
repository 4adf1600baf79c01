"""Parquet, Feather and Arrow IPC; and from Arrow columns to NumPy."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastlr.errors import FileFormatError
from fastlr.files._chunks import Chunk, rows_at_once
from fastlr.files._stream import Source, require_pyarrow
from fastlr.files._table import Column, ColumnArrays, Table, own_names, plain_numbers
from fastlr.input import arrow
from fastlr.input.row_stream import Labelled

_BATCH_ROWS = 1 << 16
_BUFFERED = 1 << 16  # bytes of a column that are read ahead of their decoding: what caches hold
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


class ParquetTable(Table):
    """A Parquet file: only the chosen columns are read."""

    reads_anywhere = True

    def __init__(self, source: Source) -> None:
        require_pyarrow("reading Parquet files")
        import pyarrow.parquet as pq

        path = source.on_disk()
        with _damage_named(source.label):
            self._file = pq.ParquetFile(path)
            schema = self._file.schema_arrow
        super().__init__(source, columns_of_schema(source.label, schema))
        source.resources.callback(self._file.close)
        self._names_in_file = schema.names

    def _read(self, names: list[str]) -> Iterator[tuple[ColumnArrays, int, int]]:
        positions = [self.positions[name] for name in names]
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

    def chunks_of(self, names: list[str], chunk_rows: int | None) -> Iterator[Chunk]:
        """Row groups, several of them where they are small."""
        step = rows_at_once(chunk_rows, len(names))
        metadata = self._file.metadata
        total, rows_before, n_rows = max(1, metadata.num_rows), 0, 0
        groups: list[int] = []
        for i in range(metadata.num_row_groups):
            groups.append(i)
            n_rows += metadata.row_group(i).num_rows
            if n_rows >= step or i + 1 == metadata.num_row_groups:
                if n_rows:
                    yield Chunk(
                        self.label,
                        (self.n_bytes or 0) * n_rows // total,
                        rows_before,
                        partial(self._read_groups, names, tuple(groups), step),
                        self._source.check_unchanged,
                    )
                rows_before, n_rows, groups = rows_before + n_rows, 0, []

    def _read_groups(
        self, names: list[str], groups: tuple[int, ...], step: int, _: int, n_threads: int
    ) -> Iterator[tuple[dict[str, Any], int]]:
        """Decode row groups, ``step`` rows at a time, with a file of the calling thread's own."""
        try:
            yield from self._decoded(names, groups, step, n_threads)
        except FileFormatError:
            if len(groups) > 1:  # one by one, to name the one that is damaged
                for group in groups:
                    deque(self._decoded(names, (group,), step, n_threads), maxlen=0)
            raise

    def _decoded(
        self, names: list[str], groups: tuple[int, ...], step: int, n_threads: int
    ) -> Iterator[tuple[dict[str, Any], int]]:
        import pyarrow.parquet as pq

        wanted = [self._names_in_file[self.positions[name]] for name in names]
        coded = [w for n, w in zip(names, wanted, strict=True) if n in self._labels]
        where = f"row group {groups[0]}" + (f" to {groups[-1]}" if len(groups) > 1 else "")
        with _damage_named(self.label, where):
            file = pq.ParquetFile(
                self._source.on_disk(),
                metadata=self._file.metadata,
                buffer_size=_BUFFERED,
                pre_buffer=False,
                read_dictionary=coded,
            )
            with file:
                for batch in file.iter_batches(
                    step, row_groups=list(groups), columns=wanted, use_threads=n_threads > 1
                ):
                    columns = [batch.column(w) for w in wanted]
                    yield values_of(names, columns, self._text, self._labels), batch.num_rows


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
        super().__init__(source, columns_of_schema(source.label, schema))
        self.reads_anywhere = not self._is_stream
        if not self._is_stream:
            source.resources.callback(self._map.close)

    def _read(self, names: list[str]) -> Iterator[tuple[ColumnArrays, int, int]]:
        positions = [self.positions[name] for name in names]
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

    def chunks_of(self, names: list[str], chunk_rows: int | None) -> Iterator[Chunk]:
        """Record batches of a file, several of them where they are small; a stream's come in turn."""
        if self._is_stream:
            yield from super().chunks_of(names, chunk_rows)
            return
        step = rows_at_once(chunk_rows, len(names))
        n = self._reader.num_record_batches
        with _damage_named(self.label):
            at_once = max(1, step // max(1, self._reader.get_batch(0).num_rows)) if n else 1
        for first in range(0, n, at_once):
            stop = min(first + at_once, n)
            yield Chunk(
                self.label,
                (self.n_bytes or 0) * (stop - first) // n,
                0 if first == 0 else None,
                partial(self._read_some, names, range(first, stop), step),
                self._source.check_unchanged,
            )

    def _read_some(
        self, names: list[str], batches: range, step: int, _: int, n_threads: int
    ) -> Iterator[tuple[dict[str, Any], int]]:
        """Record batches, ``step`` rows at a time, with a map of the calling thread's own."""
        import pyarrow as pa

        positions = [self.positions[name] for name in names]
        where = f"record batch {batches[0]}" + (f" to {batches[-1]}" if len(batches) > 1 else "")
        options = pa.ipc.IpcReadOptions(
            included_fields=sorted(positions), use_threads=n_threads > 1
        )
        with _damage_named(self.label, where), pa.memory_map(str(self._source.on_disk())) as file:
            reader = pa.ipc.open_file(file, options=options)
            for i in batches:
                batch = reader.get_batch(i)
                columns = self._chosen(batch, positions)
                for start in range(0, batch.num_rows, step):
                    some = [column.slice(start, step) for column in columns]
                    n_rows = min(step, batch.num_rows - start)
                    yield values_of(names, some, self._text, self._labels), n_rows

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


def values_of(
    names: list[str], columns: list[Any], text: frozenset[str], labels: frozenset[str]
) -> dict[str, Any]:
    """Arrow columns by name: as numbers, or as text or labels where these were asked for."""
    return {
        name: to_labels(column)
        if name in labels
        else to_text(column)
        if name in text
        else to_numpy(column)
        for name, column in zip(names, columns, strict=True)
    }


def to_labels(values: Any) -> Labelled:
    """An Arrow column as codes and labels; nulls and NaN have the code -1."""
    import pyarrow as pa
    import pyarrow.types as t

    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if not t.is_dictionary(values.type):
        values = values.dictionary_encode()
    labels = tuple(values.dictionary.to_pylist())
    codes = arrow.to_numpy(values.indices)
    if codes.dtype.kind == "f":
        codes = np.where(np.isnan(codes), -1, codes)
    codes = np.ascontiguousarray(codes, dtype=np.int32)
    gaps = [i for i, label in enumerate(labels) if label is None or label != label]
    if gaps:
        codes = np.where(np.isin(codes, gaps), np.int32(-1), codes)
    return Labelled(codes, labels)


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


def columns_of_schema(label: str, schema: Any) -> list[Column]:
    """The columns of an Arrow schema; an index that pandas wrote has no name of its own."""
    import pyarrow.types as types

    named = own_names(label, schema.names)
    return [
        Column(
            name,
            is_numeric(field.type),
            holds(field.type),
            is_named and not _PANDAS_INDEX.fullmatch(name),
            types.is_dictionary(field.type) and holds(field.type) == "text",
        )
        for (name, is_named), field in zip(named, schema, strict=True)
    ]


@contextmanager
def _damage_named(label: str, where: str = "") -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        part = f" ({where})" if where else ""
        raise FileFormatError(
            f"{label} is damaged or not what its first bytes promise{part}: {error}"
        ) from error
