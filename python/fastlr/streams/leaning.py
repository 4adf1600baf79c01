"""Which rows of a table a fit leans on: of rows that are kept in memory, or in one more pass over a scan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fastlr.inference.inverse import LARGEST_KEPT
from fastlr.results import LinearFit
from fastlr.results.influential_rows import InfluentialRows
from fastlr.results.row_influence import known_influence
from fastlr.results.streamed_influence import streamed_influence
from fastlr.streams.kept import KeptRows

if TYPE_CHECKING:
    from fastlr.inference.estimates import GivenRows
    from fastlr.streams.rows import Scan

__all__ = ["numbered", "with_leaning_rows", "with_leaning_scan"]


def with_leaning_rows(rows: KeptRows, fit: LinearFit) -> LinearFit:
    """The fit of these rows, which knows those that it leans on.

    It stays as it is where there are more features than a fit keeps covariances of.
    """
    if fit.influential is not None or fit.n_features > LARGEST_KEPT:
        return fit
    return replace(fit, influential=known_influence(fit, _given(rows, fit), keep=False))


def with_leaning_scan(scan: Scan, fit: LinearFit) -> LinearFit:
    """The fit of a scan, which knows the rows that it leans on by one more pass, if they can be read again."""
    if fit.influential is not None or fit.n_features > LARGEST_KEPT or not scan.can_repeat:
        return fit
    scan.count_rows()
    return replace(fit, influential=streamed_influence(fit, scan))


def numbered(fit: LinearFit, rows: KeptRows | None) -> tuple[InfluentialRows, ...] | None:
    """What the fit knows of single rows, by their numbers among all rows of the table: 1 is the first."""
    if fit.influential is None:
        return None
    if rows is None:
        return tuple(each.renamed(lambda row: row + 1) for each in fit.influential)
    numbers = rows.row_numbers
    return tuple(each.renamed(lambda row: int(numbers[row])) for each in fit.influential)


def _given(rows: KeptRows, fit: LinearFit) -> GivenRows:
    columns = rows.kept_columns()
    formula = rows.choice.formula
    if formula is None:
        X, y, sample_weight = rows.parts(columns)
        return fit.unread_rows(X, y, sample_weight)
    from fastlr.inference.estimates import GivenRows
    from fastlr.input.formulas import formula_rows, with_whole_levels

    made = formula_rows(formula, with_whole_levels(formula, columns), rows.choice.weights, "error")
    return GivenRows(made.features, made.targets, made.weights, rows.n_threads)
