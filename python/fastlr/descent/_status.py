"""How a descent ended, as a sentence."""

from __future__ import annotations

import math

from fastlr.descent._engines import Epochs
from fastlr.descent._loop import Loop
from fastlr.optimizers import Optimizer
from fastlr.results import Status

__all__ = ["status_of"]


def status_of(
    code: str, rule: Optimizer, epochs: Epochs, loop: Loop, stable: float, engine: str
) -> Status:
    """The sentence for a code, with the figures that belong to it."""
    n = len(epochs)
    count = f"{n} epoch" if n == 1 else f"{n} epochs"
    if code == "diverged":
        return Status(code, _of_divergence(rule, epochs, loop, stable, engine, count))
    if code == "converged":
        if n and epochs.loss[-1] == 0.0:
            return Status(code, f"Converged after {count}: the loss is zero.")
        least = f"{loop.tol:g} of itself" if loop.tol else "at all"
        return Status(
            code,
            f"Converged after {count}: the loss no longer fell by {least} for {loop.patience} epochs.",
        )
    if code == "early_stopped":
        best = n - loop.patience - 1
        return Status(
            code,
            f"Stopped early after {count}: the validation loss did not improve for {loop.patience} epochs. The "
            f"iterate after epoch {max(0, best)} was best and is returned.",
        )
    if code == "stopped":
        return Status(code, f"Stopped by the callback after {count}.")
    if code == "interrupted":
        return Status(code, f"Interrupted after {count}: these are the coefficients so far.")
    falling = (
        "the loss was still falling"
        if n > 1 and epochs.loss[-1] < epochs.loss[-2]
        else "the loss had levelled off"
    )
    return Status(
        "epochs_exhausted",
        f"Stopped after {count} as asked; {falling if n > 1 else 'it takes more to settle'}.",
    )


def _of_divergence(
    rule: Optimizer, epochs: Epochs, loop: Loop, stable: float, engine: str, count: str
) -> str:
    first, last = float(epochs.loss[0]), float(epochs.loss[-1])
    grew = (
        f"from {first:.4g} to {last:.4g}"
        if math.isfinite(last) and len(epochs) > 1
        else "beyond all bounds"
    )
    rate = float(epochs.rate[0])
    if rule.is_adaptive or not math.isfinite(stable):
        advice = (
            f"learning_rate={rate:.6g} is too large for this data and loss. "
            "Pass a smaller one, or learning_rate='auto'"
        )
    else:
        place = "above" if rate > stable else "not above"
        data = (
            "this data and loss"
            if engine != "batches"
            else "all rows of this data and loss (batches need a smaller one)"
        )
        advice = (
            f"learning_rate={rate:.6g} is {place} 2 / L = {stable:.6g}, the largest stable rate for {data}. Pass a "
            "smaller one, learning_rate='auto', or standardize=True"
        )
    return f"Diverged: the loss grew {grew} in {count}. {advice}. The best iterate is returned."
