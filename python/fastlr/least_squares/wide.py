"""Fewer rows than columns: the minimum-norm fit through the n x n products of rows, never p x p."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.refusals import refuse_bad_weights, refuse_non_finite
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.ladder import climb
from fastlr.least_squares.problem import Problem, RowSummary, Solution
from fastlr.least_squares.rounding import NEGLIGIBLE, add_to
from fastlr.least_squares.row_products import Dual, condition_number, dual_of
from fastlr.least_squares.units import EXACT_CONDITION, U, digits_at, log_of

__all__ = ["climb_wide", "positive_rows", "scaled_targets"]

_MOST_STEPS = 10
_FEW_COLUMNS = 300  # for which products of columns cost little


def climb_wide(problem: Problem, accuracy: str, rank: str) -> tuple[RowSummary, Solution] | None:
    """The least-squares solution of smallest norm, refined until its digits are right (unless "fast").

    None where rows depend on one another and columns are so few that products of columns tell more.

    b = X'alpha with sum(alpha) = 0 (which leaves the intercept free) is in the row space whatever alpha is; alpha and b
    are kept as unevaluated sums, and corrected by K K'r from residuals in twice the working precision.
    """
    p, t = problem.n_features, problem.targets.n_columns
    problem, weights, sum_log = positive_rows(problem)
    n, total = problem.features.n_samples, weights.sum()
    y, target_scale = scaled_targets(problem)
    found = dual_of(problem, weights, p > _FEW_COLUMNS)
    if found is None:
        return None
    dual, scale, mean, std = found
    condition = dual.condition_number
    if p <= EXACT_CONDITION:  # of columns, where the dual's is that of rows
        condition = condition_number(problem, dual, std)
        dual = replace(dual, passes=dual.passes + 1)
    scales = np.concatenate([np.full(p, scale), target_scale])
    coef, intercept, rss = np.zeros((2, t, p)), np.zeros((2, t)), np.zeros(t)
    deviation = y - y[0]  # of a constant target exactly zero, of one far from zero exact
    for _ in range(2):
        deviation = deviation - weights @ deviation / total
    y_mean = weights @ y / total
    if problem.fit_intercept:
        intercept[0] = dual.weights @ y / dual.weights.sum()
    relative, passes = 1.0 if dual.is_uncertain else 0.0, dual.passes
    for k in range(t):
        rss[k], error, more = _refined(
            problem, dual, scales, y[:, k], k, coef, intercept, accuracy, weights
        )
        relative, passes = max(relative, error), passes + more
    unscale = scale / target_scale
    nan = np.full(t, np.nan)
    n_dof = n - dual.rank - problem.fit_intercept
    tss = weights @ (deviation if problem.fit_intercept else y) ** 2
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        result = Solution(
            solver="minimum_norm",
            code="rank_deficient",
            rank=dual.rank,
            condition_number=condition,
            digits=digits_at(relative + U),
            passes=passes,
            coef=coef[0] * unscale[:, np.newaxis],
            intercept=intercept[0] / target_scale,
            rss=rss / target_scale / target_scale,  # whose square may leave the range of float64
            tss=tss / target_scale / target_scale,
            bse=np.full((t, p), np.nan),
            bse_intercept=nan if problem.fit_intercept else np.zeros(t),
            residual_sd=np.sqrt(rss / n_dof) / target_scale if n_dof > 0 else nan,
            null_space=np.zeros((0, p)),
            length=np.zeros(p),
            log_rss=log_of(rss) - 2.0 * np.log(target_scale),
            relevant_digits=15.0,
            bse_digits=math.nan,
        )
        y_std = np.sqrt(weights @ deviation**2 / total) / target_scale
        summary = RowSummary(
            problem.feature_names,
            problem.target_names,
            n,
            float(total),
            sum_log,
            np.concatenate([mean / scale, y_mean / target_scale]),
            np.concatenate([std / scale, y_std]),
        )
    if rank == "basic":
        result = _basic(problem, dual, result, accuracy)
    return summary, result


def positive_rows(problem: Problem) -> tuple[Problem, FloatArray, float]:
    """The rows that count, their weights, and the sum of the weights' logarithms."""
    if problem.weights is None:
        return problem, np.ones(problem.features.n_samples), 0.0
    weights = np.asarray(problem.weights, dtype=np.float64)
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.max() > 0):
        refuse_bad_weights(weights)
    counts = weights > 0
    if not counts.all():
        refuse_non_finite(problem.features, problem.feature_names, argument="X")
        refuse_non_finite(problem.targets, problem.target_names, argument="y")
        weights = weights[counts]
        problem = problem._replace(
            features=problem.features.take_rows(counts),
            targets=problem.targets.take_rows(counts),
            weights=weights,
        )
    return problem, weights, float(np.log(weights).sum())


def _refined(
    problem: Problem,
    dual: Dual,
    scale: FloatArray,
    y: FloatArray,
    k: int,
    coef: FloatArray,
    intercept: FloatArray,
    accuracy: str,
    of_rows: FloatArray,
) -> tuple[float, float, int]:
    """One target's coefficients, in place; its rss, estimated relative error and passes over the rows.

    ``of_rows`` (n_samples,) are the weights of the sum of squares; those of the dual may be others.
    """
    threads, source = resolve_threads(problem.n_threads), problem.features.source
    weights, total, root_weight = dual.weights, dual.weights.sum(), np.sqrt(dual.weights)
    n, p = problem.features.n_samples, problem.n_features
    size_of_x = np.abs(dual.mean) + np.sqrt(n) * dual.std
    root_norm = float(np.sqrt(np.square(dual.root).sum()))
    alpha = np.zeros((2, n))
    r = np.zeros((2, n))
    r[0] = y
    add_to(r, -intercept[0, k])
    # Deviations from the mean carry the rounding of the values themselves.
    spread = float(np.linalg.norm(dual.std))
    rounding_factor = np.hypot(1.0, np.linalg.norm(dual.mean) / spread) if spread > 0 else 1.0
    contraction = min(1.0, 64 * n * U * dual.condition_number**2 * float(rounding_factor))
    last, passes = 0.0, 0
    for n_steps in range(1, _MOST_STEPS + 1):
        right = root_weight * (r[0] + r[1])
        lost = dual.unreachable.T @ right
        right -= dual.unreachable @ lost
        along = np.einsum(
            "ij,i->j", dual.root, right
        )  # BLAS's threads would spin beside the kernels'
        step = root_weight * np.einsum("ij,j->i", dual.root, along)
        if problem.fit_intercept:  # sum(alpha) = 0
            step -= step.mean()
        add_to(alpha, step)
        before = coef[:, k].copy()
        coef[:, k] = kernels.transposed_product(source, scale[:p], alpha, threads)
        passes += 1
        if problem.fit_intercept:  # what rounding leaves of the sum would shift b along the means
            add_to(coef[:, k], -dual.mean * math.fsum(alpha.ravel()))
        change = (coef[:, k] - before).sum(axis=0)
        if problem.fit_intercept:
            add_to(intercept[:, k], -float(dual.mean @ change))
        size = float(np.abs(change).max(initial=0.0))
        if last > 0.0:
            contraction = min(contraction, 10 * size / last) if size <= 0.5 * last else 1.0
        last = size
        # Rounding of the residuals, and of what no coefficients reach, magnified by the root.
        terms = float(np.abs(y).max() + abs(intercept[0, k]) + size_of_x @ np.abs(coef[0, k]))
        rounding = 4 * n * U**2 * terms * np.sqrt(weights.max()) * root_norm
        of_lost = 8 * n * U * float(np.linalg.norm(lost)) * root_norm
        iteration = contraction * size
        errors = iteration + rounding + of_lost + 8 * n * U**2 * np.abs(alpha).sum() * size_of_x
        error = _relative_error(dual, coef[0, k], intercept[0, k], errors, terms)
        is_stuck = contraction == 1.0 and n_steps > 1
        if is_stuck and iteration > (errors - iteration).max():
            error = 1.0
        is_done = iteration <= rounding or error <= U
        r = kernels.residuals(source, problem.targets.source, scale, 1, coef, intercept, k, threads)
        passes += 1
        if problem.fit_intercept:
            shift = weights @ (r[0] + r[1]) / total
            add_to(intercept[:, k], shift)
            add_to(r, -shift)
        if is_done or accuracy == "fast" or is_stuck:
            break
    left = r[0] + r[1]
    left[np.abs(left) <= NEGLIGIBLE * terms] = 0.0  # but for rounding
    return float(of_rows @ np.square(left)), error, passes


def _relative_error(
    dual: Dual, coef: FloatArray, intercept: float, errors: FloatArray, terms: float
) -> float:
    """Largest relative error of a coefficient or of the intercept; what is zero but for rounding does not count."""
    values = np.abs(coef)
    # Zero in every digit only if its error is below all digits as well.
    counts = np.maximum(values, errors) > NEGLIGIBLE * values.max(initial=0.0)
    with np.errstate(divide="ignore"):
        worst = (errors[counts] / values[counts]).max(initial=0.0)
    of_intercept = float(errors @ np.abs(dual.mean)) + 8 * U**2 * terms
    if max(abs(intercept), of_intercept) > NEGLIGIBLE * terms:
        worst = max(worst, of_intercept / abs(intercept) if intercept else 1.0)
    return float(min(worst, 1.0))


def scaled_targets(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Targets times powers of two (n, t), and these: (t,)."""
    y = problem.targets.as_matrix().astype(np.float64)
    size = np.abs(y).max(axis=0)
    if not np.isfinite(size).all():
        refuse_non_finite(problem.targets, problem.target_names, argument="y")
    scale = np.ldexp(1.0, -np.clip(np.frexp(np.where(size > 0, size, 1.0))[1], -1000, 1000))
    return y * scale, scale


def _basic(problem: Problem, dual: Dual, result: Solution, accuracy: str) -> Solution:
    """The fit on the first columns that are independent, as many as the rank; the others get 0."""
    n, p = problem.features.n_samples, problem.n_features
    root = np.sqrt(dual.weights)
    basis = np.zeros((n, dual.rank))
    keep: list[int] = []
    for j in range(p):
        if len(keep) == dual.rank:
            break
        column = problem.features.column(j).astype(np.float64)  # halves and truth values as well
        v = root * (column * dual.scale - dual.mean[j])
        noise = 64 * U * np.linalg.norm(root * column * dual.scale)
        kept = basis[:, : len(keep)]
        for _ in range(2):
            v = v - kept @ (kept.T @ v)
        if np.linalg.norm(v) > noise:
            basis[:, len(keep)] = v / np.linalg.norm(v)
            keep.append(j)
    if not keep:
        return result._replace(solver="basic")
    smaller = problem._replace(
        features=problem.features.take_columns(keep),
        feature_names=tuple(problem.feature_names[j] for j in keep),
    )
    _, basic = climb(smaller, accuracy, "full")
    coef = np.zeros((problem.targets.n_columns, p))
    bse = np.full_like(coef, np.nan)
    coef[:, keep], bse[:, keep] = basic.coef, basic.bse
    return basic._replace(
        solver="basic",
        code="rank_deficient",
        passes=result.passes + basic.passes,
        condition_number=result.condition_number,
        coef=coef,
        bse=bse,
        tss=result.tss,
        inverse=None if basic.inverse is None else basic.inverse.spread(keep, p),
    )
