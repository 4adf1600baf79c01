"""Indicators of all levels of a category, as `OneHotEncoder` gives them: fitted without the first of each block.

Columns of a block add up to 1, as the intercept does, so that the coefficients of a block may all be moved against
it. Of those that fit equally well the smallest have the mean zero in every block: they follow from any others without
looking at a row. The ladder need not find out what depends on what.
"""

from __future__ import annotations

import math

import numpy as np

from fastlr.input.sparse import SparseColumns
from fastlr.least_squares.ladder import climb_from
from fastlr.least_squares.problem import Problem, Solution
from fastlr.least_squares.units import digits_at
from fastlr.moments.moments import moments_of_state
from fastlr.moments.state import State

__all__ = ["climb_blocks", "complete_blocks"]

_ALL_DIGITS = 15.0


def complete_blocks(features: SparseColumns) -> list[range]:
    """Neighbouring columns of sparse rows of which every row has exactly one, and that one is 1; in their order."""
    rows = features.sparse_rows
    start, columns, values = rows.by_rows
    n, p, counts = features.n_samples, features.n_columns, rows.column_counts
    # Neighbours that together have as many values as there are rows, from each column on.
    ends = np.cumsum(counts)
    starts = ends - counts
    lasts = np.searchsorted(ends, starts + n)
    whole = np.append(ends, -1)[lasts] == starts + n
    candidates = np.flatnonzero(whole & (lasts > np.arange(p)))
    if not candidates.size:
        return []
    is_indicator = counts > 0
    is_indicator[columns[values != 1.0]] = False
    blocks: list[range] = []
    for first in candidates.tolist():
        block = range(first, int(lasts[first]) + 1)
        is_free = not blocks or first >= blocks[-1].stop
        if is_free and is_indicator[block.start : block.stop].all():
            blocks.append(block)
    if not blocks:
        return []
    # Every row has one value in each: as many values as rows, and none twice in a row.
    block_of = np.full(p, -1)
    for k, block in enumerate(blocks):
        block_of[block.start : block.stop] = k
    of_value, row = block_of[columns], np.repeat(np.arange(n), np.diff(start[: n + 1]))
    inside = of_value >= 0
    met = np.bincount(row[inside] * len(blocks) + of_value[inside], minlength=n * len(blocks))
    is_complete = (met.reshape(n, len(blocks)) == 1).all(axis=0)
    return [block for block, holds in zip(blocks, is_complete, strict=True) if holds]


def climb_blocks(
    problem: Problem, blocks: list[range], accuracy: str
) -> tuple[State, Solution] | None:
    """The smallest coefficients, by a fit without the first column of each block; None if others depend, too."""
    state, passes = problem.pass_over()
    dropped = np.zeros(problem.n_features, dtype=bool)
    dropped[[block.start for block in blocks]] = True
    keep = np.flatnonzero(~dropped).tolist()
    moments = moments_of_state(state)
    result = climb_from(
        moments.select(keep), problem.take_features(keep), accuracy, "min_norm", passes, False
    )
    if result.code != "ok" or result.scaled is None:
        return None
    return state, _moved_to_means(result, blocks, keep, state)


def _moved_to_means(
    result: Solution, blocks: list[range], keep: list[int], state: State
) -> Solution:
    """Coefficients whose mean is zero in every block, of all columns, with the intercept that belongs to them."""
    scaled, p = result.scaled, state.n_features
    assert scaled is not None
    t, r = result.coef.shape
    pairs = scaled.coef.reshape(2, t, r) * scaled.scale[:r] / scaled.scale[r:, np.newaxis]
    high, low = np.zeros((t, p)), np.zeros((t, p))
    high[:, keep] = result.coef
    low[:, keep] = (pairs[0] - result.coef) + pairs[1]
    coef, intercept = high.copy(), result.intercept.copy()
    error = 10.0**-result.digits if result.digits < _ALL_DIGITS else 0.0
    worst = 0.0
    for k in range(t):
        means: list[float] = []
        for block in blocks:
            part = slice(block.start, block.stop)
            values = [*high[k, part].tolist(), *low[k, part].tolist()]
            mean = math.fsum(values) / len(block)
            rest = math.fsum([*values, *[-mean] * len(block)]) / len(block)
            means += [mean, rest]
            coef[k, part] = [
                math.fsum((a, b, -mean, -rest))
                for a, b in zip(high[k, part], low[k, part], strict=True)
            ]
            size = np.abs(coef[k, part])
            worst = max(worst, error * float(np.abs(high[k, part]).max() / max(size.min(), 1e-300)))
        intercept[k] = math.fsum([intercept[k], *means])
    bse = np.full((t, p), np.nan)
    bse[:, keep] = result.bse
    null_space = np.zeros((len(blocks), p))
    length = np.sqrt(np.maximum(state.leading.diagonal()[:p], 0.0)) / state.scale[:p]
    for k, block in enumerate(blocks):
        part = slice(block.start, block.stop)
        bse[:, part] = np.nan
        null_space[k, part] = length[part] / np.linalg.norm(length[part])
    return result._replace(
        coef=coef,
        intercept=intercept,
        bse=bse,
        bse_intercept=np.full(t, np.nan),  # no rows tell it from those of the blocks
        solver="minimum_norm",
        code="rank_deficient",
        digits=min(result.digits, digits_at(max(worst, 1e-15))),
        null_space=null_space,
        length=length,
        inverse=None,
        is_plain=False,
        scaled=None,
    )
