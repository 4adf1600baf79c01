"""Which columns are independent, decided at the rounding level of the data, before anything is solved for.

A pivoted factor of the moments takes the columns that are far from the others beyond doubt; what these leave of a
doubtful column is looked at in the rows themselves, in twice the working precision. Combinations that are smaller than
the rounding of the values that went into them count as nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.combinations import combined_products
from fastlr.least_squares.problem import Problem, ScaledSolution
from fastlr.least_squares.refinement import (
    CONVERGED,
    PROGRESS_ERROR,
    PROGRESS_RSS,
    PROGRESS_STATE,
    has_converged,
    refine_and_show,
    rounding_factor,
    with_exact_means,
)
from fastlr.least_squares.rounding import DOUBTFUL, MARGIN, ROUNDING
from fastlr.least_squares.units import U
from fastlr.moments import Moments

__all__ = ["Directions", "Independence", "decide_independence"]

_CLEAR = 1e3  # times what rounding leaves: more needs no further digits
_MOST_STAGES = 8  # each sees distances 3e5 times smaller than the one before
_SIMPLE = 1e-7  # share of a column's length that a simple coefficient may be off by
_ZERO = 1e-24  # share of a column's length that is zero but for rounding
_GRID = 256.0  # simple coefficients are multiples of 1 / 256
_AT_ONCE = 64  # directions, whose sums take memory
_RELAXED = 2.0**40  # directions are right to some 26 digits: see `decide_independence`


class Directions(NamedTuple):
    """Directions of coefficients, of scaled columns, along which no prediction changes."""

    pairs: FloatArray  # (2, k, p), unevaluated sums; 1 for the column that depends on others
    errors: FloatArray  # (k, p) estimated
    own: npt.NDArray[np.intp]  # (k,) the column that each belongs to, and no other has a share in

    def joined(
        self, pairs: FloatArray, errors: FloatArray, own: npt.NDArray[np.intp]
    ) -> Directions:
        """Append other directions to these."""
        return Directions(
            np.concatenate([self.pairs, pairs], axis=1),
            np.concatenate([self.errors, errors]),
            np.concatenate([self.own, own]),
        )


class Independence(NamedTuple):
    """Which columns are independent, a solution on them, and the directions of all others."""

    scaled: ScaledSolution
    progress: FloatArray
    directions: Directions
    gradient: FloatArray  # (t, p) of the last sweep, before its correction
    has_all_converged: bool
    passes: int


def decide_independence(
    problem: Problem, moments: Moments, start: ScaledSolution, tolerance: float
) -> Independence:
    """Decide which columns are independent, by looking at what they leave of the doubtful ones.

    The targets and the doubtful columns' directions are refined by the same sweeps.
    """
    p, t, weight = problem.n_features, problem.targets.n_columns, moments.total_weight
    rounding = rounding_factor(problem, weight, start)
    threshold = np.maximum(DOUBTFUL, (MARGIN * ROUNDING * U * rounding) ** 2)
    state = moments.for_kernels()
    solution, directions, others = kernels.solve_on_independent_columns(
        p,
        weight,
        state.mean,
        state.cross,
        problem.fit_intercept,
        threshold,
        n_threads=resolve_threads(problem.n_threads),
    )
    scaled = ScaledSolution(*solution)._replace(scale=start.scale)
    passes = 0
    if problem.n_terms > 1:  # moments are those of the leading terms
        scaled, passes = with_exact_means(problem, scaled), int(problem.fit_intercept)
    pairs = directions.reshape(2, -1, p)
    own = np.array(others, dtype=np.intp)
    pairs, is_exact, more = _exact_directions(problem, scaled, pairs, own)
    passes += more
    exact, own_of_exact, own = pairs[:, is_exact], own[is_exact], own[~is_exact]
    nulls = Directions(exact, np.zeros(exact.shape[1:]), own_of_exact)
    doubtful = np.ascontiguousarray(pairs[:, ~is_exact])
    contraction, has_all_converged = scaled.contraction, True
    progress, gradient = np.zeros((t, 0)), np.zeros((t, p))
    for stage in range(_MOST_STAGES):
        k = doubtful.shape[1]
        if k == 0 and stage > 0:
            break
        joint, both, n_sweeps, gradient = _refine_with_directions(
            problem,
            moments,
            scaled,
            doubtful,
            _CLEAR * _level(doubtful[0], scaled.length, rounding),
            contraction,
            tolerance,
        )
        passes += n_sweeps
        progress, of_doubtful = both[:t], both[t:]
        scaled = scaled._replace(
            coef=np.ascontiguousarray(joint.coef[:, :t]),
            intercept=np.ascontiguousarray(joint.intercept[:, :t]),
            rss=joint.rss[:t],
        )
        doubtful = _without_rounding(joint.coef[:, t:], scaled.length)
        # What sweeps could not bring to convergence is no sign of independence.
        unsettled = np.where(
            of_doubtful[:, PROGRESS_STATE] == CONVERGED, 0.0, of_doubtful[:, PROGRESS_ERROR]
        )
        level = _level(doubtful[0], scaled.length, rounding) + unsettled
        is_null = np.sqrt(of_doubtful[:, PROGRESS_RSS]) <= level
        errors = np.outer(of_doubtful[:, PROGRESS_ERROR], np.linalg.norm(scaled.root, axis=1))
        nulls = nulls.joined(doubtful[:, is_null], errors[is_null], own[is_null])
        doubtful, own = np.ascontiguousarray(doubtful[:, ~is_null]), own[~is_null]
        if doubtful.shape[1] == 0:
            has_all_converged = stage == 0 and has_converged(progress)
            break
        # What is left of these columns is real: some of them are independent after all.
        products = combined_products(problem, scaled, doubtful, weight)
        passes += 1
        length2 = products.diagonal()
        noise = np.minimum(0.25, level[~is_null] ** 2 / length2)
        chosen, others, root, shares = kernels.choose_columns(
            products,
            np.maximum(DOUBTFUL, noise),
            n_threads=resolve_threads(problem.n_threads),
        )
        scaled = scaled._replace(
            root=np.hstack([scaled.root, doubtful[0, chosen].T @ root]),
            condition_number=max(scaled.condition_number, float(1.0 / np.sqrt(length2.min()))),
        )
        doubtful = np.ascontiguousarray(
            doubtful[:, others] - np.einsum("kc,icj->ikj", shares, doubtful[:, chosen])
        )
        own = own[others]
        contraction = min(1.0, 64 * p * U * scaled.condition_number + contraction)
        has_all_converged = False
    else:  # what no stage could decide is uncertain, and said to be
        nulls = nulls.joined(doubtful, np.abs(doubtful[0]), own)
    n_constant = int(np.count_nonzero(scaled.length == 0))
    scaled = scaled._replace(
        rank=p - n_constant - len(nulls.errors),
        null_space=_unit_rows(nulls.pairs[0], scaled.length),
        code="rank_deficient",
    )
    return Independence(scaled, progress, nulls, gradient[:t], has_all_converged, passes)


def _without_rounding(directions: FloatArray, length: FloatArray) -> FloatArray:
    """Directions with exact zeros for coefficients that are zero but for rounding.

    In columns of very different units what is left of such a zero may be the largest coefficient of all.
    """
    share = np.abs(directions[0]) * length
    is_rounding = share <= _ZERO * share.max(axis=1, initial=0.0)[:, np.newaxis]
    cleaned: FloatArray = np.where(is_rounding, 0.0, directions)
    return cleaned


def _level(directions: FloatArray, length: FloatArray, rounding: FloatArray) -> FloatArray:
    """What rounding of the data alone leaves of combinations of columns, (k,).

    A column's values are off by some units of rounding of the column itself, offset included.
    """
    in_lengths = directions * length
    of_data = np.linalg.norm(in_lengths * rounding, axis=1)
    of_sums = np.sqrt(np.count_nonzero(length)) * np.linalg.norm(in_lengths, axis=1)
    level: FloatArray = ROUNDING * U * (of_data + of_sums)
    return level


def _refine_with_directions(
    problem: Problem,
    moments: Moments,
    scaled: ScaledSolution,
    directions: FloatArray,
    clear: FloatArray,
    contraction: float,
    tolerance: float,
) -> tuple[ScaledSolution, FloatArray, int, FloatArray]:
    """Sweeps for the targets and, as further targets of zeros, for directions (2, k, p), so many at a time.

    They end as soon as every direction is certain to leave more than ``clear`` (k,) of its column: another rung fits
    the targets then.
    """
    t, k = problem.targets.n_columns, directions.shape[1]
    done = [
        _refine_some(
            problem,
            moments,
            scaled,
            directions[:, first : first + _AT_ONCE],
            clear[first : first + _AT_ONCE],
            contraction,
            tolerance,
            with_targets=first == 0,
        )
        for first in range(0, max(k, 1), _AT_ONCE)
    ]
    solutions, progresses, sweeps, gradients = zip(*done, strict=True)
    joint = solutions[0]._replace(
        coef=np.concatenate(
            [part.coef.reshape(2, -1, problem.n_features) for part in solutions], axis=1
        )
    )
    return joint, np.concatenate(progresses), sum(sweeps), gradients[0][:t]


def _refine_some(
    problem: Problem,
    moments: Moments,
    scaled: ScaledSolution,
    directions: FloatArray,
    clear: FloatArray,
    contraction: float,
    tolerance: float,
    *,
    with_targets: bool,
) -> tuple[ScaledSolution, FloatArray, int, FloatArray]:
    p, k = problem.n_features, directions.shape[1]
    t = problem.targets.n_columns if with_targets else 0
    joint = problem.with_zero_targets(t, k)
    mean = np.concatenate([scaled.mean[:, :p], np.zeros((2, k))], axis=1)
    intercept = np.zeros((2, k))
    if problem.fit_intercept and k:
        intercept = kernels.intercepts(mean, np.ascontiguousarray(directions))
    coef = scaled.coef.reshape(2, -1, p)[:, :t]
    start = scaled._replace(
        coef=np.concatenate([coef, directions], axis=1),
        intercept=np.concatenate([scaled.intercept[:, :t], intercept], axis=1),
        mean=np.concatenate([scaled.mean[:, : p + t], np.zeros((2, k))], axis=1),
        scale=np.concatenate([scaled.scale[: p + t], np.ones(k)]),
        # Coefficients that are zero but for rounding count beside the size of a target: sweeps end
        # when they are right to 2e-26 of a column's length.
        tss=np.concatenate([scaled.tss[:t], np.full(k, _RELAXED if _are_alike(scaled) else 1.0)]),
    )

    def is_clear(progress: FloatArray) -> bool:
        left = np.sqrt(progress[t:, PROGRESS_RSS]) - 2.0 * progress[t:, PROGRESS_ERROR]
        return k > 0 and bool((left > clear).all())

    return refine_and_show(joint, moments, start, contraction, tolerance, is_clear)


def _are_alike(scaled: ScaledSolution) -> bool:
    """Whether the columns' units are near enough to one another that moves along directions are of no great length."""
    scale = scaled.scale[: len(scaled.length)]
    varying = scale[scale > 0]
    return bool(varying.max(initial=0.0) <= _RELAXED * varying.min(initial=np.inf))


def _exact_directions(
    problem: Problem, scaled: ScaledSolution, pairs: FloatArray, own: npt.NDArray[np.intp]
) -> tuple[FloatArray, npt.NDArray[np.bool_], int]:
    """Directions with simple coefficients in the data's units (indicators, sums), where they are exact.

    Returns
    -------
    pairs : ndarray of shape (2, k, p)
        With those coefficients where every row agrees to the last bit.
    is_exact : ndarray of bool, shape (k,)
    passes : int
        1 if the rows were looked at, else 0.
    """
    p, k = problem.n_features, pairs.shape[1]
    is_exact = np.zeros(k, dtype=bool)
    if problem.n_terms > 1 or k == 0:
        return pairs, is_exact, 0
    scale, length = scaled.scale[:p], scaled.length
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        to_user = np.where(scale > 0, scale / scale[own][:, np.newaxis], 0.0)
        user = pairs[0] * to_user
        share = np.abs(pairs[0]) * length / length[own][:, np.newaxis]
        simple = np.where(share > _SIMPLE, np.rint(user * _GRID) / _GRID, 0.0)
        off = np.abs(np.where(to_user > 0, simple / to_user, 0.0) - pairs[0])
    off *= length / length[own][:, np.newaxis]
    candidates = np.flatnonzero((off <= _SIMPLE).all(axis=1) & np.isfinite(user).all(axis=1))
    if len(candidates) == 0:
        return pairs, is_exact, 0
    with np.errstate(divide="ignore", invalid="ignore"):
        snapped = np.where(to_user[candidates] > 0, simple[candidates] / to_user[candidates], 0.0)
    directions = np.stack([snapped, np.zeros_like(snapped)])
    constants = np.zeros((2, len(candidates)))
    if problem.fit_intercept:
        row = _row(problem) * scale
        constants[0] = [-math.fsum(direction * row) for direction in snapped]
    products = combined_products(problem, scaled, directions, 0.0, constants)
    zero = products.diagonal() == 0.0
    exact = candidates[zero]
    is_exact[exact] = True
    pairs = pairs.copy()
    pairs[:, exact] = directions[:, zero]
    return pairs, is_exact, 1


def _row(problem: Problem) -> FloatArray:
    """The features of the first row that counts."""
    if problem.stream is not None:
        return problem.stream.first_row()
    i = 0 if problem.weights is None else int(np.argmax(np.asarray(problem.weights) > 0))
    return problem.features.row(i)


def _unit_rows(directions: FloatArray, length: FloatArray) -> FloatArray:
    """Directions in terms of columns of unit length, then those of columns that do not vary."""
    rows = directions * length
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.concatenate([rows, np.eye(len(length))[length == 0]])
