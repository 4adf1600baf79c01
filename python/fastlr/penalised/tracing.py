"""The path of one target along given penalties, the penalties themselves, and what is said of both."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastlr.errors import ConvergenceWarning, InputError, user_level
from fastlr.input.columns import FloatArray
from fastlr.penalised.arguments import DescentRules
from fastlr.penalised.sources import OfMoments, Source

__all__ = ["Traced", "degrees_of_freedom", "grid_of", "traced", "warn_of_gaps"]

_SOME_ALPHA = 1e-15  # as in scikit-learn
_FEW = 256  # coefficients of which degrees of freedom are computed for every penalty


@dataclass(frozen=True, slots=True)
class Traced:
    """The path of one target: coefficients (n_alphas, p), and per penalty intercept, duality gap and sweeps."""

    target: int
    coefs: FloatArray
    intercepts: FloatArray
    gaps: FloatArray
    n_iter: npt.NDArray[np.intp]
    n_columns: int


def traced(
    source: Source,
    target: int,
    alphas: FloatArray,
    l1_ratio: float,
    factors: FloatArray,
    rules: DescentRules,
    start: FloatArray | None = None,
) -> Traced:
    """Descend along the penalties, from zeros or from other coefficients (p,)."""
    p = source.n_features
    found = source.descend(
        target,
        alphas * l1_ratio,
        alphas * (1.0 - l1_ratio),
        factors,
        np.zeros(p) if start is None else np.array(start, dtype=np.float64),
        rules,
    )
    means = source.column_means
    intercepts = means[p + target] - found.coefs @ means[:p]
    return Traced(target, found.coefs, intercepts, found.gaps, found.n_iter, found.n_columns)


def grid_of(
    source: Source,
    n_targets: int,
    n_alphas: int,
    eps: float,
    l1_ratio: float,
    factors: FloatArray,
    positive: bool,
) -> FloatArray:
    """Penalties from the smallest that leaves all penalised coefficients at zero, evenly by logarithm."""
    if l1_ratio == 0.0:
        raise InputError(
            "Automatic alpha grid generation is not supported for l1_ratio=0. Please supply a grid by providing your "
            "estimator with the appropriate `alphas=` argument: squares alone leave no coefficient at zero, so that "
            "there is no largest alpha to begin with."
        )
    largest = 0.0
    penalised = factors > 0.0
    for target in range(n_targets):
        gradient = source.gradient(target)
        if not penalised.all() and penalised.any() and isinstance(source, OfMoments):
            gradient = source.gradient_beyond(target, ~penalised)
        slopes = gradient[penalised] / factors[penalised]
        slopes = slopes if positive else np.abs(slopes)
        if slopes.size:
            largest = max(largest, float(slopes.max()) / (source.total_weight * l1_ratio))
    if largest == 0.0:  # whatever the penalty, all coefficients are zero
        return np.full(n_alphas, _SOME_ALPHA)
    grid: FloatArray = np.geomspace(largest, largest * eps, num=n_alphas)
    return grid


def warn_of_gaps(source: Source, path: Traced, alphas: FloatArray, rules: DescentRules) -> None:
    """Warn where the duality gap has not become as small as was asked for."""
    squares = source.total_squares(path.target) / source.total_weight
    # Penalties whose sweeps ended early have arrived, if only up to rounding.
    late = np.flatnonzero((path.gaps > rules.tol * squares) & (path.n_iter >= rules.max_iter))
    if not late.size:
        return
    worst = late[np.argmax(path.gaps[late])]
    warnings.warn(
        "Objective did not converge. You might want to increase the number of iterations: "
        f"max_iter={rules.max_iter} sweeps did not suffice for {late.size} of {len(alphas)} penalties. At "
        f"alpha={alphas[worst]:.4g} the duality gap is {path.gaps[worst]:.3e}, above tol * variance of y = "
        f"{rules.tol * squares:.3e}: raise max_iter or tol.",
        ConvergenceWarning,
        stacklevel=user_level(),
    )


def degrees_of_freedom(
    source: Source, path: Traced, alphas: FloatArray, l1_ratio: float, factors: FloatArray
) -> FloatArray:
    """Effective degrees of freedom (n_alphas,), without the intercept; NaN where too many coefficients are not zero."""
    active = path.coefs != 0.0
    count: FloatArray = active.sum(axis=1).astype(np.float64)
    if l1_ratio == 1.0:
        return count
    for k, alpha in enumerate(alphas):
        chosen = np.flatnonzero(active[k])
        if not isinstance(source, OfMoments) or len(chosen) > _FEW:
            count[k] = np.nan
            continue
        products = source.products[np.ix_(chosen, chosen)]
        ridge = source.total_weight * alpha * (1.0 - l1_ratio) * factors[chosen]
        scale = source.scale[chosen]
        shrunk = products + np.diag(np.minimum(ridge * scale * scale, 1e250))
        if len(chosen):
            count[k] = np.trace(np.linalg.pinv(shrunk, hermitian=True) @ products)
    return count
