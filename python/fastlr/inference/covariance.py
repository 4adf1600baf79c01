"""Covariances of parameters by their rows: heteroscedasticity, clusters, autocorrelation; and of penalised fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.clusters import as_clusters
from fastlr.inference.estimates import Estimates, GivenRows, share_of_data
from fastlr.inference.row_passes import cluster_scores, hac_meat
from fastlr.inference.stream_passes import meats, streamed_scores
from fastlr.inference.words import COV_TYPES
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice, as_flag, as_whole

__all__ = ["Covariance", "check_options", "covariance_of", "default_lags"]

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

    matrices: FloatArray
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


def default_lags(nobs: float) -> int:
    """Lags of Newey and West by the usual rule, ``floor(4 (n / 100)^(2/9))``."""
    return int(4.0 * math.pow(nobs / 100.0, 2.0 / 9.0))


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
        inner = variance[:, np.newaxis, np.newaxis] * _normalised(fit)
        return Covariance(inner, found, residual_sd)
    if rows is None:
        raise InputTypeError(f"cov_type={cov_type!r} needs the rows: pass X and y.")
    if cov_type == "cluster":
        inner = _by_clusters(fit, rows, left, options, found)
    elif cov_type == "HAC":
        inner = _over_time(fit, rows, left, options, found)
    else:
        inner = _by_rows(fit, rows, left, cov_type, found)
    if df_resid <= 0:
        inner = np.full_like(inner, np.nan)
    return Covariance(inner, found, residual_sd)


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


def _by_rows(
    fit: Estimates, rows: GivenRows, left: float, cov_type: str, found: dict[str, Any]
) -> FloatArray:
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
    matrices = np.stack(out)
    if cov_type == "HC1":
        with np.errstate(divide="ignore", invalid="ignore"):
            matrices = matrices * (fit.nobs / left)
    return matrices


def _by_clusters(
    fit: Estimates,
    rows: GivenRows,
    left: float,
    options: Mapping[str, Any],
    found: dict[str, Any],
) -> FloatArray:
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
    asked = options.get("use_correction", True)
    use_least = isinstance(asked, str) and asked == "min"
    corrects = use_least or as_flag(asked, "use_correction")
    n_ways = 1 if len(counts) == 1 else 2
    least = min(counts[:n_ways])
    found["n_groups"] = counts[0] if n_ways == 1 else tuple(counts[:2])
    found["use_correction"] = "min" if use_least else corrects
    if as_flag(options.get("df_correction", True), "df_correction"):
        found["df_inference"] = float(least - 1)
    out = []
    for own, ways in zip(passed, scores, strict=True):
        total = np.zeros((own.n_variables, own.n_variables))
        for way, of_clusters in enumerate(ways):
            factor_of_way = 1.0
            if corrects:
                n_groups = least if use_least else len(of_clusters)
                factor_of_way = n_groups / (n_groups - 1.0) * (fit.nobs - 1.0) / left
            total += (-1.0 if way == 2 else 1.0) * factor_of_way * (of_clusters.T @ of_clusters)
        out.append(_outer(fit, factor, total, float(own.scale[-1]), whitened))
    return np.stack(out)


def _over_time(
    fit: Estimates,
    rows: GivenRows,
    left: float,
    options: Mapping[str, Any],
    found: dict[str, Any],
) -> FloatArray:
    if fit.weight_type == "frequency":
        raise InputError(
            'cov_type="HAC" is of rows in the order of time, and frequencies say nothing of when rows were seen: pass '
            "the repeated table in its order."
        )
    as_choice(options.get("kernel", "bartlett"), ("bartlett",), "kernel")
    n = rows.features.n_samples
    lags = options.get("maxlags")
    n_lags = default_lags(n) if lags is None else as_whole(lags, "maxlags", 0)
    if n_lags >= n:
        raise InputError(f"maxlags={n_lags} is not below the number of rows, {n}: pass fewer lags.")
    corrects = as_flag(options.get("use_correction", False), "use_correction")
    found["maxlags"], found["use_correction"] = n_lags, corrects
    whitened, factor = _is_ill(fit), fit.factor()
    out = []
    for target in range(fit.n_targets):
        passed = fit.fitted(rows, target, factor=whitened)
        inner = hac_meat(passed, n_lags, whitened=whitened)
        out.append(_outer(fit, factor, inner, float(passed.scale[-1]), whitened))
    matrices = np.stack(out)
    return matrices * (fit.nobs / left) if corrects else matrices


def _is_ill(fit: Estimates) -> bool:
    return not fit.condition_number <= _ILL


def _outer(
    fit: Estimates, factor: FloatArray, inner: FloatArray, scale_y: float, whitened: bool
) -> FloatArray:
    """Covariance of the parameters from a sum over scores, back in the units of the target."""
    to_parameters = fit.to_parameters(factor, whitened=whitened)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        half = to_parameters / scale_y
        covariance = half @ inner @ half.T
    symmetric: FloatArray = 0.5 * (covariance + covariance.T)
    return symmetric
