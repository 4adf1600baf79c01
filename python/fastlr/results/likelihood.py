"""The Gaussian log-likelihood of a fit, however it was found."""

from __future__ import annotations

import math

import numpy as np

from fastlr.input.columns import FloatArray

__all__ = ["log_likelihood"]


def log_likelihood(
    n_samples: float,
    sum_log_weight: float,
    rss: FloatArray,
    log_rss: FloatArray | None = None,
) -> FloatArray:
    """Log-likelihoods at the variance that maximises them, rss / n, for errors of variance s^2 / w.

    They are -n/2 (log(2 pi rss / n) + 1) + sum(log w) / 2: infinite for a perfect fit.

    Parameters
    ----------
    n_samples : float
        The number n of rows of positive weight, or of observations that they stand for.
    sum_log_weight : float
        Sum of the logarithms of the positive weights.
    rss : ndarray of shape (k,)
        Weighted sums of squared residuals, of several targets or several epochs.
    log_rss : ndarray of shape (k,), optional
        Their logarithms, which count where rss itself has left the range of float64.

    Returns
    -------
    ndarray of shape (k,)
    """
    n = n_samples
    with np.errstate(divide="ignore", invalid="ignore"):  # a perfect fit, or one that has exploded
        logarithms = np.log(rss)
    if log_rss is not None:
        is_in_range = (rss >= np.finfo(np.float64).tiny) & np.isfinite(rss)
        logarithms = np.where(is_in_range, logarithms, log_rss)
    likelihood: FloatArray = (
        -0.5 * n * (math.log(2.0 * math.pi / n) + logarithms + 1.0) + 0.5 * sum_log_weight
    )
    return likelihood
