"""The line of names of a text table, and the lines above it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import PurePath

from fastlr.errors import FileFormatError
from fastlr.files._stream import Source
from fastlr.files._text_options import TextOptions

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_UNUSUAL_DELIMITERS = ":^~ "
_COMPRESSED_ENDINGS = {".gz", ".bz2", ".zst", ".xz"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DECLARED = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # as spreadsheets write it
_NUMBER = re.compile(r"\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?)\s*", re.IGNORECASE)
_LONGEST_PREAMBLE = 100  # lines


class Header:
    """The line of names (longer than a line if a quoted name is), its delimiter and its length."""

    def __init__(self, head: bytes, source: Source, options: TextOptions) -> None:
        self._decimal = options.decimal
        n_before, lines = _below_preamble(head, source.label, options.skip)
        declared = _DECLARED.fullmatch(lines[0].decode("ascii", "replace"))
        if declared and len(lines) > 1:
            n_before += len(lines.pop(0))
        self._lines = lines
        used = []

        def decoded() -> Iterator[str]:
            for line in lines:
                used.append(line)
                yield line.decode("utf-8")

        try:
            self.delimiter = (
                options.delimiter
                or (declared and declared[1])
                or _delimiter(lines[0].decode("utf-8"), source)
            )
            fields = next(
                csv.reader(decoded(), delimiter=self.delimiter, strict=True, skipinitialspace=True)
            )
        except UnicodeDecodeError as error:
            raise FileFormatError(
                f"{source.label}: the column names are not UTF-8 text: save the file as UTF-8, or "
                "name its encoding, often encoding='cp1252' or encoding='latin-1'"
            ) from error
        except csv.Error as error:
            raise FileFormatError(
                f"{source.label}: the first line does not name columns ({error}): put one name a "
                f"column there{self.advice()}"
            ) from error
        self.names = [field.strip() for field in fields]
        self.n_bytes = n_before + sum(map(len, used))
        if all(self.is_number(name) for name in self.names):
            shown = ", ".join(self.names[:4]) + (", ..." if len(self.names) > 4 else "")
            raise FileFormatError(
                f"{source.label}: the first line holds only numbers ({shown}), so the columns "
                f"have no names: put a line of {len(self.names)} names above it"
            )

    def is_number(self, cell: str) -> bool:
        """Whether a cell is a number as this file writes them."""
        if self._decimal == ",":
            cell = cell.translate({ord(","): ".", ord("."): ","})
        return _NUMBER.fullmatch(cell) is not None

    def advice(self) -> str:
        """What to do about names that stand further down, or text that is not split; or nothing."""
        lines = [line.decode("utf-8", "replace") for line in self._lines[: _LONGEST_PREAMBLE + 2]]
        for n_above in range(1, len(lines) - 1):
            names, row = lines[n_above : n_above + 2]
            for delimiter in DELIMITERS:
                n_fields = _n_fields(names, delimiter)
                if (
                    n_fields > 1
                    and n_fields == _n_fields(row, delimiter)
                    and n_fields != _n_fields(lines[0], delimiter)
                    and not any(self.is_number(cell) for cell in names.split(delimiter))
                ):
                    return f"; if the names stand below {_counted(n_above)}: skip={n_above}"
        return ""

    @property
    def doubt(self) -> str:
        """What a table of one column, oddly named, may be instead, with the cure; or nothing."""
        if len(self.names) == 1:
            n_comments = 0
            while n_comments < len(self._lines) and self._lines[n_comments].startswith(b"#"):
                n_comments += 1
            if n_comments:
                return f"a comment? skip={n_comments}"
            for delimiter in _UNUSUAL_DELIMITERS:
                if _n_fields(self.names[0], delimiter) > 1:
                    return f"not split? delimiter={delimiter!r}"
        return ""


def _below_preamble(head: bytes, label: str, skip: int) -> tuple[int, list[bytes]]:
    """Return how many bytes stand above the line of names, and the lines from there on."""
    mark = len(head) - len(head.removeprefix(_BYTE_ORDER_MARK))
    lines = head[mark:].splitlines(keepends=True)
    n_lines, above = len(lines), lines[:skip]
    lines = lines[skip:]
    while lines and not lines[0].strip(b"\r\n"):
        above.append(lines.pop(0))
    if not lines:
        if skip:
            raise FileFormatError(
                f"{label}: skip={skip} leaves no line of names (the beginning of the file has "
                f"{_counted(n_lines)}): skip fewer"
            )
        raise FileFormatError(f"{label} is empty: a table needs a line of names and rows below it")
    return mark + sum(map(len, above)), lines


def _delimiter(line: str, source: Source) -> str:
    """Tab for .tsv, otherwise the separator that occurs most outside quotes."""
    path = PurePath(source.path or "")
    ending = (path.with_suffix("") if path.suffix in _COMPRESSED_ENDINGS else path).suffix
    if ending.lower() in {".tsv", ".tab"}:
        return "\t"
    return max(DELIMITERS, key=lambda delimiter: _n_fields(line, delimiter))


def _n_fields(line: str, delimiter: str) -> int:
    """Fields of a line; a delimiter in quotes, or at the end of the line, separates nothing."""
    return re.sub('"[^"]*"', "", line).strip("\r\n ").count(delimiter) + 1


def _counted(n_lines: int) -> str:
    return f"{n_lines} line" if n_lines == 1 else f"{n_lines} lines"


def separated(delimiter: str) -> str:
    """The delimiter as a plural noun."""
    return DELIMITERS.get(delimiter, repr(delimiter))


def shown(cell: str) -> str:
    """A cell in quotes, cut if it is long."""
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")
