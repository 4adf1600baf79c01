"""Fits of the rows of any engine: options that say what the rows are go there, those of the fit to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastlr.input.row_stream import RowStream

__all__ = ["fitted"]

T = TypeVar("T")


def fitted(
    fit: Callable[..., T],
    rows: Callable[..., RowStream],
    given: tuple[Any, ...],
    options: Mapping[str, Any],
) -> T:
    """A fit of what ``rows(*given)`` gives, with the options of both."""
    of_rows = inspect.signature(rows).parameters
    of_fit = inspect.signature(fit).parameters.keys() - of_rows.keys()
    own = {name: value for name, value in options.items() if name not in of_fit}
    rest = {name: value for name, value in options.items() if name in of_fit}
    return fit(rows(*given, **own), **rest)
