"""Which pictures results have, by the words of their method ``plot``."""

from __future__ import annotations

from typing import Any

from fastlr.errors import InputError
from fastlr.input.options import as_choice
from fastlr.plot.correlations import collinearity
from fastlr.plot.descents import loss
from fastlr.plot.influences import diagnostics
from fastlr.plot.parameters import coefficients
from fastlr.plot.relations import partial_regression, predicted, regression
from fastlr.plot.surfaces import loss_surface

__all__ = ["KINDS", "draw"]

KINDS = {
    "coefficients": coefficients,
    "collinearity": collinearity,
    "diagnostics": diagnostics,
    "loss": loss,
    "loss_surface": loss_surface,
    "partial_regression": partial_regression,
    "predicted": predicted,
    "regression": regression,
}
_OF_ROWS = {"diagnostics", "partial_regression", "predicted", "regression"}
_OF_DESCENTS = {"loss", "loss_surface"}


def draw(fit: Any, kind: str | None, X: object, y: object, options: dict[str, Any]) -> Any:
    """Draw one picture of a fit; by default, diagnostics of rows if they are given, else coefficients."""
    if kind is None:
        kind = "coefficients" if X is None else "diagnostics"
    kind = str(as_choice(kind, tuple(KINDS), "kind"))
    if kind in _OF_DESCENTS and not hasattr(fit, "history"):
        raise InputError(f"kind={kind!r} shows descents: this is a {type(fit).__name__}.")
    picture: Any = KINDS[kind]
    if kind not in _OF_ROWS:
        if X is not None or y is not None:
            raise InputError(f"kind={kind!r} needs no rows: leave X and y out.")
        return picture(fit, **options)
    if X is None or y is None:
        raise InputError(f"kind={kind!r} draws rows: pass X and y.")
    return picture(fit, X, y, **options)
