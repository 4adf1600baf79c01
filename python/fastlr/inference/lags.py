"""How many rows before a covariance by Newey and West looks back to, if nobody says."""

from __future__ import annotations

import math

import numpy as np

from fastlr.inference.row_passes import FittedRows, residuals
from fastlr.input.columns import FloatArray

__all__ = ["plug_in_bandwidth", "plug_in_lags", "usual_lags"]


def usual_lags(nobs: float) -> int:
    """Lags by the usual rule, ``floor(4 (n / 100)^(2/9))``."""
    return int(4.0 * math.pow(nobs / 100.0, 2.0 / 9.0))


def plug_in_bandwidth(h: FloatArray) -> float:
    """Bartlett's bandwidth for the sum of a series, by the plug-in rule of Newey and West (1994); infinity if none is.

    With autocovariances ``s_j = sum_t h_t h_(t-j) / n`` up to ``j = floor(4 (n / 100)^(2/9))`` it is
    ``1.1447 (n (s' / s)^2)^(1/3)`` for ``s = s_0 + 2 sum s_j`` and ``s' = 2 sum j s_j``.
    """
    n = len(h)
    size = np.abs(h).max(initial=0.0)
    if not size > 0.0:
        return 0.0
    scaled = h / size
    most = min(usual_lags(n), n - 1)
    sums = np.array([scaled[j:] @ scaled[: n - j] for j in range(most + 1)]) / n
    whole = sums[0] + 2.0 * sums[1:].sum()
    slope = 2.0 * np.arange(1, most + 1) @ sums[1:]
    if whole == 0.0:
        return math.inf
    return float(1.1447 * math.pow(n * (slope / whole) ** 2, 1.0 / 3.0))


def plug_in_lags(rows: FittedRows, fit_intercept: bool) -> int:
    """Lags by the plug-in rule for the sum of a row's scores, the intercept's left out: below the number of rows."""
    h = residuals(rows) * (1.0 if rows.weights is None else rows.weights)
    if rows.features.n_columns:
        of_row = np.zeros(rows.n_samples)
        for column in rows.features.as_list():
            of_row += column
        h *= of_row
    elif not fit_intercept:
        return 0
    return math.floor(min(plug_in_bandwidth(h), rows.n_samples - 1))
