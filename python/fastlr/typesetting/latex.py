"""Tables and notes as LaTeX, for the package booktabs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastlr.typesetting.figures import DASH
from fastlr.typesetting.table import Table, in_parts, printable

__all__ = ["notes_latex", "table_latex", "tex"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}
_LIGATURE = re.compile(r"([-'])(?=\1)")  # "--" would be one dash
_TAKEN = ("[", "*")  # at the beginning of a row for options of the line break before it
_POWER = re.compile(r"e([+-]\d+)")


def tex(text: str) -> str:
    """A text with everything escaped that means something to TeX."""
    escaped = "".join(_SPECIAL.get(char, char) for char in printable(text))
    return _LIGATURE.sub(r"\1{}", escaped)


def table_latex(table: Table) -> list[str]:
    """The lines of a tabular, numbers aligned at the point."""
    starts = table.range_starts
    columns = [
        _ends(cells, "[", ",")
        if j in starts
        else _ends(cells, "", "]")
        if j - 1 in starts
        else _aligned(cells)
        for j, cells in enumerate(map(table.column, range(table.n_columns)))
    ]
    heads = " & ".join(
        ["", *(rf"\multicolumn{{{head.span}}}{{c}}{{{tex(head.title)}}}" for head in table.heads)]
    )
    lines = [rf"\begin{{tabular}}{{l{'r' * table.n_columns}}}", r"\toprule"]
    lines += [rf"{heads} \\", r"\midrule"]
    for i, row in enumerate(table.rows):
        cells = [column[i] for column in columns]
        if row.rule:
            lines.append(r"\midrule")
        name = "{}" * row.name.startswith(_TAKEN) + tex(row.name)
        lines.append(" & ".join([name, *cells]) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def notes_latex(notes: Sequence[Sequence[str]]) -> list[str]:
    """Notes as small paragraphs."""
    texts = ("; ".join(map(_words, parts)) for parts in notes)
    return [rf"\par\smallskip{{\footnotesize {text}}}" for text in texts]


def _words(text: str) -> str:
    return re.sub(r"\bR2\b", "$R^2$", tex(text))


def _aligned(cells: Sequence[str]) -> list[str]:
    """Cells in math, with a phantom of the decimals that others have; brackets and stars take no room."""
    parts = [in_parts(cell) for cell in cells]
    longest = max((decimals for _, decimals, _ in parts), key=len, default="")
    return [
        _number(cell, *one, longest[len(one[1]) :]) for cell, one in zip(cells, parts, strict=True)
    ]


def _ends(cells: Sequence[str], before: str, after: str) -> list[str]:
    """Ends of ranges with their brackets; nothing where they are unknown."""
    return ["" if cell in ("", DASH) else f"${before}{_math(cell)}{after}$" for cell in cells]


def _number(cell: str, whole: str, decimals: str, marks: str, missing: str) -> str:
    if cell in ("", DASH):
        return "--" if cell else ""
    text = _math(whole + decimals)
    if marks:
        text += rf"\rlap{{$^{{{marks}}}$}}" if marks.startswith("*") else rf"\rlap{{${marks}$}}"
    if missing and "e" not in cell:
        text += rf"\phantom{{{missing}}}"
    return f"${text}$"


def _math(cell: str) -> str:
    text = cell.replace(" ", r"\,").replace("<", r"<\,")
    return _POWER.sub(lambda found: rf"\cdot 10^{{{int(found[1])}}}", text)
