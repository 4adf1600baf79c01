"""The words of inference: what weights mean, and which covariances there are."""

from __future__ import annotations

__all__ = ["COV_TYPES", "WEIGHT_TYPES"]

WEIGHT_TYPES = ("precision", "frequency", "probability")
"""Inverse variances; how often a row was seen; how many units of a population a row stands for."""

COV_TYPES = ("nonrobust", "HC0", "HC1", "HC2", "HC3", "cluster", "HAC")
"""Names of the covariances, in statsmodels' words."""
