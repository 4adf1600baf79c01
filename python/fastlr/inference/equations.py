"""Equations of parameters as people write them: "x1 = x2 = 0, 2*x3 - x4 = 1e-3"."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray

__all__ = ["equations_of"]

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?!\w)")
_SIGNS = "+-*/()=,"
_NOT_BARE = re.compile(r"[-+*/=,`]|^\s|\s$")
_DEEPEST = 50  # brackets within brackets
_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """One of the signs, "name", "number" or "end"."""
    text: str
    position: int = 0
    value: float = 0.0
    """The place of a name among the parameters, or the value of a number."""


@dataclass(frozen=True, slots=True)
class _Linear:
    """A linear function of the parameters, ``weights @ params + constant``."""

    weights: FloatArray
    constant: float

    @property
    def is_number(self) -> bool:
        return not self.weights.any()

    def plus(self, other: _Linear, sign: float) -> _Linear:
        return _Linear(self.weights + sign * other.weights, self.constant + sign * other.constant)

    def times(self, factor: float) -> _Linear:
        with np.errstate(over="ignore", invalid="ignore"):
            return _Linear(self.weights * factor, self.constant * factor)

    def over(self, divisor: float) -> _Linear:
        with np.errstate(over="ignore", invalid="ignore"):
            return _Linear(self.weights / divisor, self.constant / divisor)


def equations_of(text: str, names: Sequence[str]) -> list[tuple[FloatArray, float, str]]:
    """Read equations: for each one weights of the parameters, what they should add up to, and its text.

    Parameters
    ----------
    text : str
        Equations between commas; ``a = b = c`` is two of them, and what is equal to nothing should be zero. Sides are
        sums of numbers and of names, multiplied and divided by numbers, with brackets. A name is taken as it stands if
        no sign of arithmetic, comma or equals sign is in it (the longest that fits), and in backticks in any case.
    names : sequence of str
        Of the parameters.

    Raises
    ------
    InputError
        If the text cannot be read, is not linear, or names something else than parameters.
    """
    found = []
    for difference, label in _Reader(text, names).read():
        if not (np.isfinite(difference.weights).all() and math.isfinite(difference.constant)):
            raise InputError(
                f"the restriction {label!r} has numbers beyond 1e308: pass smaller ones."
            )
        found.append((difference.weights, -difference.constant, label))
    return found


class _Reader:
    """Goes through the text once, from left to right."""

    def __init__(self, text: str, names: Sequence[str]) -> None:
        self._text = text
        self._names = names
        self._tokens = list(self._split())
        self._next = 0

    def read(self) -> list[tuple[_Linear, str]]:
        found = []
        is_last = False
        while not is_last:  # every side takes a token at least
            sides, labels = [], []
            has_more = True
            while has_more:
                first = self._next
                sides.append(self._sum(0))
                labels.append(self._label(first, self._next))
                has_more = self._token.kind == "="
                self._next += has_more
            if len(sides) == 1:
                sides.append(_Linear(np.zeros(len(self._names)), 0.0))
                labels.append("0")
            for (left, right), pair in zip(
                itertools.pairwise(sides), itertools.pairwise(labels), strict=True
            ):
                found.append((left.plus(right, -1.0), " = ".join(pair)))
            if self._token.kind not in (",", "end"):
                raise self._error("an operator is missing before")
            is_last = self._token.kind == "end"
            self._next += 1
        return found

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _sum(self, depth: int) -> _Linear:
        total = self._product(depth)
        while self._token.kind in ("+", "-"):
            sign = 1.0 if self._token.kind == "+" else -1.0
            self._next += 1
            total = total.plus(self._product(depth), sign)
        return total

    def _product(self, depth: int) -> _Linear:
        product = self._factor(depth)
        while self._token.kind in ("*", "/"):
            operator = self._token
            self._next += 1
            other = self._factor(depth)
            if operator.kind == "/":
                if not other.is_number or other.constant == 0.0:
                    raise self._error("only numbers other than 0 divide, unlike after", operator)
                product = product.over(other.constant)
            elif other.is_number:
                product = product.times(other.constant)
            elif product.is_number:
                product = other.times(product.constant)
            else:
                raise self._error("a product of two parameters is not linear, at", operator)
        return product

    def _factor(self, depth: int) -> _Linear:
        sign = 1.0
        while self._token.kind in ("+", "-"):
            sign = -sign if self._token.kind == "-" else sign
            self._next += 1
        token = self._token
        weights = np.zeros(len(self._names))
        if token.kind == "number":
            value = _Linear(weights, token.value)
        elif token.kind == "name":
            weights[int(token.value)] = 1.0
            value = _Linear(weights, 0.0)
        elif token.kind == "(" and depth < _DEEPEST:
            self._next += 1
            value = self._sum(depth + 1)
            if self._token.kind != ")":
                raise self._error("a bracket is not closed before")
        else:
            raise self._error("a parameter or a number is missing before")
        self._next += 1
        return value.times(sign)

    def _split(self) -> list[_Token]:
        """The names, numbers and signs of the text."""
        bare = sorted(
            (name for name in self._names if name and not _is_quoted(name)), key=len, reverse=True
        )
        quoted = sorted(self._names, key=len, reverse=True)
        places = {name: place for place, name in reversed(list(enumerate(self._names)))}
        tokens = []
        at, end = 0, len(self._text)
        while at < end:  # every round takes a character at least
            rest = self._text[at : at + 1]
            if rest.isspace():
                at += 1
                continue
            name = self._name_at(at, quoted if rest == "`" else bare)
            number = _NUMBER.match(self._text, at)
            if name is not None:
                size = len(name) + (2 if rest == "`" else 0)
                tokens.append(_Token("name", name, at, places[name]))
            elif number and math.isfinite(float(number[0])):
                size = len(number[0])
                tokens.append(_Token("number", number[0], at, float(number[0])))
            elif rest in _SIGNS:
                size = 1
                tokens.append(_Token(rest, rest, at))
            else:
                raise self._error("no parameter or number begins with", _Token("", "", at))
            at += size
        return [*tokens, _Token("end", "", end)]

    def _name_at(self, at: int, names: Sequence[str]) -> str | None:
        """The longest name that begins here, and ends where a word ends."""
        is_quoted = self._text[at] == "`"
        for name in names:
            if is_quoted:
                if self._text.startswith(f"`{name}`", at):
                    return name
            elif self._text.startswith(name, at) and not (
                _is_word(name[-1]) and _is_word(self._text[at + len(name) : at + len(name) + 1])
            ):
                return name
        return None

    def _label(self, first: int, last: int) -> str:
        """The text between two tokens, without backticks."""
        tokens = self._tokens[first:last]
        parts = []
        for token, after in zip(tokens, self._tokens[first + 1 : last + 1], strict=True):
            size = len(token.text) + (2 if self._text[token.position] == "`" else 0)
            is_apart = after.position > token.position + size
            parts.append(token.text + (" " if is_apart else ""))
        return "".join(parts).strip()

    def _error(self, what: str, token: _Token | None = None) -> InputError:
        rest = self._text[(token or self._token).position :]
        where = repr(rest[:30] + "..." * (len(rest) > 30)) if rest else "the end"
        more = len(self._names) - _MOST_SHOWN
        listed = ", ".join(map(repr, self._names[:_MOST_SHOWN]))
        return InputError(
            f"restrictions {self._text!r} cannot be read ({what} {where}): pass equations such as 'x1 = x2 = 0, "
            f"x3 - x4 = 1' of the parameters {listed}{f' and {more} more' if more > 0 else ''}, with names that hold "
            "signs of arithmetic in backticks."
        )


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _is_quoted(name: str) -> bool:
    """Whether a name can only be told from the text around it by backticks."""
    return bool(_NOT_BARE.search(name)) or _NUMBER.fullmatch(name) is not None
