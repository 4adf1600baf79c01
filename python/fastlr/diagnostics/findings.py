"""What a diagnostic test found: numbers, and a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fastlr.inference.distributions import p_text

__all__ = [
    "LEVEL",
    "AutocorrelationTest",
    "DiagnosticTest",
    "HeteroscedasticityTest",
    "NormalityTest",
]

LEVEL = 0.05
"""Below this p-value a sentence says that something was found."""


@dataclass(frozen=True)
class DiagnosticTest:
    """A test of what least squares takes for granted; printed, it is a sentence.

    Attributes
    ----------
    name : str
        Whose test.
    symbol : str
        What the statistic is called: "F", "chi2", "LM", "JB", "DW".
    statistic : float
        NaN where nothing can be tested; ``finding`` says why.
    pvalue : float
        Probability of a statistic at least as extreme if nothing is wrong.
    df : float, (float, float) or None
        Degrees of freedom of chi-squared, or of F's numerator and denominator; None if there are none.
    finding : str
        What was found, in words; something was found if ``pvalue`` is below 0.05.
    """

    name: str
    symbol: str
    statistic: float
    pvalue: float
    df: float | tuple[float, float] | None
    finding: str

    def __str__(self) -> str:
        if math.isnan(self.statistic):
            return f"{self.finding} ({self.name}: not tested)"
        on = f" on {df_text(self.df)} df" if self.df is not None else ""
        return f"{self.finding} ({self.name} {self.symbol} = {self.statistic:.4g}{on}, {p_text(self.pvalue)})"


@dataclass(frozen=True)
class HeteroscedasticityTest(DiagnosticTest):
    """A test of equal variances by a regression of squared residuals, as chi-squared and as F.

    Attributes
    ----------
    fvalue, f_pvalue : float
        F of the same regression, and its p-value, which is better in small samples.
    f_df : (float, float)
        Its degrees of freedom.
    """

    fvalue: float
    f_pvalue: float
    f_df: tuple[float, float]


@dataclass(frozen=True)
class NormalityTest(DiagnosticTest):
    """A test of normal residuals by their third and fourth moments.

    Attributes
    ----------
    skew : float
        0 for a symmetric distribution, positive for a long right tail.
    kurtosis : float
        3 for the normal distribution, more for heavy tails.
    """

    skew: float
    kurtosis: float


@dataclass(frozen=True)
class AutocorrelationTest(DiagnosticTest):
    """A test of residuals that follow one another.

    Attributes
    ----------
    autocorrelation : float
        Of one residual with the next, about 1 - DW / 2.
    """

    autocorrelation: float


def df_text(df: float | tuple[float, float]) -> str:
    """Degrees of freedom for people: "2", or "2 and 48"."""
    return " and ".join(f"{value:g}" for value in (df if isinstance(df, tuple) else (df,)))
