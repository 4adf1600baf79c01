"""Passes over the rows, as `Moments` ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._arrays import (
    Columns,
    FloatArray,
    as_names,
    as_weights,
    default_names,
    default_targets,
    refuse_bad_weights,
    refuse_non_finite,
    refuse_target_among_features,
)
from fastlr._kernels import kernels
from fastlr._threads import resolve_threads
from fastlr.errors import InputError

__all__ = ["Statistics", "names_of", "pass_over", "scaled_moments"]

_SMALLEST_SQUARE = 1e-280  # sums of squares below it have lost digits to underflow
_LARGEST_DEVIATION = 1e140  # squares of larger deviations from the mean may overflow when added up
_SMALLEST_DEVIATION = 2.0**-1021  # what varies by less, in denormal numbers, counts as constant
_LARGEST_EXPONENT = 1000

Statistics = tuple[int, float, float, FloatArray, FloatArray, FloatArray]


def pass_over(
    features: Columns,
    targets: Columns,
    sample_weight: object,
    feature_names: tuple[str, ...],
    target_names: tuple[str, ...],
    n_threads: int | None,
    precision: str,
) -> Statistics:
    """One pass, and a second one with scaled columns if squares leave the range of float64.

    Returns
    -------
    n_samples, total_weight, sum_log_weight, scale, mean, cross
        As `Moments` keeps them.
    """
    weights = as_weights(sample_weight, features.n_samples)
    threads = resolve_threads(n_threads)
    shift = kernels.provisional_shift(features.source, targets.source)
    scale = np.ones(len(shift))
    total_weight, n_samples, sum_log_weight, mean, cross = scaled_moments(
        features, targets, weights, shift, scale, threads
    )
    diagonal = cross.diagonal()
    if (
        not (diagonal.min() > _SMALLEST_SQUARE and np.isfinite(cross.trace() + mean[0].sum()))
        or not total_weight > 0
    ):
        if weights is not None:
            refuse_bad_weights(weights)
        size = kernels.largest_deviation(features.source, targets.source, shift)
        if not np.isfinite(size).all():
            refuse_non_finite(features, feature_names, argument="X")
            refuse_non_finite(targets, target_names, argument="y")
        outside = (size > _SMALLEST_DEVIATION) & ~(
            (diagonal > _SMALLEST_SQUARE) & (size < _LARGEST_DEVIATION)
        )
        if (
            outside.any()
        ):  # squares overflow or underflow: once more, those columns times powers of two
            exponents = np.clip(np.frexp(size[outside])[1], -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
            scale[outside] = np.ldexp(1.0, -exponents)
            total_weight, n_samples, sum_log_weight, mean, cross = scaled_moments(
                features, targets, weights, shift, scale, threads
            )
        if not np.isfinite(cross.trace() + mean[0].sum()):
            raise InputError(
                "weighted sums of squares leave the range of float64: bring sample_weight nearer to 1 (a common "
                "factor changes no coefficient)."
            )
    if precision == "double_double":
        total_weight, mean, cross = _double_double_moments(
            features, targets, weights, shift, scale, threads
        )
    return n_samples, total_weight, sum_log_weight, scale, mean, cross


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
    n_slots, slot_size, n_parts = kernels.plan_pass(n, q)
    slots = np.zeros((n_slots, slot_size))
    for part in range(n_parts):  # Python sees Ctrl-C between parts
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
    n_slots, slot_size, n_parts = kernels.plan_double_double(n, q)
    slots = np.zeros((n_slots, slot_size))
    for part in range(n_parts):
        kernels.accumulate_double_double(
            features.source, targets.source, weights, shift, scale, part, n_threads, slots
        )
    result: tuple[float, FloatArray, FloatArray] = kernels.centre_double_double(
        n, q, shift, scale, slots
    )
    return result


def names_of(
    features: Columns,
    targets: Columns,
    feature_names: Sequence[str] | None,
    target_names: Sequence[str] | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of features and targets: those given, those of the frame, or x0, x1, ... and y."""
    p, t = features.n_columns, targets.n_columns
    if feature_names is not None:
        names = as_names(feature_names, p, argument="feature_names")
    else:
        names = features.names or default_names(p)
    if target_names is not None:
        labels = as_names(target_names, t, argument="target_names")
    else:
        labels = targets.names or default_targets(t)
        refuse_target_among_features(targets.names or (), names)
    return names, labels
