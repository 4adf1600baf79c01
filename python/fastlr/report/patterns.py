"""Patterns that good residuals do not have: a curve, unequal variances, neighbours alike, skewness or heavy tails."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from fastlr.errors import ConditionWarning, RankWarning
from fastlr.inference.distributions import chi2_tail
from fastlr.input.columns import Columns, FloatArray
from fastlr.least_squares import ols
from fastlr.report.rows import SeenRows
from fastlr.results import LinearFit

__all__ = ["Pattern", "patterns_of"]

_LEAST_ROWS = 8
_FOUND = 0.01  # p-value
_LEAST_EFFECT = (
    0.01  # of the variance that a pattern explains: less matters to nobody, however many the rows
)


@dataclass(frozen=True)
class Pattern:
    """One pattern that was looked for.

    Attributes
    ----------
    name : str
        What was looked for.
    test : str
        By which test.
    statistic, p_value : float
    effect : str
        How large it is, in words.
    is_found : bool
        Whether chance would hardly make it, and it is large enough to matter.
    sentence : str
        What to make of it.
    """

    name: str
    test: str
    statistic: float
    p_value: float
    effect: str
    is_found: bool
    sentence: str


def patterns_of(fit: LinearFit, rows: SeenRows) -> list[Pattern]:
    """All patterns looked for, found or not; none where residuals cannot be judged.

    Two passes of normal equations over the features; weights make residuals alike and are not used again.
    """
    known = np.flatnonzero(np.isfinite(rows.standardised))
    r, fitted = rows.standardised[known], rows.fitted[known]
    if len(r) < max(_LEAST_ROWS, fit.rank + 4) or not np.std(r) > 0:
        return []
    found = []
    if fit.n_features and np.std(fitted) > 1e-12 * max(1.0, float(np.max(np.abs(fitted)))):
        features = rows.features.take_rows(known)
        z = (fitted - fitted.mean()) / np.std(fitted)
        found += [_curve(features, r, z), _spread(features, fit.rank, r, z)]
    return [*found, _order(r), _shape(r)]


def _curve(features: Columns, r: FloatArray, z: FloatArray) -> Pattern:
    """Residuals by what the square of predictions has beyond the features (Ramsey's RESET of one power)."""
    square = z**2
    beyond = square - np.asarray(_auxiliary(features, square).predict(features))
    is_new = float(beyond @ beyond) > 1e-12 * float(square @ square)
    share = _share(r, beyond) if is_new else 0.0
    return _judged(
        "a curve over the predictions",
        "RESET: squared predictions beside the features",
        len(r) * share,
        1,
        share,
        f"explains {100 * share:.2g} % of the residuals",
        "The residuals bend with the predictions: a square, an interaction or a logarithm may be missing.",
    )


def _spread(features: Columns, df: int, r: FloatArray, z: FloatArray) -> Pattern:
    """Squared residuals by the features (Breusch and Pagan 1979, studentised by Koenker 1981)."""
    squares = r**2
    share = max(0.0, float(np.nan_to_num(_auxiliary(features, squares).r2)))
    along = float(np.corrcoef(squares, z)[0, 1])
    how = f"{'grow' if along > 0 else 'shrink'} with the predictions"
    if abs(along) < 0.1:
        how = "are larger for some rows than for others"
    return _judged(
        "unequal variances",
        "Breusch-Pagan (Koenker) on the features",
        len(r) * share,
        df,
        share,
        f"explains {100 * share:.2g} % of the squared residuals",
        f"Errors {how} (Breusch-Pagan): robust standard errors (HC3) allow for that, and a logarithm of the target may "
        "mend it.",
    )


def _auxiliary(features: Columns, column: FloatArray) -> LinearFit:
    """A column regressed on the features; columns that depend on one another are of no concern here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankWarning)
        warnings.simplefilter("ignore", ConditionWarning)
        return ols(features, column, accuracy="fast")


def _order(r: FloatArray) -> Pattern:
    """Each residual by the one before it."""
    centred = r - r.mean()
    lag = float(centred[1:] @ centred[:-1] / (centred @ centred))
    return _judged(
        "neighbours alike",
        "correlation of each residual with the one before",
        len(r) * lag**2,
        1,
        lag**2,
        f"correlation {lag:.2f}",
        f"Residuals of neighbouring rows are {'alike' if lag > 0 else 'opposite'} (correlation {lag:.2f}): where rows "
        "are in order of time, standard errors by HAC allow for that.",
    )


def _shape(r: FloatArray) -> Pattern:
    """Skewness and kurtosis (Jarque and Bera 1980)."""
    z = (r - r.mean()) / np.std(r)
    skew, kurtosis = float(np.mean(z**3)), float(np.mean(z**4))
    statistic = len(r) / 6 * (skew**2 + (kurtosis - 3) ** 2 / 4)
    p = float(chi2_tail(statistic, 2))
    tails = "heavier" if kurtosis > 3 else "lighter"
    is_found = p < _FOUND and (abs(skew) > 0.5 or abs(kurtosis - 3) > 1)
    return Pattern(
        "a shape that is not normal",
        "Jarque-Bera",
        statistic,
        p,
        f"skewness {skew:.2f}, kurtosis {kurtosis:.2f} (normal: 0 and 3)",
        is_found,
        f"Residuals are not normal (skewness {skew:.2f}, tails {tails} than normal): with few rows, intervals and "
        "p-values are less sure than they look.",
    )


def _share(of: FloatArray, by: FloatArray) -> float:
    """The share of a variance that one column explains."""
    centred, by = of - of.mean(), by - by.mean()
    both = float(centred @ centred) * float(by @ by)
    return min(1.0, float(centred @ by) ** 2 / both) if both > 0 else 0.0


def _judged(
    name: str, test: str, statistic: float, df: int, share: float, effect: str, sentence: str
) -> Pattern:
    p = float(chi2_tail(statistic, df))
    return Pattern(name, test, statistic, p, effect, p < _FOUND and share > _LEAST_EFFECT, sentence)
