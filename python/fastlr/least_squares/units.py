"""From a solution in scaled columns to the user's units, with what is known of its digits."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.errors import InputError
from fastlr.inference.inverse import CrossInverse
from fastlr.input.columns import FloatArray, tuple_of
from fastlr.input.threads import interruptible
from fastlr.least_squares.problem import RootError, ScaledSolution, Solution
from fastlr.least_squares.rounding import NEGLIGIBLE
from fastlr.moments import Moments

__all__ = [
    "EXACT_CONDITION",
    "FEW_DIGITS",
    "U",
    "at_full_rank",
    "bse_error_of",
    "digits_at",
    "finished",
    "log_of",
]

U = 2.0**-53  # unit roundoff of float64
FEW_DIGITS = 4.0  # fewer certain digits than these deserve a warning
EXACT_CONDITION = 1000  # columns up to which condition numbers are computed, not estimated
_SMALLEST_NORMAL = 2.0**-1022
_NOTHING = np.empty((0, 0))  # of dependencies, where there are none


def at_full_rank(
    solver: str,
    condition: float,
    digits: float,
    relevant_digits: float,
    passes: int,
    first: tuple[FloatArray, ...],
) -> Solution:
    """The solution of full rank that one call of the kernels has finished: ``first`` are its first fields."""
    of_rss = _error_of_rss(first[2], first[3]) if passes == 1 else U
    told = (solver, "ok", first[0].shape[1], condition, digits, passes, _NOTHING, _NOTHING, None)
    bse_digits = digits_at(U * condition**2 + of_rss)
    return tuple_of(Solution, (*first, *told, relevant_digits, bse_digits, False, None, True, None))


def finished(
    solver: str,
    scaled: ScaledSolution,
    moments: Moments,
    fit_intercept: bool,
    digits: float,
    passes: int,
    relevant_digits: float | None = None,
    undetermined: npt.NDArray[np.bool_] | None = None,
    root_error: RootError | None = None,
) -> Solution:
    """A solution in scaled columns, in the user's units.

    ``undetermined`` (p,) are coefficients without a standard error, by default those that a dependency involves.
    ``root_error`` is that of a factor of the moments by default.
    """
    p = len(scaled.length)
    n_dof = moments.n_samples - scaled.rank - fit_intercept
    coef, intercept, rss, tss, bse, bse_intercept, residual_sd = kernels.finish(
        fit_intercept,
        moments.total_weight,
        scaled.mean,
        scaled.tss,
        np.ascontiguousarray(scaled.root),
        scaled.scale,
        np.ascontiguousarray(scaled.coef),
        scaled.intercept,
        scaled.rss,
        n_dof,
    )
    if undetermined is None:
        undetermined = np.any(np.abs(scaled.null_space) > 1e-8, axis=0)
    bse[:, undetermined] = np.nan
    of_intercept = None if root_error is None else root_error.intercept
    is_moved = undetermined.any() and _moves_intercept(scaled, moments, undetermined)
    if fit_intercept and solver != "basic" and is_moved:
        of_intercept = math.nan
    if of_intercept is not None and fit_intercept:
        bse_intercept = residual_sd * of_intercept
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        length = np.where(scaled.length > 0, scaled.length / scaled.scale[:p], 0.0)
    lost = _lost_to_range(scaled, coef, intercept, moments)
    relevant = digits if relevant_digits is None else relevant_digits
    units, means = scaled.scale[:p], scaled.mean[:, :p]
    if not units.all():  # of columns that do not vary, which have a mean all the same
        is_constant = units == 0
        units, means = np.where(is_constant, 1.0, units), means.copy()
        means[:, is_constant] = 0.0
        means[0, is_constant] = moments.mean[:p][is_constant]
    inverse = CrossInverse(
        scaled.root if solver == "basic" else _of_minimum_norm(scaled),
        units,
        means,
        moments.total_weight,
        fit_intercept,
        undetermined,
        of_intercept,
    )
    root_relative = bse_error_of(scaled) if root_error is None else root_error.relative
    return Solution(
        coef,
        intercept,
        rss,
        tss,
        bse,
        bse_intercept,
        residual_sd,
        solver,
        "underflow" if lost < FEW_DIGITS else scaled.code,
        scaled.rank,
        scaled.condition_number,
        min(digits, lost),
        passes,
        scaled.null_space,
        length,
        log_of(scaled.rss) - 2.0 * np.log(scaled.scale[p:]),
        min(relevant, lost),
        digits_at(root_relative + (_error_of_rss(scaled.rss, scaled.tss) if passes == 1 else U)),
        inverse=inverse,
        scaled=scaled,
    )


def _of_minimum_norm(scaled: ScaledSolution) -> FloatArray:
    """The root of the inverse that spans what the rows do in the user's units, where columns depend on one another."""
    p = len(scaled.length)
    varying = scaled.length > 0
    if len(scaled.null_space) == 0 or not varying.any():
        return scaled.root
    units = np.ldexp(scaled.scale[:p], -np.frexp(scaled.scale[:p].max())[1])
    directions = np.zeros_like(scaled.null_space)
    directions[:, varying] = scaled.null_space[:, varying] / scaled.length[varying] * units[varying]
    directions = directions[np.any(directions != 0, axis=1)]
    if len(directions) == 0:
        return scaled.root
    directions /= np.linalg.norm(directions, axis=1)[:, np.newaxis]
    basis = interruptible(np.linalg.qr, directions.T)[0]
    along = scaled.root * units[:, np.newaxis]
    along -= basis @ (basis.T @ along)
    root: FloatArray = np.zeros_like(along)
    root[varying] = along[varying] / units[varying, np.newaxis]
    return root


def _moves_intercept(
    scaled: ScaledSolution, moments: Moments, undetermined: npt.NDArray[np.bool_]
) -> bool:
    """Whether one of the equally good solutions has another intercept: a dependency that adds up to a constant.

    Columns that a choice has left out, and that take no part in what is undetermined, change nothing.
    """
    p = len(scaled.length)
    if np.any(undetermined & (scaled.length == 0) & (moments.mean[:p] != 0)):
        return True  # a constant column is an intercept too
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(scaled.length > 0, scaled.mean[0, :p] / scaled.length, 0.0)
    null_space = scaled.null_space
    terms = null_space * size
    taking_part = np.abs(null_space) > 1e-8
    within = (~taking_part | undetermined).all(axis=1)
    constant = np.abs(terms.sum(axis=1))
    noise = 1e-8 * np.abs(terms).sum(axis=1)
    return bool(np.any((constant > noise) & within))


def _lost_to_range(
    scaled: ScaledSolution, coef: FloatArray, intercept: FloatArray, moments: Moments
) -> float:
    """Digits that float64 has room for; what is above its range is refused."""
    t, p = coef.shape
    values = np.column_stack([coef, intercept])
    above = np.argwhere(~np.isfinite(values))
    if len(above):
        j = above[0][1]
        name = f"coefficient of {moments.feature_names[j]!r}" if j < p else "intercept"
        raise InputError(
            f"the {name} exceeds the range of float64 (about 1e308): divide y, or multiply the column, by a power of "
            "two."
        )
    exact = np.column_stack([scaled.coef[0].reshape(t, p), scaled.intercept[0]])
    size = np.sqrt(scaled.tss) + np.abs(scaled.mean[0, p:])
    below = (np.abs(values) < _SMALLEST_NORMAL) & (np.abs(exact) > NEGLIGIBLE * size[:, np.newaxis])
    if not below.any():
        return 15.0
    smallest = float(np.abs(values[below]).min())
    return float(np.clip(np.log10(smallest / 2.0**-1073), 0.0, 15.0)) if smallest > 0 else 0.0


def bse_error_of(scaled: ScaledSolution) -> float:
    """Estimated relative error of standard errors from a factor of the moments."""
    return U * scaled.condition_number**2


def _error_of_rss(rss: FloatArray, tss: FloatArray) -> float:
    """Relative error that a single pass leaves in sums of squares, which are what is left of the targets' own."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        left = np.where(rss > 0, tss / rss, 1.0)
    return U * float(left.max(initial=1.0))


def log_of(values: FloatArray) -> FloatArray:
    """Logarithms, minus infinity of 0."""
    return np.array([math.log(value) if value > 0 else -math.inf for value in values])


def digits_at(relative_error: float) -> float:
    """-log10 of a relative error, between 0 and 15."""
    digits = -math.log10(relative_error)
    return min(15.0, digits) if digits >= 0.01 else 0.0
