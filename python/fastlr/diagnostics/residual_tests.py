"""Do residuals follow one another, and are they normal? Durbin and Watson, Jarque and Bera."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from fastlr.diagnostics.findings import LEVEL, AutocorrelationTest, NormalityTest
from fastlr.diagnostics.fitted_rows import RowsOfFit, is_exact, rows_of, rows_of_block
from fastlr.errors import InputError
from fastlr.inference.distributions import chi2_tail
from fastlr.inference.inverse import CrossInverse
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice
from fastlr.results import LinearFit

__all__ = ["durbin_watson", "jarque_bera"]

_EXACT = "The fit is exact, so there are no residuals to test"
_MOST_EXACT = 300  # rows whose n x n quadratic form is decomposed
_LEAST_EXACT = 1e-6
_ALTERNATIVES = ("positive", "negative", "two-sided")


def durbin_watson(
    fit: LinearFit,
    X: object,
    y: object,
    *,
    alternative: str = "positive",
    sample_weight: object = None,
    target: int | None = None,
) -> AutocorrelationTest:
    """Test whether residuals of rows in the order of time follow one another: Durbin and Watson.

    Parameters
    ----------
    fit : LinearFit
        A fit by least squares, of rows in their order.
    X, y, sample_weight : array-like
        The rows of the fit, as they were fitted. Weights are precisions; rows of weight 0 are left out.
    alternative : {"positive", "negative", "two-sided"}, default="positive"
        Which autocorrelation is looked for.
    target : int, optional
        Which target, if there are several.

    Returns
    -------
    AutocorrelationTest
        The statistic lies between 0 (residuals repeat) and 4 (they alternate); 2 is no autocorrelation.

    Raises
    ------
    InputError
        If the rows are not those of the fit, or weights are frequencies or probabilities, of rows without an order.

    Notes
    -----
    The p-value is that of these very features, for normal errors. For up to 300 rows it is exact, up to a quadrature of
    1e-8 (Imhof 1961); for more, and where it is below 1e-6, that of the beta distribution on (0, 4) with the exact mean
    and variance (Durbin and Watson 1971). NaN if the fit has not kept what its features' errors are made of and they
    depend on one another.

    Examples
    --------
    >>> import numpy as np, fastlr
    >>> time = np.arange(16.0)[:, np.newaxis]
    >>> wave = time[:, 0] + np.sin(time[:, 0])
    >>> print(fastlr.diagnostics.durbin_watson(fastlr.ols(time, wave), time, wave))
    Residuals resemble those before them (Durbin-Watson DW = 0.8677, p = 0.0018)
    """
    name = "Durbin-Watson"
    as_choice(alternative, _ALTERNATIVES, "alternative")
    fit, chosen, rows = rows_of(fit, X, y, sample_weight, target, "the Durbin-Watson test")
    if fit.weight_type == "frequency" and rows.weights is not None:
        raise InputError(
            "the Durbin-Watson test is one of rows in the order of time, which rows that are counted by frequencies do "
            "not have: pass every row by itself."
        )
    if is_exact(fit, chosen):
        return AutocorrelationTest(name, "DW", math.nan, math.nan, None, _EXACT, math.nan)
    keep = slice(None) if rows.counts is None else rows.counts > 0
    left = rows.whitened[keep]
    left = left / np.max(np.abs(left))
    squares = float(left @ left)
    statistic = float(np.sum(np.diff(left) ** 2)) / squares
    autocorrelation = float(left[1:] @ left[:-1]) / squares
    lower = _below(rows, statistic)
    pvalue = {
        "positive": lower,
        "negative": 1.0 - lower,
        "two-sided": 2.0 * min(lower, 1.0 - lower),
    }[alternative]
    if math.isnan(pvalue):
        finding = "Of these features nothing can be said about how likely the statistic is"
    elif pvalue < LEVEL:
        how = "resemble" if statistic < 2 else "alternate with"
        finding = f"Residuals {how} those before them"
    else:
        finding = "No sign that residuals follow those before them"
    return AutocorrelationTest(name, "DW", statistic, pvalue, None, finding, autocorrelation)


def jarque_bera(
    fit: LinearFit,
    X: object,
    y: object,
    *,
    sample_weight: object = None,
    target: int | None = None,
) -> NormalityTest:
    """Test whether residuals are normal by their skewness and kurtosis: Jarque and Bera.

    Parameters
    ----------
    fit : LinearFit
        A fit by least squares.
    X, y, sample_weight : array-like
        The rows of the fit, as they were fitted.
    target : int, optional
        Which target, if there are several.

    Returns
    -------
    NormalityTest
        ``n / 6 (skew^2 + (kurtosis - 3)^2 / 4)``, its p-value by chi-squared on 2 df, skew and kurtosis.

    Raises
    ------
    InputError
        If the rows are not those of the fit, or the fit has a penalty or probability weights.

    Notes
    -----
    Residuals are multiplied by the roots of precisions; frequencies are rows that are repeated. Chi-squared holds for
    hundreds of rows; of fewer the test finds less than it says.

    Examples
    --------
    >>> import numpy as np, fastlr
    >>> rng = np.random.default_rng(0)
    >>> x, errors = rng.normal(size=(200, 1)), rng.uniform(size=200)
    >>> y = x[:, 0] + errors
    >>> print(fastlr.diagnostics.jarque_bera(fastlr.ols(x, y), x, y))
    Residuals are of lighter tails than normal ones (Jarque-Bera JB = 12.27 on 2 df, p = 0.0022)
    """
    name = "Jarque-Bera"
    fit, chosen, rows = rows_of(fit, X, y, sample_weight, target, "the Jarque-Bera test")
    if is_exact(fit, chosen):
        return NormalityTest(name, "JB", math.nan, math.nan, 2.0, _EXACT, math.nan, math.nan)
    left = rows.whitened / np.max(np.abs(rows.residuals))
    left = left - np.average(left, weights=rows.counts)
    second, third, fourth = (
        float(np.average(left**power, weights=rows.counts)) for power in (2, 3, 4)
    )
    skew, kurtosis = third / second**1.5, fourth / second**2
    statistic = rows.n_counted / 6.0 * (skew**2 + (kurtosis - 3.0) ** 2 / 4.0)
    pvalue = float(chi2_tail(statistic, 2.0))
    if pvalue < LEVEL:
        tails = ["heavier" if kurtosis > 3 else "lighter"]
        is_skew = rows.n_counted / 6.0 * skew**2 > 3.84
        is_tailed = rows.n_counted / 24.0 * (kurtosis - 3.0) ** 2 > 3.84
        parts = [f"skewed to the {'right' if skew > 0 else 'left'}"] * is_skew
        parts += [f"of {tails[0]} tails than normal ones"] * is_tailed
        finding = f"Residuals are {' and '.join(parts) or 'not normal'}"
    else:
        finding = "No sign that residuals are not normal"
    return NormalityTest(name, "JB", statistic, pvalue, 2.0, finding, skew, kurtosis)


def _below(rows: RowsOfFit, statistic: float) -> float:
    """Probability of a smaller statistic of Durbin and Watson, if errors are independent and normal."""
    inverse = rows.inverse
    if inverse is None:
        return math.nan
    n = int(rows.n_counted)
    left = n - inverse.root.shape[1] - inverse.fit_intercept
    if n <= _MOST_EXACT:
        basis = next(iter(_orthonormal(rows, inverse, n)))
        rest = np.linalg.qr(basis, mode="complete")[0][:, basis.shape[1] :]
        steps = np.diff(rest, axis=0)
        values = np.linalg.eigvalsh(steps.T @ steps)
        exact = _imhof(values - statistic)
        if _LEAST_EXACT < exact < 1.0 - _LEAST_EXACT:
            return exact
        first, second = float(values.sum()), float(values @ values)
    else:
        first, second = _traces(rows, inverse, n)
    mean = first / left
    variance = 2.0 * (second - first * mean) / (left * (left + 2.0))
    if not variance > 0:
        return math.nan
    from scipy.special import betainc

    share, spread = mean / 4.0, variance / 16.0  # a beta distribution on (0, 4)
    total = share * (1.0 - share) / spread - 1.0
    return float(betainc(share * total, (1.0 - share) * total, statistic / 4.0))


def _imhof(weights: FloatArray) -> float:
    """Probability that ``sum weights_i x_i^2`` of independent standard normal x is negative."""
    from scipy.integrate import quad

    scaled = weights / np.linalg.norm(weights)

    def integrand(u: float) -> float:
        angle = 0.5 * float(np.sum(np.arctan(scaled * u)))
        damping = math.exp(-0.25 * float(np.sum(np.log1p((scaled * u) ** 2))))
        return math.sin(angle) * damping / u

    integral = quad(integrand, 0.0, math.inf, epsabs=1e-9, epsrel=1e-9, limit=500)[0]
    return float(np.clip(0.5 - integral / math.pi, 0.0, 1.0))


def _orthonormal(rows: RowsOfFit, inverse: CrossInverse, step: int) -> Iterator[FloatArray]:
    """Orthonormal columns that span the (weighted) features and the constant, in blocks that share two rows."""
    features, weights = rows.features, rows.weights
    if rows.counts is not None:
        keep = rows.counts > 0
        features = features.take_rows(keep)
        weights = None if weights is None else weights[keep]
    mean = inverse.mean.sum(axis=0) * inverse.fit_intercept
    n = features.n_samples
    for first in range(0, max(1, n - 2), step):
        block = slice(first, min(n, first + step + 2))
        z = np.asarray(features.take_rows(block).as_matrix(), dtype=np.float64)
        along = (z * inverse.scale - mean) @ inverse.root
        if inverse.fit_intercept:
            constant = np.full((len(along), 1), 1.0 / math.sqrt(inverse.total_weight))
            along = np.concatenate([constant, along], axis=1)
        yield along if weights is None else along * np.sqrt(weights[block])[:, np.newaxis]


def _traces(rows: RowsOfFit, inverse: CrossInverse, n: int) -> tuple[float, float]:
    """Traces of M A and (M A)^2: A sums squares of differences, M leaves residuals of the features."""
    r = inverse.root.shape[1] + inverse.fit_intercept
    inner, outer = np.zeros((r, r)), 0.0
    first = steps = rest = np.zeros((0, r))
    size = rows_of_block(r)
    for block in _orthonormal(rows, inverse, size):
        steps = np.diff(block, axis=0)
        rest = steps[size:]  # which the next block has, if there is one
        inner += steps[:size].T @ steps[:size]
        outer += float(np.sum(np.diff(steps, axis=0) ** 2))
        first = first if len(first) else steps[:1]
    inner += rest.T @ rest
    outer += float(np.sum(first**2) + np.sum(steps[-1:] ** 2))
    return (
        2.0 * (n - 1) - float(np.trace(inner)),
        2.0 * (3 * n - 4) - 2.0 * outer + float(np.sum(inner**2)),
    )
