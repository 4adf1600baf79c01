"""What a descent is about, before its first step: rows, their statistics, scale, objective, rule and rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastlr.descent.arguments import as_batch_size, as_init, seeds_of
from fastlr.descent.gap import distance_by_rows, distance_from_moments
from fastlr.descent.objective import Curvature, Objective, Quadratic
from fastlr.descent.optimizers import GD, Accelerated, Optimizer, as_optimizer
from fastlr.descent.result import Descent
from fastlr.descent.resuming import as_earlier, check_same_arguments, named
from fastlr.descent.row_loss import SQUARED, RowLoss
from fastlr.descent.schedules import Constant, Schedule
from fastlr.descent.state import State
from fastlr.descent.table import (
    MeasuredRows,
    ScannedRows,
    Standardisation,
    as_rows,
    read_rows,
    with_statistics,
)
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.input.threads import resolve_threads

__all__ = ["ENGINES", "Job", "Request", "prepare"]

ENGINES = ("auto", "rows", "moments")
_MOST_MOMENTS = 4096  # features whose moments "auto" would take
_MOST_FOR_RATE = 512  # features whose moments are taken for the sake of an automatic rate alone


@dataclass(frozen=True, kw_only=True)
class Request:
    """The arguments of `descend`, checked as far as they can be without the rows."""

    schedule: Schedule
    n_epochs: int
    loss: str
    epsilon: float
    record: str
    engine: str
    alpha: float
    tol: float | None
    patience: int | None
    standardize: bool | None
    sampling: str | Iterable[Any]
    callback: Callable[[Any], object] | None
    verbose: int
    progress: bool
    fit_intercept: bool
    n_threads: int
    n_dropped: int
    """Rows that were left out because a value was missing."""
    random_state: object
    batch_size: object
    optimizer: object
    init: object
    resume: object

    @property
    def row_loss(self) -> RowLoss:
        """The loss of a row: the squared one in all three conventions, or Huber's."""
        return RowLoss("huber", self.epsilon) if self.loss == "huber" else SQUARED

    @property
    def is_automatic(self) -> bool:
        """Whether the rate is left to descent: who leaves it wants the fit."""
        return self.schedule.initial_learning_rate == "auto"


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that is decided before the first step: rows, engine, rule, scale, objective, and where to start."""

    request: Request
    measured: MeasuredRows
    held_out: MeasuredRows | None
    """The rows that ``validation`` holds back from the descent, if any."""
    engine: str
    """The engine's name: "moments", "rows" or "batches"."""
    batch_size: int | None
    """Rows for each step; None for all of them, or where somebody else's sampler decides."""
    rule: Optimizer
    standardisation: Standardisation
    objective: Objective
    quadratic: Quadratic | None
    curvature: Curvature
    seed: int
    state: State
    first_rate: float
    """The rate of the first epoch of all."""
    earlier: Descent | None
    """The descent that this one goes on from."""
    arguments: dict[str, Any]
    """The arguments that must be the same when this descent is resumed."""

    def squares_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray | None]:
        """Take sum w r^2 over all rows, with (X' (w r), sum w r) where it takes a pass.

        Of another loss than the squared one, these are the sums of `MeasuredRows.loss_sums`.
        """
        row_loss = self.objective.row_loss
        if self.quadratic is not None and row_loss.is_squared:
            return self.quadratic.squares(theta), None
        raw = self.standardisation.to_raw(theta)
        return self.measured.loss_sums(raw, self.request.n_threads, row_loss)

    def gap(
        self, theta: FloatArray, gradient: FloatArray | None, n_epochs: int
    ) -> tuple[float, bool]:
        """How far the squared loss lies above its minimum, and whether that is exact or a bound from below."""
        if self.quadratic is None:
            assert gradient is not None
            return distance_by_rows(
                self.measured,
                self.standardisation,
                self.objective,
                theta,
                gradient,
                self.request.fit_intercept,
            ), False
        return distance_from_moments(
            self.quadratic,
            self.objective,
            theta,
            self.request.fit_intercept,
            self.measured.n_samples,
            n_epochs,
        )

    def loss(self, theta: FloatArray) -> float:
        """Take the objective at ``theta``, over all rows."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.objective.loss(self.squares_and_gradient(theta)[0], theta[:-1])


def prepare(
    request: Request,
    X: object,
    y: object,
    sample_weight: object,
    held_out: tuple[Any, Any, Any] | None,
) -> Job:
    """Validate the rows, decide how to descend, and only then read the rows for their statistics, once."""
    rows = as_rows(X, y, sample_weight)
    earlier = as_earlier(request.resume, request.init, rows.feature_names)
    size = as_batch_size(request.batch_size, rows.n_samples)
    is_full = size is None and isinstance(request.sampling, str)
    rule = _rule(request, is_full)
    if isinstance(rows, ScannedRows):
        request = _for_scan(request, is_full, rows)
    engine = _engine(request, is_full, rows.n_features, earlier)
    arguments = _lasting_arguments(request, rule, engine, size, held_out is not None)
    if earlier is not None:
        check_same_arguments(earlier.recall().arguments, arguments)
    threads, fit_intercept = request.n_threads, request.fit_intercept
    measured = with_statistics(
        rows,
        threads,
        need_moments=engine == "moments"
        or (request.is_automatic and rows.n_features <= _MOST_FOR_RATE),
    )
    objective = Objective(
        request.loss,
        request.alpha,
        measured.n_samples,
        measured.total_weight,
        row_loss=request.row_loss,
    )
    standardisation = (
        earlier.recall().standardisation
        if earlier is not None
        else _standardisation(request, measured, objective)
    )
    if request.standardize is None and request.alpha and not standardisation.is_trivial:
        objective = replace(objective, penalty_weights=np.square(standardisation.factor))
    quadratic = (
        None if measured.moments is None else Quadratic.of(measured.moments, standardisation)
    )
    curvature = Curvature(measured, standardisation, objective, fit_intercept, threads, quadratic)
    if earlier is None:
        seed, state = _start(request, is_full, standardisation)
        first_rate = _first_rate(request, rule, curvature, is_full, size)
    else:
        seed, first_rate = earlier.recall().seed, earlier.recall().first_rate
        state = earlier.recall().state.copy()
        if earlier.recall().ended:
            state.forget_stagnation()
    return Job(
        request=request,
        measured=measured,
        held_out=None
        if held_out is None
        else read_rows(*held_out, threads, need_moments=False, like=measured.feature_names),
        engine=engine,
        batch_size=size,
        rule=rule,
        standardisation=standardisation,
        objective=objective,
        quadratic=quadratic,
        curvature=curvature,
        seed=seed,
        state=state,
        first_rate=first_rate,
        earlier=earlier,
        arguments=arguments,
    )


def _rule(request: Request, is_full: bool) -> Optimizer:
    """Choose the rule of the steps: "auto" is the textbook's, unless the rate for all rows is left to us."""
    if isinstance(request.optimizer, str) and request.optimizer == "auto":
        is_left_to_us = request.is_automatic and type(request.schedule) is Constant
        return Accelerated() if is_full and is_left_to_us else GD()
    rule = as_optimizer(request.optimizer)
    if not is_full:
        rule.refuse_batches("leave batch_size and samplers out")
    return rule


def _for_scan(request: Request, is_full: bool, rows: ScannedRows) -> Request:
    """The request for rows that come in chunks: from their moments, unless it takes the rows again."""
    if not is_full:
        if request.sampling not in ("shuffle", "sequential"):
            raise InputError(
                f"sampling={request.sampling!r} draws rows from anywhere, and those of a scan come in chunks: pass "
                "'shuffle', which permutes chunks and their rows, or 'sequential'."
            )
        if request.record == "steps":
            raise InputError(
                "record='steps' takes the batches of a descent twice, and those of a scan are read once an epoch: pass "
                "record='path', or arrays."
            )
    is_known = is_full and request.row_loss.is_squared and request.engine != "rows"
    if not is_known:
        rows.stream.check_repeatable("an epoch")
    return replace(
        request,
        engine="moments" if is_known else request.engine,
        n_dropped=rows.found.n_dropped,
        n_threads=resolve_threads(rows.stream.n_threads),
    )


def _engine(request: Request, is_full: bool, n_features: int, earlier: Descent | None) -> str:
    """Choose the engine: "auto" takes the cheaper one, or that of the descent to go on from."""
    if not is_full:
        if request.engine == "moments":
            culprit = (
                f"batch_size={request.batch_size!r}"
                if isinstance(request.sampling, str)
                else "a sampler"
            )
            raise InputError(
                f"engine='moments' with {culprit}: moments know all rows together, not batches. Leave one of the two "
                "out."
            )
        return "batches"
    if not request.row_loss.is_squared:
        if request.engine == "moments":
            raise InputError(
                f"engine='moments' with loss={request.loss!r}: moments know the squared loss alone. Leave engine out, "
                "or pass engine='rows'."
            )
        return "rows"
    if request.engine != "auto":
        return request.engine
    if earlier is not None:
        return earlier.engine
    return "moments" if n_features <= min(_MOST_MOMENTS, 8 * request.n_epochs) else "rows"


def _lasting_arguments(
    request: Request, rule: Optimizer, engine: str, batch_size: int | None, is_validated: bool
) -> dict[str, Any]:
    """Collect the arguments that must be the same when this descent is resumed."""
    return {
        "optimizer": rule,
        "learning_rate": request.schedule,
        "loss": request.loss,
        **({} if request.row_loss.is_squared else {"epsilon": request.epsilon}),
        "alpha": request.alpha,
        "standardize": request.standardize,
        "fit_intercept": request.fit_intercept,
        "batch_size": batch_size,
        "sampling": named(request.sampling) if engine == "batches" else "",
        "engine": engine,
        "record": request.record,
        "validation": is_validated,
    }


def _standardisation(
    request: Request, measured: MeasuredRows, objective: Objective
) -> Standardisation:
    """Choose the scale on which the steps are made."""
    if request.standardize is None and request.is_automatic:
        return Standardisation.even(measured, request.fit_intercept, objective.ridge)
    return Standardisation.of(measured, bool(request.standardize), request.fit_intercept)


def _start(request: Request, is_full: bool, standardisation: Standardisation) -> tuple[int, State]:
    """Return the seed of the permutations and the state before the first step."""
    # Fresh entropy is not for free, and plain full-batch descent draws nothing.
    is_random = not is_full or (isinstance(request.init, str) and request.init == "random")
    random_state = request.random_state
    seed, draws = seeds_of(0 if random_state is None and not is_random else random_state)
    theta = as_init(request.init, len(standardisation.factor), request.fit_intercept, draws)
    return seed, State(standardisation.from_raw(theta))


def _first_rate(
    request: Request, rule: Optimizer, curvature: Curvature, is_full: bool, size: int | None
) -> float:
    """Choose the rate of the first epoch; a sampler's batches, unknown beforehand, might be single rows."""
    if request.is_automatic:
        return curvature.automatic_rate(rule, None if is_full else size or 1)
    return float(request.schedule.initial_learning_rate)
