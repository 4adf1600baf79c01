"""The end of a descent: whether it diverged, and what the result says."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fastlr import errors
from fastlr.descent.bounds import bounded_distance
from fastlr.descent.epochs import Engine
from fastlr.descent.gap import Distance
from fastlr.descent.loop import Loop, Outcome
from fastlr.descent.memory import Memory
from fastlr.descent.prepare import Job
from fastlr.descent.result import Descent, History, Surroundings
from fastlr.descent.row_loss import RowLoss
from fastlr.descent.sentences import Circumstances, status_of
from fastlr.descent.steps import StepByStep
from fastlr.descent.table import MeasuredRows, Standardisation
from fastlr.input.columns import FloatArray
from fastlr.results.likelihood import log_likelihood

__all__ = ["finish", "history_of", "judge"]

_ROUNDING = 1e-20  # of the losses that are divergence


def judge(outcome: Outcome, loop: Loop, loss_of: Callable[[FloatArray], float]) -> None:
    """Compare the end with the start, over all rows: descent that ended higher has diverged.

    Losses of batches scatter and belong to no single iterate, so the last iterate is judged by all rows, and after
    several epochs the mean over the last one as well. What diverged returns the best iterate of its way, or its start
    if that is better.
    """
    epochs, scatters = outcome.epochs, loop.engine.scatters
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


def finish(job: Job, loop: Loop, outcome: Outcome) -> Descent:
    """Build the result of a descent, with a warning if it did not arrive."""
    measured, standardisation, objective = job.measured, job.standardisation, job.objective
    fit_intercept = job.request.fit_intercept
    judge(outcome, loop, job.loss)
    theta = outcome.theta
    raw = standardisation.to_raw(theta)
    sums, gradient = job.squares_and_gradient(theta)
    loss = objective.loss(sums, theta[:-1])
    row_loss = objective.row_loss
    squares = sums if row_loss.is_squared else measured.loss_sums(raw, job.request.n_threads)[0]
    history = history_of(outcome, measured, standardisation, row_loss)
    if job.request.record == "steps":
        history = with_steps(history, loop.engine, standardisation)
    if job.earlier is not None:
        history = job.earlier.history.followed_by(history)

    def distance() -> Distance:
        rounding = _ROUNDING * float(loop.settings["limit"])
        if not row_loss.is_squared:
            return bounded_distance(
                measured,
                standardisation,
                objective,
                theta,
                fit_intercept,
                job.request.n_threads,
                rounding=rounding,
            )
        with np.errstate(over="ignore", invalid="ignore"):
            gap, is_exact = job.gap(theta, gradient, len(history))
        of_constant = measured.square_y if fit_intercept else measured.squares_of_zero
        return Distance(
            loss=loss,
            gap=gap,
            is_exact=is_exact,
            of_constant=0.5 * objective.of_squares * of_constant,
            rounding=rounding,
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
            is_automatic=job.request.is_automatic,
            is_standardised=not standardisation.is_trivial,
            is_bound=not row_loss.is_squared,
            note=standardisation.note,
        ),
    )
    if warns:
        warnings.warn(str(status), errors.ConvergenceWarning, stacklevel=errors.user_level())
    return Descent(
        coef=raw[:-1].copy(),
        intercept=float(raw[-1]),
        feature_names=measured.feature_names,
        target_names=measured.target_names,
        n_samples=measured.n_positive,
        total_weight=measured.total_weight,
        rank=0,
        condition_number=math.nan,
        solver=f"{job.rule.name} ({job.engine}{'' if row_loss.is_squared else f', huber {row_loss.epsilon:g}'})",
        status=status,
        digits=math.nan,
        passes=len(history),
        bse_coef=np.full(measured.n_features, math.nan),
        bse_intercept=math.nan,
        residual_sd=math.nan,
        rss=squares,
        tss=measured.square_y if fit_intercept else measured.squares_of_zero,
        log_likelihood=float(
            log_likelihood(measured.n_positive, measured.sum_log_weight, np.array([squares]))[0]
        ),
        fit_intercept=fit_intercept,
        alpha=objective.alpha_of_sum,
        feature_mean=measured.mean_x,
        feature_std=measured.std_x,
        n_dropped=job.request.n_dropped,
        history=history,
        loss=loss,
        n_epochs=len(history),
        n_updates=loop.state.n_updates,
        loss_kind=objective.kind,
        penalty=objective.alpha,
        optimizer=job.rule,
        learning_rate=job.first_rate,
        largest_stable_rate=stable()
        if outcome.code == "diverged" or job.quadratic is not None
        else math.nan,
        engine=job.engine,
        batch_size=loop.engine.largest_batch,
        memory=Memory(
            state=loop.state,
            standardisation=standardisation,
            seed=job.seed,
            first_rate=job.first_rate,
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


def history_of(
    outcome: Outcome, measured: MeasuredRows, standardisation: Standardisation, row_loss: RowLoss
) -> History:
    """Turn the figures of a loop over these rows into the history that users see, in the units of the data.

    Squared residuals are known of the epochs of the squared loss only.
    """
    epochs = outcome.epochs
    path = None if epochs.path is None else standardisation.to_raw(epochs.path)
    squares = epochs.squares if row_loss.is_squared else np.full(len(epochs), math.nan)
    validation = np.full(len(epochs), math.nan)
    validation[: len(outcome.validation)] = outcome.validation
    return History(
        epoch=np.arange(len(epochs)),
        loss=epochs.loss,
        mse=squares / measured.total_weight,
        log_likelihood=log_likelihood(measured.n_positive, measured.sum_log_weight, squares),
        validation_loss=validation if outcome.is_validated else None,
        gradient_norm=epochs.gradient_norm,
        learning_rate=epochs.rate,
        coef=None if path is None else path[:, :-1],
        intercept=None if path is None else path[:, -1],
    )


def with_steps(history: History, engine: Engine, standardisation: Standardisation) -> History:
    """Add the parameters after every step to a history that knows those after every epoch."""
    if not isinstance(engine, StepByStep):  # an epoch is a step
        return replace(
            history,
            step_coef=history.coef,
            step_intercept=history.intercept,
            step_epoch=history.epoch,
        )
    size = len(standardisation.factor) + 1
    steps = engine.steps
    raw = standardisation.to_raw(np.concatenate([np.empty((0, size)), *steps.thetas]))
    return replace(
        history,
        step_coef=raw[:, :-1],
        step_intercept=raw[:, -1],
        step_epoch=np.concatenate([np.empty(0, dtype=np.int64), *steps.epochs]),
    )
