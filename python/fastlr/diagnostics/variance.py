"""The analysis of variance: of the terms of a fit, and of fits that are nested."""

from __future__ import annotations

import math

import numpy as np

from fastlr.diagnostics.auxiliary import regressed
from fastlr.diagnostics.fitted_rows import check_fit, estimates_or_refusal, is_exact
from fastlr.diagnostics.nesting import check_nested, check_same_rows
from fastlr.diagnostics.sequences import Geometry, geometry_of
from fastlr.diagnostics.tables import AnovaTable, ModelComparison
from fastlr.diagnostics.terms import Term, terms_of
from fastlr.errors import InputError, InputTypeError
from fastlr.inference.distributions import f_tail
from fastlr.inference.estimates import GivenRows
from fastlr.inference.named import INTERCEPT
from fastlr.input.options import as_flag
from fastlr.results import LinearFit
from fastlr.results.targets import chosen_target

__all__ = ["anova"]


def anova(
    *fits: LinearFit,
    typ: int = 1,
    target: int | None = None,
    nested: bool = False,
    X: object = None,
    y: object = None,
    sample_weight: object = None,
) -> AnovaTable | ModelComparison:
    """Analysis of variance: what the terms of a fit explain, or what each of several fits explains beyond the last.

    Parameters
    ----------
    *fits : LinearFit
        One fit by least squares, whose terms are those of its formula (or of its columns, without one); or several of
        the same rows, each with the features of the one before it and more (or fewer).
    typ : {1, 2, 3}, default=1
        Of one fit. 1: each term beside those before it, as R's ``anova``. 2: beside all terms that do not contain it.
        3: beside all others, the intercept too, which means something if categories are coded to sum to zero:
        ``C(group, Sum)``. 2 and 3 are those of statsmodels' ``anova_lm`` and of R's ``car::Anova``.
    target : int, optional
        Which target, if there are several.
    nested : bool, default=False
        Take fits for nested although the names of their features do not tell: when a feature of one is a combination
        of several of the other.
    X, y, sample_weight : array-like, optional
        The rows of one fit; only needed if it has not kept the inverse of its cross-products (more than 1000 features),
        or has the smallest of all coefficients of columns that depend on one another.

    Returns
    -------
    AnovaTable or ModelComparison
        Of one fit, or of several; both print as a table.

    Raises
    ------
    InputError
        If fits are of other rows, targets or weights, or not nested; if one has a penalty, probability weights or a
        robust covariance, for which ``fit.f_test`` has the test; of types 2 and 3, if columns depend on one another.

    Notes
    -----
    No pass over the rows: sums of squares of the terms follow from the inverse of the cross-products, p^3 flops for
    type 1 and as many for each term of the others. F is by the residual variance of the fit, or of the largest of
    several, as in R. What depends on earlier columns adds no degrees of freedom. NaN where a fit is exact.

    Examples
    --------
    >>> import fastlr
    >>> table = {
    ...     "y": [3.0, 4.0, 6.0, 9.0, 8.0, 9.0],
    ...     "x": [1.0, 2.0, 4.0, 7.0, 5.0, 6.0],
    ...     "g": list("aabbab"),
    ... }
    >>> fit = fastlr.ols("y ~ x + g", data=table)
    >>> print(fastlr.anova(fit))
    y: what terms explain, in their order (type I)
               df  sum sq  mean sq      F       p
    x           1   32.43    32.43  121.6  0.0016
    g           1    0.27     0.27    1.0    0.39
    residuals   3    0.80     0.27
    >>> print(fastlr.anova(fastlr.ols("y ~ x", data=table), fit))
    model 1: y ~ x
    model 2: y ~ x + g
       df resid    rss  df  sum sq      F     p
    1         4  1.068
    2         3  0.800   1  0.2683  1.006  0.39
    Model 2 does not certainly explain more than model 1 (p = 0.39).
    """
    if not fits:
        raise InputTypeError("anova needs a fit: pass one for its terms, or several to compare.")
    checked = [check_fit(fit, "the analysis of variance") for fit in fits]
    for fit in checked:
        if fit.cov_type != "nonrobust":
            raise InputError(
                f'sums of squares are those of cov_type="nonrobust", and this fit has {fit.cov_type!r}: test terms by '
                'fit.f_test("x1 = x2 = 0"), which is robust, or take fit.with_covariance("nonrobust").'
            )
    is_nested = as_flag(nested, "nested")
    if len(checked) > 1:
        if X is not None or y is not None or sample_weight is not None:
            raise InputTypeError(
                "fits are compared without their rows: leave X, y and sample_weight out."
            )
        if typ != 1:
            raise InputError(
                f"typ={typ!r} is for the terms of one fit: leave it out to compare fits."
            )
        return _compared(checked, target, is_nested)
    if isinstance(typ, bool) or typ not in (1, 2, 3):
        raise InputError(f"typ={typ!r} is unknown: choose 1, 2 or 3.")
    (fit,) = checked
    given = None if X is None else fit.given_rows(X, y, sample_weight)
    return _of_terms(fit, int(typ), chosen_target(fit, target), given)


def _of_terms(fit: LinearFit, typ: int, target: int, given: GivenRows | None) -> AnovaTable:
    if typ > 1 and fit.rank < fit.n_features:
        raise InputError(
            f"columns depend on one another (rank {fit.rank} of {fit.n_features} features), so that what a term "
            f"explains beside later ones (typ={typ}) is not defined: leave some out, or take typ=1."
        )
    estimates = estimates_or_refusal(fit, given, "the analysis of variance")
    terms = terms_of(fit)
    geometry = geometry_of(estimates.inverse, estimates.coef[target])
    if geometry is None and given is not None:
        geometry = _of_first_columns(fit, given, target)
    if geometry is None:
        raise InputError(
            f"columns depend on one another (rank {fit.rank} of {fit.n_features} features), and this fit has the "
            'smallest coefficients, not those of the first columns: fit with rank="basic", or pass X= and y=.'
        )
    if typ == 1:
        sums, counts = geometry.explained([term.columns for term in terms])
    else:
        sums, counts = np.empty(len(terms)), [len(term.columns) for term in terms]
        for i, term in enumerate(terms):
            others = [j for other in terms if _is_beside(other, term, typ) for j in other.columns]
            sums[i] = geometry.explained([others, term.columns])[0][1]
    names = [term.name for term in terms]
    kept = [i for i, count in enumerate(counts) if count > 0]
    names, df, sums = (
        [names[i] for i in kept],
        np.array([float(counts[i]) for i in kept]),
        sums[kept],
    )
    df_resid, rss = float(fit.df_resid), float(np.atleast_1d(fit.rss)[target])
    scale = rss / df_resid if df_resid > 0 and not is_exact(fit, target) else math.nan
    if typ == 3 and fit.fit_intercept:
        t = float(np.atleast_1d(fit.intercept)[target] / np.atleast_1d(fit.bse_intercept)[target])
        names, df, sums = [INTERCEPT, *names], np.append(1.0, df), np.append(t * t * scale, sums)
    mean = sums / df
    fvalue = mean / scale
    pvalue = np.array([float(f_tail(f, d, df_resid)) for f, d in zip(fvalue, df, strict=True)])
    nan = math.nan
    return AnovaTable(
        typ,
        fit.target_names[target],
        (*names, "residuals"),
        np.append(df, df_resid),
        np.append(sums, rss),
        np.append(mean, rss / df_resid if df_resid > 0 else nan),
        np.append(fvalue, nan),
        np.append(pvalue, nan),
    )


def _of_first_columns(fit: LinearFit, given: GivenRows, target: int) -> Geometry | None:
    """The geometry of the rows' first independent columns, by another fit of them."""
    found = regressed(
        given.features,
        np.asarray(given.targets.column(target), dtype=np.float64),
        given.weights,
        fit_intercept=fit.fit_intercept,
        rank="basic",
    )
    return None if found.inverse is None else geometry_of(found.inverse, found.coef)


def _is_beside(other: Term, term: Term, typ: int) -> bool:
    """Whether a term is tested beside another one."""
    if other is term:
        return False
    return typ == 3 or not term.factors < other.factors


def _compared(fits: list[LinearFit], target: int | None, nested: bool) -> ModelComparison:
    chosen = chosen_target(fits[0], target)
    for i, fit in enumerate(fits[1:], start=1):
        check_same_rows(fits[i - 1], fit, i)
        check_nested(fits[i - 1], fit, i, chosen, nested)
    df_resid = np.array([float(fit.df_resid) for fit in fits])
    rss = np.array([float(np.atleast_1d(fit.rss)[chosen]) for fit in fits])
    largest = int(np.argmin(df_resid))
    is_known = df_resid[largest] > 0 and not is_exact(fits[largest], chosen)
    scale = rss[largest] / df_resid[largest] if is_known else math.nan
    df = np.append(math.nan, df_resid[:-1] - df_resid[1:])
    sum_sq = np.append(math.nan, rss[:-1] - rss[1:])
    fvalue, pvalue = np.full((2, len(fits)), math.nan)
    for i in range(1, len(fits)):
        if df[i] != 0:
            fvalue[i] = sum_sq[i] / df[i] / scale
            pvalue[i] = float(f_tail(fvalue[i], abs(df[i]), df_resid[largest]))
    return ModelComparison(
        tuple(_described(fit) for fit in fits), df_resid, rss, df, sum_sq, fvalue, pvalue
    )


def _described(fit: LinearFit) -> str:
    text = getattr(fit.design, "text", None)
    if text is not None:
        return str(text)
    shown = ", ".join(fit.feature_names[:6]) + (", ..." if fit.n_features > 6 else "")
    return f"{', '.join(fit.target_names)} on {shown}"
