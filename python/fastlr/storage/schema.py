"""What stored things may hold: kinds of fields, each with its check of type, shape and range.

A checksum tells accidents from what was written; it does not tell who wrote it. So nothing that is read is believed.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError

__all__ = [
    "NOT_FINITE",
    "Block",
    "Bytes",
    "Count",
    "Counts",
    "Field",
    "Maybe",
    "Names",
    "NumberOr",
    "Numbers",
    "Of",
    "Part",
    "Sentence",
    "check_fields",
    "check_keys",
    "shown",
    "strict_json",
]

NOT_FINITE = ("inf", "-inf", "nan")
"""What JSON, which has no such numbers, has as strings instead."""

_LARGEST_COUNT = 2**63 - 1
_LARGEST_EXACT = 2.0**53  # up to which float64 has all whole numbers


def strict_json(text: bytes | bytearray) -> dict[str, Any]:
    """One JSON object in UTF-8: no key twice, no constants that JSON does not know.

    Raises
    ------
    ValueError
        If the text is something else, or nested too deeply.
    """
    try:
        document = json.loads(
            text.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=_refuse
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    return document


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{shown(next(k for k in keys if keys.count(k) > 1))} is there twice")
    return document


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


class Field(Protocol):
    """What a field of a stored model may hold, and how to check it."""

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> Any:
        """Return the value as this field keeps it, or raise an `InputError` that names the field and the rule."""


class Numbers(NamedTuple):
    """Real numbers of a shape ("t": one per target, "p": one per feature), between two bounds."""

    shape: str
    at_least: float = -math.inf
    at_most: float = math.inf
    may_be_nan: bool = False
    must_be_finite: bool = False

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> Any:
        """An array of the shape (or a number), after a look at every value."""
        shape = sizes[self.shape]
        array = _floats(name, value, shape)
        if self.must_be_finite and not np.isfinite(array).all():
            raise InputError(f"{name} must be finite.")
        if not self.may_be_nan and np.isnan(array).any():
            raise InputError(f"{name} must not be NaN.")
        if np.any(array < self.at_least) or np.any(array > self.at_most):
            raise InputError(f"{name} must lie between {self.at_least:g} and {self.at_most:g}.")
        return array if shape else float(array)


class NumberOr(NamedTuple):
    """One real number, or as many as a shape asks for."""

    shape: str
    at_least: float = -math.inf
    must_be_finite: bool = False
    may_be_nan: bool = False

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> Any:
        """The number, or an array of the shape."""
        is_one = not isinstance(value, list | tuple | np.ndarray)
        rule = Numbers(
            "" if is_one else self.shape,
            self.at_least,
            may_be_nan=self.may_be_nan,
            must_be_finite=self.must_be_finite,
        )
        return rule.check(name, value, sizes)


class Count(NamedTuple):
    """A whole number from ``at_least`` on."""

    at_least: int

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> int:
        """Return the value if it is a whole number from ``at_least`` on, or raise an `InputError`."""
        if type(value) is not int or not self.at_least <= value <= _LARGEST_COUNT:
            raise InputError(f"{name}={shown(value)} is not a whole number from {self.at_least}.")
        return value


class Counts(NamedTuple):
    """Whole numbers from 0 on, of a shape."""

    shape: str

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> Any:
        """An array of whole numbers, after a look at every value."""
        array = Numbers(self.shape, 0.0, _LARGEST_EXACT).check(name, value, sizes)
        counts = array.astype(np.intp)
        if np.any(counts != array):
            raise InputError(f"{name} is not made of whole numbers.")
        return counts


class Block(NamedTuple):
    """Real numbers in a block of any shape, of so many dimensions at most, from ``at_least`` on."""

    most_dimensions: int
    at_least: float = -math.inf
    may_be_nan: bool = False

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> Any:
        """An array with at least one number, after a look at every value."""
        shape: tuple[int, ...] = ()
        inner = value
        while isinstance(inner, list) and len(shape) <= self.most_dimensions:
            if not inner:
                raise InputError(f"{name} has an empty list.")
            shape = (*shape, len(inner))
            inner = inner[0]
        if len(shape) > self.most_dimensions:
            raise InputError(f"{name} has more than {self.most_dimensions} dimensions.")
        rule = Numbers("", self.at_least, may_be_nan=self.may_be_nan)
        return np.asarray(rule.check(name, value, {"": shape}))


class Of(NamedTuple):
    """A rule that admits values of one type."""

    kind: type

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> Any:
        """The value, if it is of this very type."""
        if type(value) is not self.kind:
            raise InputError(f"{name}={shown(value)} is not of type {self.kind.__name__}.")
        return value


class Names:
    """A rule that admits a list of one or more distinct names."""

    def check(
        self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]
    ) -> tuple[str, ...]:
        """Give the names as a tuple, or refuse the value."""
        if not isinstance(value, list | tuple) or not value:
            raise InputError(f"{name} is not a list of names.")
        if set(map(type, value)) != {str} and not all(isinstance(item, str) for item in value):
            raise InputError(f"{name} has names that are no strings.")
        if len(set(value)) < len(value):
            raise InputError(f"{name} has a name twice.")
        return tuple(value)


class Sentence:
    """A status: a word for programs and a sentence for people."""

    def check(
        self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]
    ) -> dict[str, str]:
        """Give the code and the sentence as a dictionary, or refuse the value."""
        if not isinstance(value, Mapping) or set(value) != {"code", "sentence"}:
            raise InputError(f"{name} does not hold a code and a sentence.")
        if not all(isinstance(text, str) for text in value.values()):
            raise InputError(f"{name} holds something else than text.")
        return dict(value)


class Maybe(NamedTuple):
    """A rule that admits nothing at all, or what another rule admits."""

    field: Field

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> Any:
        """None, or the value as the other rule gives it."""
        return None if value is None else self.field.check(name, value, sizes)


class Part(NamedTuple):
    """A rule that admits what ``read`` can make an object of: a stored thing within another one."""

    read: Callable[[Mapping[str, Any]], Any]

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> Any:
        """The object, or an `InputError` that says which part is wrong and why."""
        if not isinstance(value, Mapping):
            raise InputError(f"{name}={shown(value)} has no fields.")
        try:
            return self.read(value)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error


class Bytes:
    """A rule that admits bytes, written in the 64 letters that JSON can hold."""

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> bytes:
        """The bytes, or an `InputError` if the text stands for none."""
        if not isinstance(value, str):
            raise InputError(f"{name}={shown(value)} is no text.")
        try:
            return base64.b64decode(value.encode("ascii"), validate=True)
        except (UnicodeEncodeError, binascii.Error) as error:
            raise InputError(f"{name} is not base64.") from error


def check_fields(
    what: str,
    data: Mapping[str, Any],
    fields: Mapping[str, Field],
    sizes: Mapping[str, tuple[int, ...]],
) -> dict[str, Any]:
    """Every field as its rule gives it; an `InputError` if one is missing, unknown or against its rule.

    A field that may be None may also be missing, so that later versions can have more of them than earlier files.
    """
    if isinstance(data, Mapping):
        may_lack = [name for name, field in fields.items() if isinstance(field, Maybe)]
        data = {**dict.fromkeys(may_lack), **data}
    check_keys(what, data, fields)
    return {name: field.check(name, data[name], sizes) for name, field in fields.items()}


def check_keys(what: str, data: Mapping[str, Any], fields: Mapping[str, object]) -> None:
    """Refuse data that lack a field, or have one that is unknown."""
    if not isinstance(data, Mapping):
        raise InputError(f"not {what}: a {type(data).__name__} has no fields.")
    missing, unknown = sorted(set(fields) - set(data)), sorted(map(str, set(data) - set(fields)))
    if missing or unknown:
        raise InputError(f"not {what}: missing {shown(missing)}, unknown {shown(unknown)}.")


def _floats(name: str, value: object, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Numbers as they are stored, after their shape was looked at, level by level."""
    if not isinstance(value, np.ndarray):
        level: list[Any] = [value]
        for n in shape:
            if not all(isinstance(item, list | tuple) and len(item) == n for item in level):
                raise InputError(f"{name} is not made of numbers of shape {shape}.")
            level = [number for item in level for number in item]
        if not set(map(type, level)) <= {float, int} and not all(map(_is_number, level)):
            raise InputError(f"{name} is not made of numbers of shape {shape}.")
    try:
        if isinstance(value, np.ndarray):
            array = np.asarray(value, dtype=np.float64)
        else:
            array = np.array(list(map(float, level)), dtype=np.float64).reshape(shape)
    except (OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{name} is not made of numbers of float64's range.") from error
    if array.shape != shape:
        raise InputError(f"{name} is not made of numbers of shape {shape}.")
    return array


def _is_number(value: object) -> bool:
    """Whether a value is a number, or one of the words for numbers that JSON has not."""
    if isinstance(value, str):
        return value in NOT_FINITE
    return isinstance(value, float | int) and not isinstance(value, bool)


def shown(value: object, most: int = 120) -> str:
    """A value for a message, not all of it if it is long (or deep)."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # an integer of thousands of digits has no short name
        return f"a {type(value).__name__}"
    return text if len(text) <= most else text[: most - 3] + "..."
