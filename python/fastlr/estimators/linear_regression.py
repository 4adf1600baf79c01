"""Ordinary least squares as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from fastlr._arrays import (
    FloatArray,
    as_features,
    as_targets,
    check_same_targets,
    refuse_non_finite,
)
from fastlr.exact import solve_moments
from fastlr.moments import Moments, moments_of
from fastlr.results import LinearFit, predict_linear

__all__ = ["LinearRegression"]


class LinearRegression(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ordinary least squares, with scikit-learn's names and an exact ``partial_fit``.

    Minimises ``sum w (y - intercept - X @ coef)^2``.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether to fit a constant.
    n_threads : int, optional
        Threads to use; by default all that the process may. Results do not depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients; 1-D if y was. float32 if all of X was float32.
    intercept_ : float or ndarray of shape (n_targets,)
        The constant; 0.0 if ``fit_intercept=False``.
    rank_ : int
        Rank of the (centred) features.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had names that are all strings.
    fit_ : LinearFit
        The whole result: errors, likelihood, condition number, ranking of weights, summary.
    moments_ : Moments
        What was learned from the rows; ``partial_fit`` adds to it.

    Notes
    -----
    ``fit`` starts anew; ``partial_fit`` adds rows to those of the last ``fit`` or ``partial_fit`` and ends with the
    coefficients that one ``fit`` of all the rows would give (up to rounding). A call that fails leaves the estimator
    as it was. Cost and method: see `fastlr.ols`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import LinearRegression
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> y = np.array([3.0, 5.0, 7.0, 9.0])
    >>> model = LinearRegression().partial_fit(X[:2], y[:2]).partial_fit(X[2:], y[2:])
    >>> model.predict([[10.0]]).round(9)
    array([21.])
    """

    def __init__(self, *, fit_intercept: bool = True, n_threads: int | None = None) -> None:
        self.fit_intercept = fit_intercept
        self.n_threads = n_threads

    def fit(self, X: object, y: object, sample_weight: object = None) -> LinearRegression:
        """Fit to rows, forgetting earlier ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights.

        Returns
        -------
        LinearRegression
            This estimator.
        """
        features = as_features(X)
        moments, is_vector = moments_of(features, y, sample_weight, None, None, self.n_threads)
        return self._accept(X, moments, is_vector, features.all_float32)

    def partial_fit(self, X: object, y: object, sample_weight: object = None) -> LinearRegression:
        """Add rows to those already fitted: exactly the fit of all of them together.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`; the same features and targets as before.

        Returns
        -------
        LinearRegression
            This estimator.
        """
        if not hasattr(self, "moments_"):
            return self.fit(X, y, sample_weight)
        features = as_features(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        targets = as_targets(y, features.n_samples)
        check_same_targets(targets, self.moments_.target_names, owner="this estimator")
        more, is_vector = moments_of(
            features,
            targets,
            sample_weight,
            self.moments_.feature_names,
            self.moments_.target_names,
            self.n_threads,
        )
        float32 = features.all_float32 and self.coef_.dtype == np.float32
        return self._accept(X, self.moments_ + more, is_vector and self.coef_.ndim == 1, float32)

    def _accept(
        self, X: object, moments: Moments, is_vector: bool, float32: bool
    ) -> LinearRegression:
        """Solve first, then set every attribute: a failed fit leaves the estimator as it was."""
        fit = solve_moments(moments, self.fit_intercept, 0.0, is_vector)
        validate_data(self, X, skip_check_array=True)  # sets n_features_in_ and feature_names_in_
        self.moments_: Moments = moments
        self.fit_: LinearFit = fit
        self.coef_: FloatArray = fit.coef.astype(np.float32 if float32 else np.float64)
        self.intercept_ = fit.intercept
        self.rank_: int = fit.rank
        return self

    def predict(self, X: object) -> npt.NDArray[Any]:
        """Predictions ``X @ coef_.T + intercept_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            float32 if all of X is, else float64.
        """
        check_is_fitted(self)
        features = as_features(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        prediction = predict_linear(features, self.coef_, self.intercept_, self.n_threads)
        if not np.isfinite(prediction).all():
            refuse_non_finite(features, self.moments_.feature_names, argument="X")
        return prediction
