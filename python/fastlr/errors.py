"""Exceptions and warnings: what went wrong, and what to do about it."""

from __future__ import annotations

__all__ = [
    "ConditionWarning",
    "ConvergenceWarning",
    "FileFormatError",
    "InputError",
    "InputTypeError",
    "ModelFileError",
    "RankWarning",
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
    """A model file is damaged, or was written by another version of the format."""


class RankWarning(UserWarning):
    """Columns depend on one another: infinitely many coefficients fit equally well, one choice was made."""


class ConditionWarning(UserWarning):
    """Columns nearly depend on one another, or digits were lost otherwise: the answer stands, less certain."""


class ConvergenceWarning(UserWarning):
    """Gradient descent did not arrive: it diverged, or stopped before the loss settled. The message says what to do."""
