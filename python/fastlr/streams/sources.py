"""Whatever rows come from, as a table: files, Arrow streams, data sets, lazy frames, functions that give batches."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.files import Chunk, Column, Table, closed_tables
from fastlr.files.frames import columns_of_schema, values_of
from fastlr.files.reading import nothing_to_check, require_pyarrow, rows_at_once
from fastlr.input.arguments import as_features, as_targets, as_weights
from fastlr.input.names import default_names, default_targets
from fastlr.input.row_stream import labelled

__all__ = ["WEIGHTS", "FunctionTable", "opened_source"]

WEIGHTS = "sample_weight"
"""The column that the weights of batches (X, y, weights) are."""


def opened_source(source: Any, text: Mapping[str, Any]) -> Table:
    """The table that a source is; ``text`` says how files of text are written."""
    if isinstance(source, str | os.PathLike):
        return closed_tables([source], **text)
    if isinstance(source, list | tuple) and all(isinstance(s, str | os.PathLike) for s in source):
        return closed_tables(source, **text)
    if text:
        raise InputError(
            f"{next(iter(text))} is for files of text, and source is a {type(source).__name__}: leave it out."
        )
    if callable(getattr(source, "get_fragments", None)):
        return DatasetTable(source)
    if callable(getattr(source, "collect_batches", None)):
        return LazyTable(source)
    if hasattr(source, "__arrow_c_stream__"):
        return StreamTable(source)
    if callable(source):
        return FunctionTable(source, may_change=True)
    if isinstance(source, Iterable) and not isinstance(source, Mapping | str | bytes | np.ndarray):
        iterator = iter(source)
        if iterator is source:
            return FunctionTable(lambda: iterator, is_once=True)
        return FunctionTable(lambda: iter(source), may_change=not isinstance(source, list | tuple))
    raise InputTypeError(
        f"source is a {type(source).__name__}: pass a path, a list of paths, a frame or stream of Arrow's, a data set, "
        "or a function that gives batches, (X, y) or frames."
    )


class _SourceTable(Table):
    """A table that no file of ours is behind."""

    counts_rows = True

    def __init__(self, label: str, columns: Iterable[Column]) -> None:
        self.label, self.columns, self.n_bytes = label, tuple(columns), None
        self._text = self._labels = frozenset()

    @property
    def can_repeat(self) -> bool:
        """Whether the rows can be read again."""
        return True

    def close(self) -> None:
        """Do nothing: the source is its owner's."""

    def _read(self, names: list[str]) -> Iterator[tuple[dict[str, Any], int, int]]:
        for chunk in self.chunks_of(names, None):
            for arrays, n_rows in chunk.read(chunk.rows_before or 0, 1):
                yield arrays, n_rows, 0

    def _of_record_batch(
        self, batch: Any, names: list[str], step: int, rows_before: int
    ) -> Iterator[Chunk]:
        """A record batch of Arrow's, ``step`` rows at a time."""
        columns = [batch.column(name) for name in names]
        for start in range(0, batch.num_rows, step):
            n_rows = min(step, batch.num_rows - start)
            some = [column.slice(start, n_rows) for column in columns]

            def read(*_: int, some: Any = some, n: int = n_rows) -> Iterator[tuple[Any, int]]:
                yield values_of(names, some, self._text, self._labels), n

            yield Chunk(self.label, 0, rows_before + start, read, nothing_to_check)


class StreamTable(_SourceTable):
    """What offers a stream of Arrow's: frames, DuckDB's relations, tables; and readers, which can be read once."""

    def __init__(self, source: Any) -> None:
        require_pyarrow("reading streams of Arrow's")
        import pyarrow as pa

        self._stream = source
        self._is_once = hasattr(source, "read_next_batch")
        self._reader = pa.RecordBatchReader.from_stream(source)
        self._is_fresh = True
        label = f"the {type(source).__name__}"
        super().__init__(label, columns_of_schema(label, self._reader.schema))

    @property
    def can_repeat(self) -> bool:
        """Whether the rows can be read again: those of a reader cannot."""
        return not self._is_once

    def chunks_of(self, names: list[str], chunk_rows: int | None) -> Iterator[Chunk]:
        """The record batches of a new stream, in slices."""
        import pyarrow as pa

        if not self._is_fresh:
            self._reader = pa.RecordBatchReader.from_stream(self._stream)
        self._is_fresh = False
        step, n_rows = rows_at_once(chunk_rows, len(names)), 0
        for batch in self._reader:
            yield from self._of_record_batch(batch, names, step, n_rows)
            n_rows += batch.num_rows


class LazyTable(_SourceTable):
    """A lazy frame of polars', run anew for each pass, batch by batch."""

    def __init__(self, source: Any) -> None:
        self._frame = source
        label = f"the {type(source).__name__}"
        super().__init__(
            label, columns_of_schema(label, source.head(0).collect().to_arrow().schema)
        )

    def chunks_of(self, names: list[str], chunk_rows: int | None) -> Iterator[Chunk]:
        """The batches of a new run, in slices."""
        step, n_rows = rows_at_once(chunk_rows, len(names)), 0
        batches = self._frame.select(names).collect_batches(chunk_size=step, maintain_order=True)
        for frame in batches:
            for batch in frame.to_arrow().to_batches():
                yield from self._of_record_batch(batch, names, step, n_rows)
                n_rows += batch.num_rows


class DatasetTable(_SourceTable):
    """A data set of pyarrow's: its fragments, by row groups where they have these."""

    def __init__(self, source: Any) -> None:
        self._dataset = source
        super().__init__("the data set", columns_of_schema("the data set", source.schema))

    def chunks_of(self, names: list[str], chunk_rows: int | None) -> Iterator[Chunk]:
        """Fragments, by row groups where they have these."""
        step = rows_at_once(chunk_rows, len(names))
        for fragment in self._dataset.get_fragments():
            split = getattr(fragment, "split_by_row_group", None)
            for k, part in enumerate([fragment] if split is None else split()):
                yield Chunk(
                    getattr(fragment, "path", "") or self.label,
                    0,
                    0 if k == 0 else None,
                    partial(self._read_fragment, part, names, step),
                    nothing_to_check,
                )

    def _read_fragment(
        self, fragment: Any, names: list[str], step: int, _: int, n_threads: int
    ) -> Iterator[tuple[dict[str, Any], int]]:
        import pyarrow.dataset as ds

        options = {}
        if isinstance(fragment, ds.ParquetFileFragment):  # else it reads all of a file ahead
            options["fragment_scan_options"] = ds.ParquetFragmentScanOptions(pre_buffer=False)
        for batch in fragment.to_batches(
            schema=self._dataset.schema,
            columns=names,
            batch_size=step,
            batch_readahead=1,
            use_threads=n_threads > 1,
            **options,
        ):
            columns = [batch.column(name) for name in names]
            yield values_of(names, columns, self._text, self._labels), batch.num_rows


class FunctionTable(_SourceTable):
    """Batches that a function gives when it is called: (X, y), (X, y, weights), frames or mappings of columns."""

    def __init__(
        self,
        batches: Callable[[], Iterable[Any]],
        *,
        is_once: bool = False,
        may_change: bool = False,
    ) -> None:
        self._batches_of, self._is_once = batches, is_once
        self.may_change = may_change
        iterator = iter(_called(batches))
        begun = list(_until_rows(iterator))
        if not begun or _is_empty_pair(begun[-1]):
            raise InputError(
                "source has no batches with rows: give at least one, (X, y) or a frame."
            )
        first = begun[-1]
        self._first = itertools.chain(begun, iterator) if is_once else None
        self.is_of_pairs = _is_pair(first)
        self.targets: tuple[str, ...] = ()
        if self.is_of_pairs:
            columns, self.targets = _columns_of_pair(first, 0)
            self.has_names = as_features(first[0], may_miss=True).names is not None
            kinds = [Column(name, True, "numbers") for name in columns]
        elif isinstance(first, Mapping):
            kinds = [_kind(name, np.asarray(values)) for name, values in first.items()]
        else:
            kinds = columns_of_schema("batch 0", _reader(first, 0).schema)
        super().__init__("the batches", kinds)

    @property
    def can_repeat(self) -> bool:
        """Whether the rows can be read again: those of an iterator cannot."""
        return not self._is_once

    def chunks_of(self, names: list[str], chunk_rows: int | None) -> Iterator[Chunk]:
        """The batches of a new call, in slices."""
        batches, self._first = self._first, None
        step, n_rows = rows_at_once(chunk_rows, len(names)), 0
        for k, item in enumerate(_called(self._batches_of) if batches is None else batches):
            if _is_pair(item) != self.is_of_pairs:
                raise InputError(
                    f"batch {k} of source is a {type(item).__name__}, and those before it are not: give batches of one "
                    "kind."
                )
            if not (self.is_of_pairs or isinstance(item, Mapping)):
                reader = _reader(item, k)
                self._check_frame(reader.schema, names, k)
                for batch in reader:
                    yield from self._of_record_batch(batch, names, step, n_rows)
                    n_rows += batch.num_rows
                continue
            if _is_empty_pair(item):
                continue
            columns = _columns_of_pair(item, k)[0] if self.is_of_pairs else item
            _check_columns(names, columns, k)
            _check_no_others(columns, self.names, k)
            arrays = {name: np.asarray(columns[name]) for name in names}
            n = _length(arrays, k)
            for start in range(0, n, step):
                some = {name: values[start : start + step] for name, values in arrays.items()}
                n_some = min(step, n - start)
                yield Chunk(
                    self.label,
                    0,
                    n_rows + start,
                    partial(self._read_arrays, some, n_some),
                    nothing_to_check,
                )
            n_rows += n

    def _check_frame(self, schema: Any, names: list[str], k: int) -> None:
        """Refuse a frame with other columns than the first one, or without numbers where they are wanted."""
        _check_columns(names, schema.names, k)
        _check_no_others(schema.names, self.names, k)
        for column in columns_of_schema(f"batch {k}", schema):
            is_wanted = column.name in names and column.name not in self._labels | self._text
            if is_wanted and not column.is_numeric:
                raise InputTypeError(
                    f"column {column.name!r} of batch {k} of source holds {column.holds}, not numbers: convert it, or "
                    "leave it out."
                )

    def _read_arrays(
        self, arrays: dict[str, Any], n_rows: int, *_: int
    ) -> Iterator[tuple[dict[str, Any], int]]:
        yield (
            {
                name: labelled(values)
                if name in self._labels
                else values.astype(np.str_).astype(object)
                if name in self._text
                else _plain(name, values)
                for name, values in arrays.items()
            },
            n_rows,
        )


def _is_pair(item: Any) -> bool:
    return isinstance(item, tuple | list) and len(item) in (2, 3)


def _is_empty_pair(item: Any) -> bool:
    """Whether this is a batch (X, y) without rows, which adds nothing."""
    return _is_pair(item) and all(len(np.shape(part)) > 0 == np.shape(part)[0] for part in item[:2])


def _until_rows(batches: Iterator[Any]) -> Iterator[Any]:
    """The batches up to the first one that is not empty."""
    for item in batches:
        yield item
        if not _is_empty_pair(item):
            return


def _called(batches: Callable[[], Iterable[Any]]) -> Iterable[Any]:
    """Call a function of batches, and check that it gives an iterable."""
    given = batches()
    if not isinstance(given, Iterable):
        raise InputTypeError(
            f"source gave a {type(given).__name__} when it was called: let it return or yield batches, (X, y) or "
            "frames."
        )
    return given


def _columns_of_pair(item: Any, k: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The columns of a batch (X, y) or (X, y, weights), and which of them are targets."""
    features = as_features(item[0], may_miss=True)
    n = features.n_samples
    targets = as_targets(item[1], n, index=features.index, may_miss=True)
    names = features.names or default_names(features.n_columns)
    labels = targets.names or default_targets(targets.n_columns)
    columns = dict(zip(names, features.as_list(), strict=True))
    for name, values in zip(labels, targets.as_list(), strict=True):
        if name in columns:
            raise InputError(f"batch {k} of source has {name!r} in X and in y: rename one of them.")
        columns[name] = values
    if len(item) == 3:
        weights = as_weights(item[2], n, index=features.index, may_miss=True)
        columns[WEIGHTS] = np.ones(n) if weights is None else weights
    return columns, tuple(labels)


def _reader(item: Any, k: int) -> Any:
    """Open a frame as a reader of record batches."""
    require_pyarrow("reading batches that are frames")
    import pyarrow as pa

    if not hasattr(item, "__arrow_c_stream__"):
        raise InputTypeError(
            f"batch {k} of source is a {type(item).__name__}: give (X, y), (X, y, weights), a frame, or a mapping from "
            "names to columns."
        )
    return pa.RecordBatchReader.from_stream(item)


def _kind(name: str, values: Any) -> Column:
    is_numeric = values.dtype.kind in "fiub"
    return Column(name, is_numeric, "numbers" if is_numeric else f"values of type {values.dtype}")


def _plain(name: str, values: Any) -> Any:
    if values.dtype.kind in "fiub":
        return values
    raise InputTypeError(
        f"column {name!r} of a batch has dtype {values.dtype}: convert it to numbers, or leave it out."
    )


def _check_columns(names: list[str], present: Iterable[str], k: int) -> None:
    present = list(present)
    lacking = [name for name in names if name not in present]
    if lacking:
        raise InputError(
            f"batch {k} of source has no column {lacking[0]!r}; it has {', '.join(present)}: give every batch the same "
            "columns."
        )


def _check_no_others(present: Iterable[str], known: Sequence[str], k: int) -> None:
    """Refuse columns of a batch that the first one has not: they would be left out unsaid."""
    others = [name for name in present if name not in known]
    if others:
        raise InputError(
            f"batch {k} of source has a column {others[0]!r}, and the first one has {', '.join(known)}: give every "
            "batch the same columns."
        )


def _length(arrays: Mapping[str, Any], k: int) -> int:
    lengths = {len(values) for values in arrays.values()}
    if len(lengths) > 1:
        raise InputError(f"columns of batch {k} of source differ in length: {sorted(lengths)}.")
    return lengths.pop()
