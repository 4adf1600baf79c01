"""Options: flags, words and numbers, checked; each has one message, wherever it is an argument."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import numpy as np

from fastlr.errors import InputError, InputTypeError

__all__ = ["as_alpha", "as_choice", "as_flag", "as_number", "as_whole"]


def as_flag(value: object, argument: str) -> bool:
    """True or False, also as NumPy's or as 1 or 0."""
    if isinstance(value, bool | np.bool_ | int | np.integer) and value in (0, 1):
        return bool(value)
    raise InputTypeError(f"{argument}={value!r} is neither True nor False: pass one of these.")


def as_choice(value: object, choices: Sequence[str], argument: str) -> str:
    """One of the words that an argument may be."""
    if isinstance(value, str) and value in choices:
        return value
    raise InputError(
        f"{argument}={value!r} is unknown: choose one of {', '.join(map(repr, choices))}."
    )


def as_whole(value: object, argument: str, least: int = 1) -> int:
    """A whole number, at least ``least``."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None:
        raise InputTypeError(
            f"{argument}={value!r} is not a whole number: pass an integer from {least} on."
        )
    if number < least:
        raise InputError(f"{argument}={value!r} is below {least}: pass an integer from {least} on.")
    return number


def as_number(value: object, argument: str, rule: str) -> float:
    """A real number; ``rule`` says which ones will do."""
    if not _is_real(value):
        raise InputTypeError(f"{argument}={value!r} is not a number: pass {rule}.")
    return float(value)  # type: ignore[arg-type]


def as_alpha(alpha: object) -> float:
    """A penalty: finite, and not negative."""
    number = as_number(alpha, "alpha", "a finite number >= 0")
    if not 0.0 <= number < math.inf:
        raise InputError(f"alpha={alpha!r} is not a finite number >= 0: pass 0 for no penalty.")
    return number


def _is_real(value: object) -> bool:
    """Whether this is one real number, Python's or NumPy's; truth values are none."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number | np.ndarray):
        return False
    return isinstance(value, int | float) or (value.ndim == 0 and value.dtype.kind in "fiu")
