"""What the loop is told of a linear regression: its engine, its bounds, how to show it and how to judge it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from fastlr.descent.batches import BatchEngine, Batches
from fastlr.descent.engines import MomentsEngine, RowsEngine
from fastlr.descent.epochs import WORK_PER_CALL, Engine, EpochFigures
from fastlr.descent.objective import Objective, Quadratic
from fastlr.descent.result import Epoch
from fastlr.descent.state import State
from fastlr.descent.steps import StepByStep
from fastlr.descent.streamed import StreamedBatches, StreamedRows
from fastlr.descent.table import MeasuredRows, Standardisation
from fastlr.descent.telling import number_text, tell_figures
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray

__all__ = ["engine_of", "limit_of", "loss_of_zero", "observer", "teller", "validator"]

_GROWTH = 100.0  # a loss so many times that of the start is divergence
_SHOWN = 6  # coefficients in a line of progress


def engine_of(
    name: str,
    measured: MeasuredRows,
    standardisation: Standardisation,
    quadratic: Quadratic | None,
    batch_size: int | None,
    sampling: str | Iterable[Any],
    seed: int,
    n_threads: int,
    *,
    keep_steps: bool = False,
) -> Engine:
    """Return the engine of that name: "moments" (which needs ``quadratic``), "rows" or "batches"."""
    if name == "moments":
        assert quadratic is not None
        return MomentsEngine(quadratic, measured.n_samples)
    if measured.stream is not None:
        standard = standardisation.for_kernels
        if name == "rows":
            return StreamedRows(measured.stream, measured.n_samples, standard)
        assert isinstance(sampling, str)
        return StreamedBatches(
            measured.stream,
            measured.n_samples,
            standard,
            sampling,
            batch_size or 1,
            seed,
            n_threads,
        )
    if name == "rows":
        return RowsEngine(measured, standardisation.for_kernels, n_threads)
    kind = StepByStep if keep_steps else BatchEngine
    batches = Batches(
        sampling,
        measured.n_samples,
        measured.n_features,
        batch_size,
        seed,
        n_threads,
        most_rows=WORK_PER_CALL // measured.n_features,
    )
    return kind(measured, standardisation.for_kernels, batches)


def limit_of(
    measured: MeasuredRows,
    objective: Objective,
    start: FloatArray,
    start_loss: float,
    n_threads: int,
) -> float:
    """Return the loss above which descent has diverged: a multiple of the loss at the start and at zero."""
    if not math.isfinite(start_loss):
        raise InputError(
            "the loss at the start exceeds the range of float64: start from smaller coefficients, or from zeros."
        )
    of_zero = start_loss
    if start.any() or objective.row_loss.is_squared:
        of_zero = loss_of_zero(measured, objective, n_threads)
    return _GROWTH * max(of_zero, start_loss) or math.inf


def loss_of_zero(measured: MeasuredRows, objective: Objective, n_threads: int) -> float:
    """The objective where all coefficients are zero: of the squared loss, without a pass over the rows."""
    twice = measured.squares_of_zero
    if not objective.row_loss.is_squared:
        zeros = np.zeros(measured.n_features + 1)
        twice, _ = measured.loss_sums(zeros, n_threads, objective.row_loss)
    return objective.loss(twice, np.zeros(0))


def observer(standardisation: Standardisation) -> Callable[[State, EpochFigures], Epoch]:
    """Return the function that adds coefficients and intercept, in the units of the data, to an epoch's figures."""

    def observe(state: State, figures: EpochFigures) -> Epoch:
        raw = standardisation.to_raw(state.theta)
        return Epoch(**vars(figures), coef=raw[:-1], intercept=float(raw[-1]))

    return observe


def teller(feature_names: tuple[str, ...], fit_intercept: bool) -> Callable[[Epoch, int], None]:
    """Return the function that prints a line about an epoch, with its first few coefficients by name."""

    def tell(epoch: Epoch, n_epochs: int) -> None:
        named = list(zip(feature_names, epoch.coef, strict=True))
        words = [f"{name}={number_text(value, 3)}" for name, value in named[:_SHOWN]]
        if len(named) > _SHOWN:
            words.append("...")
        if fit_intercept:
            words.append(f"intercept={number_text(epoch.intercept, 3)}")
        tell_figures(epoch, n_epochs, words)

    return tell


def validator(
    held_out: MeasuredRows, standardisation: Standardisation, objective: Objective, n_threads: int
) -> Callable[[FloatArray], float]:
    """Return the function that gives the loss of parameters, without its penalty, on rows held out."""
    of_rows = replace(
        objective, n_samples=held_out.n_samples, total_weight=held_out.total_weight, alpha=0.0
    )

    def validate(theta: FloatArray) -> float:
        sums, _ = held_out.loss_sums(standardisation.to_raw(theta), n_threads, objective.row_loss)
        return of_rows.loss(sums, theta[:-1])

    return validate
