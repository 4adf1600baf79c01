"""Is the form of the regression right? Ramsey's RESET."""

from __future__ import annotations

import math

import numpy as np

from fastlr.diagnostics.auxiliary import beside, regressed
from fastlr.diagnostics.findings import LEVEL, DiagnosticTest
from fastlr.diagnostics.fitted_rows import is_exact, rows_of
from fastlr.errors import InputError
from fastlr.inference.distributions import chi2_tail, f_tail
from fastlr.inference.restrictions import wald_statistic
from fastlr.input.options import as_flag, as_whole
from fastlr.results import LinearFit

__all__ = ["linear_reset"]

_LARGEST_POWER = 10


def linear_reset(
    fit: LinearFit,
    X: object,
    y: object,
    power: int = 3,
    *,
    use_f: bool = True,
    sample_weight: object = None,
    target: int | None = None,
) -> DiagnosticTest:
    """Test whether something curved is missing: Ramsey's RESET.

    Parameters
    ----------
    fit : LinearFit
        A fit by least squares.
    X, y, sample_weight : array-like
        The rows of the fit, as they were fitted.
    power : int, default=3
        Squares of the predictions up to this power, from 2 to 10, are added to the features and tested together.
    use_f : bool, default=True
        F, or Wald's chi-squared (statsmodels' default).
    target : int, optional
        Which target, if there are several.

    Returns
    -------
    DiagnosticTest

    Raises
    ------
    InputError
        If the rows are not those of the fit, or the fit has a penalty or probability weights.

    Notes
    -----
    Two further passes over the rows. Predictions are centred (if there is an intercept) and scaled before they are
    raised, which changes no statistic and keeps digits. NaN where the features already span the powers, as those of a
    single set of indicators do, or no degrees of freedom are left.

    Examples
    --------
    >>> import numpy as np, fastlr
    >>> x = np.linspace(0, 3, 40)[:, np.newaxis]
    >>> y = np.exp(x[:, 0]) + np.random.default_rng(0).normal(size=40)
    >>> print(fastlr.diagnostics.linear_reset(fastlr.ols(x, y), x, y))
    Something curved is missing (RESET F = 132.9 on 2 and 36 df, p = 2.4e-17)
    """
    name = "RESET"
    highest = as_whole(power, "power", 2)
    if highest > _LARGEST_POWER:
        raise InputError(f"power={power} is above {_LARGEST_POWER}: pass 2 to {_LARGEST_POWER}.")
    by_f = as_flag(use_f, "use_f")
    symbol = "F" if by_f else "chi2"
    fit, chosen, rows = rows_of(fit, X, y, sample_weight, target, "Ramsey's RESET")
    q = highest - 1

    def nothing(why: str) -> DiagnosticTest:
        df = (float(q), math.nan) if by_f else float(q)
        return DiagnosticTest(name, symbol, math.nan, math.nan, df, why)

    if is_exact(fit, chosen):
        return nothing("The fit is exact, so nothing is missing")
    predicted = rows.target - rows.residuals
    if fit.fit_intercept:
        predicted = predicted - np.average(predicted, weights=rows.weights)
    largest = float(np.max(np.abs(predicted)))
    if not largest > 0:
        return nothing("Predictions do not vary, so they have no powers to test")
    predicted /= largest
    powers = [predicted**exponent for exponent in range(2, highest + 1)]
    if fit.fit_intercept:
        powers = [column - np.average(column, weights=rows.weights) for column in powers]
    features = beside(rows.features, powers)
    found = regressed(
        features, rows.target, rows.weights, fit_intercept=fit.fit_intercept, nobs=rows.n_counted
    )
    if found.rank - fit.rank < q:
        return nothing(
            f"The features already explain powers of the predictions up to {highest}, so these cannot be tested"
        )
    if found.df_resid <= 0:
        return nothing(
            f"{rows.n_counted:g} observations are too few to test powers up to {highest} beside {fit.rank} features"
        )
    if found.inverse is None:
        return nothing("Columns depend on one another beyond what can be tested")
    inverse = found.inverse.of_parameters()[-q:, -q:]
    variance = found.rss / found.df_resid
    statistic = wald_statistic(found.coef[-q:], inverse * variance)
    df: float | tuple[float, float]
    if by_f:
        statistic /= q
        df = (float(q), float(found.df_resid))
        pvalue = float(f_tail(statistic, *df))
    else:
        df = float(q)
        pvalue = float(chi2_tail(statistic, q))
    finding = (
        "Something curved is missing"
        if pvalue < LEVEL
        else "No sign that something curved is missing"
    )
    return DiagnosticTest(name, symbol, statistic, pvalue, df, finding)
