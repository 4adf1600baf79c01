"""Tables and notes as HTML: for notebooks and pages, wide or narrow, light or dark, and for screen readers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from fastlr.typesetting.figures import DASH
from fastlr.typesetting.table import Head, Table, in_parts, printable

__all__ = ["STYLE", "notes_html", "number_html", "table_html"]

# Colours are those of the page around, so that they fit light and dark ones.
STYLE = """\
.fastlr-text{max-width:60em;line-height:1.45}
.fastlr-text .scroll{overflow-x:auto}
.fastlr-text table{border-collapse:collapse;margin:.4em 0;color:inherit;background:none;
 font-size:inherit;font-variant-numeric:tabular-nums lining-nums}
.fastlr-text caption{caption-side:top;text-align:left;padding:.2em 0 .6em;color:inherit;font-size:inherit}
.fastlr-text caption span{opacity:.75;padding-left:2em}
.fastlr-text tr{background:none!important}
.fastlr-text th,.fastlr-text td{padding:.18em .55em;text-align:right;white-space:nowrap;
 border:0;color:inherit}
.fastlr-text thead th{font-weight:600;opacity:.75;vertical-align:bottom}
.fastlr-text thead tr{border-bottom:1px solid currentColor}
.fastlr-text tbody th{text-align:left;font-weight:400}
.fastlr-text tbody th.long{white-space:normal;overflow-wrap:anywhere;min-width:12em;max-width:24em}
.fastlr-text i{display:inline-block;width:0;font-style:normal}
.fastlr-text sup{line-height:0}
.fastlr-text tr.rule{border-top:1px solid currentColor}
.fastlr-text th[colspan]{text-align:center}
.fastlr-text td.to{text-align:left;padding-left:0}
.fastlr-text p{margin:.25em 0;overflow-wrap:anywhere}
.fastlr-text .figures span{display:inline-block;margin-right:1.6em}
.fastlr-text .attention{border-left:4px solid #c98500;padding:.1em 0 .1em .7em;margin:.5em 0}
.fastlr-text .legend,.fastlr-text .numerics{font-size:.9em;opacity:.75}
"""

_THIN = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_FIGURE = "\N{FIGURE SPACE}"
_POINT = "\N{PUNCTUATION SPACE}"
_UNKNOWN = "\N{EN DASH}"
_POWER = re.compile(r"e([+-]\d+)")
_LONG_NAME = 24


def table_html(table: Table) -> str:
    """A table with a caption, a scope for every head, and numbers aligned at the point."""
    starts = table.range_starts
    ends = starts | {j + 1 for j in starts}
    columns = [
        [number_html(cell) for cell in cells] if j in ends else _aligned(cells)
        for j, cells in enumerate(map(table.column, range(table.n_columns)))
    ]
    lines = ['<div class="scroll"><table>']
    if any(table.caption):
        left, right = (escape(printable(part)) for part in table.caption)
        right = f" <span>{right}</span>" if right else ""
        lines.append(f"<caption><strong>{left}</strong>{right}</caption>")
    heads = "".join(map(_head, table.heads))
    lines.append(f"<thead><tr><td></td>{heads}</tr></thead>")
    lines.append("<tbody>")
    for i, row in enumerate(table.rows):
        cells = []
        for j, column in enumerate(columns):
            is_known = row.cells[j] not in ("", DASH)
            to = " to" if j in starts and is_known else ""
            kind = ' class="to"' if j - 1 in starts else ""
            cells.append(f"<td{kind}>{column[i]}{to}</td>")
        kind = ' class="rule"' if row.rule else ""
        lines.append(f"<tr{kind}>{_name(row.name)}{''.join(cells)}</tr>")
    lines.append("</tbody></table></div>")
    return "\n".join(lines)


def _head(head: Head) -> str:
    scope = 'scope="col"' if head.span == 1 else f'scope="colgroup" colspan="{head.span}"'
    return f"<th {scope}>{escape(printable(head.title))}</th>"


def _name(name: str) -> str:
    if not name:
        return "<td></td>"
    kind = ' class="long"' if len(name) > _LONG_NAME else ""
    return f'<th scope="row"{kind}>{escape(printable(name))}</th>'


def notes_html(kind: str, notes: Sequence[Sequence[str]]) -> str:
    """Notes as paragraphs; sentences that deserve attention are a note of their own to screen readers."""
    paragraphs = []
    for parts in notes:
        inner = (
            escape(printable(parts[0]))
            if len(parts) == 1
            else " ".join(f"<span>{_words(part)}</span>" for part in parts)
        )
        paragraphs.append(f"<p>{inner}</p>")
    role = ' role="note" aria-label="deserves attention"' if kind == "attention" else ""
    return f'<div class="{kind}"{role}>{"".join(paragraphs)}</div>'


def _words(text: str) -> str:
    """Words with figures among them: R2 and minus signs as they are printed."""
    text = escape(printable(text))
    text = re.sub(r"\bR2\b", "R<sup>2</sup>", text)
    text = _POWER.sub(_power, text)
    return re.sub(r"(?<![\w])-(?=\d)", _MINUS, text)


def _aligned(cells: Sequence[str]) -> list[str]:
    """Cells that end in as many blanks of a digit's width as bring their points below one another.

    Brackets and stars take no width of their own, but all cells leave room for the longest.
    """
    parts = [in_parts(cell) for cell in cells]
    most = max((len(decimals) for _, decimals, _ in parts), default=0)
    room = _FIGURE * max((len(marks) for _, _, marks in parts), default=0)
    out = []
    for cell, (whole, decimals, marks) in zip(cells, parts, strict=True):
        own = len(decimals)
        blank = _FIGURE * (most - max(own, 1)) + ("" if own else _POINT) if most else ""
        if "e" in cell or not cell:
            blank = ""
        marked = f"<i>{escape(marks)}</i>" if marks else ""
        out.append(number_html(whole + decimals) + marked + blank + (room if cell else ""))
    return out


def number_html(cell: str) -> str:
    """A number with the signs of print: a minus, thin spaces between thousands, and powers of ten."""
    if cell == DASH:
        return f'<span aria-label="unknown">{_UNKNOWN}</span>'
    text = escape(cell).replace(" ", _THIN).replace("-", _MINUS)
    return re.sub(rf"e([+{_MINUS}]\d+)", _power, text)


def _power(found: re.Match[str]) -> str:
    exponent = str(int(found[1].replace(_MINUS, "-"))).replace("-", _MINUS)
    return f"\N{MULTIPLICATION SIGN}10<sup>{exponent}</sup>"
