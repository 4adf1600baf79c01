"""The table of a summary: a row for every parameter, with as many digits as mean something."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastlr.results.summary_words import counted
from fastlr.typesetting.figures import (
    DASH,
    decimals_for,
    fixed,
    is_plain,
    most_decimals,
    p_value,
    significant,
    statistic,
)
from fastlr.typesetting.table import Head, Row

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["SORTS", "chosen_terms", "coefficient_rows", "estimate_cells"]

SORTS = ("p", "size")
_FEW_DIGITS, _MORE_DIGITS = 4, 6
_MOST_DIGITS = 10


def chosen_terms(
    fit: LinearFit, target: int, sort: str | None, limit: int | None
) -> tuple[Sequence[int], str]:
    """Which features are shown and in which order, with a sentence on those that are not.

    Without an order, those of a long table that change the target most per standard deviation stay, as columns are.
    """
    p = fit.n_features
    size = np.abs(np.atleast_2d(fit.coef)[target] * fit.feature_std)
    by_p = np.atleast_2d(fit.pvalues.values)[target][int(fit.fit_intercept) :]
    key = by_p if sort == "p" else -size
    order = np.argsort(key, kind="stable")  # NaN comes last
    if sort is None:
        order = np.arange(p) if limit is None or p <= limit else np.sort(order[:limit])
    if limit is None or p <= limit:
        return order.tolist(), ""
    left = counted(p - limit, "feature")
    why = "larger p-values" if sort == "p" else "smaller changes per sd"
    return order[:limit].tolist(), f"and {left} with {why}: tidy() has all of them"


def coefficient_rows(
    fit: LinearFit, target: int, terms: Sequence[int], level: float, digits: int | None
) -> tuple[tuple[Head, ...], tuple[Row, ...]]:
    """Heads and rows of one target: estimate, standard error, interval, t, p, and change per standard deviation.

    Where no standard error is known, only the estimate and the change per standard deviation are columns.
    """
    first = int(fit.fit_intercept)
    shown = [*range(first), *(first + j for j in terms)]
    estimate, error, t, p = (
        np.atleast_2d(values.values)[target, shown]
        for values in (fit.params, fit.bse, fit.tvalues, fit.pvalues)
    )
    ends = fit.conf_int(level).values.reshape(fit.n_targets, -1, 2)[target, shown]
    both = np.column_stack([estimate, error, ends])  # of Python's floats, which are faster to write
    sd = np.concatenate([np.full(first, np.nan), fit.feature_std])[shown]
    with np.errstate(over="ignore", invalid="ignore"):
        changes = (both * sd[:, np.newaxis]).tolist()
    has_errors = bool(np.isfinite(error).any())
    right, names = _right_digits(fit), fit.param_names
    without = _FEW_DIGITS if has_errors else _MORE_DIGITS
    rows = []
    for i, of_unit, per_sd, its_t, its_p in zip(
        shown, both.tolist(), changes, t.tolist(), p.tolist(), strict=True
    ):
        value, its_error, lower, upper = of_unit
        cells = [*estimate_cells(value, its_error, lower, upper, digits, right, without)]
        cells += [statistic(its_t), p_value(its_p)]
        value, its_error, lower, upper = per_sd
        cells.append("" if i < first else _change(value, its_error, lower, upper, digits, right))
        if not has_errors:
            cells = [cells[0], cells[-1]]
        rows.append(Row(names[i], tuple(cells)))
    heads = [Head("coefficient"), Head("std error"), Head(f"{100 * level:.6g} % interval", 2)]
    heads += [Head("t" if fit.use_t else "z"), Head("p")]
    return (*(heads if has_errors else heads[:1]), Head("per sd")), tuple(rows)


def estimate_cells(
    value: float,
    error: float,
    lower: float,
    upper: float,
    digits: int | None = None,
    right: int = _MOST_DIGITS,
    without_error: int = _FEW_DIGITS,
) -> tuple[str, str, str, str]:
    """An estimate, its standard error and the ends of its interval, with the same last digit.

    The standard error decides on it; the estimate has no more than ``right`` digits, and ``without_error`` of them if
    there is no standard error.
    """
    if not math.isfinite(error) or error == 0.0:
        shown = significant(value, min(right, digits or without_error))
        if error == 0.0:
            return shown, "0", shown, shown
        return shown, DASH, DASH, DASH
    wanted = decimals_for(error, digits)
    decimals = min(wanted, most_decimals(value, right))
    numbers = [value, lower, upper]
    plain = is_plain(max(map(abs, (*numbers, error))), decimals)
    value_cell, low, high = (fixed(x, decimals, plain=plain) for x in numbers)
    own_plain = plain and is_plain(error, wanted)
    return value_cell, fixed(error, wanted, plain=own_plain), low, high


def _change(
    value: float, error: float, lower: float, upper: float, digits: int | None, right: int
) -> str:
    """The first of `estimate_cells` alone."""
    if not math.isfinite(error) or error == 0.0:
        return significant(value, min(right, digits or _FEW_DIGITS))
    decimals = min(decimals_for(error, digits), most_decimals(value, right))
    largest = max(abs(value), abs(lower), abs(upper), error)
    return fixed(value, decimals, plain=is_plain(largest, decimals))


def _right_digits(fit: LinearFit) -> int:
    """Digits of an estimate that may be shown: not more than are right, three at least."""
    known = math.floor(fit.digits) if math.isfinite(fit.digits) else _MOST_DIGITS
    return min(_MOST_DIGITS, max(3, known))
