"""The loop that Python sees: stopping, watching and telling. The epochs themselves run in the engines."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fastlr.descent._engines import Engine, Epochs, State, joined
from fastlr.descent._memory import Watch
from fastlr.descent._objective import Objective
from fastlr.descent._result import Descent, Epoch
from fastlr.descent._table import Scaling, Table
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.schedules import Adaptive, Schedule

__all__ = ["Loop", "Outcome"]

_SHOWN = 6  # coefficients in a line of progress
_VANISHED = 1e-3  # a rate below this share of the first one has fallen far
_ERRORS = 2.0  # standard errors by which a mean must be lower to be called lower


@dataclass
class Outcome:
    """Where the loop ended: a code for the status, parameters on the scale of descent, the story."""

    code: str
    theta: FloatArray
    epochs: Epochs
    validation: list[float]
    is_validated: bool
    best_epoch: int
    """Of the lowest validation loss."""
    growth: tuple[float, float] = (math.nan, math.nan)
    """The loss at the start and at the end of what diverged."""


@dataclass
class Loop:
    """Everything that decides how long descent goes on, and what is said meanwhile."""

    engine: Engine
    state: State
    start_loss: float
    """The objective at ``state``, over all rows."""
    settings: dict[str, Any]
    schedule: Schedule
    rate: float
    n_epochs: int
    scaling: Scaling
    objective: Objective
    feature_names: tuple[str, ...]
    tol: float | None
    patience: int | None
    """Epochs without improvement after which a descent ends; None watches and never ends it."""
    validation: Table | None
    callback: Callable[[Epoch], object] | None
    keep_path: bool
    verbose: int
    progress: bool
    n_threads: int
    validation_gain: float | None = None
    """So much must the validation loss fall to count; by default a share ``tol`` of itself."""
    stops_early: bool = True
    waits_for_rate: bool = False
    """Whether epochs of batches without improvement count only where the rate no longer falls."""
    n_before: int = 0
    """Epochs of the descent that this one goes on from; ``n_epochs`` counts them as well."""
    losses_before: FloatArray = field(default_factory=lambda: np.empty(0))
    watch: Watch = field(default_factory=Watch)
    growth: float = 1.0
    """So many times further than usual the loss may grow on the way."""
    start: FloatArray = field(init=False)
    _before: State = field(init=False)
    _parts: list[Epochs] = field(default_factory=list)
    _validation: list[float] = field(default_factory=list)
    _first_rate: float = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.state.theta
        self._first_rate = self.rate
        self._before = self.state.copy()

    @property
    def rounding(self) -> float:
        """What rounding may leave of the losses on the way."""
        return 1e-24 * float(self.settings["limit"]) / self.growth

    def go_on_from(self, earlier: Descent) -> None:
        """As if this were the second half of one descent."""
        memory = earlier.memory
        self.start, self._first_rate = memory.start, memory.first_rate
        self.losses_before = earlier.history.loss
        self.watch = replace(memory.watch, stale=0 if memory.ended else memory.watch.stale)

    def run(self) -> Outcome:
        """Run until something ends it; Ctrl-C keeps what there is."""
        done = self.n_before
        code: str | None = None
        try:
            with self._bar() as advance:
                while code is None and done < self.n_epochs:
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
        self._before.restore(self.state)
        n_parts = len(self._parts)
        try:
            epochs = self.engine.run(self.state, settings, rates, self.keep_path)
            if epochs.outcome == "exhausted":
                return None
            self._parts.append(epochs)
        except KeyboardInterrupt:
            if len(self._parts) == n_parts:
                self.state.restore(self._before)
            raise
        return epochs

    def _next_rates(self, done: int) -> tuple[FloatArray, bool]:
        """Rates of the next epochs, and whether epochs without improvement count there."""
        n = self._next_epochs(done)
        rates = np.ascontiguousarray(self.schedule.rates(self.rate, done, n), dtype=np.float64)
        if rates.shape != (n,) or not (np.isfinite(rates) & (rates >= 0.0)).all():
            raise InputError(
                f"learning_rate={self.schedule!r} gave rates of shape {rates.shape} for {n} epochs, or rates that "
                "are not finite and >= 0: its method rates must give one for each epoch."
            )
        if not self.waits_for_rate or self.engine.name != "batches":
            return rates, True
        epochs = np.arange(done, done + n)
        counts = (epochs >= self.schedule.settled_from) | (rates <= _VANISHED * self._first_rate)
        changes = np.flatnonzero(counts != counts[0])
        return rates[: changes[0]] if changes.size else rates, bool(counts[0])

    def _next_epochs(self, done: int) -> int:
        """Epochs until the next one after which Python has something to do."""
        if self.callback is not None or self.validation is not None:
            return 1
        n = min(self.engine.most_epochs(), self.n_epochs - done)
        if self.verbose:
            n = min(n, 1 + -done % self.verbose)
        return n

    def _ending(self, epochs: Epochs, done: int) -> str | None:
        """Look at the last epoch; a code if it was the last of all."""
        if epochs.outcome == "diverged":
            return "diverged"
        validation_loss = self._validate(done - 1) if self.validation is not None else None
        waits = math.inf if self.patience is None or not self.stops_early else self.patience
        is_late = self.watch.stale >= waits
        stops = (epochs.outcome == "stalled" or is_late) and not self._slows_down()
        if stops and not is_late and self.engine.name == "batches":
            if self._is_far_above_best(float(epochs.loss[-1])):
                stops = False
            elif self.waits_for_rate and self._is_still_falling(float(epochs.rate[-1])):
                self.state.forget_stagnation()
                stops = False
        last = done - 1
        is_told = self.verbose and (last % self.verbose == 0 or done == self.n_epochs or stops)
        if self.callback is not None or is_told:
            raw = self.scaling.to_raw(self.state.theta)
            epoch = Epoch(
                epoch=last,
                loss=float(epochs.loss[-1]),
                validation_loss=validation_loss,
                gradient_norm=float(epochs.gradient_norm[-1]),
                learning_rate=float(epochs.rate[-1]),
                coef=raw[:-1],
                intercept=float(raw[-1]),
            )
            if is_told:
                self._tell(epoch)
            if self.callback is not None:
                answer = self.callback(epoch)
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
        if rate <= _VANISHED * self._first_rate:
            return False
        losses = np.concatenate([self.losses_before, *(part.loss for part in self._parts)])
        k = min(max(self.patience or 1, len(losses) // 4), len(losses) // 2)
        if k < 2:
            return False
        last, earlier = losses[-k:], losses[-2 * k : -k]
        error = math.sqrt(float(last.var() + earlier.var()) / k)
        return float(earlier.mean() - last.mean()) > _ERRORS * error

    def _slows_down(self) -> bool:
        """With an adaptive schedule stagnation lowers the rate, until it is small enough."""
        if not isinstance(self.schedule, Adaptive) or self.rate <= self.schedule.smallest:
            return False
        self.rate /= self.schedule.factor
        self.state.forget_stagnation()
        self.watch.stale = 0
        return True

    def _validate(self, epoch: int) -> float:
        assert self.validation is not None
        theta = self.state.theta
        squares, _ = self.validation.loss_sums(self.scaling.to_raw(theta), self.n_threads)
        objective = replace(
            self.objective,
            n_samples=self.validation.n_samples,
            total_weight=self.validation.total_weight,
            alpha=0.0,
        )
        loss = objective.loss(squares, theta[:-1])
        self._validation.append(loss)
        watch = self.watch
        gain = (
            watch.lowest * (self.tol or 0.0)
            if self.validation_gain is None
            else self.validation_gain
        )
        improved = math.isinf(watch.lowest) or loss < watch.lowest - gain
        watch.stale = 0 if improved else watch.stale + 1
        if loss < watch.lowest:
            watch.lowest, watch.theta, watch.epoch = loss, theta, epoch
        return loss

    def _outcome(self, code: str) -> Outcome:
        if code == "diverged":
            theta = self.state.best
        elif self.watch.theta is not None and self.patience is not None:
            theta = self.watch.theta
        else:
            theta = self.state.theta
        empty = Epochs(np.empty(0), np.empty(0), np.empty(0), np.empty(0), None)
        return Outcome(
            code,
            theta,
            joined(self._parts) if self._parts else empty,
            self._validation,
            self.validation is not None,
            self.watch.epoch,
        )

    def _tell(self, epoch: Epoch) -> None:
        width = len(str(self.n_epochs))
        parts = [f"loss={_number(epoch.loss, 4)}"]
        if epoch.validation_loss is not None:
            parts.append(f"validation={_number(epoch.validation_loss, 4)}")
        named = list(zip(self.feature_names, epoch.coef, strict=True))
        parts += [f"{name}={_number(value, 3)}" for name, value in named[:_SHOWN]]
        if len(named) > _SHOWN:
            parts.append("...")
        if self.settings["fit_intercept"]:
            parts.append(f"intercept={_number(epoch.intercept, 3)}")
        sys.stdout.write(f"Epoch {epoch.epoch:{width}d}: {'  '.join(parts)}\n")

    def _bar(self) -> AbstractContextManager[Callable[[int], None]]:
        """A progress bar, if one is asked for."""
        if not self.progress:
            return nullcontext(lambda n: None)
        try:
            from rich.progress import Progress
        except ImportError as error:
            raise ImportError('progress=True needs rich: pip install "fastlr[cli]"') from error
        return _RichBar(Progress(transient=True), self.n_epochs - self.n_before)


class _RichBar:
    def __init__(self, bar: Any, total: int) -> None:
        self._bar = bar
        self._total = total

    def __enter__(self) -> Callable[[int], None]:
        self._bar.start()
        task = self._bar.add_task("descending", total=self._total)
        return lambda n: self._bar.advance(task, n)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _number(value: float, decimals: int) -> str:
    """0.0727, 2.311, -3.4e-05, 1.2e+09: a fixed number of decimals where that says enough."""
    if value == 0.0 or 10.0 ** (1 - decimals) <= abs(value) < 1e7:
        return f"{value:.{decimals}f}"
    return f"{value:.{decimals - 1}e}"
