"""How a text table is written, where that is not plain CSV: separators, decimals, encoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from fastlr.errors import InputError, InputTypeError
from fastlr.input.options import as_whole

_WORDS = {
    "tab": "\t",
    "\\t": "\t",
    "comma": ",",
    "semicolon": ";",
    "space": " ",
    "bar": "|",
    "colon": ":",
}


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """What the user knows of a text file; None and defaults leave it to the file."""

    delimiter: str | None = None
    decimal: str = "."
    encoding: str | None = None
    skip: int = 0
    na: tuple[str, ...] = ()

    @property
    def given(self) -> list[str]:
        """Names of the options that differ from their defaults."""
        return [field.name for field in fields(self) if getattr(self, field.name) != field.default]


def text_options(
    delimiter: str | None,
    decimal: str,
    encoding: str | None,
    skip: int,
    na: str | Sequence[str],
) -> TextOptions:
    """The options, checked; the messages name argument, value, rule and fix."""
    for name, value in (("delimiter", delimiter), ("encoding", encoding)):
        if value is not None and not isinstance(value, str):
            raise InputTypeError(f"{name}={value!r} is not a word: give text, or None")
    if delimiter is not None:
        delimiter = _WORDS.get(delimiter, delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
            raise InputError(
                f"delimiter={delimiter!r} cannot separate columns: give one character, or one of "
                f"{', '.join(word for word in _WORDS if word.isalpha())}"
            )
    if decimal not in (".", ","):
        raise InputError(f"decimal={decimal!r} is no decimal mark: give ',' or '.'")
    if encoding is not None:
        try:
            "a".encode(encoding)
        except (LookupError, ValueError):
            raise InputError(
                f"encoding={encoding!r} is unknown: give a name such as 'latin-1', 'cp1252', "
                "'utf-8' or 'utf-16'"
            ) from None
    if isinstance(skip, bool) or not isinstance(skip, int):
        raise InputTypeError(f"skip={skip!r} is not a number of lines: give an integer from 0 on")
    if skip < 0:
        raise InputError(f"skip={skip!r} is below 0: give the number of lines above the names")
    if not isinstance(na, Sequence):
        raise InputTypeError(f"na={na!r} is not a list of words: give text, such as '-999'")
    words = (na,) if isinstance(na, str) else tuple(na)
    for word in words:
        if not isinstance(word, str):
            raise InputTypeError(f"na={word!r} is not a word: give text, such as '-999'")
    return TextOptions(delimiter=delimiter, decimal=decimal, encoding=encoding, skip=skip, na=words)


def as_block_bytes(value: object) -> int:
    """Return the size of the blocks that text is read in, a whole number from 1 on."""
    return as_whole(value, "block_bytes")
