"""From batches of a table to rows without missing values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastlr.errors import InputError
from fastlr.files import Batch
from fastlr.input.row_stream import Labelled

Mask = NDArray[np.bool_]


def missing_rows(batch: Batch, names: Sequence[str], label: str) -> Mask:
    """Which rows lack a value in one of the columns.

    Raises ``InputError`` at an infinite value, naming column and row: it is no missing value.
    """
    missing = np.zeros(batch.n_rows, dtype=np.bool_)
    for name in names:
        values = batch.columns[name]
        if isinstance(values, Labelled):
            missing |= values.codes < 0
            continue
        if values.dtype == object:  # text
            missing |= np.fromiter((value is None for value in values), np.bool_, len(values))
            continue
        if values.dtype.kind != "f":
            continue
        finite = np.isfinite(values)
        if finite.all():
            continue
        infinite = np.flatnonzero(np.isinf(values))
        if infinite.size:
            row = int(infinite[0])
            raise InputError(
                f"{label}: column {name!r}, row {batch.first_row + row}: {values[row]} is not a "
                "finite number: correct it or leave the row out"
            )
        missing |= ~finite
    return missing


def refuse_missing(batch: Batch, names: Sequence[str], missing: Mask, label: str, way: str) -> None:
    """Raise ``InputError`` naming the first missing value, if any, and the ``way`` round it."""
    if not missing.any():
        return
    row = int(missing.argmax())
    name = next(n for n in names if _is_gap(batch.columns[n], row))
    raise InputError(
        f"{label}: column {name!r} has no value in row {batch.first_row + row}: "
        f"fill it in, or use {way}"
    )


def _is_gap(values: Any, row: int) -> bool:
    if isinstance(values, Labelled):
        return bool(values.codes[row] < 0)
    value = values[row]
    return value is None or (not isinstance(value, str) and bool(np.isnan(value)))


def refuse_negative(batch: Batch, weights: str, label: str) -> None:
    """Raise ``InputError`` naming the first negative weight."""
    negative = np.flatnonzero(batch.columns[weights] < 0)
    if negative.size:
        row = int(negative[0])
        raise InputError(
            f"{label}: column {weights!r}, row {batch.first_row + row}: weight "
            f"{batch.columns[weights][row]} is negative: weights are 0 or more"
        )


def matrix(batch: Batch, names: Sequence[str], rows: Mask) -> NDArray[Any]:
    """The columns as float64 ``(n_rows, n_columns)``, of the rows that are True."""
    result = np.empty((int(rows.sum()), len(names)), order="F")
    for j, name in enumerate(names):
        result[:, j] = batch.columns[name][rows]
    return result
