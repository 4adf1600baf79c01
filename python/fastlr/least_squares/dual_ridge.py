"""Ridge regression with fewer rows than columns: through the n x n products of rows, refined, never p x p."""

from __future__ import annotations

import math

import numpy as np

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.refusals import refuse_non_finite
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.problem import Problem, RowSummary, Solution
from fastlr.least_squares.rounding import NEGLIGIBLE, add_to, quotient
from fastlr.least_squares.row_products import products_of_rows
from fastlr.least_squares.units import U, digits_at, log_of
from fastlr.least_squares.wide import positive_rows, scaled_targets

__all__ = ["climb_penalised_wide"]

_FEW_COLUMNS = 1024  # whose cross-products are worth taking where those of rows do not do
_MOST_STEPS = 8


def climb_penalised_wide(
    problem: Problem, alpha: float | FloatArray, accuracy: str
) -> tuple[RowSummary, Solution] | None:
    """The penalised solution of every target, or None where products of rows leave the range of float64.

    With D = diag(alpha), all of it positive, and v = w (y - a - X b), the gradient is zero where D b = (X - mean)'v.
    So sqrt(w) v' (H + I) = sqrt(w) (y - a) with H = Z D^-1 Z', Z the weighted deviations; residuals in twice the
    working precision correct v, and b follows from v.
    """
    p, t = problem.n_features, problem.targets.n_columns
    problem, weights, sum_log = positive_rows(problem)
    n, total = problem.features.n_samples, float(weights.sum())
    y, target_scale = scaled_targets(problem)
    penalties = np.broadcast_to(alpha, (t, p))
    distinct, members = np.unique(penalties, axis=0, return_inverse=True)
    deviation = y - y[0]
    for _ in range(2):
        deviation = deviation - weights @ deviation / total
    coef, intercept, rss = np.zeros((2, t, p)), np.zeros((2, t)), np.zeros(t)
    worst, condition, passes = 0.0, 1.0, 0
    for k, penalty in enumerate(distinct):
        scale = 1.0 / np.sqrt(penalty)
        with np.errstate(over="ignore", invalid="ignore"):
            H, mean, variance = products_of_rows(problem, weights, scale)
        passes += 1
        if not np.isfinite(H[:n, :n].trace() + mean.sum()):
            refuse_non_finite(problem.features, problem.feature_names, argument="X")
            return None
        H = np.tril(H) + np.tril(H, -1).T
        H[np.arange(n), np.arange(n)] += 1.0
        its_condition, root = kernels.factor_dual(
            H, n, n_threads=resolve_threads(problem.n_threads)
        )
        if root.shape[1] == 0:
            return None
        if n * U * its_condition**2 > 1.0 and p <= _FEW_COLUMNS:
            return None  # rows depend on one another, and the penalty is below the rounding of H
        condition = max(condition, its_condition)
        means, deviations = mean / scale, np.sqrt(variance) / scale
        reach = scale * np.minimum(0.5, np.sqrt(total * variance))
        for target in np.flatnonzero(members.reshape(-1) == k):
            error, more, rss[target] = _refined(
                problem, weights, penalty, means, root, its_condition, reach, y, int(target),
                target_scale, coef, intercept, accuracy,
            )  # fmt: skip
            worst, passes = max(worst, error), passes + more
    unscale = 1.0 / target_scale
    nan = np.full(t, np.nan)
    tss = weights @ (deviation if problem.fit_intercept else y) ** 2
    with np.errstate(over="ignore", under="ignore"):
        digits = digits_at(worst + U)
        result = Solution(
            solver="dual",
            code="ok",
            rank=min(n - problem.fit_intercept, p),
            condition_number=condition,
            digits=digits,
            passes=passes,
            coef=coef.sum(axis=0) * unscale[:, np.newaxis],
            intercept=intercept.sum(axis=0) * unscale,
            rss=rss * unscale * unscale,
            tss=tss * unscale * unscale,
            bse=np.full((t, p), np.nan),
            bse_intercept=nan,
            residual_sd=nan,
            null_space=np.zeros((0, p)),
            length=np.zeros(p),
            log_rss=log_of(rss) - 2.0 * np.log(target_scale),
            relevant_digits=digits,
            bse_digits=math.nan,
        )
        y_std = np.sqrt(weights @ deviation**2 / total) * unscale
    summary = RowSummary(
        problem.feature_names,
        problem.target_names,
        n,
        total,
        sum_log,
        np.concatenate([means, weights @ y / total * unscale]),
        np.concatenate([deviations, y_std]),
    )
    return summary, result


def _refined(
    problem: Problem,
    weights: FloatArray,
    penalty: FloatArray,
    means: FloatArray,
    root: FloatArray,
    condition: float,
    reach: FloatArray,
    y: FloatArray,
    k: int,
    target_scale: FloatArray,
    coef: FloatArray,
    intercept: FloatArray,
    accuracy: str,
) -> tuple[float, int, float]:
    """One target's coefficients, in place; a bound of their relative error, passes over the rows, and rss.

    ``reach`` (p,) is by how much a coefficient is off, at most, for each unit that the equations are off: the singular
    values s of sqrt(w) (X - mean) D^-1/2 become s / (1 + s^2), which exceeds neither 1/2 nor the length of a column.
    """
    n, p = problem.features.n_samples, problem.n_features
    threads, source = resolve_threads(problem.n_threads), problem.features.source
    scale = np.concatenate([np.ones(p), target_scale])
    root_weight, total = np.sqrt(weights), weights.sum()
    unit = root_weight / np.sqrt(total)  # the direction that the intercept takes up
    divisor = np.stack([penalty, np.zeros(p)])
    v, r = np.zeros((2, n)), np.zeros((2, n))
    r[0] = y[:, k]

    def shifted() -> FloatArray:
        """What the equations leave once the intercept is the best one."""
        if problem.fit_intercept:
            shift = float(weights @ (r[0] + r[1]) / total)
            add_to(intercept[:, k], shift)
            add_to(r, -shift)
        left: FloatArray = root_weight * (r[0] + r[1]) - (v[0] + v[1]) / root_weight
        return left - unit * (unit @ left) if problem.fit_intercept else left

    contraction, last, passes, error = min(1.0, 64 * n * U * condition**2), 0.0, 0, 1.0
    right = shifted()
    for n_steps in range(1, _MOST_STEPS + 1):
        along = np.einsum("ij,i->j", root, right)
        step = np.einsum("ij,j->i", root, along)
        if problem.fit_intercept:
            step -= unit * (unit @ step)
        add_to(v, root_weight * step)
        gradient = kernels.transposed_product(source, scale[:p], v, threads)
        if problem.fit_intercept:
            add_to(gradient, -means * math.fsum(v.ravel()))
        before = coef[:, k].copy()
        coef[:, k] = quotient(gradient, divisor)
        r = kernels.residuals(source, problem.targets.source, scale, 1, coef, intercept, k, threads)
        passes += 2
        right = shifted()
        change = np.abs((coef[:, k] - before).sum(axis=0))
        size = float(change.max(initial=0.0))
        is_stuck = n_steps > 1 and not size <= 0.5 * last
        if n_steps > 1 and last > 0.0:
            contraction = min(contraction, 10 * size / last) if not is_stuck else 1.0
        last = size
        values = np.abs(coef[0, k])
        errors = np.maximum(
            contraction * size + 4 * U * change, reach * math.sqrt(float(right @ right))
        )
        counts = values > NEGLIGIBLE * values.max(initial=0.0)
        error = float(np.max(errors[counts] / values[counts], initial=0.0))
        if accuracy == "fast" or error <= U or is_stuck:
            break
    left = r[0] + r[1]
    return min(error, 1.0), passes, float(weights @ np.square(left))
