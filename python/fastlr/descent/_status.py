"""How a descent ended, as a sentence."""

from __future__ import annotations

import math

from fastlr.descent._engines import Epochs
from fastlr.descent._loop import Loop, Outcome
from fastlr.optimizers import Optimizer
from fastlr.results import Status
from fastlr.schedules import Adaptive

__all__ = ["status_of"]

_VANISHED = 1e-3  # a rate below this share of the first one has fallen far


def status_of(outcome: Outcome, rule: Optimizer, loop: Loop, stable: float) -> Status:
    """The sentence for a code, with the figures that belong to it."""
    code, epochs = outcome.code, outcome.epochs
    n = len(epochs)
    count = f"{n} epoch" if n == 1 else f"{n} epochs"
    if code == "diverged":
        return Status(code, _of_divergence(rule, outcome, loop, stable, count))
    if code == "converged":
        if n and epochs.loss[-1] == 0.0:
            return Status(code, f"Converged after {count}: the loss is zero.")
        if _rate_vanished(epochs, loop):
            return Status(
                "stalled",
                f"Stalled after {count}: the learning rate has fallen to {epochs.rate[-1]:.3g}, too small to lower the "
                f"loss, whose gradient still has length {epochs.gradient_norm[-1]:.3g}. Let the rate fall more slowly, "
                "or start from a larger one.",
            )
        least = f"{loop.tol:g} of itself" if loop.tol else "at all"
        return Status(
            code,
            f"Converged after {count}: the loss no longer fell by {least} for {loop.patience} epochs.",
        )
    if code == "early_stopped":
        return Status(
            code,
            f"Stopped early after {count}: the validation loss did not improve for {loop.patience} epochs. The "
            f"iterate after epoch {outcome.best_epoch} was best and is returned.",
        )
    if code == "stopped":
        return Status(code, f"Stopped by the callback after {count}.")
    if code == "interrupted":
        return Status(code, f"Interrupted after {count}: these are the coefficients so far.")
    if code == "sampler_exhausted":
        return Status(
            code,
            f"Stopped after {count} of {loop.n_epochs}: the sampler was exhausted. Pass an iterable that can be gone "
            "through once an epoch, such as a list, or an endless iterator.",
        )
    return Status(
        "epochs_exhausted",
        f"Stopped after {count} as asked; {_at_the_end(epochs, loop.engine.name == 'batches')}.",
    )


def _at_the_end(epochs: Epochs, scatters: bool) -> str:
    """Whether the lowest loss is one of the last quarter; losses of batches scatter."""
    loss = epochs.loss
    if len(loss) < 2:
        return "it takes more to settle"
    last = max(1, len(loss) // 4) if scatters else 1
    if loss[-last:].min() < loss[:-last].min():
        return "the loss was still falling"
    if not scatters:
        return "the loss had levelled off"
    tail = loss[len(loss) // 2 :]
    return f"the loss last scattered between {tail.min():.4g} and {tail.max():.4g}"


def _rate_vanished(epochs: Epochs, loop: Loop) -> bool:
    """Whether it was the rate that came to rest: steps of the first one would still lower the loss by more than tol."""
    if isinstance(loop.schedule, Adaptive) or not len(epochs):
        return False  # "adaptive" lowers its rate because the loss has come to rest
    first, last = float(epochs.rate[0]), float(epochs.rate[-1])
    gain = first * float(epochs.gradient_norm[-1]) ** 2
    return last < _VANISHED * first and gain > (loop.tol or 0.0) * float(epochs.loss[-1])


def _of_divergence(rule: Optimizer, outcome: Outcome, loop: Loop, stable: float, count: str) -> str:
    first, last = outcome.growth
    grew = f"from {first:.4g} to {last:.4g}" if math.isfinite(last) else "beyond all bounds"
    rate = float(outcome.epochs.rate[0])
    if rule.is_adaptive or not math.isfinite(stable):
        advice = (
            f"learning_rate={rate:.6g} is too large for this data and loss. "
            "Pass a smaller one, or learning_rate='auto'"
        )
    else:
        place = "above" if rate > stable else "not above"
        data = (
            "this data and loss"
            if loop.engine.name != "batches"
            else "all rows of this data and loss (batches need a smaller one)"
        )
        advice = (
            f"learning_rate={rate:.6g} is {place} {rule.stability} = {stable:.6g}, the largest stable rate for {data}. "
            "Pass a smaller one, learning_rate='auto', or standardize=True"
        )
    return f"Diverged: the loss grew {grew} in {count}. {advice}. The best iterate is returned."
