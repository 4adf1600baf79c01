"""Rung 3 of the ladder: columns that depend on one another, and which of the equally good solutions is taken.

The ladder is climbed on independent columns alone, where everything is well-conditioned; then the solution moves along
the directions that change no prediction to the smallest norm, or to the first columns.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.threads import interruptible
from fastlr.least_squares.independence import Directions, decide_independence
from fastlr.least_squares.minimum_norm import dropped_columns, moved_along
from fastlr.least_squares.preconditioned import precondition
from fastlr.least_squares.problem import Problem, ScaledSolution, Solution
from fastlr.least_squares.refinement import (
    PROGRESS_ERROR,
    SHARP,
    checked,
    digits_of,
    digits_of_gradient,
)
from fastlr.least_squares.rounding import NEGLIGIBLE
from fastlr.least_squares.units import EXACT_CONDITION, U, digits_at, finished
from fastlr.moments import Moments

__all__ = ["climb_dependent"]

_SHARE = 1e-14  # in a dependency up to rounding, of columns at unit length, from which a column takes part


def climb_dependent(
    problem: Problem,
    moments: Moments,
    start: ScaledSolution,
    rank: str,
    passes: int,
    tolerance: float,
) -> Solution:
    """Fit columns of which some may depend on others.

    Parameters
    ----------
    start : ScaledSolution
        Scales, means and lengths of all columns; its coefficients do not matter.
    passes : int
        Passes over the rows until here.
    tolerance : float
        Estimated relative error to refine to.
    """
    found = decide_independence(problem, moments, start, tolerance)
    scaled, progress, passes = found.scaled, found.progress, passes + found.passes
    fit_intercept, root_error, is_current = problem.fit_intercept, None, True
    if not found.has_all_converged or U * scaled.squared_condition > SHARP:
        keep = np.flatnonzero(np.any(scaled.root != 0, axis=1))
        better, progress, root_error, more = precondition(
            problem, moments, start, keep.tolist(), tolerance
        )
        scaled = scaled._replace(
            root=better.root[:, keep],
            coef=better.coef,
            intercept=better.intercept,
            rss=better.rss,
            condition_number=_condition_number(better, found.directions, keep),
        )
        passes += more
        is_current = False
    if scaled.rank == problem.n_features:
        scaled = scaled._replace(code="ok")
        digits = digits_of(progress)
        return finished(
            "preconditioned", scaled, moments, fit_intercept, digits, passes, root_error=root_error
        )
    scaled = scaled._replace(coef=_without_rounding(scaled))
    if root_error is not None and rank == "basic":  # other columns' intercept
        root_error = root_error._replace(intercept=None)
    is_exact = ~np.any(found.directions.errors > 0, axis=1)
    least = np.where(is_exact, 0.0, _SHARE)[:, np.newaxis]
    shares = np.abs(scaled.null_space[: len(is_exact)])
    undetermined = np.any(shares > least, axis=0) | (scaled.length == 0)
    solver = "minimum_norm"
    if rank == "basic":
        solver = "basic"
        undetermined = dropped_columns(scaled)
    scaled, moving, moved = moved_along(
        scaled, found.directions, undetermined if rank == "basic" else None, fit_intercept
    )
    if is_current and problem.features.n_samples * problem.n_features > kernels.ALWAYS_POLISHED:
        # The last correction leaves this of the gradient: nothing on the chosen columns, and on
        # the others what it was along their directions.
        along = found.gradient @ found.directions.pairs[0].T
        left = np.zeros_like(found.gradient)
        left[:, found.directions.own] = along
        of_gradient = digits_of_gradient(problem, moments, scaled, left)
    else:
        scaled, of_gradient = checked(problem, moments, scaled)
        passes += 1
    digits = min(
        of_gradient,
        _digits_after(scaled._replace(root=moving), moments, fit_intercept, progress, moved),
    )
    return finished(
        solver,
        scaled,
        moments,
        fit_intercept,
        digits,
        passes,
        undetermined=undetermined,
        root_error=root_error,
    )


def _without_rounding(scaled: ScaledSolution) -> FloatArray:
    """Coefficients (2, t, p) with exact zeros for what no digit of the targets tells from zero."""
    p = len(scaled.length)
    coef = scaled.coef.reshape(2, -1, p)
    is_rounding = np.abs(coef[0]) * scaled.length <= NEGLIGIBLE * np.sqrt(scaled.tss)[:, np.newaxis]
    cleaned: FloatArray = np.where(is_rounding, 0.0, coef)
    return cleaned


def _condition_number(
    scaled: ScaledSolution, directions: Directions, keep: npt.NDArray[np.intp]
) -> float:
    """Condition number of all columns: the ratio of their largest to their smallest singular value that is not zero.

    The root is that of the chosen columns, of which the others are combinations.
    """
    if len(directions.errors) == 0 or len(scaled.length) > EXACT_CONDITION:
        return scaled.condition_number
    factor = interruptible(np.linalg.inv, scaled.root[np.ix_(keep, keep)])
    others = -factor @ directions.pairs[0][:, keep].T
    length = np.concatenate([scaled.length[keep], scaled.length[directions.own]])
    joint = np.hstack([factor, others]) / length
    singular = interruptible(np.linalg.svd, joint, compute_uv=False)
    return float(singular[0] / singular[-1])


def _digits_after(
    scaled: ScaledSolution,
    moments: Moments,
    fit_intercept: bool,
    progress: FloatArray,
    moved: FloatArray,
) -> float:
    """Right digits of the worst coefficient: errors of the last sweep, and those (t, p) of the directions."""
    p, weight = len(scaled.length), moments.total_weight
    error = np.outer(progress[:, PROGRESS_ERROR], np.linalg.norm(scaled.root, axis=1)) + moved
    along_means = np.linalg.norm(scaled.root.T @ scaled.mean[0, :p])
    of_intercept = progress[:, PROGRESS_ERROR] * np.hypot(1.0 / np.sqrt(weight), along_means)
    of_intercept += moved @ np.abs(scaled.mean[0, :p])
    return digits_at(
        kernels.relative_error(
            fit_intercept,
            weight,
            scaled.mean,
            scaled.tss,
            np.ascontiguousarray(scaled.root),
            np.ascontiguousarray(scaled.coef),
            scaled.intercept,
            np.column_stack([error, of_intercept]),
        )
    )
