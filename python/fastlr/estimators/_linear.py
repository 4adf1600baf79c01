"""What every linear estimator has in common: predictions, what X may be, and how it is stored."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from fastlr.estimators._features import check_features, check_fitted, names_in
from fastlr.estimators._stored import StoredEstimator
from fastlr.input.arguments import as_features
from fastlr.results import predict_linear

__all__ = ["LinearEstimator"]


class LinearEstimator(StoredEstimator):
    """An estimator that predicts ``X @ coef_.T + intercept_``, of which X may be sparse."""

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags of the estimator's kind, with one that says that X may be sparse."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.sparse = True
        return tags

    def predict(self, X: object) -> npt.NDArray[Any]:
        """Predict the targets of new rows: ``X @ coef_.T + intercept_``.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            float32 if all of X is, else float64.
        """
        check_fitted(self)
        features = as_features(X)
        check_features(self, X, features, reset=False)
        fitted = self.__dict__.copy()  # one step: coefficients and intercept belong together
        return predict_linear(
            features,
            fitted["coef_"],
            fitted["intercept_"],
            self._threads,
            names=fitted["fit_"].feature_names if "fit_" in fitted else names_in(self, features),
        )

    @property
    def _threads(self) -> int | None:
        """Threads of predictions; by default all that the process may use."""
        threads: int | None = vars(self).get("n_threads")
        return threads
