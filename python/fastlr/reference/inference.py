"""How surely rows speak of parameters: leverages, covariances, and residuals without the own row."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastlr.reference.shapes import Floats, as_floats, as_weights


def leverages(
    X: ArrayLike, sample_weight: ArrayLike | None = None, *, fit_intercept: bool = True
) -> Floats:
    """How much each row decides its own prediction: h_i = w_i z_i' (Z' W Z)^-1 z_i, with z = (1, x).

    They add up to the number of parameters. Rows of weight 0 have none.

    >>> leverages([[0], [1], [2]]).round(4).tolist()
    [0.8333, 0.3333, 0.8333]
    """
    Z, weight = _variables(X, fit_intercept), as_weights(sample_weight, len(as_floats(X)))
    orthonormal = np.linalg.qr(np.sqrt(weight)[:, np.newaxis] * Z)[0]
    return np.asarray(np.sum(orthonormal**2, axis=1))


def covariance(
    X: ArrayLike,
    residuals: ArrayLike,
    cov_type: str = "nonrobust",
    sample_weight: ArrayLike | None = None,
    *,
    groups: ArrayLike | None = None,
    maxlags: int = 0,
    fit_intercept: bool = True,
) -> Floats:
    """Covariance of the parameters (intercept first) of a fit of one target: B M B, B = (Z' W Z)^-1.

    M is Z' W Z times rss / (n - k) if errors are alike ("nonrobust"), else a sum over scores
    s_i = w_i r_i z_i: of rows, s s' (HC0), times n / (n - k) (HC1), or over 1 - h (HC2) or
    (1 - h)^2 (HC3); of groups, their sums S S' times G / (G - 1) (n - 1) / (n - k) ("cluster"); of
    rows in time, s_t s_u' for |t - u| <= maxlags, times 1 - |t - u| / (maxlags + 1) ("HAC").

    >>> covariance([[0], [1], [2]], [0.1, -0.2, 0.1], "HC0").round(6).tolist()
    [[0.011667, -0.005], [-0.005, 0.005]]
    """
    Z, r = _variables(X, fit_intercept), as_floats(residuals)
    weight = as_weights(sample_weight, len(Z))
    n, k = int(np.count_nonzero(weight)), Z.shape[1]
    bread = np.linalg.inv(Z.T @ (weight[:, np.newaxis] * Z))
    if cov_type == "nonrobust":
        return np.asarray(bread * float(weight @ r**2) / (n - k))
    scores = (weight * r)[:, np.newaxis] * Z
    rest = (1.0 - leverages(X, weight, fit_intercept=fit_intercept))[:, np.newaxis]
    if cov_type == "cluster":
        of_row = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
        sums = np.array([scores[of_row == g].sum(axis=0) for g in range(of_row.max() + 1)])
        meat = sums.T @ sums * (len(sums) / (len(sums) - 1.0) * (n - 1.0) / (n - k))
    elif cov_type == "HAC":
        meat = scores.T @ scores
        for lag in range(1, maxlags + 1):
            cross = scores[lag:].T @ scores[:-lag]
            meat = meat + (1.0 - lag / (maxlags + 1.0)) * (cross + cross.T)
    else:
        share = {"HC0": 1.0, "HC1": n / (n - k), "HC2": 1.0 / rest, "HC3": 1.0 / rest**2}[cov_type]
        meat = scores.T @ (share * scores)
    return np.asarray(bread @ meat @ bread)


def residuals_without_own_row(
    X: ArrayLike,
    residuals: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    fit_intercept: bool = True,
) -> Floats:
    """Residual of each row from the fit to all others, without fitting again: r / (1 - h).

    >>> residuals_without_own_row([[0], [1], [2]], [0.1, -0.2, 0.1]).round(12).tolist()
    [0.6, -0.3, 0.6]
    """
    h = leverages(X, sample_weight, fit_intercept=fit_intercept)
    return np.asarray(as_floats(residuals) / (1.0 - h))


def _variables(X: ArrayLike, fit_intercept: bool) -> Floats:
    features = as_floats(X)
    return np.column_stack([np.ones(len(features)), features]) if fit_intercept else features
