"""Passes over the rows of a fit: leverages, the inner parts of robust covariances, sums of scores by cluster.

The only module of the room that reads rows. Every function speaks of the same variables of a row,

    z = ((x - shift) * scale, 1),   r = (y - shift_y) * scale_y - coef'z,   score = w r z,   h = a |factor'z|^2,

where a = w if weights are precisions (or probabilities), and a = 1 if a weight counts rows that are equal: h is then
the leverage of each of them. Without an intercept the last variable takes no part: its shift, coefficient and factor
are zero. Blocks of rows are read where they lie, and no table of scores is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastlr.input.columns import Columns, FloatArray

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
"""Where 1 - h is no more than this a row alone determines a parameter: what is divided by 1 - h is NaN."""

_VALUES = 1 << 20  # of a block of rows, which stay in the second-level cache


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
    """

    features: Columns
    target: Columns | None
    weights: npt.NDArray[np.float64] | None
    weights_count: bool
    shift: FloatArray
    scale: FloatArray
    coef: FloatArray | None = None
    factor: FloatArray | None = None

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
    for block, z, weights in _blocks(rows):
        out[block] = _leverages(rows, z, weights)
    return out


def residuals(rows: FittedRows) -> FloatArray:
    """Residuals r of every row, in units of ``scale_y``: (n_samples,)."""
    out = np.empty(rows.n_samples)
    for block, z, _ in _blocks(rows):
        out[block] = _residuals(rows, block, z)
    return out


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
        Sum over ``factor'z`` instead of z, for columns that are nearly dependent.

    Returns
    -------
    meat : ndarray of shape (p + 1, p + 1)
        NaN with a correction, if a row has a leverage of 1.
    n_undetermined : int
        How many rows have.
    """
    total = np.zeros((rows.n_variables, rows.n_variables))
    n_undetermined = 0
    for block, z, weights in _blocks(rows):
        u = _residuals(rows, block, z)
        if correction != "none":
            rest = 1.0 - _leverages(rows, z, weights)
            is_left = rest > LEAST_LEFT
            n_undetermined += int(np.count_nonzero(~is_left & (weights > 0)))
            rest = np.where(is_left, rest, 1.0)
            u = u / (np.sqrt(rest) if correction == "root_of_rest" else rest)
        u = u * (np.sqrt(weights) if rows.weights_count else weights)
        scored = _scored(rows, z, whitened) * u[:, np.newaxis]
        total += scored.T @ scored
    if n_undetermined:
        total[:] = np.nan
    return total, n_undetermined


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
    q = rows.n_variables
    total = np.zeros((q, q))
    before = np.zeros((n_lags + 1, q))  # the scores that a window still holds, the oldest first
    window = np.zeros(q)
    for block, z, weights in _blocks_with_end(rows, n_lags):
        scored = np.zeros((len(z), q))
        if block is not None:
            u = _residuals(rows, block, z) * weights
            scored = _scored(rows, z, whitened) * u[:, np.newaxis]
        history = np.vstack([before, scored])
        changes = scored - history[: len(scored)]
        windows = window + np.cumsum(changes, axis=0)
        # Sums of what came and went drift; each block starts from a fresh one.
        before = history[len(scored) :]
        window = before.sum(axis=0)
        total += windows.T @ windows
    return total / (n_lags + 1)


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
    total = np.zeros((n_clusters, rows.n_variables))
    for block, z, weights in _blocks(rows):
        u = _residuals(rows, block, z) * weights
        scored = _scored(rows, z, whitened) * u[:, np.newaxis]
        order = np.argsort(codes[block], kind="stable")
        sorted_codes = codes[block][order]
        starts = np.flatnonzero(np.diff(sorted_codes, prepend=-1))
        total[sorted_codes[starts]] += np.add.reduceat(scored[order], starts, axis=0)
    return total


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


def _blocks_with_end(
    rows: FittedRows, n_lags: int
) -> Iterator[tuple[slice | None, FloatArray, npt.NDArray[np.float64]]]:
    """The blocks of rows, then as many rows of nothing as a window takes to run empty."""
    yield from _blocks(rows)
    if n_lags:
        yield None, np.zeros((n_lags, rows.n_variables)), np.zeros(n_lags)


def _target(rows: FittedRows, block: slice) -> FloatArray:
    if rows.target is None:
        raise TypeError("these rows have no target")
    y = np.asarray(rows.target.column(0)[block], dtype=np.float64)
    centred: FloatArray = (y - rows.shift[-1]) * rows.scale[-1]
    return centred


def _residuals(rows: FittedRows, block: slice, z: FloatArray) -> FloatArray:
    if rows.coef is None:
        raise TypeError("these rows have no coefficients")
    left: FloatArray = _target(rows, block) - z @ rows.coef
    return left


def _scored(rows: FittedRows, z: FloatArray, whitened: bool) -> FloatArray:
    """The variables that scores are summed in: z, or factor'z."""
    if not whitened:
        return z
    if rows.factor is None:
        raise TypeError("these rows have no factor")
    along: FloatArray = z @ rows.factor
    return along


def _leverages(rows: FittedRows, z: FloatArray, weights: npt.NDArray[np.float64]) -> FloatArray:
    along = _scored(rows, z, True)
    h: FloatArray = np.einsum("ij,ij->i", along, along)
    return h if rows.weights_count else h * weights
