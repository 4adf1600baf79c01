"""Categories of many levels in rows that come in chunks: the largest is eliminated by its sums by level.

As `absorbed`, with passes over the source: one for sums by level, one for moments within the levels, and those that the
digits take. Memory is that of the levels' sums and means, whatever the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fastlr.errors import InputError
from fastlr.input.coded import CodedColumns, Indicator, Member, coded_columns
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.designs import Indicators
from fastlr.input.row_stream import RowChunk, RowStream
from fastlr.least_squares.absorbed import (
    ENOUGH_INDICATORS,
    climbed_within,
    is_long,
    refuse_large_levels,
)
from fastlr.least_squares.absorbed_levels import Elimination
from fastlr.least_squares.absorbed_units import exponents_of
from fastlr.least_squares.problem import Problem, RowSummary, Solution
from fastlr.least_squares.stream_view import StreamView, merged_sums
from fastlr.least_squares.within_levels import (
    Parts,
    eliminated,
    noise_within,
    parted,
    problem_within,
    without_columns,
)
from fastlr.moments.groups import GroupSums, contingency, group_sums
from fastlr.moments.streamed import state_of_stream

__all__ = ["climb_levels", "is_absorbed_stream"]


def is_absorbed_stream(stream: RowStream) -> bool:
    """Whether so many indicators are among the features that a category is eliminated."""
    if stream.design is None:
        return False
    n_indicators = sum(len(levels) - 1 for levels in stream.design.levels.values())
    return n_indicators > ENOUGH_INDICATORS and is_long(
        stream.n_rows or 0, len(stream.feature_names)
    )


def climb_levels(
    stream: RowStream, fit_intercept: bool, accuracy: str, rank: str
) -> tuple[RowSummary, Solution]:
    """Fit features of which some are indicators; the category of most levels is eliminated."""
    stream.check_repeatable("a category of many levels")
    problem = _without_rows(stream, fit_intercept)
    parts = parted(problem)
    refuse_large_levels(problem, parts)
    sums = stream.map_merge(_LevelSums(), _added)
    found = GroupSums(sums.columns, sums.weight)
    if not (np.isfinite(found.columns).all() and np.isfinite(found.weight).all()):
        raise _out_of_range(stream)
    n_samples = sums.n_samples
    problem = problem._replace(features=problem.features._replace(n_samples=n_samples))
    elimination = eliminated(problem, parts, found, sums.tables)
    rows = WithinLevels(stream, problem, elimination)
    state = state_of_stream(rows)
    state = state._replace(
        n_samples=state.n_samples - int(np.count_nonzero(elimination.is_eliminated))
    )
    if np.any(exponents_of(state, elimination)):
        raise _out_of_range(stream)
    noise = noise_within(rows.offset_squares, state)
    rows.noise, state = noise, without_columns(state, noise)
    within = Problem(
        Columns([], n_samples, len(parts.columns), rows.feature_names),
        Columns([], n_samples, len(rows.target_names), rows.target_names, stream.is_vector),
        None,
        rows.feature_names,
        rows.target_names,
        False,
        stream.n_threads,
        offset_squares=rows.offset_squares,
        stream=StreamView(rows, len(rows.target_names)),
    )
    return climbed_within(problem, within, parts, elimination, state, accuracy, rank, 3)


def _out_of_range(stream: RowStream) -> InputError:
    return InputError(
        f"columns of {stream.label} have squares beyond the range of float64 (about 1e308 and 1e-308): divide them, or "
        "the target, by a power of ten."
    )


def _without_rows(stream: RowStream, fit_intercept: bool) -> Problem:
    """The problem of a stream, in which categories have their levels and columns no rows."""
    design = stream.design
    assert isinstance(design, Indicators)
    nothing = np.zeros(0)
    members: list[Member] = []
    for name in design.variables:
        if name not in design.levels:
            members.append(nothing)
        elif len(design.levels[name]) > 1:
            members.append(Indicator(nothing, 1, len(design.levels[name]) - 1))
    features = coded_columns(members, 0, stream.feature_names)
    t = len(stream.target_names)
    targets = Columns([nothing] * t, 0, t, stream.target_names, stream.is_vector)
    names = stream.feature_names, stream.target_names
    return Problem(features, targets, None, *names, fit_intercept, stream.n_threads)


@dataclass(frozen=True)
class _Sums:
    """Sums by level of a category, and the weights in which its levels meet those of others."""

    columns: FloatArray
    weight: FloatArray
    tables: list[Any]
    n_samples: int


class _LevelSums:
    """From some rows to their sums by level of the category of most levels."""

    def __call__(self, rows: RowChunk) -> _Sums:
        parts = parted(_of_chunk(rows))
        sums = group_sums(
            coded_columns(parts.numbers, rows.features.n_samples),
            rows.targets,
            rows.weights,
            parts.category,
            rows.n_threads,
        )
        tables = [contingency(parts.category, other, rows.weights) for other in parts.others]
        return _Sums(sums.columns, sums.weight, tables, rows.features.n_samples)


def _added(first: _Sums, second: _Sums) -> _Sums:
    return _Sums(
        merged_sums(first.columns, second.columns),
        merged_sums(first.weight, second.weight),
        [a + b for a, b in zip(first.tables, second.tables, strict=True)],
        first.n_samples + second.n_samples,
    )


def _of_chunk(rows: RowChunk) -> Problem:
    names, labels = rows.features.names or (), rows.targets.names or ()
    return Problem(rows.features, rows.targets, rows.weights, names, labels, True, rows.n_threads)


class WithinLevels(RowStream):
    """Rows of a stream whose columns are about their means by level of a category."""

    def __init__(self, rows: RowStream, problem: Problem, elimination: Elimination) -> None:
        parts = parted(problem)
        self._rows, self._problem, self._elimination = rows, problem, elimination
        within = problem_within(problem, parts, elimination)
        self.feature_names, self.target_names = within.feature_names, rows.target_names
        self.offset_squares = within.offset_squares
        self.label, self.n_threads, self.has_weights = rows.label, rows.n_threads, rows.has_weights
        self.is_vector = rows.is_vector
        self.noise = np.zeros(len(self.feature_names), dtype=np.bool_)
        """Columns that vary by no more than the rounding of their values, and are zeros."""

    @property
    def can_repeat(self) -> bool:
        """Whether the rows can be read again."""
        return self._rows.can_repeat

    @property
    def n_dropped(self) -> int:  # type: ignore[override]
        """Rows that the last pass left out because a value was missing."""
        return self._rows.n_dropped

    def with_labels(self, names: Any) -> RowStream:
        """Raise an error: labels are asked for before."""
        raise InputError(f"labels {list(names)!r} of rows within levels are not known.")

    def map_merge(self, kernel: Any, merge: Any) -> Any:
        """One pass over the rows about their means."""
        chunks = partial(_within, kernel, self._problem, self._elimination, self.noise)
        return self._rows.map_merge(chunks, merge)


def _within(
    kernel: Any, problem: Problem, elimination: Elimination, noise: Any, rows: RowChunk
) -> Any:
    """A kernel of rows about their means by level."""
    assert isinstance(rows.features, CodedColumns)
    own = problem._replace(
        features=rows.features,
        targets=rows.targets,
        weights=rows.weights,
        n_threads=rows.n_threads,
    )
    parts: Parts = parted(own)
    within = problem_within(own, parts, elimination)
    features = within.features
    if noise.any():
        assert isinstance(features, CodedColumns)
        zeros = np.broadcast_to(np.zeros(1), (features.n_samples,))
        members = [
            zeros if is_noise else member
            for member, is_noise in zip(features.members, noise, strict=True)
        ]
        features = coded_columns(members, features.n_samples, features.names)
    return kernel(rows._replace(features=features, targets=within.targets))
