"""Exceptions and warnings: what went wrong, and what to do about it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastlr._convergence import ConvergenceWarning

__all__ = [
    "ConditionWarning",
    "ConvergenceWarning",
    "FileFormatError",
    "InputError",
    "InputTypeError",
    "InputWarning",
    "ModelFileError",
    "RankWarning",
    "user_level",
]


class InputError(ValueError):
    """An argument has a value or a shape that cannot be fitted; the message says which, and the fix."""


class InputTypeError(TypeError, ValueError):
    """An argument has a type that cannot be read as numbers.

    It is a ``TypeError`` by nature and a ``ValueError`` because scikit-learn's conventions ask for one.
    """


class FileFormatError(ValueError):
    """A file is not a table of numbers: empty, ragged, of unknown format, or with text among the numbers."""


class ModelFileError(ValueError):
    """A model file is damaged, of a later version of the format, or holds something else than is asked for."""


class RankWarning(UserWarning):
    """Columns depend on one another: infinitely many coefficients fit equally well, one choice was made."""


class ConditionWarning(UserWarning):
    """Columns nearly depend on one another, or digits were lost otherwise: the answer stands, less certain."""


class InputWarning(UserWarning):
    """The data can be fitted, but look as if something else was meant: rows paired in another order, a target in X."""


def __getattr__(name: str) -> Any:
    """``ConvergenceWarning`` is scikit-learn's as well, which takes its time to import: on first use."""
    if name != "ConvergenceWarning":
        raise AttributeError(f"module 'fastlr.errors' has no attribute {name!r}")
    from fastlr._convergence import ConvergenceWarning

    globals()[name] = ConvergenceWarning
    return ConvergenceWarning


def user_level() -> int:
    """Stack level of the first caller outside fastlr, where a warning points to."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("fastlr."):
        frame, level = frame.f_back, level + 1
    return level
