"""Parameters about the means of the features: where features are far from zero, only there nothing cancels.

The intercept is the prediction at zero. If that is far away, its variance is large, and what one says of predictions
near the rows from it and from the slopes is a small difference of large numbers. The prediction at the means of the
features has a variance of its own, from which all others follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastlr.input.columns import FloatArray

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["covariance_about_means", "means_of", "with_prediction_at_means"]


def means_of(fit: LinearFit) -> FloatArray:
    """The means of the features, (p,), as float64; zeros without an intercept."""
    if not fit.fit_intercept:
        return np.zeros(fit.n_features)
    if fit.inverse is None:
        return np.asarray(fit.feature_mean)
    means: FloatArray = fit.inverse.rounded_mean()[0] / fit.inverse.scale
    return means


def covariance_about_means(fit: LinearFit) -> FloatArray:
    """Covariances (t, k, k) of the prediction at the means, which takes the place of the intercept, and the slopes.

    Robust ones are those of the solution that was taken, where columns depend on one another.
    """
    t, k = fit.n_targets, fit.n_params
    known = np.asarray(fit.cov_params()) if fit.covariance is None else fit.covariance
    covariance = known.reshape(t, k, k).copy()
    if not fit.fit_intercept:
        return covariance
    if fit.covariance_at_means is not None:
        at_means = fit.covariance_at_means
    elif fit.covariance is None and fit.inverse is not None:
        factor = fit.inverse.triangular_factor()
        normalised = np.append(
            factor[-1, -1] ** 2, fit.inverse.scale * factor[:-1, -1] * factor[-1, -1]
        )
        at_means = np.outer(np.atleast_1d(np.asarray(fit.scale, dtype=np.float64)), normalised)
        unknown = np.isnan(np.diagonal(covariance, axis1=1, axis2=2)).copy()
        unknown[:, 0] = fit.inference_status.code not in ("ok", "rank_deficient")
        at_means[unknown] = np.nan
    else:  # a file of before, or nothing is known
        moved = np.eye(k)
        moved[0, 1:] = means_of(fit)
        with np.errstate(invalid="ignore"):
            return np.asarray(moved @ covariance @ moved.T)
    covariance[:, 0, :] = at_means
    covariance[:, :, 0] = at_means
    return covariance


def with_prediction_at_means(
    fit: LinearFit, matrix: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Combinations (q, k) of the parameters, the parameters (t, k) and their covariances (t, k, k).

    With an intercept the prediction at the means is one parameter more, the last, and combinations are those of it
    and the slopes where less cancels so.
    """
    t, k = fit.n_targets, fit.n_params
    params = np.asarray(fit.params).reshape(t, k)
    covariance = np.asarray(fit.cov_params()).reshape(t, k, k)
    if not fit.fit_intercept or not matrix[:, 0].any():
        return matrix, params, covariance
    means, about = means_of(fit), covariance_about_means(fit)
    at_means = (
        params[:, 0].astype(np.longdouble)
        + (params[:, 1:].astype(np.longdouble) @ means.astype(np.longdouble))
    ).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        moved = np.column_stack(
            [np.zeros(len(matrix)), matrix[:, 1:] - np.outer(matrix[:, 0], means), matrix[:, 0]]
        )
        own = np.column_stack([matrix, np.zeros(len(matrix))])
        wider = np.empty((t, k + 1, k + 1))
        wider[:, :k, :k] = covariance
        wider[:, 1:k, k] = wider[:, k, 1:k] = about[:, 0, 1:]
        wider[:, k, k] = about[:, 0, 0]
        wider[:, 0, k] = wider[:, k, 0] = about[:, 0, 0] - about[:, 0, 1:] @ means
        errors = np.sqrt(np.abs(np.diagonal(wider, axis1=1, axis2=2))).max(axis=0)
        is_better = _sizes(moved, errors) < _sizes(own, errors)
    return (
        np.where(is_better[:, np.newaxis], moved, own),
        np.column_stack([params, at_means]),
        wider,
    )


def _sizes(matrix: FloatArray, errors: FloatArray) -> FloatArray:
    """How large the terms of combinations are, (q,); infinite if one is unknown that takes part."""
    terms = np.where(matrix != 0, np.abs(matrix) * errors, 0.0).sum(axis=1)
    sizes: FloatArray = np.where(np.isnan(terms), np.inf, terms)
    return sizes
