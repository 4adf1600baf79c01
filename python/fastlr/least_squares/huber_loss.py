"""Huber's objective of residuals and a scale: its value, the best scale, and the best place along a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fastlr.input.columns import FloatArray

__all__ = ["HuberLoss", "Line", "Place"]

_BLOCK = 1 << 14  # rows whose vectors stay in a core's cache
_MOST_TRIALS = 30  # places along a line
_MOST_SCALES = 100  # rounds for the best scale; they end by themselves, after a handful
_FLAT = 0.3  # share of the first slope that is left at the best place, at most


class Line(NamedTuple):
    """Residuals (n,) and coefficients (p,) that move by -t change and t move; changes are None where nothing moves."""

    residual: FloatArray
    coef: FloatArray
    change: FloatArray | None = None
    move: FloatArray | None = None

    def at(self, t: float, rows: slice) -> FloatArray:
        """Some of the residuals at t."""
        if self.change is None or t == 0.0:
            return self.residual[rows]
        moved: FloatArray = self.residual[rows] - t * self.change[rows]
        return moved


class Place(NamedTuple):
    """How far along a line, the scale there, the objective and its slope along the line."""

    along: float
    scale: float
    value: float
    slope: float


class _Census(NamedTuple):
    """Sums that Huber's loss needs: of squares within the limit, of weights and of sizes beyond it."""

    squares: float
    n_beyond: float
    sizes: float
    pull: float
    """Products of the changes with residuals cut off at the limit."""


class HuberLoss(NamedTuple):
    """What the objective is made of: weights (n,) or None for ones, their sum, the limit in scales, and the penalty."""

    weights: FloatArray | None
    total: float
    epsilon: float
    alpha: float

    def lowest(self, line: Line, t: float, start: float, least: float) -> Place:
        """The best scale at t, or ``least`` if that is more, and the objective there.

        ``sum w min(r^2, epsilon^2 v) - v sum w`` is concave in the square v of the scale and zero at the best one:
        Newton's steps towards it come from above, and end when the rows within the limit stay the same.
        """
        scale, comes_from_above = max(start, least), False
        census = self._census(line, t, scale)
        for _ in range(_MOST_SCALES):
            left = self.total - self.epsilon**2 * census.n_beyond
            if left > 0.0:
                new = float(np.sqrt(census.squares / left))
            elif comes_from_above:  # by rounding errors alone
                break
            else:
                new = float(np.sqrt(self._census(line, t, np.inf).squares / self.total))
            new = max(new, least)
            if new == scale or (comes_from_above and new > scale):
                break
            scale, comes_from_above = new, True
            census = self._census(line, t, scale)
        return self._place(line, t, scale, census)

    def at(self, line: Line, scale: float) -> Place:
        """The objective of the line's first place, for this scale."""
        return self._place(line, 0.0, scale, self._census(line, 0.0, scale))

    def best_along(self, line: Line, first: Place, least: float) -> Place | None:
        """The lowest place of a line beyond the first one, at 0, nearly, with scales from ``least`` on.

        A whole step is enough where it leaves little slope; else the place where the slope is zero is enclosed and
        found by secants. None if no place is lower: then rounding errors are all that is left.
        """
        low, high, best, t = first, None, None, 1.0
        if not low.slope < 0.0:
            return None
        flat, highest = -_FLAT * low.slope, low.value
        for _ in range(_MOST_TRIALS):
            place = self.lowest(line, t, low.scale, least)
            if place.value < highest and (best is None or place.value <= best.value):
                best = place
            if abs(place.slope) <= flat and best is place:
                break
            if place.slope < 0.0:
                low = place
            else:
                high = place
            if high is None:
                t *= 3.0
            else:
                share = low.slope / (low.slope - high.slope)
                t = low.along + min(max(share, 0.1), 0.9) * (high.along - low.along)
        return best

    def weighed(
        self, residual: FloatArray, scale: float, share: float
    ) -> tuple[FloatArray, FloatArray, FloatArray, float]:
        """Weights (n,) of a reweighted pass, its targets (n,), residuals within the limit (n,), their sum of squares.

        Rows beyond have the share of the weight ``limit / size``; weights times targets are residuals cut off there.
        """
        limit = self.epsilon * scale
        weights, targets, inside = (np.empty_like(residual) for _ in range(3))
        squares = 0.0
        for rows in self._blocks(len(residual)):
            r = residual[rows]
            size = np.abs(r)
            beyond = size > limit
            factor = np.divide(share * limit, size, out=np.ones_like(r), where=beyond)
            weights[rows] = factor if self.weights is None else self.weights[rows] * factor
            targets[rows] = np.where(beyond, r / share, r)
            inside[rows] = kept = np.where(beyond, 0.0, r)
            squares += self._sum(np.square(kept), rows)
        return weights, targets, inside, squares

    def _place(self, line: Line, t: float, scale: float, census: _Census) -> Place:
        coef, slope = line.coef, 0.0
        if line.move is not None:
            coef = coef + t * line.move
            shrinking = self.alpha * float(coef @ line.move) if self.alpha else 0.0
            slope = 2.0 * (shrinking - census.pull / scale)
        left = self.total - self.epsilon**2 * census.n_beyond
        value = scale * left + census.squares / scale + 2.0 * self.epsilon * census.sizes
        penalty = self.alpha * float(coef @ coef) if self.alpha else 0.0
        return Place(t, scale, value + penalty, slope)

    def _census(self, line: Line, t: float, scale: float) -> _Census:
        limit = self.epsilon * scale
        squares = n_beyond = sizes = pull = 0.0
        for rows in self._blocks(len(line.residual)):
            r = line.at(t, rows)
            size = np.abs(r)
            beyond = size > limit
            weight = float(np.count_nonzero(beyond))
            if self.weights is not None and weight:
                weight = float(self.weights[rows] @ beyond)
            inside = np.where(beyond, 0.0, size) if weight else size
            squares += self._sum(np.square(inside), rows)
            if weight:
                n_beyond += weight
                sizes += self._sum(size - inside, rows)
            if line.change is not None:
                cut_off = np.clip(r, -limit, limit) if weight else r
                pull += self._sum(cut_off * line.change[rows], rows)
        return _Census(squares, n_beyond, sizes, pull)

    def _sum(self, values: FloatArray, rows: slice) -> float:
        return float(values.sum() if self.weights is None else self.weights[rows] @ values)

    @staticmethod
    def _blocks(n: int) -> Iterator[slice]:
        return (slice(first, first + _BLOCK) for first in range(0, n, _BLOCK))
