"""Columns of categories: levels, and for every row the number of its level."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.convert import is_missing
from fastlr.input.frames import array_of

__all__ = [
    "Coded",
    "Level",
    "coded",
    "declared_in",
    "is_declared",
    "is_text",
    "level_names",
    "recoded",
]

Level = str | bool | int | float
_MOST_SHOWN = 8
_PLAIN = {str, bool, int, float}


class Coded(NamedTuple):
    """A column of categories: a code for every row, and the level that each code stands for."""

    codes: npt.NDArray[np.intp]
    """Position of each row's level; -1 where the value is missing."""
    levels: tuple[Level, ...]

    def take_rows(self, keep: npt.NDArray[np.bool_]) -> Coded:
        """Return the rows for which a mask of shape (n_samples,) is true, copied."""
        return Coded(self.codes[keep], self.levels)

    def of_counted_rows(self, weights: npt.NDArray[Any] | None) -> Coded:
        """Give rows of weight 0, which count for nothing, a level of other rows where none of these has theirs."""
        if weights is None:
            return self
        present = np.bincount(self.codes[weights > 0], minlength=len(self.levels)) > 0
        any_level = int(present.argmax())
        return Coded(np.where(present[self.codes], self.codes, any_level), self.levels)

    def with_used_levels(self) -> Coded:
        """Leave out levels that no row has, in the order of the others."""
        present = self.codes[self.codes >= 0]
        used = np.bincount(present, minlength=len(self.levels)) > 0
        if used.all():
            return self
        position = np.append(np.cumsum(used) - 1, -1)  # the last is that of a missing value
        levels = tuple(itertools.compress(self.levels, used))
        return Coded(position[self.codes], levels)


def is_declared(values: Any) -> bool:
    """Whether a column (of narwhals, pandas or polars) is declared to hold categories."""
    if isinstance(values, np.ndarray | list | tuple):  # which declare nothing
        return False
    import narwhals as nw

    series = nw.from_native(values, series_only=True, pass_through=True)
    if not isinstance(series, nw.Series):
        return str(getattr(values, "dtype", "")) == "category"
    if not isinstance(series.dtype, nw.Categorical | nw.Enum):
        return False
    if series.implementation.is_pyarrow():  # where numbers may be stored that way, to save space
        import pyarrow.types as t

        kind = series.to_native().type.value_type
        return bool(t.is_string(kind) or t.is_large_string(kind) or str(kind) == "string_view")
    return True


def declared_in(frame: Any) -> tuple[str, ...]:
    """Names of the columns of a narwhals frame that are declared to hold categories."""
    import narwhals as nw

    kinds = nw.Categorical | nw.Enum
    names = [name for name, kind in frame.schema.items() if isinstance(kind, kinds)]
    return tuple(name for name in names if is_declared(frame.get_column(name)))


def is_text(values: Any) -> bool:
    """Whether the first value of a column, if any is there, is text."""
    import narwhals as nw

    series = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        if series.dtype != nw.Object:
            return bool(series.dtype == nw.String)
        values = series.to_list()
    elif isinstance(values, np.ndarray):
        if values.dtype.kind in "US":
            return True
        if values.dtype.kind != "O":
            return False
    return isinstance(next((v for v in values if not _is_gap(v)), None), str)


def coded(values: Any, name: str) -> Coded:
    """Levels and codes of a column: declared levels in their order, all others sorted.

    Raises
    ------
    InputTypeError
        If a level is neither text nor a number nor a truth value, or levels are of several types.
    """
    import narwhals as nw

    series = nw.from_native(values, series_only=True, pass_through=True)
    declared: Sequence[Any] | None = None
    if isinstance(series, nw.Series):
        if isinstance(series.dtype, nw.Categorical | nw.Enum):
            if series.implementation.is_pandas_like():
                native = series.to_native()
                return _of_codes(native.cat.codes.to_numpy(), native.cat.categories.tolist(), name)
            if series.implementation.is_pyarrow():
                return _of_dictionary(series.to_native(), name)
            if isinstance(series.dtype, nw.Enum):
                declared = list(series.dtype.categories)
        if series.dtype.is_integer() and not series.null_count():
            return _of_whole_numbers(array_of(series))
        rows = series.to_list()
    elif (
        isinstance(values, np.ndarray) and type(values) is np.ndarray and values.dtype.kind in "iu"
    ):
        return _of_whole_numbers(values)
    elif str(getattr(values, "dtype", "")) == "category":  # pandas.Categorical
        return _of_codes(np.asarray(values.codes), values.categories.tolist(), name)
    else:
        rows = np.ma.getdata(values).tolist() if isinstance(values, np.ndarray) else list(values)
    try:
        levels = declared or sorted({value for value in rows if not _is_gap(value)})
    except TypeError as error:
        raise InputTypeError(
            f"column {name!r} has levels that cannot be told apart or sorted ({error}): make them all text, or all "
            "numbers."
        ) from None
    position = {level: i for i, level in enumerate(levels)}
    codes = np.fromiter(map(position.get, rows, itertools.repeat(-1)), np.intp, len(rows))
    return Coded(codes, _checked(levels, name))


def recoded(column: Coded, levels: tuple[Level, ...], name: str, argument: str) -> Coded:
    """Give a column the levels of a fit; an `InputError` if it has others."""
    position = {level: i for i, level in enumerate(levels)}
    used = column.with_used_levels()
    unseen = [level for level in used.levels if level not in position]
    if unseen:
        raise InputError(
            f"column {name!r} of {argument} has levels that the fit has not seen ({_listed(unseen)}): it knows "
            f"{_listed(levels)}. Leave such rows out, or fit again with rows of these levels."
        )
    table = np.array([*(position[level] for level in used.levels), -1], dtype=np.intp)
    return Coded(table[used.codes], levels)


def _of_whole_numbers(values: npt.NDArray[Any]) -> Coded:
    levels, codes = np.unique(values, return_inverse=True)
    return Coded(codes.reshape(-1).astype(np.intp, copy=False), tuple(levels.tolist()))


def _of_codes(codes: npt.NDArray[Any], levels: list[Any], name: str) -> Coded:
    """Declared levels; those of other types, such as intervals, are taken as text, and nulls among them as gaps."""
    if set(map(type, levels)) == {str}:
        return Coded(codes.astype(np.intp), tuple(levels))
    kept = [i for i, level in enumerate(levels) if not _is_gap(level)]
    position = np.full(len(levels) + 1, -1, dtype=np.intp)  # the last is that of a missing value
    position[kept] = np.arange(len(kept))
    texts = [
        levels[i] if isinstance(levels[i], str | bool | int | float) else str(levels[i])
        for i in kept
    ]
    return Coded(position[codes.astype(np.intp)], _checked(texts, name))


def _of_dictionary(column: Any, name: str) -> Coded:
    """An Arrow column of codes into a dictionary, which may differ between its chunks."""
    import pyarrow as pa

    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # as some versions leave a column of one chunk
        whole = pa.concat_arrays(whole.chunks)
    codes = whole.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return _of_codes(codes, whole.dictionary.to_pylist(), name)


def _checked(levels: Iterable[Any], name: str) -> tuple[Level, ...]:
    result = tuple(levels)
    for level in () if set(map(type, result)) <= _PLAIN else result:
        if not isinstance(level, str | bool | int | float):
            raise InputTypeError(
                f"column {name!r} has the level {level!r}, a {type(level).__name__}: levels are text, numbers or truth "
                "values. Convert the column to text first."
            )
    return result


def _is_gap(value: Any) -> bool:
    return is_missing(value) or (isinstance(value, float) and value != value)


def _listed(levels: Sequence[Level]) -> str:
    shown = ", ".join(repr(level) for level in levels[:_MOST_SHOWN])
    return shown + (f", ... ({len(levels)} in all)" if len(levels) > _MOST_SHOWN else "")


def level_names(column: str, levels: Mapping[str, tuple[Level, ...]]) -> list[str]:
    """Names of the columns that a column of a table becomes: itself, or one for each level but the first."""
    if column not in levels:
        return [column]
    return [f"{column}[T.{level}]" for level in levels[column][1:]]
