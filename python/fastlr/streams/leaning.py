"""Which rows of a table a fit leans on, if the table is kept in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fastlr.inference.inverse import LARGEST_KEPT
from fastlr.results import LinearFit
from fastlr.results.influential_rows import InfluentialRows
from fastlr.results.row_influence import known_influence
from fastlr.streams.chunks import Chunks

if TYPE_CHECKING:
    from fastlr.inference.estimates import GivenRows

__all__ = ["numbered", "with_leaning_rows"]


def with_leaning_rows(rows: Chunks, fit: LinearFit) -> LinearFit:
    """The fit of these rows, which knows those that it leans on.

    It stays as it is where rows are not kept in memory, or have more features than a fit keeps covariances of.
    """
    if fit.influential is not None or not rows.holds_rows or fit.n_features > LARGEST_KEPT:
        return fit
    return replace(fit, influential=known_influence(fit, _given(rows, fit), keep=False))


def numbered(fit: LinearFit, rows: Chunks) -> tuple[InfluentialRows, ...] | None:
    """What the fit knows of single rows, by their numbers among all rows of the table: 1 is the first."""
    if fit.influential is None:
        return None
    numbers = rows.row_numbers
    return tuple(each.renamed(lambda row: int(numbers[row])) for each in fit.influential)


def _given(rows: Chunks, fit: LinearFit) -> GivenRows:
    columns = rows.kept_columns()
    formula = rows.choice.formula
    if formula is None:
        X, y, sample_weight = rows.parts(columns)
        return fit.unread_rows(X, y, sample_weight)
    from fastlr.inference.estimates import GivenRows
    from fastlr.input.formulas import formula_rows, with_whole_levels

    made = formula_rows(formula, with_whole_levels(formula, columns), rows.choice.weights, "error")
    return GivenRows(made.features, made.targets, made.weights, rows.n_threads)
