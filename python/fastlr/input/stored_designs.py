"""Designs from the plain data in which they are stored."""

from __future__ import annotations

from collections.abc import Mapping

from fastlr.errors import InputError
from fastlr.input.designs import Design, Indicators
from fastlr.input.formulas import FormulaDesign
from fastlr.storage.schema import shown

__all__ = ["design_of"]


def design_of(data: object) -> Design:
    """Make a design from what its ``to_dict`` gave.

    Raises
    ------
    InputError
        If the data are something else.
    """
    if not isinstance(data, Mapping):
        raise InputError(f"design={shown(data)} is no mapping.")
    if data.get("kind") == "indicators":
        return Indicators.from_dict(data)
    if data.get("kind") == "formula":
        return FormulaDesign.from_dict(data)
    raise InputError(f"a design of kind {shown(data.get('kind'))} is not known.")
