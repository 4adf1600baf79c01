"""Rungs 2 and 3 of the ladder: columns orthogonalised before they are solved for, and those that cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fastlr._arrays import Columns, FloatArray
from fastlr._kernels import kernels
from fastlr._threads import resolve_threads
from fastlr.moments import Moments
from fastlr.passes import scaled_moments
from fastlr.refinement import (
    COURSE_ERROR,
    Climb,
    Frame,
    Table,
    digits_at,
    digits_of,
    finished,
    first_limb,
    refine,
)

__all__ = ["precondition"]

_U = 2.0**-53
_REFINABLE = 0.1  # contraction from which sweeps do not make directions better


def precondition(
    table: Table, moments: Moments, start: Frame, rank: str, passes: int, tolerance: float
) -> Climb:
    """Rungs 2 and 3."""
    p, threads = table.n_features, resolve_threads(table.n_threads)
    features = table.features if table.limbs == 1 else first_limb(table)
    scale, weight = start.scale, moments.total_weight
    basis, factor, coef, _ = kernels.first_basis(
        p, weight, moments._mean, moments._cross, table.fit_intercept
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(scale > 0, start.mean[0] / scale, 0.0)
    for _ in range(3):
        _, _, _, mean, cross = scaled_moments(
            features, table.targets, table.weights, shift, scale, threads, basis
        )
        passes += 1
        basis, factor, coef, is_orthonormal = kernels.next_basis(
            basis, factor, weight, mean, cross, table.fit_intercept
        )
        if is_orthonormal:
            break
    length = np.linalg.norm(factor, axis=0)
    # Columns that come as two tables carry no rounding of their own.
    offset = np.sqrt(weight) * np.abs(start.mean[0, :p]) * (table.limbs == 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gran = np.where(length > 0, np.hypot(1.0, offset / length), 1.0)
    n_independent, condition, root, null_space, length = kernels.decide_rank(factor, gran)
    n_live = int(np.count_nonzero(length))
    is_truncated = n_independent < n_live and rank != "full"
    t = table.targets.n_columns
    pairs = np.zeros((2, t, p))
    intercept = np.zeros((2, t))
    is_certain = True
    if not is_truncated:
        if n_independent < n_live:  # of all columns, since all are kept
            varying = length > 0
            condition = float(np.linalg.cond(factor[np.ix_(varying, varying)] / length[varying]))
            is_certain = condition * _U < 0.1
        root, null_space, n_independent = basis, np.eye(p)[length == 0], n_live
        pairs[0] = coef
        if table.fit_intercept:
            intercept = kernels.intercepts(start.mean, pairs)
    elif table.fit_intercept:
        intercept[:] = start.mean[:, p:]
    frame = start._replace(
        code="rank_deficient" if n_independent < p else "ok",
        rank=n_independent,
        condition_number=condition,
        root=root,
        coef=pairs,
        intercept=intercept,
        length=length,
        null_space=null_space,
    )
    contraction = min(1.0, 64 * max(1, p) * _U * condition * float(gran.max(initial=1.0)))
    refined, course, n_sweeps = refine(table, moments, frame, contraction, tolerance)
    passes, digits = passes + n_sweeps, digits_of(course) if is_certain else 0.0
    if is_truncated:
        refined, digits, n_sweeps = _shortest(table, moments, refined, contraction, tolerance)
        passes += n_sweeps
    solver = "minimum_norm" if n_independent < p else "preconditioned"
    return finished(solver, refined, moments, table.fit_intercept, digits, passes)


def _shortest(
    table: Table, moments: Moments, frame: Frame, contraction: float, tolerance: float
) -> tuple[Frame, float, int]:
    """The solution of smallest norm, its digits, and the passes over the rows that it took."""
    p, weight = table.n_features, moments.total_weight
    directions, of_directions, passes = _null_directions(table, moments, frame, contraction)
    if contraction < _REFINABLE:
        independent = np.linalg.qr((directions[0] * frame.length).T)[0].T
        null_space = np.concatenate([independent, np.eye(p)[frame.length == 0]])
        frame = frame._replace(null_space=null_space)
    else:
        frame.null_space[np.abs(frame.null_space) < _REFINABLE] = 0.0
    start = frame._replace(coef=frame.coef.copy(), intercept=frame.intercept.copy())
    for _ in range(2):  # the sweep mends what moving along inexact directions did to predictions
        _to_minimum_norm(table, frame, directions, of_directions)
        frame, course, n_sweeps = refine(table, moments, frame, contraction, tolerance)
        passes += n_sweeps
    moved = _to_minimum_norm(table, frame, directions, of_directions)
    if np.any(frame.rss > 1.001 * start.rss + 1e-20 * frame.tss):
        return (
            start,
            0.0,
            passes,
        )  # the directions were not even nearly without effect: stay where the fit is good
    error = np.empty((len(moved), p + 1))
    in_root = course[:, COURSE_ERROR]
    error[:, :p] = in_root[:, np.newaxis] * np.linalg.norm(frame.root, axis=1) + moved
    along_means = np.linalg.norm(frame.root.T @ frame.mean[0, :p])
    error[:, p] = in_root * np.hypot(1.0 / np.sqrt(weight), along_means)
    error[:, p] += moved @ np.abs(frame.mean[0, :p])
    relative = kernels.relative_error(
        table.fit_intercept,
        weight,
        frame.mean,
        frame.tss,
        frame.root,
        frame.coef,
        frame.intercept,
        error,
    )
    return frame, digits_at(relative), passes


def _to_minimum_norm(
    table: Table, frame: Frame, directions: FloatArray, of_directions: FloatArray
) -> FloatArray:
    return kernels.move_to_minimum_norm(
        directions,
        of_directions,
        frame.scale[: table.n_features],
        frame.mean,
        table.fit_intercept,
        frame.coef,
        frame.intercept,
    )


def _null_directions(
    table: Table, moments: Moments, frame: Frame, contraction: float
) -> tuple[FloatArray, FloatArray, int]:
    """Directions of coefficients, in the frame, along which no prediction changes.

    The singular vectors are right up to rounding times the condition number of the columns that remain. A
    refinement with targets of zero makes them right to twice the working precision, where it converges at all.

    Returns
    -------
    directions : ndarray of shape (2, k, n_features)
        Unevaluated sums.
    errors : ndarray of shape (k, n_features)
        Theirs, estimated.
    passes : int
        Over the rows.
    """
    p = table.n_features
    with np.errstate(divide="ignore", invalid="ignore"):
        directions = np.where(frame.length > 0, frame.null_space / frame.length, 0.0)
    directions = directions[np.any(directions != 0, axis=1)]
    k = len(directions)
    nothing = np.broadcast_to(np.zeros(1), (table.features.n_samples, k))
    zeros = replace(table, targets=Columns(nothing, table.features.n_samples, k))
    pairs = np.zeros((2, k, p))
    pairs[0] = directions
    if contraction >= _REFINABLE:
        return pairs, np.abs(directions), 0
    mean = np.concatenate([frame.mean[:, :p], np.zeros((2, k))], axis=1)
    intercept = kernels.intercepts(mean, pairs) if table.fit_intercept else np.zeros((2, k))
    null = frame._replace(
        coef=pairs,
        intercept=intercept,
        mean=mean,
        scale=np.concatenate([frame.scale[:p], np.ones(k)]),
        tss=np.ones(k),
    )
    refined, course, n_sweeps = refine(zeros, moments, null, contraction, 0.0)
    row_norm = np.linalg.norm(frame.root, axis=1)
    return (
        np.ascontiguousarray(refined.coef),
        np.outer(course[:, COURSE_ERROR], row_norm),
        n_sweeps,
    )
