"""Columns that depend on one another: which ones, and how to say it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastlr.input.columns import FloatArray

__all__ = ["dependencies", "eliminated", "first_columns"]

_INVOLVED = (
    1e-6  # share in a dependency, of columns at unit length, from which it is told of a column
)
_ROUNDING = 1e-10  # share that elimination may leave of nothing


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
        j = int(np.flatnonzero(size > _ROUNDING * size.max())[-1])
        best = k + int(np.abs(rows[k:, j]).argmax())
        rows[[k, best]] = rows[[best, k]]
        rows[k] /= rows[k, j]
        others = [i for i in range(len(rows)) if i != k]
        rows[others] -= np.outer(rows[others, j], rows[k])
        pivots.append(j)
    return list(zip(pivots, rows, strict=True))


def first_columns(null_space: FloatArray) -> list[int]:
    """The columns that do not depend on earlier ones."""
    dropped = {pivot for pivot, _ in eliminated(null_space)}
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
    pivoted = sorted(eliminated(null_space), key=lambda item: item[0])
    for j, row in pivoted[:most]:
        if length[j] == 0.0:
            sentences.append(f"{names[j]} is {constant}")
            continue
        involved = [
            i
            for i in map(int, np.flatnonzero(np.abs(row) > _INVOLVED))
            if i != j and length[i] > 0.0
        ]
        terms = [f"{-row[i] * length[j] / length[i]:.6g} {names[i]}" for i in involved[:most]]
        if len(involved) > most:
            terms.append(f"... ({len(involved)} columns)")
        right = " + ".join(terms).replace("+ -", "- ")
        sentences.append(f"{names[j]} = {right}" if terms else f"{names[j]} is {constant}")
    if len(pivoted) > most:
        sentences.append(f"... ({len(pivoted)} dependencies in all)")
    return sentences
