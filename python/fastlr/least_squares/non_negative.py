"""Non-negative least squares from moments, with or without a penalty."""

from __future__ import annotations

import numpy as np

from fastlr.input.columns import FloatArray
from fastlr.least_squares.fitted import linear_fit
from fastlr.least_squares.normal import penalised_state, solve_at_once
from fastlr.least_squares.problem import Problem, Solution
from fastlr.least_squares.ridge import solve_penalised, targets_of, together
from fastlr.least_squares.units import U
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of_state
from fastlr.moments.state import State
from fastlr.results import LinearFit

__all__ = ["fit_non_negative", "solve_non_negative", "solve_non_negative_moments"]


def fit_non_negative(
    problem: Problem, is_vector: bool, alpha: float | FloatArray = 0.0
) -> tuple[State, LinearFit]:
    """Fit rows with coefficients of which none is negative; the moments of the one pass come along."""
    state, passes = problem.pass_over()
    result = solve_non_negative(moments_of_state(state), problem.fit_intercept, alpha)
    result = result._replace(passes=passes)
    return state, linear_fit(
        state, result, problem.fit_intercept, alpha, is_vector, None, problem.n_dropped
    )


def solve_non_negative_moments(moments: Moments, fit_intercept: bool, is_vector: bool) -> LinearFit:
    """Fit coefficients that are not negative from moments alone, without a penalty."""
    result = solve_non_negative(moments, fit_intercept, 0.0)
    return linear_fit(moments.for_kernels(), result, fit_intercept, 0.0, is_vector, None)


def solve_non_negative(
    moments: Moments, fit_intercept: bool, alpha: float | FloatArray
) -> Solution:
    """Minimise ``sum w r^2 + sum alpha b^2`` over coefficients ``b >= 0``; the intercept is free.

    Lawson and Hanson's active set (SciPy's ``nnls``) on a root of the equilibrated moments finds which coefficients
    are positive; these are then solved for as without a bound, so that they have all digits of the moments. ``alpha``
    is a number or (n_targets, n_features). Standard errors are not known.
    """
    state = moments.for_kernels()
    t, p = len(state.target_names), state.n_features
    penalties = np.broadcast_to(alpha, (t, p))
    parts = []
    for k in range(t):
        target = np.array([k])
        one = moments_of_state(targets_of(state, target))
        parts.append((target, _solve_one(one, fit_intercept, penalties[k])))
    return together(parts, t)


def _solve_one(moments: Moments, fit_intercept: bool, penalty: FloatArray) -> Solution:
    p = moments.n_features
    found = _positive_ones(moments, fit_intercept, penalty)
    for _ in range(p):  # each round leaves out one at least
        if len(found) == 0:
            break
        some = solve_at_once(moments.select(found.tolist()), fit_intercept, penalty[found], "full")
        if (some.coef[0] > 0).all():
            return _spread(some, found, p)
        found = found[some.coef[0] > 0]
    whole = solve_penalised(moments, fit_intercept, penalty[np.newaxis], "full")
    return _spread(whole, found, p)._replace(
        intercept=moments.mean[p:] * fit_intercept, rss=whole.tss.copy(), log_rss=None, digits=15.0
    )


def _positive_ones(moments: Moments, fit_intercept: bool, penalty: FloatArray) -> np.ndarray:
    """Positions of the coefficients that are positive at the minimum."""
    from scipy.optimize import nnls

    state, scaled_penalty = penalised_state(moments.for_kernels(), penalty)
    p, products = state.n_features, state.products(fit_intercept)
    A, c = products[:p, :p].copy(), products[:p, p]
    if scaled_penalty is not None:
        A[np.arange(p), np.arange(p)] += scaled_penalty
    length = np.sqrt(np.maximum(A.diagonal(), 0.0))
    with np.errstate(divide="ignore"):
        unit = np.where(length > 0, 1.0 / length, 0.0)
    y_length = np.sqrt(max(products[p, p], 0.0)) or 1.0
    values, vectors = np.linalg.eigh(A * unit * unit[:, np.newaxis])
    kept = values > 16 * p * U * max(values[-1], 0.0)
    root = np.sqrt(values[kept])
    right = vectors[:, kept].T @ (c * unit / y_length) / root
    found, _ = nnls(root[:, np.newaxis] * vectors[:, kept].T, right, maxiter=30 * p + 100)
    return np.flatnonzero(found > 0)


def _spread(some: Solution, found: np.ndarray, p: int) -> Solution:
    """The solution of some features among all of them; the others have 0."""
    coef = np.zeros((1, p))
    coef[:, found] = some.coef[:, : len(found)]
    nan = np.full(1, np.nan)
    return some._replace(
        coef=coef,
        bse=np.full((1, p), np.nan),
        bse_intercept=nan,
        residual_sd=nan,
        bse_digits=np.nan,
        solver="non_negative",
        rank=len(found),
        code="ok" if some.code == "rank_deficient" else some.code,
        null_space=np.zeros((0, p)),
        length=np.zeros(p),
        inverse=None,
    )
