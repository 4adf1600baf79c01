"""The rows of a fit as its report sees them: predictions, residuals, and how much each row has to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.results import LinearFit
from fastlr.results.influential_rows import N_TOP, InfluentialRows
from fastlr.results.row_influence import is_perfect, standing_out, why_unknown

__all__ = ["MOST_KEPT", "SeenRows", "seen_rows"]

MOST_KEPT = 1_000_000
"""Rows of which leverages are kept for pictures; of more rows the most influential ones alone are."""


@dataclass(frozen=True)
class SeenRows:
    """What a report says of rows, and shows of them.

    Attributes
    ----------
    observed, fitted, residual : ndarray of shape (n,)
        Of rows that count (a weight above zero), in their order.
    places : ndarray of shape (n,)
        Their positions among all rows, from 0 on.
    standardised : ndarray of shape (n,)
        Residuals by their standard errors: internally studentised, or by the residual standard deviation where
        leverages are not known; all NaN where that is not known either.
    leverage : ndarray of shape (n,) or None
        None where it is not known, or where there are more rows than `MOST_KEPT`.
    top : dict of str to ndarray
        The most influential rows, the first one first, with the columns of `Influence.top`, "fitted" and "observed";
        empty if unknown.
    influential : InfluentialRows or None
        What stands out among them, by the rows' numbers; None if that is not known.
    why_unknown : str
        Why influence is unknown, as a sentence; empty if it is known.
    numbers : ndarray of shape (n_samples,), or None
        What the caller's rows are called, where they are not called by their positions from 0 on.
    """

    observed: FloatArray
    fitted: FloatArray
    residual: FloatArray
    places: npt.NDArray[np.intp]
    standardised: FloatArray
    leverage: FloatArray | None
    top: dict[str, npt.NDArray[Any]]
    influential: InfluentialRows | None
    why_unknown: str
    numbers: npt.NDArray[np.intp] | None = None

    def number(self, position: int) -> int:
        """What the row at a position is called."""
        return int(position) if self.numbers is None else int(self.numbers[position])

    @property
    def has_errors(self) -> bool:
        """Whether residuals can be judged by a standard error."""
        return bool(np.isfinite(self.standardised).any())


def seen_rows(
    fit: LinearFit,
    X: object,
    y: object,
    sample_weight: object,
    numbers: npt.NDArray[np.intp] | None,
) -> SeenRows:
    """Look at the rows of a fit of one target; an `InputError` if they are others."""
    rows = fit.given_rows(X, y, sample_weight)
    n = rows.features.n_samples
    if numbers is not None and len(numbers) != n:
        raise InputError(
            f"row_numbers has {len(numbers)} numbers and X has {n} rows: pass one for each row."
        )
    weights = None if rows.weights is None else np.asarray(rows.weights, dtype=np.float64)
    counts: Any = slice(None) if weights is None or weights.all() else np.flatnonzero(weights)
    residual = np.asarray(fit.residuals(X, y), dtype=np.float64).reshape(n)
    fitted = np.asarray(fit.predict(X), dtype=np.float64).reshape(n)
    sd = float(np.atleast_1d(fit.residual_sd)[0])
    root = np.ones(n) if weights is None or fit.weight_type == "frequency" else np.sqrt(weights)
    standardised = root * residual / sd if sd > 0 else np.full(n, np.nan)
    leverage: FloatArray | None = None
    found: InfluentialRows | None = None
    why = why_unknown(fit, rows)
    top: dict[str, npt.NDArray[Any]] = {}
    if is_perfect(fit):
        standardised = np.full(n, np.nan)
    if not why:
        keep = n <= MOST_KEPT
        influence = fit.get_influence(X, y, sample_weight=sample_weight, keep=keep)
        found = standing_out(fit, influence)
        top = influence.top(N_TOP)
        chosen = top["row"]
        top |= {"fitted": fitted[chosen], "observed": (fitted + residual)[chosen]}
        if keep:
            leverage = influence.hat_matrix_diag[counts]
            if sd > 0:
                standardised = influence.resid_studentized_internal
    if found is not None and numbers is not None:
        found = found.renamed(lambda row: int(numbers[row]))
    return SeenRows(
        observed=(fitted + residual)[counts],
        fitted=fitted[counts],
        residual=residual[counts],
        places=np.arange(n)[counts],
        standardised=standardised[counts],
        leverage=leverage,
        top=top,
        influential=found,
        why_unknown=why,
        numbers=numbers,
    )
