"""The rows of SGDRegressor: one target, and a share of the rows set aside."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import _safe_indexing

from fastlr._arrays import Columns, as_targets
from fastlr.descent._arguments import user_level
from fastlr.errors import InputError

__all__ = ["as_vector", "split_rows"]


def as_vector(y: object, n_samples: int) -> Columns:
    """One target; a column is taken as one, with scikit-learn's warning."""
    targets = as_targets(y, n_samples)
    if targets.n_columns != 1:
        raise InputError(
            f"y should be a 1d array, got an array of {targets.n_columns} columns instead: pass one target."
        )
    if targets.is_vector:
        return targets
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected: pass y.ravel().",
        DataConversionWarning,
        stacklevel=user_level(),
    )
    return as_targets(np.asarray(y).ravel(), n_samples)


def split_rows(
    X: object,
    y: Columns,
    sample_weight: object,
    share: float,
    n_samples: int,
    draws: np.random.Generator,
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """Rows to learn from and rows set aside at random, copied."""
    n_held_out = math.ceil(share * n_samples)
    if n_held_out >= n_samples:
        raise InputError(
            f"validation_fraction={share!r} sets all {n_samples} rows aside and leaves none to "
            "learn from: pass a smaller share, or more rows."
        )
    order = draws.permutation(n_samples)
    target = y.source[0] if isinstance(y.source, list) else y.source

    def taken(rows: npt.NDArray[np.int64]) -> tuple[Any, Any, Any]:
        weights = None if sample_weight is None else np.asarray(sample_weight)[rows]
        return _safe_indexing(X, rows), target[rows], weights

    return taken(np.sort(order[n_held_out:])), taken(np.sort(order[:n_held_out]))
