"""Least squares: coefficients to the last digit, from rows or from moments."""

from fastlr.least_squares.fit import ols, solve

__all__ = ["ols", "solve"]
