"""From a fit within the levels of a category back to the coefficients of all levels, and their errors.

The coefficient of level g is ``mean_g y - mean_g x @ coef``, less that of the reference, whose own is the intercept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.input.coded import Indicator
from fastlr.input.columns import FloatArray
from fastlr.input.threads import interruptible
from fastlr.least_squares.problem import Problem, RowSummary, Solution
from fastlr.least_squares.rounding import add_product_to, add_to
from fastlr.least_squares.units import U, digits_at
from fastlr.moments.state import State

__all__ = ["Elimination", "level_solution", "worst_digits"]

_INVOLVED = 1e-9  # share of a unit direction from which a coefficient moves along it
_ALL_DIGITS = 15.0
_AT_ONCE = 1 << 17  # means


@dataclass(frozen=True)
class Elimination:
    """A category whose indicators leave the normal equations, and what is known of its levels."""

    category: Indicator
    first: int
    """Position of its first indicator among all columns."""
    columns: npt.NDArray[np.intp]
    """Positions of the p columns that remain."""
    is_eliminated: npt.NDArray[np.bool_]
    """Which levels have a coefficient, be it the intercept, and rows that count: (n_levels,)."""
    has_reference: bool
    """Whether level 0 has no indicator."""
    weight: FloatArray
    """Sums of weights (n_levels,)."""
    high: FloatArray
    """Means of the columns that remain, then of the targets, by level: (n_levels, p + n_targets)."""
    numbers: npt.NDArray[np.intp]
    """Which of these are no indicators: k columns of numbers, and the targets."""
    low: FloatArray
    """What these means differ by from the exact ones: (n_levels, k + n_targets)."""
    tables: dict[int, Any]
    """How often its levels meet those of another category, by the place of that among the columns that remain."""


def level_solution(
    problem: Problem,
    elimination: Elimination,
    state: State,
    within: Solution,
    exact: FloatArray,
    error: FloatArray,
) -> tuple[RowSummary, Solution]:
    """The solution of all columns in their order, from that of the columns that remain.

    Parameters
    ----------
    state : State
        Moments of the columns that remain, and of the targets, about their means by level.
    within : Solution
        Their fit.
    exact : ndarray of shape (2, n_targets, p)
        Its coefficients as unevaluated sums.
    error : ndarray of shape (n_targets,)
        What times a root of the inverse is the error of a coefficient.
    """
    n_targets, p = within.coef.shape
    total, columns = problem.features.n_columns, elimination.columns
    own = elimination.first + np.arange(elimination.category.n_columns)
    of_levels, rounding = _levels_of(elimination, exact)
    weight, means = elimination.weight, elimination.high[:, :p]
    variance = 1.0 / np.where(weight > 0, weight, np.inf)
    root = _root_of(within, p)
    intercept, bse_intercept = np.zeros(n_targets), np.zeros(n_targets)
    offset: FloatArray = np.zeros(p)
    if elimination.has_reference and problem.fit_intercept:
        offset = means[0]
        intercept = of_levels[:, :, 0].sum(axis=0)
        bse_intercept = within.residual_sd * np.sqrt(variance[0] + np.square(offset @ root).sum())
        reference = of_levels[:, :, :1].copy()
        add_to(of_levels, -reference[0])
        of_levels[1] -= reference[1]
        variance = variance + variance[0]
    first = elimination.category.level
    levels = of_levels.sum(axis=0)[:, first:]
    spread = np.sqrt(variance[first:] + _squares_along(means[first:], offset, root))
    coef, bse = np.zeros((n_targets, total)), np.full((n_targets, total), np.nan)
    coef[:, columns], bse[:, columns] = exact.sum(axis=0), within.bse
    coef[:, own] = levels
    bse[:, own] = within.residual_sd[:, np.newaxis] * spread
    error = error + _error_of_climb(within, root)
    of_levels_error = rounding[:, first:] + error[:, np.newaxis] * spread
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(of_levels_error > 0, of_levels_error / np.abs(levels), 0.0)
    summary = _summary(problem, elimination, state)
    feature_means = summary.column_means[:total]
    length = summary.column_deviations[:total] * np.sqrt(summary.total_weight)
    if not problem.fit_intercept:
        length = np.hypot(length, feature_means * np.sqrt(summary.total_weight))
    directions = _directions(within, total, means[first:], offset, own, columns)
    if len(directions):
        coef, intercept, bse, bse_intercept = _moved(
            coef,
            intercept,
            bse,
            bse_intercept,
            directions,
            feature_means,
            within.solver == "basic",
            problem.fit_intercept,
        )
    null_space = directions * length
    norm = np.linalg.norm(null_space, axis=1, keepdims=True)
    null_space = null_space / np.where(norm > 0, norm, 1.0)
    between = weight @ np.square(elimination.high[:, p:] * elimination.is_eliminated[:, np.newaxis])
    if problem.fit_intercept:
        mean = weight @ elimination.high[:, p:] / weight.sum()
        between = weight @ np.square(elimination.high[:, p:] - mean)
    result = within._replace(
        coef=coef,
        intercept=intercept,
        tss=within.tss + between,
        bse=bse,
        bse_intercept=bse_intercept,
        rank=within.rank + len(own),
        solver="absorbed" if within.solver == "normal" else within.solver,
        digits=min(within.digits, worst_digits(relative)),
        null_space=null_space,
        length=length,
        inverse=None,
        is_plain=False,
        scaled=None,
    )
    return summary, result


def _levels_of(elimination: Elimination, exact: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients of all levels as unevaluated sums (2, n_targets, n_levels), and their errors of rounding."""
    _, n_targets, p = exact.shape
    high, low, numbers = elimination.high, elimination.low, elimination.numbers
    levels = np.stack([high[:, p:].T, low[:, -n_targets:].T])
    size = np.abs(levels[0])
    is_indicator = np.ones(p, dtype=bool)
    for k, j in enumerate(numbers[:-n_targets]):
        is_indicator[j] = False
        mean = np.stack([high[:, j], low[:, k]])
        for target in range(n_targets):
            add_product_to(levels[:, target], mean, -exact[:, target, j])
        size = size + np.abs(high[:, j]) * np.abs(exact[0, :, j, np.newaxis])
    error = U**2 * size
    if is_indicator.any():
        shares = exact[0][:, is_indicator] @ high[:, :p][:, is_indicator].T
        add_to(levels, -shares)
        error = error + 2.0 * U * np.abs(exact[0][:, is_indicator]).max()
    return levels, error


def _squares_along(means: FloatArray, offset: FloatArray, root: FloatArray) -> FloatArray:
    """Squared lengths of ``(means - offset) @ root``, some levels at a time."""
    squares = np.empty(len(means))
    for part in _some_levels(len(means), len(offset)):
        squares[part] = np.square((means[part] - offset) @ root).sum(axis=1)
    return squares


def _some_levels(n_levels: int, n_columns: int) -> Iterator[slice]:
    """All levels, so many at a time that a copy of their means is small."""
    step = max(1, _AT_ONCE // max(1, n_columns))
    for first in range(0, n_levels, step):
        yield slice(first, first + step)


def _root_of(within: Solution, p: int) -> FloatArray:
    """R with R R' the inverse of the normal equations of the columns that remain, in their own units."""
    if within.scaled is None:
        return np.zeros((p, 0))
    scaled = within.scaled
    root: FloatArray = scaled.root * scaled.scale[:p, np.newaxis]
    return root


def _summary(problem: Problem, elimination: Elimination, state: State) -> RowSummary:
    """Means and deviations of all columns, in their order."""
    p, total = len(elimination.columns), problem.features.n_columns
    weight, whole = elimination.weight, elimination.weight.sum()
    t = problem.targets.n_columns
    means, deviations = np.zeros(total + t), np.zeros(total + t)
    of_rest = weight @ elimination.high / whole
    squares = state.products(False).diagonal() / state.scale**2
    if elimination.has_reference and not problem.fit_intercept:  # whose rows keep their means
        squares = squares - weight[0] * np.square(elimination.high[0])
    between = np.zeros(p + t)
    for part in _some_levels(len(weight), p + t):
        between += weight[part] @ np.square(elimination.high[part] - of_rest)
    places = np.append(elimination.columns, total + np.arange(t))
    means[places] = of_rest
    deviations[places] = np.sqrt(np.maximum(squares + between, 0.0) / whole)
    category = elimination.category
    share = weight[category.level :] / whole
    own = slice(elimination.first, elimination.first + category.n_columns)
    means[own], deviations[own] = share, np.sqrt(share * (1.0 - share))
    n_groups = int(np.count_nonzero(elimination.is_eliminated))
    return RowSummary(
        problem.feature_names,
        problem.target_names,
        state.n_samples + n_groups,
        state.total_weight,
        state.sum_log_weight,
        means,
        deviations,
    )


def _directions(
    within: Solution,
    total: int,
    means: FloatArray,
    offset: FloatArray,
    own: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
) -> FloatArray:
    """Directions (k, n_features) along which coefficients of all columns move without changing a prediction.

    A column of numbers that does not vary within the levels moves together with all levels.
    """
    if len(within.null_space) == 0:
        return np.zeros((0, total))
    length = within.length
    varying = length > 0
    rows = np.where(varying, within.null_space / np.where(varying, length, 1.0), 0.0)
    rows = rows[np.linalg.norm(within.null_space * varying, axis=1) > _INVOLVED]
    rows = np.vstack([rows, np.eye(len(length))[~varying]])
    directions = np.zeros((len(rows), total))
    directions[:, columns] = rows
    directions[:, own] = (rows @ offset)[:, np.newaxis] - rows @ means.T
    return directions


def _moved(
    coef: FloatArray,
    intercept: FloatArray,
    bse: FloatArray,
    bse_intercept: FloatArray,
    directions: FloatArray,
    means: FloatArray,
    is_basic: bool,
    fit_intercept: bool,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Move to the smallest coefficients of all; or, for those of the first columns, leave them as they are.

    What moves has no standard error.
    """
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    if is_basic:
        return coef, intercept, bse, bse_intercept
    basis = interruptible(np.linalg.qr, unit.T)[0]
    change = -(coef @ basis) @ basis.T
    change -= ((coef + change) @ basis) @ basis.T  # what rounding left
    if fit_intercept:
        intercept = intercept - change @ means
        if np.any(np.abs(unit @ means) > _INVOLVED * (np.abs(unit) @ np.abs(means))):
            bse_intercept = np.full_like(bse_intercept, np.nan)
    moves = np.any(np.abs(unit) > _INVOLVED, axis=0)
    return coef + change, intercept, np.where(moves, np.nan, bse), bse_intercept


def _error_of_climb(within: Solution, root: FloatArray) -> FloatArray:
    """What (n_targets,) times a root of the inverse is the error of a coefficient, by the digits of the worst one."""
    lengths = np.linalg.norm(root, axis=1)
    if not len(lengths) or within.digits >= _ALL_DIGITS:  # then two numbers hold each of them
        return np.zeros(len(within.coef))
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where((within.coef != 0) & (lengths > 0), np.abs(within.coef) / lengths, np.inf)
    least = each.min(axis=1)
    error: FloatArray = np.where(np.isfinite(least), least, 0.0) * 10.0**-within.digits
    return error


def worst_digits(relative: FloatArray) -> float:
    """Right digits of the worst of some numbers with these relative errors."""
    worst = float(np.nan_to_num(relative, nan=0.0, posinf=1.0).max(initial=0.0))
    return digits_at(max(U, worst))
