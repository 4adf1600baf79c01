"""Values that no fit can take: the message names the first such cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.errors import InputError
from fastlr.input.coded import CodedColumns, Indicator, coded_columns
from fastlr.input.columns import Columns
from fastlr.input.sparse import SparseColumns

__all__ = ["is_finite", "not_finite", "refuse_bad_weights", "refuse_non_finite"]

# Values looked at in one call of the kernel: 10 ms, some 50 where they lie far apart.
_SEARCHED_PER_CALL = 1 << 21
_WAY = "missing='drop' to fastlr.ols, fastlr.descend or Moments.from_arrays"


def refuse_non_finite(
    columns: Columns,
    names: tuple[str, ...],
    *,
    argument: str,
    first_row: int = 0,
    rows: tuple[int, int] | None = None,
    may_drop: bool = True,
) -> None:
    """Raise if a value (of the rows from the first of ``rows`` to before the second) is NaN or infinite.

    The message names the first such cell; ``first_row`` is the number of row 0, and ``may_drop`` tells whether
    functions leave such rows out if they are asked to.
    """
    begin, end = rows or (0, columns.n_samples)
    row, column = _first_non_finite(columns, begin, end)
    if row >= 0:
        is_sparse = isinstance(columns, SparseColumns)
        value = float(columns.row(row)[column] if is_sparse else columns.column(column)[row])
        raise not_finite(
            columns, names, first_row + row, column, value, argument, may_drop=may_drop
        )


def is_finite(values: npt.NDArray[Any]) -> bool:
    """Whether every value of an array is a finite number."""
    if values.dtype.kind != "f":
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum()  # at the speed of memory; beyond the range of floats only by accident
    return bool(np.isfinite(total)) or bool(np.isfinite(values).all())


def _first_non_finite(columns: Columns, begin: int, end: int) -> tuple[int, int]:
    """Row and column of the first value that is not finite, or (-1, -1); in parts, between which Ctrl-C is heard."""
    if isinstance(columns, SparseColumns):
        cell = columns.first_non_finite(begin, end)
        return (-1, -1) if cell is None else cell[:2]
    if isinstance(columns, CodedColumns) and columns.indicators:  # which are zeros and ones
        positions, _ = columns.parted()
        row, column = -1, -1
        if len(positions):
            others = [x for x in columns.members if not isinstance(x, Indicator)]
            row, column = _first_non_finite(coded_columns(others, columns.n_samples), begin, end)
        return row, int(positions[column]) if row >= 0 else -1
    step = max(256, _SEARCHED_PER_CALL // max(1, columns.n_columns))
    for start in range(begin, end, step):
        stop = min(end, start + step)
        row, column = kernels.first_non_finite(columns.take_rows(slice(start, stop)).source)
        if row >= 0:
            return start + row, column
    return -1, -1


def not_finite(
    columns: Columns,
    names: tuple[str, ...],
    row: int,
    column: int,
    value: float,
    argument: str,
    *,
    may_drop: bool = True,
) -> InputError:
    """The error for a value that is NaN or infinite, with its place and what to do."""
    is_missing = bool(np.isnan(value))
    where = f"row {row}"
    if not columns.is_vector:
        where += f", column {names[column]!r}"
    fix = "Drop or fill such rows first"
    if is_missing and may_drop:
        fix += f", or pass {_WAY}"
    return InputError(
        f"Input {argument} contains {'NaN' if is_missing else 'infinity'} ({where}, counted from 0): every value must "
        f"be finite. {fix}."
    )


def refuse_bad_weights(weights: npt.NDArray[Any]) -> None:
    """Raise if a weight is NaN, infinite or negative, or if none is positive."""
    bad = np.flatnonzero(~np.isfinite(weights))
    if bad.size:
        raise InputError(
            f"Input sample_weight contains {weights[bad[0]]!s} (row {bad[0]}, counted from 0; NaN or infinity): "
            f"weights must be finite. If it is missing, pass {_WAY}."
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
