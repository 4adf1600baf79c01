"""Rung 1 of the ladder: sweeps over the rows that correct the coefficients until they converge."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce

import numpy as np

from fastlr._kernels import kernels
from fastlr._kernels.parts import in_parts
from fastlr.input.columns import FloatArray
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.problem import Problem, ScaledSolution
from fastlr.least_squares.rounding import add_to, quotient
from fastlr.least_squares.stream_view import merged_sums
from fastlr.least_squares.units import U, digits_at
from fastlr.moments import Moments

__all__ = [
    "CONVERGED",
    "PROGRESS_ERROR",
    "PROGRESS_RSS",
    "PROGRESS_STATE",
    "SHARP",
    "checked",
    "digits_of",
    "digits_of_gradient",
    "has_converged",
    "refine",
    "refine_and_show",
    "rounding_factor",
    "sweep_rows",
    "with_exact_means",
]

# Columns of an array (n_targets, PROGRESS_SIZE) that says how sweeps have gone: see refinement.hpp.
CONVERGED: float = kernels.CONVERGED
PROGRESS_STATE: int = kernels.PROGRESS_STATE
PROGRESS_RSS: int = kernels.PROGRESS_RSS
PROGRESS_ERROR: int = kernels.PROGRESS_ERROR
SHARP = 1e-10  # relative error that standard errors may have


def refine(
    problem: Problem,
    moments: Moments,
    scaled: ScaledSolution,
    contraction: float,
    tolerance: float,
) -> tuple[ScaledSolution, FloatArray, int]:
    """Correct the coefficients by sweeps until those of all targets have converged."""
    return _refine(problem, moments, scaled, contraction, tolerance, None)[:3]


def refine_and_show(
    problem: Problem,
    moments: Moments,
    scaled: ScaledSolution,
    contraction: float,
    tolerance: float,
    is_enough: Callable[[FloatArray], bool] | None = None,
) -> tuple[ScaledSolution, FloatArray, int, FloatArray]:
    """As `refine`, with the last sweep's gradient (t, p), about the means, before its correction.

    ``is_enough`` looks at the progress after each sweep, and may end it sooner.
    """
    refined, progress, n_sweeps, slots = _refine(
        problem, moments, scaled, contraction, tolerance, is_enough
    )
    gradient, total, _ = kernels.sweep_totals(
        problem.rows_of_slots,
        problem.n_features,
        problem.targets.n_columns,
        problem.n_terms,
        slots,
    )
    centred: FloatArray = gradient.sum(axis=0)
    if problem.fit_intercept:
        centred = centred - np.outer(total.sum(axis=0), scaled.mean[0, : problem.n_features])
    return refined, progress, n_sweeps, centred


def _refine(
    problem: Problem,
    moments: Moments,
    scaled: ScaledSolution,
    contraction: float,
    tolerance: float,
    is_enough: Callable[[FloatArray], bool] | None,
) -> tuple[ScaledSolution, FloatArray, int, FloatArray]:
    """As `refine_and_show`, with the last sweep's sums instead of its gradient."""
    p, t, n, n_terms = (
        problem.n_features,
        problem.targets.n_columns,
        problem.rows_of_slots,
        problem.n_terms,
    )
    progress = np.zeros((t, kernels.PROGRESS_SIZE))
    progress[:, kernels.PROGRESS_CONTRACTION] = contraction
    coef = np.ascontiguousarray(scaled.coef.reshape(2, t, p))
    intercept = np.ascontiguousarray(scaled.intercept)
    n_sweeps, is_done = 0, False
    while not is_done:  # the kernel lets no target go on for more than ten sweeps
        slots = sweep_rows(problem, scaled._replace(coef=coef, intercept=intercept))
        is_done = kernels.refine(
            n,
            n_terms,
            slots,
            problem.fit_intercept,
            moments.total_weight,
            scaled.mean,
            scaled.tss,
            scaled.root,
            tolerance,
            coef,
            intercept,
            progress,
        )
        n_sweeps += 1
        is_done = is_done or (is_enough is not None and is_enough(progress))
    refined = scaled._replace(coef=coef, intercept=intercept, rss=progress[:, PROGRESS_RSS].copy())
    return refined, progress, n_sweeps, slots


def has_converged(progress: FloatArray) -> bool:
    """Whether the coefficients of all targets have converged, or are good enough without."""
    have_all = bool(np.all(progress[:, PROGRESS_STATE] == CONVERGED))
    return have_all or digits_of(progress) > kernels.ENOUGH_DIGITS


def digits_of(progress: FloatArray) -> float:
    """Right digits of the worst coefficient, by the last correction."""
    return digits_at(progress[:, kernels.PROGRESS_RELATIVE_ERROR].max())


def sweep_rows(problem: Problem, scaled: ScaledSolution) -> FloatArray:
    """Residuals and gradients at the solution's coefficients, in twice the working precision: one pass over the rows.

    Returns
    -------
    ndarray of shape (n_slots, slot_size)
        Sums for `kernels.refine` or `kernels.sweep_totals`.
    """
    return problem.over_rows(
        partial(_swept, scaled), partial(_swept_as_one, scaled), _merged_slots(problem)
    )


def _swept_as_one(scaled: ScaledSolution, problem: Problem) -> FloatArray:
    """The sums of a sweep in one slot, (1, slot_size)."""
    slots, merge = _swept(scaled, problem), _merged_slots(problem)
    return reduce(merge, (slots[k : k + 1] for k in range(len(slots))))


def _merged_slots(problem: Problem) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """What merges slots (1, slot_size) of sweeps: sums by lane, each followed by what rounding took from them."""
    n_sums = problem.targets.n_columns * (problem.n_terms * problem.n_features + 2)

    def merge(first: FloatArray, second: FloatArray) -> FloatArray:
        pairs = (slot.reshape(n_sums, 2, -1) for slot in (first, second))
        return np.ascontiguousarray(merged_sums(*pairs).reshape(1, -1))

    return merge


def _swept(scaled: ScaledSolution, problem: Problem) -> FloatArray:
    """The slots of a sweep, as many as its plan has."""
    p, t, n_terms = problem.n_features, problem.targets.n_columns, problem.n_terms
    threads = resolve_threads(problem.n_threads)
    plan = kernels.plan_sweep(problem.features.n_samples, n_terms * p, t)
    coef = np.ascontiguousarray(scaled.coef.reshape(2, t, p))
    intercept = np.ascontiguousarray(scaled.intercept)
    scale = np.concatenate([np.tile(scaled.scale[:p], n_terms), scaled.scale[p:]])
    for part, slots in in_parts(plan):
        kernels.sweep(
            problem.features.source,
            problem.targets.source,
            problem.weights,
            scale,
            n_terms,
            coef,
            intercept,
            part,
            threads,
            slots,
        )
    return slots


def with_exact_means(problem: Problem, scaled: ScaledSolution) -> ScaledSolution:
    """The solution with its features' means to twice the working precision: one pass over the rows.

    A sweep of a target of zeros at the intercept -1 has residuals of 1, and the columns' sums for its gradient.
    """
    p, n = problem.n_features, problem.rows_of_slots
    if not problem.fit_intercept:
        return scaled
    ones = scaled._replace(
        coef=np.zeros((2, p)),
        intercept=np.array([[-1.0], [0.0]]),
        scale=np.append(scaled.scale[:p], 1.0),
    )
    slots = sweep_rows(problem.with_zero_targets(0, 1), ones)
    sums, count, _ = kernels.sweep_totals(n, p, 1, problem.n_terms, slots)
    mean = scaled.mean.copy()
    mean[:, :p] = quotient(sums[:, 0], count[:, 0])
    return scaled._replace(mean=mean)


def rounding_factor(problem: Problem, weight: float, scaled: ScaledSolution) -> FloatArray:
    """Ratios (p,) of the rounding of a column's values to the rounding of its deviations from the mean.

    Columns that come as unevaluated sums carry no rounding of their own.
    """
    p = problem.n_features
    offset = np.sqrt(weight) * np.abs(scaled.mean[0, :p]) * (problem.n_terms == 1)
    if problem.offset_squares is not None:
        offset = np.sqrt(problem.offset_squares) * scaled.scale[:p]
    with np.errstate(divide="ignore", invalid="ignore"):
        factor: FloatArray = np.where(scaled.length > 0, np.hypot(1.0, offset / scaled.length), 1.0)
    return factor


def checked(
    problem: Problem, moments: Moments, scaled: ScaledSolution
) -> tuple[ScaledSolution, float]:
    """A last pass: sums of squares and intercepts as the rows have them, and whether the gradient is zero.

    Returns
    -------
    scaled : ScaledSolution
        With the intercept that makes the residuals' mean zero, and the sum of squares of these residuals.
    digits : float
        15 if the gradient of the sum of squares is zero to rounding, else about as many as it leaves.
    """
    p, t, n = problem.n_features, problem.targets.n_columns, problem.rows_of_slots
    slots = sweep_rows(problem, scaled)
    gradient, total, rss = kernels.sweep_totals(n, p, t, problem.n_terms, slots)
    centred, shift = gradient.sum(axis=0), np.zeros(t)
    intercept = scaled.intercept
    if problem.fit_intercept:
        shift = total.sum(axis=0) / moments.total_weight
        centred = centred - np.outer(total.sum(axis=0), scaled.mean[0, :p])
        intercept = intercept.copy()
        add_to(intercept, shift)
    rss = np.maximum(rss - moments.total_weight * shift**2, 0.0)
    scaled = scaled._replace(intercept=intercept, rss=rss)
    return scaled, digits_of_gradient(problem, moments, scaled, centred)


def digits_of_gradient(
    problem: Problem, moments: Moments, scaled: ScaledSolution, gradient: FloatArray
) -> float:
    """15 if the gradient (t, p) is zero to rounding, else about as many digits as it leaves."""
    p = problem.n_features
    coef = scaled.coef.reshape(2, -1, p)
    raw = rounding_factor(problem, moments.total_weight, scaled) * scaled.length
    root_rss = np.sqrt(scaled.rss)[:, np.newaxis]
    size = (np.abs(coef[0]) @ raw + np.sqrt(scaled.tss))[:, np.newaxis]
    # Rounding of columns that depend on others only up to their rounding shows in the gradient.
    level = 64 * p * U * raw * (size + root_rss)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.abs(gradient) / (scaled.length * root_rss)
    worst = np.nan_to_num(np.where(np.abs(gradient) > level, cosine, 0.0), nan=1.0, posinf=1.0)
    return digits_at(max(float(worst.max(initial=0.0)), U))
