"""Fits with other covariances of their parameters, which the rows tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from fastlr.errors import InputError
from fastlr.inference.covariance import check_options, covariance_of
from fastlr.inference.eliminated import WholeFit, covariance_by_levels, has_categories
from fastlr.inference.estimates import Estimates, GivenRows, inverse_of_rows
from fastlr.inference.inverse import CrossInverse, is_too_large, refuse_too_large
from fastlr.inference.row_passes import residuals
from fastlr.input.columns import FloatArray
from fastlr.results.prediction import predict_linear

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = [
    "check_rows",
    "check_squares",
    "check_weights",
    "estimates_of",
    "is_estimated",
    "is_sum_of_squares",
    "with_covariance",
]

Fit = TypeVar("Fit", bound="LinearFit")

_SAME = 1e-6  # relative difference of sums of squares that rounding does not explain


def with_covariance(
    fit: Fit, rows: GivenRows | None, cov_type: str | None, options: Mapping[str, Any]
) -> Fit:
    """The fit with the covariances that are asked for: by default those that its weights mean."""
    is_survey = fit.weight_type == "probability"
    kind = check_options(cov_type or ("HC1" if is_survey else "nonrobust"), options)
    if is_survey and kind == "nonrobust":
        raise InputError(
            'cov_type="nonrobust" takes weights for precisions, and weight_type is "probability": leave cov_type out '
            'for "HC1", as survey software has it, or choose another robust one.'
        )
    if not is_estimated(fit):
        raise InputError(
            f"standard errors of a fit by {fit.solver} are not those of least squares: fit by fastlr.ols."
        )
    t, k = fit.n_targets, fit.n_params
    known = estimates = None
    matrices: FloatArray | None
    if is_too_large(k) or _is_eliminated(fit, rows, kind):
        covariance, known = covariance_by_levels(_whole(fit), rows, kind, options)
        found, residual_sd, errors = covariance.options, covariance.residual_sd, covariance.errors
        matrices = at_means = None
        if not is_too_large(k):
            matrices = np.full((t, k, k), np.nan) if known is None else known.among(np.arange(k))
            if known is not None and fit.fit_intercept:
                at_means = known.at_means(k)
    elif (estimates := estimates_of(fit, rows)) is None:
        found = dict(options) if options and not _holds_rows(options) else {}
        matrices, errors, at_means = np.full((t, k, k), np.nan), np.full((t, k), np.nan), None
        residual_sd = np.atleast_1d(np.asarray(fit.residual_sd, dtype=np.float64))
    else:
        covariance = covariance_of(estimates, rows, kind, options)
        found, matrices, residual_sd = (
            covariance.options,
            covariance.matrices,
            covariance.residual_sd,
        )
        errors, at_means = covariance.errors, covariance.at_means
    of_intercept = errors[:, 0].copy() if fit.fit_intercept else np.zeros(t)
    of_coef = errors[:, int(fit.fit_intercept) :].copy()
    is_single = np.ndim(fit.coef) == 1
    is_plain = kind == "nonrobust" and not np.any(fit.alpha)
    follows = is_plain and known is None  # from the inverse, if there is one
    new = dataclasses.replace(
        fit,
        bse_coef=of_coef[0] if is_single else of_coef,
        bse_intercept=float(of_intercept[0]) if is_single else of_intercept,
        residual_sd=float(residual_sd[0]) if is_single else residual_sd,
        cov_type=kind,
        cov_options=tuple(found.items()),
        inverse=None if estimates is None else estimates.inverse,
        covariance=None if follows else matrices,
        covariance_at_means=None if follows else at_means,
    )
    if known is not None and matrices is None:
        vars(new)["_by_levels"] = known
    return new


def _is_eliminated(fit: LinearFit, rows: GivenRows | None, kind: str) -> bool:
    """Whether the largest category is eliminated again, since nobody has kept the inverse of all columns."""
    if rows is None or kind == "HAC" or np.any(fit.alpha):
        return False
    return fit.inverse is None and has_categories(rows)


def _whole(fit: LinearFit) -> WholeFit:
    if np.any(fit.alpha):
        refuse_too_large(fit.n_params, "covariances")
    return WholeFit(
        np.atleast_2d(fit.coef),
        np.atleast_1d(np.asarray(fit.rss, dtype=np.float64)),
        fit.fit_intercept,
        fit.rank,
        fit.n_samples,
        fit.total_weight,
        fit.weight_type,
        fit.condition_number,
    )


def estimates_of(fit: LinearFit, rows: GivenRows | None) -> Estimates | None:
    """What passes over rows need of a fit; None where columns or rows do not determine the coefficients."""
    inverse: CrossInverse | None = fit.inverse
    alpha: float | FloatArray = fit.alpha
    if np.ndim(alpha) > 0:
        per_target = np.broadcast_to(alpha, (fit.n_targets, fit.n_features))
        if (per_target != per_target[0]).any():
            raise InputError(
                "alpha differs between targets, and covariances are those of one penalty for all: fit them one by one."
            )
        alpha = per_target[0].copy()
    may_read = fit.rank == fit.n_features and not np.any(alpha)
    if inverse is None and rows is not None and rows.stream is None and may_read:
        refuse_too_large(fit.n_params, "leverages and other statistics")
        inverse = inverse_of_rows(rows, fit.fit_intercept, fit.feature_mean, fit.feature_std)
    if inverse is None:
        return None
    return Estimates(
        coef=np.atleast_2d(fit.coef),
        intercept=np.atleast_1d(np.asarray(fit.intercept, dtype=np.float64)),
        rss=np.atleast_1d(np.asarray(fit.rss, dtype=np.float64)),
        inverse=inverse,
        rank=fit.rank,
        n_samples=fit.n_samples,
        total_weight=fit.total_weight,
        weight_type=fit.weight_type,
        alpha=alpha,
        condition_number=fit.condition_number,
    )


def check_rows(fit: LinearFit, rows: GivenRows) -> None:
    """Refuse rows that are not those of the fit, which their number, weight and residuals tell."""
    check_weights(fit, rows)
    weights = rows.weights
    if is_too_large(fit.n_params):
        predicted = predict_linear(
            rows.features, np.atleast_2d(fit.coef), fit.intercept, names=tuple(fit.feature_names)
        )
        for target in range(fit.n_targets):
            left = rows.targets.column(target) - predicted[:, target]
            check_squares(
                fit, target, float(np.sum(left**2 if weights is None else weights * left**2))
            )
        return
    estimates = estimates_of(fit, rows)
    if estimates is None:
        return
    for target in range(fit.n_targets):
        passed = estimates.fitted(rows, target)
        left = residuals(passed) / passed.scale[-1]
        squares = float(np.sum(left**2 if weights is None else weights * left**2))
        check_squares(fit, target, squares)


def check_weights(fit: LinearFit, rows: GivenRows) -> None:
    """Refuse rows that are not as many, or of another weight, than those of the fit."""
    weights = rows.weights
    counted = rows.features.n_samples if weights is None else int(np.count_nonzero(weights))
    total = float(counted if weights is None else np.sum(weights, dtype=np.float64))
    if counted != fit.n_samples:
        raise InputError(
            f"X has {counted} rows of positive weight, and the fit was made of {fit.n_samples}: pass the rows of the "
            "fit, without those that were left out."
        )
    if abs(total - fit.total_weight) > _SAME * fit.total_weight:
        raise InputError(
            f"the weights add up to {total:g}, and those of the fit to {fit.total_weight:g}: pass its sample_weight."
        )


def check_squares(fit: LinearFit, target: int, squares: float) -> None:
    """Refuse rows whose residuals' squares add up to another sum than those of the fit."""
    if not is_sum_of_squares(fit, target, squares):
        expected = float(np.atleast_1d(fit.rss)[target])
        if expected == np.inf:
            raise InputError(
                "the squares of the residuals add up to more than float64 holds (about 1e308), so that nothing can be "
                "said of single rows: divide y by a power of two, and fit again."
            )
        raise InputError(
            f"these are not the rows of the fit: their residuals' squares add up to {squares:g}, and the fit's to "
            f"{expected:g}. Pass X, y and sample_weight as they were fitted."
        )


def is_sum_of_squares(fit: LinearFit, target: int, squares: float) -> bool:
    """Whether this is the sum of the squares of the fit's residuals, but for rounding."""
    tss = float(np.atleast_1d(fit.tss)[target])
    expected = float(np.atleast_1d(fit.rss)[target])
    return abs(squares - expected) <= _SAME * expected + 1e-20 * tss


def is_estimated(fit: LinearFit) -> bool:
    """Whether this is a fit by least squares, with or without a penalty, of which errors can be stated."""
    if fit.solver == "non_negative":
        return False
    has_errors = np.isfinite(np.asarray(fit.residual_sd)).any()
    return bool(has_errors or np.any(fit.alpha) or fit.df_resid <= 0) and np.isfinite(fit.digits)


def _holds_rows(options: Mapping[str, Any]) -> bool:
    return "groups" in options
