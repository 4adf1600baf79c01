"""The ladder's vocabulary, and its first rung: sweeps that correct the coefficients until they rest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.errors import InputError
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.threads import resolve_threads
from fastlr.moments import Moments

__all__ = [
    "CONVERGED",
    "COURSE_ERROR",
    "COURSE_RSS",
    "COURSE_STATE",
    "SHARP",
    "Climb",
    "Frame",
    "RootError",
    "Table",
    "at_full_rank",
    "bse_error_of",
    "digits_at",
    "digits_of",
    "finished",
    "first_limb",
    "has_settled",
    "n_varying",
    "refine",
    "refine_and_show",
    "rounding_factor",
    "sweep_rows",
    "with_exact_means",
]

# Columns of a course: see refinement.hpp.
COURSE_STATE, COURSE_RSS, _RELATIVE_ERROR, _CONTRACTION, COURSE_ERROR, _COURSE_SIZE = (
    0,
    2,
    3,
    5,
    6,
    7,
)
CONVERGED = 1.0
_FEW_DIGITS = 4.0
_U = 2.0**-53
_SMALLEST_NORMAL = 2.0**-1022
SHARP = 1e-10  # relative error that standard errors may have
_NEGLIGIBLE = 1e-25  # beside the terms that a coefficient is made of: zero but for rounding


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a fit, validated, and what is to be fitted to them."""

    features: Columns
    targets: Columns
    weights: npt.NDArray[Any] | None
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    fit_intercept: bool
    n_threads: int | None
    limbs: int = 1
    """X is the sum of so many tables of equal width, one after the other in ``features``."""

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.features.n_columns // self.limbs


class Climb(NamedTuple):
    """Where the ladder ended, in the user's units; arrays have a row for each target."""

    solver: str
    code: str
    rank: int
    condition_number: float
    digits: float
    passes: int
    coef: FloatArray
    intercept: FloatArray
    rss: FloatArray
    tss: FloatArray
    bse: FloatArray
    bse_intercept: FloatArray
    residual_sd: FloatArray
    null_space: FloatArray
    """Rows N with ``sum_j N_kj x_j / length_j = 0`` for the centred columns."""
    length: FloatArray
    log_rss: FloatArray
    """Logarithm of rss, which rss itself may leave the range of float64 for."""
    relevant_digits: float
    """As digits, but a coefficient that is zero beside what it is made of counts as if it were of y's size."""
    bse_digits: float
    """Right digits of the standard errors."""


class Frame(NamedTuple):
    """A solution in the frame of scaled columns; in the order of the kernels' tuple."""

    code: str
    rank: int
    condition_number: float
    scale: FloatArray
    mean: FloatArray
    root: FloatArray
    coef: FloatArray
    intercept: FloatArray
    rss: FloatArray
    tss: FloatArray
    length: FloatArray
    null_space: FloatArray
    contraction: float
    """By which factor a sweep with this root reduces the error, at most."""
    squared_condition: float
    """Condition number of the normal equations in the frame, as their factor estimates it."""


class RootError(NamedTuple):
    """How well a root of the inverse of the normal equations is known, and what it says of the intercept."""

    relative: float
    """Estimated relative error of standard errors."""
    intercept: float | None
    """Standard error of the intercept by that of a residual; None where the root tells it."""


def n_varying(frame: Frame) -> int:
    """Columns that are not constant."""
    return int(np.count_nonzero(frame.length))


def rounding_factor(table: Table, weight: float, frame: Frame) -> FloatArray:
    """(p,) by how much the rounding of a column's values exceeds that of its deviations from the mean.

    Columns that come as unevaluated sums carry no rounding of their own.
    """
    p = table.n_features
    offset = np.sqrt(weight) * np.abs(frame.mean[0, :p]) * (table.limbs == 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor: FloatArray = np.where(frame.length > 0, np.hypot(1.0, offset / frame.length), 1.0)
    return factor


def bse_error_of(frame: Frame) -> float:
    """Estimated relative error of standard errors from a factor of the moments."""
    return _U * frame.condition_number**2


def _bse_digits(error: float, rss: FloatArray, tss: FloatArray, passes: int) -> float:
    """Right digits of standard errors whose root has this relative error.

    After a single pass the sum of squares is what is left of the targets' own.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        left = np.where(rss > 0, tss / rss, 1.0)
    of_rss = _U * (float(left.max(initial=1.0)) if passes == 1 else 1.0)
    return digits_at(error + of_rss)


def first_limb(table: Table) -> Columns:
    """The leading parts of columns that come as unevaluated sums."""
    return replace(table.features, source=table.features.arrays[0], n_columns=table.n_features)


def with_exact_means(table: Table, frame: Frame) -> Frame:
    """The frame with its features' means to twice the working precision: one pass over the rows.

    A sweep of a target of zeros at the intercept -1 has residuals of 1, and the columns' sums for its gradient.
    """
    p, n = table.n_features, table.features.n_samples
    if not table.fit_intercept:
        return frame
    zeros = np.broadcast_to(np.zeros(1), (n, 1))
    ones = frame._replace(
        coef=np.zeros((2, p)),
        intercept=np.array([[-1.0], [0.0]]),
        scale=np.append(frame.scale[:p], 1.0),
    )
    slots = sweep_rows(replace(table, targets=Columns(zeros, n, 1)), ones)
    sums, count, _ = kernels.sweep_totals(n, p, 1, table.limbs, slots)
    mean = frame.mean.copy()
    mean[:, :p] = _quotient(sums[:, 0], count[:, 0])
    return frame._replace(mean=mean)


def _quotient(sums: FloatArray, count: FloatArray) -> FloatArray:
    """Sums (2, p) / count (2,), unevaluated sums all: what the first quotient leaves is divided once more."""
    high = sums[0] / count[0]
    split = 134217729.0  # Dekker's: halves whose products are exact
    of_high, of_count = split * high, split * count[0]
    upper, factor = of_high - (of_high - high), of_count - (of_count - count[0])
    lower, rest = high - upper, count[0] - factor
    product = high * count[0]
    excess = ((upper * factor - product) + upper * rest + lower * factor) + lower * rest
    low = ((sums[0] - product) - excess + sums[1] - high * count[1]) / count[0]
    return np.stack([high, low])


def sweep_rows(table: Table, frame: Frame) -> FloatArray:
    """Residuals and gradients at the frame's coefficients, in twice the working precision: one pass over the rows.

    Returns
    -------
    ndarray of shape (n_slots, slot_size)
        Sums for `kernels.refine` or `kernels.sweep_totals`.
    """
    p, t, limbs = table.n_features, table.targets.n_columns, table.limbs
    threads = resolve_threads(table.n_threads)
    n_slots, slot_size, n_parts = kernels.plan_sweep(table.features.n_samples, limbs * p, t)
    coef = np.ascontiguousarray(frame.coef.reshape(2, t, p))
    intercept = np.ascontiguousarray(frame.intercept)
    scale = np.concatenate([np.tile(frame.scale[:p], limbs), frame.scale[p:]])
    slots = np.zeros((n_slots, slot_size))
    for part in range(n_parts):  # Python sees Ctrl-C between parts
        kernels.sweep(
            table.features.source,
            table.targets.source,
            table.weights,
            scale,
            limbs,
            coef,
            intercept,
            part,
            threads,
            slots,
        )
    return slots


def refine(
    table: Table,
    moments: Moments,
    frame: Frame,
    contraction: float,
    tolerance: float,
) -> tuple[Frame, FloatArray, int]:
    """Sweeps until all targets rest: rung 1."""
    return refine_and_show(table, moments, frame, contraction, tolerance)[:3]


def refine_and_show(
    table: Table,
    moments: Moments,
    frame: Frame,
    contraction: float,
    tolerance: float,
    is_enough: Callable[[FloatArray], bool] | None = None,
) -> tuple[Frame, FloatArray, int, FloatArray]:
    """As `refine`, with the last sweep's gradient (t, p), about the means, before its correction.

    ``is_enough`` looks at the course after each sweep, and may end it sooner.
    """
    p, t, n, limbs = (
        table.n_features,
        table.targets.n_columns,
        table.features.n_samples,
        table.limbs,
    )
    course = np.zeros((t, _COURSE_SIZE))
    course[:, _CONTRACTION] = contraction
    coef = np.ascontiguousarray(frame.coef.reshape(2, t, p))
    intercept = np.ascontiguousarray(frame.intercept)
    n_sweeps, rest = 0, False
    while not rest:  # the kernel lets no target go on for more than ten sweeps
        slots = sweep_rows(table, frame._replace(coef=coef, intercept=intercept))
        rest = kernels.refine(
            n,
            limbs,
            slots,
            table.fit_intercept,
            moments.total_weight,
            frame.mean,
            frame.tss,
            frame.root,
            tolerance,
            coef,
            intercept,
            course,
        )
        n_sweeps += 1
        rest = rest or (is_enough is not None and is_enough(course))
    gradient, total, _ = kernels.sweep_totals(n, p, t, limbs, slots)
    centred: FloatArray = gradient.sum(axis=0)
    if table.fit_intercept:
        centred = centred - np.outer(total.sum(axis=0), frame.mean[0, :p])
    refined = frame._replace(coef=coef, intercept=intercept, rss=course[:, COURSE_RSS].copy())
    return refined, course, n_sweeps, centred


def has_settled(course: FloatArray) -> bool:
    """Whether all targets came to rest, or are good enough without."""
    rests = bool(np.all(course[:, COURSE_STATE] == CONVERGED))
    return rests or digits_of(course) > kernels.DIGITS_WITHOUT_REST


def digits_of(course: FloatArray) -> float:
    """Right digits of the worst coefficient, by the last correction."""
    return digits_at(course[:, _RELATIVE_ERROR].max())


def digits_at(relative_error: float) -> float:
    """-log10 of a relative error, between 0 and 15."""
    digits = -math.log10(relative_error)
    return min(15.0, digits) if digits >= 0.01 else 0.0


def at_full_rank(
    solver: str,
    condition: float,
    digits: float,
    relevant_digits: float,
    passes: int,
    figures: Any,
) -> Climb:
    """The result of the kernels' own climb."""
    coef, intercept, rss, tss, bse, bse_intercept, residual_sd = figures
    p = coef.shape[1]
    nothing = np.zeros((0, p))
    return Climb(
        solver,
        "ok",
        p,
        condition,
        digits,
        passes,
        coef,
        intercept,
        rss,
        tss,
        bse,
        bse_intercept,
        residual_sd,
        nothing,
        nothing,
        log_of(rss),
        relevant_digits,
        _bse_digits(_U * condition**2, rss, tss, passes),
    )


def log_of(values: FloatArray) -> FloatArray:
    """Logarithms, minus infinity of 0."""
    return np.array([math.log(value) if value > 0 else -math.inf for value in values])


def finished(
    solver: str,
    frame: Frame,
    moments: Moments,
    fit_intercept: bool,
    digits: float,
    passes: int,
    relevant_digits: float | None = None,
    undetermined: npt.NDArray[np.bool_] | None = None,
    root_error: RootError | None = None,
) -> Climb:
    """The frame's solution in the user's units.

    ``undetermined`` (p,) are coefficients without a standard error, by default those that a dependency involves.
    ``root_error`` is that of a factor of the moments by default.
    """
    p = len(frame.length)
    n_dof = moments.n_samples - frame.rank - fit_intercept
    figures = kernels.finish(
        fit_intercept,
        moments.total_weight,
        frame.mean,
        frame.tss,
        np.ascontiguousarray(frame.root),
        frame.scale,
        np.ascontiguousarray(frame.coef),
        frame.intercept,
        frame.rss,
        n_dof,
    )
    if undetermined is None:
        undetermined = np.any(np.abs(frame.null_space) > 1e-8, axis=0)
    figures[4][:, undetermined] = np.nan
    if root_error is not None and root_error.intercept is not None and fit_intercept:
        figures = (*figures[:5], figures[6] * root_error.intercept, figures[6])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        length = np.where(frame.length > 0, frame.length / frame.scale[:p], 0.0)
    lost = _lost_to_range(frame, figures[0], figures[1], moments)
    relevant = digits if relevant_digits is None else relevant_digits
    return Climb(
        solver,
        "underflow" if lost < _FEW_DIGITS else frame.code,
        frame.rank,
        frame.condition_number,
        min(digits, lost),
        passes,
        *figures,
        frame.null_space,
        length,
        log_of(frame.rss) - 2.0 * np.log(frame.scale[p:]),
        min(relevant, lost),
        _bse_digits(
            bse_error_of(frame) if root_error is None else root_error.relative,
            frame.rss,
            frame.tss,
            passes,
        ),
    )


def _lost_to_range(
    frame: Frame, coef: FloatArray, intercept: FloatArray, moments: Moments
) -> float:
    """Digits that float64 has room for; what is above its range is refused."""
    t, p = coef.shape
    values = np.column_stack([coef, intercept])
    above = np.argwhere(~np.isfinite(values))
    if len(above):
        j = above[0][1]
        name = f"coefficient of {moments.feature_names[j]!r}" if j < p else "intercept"
        raise InputError(
            f"the {name} exceeds the range of float64 (about 1e308): divide y, or multiply the column, by a power of "
            "two."
        )
    exact = np.column_stack([frame.coef[0].reshape(t, p), frame.intercept[0]])
    size = np.sqrt(frame.tss) + np.abs(frame.mean[0, p:])
    below = (np.abs(values) < _SMALLEST_NORMAL) & (
        np.abs(exact) > _NEGLIGIBLE * size[:, np.newaxis]
    )
    if not below.any():
        return 15.0
    smallest = float(np.abs(values[below]).min())
    return float(np.clip(np.log10(smallest / 2.0**-1073), 0.0, 15.0)) if smallest > 0 else 0.0
