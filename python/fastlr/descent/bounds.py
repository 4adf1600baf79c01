"""What is known of the distance from the minimum of a loss other than the squared one: bounds from below."""

from __future__ import annotations

import math

import numpy as np

from fastlr.descent.gap import Distance, distance_by_rows
from fastlr.descent.objective import Objective, Quadratic
from fastlr.descent.table import CHEAP_FEATURES, MeasuredRows, Standardisation
from fastlr.input.columns import FloatArray

__all__ = ["bounded_distance"]

_RIDGE = 1e-13  # beside a diagonal of ones: columns nearer to one another count as one


def bounded_distance(
    measured: MeasuredRows,
    standardisation: Standardisation,
    objective: Objective,
    theta: FloatArray,
    fit_intercept: bool,
    n_threads: int,
    *,
    l1: float = 0.0,
    rounding: float = 0.0,
) -> Distance:
    """How far the objective at ``theta`` lies above its minimum, at least.

    The minimum is below every value that is known: that of the constant mean and, where moments are at hand for few
    features, that of least squares (with the L2 penalty). A loss without corners, moreover, falls by what it would if
    every row were as curved as a row can be, which has a quadratic minimum below ``theta``.
    """

    def value_at(point: FloatArray) -> tuple[float, FloatArray]:
        raw = standardisation.to_raw(point)
        twice, gradient = measured.loss_sums(raw, n_threads, objective.row_loss)
        return objective.loss(twice, point[:-1]) + l1 * float(np.abs(point[:-1]).sum()), gradient

    with np.errstate(over="ignore", invalid="ignore"):
        loss, gradient = value_at(theta)
        constant = np.zeros(len(theta))
        constant[-1] = measured.mean_y if fit_intercept else 0.0
        of_constant, _ = value_at(constant)
        gains = [0.0, loss - of_constant]
        is_smooth = math.isfinite(objective.row_loss.curvature)
        if is_smooth:
            gains.append(
                distance_by_rows(
                    measured, standardisation, objective, theta, gradient, fit_intercept, l1
                )
            )
        if measured.moments is not None and measured.n_features <= CHEAP_FEATURES:
            quadratic = Quadratic.of(measured.moments, standardisation)
            gains.append(loss - value_at(_least_squares(quadratic, objective, fit_intercept))[0])
            if is_smooth and l1 == 0.0:
                gradient[:-1] -= standardisation.centre * gradient[-1]
                gradient[:-1] *= standardisation.factor
                gains.append(_majorised(quadratic, objective, theta, gradient, fit_intercept))
    return Distance(
        loss=loss,
        gap=max(gain for gain in gains if not math.isnan(gain)),
        is_exact=False,
        of_constant=of_constant,
        rounding=rounding,
    )


def _least_squares(quadratic: Quadratic, objective: Objective, fit_intercept: bool) -> FloatArray:
    """The parameters that minimise the squared loss with the same penalty."""
    slope = np.append(quadratic.xy, 0.0)
    if not fit_intercept:
        slope[:-1] += quadratic.weight * quadratic.mean_y * quadratic.mean_x
    p = len(quadratic.xy)
    theta = np.zeros(p + 1)
    centred = _centred_hessian(quadratic, objective, fit_intercept, 1.0)
    theta[:p] = _solve(centred, objective.of_squares * slope[:p])
    if fit_intercept:
        theta[p] = quadratic.mean_y - quadratic.mean_x @ theta[:p]
    return theta


def _majorised(
    quadratic: Quadratic,
    objective: Objective,
    theta: FloatArray,
    gradient: FloatArray,
    fit_intercept: bool,
) -> float:
    """What the quadratic function that touches the objective at ``theta``, and lies above it, would fall.

    ``gradient`` is (X' (w l'(r)), sum w l'(r)) on the scale of descent.
    """
    scale, curvature, p = objective.of_squares, objective.row_loss.curvature, len(theta) - 1
    mean = quadratic.mean_x if fit_intercept else np.zeros(p)
    slope = scale * (gradient[:p] - mean * gradient[p]) + objective.penalties(p) * theta[:p]
    hessian = _centred_hessian(quadratic, objective, fit_intercept, curvature)
    of_intercept = 0.0
    if fit_intercept:
        of_intercept = 0.5 * scale * float(gradient[p]) ** 2 / (curvature * quadratic.weight)
    return of_intercept + 0.5 * float(slope @ _solve(hessian, slope))


def _centred_hessian(
    quadratic: Quadratic, objective: Objective, fit_intercept: bool, curvature: float
) -> FloatArray:
    """Second derivatives by the coefficients, about the means where an intercept takes these up."""
    hessian = quadratic.xx.copy()
    if not fit_intercept:
        hessian += quadratic.weight * np.outer(quadratic.mean_x, quadratic.mean_x)
    hessian *= curvature * objective.of_squares
    p = len(hessian)
    hessian[np.arange(p), np.arange(p)] += objective.penalties(p)
    return hessian


def _solve(hessian: FloatArray, slope: FloatArray) -> FloatArray:
    """Divide by a matrix of second derivatives, on columns of equal steepness."""
    diagonal = hessian.diagonal()
    root = np.where(diagonal > 0.0, 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0)), 0.0)
    scaled = hessian * root * root[:, np.newaxis]
    scaled[np.arange(len(root)), np.arange(len(root))] += np.where(root > 0.0, _RIDGE, 1.0)
    solution: FloatArray = root * np.linalg.solve(scaled, root * slope)
    return solution
