"""Dependences that everybody expects: constant columns, and columns of 0 and 1 that make up a whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fastlr.input.columns import FloatArray
from fastlr.least_squares.rounding import INVOLVED

__all__ = ["expected_dependence"]

_CONSTANT = 1e-12  # standard deviation, as a share of the mean
_ROUNDING = 1e-12


def expected_dependence(
    null_space: FloatArray,
    length: FloatArray,
    mean: FloatArray,
    std: FloatArray,
    names: Sequence[str],
    fit_intercept: bool,
) -> str | None:
    """Why the columns depend on one another, if constant columns and indicators alone do; else None.

    Parameters
    ----------
    null_space : ndarray of shape (n_null, n_features)
        Orthonormal rows N with ``sum_j N_kj x_j / length_j = 0`` for the (centred) columns x_j.
    length : ndarray of shape (n_features,)
        Lengths of the (centred) columns; 0 for one that is constant (without an intercept, zero).
    mean, std : ndarray of shape (n_features,)
        Weighted means and population standard deviations of the columns.
    names : sequence of str
        Their names.
    fit_intercept : bool
        Whether there is an intercept, which takes the place of all constant columns.
    """
    if len(null_space) == 0:
        return None
    without_length = length == 0.0
    # What varies in denormal numbers counts as constant too, but that is a surprise.
    has_digits = (mean == 0.0) | (np.abs(mean) >= np.finfo(np.float64).tiny)
    constant = (std <= _CONSTANT * np.abs(mean)) & has_digits
    involved = without_length | (np.abs(null_space).max(axis=0) > INVOLVED)
    if np.any(involved & ~constant & ~_are_indicators(mean, std)):
        return None
    reasons = []
    if without_length.any():
        alone = [name for name, is_alone in zip(names, without_length, strict=True) if is_alone]
        shown = ", ".join(alone[:5]) + (", ..." if len(alone) > 5 else "")
        kind = "constant, as the intercept is" if fit_intercept else "zero"
        reasons.append(f"{shown} {'is' if len(alone) == 1 else 'are'} {kind}")
    if np.any(involved & ~without_length):
        whole = "the intercept or to one another" if fit_intercept else "one another"
        reasons.append(f"columns of 0 and 1 add up to {whole}")
    return ", and ".join(reasons)


def _are_indicators(mean: FloatArray, std: FloatArray) -> npt.NDArray[np.bool_]:
    """Columns of 0 and 1: the only numbers whose squares average what they average themselves, if they are whole."""
    variance = mean * (1.0 - mean)
    return (variance > 0.0) & (np.abs(std * std - variance) <= _ROUNDING * np.abs(mean))
