"""Values that no fit can take: the message names the first such cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.errors import InputError
from fastlr.input.columns import Columns
from fastlr.input.sparse import SparseColumns

__all__ = ["refuse_bad_weights", "refuse_non_finite"]

# Values looked at in one call of the kernel: 10 ms, some 50 where they lie far apart.
_SEARCHED_PER_CALL = 1 << 21


def refuse_non_finite(
    columns: Columns,
    names: tuple[str, ...],
    *,
    argument: str,
    first_row: int = 0,
    rows: tuple[int, int] | None = None,
) -> None:
    """Raise if a value (of the rows from the first of ``rows`` to before the second) is NaN or infinite.

    The message names the first such cell; ``first_row`` is the number of row 0. Rows are taken in parts so short that
    Ctrl-C is heard between them.
    """
    begin, end = rows or (0, columns.n_samples)
    if isinstance(columns, SparseColumns):
        cell = columns.first_non_finite(begin, end)
        if cell is not None:
            raise _non_finite(columns, names, argument, first_row, *cell)
        return
    step = max(256, _SEARCHED_PER_CALL // max(1, columns.n_columns))
    for start in range(begin, end, step):
        stop = min(end, start + step)
        row, column = kernels.first_non_finite(columns.take_rows(slice(start, stop)).source)
        if row >= 0:
            break
    else:
        return
    row += start
    value = float(columns.column(column)[row])
    raise _non_finite(columns, names, argument, first_row, row, column, value)


def _non_finite(
    columns: Columns,
    names: tuple[str, ...],
    argument: str,
    first_row: int,
    row: int,
    column: int,
    value: float,
) -> InputError:
    kind = "NaN" if np.isnan(value) else "infinity"
    where = f"row {first_row + row}"
    if not columns.is_vector:
        where += f", column {names[column]!r}"
    return InputError(
        f"Input {argument} contains {kind} ({where}, counted from 0): every value must be finite. Drop or fill "
        "such rows first."
    )


def refuse_bad_weights(weights: npt.NDArray[Any]) -> None:
    """Raise if a weight is NaN, infinite or negative, or if none is positive."""
    bad = np.flatnonzero(~np.isfinite(weights))
    if bad.size:
        raise InputError(
            f"Input sample_weight contains {weights[bad[0]]!s} (row {bad[0]}, counted from 0; NaN or infinity): "
            "weights must be finite."
        )
    negative = np.flatnonzero(weights < 0)
    if negative.size:
        raise InputError(
            f"sample_weight contains {weights[negative[0]]!s} (row {negative[0]}, counted from 0): weights must "
            "not be negative. Drop the row, or give it weight 0."
        )
    if not np.any(weights > 0):
        raise InputError(
            "sample_weight is zero in every row: at least one weight must be positive."
        )
