"""Tables and notes as Markdown, in the dialect of GitHub."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastlr.typesetting.figures import DASH
from fastlr.typesetting.table import Table, printable

__all__ = ["escaped", "notes_markdown", "table_markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~$&])")


def escaped(text: str) -> str:
    """A text with everything escaped that means something to Markdown."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def table_markdown(table: Table) -> list[str]:
    """The lines of a table; the ends of a range share a cell."""
    starts = table.range_starts
    heads = ["", *(escaped(head.title) for head in table.heads)]
    rows = [heads, [":--", *("--:" for _ in table.heads)]]
    for row in table.rows:
        cells = [escaped(row.name)]
        for j, cell in enumerate(row.cells):
            if j - 1 in starts:
                continue
            if j in starts and cell not in ("", DASH):
                cell = f"{cell} .. {row.cells[j + 1]}"
            cells.append(escaped(cell))
        rows.append(cells)
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [*_caption(table), *lines]


def notes_markdown(notes: Sequence[Sequence[str]]) -> list[str]:
    """Notes as paragraphs."""
    lines = []
    for parts in notes:
        lines += [escaped("; ".join(parts)), ""]
    return lines[:-1]


def _caption(table: Table) -> list[str]:
    left, right = map(escaped, table.caption)
    if not left:
        return []
    return [f"**{left}**" + (f" ({right})" if right else ""), ""]
