"""What remains of a problem when a category is eliminated: columns about their means by level, and their moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.input.coded import CodedColumns, Indicator, Member, Within, coded_columns
from fastlr.input.columns import Columns, FloatArray
from fastlr.least_squares.absorbed_levels import Elimination
from fastlr.least_squares.problem import Problem
from fastlr.least_squares.rounding import ROUNDING, quotient
from fastlr.least_squares.units import U
from fastlr.moments.groups import GroupSums, contingency, group_sums
from fastlr.moments.state import State

__all__ = [
    "Parts",
    "eliminated",
    "lengths_of",
    "members_of",
    "moments_within",
    "noise_within",
    "parted",
    "problem_within",
    "without_columns",
    "without_noise",
]


@dataclass(frozen=True)
class Parts:
    """The columns of a problem, by what becomes of them."""

    category: Indicator
    """The category that is eliminated."""
    first: int
    """Position of the first indicator of that category among the features."""
    rest: list[Member]
    """What remains, in its order: columns of numbers, and other categories."""
    columns: npt.NDArray[np.intp]
    """Positions of the columns that remain, one by one."""

    @property
    def numbers(self) -> list[Member]:
        """Columns of numbers among those that are not eliminated."""
        return [member for member in self.rest if isinstance(member, np.ndarray)]

    @property
    def others(self) -> list[Indicator]:
        """Categories that are not eliminated."""
        return [member for member in self.rest if isinstance(member, Indicator)]


def parted(problem: Problem) -> Parts:
    """Choose the category of most levels, and tell what remains."""
    features = problem.features
    assert isinstance(features, CodedColumns)
    category = max(features.indicators, key=lambda member: member.n_columns)
    rest: list[Member] = []
    first = position = 0
    for member in features.members:
        if member is category:
            first = position
        else:
            rest.append(member)
        position += 1 if isinstance(member, np.ndarray) else member.n_columns
    columns = np.delete(np.arange(features.n_columns), np.s_[first : first + category.n_columns])
    return Parts(category, first, rest, columns)


def eliminated(
    problem: Problem, parts: Parts, sums: GroupSums, tables: Sequence[Any] | None = None
) -> Elimination:
    """Means of all columns that remain, and of the targets, by level.

    ``tables`` are the weights in which its levels meet those of the other categories, where they are known already.
    """
    category, weight = parts.category, sums.weight
    n_levels, p, t = category.n_levels, len(parts.columns), problem.targets.n_columns
    is_eliminated = weight[0] > 0
    has_reference = category.level == 1
    if has_reference and not problem.fit_intercept:
        is_eliminated[0] = False
    counted = np.where(weight[0] > 0, weight, [[1.0], [0.0]])
    high, low = np.zeros((n_levels, p + t)), np.zeros((n_levels, len(sums.columns)))
    met: dict[int, Any] = {}
    numbers: list[int] = []
    j = 0
    known = iter(tables or ())
    for member in parts.rest:
        if isinstance(member, Indicator):
            table = (
                contingency(category, member, problem.weights) if tables is None else next(known)
            )
            table = table[:, member.level :]
            met[j] = table
            share = table.tocoo()
            high[share.row, j + share.col] = share.data / counted[0][share.row]
            j += member.n_columns
        else:
            numbers.append(j)
            j += 1
    numbers += range(p, p + t)
    for k, place in enumerate(numbers):
        exponent = int(np.frexp(np.abs(sums.columns[k, 0]).max())[1])
        mean = np.ldexp(quotient(np.ldexp(sums.columns[k], -exponent), counted), exponent)
        high[:, place] = mean[0] + mean[1]
        low[:, k] = (mean[0] - high[:, place]) + mean[1]
    return Elimination(
        category,
        parts.first,
        parts.columns,
        is_eliminated,
        has_reference,
        weight[0],
        high,
        np.array(numbers, dtype=np.intp),
        low,
        met,
    )


def problem_within(problem: Problem, parts: Parts, elimination: Elimination) -> Problem:
    """The problem of the columns that remain, about their means by level."""
    codes, p = parts.category.codes, len(parts.columns)
    n, t = problem.features.n_samples, problem.targets.n_columns
    centre = elimination.high
    if not elimination.is_eliminated.all():
        centre = np.where(elimination.is_eliminated[:, np.newaxis], centre, 0.0)
    columns: list[Member] = []
    for member in parts.rest:
        pieces: list[Any] = [member]
        if isinstance(member, Indicator):
            pieces = [member.part(k, k + 1) for k in range(member.n_columns)]
        for piece in pieces:
            columns.append(Within(piece, codes, centre[:, len(columns)]))
    targets = [Within(problem.targets.column(k), codes, centre[:, p + k]) for k in range(t)]
    offsets = np.zeros(p)
    numbers = elimination.numbers[:-t]
    with np.errstate(over="ignore"):  # such columns get other units
        offsets[numbers] = elimination.weight @ np.square(centre[:, numbers])
    names = tuple(problem.feature_names[j] for j in parts.columns)
    return problem._replace(
        features=coded_columns(columns, n, names),
        targets=coded_columns(targets, n, problem.target_names),
        feature_names=names,
        fit_intercept=False,
        offset_squares=offsets,
    )


def moments_within(within: Problem, parts: Parts, elimination: Elimination) -> tuple[State, int]:
    """The moments of a problem within the levels, and how many passes they took; levels do not count as rows."""
    n_numbers = len(elimination.numbers) - within.targets.n_columns
    numbers = elimination.numbers[:n_numbers].tolist()
    state, passes = within.take_features(numbers).pass_over()
    if n_numbers < len(parts.columns):
        if np.any(state.scale != 1.0):
            state, more = within.pass_over()
            passes += more
        else:
            state = _with_categories(within, parts, elimination, state)
    n_groups = int(np.count_nonzero(elimination.is_eliminated))
    return state._replace(n_samples=state.n_samples - n_groups), passes


def without_noise(within: Problem, state: State) -> tuple[Problem, State]:
    """Columns of zeros for those that vary within the levels by no more than the rounding of their values."""
    noise = noise_within(within.offset_squares, state)
    if not noise.any():
        return within, state
    zeros = np.broadcast_to(np.zeros(1), (within.features.n_samples,))
    columns = [
        zeros if is_noise else member
        for member, is_noise in zip(members_of(within.features), noise, strict=True)
    ]
    features = coded_columns(columns, within.features.n_samples, within.feature_names)
    return within._replace(features=features), without_columns(state, noise)


def noise_within(offsets: FloatArray | None, state: State) -> npt.NDArray[np.bool_]:
    """Which columns (p,) vary within the levels by no more than the rounding of their values.

    ``offsets`` are the sums of squares of what was subtracted from them.
    """
    assert offsets is not None
    noise: npt.NDArray[np.bool_] = lengths_of(state)[: len(offsets)] <= ROUNDING * U * np.sqrt(
        offsets
    )
    return noise & (offsets > 0)


def without_columns(state: State, which: npt.NDArray[np.bool_]) -> State:
    """Moments in which some features are zeros."""
    if not which.any():
        return state
    cross, mean = state.cross.copy(), state.mean.copy()
    where = np.flatnonzero(which)
    cross[where], cross[:, where], mean[:, where] = 0.0, 0.0, 0.0
    return state._replace(cross=cross, mean=mean)


def _with_categories(
    within: Problem, parts: Parts, elimination: Elimination, state: State
) -> State:
    """Moments of all columns, from those of the numbers and the targets: sums by level, and tables of two categories.

    Products of indicators are what is left of the weights in which two levels meet; those with numbers are sums of the
    numbers about their means.
    """
    q, dense = elimination.high.shape[1], elimination.numbers
    cross = np.zeros((q, q))
    cross[np.ix_(dense, dense)] = state.products(False)
    n_numbers = len(dense) - within.targets.n_columns
    about_means = within.take_features(dense[:n_numbers].tolist())
    weight = np.where(elimination.is_eliminated, elimination.weight, np.inf)
    places = list(elimination.tables)
    squares = cross.diagonal().copy()
    for a, place in enumerate(places):
        member, of_left = parts.others[a], elimination.tables[place]
        left = slice(place, place + member.n_columns)
        sums = group_sums(
            about_means.features, about_means.targets, within.weights, member, within.n_threads
        )
        products = sums.columns.sum(axis=1)[:, member.level :]
        cross[left, dense], cross[dense, left] = products.T, products
        for b in range(a, len(places)):
            other, of_right = parts.others[b], elimination.tables[places[b]]
            right = slice(places[b], places[b] + other.n_columns)
            met = contingency(member, other, within.weights)[member.level :, other.level :]
            if a == b:
                squares[left] = met.diagonal()
            shares = of_right.multiply(1.0 / weight[:, np.newaxis]).tocsr()
            block = (met - of_left.T @ shares).toarray()
            cross[left, right], cross[right, left] = block, block.T
    return State(
        state.n_samples,
        state.total_weight,
        state.sum_log_weight,
        np.ones(q),
        np.zeros((2, q)),
        cross,
        within.feature_names,
        within.target_names,
        np.maximum(squares, cross.diagonal()),
        state.n_dropped,
    )


def members_of(columns: Columns) -> list[Member]:
    """Return what columns that are partly made of categories consist of."""
    assert isinstance(columns, CodedColumns)
    return columns.members


def lengths_of(state: State) -> FloatArray:
    """Lengths (p + t,) of the columns and targets about their means by level, in their own units."""
    lengths: FloatArray = np.sqrt(np.maximum(state.products(False).diagonal(), 0.0)) / state.scale
    return lengths
