"""What the training of a network is told as: its history, and its status as a sentence."""

from __future__ import annotations

import math

import numpy as np

from fastlr.descent.loop import Loop, Outcome
from fastlr.networks.history import NetworkHistory
from fastlr.results import Status

__all__ = ["history_of", "status_of"]


def history_of(outcome: Outcome) -> NetworkHistory:
    """The figures of every epoch, with NaN for validation losses that were not computed."""
    epochs = outcome.epochs
    validation = None
    if outcome.is_validated:
        validation = np.full(len(epochs), math.nan)
        validation[: len(outcome.validation)] = outcome.validation
    return NetworkHistory(
        epoch=np.arange(len(epochs)),
        loss=epochs.loss,
        validation_loss=validation,
        gradient_norm=epochs.gradient_norm,
        learning_rate=epochs.rate,
    )


def status_of(outcome: Outcome, loop: Loop, is_standardised: bool) -> Status:
    """How the training ended, and what to do about it."""
    n = len(outcome.epochs)
    count = f"{n} epoch" if n == 1 else f"{n} epochs"
    code = outcome.code
    if code == "diverged":
        first, last = outcome.growth
        grew = f"from {first:.4g} to {last:.4g}" if math.isfinite(last) else "beyond all bounds"
        cure = "Pass a smaller one" if is_standardised else "Pass a smaller one or standardize=True"
        return Status(
            code,
            f"Diverged: the loss grew {grew} in {count}. learning_rate={loop.rate:.6g} is too large for this network "
            f"and these rows. {cure}. The best iterate is returned.",
        )
    sentences = {
        "converged": f"Converged: the loss no longer fell for {loop.patience} epochs, after {count}.",
        "early_stopped": f"Stopped early after {count}: the validation loss no longer fell after epoch "
        f"{outcome.best_epoch}, whose weights are returned.",
        "stopped": f"Stopped by a callback after {count}.",
        "interrupted": f"Interrupted after {count}; the weights are those of the last one.",
        "sampler_exhausted": f"Stopped after {count}: sampling gave no more batches.",
    }
    return Status(code, sentences.get(code, f"Trained for {count} as asked."))
