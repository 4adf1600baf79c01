"""Which columns a forward selection takes, where cross-products of all columns would cost more than the selection."""

from __future__ import annotations

import numpy as np

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.sparse import SparseColumns
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.problem import Problem
from fastlr.penalised.sources import OfRows
from fastlr.penalised.subsets import Positions, added

__all__ = ["columns_of_forward"]

_COLUMNS_PER_BLOCK = (
    63  # whose cross-products are taken at once: with the constant, whole strips of eight
)
_WORTH_CHOOSING = 1e8  # flops of all cross-products, below which they are taken anyway
_FEW = 16  # the part of all columns up to which so many models are few
_VALUES_PER_BLOCK = 1 << 18
_CONSTANT = 1e-24  # of the squares about zero, what varies at least


def columns_of_forward(problem: Problem, most: int) -> Positions | None:
    """The columns, in rising order, of which forward steps make ``most`` models; None where moments are cheaper.

    Cross-products with all others are taken of the columns that are chosen, and of some that may be next.
    """
    n, p = problem.features.n_samples, problem.n_features
    is_large = float(n) * p * p > _WORTH_CHOOSING and _FEW * most <= p
    if not is_large or isinstance(problem.features, SparseColumns) or problem.n_terms > 1:
        return None
    rows = OfRows.of(problem, may_change=False)
    return None if rows is None else _Selection(problem, rows).columns(most)


class _Selection:
    """Lengths of all columns, and cross-products of those that were asked for."""

    def __init__(self, problem: Problem, rows: OfRows) -> None:
        self._problem, self._rows = problem, rows
        squares, about_zero = _squares(problem, rows.column_means[: problem.n_features])
        varies = squares > _CONSTANT * about_zero
        self._inverse_length = np.where(varies, 1.0 / np.sqrt(np.where(varies, squares, 1.0)), 0.0)
        self._known: dict[int, FloatArray] = {}

    def columns(self, most: int) -> Positions:
        """The columns of the largest model, in rising order."""
        q = self._rows.gradient(0) * self._inverse_length
        squares = np.where(self._inverse_length > 0.0, 1.0, 0.0)
        return added(squares, self._products, q, self._rows.total_squares(0), most)[-1].columns

    def _products(self, chosen: int, gains: FloatArray) -> FloatArray:
        """Cosines (p,) of a column with all columns; those of others that promise much are learnt as well."""
        if chosen not in self._known:
            order = np.argsort(-gains, kind="stable")[: len(self._known) + _COLUMNS_PER_BLOCK]
            others = [int(j) for j in order if j != chosen and int(j) not in self._known]
            self._learn([chosen, *others[: _COLUMNS_PER_BLOCK - 1]])
        return self._known[chosen]

    def _learn(self, columns: list[int]) -> None:
        problem, rows, p = self._problem, self._rows, self._problem.n_features
        sums = kernels.column_products(
            problem.features.source,
            [],
            problem.weights,
            np.ascontiguousarray(rows.shift[:p]),
            columns,
            resolve_threads(problem.n_threads),
        )
        mean = rows.mean[:p]
        for j, products in zip(columns, sums, strict=False):  # behind them the sums of all columns
            centred = products - rows.total_weight * mean[j] * mean
            self._known[j] = centred * self._inverse_length * self._inverse_length[j]


def _squares(problem: Problem, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weighted sums of squares (p,) about the mean, and about zero."""
    n, p = problem.features.n_samples, problem.n_features
    squares = np.zeros(p)
    step = max(1, _VALUES_PER_BLOCK // p)
    for first in range(0, n, step):
        some = slice(first, min(n, first + step))
        block = problem.features.take_rows(some).as_matrix() - mean
        weights = np.ones(len(block)) if problem.weights is None else problem.weights[some]
        squares += weights @ np.square(block, out=block)
    total = float(n) if problem.weights is None else float(problem.weights.sum())
    return squares, squares + total * np.square(mean)
