"""Terms of formulas, and what their functions remember, as plain data and back."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from fastlr.errors import InputError
from fastlr.storage.schema import shown

__all__ = ["Terms", "as_plain", "as_terms", "from_plain"]

Terms = tuple[tuple[tuple[str, str], ...], ...]
"""Terms of factors, each an expression and how it is evaluated: "lookup", "python" or "literal"."""

_WAYS = ("lookup", "python", "literal")
_NUMBER = re.compile(r"[0-9.]{1,30}")
_MOST_NESTED = 8


def as_terms(data: object) -> Terms:
    """Terms as they were stored; an `InputError` if they are something else."""
    if not isinstance(data, list):
        raise InputError(f"the terms of a formula are {shown(data)}, not a list.")
    for term in data:
        is_list = isinstance(term, list) and all(
            isinstance(factor, list)
            and len(factor) == 2
            and isinstance(factor[0], str)
            and factor[1] in _WAYS
            and (factor[1] != "literal" or _NUMBER.fullmatch(factor[0]))
            for factor in term
        )
        if not is_list:
            raise InputError(f"a term of a formula is {shown(term)}, not a list of factors.")
    return tuple(tuple((text, way) for text, way in term) for term in data)


def as_plain(value: Any) -> Any:
    """Numbers, text, lists, arrays and mappings as JSON has them; a TypeError says what else there is."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"the number {value}")
        return value
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return {"array": as_plain(value.tolist())}
    if isinstance(value, dict):
        return {"pairs": [[as_plain(key), as_plain(item)] for key, item in value.items()]}
    raise TypeError(f"a {type(value).__name__}")


def from_plain(value: Any, depth: int = _MOST_NESTED) -> Any:
    """Undo `as_plain`; an `InputError` if something else is there, or nested more deeply than any function nests it."""
    if depth < 0:
        raise InputError("the state of a formula is nested too deeply.")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [from_plain(item, depth - 1) for item in value]
    if isinstance(value, dict) and len(value) == 1:
        ((kind, content),) = value.items()
        try:
            if kind == "array":
                array = np.asarray(content)
                if array.dtype.kind in "fiub":
                    return array
            elif kind == "pairs":
                return {key: from_plain(item, depth - 1) for key, item in content}
        except (TypeError, ValueError):
            pass
    raise InputError(f"the state of a formula holds {shown(value)}.")
