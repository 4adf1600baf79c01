"""P-values of many tests, adjusted for their number."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice

__all__ = ["ADJUSTMENTS", "adjust_pvalues", "tukey_pvalues", "tukey_quantile"]

ADJUSTMENTS = ("holm", "bonferroni", "fdr_bh", "fdr_by", "none")


def adjust_pvalues(pvalues: Any, method: str = "holm") -> FloatArray:
    """Adjust the p-values of several tests for their number.

    Parameters
    ----------
    pvalues : array-like
        Numbers from 0 to 1; all of them are one family of tests. NaN stays NaN and is no member.
    method : {"holm", "bonferroni", "fdr_bh", "fdr_by", "none"}, default="holm"
        "holm" and "bonferroni" bound the probability of any false finding, Holm's with more power. "fdr_bh" (Benjamini
        and Hochberg, for independent or positively dependent tests) and "fdr_by" (Benjamini and Yekutieli, for any)
        bound the expected share of false findings, by `scipy.stats.false_discovery_control`.

    Returns
    -------
    ndarray of the same shape
        Compare them with the level as if there were one test.

    Raises
    ------
    InputError
        If a value is not between 0 and 1, or the method is unknown.

    Examples
    --------
    >>> from fastlr.diagnostics import adjust_pvalues
    >>> adjust_pvalues([0.01, 0.02, 0.03, 0.5])
    array([0.04, 0.06, 0.06, 0.5 ])
    """
    as_choice(method, ADJUSTMENTS, "method")
    try:
        given = np.asarray(pvalues, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputTypeError(f"pvalues are no array of numbers ({error}).") from None
    is_known = ~np.isnan(given)
    known = given[is_known]
    if ((known < 0.0) | (known > 1.0)).any():
        wrong = known[(known < 0.0) | (known > 1.0)][0]
        raise InputError(f"pvalues has {wrong:g}: p-values lie between 0 and 1.")
    out = given.copy()
    if len(known):
        out[is_known] = _adjusted(known, method)
    return out


def _adjusted(known: FloatArray, method: str) -> FloatArray:
    m = len(known)
    if method == "none":
        return known
    if method == "bonferroni":
        return np.minimum(known * m, 1.0)
    if method == "holm":
        order = np.argsort(known, kind="stable")
        stepped = np.maximum.accumulate(known[order] * np.arange(m, 0, -1))
        out = np.empty(m)
        out[order] = np.minimum(stepped, 1.0)
        return out
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(known, method=method.removeprefix("fdr_")))


def tukey_pvalues(statistic: FloatArray, n_means: int, df: float) -> FloatArray:
    """Adjust the tests of all pairs of ``n_means`` means by Tukey's studentised range, from their t; NaN stays NaN."""
    from scipy.stats import studentized_range

    out = np.full_like(statistic, np.nan)
    known = np.isfinite(statistic)
    if df > 0 and known.any():
        wide = np.sqrt(2.0) * np.abs(statistic[known])
        out[known] = np.clip(studentized_range.sf(wide, n_means, df), 0.0, 1.0)
    return out


def tukey_quantile(level: float, n_means: int, df: float) -> float:
    """Half the width of intervals that cover all differences together, in standard errors; NaN without ``df``."""
    from scipy.stats import studentized_range

    if not df > 0:
        return float("nan")
    return float(studentized_range.ppf(level, n_means, df)) / float(np.sqrt(2.0))
