"""The rows of a fit as its report sees them: predictions, residuals, and how much each row has to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.inference.inverse import is_too_large
from fastlr.input.columns import FloatArray
from fastlr.results import LinearFit
from fastlr.results.covariances import estimates_of, is_estimated

__all__ = ["MOST_KEPT", "SeenRows", "seen_rows"]

MOST_KEPT = 1_000_000
"""Rows of which leverages are kept for pictures; of more rows the most influential ones alone are."""
_N_TOP = 10
_NOT_LEAST_SQUARES = "How much single rows have to say is known of fits by least squares alone."
_UNDETERMINED = (
    "How much single rows have to say is not known: the rows do not determine all coefficients, or leave no degrees of "
    "freedom."
)
_NOTHING_LEFT = 1e-24  # of the sum of squares


@dataclass(frozen=True)
class SeenRows:
    """What a report says of rows, and shows of them.

    Attributes
    ----------
    observed, fitted, residual : ndarray of shape (n,)
        Of rows that count (a weight above zero), in their order.
    standardised : ndarray of shape (n,)
        Residuals by their standard errors: internally studentised, or by the residual standard deviation where
        leverages are not known; all NaN where that is not known either.
    leverage : ndarray of shape (n,) or None
        None where it is not known, or where there are more rows than `MOST_KEPT`.
    top : dict of str to ndarray
        The most influential rows, the first one first, with the columns of `Influence.top`, "fitted" and "observed";
        empty if unknown.
    far : dict of str to ndarray
        `Influence.top` by the largest externally studentised residuals.
    n_undetermined : int
        How many rows alone determine a coefficient.
    why_unknown : str
        Why influence is unknown, as a sentence; empty if it is known.
    numbers : ndarray of shape (n_samples,), or None
        What the caller's rows are called, where they are not called by their positions from 0 on.
    """

    observed: FloatArray
    fitted: FloatArray
    residual: FloatArray
    standardised: FloatArray
    leverage: FloatArray | None
    top: dict[str, npt.NDArray[Any]]
    far: dict[str, npt.NDArray[Any]]
    n_undetermined: int
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
    leverage, n_undetermined, why = None, 0, ""
    top: dict[str, npt.NDArray[Any]] = {}
    far: dict[str, npt.NDArray[Any]] = {}
    rss, squares = (float(np.atleast_1d(x)[0]) for x in (fit.rss, fit.uncentered_tss))
    if fit.df_resid > 0 and rss <= _NOTHING_LEFT * squares:
        standardised = np.full(n, np.nan)
        why = "Nothing but rounding is left unexplained, so rows cannot be judged by what is left of them."
    elif is_too_large(fit.n_params):
        why = f"How much single rows have to say takes a matrix of {fit.n_params} parameters, which are too many."
    elif is_estimated(fit) and estimates_of(fit, rows) is not None and fit.df_resid > 0:
        keep = n <= MOST_KEPT
        influence = fit.get_influence(X, y, sample_weight=sample_weight, keep=keep)
        n_undetermined = influence.n_undetermined
        if keep:
            leverage = influence.hat_matrix_diag[counts]
        if np.any(fit.alpha):
            why = "With a penalty, distances and changes by single rows have no distribution to be judged by."
        else:
            top = influence.top(_N_TOP)
            chosen = top["row"]
            top |= {"fitted": fitted[chosen], "observed": (fitted + residual)[chosen]}
            far = influence.top(_N_TOP, by="resid_studentized_external")
            if keep and sd > 0:
                standardised = influence.resid_studentized_internal
    else:
        why = _UNDETERMINED if is_estimated(fit) else _NOT_LEAST_SQUARES
    return SeenRows(
        observed=(fitted + residual)[counts],
        fitted=fitted[counts],
        residual=residual[counts],
        standardised=standardised[counts],
        leverage=leverage,
        top=top,
        far=far,
        n_undetermined=n_undetermined,
        why_unknown=why,
        numbers=numbers,
    )
