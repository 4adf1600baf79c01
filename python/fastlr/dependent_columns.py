"""Rung 3 of the ladder: columns that depend on one another, and which of the equally good solutions is taken.

The ladder is climbed on independent columns alone, where everything is well-conditioned; then the solution moves along
the directions that change no prediction to the smallest norm, or to the first columns.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.independence import Directions, settle_independence
from fastlr.input.columns import FloatArray
from fastlr.input.threads import interruptible
from fastlr.moments import Moments
from fastlr.null_space import eliminated
from fastlr.preconditioned import precondition
from fastlr.refinement import (
    COURSE_ERROR,
    SHARP,
    Climb,
    Frame,
    Table,
    digits_at,
    digits_of,
    finished,
    rounding_factor,
    sweep_rows,
)

__all__ = ["checked", "climb_dependent", "first_columns"]

_U = 2.0**-53
_SHARE = 1e-14  # in a dependency up to rounding, of columns at unit length, from which a column takes part
_EXACT_CONDITION = 1000  # columns up to which condition numbers are computed, not estimated
_ZERO = 1e-25  # share of a target's length that is zero but for rounding
_BEYOND = 2.0**200  # units in which a coefficient counts so much that it becomes 0


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
    found = settle_independence(table, moments, start, tolerance)
    frame, course, passes = found.frame, found.course, passes + found.passes
    fit_intercept, root_error, is_current = table.fit_intercept, None, True
    if not found.is_settled or _U * frame.squared_condition > SHARP:
        keep = np.flatnonzero(np.any(frame.root != 0, axis=1))
        better, course, root_error, more = precondition(
            table, moments, start, keep.tolist(), tolerance
        )
        frame = frame._replace(
            root=better.root[:, keep],
            coef=better.coef,
            intercept=better.intercept,
            rss=better.rss,
            condition_number=_condition_number(better, found.directions, keep),
        )
        passes += more
        is_current = False
    if frame.rank == table.n_features:
        frame = frame._replace(code="ok")
        digits = digits_of(course)
        return finished(
            "preconditioned", frame, moments, fit_intercept, digits, passes, root_error=root_error
        )
    frame = frame._replace(coef=_without_rounding(frame))
    if root_error is not None and rank == "basic":  # other columns' intercept
        root_error = root_error._replace(intercept=None)
    is_exact = ~np.any(found.directions.errors > 0, axis=1)
    least = np.where(is_exact, 0.0, _SHARE)[:, np.newaxis]
    shares = np.abs(frame.null_space[: len(is_exact)])
    undetermined = np.any(shares > least, axis=0) | (frame.length == 0)
    solver = "minimum_norm"
    if rank == "basic":
        solver = "basic"
        undetermined = _dropped(frame)
    frame, moving, moved = _moved(
        frame, found.directions, undetermined if rank == "basic" else None, fit_intercept
    )
    if is_current and table.features.n_samples * table.n_features > kernels.ALWAYS_POLISHED:
        # The last correction leaves this of the gradient: nothing on the chosen columns, and on
        # the others what it was along their directions.
        along = found.gradient @ found.directions.pairs[0].T
        left = np.zeros_like(found.gradient)
        left[:, found.directions.own] = along
        of_gradient = _digits_of_gradient(table, moments, frame, left)
    else:
        frame, of_gradient = checked(table, moments, frame)
        passes += 1
    digits = min(
        of_gradient,
        _digits_after(frame._replace(root=moving), moments, fit_intercept, course, moved),
    )
    return finished(
        solver,
        frame,
        moments,
        fit_intercept,
        digits,
        passes,
        undetermined=undetermined,
        root_error=root_error,
    )


def _without_rounding(frame: Frame) -> FloatArray:
    """Coefficients (2, t, p) with exact zeros for what no digit of the targets tells from zero."""
    p = len(frame.length)
    coef = frame.coef.reshape(2, -1, p)
    is_rounding = np.abs(coef[0]) * frame.length <= _ZERO * np.sqrt(frame.tss)[:, np.newaxis]
    cleaned: FloatArray = np.where(is_rounding, 0.0, coef)
    return cleaned


def _condition_number(frame: Frame, directions: Directions, keep: npt.NDArray[np.intp]) -> float:
    """Of all columns, from the root of the chosen ones: the ratio of singular values that are not zero."""
    if len(directions.errors) == 0 or len(frame.length) > _EXACT_CONDITION:
        return frame.condition_number
    factor = interruptible(np.linalg.inv, frame.root[np.ix_(keep, keep)])
    others = -factor @ directions.pairs[0][:, keep].T
    length = np.concatenate([frame.length[keep], frame.length[directions.own]])
    joint = np.hstack([factor, others]) / length
    singular = interruptible(np.linalg.svd, joint, compute_uv=False)
    return float(singular[0] / singular[-1])


def first_columns(null_space: FloatArray) -> list[int]:
    """The columns that do not depend on earlier ones."""
    dropped = {pivot for pivot, _ in eliminated(null_space)}
    return [j for j in range(null_space.shape[1]) if j not in dropped]


def _dropped(frame: Frame) -> npt.NDArray[np.bool_]:
    dropped = np.ones(frame.null_space.shape[1], dtype=bool)
    dropped[first_columns(frame.null_space)] = False
    return dropped


def _moved(
    frame: Frame,
    directions: Directions,
    dropped: npt.NDArray[np.bool_] | None,
    fit_intercept: bool,
) -> tuple[Frame, FloatArray, FloatArray]:
    """The solution of smallest norm, or with 0 for dropped columns.

    Returns
    -------
    frame : Frame
        The solution. Its root is that of the columns that standard errors belong to.
    moving : ndarray of shape (n_features, rank)
        A root for errors of the solution, which move as the solution does.
    moved : ndarray of shape (n_targets, n_features)
        What errors of the directions do to the coefficients.
    """
    p = len(frame.length)
    frame = frame._replace(coef=frame.coef.copy(), intercept=frame.intercept.copy())
    if len(directions.errors) == 0:
        return frame, frame.root, np.zeros((frame.coef.shape[1], p))
    # The first columns are those that are left where the others count beyond all measure.
    units = frame.scale[:p] if dropped is None else np.where(dropped, _BEYOND, 1.0)
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
    if dropped is None:
        top = frame.scale[:p].max(initial=0.0)
        in_units = frame.scale[:p, np.newaxis] / top
        basis = interruptible(np.linalg.qr, pairs.T * in_units)[0]
        along = frame.root * in_units
        along -= basis @ (basis.T @ along)
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.where(in_units > 0, along / in_units, 0.0)
        return frame, root, moved
    frame.coef.reshape(2, -1, p)[:, :, dropped] = 0.0
    varying = dropped & (frame.length > 0)
    shares = interruptible(np.linalg.solve, pairs[:, varying].T, frame.root[varying])
    root = frame.root - pairs.T @ shares
    root[dropped] = 0.0
    moved[:, dropped] = 0.0
    return frame._replace(root=root), root, moved


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


def checked(table: Table, moments: Moments, frame: Frame) -> tuple[Frame, float]:
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
    frame = frame._replace(intercept=intercept, rss=rss)
    return frame, _digits_of_gradient(table, moments, frame, centred)


def _digits_of_gradient(
    table: Table, moments: Moments, frame: Frame, gradient: FloatArray
) -> float:
    """15 if the gradient (t, p) is zero to rounding, else about as many digits as it leaves."""
    p = table.n_features
    coef = frame.coef.reshape(2, -1, p)
    raw = rounding_factor(table, moments.total_weight, frame) * frame.length
    root_rss = np.sqrt(frame.rss)[:, np.newaxis]
    size = (np.abs(coef[0]) @ raw + np.sqrt(frame.tss))[:, np.newaxis]
    # Rounding of columns that depend on others only up to their rounding shows in the gradient.
    level = 64 * p * _U * raw * (size + root_rss)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.abs(gradient) / (frame.length * root_rss)
    worst = np.nan_to_num(np.where(np.abs(gradient) > level, cosine, 0.0), nan=1.0, posinf=1.0)
    return digits_at(max(float(worst.max(initial=0.0)), _U))
