"""Goodness of fit of a prediction by its definitions: rss, mse, r2 and the log-likelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastlr.reference.shapes import FloatOrFloats, as_floats, as_weights, per_target


def rss(
    y: ArrayLike, prediction: ArrayLike, sample_weight: ArrayLike | None = None
) -> FloatOrFloats:
    """Residual sum of squares, sum(w (y - prediction)^2).

    >>> rss([1, 2], [1, 4])
    4.0
    """
    y = as_floats(y)
    return per_target(as_weights(sample_weight, len(y)) @ (y - as_floats(prediction)) ** 2)


def mse(
    y: ArrayLike, prediction: ArrayLike, sample_weight: ArrayLike | None = None
) -> FloatOrFloats:
    """Mean squared error, rss / sum(w).

    >>> mse([1, 2], [1, 4])
    2.0
    """
    weight = as_weights(sample_weight, len(as_floats(y)))
    return rss(y, prediction, weight) / float(weight.sum())


def r2(
    y: ArrayLike,
    prediction: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    fit_intercept: bool = True,
) -> FloatOrFloats:
    """Share of the variation explained, 1 - rss / tss.

    The total sum of squares tss is about the mean with an intercept, and about 0 without one.

    >>> r2([1, 2, 3], [1, 2, 4])
    0.5
    """
    y = as_floats(y)
    weight = as_weights(sample_weight, len(y))
    centre = np.average(y, axis=0, weights=weight) if fit_intercept else 0.0
    return per_target(1 - rss(y, prediction, weight) / (weight @ (y - centre) ** 2))


def log_likelihood(
    y: ArrayLike, prediction: ArrayLike, sample_weight: ArrayLike | None = None
) -> FloatOrFloats:
    """Gaussian log-likelihood, errors of variance s^2 / w, at the s^2 that maximises it: rss / n.

    -n/2 (log(2 pi rss / n) + 1) + sum(log w) / 2, where n counts the rows of positive weight.

    >>> round(log_likelihood([1, 2, 3], [1, 2, 4]), 4)
    -2.6089
    """
    weight = as_weights(sample_weight, len(as_floats(y)))
    positive = weight[weight > 0]
    variance = as_floats(rss(y, prediction, weight)) / len(positive)
    with np.errstate(divide="ignore"):
        log_variance = np.log(2 * np.pi * variance)
    return per_target(-len(positive) / 2 * (log_variance + 1) + np.log(positive).sum() / 2)
