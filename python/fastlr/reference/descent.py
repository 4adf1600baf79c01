"""Gradient descent as it is taught: every row in every step."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastlr.reference.losses import Loss, gradient, loss
from fastlr.reference.shapes import FloatOrFloats, Floats, Parameters, as_floats, as_weights


def standardize(X: ArrayLike, sample_weight: ArrayLike | None = None) -> Floats:
    """Give each column mean 0 and population standard deviation 1; a constant column becomes 0.

    >>> standardize([[1, 7], [3, 7]]).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    X = as_floats(X)
    weight = as_weights(sample_weight, len(X))
    centred = X - as_floats(np.average(X, axis=0, weights=weight))
    std = np.sqrt(np.average(centred**2, axis=0, weights=weight))
    return as_floats(centred / np.where(std > 0, std, 1.0))


def descent_step(parameters: Parameters, gradient: Parameters, learning_rate: float) -> Parameters:
    """One step downhill: parameters - learning_rate x gradient.

    >>> descent_step(Parameters(np.array([1.0]), 0.0), Parameters(np.array([-2.0]), -1.0), 0.5)
    Parameters(coef=array([2.]), intercept=0.5)
    """
    return Parameters(
        parameters.coef - learning_rate * gradient.coef,
        parameters.intercept - learning_rate * gradient.intercept,
    )


def descend(
    X: ArrayLike,
    y: ArrayLike,
    start: Parameters,
    *,
    learning_rate: float,
    epochs: int,
    kind: Loss = "half_mse",
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
) -> tuple[Parameters, list[FloatOrFloats]]:
    """Take ``epochs`` steps from ``start``; return where they end and the loss before each.

    They converge when the rate is below 2 / L, with L the largest eigenvalue of the matrix of
    second derivatives of the loss, and blow up when it is above.

    >>> start = Parameters(np.zeros(1), 0.0)
    >>> end, losses = descend([[0], [1], [2]], [1, 3, 5], start, learning_rate=0.5, epochs=200)
    >>> end.coef.round(6).tolist(), round(end.intercept, 6), round(losses[0], 4)
    ([2.0], 1.0, 5.8333)
    """
    parameters, losses = start, []
    for _ in range(epochs):
        losses.append(loss(X, y, *parameters, kind=kind, sample_weight=sample_weight, alpha=alpha))
        slope = gradient(X, y, *parameters, kind=kind, sample_weight=sample_weight, alpha=alpha)
        parameters = descent_step(parameters, slope, learning_rate)
    return parameters, losses
