"""Categories of many levels: the largest is eliminated, and what remains is fitted within its levels.

With D the indicators of a category, N = D'WD is diagonal, so that its coefficients leave the normal equations of
the other columns by a Schur complement, which is the cross-products about the means of each level:

    X'WX - X'WD N^-1 D'WX = sum over levels g and their rows i of  w_i (x_i - m_g) (x_i - m_g)'

The ladder climbs on the columns about these means, made while kernels read them. It does not matter that the means are
rounded: what they are wrong by changes the products in second order only. Coefficients of levels follow from the means
themselves, which are known to twice the working precision.
"""

from __future__ import annotations

import math

import numpy as np

from fastlr.errors import InputError
from fastlr.inference.inverse import LARGEST_KEPT
from fastlr.input.coded import CodedColumns, Member, Within, coded_columns
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.refusals import refuse_bad_weights, refuse_non_finite
from fastlr.least_squares.absorbed_levels import Elimination, level_solution, worst_digits
from fastlr.least_squares.absorbed_units import exponents_of, in_units, in_units_of_user
from fastlr.least_squares.ladder import climb_from
from fastlr.least_squares.problem import Problem, RowSummary, Solution
from fastlr.least_squares.rounding import add_to
from fastlr.least_squares.units import U
from fastlr.least_squares.within_levels import (
    Parts,
    eliminated,
    lengths_of,
    members_of,
    moments_within,
    parted,
    problem_within,
    without_noise,
)
from fastlr.moments.groups import GroupSums, group_sums
from fastlr.moments.moments import moments_of_state
from fastlr.moments.state import State

__all__ = [
    "ENOUGH_INDICATORS",
    "climb_absorbed",
    "climbed_within",
    "is_absorbed",
    "is_long",
    "refuse_large_levels",
    "refuse_many_indicators",
]

ENOUGH_INDICATORS = 64
"""Indicators beyond which a category may be eliminated; so few are fitted as columns like all others."""
_LONG = 1 << 33  # multiply-adds of a pass over columns like all others: half a second
_MOST_BYTES = 1 << 31  # of the moments of the columns that remain, or of their means by level
_ENOUGH_DIGITS = 13.0
_MOST_AS_COLUMNS = 10_000  # indicators whose moments are p x p


def is_absorbed(problem: Problem) -> bool:
    """Whether so many indicators are among the columns that a category is eliminated.

    Where moments of all columns take no long time, they give the inverse of all coefficients as well.
    """
    features = problem.features
    if not isinstance(features, CodedColumns) or problem.n_terms != 1:
        return False
    n_indicators = sum(category.n_columns for category in features.indicators)
    return is_long(features.n_samples, features.n_columns) and n_indicators > ENOUGH_INDICATORS


def is_long(n_samples: int, n_features: int) -> bool:
    """Whether moments of all columns take long, or are not kept."""
    return n_features > LARGEST_KEPT or n_samples * n_features * n_features > _LONG


def refuse_many_indicators(problem: Problem, argument: str) -> None:
    """Raise an `InputError` where an argument wants moments of all indicators, and they are too many."""
    features = problem.features
    if not isinstance(features, CodedColumns):
        return
    n_indicators = sum(category.n_columns for category in features.indicators)
    if n_indicators > _MOST_AS_COLUMNS:
        p = features.n_columns
        raise InputError(
            f"the categories become {n_indicators} indicators, and with {argument} the moments of all {p} columns are "
            f"needed: {_bytes(8 * p * p)}. At most {_MOST_AS_COLUMNS} indicators are taken then: join rare levels, or "
            f"leave {argument} out."
        )


def climb_absorbed(problem: Problem, accuracy: str, rank: str) -> tuple[RowSummary, Solution]:
    """Fit columns of which some are indicators; the category of most levels is eliminated."""
    parts = parted(problem)
    refuse_large_levels(problem, parts)
    sums = group_sums(
        coded_columns(parts.numbers, problem.features.n_samples),
        problem.targets,
        problem.weights,
        parts.category,
        problem.n_threads,
    )
    _refuse_non_finite_sums(problem, parts, sums)
    elimination = eliminated(problem, parts, sums)
    within = problem_within(problem, parts, elimination)
    state, passes = moments_within(within, parts, elimination)
    exponents = exponents_of(state, elimination)
    if np.any(exponents):
        scaled, powers = in_units(problem, exponents)
        return in_units_of_user(*climb_absorbed(scaled, accuracy, rank), powers)
    within, state = without_noise(within, state)
    return climbed_within(problem, within, parts, elimination, state, accuracy, rank, passes + 1)


def climbed_within(
    problem: Problem,
    within: Problem,
    parts: Parts,
    elimination: Elimination,
    state: State,
    accuracy: str,
    rank: str,
    passes: int,
) -> tuple[RowSummary, Solution]:
    """The solution of all columns, from the moments of those that remain about their means by level."""
    if not len(parts.columns):
        alone = _of_levels_alone(state, passes)
        nothing = np.zeros((2, *alone.coef.shape))
        return level_solution(problem, elimination, state, alone, nothing, np.zeros(len(alone.rss)))
    # Normal equations alone leave no root of the columns that "basic" keeps. What a few columns lack shows in the
    # coefficients of all levels, which may be much smaller: a sweep or two cost less than the sums by level.
    wanted = "auto" if accuracy == "fast" and rank == "basic" else accuracy
    if wanted == "auto" and len(parts.columns) <= ENOUGH_INDICATORS:
        wanted = "max"
    result = climb_from(moments_of_state(state), within, wanted, rank, passes, False)
    coef, length = _exact_coef(result), lengths_of(state)
    error = _error_of_centring(state, result, length)
    digits, relevant = _digits_after(error, result, length)
    least = {"fast": 0.0, "auto": _ENOUGH_DIGITS, "max": 15.0}[accuracy]
    is_known_to_rounding = within.stream is not None  # whose remainders nobody keeps
    is_short = relevant < least and relevant < result.relevant_digits
    if is_short and result.code == "ok" and not is_known_to_rounding:
        result, coef = _climb_exactly(within, state, parts, elimination, wanted, result.passes)
        error = np.zeros(len(coef[0]))
    else:
        result = result._replace(
            digits=min(digits, result.digits), relevant_digits=min(relevant, result.relevant_digits)
        )
    return level_solution(problem, elimination, state, result, coef, error)


def refuse_large_levels(problem: Problem, parts: Parts) -> None:
    """Raise an `InputError` where what remains has too many columns for their moments, or for their means."""
    p, n_levels = len(parts.columns), parts.category.n_levels
    largest = problem.feature_names[parts.first].partition("[")[0]
    moments, means = 8 * p * p, 8 * n_levels * (p + problem.targets.n_columns)
    if max(moments, means) <= _MOST_BYTES:
        return
    raise InputError(
        f"category {largest!r} is eliminated with its {n_levels} levels, and {p} columns remain, indicators of other "
        f"categories among them: their moments need {_bytes(moments)} and their means by level {_bytes(means)}, and "
        f"{_bytes(_MOST_BYTES)} is the most that is taken for either. Join rare levels, or leave a category out."
    )


def _bytes(number: int) -> str:
    return f"{number} bytes ({number / 2**30:.1f} GiB)"


def _refuse_non_finite_sums(problem: Problem, parts: Parts, sums: GroupSums) -> None:
    if problem.weights is not None:
        refuse_bad_weights(problem.weights)
    if np.isfinite(sums.columns).all() and np.isfinite(sums.weight).all():
        return
    refuse_non_finite(problem.features, problem.feature_names, argument="X")
    refuse_non_finite(problem.targets, problem.target_names, argument="y")
    raise InputError(
        "sums of a column by level exceed the range of float64 (about 1e308): divide the column, or y, by a power of "
        "two."
    )


def _of_levels_alone(state: State, passes: int) -> Solution:
    """The fit of a category and nothing else: what varies within its levels is left."""
    rss = state.products(False).diagonal() / state.scale**2
    t, n_dof = len(rss), state.n_samples
    with np.errstate(divide="ignore", invalid="ignore"):
        residual_sd = np.sqrt(rss / n_dof) if n_dof > 0 else np.full(t, np.nan)
    nothing = np.zeros((t, 0))
    return Solution(
        nothing,
        np.zeros(t),
        rss,
        rss,
        nothing,
        np.zeros(t),
        residual_sd,
        "normal",
        "ok",
        0,
        1.0,
        15.0,
        passes,
        np.zeros((0, 0)),
        np.zeros(0),
        None,
        15.0,
        15.0,
    )


def _climb_exactly(
    within: Problem,
    state: State,
    parts: Parts,
    elimination: Elimination,
    accuracy: str,
    passes: int,
) -> tuple[Solution, FloatArray]:
    """Climb with what rounding took from the columns about their means; coefficients are linear in the targets."""
    n = within.features.n_samples
    exact = within._replace(
        features=coded_columns([*members_of(within.features), *_remainders(within.features)], n),
        n_terms=2,
        offset_squares=None,
    )
    moments = moments_of_state(state)
    result = climb_from(moments, exact, accuracy, "min_norm", passes, False)
    remainders = coded_columns(_remainders(within.targets), n)
    of_targets = within._replace(targets=remainders, offset_squares=None)
    rest, more = moments_within(of_targets, parts, elimination)
    correction = climb_from(
        moments_of_state(rest), exact._replace(targets=remainders), "auto", "min_norm", more, False
    )
    coef = _exact_coef(result)
    add_to(coef, correction.coef)
    return result._replace(passes=result.passes + correction.passes), coef


def _remainders(columns: Columns) -> list[Member]:
    """What rounding took from columns about their means."""
    return [
        Within(member.source, member.codes, member.centre, "remainder")
        if isinstance(member, Within)
        else member  # zeros
        for member in members_of(columns)
    ]


def _error_of_centring(state: State, result: Solution, length: FloatArray) -> FloatArray:
    """What rounding about the means does (n_targets,): times a root of the inverse, the error of a coefficient.

    Rounding errors of many rows are as good as independent.
    """
    p = result.coef.shape[1]
    size = length[p:] + np.abs(result.coef) @ length[:p]
    error: FloatArray = 4.0 * U * size / math.sqrt(max(1, state.n_samples))
    return error


def _digits_after(error: FloatArray, result: Solution, length: FloatArray) -> tuple[float, float]:
    """Digits of the worst coefficient, and relevant ones, for which a small one counts as of the targets' size."""
    scaled = result.scaled
    p = result.coef.shape[1]
    if scaled is None:
        return result.digits, result.relevant_digits
    of_coef = error[:, np.newaxis] * np.linalg.norm(scaled.root, axis=1) * scaled.scale[:p]
    size = np.abs(result.coef)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_targets = np.where(length[:p] > 0, length[p:, np.newaxis] / length[:p], np.inf)
        each = np.where(of_coef > 0, of_coef / size, 0.0)
        relevant = np.where(of_coef > 0, of_coef / np.maximum(size, of_targets), 0.0)
    return worst_digits(each), worst_digits(relevant)


def _exact_coef(result: Solution) -> FloatArray:
    """Coefficients (2, t, p) in the user's units, unevaluated sums, as far as they are known."""
    coef, scaled = result.coef, result.scaled
    low = np.zeros_like(coef)
    if scaled is not None and result.code == "ok":
        t, p = coef.shape
        pairs = scaled.coef.reshape(2, t, p) * scaled.scale[:p] / scaled.scale[p:, np.newaxis]
        low = np.where(np.isfinite(pairs[0]), (pairs[0] - coef) + pairs[1], 0.0)
    return np.stack([coef, low])
