"""Rung 2 of the ladder: columns orthogonalised before they are solved for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.threads import interruptible, resolve_threads
from fastlr.least_squares.combinations import combined_products
from fastlr.least_squares.problem import Problem, RootError, ScaledSolution
from fastlr.least_squares.refinement import SHARP, refine, rounding_factor, with_exact_means
from fastlr.least_squares.units import U
from fastlr.moments import Moments
from fastlr.moments.passes import scaled_moments

__all__ = ["precondition"]

_MOST_PASSES = 3


def precondition(
    problem: Problem, moments: Moments, start: ScaledSolution, keep: Sequence[int], tolerance: float
) -> tuple[ScaledSolution, FloatArray, RootError, int]:
    """The least-squares solution on the columns ``keep``, which must be independent; 0 for the others.

    Returns
    -------
    scaled : ScaledSolution
        The solution, its root and its condition number.
    progress : ndarray of shape (n_targets, PROGRESS_SIZE)
        How the last sweeps went, see `refine`.
    root_error : RootError
        How well the root is known.
    passes : int
        Passes over the rows that it took.
    """
    p, threads = problem.n_features, resolve_threads(problem.n_threads)
    scale, weight = start.scale, moments.total_weight
    chosen = moments if len(keep) == p else moments.select(list(keep))
    state = chosen.for_kernels()
    small_basis, small_factor = kernels.first_basis(
        len(keep), weight, state.mean, state.cross, problem.fit_intercept, n_threads=threads
    )[:2]
    basis, factor = np.zeros((p, p)), np.zeros((p, p))
    basis[np.ix_(keep, keep)], factor[np.ix_(keep, keep)] = small_basis, small_factor
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(scale > 0, start.mean[0] / scale, 0.0)
    start = with_exact_means(problem, start)
    passes = int(problem.fit_intercept)
    for _ in range(_MOST_PASSES):
        pass_over = partial(_moments_in_basis, shift, scale, basis)
        _, mean, cross = problem.over_rows(pass_over, pass_over, _merged)
        passes += 1
        basis, factor, coef, is_orthonormal = kernels.next_basis(
            basis, factor, weight, mean, cross, problem.fit_intercept, n_threads=threads
        )
        if is_orthonormal:
            break
    t = problem.targets.n_columns
    pairs = np.zeros((2, t, p))
    pairs[0] = coef
    intercept = np.zeros((2, t))
    if problem.fit_intercept:
        intercept = kernels.intercepts(start.mean, pairs)
    condition = kernels.condition_number(factor, basis)
    scaled = start._replace(
        rank=len(keep),
        condition_number=condition,
        root=basis,
        coef=pairs,
        intercept=intercept,
    )
    rounding = rounding_factor(problem, weight, start)[list(keep)].max(initial=1.0)
    contraction = min(1.0, 64 * max(1, p) * U * condition * rounding)
    refined, progress, n_sweeps = refine(problem, moments, scaled, contraction, tolerance)
    passes += n_sweeps
    columns = refined.root[:, list(keep)]
    along_means: FloatArray = _along_means(refined, columns)
    # Rounding of the rows of Z K; of many rows some fiftieth of u times the condition was seen.
    relative = 0.25 * U * condition * rounding
    if relative > SHARP and condition * U < 0.1:
        inner = _factor_of_products(problem, refined, columns, weight)
        passes += 1
        if inner is not None:
            root = refined.root.copy()
            root[:, list(keep)] = interruptible(np.linalg.solve, inner, columns.T).T
            refined = refined._replace(root=root)
            along_means = np.asarray(interruptible(np.linalg.solve, inner, along_means))
            relative = 64 * U
    intercept = np.hypot(1.0 / np.sqrt(weight), np.linalg.norm(along_means))
    return refined, progress, RootError(relative, float(intercept)), passes


_Summary = tuple[float, FloatArray, FloatArray]


def _moments_in_basis(
    shift: FloatArray, scale: FloatArray, basis: FloatArray, problem: Problem
) -> _Summary:
    """Weight, means (2, q) about the shift and cross-products (q, q) of the features in a basis, and the targets."""
    weight, _, _, mean, cross = scaled_moments(
        problem.leading_features,
        problem.targets,
        problem.weights,
        shift,
        scale,
        resolve_threads(problem.n_threads),
        basis,
    )
    return weight, mean, cross


def _merged(first: _Summary, second: _Summary) -> _Summary:
    weight, mean, cross = kernels.merge(*first, *second)
    return weight, mean, cross


def _factor_of_products(
    problem: Problem, scaled: ScaledSolution, columns: FloatArray, weight: float
) -> FloatArray | None:
    """L with L L' = G = K'Z'Z K, which is near to the identity; None where it is too far off.

    G is right to rounding where Z K is summed in twice the working precision: then the inverse of Z'Z is
    K G^-1 K' = (K L^-T)(K L^-T)' to all digits.
    """
    pairs = np.stack([columns.T, np.zeros_like(columns.T)])
    products = combined_products(problem, scaled, pairs, weight)
    try:
        return np.asarray(interruptible(np.linalg.cholesky, products), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None


def _along_means(scaled: ScaledSolution, columns: FloatArray) -> FloatArray:
    """K'm for the features' means m, whose terms cancel: summed in twice the working precision."""
    pairs = np.stack([columns.T, np.zeros_like(columns.T)])
    n_columns = columns.shape[1]
    mean = np.concatenate([scaled.mean[:, : len(columns)], np.zeros((2, n_columns))], axis=1)
    along: FloatArray = kernels.intercepts(mean, np.ascontiguousarray(pairs)).sum(axis=0)
    return along
