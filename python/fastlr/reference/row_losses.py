"""Losses of a residual other than its square: their values, their slopes, and the mean over rows."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fastlr.reference.losses import predict
from fastlr.reference.shapes import Floats, Parameters, as_floats, as_weights

RowLoss: TypeAlias = Literal[
    "squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"
]


def row_loss(residual: ArrayLike, kind: RowLoss, epsilon: float = 0.1) -> Floats:
    r"""Loss l(r) of each residual r = prediction - y, as scikit-learn's SGDRegressor defines it.

    =========================== ==================================================================
    kind                        l(r)
    =========================== ==================================================================
    squared_error               r^2 / 2
    huber                       r^2 / 2 if \|r\| <= epsilon, else epsilon \|r\| - epsilon^2 / 2
    epsilon_insensitive         max(0, \|r\| - epsilon)
    squared_epsilon_insensitive max(0, \|r\| - epsilon)^2
    =========================== ==================================================================

    >>> row_loss([-3.0, 0.5, 2.0], "huber", epsilon=1.0).tolist()
    [2.5, 0.125, 1.5]
    >>> row_loss([-3.0, 0.5, 2.0], "squared_epsilon_insensitive", epsilon=1.0).tolist()
    [4.0, 0.0, 1.0]
    """
    size = np.abs(as_floats(residual))
    beyond = np.maximum(size - epsilon, 0.0)
    square = size**2 / 2
    values = {
        "squared_error": square,
        "huber": np.where(size <= epsilon, square, epsilon * size - epsilon**2 / 2),
        "epsilon_insensitive": beyond,
        "squared_epsilon_insensitive": beyond**2,
    }
    return as_floats(values[kind])


def row_slope(residual: ArrayLike, kind: RowLoss, epsilon: float = 0.1) -> Floats:
    """Derivative l'(r) of `row_loss`; zero at the corners of "epsilon_insensitive".

    >>> row_slope([-3.0, 0.5, 2.0], "huber", epsilon=1.0).tolist()
    [-1.0, 0.5, 1.0]
    """
    r = as_floats(residual)
    beyond = np.sign(r) * np.maximum(np.abs(r) - epsilon, 0.0)
    slopes = {
        "squared_error": r,
        "huber": np.clip(r, -epsilon, epsilon),
        "epsilon_insensitive": np.sign(beyond),
        "squared_epsilon_insensitive": 2 * beyond,
    }
    return as_floats(slopes[kind])


def mean_row_loss(
    X: ArrayLike,
    y: ArrayLike,
    coef: ArrayLike,
    intercept: float = 0.0,
    *,
    kind: RowLoss,
    epsilon: float = 0.1,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
) -> tuple[float, Parameters]:
    r"""Objective sum(w l(r)) / sum(w) + alpha \|coef\|^2 / 2, and its derivatives.

    >>> value, slope = mean_row_loss([[1], [2]], [1, 4], [1.0], kind="huber", epsilon=1.0)
    >>> value, slope
    (0.75, Parameters(coef=array([-1.]), intercept=-0.5))
    """
    X, coef = as_floats(X), as_floats(coef)
    weight = as_weights(sample_weight, len(X))
    share = weight / weight.sum()
    residual = predict(X, coef, intercept) - as_floats(y)
    value = float(share @ row_loss(residual, kind, epsilon)) + alpha * float(coef @ coef) / 2
    slope = share * row_slope(residual, kind, epsilon)
    return value, Parameters(slope @ X + alpha * coef, float(slope.sum()))
