"""The accuracy ladder: from rows to as many right digits as are asked for, in as few passes as that takes.

0. Moments in one pass, Cholesky's factor of the equilibrated normal equations, componentwise error estimate.
1. Sweeps: residual and gradient in about twice the working precision correct the coefficients, which are kept as
   unevaluated sums of two numbers. Converges while the squared condition number stays below 1e12.
2. Preconditioned passes: cross-products of the rows in a basis that makes them nearly orthonormal, then sweeps.
3. Rank, decided by singular values at the rounding level of the data; minimum-norm or basic solutions.

Each rung is entered only if the one below it does not give what is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._arrays import Columns, FloatArray
from fastlr._kernels import kernels
from fastlr._threads import resolve_threads
from fastlr.errors import InputError
from fastlr.moments import Moments
from fastlr.passes import scaled_moments
from fastlr.refinement import (
    CONVERGED,
    COURSE_STATE,
    Climb,
    Frame,
    Table,
    digits_of,
    finished,
    refine,
)

__all__ = [
    "ACCURACIES",
    "RANK_RULES",
    "Climb",
    "Table",
    "check_choice",
    "climb",
    "eliminated",
    "solve_at_once",
]

ACCURACIES = ("fast", "auto", "max")
RANK_RULES = ("min_norm", "basic", "full", "raise")

_ALWAYS_POLISHED = 1 << 17  # values below which a sweep costs next to nothing
_ONE_CALL = 1 << 27  # multiply-adds of a pass that need no interruption
_LARGEST_SQUARED_CONDITION = 1e12
_U = 2.0**-53
# Estimated relative error to refine to; the estimate is ten times what to expect.
_TOLERANCE = {"auto": 2e-15, "max": _U}


def climb(table: Table, accuracy: str, rank: str) -> tuple[Moments, Climb]:
    """Fit rows with the accuracy asked for; ``rank`` says what to do with columns that depend on one another."""
    n, p, q = table.features.n_samples, table.n_features, table.n_features + table.targets.n_columns
    if n * q * (q + 16) <= _ONE_CALL and table.limbs == 1:
        result: Any = kernels.climb(
            table.features.source,
            table.targets.source,
            table.weights,
            table.fit_intercept,
            ACCURACIES.index(accuracy),
            resolve_threads(table.n_threads),
        )
        n_samples, weight, sum_log_weight, mean, cross, condition, digits, n_sweeps = result[2:-1]
        figures = result[-1]
        if figures is not None:
            moments = Moments._build(
                n_samples,
                weight,
                sum_log_weight,
                np.ones(q),
                mean,
                cross,
                table.feature_names,
                table.target_names,
            )
            solver = "refined" if n_sweeps else "normal"
            nothing = np.zeros((0, p))
            coef, intercept, rss, tss, bse, bse_intercept, residual_sd = figures
            return moments, Climb(
                solver,
                "ok",
                p,
                condition,
                digits,
                1 + n_sweeps,
                coef,
                intercept,
                rss,
                tss,
                bse,
                bse_intercept,
                residual_sd,
                nothing,
                nothing,
            )
    moments = Moments._of_columns(
        table.features if table.limbs == 1 else _first_limb(table),
        table.targets,
        table.weights,
        table.feature_names,
        table.target_names,
        table.n_threads,
    )
    return moments, _climb_from(moments, table, accuracy, rank)


def solve_at_once(
    moments: Moments, fit_intercept: bool, alpha: float, rank: str = "min_norm"
) -> Climb:
    """Coefficients from moments alone, by the normal equations."""
    frame, digits, _ = _normal_equations(moments, fit_intercept, alpha, rank != "full")
    solver = (
        "minimum_norm"
        if frame.rank < len(frame.length) and frame.code == "rank_deficient"
        else "normal"
    )
    result = finished(solver, frame, moments, fit_intercept, digits, passes=1)
    if alpha:
        nan = np.full_like(result.bse, np.nan)
        result = result._replace(bse=nan, bse_intercept=nan[:, 0].copy())
    return result


def _first_limb(table: Table) -> Columns:
    source = table.features.source
    if not isinstance(source, list):
        raise TypeError("limbs are a list of tables")
    return replace(table.features, source=source[0], n_columns=table.n_features)


def _normal_equations(
    moments: Moments, fit_intercept: bool, alpha: float, truncate: bool
) -> tuple[Frame, float, bool]:
    system = (
        moments.n_features,
        moments.total_weight,
        moments._mean,
        moments._cross,
        fit_intercept,
        alpha,
        truncate,
    )
    if moments.precision == "double_double":
        result, digits = kernels.solve_double_double(*system)
        frame = Frame(*result)
        return frame._replace(scale=frame.scale * moments._scale), digits, True
    result, digits, enough = kernels.solve_normal_equations(*system, moments.n_samples)
    frame = Frame(*result)
    if frame.code == "rank_deficient":
        digits = (
            0.0  # moments cannot tell columns that depend on one another from those that nearly do
        )
    return frame._replace(scale=frame.scale * moments._scale), digits, enough


def _climb_from(moments: Moments, table: Table, accuracy: str, rank: str) -> Climb:
    frame, digits, enough = _normal_equations(moments, table.fit_intercept, 0.0, rank != "full")
    values = table.features.n_samples * table.n_features
    if accuracy == "fast":
        solver = "minimum_norm" if frame.rank < table.n_features else "normal"
        return _settle(
            finished(solver, frame, moments, table.fit_intercept, digits, 1), table, accuracy, rank
        )
    is_factored = frame.condition_number**2 <= _LARGEST_SQUARED_CONDITION
    if (
        frame.code == "ok"
        and enough
        and accuracy == "auto"
        and values > _ALWAYS_POLISHED
        and table.limbs == 1
    ):
        return finished("normal", frame, moments, table.fit_intercept, digits, 1)
    passes, tolerance = 1, _TOLERANCE[accuracy]
    if is_factored and frame.rank == np.count_nonzero(frame.scale[: table.n_features]):
        contraction = min(1.0, 4 * max(1, table.n_features) * _U * frame.condition_number**2)
        refined, course, n_sweeps = refine(table, moments, frame, contraction, tolerance)
        passes += n_sweeps
        if np.all(course[:, COURSE_STATE] == CONVERGED) or digits_of(course) > 14.0:
            result = finished(
                "refined", refined, moments, table.fit_intercept, digits_of(course), passes
            )
            return _settle(result, table, accuracy, rank)
    return _settle(
        _precondition(table, moments, frame, rank, passes, tolerance), table, accuracy, rank
    )


def _precondition(
    table: Table, moments: Moments, start: Frame, rank: str, passes: int, tolerance: float
) -> Climb:
    """Rungs 2 and 3."""
    p, threads = table.n_features, resolve_threads(table.n_threads)
    features = table.features if table.limbs == 1 else _first_limb(table)
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
    n_varying = int(np.count_nonzero(length))
    is_truncated = n_independent < n_varying and rank != "full"
    t = table.targets.n_columns
    pairs = np.zeros((2, t, p))
    intercept = np.zeros((2, t))
    if not is_truncated:
        if n_independent < n_varying:  # of all columns, since all are kept
            varying = length > 0
            condition = float(np.linalg.cond(factor[np.ix_(varying, varying)] / length[varying]))
        root, null_space, n_independent = basis, np.eye(p)[length == 0], n_varying
        pairs[0] = coef
        for k in range(t):
            no_direction = np.zeros((0, p))
            kernels.move_to_minimum_norm(
                no_direction, scale[:p], start.mean, table.fit_intercept, k, pairs, intercept
            )
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
    refined, course, n_sweeps = refine(table, moments, frame, contraction, tolerance, is_truncated)
    passes += n_sweeps
    if is_truncated and n_varying:
        directions = _refined_null_space(table, moments, refined, contraction)
        for _ in range(
            2
        ):  # the sweep mends what moving along inexact directions did to the predictions
            _to_minimum_norm(table, refined, directions)
            refined, course, n_sweeps = refine(
                table, moments, refined, contraction, tolerance, is_truncated
            )
            passes += n_sweeps
        _to_minimum_norm(table, refined, directions)
    solver = "minimum_norm" if n_independent < p else "preconditioned"
    return finished(solver, refined, moments, table.fit_intercept, digits_of(course), passes)


def _to_minimum_norm(table: Table, frame: Frame, directions: FloatArray) -> None:
    for k in range(table.targets.n_columns):
        kernels.move_to_minimum_norm(
            directions,
            frame.scale[: table.n_features],
            frame.mean,
            table.fit_intercept,
            k,
            frame.coef,
            frame.intercept,
        )


def _refined_null_space(
    table: Table, moments: Moments, frame: Frame, contraction: float
) -> FloatArray:
    """Directions of coefficients, in the frame, along which no prediction changes.

    The singular vectors are right up to rounding times the condition number of the columns that remain. A
    refinement with targets of zero makes them right to the last digit.
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
    intercept = np.zeros((2, k))
    mean = np.concatenate([frame.mean[:, :p], np.zeros((2, k))], axis=1)
    for i in range(k):
        kernels.move_to_minimum_norm(
            np.zeros((0, p)), np.ones(p), mean, table.fit_intercept, i, pairs, intercept
        )
    null = frame._replace(
        coef=pairs,
        intercept=intercept,
        mean=mean,
        scale=np.concatenate([frame.scale[:p], np.ones(k)]),
        tss=np.ones(k),
    )
    refined, _, _ = refine(zeros, moments, null, contraction, _U, True)
    return np.ascontiguousarray(refined.coef[0])


def _settle(result: Climb, table: Table, accuracy: str, rank: str) -> Climb:
    """What the rule for dependent columns makes of a result."""
    if result.code != "rank_deficient" or rank in ("min_norm", "full"):
        return result
    if rank == "raise":
        return result  # the caller knows the names and raises
    dropped = {pivot for pivot, _ in eliminated(result.null_space)}
    keep = [j for j in range(table.n_features) if j not in dropped]
    if not keep:
        return result._replace(solver="basic")
    smaller = replace(
        table,
        features=_selected(table.features, keep, table.n_features, table.limbs),
        feature_names=tuple(table.feature_names[j] for j in keep),
    )
    _, basic = climb(smaller, accuracy, "full")
    return result._replace(
        solver="basic",
        condition_number=basic.condition_number,
        digits=basic.digits,
        passes=result.passes + basic.passes,
        coef=_spread(basic.coef, keep, table.n_features, 0.0),
        intercept=basic.intercept,
        rss=basic.rss,
        bse=_spread(basic.bse, keep, table.n_features, np.nan),
        bse_intercept=basic.bse_intercept,
        residual_sd=basic.residual_sd,
    )


def _spread(values: FloatArray, keep: Sequence[int], p: int, fill: float) -> FloatArray:
    out = np.full((len(values), p), fill)
    out[:, keep] = values
    return out


def _selected(columns: Columns, keep: Sequence[int], p: int, limbs: int) -> Columns:
    """Some of the columns, as views."""
    source = columns.source
    if limbs > 1 and isinstance(source, list):
        chosen: list[npt.NDArray[Any]] = [limb[:, keep] for limb in source]
    elif isinstance(source, list):
        chosen = [source[j] for j in keep]
    else:
        chosen = [source[:, j] for j in keep]
    return Columns(chosen, columns.n_samples, limbs * len(keep))


def eliminated(null_space: FloatArray) -> list[tuple[int, FloatArray]]:
    """The null space by Gauss-Jordan elimination, pivots as far to the right as possible.

    Each row is returned with its pivot, where it is 1 and all others are 0: the column that depends on those
    before it. Without the pivots' columns the others are independent.
    """
    rows = null_space.copy()
    pivots: list[int] = []
    for k in range(len(rows)):
        size = np.abs(rows[k:]).max(axis=0)
        size[pivots] = 0.0
        j = int(np.flatnonzero(size > 0.1 * size.max())[-1])
        best = k + int(np.abs(rows[k:, j]).argmax())
        rows[[k, best]] = rows[[best, k]]
        rows[k] /= rows[k, j]
        others = [i for i in range(len(rows)) if i != k]
        rows[others] -= np.outer(rows[others, j], rows[k])
        pivots.append(j)
    return list(zip(pivots, rows, strict=True))


def check_choice(value: str, choices: Sequence[str], argument: str) -> str:
    """One of the words that an argument may be."""
    if value not in choices:
        known = ", ".join(repr(choice) for choice in choices)
        raise InputError(f"{argument}={value!r} is not known: pass one of {known}.")
    return value
