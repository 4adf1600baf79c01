"""What MLPRegressor warns of when a fit ends otherwise than one hopes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fastlr.errors import ConvergenceWarning, user_level
from fastlr.estimators._mlp_arguments import MLPSettings
from fastlr.estimators._mlp_training import Ending

__all__ = ["warn_of_ending"]


def warn_of_ending(model: Any, settings: MLPSettings, ending: Ending) -> None:
    """Warn of a fit that diverged, was interrupted, or ran out of epochs that were to be waited for."""
    epochs = f"{ending.n_epochs} epoch" if ending.n_epochs == 1 else f"{ending.n_epochs} epochs"
    if ending.code == "diverged":
        first, last = ending.growth
        grew = f"grew from {first:.4g} to {last:.4g}" if np.isfinite(last) else "exploded"
        cure = "." if settings.standardize else ", or pass standardize=True."
        _warn(
            f"Diverged: the loss {grew} in {epochs}, and the best iterate so far is kept. Lower "
            f"learning_rate_init={model.learning_rate_init}{cure}"
        )
    elif ending.code == "interrupted":
        _warn(f"Training interrupted by user after {epochs}: these are the weights so far.")
    elif ending.code == "epochs_exhausted" and settings.tol is not None:
        _warn(
            f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and the optimization hasn't "
            f"converged yet. Increase max_iter, or tol (now {model.tol})."
        )


def _warn(sentence: str) -> None:
    warnings.warn(sentence, ConvergenceWarning, stacklevel=user_level())
