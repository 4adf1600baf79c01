"""Products of rows, factored, and how many rows are independent: the problem of wide data, n x n."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.refusals import refuse_non_finite
from fastlr.input.threads import interruptible, resolve_threads
from fastlr.least_squares.problem import Problem
from fastlr.least_squares.rounding import DOUBTFUL, MARGIN, ROUNDING, add_to
from fastlr.least_squares.units import U

__all__ = ["Dual", "condition_number", "dual_of", "products_of_rows"]

_VALUES_PER_CALL = 1 << 28  # multiply-adds of one call: some 10 to 50 ms
_SHARE = 1e-6  # of a column's length: what is above is no dependence
_MOST_STAGES = 4  # each sees distances 3e5 times smaller than the one before
_MOST_STEPS = 6


@dataclass(frozen=True, slots=True)
class Dual:
    """Products of rows, factored; of the scaled columns X * scale."""

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


def dual_of(
    problem: Problem, weights: FloatArray, decide: bool
) -> tuple[Dual, float, FloatArray, FloatArray] | None:
    """The dual, the scale of the features in it, and their weighted means and standard deviations.

    None if rows nearly depend on one another and nobody asks which ones do.
    """
    dual = _factored(problem, weights, decide)
    if dual is None:
        return None
    scale, mean, std = dual.scale, dual.mean, dual.std
    if np.ptp(weights) > 0:
        # Independent rows are all met whatever they weigh: without weights no row drowns the others.
        plain = _factored(problem, np.ones(len(weights)), decide)
        if plain is None:
            return None
        is_full = plain.rank == len(weights) - problem.fit_intercept
        dual = replace(plain if is_full else dual, passes=dual.passes + plain.passes)
    return dual, scale, mean, std


def condition_number(problem: Problem, dual: Dual, std: FloatArray) -> float:
    """Ratio of singular values of the columns at unit length that are not zero: one more pass."""
    n = len(dual.weights)
    length = std * np.sqrt(dual.weights.sum())
    if not problem.fit_intercept:
        length = np.sqrt(dual.weights.sum()) * np.hypot(std, dual.mean)
    with np.errstate(divide="ignore", over="ignore"):
        unit = np.where(length > 0, dual.scale / length, 0.0)
    H, _, _ = products_of_rows(problem, dual.weights, unit)
    singular = np.sqrt(np.maximum(interruptible(np.linalg.eigvalsh, _square(H, n))[::-1], 0.0))
    smallest = singular[dual.rank - 1] if dual.rank > 0 else 0.0
    return float(singular[0] / smallest) if smallest > 0 else 1.0


def _factored(problem: Problem, weights: FloatArray, decide: bool) -> Dual | None:
    """H = Z Z' and its factor; a second time with scaled values if their squares leave float64's range."""
    scale, passes = 1.0, 1
    n = problem.features.n_samples
    H, mean, variance = products_of_rows(problem, weights, scale)
    diagonal = H[:n, :n].trace()
    if not 1e-280 < diagonal < np.inf:
        zeros = np.zeros(problem.n_features + problem.targets.n_columns)
        deviation = kernels.largest_deviation(
            problem.features.source,
            problem.targets.source,
            None,
            zeros,
            zeros,
            resolve_threads(problem.n_threads),
        )
        if not np.isfinite(deviation).all():
            refuse_non_finite(problem.features, problem.feature_names, argument="X")
        largest = deviation[: problem.n_features].max()
        if largest > 0:
            scale = float(np.ldexp(1.0, -min(1000, max(-1000, int(np.frexp(largest)[1])))))
            H, mean, variance = products_of_rows(problem, weights, scale)
            passes += 1
            diagonal = H[:n, :n].trace()
    null = np.sqrt(weights / weights.sum()) * problem.fit_intercept
    unit = diagonal / n if diagonal > 0 else 1.0
    H = _square(H, n) + unit * np.outer(null, null)
    condition, root = kernels.factor_dual(
        _padded(H), n, n_threads=resolve_threads(problem.n_threads)
    )
    dual = Dual(
        scale,
        weights,
        mean,
        np.sqrt(variance),
        n - problem.fit_intercept,
        condition,
        root,
        np.zeros((n, 0)),
        False,
        passes,
    )
    if condition**2 <= kernels.LARGEST_SQUARED_CONDITION:
        return dual
    if not decide:
        return None
    dual = _on_independent_rows(problem, dual, H, unit)
    if dual.unreachable.shape[1] == 0:
        return dual
    return replace(
        dual,
        is_uncertain=_reaches(problem, dual),
        passes=dual.passes + dual.unreachable.shape[1],
    )


def _on_independent_rows(problem: Problem, dual: Dual, H: FloatArray, unit: float) -> Dual:
    """Rows that depend on one another, or nearly: the rows themselves tell which ones do.

    A combination of rows counts as nothing where it is smaller than the rounding of the values that went into it.
    """
    n = len(H)
    root_weight = np.sqrt(dual.weights)
    length = np.sqrt(np.maximum(H.diagonal(), 0.0))
    raw = np.hypot(length, root_weight * np.linalg.norm(dual.mean))
    with np.errstate(divide="ignore", invalid="ignore"):
        rounding = np.where(length > 0, raw / length, 1.0)
    threshold = np.maximum(DOUBTFUL, (MARGIN * ROUNDING * U * rounding) ** 2)
    chosen, others, small_root, shares = kernels.choose_columns(
        H, threshold, n_threads=resolve_threads(problem.n_threads)
    )
    root = np.zeros((n, len(chosen)))
    root[chosen] = small_root
    combinations = np.zeros((len(others), n))
    combinations[np.arange(len(others)), others] = 1.0
    combinations[:, chosen] = -shares
    nulls, passes = np.zeros((0, n)), dual.passes
    for stage in range(_MOST_STAGES):
        if len(combinations) == 0:
            break
        left = []
        for k in range(len(combinations)):
            combinations[k], remainder, more = _refined_combination(
                problem, dual, combinations[k], root, unit
            )
            left.append(remainder)
            passes += more
        products = np.array(left) @ np.array(left).T
        in_lengths = combinations * length
        level = (
            ROUNDING
            * U
            * (
                np.linalg.norm(combinations * raw, axis=1)
                + np.sqrt(n) * np.linalg.norm(in_lengths, axis=1)
            )
        )
        is_null = np.sqrt(products.diagonal()) <= level
        nulls = np.concatenate([nulls, combinations[is_null]])
        combinations, real = combinations[~is_null], np.ix_(~is_null, ~is_null)
        if len(combinations) == 0:
            break
        products = products[real]
        noise = np.minimum(0.25, level[~is_null] ** 2 / products.diagonal())
        chosen, others, small_root, shares = kernels.choose_columns(
            products,
            np.maximum(DOUBTFUL, noise),
            n_threads=resolve_threads(problem.n_threads),
        )
        root = np.hstack([root, combinations[chosen].T @ small_root])
        combinations = combinations[others] - shares @ combinations[chosen]
        if stage == _MOST_STAGES - 1:
            nulls = np.concatenate([nulls, combinations])
    unreachable = interruptible(np.linalg.qr, nulls.T)[0] if len(nulls) else np.zeros((n, 0))
    rows = np.flatnonzero(np.any(root != 0, axis=1))
    condition = _condition(H[np.ix_(rows, rows)], root[rows])
    return replace(
        dual,
        rank=max(0, root.shape[1] - problem.fit_intercept),
        condition_number=condition,
        root=root,
        unreachable=unreachable,
        passes=passes,
    )


def _condition(H: FloatArray, root: FloatArray) -> float:
    """Condition number of independent rows at unit length, from their products and a root of the inverse."""
    length = np.sqrt(H.diagonal())
    if len(H) == 0:
        return 1.0
    largest = np.linalg.norm(H / np.outer(length, length), 2)
    of_inverse = np.linalg.norm(root * length[:, np.newaxis], 2)
    return float(max(1.0, np.sqrt(largest) * of_inverse))


def _refined_combination(
    problem: Problem, dual: Dual, v: FloatArray, root: FloatArray, unit: float
) -> tuple[FloatArray, FloatArray, int]:
    """The combination of rows that comes nearest to zero, and what is left of it.

    Returns
    -------
    v : ndarray of shape (n_samples,)
    left : ndarray of shape (n_features + 1,)
        sum_i sqrt(w_i) v_i (x_i - mean), and the share of the constant, in twice the working precision until here.
    passes : int
    """
    n, p = problem.features.n_samples, problem.n_features
    threads, source = resolve_threads(problem.n_threads), problem.features.source
    root_weight, total = np.sqrt(dual.weights), dual.weights.sum()
    scale = np.full(p, dual.scale)
    alpha = np.zeros((2, n))
    alpha[0] = root_weight * v
    zeros = np.broadcast_to(np.zeros(1), (n, 1))
    last, passes = np.inf, 0
    for n_steps in range(1, _MOST_STEPS + 1):  # every step halves the last one, or is the last
        share = kernels.transposed_product(source, scale, np.ascontiguousarray(alpha), threads)
        constant = math.fsum(alpha.ravel()) if problem.fit_intercept else 0.0
        left = np.append(
            (share[0] - dual.mean * constant) + share[1], np.sqrt(unit / total) * constant
        )
        passes += 1
        coef = np.ascontiguousarray(np.stack([left[:p], np.zeros(p)]).reshape(2, 1, p))
        offset = np.zeros((2, 1))
        offset[0] = -dual.mean @ left[:p] if problem.fit_intercept else 0.0
        along = -kernels.residuals(
            source, zeros, np.append(scale, 1.0), 1, coef, offset, 0, threads
        ).sum(axis=0)
        passes += 1
        gradient = root_weight * (along + np.sqrt(unit / total) * left[p] * problem.fit_intercept)
        step = root @ (root.T @ gradient)
        size = float(np.linalg.norm(root.T @ gradient))
        if not size <= 0.5 * last or n_steps == _MOST_STEPS:
            break
        v = v - step
        add_to(alpha, -root_weight * step)
        last = size
        if size == 0.0:
            break
    return v, left, passes


def _reaches(problem: Problem, dual: Dual) -> bool:
    """Whether some column, small beside others, has a share in what is taken for dependence between rows."""
    length = np.sqrt(dual.weights.sum()) * dual.std
    noise = np.sqrt(dual.weights.sum()) * np.abs(dual.mean)
    level = np.maximum(_SHARE * length, 64 * U * noise)
    scale, threads = np.full(problem.n_features, dual.scale), resolve_threads(problem.n_threads)
    for direction in np.sqrt(dual.weights) * dual.unreachable.T:
        pair = np.stack([direction, np.zeros_like(direction)])
        share = kernels.transposed_product(problem.features.source, scale, pair, threads).sum(
            axis=0
        )
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


def products_of_rows(
    problem: Problem,
    weights: FloatArray,
    scale: float | FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lower triangle of Z Z', and means and variances of the columns."""
    n, p = problem.features.n_samples, problem.n_features
    padded = -(-n // 8) * 8
    root = None
    if problem.weights is not None:
        root = np.zeros(padded)
        root[:n] = np.sqrt(weights)
    H, mean, variance, scales = (
        np.zeros((padded, padded)),
        np.zeros(p),
        np.zeros(p),
        np.full(p, scale),
    )
    threads = resolve_threads(problem.n_threads)
    step = max(512, _VALUES_PER_CALL // (padded * (padded + 16)) // 512 * 512)
    for first in range(0, p, step):  # Python sees Ctrl-C in between
        kernels.dual_products(
            problem.features.source,
            scales,
            root,
            problem.fit_intercept,
            first,
            min(p, first + step),
            threads,
            mean,
            variance,
            H,
        )
    return H, mean, variance
