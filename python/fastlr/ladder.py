"""The accuracy ladder: from rows to as many right digits as are asked for, in as few passes as that takes.

0. Moments in one pass, Cholesky's factor of the equilibrated normal equations, componentwise error estimate.
1. Sweeps: residual and gradient in about twice the working precision correct the coefficients, which are kept as
   unevaluated sums of two numbers. Up to a condition number of 1400, beyond which standard errors need rung 2.
2. Preconditioned passes: cross-products of the rows in a basis that makes them nearly orthonormal, then sweeps.
3. Which columns are independent, decided first, at the rounding level of the data; minimum-norm or basic solutions.

Each rung is entered only if the one below it does not give what is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlr._kernels import kernels
from fastlr.dependent_columns import checked, climb_dependent, first_columns
from fastlr.input.columns import FloatArray
from fastlr.input.threads import resolve_threads
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of_statistics
from fastlr.moments.passes import Statistics, pass_over
from fastlr.preconditioned import precondition
from fastlr.refinement import (
    Climb,
    Frame,
    Table,
    at_full_rank,
    digits_of,
    finished,
    first_limb,
    has_settled,
    n_varying,
    refine,
)

__all__ = [
    "ACCURACIES",
    "RANK_RULES",
    "Climb",
    "Table",
    "climb",
    "solve_at_once",
]

ACCURACIES = ("fast", "auto", "max")
RANK_RULES = ("min_norm", "basic", "full", "raise")

_ONE_CALL = 1 << 27  # multiply-adds of a pass that need no interruption
_U = 2.0**-53
# Estimated relative error to refine to; the estimate is ten times what to expect.
_TOLERANCE = {"auto": kernels.AUTOMATIC_TOLERANCE, "max": _U}


def climb(table: Table, accuracy: str, rank: str) -> tuple[Moments, Climb]:
    """Fit rows with the accuracy asked for; ``rank`` says what to do with columns that depend on one another."""
    n, q = table.features.n_samples, table.n_features + table.targets.n_columns
    first = None
    if n * q * (q + 16) <= _ONE_CALL and table.limbs == 1:
        result: Any = kernels.climb(
            table.features.source,
            table.targets.source,
            table.weights,
            table.fit_intercept,
            ACCURACIES.index(accuracy),
            resolve_threads(table.n_threads),
        )
        is_in_range, n_samples, weight, sum_log_weight, mean, cross, size, n_passes = result[:8]
        n_sweeps, condition, digits, relevant, figures = result[8:]
        first = Statistics(
            n_samples, weight, sum_log_weight, np.ones(q), mean, cross, size, n_passes
        )
        if is_in_range:
            moments = moments_of_statistics(first, table.feature_names, table.target_names)
            passes = n_passes + n_sweeps
            if figures is None:
                return moments, _climb_from(moments, table, accuracy, rank, passes, n_sweeps > 0)
            solver = "refined" if n_sweeps else "normal"
            return moments, at_full_rank(solver, condition, digits, relevant, passes, figures)
    statistics = pass_over(
        table.features if table.limbs == 1 else first_limb(table),
        table.targets,
        table.weights,
        table.feature_names,
        table.target_names,
        table.n_threads,
        "double",
        first,
    )
    moments = moments_of_statistics(statistics, table.feature_names, table.target_names)
    return moments, _climb_from(moments, table, accuracy, rank, statistics.n_passes, False)


def solve_at_once(
    moments: Moments, fit_intercept: bool, alpha: float, rank: str = "min_norm"
) -> Climb:
    """Coefficients from moments alone, by the normal equations."""
    frame, digits, relevant, _ = _normal_equations(moments, fit_intercept, alpha, rank != "full")
    solver = (
        "minimum_norm"
        if frame.rank < len(frame.length) and frame.code == "rank_deficient"
        else "normal"
    )
    result = finished(solver, frame, moments, fit_intercept, digits, 1, relevant)
    if rank == "basic" and result.code == "rank_deficient":
        keep = first_columns(result.null_space)
        smaller = moments.select(keep)
        basic = solve_at_once(smaller, fit_intercept, alpha, "full") if keep else None
        result = _basic_of(result, basic, keep)
    if alpha:
        nan = np.full_like(result.bse, np.nan)
        result = result._replace(bse=nan, bse_intercept=nan[:, 0].copy())
    return result


def _normal_equations(
    moments: Moments, fit_intercept: bool, alpha: float, truncate: bool
) -> tuple[Frame, float, float, bool]:
    """The solution, its digits, those that predictions depend on, and whether they are enough for "auto"."""
    state = moments.for_kernels()
    system = (
        len(state.feature_names),
        state.total_weight,
        state.mean,
        state.cross,
        fit_intercept,
        alpha,
        truncate,
    )
    if state.precision == "double_double":
        result, digits = kernels.solve_double_double(*system, state.summed_squares, state.scale)
        frame = Frame(*result)
        return frame._replace(scale=frame.scale * state.scale), digits, digits, True
    result, digits, relevant, enough = kernels.solve_normal_equations(
        *system, state.n_samples, state.summed_squares, state.scale
    )
    frame = Frame(*result)
    if frame.rank < n_varying(frame):
        # Moments cannot tell columns that depend on one another from those that nearly do, and their null space
        # is known up to rounding times the squared condition number of the columns that remain.
        digits = 0.0
        noise = min(0.1, 64 * _U * frame.condition_number**2)
        frame.null_space[np.abs(frame.null_space) < noise] = 0.0
    return frame._replace(scale=frame.scale * state.scale), digits, relevant, enough


def _climb_from(
    moments: Moments, table: Table, accuracy: str, rank: str, passes: int, is_refined: bool
) -> Climb:
    """The ladder from moments that ``passes`` over the rows gave; sweeps may have been tried already."""
    fit_intercept = table.fit_intercept
    frame, digits, relevant, enough = _normal_equations(moments, fit_intercept, 0.0, rank != "full")
    solver = "normal" if frame.rank == table.n_features else "minimum_norm"
    varying = np.flatnonzero(frame.length > 0).tolist()
    values = table.features.n_samples * table.n_features
    is_easy = accuracy == "auto" and frame.code == "ok" and enough and table.limbs == 1
    if accuracy == "fast":
        if rank == "basic":
            return solve_at_once(moments, fit_intercept, 0.0, rank)
        return finished(solver, frame, moments, fit_intercept, digits, passes, relevant)
    if is_easy and values > kernels.ALWAYS_POLISHED:
        return finished(solver, frame, moments, fit_intercept, digits, passes, relevant)
    tolerance = _TOLERANCE[accuracy]
    is_independent = frame.rank == len(varying)
    if is_independent and frame.squared_condition <= kernels.SHARP_SQUARED_CONDITION:
        if not is_refined:
            refined, course, n_sweeps = refine(table, moments, frame, frame.contraction, tolerance)
            passes += n_sweeps
            if has_settled(course):
                solver = {"normal": "refined"}.get(solver, solver)
                if rank == "basic" and frame.code == "rank_deficient":
                    solver = "basic"
                digits = digits_of(course)
                return finished(solver, refined, moments, fit_intercept, digits, passes)
    elif rank != "full" and not (
        is_independent and frame.squared_condition <= kernels.LARGEST_SQUARED_CONDITION
    ):
        return climb_dependent(table, moments, frame, rank, passes, tolerance)
    refined, course, root_error, more = precondition(table, moments, frame, varying, tolerance)
    # Of columns that are all to be kept nothing is certain where rounding alone tells them apart.
    digits = digits_of(course) if refined.condition_number * _U < 0.1 else 0.0
    solver = "preconditioned" if len(varying) == table.n_features else "minimum_norm"
    if rank == "basic" and solver == "minimum_norm":
        solver = "basic"
    code = "ok" if len(varying) == table.n_features else "rank_deficient"
    refined = refined._replace(code=code)
    if rank == "full":  # sums of squares as the rows have them, whatever the columns are
        refined, of_gradient = checked(table, moments, refined)
        digits, more = min(digits, of_gradient), more + 1
    return finished(
        solver, refined, moments, fit_intercept, digits, passes + more, root_error=root_error
    )


def _basic_of(result: Climb, basic: Climb | None, keep: Sequence[int]) -> Climb:
    """The fit of the columns that were kept, if any, among all of them."""
    if basic is None:
        return result._replace(solver="basic")
    p = result.coef.shape[1]
    return basic._replace(
        solver="basic",
        code="rank_deficient",
        rank=result.rank,
        digits=min(result.digits, basic.digits),
        coef=_spread(basic.coef, keep, p, 0.0),
        bse=_spread(basic.bse, keep, p, np.nan),
        tss=result.tss,
        null_space=result.null_space,
        length=result.length,
    )


def _spread(values: FloatArray, keep: Sequence[int], p: int, fill: float) -> FloatArray:
    out = np.full((len(values), p), fill)
    out[:, keep] = values
    return out
