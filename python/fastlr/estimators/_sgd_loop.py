"""The descent behind SGDRegressor: its engine, its objective, and when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fastlr.descent.bounds import bounded_distance
from fastlr.descent.gap import Distance, distance_by_rows, excess
from fastlr.descent.linear import (
    engine_of,
    limit_of,
    loss_of_zero,
    observer,
    teller,
    validator,
)
from fastlr.descent.loop import Loop
from fastlr.descent.objective import Objective, Quadratic
from fastlr.descent.row_loss import SQUARED
from fastlr.descent.state import State
from fastlr.descent.table import CHEAP_FEATURES, MeasuredRows, Standardisation
from fastlr.estimators._sgd_arguments import SGDSettings
from fastlr.input.columns import FloatArray
from fastlr.input.sparse import SparseColumns

__all__ = ["distance_of", "loop_of", "loss_of"]

# scikit-learn's: every row moves the intercept, and only some rows a coefficient.
_RATE_ON_SPARSE_ROWS = 0.01


def loop_of(
    settings: SGDSettings,
    measured: MeasuredRows,
    standardisation: Standardisation,
    state: State,
    batch_size: int | None,
    seed: int,
    threads: int,
    held_out: MeasuredRows | None,
) -> Loop:
    """Set a loop up that descends over these rows, from this state."""
    quadratic = None
    if batch_size is not None and batch_size < measured.n_samples:
        settings.rule.refuse_batches("pass batch_size=None")
        engine = "batches"
    elif settings.row_loss.is_squared and measured.weights is None and measured.moments is not None:
        engine, quadratic = "moments", Quadratic.of(measured.moments, standardisation)
    else:
        engine = "rows"
    objective = _objective(settings, measured)
    start_loss = loss_of(settings, measured, standardisation, threads)(state.theta)
    return Loop(
        engine=engine_of(
            engine,
            measured,
            standardisation,
            quadratic,
            batch_size,
            "shuffle" if settings.shuffle else "sequential",
            seed,
            threads,
        ),
        state=state,
        start_loss=start_loss,
        settings={
            **settings.for_kernels,
            "intercept_rate": _intercept_rate(settings, measured, standardisation, batch_size),
            "limit": settings.growth
            * limit_of(measured, objective, state.theta, start_loss, threads),
        },
        schedule=settings.schedule,
        rate=settings.rate,
        n_epochs=settings.max_iter,
        tol=settings.tol,
        patience=settings.n_iter_no_change,
        observe=observer(standardisation),
        tell=teller(measured.feature_names, settings.fit_intercept),
        validate=None
        if held_out is None
        # The score of a regression is R2, whatever its loss.
        else validator(held_out, standardisation, replace(objective, row_loss=SQUARED), threads),
        improves=None if held_out is None else _improvement(settings.tol, held_out),
        verbose=settings.verbose,
        growth=settings.growth,
    )


def _intercept_rate(
    settings: SGDSettings,
    measured: MeasuredRows,
    standardisation: Standardisation,
    batch_size: int | None,
) -> float:
    """Return the share of the learning rate that the intercept gets, of plain steps as in scikit-learn."""
    is_sparse = isinstance(measured.features, SparseColumns)
    is_plain = batch_size == 1 and settings.rule.name == "gd" and standardisation.is_trivial
    return _RATE_ON_SPARSE_ROWS if is_sparse and is_plain else 1.0


def _improvement(tol: float | None, held_out: MeasuredRows) -> Callable[[float, float], bool]:
    """Return scikit-learn's rule: the R2 of the rows held out must rise by ``tol``; with None no fit ends early."""
    if tol is None:
        return lambda loss, lowest: True
    gain = tol * 0.5 * held_out.square_y / held_out.total_weight
    return lambda loss, lowest: loss < lowest - gain


def distance_of(
    settings: SGDSettings,
    measured: MeasuredRows,
    standardisation: Standardisation,
    theta: FloatArray,
    threads: int,
) -> Distance:
    """How far the objective at ``theta`` lies above its minimum; at least so far, where that is not known exactly."""
    objective, l1 = _objective(settings, measured), float(settings.for_kernels["l1"])
    if not settings.row_loss.is_squared:
        return bounded_distance(
            measured, standardisation, objective, theta, settings.fit_intercept, threads, l1=l1
        )
    squares, gradient = measured.loss_sums(standardisation.to_raw(theta), threads)
    with np.errstate(over="ignore", invalid="ignore"):
        is_exact = (
            measured.moments is not None and l1 == 0.0 and measured.n_features <= CHEAP_FEATURES
        )
        if is_exact:
            assert measured.moments is not None
            quadratic = Quadratic.of(measured.moments, standardisation)
            gap = excess(quadratic, objective, theta, settings.fit_intercept)
        else:
            gap = distance_by_rows(
                measured, standardisation, objective, theta, gradient, settings.fit_intercept, l1
            )
        of_constant = measured.square_y if settings.fit_intercept else measured.squares_of_zero
        return Distance(
            loss=objective.loss(squares, theta[:-1]) + l1 * float(np.abs(theta[:-1]).sum()),
            gap=gap,
            is_exact=is_exact,
            of_constant=0.5 * objective.of_squares * of_constant,
            rounding=0.0,
        )


def _objective(settings: SGDSettings, measured: MeasuredRows) -> Objective:
    return Objective(
        "half_mse",
        settings.l2,
        measured.n_samples,
        float(measured.n_samples),
        row_loss=settings.row_loss,
    )


def loss_of(
    settings: SGDSettings, measured: MeasuredRows, standardisation: Standardisation, threads: int
) -> Callable[[FloatArray], float]:
    """Return the objective over all rows as a function of the parameters."""
    objective, l1 = _objective(settings, measured), float(settings.for_kernels["l1"])

    def loss(theta: FloatArray) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            if not theta.any():
                return loss_of_zero(measured, objective, threads)
            raw = standardisation.to_raw(theta)
            sums, _ = measured.loss_sums(raw, threads, settings.row_loss)
            return objective.loss(sums, theta[:-1]) + l1 * float(np.abs(theta[:-1]).sum())

    return loss
