"""Moments of folds whose rows lie anywhere, from one pass that deals every row to its fold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.sparse import SparseColumns
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.problem import Problem
from fastlr.moments.passes import are_certain
from fastlr.moments.state import State, no_scale

__all__ = ["dealt_moments"]

_MOST_SUMS = 1 << 23  # values of all slots of all folds, 64 MB: more are taken one fold at a time


def dealt_moments(
    problem: Problem, label: npt.NDArray[np.int32], n_folds: int
) -> list[State | None]:
    """Moments of every fold, row r being of fold ``label[r]``; None of those that one pass does not give.

    These are folds without weight, or with a column whose sums leave the range of float64 or lose digits about a shift
    that serves all folds. All are None where a pass for each fold is better: for sparse rows, and for many columns.
    """
    features, targets, weights = problem.leading_features, problem.targets, problem.weights
    n, q = features.n_samples, problem.n_features + targets.n_columns
    n_slots, slot_size, n_parts = kernels.plan_folds(n, q)
    size = n_folds * n_slots * slot_size
    if isinstance(features, SparseColumns) or size > _MOST_SUMS:
        return [None] * n_folds
    shift = kernels.provisional_shift(features.source, targets.source, weights)
    scale = no_scale(q)
    slots = np.zeros((n_folds, n_slots, slot_size))
    for part in range(n_parts):
        kernels.accumulate_folds(
            features.source,
            targets.source,
            weights,
            shift,
            scale,
            label,
            part,
            resolve_threads(problem.n_threads),
            slots,
        )
    return [
        _certain(problem, fold, shift, scale) for fold in kernels.centre_folds(n, q, shift, slots)
    ]


def _certain(
    problem: Problem,
    fold: tuple[float, int, float, FloatArray, FloatArray],
    shift: FloatArray,
    scale: FloatArray,
) -> State | None:
    """A fold's moments, if one pass has given them all their digits."""
    weight, n, sum_log, mean, cross = fold
    if not weight > 0:
        return None
    is_far, squares = kernels.recentre(weight, mean, cross, scale, shift.copy())
    names = problem.feature_names, problem.target_names
    state = State(n, weight, sum_log, scale, mean, cross, *names, squares)
    return state if not is_far and are_certain(state) else None
