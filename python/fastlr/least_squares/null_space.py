"""Columns that depend on one another: which ones, and how to say it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastlr.input.columns import FloatArray
from fastlr.least_squares.rounding import INVOLVED

__all__ = ["dependencies", "eliminated", "first_columns"]

_ROUNDING = 1e-10  # share that elimination may leave of nothing
_NOTHING = 1e-14  # of the largest entry: a row that depends on others has no pivot
_BLOCK = 48  # columns between two products of matrices


def eliminated(null_space: FloatArray, most: int | None = None) -> list[tuple[int, FloatArray]]:
    """The null space by Gaussian elimination, pivots as far to the right as possible.

    Each row is returned with its pivot, where it is 1 and all others are 0: the column that depends on those
    before it. Without the pivots' columns the others are independent. Pivots ascend; ``most`` of them are told.
    """
    pivots, rows = _echelon(null_space)
    last = len(pivots) if most is None else min(most, len(pivots))
    found: list[tuple[int, FloatArray]] = []
    for k in range(len(pivots) - 1, len(pivots) - 1 - last, -1):
        row = rows[k] / rows[k, pivots[k]]
        for j, other in found:  # a row is 0 to the right of its pivot, so those to the left are all
            row = row - row[j] * other
        found.append((pivots[k], row))
    return found


def _echelon(null_space: FloatArray) -> tuple[list[int], FloatArray]:
    """Pivots, descending, and rows that are 0 to the right of theirs, a block of columns at a time."""
    rows = null_space.copy()
    d, p = rows.shape
    pivots: list[int] = []
    floor = _NOTHING * np.abs(rows).max(initial=0.0)
    for right in range(p, 0, -_BLOCK):
        first, left = len(pivots), max(0, right - _BLOCK)
        if first == d:
            break
        level = max(_ROUNDING * np.abs(rows[first:]).max(initial=0.0), floor)
        factors = np.zeros((d, 0))  # of the rows taken in this block, for all rows below them
        for j in range(right - 1, left - 1, -1):
            k = len(pivots)
            best = k + int(np.abs(rows[k:, j]).argmax()) if k < d else k
            if k == d or not abs(rows[best, j]) > level:
                continue
            rows[[k, best]], factors[[k, best]] = rows[[best, k]], factors[[best, k]]
            factor = np.zeros(d)
            factor[k + 1 :] = rows[k + 1 :, j] / rows[k, j]
            rows[k + 1 :, left:right] -= np.outer(factor[k + 1 :], rows[k, left:right])
            rows[k + 1 :, j] = 0.0
            factors = np.column_stack([factors, factor])
            pivots.append(j)
        taken = len(pivots) - first
        for i in range(1, taken):  # the columns to the left follow
            rows[first + i, :left] -= factors[first + i, :i] @ rows[first : first + i, :left]
        rows[first + taken :, :left] -= (
            factors[first + taken :] @ rows[first : first + taken, :left]
        )
        rows[first + taken :, left:right] = 0.0
    return pivots, rows


def first_columns(null_space: FloatArray) -> list[int]:
    """The columns that do not depend on earlier ones."""
    dropped = set(_echelon(null_space)[0])
    return [j for j in range(null_space.shape[1]) if j not in dropped]


def dependencies(
    null_space: FloatArray,
    length: FloatArray,
    names: Sequence[str],
    constant: str = "constant",
    most: int = 5,
) -> list[str]:
    """Each dependency as an equation, the last column it involves on the left: "x2 = 1 x0 + 1 x1".

    Parameters
    ----------
    null_space : ndarray of shape (n_null, n_features)
        Unit rows N with ``sum_j N_kj x_j / length_j = 0`` for the centred columns x_j.
    length : ndarray of shape (n_features,)
        Lengths of the columns; 0 for a constant one.
    names : sequence of str
        Their names.
    constant : str
        What a column of length 0 is called.
    most : int, default=5
        At most so many equations, and terms in an equation.
    """
    sentences: list[str] = []
    for j, row in eliminated(null_space, most):
        if length[j] == 0.0:
            sentences.append(f"{names[j]} is {constant}")
            continue
        involved = [
            i
            for i in map(int, np.flatnonzero(np.abs(row) > INVOLVED))
            if i != j and length[i] > 0.0
        ]
        terms = [f"{-row[i] * length[j] / length[i]:.6g} {names[i]}" for i in involved[:most]]
        if len(involved) > most:
            terms.append(f"... ({len(involved)} columns)")
        right = " + ".join(terms).replace("+ -", "- ")
        sentences.append(f"{names[j]} = {right}" if terms else f"{names[j]} is {constant}")
    if len(null_space) > most:
        sentences.append(f"... ({len(null_space)} dependencies in all)")
    return sentences
