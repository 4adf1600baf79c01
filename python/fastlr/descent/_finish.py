"""The end of a descent: what the result says, and how it ended in words."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fastlr import errors
from fastlr._arrays import FloatArray
from fastlr.descent._arguments import user_level
from fastlr.descent._loop import Loop, Outcome
from fastlr.descent._objective import Curvature, Objective, Quadratic
from fastlr.descent._result import Descent, History
from fastlr.descent._status import status_of
from fastlr.descent._table import Scaling, Table
from fastlr.errors import InputError
from fastlr.optimizers import Optimizer

__all__ = ["Job", "finish", "history_of", "judge", "limit_of"]

_GROWTH = 100.0  # a loss so many times that of the start is divergence


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
    fit_intercept: bool

    def squares(self, theta: FloatArray, n_threads: int) -> float:
        """Sum w r^2 over all rows, from moments or in one pass."""
        if self.quadratic is not None:
            return self.quadratic.squares(theta)
        return self.table.loss_sums(self.scaling.to_raw(theta), n_threads)[0]

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
        if scatters and len(epochs) > 1:
            last = max(last, float(epochs.loss[-1]))
    bound = (2.0 if scatters else 1.01) * loop.start_loss + 1e-24 * loop.settings["limit"]
    if outcome.code == "diverged" or not last <= bound:
        outcome.code, outcome.growth = "diverged", (loop.start_loss, last)
        best = loop.state.best
        outcome.theta = best if loss_of(best) < loop.start_loss else loop.start


def finish(job: Job, loop: Loop, outcome: Outcome, engine: str) -> Descent:
    """The result, with a warning if descent did not go down."""
    table, scaling, objective, epochs = job.table, job.scaling, job.objective, outcome.epochs
    judge(outcome, loop, lambda theta: job.loss(theta, loop.n_threads))
    theta = outcome.theta
    raw = scaling.to_raw(theta)
    squares = job.squares(theta, loop.n_threads)
    rank, condition, gap = table.n_features, math.nan, math.nan
    if job.quadratic is not None:
        optimum, rank, condition = job.quadratic.optimum(objective, job.fit_intercept)
        gap = job.quadratic.excess(objective, theta, optimum)
    stable = (
        job.rule.largest_stable_rate(job.curvature.largest())
        if outcome.code == "diverged" or job.quadratic is not None
        else math.nan
    )
    status = status_of(outcome, job.rule, loop, stable)
    if outcome.code == "diverged":
        warnings.warn(str(status), errors.ConvergenceWarning, stacklevel=user_level())
    return Descent(
        coef=raw[:-1].copy(),
        intercept=float(raw[-1]),
        feature_names=table.feature_names,
        target_names=table.target_names,
        n_samples=table.n_positive,
        total_weight=table.total_weight,
        rank=rank,
        condition_number=condition,
        solver=f"{job.rule.name} ({engine})",
        status=status,
        digits=math.nan,
        passes=len(epochs),
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
        history=history_of(outcome, table, scaling),
        loss=objective.loss(squares, theta[:-1]),
        gap=gap,
        n_epochs=len(epochs),
        n_updates=loop.state.n_updates,
        loss_kind=objective.kind,
        penalty=objective.alpha,
        optimizer=job.rule,
        learning_rate=job.rate,
        largest_stable_rate=stable,
        engine=engine,
        batch_size=loop.engine.largest_batch,
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
