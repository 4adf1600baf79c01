"""How the columns of a table become the features of a fit, again for every table that it predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.arguments import as_features, as_targets, as_weights
from fastlr.input.categories import Level, declared_in, is_declared, level_names
from fastlr.input.coded import Indicator, Member, coded_columns
from fastlr.input.columns import Columns
from fastlr.input.frames import opened
from fastlr.input.missing import is_drop, without_missing
from fastlr.input.names import check_same_features
from fastlr.input.sparse import is_sparse, is_sparse_frame
from fastlr.input.variables import Variables, columns_of, read_variables
from fastlr.storage.schema import check_keys, shown

__all__ = [
    "Design",
    "DesignedRows",
    "Indicators",
    "as_levels",
    "categories_among",
    "indicator_rows",
]

_FILL = "Drop or fill such rows first."


class Design(Protocol):
    """What a fit remembers of the table that its features were made of."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the columns of a table that features are made of."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features that the columns of a table become."""

    @property
    def levels(self) -> Mapping[str, tuple[Level, ...]]:
        """Levels of the columns that hold categories."""

    def features(self, data: Any, argument: str = "X") -> Columns:
        """Make the features of new rows; unseen levels and missing values are an `InputError`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, from which the same design can be made."""


@dataclass(frozen=True)
class Indicators:
    """Columns of a table, those of categories as indicators of all levels but the first.

    Indicators are made while they are read: a category takes four bytes a row.
    """

    variables: tuple[str, ...]
    levels: Mapping[str, tuple[Level, ...]]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features: ``city[T.Bern]`` for an indicator."""
        return tuple(name for column in self.variables for name in level_names(column, self.levels))

    def features(self, data: Any, argument: str = "X") -> Columns:
        """Make the features of new rows; unseen levels and missing values are an `InputError`."""
        columns, _ = columns_of(data, argument)
        names = Columns([], 0, len(columns), tuple(columns))
        check_same_features(names, self.variables, argument=argument, owner="this fit")
        variables = read_variables(columns, argument, lambda name, _: name in self.levels)
        variables.refuse_missing(argument, _FILL)
        return self.expanded(variables.with_levels(self.levels, argument))

    def expanded(self, variables: Variables, names: tuple[str, ...] | None = None) -> Columns:
        """The features of rows whose categories have the levels of this design; ``names`` are theirs, if known."""
        members: list[Member] = []
        for name in self.variables:
            if name not in self.levels:
                members.append(variables.column(name))
            elif len(self.levels[name]) > 1:
                codes = variables.categories[name].codes
                members.append(Indicator(codes, 1, len(self.levels[name]) - 1))
        return coded_columns(
            members, variables.n_samples, names or self.feature_names, variables.index
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, from which `from_dict` makes the same design."""
        levels = {name: list(levels) for name, levels in self.levels.items()}
        return {"kind": "indicators", "variables": list(self.variables), "levels": levels}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Indicators:
        """Restore what `to_dict` gave; an `InputError` if it is something else."""
        check_keys("a design", data, dict.fromkeys(("kind", "variables", "levels")))
        names = data["variables"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"the variables of a design are {shown(names)}, not a list of names.")
        return cls(tuple(names), as_levels(data["levels"]))


def as_levels(data: object) -> dict[str, tuple[Level, ...]]:
    """Levels by column as they were stored; an `InputError` if they are something else."""
    if not isinstance(data, Mapping):
        raise InputError(f"the levels of a design are {shown(data)}, not lists by column.")
    for name, levels in data.items():
        is_list = isinstance(levels, list) and levels
        if not is_list or not set(map(type, levels)) <= {str, bool, int, float}:
            raise InputError(f"the levels of {name!r} are {shown(levels)}, not text or numbers.")
    return {name: tuple(levels) for name, levels in data.items()}


def categories_among(X: Any, categories: object) -> tuple[Any, tuple[str, ...]]:
    """X, opened if it is a frame, and the names of its columns that are to become indicators.

    Raises
    ------
    InputError
        If a name is no column of X.
    InputTypeError
        If ``categories`` are neither "auto" nor None nor names, or X has no names.
    """
    if categories is None:
        return X, ()
    is_auto = isinstance(categories, str) and categories == "auto"
    if not is_auto and (
        isinstance(categories, str)
        or not isinstance(categories, Sequence)
        or not all(isinstance(name, str) for name in categories)
    ):
        raise InputTypeError(
            f"categories={categories!r} is not a list of columns: pass a list of names, 'auto' for columns that are "
            "declared to be categories, or None."
        )
    is_plain = (
        isinstance(X, np.ndarray | list | tuple | Columns) or is_sparse(X) or is_sparse_frame(X)
    )
    if not isinstance(X, Mapping) and not is_plain:
        frame = opened(X, "X")
        X = X if frame is None else frame
    if is_auto:
        if isinstance(X, Mapping):
            return X, tuple(n for n, values in X.items() if is_declared(values))
        if is_plain or not hasattr(X, "get_column"):
            return X, ()
        return X, declared_in(X)
    chosen: tuple[str, ...] = tuple(categories)  # type: ignore[arg-type]
    if not chosen:
        return X, ()
    columns, _ = columns_of(X, "X")
    unknown = [name for name in chosen if name not in columns]
    if unknown:
        raise InputError(
            f"categories names {unknown[0]!r}, which is no column of X: it has {', '.join(map(repr, columns))}."
        )
    return X, chosen


@dataclass(frozen=True)
class DesignedRows:
    """Validated rows whose features were made of a table."""

    features: Columns
    targets: Columns
    weights: npt.NDArray[Any] | None
    n_dropped: int


@dataclass(frozen=True)
class IndicatorRows(DesignedRows):
    """Rows of a table whose categories have become indicators."""

    design: Indicators


def indicator_rows(
    X: Any, y: object, sample_weight: object, names: tuple[str, ...], missing: str
) -> IndicatorRows:
    """Validate X, y and weights, and make indicators of the columns of X called ``names``."""
    is_dropping = is_drop(missing)
    variables = read_variables(X, "X", lambda name, _: name in names)
    n, index = variables.n_samples, variables.index
    if n == 0:
        raise InputError("X has no rows: pass at least one.")
    targets = as_targets(y, n, index=index, may_miss=is_dropping)
    weights = as_weights(sample_weight, n, index=index, may_miss=is_dropping)
    n_dropped = 0
    if is_dropping:
        rows = without_missing(_as_numbers(variables), targets, weights)
        targets, weights, n_dropped = rows.targets, rows.weights, rows.n_dropped
        if rows.keep is not None:
            variables = variables.take_rows(rows.keep)
    else:
        variables.refuse_missing("X", f"{_FILL[:-1]}, or pass missing='drop'.")
    variables = variables.of_counted_rows(weights).with_levels(None, "X")
    levels = {name: column.levels for name, column in variables.categories.items()}
    design = Indicators(variables.names, levels)
    made = design.feature_names
    if not made:
        name, (level,) = next(iter(levels.items()))
        raise InputError(
            f"column {name!r} of X holds one level alone, {level!r}, which is left out as the reference: nothing is "
            "left to fit on. Leave the column out, or add columns that vary."
        )
    if len(set(made)) < len(made):
        twice = next(name for name in made if made.count(name) > 1)
        raise InputError(f"X would have two features called {twice!r}: rename a column of X.")
    return IndicatorRows(
        as_features(design.expanded(variables, made)), targets, weights, n_dropped, design
    )


def _as_numbers(variables: Variables) -> Columns:
    """All columns as numbers, NaN where a value is missing: codes stand for categories."""
    arrays: list[npt.NDArray[Any]] = []
    for name in variables.names:
        if name in variables.categories:
            codes = variables.categories[name].codes
            arrays.append(np.where(codes < 0, np.nan, codes))
        else:
            arrays.append(variables.column(name))
    return Columns(arrays, variables.n_samples, len(arrays), variables.names)
