"""Frames of Spark's, and files on its executors, to moments and fits."""

from fastlr.spark.reading import rows
from fastlr.spark.verbs import (
    best_subset,
    enet_path,
    lasso_path,
    moments,
    ols,
    ridge,
    ridge_path,
)

__all__ = [
    "best_subset",
    "enet_path",
    "lasso_path",
    "moments",
    "ols",
    "ridge",
    "ridge_path",
    "rows",
]
