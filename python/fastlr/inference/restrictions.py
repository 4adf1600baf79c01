"""Wald's statistic: how far parameters are from restrictions, by their covariance."""

from __future__ import annotations

import numpy as np

from fastlr.input.columns import FloatArray

__all__ = ["wald_of_all", "wald_statistic"]


def wald_of_all(coef: FloatArray, covariance: FloatArray) -> FloatArray:
    """F statistics (t,) of all coefficients being zero, from covariances (t, k, k) of which they are the last."""
    t, p = coef.shape
    statistics = np.full(t, np.nan)
    for target in range(t):
        some = covariance[target][-p:, -p:]
        statistics[target] = wald_statistic(coef[target], some) / p
    return statistics


def wald_statistic(difference: FloatArray, covariance: FloatArray) -> float:
    """``d' V^-1 d``; NaN where V is not known, or singular up to rounding."""
    if not (np.isfinite(covariance).all() and np.isfinite(difference).all()):
        return float("nan")
    length = np.sqrt(covariance.diagonal())
    if not (length > 0).all():
        return float("nan")
    scaled = covariance / length / length[:, np.newaxis]
    values, vectors = np.linalg.eigh(scaled)
    if values[0] <= len(values) * 2.0**-52 * values[-1]:
        return float("nan")
    along = vectors.T @ (difference / length)
    return float(np.sum(along**2 / values))
