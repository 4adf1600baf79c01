"""Sentences on the rows that a fit leans on."""

from __future__ import annotations

from collections.abc import Sequence

from fastlr.results.influential_rows import InfluentialRows
from fastlr.typesetting.names import shortened

__all__ = ["LARGE_DISTANCE", "far_off", "leaning", "listed"]

LARGE_DISTANCE = 0.5
"""Cook's distance from which on a row is spoken of: the first dashed line of R's pictures."""
_MOST_NAMES = 5
_LONGEST_NAME = 40


def leaning(found: InfluentialRows) -> str:
    """On which rows the result leans, as sentences; empty if on none."""
    told = []
    if found.n_undetermined == 1:
        told.append("1 row alone determines a coefficient.")
    elif found.n_undetermined:
        told.append(f"{found.n_undetermined} rows alone determine a coefficient each.")
    large = [(row, size) for row, size in found.distances if size >= LARGE_DISTANCE]
    if large:
        names = [f"row {row} ({size:.2g})" for row, size in large[:_MOST_NAMES]]
        told.append(f"The result leans on single rows (Cook's distance): {listed(names)}.")
        if found.moved is not None:
            name, change = found.moved
            way = "lower" if change > 0 else "higher"
            told.append(
                f"Without row {large[0][0]}, the coefficient of {shortened(name, _LONGEST_NAME)} would be "
                f"{abs(change):.2g} standard errors {way}."
            )
    return " ".join(told)


def far_off(found: InfluentialRows) -> str:
    """Which rows lie further off than chance puts one, as a sentence; empty if none does."""
    if not found.far:
        return ""
    names = [f"row {row} ({abs(size):.3g})" for row, size in found.far[:_MOST_NAMES]]
    return (
        f"Further off than chance puts a row (studentised residuals): {listed(names)}. Look whether these values are "
        "right."
    )


def listed(names: Sequence[str], word: str = "and") -> str:
    """Return "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
