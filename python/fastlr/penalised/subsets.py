"""Which columns leave the least, for every number of columns: exactly, or step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.moments.state import State

__all__ = [
    "Chosen",
    "Positions",
    "Products",
    "added",
    "backward",
    "exact",
    "forward",
    "products_of",
]

_DEPENDENT = 1e-11  # of a column's square, what chosen ones leave of it

Positions = npt.NDArray[np.intp]


class Products(NamedTuple):
    """Cross-products of columns of unit length (constant ones are zero), and of one target."""

    A: FloatArray
    q: FloatArray
    square_y: float


class Chosen(NamedTuple):
    """Columns of one size, and the sum of squares that they leave, in the units of `Products`."""

    columns: Positions
    rss: float


def products_of(state: State, fit_intercept: bool) -> Products:
    """Cross-products of the features, each divided by its length, and with the first target."""
    p = state.n_features
    cross = state.products(fit_intercept)
    squares = cross.diagonal()[:p]
    varies = squares > 1e-24 * state.summed_squares[:p]
    length = np.sqrt(np.where(varies, squares, 1.0))
    A = np.where(varies & varies[:, np.newaxis], cross[:p, :p], 0.0) / length / length[:, None]
    q = np.where(varies, cross[:p, p], 0.0) / length
    return Products(np.ascontiguousarray(A), np.ascontiguousarray(q), float(cross[p, p]))


def exact(products: Products, most: int) -> list[Chosen]:
    """The best subset of every size up to ``most``, by leaps and bounds."""
    rss, masks, _ = kernels.best_subsets(products.A, products.q, products.square_y)
    found = []
    for size in range(most + 1):
        bits = (masks[size] >> np.arange(len(products.q), dtype=np.uint64)) & np.uint64(1)
        if int(bits.sum()) == size:
            found.append(Chosen(np.flatnonzero(bits), float(rss[size])))
    return found


def forward(products: Products, most: int) -> list[Chosen]:
    """From no column on, always the one that takes away most; ends where all others depend on those chosen."""
    A = products.A
    return added(A.diagonal(), lambda j, _: A[j], products.q, products.square_y, most)


def added(
    squares: FloatArray,
    row_of: Callable[[int, FloatArray], FloatArray],
    q: FloatArray,
    square_y: float,
    most: int,
) -> list[Chosen]:
    """Forward steps that ask for the cross-products of the columns that they choose, and no others.

    ``row_of`` is given a column and what every column would take away now.
    """
    slopes, left = q.copy(), squares.copy()  # left of each column, beyond those chosen
    factor = np.zeros((most, len(slopes)))
    rss, chosen = square_y, np.zeros(0, dtype=np.intp)
    found = [Chosen(chosen, rss)]
    for size in range(most):
        is_free = left > _DEPENDENT
        is_free[chosen] = False
        if not is_free.any():
            break
        gains = np.where(is_free, slopes**2 / np.where(is_free, left, 1.0), -1.0)
        best = int(np.argmax(gains))
        row = (row_of(best, gains) - factor[:size, best] @ factor[:size]) / np.sqrt(left[best])
        factor[size] = row
        step = slopes[best] / np.sqrt(left[best])
        slopes -= step * row
        left -= row * row
        rss = max(0.0, rss - step * step)
        chosen = np.append(chosen, best)
        found.append(Chosen(np.sort(chosen), rss))
    return found


def backward(products: Products, most: int) -> list[Chosen]:
    """From all columns that are independent on, always away with the one whose loss costs least."""
    start = forward(products, len(products.q))[-1]
    kept, rss = start.columns, start.rss
    found = []
    inverse = np.linalg.inv(products.A[np.ix_(kept, kept)]) if len(kept) else np.zeros((0, 0))
    coef = inverse @ products.q[kept]
    while True:  # once for every column
        if len(kept) <= most:
            found.append(Chosen(kept, rss))
        if len(kept) == 0:
            return found[::-1]
        costs = coef**2 / inverse.diagonal()
        least = int(np.argmin(costs))
        column, pivot = inverse[:, least].copy(), inverse[least, least]
        rss = rss + float(costs[least])
        coef = np.delete(coef - column * (coef[least] / pivot), least)
        inverse = np.delete(
            np.delete(inverse - np.outer(column, column / pivot), least, axis=0), least, axis=1
        )
        kept = np.delete(kept, least)
