"""Linear restrictions of parameters, from text or arrays, and the tests of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.distributions import as_level, chi2_tail, f_tail, quantile, two_sided_tail
from fastlr.inference.named import INTERCEPT
from fastlr.input.columns import FloatArray

__all__ = [
    "Contrasts",
    "RestrictionTest",
    "Restrictions",
    "as_restrictions",
    "tested_each",
    "tested_together",
    "wald_of_all",
    "wald_statistic",
]

_SAME = 1e-12  # relative length below which a restriction is a combination of the others


@dataclass(frozen=True, slots=True)
class Restrictions:
    """``matrix @ params = values``, one row for each restriction."""

    matrix: FloatArray
    values: FloatArray
    labels: tuple[str, ...]


@dataclass(frozen=True)
class RestrictionTest:
    """A test that all of some restrictions hold.

    Attributes
    ----------
    statistic : float or ndarray of shape (n_targets,)
        F, or chi-squared.
    pvalue : float or ndarray of shape (n_targets,)
        Probability of a larger one, if the restrictions hold; NaN if the covariance is not known.
    df_num : int
        Number of restrictions.
    df_denom : float
        Degrees of freedom of the denominator; infinite for chi-squared.
    distribution : str
        "F" or "chi2".
    restrictions : tuple of str
        What was tested.
    """

    statistic: float | FloatArray
    pvalue: float | FloatArray
    df_num: int
    df_denom: float
    distribution: str
    restrictions: tuple[str, ...]

    @property
    def fvalue(self) -> float | FloatArray:
        """The statistic, as statsmodels names it."""
        return self.statistic

    def __str__(self) -> str:
        name = "F" if self.distribution == "F" else "chi2"
        df = f"{self.df_num}, {self.df_denom:g}" if name == "F" else f"{self.df_num}"
        results = [
            f"{name}({df}) = {s:.6g}, p = {p:.4g}"
            for s, p in zip(np.atleast_1d(self.statistic), np.atleast_1d(self.pvalue), strict=True)
        ]
        return f"{', '.join(self.restrictions)}: {'; '.join(results)}"


@dataclass(frozen=True)
class Contrasts:
    """Linear combinations of parameters, each tested by itself.

    Attributes
    ----------
    effect : ndarray of shape (n_restrictions,) or (n_targets, n_restrictions)
        Values of the combinations.
    sd : ndarray of the same shape
        Their standard errors.
    statistic, pvalue : ndarray of the same shape
        t (or z) of the difference from what the restriction says, and its two-sided p-value.
    df_denom : float
        Degrees of freedom of Student's t; infinite for the normal distribution.
    restrictions : tuple of str
        What was tested.
    """

    effect: FloatArray
    sd: FloatArray
    statistic: FloatArray
    pvalue: FloatArray
    df_denom: float
    restrictions: tuple[str, ...]

    @property
    def tvalue(self) -> FloatArray:
        """The statistics, as statsmodels names them."""
        return self.statistic

    def conf_int(self, level: float = 0.95) -> FloatArray:
        """Confidence intervals of the combinations: their shape and (2,)."""
        df = None if np.isinf(self.df_denom) else self.df_denom
        half = quantile(as_level(level), df) * self.sd
        return np.stack([self.effect - half, self.effect + half], axis=-1)

    def __str__(self) -> str:
        rows = zip(
            self.restrictions,
            *(
                np.atleast_2d(part).T
                for part in (self.effect, self.sd, self.statistic, self.pvalue)
            ),
            strict=True,
        )
        name = "z" if np.isinf(self.df_denom) else "t"
        return "\n".join(
            "; ".join(
                f"{label}: {effect:.6g} +- {sd:.6g}, {name} = {t:.4g}, p = {p:.4g}"
                for effect, sd, t, p in zip(*parts, strict=True)
            )
            for label, *parts in rows
        )


def as_restrictions(restrictions: Any, names: Sequence[str]) -> Restrictions:
    """Restrictions from text such as "x1 = x2 = 0, x3 - x4 = 1", from a matrix, or from (matrix, values).

    Raises
    ------
    InputError
        If the text cannot be read or names something else than parameters, or a shape does not fit.
    ImportError
        If restrictions come as text and formulaic is not installed (the extra ``formula``).
    """
    k = len(names)
    values: Any = 0.0
    if isinstance(restrictions, str) or (
        isinstance(restrictions, list | tuple)
        and restrictions
        and all(isinstance(part, str) for part in restrictions)
    ):
        text = restrictions if isinstance(restrictions, str) else ", ".join(restrictions)
        return _from_text(text, names)
    if isinstance(restrictions, tuple) and len(restrictions) == 2 and np.ndim(restrictions[0]) > 0:
        restrictions, values = restrictions
    try:
        matrix = np.atleast_2d(np.asarray(restrictions, dtype=np.float64))
        right = np.broadcast_to(np.asarray(values, dtype=np.float64), (len(matrix),)).copy()
    except (TypeError, ValueError) as error:
        raise InputTypeError(
            "restrictions are neither text such as 'x1 = x2 = 0' nor an array with a column for each of the "
            f"{k} parameters."
        ) from error
    if matrix.ndim != 2 or matrix.shape[1] != k or not len(matrix):
        raise InputError(
            f"restrictions have shape {matrix.shape}: pass a column for each of the {k} parameters {tuple(names)!r}."
        )
    if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
        raise InputError("restrictions must be finite numbers.")
    labels = tuple(_label(row, value, names) for row, value in zip(matrix, right, strict=True))
    return _independent(Restrictions(matrix, right, labels))


def _from_text(text: str, names: Sequence[str]) -> Restrictions:
    try:
        from formulaic.utils.constraints import LinearConstraints
    except ImportError as error:
        raise ImportError(
            "restrictions as text need formulaic: pip install 'fastlr[formula]', or pass a matrix."
        ) from error
    equations = []
    for part in text.split(","):
        sides = [side.strip() for side in part.split("=")]
        if any(not side for side in sides):
            raise InputError(
                f"restrictions {text!r} cannot be read: pass equations such as 'x1 = x2 = 0, x3 - x4 = 1'."
            )
        pairs = list(itertools.pairwise(sides)) or [(sides[0], "0")]
        equations += [f"{_quoted(left)} = {_quoted(right)}" for left, right in pairs]
    try:
        found = LinearConstraints.from_spec(", ".join(equations), variable_names=list(names))
    except Exception as error:
        more = f" and {len(names) - 20} more" if len(names) > 20 else ""
        raise InputError(
            f"restrictions {text!r} cannot be read ({error}): pass equations of the parameters "
            f"{', '.join(map(repr, names[:20]))}{more}, with names that are no plain words in backticks."
        ) from error
    return _independent(
        Restrictions(
            np.asarray(found.constraint_matrix, dtype=np.float64).reshape(-1, len(names)),
            np.asarray(found.constraint_values, dtype=np.float64).reshape(-1),
            tuple(equation.replace("`", "") for equation in equations),
        )
    )


def _quoted(side: str) -> str:
    """The intercept's name has brackets, which a formula would read as such."""
    return re.sub(rf"`?{re.escape(INTERCEPT)}`?", f"`{INTERCEPT}`", side)


def _label(row: FloatArray, value: float, names: Sequence[str]) -> str:
    terms = [
        (f"{weight:+g} {name}" if abs(weight) != 1 else f"{'+' if weight > 0 else '-'} {name}")
        for weight, name in zip(row, names, strict=True)
        if weight
    ]
    left = " ".join(terms) or "0"
    return f"{left.removeprefix('+ ').removeprefix('+')} = {value:g}"


def _independent(restrictions: Restrictions) -> Restrictions:
    """The restrictions, if none follows from or contradicts the others."""
    matrix = restrictions.matrix
    length = np.linalg.norm(matrix, axis=1)
    if not (length > 0).all():
        raise InputError(
            f"the restriction {restrictions.labels[int(np.argmin(length))]!r} speaks of no parameter."
        )
    singular = np.linalg.svd(matrix / length[:, np.newaxis], compute_uv=False)
    if len(matrix) > matrix.shape[1] or singular[-1] <= _SAME * singular[0]:
        raise InputError(
            f"the restrictions {', '.join(restrictions.labels)} depend on one another: leave out what follows from the "
            "others."
        )
    return restrictions


def wald_of_all(coef: FloatArray, covariance: FloatArray) -> FloatArray:
    """F statistics (t,) of all coefficients being zero, from covariances (t, k, k) of which they are the last."""
    t, p = coef.shape
    statistics = np.full(t, np.nan)
    for target in range(t):
        some = covariance[target][-p:, -p:]
        statistics[target] = wald_statistic(coef[target], some) / p
    return statistics


def wald_statistic(difference: FloatArray, covariance: FloatArray) -> float:
    """``d' V^-1 d``; NaN where V is not known, or singular up to rounding."""
    if not (np.isfinite(covariance).all() and np.isfinite(difference).all()):
        return float("nan")
    with np.errstate(invalid="ignore"):
        length = np.sqrt(covariance.diagonal())
    if not (length > 0).all():
        return float("nan")
    scaled = covariance / length / length[:, np.newaxis]
    values, vectors = np.linalg.eigh(scaled)
    if values[0] <= len(values) * 2.0**-52 * values[-1]:
        return float("nan")
    along = vectors.T @ (difference / length)
    return float(np.sum(along**2 / values))


def _of_combinations(
    restrictions: Restrictions, params: FloatArray, covariance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Combinations (q,) and their covariance (q, q); what takes no part may be unknown."""
    taking_part = np.any(restrictions.matrix != 0, axis=0)
    matrix = restrictions.matrix[:, taking_part]
    some = covariance[np.ix_(taking_part, taking_part)]
    return matrix @ params[taking_part], matrix @ some @ matrix.T


def tested_together(
    restrictions: Restrictions, params: FloatArray, covariance: FloatArray, df: float | None
) -> tuple[FloatArray, FloatArray]:
    """Statistics and p-values (t,) of all restrictions: F for degrees of freedom, else chi-squared."""
    statistics = np.full(len(params), np.nan)
    for target in range(len(params)):
        values, inner = _of_combinations(restrictions, params[target], covariance[target])
        statistics[target] = wald_statistic(values - restrictions.values, inner)
    q = len(restrictions.values)
    if df is None:
        return statistics, chi2_tail(statistics, q)
    return statistics / q, f_tail(statistics / q, q, df)


def tested_each(
    restrictions: Restrictions, params: FloatArray, covariance: FloatArray, df: float | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Values, standard errors, t statistics and p-values of each restriction: (t, q)."""
    q = len(restrictions.values)
    effect, sd = np.full((2, len(params), q), np.nan)
    for target in range(len(params)):
        for j in range(q):
            one = Restrictions(restrictions.matrix[j : j + 1], restrictions.values[j : j + 1], ())
            value, inner = _of_combinations(one, params[target], covariance[target])
            effect[target, j] = value[0]
            variance = inner[0, 0]
            sd[target, j] = np.sqrt(variance) if variance >= 0 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (effect - restrictions.values) / sd
    return effect, sd, statistic, two_sided_tail(statistic, df)
