"""The sentences of a summary: what was fitted, how well, what deserves attention, and how it was solved."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastlr.results.row_words import far_off, leaning
from fastlr.typesetting.figures import fixed, p_value, share, significant, statistic

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["attention", "counted", "figures", "method_of", "numerics", "size_of"]

_COLLINEAR_CONDITION = 30.0  # Belsley, Kuh and Welsch (1980)
_COLLINEAR_VIF = 10.0
_FEW_DF = 5
_FEW_CLUSTERS = 20
_FEW_DIGITS = 5
_NOTHING_LEFT = 1e-24  # of the sum of squares
_ROUNDING = 1e-31  # of the sum of squares about zero: some units in the last place of every value

# As descents name their solver.
_DESCENT = re.compile(r"\w+ \((?:moments|rows|batches)(, huber .+)?\)")

_SOLVERS = {
    "normal": "solved by the normal equations",
    "refined": "refined",
    "preconditioned": "columns made orthogonal first",
    "minimum_norm": "smallest coefficients (minimum norm)",
    "basic": "first independent columns (basic)",
    "dual": "solved by products of rows",
    "double_double": "moments in twice the working precision",
    "non_negative": "no coefficient below zero",
}
_WEIGHTS = {
    "precision": "Weights are precisions (inverse variances)",
    "frequency": "Weights are frequencies (rows counted so many times)",
    "probability": "Weights are those of a survey (inverse probabilities)",
}


def method_of(fit: LinearFit) -> str:
    """How a fit was made, in a few words: "least squares", "ridge, alpha 0.5, no intercept"."""
    descent = _DESCENT.fullmatch(fit.solver)
    is_penalised = bool(np.any(fit.alpha))
    alpha = f"alpha {_alpha(fit.alpha)}"
    method = f"ridge regression, {alpha}" if is_penalised else "least squares"
    if descent and descent[1]:
        method = f"Huber's loss{f', {alpha}' if is_penalised else ''}"
    if descent:
        method += " by gradient descent"
    if fit.solver == "non_negative":
        method = "non-negative least squares"
    return method if fit.fit_intercept else f"{method}, no intercept"


def size_of(fit: LinearFit) -> str:
    """How much there was to learn from: "16 rows, 9 degrees of freedom"."""
    parts = [counted(fit.n_samples, "row")]
    if fit.weight_type == "frequency":
        parts.append(f"{_count(fit.nobs)} observations")
    if fit.rank != fit.n_features:
        parts.append(f"rank {fit.rank}")
    if fit.df_resid > 0 and not np.any(fit.alpha):
        parts.append(counted(fit.df_resid, "degree", "of freedom"))
    return ", ".join(parts)


def figures(fit: LinearFit, target: int) -> tuple[str, ...]:
    """How well a target is explained; what cannot be stated is left out."""

    def of(value: float | NDArray[np.float64]) -> float:
        return float(np.atleast_1d(value)[target])

    r2, adjusted, sd = of(fit.r2), of(fit.rsquared_adj), of(fit.residual_sd)
    parts = []
    if not math.isnan(r2):
        both = "" if math.isnan(adjusted) else f", adjusted {share(adjusted)}"
        parts.append(f"R2 {share(r2)}{both}")
    if not math.isnan(sd):
        parts.append(f"residual standard error {significant(sd, 4)}")
    else:
        rms = math.sqrt(max(of(fit.mse), 0.0))
        parts.append(f"root mean squared error {significant(rms, 4)}")
    f, p = of(fit.fvalue), of(fit.f_pvalue)
    if math.isfinite(f):
        df = f"{_count(fit.df_model)}, {_count(fit.df_inference)}"
        equals = "< " if p < 1e-300 else "= "
        parts.append(f"F({df}) = {statistic(f)}, p {equals}{p_value(p).removeprefix('<')}")
    aic, bic = of(fit.aic), of(fit.bic)
    if math.isfinite(aic):
        parts.append(f"AIC {fixed(aic, 1)}, BIC {fixed(bic, 1)}")
    return tuple(parts)


def attention(fit: LinearFit) -> list[str]:
    """Sentences on what a reader should know before believing a number."""
    found = []
    if fit.status.code not in ("ok", "converged"):
        found.append(str(fit.status))
    elif not fit.digits >= _FEW_DIGITS and fit.df_resid > 0 and math.isfinite(fit.digits):
        found.append(f"Only {_digits(fit.digits)} of the coefficients are certain.")
    if fit.bse_digits < 3 and np.isfinite(fit.bse_coef).any():
        found.append(f"Only {_digits(fit.bse_digits)} of the standard errors are certain.")
    if _is_silent_on_errors(fit):
        found.append(str(fit.inference_status))
    collinear = _collinear(fit)
    if collinear:
        found.append(collinear)
    is_constant = _is_constant(fit)
    if is_constant.any():
        found.append(
            "The target does not vary: there is nothing to explain, and standard errors and tests say nothing."
        )
    if (_is_perfect(fit) & ~is_constant).any():
        found.append(
            "Nothing but rounding is left unexplained: standard errors and tests of a perfect fit say nothing."
        )
    n_params = fit.rank + fit.fit_intercept
    if 0 < fit.df_resid < _FEW_DF:
        found.append(
            f"Only {counted(fit.df_resid, 'degree', 'of freedom')} for {counted(n_params, 'parameter')}: standard "
            "errors are uncertain themselves."
        )
    found += _rows(fit)
    if fit.n_dropped:
        were = "was" if fit.n_dropped == 1 else "were"
        found.append(f"{counted(fit.n_dropped, 'row')} with missing values {were} left out.")
    if fit.total_weight != fit.n_samples or fit.weight_type != "precision":
        total = f"total weight {significant(fit.total_weight, 7).rstrip('0').rstrip('.')}"
        found.append(f"{_WEIGHTS[fit.weight_type]}; {total}.")
    found += filter(None, (_covariance(fit),))
    return found


def numerics(fit: LinearFit, told: Sequence[str] | None = None) -> str:
    """How it was solved, and how many digits of the coefficients are right; ``told`` is what `attention` says."""
    parts = []
    if math.isfinite(fit.digits) and fit.df_resid > 0:
        parts.append(_digits(fit.digits, "right "))
    word = _SOLVERS.get(fit.solver, fit.solver)
    parts.append(f"{word} in {counted(fit.passes, 'pass', plural='passes')}")
    what = "condition number"
    sentences = attention(fit) if told is None else told
    if math.isfinite(fit.condition_number) and not any(what in said for said in sentences):
        parts.append(f"{what} {fit.condition_number:.3g}")
    return f"Numerics: {', '.join(parts)}."


def counted(count: float, noun: str, of: str = "", *, plural: str = "") -> str:
    """Return "1 row", "16 rows", "9 degrees of freedom"."""
    word = noun if count == 1 else plural or f"{noun}s"
    return f"{_count(count)} {word} {of}".rstrip()


def _count(count: float) -> str:
    return f"{count:,.10g}".replace(",", " ")


def _digits(digits: float, kind: str = "") -> str:
    return counted(max(0, math.floor(digits)), f"{kind}digit")


def _alpha(alpha: float | NDArray[np.float64]) -> str:
    lowest, highest = np.min(alpha), np.max(alpha)
    return f"{highest:g}" if lowest == highest else f"{lowest:g} to {highest:g}"


def _is_silent_on_errors(fit: LinearFit) -> bool:
    """Whether some standard errors are missing for a reason that is not said yet."""
    code = fit.inference_status.code
    if code == "not_estimated" and _DESCENT.fullmatch(fit.solver):
        return True
    return code not in ("ok", "not_kept") and bool(np.isnan(np.asarray(fit.bse)).any())


def _is_perfect(fit: LinearFit) -> NDArray[np.bool_]:
    """Whether nothing is left of each target, (n_targets,)."""
    rss, tss = np.atleast_1d(fit.rss), np.atleast_1d(fit.tss)
    return np.asarray((fit.df_resid > 0) & (rss <= _NOTHING_LEFT * tss))


def _is_constant(fit: LinearFit) -> NDArray[np.bool_]:
    """Which targets do not vary about what explains nothing, their mean or zero."""
    tss, about_zero = np.atleast_1d(fit.tss), np.atleast_1d(fit.uncentered_tss)
    with np.errstate(invalid="ignore"):
        return np.asarray((fit.df_resid > 0) & ((tss == 0) | (tss <= _ROUNDING * about_zero)))


def _collinear(fit: LinearFit) -> str:
    """Whether columns nearly explain one another, and which one most."""
    if fit.rank < fit.n_features or fit.n_features < 2 or np.any(fit.alpha):
        return ""
    condition, vif = fit.condition_number, inflation(fit)
    known = np.nan_to_num(vif, nan=0.0)
    worst = int(np.argmax(known))
    if not (condition >= _COLLINEAR_CONDITION or known[worst] >= _COLLINEAR_VIF):
        return ""
    if fit.status.code == "ill_conditioned" and not known[worst]:
        return ""
    parts = [f"condition number {condition:.3g}"] if math.isfinite(condition) else []
    if known[worst]:
        size = f"{known[worst]:.0f}" if known[worst] < 1e5 else f"{known[worst]:.1e}"
        parts.append(f"largest VIF {size}, {fit.feature_names[worst]}")
    return f"Collinear features ({'; '.join(parts)}): single weights are uncertain."


def inflation(fit: LinearFit) -> NDArray[np.float64]:
    """Variance inflation factors, ``1 / (1 - R2)`` of each feature by the others: (n_features,); NaN if unknown.

    They are the diagonal of the inverse of the cross-products, times the features' sums of squares.
    """
    unknown = np.full(fit.n_features, np.nan)
    spread = np.square(fit.feature_std)
    if not fit.fit_intercept:
        spread = spread + np.square(fit.feature_mean)
    sd = float(np.atleast_1d(fit.residual_sd)[0])
    with np.errstate(all="ignore"):
        if fit.cov_type == "nonrobust" and fit.weight_type != "probability" and sd > 0:
            diagonal = np.square(np.atleast_2d(fit.bse_coef)[0] / sd)
        elif fit.inverse is not None:
            root = fit.inverse.root * fit.inverse.scale[:, np.newaxis]
            diagonal = np.einsum("ij,ij->i", root, root)
        else:
            return unknown
        vif = diagonal * spread * fit.total_weight
    return np.where(np.isfinite(vif), vif, np.nan)


def _rows(fit: LinearFit) -> list[str]:
    """Say on which rows the fit leans, and which lie far off."""
    told = []
    for name, rows in zip(fit.target_names, fit.influential or (), strict=False):
        of = f"{name}: " if fit.n_targets > 1 else ""
        told += [f"{of}{sentence}" for sentence in (leaning(rows), far_off(rows)) if sentence]
    return told


def _covariance(fit: LinearFit) -> str:
    """Which standard errors these are, if they are not the usual ones."""
    if fit.cov_type == "nonrobust" or not np.isfinite(np.asarray(fit.bse)).any():
        return ""
    options = fit.cov_kwds
    by = "Student's t" if fit.use_t else "the normal distribution"
    if fit.cov_type == "HAC":
        found = options["maxlags"]
        lags = sorted(set(found)) if isinstance(found, tuple | list) else [int(found)]
        over = " or ".join([*map(_count, lags[:-1]), counted(lags[-1], "row")])
        return (
            f"Standard errors allow for unequal variances and correlation over {over} "
            f"(HAC, Newey-West); p-values and intervals by {by}."
        )
    if fit.cov_type == "cluster":
        groups = options["n_groups"]
        sizes = groups if isinstance(groups, tuple | list) else (groups,)
        sizes = [int(size) for size in sizes]
        listed = " and ".join(map(_count, sizes))
        text = f"Standard errors are clustered ({listed} clusters); p-values and intervals by {by}."
        if min(sizes) < _FEW_CLUSTERS:
            text += " So few clusters make them too small: the wild cluster bootstrap is safer."
        return text
    return f"Standard errors allow for unequal variances ({fit.cov_type}); p-values and intervals by {by}."
