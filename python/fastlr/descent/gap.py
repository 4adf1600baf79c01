"""How far descent is from the optimum: what its status may claim, at less cost than the descent itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastlr.descent.objective import Objective, Quadratic
from fastlr.descent.table import CHEAP_FEATURES, MeasuredRows, Standardisation
from fastlr.input.columns import FloatArray

__all__ = ["Distance", "distance_by_rows", "distance_from_moments", "excess"]

_SMALL = 1e-6  # of the variance of the target: R2 is right to six decimals
_SMALL_NOISE = 0.01  # of the loss: batches may wander so far without a warning
_TOLERANCES = 100.0  # who asked for a rough tol gets a rough end
_RIDGE = 1e-13  # beside a diagonal of ones: columns nearer to one another count as one
_MOST_STEPS = 50


@dataclass(frozen=True)
class Distance:
    """A loss and how far it lies above the optimum: exactly, or at least so far where no more is known cheaply."""

    loss: float
    gap: float
    is_exact: bool
    of_constant: float
    """The loss of the best constant (of zero, without an intercept)."""
    rounding: float
    """What rounding may leave of the losses on the way."""

    def is_small(self, tol: float | None) -> bool:
        """Whether descent may be said to have arrived, for one who asked for ``tol``."""
        wanted = max(
            _SMALL * self.of_constant, _TOLERANCES * (tol or 0.0) * self.loss, self.rounding
        )
        return self.gap <= wanted

    def is_noise(self, tol: float | None) -> bool:
        """Whether the distance is small, or small beside the loss, as it may be in the noise of batches."""
        return self.is_small(tol) or self.gap <= _SMALL_NOISE * self.loss

    def __str__(self) -> str:
        """Write the distance for a sentence: "0.0018 above the optimum"."""
        return f"{'' if self.is_exact else 'at least '}{self.gap:.3g} above the optimum"


def excess(
    quadratic: Quadratic, objective: Objective, theta: FloatArray, fit_intercept: bool
) -> float:
    """How far the objective at ``theta`` lies above its minimum: g' H^-1 g / 2, so that no digits cancel."""
    hessian, slope, of_intercept = _centred(quadratic, objective, theta, fit_intercept)
    steepness = _inverse_roots(hessian.diagonal())
    scaled = hessian * steepness * steepness[:, np.newaxis]
    scaled[np.arange(len(slope)), np.arange(len(slope))] += _RIDGE
    u = slope * steepness
    return of_intercept + max(0.0, 0.5 * float(u @ np.linalg.solve(scaled, u)))


def distance_from_moments(
    quadratic: Quadratic,
    objective: Objective,
    theta: FloatArray,
    fit_intercept: bool,
    n_samples: int,
    n_epochs: int,
) -> tuple[float, bool]:
    """How far the objective at ``theta`` lies above its minimum, and whether that is exact.

    Where the exact distance would cost more than the descent did, it is what some steps of conjugate gradients gain.
    """
    p = len(quadratic.xy)
    if p <= max(CHEAP_FEATURES, 1.5 * n_samples + 3.0 * n_epochs):
        return excess(quadratic, objective, theta, fit_intercept), True
    return _gain(quadratic, objective, theta, fit_intercept, min(n_epochs, _MOST_STEPS)), False


def distance_by_rows(
    measured: MeasuredRows,
    standardisation: Standardisation,
    objective: Objective,
    theta: FloatArray,
    gradient: FloatArray,
    fit_intercept: bool,
    l1: float = 0.0,
) -> float:
    """What the best change of a single coefficient would gain, by (X' (w r), sum w r) at ``theta``.

    Of another loss than the squared one it is what that change would gain at least, were every row as curved as a row
    can be: a bound from below.
    """
    curvature = objective.row_loss.curvature
    scale, weight, penalties = (
        objective.of_squares,
        measured.total_weight,
        objective.penalties(len(theta) - 1),
    )
    with np.errstate(over="ignore", invalid="ignore"):
        mean = measured.mean_x if fit_intercept else np.zeros(len(theta) - 1)
        squares = weight * (measured.std_x**2 + (measured.mean_x - mean) ** 2)
        slope = (
            scale * standardisation.factor * (gradient[:-1] - mean * gradient[-1])
            + penalties * theta[:-1]
        )
        steepness = curvature * scale * standardisation.factor**2 * squares + penalties
        of_intercept = (
            0.5 * scale * float(gradient[-1]) ** 2 / (curvature * weight) if fit_intercept else 0.0
        )
        gains = _single_gains(theta[:-1], slope, steepness, l1)
    return of_intercept + float(np.max(gains, initial=0.0, where=np.isfinite(gains)))


def _single_gains(b: FloatArray, slope: FloatArray, steepness: FloatArray, l1: float) -> FloatArray:
    """What the objective would lose if one coefficient went to its best place, the others staying."""
    with np.errstate(divide="ignore", invalid="ignore"):
        free = np.where(steepness > 0.0, b - slope / steepness, b)
        best = np.sign(free) * np.maximum(
            np.abs(free) - np.where(steepness > 0.0, l1 / steepness, 0.0), 0.0
        )
    step = best - b
    gains: FloatArray = -(
        slope * step + 0.5 * steepness * step**2 + l1 * (np.abs(best) - np.abs(b))
    )
    return gains


def _centred(
    quadratic: Quadratic, objective: Objective, theta: FloatArray, fit_intercept: bool
) -> tuple[FloatArray, FloatArray, float]:
    """Second and first derivatives by the coefficients, and what the intercept has to gain.

    With an intercept the objective falls into a part of the coefficients, about the means, and W e^2 with
    e = a + mean_x' b - mean_y, which is zero at the optimum.
    """
    q, p, b = quadratic, len(quadratic.xy), theta[:-1]
    scale, penalties = objective.of_squares, objective.penalties(p)
    hessian = scale * q.xx
    slope = scale * (q.xx @ b - q.xy) + penalties * b
    of_intercept = 0.0
    if fit_intercept:
        e = float(theta[-1] + q.mean_x @ b - q.mean_y)
        of_intercept = 0.5 * scale * q.weight * e * e
    else:
        hessian = hessian + scale * q.weight * np.outer(q.mean_x, q.mean_x)
        slope = slope + scale * q.weight * float(q.mean_x @ b - q.mean_y) * q.mean_x
    hessian[np.arange(p), np.arange(p)] += penalties
    return hessian, slope, of_intercept


def _gain(
    quadratic: Quadratic, objective: Objective, theta: FloatArray, fit_intercept: bool, n_steps: int
) -> float:
    """What ``n_steps`` steps of conjugate gradients, on columns of equal steepness, take off the objective."""
    hessian, slope, of_intercept = _centred(quadratic, objective, theta, fit_intercept)
    steepness = _inverse_roots(hessian.diagonal())
    residual = -slope * steepness
    direction, squares, gain = residual.copy(), float(residual @ residual), 0.0
    first = squares
    for _ in range(n_steps):
        if not squares > 1e-24 * first:
            break
        product = steepness * (hessian @ (steepness * direction))
        curvature = float(direction @ product)
        if not curvature > 0.0:
            break
        step = squares / curvature
        gain += 0.5 * step * squares
        residual -= step * product
        before, squares = squares, float(residual @ residual)
        direction = residual + (squares / before) * direction
    return of_intercept + gain


def _inverse_roots(diagonal: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(diagonal > 0.0, 1.0 / np.sqrt(diagonal), 0.0)
