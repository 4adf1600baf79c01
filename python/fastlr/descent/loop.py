"""The loop that Python sees: stopping, watching and telling, whatever is fitted. Engines run the epochs themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastlr.descent.epochs import Engine, EpochFigures, Epochs, joined
from fastlr.descent.schedules import Adaptive, Schedule
from fastlr.descent.state import State
from fastlr.descent.telling import progress_bar, tell_figures
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray

__all__ = ["VANISHED", "Before", "Loop", "Outcome", "Watch"]

VANISHED = 1e-3  # a rate below this share of the first one has fallen far
_ERRORS = 2.0  # standard errors by which a mean must be lower to be called lower


@dataclass
class Watch:
    """The validation loss so far: the lowest one, whose it was, and for how long there was no better one."""

    lowest: float = math.inf
    theta: FloatArray | None = None
    epoch: int = 0
    stale: int = 0


@dataclass
class Before:
    """What the loop must know of the epochs that an earlier descent has made, to go on as if it were the same one."""

    n_epochs: int
    losses: FloatArray
    start: FloatArray
    """The parameters from which the first epoch of all started."""
    first_rate: float
    watch: Watch


@dataclass
class Outcome:
    """Where the loop ended: a code for the status, parameters on the scale of descent, figures of all epochs."""

    code: str
    theta: FloatArray
    epochs: Epochs
    validation: list[float]
    is_validated: bool
    best_epoch: int
    """The epoch of the lowest validation loss."""
    growth: tuple[float, float] = (math.nan, math.nan)
    """The loss at the start and at the end of what diverged."""


def _figures_alone(state: State, figures: EpochFigures) -> EpochFigures:
    return figures


@dataclass(kw_only=True)
class Loop:
    """Everything that decides how long descent goes on, and what is said meanwhile.

    What is fitted is known to the engine and to three functions: ``observe`` turns a state and the figures of its last
    epoch into what a callback sees; ``tell`` prints a line about that, given the number of epochs as well;
    ``validate`` is the loss of parameters on rows held out.
    """

    engine: Engine
    state: State
    start_loss: float
    """The objective where the first epoch of all started."""
    settings: dict[str, Any]
    """What the engine wants to know. The loop reads "limit", above which a loss is divergence, and sets "tolerance" to
    -1 for epochs that do not count towards convergence."""
    schedule: Schedule
    rate: float
    n_epochs: int
    """The number of epochs of the whole descent: those before are counted as well."""
    tol: float | None
    patience: int | None
    """Epochs without improvement after which a descent ends; None watches and never ends it."""
    observe: Callable[[State, EpochFigures], Any] = _figures_alone
    tell: Callable[[Any, int], None] = tell_figures
    validate: Callable[[FloatArray], float] | None = None
    improves: Callable[[float, float], bool] | None = None
    """Whether a validation loss (first) is so far below the lowest one (second) that patience starts anew; by
    default, by more than a share ``tol`` of it."""
    callback: Callable[[Any], object] | None = None
    keep_path: bool = False
    verbose: int = 0
    progress: bool = False
    waits_for_rate: bool = False
    """Whether epochs of batches without improvement count only where the rate no longer falls."""
    growth: float = 1.0
    """How many times further than usual the loss may grow on the way: "limit" contains this factor already."""
    before: Before | None = None
    start: FloatArray = field(init=False)
    watch: Watch = field(init=False)
    n_before: int = field(init=False)
    _losses_before: FloatArray = field(init=False)
    _first_rate: float = field(init=False)
    _last_state: State = field(init=False)
    _parts: list[Epochs] = field(init=False, default_factory=list)
    _validation: list[float] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        before = self.before or Before(0, np.empty(0), self.state.theta, self.rate, Watch())
        self.start, self.watch, self.n_before = before.start, before.watch, before.n_epochs
        self._losses_before, self._first_rate = before.losses, before.first_rate
        self._last_state = self.state.copy()

    @property
    def rounding(self) -> float:
        """The part of a loss that may be nothing but rounding errors of larger losses on the way."""
        return 1e-24 * float(self.settings["limit"]) / self.growth

    def run(self) -> Outcome:
        """Run epochs until something ends the descent; Ctrl-C keeps what there is."""
        done = self.n_before
        code: str | None = None
        try:
            with progress_bar(self.n_epochs - done, is_shown=self.progress) as advance:
                while (
                    code is None and done < self.n_epochs
                ):  # every turn runs an epoch at least, or is the last
                    epochs = self._advance(done)
                    if epochs is None:
                        code = "sampler_exhausted"
                    else:
                        done += len(epochs)
                        advance(len(epochs))
                        code = self._ending(epochs, done)
        except KeyboardInterrupt:
            code = "interrupted"
        return self._outcome(code or "epochs_exhausted")

    def _advance(self, done: int) -> Epochs | None:
        """Run some epochs, all or none of them: Ctrl-C amid a call takes back what it had changed."""
        rates, counts = self._next_rates(done)
        settings = self.settings if counts else {**self.settings, "tolerance": -1.0}
        self._last_state.restore(self.state)
        n_parts = len(self._parts)
        try:
            epochs = self.engine.run(self.state, settings, rates, self.keep_path)
            if epochs.outcome == "exhausted":
                return None
            if not len(epochs) and epochs.outcome != "diverged":
                raise RuntimeError(
                    f"{type(self.engine).__name__}.run ran no epoch: descent would never end"
                )
            self._parts.append(epochs)
        except KeyboardInterrupt:
            if len(self._parts) == n_parts:
                self.state.restore(self._last_state)
            raise
        return epochs

    def _next_rates(self, done: int) -> tuple[FloatArray, bool]:
        """The rates of the next epochs, and whether epochs without improvement count there."""
        n = self._next_epochs(done)
        rates = np.ascontiguousarray(self.schedule.rates(self.rate, done, n), dtype=np.float64)
        if rates.shape != (n,) or not (np.isfinite(rates) & (rates >= 0.0)).all():
            raise InputError(
                f"learning_rate={self.schedule!r} gave rates of shape {rates.shape} for {n} epochs, or rates that "
                "are not finite and >= 0: its method rates must give one for each epoch."
            )
        if not self.waits_for_rate or not self.engine.scatters:
            return rates, True
        epochs = np.arange(done, done + n)
        counts = (epochs >= self.schedule.settled_from) | (rates <= VANISHED * self._first_rate)
        changes = np.flatnonzero(counts != counts[0])
        return rates[: changes[0]] if changes.size else rates, bool(counts[0])

    def _next_epochs(self, done: int) -> int:
        """The number of epochs until the next one after which Python has something to do."""
        if self.callback is not None or self.validate is not None:
            return 1
        n = min(self.engine.most_epochs(), self.n_epochs - done)
        if self.verbose:
            n = min(n, 1 + -done % self.verbose)
        return n

    def _ending(self, epochs: Epochs, done: int) -> str | None:
        """Look at the last of these epochs, and return a code for the status if descent ends with it."""
        if epochs.outcome == "diverged":
            return "diverged"
        last = done - 1
        validation_loss = self._watch_validation(last)
        is_late = self.patience is not None and self.watch.stale >= self.patience
        stops = (epochs.outcome == "stalled" or is_late) and not self._slows_down()
        if stops and not is_late and self.engine.scatters:
            if self._is_far_above_best(float(epochs.loss[-1])):
                stops = False
            elif self.waits_for_rate and self._is_still_falling(float(epochs.rate[-1])):
                self.state.forget_stagnation()
                stops = False
        is_told = self.verbose and (last % self.verbose == 0 or done == self.n_epochs or stops)
        if self.callback is not None or is_told:
            figures = EpochFigures(
                epoch=last,
                loss=float(epochs.loss[-1]),
                validation_loss=validation_loss,
                gradient_norm=float(epochs.gradient_norm[-1]),
                learning_rate=float(epochs.rate[-1]),
            )
            seen = self.observe(self.state, figures)
            if is_told:
                self.tell(seen, self.n_epochs)
            if self.callback is not None:
                answer = self.callback(seen)
                if isinstance(answer, bool | np.bool_) and answer:
                    return "stopped"
        if not stops:
            return None
        return "early_stopped" if is_late else "converged"

    def _is_far_above_best(self, loss: float) -> bool:
        """Whether losses of batches have moved away from the best of them: that is no convergence."""
        return loss > 2.0 * self.state.best_loss + self.rounding

    def _is_still_falling(self, rate: float) -> bool:
        """Whether the losses of batches, which scatter, are lower in the mean than some epochs earlier.

        Where the rate has vanished, what they still fall is nothing.
        """
        if rate <= VANISHED * self._first_rate:
            return False
        losses = np.concatenate([self._losses_before, *(part.loss for part in self._parts)])
        k = min(max(self.patience or 1, len(losses) // 4), len(losses) // 2)
        if k < 2:
            return False
        last, earlier = losses[-k:], losses[-2 * k : -k]
        error = math.sqrt(float(last.var() + earlier.var()) / k)
        return float(earlier.mean() - last.mean()) > _ERRORS * error

    def _slows_down(self) -> bool:
        """Lower the rate of an adaptive schedule instead of ending, and say whether there was room to."""
        if not isinstance(self.schedule, Adaptive) or self.rate <= self.schedule.smallest:
            return False
        self.rate /= self.schedule.factor
        self.state.forget_stagnation()
        self.watch.stale = 0
        return True

    def _watch_validation(self, epoch: int) -> float | None:
        """The validation loss after this epoch, if there is one, compared with those so far."""
        if self.validate is None:
            return None
        theta, watch = self.state.theta, self.watch
        loss = self.validate(theta)
        self._validation.append(loss)
        improves = self.improves or self._improves_by_tol
        is_better = math.isinf(watch.lowest) or improves(loss, watch.lowest)
        watch.stale = 0 if is_better else watch.stale + 1
        if loss < watch.lowest:
            watch.lowest, watch.theta, watch.epoch = loss, theta, epoch
        return loss

    def _improves_by_tol(self, loss: float, lowest: float) -> bool:
        return loss < lowest - lowest * (self.tol or 0.0)

    def _outcome(self, code: str) -> Outcome:
        if code == "diverged":
            theta = self.state.best
        elif self.watch.theta is not None and self.patience is not None:
            theta = self.watch.theta
        else:
            theta = self.state.theta
        return Outcome(
            code,
            theta,
            joined(self._parts),
            self._validation,
            self.validate is not None,
            self.watch.epoch,
        )
