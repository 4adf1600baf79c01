"""The forward pass, the three textbook losses, and their gradients."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fastlr.reference.shapes import (
    FloatOrFloats,
    Floats,
    Parameters,
    as_floats,
    as_weights,
    per_target,
)

Loss: TypeAlias = Literal["sse", "mse", "half_mse"]


def predict(X: ArrayLike, coef: ArrayLike, intercept: ArrayLike = 0.0) -> Floats:
    """Forward pass: X coef + intercept, one column per target.

    >>> predict([[1, 2], [3, 4]], coef=[10, 1], intercept=0.5).tolist()
    [12.5, 34.5]
    """
    return as_floats(as_floats(X) @ as_floats(coef).T + as_floats(intercept))


def loss(
    X: ArrayLike,
    y: ArrayLike,
    coef: ArrayLike,
    intercept: ArrayLike = 0.0,
    *,
    kind: Loss = "half_mse",
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
) -> FloatOrFloats:
    r"""Squared error, r = prediction - y, in one of the textbooks' three conventions.

    ======== =========================================== ========================================
    kind     objective                                   ``alpha`` for the same minimum as "sse"
    ======== =========================================== ========================================
    sse      sum(w r^2) + alpha \|coef\|^2               alpha
    mse      sum(w r^2) / sum(w) + alpha \|coef\|^2      alpha / sum(w)
    half_mse half of "mse"                               alpha / sum(w)
    ======== =========================================== ========================================

    The intercept is never penalised. scikit-learn's Ridge is "sse", its SGDRegressor "half_mse".

    >>> [loss([[1], [2]], [1, 4], [1.0], kind=kind) for kind in ("sse", "mse", "half_mse")]
    [4.0, 2.0, 1.0]
    """
    weight = as_weights(sample_weight, len(as_floats(X)))
    residual = predict(X, coef, intercept) - as_floats(y)
    of_squares, of_penalty = _scales(kind, weight)
    penalty = alpha * (as_floats(coef) ** 2).sum(axis=-1)
    return per_target(of_squares * (weight @ residual**2) + of_penalty * penalty)


def gradient(
    X: ArrayLike,
    y: ArrayLike,
    coef: ArrayLike,
    intercept: ArrayLike = 0.0,
    *,
    kind: Loss = "half_mse",
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
) -> Parameters:
    """Derivatives of `loss`: X' (w r) + alpha coef and sum(w r), times 2, scaled as the loss is.

    >>> gradient([[1], [2]], [1, 4], [1.0])
    Parameters(coef=array([-2.]), intercept=-1.0)
    """
    weight = as_weights(sample_weight, len(as_floats(X)))
    residual = predict(X, coef, intercept) - as_floats(y)
    of_squares, of_penalty = _scales(kind, weight)
    weighted = residual.T * weight
    of_coef = of_squares * (weighted @ as_floats(X)) + of_penalty * alpha * as_floats(coef)
    return Parameters(2 * of_coef, per_target(2 * of_squares * weighted.sum(axis=-1)))


def _scales(kind: Loss, weight: Floats) -> tuple[float, float]:
    """Return what multiplies sum(w r^2), and what multiplies alpha |coef|^2."""
    mean = 1 / float(np.sum(weight))
    return {"sse": (1.0, 1.0), "mse": (mean, 1.0), "half_mse": (mean / 2, 0.5)}[kind]
