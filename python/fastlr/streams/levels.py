"""The levels of categories among the columns of a scan."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.input.categories import Level
from fastlr.input.designs import Indicators
from fastlr.input.row_stream import RowChunk

if TYPE_CHECKING:
    from fastlr.streams.rows import Scan

__all__ = ["design_of"]

_Found = Mapping[str, frozenset[Any]]


def design_of(scan: Scan) -> Indicators:
    """Indicators of all levels, sorted, that a row of positive weight has: one pass over the rows.

    Raises
    ------
    InputError
        A category and nothing else is left, with one level; the rows can be read once.
    InputTypeError
        Levels are of several types, or of none that levels have.
    """
    scan.check_repeatable("a category")
    names = scan.choice.categories
    found = scan.map_merge(partial(_levels_of, names), _joined)
    levels = {name: _sorted(name, found[name]) for name in names}
    design = Indicators(scan.choice.features, levels)
    made = design.feature_names
    if not made:
        raise InputError(
            f"column {names[0]!r} of {scan.label} holds one level alone, {levels[names[0]][0]!r}, which is left out as "
            "the reference: nothing is left to fit on. Leave the column out, or add columns that vary."
        )
    if len(set(made)) < len(made):
        twice = next(name for name in made if made.count(name) > 1)
        raise InputError(f"{scan.label} would have two features called {twice!r}: rename a column.")
    return design


def _levels_of(names: tuple[str, ...], rows: RowChunk) -> _Found:
    found = {}
    for name in names:
        column = rows.labels[name]
        present = np.bincount(column.codes, minlength=len(column.labels)) > 0
        found[name] = frozenset(
            label
            for label, is_there in zip(column.labels, present.tolist(), strict=True)
            if is_there
        )
    return found


def _joined(first: _Found, second: _Found) -> _Found:
    return {name: first[name] | second[name] for name in first}


def _sorted(name: str, labels: frozenset[Any]) -> tuple[Level, ...]:
    for label in labels:
        if not isinstance(label, str | bool | int | float):
            raise InputTypeError(
                f"column {name!r} has the level {label!r}, a {type(label).__name__}: levels are text, numbers or truth "
                "values. Convert the column to text first."
            )
    try:
        return tuple(sorted(labels))
    except TypeError as error:
        raise InputTypeError(
            f"column {name!r} has levels that cannot be sorted ({error}): make them all text, or all numbers."
        ) from None
