"""Columns and targets whose squares leave the range of float64 are fitted in other units, by powers of two."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr.input.coded import CodedColumns, Member, coded_columns
from fastlr.input.columns import Columns, FloatArray
from fastlr.least_squares.absorbed_levels import Elimination
from fastlr.least_squares.problem import Problem, RowSummary, Solution
from fastlr.least_squares.units import log_of
from fastlr.least_squares.within_levels import lengths_of
from fastlr.moments.state import State

__all__ = ["exponents_of", "in_units", "in_units_of_user"]

_LARGEST, _SMALLEST = (
    1e130,
    1e-130,
)  # of values whose squares, and sums of many of these, are in range
_MOST = 1000  # powers of two in a unit


class _Powers(NamedTuple):
    """By which columns (n_features,) and targets (n_targets,) were multiplied."""

    columns: FloatArray
    targets: FloatArray


def exponents_of(state: State, elimination: Elimination) -> npt.NDArray[np.int64]:
    """Exponents of the sizes of numbers and targets that are out of range, in their order, and 0 for all others."""
    numbers = elimination.numbers
    size = np.maximum(np.abs(elimination.high[:, numbers]).max(axis=0), lengths_of(state)[numbers])
    is_outside = (size > _LARGEST) | ((size < _SMALLEST) & (size > 0.0))
    exponents: npt.NDArray[np.int64] = np.frexp(size)[1].astype(np.int64)
    return np.where(is_outside, np.clip(exponents, -_MOST, _MOST), 0)


def in_units(problem: Problem, exponents: npt.NDArray[np.int64]) -> tuple[Problem, _Powers]:
    """The problem with numbers and targets divided by 2 to these powers: copies of those that change."""
    features, n = problem.features, problem.features.n_samples
    assert isinstance(features, CodedColumns)
    given = iter(exponents.tolist())
    members: list[Member] = []
    columns = np.ones(features.n_columns)
    position = 0
    for member in features.members:
        if isinstance(member, np.ndarray):
            power = next(given)
            columns[position] = np.ldexp(1.0, -power)
            members.append(member.astype(np.float64) * columns[position] if power else member)
            position += 1
        else:
            members.append(member)
            position += member.n_columns
    targets = np.array([np.ldexp(1.0, -power) for power in given])
    values = [
        problem.targets.column(k).astype(np.float64) * targets[k] for k in range(len(targets))
    ]
    scaled = problem._replace(
        features=coded_columns(members, n, features.names),
        targets=Columns(values, n, len(values), problem.targets.names),
    )
    return scaled, _Powers(columns, targets)


def in_units_of_user(
    rows: RowSummary, result: Solution, powers: _Powers
) -> tuple[RowSummary, Solution]:
    """What was found in other units, in those of the user."""
    by_column, by_target = powers.columns, powers.targets
    of_all = np.append(by_column, by_target)
    log_rss = log_of(result.rss) if result.log_rss is None else result.log_rss
    with np.errstate(over="ignore", under="ignore"):
        # The factors one after another: their quotient may leave the range that the product is in.
        coef, bse = (
            np.where(
                by_column > 1.0,
                values / by_target[:, np.newaxis] * by_column,
                values * by_column / by_target[:, np.newaxis],
            )
            for values in (result.coef, result.bse)
        )
        return (
            replace(
                rows,
                column_means=rows.column_means / of_all,
                column_deviations=rows.column_deviations / of_all,
            ),
            result._replace(
                coef=coef,
                intercept=result.intercept / by_target,
                rss=result.rss / by_target / by_target,
                tss=result.tss / by_target / by_target,
                bse=bse,
                bse_intercept=result.bse_intercept / by_target,
                residual_sd=result.residual_sd / by_target,
                length=result.length / by_column,
                log_rss=log_rss - 2.0 * np.log(by_target),
            ),
        )
