"""The accuracy ladder: from rows to as many right digits as are asked for, in as few passes as that takes.

0. Moments in one pass, Cholesky's factor of the equilibrated normal equations, componentwise error estimate.
1. Sweeps: residual and gradient in about twice the working precision correct the coefficients, which are kept as
   unevaluated sums of two numbers. Up to a condition number of 1400, beyond which standard errors need rung 2.
2. Preconditioned passes: cross-products of the rows in a basis that makes them nearly orthonormal, then sweeps.
3. Which columns are independent, decided first, at the rounding level of the data; minimum-norm or basic solutions.

Each rung is entered only if the one below it does not give what is asked for.
"""

from __future__ import annotations

import numpy as np

from fastlr._kernels import kernels
from fastlr.input.columns import tuple_of
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.dependent_columns import climb_dependent
from fastlr.least_squares.normal import normal_equations, solve_at_once
from fastlr.least_squares.preconditioned import precondition
from fastlr.least_squares.problem import Problem, Solution
from fastlr.least_squares.refinement import checked, digits_of, has_converged, refine
from fastlr.least_squares.units import U, at_full_rank, finished
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of_state
from fastlr.moments.passes import pass_over
from fastlr.moments.state import State, no_scale

__all__ = ["ACCURACIES", "RANK_RULES", "climb", "climb_from"]

ACCURACIES = ("fast", "auto", "max")
RANK_RULES = ("min_norm", "basic", "full", "raise")
_ONE_CALL = 1 << 27  # multiply-adds of a pass that need no interruption
_ONE_THREAD = 1 << 17  # of a pass that a second thread would not shorten
_FEW = 32  # columns whose condition number takes a good part of a small fit's time

# Estimated relative error to refine to; the estimate is ten times what to expect.
_TOLERANCE = {"auto": kernels.AUTOMATIC_TOLERANCE, "max": U}


def climb(
    problem: Problem, accuracy: str, rank: str, *, condition_may_wait: bool = False
) -> tuple[State, Solution]:
    """Fit rows with the accuracy asked for; ``rank`` says what to do with columns that depend on one another.

    With the solution it gives the moments of the rows, as kernels take them. If ``condition_may_wait``, the condition
    number of few columns is NaN where it is small: `condition_of_moments` tells it.
    """
    features, targets, weights, names, labels, fit_intercept, n_threads, n_terms = problem[:8]
    q = features.n_columns + targets.n_columns
    work = features.n_samples * q * (q + 16)
    first = None
    if work <= _ONE_CALL and n_terms == 1:
        is_short = work <= _ONE_THREAD and n_threads is None
        n_workers = 1 if is_short else resolve_threads(n_threads)
        is_told = not condition_may_wait or q > _FEW
        climbed = kernels.climb(
            features.source, targets.source, weights, fit_intercept, accuracy, n_workers, is_told
        )
        is_in_range, n_samples, weight, sum_log_weight, mean, cross, summed_squares = climbed[:7]
        n_passes, n_sweeps, condition, digits, relevant_digits, solution = climbed[7:]
        of_rows = (n_samples, weight, sum_log_weight, no_scale(q), mean, cross)
        state = tuple_of(State, (*of_rows, names, labels, summed_squares, 0))
        if is_in_range:
            passes, is_refined = n_passes + n_sweeps, n_sweeps > 0
            if solution is None:
                moments = moments_of_state(state)
                return state, climb_from(moments, problem, accuracy, rank, passes, is_refined)
            solver = "refined" if is_refined else "normal"
            return state, at_full_rank(solver, condition, digits, relevant_digits, passes, solution)
        first = state, n_passes
    state, n_passes = pass_over(
        problem.leading_features, targets, weights, names, labels, n_threads, "double", first
    )
    moments = moments_of_state(state)
    return state, climb_from(moments, problem, accuracy, rank, n_passes, False)


def climb_from(
    moments: Moments, problem: Problem, accuracy: str, rank: str, passes: int, is_refined: bool
) -> Solution:
    """The ladder from moments that ``passes`` over the rows gave; sweeps may have been tried already."""
    fit_intercept = problem.fit_intercept
    scaled, digits, relevant, enough = normal_equations(
        moments, fit_intercept, 0.0, rank != "full", n_threads=problem.n_threads
    )
    solver = "normal" if scaled.rank == problem.n_features else "minimum_norm"
    varying = np.flatnonzero(scaled.length > 0).tolist()
    values = problem.features.n_samples * problem.n_features
    is_easy = accuracy == "auto" and scaled.code == "ok" and enough and problem.n_terms == 1
    if accuracy == "fast":
        if rank == "basic":
            return solve_at_once(moments, fit_intercept, 0.0, rank, n_threads=problem.n_threads)
        return finished(solver, scaled, moments, fit_intercept, digits, passes, relevant)
    if is_easy and values > kernels.ALWAYS_POLISHED:
        return finished(solver, scaled, moments, fit_intercept, digits, passes, relevant)
    tolerance = _TOLERANCE[accuracy]
    is_independent = scaled.rank == len(varying)
    if is_independent and scaled.squared_condition <= kernels.SHARP_SQUARED_CONDITION:
        if not is_refined:
            refined, progress, n_sweeps = refine(
                problem, moments, scaled, scaled.contraction, tolerance
            )
            passes += n_sweeps
            if has_converged(progress):
                solver = {"normal": "refined"}.get(solver, solver)
                if rank == "basic" and scaled.code == "rank_deficient":
                    solver = "basic"
                digits = digits_of(progress)
                return finished(solver, refined, moments, fit_intercept, digits, passes)
    elif rank != "full" and not (
        is_independent and scaled.squared_condition <= kernels.LARGEST_SQUARED_CONDITION
    ):
        return climb_dependent(problem, moments, scaled, rank, passes, tolerance)
    refined, progress, root_error, more = precondition(problem, moments, scaled, varying, tolerance)
    # Of columns that are all to be kept nothing is certain where rounding alone tells them apart.
    digits = digits_of(progress) if refined.condition_number * U < 0.1 else 0.0
    solver = "preconditioned" if len(varying) == problem.n_features else "minimum_norm"
    if rank == "basic" and solver == "minimum_norm":
        solver = "basic"
    code = "ok" if len(varying) == problem.n_features else "rank_deficient"
    refined = refined._replace(code=code)
    if rank == "full":  # sums of squares as the rows have them, whatever the columns are
        refined, of_gradient = checked(problem, moments, refined)
        digits, more = min(digits, of_gradient), more + 1
    return finished(
        solver, refined, moments, fit_intercept, digits, passes + more, root_error=root_error
    )
