"""Columns of a table as they were given: numbers, and categories with their levels."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.categories import Coded, coded, recoded
from fastlr.input.columns import Columns
from fastlr.input.convert import as_columns, index_of
from fastlr.input.frames import array_of, opened
from fastlr.input.missing import missing_rows

__all__ = ["Variables", "columns_of", "read_variables"]


class Variables(NamedTuple):
    """Columns of a table by name, in its order: those of numbers, and those of categories."""

    names: tuple[str, ...]
    numbers: Columns
    """NaN where a value is missing; named."""
    categories: dict[str, Coded]
    n_samples: int
    index: Any
    """The rows' labels, if they came in a pandas object."""
    whole: frozenset[str] = frozenset()
    """Columns of integers, which are floats here if values are missing."""

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return the column of numbers of that name."""
        names = self.numbers.names
        assert names is not None
        return self.numbers.column(names.index(name))

    def missing(self, argument: str) -> npt.NDArray[np.bool_] | None:
        """Which rows miss a value, or None if no row does; an `InputError` at infinity."""
        found = missing_rows(self.numbers, self.numbers.names or (), argument=argument)
        for column in self.categories.values():
            gaps = column.codes < 0
            if gaps.any():
                found = gaps if found is None else found | gaps
        return found

    def refuse_missing(self, argument: str, fix: str) -> None:
        """Raise an `InputError` that names the first missing value, if there is one."""
        missing = self.missing(argument)
        if missing is None:
            return
        row = int(missing.argmax())
        name = next(
            name
            for name in self.names
            if (
                self.categories[name].codes[row] < 0
                if name in self.categories
                else np.isnan(self.column(name)[row])
            )
        )
        raise InputError(
            f"{argument} has a missing value (NaN or null in row {row}, column {name!r}, counted from 0): every value "
            f"must be there. {fix}"
        )

    def take_rows(self, keep: npt.NDArray[np.bool_]) -> Variables:
        """Return the rows for which a mask of shape (n_samples,) is true, copied."""
        numbers = self.numbers
        if numbers.n_columns:
            numbers = numbers.take_rows(keep)
        return self._replace(
            numbers=numbers,
            categories={name: column.take_rows(keep) for name, column in self.categories.items()},
            n_samples=int(np.count_nonzero(keep)),
            index=None,
        )

    def of_counted_rows(self, weights: npt.NDArray[Any] | None) -> Variables:
        """Forget levels that only rows of weight 0 have, which count for nothing whatever their level."""
        known = {name: column.of_counted_rows(weights) for name, column in self.categories.items()}
        return self._replace(categories=known)

    def with_levels(self, levels: Mapping[str, tuple[Any, ...]] | None, argument: str) -> Variables:
        """Give categories the levels of a fit, or, if there is none yet, those that occur."""
        known = {
            name: column.with_used_levels()
            if levels is None
            else recoded(column, levels[name], name, argument)
            for name, column in self.categories.items()
        }
        return self._replace(categories=known)


def columns_of(
    data: Any, argument: str, names: Sequence[str] | None = None
) -> tuple[dict[str, Any], int]:
    """Columns of a frame or mapping by name, as series of narwhals or as they were given, and the number of rows."""
    import narwhals as nw

    if isinstance(data, Mapping):
        columns = dict(data)
        for name, values in columns.items():
            if not hasattr(values, "__len__"):
                raise InputTypeError(
                    f"column {name!r} of {argument} is a {type(values).__name__}: pass one value per row."
                )
        lengths = {len(values) for values in columns.values()}
        if len(lengths) > 1:
            raise InputError(
                f"columns of {argument} differ in length ({sorted(lengths)}): pass columns of one length."
            )
        return columns, lengths.pop() if lengths else 0
    frame = opened(data, argument, names)
    if not isinstance(frame, nw.DataFrame):
        raise InputTypeError(
            f"{argument} is a {type(data).__name__}, whose columns have no names: pass a data frame, or a mapping from "
            "names to columns."
        )
    return {name: frame.get_column(name) for name in frame.columns}, len(frame)


def read_variables(
    data: Any,
    argument: str,
    is_category: Callable[[str, Any], bool],
    names: Sequence[str] | None = None,
) -> Variables:
    """Read the columns called ``names`` (all, if None), as categories where ``is_category`` says so.

    Raises
    ------
    InputError
        If a column is not there; the message says which ones have similar names.
    InputTypeError
        If ``data`` are no table, or a column holds neither numbers nor categories.
    """
    columns, n = columns_of(data, argument, names)
    wanted = list(columns) if names is None else list(names)
    for name in wanted:
        if name not in columns:
            raise _unknown(name, data, columns, argument)
    categories = {
        name: coded(columns[name], name) for name in wanted if is_category(name, columns[name])
    }
    numbers = {name: _values(columns[name]) for name in wanted if name not in categories}
    return Variables(
        tuple(wanted),
        as_columns(numbers, argument, may_miss=True),
        categories,
        n,
        index_of(data),
        frozenset(name for name in numbers if _is_whole(columns[name])),
    )


def _is_whole(column: Any) -> bool:
    import narwhals as nw

    return isinstance(column, nw.Series) and bool(column.dtype.is_integer())


def _values(column: Any) -> Any:
    """The values of a column as `as_columns` takes them."""
    import narwhals as nw

    return array_of(column) if isinstance(column, nw.Series) else column


def _unknown(name: str, data: Any, columns: Mapping[str, Any], argument: str) -> InputError:
    """The error for a name that is no column, with those that it may have meant."""
    known = [str(column) for column in columns]
    if hasattr(data, "collect_schema"):  # a lazy frame, of which only wanted columns were read
        known = list(data.collect_schema().names())
    folded = {column.casefold(): column for column in known}
    close = [folded[other] for other in difflib.get_close_matches(name.casefold(), folded)]
    if close:
        hint = f"did you mean {' or '.join(map(repr, close))}?"
    else:
        listed = ", ".join(map(repr, known[:8])) + (", ..." if len(known) > 8 else "")
        hint = f"it has {listed or 'none'}."
    return InputError(f"{argument} has no column {name!r}: {hint}")
