"""scikit-learn estimators: thin fronts of the functions, with scikit-learn's names."""

from fastlr.estimators.linear_regression import LinearRegression

__all__ = ["LinearRegression"]
