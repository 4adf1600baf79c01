"""Tables with notes, which print as text and show as HTML."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from fastlr.typesetting.html import STYLE, notes_html, table_html
from fastlr.typesetting.latex import notes_latex, table_latex, tex
from fastlr.typesetting.markdown import notes_markdown, table_markdown
from fastlr.typesetting.table import Table
from fastlr.typesetting.text import LONGEST_NAME, Line, note_lines, table_lines

__all__ = ["Document", "Notes"]

_WIDTH = 100  # characters of a line of notes


@dataclass(frozen=True, slots=True)
class Notes:
    """Sentences below a table, or figures that stand apart.

    ``kind`` is "legend", "figures", "status", "attention" or "numerics".
    """

    kind: str
    notes: tuple[tuple[str, ...], ...]


class Document(str):
    """Tables with notes: a text, with the same in other languages.

    It is a `str`, prints as that, and shows as a table in notebooks.
    """

    __slots__ = ("_data", "parts")
    parts: tuple[Table | Notes, ...]
    _data: Mapping[str, Any] | Callable[[], Mapping[str, Any]]

    def __new__(
        cls,
        parts: Sequence[Table | Notes],
        data: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
    ) -> Self:
        """Set the parts, one below the other, as text, and keep the same as plain data, or what makes it on request."""
        self = super().__new__(cls, "\n".join(line for _, line in _lines(parts)))
        self.parts = tuple(parts)
        self._data = {} if data is None else data
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.parts, self._plain())

    def __repr__(self) -> str:
        return str(self)

    def lines(self, *, longest_name: int | None = LONGEST_NAME) -> list[Line]:
        """The lines of the text, each with what it is: "caption", "head", "row", "attention" and the like.

        Names of more than ``longest_name`` characters are cut in the middle; none if that is None.
        """
        return _lines(self.parts, longest_name)

    def as_text(self) -> str:
        """The document as plain text, without a newline at its end."""
        return str.__str__(self)

    def as_html(self) -> str:
        """The document as a piece of HTML with its own style, for pages of light or dark colours.

        Tables have captions, and a scope for every head; numbers are aligned at the point.
        """
        inner = [
            table_html(part) if isinstance(part, Table) else notes_html(part.kind, part.notes)
            for part in self.parts
        ]
        return "\n".join([f'<div class="fastlr-text"><style>\n{STYLE}</style>', *inner, "</div>"])

    def as_latex(self, *, caption: str | None = None, label: str | None = None) -> str:
        r"""The document as LaTeX, which needs ``\usepackage{booktabs}``.

        Parameters
        ----------
        caption : str, optional
            A caption: the tables then stand in an environment ``table``.
        label : str, optional
            What ``\ref`` finds it by.

        Returns
        -------
        str
            Names are escaped; the caption is taken as it stands.
        """
        lines: list[str] = []
        for part in self.parts:
            if isinstance(part, Table):
                if any(part.caption):
                    lines.append(f"% {' -- '.join(filter(None, map(tex, part.caption)))}")
                lines += table_latex(part)
            else:
                lines += notes_latex(part.notes)
        if caption is not None or label is not None:
            named = [rf"\caption{{{caption}}}"] if caption is not None else []
            named += [rf"\label{{{label}}}"] if label is not None else []
            lines = [r"\begin{table}", r"\centering", *named, *lines, r"\end{table}"]
        return "\n".join(lines)

    def as_markdown(self) -> str:
        """The document as Markdown, with a table as GitHub has them."""
        blocks = [
            table_markdown(part) if isinstance(part, Table) else notes_markdown(part.notes)
            for part in self.parts
        ]
        return "\n\n".join("\n".join(block) for block in blocks)

    def to_dict(self) -> dict[str, Any]:
        """The document as plain data, which may be changed: numbers with all digits, None for what is not finite."""
        return copy.deepcopy(dict(self._plain()))

    def to_json(self) -> str:
        """The data of `to_dict` as a JSON document."""
        return json.dumps(self._plain(), ensure_ascii=False, allow_nan=False)

    def _plain(self) -> Mapping[str, Any]:
        if callable(self._data):
            self._data = self._data()
        return self._data

    def _repr_html_(self) -> str:
        return self.as_html()


def _lines(parts: Sequence[Table | Notes], longest_name: int | None = LONGEST_NAME) -> list[Line]:
    tables = [table_lines(part, longest_name) if isinstance(part, Table) else [] for part in parts]
    out: list[Line] = []
    for part, lines in zip(parts, tables, strict=True):
        if isinstance(part, Table):
            out += [("", "")] * bool(out) + lines
        else:
            out += note_lines(part.kind, part.notes, _WIDTH)
    return out
