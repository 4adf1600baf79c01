"""Rung 0 of the ladder: the normal equations, from moments alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.null_space import first_columns
from fastlr.least_squares.problem import ScaledSolution, Solution
from fastlr.least_squares.units import U, finished
from fastlr.moments import Moments

__all__ = ["normal_equations", "solve_at_once"]

_SHARED = 128  # features from which on threads find something to share


def solve_at_once(
    moments: Moments,
    fit_intercept: bool,
    alpha: float,
    rank: str = "min_norm",
    *,
    n_threads: int | None = None,
) -> Solution:
    """Coefficients from moments alone, by the normal equations."""
    scaled, digits, relevant, _ = normal_equations(
        moments, fit_intercept, alpha, rank != "full", n_threads=n_threads
    )
    solver = (
        "minimum_norm"
        if scaled.rank < len(scaled.length) and scaled.code == "rank_deficient"
        else "normal"
    )
    result = finished(solver, scaled, moments, fit_intercept, digits, 1, relevant)
    if rank == "basic" and result.code == "rank_deficient":
        keep = first_columns(result.null_space)
        smaller = moments.select(keep)
        basic = (
            solve_at_once(smaller, fit_intercept, alpha, "full", n_threads=n_threads)
            if keep
            else None
        )
        result = _basic_of(result, basic, keep)
    if alpha:
        nan = np.full_like(result.bse, np.nan)
        result = result._replace(bse=nan, bse_intercept=nan[:, 0].copy())
    return result


def normal_equations(
    moments: Moments,
    fit_intercept: bool,
    alpha: float,
    truncate: bool,
    *,
    n_threads: int | None = None,
) -> tuple[ScaledSolution, float, float, bool]:
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
        scaled = ScaledSolution(*result)
        return scaled._replace(scale=scaled.scale * state.scale), digits, digits, True
    result, digits, relevant, enough = kernels.solve_normal_equations(
        *system,
        state.n_samples,
        state.summed_squares,
        state.scale,
        n_threads=1 if len(state.feature_names) < _SHARED else resolve_threads(n_threads),
    )
    scaled = ScaledSolution(*result)
    if scaled.rank < scaled.n_varying:
        # Moments cannot tell columns that depend on one another from those that nearly do, and their null space
        # is known up to rounding times the squared condition number of the columns that remain.
        digits = 0.0
        noise = min(0.1, 64 * U * scaled.condition_number**2)
        scaled.null_space[np.abs(scaled.null_space) < noise] = 0.0
    return scaled._replace(scale=scaled.scale * state.scale), digits, relevant, enough


def _basic_of(result: Solution, basic: Solution | None, keep: Sequence[int]) -> Solution:
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
