"""Least squares: coefficients to the last digit, from rows or from moments."""

from fastlr.least_squares.fit import ols
from fastlr.least_squares.from_moments import solve

__all__ = ["ols", "solve"]
