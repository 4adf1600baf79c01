"""Combinations of columns, as the rows have them to twice the working precision."""

from __future__ import annotations

from functools import partial

import numpy as np

from fastlr._kernels import kernels
from fastlr._kernels.parts import in_parts
from fastlr.input.columns import FloatArray
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.problem import Problem, ScaledSolution

__all__ = ["combined_products"]


def combined_products(
    problem: Problem,
    scaled: ScaledSolution,
    directions: FloatArray,
    weight: float,
    constants: FloatArray | None = None,
) -> FloatArray:
    """Cross-products of combinations of columns, each summed in twice the working precision: one pass over the rows.

    Parameters
    ----------
    directions : ndarray of shape (2, k, n_features)
        Coefficients of the scaled columns, unevaluated sums; those that are 0 cost nothing.
    weight : float
        Total weight of the rows.
    constants : ndarray of shape (2, k), optional
        What is added to each combination; by default it is taken about its mean, if there is an intercept.

    Returns
    -------
    ndarray of shape (k, k)
    """
    n, p, k = problem.rows_of_slots, problem.n_features, directions.shape[1]
    centred = constants is None and problem.fit_intercept
    if constants is None:
        constants = np.zeros((2, k))
        if problem.fit_intercept:
            mean = np.concatenate([scaled.mean[:, :p], np.zeros((2, k))], axis=1)
            constants = kernels.intercepts(mean, np.ascontiguousarray(directions))
    n_terms = problem.n_terms
    pairs = np.ascontiguousarray(np.tile(directions, n_terms))
    scale = np.tile(scaled.scale[:p], n_terms)
    combined = partial(_combined, scale, pairs, constants)

    def as_one(chunk: Problem) -> FloatArray:
        total: FloatArray = combined(chunk).sum(axis=0, keepdims=True)
        return total

    slots = problem.over_rows(combined, as_one, np.add)
    products: FloatArray = kernels.combined_products(n, n_terms * p, k, weight, centred, slots)
    return products


def _combined(
    scale: FloatArray, pairs: FloatArray, constants: FloatArray, problem: Problem
) -> FloatArray:
    """The slots of a pass: products of the combinations (k, k), then their totals (k,)."""
    threads = resolve_threads(problem.n_threads)
    n, k = problem.features.n_samples, pairs.shape[1]
    for part, slots in in_parts(kernels.plan_combinations(n, len(scale), k)):
        kernels.combine(
            problem.features.source, problem.weights, scale, pairs, constants, part, threads, slots
        )
    return slots
