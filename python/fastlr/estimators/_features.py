"""What scikit-learn wants to be remembered of the features, for mappings and Arrow streams as well."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from fastlr.errors import user_level
from fastlr.input.columns import Columns
from fastlr.input.frames import has_columns
from fastlr.input.names import check_same_features, default_names

__all__ = ["check_features", "check_fitted", "names_in"]


def check_fitted(estimator: Any) -> None:
    """Raise scikit-learn's ``NotFittedError`` unless the estimator is fitted."""
    if "coef_" not in vars(estimator):
        check_is_fitted(estimator)


def check_features(estimator: Any, X: object, features: Columns, *, reset: bool) -> None:
    """Set ``n_features_in_`` and ``feature_names_in_``, or compare with them, as scikit-learn does."""
    is_array = type(X) is np.ndarray  # without names: nothing to compare yet
    if not reset and (is_array or type(X) is list):
        fitted = vars(estimator)
        if "feature_names_in_" not in fitted and fitted.get("n_features_in_") == features.n_columns:
            return  # most calls: scikit-learn would take ten times as long to find nothing
    is_known = hasattr(X, "shape") or isinstance(X, list | tuple)  # to scikit-learn
    if is_known and not (reset and is_array) and not isinstance(X, Mapping) and not has_columns(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return
    if reset:
        estimator.n_features_in_ = features.n_columns
        if features.names is not None:
            estimator.feature_names_in_ = np.array(features.names, dtype=object)
        else:
            vars(estimator).pop("feature_names_in_", None)
        return
    owner = type(estimator).__name__
    names = getattr(estimator, "feature_names_in_", None)
    if (names is None) != (features.names is None):
        warnings.warn(
            f"X has feature names, but {owner} was fitted without feature names"
            if names is None
            else f"X does not have valid feature names, but {owner} was fitted with feature names",
            UserWarning,
            stacklevel=user_level(),
        )
    known = default_names(estimator.n_features_in_) if names is None else tuple(names)
    check_same_features(features, known, argument="X", owner=owner)


def names_in(estimator: Any, features: Columns) -> tuple[str, ...]:
    """Return the names of the features for messages: those of ``fit``, of these rows, or x0, x1, ..."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        return tuple(names)
    return features.names or default_names(features.n_columns)
