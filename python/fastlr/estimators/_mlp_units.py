"""Networks that see standardised rows, in the units of the rows themselves, and back."""

from __future__ import annotations

import numpy as np

from fastlr.input.columns import FloatArray
from fastlr.networks.rows import Scales
from fastlr.networks.shape import Shape

__all__ = ["from_raw", "to_raw"]


def to_raw(shape: Shape, theta: FloatArray, scales: Scales) -> FloatArray:
    """Turn parameters for standardised rows into those for the rows themselves, which predict the same."""
    theta = theta.copy()
    weights, biases = shape.layers_of(theta)
    if scales.feature_centre is not None and scales.feature_factor is not None:
        weights[0] *= scales.feature_factor[:, np.newaxis]
        biases[0] -= scales.feature_centre @ weights[0]
    if scales.target_centre is not None and scales.target_factor is not None:
        weights[-1] /= scales.target_factor
        biases[-1] /= scales.target_factor
        biases[-1] += scales.target_centre
    return theta


def from_raw(shape: Shape, theta: FloatArray, scales: Scales) -> FloatArray:
    """Turn parameters for the rows themselves into those for standardised rows."""
    theta = theta.copy()
    weights, biases = shape.layers_of(theta)
    if scales.target_centre is not None and scales.target_factor is not None:
        biases[-1] -= scales.target_centre
        biases[-1] *= scales.target_factor
        weights[-1] *= scales.target_factor
    if scales.feature_centre is not None and scales.feature_factor is not None:
        biases[0] += scales.feature_centre @ weights[0]
        weights[0] /= scales.feature_factor[:, np.newaxis]
    return theta
