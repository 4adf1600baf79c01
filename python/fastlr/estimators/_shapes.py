"""Targets, coefficients and constants in the shapes and types of scikit-learn's."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import DataConversionWarning

from fastlr.errors import user_level
from fastlr.input.columns import Columns, FloatArray

__all__ = ["as_constant", "as_one_target", "as_single", "is_single"]

_SINGLE = np.finfo(np.float32)


def as_one_target(targets: Columns) -> Columns:
    """Take a single column as one target, with scikit-learn's warning; several columns stay several targets."""
    if targets.n_columns > 1 or targets.is_vector:
        return targets
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected: pass y.ravel().",
        DataConversionWarning,
        stacklevel=user_level(),
    )
    return targets._replace(source=targets.column(0), is_vector=True)


def as_single(
    coef: FloatArray, intercept: Any, means: FloatArray
) -> tuple[npt.NDArray[Any], float | FloatArray]:
    """Coefficients (p,) or (t, p) rounded to float32, and the constant that fits these.

    A constant that fits the exact coefficients would be wrong by what rounding moves predictions at the features'
    ``means`` (p,), zeros without a constant. Coefficients that float32 cannot hold stay as they are.
    """
    size = np.abs(coef)
    if np.any(size > float(_SINGLE.max)) or np.any((size > 0.0) & (size < float(_SINGLE.tiny))):
        return coef, intercept
    single = coef.astype(np.float32)
    return single, intercept + (coef - single) @ means


def as_constant(intercept: Any) -> Any:
    """A fitted constant as scikit-learn gives it: NumPy's float64, which has a shape and a type, or an array."""
    return np.float64(intercept) if isinstance(intercept, float) else intercept


def is_single(coef: npt.NDArray[Any]) -> bool:
    """Whether coefficients were rounded to float32."""
    return bool(coef.dtype == np.float32)
