"""The pass over rows that are mostly zeros: products of the other values alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.sparse import SparseColumns, SparseRows
from fastlr.moments.state import State

__all__ = ["sparse_moments"]

# Multiply-adds of a dense pass, in registers, that take as long as one of two values that lie apart.
_DENSE_FOR_ONE = 32
_PRODUCTS_PER_CALL = 1 << 24  # some 50 ms
_FEWEST_ROWS = 1024  # in a call


def sparse_moments(
    features: SparseColumns,
    targets: Columns,
    weights: npt.NDArray[Any] | None,
    feature_names: tuple[str, ...],
    target_names: tuple[str, ...],
    n_threads: int,
) -> tuple[State, int] | None:
    """Moments of the rows and how many passes they took, or None where a dense pass takes no longer.

    Columns that are at least half full are taken for dense, and summed about a value near their means. All others are
    summed about zero, and centred afterwards: at most half of their squares is then due to the mean, unless weights
    prefer the rows where they are not zero, and ``summed_squares`` says so.
    """
    rows = features.sparse_rows
    n, p, t = features.n_samples, features.n_columns, targets.n_columns
    is_dense = 2 * rows.column_counts >= n
    n_dense = int(np.count_nonzero(is_dense))
    if n_dense == p or _DENSE_FOR_ONE * rows.n_products > 0.5 * n * (p + t) ** 2:
        return None
    dense: list[npt.NDArray[Any]] = []
    kept, filled = np.flatnonzero(~is_dense), np.flatnonzero(is_dense)
    if n_dense:
        dense = [features.column(int(j)) for j in filled]
        rows = features.take_columns(kept.tolist()).sparse_rows
    dense = [*dense, *(targets.column(k) for k in range(t))]
    moments, squares, n_passes = _moments_about_shift(rows, dense, weights, n_threads)
    weight, n_positive, sum_log_weight, mean, cross = moments
    if n_dense:
        where = np.argsort(np.concatenate([kept, filled, np.arange(p, p + t)]))
        mean = np.ascontiguousarray(mean[:, where])
        cross = np.ascontiguousarray(cross[np.ix_(where, where)])
        squares = squares[where]
    state = State(
        n_positive,
        weight,
        sum_log_weight,
        np.ones(p + t),
        mean,
        cross,
        feature_names,
        target_names,
        squares,
    )
    return state, n_passes


def _moments_about_shift(
    rows: SparseRows,
    dense: list[npt.NDArray[Any]],
    weights: npt.NDArray[Any] | None,
    n_threads: int,
) -> tuple[Any, FloatArray, int]:
    """Moments of sparse columns about zero and dense ones about a shift that is near enough to their means."""
    n, p, d = rows.n_samples, rows.n_columns, len(dense)
    shift = kernels.provisional_shift(dense, [], weights)
    step = max(_FEWEST_ROWS, int(n * _PRODUCTS_PER_CALL / max(1.0, rows.n_products + n * d)))
    n_passes, is_far = 0, True
    while is_far and n_passes < kernels.MOST_PASSES:
        sums = np.zeros(kernels.sparse_sums_size(p, d))
        for first in range(0, n, step):
            kernels.accumulate_sparse(
                rows.by_rows,
                p,
                dense,
                weights,
                shift,
                rows.column_counts,
                first,
                min(n, first + step),
                n_threads,
                sums,
            )
        moments = kernels.centre_sparse(p, d, shift, sums)
        about = np.concatenate([np.zeros(p), shift])
        _, squares = kernels.recentre(moments[0], moments[3], moments[4], np.ones(p + d), about)
        n_passes += 1
        is_far = not np.array_equal(about[p:], shift, equal_nan=True)
        if is_far and n_passes < kernels.MOST_PASSES:
            shift = about[p:].copy()
    return moments, squares, n_passes
