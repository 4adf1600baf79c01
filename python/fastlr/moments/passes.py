"""Passes over the rows, as `Moments` ask for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr._kernels.parts import in_parts
from fastlr.errors import InputError
from fastlr.input.arguments import as_weights
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.refusals import refuse_bad_weights, refuse_non_finite
from fastlr.input.sparse import SparseColumns
from fastlr.input.threads import resolve_threads
from fastlr.moments.sparse_passes import sparse_moments
from fastlr.moments.state import State

__all__ = ["are_certain", "pass_over", "scaled_moments"]

_SMALLEST_SQUARE = 1e-280  # sums of squares below it have lost digits to underflow
_SMALLEST_DEVIATION = 2.0**-1021  # what varies by less, in denormal numbers, counts as constant
_SMALLEST_CONSTANT = 1e-140  # constants below it have squares that have lost digits to underflow
_LARGEST_EXPONENT = 1000


def pass_over(
    features: Columns,
    targets: Columns,
    sample_weight: object,
    feature_names: tuple[str, ...],
    target_names: tuple[str, ...],
    n_threads: int | None,
    precision: str,
    first: tuple[State, int] | None = None,
) -> tuple[State, int]:
    """One pass (or what ``first`` gave), and another one where squares leave the range of float64.

    Returns
    -------
    state : State
        The moments of the rows.
    n_passes : int
        Passes that were made over them, those of ``first`` included; one in double-double is not counted.
    """
    weights = as_weights(sample_weight, features.n_samples, index=features.index)
    threads = resolve_threads(n_threads)
    scale = np.ones(features.n_columns + targets.n_columns)
    names = feature_names, target_names
    if first is None and isinstance(features, SparseColumns) and precision == "double":
        first = sparse_moments(features, targets, weights, *names, threads)
        if first is not None and _has_all_digits(first[0], features):
            return first
    shift = kernels.provisional_shift(features.source, targets.source, weights)
    state, n_passes = first or _moments_about_mean(
        features, targets, weights, *names, shift, scale, threads
    )
    if not are_certain(state):
        diagonal = state.cross.diagonal()
        is_finite = _is_finite(state)
        if weights is not None:
            refuse_bad_weights(weights)
        if not is_finite:
            refuse_non_finite(features, feature_names, argument="X")
            refuse_non_finite(targets, target_names, argument="y")
        deviation = kernels.largest_deviation(
            features.source,
            targets.source,
            weights,
            shift,
            np.ascontiguousarray(diagonal),
            threads,
        )
        # Constant columns count as well, since their squares about zero serve fits without an intercept.
        is_tiny = (deviation <= _SMALLEST_DEVIATION) & (np.abs(shift) < _SMALLEST_CONSTANT)
        deviation = np.where(is_tiny, np.abs(shift), deviation)
        outside = deviation > _SMALLEST_DEVIATION
        if outside.any():  # squares overflow or underflow: once more, times powers of two
            exponents = np.clip(
                np.frexp(deviation[outside])[1], -_LARGEST_EXPONENT, _LARGEST_EXPONENT
            )
            scale[outside] = np.ldexp(1.0, -exponents)
            state, more = _moments_about_mean(
                features, targets, weights, *names, shift, scale, threads
            )
            n_passes += more
        if not np.isfinite(state.cross.trace() + state.mean[0].sum()):
            raise InputError(
                "weighted sums of squares leave the range of float64: bring sample_weight nearer to 1 (a common "
                "factor changes no coefficient)."
            )
    if precision == "double_double":
        total_weight, mean, cross = _double_double_moments(
            features, targets, weights, shift, scale, threads
        )
        state = state._replace(total_weight=total_weight, mean=mean, cross=cross)
    return state, n_passes


def are_certain(state: State) -> bool:
    """Whether moments of unscaled columns, of one pass, have all their digits: no sum left the range of float64."""
    is_in_range = state.cross.diagonal().min() > _SMALLEST_SQUARE and _is_finite(state)
    return bool(is_in_range and state.total_weight > 0)


def _is_finite(state: State) -> bool:
    return bool(np.isfinite(state.cross.trace() + state.mean[0].sum()))


def _has_all_digits(state: State, features: SparseColumns) -> bool:
    """Whether all is finite and no sum of squares is too small, but for those of columns of zeros."""
    diagonal = state.cross.diagonal()
    is_small = ~(diagonal > _SMALLEST_SQUARE)
    is_small[: features.n_columns] &= features.sparse_rows.column_counts > 0
    return _is_finite(state) and not is_small.any() and state.total_weight > 0


def _moments_about_mean(
    features: Columns,
    targets: Columns,
    weights: npt.NDArray[Any] | None,
    feature_names: tuple[str, ...],
    target_names: tuple[str, ...],
    shift: FloatArray,
    scale: FloatArray,
    n_threads: int,
) -> tuple[State, int]:
    """Moments about a shift that is near enough to the mean, by so many passes; ``shift`` is moved there."""
    n_passes, is_far = 0, True
    while is_far and n_passes < kernels.MOST_PASSES:
        weight, n, sum_log, mean, cross = scaled_moments(
            features, targets, weights, shift, scale, n_threads
        )
        n_passes += 1
        is_far, summed_squares = kernels.recentre(weight, mean, cross, scale, shift)
    state = State(
        n, weight, sum_log, scale, mean, cross, feature_names, target_names, summed_squares
    )
    return state, n_passes


def scaled_moments(
    features: Columns,
    targets: Columns,
    weights: npt.NDArray[Any] | None,
    shift: FloatArray,
    scale: FloatArray,
    n_threads: int,
    basis: FloatArray | None = None,
) -> tuple[float, int, float, FloatArray, FloatArray]:
    """Weight, rows, sum of log weights, means and cross-products of columns * scale, or of features in a basis.

    ``basis`` is upper triangular, (n_features, n_features): the features are then ``(X - shift) * scale @ basis``,
    and all means are about the shift.
    """
    n, q = features.n_samples, features.n_columns + targets.n_columns
    for part, slots in in_parts(kernels.plan_pass(n, q)):
        kernels.accumulate(
            features.source, targets.source, weights, shift, scale, part, n_threads, slots, basis
        )
    origin = shift * scale if basis is None else np.zeros(q)
    result: tuple[float, int, float, FloatArray, FloatArray] = kernels.centre(
        n, q, origin, np.ones(q), slots
    )
    return result


def _double_double_moments(
    features: Columns,
    targets: Columns,
    weights: npt.NDArray[Any] | None,
    shift: FloatArray,
    scale: FloatArray,
    n_threads: int,
) -> tuple[float, FloatArray, FloatArray]:
    n, q = features.n_samples, features.n_columns + targets.n_columns
    for part, slots in in_parts(kernels.plan_double_double(n, q)):
        kernels.accumulate_double_double(
            features.source, targets.source, weights, shift, scale, part, n_threads, slots
        )
    result: tuple[float, FloatArray, FloatArray] = kernels.centre_double_double(
        n, q, shift, scale, slots
    )
    return result
