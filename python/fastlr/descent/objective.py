"""What is minimised: the textbooks' three squared losses, or Huber's, with a penalty, and how fast descent may go."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastlr._kernels import kernels
from fastlr._kernels.parts import in_parts
from fastlr.descent.optimizers import Optimizer
from fastlr.descent.row_loss import SQUARED, RowLoss
from fastlr.descent.table import MeasuredRows, Standardisation
from fastlr.input.columns import FloatArray
from fastlr.input.names import default_names, default_targets
from fastlr.least_squares.normal import solve_at_once
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of_state
from fastlr.moments.state import State

__all__ = ["LOSSES", "Curvature", "Objective", "Quadratic"]

LOSSES = ("sse", "mse", "half_mse", "huber")
_POWER_STEPS = 40
_MOST_EIGENVALUES = 128  # all of a larger matrix cost more than the largest one is worth


@dataclass(frozen=True)
class Objective:
    """The loss of_squares / 2 * sum w r^2 + penalty / 2 * |coef|^2, in one of three conventions.

    Another loss l(r) of a row has 2 l(r) in the place of r^2, in the convention of "half_mse": a mean of l(r).
    """

    kind: str
    alpha: float
    n_samples: int
    total_weight: float
    penalty_weights: FloatArray | None = None
    """What multiplies the square of each coefficient in the penalty, if not 1: descent may see other units."""
    row_loss: RowLoss = SQUARED

    @property
    def scale(self) -> float:
        """The factor of the convention: 2, or 1 where the square is halved."""
        return 1.0 if self.kind in ("half_mse", "huber") else 2.0

    @property
    def mean_weight(self) -> float:
        """Mean weight of a row, or 0 where squares are summed rather than averaged."""
        return 0.0 if self.kind == "sse" else self.total_weight / self.n_samples

    @property
    def of_squares(self) -> float:
        """The second derivative by a residual of weight 1: twice what multiplies sum w r^2."""
        return self.scale if self.kind == "sse" else self.scale / self.total_weight

    @property
    def penalty(self) -> float:
        """The second derivative of the penalty: twice what multiplies |coef|^2."""
        return self.alpha * self.scale

    @property
    def alpha_of_sum(self) -> float:
        """The penalty of ``sum w r^2 + alpha |coef|^2`` with the same minimum."""
        return self.alpha if self.kind == "sse" else self.alpha * self.total_weight

    @property
    def ridge(self) -> float:
        """The penalty beside a mean of squares: that of sum(w r^2) / W + ridge |coef|^2."""
        return self.penalty / (self.of_squares * self.total_weight)

    def penalties(self, n_features: int) -> FloatArray:
        """The second derivative of the penalty by each coefficient."""
        weights = np.ones(n_features) if self.penalty_weights is None else self.penalty_weights
        return self.penalty * weights

    def loss(self, squares: float, coef: FloatArray) -> float:
        """The objective, from sum w r^2 (or what another loss has in its place) and the penalised coefficients."""
        penalised = (
            coef if self.penalty_weights is None else coef * self.penalty_weights[: len(coef)]
        )
        return 0.5 * self.of_squares * squares + 0.5 * self.penalty * float(coef @ penalised)

    @property
    def settings(self) -> dict[str, Any]:
        """The convention, the penalty and the loss of a row under the names that the kernels know."""
        settings: dict[str, Any] = {
            "scale": self.scale,
            "mean_weight": self.mean_weight,
            "penalty": self.penalty,
            **self.row_loss.settings,
        }
        if self.penalty_weights is not None:
            settings["penalty_weights"] = self.penalty_weights
        return settings


@dataclass(frozen=True)
class Quadratic:
    """The moments of the rows on the scale of descent: all that full-batch descent needs to know of them."""

    xx: FloatArray
    xy: FloatArray
    yy: float
    mean_x: FloatArray
    mean_y: float
    weight: float

    @classmethod
    def of(cls, moments: Moments, standardisation: Standardisation) -> Quadratic:
        """Shift and scale moments of one target as ``standardisation`` does the features."""
        cross, mean = moments.cross_products, moments.mean
        return cls(
            xx=np.ascontiguousarray(
                cross[:-1, :-1] * np.outer(standardisation.factor, standardisation.factor)
            ),
            xy=np.ascontiguousarray(cross[:-1, -1] * standardisation.factor),
            yy=float(cross[-1, -1]),
            mean_x=np.ascontiguousarray(
                (mean[:-1] - standardisation.centre) * standardisation.factor
            ),
            mean_y=float(mean[-1]),
            weight=moments.total_weight,
        )

    def squares(self, theta: FloatArray) -> float:
        """Sum of weighted squared residuals at theta = (coef, intercept)."""
        b = theta[:-1]
        e = theta[-1] + self.mean_x @ b - self.mean_y
        return max(
            0.0, float(b @ (self.xx @ b) - 2.0 * (self.xy @ b) + self.yy + self.weight * e * e)
        )

    def rank_and_condition(self, objective: Objective, fit_intercept: bool) -> tuple[int, float]:
        """Rank and condition number of the features, as least squares has them."""
        p = len(self.xy)
        # In the units in which the penalty is one number.
        unit = (
            np.sqrt(objective.penalties(p) / objective.penalty) if objective.penalty else np.ones(p)
        )
        cross = np.empty((p + 1, p + 1))
        cross[:p, :p], cross[p, p] = self.xx / unit / unit[:, np.newaxis], self.yy
        cross[:p, p] = cross[p, :p] = self.xy / unit
        mean = np.zeros((2, p + 1))
        mean[0, :p], mean[0, p] = self.mean_x / unit, self.mean_y
        state = State(
            n_samples=max(1, round(self.weight)),
            total_weight=self.weight,
            sum_log_weight=0.0,
            scale=np.ones(p + 1),
            mean=mean,
            cross=cross,
            feature_names=default_names(p),
            target_names=default_targets(1),
            summed_squares=cross.diagonal().copy(),
        )
        best = solve_at_once(
            moments_of_state(state), fit_intercept, objective.alpha_of_sum, n_threads=1
        )
        return best.rank, best.condition_number

    def hessian(self, objective: Objective, fit_intercept: bool) -> FloatArray:
        """Second derivatives of the objective by coefficients and intercept."""
        p = len(self.xy)
        h = np.zeros((p + 1, p + 1))
        h[:p, :p] = self.xx + self.weight * np.outer(self.mean_x, self.mean_x)
        h[p, :p] = h[:p, p] = self.weight * self.mean_x
        h[p, p] = self.weight
        h *= objective.of_squares
        h[np.arange(p), np.arange(p)] += objective.penalties(p)
        return h if fit_intercept else np.ascontiguousarray(h[:p, :p])


@dataclass(frozen=True)
class Curvature:
    """The largest curvature L of the objective, and how large a step it allows.

    Huber's loss is curved like the squared one at most: what that one allows, it bears.
    """

    measured: MeasuredRows
    standardisation: Standardisation
    objective: Objective
    fit_intercept: bool
    n_threads: int
    quadratic: Quadratic | None

    @cached_property
    def largest(self) -> float:
        """The largest eigenvalue L of the matrix of second derivatives: from moments, or by passes over the rows."""
        if self.quadratic is None:
            return self._lanczos(self._product)
        hessian = self.quadratic.hessian(self.objective, self.fit_intercept)
        if len(hessian) > _MOST_EIGENVALUES:
            return self._lanczos(hessian.dot)
        return float(np.linalg.eigvalsh(hessian)[-1])

    def _lanczos(self, product: Callable[[FloatArray], FloatArray]) -> float:
        """Bound the largest eigenvalue tightly from below, by that of a small tridiagonal matrix (Lanczos)."""
        rng = np.random.default_rng(0)
        size = self.measured.n_features + (1 if self.fit_intercept else 0)
        q, before = rng.standard_normal(size), np.zeros(size)
        q /= np.linalg.norm(q)
        diagonal: list[float] = []
        beside: list[float] = []
        largest = 0.0
        for _ in range(min(size, _POWER_STEPS)):
            u = product(q) - (beside[-1] * before if beside else 0.0)
            diagonal.append(float(u @ q))
            u -= diagonal[-1] * q
            tridiagonal = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
            previous, largest = largest, float(np.linalg.eigvalsh(tridiagonal)[-1])
            length = float(np.linalg.norm(u))
            if length <= 1e-10 * largest or abs(largest - previous) <= 1e-6 * largest:
                break
            beside.append(length)
            before, q = q, u / length
        return largest

    def _product(self, direction: FloatArray) -> FloatArray:
        """Multiply the matrix of second derivatives by a direction: the gradient where every target is zero."""
        p, measured, standardisation = self.measured.n_features, self.measured, self.standardisation
        theta = direction if self.fit_intercept else np.append(direction, 0.0)
        raw = np.ascontiguousarray(standardisation.to_raw(theta))
        zeros = np.broadcast_to(0.0, (measured.n_samples,))
        for part, slots in in_parts(kernels.plan_loss(measured.n_samples, p)):
            kernels.accumulate_loss(
                measured.features.source, zeros, measured.weights, raw, part, self.n_threads, slots
            )
        _, g = kernels.add_loss_slots(measured.n_samples, p, slots)
        g[:p] = (g[:p] - standardisation.centre * g[p]) * standardisation.factor
        product = self.objective.of_squares * g
        product[:p] += self.objective.penalties(p) * direction[:p]
        return np.asarray(product[: len(direction)])

    def of_one_row(self) -> float:
        """The largest curvature of the loss of a single row, in the mean convention."""
        measured = self.measured
        norm, weight = measured.largest_row(self.standardisation.for_kernels, self.n_threads)
        heaviest = weight * measured.n_samples / measured.total_weight
        return self.objective.scale * heaviest * (
            norm + (1.0 if self.fit_intercept else 0.0)
        ) + float(self.objective.penalties(measured.n_features).max())

    def automatic_rate(self, optimizer: Optimizer, batch_size: int | None) -> float:
        """Choose a learning rate that does not blow up and is not needlessly small.

        Full batch: 1 / L. Batches of k rows: 1 / (2 L_k) with the expected smoothness L_k of Gower et al. (2019),
        between L and the curvature of the heaviest row, on average over the batches of an epoch: the last one may
        have fewer rows. Adaptive rules, whose steps are about one rate long, go a fixed share of sd(y) / sd(x).
        """
        if optimizer.is_adaptive:
            spread = float(np.mean((self.measured.std_x * self.standardisation.factor) ** 2))
            of_y = math.sqrt(max(self.measured.square_y, 0.0) / self.measured.total_weight)
            ratio = of_y / math.sqrt(spread) if spread > 0.0 and of_y > 0.0 else 1.0
            return (0.1 if optimizer.name == "adagrad" else 0.01) * ratio
        largest = self.largest
        n = self.measured.n_samples
        if batch_size is None or n == 1:
            return 1.0 / largest if largest > 0.0 else 1.0
        in_mean = largest / n if self.objective.kind == "sse" else largest
        k, last = min(batch_size, n), n % min(batch_size, n)
        of_one_row = self.of_one_row()

        def smoothness_of(rows: int) -> float:
            return (n * (rows - 1) * in_mean + (n - rows) * of_one_row) / (rows * (n - 1))

        smoothness = smoothness_of(k)
        if last and self.objective.kind != "sse":  # a sum over few rows takes a small step anyway
            whole = n // k
            average = (whole * smoothness + smoothness_of(last)) / (whole + 1)
            smoothness = max(average, smoothness_of(last) / 4.0)  # no step on it magnifies
        rate = 0.5 / smoothness if smoothness > 0.0 else 1.0
        if self.objective.kind == "sse":
            rate /= k
        return rate * (1.0 - float(getattr(optimizer, "momentum", 0.0)))
