"""Frames and arrays of Dask's, and files on its workers, to moments and fits."""

from fastlr.dask.reading import rows
from fastlr.dask.verbs import (
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
