"""Networks that see standardised rows, in the units of the rows themselves, back, and on other scales."""

from __future__ import annotations

import numpy as np

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.networks.rows import Scales
from fastlr.networks.shape import Shape

__all__ = ["from_raw", "rescaled", "to_raw"]


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


def rescaled(shape: Shape, theta: FloatArray, old: Scales, new: Scales) -> FloatArray:
    """Turn parameters on one scale into those on another one, which predict the same: copies if the scales agree.

    Raises
    ------
    InputError
        If the scales of the targets differ and the last layer is not linear: then no parameters predict the same.
    """
    agree = [np.array_equal(*pair) for pair in zip(_figures(old), _figures(new), strict=True)]
    if all(agree):
        return theta.copy()
    if not all(agree[2:]) and shape.activations[-1] != "identity":
        raise InputError(
            f"init was trained on targets of another scale, and its last layer is {shape.activations[-1]!r}: only a "
            "linear one could be rescaled. Pass standardize=False for both fits, or end the network with a linear "
            "layer."
        )
    return from_raw(shape, to_raw(shape, theta, old), new)


def _figures(scales: Scales) -> list[FloatArray]:
    """All figures of the scales, an empty array for each that there is none of."""
    figures = (
        scales.feature_centre,
        scales.feature_factor,
        scales.target_centre,
        scales.target_factor,
    )
    return [np.empty(0) if figure is None else figure for figure in figures]
