"""Rung 0 of the ladder: the normal equations, from moments alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fastlr._kernels import kernels
from fastlr.inference.inverse import CrossInverse
from fastlr.input.columns import FloatArray
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.null_space import first_columns
from fastlr.least_squares.problem import ScaledSolution, Solution
from fastlr.least_squares.units import U, finished
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of_state
from fastlr.moments.state import State

__all__ = [
    "condition_of_moments",
    "inverse_of_moments",
    "normal_equations",
    "penalised_state",
    "solve_at_once",
    "without_errors",
]

_SHARED = 128  # features from which on threads find something to share
_LARGEST_PENALTY = 1e200  # of a scaled column


def solve_at_once(
    moments: Moments,
    fit_intercept: bool,
    alpha: float | FloatArray,
    rank: str = "min_norm",
    *,
    n_threads: int | None = None,
) -> Solution:
    """Coefficients from moments alone, by the normal equations; alpha is a number, or (n_features,)."""
    scaled, digits, relevant, enough = normal_equations(
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
        of_kept = np.broadcast_to(alpha, result.coef.shape[1])[keep]
        basic = (
            solve_at_once(smaller, fit_intercept, of_kept, "full", n_threads=n_threads)
            if keep
            else None
        )
        result = _basic_of(result, basic, keep)
    result = result._replace(is_enough=enough and scaled.code == "ok")
    return without_errors(result) if np.any(alpha) else result


def without_errors(result: Solution) -> Solution:
    """The solution of a penalised problem: what is said of errors without a penalty does not hold."""
    nan = np.full_like(result.bse, np.nan)
    return result._replace(
        bse=nan,
        bse_intercept=nan[:, 0].copy(),
        residual_sd=nan[:, 0].copy(),
        bse_digits=math.nan,
    )


def condition_of_moments(state: State, fit_intercept: bool) -> float:
    """The condition number of independent columns, as their fit would have told it."""
    return normal_equations(moments_of_state(state), fit_intercept, 0.0, True)[0].condition_number


def normal_equations(
    moments: Moments,
    fit_intercept: bool,
    alpha: float | FloatArray,
    truncate: bool,
    *,
    n_threads: int | None = None,
) -> tuple[ScaledSolution, float, float, bool]:
    """The solution, its digits, those that predictions depend on, and whether they are enough for "auto"."""
    state, penalty = penalised_state(moments.for_kernels(), alpha)
    system = (
        len(state.feature_names),
        state.total_weight,
        state.mean,
        state.cross,
        fit_intercept,
        penalty,
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


def inverse_of_moments(state: State, fit_intercept: bool) -> CrossInverse:
    """The inverse of the cross-products of independent columns: what one more factor of their moments gives."""
    scaled = normal_equations(moments_of_state(state), fit_intercept, 0.0, False)[0]
    p = state.n_features
    return CrossInverse(
        scaled.root,
        scaled.scale[:p],
        scaled.mean[:, :p],
        state.total_weight,
        fit_intercept,
        np.zeros(p, dtype=bool),
    )


def penalised_state(state: State, alpha: float | FloatArray) -> tuple[State, FloatArray | None]:
    """Moments, and penalties (n_features,) of their scaled columns; None if nothing is penalised.

    A column that is tiny beside its penalty comes in units of the penalty's root, lest their quotient overflow.
    """
    if not np.any(alpha):
        return state, None
    penalty = np.array(np.broadcast_to(alpha, state.n_features), dtype=np.float64)
    p = state.n_features
    with np.errstate(over="ignore", under="ignore"):
        scaled = penalty * state.scale[:p] * state.scale[:p]
        is_large = scaled > _LARGEST_PENALTY
        if is_large.any():
            exponents = np.frexp(penalty)[1] // 2
            scale = state.scale.copy()
            scale[:p][is_large] = np.ldexp(1.0, -exponents[is_large])
            state = state.on_scale(scale)
            scaled = penalty * scale[:p] * scale[:p]
    return state, scaled


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
        inverse=None if basic.inverse is None else basic.inverse.spread(keep, p),
        tss=result.tss,
        null_space=result.null_space,
        length=result.length,
        scaled=None,
    )


def _spread(values: FloatArray, keep: Sequence[int], p: int, fill: float) -> FloatArray:
    out = np.full((len(values), p), fill)
    out[:, keep] = values
    return out
