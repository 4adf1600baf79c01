"""Regressions that a test makes by the way: their sums of squares, without the warnings of a fit of the user's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastlr.inference.distributions import chi2_tail, f_tail
from fastlr.inference.inverse import CrossInverse
from fastlr.input.columns import Columns, FloatArray
from fastlr.least_squares.ladder import climb
from fastlr.least_squares.normal import inverse_of_moments, solve_at_once
from fastlr.least_squares.problem import Problem, Solution
from fastlr.least_squares.wide import climb_wide
from fastlr.moments import Moments
from fastlr.moments.state import State

__all__ = ["Auxiliary", "beside", "regressed", "regressed_by_moments"]


@dataclass(frozen=True)
class Auxiliary:
    """What a test asks of its regression.

    Attributes
    ----------
    rss, tss : float
        Residual and total sum of squares.
    rank : int
        Of the features, the intercept aside.
    df_resid : float
        Residual degrees of freedom.
    coef : ndarray of shape (n_features,)
    inverse : CrossInverse or None
    """

    rss: float
    tss: float
    rank: int
    df_resid: float
    coef: FloatArray
    inverse: CrossInverse | None

    @property
    def r2(self) -> float:
        """Share of the target's variation that is explained; NaN if it does not vary."""
        return (self.tss - self.rss) / self.tss if self.tss > 0 else math.nan

    def chi2(self, statistic: float) -> float:
        """Probability that chi-squared of as many degrees of freedom as features exceeds a statistic."""
        return float(chi2_tail(statistic, self.rank))

    def f(self) -> tuple[float, float, tuple[float, float]]:
        """F of all features, its p-value and its degrees of freedom."""
        df = (float(self.rank), float(self.df_resid))
        if not (self.rank > 0 and self.df_resid > 0 and self.rss > 0):
            return math.nan, math.nan, df
        value = (self.tss - self.rss) / self.rank / (self.rss / self.df_resid)
        return value, float(f_tail(value, *df)), df


def beside(features: Columns, more: list[FloatArray]) -> Columns:
    """Features and further columns beside them, which are not copied."""
    return Columns([*features.as_list(), *more], features.n_samples, features.n_columns + len(more))


def regressed(
    features: Columns,
    target: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None,
    *,
    fit_intercept: bool = True,
    nobs: float | None = None,
    rank: str = "min_norm",
) -> Auxiliary:
    """Regress a target on features by least squares; columns that depend on others count once.

    ``nobs`` is the number of observations, if it is not that of rows of positive weight.
    """
    p = features.n_columns
    names = tuple(f"x{j}" for j in range(p))
    targets = Columns(target, len(target), 1, None, True)
    problem = Problem(features, targets, weights, names, ("y",), fit_intercept, None)
    wide = climb_wide(problem, "auto", rank) if len(target) < p else None
    if wide is not None:
        return _auxiliary(wide[1], wide[0].n_samples, fit_intercept, nobs, wide[1].inverse)
    state, solution = climb(problem, "auto", rank)
    return _of_state(state, solution, fit_intercept, nobs)


def regressed_by_moments(moments: Moments, *, nobs: float | None = None) -> Auxiliary:
    """Regress the target of moments on their features, with an intercept."""
    solution = solve_at_once(moments, True, 0.0)
    return _of_state(moments.for_kernels(), solution, True, nobs)


def _of_state(
    state: State, solution: Solution, fit_intercept: bool, nobs: float | None
) -> Auxiliary:
    inverse = inverse_of_moments(state, fit_intercept) if solution.is_plain else solution.inverse
    return _auxiliary(solution, state.n_samples, fit_intercept, nobs, inverse)


def _auxiliary(
    solution: Solution,
    n_samples: int,
    fit_intercept: bool,
    nobs: float | None,
    inverse: CrossInverse | None,
) -> Auxiliary:
    n = float(n_samples) if nobs is None else nobs
    return Auxiliary(
        float(solution.rss[0]),
        float(solution.tss[0]),
        solution.rank,
        n - solution.rank - fit_intercept,
        solution.coef[0],
        inverse,
    )
