"""Errors of fits with a category of so many levels that nobody can hold the covariances of all coefficients.

With D the indicators of the category, x_i and y_i less the means m_g of their level give the other coefficients
(Frisch and Waugh), and what is left of the rows. A level's is ``a_g = mean_g y - m_g'b``. Both are sums over the rows,

    b = T sum_i w_i q_i y_i,  q_i = T'(x_i - m_g),  T T' the inverse of sum w (x - m) (x - m)';
    a_g - a_0 = sum_i w_i y_i (1[i in g] / N_g - 1[i in 0] / N_0 - (m_g - m_0)'T q_i),

with N_g the weight of a level and 0 the reference, so that the variances of all coefficients follow from sums over
rows, or over the rows of each cluster: none needs a matrix of all of them. The leverage of a row is
``w (1 / N_g + |q|^2)``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.clusters import as_clusters
from fastlr.inference.covariance import Covariance, cluster_factors
from fastlr.inference.estimates import Estimates, GivenRows, inverse_of_rows
from fastlr.inference.inverse import CrossInverse
from fastlr.inference.level_sums import group_sums
from fastlr.inference.row_passes import FittedRows, cluster_scores, leverages, meat, residuals
from fastlr.input.coded import CodedColumns, Indicator, Member, Within, coded_columns
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_flag

__all__ = ["LevelCovariance", "WholeFit", "covariance_by_levels", "has_categories"]

_POWERS = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}  # of 1 - h, by which squares are divided
_AT_ONCE = 1 << 17  # means


@dataclass(frozen=True, slots=True)
class WholeFit:
    """What a fit of all columns knows: coefficients (n_targets, p) and the rest as `Estimates` has them."""

    coef: FloatArray
    rss: FloatArray
    fit_intercept: bool
    rank: int
    n_samples: int
    total_weight: float
    weight_type: str
    condition_number: float


@dataclass(frozen=True, slots=True)
class _Levels:
    """The category that is eliminated, and what its levels know."""

    category: Indicator
    first: int
    """The position of its first indicator."""
    columns: npt.NDArray[np.intp]
    """Positions of the columns that remain."""
    reference: int | None
    """The level that is the intercept, if one is."""
    share: FloatArray
    """1 / N_g, or 0 where a level has no coefficient: (n_levels,)."""
    means: FloatArray
    """Means of the columns that remain, 0 where a level has no coefficient: (n_levels, p)."""


@dataclass(frozen=True, slots=True)
class _Sums:
    """What a covariance is made of, in units of a target: sums over rows, or over clusters, of one way."""

    inner: FloatArray
    """Sums of products of scores: (q, q)."""
    own: FloatArray
    """Sums of squares within each level: (n_levels,)."""
    mixed: FloatArray
    """Sums of a level's own times scores: (n_levels, q)."""
    table: Any = None
    """A level's own by cluster, sparse (n_levels, n_clusters); None where levels share nothing."""

    def between(self, some: npt.NDArray[np.intp]) -> FloatArray:
        """Sums of products of some levels' own."""
        if self.table is None:
            return np.diag(self.own[some])
        own = self.table[some]
        return np.asarray((own @ own.T).toarray())

    def with_level(self, level: int) -> FloatArray:
        """Sums of a level's own times those of all levels: (n_levels,)."""
        if self.table is None:
            out = np.zeros(len(self.own))
            out[level] = self.own[level]
            return out
        return np.asarray(self.table @ self.table[[level]].toarray()[0])


@dataclass(frozen=True, slots=True)
class _Parts:
    """The covariance of one target: a sum over ways of clustering, each with its factor."""

    to_coef: FloatArray
    unit: float
    """What sums are larger by than in the units of the target."""
    ways: list[tuple[float, _Sums]]


@dataclass(frozen=True, slots=True)
class LevelCovariance:
    """Covariances of parameters that are too many for a matrix of all: of some of them, when they are asked for."""

    fit_intercept: bool
    levels: _Levels
    targets: list[_Parts]

    def among(self, positions: npt.NDArray[np.intp]) -> FloatArray:
        """Covariances (n_targets, j, j) of j parameters by their positions, intercept first."""
        share, along = _combinations(self.levels, positions, self.fit_intercept)
        used = np.unique(share.indices)
        of_levels = share[:, used].toarray()
        out = np.zeros((len(self.targets), len(positions), len(positions)))
        for target, parts in enumerate(self.targets):
            scores = along @ (parts.to_coef / parts.unit)
            for factor, sums in parts.ways:
                mixed = of_levels @ (sums.mixed[used] / parts.unit) @ scores.T
                of_way = of_levels @ (sums.between(used) / parts.unit / parts.unit) @ of_levels.T
                out[target] += factor * (of_way + mixed + mixed.T + scores @ sums.inner @ scores.T)
        return out

    def at_means(self, n_params: int) -> FloatArray:
        """The variance of the prediction at the means of all columns, and its covariances with the coefficients."""
        share, along = _combinations(self.levels, np.arange(n_params), self.fit_intercept)
        mean = (self.levels.share > 0) / (1.0 / self.levels.share[self.levels.share > 0]).sum()
        out = np.zeros((len(self.targets), n_params))
        for target, parts in enumerate(self.targets):
            scores = along @ (parts.to_coef / parts.unit)
            for factor, sums in parts.ways:
                of_mean = sums.own * mean
                if sums.table is not None:
                    of_mean = np.asarray(sums.table @ (mean @ sums.table))
                own = share @ (of_mean / parts.unit / parts.unit)
                own += scores @ ((mean @ sums.mixed) / parts.unit)
                own[0] = float(mean @ of_mean) / parts.unit / parts.unit
                out[target] += factor * own
        return out


def covariance_by_levels(
    fit: WholeFit, rows: GivenRows | None, cov_type: str, options: Mapping[str, Any]
) -> tuple[Covariance, LevelCovariance | None]:
    """Standard errors of all coefficients where the largest category is eliminated, and what has their covariances.

    The latter is None, and errors are NaN, where columns depend on one another or nothing is left to estimate from.

    Raises
    ------
    InputError
        If the covariance is over time, or there are no rows.
    """
    if rows is None or not has_categories(rows):
        raise InputTypeError(
            f"cov_type={cov_type!r} of so many coefficients needs the table with its categories: pass X and y as they "
            "were fitted."
        )
    if cov_type == "HAC":
        raise InputError(
            'cov_type="HAC" needs the covariances of all coefficients at once, and these are too many: take "HC1" or '
            '"cluster", or subtract from y and from the other columns their means by level of the largest category, '
            "and fit these without the category and an intercept."
        )
    found: dict[str, Any] = {}
    if options.get("use_t") is not None:
        found["use_t"] = as_flag(options["use_t"], "use_t")
    nobs = fit.total_weight if fit.weight_type == "frequency" else float(fit.n_samples)
    df_resid = nobs - fit.rank - fit.fit_intercept
    left = df_resid if df_resid > 0 else math.nan
    variance = fit.rss / left
    if fit.weight_type == "probability":
        variance = variance * (fit.n_samples / fit.total_weight)
    clusters, factors = None, [nobs / left if cov_type == "HC1" else 1.0]
    if cov_type == "cluster":
        clusters = as_clusters(options.get("groups"), rows.features.n_samples, rows.weights)
        factors = cluster_factors(clusters.counts, options, found, nobs, left)
    errors = np.full((len(fit.coef), fit.coef.shape[1] + fit.fit_intercept), np.nan)
    levels, within = _within(fit, rows)
    estimates = _estimates(fit, levels, within) if df_resid > 0 else None
    if estimates is None:
        return Covariance(None, errors, None, found, np.sqrt(variance)), None
    to_coef = estimates.to_parameters(estimates.factor(), whitened=True)[: len(levels.columns)]
    targets = []
    for target, own in enumerate(errors):
        passed = estimates.fitted(within, target, factor=True)
        unit = float(passed.scale[-1])
        if cov_type == "nonrobust":
            unit = 1.0
            sums = [_plain(levels, to_coef.shape[1], float(variance[target]))]
        elif clusters is not None:
            sums = [
                _of_clusters(levels, passed, codes, count)
                for codes, count in zip(clusters.codes, clusters.counts, strict=True)
            ]
        else:
            sums = [_of_rows(levels, passed, to_coef, _POWERS[cov_type], found)]
        parts = _Parts(to_coef, unit, list(zip(factors, sums, strict=True)))
        targets.append(parts)
        squares = _variances(levels, parts, fit.fit_intercept)
        with np.errstate(invalid="ignore"):
            own[:] = np.sqrt(np.where(squares > 0, squares, np.nan))
    known = LevelCovariance(fit.fit_intercept, levels, targets)
    return Covariance(None, errors, None, found, np.sqrt(variance)), known


def has_categories(rows: GivenRows) -> bool:
    """Whether a category is among the columns of rows that are in memory."""
    features = rows.features
    return rows.stream is None and isinstance(features, CodedColumns) and bool(features.indicators)


def _estimates(fit: WholeFit, levels: _Levels, within: GivenRows) -> Estimates | None:
    """The fit of the columns that remain; None if columns depend on one another."""
    if fit.rank < fit.coef.shape[1]:
        return None
    lengths = np.array([_length(column, within.weights) for column in within.features.as_list()])
    inverse: CrossInverse | None
    if len(levels.columns):
        inverse = inverse_of_rows(within, False, np.zeros(len(lengths)), lengths)
    else:  # a column of zeros, along which nothing moves
        inverse = CrossInverse(
            np.zeros((1, 0)), np.ones(1), np.zeros((2, 1)), 1.0, False, np.zeros(1, dtype=bool)
        )
    if inverse is None:
        return None
    coef = np.zeros((len(fit.coef), inverse.n_features))
    coef[:, : len(levels.columns)] = fit.coef[:, levels.columns]
    return Estimates(
        coef=coef,
        intercept=np.zeros(len(fit.coef)),
        rss=fit.rss,
        inverse=inverse,
        rank=len(levels.columns),
        n_samples=fit.n_samples,
        total_weight=fit.total_weight,
        weight_type=fit.weight_type,
        alpha=0.0,
        condition_number=fit.condition_number,
    )


def _within(fit: WholeFit, rows: GivenRows) -> tuple[_Levels, GivenRows]:
    """The columns that remain and the targets, about their means by level."""
    features = rows.features
    assert isinstance(features, CodedColumns)
    category = max(features.indicators, key=lambda member: member.n_columns)
    pieces: list[Any] = []
    first = position = 0
    for member in features.members:
        if member is category:
            first = position
        elif isinstance(member, Indicator):
            pieces += [member.part(k, k + 1) for k in range(member.n_columns)]
        else:
            pieces.append(member)
        position += member.n_columns if isinstance(member, Indicator) else 1
    own = np.s_[first : first + category.n_columns]
    columns = np.delete(np.arange(features.n_columns), own)
    n, t = features.n_samples, rows.targets.n_columns
    sums = group_sums(
        coded_columns(pieces, n), rows.targets, rows.weights, category, rows.n_threads
    )
    weight = sums.weight.sum(axis=0)
    has_coefficient = weight > 0
    has_reference = category.level == 1
    if has_reference and not fit.fit_intercept:
        has_coefficient[0] = False
    share = np.where(has_coefficient, 1.0 / np.where(weight > 0, weight, 1.0), 0.0)
    means = np.ascontiguousarray((sums.columns.sum(axis=1) * share).T)
    p = len(columns)
    about: list[Member] = [
        Within(piece, category.codes, means[:, j].copy()) for j, piece in enumerate(pieces)
    ]
    of_targets: list[Member] = [
        Within(rows.targets.column(k), category.codes, means[:, p + k].copy()) for k in range(t)
    ]
    if not p:
        about.append(np.zeros(n))
    reference = 0 if has_reference and fit.fit_intercept else None
    levels = _Levels(category, first, columns, reference, share, means[:, :p])
    given = GivenRows(
        coded_columns(about, n), coded_columns(of_targets, n), rows.weights, rows.n_threads
    )
    return levels, given


def _length(column: npt.NDArray[Any], weights: npt.NDArray[Any] | None) -> float:
    """The root of the (weighted) mean of squares."""
    return math.sqrt(float(np.average(np.square(column), weights=weights)))


def _plain(levels: _Levels, q: int, variance: float) -> _Sums:
    """Sums of rows whose residuals have one variance."""
    with np.errstate(divide="ignore"):
        weight = np.where(levels.share > 0, 1.0 / levels.share, 0.0)
    return _Sums(variance * np.eye(q), variance * weight, np.zeros((len(weight), q)))


def _of_rows(
    levels: _Levels, passed: FittedRows, to_coef: FloatArray, power: int, found: dict[str, Any]
) -> _Sums:
    """Sums of squared scores, each divided by a power of what the row's leverage leaves of 1."""
    n = passed.n_samples
    weights = np.ones(n) if passed.weights is None else np.asarray(passed.weights, dtype=np.float64)
    factor = weights.copy() if passed.weights_count else np.square(weights)
    codes = levels.category.codes
    if power:
        share = levels.share[codes]
        rest = 1.0 - leverages(passed) - (share if passed.weights_count else weights * share)
        undetermined = (rest <= passed.least_left) & (weights > 0)
        rest[undetermined | (weights <= 0)] = 1.0
        factor /= rest**power
        if undetermined.any():
            found["n_undetermined"] = int(np.count_nonzero(undetermined))
            # The only row of its level says nothing of other coefficients, with the rest or without.
            alone = 1.0 - (share if passed.weights_count else weights * share) <= passed.least_left
            factor[undetermined] = np.where(alone[undetermined], 0.0, np.nan)
    r = residuals(passed)
    inner = meat(replace(passed, weights=factor, weights_count=True), whitened=True)[0]
    squares = factor * r * r
    sums = group_sums(passed.features, None, squares, levels.category, passed.n_threads)
    mixed = sums.columns.sum(axis=1).T[:, : len(to_coef)] @ to_coef
    own = sums.weight.sum(axis=0)
    if power and undetermined.any():
        own[codes[undetermined]] = np.nan
    return _Sums(inner, own, mixed)


def _of_clusters(
    levels: _Levels, passed: FittedRows, codes: npt.NDArray[np.int32], n_clusters: int
) -> _Sums:
    """Sums of squares of the clusters' scores."""
    from scipy import sparse

    scores = cluster_scores(passed, codes, n_clusters, whitened=True)
    r = residuals(passed)
    if passed.weights is not None:
        r *= passed.weights
    shape = len(levels.share), n_clusters
    own = sparse.coo_array((r, (levels.category.codes, codes)), shape=shape).tocsr()
    squares = np.asarray(own.multiply(own).sum(axis=1)).reshape(-1)
    return _Sums(scores.T @ scores, squares, np.asarray(own @ scores), own)


def _combinations(
    levels: _Levels, positions: npt.NDArray[np.intp], fit_intercept: bool
) -> tuple[Any, FloatArray]:
    """Parameters as combinations of levels' own, sparse (j, n_levels), and of other coefficients: (j, p)."""
    from scipy import sparse

    n_levels, p = levels.means.shape
    at, start = levels.reference, levels.category.level
    n_features = p + levels.category.n_columns
    level = np.full(n_features + fit_intercept, -1)
    first = levels.first + fit_intercept
    level[first : first + levels.category.n_columns] = np.arange(start, n_levels)
    rest = np.full(len(level), -1)
    rest[levels.columns + fit_intercept] = np.arange(p)
    if fit_intercept and at is not None:
        level[0] = at
    of_level, of_rest = level[positions], rest[positions]
    along = np.zeros((len(positions), p))
    j = np.flatnonzero(of_rest >= 0)
    along[j, of_rest[j]] = 1.0
    i = np.flatnonzero(of_level >= 0)
    along[i] = -levels.means[of_level[i]]
    entries = [(i, of_level[i], levels.share[of_level[i]])]
    if at is not None:
        k = i[of_level[i] != at]
        along[k] += levels.means[at]
        entries.append((k, np.full(len(k), at), np.full(len(k), -levels.share[at])))
    row, column, value = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    share = sparse.coo_array((value, (row, column)), shape=(len(positions), n_levels)).tocsr()
    return share, along


def _variances(levels: _Levels, parts: _Parts, fit_intercept: bool) -> FloatArray:
    """Variances of all parameters, intercept first."""
    n_levels, p = levels.means.shape
    n_own, start, at, share = (
        levels.category.n_columns,
        levels.category.level,
        levels.reference,
        levels.share,
    )
    unit, to_coef = parts.unit, parts.to_coef / parts.unit
    out = np.zeros(p + n_own + fit_intercept)
    of_coef = out[int(fit_intercept) :]
    for factor, sums in parts.ways:
        inner, own, mixed = sums.inner, sums.own / unit / unit, sums.mixed / unit
        of_coef[levels.columns] += factor * _squares(to_coef, inner)
        of_levels = own * share**2
        step = max(1, _AT_ONCE // max(1, p))
        for first in range(0, n_levels, step):
            part = slice(first, first + step)
            along = (levels.means[part] - (0.0 if at is None else levels.means[at])) @ to_coef
            of_levels[part] += _squares(along, inner)
            of_levels[part] -= 2.0 * share[part] * (along * mixed[part]).sum(axis=1)
            if at is not None:
                of_levels[part] += 2.0 * share[at] * (along @ mixed[at])
        if at is not None:
            of_levels += own[at] * share[at] ** 2
            of_levels -= 2.0 * share * share[at] * sums.with_level(at) / unit / unit
            along = levels.means[[at]] @ to_coef
            squares = own[at] * share[at] ** 2 + _squares(along, inner)[0]
            out[0] += factor * (squares - 2.0 * share[at] * float(along[0] @ mixed[at]))
        of_coef[levels.first : levels.first + n_own] += factor * of_levels[start:]
    return out


def _squares(rows: FloatArray, inner: FloatArray) -> FloatArray:
    """X M x' of every row x."""
    squares: FloatArray = np.einsum("ij,jk,ik->i", rows, inner, rows, optimize=True)
    return squares
