"""From a solution to what the user gets: shapes as y has them, the meaning of weights, and what can wait."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from fastlr.inference.inverse import LARGEST_KEPT
from fastlr.input.columns import FloatArray, tuple_of
from fastlr.least_squares.normal import condition_of_moments, inverse_of_moments
from fastlr.least_squares.outcome import is_plain, plain_status, status_of
from fastlr.least_squares.problem import RowSummary, Solution
from fastlr.least_squares.units import U, digits_at
from fastlr.moments.state import State
from fastlr.results import LinearFit
from fastlr.results.fresh import fit_of
from fastlr.results.influential_rows import InfluentialRows
from fastlr.results.likelihood import log_likelihood

__all__ = ["linear_fit"]

_item = np.ndarray.item


def linear_fit(
    rows: State | RowSummary,
    result: Solution,
    fit_intercept: bool,
    alpha: float | FloatArray,
    is_vector: bool,
    rank: str | None,
    n_dropped: int = 0,
    weight_type: str = "precision",
    keep_inverse: bool = False,
) -> LinearFit:
    """The result for the user: shapes as y has them, warnings, and what can wait until somebody asks for it.

    The inverse of the cross-products is kept for as many features as `LARGEST_KEPT`, or as many as there are.
    """
    if weight_type != "precision":
        result = _with_meaning(rows, result, fit_intercept, weight_type)
    coef, intercept, rss, tss, bse, bse_intercept, residual_sd = result[:7]
    solver, code, n_independent, condition, digits, passes = result[7:13]
    log_rss, relevant_digits, bse_digits = result[15:18]
    arrays: tuple[Any, ...]
    per_target: Any = (intercept, rss, tss, bse_intercept, residual_sd)
    if is_vector:
        coef, bse = arrays = coef[0], bse[0]
        intercept, rss, tss, bse_intercept, residual_sd = map(_item, per_target)
    else:
        arrays = (coef, bse, *per_target)
    if isinstance(alpha, np.ndarray):
        alpha = alpha[0] if is_vector else alpha
        arrays = (*arrays, alpha)
    names = rows.feature_names
    p = len(names)
    has_inverse = p <= LARGEST_KEPT or keep_inverse
    known = {
        "coef": coef,
        "intercept": intercept,
        "feature_names": names,
        "target_names": rows.target_names,
        "n_samples": rows.n_samples,
        "total_weight": rows.total_weight,
        "rank": n_independent,
        "solver": solver,
        "digits": digits,
        "passes": passes,
        "rss": rss,
        "tss": tss,
        "bse_coef": bse,
        "bse_intercept": bse_intercept,
        "residual_sd": residual_sd,
        "fit_intercept": fit_intercept,
        "alpha": alpha,
        "n_dropped": n_dropped,
        "weight_type": weight_type,
    }
    state = None
    if not fit_intercept and isinstance(rows, State):
        rows.check_raw_squares()
    if has_inverse and result.is_plain and isinstance(rows, State):
        state = rows
    else:  # lest the fit keep all products
        means, deviations = rows.column_means, rows.column_deviations
        of_features = means[:p].copy(), deviations[:p].copy()
        known["feature_mean"], known["feature_std"] = of_features
        arrays += of_features
        if is_vector:
            known["target_mean"], known["target_std"] = float(means[p]), float(deviations[p])
        else:
            of_targets = means[p:].copy(), deviations[p:].copy()
            known["target_mean"], known["target_std"] = of_targets
            arrays += of_targets
        known["inverse"] = result.inverse if has_inverse else None
    if condition == condition:
        known["condition_number"], known["bse_digits"] = condition, bse_digits
    else:  # not asked for yet, since it is small
        condition = 1.0
    if not is_plain(code, condition, relevant_digits):
        known["status"] = status_of(result, rows, fit_intercept, rank)
    later = tuple_of(Later, (state, rows.sum_log_weight, log_rss))
    return fit_of(known, arrays, _ON_REQUEST, later)


class Later(NamedTuple):
    """What fields are computed from that nobody has asked for yet, besides those that are known."""

    state: State | None
    """Moments of which the inverse may be asked for."""
    sum_log_weight: float
    log_rss: FloatArray | None

    @property
    def moments(self) -> State:
        """The moments of a fit that has kept them; others know what these tell."""
        if self.state is None:
            raise TypeError("this fit has no moments")
        return self.state


def _with_meaning(
    rows: State | RowSummary, result: Solution, fit_intercept: bool, weight_type: str
) -> Solution:
    """The solution with the errors that weights of another meaning than precisions give it."""
    n_parameters = result.rank + fit_intercept
    of_rows = rows.n_samples - n_parameters
    if weight_type == "probability":  # only scores of rows tell, see `fastlr.inference.covariance`
        nan = np.full_like(result.bse, np.nan)
        with np.errstate(invalid="ignore"):
            normalised = result.residual_sd * np.sqrt(rows.n_samples / rows.total_weight)
        return result._replace(bse=nan, bse_intercept=nan[:, 0].copy(), residual_sd=normalised)
    left = rows.total_weight - n_parameters
    if left <= 0.0:
        nan = np.full_like(result.bse, np.nan)
        empty = np.full_like(result.residual_sd, np.nan)
        return result._replace(bse=nan, bse_intercept=empty, residual_sd=empty.copy())
    if of_rows > 0:
        factor = np.sqrt(of_rows / left)
        return result._replace(
            bse=result.bse * factor,
            bse_intercept=result.bse_intercept * factor,
            residual_sd=result.residual_sd * factor,
        )
    inverse = result.inverse
    if result.is_plain and isinstance(rows, State):
        inverse = inverse_of_moments(rows, fit_intercept)
    if inverse is None or np.isnan(result.rss).any():
        return result
    residual_sd = np.sqrt(result.rss / left)
    errors = np.outer(residual_sd, np.sqrt(inverse.of_parameters().diagonal()))
    of_intercept = errors[:, 0].copy() if fit_intercept else np.zeros(len(errors))
    return result._replace(
        bse=errors[:, int(fit_intercept) :].copy(),
        bse_intercept=of_intercept,
        residual_sd=residual_sd,
    )


def _of_targets(fit: LinearFit, of_columns: FloatArray) -> float | FloatArray:
    """What there is of the targets among values of all columns: a number for one target."""
    values: FloatArray = of_columns[fit.n_features :]
    return float(values[0]) if fit.coef.ndim == 1 else values


def _influential(_: Later, fit: LinearFit) -> tuple[InfluentialRows, ...] | None:
    from fastlr.results.row_influence import remembered_influence

    return remembered_influence(fit)


def _likelihood(later: Later, fit: LinearFit) -> float | FloatArray:
    """The log-likelihood under precisions, of the table that frequencies repeat, or of probabilities of mean 1.

    NaN where the coefficients go through every row: what is left is rounding.
    """
    is_vector = fit.coef.ndim == 1
    if fit.df_resid <= 0 and not np.any(fit.alpha):
        return math.nan if is_vector else np.full(fit.n_targets, np.nan)
    n: float = fit.n_samples
    sum_log_weight, rss, log_rss = later.sum_log_weight, np.atleast_1d(fit.rss), later.log_rss
    if fit.weight_type != "precision":
        sum_log_weight = 0.0
    if fit.weight_type == "frequency":
        n = fit.total_weight
    if fit.weight_type == "probability":
        rss = rss * (n / fit.total_weight)
        log_rss = None if log_rss is None else log_rss + np.log(n / fit.total_weight)
    likelihood = log_likelihood(n, sum_log_weight, rss, log_rss)
    return float(likelihood[0]) if is_vector else likelihood


_ON_REQUEST: Mapping[str, Callable[[Later, LinearFit], Any]] = {
    "log_likelihood": _likelihood,
    "influential": _influential,
    "feature_mean": lambda later, fit: later.moments.column_means[: fit.n_features],
    "feature_std": lambda later, fit: later.moments.column_deviations[: fit.n_features],
    "target_mean": lambda later, fit: _of_targets(fit, later.moments.column_means),
    "target_std": lambda later, fit: _of_targets(fit, later.moments.column_deviations),
    "condition_number": lambda later, fit: condition_of_moments(later.moments, fit.fit_intercept),
    "bse_digits": lambda _, fit: digits_at(U * fit.condition_number**2 + U),
    "inverse": lambda later, fit: inverse_of_moments(later.moments, fit.fit_intercept),
    "status": lambda _, fit: plain_status(fit.condition_number, fit.n_features),
}
