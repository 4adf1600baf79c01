"""Names as there is room for them."""

from __future__ import annotations

from fastlr.typesetting.table import printable

__all__ = ["shortened"]


def shortened(name: str, longest: int = 120) -> str:
    """A name on one line of so many characters, cut in the middle if it is longer."""
    name = printable(name)
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[:half]}\N{HORIZONTAL ELLIPSIS}{name[-half:]}"
