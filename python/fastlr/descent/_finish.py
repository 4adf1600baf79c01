"""The end of a descent: what the result says, and how it ended in words."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastlr import errors
from fastlr.descent._gap import Distance, distance_by_rows, distance_from_moments
from fastlr.descent._loop import Loop, Outcome
from fastlr.descent._memory import Memory
from fastlr.descent._objective import Curvature, Objective, Quadratic
from fastlr.descent._result import Descent, History, Surroundings
from fastlr.descent._status import Circumstances, status_of
from fastlr.descent._table import Scaling, Table
from fastlr.errors import InputError, user_level
from fastlr.input.columns import FloatArray
from fastlr.optimizers import Optimizer

__all__ = ["Job", "finish", "history_of", "judge", "limit_of"]

_GROWTH = 100.0  # a loss so many times that of the start is divergence
_ROUNDING = 1e-20  # of the losses that are divergence


@dataclass(frozen=True)
class Job:
    """What a descent is about: rows, scale, objective and rule."""

    table: Table
    scaling: Scaling
    objective: Objective
    quadratic: Quadratic | None
    curvature: Curvature
    rule: Optimizer
    rate: float
    is_automatic: bool
    fit_intercept: bool
    batch_size: int | None
    seed: int
    arguments: dict[str, Any]

    def squares(self, theta: FloatArray, n_threads: int) -> float:
        """Sum w r^2 over all rows, from moments or in one pass."""
        if self.quadratic is not None:
            return self.quadratic.squares(theta)
        return self.table.loss_sums(self.scaling.to_raw(theta), n_threads)[0]

    def squares_and_gradient(
        self, theta: FloatArray, n_threads: int
    ) -> tuple[float, FloatArray | None]:
        """Sum w r^2 over all rows, with (X' (w r), sum w r) where it took a pass."""
        if self.quadratic is not None:
            return self.quadratic.squares(theta), None
        return self.table.loss_sums(self.scaling.to_raw(theta), n_threads)

    def gap(
        self, theta: FloatArray, gradient: FloatArray | None, n_epochs: int
    ) -> tuple[float, bool]:
        """How far the objective lies above its minimum, and whether that is exact or a bound from below."""
        if self.quadratic is None:
            assert gradient is not None
            return distance_by_rows(
                self.table, self.scaling, self.objective, theta, gradient, self.fit_intercept
            ), False
        return distance_from_moments(
            self.quadratic,
            self.objective,
            theta,
            self.fit_intercept,
            self.table.n_samples,
            n_epochs,
        )

    def loss(self, theta: FloatArray, n_threads: int) -> float:
        """The objective at ``theta``, over all rows."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.objective.loss(self.squares(theta, n_threads), theta[:-1])


def limit_of(table: Table, objective: Objective, start_loss: float) -> float:
    """Losses above this are divergence: a multiple of the loss at the start and at zero."""
    if not math.isfinite(start_loss):
        raise InputError(
            "the loss at the start exceeds the range of float64: start from smaller coefficients, or from zeros."
        )
    of_zero = objective.loss(table.squares_of_zero, np.zeros(0))
    return _GROWTH * max(of_zero, start_loss) or math.inf


def judge(outcome: Outcome, loop: Loop, loss_of: Callable[[FloatArray], float]) -> None:
    """Compare the end with the start, over all rows: descent that ended higher has diverged.

    Losses of batches scatter and belong to no single iterate, so the last iterate is judged by all rows, and after
    several epochs the mean over the last one as well. What diverged returns the best iterate of its way, or its start
    if that is better.
    """
    epochs, scatters = outcome.epochs, loop.engine.name == "batches"
    if outcome.code == "diverged":
        last = float(epochs.loss[-1])
    else:
        last = loss_of(outcome.theta)
        if scatters and loop.n_before + len(epochs) > 1:
            last = max(last, float(epochs.loss[-1]))
    bound = (2.0 if scatters else 1.01) * loop.start_loss + loop.rounding
    if outcome.code == "diverged" or not last <= bound:
        outcome.code, outcome.growth = "diverged", (loop.start_loss, last)
        best = loop.state.best
        outcome.theta = best if loss_of(best) < loop.start_loss else loop.start


def finish(
    job: Job, loop: Loop, outcome: Outcome, engine: str, before: Descent | None = None
) -> Descent:
    """The result, with a warning if descent did not arrive."""
    table, scaling, objective = job.table, job.scaling, job.objective
    judge(outcome, loop, lambda theta: job.loss(theta, loop.n_threads))
    theta = outcome.theta
    raw = scaling.to_raw(theta)
    squares, gradient = job.squares_and_gradient(theta, loop.n_threads)
    loss = objective.loss(squares, theta[:-1])
    history = history_of(outcome, table, scaling)
    if before is not None:
        history = before.history.followed_by(history)

    def distance() -> Distance:
        with np.errstate(over="ignore", invalid="ignore"):
            gap, is_exact = job.gap(theta, gradient, len(history))
        of_constant = table.square_y if job.fit_intercept else table.squares_of_zero
        return Distance(
            loss=loss,
            gap=gap,
            is_exact=is_exact,
            of_constant=0.5 * objective.of_squares * of_constant,
            rounding=_ROUNDING * float(loop.settings["limit"]),
        )

    def stable() -> float:
        return job.rule.largest_stable_rate(job.curvature.largest)

    status, warns = status_of(
        outcome,
        history,
        loop,
        Circumstances(
            rule=job.rule,
            stable=stable,
            rate_for_batches=lambda: job.curvature.automatic_rate(
                job.rule, loop.engine.largest_batch
            ),
            distance=distance,
            is_automatic=job.is_automatic,
            is_standardised=not scaling.is_trivial,
            note=scaling.note,
        ),
    )
    if warns:
        warnings.warn(str(status), errors.ConvergenceWarning, stacklevel=user_level())
    return Descent(
        coef=raw[:-1].copy(),
        intercept=float(raw[-1]),
        feature_names=table.feature_names,
        target_names=table.target_names,
        n_samples=table.n_positive,
        total_weight=table.total_weight,
        rank=0,
        condition_number=math.nan,
        solver=f"{job.rule.name} ({engine})",
        status=status,
        digits=math.nan,
        passes=len(history),
        bse=np.full(table.n_features, math.nan),
        bse_intercept=math.nan,
        residual_sd=math.nan,
        rss=squares,
        tss=table.square_y if job.fit_intercept else table.squares_of_zero,
        log_likelihood=float(_log_likelihood(np.asarray(squares), table)),
        fit_intercept=job.fit_intercept,
        alpha=objective.alpha_of_sum,
        feature_mean=table.mean_x,
        feature_std=table.std_x,
        history=history,
        loss=loss,
        n_epochs=len(history),
        n_updates=loop.state.n_updates,
        loss_kind=objective.kind,
        penalty=objective.alpha,
        optimizer=job.rule,
        learning_rate=job.rate,
        largest_stable_rate=stable()
        if outcome.code == "diverged" or job.quadratic is not None
        else math.nan,
        engine=engine,
        batch_size=loop.engine.largest_batch,
        memory=Memory(
            state=loop.state,
            scaling=scaling,
            seed=job.seed,
            first_rate=job.rate,
            rate=loop.rate,
            start=loop.start,
            start_loss=loop.start_loss,
            limit=float(loop.settings["limit"]),
            watch=loop.watch,
            ended=outcome.code in ("converged", "early_stopped"),
            arguments=job.arguments,
        ),
        surroundings=Surroundings(job.quadratic, objective, theta),
    )


def history_of(outcome: Outcome, table: Table, scaling: Scaling) -> History:
    epochs = outcome.epochs
    path = None if epochs.path is None else scaling.to_raw(epochs.path)
    validation = np.full(len(epochs), math.nan)
    validation[: len(outcome.validation)] = outcome.validation
    return History(
        epoch=np.arange(len(epochs)),
        loss=epochs.loss,
        mse=epochs.squares / table.total_weight,
        log_likelihood=_log_likelihood(epochs.squares, table),
        validation_loss=validation if outcome.is_validated else None,
        gradient_norm=epochs.gradient_norm,
        learning_rate=epochs.rate,
        coef=None if path is None else path[:, :-1],
        intercept=None if path is None else path[:, -1],
    )


def _log_likelihood(squares: FloatArray, table: Table) -> FloatArray:
    """-n/2 (log(2 pi rss / n) + 1) + sum(log w) / 2."""
    n = table.n_positive
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        value = -0.5 * n * (np.log(2.0 * np.pi * squares / n) + 1.0) + 0.5 * table.sum_log_weight
    return np.asarray(value)
