"""Products of rows, factored, and how many rows are independent: the problem of wide data, n x n."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fastlr._arrays import FloatArray, refuse_non_finite
from fastlr._kernels import kernels
from fastlr._threads import resolve_threads
from fastlr.refinement import Table

__all__ = ["Dual", "dual_of"]

_VALUES_PER_CALL = 1 << 28  # multiply-adds of one call: some 10 to 50 ms
_SHARE = 1e-6  # of a column's length: what is above is no dependence
_U = 2.0**-53


@dataclass(frozen=True, slots=True)
class Dual:
    """Products of rows, factored; all in the frame of X * scale."""

    scale: float
    weights: FloatArray
    mean: FloatArray
    std: FloatArray
    rank: int
    condition_number: float
    root: FloatArray
    unreachable: FloatArray
    """Orthonormal directions of sqrt(w) r that no coefficients change: (n, k)."""
    is_uncertain: bool
    """Whether some of them are only beyond the rounding of larger columns."""
    passes: int


def dual_of(table: Table, weights: FloatArray) -> tuple[Dual, float, FloatArray, FloatArray]:
    """The dual, the scale of the features in it, and their weighted means and standard deviations."""
    dual = _factored(table, weights)
    scale, mean, std = dual.scale, dual.mean, dual.std
    if np.ptp(weights) > 0:
        # Independent rows are all met whatever they weigh: without weights no row drowns the others.
        plain = _factored(table, np.ones(len(weights)))
        is_full = plain.rank == len(weights) - table.fit_intercept
        dual = replace(plain if is_full else dual, passes=dual.passes + plain.passes)
    return dual, scale, mean, std


def _factored(table: Table, weights: FloatArray) -> Dual:
    """H = Z Z' and its factor; a second time with scaled values if their squares leave float64's range."""
    scale, passes = 1.0, 1
    n = table.features.n_samples
    H, mean, variance = _products(table, weights, scale)
    diagonal = H[:n, :n].trace()
    if not 1e-280 < diagonal < np.inf:
        zeros = np.zeros(table.n_features + table.targets.n_columns)
        size = kernels.largest_deviation(
            table.features.source,
            table.targets.source,
            None,
            zeros,
            zeros,
            resolve_threads(table.n_threads),
        )
        if not np.isfinite(size).all():
            refuse_non_finite(table.features, table.feature_names, argument="X")
        largest = size[: table.n_features].max()
        if largest > 0:
            scale = float(np.ldexp(1.0, -min(1000, max(-1000, int(np.frexp(largest)[1])))))
            H, mean, variance = _products(table, weights, scale)
            passes += 1
            diagonal = H[:n, :n].trace()
    null = np.sqrt(weights / weights.sum()) * table.fit_intercept
    unit = diagonal / n if diagonal > 0 else 1.0
    H = _square(H, n) + unit * np.outer(null, null)
    condition, root = kernels.factor_dual(_padded(H), n)
    dual = Dual(
        scale,
        weights,
        mean,
        np.sqrt(variance),
        n - table.fit_intercept,
        condition,
        root,
        np.zeros((n, 0)),
        False,
        passes,
    )
    if condition**2 <= kernels.LARGEST_SQUARED_CONDITION:
        return dual
    return _preconditioned(table, dual, H, np.sqrt(unit) * null)


def _preconditioned(table: Table, dual: Dual, H: FloatArray, null: FloatArray) -> Dual:
    """Rows that nearly depend on one another: shifted Cholesky QR of Z', and the rank from its factor."""
    n = len(H)
    zeros = np.zeros((2, n))
    diagonal = H.diagonal().copy()
    basis, factor, _, _ = kernels.first_basis(n, 1.0, zeros, H, True)
    # The kernels' frame of columns of about unit length.
    frame = np.ldexp(1.0, -np.frexp(np.sqrt(diagonal))[1])
    passes = dual.passes
    for _ in range(3):
        lower, _, _ = _products(
            table, dual.weights, dual.scale, np.ascontiguousarray(frame[:, np.newaxis] * basis)
        )
        passes += 1
        along = (frame * null) @ basis
        products = _square(lower, n) + np.outer(along, along)
        basis, factor, _, is_orthonormal = kernels.next_basis(
            basis, factor, 1.0, zeros, products, True
        )
        if is_orthonormal:
            break
    size = np.sqrt(dual.weights * (dual.mean @ dual.mean)) * frame
    length = np.linalg.norm(factor, axis=0)
    gran = np.hypot(1.0, np.divide(size, length, out=np.zeros(n), where=length > 0))
    n_independent, condition, root, null_space, _ = kernels.decide_rank(factor, gran)
    unreachable = np.zeros((n, 0))
    if n_independent == n:
        root = basis
    else:
        unit = np.divide(frame, length, out=np.ones(n), where=length > 0)
        unreachable = np.linalg.qr((unit * null_space).T)[0]
    dual = replace(
        dual,
        rank=max(0, n_independent - table.fit_intercept),
        condition_number=condition,
        root=frame[:, np.newaxis] * root,
        unreachable=unreachable,
        passes=passes,
    )
    if n_independent == n:
        return dual
    return replace(dual, is_uncertain=_reaches(table, dual), passes=passes + unreachable.shape[1])


def _reaches(table: Table, dual: Dual) -> bool:
    """Whether some column, small beside others, has a share in what is taken for dependence between rows."""
    length = np.sqrt(dual.weights.sum()) * dual.std
    noise = np.sqrt(dual.weights.sum()) * np.abs(dual.mean)
    level = np.maximum(_SHARE * length, 64 * _U * noise)
    scale, threads = np.full(table.n_features, dual.scale), resolve_threads(table.n_threads)
    for direction in np.sqrt(dual.weights) * dual.unreachable.T:
        pair = np.stack([direction, np.zeros_like(direction)])
        share = kernels.transposed_product(table.features.source, scale, pair, threads).sum(axis=0)
        if np.any(np.abs(share - dual.mean * direction.sum()) > level):
            return True
    return False


def _square(lower: FloatArray, n: int) -> FloatArray:
    """The symmetric matrix whose lower triangle is given."""
    below = np.tril(lower[:n, :n])
    square: FloatArray = below + np.tril(below, -1).T
    return square


def _padded(H: FloatArray) -> FloatArray:
    n = len(H)
    padded = -(-n // 8) * 8
    out = np.zeros((padded, padded))
    out[:n, :n] = H
    return out


def _products(
    table: Table, weights: FloatArray, scale: float, basis: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lower triangle of Z Z' (or of its congruence by ``basis``), and means and variances of the columns."""
    n, p = table.features.n_samples, table.n_features
    padded = -(-n // 8) * 8
    root = None
    if table.weights is not None:
        root = np.zeros(padded)
        root[:n] = np.sqrt(weights)
    H, mean, variance, scales = (
        np.zeros((padded, padded)),
        np.zeros(p),
        np.zeros(p),
        np.full(p, scale),
    )
    threads = resolve_threads(table.n_threads)
    step = max(512, _VALUES_PER_CALL // (padded * (padded + 16)) // 512 * 512)
    for first in range(0, p, step):  # Python sees Ctrl-C in between
        kernels.dual_products(
            table.features.source,
            scales,
            root,
            table.fit_intercept,
            basis,
            first,
            min(p, first + step),
            threads,
            mean,
            variance,
            H,
        )
    return H, mean, variance
