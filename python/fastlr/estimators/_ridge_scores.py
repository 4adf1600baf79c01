"""Scores of predictions that are at hand, by any scorer of scikit-learn."""

from __future__ import annotations

import warnings
from inspect import signature
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin

from fastlr.errors import InputWarning, user_level
from fastlr.input.columns import FloatArray
from fastlr.least_squares.problem import Problem
from fastlr.penalised.cross_validation import CrossValidation

__all__ = ["Line", "scores_without_each_row", "weights_for"]


class Line(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predictions of given coefficients, for a scorer."""

    def __init__(self, coef: FloatArray, intercept: Any) -> None:
        self.coef = coef
        self.intercept = intercept

    def predict(self, X: FloatArray) -> npt.NDArray[Any]:
        """Predict targets by the coefficients given, of shape (n_samples,) or (n_samples, n_targets)."""
        predictions: npt.NDArray[Any] = X @ self.coef.T + self.intercept
        return predictions

    def __sklearn_is_fitted__(self) -> bool:
        return True


class _Identity(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predictions that are given in place of rows, for a scorer."""

    def predict(self, X: FloatArray) -> FloatArray:
        """Return X, which holds the predictions themselves."""
        return X

    def __sklearn_is_fitted__(self) -> bool:
        return True


def weights_for(scorer: Any, weights: npt.NDArray[Any]) -> dict[str, Any]:
    """Weights for a scorer that takes some; a warning for one that does not."""
    function = getattr(scorer, "_score_func", scorer)
    if "sample_weight" in signature(function).parameters:
        return {"sample_weight": weights}
    warnings.warn(
        f"The scoring {scorer} does not support sample_weight: fits weigh the rows, scores do not. Choose another "
        "scoring to have both weighted.",
        InputWarning,
        stacklevel=user_level(),
    )
    return {}


def scores_without_each_row(
    problem: Problem,
    found: CrossValidation,
    scorer: Any,
    for_score: dict[str, Any],
    per_target: bool,
    is_vector: bool,
) -> tuple[FloatArray, FloatArray | None]:
    """Scores (n_alphas, 1 or t) of leave-one-out, and what is kept of every row."""
    n = problem.features.n_samples
    errors = found.errors
    if scorer is None:
        if found.squared_errors is None:
            raise AssertionError("leave-one-out has errors")
        scores = -found.squared_errors / n
        if not per_target:
            scores = scores.mean(axis=1, keepdims=True)
        if errors is None:
            return scores, None
        weights = np.ones(n) if problem.weights is None else problem.weights
        with np.errstate(invalid="ignore"):
            squares = weights[:, np.newaxis, np.newaxis] * np.square(errors)
        return scores, squares[:, 0] if is_vector else squares
    if errors is None:
        raise AssertionError("scorers want predictions")
    y = problem.targets.as_matrix().astype(np.float64)
    predictions = y[:, :, np.newaxis] - errors
    columns = [slice(k, k + 1) for k in range(y.shape[1])] if per_target else [slice(None)]

    def as_scored(values: FloatArray) -> FloatArray:
        return values[:, 0] if is_vector or per_target else values

    scores = np.array(
        [
            [
                scorer(
                    _Identity(),
                    as_scored(predictions[:, some, k]),
                    as_scored(y[:, some]),
                    **for_score,
                )
                for some in columns
            ]
            for k in range(len(found.alphas))
        ]
    )
    return scores, predictions[:, 0] if is_vector else predictions
