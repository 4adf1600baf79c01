"""How a fit ended: a sentence for people, with a code for programs."""

from __future__ import annotations

from typing import Any

__all__ = ["Status"]


class Status(str):
    """How a fit ended: a sentence, with a short ``code`` for programs.

    Examples
    --------
    >>> status = Status("ok", "Solved: full rank.")
    >>> print(status, status.code)
    Solved: full rank. ok
    """

    __slots__ = ("code",)
    code: str

    def __new__(cls, code: str, sentence: str) -> Status:
        """Join a code and its sentence."""
        self = super().__new__(cls, sentence)
        self.code = code
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Status, (self.code, str(self))
