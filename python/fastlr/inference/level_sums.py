"""Sums of columns by the levels of a category."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.input.coded import Indicator
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.threads import resolve_threads

__all__ = ["GroupSums", "group_sums"]

_ADDED_PER_CALL = 1 << 23  # values: some 50 ms
_FEWEST_ROWS = 1024


class GroupSums(NamedTuple):
    """Sums over the rows of each level, unevaluated sums of two numbers."""

    columns: FloatArray
    """Weighted sums of the columns: (n_columns, 2, n_levels)."""
    weight: FloatArray
    """Sums of the weights, or numbers of rows: (2, n_levels)."""


def group_sums(
    features: Columns,
    targets: Columns | None,
    weights: npt.NDArray[Any] | None,
    category: Indicator,
    n_threads: int | None,
) -> GroupSums:
    """Sum features, then targets, by the levels of a category: one pass, in about twice the working precision.

    The bits do not depend on the number of threads, which have columns of their own.
    """
    n, q = features.n_samples, features.n_columns + (targets.n_columns if targets else 0)
    threads = resolve_threads(n_threads)
    sums = np.zeros((q + 1, 2, category.n_levels))
    step = max(_FEWEST_ROWS, _ADDED_PER_CALL // (q + 1))
    for first in range(0, n, step):
        kernels.add_group_sums(
            features.source,
            targets.source if targets else None,
            weights,
            category.codes,
            category.n_levels,
            first,
            min(n, first + step),
            threads,
            sums,
        )
    return GroupSums(sums[:q], sums[q])
