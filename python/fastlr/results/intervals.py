"""Predictions with intervals: of the mean, and of a further observation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.inference.distributions import as_level, quantile
from fastlr.inference.row_passes import FittedRows, leverages
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.frames import like_frame, opened_table
from fastlr.results.about_means import covariance_about_means, means_of

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["Prediction", "prediction_of"]

_OUTSIDE = 1e-8  # share of a row outside of the space of the fit's rows that is no rounding
_ROWS = 4096  # of a block


@dataclass(frozen=True)
class Prediction:
    """Predicted means, their standard errors, and the spread of observations about them.

    Attributes
    ----------
    predicted_mean : ndarray of shape (n_samples,) or (n_samples, n_targets)
        What `predict` gives.
    se_mean : ndarray of the same shape
        Standard errors of the means.
    se_obs : ndarray of the same shape
        Standard errors of single observations (of weight 1): ``sqrt(se_mean^2 + scale)``.
    df : float or None
        Degrees of freedom of Student's t; None for the normal distribution.
    """

    predicted_mean: FloatArray
    se_mean: FloatArray
    se_obs: FloatArray
    df: float | None
    target_names: tuple[str, ...]
    rows: Any
    """The frame that was predicted, whose library `summary_frame` uses; else None."""

    def conf_int(self, level: float = 0.95, *, obs: bool = False) -> FloatArray:
        """Intervals of the means, or of observations: the shape of the means and (2,)."""
        half = quantile(as_level(level), self.df) * (self.se_obs if obs else self.se_mean)
        return np.stack([self.predicted_mean - half, self.predicted_mean + half], axis=-1)

    def summary_frame(self, level: float = 0.95) -> Any:
        """A table of means, standard errors and both intervals, under statsmodels' names.

        Parameters
        ----------
        level : float, default=0.95
            Level of the intervals.

        Returns
        -------
        DataFrame or dict of str to ndarray
            A frame of the library that X came from (with its index, if it has one), else columns by name, as every
            library takes them. With several targets names begin with the target's: "y0_mean".
        """
        means, errors = self.predicted_mean, self.se_mean
        of_mean, of_obs = self.conf_int(level), self.conf_int(level, obs=True)
        names = [
            "mean",
            "mean_se",
            "mean_ci_lower",
            "mean_ci_upper",
            "obs_ci_lower",
            "obs_ci_upper",
        ]
        parts = [means, errors, *np.moveaxis(of_mean, -1, 0), *np.moveaxis(of_obs, -1, 0)]
        if means.ndim == 1:
            columns = dict(zip(names, parts, strict=True))
        else:
            columns = {
                f"{target}_{name}": part[:, k]
                for k, target in enumerate(self.target_names)
                for name, part in zip(names, parts, strict=True)
            }
        return like_frame(self.rows, columns)


def prediction_of(fit: LinearFit, X: object) -> Prediction:
    """Predictions of a fit for new rows, with their errors."""
    mean: FloatArray = np.asarray(fit.predict(X), dtype=np.float64)
    features = fit.features_of(X)
    spread = np.atleast_1d(np.asarray(fit.residual_sd, dtype=np.float64))
    if fit.covariance is None:
        known = np.isfinite(spread)
        if fit.weight_type == "probability" or np.any(fit.alpha):
            known[:] = False
        with np.errstate(invalid="ignore"):
            root = np.sqrt(_leverages(fit, features))
        # Spreads may be so large, or small, that float64 does not hold their squares.
        se_mean = np.outer(root, np.where(known, spread, np.nan))
    else:
        about_means = covariance_about_means(fit)
        variance = np.stack([_quadratic(fit, features, part) for part in about_means], axis=1)
        if _is_partly_determined(fit):
            variance[_outside(fit, features)] = np.nan
        with np.errstate(invalid="ignore"):
            se_mean = np.sqrt(variance)
    se_obs = np.hypot(se_mean, spread)
    frame = opened_table(X, "X")
    return Prediction(
        mean,
        se_mean.reshape(mean.shape),
        se_obs.reshape(mean.shape),
        fit.df_inference if fit.use_t else None,
        fit.target_names,
        frame,
    )


def _leverages(fit: LinearFit, features: Columns) -> FloatArray:
    """Variances of predicted means by that of a residual; NaN outside of the space of the fit's rows."""
    inverse = fit.inverse
    n = features.n_samples
    if inverse is None:
        return np.full(n, np.nan)
    factor = inverse.triangular_factor()
    shift = np.append(means_of(fit), 0.0)
    rows = FittedRows(
        features, None, None, True, shift, np.append(inverse.scale, 1.0), None, factor
    )
    h = leverages(rows)
    if _is_partly_determined(fit):
        h[_outside(fit, features)] = np.nan
    return h


def _is_partly_determined(fit: LinearFit) -> bool:
    """Whether some predictions depend on which of many solutions was taken."""
    return fit.rank < fit.n_features and fit.solver != "basic"


def _outside(fit: LinearFit, features: Columns) -> FloatArray:
    """Which rows have a share outside of the space that the fit's (centred) rows span: (n,)."""
    inverse = fit.inverse
    out = np.ones(features.n_samples, dtype=bool)
    if inverse is None:
        return out
    spanned = inverse.root * inverse.scale[:, np.newaxis]
    basis = np.linalg.qr(spanned)[0]
    mean = means_of(fit)
    for first in range(0, features.n_samples, _ROWS):
        block = slice(first, min(features.n_samples, first + _ROWS))
        x = np.asarray(features.take_rows(block).as_matrix(), dtype=np.float64) - mean
        left = x - (x @ basis) @ basis.T
        out[block] = np.linalg.norm(left, axis=1) > _OUTSIDE * np.linalg.norm(x, axis=1)
    return out


def _quadratic(fit: LinearFit, features: Columns, about_means: FloatArray) -> FloatArray:
    """``x' V x`` of every row, about the fit's means."""
    mean = means_of(fit)
    k, p = fit.n_params, fit.n_features
    out = np.empty(features.n_samples)
    for first in range(0, features.n_samples, _ROWS):
        block = slice(first, min(features.n_samples, first + _ROWS))
        x = np.ones((block.stop - first, k))
        x[:, k - p :] = features.take_rows(block).as_matrix()
        x[:, k - p :] -= mean
        out[block] = np.einsum("ij,ij->i", x @ about_means, x)
    return out
