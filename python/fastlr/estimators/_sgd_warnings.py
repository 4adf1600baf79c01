"""What SGDRegressor warns of when a fit ends otherwise than one hopes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fastlr.descent.gap import Distance
from fastlr.descent.loop import Outcome
from fastlr.errors import ConvergenceWarning, user_level
from fastlr.estimators._sgd_arguments import SGDSettings

__all__ = ["warn_if_far", "warn_of_failure", "warn_of_max_iter"]

_FAR = 0.01  # of the variance of y: R2 could be so much higher


def warn_of_failure(model: Any, outcome: Outcome, settings: SGDSettings) -> None:
    """Warn of a descent that diverged or was interrupted."""
    if outcome.code == "diverged":
        first, last = outcome.growth
        grew = f"grew from {first:.4g} to {last:.4g}" if np.isfinite(last) else "exploded"
        cure = (
            f"The rates of learning_rate='optimal' follow from alpha={model.alpha}: raise it, or pass another "
            "learning_rate"
            if settings.is_optimal
            else f"Lower eta0={model.eta0}"
        )
        cure += "." if settings.standardize else ", or pass standardize=True."
        _warn(
            f"Diverged: the loss {grew} in {model.n_iter_} epochs, and the best iterate so far is kept. {cure}"
        )
    if outcome.code == "interrupted":
        _warn(f"Interrupted after {model.n_iter_} epochs: these are the coefficients so far.")


def warn_of_max_iter(model: Any, settings: SGDSettings) -> None:
    """Warn of a fit whose epochs ended before its loss settled, if that was to be waited for."""
    if settings.tol is not None:
        _warn(
            f"Stopped after max_iter={model.max_iter} epochs, before the loss settled. Increase max_iter, or tol "
            f"(now {model.tol})."
        )


def warn_if_far(model: Any, distance: Distance) -> None:
    """Warn of a loss that no longer falls by ``tol`` but is far from its minimum."""
    if distance.gap <= _FAR * distance.of_constant:
        return
    cures = [f"a larger eta0 (now {model.eta0})", f"a smaller tol (now {model.tol})"]
    if isinstance(model.learning_rate, str) and model.learning_rate == "optimal":
        cures[0] = f"another alpha (now {model.alpha}), which the rates of 'optimal' follow from"
    if model.batch_size != 1:
        cures.append("smaller batches")
    if not model.standardize:
        cures.append("standardize=True")
    _warn(
        f"Stopped after {model.n_iter_} epochs, when the loss no longer fell by tol, but the loss is "
        f"{distance.loss:.4g}, {distance}. Pass {', '.join(cures[:-1])} or {cures[-1]}."
    )


def _warn(sentence: str) -> None:
    warnings.warn(sentence, ConvergenceWarning, stacklevel=user_level())
