"""scikit-learn estimators: thin fronts of the functions, with scikit-learn's names."""

from fastlr.estimators.linear_regression import LinearRegression
from fastlr.estimators.sgd_regressor import SGDRegressor

__all__ = ["LinearRegression", "SGDRegressor"]
