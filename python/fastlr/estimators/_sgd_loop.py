"""The descent behind SGDRegressor: its engine, its objective, and when it ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastlr.descent._engines import BatchEngine, Engine, MomentsEngine, RowsEngine, State
from fastlr.descent._finish import limit_of
from fastlr.descent._gap import Distance, distance_by_rows, excess
from fastlr.descent._loop import Loop
from fastlr.descent._objective import Objective, Quadratic
from fastlr.descent._table import Scaling, Table
from fastlr.errors import InputError
from fastlr.estimators._sgd_arguments import SGDSettings
from fastlr.input.columns import FloatArray

__all__ = ["distance_of", "loop_of", "loss_of"]

_CHEAP_FEATURES = 64


def loop_of(
    settings: SGDSettings,
    table: Table,
    scaling: Scaling,
    state: State,
    batch_size: int | None,
    seed: int,
    threads: int,
    validation: Table | None,
) -> Loop:
    """A loop over these rows, from this state."""
    engine: Engine
    if batch_size is not None and batch_size < table.n_samples:
        if settings.rule.needs_all_rows:
            raise InputError(
                f"optimizer={settings.rule.name!r} compares the gradient of one step with the next, and batches would "
                "mislead it: pass batch_size=None, or 'momentum' or 'nesterov'."
            )
        engine = BatchEngine(
            table,
            scaling.for_kernels,
            batch_size,
            "shuffle" if settings.shuffle else "sequential",
            seed,
            threads,
        )
    elif table.weights is None and table.moments is not None:
        engine = MomentsEngine(Quadratic.of(table.moments, scaling), table.n_samples)
    else:
        engine = RowsEngine(table, scaling.for_kernels, threads)
    start_loss = loss_of(settings, table, scaling, threads)(state.theta)
    objective = _objective(settings, table)
    return Loop(
        engine=engine,
        state=state,
        start_loss=start_loss,
        settings={
            **settings.for_kernels,
            "limit": settings.growth * limit_of(table, objective, start_loss),
        },
        schedule=settings.schedule,
        rate=settings.rate,
        n_epochs=settings.max_iter,
        scaling=scaling,
        objective=objective,
        feature_names=table.feature_names,
        tol=settings.tol,
        patience=settings.n_iter_no_change,
        validation=validation,
        callback=None,
        keep_path=False,
        verbose=settings.verbose,
        progress=False,
        n_threads=threads,
        validation_gain=None
        if validation is None or settings.tol is None
        else settings.tol * 0.5 * validation.square_y / validation.total_weight,
        stops_early=settings.tol is not None,
        growth=settings.growth,
    )


def distance_of(
    settings: SGDSettings, table: Table, scaling: Scaling, theta: FloatArray, threads: int
) -> Distance:
    """How far the objective at ``theta`` lies above its minimum; at least so far, where that is not known exactly."""
    objective, l1 = _objective(settings, table), float(settings.for_kernels["l1"])
    squares, gradient = table.loss_sums(scaling.to_raw(theta), threads)
    with np.errstate(over="ignore", invalid="ignore"):
        is_exact = table.moments is not None and l1 == 0.0 and table.n_features <= _CHEAP_FEATURES
        if is_exact:
            assert table.moments is not None
            quadratic = Quadratic.of(table.moments, scaling)
            gap = excess(quadratic, objective, theta, settings.fit_intercept)
        else:
            gap = distance_by_rows(
                table, scaling, objective, theta, gradient, settings.fit_intercept, l1
            )
        of_constant = table.square_y if settings.fit_intercept else table.squares_of_zero
        return Distance(
            loss=objective.loss(squares, theta[:-1]) + l1 * float(np.abs(theta[:-1]).sum()),
            gap=gap,
            is_exact=is_exact,
            of_constant=0.5 * objective.of_squares * of_constant,
            rounding=0.0,
        )


def _objective(settings: SGDSettings, table: Table) -> Objective:
    return Objective("half_mse", settings.l2, table.n_samples, float(table.n_samples))


def loss_of(
    settings: SGDSettings, table: Table, scaling: Scaling, threads: int
) -> Callable[[FloatArray], float]:
    """The objective over all rows as a function of the parameters."""
    objective, l1 = _objective(settings, table), float(settings.for_kernels["l1"])

    def loss(theta: FloatArray) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            squares = table.squares_of_zero
            if theta.any():
                squares = table.loss_sums(scaling.to_raw(theta), threads)[0]
            return objective.loss(squares, theta[:-1]) + l1 * float(np.abs(theta[:-1]).sum())

    return loss
