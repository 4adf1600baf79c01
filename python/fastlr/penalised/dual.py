"""Every penalty for fewer rows than columns, from one eigendecomposition of the n x n products of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.input.refusals import refuse_non_finite
from fastlr.least_squares.problem import Problem
from fastlr.least_squares.row_products import products_of_rows
from fastlr.least_squares.units import digits_at
from fastlr.least_squares.wide import positive_rows
from fastlr.penalised.equations import PenalisedSolutions
from fastlr.penalised.spectrum import Spectrum, spectrum_of

__all__ = ["Dual", "dual_equations", "solve_dual_for_all"]

_VALUES_PER_BLOCK = 1 << 21


@dataclass(frozen=True, slots=True)
class Dual:
    """Products of the weighted deviations of rows of positive weight, decomposed."""

    problem: Problem
    weights: FloatArray
    targets: FloatArray
    """Targets of the rows that count, (n, t)."""
    spectrum: Spectrum
    """Decomposition of H = Z Z' with the targets' weighted deviations on the right, less the intercept's direction."""
    mean: FloatArray
    target_mean: FloatArray
    sum_log_weight: float
    std: FloatArray

    @property
    def n_samples(self) -> int:
        """Number of rows of positive weight."""
        return len(self.weights)


def dual_equations(problem: Problem) -> Dual:
    """Build the equations of the rows' products by one pass, and decompose them."""
    problem, weights, sum_log = positive_rows(problem)
    n, total = problem.features.n_samples, weights.sum()
    root = np.sqrt(weights)
    y = problem.targets.as_matrix().astype(np.float64)
    if not np.isfinite(y).all():
        refuse_non_finite(problem.targets, problem.target_names, argument="y")
    with np.errstate(over="ignore", invalid="ignore"):
        H, mean, variance = products_of_rows(problem, weights, 1.0)
    if not np.isfinite(H[:n, :n].trace() + mean.sum()):
        refuse_non_finite(problem.features, problem.feature_names, argument="X")
        raise InputError(
            "sums of squares of X exceed the range of float64: divide its columns by a power of two."
        )
    H = np.tril(H[:n, :n])
    H = H + np.tril(H, -1).T
    target_mean = weights @ y / total if problem.fit_intercept else np.zeros(y.shape[1])
    right = root[:, np.newaxis] * (y - target_mean)
    return Dual(
        problem,
        weights,
        y,
        _without_constant(H, right, root / np.sqrt(total))
        if problem.fit_intercept
        else replace(spectrum_of(H, right), has_null_space=True),
        mean if problem.fit_intercept else np.zeros_like(mean),
        target_mean,
        sum_log,
        np.sqrt(variance),
    )


def _without_constant(H: FloatArray, right: FloatArray, unit: FloatArray) -> Spectrum:
    """The spectrum on what is orthogonal to ``unit``, which H takes to zero and the intercept takes up."""
    above = 1.5 * float(np.abs(H).sum(axis=1).max()) or 1.0  # any eigenvalue of H
    shifted = spectrum_of(H + above * np.outer(unit, unit), right)
    return Spectrum(H, right, shifted.values[:-1], shifted.vectors[:, :-1], has_null_space=True)


def solve_dual_for_all(dual: Dual, alphas: FloatArray) -> PenalisedSolutions:
    """Coefficients for all alphas: b = Z'(H + alpha I)^-1 sqrt(w) (y - mean), in one more pass."""
    features, spectrum = dual.problem.features, dual.spectrum
    n, p = features.n_samples, features.n_columns
    solutions = spectrum.solve(alphas)
    n_alphas, t, _ = solutions.shape
    flat = (solutions * np.sqrt(dual.weights)).reshape(-1, n)
    coef = np.empty((n_alphas * t, p))
    step = max(1, _VALUES_PER_BLOCK // n)
    for first in range(0, p, step):
        last = min(p, first + step)
        block = features.take_columns(slice(first, last)).as_matrix() - dual.mean[first:last]
        coef[:, first:last] = flat @ block
    coef = coef.reshape(n_alphas, t, p)
    residuals = alphas[:, np.newaxis, np.newaxis] * solutions
    errors = spectrum.errors(alphas, solutions, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = errors.max(axis=2) / np.abs(solutions).max(axis=2)
    relative[~(relative >= 0)] = 0.0
    return PenalisedSolutions(
        coef,
        dual.target_mean - coef @ dual.mean,
        np.square(residuals).sum(axis=2),
        np.array([digits_at(max(1e-16, float(value))) for value in relative.max(axis=1)]),
        spectrum.degrees_of_freedom(alphas),
    )
