"""Rung 3 of the ladder: which columns depend on one another, and which of the equally good solutions is taken.

First it is decided which columns are independent: a pivoted factor of the moments takes those that are far from the
others beyond doubt; what the chosen ones leave of a doubtful column is looked at in the rows themselves, in twice the
working precision. Then the ladder is climbed on independent columns alone, where everything is well-conditioned, and
the solution moves along the directions that change no prediction to the smallest norm, or to the first columns.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr._arrays import Columns, FloatArray
from fastlr._kernels import kernels
from fastlr.combinations import combined_products
from fastlr.moments import Moments
from fastlr.null_space import eliminated
from fastlr.preconditioned import precondition
from fastlr.refinement import (
    COURSE_ERROR,
    COURSE_RSS,
    SHARP,
    Climb,
    Frame,
    Table,
    bse_error_of,
    digits_at,
    digits_of,
    finished,
    has_settled,
    refine,
    rounding_factor,
    sweep_rows,
)

__all__ = ["climb_dependent", "first_columns"]

_U = 2.0**-53
_DOUBTFUL = 1e-11  # squared distance from other columns below which moments say nothing certain
_MARGIN = 100.0  # times the rounding of the data themselves: below is doubtful, too
_ROUNDING = 8.0  # units of rounding of the data that count as nothing
_MOST_STAGES = 8  # each sees distances 3e5 times smaller than the one before
_NEGLIGIBLE = 1e-7  # share of a column's length that a simple coefficient may be off by
_ZERO = 1e-24  # share of a column's length that is zero but for rounding
_GRID = 256.0  # simple coefficients are multiples of 1 / 256
_BEYOND = 2.0**400  # units in which a coefficient counts so much that it becomes 0
_RELAXED = 2.0**40  # directions are right to some 26 digits: see `_settle`


class _Directions(NamedTuple):
    """Directions of coefficients, in the frame, along which no prediction changes."""

    pairs: FloatArray  # (2, k, p), unevaluated sums; 1 for the column that depends on others
    errors: FloatArray  # (k, p) estimated


class _Independence(NamedTuple):
    """Which columns are independent, a solution on them, and the directions of all others."""

    frame: Frame
    course: FloatArray
    directions: _Directions
    is_settled: bool
    passes: int


def climb_dependent(
    table: Table, moments: Moments, start: Frame, rank: str, passes: int, tolerance: float
) -> Climb:
    """Fit columns of which some may depend on others.

    Parameters
    ----------
    start : Frame
        The frame of all columns; its solution does not matter.
    passes : int
        Passes over the rows until here.
    tolerance : float
        Estimated relative error to refine to.
    """
    found = _settle(table, moments, start, tolerance)
    frame, course, passes = found.frame, found.course, passes + found.passes
    fit_intercept, root_error = table.fit_intercept, None
    if not found.is_settled or bse_error_of(frame) > SHARP:
        keep = np.flatnonzero(np.any(frame.root != 0, axis=1))
        better, course, root_error, more = precondition(
            table, moments, start, keep.tolist(), tolerance
        )
        condition = max(better.condition_number, frame.condition_number)
        frame = frame._replace(
            root=better.root[:, keep],
            coef=better.coef,
            intercept=better.intercept,
            rss=better.rss,
            condition_number=condition if len(found.directions.errors) else better.condition_number,
        )
        passes += more
    if frame.rank == table.n_features:
        frame = frame._replace(code="ok")
        digits = digits_of(course)
        return finished(
            "preconditioned", frame, moments, fit_intercept, digits, passes, root_error=root_error
        )
    frame = frame._replace(coef=_without_rounding_of(frame))
    if root_error is not None:  # the solution moves, and the intercept with it
        root_error = root_error._replace(intercept=None)
    undetermined = np.any(np.abs(frame.null_space) > 1e-8, axis=0)
    solver = "minimum_norm"
    if rank == "basic":
        solver = "basic"
        undetermined = _dropped(frame)
    frame, moved = _moved(
        frame, found.directions, undetermined if rank == "basic" else None, fit_intercept
    )
    frame, of_gradient = _checked(table, moments, frame)
    digits = min(of_gradient, _digits_after(frame, moments, fit_intercept, course, moved))
    return finished(
        solver,
        frame,
        moments,
        fit_intercept,
        digits,
        passes + 1,
        undetermined=undetermined,
        root_error=root_error,
    )


def _without_rounding_of(frame: Frame) -> FloatArray:
    """Coefficients (2, t, p) with exact zeros for what no digit of the targets tells from zero."""
    p = len(frame.length)
    coef = frame.coef.reshape(2, -1, p)
    is_rounding = np.abs(coef[0]) * frame.length <= _ZERO / 10 * np.sqrt(frame.tss)[:, np.newaxis]
    cleaned: FloatArray = np.where(is_rounding, 0.0, coef)
    return cleaned


def first_columns(null_space: FloatArray) -> list[int]:
    """The columns that do not depend on earlier ones."""
    dropped = {pivot for pivot, _ in eliminated(null_space)}
    return [j for j in range(null_space.shape[1]) if j not in dropped]


def _dropped(frame: Frame) -> npt.NDArray[np.bool_]:
    dropped = np.ones(frame.null_space.shape[1], dtype=bool)
    dropped[first_columns(frame.null_space)] = False
    return dropped


# Which columns are independent


def _settle(table: Table, moments: Moments, start: Frame, tolerance: float) -> _Independence:
    """Decide which columns are independent, by looking at what they leave of the doubtful ones.

    The targets and the doubtful columns' directions are refined by the same sweeps.
    """
    p, t, weight = table.n_features, table.targets.n_columns, moments.total_weight
    rounding = rounding_factor(table, weight, start)
    threshold = np.maximum(_DOUBTFUL, (_MARGIN * _ROUNDING * _U * rounding) ** 2)
    solution, directions, others = kernels.solve_on_independent_columns(
        p, weight, moments._mean, moments._cross, table.fit_intercept, threshold
    )
    frame = Frame(*solution)._replace(scale=start.scale)
    pairs = directions.reshape(2, -1, p)
    pairs, is_exact, passes = _exact_directions(
        table, frame, pairs, np.array(others, dtype=np.intp)
    )
    nulls = _Directions(pairs[:, is_exact], np.zeros((int(is_exact.sum()), p)))
    doubtful = np.ascontiguousarray(pairs[:, ~is_exact])
    contraction, is_settled = frame.contraction, True
    course = np.zeros((t, 0))
    for stage in range(_MOST_STAGES):
        k = doubtful.shape[1]
        if k == 0 and stage > 0:
            break
        joint, both, n_sweeps = _refine_with_directions(
            table, moments, frame, doubtful, contraction, tolerance
        )
        passes += n_sweeps
        course, of_doubtful = both[:t], both[t:]
        frame = frame._replace(
            coef=np.ascontiguousarray(joint.coef[:, :t]),
            intercept=np.ascontiguousarray(joint.intercept[:, :t]),
            rss=joint.rss[:t],
        )
        doubtful = _without_rounding(joint.coef[:, t:], frame.length)
        level = _level(doubtful[0], frame.length, rounding)
        is_null = np.sqrt(of_doubtful[:, COURSE_RSS]) <= level
        errors = np.outer(of_doubtful[:, COURSE_ERROR], np.linalg.norm(frame.root, axis=1))
        nulls = _Directions(
            np.concatenate([nulls.pairs, doubtful[:, is_null]], axis=1),
            np.concatenate([nulls.errors, errors[is_null]]),
        )
        doubtful = np.ascontiguousarray(doubtful[:, ~is_null])
        if doubtful.shape[1] == 0:
            is_settled = stage == 0 and has_settled(course)
            break
        # What is left of these columns is real: some of them are independent after all.
        products = combined_products(table, frame, doubtful, weight)
        passes += 1
        length2 = products.diagonal()
        noise = np.minimum(0.25, level[~is_null] ** 2 / length2)
        chosen, others, root, shares, _ = kernels.choose_columns(
            products, np.maximum(_DOUBTFUL, noise)
        )
        frame = frame._replace(
            root=np.hstack([frame.root, doubtful[0, chosen].T @ root]),
            condition_number=max(frame.condition_number, float(1.0 / np.sqrt(length2.min()))),
        )
        doubtful = np.ascontiguousarray(
            doubtful[:, others] - np.einsum("kc,icj->ikj", shares, doubtful[:, chosen])
        )
        contraction = min(1.0, 64 * p * _U * frame.condition_number + contraction)
        is_settled = False
    n_constant = int(np.count_nonzero(frame.length == 0))
    frame = frame._replace(
        rank=p - n_constant - len(nulls.errors),
        null_space=_unit_rows(nulls.pairs[0], frame.length),
        code="rank_deficient",
    )
    return _Independence(frame, course, nulls, is_settled, passes)


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
    level: FloatArray = _ROUNDING * _U * (of_data + of_sums)
    return level


def _refine_with_directions(
    table: Table,
    moments: Moments,
    frame: Frame,
    directions: FloatArray,
    contraction: float,
    tolerance: float,
) -> tuple[Frame, FloatArray, int]:
    """Sweeps for the targets and, as further targets of zeros, for directions (2, k, p)."""
    n, t, k = table.features.n_samples, table.targets.n_columns, directions.shape[1]
    source = table.targets.source
    columns: list[npt.NDArray[Any]] = (
        list(source) if isinstance(source, list) else list(np.atleast_2d(source.T))
    )
    zeros = np.broadcast_to(np.zeros(1), (n,))
    joint = replace(table, targets=Columns([*columns, *[zeros] * k], n, t + k))
    of_directions = np.concatenate([frame.mean[:, : table.n_features], np.zeros((2, k))], axis=1)
    intercept = np.zeros((2, k))
    if table.fit_intercept and k:
        intercept = kernels.intercepts(of_directions, np.ascontiguousarray(directions))
    start = frame._replace(
        coef=np.concatenate([frame.coef.reshape(2, t, -1), directions], axis=1),
        intercept=np.concatenate([frame.intercept, intercept], axis=1),
        mean=np.concatenate([frame.mean, np.zeros((2, k))], axis=1),
        scale=np.concatenate([frame.scale, np.ones(k)]),
        # Coefficients that are zero but for rounding count beside the size of a target: sweeps end
        # when they are right to 2e-26 of a column's length.
        tss=np.concatenate([frame.tss, np.full(k, _RELAXED)]),
    )
    return refine(joint, moments, start, contraction, tolerance)


def _exact_directions(
    table: Table, frame: Frame, pairs: FloatArray, own: npt.NDArray[np.intp]
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
    p, k = table.n_features, pairs.shape[1]
    is_exact = np.zeros(k, dtype=bool)
    if table.limbs > 1 or k == 0:
        return pairs, is_exact, 0
    scale, length = frame.scale[:p], frame.length
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        to_user = np.where(scale > 0, scale / scale[own][:, np.newaxis], 0.0)
        user = pairs[0] * to_user
        share = np.abs(pairs[0]) * length / length[own][:, np.newaxis]
        simple = np.where(share > _NEGLIGIBLE, np.rint(user * _GRID) / _GRID, 0.0)
        off = np.abs(np.where(to_user > 0, simple / to_user, 0.0) - pairs[0])
    off *= length / length[own][:, np.newaxis]
    candidates = np.flatnonzero((off <= _NEGLIGIBLE).all(axis=1) & np.isfinite(user).all(axis=1))
    if len(candidates) == 0:
        return pairs, is_exact, 0
    with np.errstate(divide="ignore", invalid="ignore"):
        snapped = np.where(to_user[candidates] > 0, simple[candidates] / to_user[candidates], 0.0)
    directions = np.stack([snapped, np.zeros_like(snapped)])
    constants = np.zeros((2, len(candidates)))
    if table.fit_intercept:
        row = _row(table) * scale
        constants[0] = [-math.fsum(direction * row) for direction in snapped]
    products = combined_products(table, frame, directions, 0.0, constants)
    zero = products.diagonal() == 0.0
    exact = candidates[zero]
    is_exact[exact] = True
    pairs = pairs.copy()
    pairs[:, exact] = directions[:, zero]
    return pairs, is_exact, 1


def _row(table: Table) -> FloatArray:
    """The features of the first row that counts."""
    i = 0 if table.weights is None else int(np.argmax(np.asarray(table.weights) > 0))
    source = table.features.source
    values = [column[i] for column in source] if isinstance(source, list) else source[i]
    return np.asarray(values, dtype=np.float64)


def _unit_rows(directions: FloatArray, length: FloatArray) -> FloatArray:
    """Directions in terms of columns of unit length, then those of columns that do not vary."""
    rows = directions * length
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.concatenate([rows, np.eye(len(length))[length == 0]])


# Which of the equally good solutions


def _moved(
    frame: Frame,
    directions: _Directions,
    dropped: npt.NDArray[np.bool_] | None,
    fit_intercept: bool,
) -> tuple[Frame, FloatArray]:
    """The solution of smallest norm, or with 0 for dropped columns; and what the directions' errors do to it."""
    p = len(frame.length)
    frame = frame._replace(coef=frame.coef.copy(), intercept=frame.intercept.copy())
    if len(directions.errors) == 0:
        return frame, np.zeros((frame.coef.shape[1], p))
    units = frame.scale[:p].copy()
    if dropped is not None:
        units[dropped] *= _BEYOND
    moved = kernels.move_to_minimum_norm(
        np.ascontiguousarray(directions.pairs),
        np.ascontiguousarray(directions.errors),
        units,
        frame.mean,
        fit_intercept,
        frame.coef,
        frame.intercept,
    )
    pairs = directions.pairs[0]
    if dropped is None:  # a correction along the root moves to the smallest norm as well
        top = frame.scale[:p].max(initial=0.0)
        in_units = (pairs * (frame.scale[:p] / top)).T
        along = (frame.root.T * (frame.scale[:p] / top)).T
        root = frame.root - pairs.T @ np.linalg.lstsq(in_units, along, rcond=None)[0]
        return frame._replace(root=root), moved
    frame.coef.reshape(2, -1, p)[:, :, dropped] = 0.0
    varying = dropped & (frame.length > 0)
    root = frame.root - pairs.T @ np.linalg.solve(pairs[:, varying].T, frame.root[varying])
    root[dropped] = 0.0
    moved[:, dropped] = 0.0
    return frame._replace(root=root), moved


def _digits_after(
    frame: Frame,
    moments: Moments,
    fit_intercept: bool,
    course: FloatArray,
    moved: FloatArray,
) -> float:
    """Right digits of the worst coefficient: errors of the last sweep, and those (t, p) of the directions."""
    p, weight = len(frame.length), moments.total_weight
    error = np.outer(course[:, COURSE_ERROR], np.linalg.norm(frame.root, axis=1)) + moved
    along_means = np.linalg.norm(frame.root.T @ frame.mean[0, :p])
    of_intercept = course[:, COURSE_ERROR] * np.hypot(1.0 / np.sqrt(weight), along_means)
    of_intercept += moved @ np.abs(frame.mean[0, :p])
    return digits_at(
        kernels.relative_error(
            fit_intercept,
            weight,
            frame.mean,
            frame.tss,
            np.ascontiguousarray(frame.root),
            np.ascontiguousarray(frame.coef),
            frame.intercept,
            np.column_stack([error, of_intercept]),
        )
    )


def _checked(table: Table, moments: Moments, frame: Frame) -> tuple[Frame, float]:
    """The last word: sums of squares and intercepts as the rows have them, and whether the gradient is zero.

    Returns
    -------
    frame : Frame
        With the intercept that makes the residuals' mean zero, and the sum of squares of these residuals.
    digits : float
        15 if the gradient of the sum of squares is zero to rounding, else about as many as it leaves.
    """
    p, t, n = table.n_features, table.targets.n_columns, table.features.n_samples
    slots = sweep_rows(table, frame)
    gradient, total, rss = kernels.sweep_totals(n, p, t, table.limbs, slots)
    centred, shift = gradient.sum(axis=0), np.zeros(t)
    intercept = frame.intercept
    if table.fit_intercept:
        shift = total.sum(axis=0) / moments.total_weight
        centred = centred - np.outer(total.sum(axis=0), frame.mean[0, :p])
        low = intercept[1] + shift
        high = intercept[0] + low
        intercept = np.stack([high, low - (high - intercept[0])])
    rss = np.maximum(rss - moments.total_weight * shift**2, 0.0)
    coef = frame.coef.reshape(2, t, p)
    raw = rounding_factor(table, moments.total_weight, frame) * frame.length
    size = np.abs(coef[0]) @ raw + np.sqrt(frame.tss)
    # Rounding of columns that depend on others only up to their rounding shows in the gradient.
    level = 64 * p * _U * raw * (size + np.sqrt(rss))[:, np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.abs(centred) / (frame.length * np.sqrt(rss)[:, np.newaxis])
    worst = np.nan_to_num(np.where(np.abs(centred) > level, cosine, 0.0), nan=1.0, posinf=1.0)
    digits = digits_at(max(float(worst.max(initial=0.0)), _U))
    return frame._replace(intercept=intercept, rss=rss), digits
