"""The centred equations of moments in the user's units, and their solutions for every penalty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.least_squares.ridge import solve_penalised
from fastlr.least_squares.units import digits_at
from fastlr.moments.moments import moments_of_state
from fastlr.moments.state import State
from fastlr.penalised.spectrum import Spectrum, spectrum_of

__all__ = ["Equations", "PenalisedSolutions", "equations_of", "solve_for_all"]


@dataclass(frozen=True, slots=True)
class Equations:
    """Cross-products of features, with the targets (p, t), and of the targets with themselves (t,); means of both.

    About the means with an intercept, about zero without: then the means are zeros.
    """

    products: FloatArray
    with_targets: FloatArray
    of_targets: FloatArray
    mean: FloatArray
    target_mean: FloatArray
    weight: float
    inflation: float
    """By how much rounding exceeds that of sums from which nothing was taken away."""

    def intercepts(self, coef: FloatArray) -> FloatArray:
        """Constants (n_alphas, t) that belong to coefficients (n_alphas, t, p)."""
        constants: FloatArray = self.target_mean - coef @ self.mean
        return constants

    def squares(self, coef: FloatArray) -> FloatArray:
        """Residual sums of squares (n_alphas, t) about their mean."""
        explained = 2.0 * self.with_targets.T - coef @ self.products
        left: FloatArray = self.of_targets - np.einsum("atp,atp->at", coef, explained)
        return np.maximum(left, 0.0)


@dataclass(frozen=True, slots=True)
class PenalisedSolutions:
    """Solutions for every penalty, and how many digits they have: (n_alphas, t, p), (n_alphas, t), (n_alphas,)."""

    coef: FloatArray
    intercept: FloatArray
    rss: FloatArray
    digits: FloatArray
    degrees_of_freedom: FloatArray


def equations_of(state: State, fit_intercept: bool) -> Equations:
    """The equations of moments, in the user's units."""
    p = state.n_features
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        products = state.leading / state.scale / state.scale[:, np.newaxis]
        squares = state.summed_squares / state.scale / state.scale
        diagonal = products.diagonal()
        ratio = np.where(diagonal > 0, squares / diagonal, 1.0)
        means = state.column_means
        if not fit_intercept:
            products = products + state.total_weight * np.outer(means, means)
            means = np.zeros_like(means)
    if not np.isfinite(products).all():
        names = (*state.feature_names, *state.target_names)
        raise InputError(
            f"sums of squares of {names[int(np.argmax(~np.isfinite(products).all(axis=0)))]!r} exceed the range of "
            "float64: divide the column by a power of two."
        )
    return Equations(
        np.ascontiguousarray(products[:p, :p]),
        np.ascontiguousarray(products[:p, p:]),
        products.diagonal()[p:].copy(),
        means[:p],
        means[p:],
        state.total_weight,
        float(max(1.0, ratio[:p].max(initial=1.0))),
    )


def solve_for_all(
    state: State, fit_intercept: bool, alphas: FloatArray
) -> tuple[PenalisedSolutions, Equations]:
    """Coefficients for all alphas from one eigendecomposition.

    Penalties so small that rounding of the eigenvalues outweighs them are solved for one by one, by Cholesky's factor
    of equilibrated equations.
    """
    equations = equations_of(state, fit_intercept)
    spectrum = spectrum_of(equations.products, equations.with_targets)
    coef = spectrum.solve(alphas)
    digits = _digits(spectrum, equations, alphas, coef)
    moments = moments_of_state(state)
    for k in np.flatnonzero(~spectrum.is_certain(alphas)):
        one = solve_penalised(moments, fit_intercept, float(alphas[k]), "min_norm")
        coef[k] = one.coef
        digits[k] = one.digits if one.code == "rank_deficient" else one.relevant_digits
    solutions = PenalisedSolutions(
        coef,
        equations.intercepts(coef),
        equations.squares(coef),
        digits,
        spectrum.degrees_of_freedom(alphas),
    )
    return solutions, equations


def _digits(
    spectrum: Spectrum, equations: Equations, alphas: FloatArray, coef: FloatArray
) -> FloatArray:
    """Certain digits (n_alphas,) of the largest coefficients, in standard deviations of their features."""
    length = np.sqrt(np.maximum(equations.products.diagonal(), 0.0))
    errors = (spectrum.errors(alphas, coef, equations.inflation) * length).max(axis=2, initial=0.0)
    sizes = (np.abs(coef) * length).max(axis=2, initial=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(sizes > 0, errors / sizes, 0.0).max(axis=1)
    return np.array([digits_at(max(1e-16, float(value))) for value in relative])
