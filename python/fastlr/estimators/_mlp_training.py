"""The epochs of MLPRegressor: scikit-learn's batches, its rules of stopping, and a watch for losses that explode."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fastlr.descent.schedules import Adaptive
from fastlr.descent.state import State
from fastlr.errors import user_level
from fastlr.estimators._mlp_arguments import MLPSettings
from fastlr.input.columns import FloatArray
from fastlr.networks.engine import NetworkEngine

__all__ = ["Batches", "Course", "Descent", "Ending", "batches_of"]

_USUAL_BATCH = 200
# Times the loss of the constant means, and that of the start.
_EXPLODED = 1e12  # ends a fit at once
_RISEN = 4.0  # is no end for a fit


@dataclass
class Batches:
    """The batches of scikit-learn's networks: the rows in a fresh order for each epoch, and the sizes of the batches.

    Each permutation is one of the order before, drawn as `sklearn.utils.shuffle` draws.
    """

    rows: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    draws: np.random.RandomState | None
    """None leaves the rows in their order."""
    is_iterator = False

    def epoch(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The rows of the next epoch, batch after batch, and the sizes of the batches."""
        if self.draws is not None:
            order = np.arange(len(self.rows))
            self.draws.shuffle(order)
            self.rows = self.rows[order]
        return self.rows, self.sizes


@dataclass
class Course:
    """What a warm start and ``partial_fit`` go on from besides the parameters."""

    rows_seen: int = 0
    fall: float = 1.0
    """What the first rate has been multiplied by for the next epoch."""
    stale: int = 0
    best_loss: float | None = math.inf
    best_score: float | None = None
    loss_curve: list[float] = field(default_factory=list)
    scores: list[float] | None = None

    @classmethod
    def of(cls, early_stopping: bool) -> Course:
        """Begin the record of a training, before its first epoch."""
        return cls(best_loss=None, best_score=-math.inf, scores=[]) if early_stopping else cls()

    def copy(self) -> Course:
        """A course whose lists are its own."""
        scores = None if self.scores is None else [*self.scores]
        return replace(self, loss_curve=[*self.loss_curve], scores=scores)


@dataclass(frozen=True)
class Ending:
    """How a fit ended, after how many epochs, and where."""

    code: str
    """ "converged", "epochs_exhausted", "diverged" or "interrupted"."""
    n_epochs: int
    theta: FloatArray
    growth: tuple[float, float] = (math.nan, math.nan)
    """The loss at the start and at the end of what diverged."""


class Loss(Protocol):
    """The mean of half the squares of parameters."""

    def __call__(self, theta: FloatArray, *, few: bool = False) -> float:
        """Over all rows, or over a few of them that stand for all."""
        ...


@dataclass(kw_only=True)
class Descent:
    """The epochs of a network, and what watches them.

    ``score`` is R2 of parameters on the rows held out, if there are any, and ``loss`` the mean of half their squares
    over all rows, or over a few of them; ``of_mean`` is that of the constant means.
    """

    engine: NetworkEngine
    batches: Batches
    settings: MLPSettings
    state: State
    course: Course
    score: Callable[[FloatArray], float] | None
    loss: Loss
    of_mean: float

    def run(self, n_epochs: int) -> Ending:
        """Run epochs until the loss, or the score, no longer improves, or something else ends them."""
        settings, course = self.settings, self.course
        start = before_lowest = after_lowest = best = self.state.theta
        lowest, done, code = math.inf, 0, "epochs_exhausted"
        loss = math.nan
        try:
            for epoch in range(n_epochs):
                before = self.state.theta
                loss = self._epoch(epoch)
                done += 1
                if self._is_above(loss, _EXPLODED, start):
                    code = "diverged"
                    break
                if loss < lowest:
                    lowest, before_lowest, after_lowest = loss, before, self.state.theta
                if self._watch(loss):
                    best = self.state.theta
                self._tell(done, loss)
                if course.stale > settings.patience and self._ends():
                    code = "converged"
                    break
        except KeyboardInterrupt:
            code = "interrupted"
        if done and code != "diverged":
            # Each batch is measured before its step, and nothing measures what the last step has made.
            at_end = best if self.score is not None else self.state.theta
            if self._is_above(loss, _RISEN, start):
                code = "diverged"
            elif self._may_have_risen(at_end):
                loss_at_end = self._objective(at_end)
                if self._is_above(loss_at_end, _RISEN, start):
                    code, loss = "diverged", loss_at_end
        if code == "diverged":
            best = min((start, before_lowest, after_lowest), key=self._finite_loss)
            return Ending(code, done, best, (self._objective(start), loss))
        return Ending(code, done, best if self.score is not None else self.state.theta)

    def _epoch(self, epoch: int) -> float:
        """Run one epoch, write down its loss as scikit-learn counts it, and return it."""
        settings, course = self.settings, self.course
        rate = settings.rate * course.fall
        rates = np.ascontiguousarray(settings.schedule.rates(rate, epoch, 1), dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            epochs = self.engine.run(self.state, self._for_kernels, rates, False)
        loss = math.inf
        if len(epochs) and epochs.outcome == "running":
            # The squares are a mean over the outputs as well, the penalty is not; steps follow the sum of both.
            loss, rows = float(epochs.loss[0]), self.engine.rows
            squares = float(epochs.squares[0]) / (2.0 * rows.n_samples)
            if rows.targets.n_columns > 1:
                loss += squares * (1.0 / rows.targets.n_columns - 1.0)
        course.loss_curve.append(loss)
        course.rows_seen += len(self.batches.rows)
        if settings.power:
            course.fall = 1.0 / (course.rows_seen + 1) ** settings.power
        return loss

    @property
    def _for_kernels(self) -> dict[str, Any]:
        settings: dict[str, Any] = {
            **self.settings.for_steps,
            "scale": 1.0,
            "mean_weight": 1.0,
            "limit": math.inf,  # only a loss that is no number ends an epoch
            "penalty": self.settings.alpha,
            "penalty_of_batch": True,
            "sums_gradient": False,
        }
        if self.settings.alpha:
            settings["penalty_weights"] = self.engine.shape.penalised
        return settings

    def _watch(self, loss: float) -> bool:
        """Count epochs without improvement; say whether the parameters are the best so far."""
        course, tol = self.course, self.settings.tol
        if self.score is None:
            lowest = math.inf if course.best_loss is None else course.best_loss
            is_better = tol is None or not loss > lowest - tol
            course.stale = 0 if is_better else course.stale + 1
            course.best_loss = min(lowest, loss)
            return True
        highest = -math.inf if course.best_score is None else course.best_score
        score = self.score(self.state.theta)
        course.scores = [*(course.scores or []), score]
        is_better = tol is None or not score < highest + tol
        course.stale = 0 if is_better else course.stale + 1
        course.best_score = max(highest, score)
        return score > highest

    def _ends(self) -> bool:
        """Whether there is nothing left to try: an adaptive rate is lowered instead, while it is not too small."""
        settings, course = self.settings, self.course
        what = "Validation score" if self.score is not None else "Training loss"
        sentence = f"{what} did not improve more than tol={settings.tol:f} for {settings.patience} consecutive epochs."
        schedule = settings.schedule
        if not isinstance(schedule, Adaptive):
            self._say(f"{sentence} Stopping.")
            return True
        if settings.rate * course.fall <= schedule.smallest:
            self._say(f"{sentence} Learning rate too small. Stopping.")
            return True
        course.fall /= schedule.factor
        course.stale = 0
        self._say(f"{sentence} Setting learning rate to {settings.rate * course.fall:f}")
        return False

    def _is_above(self, loss: float, times: float, start: FloatArray) -> bool:
        """Whether a loss is that many times above that of the constant means, and above that of the start."""
        return not loss <= times * self.of_mean and not loss <= times * self._finite_loss(start)

    def _may_have_risen(self, theta: FloatArray) -> bool:
        """Whether the loss on a few rows is so high that it is worth knowing on all."""
        return not self.loss(theta, few=True) <= _RISEN * self.of_mean

    def _finite_loss(self, theta: FloatArray) -> float:
        loss = self._objective(theta)
        return loss if math.isfinite(loss) else math.inf

    def _objective(self, theta: FloatArray) -> float:
        """The loss as an epoch counts it: with the penalty, that of each of its batches."""
        penalty = self.settings.alpha
        if penalty:
            weights = self.engine.rows.weights
            rows = self.batches.rows
            total = len(rows) if weights is None else float(weights[rows].sum())
            with np.errstate(over="ignore"):
                squares = float((theta * theta) @ self.engine.shape.penalised)
            penalty *= squares * len(self.batches.sizes) / (2.0 * total)
        return self.loss(theta) + penalty

    def _tell(self, done: int, loss: float) -> None:
        if self.settings.verbose and done % self.settings.verbose == 0:
            self._say(f"Iteration {done}, loss = {loss:.8f}")
            if self.course.scores:
                self._say(f"Validation score: {self.course.scores[-1]:f}")

    def _say(self, sentence: str) -> None:
        if self.settings.verbose:
            sys.stdout.write(sentence + "\n")


def batches_of(
    learned: npt.NDArray[np.int64], settings: MLPSettings, draws: np.random.RandomState
) -> Batches:
    """The batches of the rows to learn from."""
    n = len(learned)
    size = min(_USUAL_BATCH, n) if settings.batch_size is None else settings.batch_size
    if size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped: "
            f"batch_size={size} is larger than the {n} rows to learn from, all of which are used in each step.",
            UserWarning,
            stacklevel=user_level(),
        )
        size = n
    if size < n and settings.needs_all_rows is not None:
        settings.needs_all_rows.refuse_batches(f"pass batch_size={n}")
    whole, rest = divmod(n, size)
    sizes = np.array([size] * whole + [rest] * (rest > 0), dtype=np.int64)
    return Batches(learned, sizes, draws if settings.shuffle else None)
