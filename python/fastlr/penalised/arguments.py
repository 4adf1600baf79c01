"""Arguments of penalised paths, checked: grids of penalties, shares, factors, and when to stop."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_flag, as_number, as_whole
from fastlr.input.penalties import numbers_of, refuse_negative

__all__ = ["DescentRules", "as_alphas", "as_factors", "as_share", "as_tolerance", "rules_of"]


@dataclass(frozen=True, slots=True)
class DescentRules:
    """When coordinate descent stops, and in which order it takes the coordinates."""

    positive: bool
    tol: float
    max_iter: int
    is_random: bool = False
    seed: int = 0


def rules_of(positive: object, tol: object, max_iter: object) -> DescentRules:
    """Check what coordinate descent is told."""
    return DescentRules(
        as_flag(positive, "positive"), as_tolerance(tol), as_whole(max_iter, "max_iter")
    )


def as_tolerance(tol: object) -> float:
    """Largest duality gap and largest move of a coefficient, as shares of what there is."""
    number = as_number(tol, "tol", "a finite number >= 0")
    if not 0.0 <= number < math.inf:
        raise InputError(
            f"tol={tol!r} is not a finite number >= 0: pass a share of the target's sum of squares such as 1e-4."
        )
    return number


def as_share(l1_ratio: object, argument: str = "l1_ratio") -> float:
    """Share of the absolute values in the penalty, from 0 to 1."""
    number = as_number(l1_ratio, argument, "a number from 0 to 1")
    if not 0.0 <= number <= 1.0:
        raise InputError(
            f"{argument}={l1_ratio!r} is not between 0 and 1: pass 1 for the lasso, 0 for squares alone."
        )
    return number


def as_alphas(alphas: object) -> int | FloatArray:
    """How many penalties to choose, or the penalties themselves, falling; a number alone counts as how many."""
    if isinstance(alphas, int | np.integer) and not isinstance(alphas, bool):
        return as_whole(alphas, "alphas")
    values = numbers_of(alphas, "alphas")
    if values.ndim != 1 or values.size == 0:
        raise InputError(
            f"alphas has shape {values.shape}: pass a list of at least one penalty, or how many to choose."
        )
    refuse_negative(values, "alphas")
    return np.sort(values)[::-1].copy()


def as_factors(penalty_factors: object, n_features: int) -> FloatArray:
    """One factor of the penalty for each coefficient; ones by default."""
    if penalty_factors is None:
        return np.ones(n_features)
    try:
        factors: npt.NDArray[np.float64] = np.array(penalty_factors, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputTypeError(
            f"penalty_factors={penalty_factors!r} are not numbers: pass one number >= 0 per feature."
        ) from None
    if factors.shape != (n_features,):
        raise InputError(
            f"penalty_factors has shape {factors.shape} for {n_features} features: pass one number per feature."
        )
    wrong = np.flatnonzero(~(np.isfinite(factors) & (factors >= 0.0)))
    if wrong.size:
        raise InputError(
            f"penalty_factors[{wrong[0]}]={factors[wrong[0]]:g} is not a finite number >= 0: pass 0 for a coefficient "
            "without a penalty, and leave out columns that must not be used."
        )
    return factors
