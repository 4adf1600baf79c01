"""Tables and notes as plain text, aligned by spaces."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from fastlr.typesetting.figures import DASH
from fastlr.typesetting.table import Table, around_point, printable, width_of

__all__ = ["LONGEST_NAME", "Line", "note_lines", "table_lines"]

Line = tuple[str, str]
"""What a line is ("caption", "head", "row", "rule", or the kind of a note), and its text."""

_GAP = "  "
_TO = " .. "
LONGEST_NAME = 40
"""Characters of a name that is not cut."""


def table_lines(table: Table, longest_name: int | None = LONGEST_NAME) -> list[Line]:
    """The caption, the heads and the rows of a table; no line ends in a space."""
    names = shortened([row.name for row in table.rows], longest_name)
    heads, columns = _columns(table)
    width = max(map(width_of, names), default=0)
    body = [
        ("row", _GAP.join([_left(name, width), *(column[i] for column in columns)]).rstrip())
        for i, name in enumerate(names)
    ]
    total = max((width_of(line) for _, line in body), default=0)
    lines: list[Line] = []
    if any(table.caption):
        lines += [("caption", line) for line in _justified(*table.caption, total)]
        lines.append(("", ""))
    if any(heads):
        lines.append(("head", _GAP.join([" " * width, *heads]).rstrip()))
    for row, line in zip(table.rows, body, strict=True):
        if row.rule:
            lines.append(("rule", "-" * total))
        lines.append(line)
    return lines


def note_lines(kind: str, notes: Sequence[Sequence[str]], width: int) -> list[Line]:
    """Notes in lines of at most ``width``: sentences are wrapped, parts stand apart; numerics take one line."""
    lines: list[Line] = []
    for parts in notes:
        if kind == "numerics":
            lines.append((kind, printable("; ".join(parts))))
            continue
        if len(parts) == 1:
            wrapped = textwrap.wrap(
                printable(parts[0]), width, break_long_words=False, break_on_hyphens=False
            )
            lines += [(kind, line) for line in wrapped]
            continue
        line = ""
        for part in parts:
            joined = f"{line}{_GAP * 2}{part}" if line else part
            if line and width_of(joined) > width:
                lines.append((kind, line))
                joined = part
            line = joined
        lines.append((kind, line))
    return lines


def shortened(names: Sequence[str], longest: int | None) -> list[str]:
    """Names of at most so many characters, cut in the middle; in full where two would look the same."""
    full = [printable(name) for name in names]
    if longest is None:
        return full
    half = longest // 2
    short = [
        name if len(name) <= longest else f"{name[: half - 2]}...{name[1 - half :]}"
        for name in full
    ]
    seen: dict[str, str] = {}
    for whole, cut in zip(full, short, strict=True):
        if seen.setdefault(cut, whole) != whole:
            return full
    return short


def _aligned(cells: Sequence[str]) -> list[str]:
    """Cells of one width, with their points below one another; dashes and empty ones end before the point."""
    parts = [around_point(cell) for cell in cells]
    left = max((len(before) for before, _ in parts), default=0)
    right = max((len(after) for _, after in parts), default=0)
    return [before.rjust(left) + after.ljust(right) for before, after in parts]


def _columns(table: Table) -> tuple[list[str], list[list[str]]]:
    """Heads and columns of the same widths; the two columns of a range become one."""
    heads, out, at = [], [], 0
    for head in table.heads:
        is_range = head.span == 2
        cells = table.column(at)
        column = _ranges(cells, table.column(at + 1)) if is_range else _aligned(cells)
        at += head.span
        width = max([width_of(head.title), *map(len, column)])
        heads.append(head.title.center(width) if is_range else _right(head.title, width))
        out.append([cell.rjust(width) for cell in column])
    return heads, out


def _ranges(lows: Sequence[str], highs: Sequence[str]) -> list[str]:
    """Lower and upper ends around two points; a dash where they are unknown."""
    left, right = (max(map(len, ends), default=0) for ends in (lows, highs))
    return [
        f"{'':{left}}{low.center(len(_TO) - 1)} {'':{right}}"
        if low in ("", DASH)
        else f"{low.rjust(left)}{_TO}{high.ljust(right)}"
        for low, high in zip(lows, highs, strict=True)
    ]


def _justified(left: str, right: str, width: int) -> list[str]:
    """Two texts at the ends of a line, or on lines of their own."""
    left, right = printable(left), printable(right)
    space = width - width_of(left) - width_of(right)
    if not right or space < len(_GAP):
        return [left, right] if right else [left]
    return [f"{left}{' ' * space}{right}"]


def _left(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))


def _right(text: str, width: int) -> str:
    return " " * (width - width_of(text)) + text
