"""A table of cells that are already text, before it is set in any language."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

__all__ = ["Head", "Row", "Table", "around_point", "in_parts", "printable", "width_of"]

_PARTS = re.compile(r"^([^\d.]*\d[\d ]*)((?:\.\d+)?)([)*]*)$")
_NUMBER = re.compile(r"^([^\d.]*\d[\d ]*)(.*)$", flags=re.DOTALL)


@dataclass(frozen=True, slots=True)
class Head:
    """The title of one column, or of two that make a range."""

    title: str
    span: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A name and its cells; ``rule`` draws a line above."""

    name: str
    cells: tuple[str, ...]
    rule: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Names to the left, numbers to the right, aligned at the point.

    Attributes
    ----------
    caption : tuple of (str, str)
        What the table is of, and what stands at the right end of that line.
    heads : tuple of Head
        Titles of the columns; the column of names has none.
    rows : tuple of Row
    """

    caption: tuple[str, str]
    heads: tuple[Head, ...]
    rows: tuple[Row, ...] = field(default_factory=tuple)

    @property
    def n_columns(self) -> int:
        """Number of columns beside the names."""
        return sum(head.span for head in self.heads)

    @property
    def range_starts(self) -> frozenset[int]:
        """Columns that are the lower ends of ranges; the next one has the upper ends."""
        starts, at = set(), 0
        for head in self.heads:
            if head.span == 2:
                starts.add(at)
            at += head.span
        return frozenset(starts)

    def column(self, j: int) -> list[str]:
        """The cells of a column, from top to bottom."""
        return [row.cells[j] for row in self.rows]


def around_point(cell: str) -> tuple[str, str]:
    """A cell up to the last digit before its point, and the rest: ("-1 829", ".2"), ("(456", ")"), ("-", "")."""
    found = _NUMBER.match(cell)
    return (found[1].rstrip(), found[2]) if found else (cell, "")


def in_parts(cell: str) -> tuple[str, str, str]:
    """A cell as whole number, decimals with the point, and marks: ("(-1 829", ".2", ")"), ("16", "", "***").

    A number with a power of ten is one part.
    """
    found = _PARTS.match(cell)
    return (found[1], found[2], found[3]) if found else (cell, "", "")


def printable(text: str) -> str:
    r"""A name on one line: control characters as Python writes them, such as \n."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def width_of(text: str) -> int:
    """Columns of a terminal that a text takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
