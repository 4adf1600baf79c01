"""What a caller of a fit asks of its covariances, checked before the rows are read and answered after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.clusters import label_columns
from fastlr.inference.covariance import check_options
from fastlr.inference.estimates import GivenRows
from fastlr.inference.words import WEIGHT_TYPES
from fastlr.input.columns import Columns
from fastlr.input.frames import opened
from fastlr.input.options import as_choice
from fastlr.least_squares.absorbed import is_absorbed
from fastlr.least_squares.problem import Problem
from fastlr.results import LinearFit
from fastlr.results.covariances import with_covariance

__all__ = ["Asked", "check_asked", "keeps_inverse", "refuse_target", "with_asked"]

Asked = tuple[str | None, Mapping[str, Any] | None, str]
"""cov_type, cov_kwds and weight_type."""


def check_asked(cov_type: str | None, cov_kwds: Mapping[str, Any] | None, weight_type: str) -> None:
    """Refuse words and options that are unknown, before anything is computed."""
    as_choice(weight_type, WEIGHT_TYPES, "weight_type")
    if cov_kwds is not None and not isinstance(cov_kwds, Mapping):
        raise InputTypeError(
            f"cov_kwds is a {type(cov_kwds).__name__}: pass a mapping such as {{'groups': ids}}."
        )
    if cov_type is None and cov_kwds:
        raise InputError(
            f"cov_kwds has {', '.join(map(repr, cov_kwds))}, but cov_type is not given: pass the covariance that these "
            "are options of."
        )
    if cov_type is not None:
        check_options(cov_type, cov_kwds or {})


def keeps_inverse(cov_type: str | None, problem: Problem) -> bool:
    """Whether the inverse of the cross-products of all columns is worth its time for the covariance that is asked for.

    Where a category is eliminated, all but sums over time do without.
    """
    if cov_type is None:
        return False
    return cov_type.upper() == "HAC" or not is_absorbed(problem)


def refuse_target(names: Sequence[str], targets: Sequence[str]) -> None:
    """Raise an `InputError` where clusters are by the target."""
    for name in names:
        if name in targets:
            raise InputError(
                f"groups={name!r} is the target, whose errors are what clusters have in common: name the column that "
                "says which rows belong together."
            )


def with_asked(
    fit: LinearFit,
    problem: Problem,
    cov_type: str | None,
    cov_kwds: Mapping[str, Any] | None,
    weight_type: str,
    data: object = None,
) -> LinearFit:
    """The fit with the covariance that was asked for, if one was."""
    if cov_type is None and weight_type != "probability":
        return fit
    options = dict(cov_kwds or {})
    if "groups" in options:
        options["groups"] = _groups(options["groups"], problem, data)
    weights = problem.weights
    features: Columns = problem.leading_features
    rows = GivenRows(features, problem.targets, weights, problem.n_threads)
    return with_covariance(fit, rows, cov_type, options)


def _groups(groups: Any, problem: Problem, data: object) -> Any:
    """Labels of the rows that are left, from a column of the formula's table if groups is its name."""
    if isinstance(groups, str):
        if data is None:
            raise InputError(
                f"groups={groups!r} is the name of a column, and there is no formula's table: pass the labels."
            )
        table: Any = data if isinstance(data, Mapping) else opened(data, "data")
        names = list(table) if isinstance(table, Mapping) else table.columns
        if groups not in names:
            raise InputError(f"groups={groups!r} is not among the columns of data: {names}.")
        refuse_target([groups], problem.target_names)
        groups = table[groups]
    if problem.n_dropped:
        if problem.keep is None:
            raise InputError(
                f"{problem.n_dropped} rows were left out for missing values, and groups has labels of all rows: drop "
                "these rows from the table first."
            )
        columns = label_columns(groups, len(problem.keep))
        kept = tuple(column[problem.keep] for column in columns)
        groups = kept[0] if len(kept) == 1 else kept
    return groups
