"""What coordinate descent needs to know of the rows: cross-products of all columns, or of those that it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.refusals import refuse_bad_weights, refuse_non_finite
from fastlr.input.threads import interruptible, resolve_threads
from fastlr.least_squares.problem import Problem
from fastlr.moments.state import State
from fastlr.penalised.arguments import DescentRules

__all__ = ["Descended", "OfMoments", "OfRows", "Source", "cheaper_solver", "source_of"]

_COLUMNS_PER_BLOCK = 63  # that a path asks for at once
_READING = 32.0  # flops that take as long as reading a value
_SHARE_ON_DEMAND = 8  # once more than this part of all columns is needed, all are taken
_SMALLEST_SQUARE = 1e-200
_LARGEST_PENALTY = 1e250  # on squares of coefficients of columns of length one or so
_WORTH_CHOOSING = 1e8  # flops of all cross-products, below which nothing else is tried


@dataclass(frozen=True, slots=True)
class Descended:
    """Coefficients (n_alphas, p) of one target, their duality gaps (in units of the mean loss) and sweeps."""

    coefs: FloatArray
    gaps: FloatArray
    n_iter: npt.NDArray[np.intp]
    n_columns: int
    """Columns whose cross-products were needed."""


class Source(Protocol):
    """Rows as coordinate descent sees them."""

    n_samples: int
    total_weight: float
    column_means: FloatArray
    """Means (p + t), zeros without an intercept."""

    @property
    def solver(self) -> str:
        """Where the cross-products come from: "moments" or "rows"."""

    @property
    def n_features(self) -> int:
        """Number of features."""

    def gradient(self, target: int) -> FloatArray:
        """X'y (p,) of the (centred) columns, in the user's units."""

    def total_squares(self, target: int) -> float:
        """Sum of squares y'y of the (centred) target."""

    def descend(
        self,
        target: int,
        l1: FloatArray,
        l2: FloatArray,
        factors: FloatArray,
        start: FloatArray,
        rules: DescentRules,
    ) -> Descended:
        """Minimise the mean loss and the penalties ``l1 f |b| + l2 f b^2 / 2``, one after the other."""


def source_of(problem: Problem, solver: str, *, needs_all: bool = False) -> Source:
    """The cheaper source by counted flops, unless one is named; moments where all columns are needed anyway."""
    chosen = solver
    if solver == "auto":
        chosen = "moments" if needs_all else cheaper_solver(problem)
    if chosen == "rows":
        rows = OfRows.of(problem, may_change=solver == "auto")
        if rows is not None:
            return rows
    return _moments_of(problem)


def cheaper_solver(problem: Problem) -> str:
    """Return "moments" or "rows", whichever takes fewer flops if a quarter of all columns is needed."""
    n, p = problem.features.n_samples, problem.n_features
    every = float(n) * p * p
    blocks = -(-max(1, min(n, p) // 4) // _COLUMNS_PER_BLOCK)
    some = float(n) * p * blocks * (2 * (_COLUMNS_PER_BLOCK + 1) + _READING)
    return "rows" if every > _WORTH_CHOOSING and some < every else "moments"


def _moments_of(problem: Problem) -> OfMoments:
    state, _ = problem.pass_over()
    return OfMoments(state, problem.fit_intercept)


class OfMoments:
    """Cross-products of all columns, from moments."""

    @property
    def solver(self) -> str:
        """Where the cross-products come from."""
        return "moments"

    def __init__(self, state: State, fit_intercept: bool) -> None:
        p = state.n_features
        cross = state.products(fit_intercept)
        self.n_samples, self.total_weight = state.n_samples, state.total_weight
        self.column_means = state.column_means * fit_intercept
        self.products: FloatArray = np.ascontiguousarray(cross[:p, :p])
        """Cross-products (p, p) of the features times `scale`."""
        self.scale = state.scale
        self._of_targets = cross[:p, p:]
        self._squares = cross.diagonal()[p:]

    @property
    def n_features(self) -> int:
        """Number of features."""
        return len(self.products)

    def gradient(self, target: int) -> FloatArray:
        """X'y (p,) of the (centred) columns, in the user's units."""
        p = self.n_features
        result: FloatArray = self._of_targets[:, target] / self.scale[:p] / self.scale[p + target]
        return result

    def total_squares(self, target: int) -> float:
        """Sum of squares y'y of the (centred) target."""
        return float(self._squares[target] / self.scale[self.n_features + target] ** 2)

    def gradient_beyond(self, target: int, free: npt.NDArray[np.bool_]) -> FloatArray:
        """X'y (p,) once the free columns have explained what they can of y and of the others."""
        p = self.n_features
        coef = np.zeros(p)
        coef[free] = _inverse(self.products[np.ix_(free, free)]) @ self._of_targets[free, target]
        left = self._of_targets[:, target] - self.products @ coef
        result: FloatArray = left / self.scale[:p] / self.scale[p + target]
        return result

    def mean_squares(self, target: int, coefs: FloatArray, intercepts: FloatArray) -> FloatArray:
        """Mean squared errors (k,) over these rows of coefficients (k, p) and intercepts (k,), in units of y."""
        p = self.n_features
        of_y = self.scale[p + target]
        scaled = coefs * (of_y / self.scale[:p])
        squares = self._squares[target] + np.einsum(
            "kp,kp->k", scaled, scaled @ self.products - 2.0 * self._of_targets[:, target]
        )
        means = self.column_means
        offset = means[p + target] - intercepts - coefs @ means[:p]
        result: FloatArray = np.maximum(squares, 0.0) / self.total_weight / of_y**2 + offset**2
        return result

    def descend(
        self,
        target: int,
        l1: FloatArray,
        l2: FloatArray,
        factors: FloatArray,
        start: FloatArray,
        rules: DescentRules,
    ) -> Descended:
        """Minimise the mean loss and the penalties ``l1 f |b| + l2 f b^2 / 2``, one after the other."""
        p = self.n_features
        of_x, of_y = self.scale[:p], self.scale[p + target]
        if not rules.positive and factors.any() and not (l1[-1] or l2[-1]):
            # Without a penalty (the last ones of a falling sequence) nothing needs a descent.
            n = int(np.count_nonzero((l1 > 0.0) | (l2 > 0.0)))
            first = self.descend(target, l1[:n], l2[:n], factors, start, rules) if n else None
            last = self.descend(target, l1[n:], l2[n:], np.zeros(p), start, rules)
            if first is None:
                return last
            return Descended(
                np.concatenate([first.coefs, last.coefs]),
                np.concatenate([first.gaps, last.gaps]),
                np.concatenate([first.n_iter, last.n_iter]),
                p,
            )
        gradient, squares = self._of_targets[:, target], float(self._squares[target])
        products, weight = self.products, self.total_weight
        kept = np.arange(p)
        # Coefficients without a penalty are eliminated: whatever the others are, they follow.
        free = np.flatnonzero(factors == 0.0) if not rules.positive else kept[:0]
        if free.size:
            kept = np.flatnonzero(factors > 0.0)
            inverse = _inverse(products[np.ix_(free, free)])
            back = inverse @ products[np.ix_(free, kept)]
            constant = inverse @ gradient[free]
            squares = max(0.0, squares - float(gradient[free] @ constant))
            products = products[np.ix_(kept, kept)] - products[np.ix_(kept, free)] @ back
            gradient = gradient[kept] - back.T @ gradient[free]
        coefs = np.zeros((len(l1), p))
        gaps, n_iter = np.zeros(len(l1)), np.ones(len(l1), dtype=np.intp)
        if kept.size:
            widest = of_x[kept].max()  # whose square may leave the range of float64
            found, gaps, n_iter = kernels.penalised_path(
                np.ascontiguousarray(products),
                squares,
                np.ascontiguousarray(gradient),
                factors[kept] * of_x[kept] * of_y,
                factors[kept] * (of_x[kept] / widest) ** 2 if l2.any() else np.zeros(len(kept)),
                of_x[kept],
                rules.positive,
                l1 * weight,
                np.minimum(l2 * weight * widest * widest, _LARGEST_PENALTY),
                start[kept] * of_y / of_x[kept],
                rules.max_iter,
                rules.tol,
                rules.is_random,
                rules.seed,
            )
            coefs[:, kept] = found
        if free.size:
            coefs[:, free] = constant - coefs[:, kept] @ back.T
        return Descended(coefs * of_x / of_y, gaps / weight / of_y**2, n_iter, p)


class OfRows:
    """Cross-products of the columns that a path asks for, taken from the rows then; targets' at once.

    Once a path has asked for an eighth of all columns, it is likely to ask for most: moments take over.
    """

    def __init__(
        self,
        problem: Problem,
        shift: FloatArray,
        of_targets: FloatArray,
        weight: float,
        n: int,
        may_change: bool,
    ) -> None:
        p = problem.n_features
        mean = of_targets[-1] / weight * problem.fit_intercept
        self._problem, self.shift, self.mean = problem, shift, mean
        self._of_targets = of_targets[:-1] - weight * np.outer(mean[p:], mean)
        self._most = p // _SHARE_ON_DEMAND if may_change else p
        self._moments: OfMoments | None = None
        self.n_samples, self.total_weight = n, weight
        self.column_means = (shift + mean) * problem.fit_intercept

    @classmethod
    def of(cls, problem: Problem, may_change: bool) -> OfRows | None:
        """One pass for means and targets; None where squares leave the range of float64."""
        features, targets, weights = problem.features, problem.targets, problem.weights
        p, q = problem.n_features, problem.n_features + targets.n_columns
        total, n = float(features.n_samples), features.n_samples
        if weights is not None:
            refuse_bad_weights(weights)
            total, n = float(weights.sum()), int(np.count_nonzero(weights))
        shift = np.zeros(q)
        if problem.fit_intercept:
            shift = kernels.provisional_shift(features.source, targets.source, weights)
        products = kernels.column_products(
            features.source,
            targets.source,
            weights,
            shift,
            list(range(p, q)),
            resolve_threads(problem.n_threads),
        )
        if not np.isfinite(products).all():
            refuse_non_finite(features, problem.feature_names, argument="X")
            refuse_non_finite(targets, problem.target_names, argument="y")
            return None
        source = cls(problem, shift, products, total, n, may_change)
        squares = np.array([source.total_squares(k) for k in range(q - p)])
        is_in_range = (squares > _SMALLEST_SQUARE) & (squares < 1.0 / _SMALLEST_SQUARE)
        if not np.all(is_in_range):
            return None
        # Lengths of columns as far as their products with y tell them: their squares must be in range, too.
        lengths = np.abs([source.gradient(k) for k in range(q - p)]) / np.sqrt(squares)[:, None]
        known = lengths[lengths > 0.0]
        is_in_range = (known**2 > _SMALLEST_SQUARE) & (known**2 < 1.0 / _SMALLEST_SQUARE)
        return source if np.all(is_in_range) else None

    @property
    def solver(self) -> str:
        """Where the cross-products come from by now."""
        return "rows" if self._moments is None else "moments"

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self._problem.n_features

    def gradient(self, target: int) -> FloatArray:
        """X'y (p,) of the (centred) columns, in the user's units."""
        return self._of_targets[target, : self.n_features]

    def total_squares(self, target: int) -> float:
        """Sum of squares y'y of the (centred) target."""
        return float(self._of_targets[target, self.n_features + target])

    def descend(
        self,
        target: int,
        l1: FloatArray,
        l2: FloatArray,
        factors: FloatArray,
        start: FloatArray,
        rules: DescentRules,
    ) -> Descended:
        """Minimise the mean loss and the penalties ``l1 f |b| + l2 f b^2 / 2``, one after the other."""
        p, problem, weight = self.n_features, self._problem, self.total_weight
        if self._moments is not None:
            return self._moments.descend(target, l1, l2, factors, start, rules)
        coefs, gaps, n_iter, n_columns, n_done = kernels.penalised_path_of_rows(
            problem.features.source,
            problem.weights,
            weight,
            np.ascontiguousarray(self.shift[:p]),
            np.ascontiguousarray(self.mean[:p]),
            self._most,
            resolve_threads(problem.n_threads),
            self.total_squares(target),
            np.ascontiguousarray(self.gradient(target)),
            factors,
            factors,
            np.ones(p),
            rules.positive,
            l1 * weight,
            l2 * weight,
            start,
            rules.max_iter,
            rules.tol,
            rules.is_random,
            rules.seed,
        )
        if n_done < len(l1):
            self._moments = _moments_of(problem)
            begin = coefs[n_done - 1] if n_done else start
            rest = self._moments.descend(target, l1[n_done:], l2[n_done:], factors, begin, rules)
            coefs[n_done:], gaps[n_done:], n_iter[n_done:] = (
                rest.coefs,
                rest.gaps * weight,
                rest.n_iter,
            )
            n_columns = p
        return Descended(coefs, gaps / weight, n_iter, n_columns)


def _inverse(products: FloatArray) -> FloatArray:
    """Inverse of cross-products; of those of columns that depend on one another, one that gives a small norm."""
    length = np.sqrt(np.maximum(products.diagonal(), 0.0))
    length[length == 0.0] = 1.0
    unit = products / length / length[:, np.newaxis]
    inverse: FloatArray = interruptible(np.linalg.pinv, unit, rcond=1e-13, hermitian=True)
    return inverse / length / length[:, np.newaxis]
