"""Chunks of rows on the workers of any `concurrent.futures` executor, to fits: processes, loky, MPI, threads."""

from fastlr.distributed.executors import rows
from fastlr.distributed.rows import DistributedRows
from fastlr.distributed.verbs import (
    best_subset,
    enet_path,
    lasso_path,
    moments,
    ols,
    ridge,
    ridge_path,
)

__all__ = [
    "DistributedRows",
    "best_subset",
    "enet_path",
    "lasso_path",
    "moments",
    "ols",
    "ridge",
    "ridge_path",
    "rows",
]
