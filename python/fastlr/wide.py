"""Fewer rows than columns: the minimum-norm fit through the n x n products of rows, never p x p."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastlr._arrays import Columns, FloatArray, refuse_bad_weights, refuse_non_finite
from fastlr._kernels import kernels
from fastlr._threads import resolve_threads
from fastlr.ladder import Climb, Table, climb

__all__ = ["RowSummary", "climb_wide", "is_wide"]

_VALUES_PER_CALL = 1 << 28  # multiply-adds of one call: some 10 to 50 ms
_MOST_STEPS = 10
_U = 2.0**-53


@dataclass(frozen=True, slots=True)
class RowSummary:
    """What a fit tells about its rows, when there are no moments to tell it."""

    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    n_samples: int
    total_weight: float
    sum_log_weight: float
    mean: FloatArray
    std: FloatArray

    @property
    def n_features(self) -> int:
        """Number of features."""
        return len(self.feature_names)


@dataclass(frozen=True, slots=True)
class _Dual:
    """Products of rows, factored; all in the frame of X * scale and y * target_scale."""

    scale: float
    target_scale: FloatArray
    weights: FloatArray
    mean: FloatArray
    std: FloatArray
    rank: int
    condition_number: float
    root: FloatArray


def is_wide(table: Table) -> bool:
    """Whether the dual is the smaller problem."""
    return table.features.n_samples < table.n_features


def climb_wide(table: Table, accuracy: str, rank: str) -> tuple[RowSummary, Climb]:
    """The least-squares solution of smallest norm, refined until its digits are right (unless "fast").

    b = X'alpha with sum(alpha) = 0 (which leaves the intercept free) is in the row space whatever alpha is; alpha and b
    are kept as unevaluated sums, and corrected by K K'r from residuals in twice the working precision.
    """
    n, p, t = table.features.n_samples, table.n_features, table.targets.n_columns
    if table.weights is None:
        weights, n_positive, sum_log = np.ones(n), n, 0.0
    else:
        weights = np.asarray(table.weights, dtype=np.float64)
        if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.max() > 0):
            refuse_bad_weights(weights)
        positive = weights[weights > 0]
        n_positive, sum_log = len(positive), float(np.log(positive).sum())
    dual = _factored(table, weights)
    y = _targets(table)
    threads = resolve_threads(table.n_threads)
    scale = np.full(p + t, dual.scale)
    scale[p:] = dual.target_scale
    alpha, intercept, coef = np.zeros((t, 2, n)), np.zeros((2, t)), np.zeros((2, t, p))
    total = weights.sum()
    if table.fit_intercept:
        intercept[0] = weights @ (y * dual.target_scale) / total
    rss, digits, passes = np.zeros(t), 15.0, 1
    for k in range(t):
        steps, last, contraction = 0, 0.0, min(1.0, 64 * n * _U * dual.condition_number**2)
        while True:
            r = kernels.residuals(
                table.features.source, table.targets.source, scale, 1, coef, intercept, k, threads
            )
            passes += 1
            if table.fit_intercept:
                shift = weights @ (r[0] + r[1]) / total
                _add(intercept[:, k], shift)
                _add(r, -shift)
            rss[k] = weights @ np.square(r[0])
            if steps and (accuracy == "fast" or steps >= _MOST_STEPS or error <= _U):
                break
            root_weight = np.sqrt(weights)
            step = root_weight * (dual.root @ (dual.root.T @ (root_weight * (r[0] + r[1]))))
            if table.fit_intercept:
                step -= np.where(weights > 0, step.sum() / n_positive, 0.0)
            before = coef[0, k].copy()
            _add(alpha[k], step)
            coef[:, k] = kernels.transposed_product(
                table.features.source, scale[:p], np.ascontiguousarray(alpha[k]), threads
            )
            passes += 1
            steps += 1
            size = float(np.abs(coef[0, k] - before).max(initial=0.0))
            if steps > 1:
                contraction = min(contraction, 10 * size / last) if last > 0 else 0.0
                if size > 0.5 * last > 0:
                    contraction = 1.0
            last = size
            smallest = np.abs(coef[0, k])
            smallest = smallest[smallest > 1e-25 * smallest.max(initial=0.0)]
            error = contraction * size / smallest.min() if smallest.size else 0.0
        digits = min(digits, -np.log10(error + _U))
    unscale = dual.scale / dual.target_scale
    nan = np.full(t, np.nan)
    n_dof = n_positive - dual.rank - table.fit_intercept
    centred = y - weights @ y / total if table.fit_intercept else y
    with np.errstate(over="ignore", under="ignore"):
        rss = rss / dual.target_scale**2
        result = Climb(
            solver="minimum_norm",
            code="rank_deficient",
            rank=dual.rank,
            condition_number=dual.condition_number,
            digits=float(np.clip(digits, 0.0, 15.0)),
            passes=passes,
            coef=coef[0] * unscale[:, np.newaxis],
            intercept=intercept[0] / dual.target_scale,
            rss=rss,
            tss=weights @ centred**2,
            bse=np.full((t, p), np.nan),
            bse_intercept=nan if table.fit_intercept else np.zeros(t),
            residual_sd=np.sqrt(rss / n_dof) if n_dof > 0 else nan,
            null_space=np.zeros((0, p)),
            length=np.zeros(p),
        )
    summary = RowSummary(
        table.feature_names,
        table.target_names,
        n_positive,
        float(total),
        sum_log,
        np.concatenate([dual.mean, weights @ y / total]),
        np.concatenate([dual.std, np.sqrt(weights @ (y - weights @ y / total) ** 2 / total)]),
    )
    if rank == "basic":
        result = _basic(table, weights, dual, result, accuracy)
    return summary, result


def _factored(table: Table, weights: FloatArray) -> _Dual:
    """H = Z Z' and its factor; a second time with scaled values if their squares leave float64's range."""
    scale = 1.0
    H, mean, variance = _products(table, weights, scale)
    diagonal = H.trace()
    if not 1e-280 < diagonal < np.inf:
        zeros = np.zeros(table.n_features + table.targets.n_columns)
        size = kernels.largest_deviation(table.features.source, table.targets.source, zeros)
        if not np.isfinite(size).all():
            refuse_non_finite(table.features, table.feature_names, argument="X")
            refuse_non_finite(table.targets, table.target_names, argument="y")
        largest = size[: table.n_features].max()
        if largest > 0:
            scale = float(np.ldexp(1.0, -min(1000, max(-1000, int(np.frexp(largest)[1])))))
            H, mean, variance = _products(table, weights, scale)
    y = _targets(table)
    if not np.isfinite(y).all():
        refuse_non_finite(table.targets, table.target_names, argument="y")
    size = np.abs(y).max(axis=0)
    target_scale = np.ldexp(1.0, -np.clip(np.frexp(np.where(size > 0, size, 1.0))[1], -1000, 1000))
    root = np.sqrt(weights)
    null = root / np.linalg.norm(root) if table.fit_intercept else np.zeros(0)
    rank, condition, K = kernels.factor_dual(H, table.features.n_samples, null)
    n_ignored = int(np.count_nonzero(weights == 0))
    rank = min(rank, table.features.n_samples - n_ignored - table.fit_intercept)
    return _Dual(scale, target_scale, weights, mean / scale, np.sqrt(variance) / scale, rank, condition, K)


def _products(table: Table, weights: FloatArray, scale: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    n, p = table.features.n_samples, table.n_features
    padded = -(-n // 8) * 8
    root = None
    if table.weights is not None:
        root = np.zeros(padded)
        root[:n] = np.sqrt(weights)
    H, mean, variance, scales = np.zeros((padded, padded)), np.zeros(p), np.zeros(p), np.full(p, scale)
    threads = resolve_threads(table.n_threads)
    step = max(512, _VALUES_PER_CALL // (padded * (padded + 16)) // 512 * 512)
    for first in range(0, p, step):  # Python sees Ctrl-C in between
        last = min(p, first + step)
        kernels.dual_products(
            table.features.source, scales, root, table.fit_intercept, first, last, threads, mean, variance, H
        )
    if not table.fit_intercept:
        variance = variance.copy()
    return H, mean, variance


def _targets(table: Table) -> FloatArray:
    source = table.targets.source
    columns = np.column_stack(source) if isinstance(source, list) else source
    return columns.reshape(table.targets.n_samples, -1).astype(np.float64)


def _add(pair: FloatArray, value: Any) -> None:
    """pair += value, an unevaluated sum in pair[0] + pair[1] (TwoSum)."""
    hi = pair[0] + value
    t = hi - pair[0]
    lo = pair[1] + ((pair[0] - (hi - t)) + (value - t))
    pair[0] = hi + lo
    pair[1] = lo - (pair[0] - hi)


def _basic(table: Table, weights: FloatArray, dual: _Dual, result: Climb, accuracy: str) -> Climb:
    """The fit on the first columns that are independent, as many as the rank; the others get 0."""
    n, p = table.features.n_samples, table.n_features
    source = table.features.source
    root = np.sqrt(weights)
    basis = np.zeros((n, dual.rank))
    keep: list[int] = []
    for j in range(p):
        if len(keep) == dual.rank:
            break
        column = source[j] if isinstance(source, list) else source[:, j]
        v = root * (column * dual.scale - dual.mean[j] * dual.scale * table.fit_intercept)
        length = np.linalg.norm(v)
        noise = 64 * _U * np.linalg.norm(root * column * dual.scale)
        kept = basis[:, : len(keep)]
        for _ in range(2):
            v = v - kept @ (kept.T @ v)
        if np.linalg.norm(v) > max(noise, 1e-10 * length):
            basis[:, len(keep)] = v / np.linalg.norm(v)
            keep.append(j)
    chosen = [source[j] if isinstance(source, list) else source[:, j] for j in keep]
    smaller = replace(
        table,
        features=Columns(chosen, n, len(keep)),
        feature_names=tuple(table.feature_names[j] for j in keep),
    )
    _, basic = climb(smaller, accuracy, "full")
    coef = np.zeros((table.targets.n_columns, p))
    bse = np.full_like(coef, np.nan)
    coef[:, keep], bse[:, keep] = basic.coef, basic.bse
    return basic._replace(
        solver="basic", code="rank_deficient", passes=result.passes + basic.passes, coef=coef, bse=bse, tss=result.tss
    )
