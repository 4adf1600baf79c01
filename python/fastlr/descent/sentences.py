"""How a descent ended, in a sentence with the figures that belong to it and what to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from fastlr.descent.gap import Distance
from fastlr.descent.loop import VANISHED, Loop, Outcome
from fastlr.descent.optimizers import GD, Optimizer
from fastlr.descent.result import History
from fastlr.descent.schedules import Adaptive
from fastlr.results import Status

__all__ = ["Circumstances", "status_of"]


@dataclass(frozen=True)
class Circumstances:
    """What the sentence about the end depends on besides the loop."""

    rule: Optimizer
    stable: Callable[[], float]
    rate_for_batches: Callable[[], float]
    """A rate that suits the batches; called only where descent diverged."""
    distance: Callable[[], Distance]
    """The distance from the optimum; called only where it matters."""
    is_automatic: bool
    """Whether the rate was left to descent: who leaves it wants the fit."""
    is_standardised: bool
    is_bound: bool
    """Whether little more than bounds is known of the loss, since it is no squared one.

    Rates up to the stable one are then sure to be stable, and larger ones may be as well.
    """
    note: str
    """A sentence on columns that could not be scaled, or nothing."""


def status_of(
    outcome: Outcome, history: History, loop: Loop, at: Circumstances
) -> tuple[Status, bool]:
    """Write the sentence for a code, with the figures that belong to it; say whether it is worth a warning."""
    status, warns = _status_of(outcome, history, loop, at)
    return (Status(status.code, f"{status} {at.note}") if at.note else status), warns


def _status_of(
    outcome: Outcome, history: History, loop: Loop, at: Circumstances
) -> tuple[Status, bool]:
    code, count = outcome.code, _epochs(len(history))
    if code == "diverged":
        return Status(code, _of_divergence(outcome, history, loop, at, count)), True
    if code == "converged":
        return _no_longer_falling(history, loop, at, count)
    if code == "early_stopped":
        sentence = (
            f"Stopped early after {count}: the validation loss did not improve for {_epochs(loop.patience or 0)}. The "
            f"iterate after epoch {outcome.best_epoch} was best and is returned."
        )
        return Status(code, sentence), False
    if code == "stopped":
        return Status(code, f"Stopped by the callback after {count}."), False
    if code == "interrupted":
        return Status(code, f"Interrupted after {count}: these are the coefficients so far."), False
    if code == "sampler_exhausted":
        sentence = (
            f"Stopped after {count} of {loop.n_epochs}: the sampler was exhausted. Pass an iterable that can be gone "
            "through once an epoch, such as a list, or an endless iterator."
        )
        return Status(code, sentence), False
    return _out_of_epochs(history, loop, at, count)


def _no_longer_falling(
    history: History, loop: Loop, at: Circumstances, count: str
) -> tuple[Status, bool]:
    """Say where the loss no longer fell: near the optimum, in the noise of batches, or short of it."""
    if len(history) and history.loss[-1] == 0.0:
        return Status("converged", f"Converged after {count}: the loss is zero."), False
    distance = at.distance()
    least = f"{loop.tol:g} of itself" if loop.tol else "at all"
    rest = f"the loss no longer fell by {least} for {_epochs(loop.patience or 0)}"
    if distance.is_small(loop.tol):
        return Status("converged", f"Converged after {count}: {rest}."), False
    scatters, vanished = loop.engine.scatters, _rate_vanished(history, loop)
    if vanished and not (scatters and distance.is_noise(loop.tol)):
        sentence = (
            f"Stalled after {count}, {distance}: the learning rate has fallen to {history.learning_rate[-1]:.3g}, too "
            "small to lower the loss. Let the rate fall more slowly, or start from a larger one."
        )
        return Status("stalled", sentence), True
    if scatters:
        cure = (
            "where the falling rate left it. Start from a larger rate, or let it fall more slowly."
            if vanished
            or math.isinf(loop.schedule.settled_from)
            or isinstance(loop.schedule, Adaptive)
            else "around which a constant rate keeps the coefficients wandering. Let the rate fall (fastlr.schedules), "
            "take larger batches, or average the iterates (fastlr.SGDRegressor(average=True))."
        )
        sentence = f"Settled in the noise of its batches after {count}, {distance}, {cure}"
        return Status("settled", sentence), not distance.is_noise(loop.tol)
    sentence = (
        f"Stalled after {count}, {distance} (of a loss of {distance.loss:.3g}): {rest}. {_cure(at)}"
    )
    return Status("stalled", sentence), True


def _out_of_epochs(
    history: History, loop: Loop, at: Circumstances, count: str
) -> tuple[Status, bool]:
    scatters, distance = loop.engine.scatters, at.distance()
    near = distance.is_noise(loop.tol) if scatters else distance.is_small(loop.tol)
    progress = _at_the_end(history, scatters)
    if near or not at.is_automatic or loop.tol is None or loop.patience is None:
        where = "" if distance.is_small(loop.tol) else f", {distance}"
        return Status(
            "epochs_exhausted", f"Stopped after {count} as asked; {progress}{where}."
        ), False
    cure = (
        "Pass more epochs, larger batches, or a schedule whose rate falls (fastlr.schedules)."
        if scatters
        else _cure(at)
    )
    sentence = (
        f"Slow: after {count} the loss is {distance.loss:.4g}, {distance}; {progress}. {cure}"
    )
    return Status("slow", sentence), True


def _cure(at: Circumstances) -> str:
    if at.is_bound:  # least squares is no cure for another loss
        return "Pass more epochs." if at.is_standardised else "Pass standardize=True."
    if not at.is_standardised:
        return "Pass standardize=True, or fastlr.ols for the exact fit."
    if isinstance(at.rule, GD):
        return (
            "Pass more epochs, or leave optimizer and learning_rate out, which takes the accelerated rule, or "
            "fastlr.ols for the exact fit."
        )
    return (
        "Pass more epochs (columns that nearly depend on one another take many), or fastlr.ols for "
        "the exact fit."
    )


def _epochs(n: int) -> str:
    return f"{n} epoch" if n == 1 else f"{n} epochs"


def _at_the_end(history: History, scatters: bool) -> str:
    """Say whether the loss was still falling; of batches, whose losses scatter, over the last quarter of the epochs."""
    loss = history.loss
    if len(loss) < 2:
        return "it takes more to settle"
    last = max(1, len(loss) // 4) if scatters else 1
    if loss[-last:].min() < loss[:-last].min():
        return "the loss was still falling"
    if not scatters:
        return "the loss had levelled off"
    tail = loss[len(loss) // 2 :]
    return f"the loss last scattered between {tail.min():.4g} and {tail.max():.4g}"


def _rate_vanished(history: History, loop: Loop) -> bool:
    """Whether descent ended because the rate had all but vanished."""
    if isinstance(loop.schedule, Adaptive) or not len(history):
        return False  # "adaptive" lowers its rate because the loss has come to rest
    return float(history.learning_rate[-1]) < VANISHED * float(history.learning_rate[0])


def _of_divergence(
    outcome: Outcome, history: History, loop: Loop, at: Circumstances, count: str
) -> str:
    first, last = outcome.growth
    grew = f"from {first:.4g} to {last:.4g}" if math.isfinite(last) else "beyond all bounds"
    rate, stable, rule = float(history.learning_rate[0]), at.stable(), at.rule
    cures = ["Pass a smaller one", "learning_rate='auto'"]
    if not at.is_standardised:
        cures.append("standardize=True")
    cure = f"{', '.join(cures[:-1])}{',' if len(cures) > 2 else ''} or {cures[-1]}"
    if loop.engine.scatters and not rule.is_adaptive:
        would_do = at.rate_for_batches()
        limit = f" (with all rows the limit would be {rule.stability} = {stable:.6g})"
        advice = (
            f"learning_rate={rate:.6g} is too large for batches of {_rows(loop.engine.largest_batch)} of this data and "
            f"loss: {would_do:.3g} would do{limit if math.isfinite(stable) and not at.is_bound else ''}. {cure}"
        )
    elif rule.is_adaptive or not math.isfinite(stable):
        advice = f"learning_rate={rate:.6g} is too large for this data and loss. {cure}"
    else:
        place = "above" if rate > stable else "not above"
        which = (
            "up to which rates are sure to be stable" if at.is_bound else "the largest stable rate"
        )
        advice = (
            f"learning_rate={rate:.6g} is {place} {rule.stability} = {stable:.6g}, {which} for this data and loss. "
            f"{cure}"
        )
    return f"Diverged: the loss grew {grew} in {count}. {advice}. The best iterate is returned."


def _rows(n: int) -> str:
    return f"{n} row" if n == 1 else f"{n} rows"
