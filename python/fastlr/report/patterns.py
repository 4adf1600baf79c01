"""Patterns that good residuals do not have: a curve, unequal variances, neighbours alike, skewness or heavy tails."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fastlr.diagnostics import durbin_watson, het_breuschpagan, jarque_bera, linear_reset
from fastlr.report.rows import SeenRows
from fastlr.results import LinearFit

__all__ = ["SURE", "Pattern", "patterns_of"]

SURE = 0.01
"""Below this p-value a pattern is no chance."""
_LEAST_ROWS = 8
# Of the variance that a pattern explains: less matters to nobody, however many the rows.
_LEAST_SHARE, _LEAST_SHARE_OF_SQUARES = 0.01, 0.002


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


def patterns_of(
    fit: LinearFit, X: object, y: object, sample_weight: object, rows: SeenRows
) -> list[Pattern]:
    """All patterns looked for, found or not, by `fastlr.diagnostics`; none where residuals cannot be judged.

    Those are residuals with a penalty, with weights of a survey, of a perfect fit, or of hardly more rows than
    coefficients.
    """
    is_judged = rows.has_errors and not rows.why_unknown and fit.weight_type != "probability"
    if not is_judged or fit.df_resid < 3 or len(rows.residual) < _LEAST_ROWS:
        return []
    found = _looked_for(fit, X, y, sample_weight, rows)
    return [pattern for pattern in found if math.isfinite(pattern.p_value)]


def _looked_for(
    fit: LinearFit, X: object, y: object, sample_weight: object, rows: SeenRows
) -> Iterator[Pattern]:
    if fit.n_features:
        curve = linear_reset(fit, X, y, 2, sample_weight=sample_weight)
        share = curve.statistic / (curve.statistic + fit.df_resid - 1.0)
        yield Pattern(
            "a curve over the predictions",
            "RESET: squared predictions beside the features",
            curve.statistic,
            curve.pvalue,
            f"explains {100 * share:.2g} % of the residuals",
            curve.pvalue < SURE and share > _LEAST_SHARE,
            "The residuals bend with the predictions: a square, an interaction or a logarithm may be missing.",
        )
        spread = het_breuschpagan(fit, X, y, sample_weight=sample_weight)
        share = spread.statistic / fit.nobs
        yield Pattern(
            "unequal variances",
            "Breusch-Pagan (Koenker) on the features",
            spread.statistic,
            spread.pvalue,
            f"explains {100 * share:.2g} % of the squared residuals",
            spread.pvalue < SURE and share > _LEAST_SHARE_OF_SQUARES,
            f"Errors {_growth(rows)} (Breusch-Pagan): robust standard errors (HC3) allow for that, and a logarithm of "
            "the target may mend it.",
        )
    if fit.weight_type != "frequency":
        order = durbin_watson(fit, X, y, alternative="two-sided", sample_weight=sample_weight)
        lag = order.autocorrelation
        yield Pattern(
            "neighbours alike",
            "Durbin-Watson, rows in their order",
            order.statistic,
            order.pvalue,
            f"correlation {lag:.2f}",
            order.pvalue < SURE and lag**2 > _LEAST_SHARE,
            f"Residuals of neighbouring rows are {'alike' if lag > 0 else 'opposite'} (correlation {lag:.2f}): where "
            "rows are in order of time, standard errors by HAC allow for that.",
        )
    shape = jarque_bera(fit, X, y, sample_weight=sample_weight)
    tails = "heavier" if shape.kurtosis > 3 else "lighter"
    yield Pattern(
        "a shape that is not normal",
        "Jarque-Bera",
        shape.statistic,
        shape.pvalue,
        f"skewness {shape.skew:.2f}, kurtosis {shape.kurtosis:.2f} (normal: 0 and 3)",
        shape.pvalue < SURE and (abs(shape.skew) > 0.5 or abs(shape.kurtosis - 3) > 1),
        f"Residuals are not normal (skewness {shape.skew:.2f}, tails {tails} than normal): with few rows, intervals "
        "and p-values are less sure than they look.",
    )


def _growth(rows: SeenRows) -> str:
    """Whether errors grow with the predictions, as a verb."""
    known = np.isfinite(rows.standardised)
    squares, fitted = np.square(rows.standardised[known]), rows.fitted[known]
    squares, fitted = squares - squares.mean(), fitted - fitted.mean()
    both = float(np.linalg.norm(squares) * np.linalg.norm(fitted))
    along = float(squares @ fitted) / both if both > 0 else 0.0
    if abs(along) < 0.1:
        return "are larger for some rows than for others"
    return f"{'grow' if along > 0 else 'shrink'} with the predictions"
