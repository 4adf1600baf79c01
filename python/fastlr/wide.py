"""Fewer rows than columns: the minimum-norm fit through the n x n products of rows, never p x p."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._arrays import Columns, FloatArray, refuse_bad_weights, refuse_non_finite
from fastlr._kernels import kernels
from fastlr._threads import resolve_threads
from fastlr.ladder import Climb, Table, climb

__all__ = ["RowSummary", "climb_wide", "is_wide"]

_VALUES_PER_CALL = 1 << 28  # multiply-adds of one call: some 10 to 50 ms
_MOST_STEPS = 10
_U = 2.0**-53
_LARGEST_SQUARED_CONDITION = 1e12


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
    unreachable: FloatArray
    """Orthonormal directions of sqrt(w) r that no coefficients change: (n, k)."""
    passes: int


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
    scale = np.concatenate([np.full(p, dual.scale), dual.target_scale])
    total = weights.sum()
    coef, intercept, rss = np.zeros((2, t, p)), np.zeros((2, t)), np.zeros(t)
    if table.fit_intercept:
        intercept[0] = weights @ (y * dual.target_scale) / total
    digits, passes = 15.0, dual.passes
    for k in range(t):
        rss[k], error, more = _refined(
            table, dual, scale, y[:, k] * dual.target_scale[k], k, coef, intercept, accuracy
        )
        digits, passes = min(digits, -np.log10(error + _U)), passes + more
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
        np.concatenate([dual.mean / dual.scale, weights @ y / total]),
        np.concatenate(
            [dual.std / dual.scale, np.sqrt(weights @ (y - weights @ y / total) ** 2 / total)]
        ),
    )
    if rank == "basic":
        result = _basic(table, weights, dual, result, accuracy)
    return summary, result


def _refined(
    table: Table,
    dual: _Dual,
    scale: FloatArray,
    y: FloatArray,
    k: int,
    coef: FloatArray,
    intercept: FloatArray,
    accuracy: str,
) -> tuple[float, float, int]:
    """One target's coefficients, in place; its rss, estimated relative error and passes over the rows."""
    threads, source = resolve_threads(table.n_threads), table.features.source
    weights, total, root_weight = dual.weights, dual.weights.sum(), np.sqrt(dual.weights)
    n, p = table.features.n_samples, table.n_features
    alpha = np.zeros((2, n))
    r = np.zeros((2, n))
    r[0] = y
    _add(r, -intercept[0, k])
    contraction = min(1.0, 64 * n * _U * dual.condition_number**2)
    last, passes, n_steps = 0.0, 0, 0
    while True:
        right = root_weight * (r[0] + r[1])
        lost = dual.unreachable.T @ right
        right -= dual.unreachable @ lost
        along = dual.root.T @ right
        rss = max(0.0, right @ right - along @ along) + lost @ lost
        step = root_weight * (dual.root @ along)
        if table.fit_intercept:  # sum(alpha) = 0
            step -= np.where(weights > 0, step.sum() / np.count_nonzero(weights), 0.0)
        _add(alpha, step)
        before = coef[0, k].copy()
        coef[:, k] = kernels.transposed_product(source, scale[:p], alpha, threads)
        passes, n_steps = passes + 1, n_steps + 1
        if table.fit_intercept:  # what rounding leaves of the sum would shift b along the means
            _add(coef[:, k], -dual.mean * math.fsum(alpha.ravel()))
            _add(intercept[:, k], -float(dual.mean @ (coef[0, k] - before)))
        size = float(np.abs(coef[0, k] - before).max(initial=0.0))
        if last > 0.0:
            contraction = min(contraction, 10 * size / last) if size <= 0.5 * last else 1.0
        last = size
        values = np.abs(coef[0, k])
        values = values[values > 1e-25 * values.max(initial=0.0)]
        error = contraction * size / values.min() if values.size else 0.0
        if (
            error <= _U
            or accuracy == "fast"
            or n_steps >= _MOST_STEPS
            or (contraction == 1.0 and n_steps > 1)
        ):
            return rss, error, passes
        r = kernels.residuals(source, table.targets.source, scale, 1, coef, intercept, k, threads)
        passes += 1
        if table.fit_intercept:
            shift = weights @ (r[0] + r[1]) / total
            _add(intercept[:, k], shift)
            _add(r, -shift)


def _factored(table: Table, weights: FloatArray) -> _Dual:
    """H = Z Z' and its factor; a second time with scaled values if their squares leave float64's range."""
    scale = 1.0
    n = table.features.n_samples
    H, mean, variance = _products(table, weights, scale)
    diagonal = H[:n, :n].trace()
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
            diagonal = H[:n, :n].trace()
    y = _targets(table)
    if not np.isfinite(y).all():
        refuse_non_finite(table.targets, table.target_names, argument="y")
    size = np.abs(y).max(axis=0)
    target_scale = np.ldexp(1.0, -np.clip(np.frexp(np.where(size > 0, size, 1.0))[1], -1000, 1000))
    null = np.zeros(n)
    if table.fit_intercept:
        null = np.sqrt(weights) / np.sqrt(weights.sum())
    H = _square(H, n) + diagonal / n * np.outer(null, null)
    dead = weights == 0  # rows that do not count: ones on the diagonal keep them out of everything
    H[dead, dead] = max(diagonal / n, 1.0)
    condition, root = kernels.factor_dual(_padded(H), n)
    full = n - int(np.count_nonzero(dead)) - table.fit_intercept
    dual = _Dual(
        scale,
        target_scale,
        weights,
        mean,
        np.sqrt(variance),
        full,
        condition,
        root,
        np.zeros((n, 0)),
        1,
    )
    return (
        dual
        if condition**2 <= _LARGEST_SQUARED_CONDITION
        else _preconditioned(table, dual, H, null, dead)
    )


def _preconditioned(
    table: Table, dual: _Dual, H: FloatArray, null: FloatArray, dead: npt.NDArray[np.bool_]
) -> _Dual:
    """Rows that nearly depend on one another: shifted Cholesky QR of Z', and the rank from its factor."""
    n = len(H)
    zeros = np.zeros((2, n))
    diagonal = H.diagonal().copy()
    basis, factor, _, _ = kernels.first_basis(n, 1.0, zeros, H, True)
    frame = np.ldexp(
        1.0, -np.frexp(np.sqrt(diagonal))[1]
    )  # the kernels' frame of columns of about unit length
    passes = dual.passes
    for _ in range(3):
        lower, _, _ = _products(
            table, dual.weights, dual.scale, np.ascontiguousarray(frame[:, np.newaxis] * basis)
        )
        passes += 1
        products = _square(lower, n)
        along = (frame * null) @ basis
        products += H.trace() / n * np.outer(along, along)
        products[dead, dead] = 1.0
        basis, factor, _, is_orthonormal = kernels.next_basis(
            basis, factor, 1.0, zeros, products, True
        )
        if is_orthonormal:
            break
    size = np.sqrt(dual.weights * (dual.mean @ dual.mean)) * frame
    length = np.linalg.norm(factor, axis=0)
    gran = np.hypot(1.0, np.divide(size, length, out=np.zeros(n), where=length > 0))
    rank, condition, root, null_space, _ = kernels.decide_rank(factor, gran)
    unreachable = np.zeros((n, 0))
    if rank == n:
        root = basis
    else:
        unit = np.divide(frame, length, out=np.ones(n), where=length > 0)
        unreachable = np.linalg.qr((unit * null_space).T)[0]
    return replace(
        dual,
        rank=dual.rank - len(null_space),
        condition_number=condition,
        root=frame[:, np.newaxis] * root,
        unreachable=unreachable,
        passes=passes,
    )


def _square(lower: FloatArray, n: int) -> FloatArray:
    """The symmetric matrix whose lower triangle is given."""
    below = np.tril(lower[:n, :n])
    square: FloatArray = below + np.tril(below, -1).T
    return square


def _padded(H: FloatArray) -> FloatArray:
    n = len(H)
    padded = -(-n // 8) * 8
    out = np.zeros((padded, padded))
    out[:n, :n] = H
    return out


def _products(
    table: Table, weights: FloatArray, scale: float, basis: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lower triangle of Z Z' (or of its congruence by ``basis``), and means and variances of the columns."""
    n, p = table.features.n_samples, table.n_features
    padded = -(-n // 8) * 8
    root = None
    if table.weights is not None:
        root = np.zeros(padded)
        root[:n] = np.sqrt(weights)
    H, mean, variance, scales = (
        np.zeros((padded, padded)),
        np.zeros(p),
        np.zeros(p),
        np.full(p, scale),
    )
    threads = resolve_threads(table.n_threads)
    step = max(512, _VALUES_PER_CALL // (padded * (padded + 16)) // 512 * 512)
    for first in range(0, p, step):  # Python sees Ctrl-C in between
        kernels.dual_products(
            table.features.source,
            scales,
            root,
            table.fit_intercept,
            basis,
            first,
            min(p, first + step),
            threads,
            mean,
            variance,
            H,
        )
    return H, mean, variance


def _targets(table: Table) -> FloatArray:
    source = table.targets.source
    columns = np.column_stack(source) if isinstance(source, list) else source
    return columns.reshape(table.targets.n_samples, -1).astype(np.float64)


def _add(pair: FloatArray, value: Any) -> None:
    """Add value to pair, an unevaluated sum pair[0] + pair[1] (TwoSum)."""
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
        v = root * (column * dual.scale - dual.mean[j])
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
        solver="basic",
        code="rank_deficient",
        passes=result.passes + basic.passes,
        coef=coef,
        bse=bse,
        tss=result.tss,
    )
