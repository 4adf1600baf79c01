"""Do residuals scatter alike everywhere? Tests by Breusch and Pagan, White, and Goldfeld and Quandt."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.diagnostics.auxiliary import Auxiliary, regressed, regressed_by_moments
from fastlr.diagnostics.findings import LEVEL, DiagnosticTest, HeteroscedasticityTest
from fastlr.diagnostics.fitted_rows import RowsOfFit, is_exact, rows_of, rows_of_block
from fastlr.errors import InputError
from fastlr.inference.distributions import f_tail
from fastlr.input.arguments import as_features
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.convert import as_columns
from fastlr.input.options import as_choice, as_flag
from fastlr.input.refusals import refuse_non_finite
from fastlr.moments import Moments
from fastlr.results import LinearFit

__all__ = ["MOST_PRODUCTS", "het_breuschpagan", "het_goldfeldquandt", "het_white"]

MOST_PRODUCTS = 4000
"""Features of White's regression, whose cross-products take 128 MB at this number."""
_ALTERNATIVES = ("increasing", "decreasing", "two-sided")


def het_breuschpagan(
    fit: LinearFit,
    X: object,
    y: object,
    *,
    exog_het: object = None,
    robust: bool = True,
    sample_weight: object = None,
    target: int | None = None,
) -> HeteroscedasticityTest:
    """Test whether the variance of residuals depends on the features: Breusch and Pagan, in Koenker's form.

    Parameters
    ----------
    fit : LinearFit
        A fit by least squares.
    X, y, sample_weight : array-like
        The rows of the fit, as they were fitted.
    exog_het : array-like of shape (n_samples, k), optional
        What the variance may depend on; by default the features of the fit. A constant is always beside them.
    robust : bool, default=True
        Koenker's statistic n R2, right for errors of any distribution; False is Breusch and Pagan's own, half the
        explained sum of squares, for normal ones.
    target : int, optional
        Which target, if there are several.

    Returns
    -------
    HeteroscedasticityTest
        LM, its p-value by chi-squared, and F of the same regression.

    Raises
    ------
    InputError
        If the rows are not those of the fit, or the fit has a penalty or probability weights.

    Notes
    -----
    Squared residuals, times precisions, are regressed on the features: two passes over the rows. Frequencies are
    rows that are repeated.

    Examples
    --------
    >>> import numpy as np, fastlr
    >>> rng = np.random.default_rng(0)
    >>> dose = rng.uniform(1, 5, size=(100, 1))
    >>> effect = 2 * dose[:, 0] + rng.normal(size=100) * dose[:, 0]
    >>> print(fastlr.diagnostics.het_breuschpagan(fastlr.ols(dose, effect), dose, effect))
    Residuals scatter more for larger predictions (Breusch-Pagan LM = 14.2 on 1 df, p = 0.00016)
    """
    name = "Breusch-Pagan"
    is_robust = as_flag(robust, "robust")
    fit, chosen, rows = rows_of(fit, X, y, sample_weight, target, "the Breusch-Pagan test")
    features = rows.features
    if exog_het is not None:
        features = as_features(exog_het, argument="exog_het")
        if features.n_samples != rows.features.n_samples:
            raise InputError(
                f"exog_het has {features.n_samples} rows and X has {rows.features.n_samples}: pass one for each row "
                "of X."
            )
        columns = tuple(features.names or (f"x{j}" for j in range(features.n_columns)))
        refuse_non_finite(features, columns, argument="exog_het", may_drop=False)
    if is_exact(fit, chosen):
        return _nothing(name)
    squares = _relative_squares(rows)
    found = regressed(features, squares, rows.counts, nobs=rows.n_counted)
    lm = rows.n_counted * found.r2 if is_robust else (found.tss - found.rss) / 2.0
    return _judged(name, lm, found, rows, squares)


def het_white(
    fit: LinearFit,
    X: object,
    y: object,
    *,
    cross_terms: bool = True,
    sample_weight: object = None,
    target: int | None = None,
) -> HeteroscedasticityTest:
    """Test whether the variance of residuals depends on the features in any smooth way: White's test.

    Parameters
    ----------
    fit : LinearFit
        A fit by least squares.
    X, y, sample_weight : array-like
        The rows of the fit, as they were fitted.
    cross_terms : bool, default=True
        Regress on features, their squares and the products of two; False leaves out products of different features.
    target : int, optional
        Which target, if there are several.

    Returns
    -------
    HeteroscedasticityTest
        LM = n R2, its p-value by chi-squared, and F of the same regression.

    Raises
    ------
    InputError
        If the rows are not those of the fit, the fit has a penalty or probability weights, or products are more
        than 4000 (88 features or more).

    Notes
    -----
    Products are those of standardised features, which span the same. They are made in blocks of rows of some 16 MB,
    and poured into moments: memory is that of k x k numbers for k products, at most 128 MB. Products that depend on
    others, as those of indicators do, count once.
    """
    name = "White"
    with_cross = as_flag(cross_terms, "cross_terms")
    fit, chosen, rows = rows_of(fit, X, y, sample_weight, target, "White's test")
    p = rows.features.n_columns
    k = p * (p + 3) // 2 if with_cross else 2 * p
    if k > MOST_PRODUCTS:
        fix = "pass cross_terms=False, or use" if with_cross and 2 * p <= MOST_PRODUCTS else "use"
        raise InputError(
            f"White's test of {p} features is a regression on {k} products, and at most {MOST_PRODUCTS} are tried: "
            f"{fix} het_breuschpagan."
        )
    if is_exact(fit, chosen):
        return _nothing(name)
    squares = _relative_squares(rows)
    found = _on_products(fit, rows, squares, k, with_cross)
    return _judged(name, rows.n_counted * found.r2, found, rows, squares)


def _on_products(
    fit: LinearFit, rows: RowsOfFit, squares: FloatArray, k: int, with_cross: bool
) -> Auxiliary:
    """Squares on features, their squares, and products of two."""
    n, p = rows.features.n_samples, rows.features.n_columns
    mean = np.asarray(fit.feature_mean, dtype=np.float64)
    std = np.asarray(fit.feature_std, dtype=np.float64)
    first, second = np.triu_indices(p) if with_cross else (np.arange(p), np.arange(p))

    def products(block: slice) -> FloatArray:
        z = np.asarray(rows.features.take_rows(block).as_matrix(), dtype=np.float64) - mean
        z /= np.where(std > 0, std, 1.0)
        return np.concatenate([z, z[:, first] * z[:, second]], axis=1)

    step = rows_of_block(k)
    if n <= step:  # small data get every digit
        table = products(slice(0, n))
        columns = Columns(table, n, k)
        return regressed(columns, squares, rows.counts, nobs=rows.n_counted)
    moments: Moments | None = None
    for start in range(0, n, step):
        block = slice(start, min(n, start + step))
        weights = None if rows.counts is None else rows.counts[block]
        if weights is not None and not weights.any():
            continue
        batch = products(block), squares[block], weights
        moments = Moments.from_arrays(*batch) if moments is None else moments.update(*batch)
    if moments is None:
        raise InputError("sample_weight has no positive weight: pass the rows of the fit.")
    return regressed_by_moments(moments, nobs=rows.n_counted)


def het_goldfeldquandt(
    fit: LinearFit,
    X: object,
    y: object,
    *,
    sort_by: object = None,
    split: float | None = None,
    drop: float | None = None,
    alternative: str = "increasing",
    sample_weight: object = None,
    target: int | None = None,
) -> DiagnosticTest:
    """Test whether the variance of residuals differs between the first and the last rows: Goldfeld and Quandt.

    Parameters
    ----------
    fit : LinearFit
        A fit by least squares.
    X, y, sample_weight : array-like
        The rows of the fit, as they were fitted.
    sort_by : str, int or array-like of shape (n_samples,), optional
        The feature (by name or position) or the values by which rows are sorted before; by default they stay.
    split : int or float, optional
        Observations of the first part, or their share; by default half of them.
    drop : int or float, optional
        Observations that are left out after the first part, or their share; by default none.
    alternative : {"increasing", "decreasing", "two-sided"}, default="increasing"
        What the variance may do from the first part to the second.
    target : int, optional
        Which target, if there are several.

    Returns
    -------
    DiagnosticTest
        F is the variance in the second part by that in the first.

    Raises
    ------
    InputError
        If the rows are not those of the fit, a part has no degrees of freedom, or the fit has a penalty or probability
        weights.

    Notes
    -----
    Both parts are fitted, by weights of zero for the rows of the other one: rows are not moved. Observations are what
    frequencies count. Degrees of freedom of F are those of the second and the first part, as in R's ``gqtest``.
    """
    name = "Goldfeld-Quandt"
    as_choice(alternative, _ALTERNATIVES, "alternative")
    fit, chosen, rows = rows_of(fit, X, y, sample_weight, target, "the Goldfeld-Quandt test")
    key = _sorting(fit, rows, sort_by)
    untested = DiagnosticTest(name, "F", math.nan, math.nan, (math.nan, math.nan), _EXACT)
    if is_exact(fit, chosen):
        return untested
    order = np.arange(len(rows.target)) if key is None else np.argsort(key, kind="stable")
    counts = np.ones(len(order)) if rows.counts is None else rows.counts
    total = float(counts.sum())
    first_end = _position(split, total, "split", total // 2)
    second_start = first_end + _position(drop, total, "drop", 0.0)
    if not 0.0 < first_end <= second_start < total:
        raise InputError(
            f"split={split!r} and drop={drop!r} leave {first_end:g} and {total - second_start:g} of {total:g} "
            "observations for the two parts: pass smaller ones."
        )
    ends = np.cumsum(counts[order])
    starts = ends - counts[order]
    parts = []
    for low, high, which in ((0.0, first_end, "first"), (second_start, total, "second")):
        within = np.clip(np.minimum(ends, high) - np.maximum(starts, low), 0.0, None)
        part = np.empty(len(order))
        part[order] = within
        n = float(within.sum())
        weights = part
        if rows.weights is not None and rows.counts is not rows.weights:
            weights = np.where(part > 0, rows.weights, 0.0)
        found = regressed(
            rows.features, rows.target, weights, fit_intercept=fit.fit_intercept, nobs=n
        )
        if found.df_resid <= 0:
            raise InputError(
                f"the {which} part has {n:g} observations and {found.rank + fit.fit_intercept} parameters, so nothing "
                "is left to estimate its variance from: pass another split, or a smaller drop."
            )
        parts.append(found)
    before, after = parts
    if not (before.rss > 0 and after.rss > 0):
        return untested
    df = (float(after.df_resid), float(before.df_resid))
    value = (after.rss / df[0]) / (before.rss / df[1])
    upper = float(f_tail(value, *df))
    lower = float(f_tail(1.0 / value, df[1], df[0]))
    pvalue = {
        "increasing": upper,
        "decreasing": lower,
        "two-sided": min(1.0, 2.0 * min(upper, lower)),
    }[alternative]
    where = "rows" if key is None else "rows in the order asked for"
    if pvalue < LEVEL:
        finding = f"Residuals scatter {'more' if value > 1 else 'less'} in the last {where} than in the first"
    else:
        finding = (
            f"No sign that residuals of the last {where} scatter otherwise than those of the first"
        )
    return DiagnosticTest(name, "F", value, pvalue, df, finding)


def _sorting(fit: LinearFit, rows: RowsOfFit, sort_by: Any) -> npt.NDArray[Any] | None:
    """Return the values that rows are to be sorted by, or None."""
    if sort_by is None:
        return None
    p = rows.features.n_columns
    if isinstance(sort_by, str):
        if sort_by not in fit.feature_names:
            raise InputError(
                f"sort_by={sort_by!r} is no feature of the fit, which has {', '.join(map(repr, fit.feature_names))}."
            )
        return _dense(rows.features, fit.feature_names.index(sort_by))
    if isinstance(sort_by, int | np.integer) and not isinstance(sort_by, bool):
        if not -p <= sort_by < p:
            raise InputError(f"sort_by={sort_by} is out of range: this fit has {p} features.")
        return _dense(rows.features, int(sort_by) % p)
    values = as_columns(sort_by, "sort_by")
    if not values.is_vector or values.n_samples != rows.features.n_samples:
        raise InputError(
            f"sort_by has shape ({values.n_samples}, {values.n_columns}): pass one value for each of the "
            f"{rows.features.n_samples} rows, or a feature."
        )
    refuse_non_finite(values, ("sort_by",), argument="sort_by", may_drop=False)
    return np.asarray(values.column(0))


def _dense(features: Columns, j: int) -> FloatArray:
    return np.asarray(features.take_columns([j]).as_matrix(), dtype=np.float64)[:, 0]


def _position(given: float | None, total: float, argument: str, default: float) -> float:
    """A number of observations, or a share of them."""
    if given is None:
        return default
    if isinstance(given, bool) or not isinstance(given, int | float | np.number):
        raise InputError(
            f"{argument}={given!r} is no number: pass observations, or a share below 1."
        )
    value = float(given)
    if not 0.0 <= value < total:
        raise InputError(
            f"{argument}={given!r} is out of range: pass a number of observations below {total:g}, or a share below 1."
        )
    return float(int(total * value)) if value < 1.0 else value


_EXACT = "The fit is exact, so there are no residuals to test"


def _nothing(name: str) -> HeteroscedasticityTest:
    nan = math.nan
    return HeteroscedasticityTest(name, "LM", nan, nan, nan, _EXACT, nan, nan, (nan, nan))


def _relative_squares(rows: RowsOfFit) -> FloatArray:
    """Squares of residuals that would have the same variance, by their mean."""
    left = rows.whitened
    largest = float(np.max(np.abs(left)))
    squares = np.square(left / largest)
    mean = np.average(squares, weights=rows.counts)
    out: FloatArray = squares / mean
    return out


def _judged(
    name: str, lm: float, found: Auxiliary, rows: RowsOfFit, squares: FloatArray
) -> HeteroscedasticityTest:
    """The test, with the direction in which the scatter grows."""
    fvalue, f_pvalue, f_df = found.f()
    if found.rank == 0 or found.df_resid <= 0 or math.isnan(lm):
        why = (
            "nothing varies that the scatter of residuals could depend on"
            if found.rank == 0
            else f"{rows.n_counted:g} observations are too few to regress squared residuals on {found.rank} features"
        )
        nan = math.nan
        text = f"Nothing can be said of the scatter of residuals: {why}"
        return HeteroscedasticityTest(name, "LM", nan, nan, nan, text, nan, nan, f_df)
    pvalue = found.chi2(lm)
    if not pvalue < LEVEL:
        finding = "No sign that the scatter of residuals depends on the features"
    else:
        weights = np.ones(len(squares)) if rows.counts is None else rows.counts
        predicted = rows.target - rows.residuals
        along = predicted - np.average(predicted, weights=weights)
        covariance = float(np.sum(weights * along * (squares - 1.0)))
        size = math.sqrt(float(np.sum(weights * along**2) * np.sum(weights * (squares - 1.0) ** 2)))
        if size > 0 and abs(covariance) > 0.1 * size:
            finding = (
                f"Residuals scatter {'more' if covariance > 0 else 'less'} for larger predictions"
            )
        else:
            finding = "The scatter of residuals depends on the features"
    return HeteroscedasticityTest(
        name, "LM", lm, pvalue, float(found.rank), finding, fvalue, f_pvalue, f_df
    )
