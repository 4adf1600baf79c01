"""Student's t, the normal, F and chi-squared: tails and quantiles by SciPy, which is imported when one is asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_number

__all__ = ["as_level", "chi2_tail", "f_tail", "p_text", "quantile", "two_sided_tail"]


def as_level(level: object) -> float:
    """A level of confidence: above 0 and below 1."""
    value = as_number(level, "level", "a number between 0 and 1, such as 0.95")
    if not 0.0 < value < 1.0:
        raise InputError(f"level={level!r} is not between 0 and 1: pass 0.95 for 95 percent.")
    return value


def two_sided_tail(statistic: Any, df: float | None) -> FloatArray:
    """Probability that |t| exceeds a value: Student's, NaN for no degrees of freedom; the normal one's for df=None."""
    from scipy.special import ndtr, stdtr

    size = -np.abs(np.asarray(statistic, dtype=np.float64))
    if df is None:
        return np.asarray(2.0 * ndtr(size))
    if not df > 0:
        return np.full_like(size, np.nan)
    return np.asarray(2.0 * stdtr(df, size))


def quantile(level: float, df: float | None) -> float:
    """Half the width of a two-sided interval by its standard error; NaN without degrees of freedom."""
    from scipy.special import ndtri, stdtrit

    upper = 0.5 * (1.0 + level)
    if df is None:
        return float(ndtri(upper))
    return float(stdtrit(df, upper)) if df > 0 else float("nan")


def f_tail(statistic: Any, df_numerator: float, df_denominator: float) -> FloatArray:
    """Probability that F exceeds a value; NaN without degrees of freedom."""
    from scipy.special import fdtrc

    value = np.asarray(statistic, dtype=np.float64)
    if not (df_numerator > 0 and df_denominator > 0):
        return np.full_like(value, np.nan)
    return np.asarray(np.where(np.isposinf(value), 0.0, fdtrc(df_numerator, df_denominator, value)))


def chi2_tail(statistic: Any, df: float) -> FloatArray:
    """Probability that chi-squared exceeds a value; NaN without degrees of freedom."""
    from scipy.special import chdtrc

    value = np.asarray(statistic, dtype=np.float64)
    if not df > 0:
        return np.full_like(value, np.nan)
    return np.asarray(np.where(np.isposinf(value), 0.0, chdtrc(df, value)))


def p_text(p: float, digits: int = 2) -> str:
    """A p-value as tests print it: "p = 0.031", "p < 1e-300", or "p unknown"."""
    if math.isnan(p):
        return "p unknown"
    return f"p = {p:.{digits}g}" if p >= 1e-300 else "p < 1e-300"
