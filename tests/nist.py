"""NIST's linear least-squares problems, with answers from exact rational arithmetic.

The data and certified values are those of the Statistical Reference Datasets. Rounding the data to
float64 already moves the answer, so that a solver is judged by the exact solution of the rounded
design (``exact_coef``), and only a user by the certified one.
"""

import json
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).with_name("data") / "nist"
NAMES = tuple(sorted(path.stem for path in DATA.glob("*.json")))


@dataclass(frozen=True)
class Problem:
    """Polynomials come as columns x, x^2, ...; coefficients begin with the intercept, if any."""

    name: str
    X: np.ndarray
    y: np.ndarray
    fit_intercept: bool
    exact_coef: tuple[Fraction, ...]
    certified_coef: tuple[Fraction, ...]
    certified: dict[str, float]


@cache
def load(name):
    record = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    X = np.array(record["X"], dtype=np.float64)
    if record["degree"] is not None:
        X = np.cumprod(np.repeat(X, record["degree"], axis=1), axis=1)
    return Problem(
        name=name,
        X=X,
        y=np.array(record["y"], dtype=np.float64),
        fit_intercept=record["fit_intercept"],
        exact_coef=tuple(Fraction(text) for text in record["exact_double"]["coef"]),
        certified_coef=tuple(Fraction(text) for text in record["exact_decimal"]["coef"]),
        certified=record["certified"],
    )


def log_relative_error(estimate, exact):
    """About the number of right digits, at most 15; of the absolute error where the answer is 0."""
    if not math.isfinite(estimate):
        return 0.0
    error = abs(Fraction(float(estimate)) - Fraction(exact))
    if exact:
        error /= abs(Fraction(exact))
    return 15.0 if error < Fraction(1, 10**15) else max(0.0, -math.log10(error))


def right_digits(problem, coef, intercept):
    """Right digits of the worst coefficient."""
    estimates = [intercept, *coef] if problem.fit_intercept else list(coef)
    return min(map(log_relative_error, estimates, problem.exact_coef))
