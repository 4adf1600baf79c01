"""The few shapes that all pages of the reference speak of."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
FloatOrFloats: TypeAlias = float | Floats


class Parameters(NamedTuple):
    """A point in the space of all linear functions, or (a gradient) a direction in it."""

    coef: Floats
    intercept: FloatOrFloats


def as_floats(values: ArrayLike) -> Floats:
    """Read the values as an array of float64."""
    return np.asarray(values, dtype=np.float64)


def as_weights(sample_weight: ArrayLike | None, n_samples: int) -> Floats:
    """Read the weights of the rows: all ones when they are left out."""
    return np.ones(n_samples) if sample_weight is None else as_floats(sample_weight)


def per_target(values: ArrayLike) -> FloatOrFloats:
    """Give one number for one target, an array for several."""
    values = as_floats(values)
    return float(values) if values.ndim == 0 else values


def for_targets(coef: Floats, intercept: Floats, target_shape: tuple[int, ...]) -> Parameters:
    """Drop the axis of targets where ``y`` had none (``target_shape`` is ``y.shape[1:]``)."""
    coef = coef.reshape(*target_shape, coef.shape[1])
    return Parameters(coef, per_target(intercept.reshape(target_shape)))
