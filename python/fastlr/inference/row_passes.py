"""Passes over the rows of a fit: leverages, the inner parts of robust covariances, sums of scores by cluster.

The only module of the room that reads rows. Every function speaks of the same variables of a row,

    z = ((x - shift) * scale, 1),   r = (y - shift_y) * scale_y - coef'z,   score = w r z,   h = a |factor'z|^2,

where a = w if weights are precisions (or probabilities), and a = 1 if a weight counts rows that are equal: h is then
the leverage of each of them. Without an intercept the last variable takes no part: its shift, coefficient and factor
are zero. Rows are read where they lie, by compiled kernels that share them among threads, and no table of scores is
made; only what is asked of few clusters is computed here, block by block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr._kernels.parts import in_parts
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.threads import resolve_threads

__all__ = [
    "CORRECTIONS",
    "LEAST_LEFT",
    "FittedRows",
    "cluster_products",
    "cluster_scores",
    "hac_meat",
    "leverages",
    "meat",
    "residuals",
    "root_of_rows",
]

CORRECTIONS = ("none", "root_of_rest", "rest")
"""What residuals are divided by: nothing (HC0), sqrt(1 - h) (HC2) or 1 - h (HC3)."""

LEAST_LEFT = 1e-12
"""What 1 - h may be for a row of leverage 1 in well-conditioned columns; it is rounding, and grows with theirs."""

_VALUES = 1 << 20  # of a block of rows, which stay in the second-level cache
_WORK = 1 << 28  # multiply-adds in one call of a kernel, so that Ctrl-C is heard between two


@dataclass(frozen=True, slots=True)
class FittedRows:
    """Rows and a fit of one target, in the units that passes want.

    Attributes
    ----------
    features : Columns
        The p features.
    target : Columns or None
        The target, if there are residuals.
    weights : ndarray of shape (n_samples,) or None
        Not negative; None if all are 1.
    weights_count : bool
        Whether a weight counts rows that are equal to this one.
    shift, scale : ndarray of shape (p + 1,)
        For each feature, then for the target; scales are powers of two.
    coef : ndarray of shape (p + 1,) or None
        Of z, the constant last, if there are residuals.
    factor : ndarray of shape (p + 1, p + 1) or None
        Upper triangular, F with F F' the inverse of the cross-products of z; what leverages need.
    least_left : float
        Where 1 - h is no more than this a row alone determines a parameter: what is divided by 1 - h is NaN.
    n_threads : int or None
        How many threads may read them; None for all that the process may use.
    """

    features: Columns
    target: Columns | None
    weights: npt.NDArray[np.float64] | None
    weights_count: bool
    shift: FloatArray
    scale: FloatArray
    coef: FloatArray | None = None
    factor: FloatArray | None = None
    least_left: float = LEAST_LEFT
    n_threads: int | None = None

    @property
    def n_samples(self) -> int:
        """Number of rows n."""
        return self.features.n_samples

    @property
    def n_variables(self) -> int:
        """Number of variables of a row, p + 1."""
        return self.features.n_columns + 1


def leverages(rows: FittedRows) -> FloatArray:
    """Diagonal of the hat matrix, h = a |factor'z|^2 of every row: (n_samples,)."""
    out = np.empty(rows.n_samples)
    _set_figures(rows, None, out)
    return out


def residuals(rows: FittedRows) -> FloatArray:
    """Residuals r of every row, in units of ``scale_y``: (n_samples,)."""
    out = np.empty(rows.n_samples)
    _set_figures(rows, out, None)
    return out


def _set_figures(rows: FittedRows, r: FloatArray | None, h: FloatArray | None) -> None:
    n, q, threads = rows.n_samples, rows.n_variables, resolve_threads(rows.n_threads)
    target, shift, scale = rows.target, rows.shift, rows.scale
    if target is None or rows.coef is None:
        target, shift, scale = None, shift[: q - 1].copy(), scale[: q - 1].copy()
    step = threads * max(1024, _WORK // (q * q))
    for first in range(0, n, step):
        kernels.row_figures(
            rows.features.source,
            None if target is None else target.source,
            rows.weights,
            rows.weights_count,
            shift,
            scale,
            None if target is None else rows.coef,
            None if h is None else _factor(rows),
            first,
            min(n, first + step),
            threads,
            r,
            h,
        )


def meat(
    rows: FittedRows, correction: str = "none", *, whitened: bool = False
) -> tuple[FloatArray, int]:
    """``sum u^2 z z'`` with u = w r, w r / sqrt(1 - h) or w r / (1 - h); of rows that count, u^2 = w (r / ...)^2.

    Parameters
    ----------
    rows : FittedRows
        With a factor, if there is a correction or the variables are whitened.
    correction : {"none", "root_of_rest", "rest"}
        What residuals are divided by.
    whitened : bool
        Sum over ``factor'z`` instead of z, for columns that are nearly dependent; with a correction it always is.

    Returns
    -------
    meat : ndarray of shape (p + 1, p + 1)
        NaN with a correction, if a row has a leverage of 1.
    n_undetermined : int
        How many rows have.
    """
    n, p, threads = rows.n_samples, rows.n_variables - 1, resolve_threads(rows.n_threads)
    target, coef = _fitted_target(rows)
    factor = _factor(rows) if whitened or correction != "none" else None
    for part, slots in in_parts(kernels.plan_meat(n, p)):
        kernels.robust_meat(
            rows.features.source,
            target.source,
            rows.weights,
            rows.weights_count,
            rows.shift,
            rows.scale,
            coef,
            factor,
            rows.least_left,
            correction,
            part,
            threads,
            slots,
        )
    result: tuple[FloatArray, int] = kernels.meat_totals(n, p, slots)
    return result


def hac_meat(rows: FittedRows, n_lags: int, *, whitened: bool = False) -> FloatArray:
    """Bartlett's sum over lags l of ``(1 - |l| / (L + 1)) sum_t s_t s_(t-l)'`` for scores s = w r z.

    Parameters
    ----------
    rows : FittedRows
        One row a period, none left out.
    n_lags : int
        L, at least 0 and below n_samples.
    whitened : bool
        Sum over ``factor'z`` instead of z.

    Returns
    -------
    ndarray of shape (p + 1, p + 1)

    Notes
    -----
    The sum over lags is one over windows of L + 1 scores, which end at rows t < n + L: ``sum b_t b_t' / (L + 1)``. A
    window goes on from the last one, so that the cost does not depend on L.
    """
    n, p, threads = rows.n_samples, rows.n_variables - 1, resolve_threads(rows.n_threads)
    scored = _scored(rows, whitened)
    for part, slots in in_parts(kernels.plan_hac(n, p, n_lags)):
        kernels.hac_meat(
            *scored,
            n_lags,
            part,
            threads,
            slots,
        )
    total: FloatArray = kernels.hac_totals(n, p, n_lags, slots)
    return total


def cluster_scores(
    rows: FittedRows, codes: npt.NDArray[np.int32], n_clusters: int, *, whitened: bool = False
) -> FloatArray:
    """Sums of the scores w r z over the rows of each cluster.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        The cluster of each row, from 0 to n_clusters - 1.
    n_clusters : int
        Number of clusters G.
    whitened : bool
        Sum over ``factor'z`` instead of z.

    Returns
    -------
    ndarray of shape (G, p + 1)
    """
    n, p, threads = rows.n_samples, rows.n_variables - 1, resolve_threads(rows.n_threads)
    scored = _scored(rows, whitened)
    for part, slots in in_parts(kernels.plan_clusters(n, p, n_clusters)):
        kernels.cluster_scores(
            *scored,
            codes,
            n_clusters,
            part,
            threads,
            slots,
        )
    scores: FloatArray = kernels.cluster_totals(n, p, n_clusters, slots)
    return scores


def cluster_products(
    rows: FittedRows, codes: npt.NDArray[np.int32], n_clusters: int
) -> tuple[FloatArray, FloatArray]:
    """Cross-products ``sum w z z'`` and ``sum w z y`` of each cluster: (G, p + 1, p + 1) and (G, p + 1).

    The target counts in its own units about its shift, times its scale.
    """
    q = rows.n_variables
    products, with_target = np.zeros((n_clusters, q, q)), np.zeros((n_clusters, q))
    for block, z, weights in _blocks(rows):
        y = _target(rows, block)
        weighted = z * weights[:, np.newaxis]
        for cluster in np.unique(codes[block]):
            own = codes[block] == cluster
            products[cluster] += weighted[own].T @ z[own]
            with_target[cluster] += weighted[own].T @ y[own]
    return products, with_target


def root_of_rows(rows: FittedRows) -> FloatArray | None:
    """R, upper triangular, with ``R'R = sum w z z'`` over the features alone: (p, p), by QR of blocks of rows.

    None if rounding alone tells the columns apart.
    """
    p = rows.features.n_columns
    upper = np.zeros((0, p))
    for _, z, weights in _blocks(rows):
        own = z[:, :p] * np.sqrt(weights)[:, np.newaxis]
        upper = np.asarray(np.linalg.qr(np.vstack([upper, own]), mode="r"), dtype=np.float64)
    if len(upper) < p:
        return None
    length = np.linalg.norm(upper, axis=0)
    if not (length > 0).all() or np.linalg.cond(upper / length) > 1e13:
        return None
    return upper


def _blocks(
    rows: FittedRows,
) -> Iterator[tuple[slice, FloatArray, npt.NDArray[np.float64]]]:
    """Blocks of rows: which ones, their variables (b, p + 1) and weights (b,)."""
    n, p = rows.n_samples, rows.features.n_columns
    step = max(64, _VALUES // (p + 1))
    for first in range(0, n, step):
        block = slice(first, min(n, first + step))
        z = np.ones((block.stop - first, p + 1))
        source = rows.features.take_rows(block).as_matrix()
        np.subtract(source, rows.shift[:p], out=z[:, :p])
        z[:, :p] *= rows.scale[:p]
        weights = (
            np.ones(len(z))
            if rows.weights is None
            else np.asarray(rows.weights[block], dtype=np.float64)
        )
        yield block, z, weights


def _target(rows: FittedRows, block: slice) -> FloatArray:
    if rows.target is None:
        raise TypeError("these rows have no target")
    y = np.asarray(rows.target.column(0)[block], dtype=np.float64)
    centred: FloatArray = (y - rows.shift[-1]) * rows.scale[-1]
    return centred


def _fitted_target(rows: FittedRows) -> tuple[Columns, FloatArray]:
    if rows.target is None or rows.coef is None:
        raise TypeError("these rows have no target or no coefficients")
    return rows.target, rows.coef


_Scored = tuple[
    Any, Any, npt.NDArray[Any] | None, FloatArray, FloatArray, FloatArray, FloatArray | None
]


def _scored(rows: FittedRows, whitened: bool) -> _Scored:
    """The rows and the fit that kernels sum scores w r z of, or of ``factor'z``: their first arguments."""
    target, coef = _fitted_target(rows)
    factor = _factor(rows) if whitened else None
    return (
        rows.features.source,
        target.source,
        rows.weights,
        rows.shift,
        rows.scale,
        coef,
        factor,
    )


def _factor(rows: FittedRows) -> FloatArray:
    if rows.factor is None:
        raise TypeError("these rows have no factor")
    return rows.factor
