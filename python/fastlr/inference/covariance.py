"""Covariances of parameters by their rows: heteroscedasticity, clusters, autocorrelation; and of penalised fits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.clusters import as_clusters
from fastlr.inference.estimates import Estimates, GivenRows, share_of_data
from fastlr.inference.lags import plug_in_lags, usual_lags
from fastlr.inference.row_passes import cluster_scores, hac_meat
from fastlr.inference.stream_passes import meats, streamed_scores
from fastlr.inference.words import COV_TYPES
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice, as_flag, as_whole

__all__ = ["Covariance", "check_options", "cluster_factors", "covariance_of"]

_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "nonrobust": ("use_t",),
    "HC0": ("use_t",),
    "HC1": ("use_t",),
    "HC2": ("use_t",),
    "HC3": ("use_t",),
    "cluster": ("use_t", "groups", "use_correction", "df_correction"),
    "HAC": ("use_t", "maxlags", "use_correction", "kernel"),
}
_CORRECTIONS = {"HC0": "none", "HC1": "none", "HC2": "root_of_rest", "HC3": "rest"}
_ILL = 300.0  # condition number from which on scores are summed in orthogonal coordinates: below, 1e-11 is lost


@dataclass(frozen=True, slots=True)
class Covariance:
    """Covariances of the parameters (n_targets, k, k), intercept first, and how they were found."""

    matrices: FloatArray | None
    """None where they are too many."""
    errors: FloatArray
    """Standard errors (n_targets, k): their squares may be beyond what float64 holds. NaN where one is not positive."""
    at_means: FloatArray | None
    """The variance of the prediction at the means, and its covariances with the coefficients: (n_targets, k)."""
    options: dict[str, Any]
    residual_sd: FloatArray
    """Residual standard deviation by the effective degrees of freedom: (n_targets,)."""


def check_options(cov_type: object, options: Mapping[str, Any]) -> str:
    """One of the kinds of covariances; an error for an option that it does not have."""
    if isinstance(cov_type, str) and cov_type.upper() in COV_TYPES:
        cov_type = cov_type.upper()
    kind = as_choice(cov_type, COV_TYPES, "cov_type")
    unknown = [name for name in options if name not in _OPTIONS[kind]]
    if unknown:
        raise InputError(
            f"cov_type={kind!r} has no option {unknown[0]!r}: it knows {', '.join(_OPTIONS[kind])}."
        )
    return kind


def covariance_of(
    fit: Estimates, rows: GivenRows | None, cov_type: str, options: Mapping[str, Any]
) -> Covariance:
    """Covariances of a fit's parameters.

    Parameters
    ----------
    fit : Estimates
    rows : GivenRows or None
        The rows of the fit; not needed for "nonrobust".
    cov_type : str
        What `check_options` gave.
    options : mapping
        Its options; see `LinearFit.with_covariance`.
    """
    df_resid = fit.nobs - fit.n_parameters
    found: dict[str, Any] = {}
    if options.get("use_t") is not None:
        found["use_t"] = as_flag(options["use_t"], "use_t")
    if np.any(fit.alpha):
        found["effective_df"] = fit.n_parameters
        found["df_inference"] = df_resid
    left = df_resid if df_resid > 0 else math.nan  # what corrections divide by
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = fit.rss / left
        if fit.weight_type == "probability":
            variance = variance * (fit.n_samples / fit.total_weight)
    residual_sd = np.sqrt(variance)
    if cov_type == "nonrobust":
        normalised = _normalised(fit)
        with np.errstate(invalid="ignore", over="ignore"):
            inner = variance[:, np.newaxis, np.newaxis] * normalised
            errors = np.outer(residual_sd, np.sqrt(normalised.diagonal()))
            at_means = _at_means(fit, variance)
        return Covariance(inner, errors, at_means, found, residual_sd)
    if rows is None:
        raise InputTypeError(f"cov_type={cov_type!r} needs the rows: pass X and y.")
    if rows.stream is not None:
        fit = fit.with_means_of(rows.stream)
    if cov_type == "cluster":
        inner, errors, about = _by_clusters(fit, rows, left, options, found)
    elif cov_type == "HAC":
        inner, errors, about = _over_time(fit, rows, left, options, found)
    else:
        inner, errors, about = _by_rows(fit, rows, left, cov_type, found)
    if df_resid <= 0:
        inner, errors, about = (np.full_like(part, np.nan) for part in (inner, errors, about))
    at_means = about if fit.inverse.fit_intercept else None
    return Covariance(inner, errors, at_means, found, residual_sd)


def _normalised(fit: Estimates) -> FloatArray:
    """The inverse of the cross-products; with a penalty ``(G + P)^-1 G (G + P)^-1``."""
    inverse = fit.inverse
    if not np.any(fit.alpha):
        return inverse.of_parameters()
    root = inverse.root_of_parameters()
    share = share_of_data(inverse, fit.alpha)
    if inverse.fit_intercept:
        whole = np.eye(len(share) + 1)
        whole[1:, 1:] = share
        share = whole
    with np.errstate(invalid="ignore"):
        return np.asarray(root @ share @ root.T)


def _at_means(fit: Estimates, variance: FloatArray) -> FloatArray | None:
    """What `Covariance.at_means` is without a robust covariance."""
    inverse = fit.inverse
    if not inverse.fit_intercept:
        return None
    normalised = np.zeros(inverse.n_features + 1)
    normalised[0] = 1.0 / inverse.total_weight
    if not np.any(fit.alpha):
        factor = fit.factor()
        normalised[1:] = inverse.scale * (factor[:-1, -1] * factor[-1, -1])
    normalised[1:][inverse.undetermined] = np.nan
    return np.outer(variance, normalised)


_Matrices = tuple[FloatArray, FloatArray, FloatArray]
"""Covariances of the parameters (n_targets, k, k), their standard errors, and the prediction at the means: (., k).

Where columns depend on one another covariances are those of the solution that was taken; errors are NaN.
"""


def _by_rows(
    fit: Estimates, rows: GivenRows, left: float, cov_type: str, found: dict[str, Any]
) -> _Matrices:
    correction = _CORRECTIONS[cov_type]
    whitened = _is_ill(fit) or correction != "none"
    factor = fit.factor()
    passed = [fit.fitted(rows, target, factor=whitened) for target in range(fit.n_targets)]
    out = []
    for own, (inner, n_undetermined) in zip(
        passed, meats(rows, passed, correction, whitened=whitened), strict=True
    ):
        if n_undetermined:
            found["n_undetermined"] = n_undetermined
        out.append(_outer(fit, factor, inner, float(own.scale[-1]), whitened))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _stacked(out, fit.nobs / left if cov_type == "HC1" else 1.0)


def _by_clusters(
    fit: Estimates,
    rows: GivenRows,
    left: float,
    options: Mapping[str, Any],
    found: dict[str, Any],
) -> _Matrices:
    whitened, factor = _is_ill(fit), fit.factor()
    passed = [fit.fitted(rows, target, factor=whitened) for target in range(fit.n_targets)]
    if rows.stream is None:
        clusters = as_clusters(options.get("groups"), rows.features.n_samples, rows.weights)
        counts = clusters.counts
        scores = (
            [
                cluster_scores(own, codes, n_clusters, whitened=whitened)
                for codes, n_clusters in zip(clusters.codes, counts, strict=True)
            ]
            for own in passed
        )
    else:
        streamed = streamed_scores(rows.stream, passed, options["groups"], whitened=whitened)
        counts = [len(way) for way in streamed[0]]
        scores = (ways for ways in streamed)
    factors = cluster_factors(counts, options, found, fit.nobs, left)
    out = []
    for own, ways in zip(passed, scores, strict=True):
        total = np.zeros((own.n_variables, own.n_variables))
        for way, of_clusters in enumerate(ways):
            total += factors[way] * (of_clusters.T @ of_clusters)
        out.append(_outer(fit, factor, total, float(own.scale[-1]), whitened))
    return _stacked(out)


def cluster_factors(
    counts: Sequence[int],
    options: Mapping[str, Any],
    found: dict[str, Any],
    nobs: float,
    left: float,
) -> list[float]:
    """What the sums over the clusters of each way are multiplied by; those of both ways at once are taken away.

    ``found`` is told the numbers of clusters, the correction, and the degrees of freedom.
    """
    asked = options.get("use_correction", True)
    use_least = isinstance(asked, str) and asked == "min"
    corrects = use_least or as_flag(asked, "use_correction")
    n_ways = 1 if len(counts) == 1 else 2
    least = min(counts[:n_ways])
    found["n_groups"] = counts[0] if n_ways == 1 else tuple(counts[:2])
    found["use_correction"] = "min" if use_least else corrects
    if as_flag(options.get("df_correction", True), "df_correction"):
        found["df_inference"] = float(least - 1)
    factors = []
    for way, count in enumerate(counts):
        factor = 1.0
        if corrects:
            n_groups = least if use_least else count
            factor = n_groups / (n_groups - 1.0) * (nobs - 1.0) / left
        factors.append(-factor if way == 2 else factor)
    return factors


def _over_time(
    fit: Estimates,
    rows: GivenRows,
    left: float,
    options: Mapping[str, Any],
    found: dict[str, Any],
) -> _Matrices:
    if fit.weight_type == "frequency":
        raise InputError(
            'cov_type="HAC" is of rows in the order of time, and frequencies say nothing of when rows were seen: pass '
            "the repeated table in its order."
        )
    as_choice(options.get("kernel", "bartlett"), ("bartlett",), "kernel")
    n = rows.features.n_samples
    lags = options.get("maxlags")
    is_plug_in = isinstance(lags, str)
    if isinstance(lags, str):
        as_choice(lags, ("auto",), "maxlags")
        n_lags = 0
    else:
        n_lags = min(usual_lags(n), n - 1) if lags is None else as_whole(lags, "maxlags", 0)
    if n_lags >= n:
        raise InputError(f"maxlags={n_lags} is not below the number of rows, {n}: pass fewer lags.")
    corrects = as_flag(options.get("use_correction", False), "use_correction")
    whitened, factor = _is_ill(fit), fit.factor()
    out, chosen = [], []
    for target in range(fit.n_targets):
        passed = fit.fitted(rows, target, factor=whitened)
        if is_plug_in:
            n_lags = plug_in_lags(passed, fit.inverse.fit_intercept)
        chosen.append(n_lags)
        inner = hac_meat(passed, n_lags, whitened=whitened)
        out.append(_outer(fit, factor, inner, float(passed.scale[-1]), whitened))
    found["maxlags"] = chosen[0] if len(set(chosen)) == 1 else tuple(chosen)
    found["use_correction"] = corrects
    return _stacked(out, fit.nobs / left if corrects else 1.0)


def _is_ill(fit: Estimates) -> bool:
    return not fit.condition_number <= _ILL


def _stacked(of_targets: Sequence[_Matrices], factor: float = 1.0) -> _Matrices:
    matrices, errors, at_means = (np.stack(parts) for parts in zip(*of_targets, strict=True))
    return factor * matrices, math.sqrt(factor) * errors, factor * at_means


def _outer(
    fit: Estimates, factor: FloatArray, inner: FloatArray, scale_y: float, whitened: bool
) -> _Matrices:
    """Covariances from a sum over scores, back in the units of the target."""
    to_parameters = fit.to_parameters(factor, whitened=whitened, states_all=True)
    about_means = fit.to_parameters(factor, whitened=whitened, states_all=True, at_means=True)
    is_stated = np.isfinite(fit.to_parameters(factor, whitened=whitened)).all(axis=1)
    with np.errstate(invalid="ignore", over="ignore", under="ignore", divide="ignore"):
        half = to_parameters / scale_y
        covariance = half @ inner @ half.T
        size = np.abs(half).max(axis=1)
        unit = half / np.where(size > 0, size, 1.0)[:, np.newaxis]
        errors = size * np.sqrt(np.einsum("ij,jk,ik->i", unit, inner, unit))
        moved = about_means / scale_y
        at_means: FloatArray = moved[0] @ inner @ moved.T
    symmetric: FloatArray = 0.5 * (covariance + covariance.T)
    return symmetric, np.where(is_stated, errors, np.nan), at_means
