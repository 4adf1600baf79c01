"""What stands in the way of reading a text column as numbers, in words, with the cure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastlr.files._header import Header, separated, shown

MISSING_WORDS = "", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "null", "NULL", "None"
_ENOUGH_TEXT = 100
_SHORT = 4  # rows, of which the last one need not be a footer
_BAD_CELL = re.compile(
    r"CSV column #(\d+): Row #(\d+): .* error to (\w+): invalid value '(.*)'", re.DOTALL
)
_BAD_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)(?:: (.*))?", re.DOTALL)
_THOUSANDS = re.compile(r"\s*[+-]?\d{1,3}(([,' ]\d{3})+(\.\d+)?|(\.\d{3}){2,}|(\.\d{3})+,\d+)\s*")


def not_numbers(kind: str, cells: Sequence[str | None], header: Header, *, is_whole: bool) -> str:
    """What a column of text holds: how much of it is numbers, and the first cell that is none.

    ``is_whole`` says that ``cells`` are all there are, so that the last one is the file's last.
    """
    present = [(row, cell) for row, cell in enumerate(cells, start=1) if cell is not None]
    if not present:
        return kind
    start = present[:_ENOUGH_TEXT]
    if not any(header.is_number(cell) for _, cell in start):
        row, cell = present[0]
        return f"{kind} ({shown(cell)} in row {row}{_with_mark(cell, header)})"
    others = [(row, cell) for row, cell in present if not header.is_number(cell)]
    row, cell = others[0] if others else present[0]
    if others and (cure := _with_mark(cell, header)):
        other = "." if "," in cell else ","
        if any(other in number for _, number in present if header.is_number(number)):
            cure = f": other cells have {other!r} as their decimal mark, correct this one"
        return f"{kind} ({shown(cell)} in row {row}{cure})"
    numbers = f"{len(present) - len(others)} of {len(present)} cells are numbers"
    is_last = is_whole and len(others) == 1 and row == len(cells) > _SHORT
    footer = " (a footer?)" if is_last else ""
    return f"{kind} ({numbers}; row {row} says {shown(cell)}{footer}: {_as_missing(cell)})"


def explained(
    message: str, names: Sequence[str], header: Header, rows_before: int, rows: bytes
) -> str:
    """The message of pyarrow about a cell or a row, for people; ``rows_before`` precede ``rows``."""
    if bad_cell := _BAD_CELL.search(message):
        column, number, kind, cell = bad_cell.groups()
        row = rows_before + int(number)
        what = "neither true nor false" if kind == "bool" else "not a number"
        rule = (
            "missing values are written as an empty field, NA, NaN or null; "
            f"{_as_missing(cell)} makes this one, too"
        )
        if cure := _with_mark(cell, header):
            mark = "comma" if "," in cell else "point"
            rule = f"decimals are written with a {_other(mark)}, not a {mark}{cure}"
        elif row > 1:
            rule += "; the rows above it hold numbers or nothing there"
        return (
            f"column {names[int(column)]!r}, row {row}: {shown(cell)} is {what} ({rule}): "
            "correct it or leave the column out"
        )
    if bad_row := _BAD_ROW.search(message):
        number, expected, got, text = bad_row.groups()
        row, line = rows_before + int(number), (text or "").strip()
        fields = "1 field" if got == "1" else f"{got} fields"
        columns = "1 column" if expected == "1" else f"{expected} columns"
        return (
            f"row {row} has {fields}, but the header names {columns} (separated by "
            f"{separated(header.delimiter)}; the row says {shown(line)}): give every row one field "
            f"a column{_about_row(line, rows, header, is_first=row <= 2, ratio=int(got) / int(expected))}"
        )
    return f"rows after row {rows_before} cannot be read as a table: {message}"


def _about_row(line: str, rows: bytes, header: Header, *, is_first: bool, ratio: float) -> str:
    if line.startswith(("#", "%")):
        return f". Leave comments out: grep -v '^{line[0]}' FILE | fastlr fit -"
    if is_first and (advice := header.advice()):
        return advice
    if is_first and ratio == 2 and header.delimiter == ",":
        return ". If decimals have commas, save the file with semicolons between the columns"
    if line and rows.rstrip().endswith(line.encode()):
        return ". If it is a footer, leave it out: head -n -1 FILE | fastlr fit -"
    return ""


def _with_mark(cell: str, header: Header) -> str:
    """The cure, if the cell is a number with the other decimal mark, or with thousands apart."""
    is_either = re.fullmatch(r"\s*[+-]?\d+,\d{3}\s*", cell) and header.delimiter != ","
    if _THOUSANDS.fullmatch(cell) and not is_either:
        return ": write numbers without marks between thousands"
    swapped = cell.translate({ord(","): ".", ord("."): ","})
    if not header.is_number(cell) and header.is_number(swapped):
        return f": decimal={',' if ',' in cell else '.'!r}"
    return ""


def _as_missing(cell: str) -> str:
    return f"na={cell.strip()!r}"


def _other(mark: str) -> str:
    return {"comma": "point", "point": "comma"}[mark]
