"""A fit beside its rows: what every diagnostic test begins with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.estimates import Estimates, GivenRows
from fastlr.inference.inverse import CrossInverse
from fastlr.inference.row_passes import residuals
from fastlr.input.columns import Columns, FloatArray
from fastlr.results import LinearFit
from fastlr.results.covariances import estimates_of, is_estimated
from fastlr.results.prediction import predict_linear
from fastlr.results.targets import chosen_target

__all__ = [
    "RowsOfFit",
    "check_fit",
    "estimates_or_refusal",
    "is_exact",
    "rows_of",
    "rows_of_block",
]

_ROUNDING = 8.0 * 2.0**-52
_VALUES = 1 << 21  # of a block of rows: 16 MB


@dataclass(frozen=True)
class RowsOfFit:
    """The rows of a fit and what it leaves of one target.

    Attributes
    ----------
    features : Columns
        The features of the fit.
    target : ndarray of shape (n_samples,)
    residuals : ndarray of shape (n_samples,)
        In units of the target.
    weights : ndarray of shape (n_samples,) or None
        As they were given.
    counts : ndarray of shape (n_samples,) or None
        How often a row counts in a regression of residuals: 1 or 0 if weights are precisions. None if always once.
    n_counted : float
        Their sum.
    inverse : CrossInverse or None
        Of the features' cross-products; None if it is not known.
    """

    features: Columns
    target: FloatArray
    residuals: FloatArray
    weights: npt.NDArray[np.float64] | None
    counts: npt.NDArray[np.float64] | None
    n_counted: float
    inverse: CrossInverse | None

    @property
    def whitened(self) -> FloatArray:
        """Residuals that have the same variance if the fit is right: times the root of a precision."""
        if self.weights is None or self.counts is self.weights:
            return self.residuals
        return self.residuals * np.sqrt(self.weights)


def check_fit(fit: object, what: str, *, allow_probability: bool = False) -> LinearFit:
    """Refuse what is no fit by least squares without a penalty, or has weights of a survey unless that is allowed."""
    if not isinstance(fit, LinearFit):
        raise InputTypeError(
            f"fit is a {type(fit).__name__}: pass what fastlr.ols gives, or the fit_ of an estimator."
        )
    if np.any(fit.alpha):
        raise InputError(
            f"{what} is not defined for a fit with a penalty (alpha={_shown(fit.alpha)}), which draws its coefficients "
            "away from those of least squares: fit with alpha=0."
        )
    if not is_estimated(fit):
        raise InputError(
            f"{what} is that of least squares, and this fit is one by {fit.solver!r}: fit by fastlr.ols."
        )
    if fit.weight_type == "probability" and not allow_probability:
        raise InputError(
            f'{what} is not defined for weights of weight_type="probability", under which rows are no independent '
            "draws from one distribution: use fit.f_test and robust errors, or fit without weights."
        )
    return fit


def rows_of(
    fit: object, X: object, y: object, sample_weight: object, target: int | None, what: str
) -> tuple[LinearFit, int, RowsOfFit]:
    """The fit, the target and its rows, validated and found to be those of the fit."""
    checked = check_fit(fit, what)
    chosen = chosen_target(checked, target)
    given = checked.given_rows(X, y, sample_weight)
    values = np.asarray(given.targets.column(chosen), dtype=np.float64)
    weights = None if given.weights is None else np.asarray(given.weights, dtype=np.float64)
    counts, n = weights, checked.nobs
    if weights is not None and checked.weight_type != "frequency":
        counts = None if weights.all() else (weights > 0).astype(np.float64)
    estimates = estimates_of(checked, given)
    if estimates is None:
        predicted = predict_linear(
            given.features, checked.coef, checked.intercept, names=checked.feature_names
        )
        left = values - np.asarray(predicted, dtype=np.float64).reshape(len(values), -1)[:, chosen]
    else:
        fitted = estimates.fitted(given, chosen)
        left = residuals(fitted) / fitted.scale[-1]
    inverse = None if estimates is None else estimates.inverse
    rows = RowsOfFit(given.features, values, left, weights, counts, n, inverse)
    return checked, chosen, rows


def estimates_or_refusal(fit: LinearFit, given: GivenRows | None, what: str) -> Estimates:
    """What a fit keeps of its cross-products, or the rows tell; an `InputError` without either."""
    estimates = estimates_of(fit, given)
    if estimates is not None:
        return estimates
    if fit.rank < fit.n_features:
        raise InputError(
            f"{what} needs features that the rows tell apart, and these have rank {fit.rank} of {fit.n_features}: "
            "leave some out, or add rows."
        )
    raise InputError(
        f"this fit has not kept the inverse of its cross-products, which {what} needs: pass X= and y= of the fit."
    )


def rows_of_block(n_columns: int) -> int:
    """How many rows of so many columns are some 16 MB, and 256 at least."""
    return max(256, _VALUES // n_columns)


def is_exact(fit: LinearFit, target: int) -> bool:
    """Whether residuals are rounding, of which nothing can be said."""
    rss = float(np.atleast_1d(fit.rss)[target])
    size = float(np.atleast_1d(np.asarray(fit.uncentered_tss))[target])
    return not rss > _ROUNDING**2 * size


def _shown(alpha: object) -> str:
    return "an array" if isinstance(alpha, np.ndarray) else f"{alpha:g}"
