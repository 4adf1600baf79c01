"""Which rows a fit leans on, and which lie far off: what is kept of them with the fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.columns import Columns
from fastlr.storage.schema import check_keys, shown

if TYPE_CHECKING:
    from fastlr.inference.estimates import GivenRows

__all__ = ["MOST_REMEMBERED", "N_TOP", "InfluentialRows", "RememberedRows"]

MOST_REMEMBERED = 8192
"""Numbers of a table up to which a fit remembers its rows until somebody asks who stands out: 64 kB."""
N_TOP = 10
"""Rows that are looked at, the most influential and the furthest off."""
_FIELDS = {"distances": None, "moved": None, "far": None, "n_undetermined": None}


@dataclass(frozen=True)
class InfluentialRows:
    """The rows that the fit of one target leans on, and those that lie further off than chance puts a row.

    Attributes
    ----------
    distances : tuple of (int, float)
        Rows and their Cook's distances: the largest, and up to ten that are 0.5 and more.
    moved : (str, float) or None
        The coefficient that the first of them moves most, and by how many standard errors (DFBETAS).
    far : tuple of (int, float), or None
        Rows and their externally studentised residuals, where chance would put none of all rows so far off once in
        twenty times (Bonferroni's inequality); None if they are not known.
    n_undetermined : int
        How many rows alone determine a coefficient.
    """

    distances: tuple[tuple[int, float], ...]
    moved: tuple[str, float] | None
    far: tuple[tuple[int, float], ...] | None
    n_undetermined: int

    def renamed(self, name: Callable[[int], int]) -> InfluentialRows:
        """The same rows under other numbers."""
        return replace(
            self,
            distances=tuple((name(row), size) for row, size in self.distances),
            far=None if self.far is None else tuple((name(row), size) for row, size in self.far),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, from which `from_dict` restores the same."""
        return {
            "distances": [list(pair) for pair in self.distances],
            "moved": None if self.moved is None else list(self.moved),
            "far": None if self.far is None else [list(pair) for pair in self.far],
            "n_undetermined": self.n_undetermined,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> InfluentialRows:
        """Restore what `to_dict` gave; an `InputError` if a field is missing, unknown or against its rule."""
        check_keys("influential rows", data, _FIELDS)
        count, moved, far = data["n_undetermined"], data["moved"], data["far"]
        if type(count) is not int or count < 0:
            raise InputError(f"n_undetermined={shown(count)} is no number of rows.")
        if moved is not None and not (
            isinstance(moved, list) and len(moved) == 2 and isinstance(moved[0], str)
        ):
            raise InputError(f"moved={shown(moved)} is no name and number.")
        return cls(
            _pairs("distances", data["distances"]),
            None if moved is None else (moved[0], _number("moved", moved[1])),
            None if far is None else _pairs("far", far),
            count,
        )


@dataclass(frozen=True)
class RememberedRows:
    """The rows of a small table, copied.

    Attributes
    ----------
    X, y : ndarray
        One column may come as a vector.
    sample_weight : ndarray or None
    keep : ndarray of bool or None
        Which of the caller's rows they are, where some were left out.
    n_threads : int or None
    """

    X: npt.NDArray[Any]
    y: npt.NDArray[Any]
    sample_weight: npt.NDArray[Any] | None
    keep: npt.NDArray[np.bool_] | None
    n_threads: int | None

    @property
    def given(self) -> GivenRows:
        """The rows as passes take them."""
        from fastlr.inference.estimates import GivenRows

        n = len(self.y)
        features, targets = (
            Columns(np.asarray(a, dtype=np.float64).reshape(n, -1), n, a.size // n)
            for a in (self.X, self.y)
        )
        return GivenRows(features, targets, self.sample_weight, self.n_threads)


def _pairs(name: str, value: object) -> tuple[tuple[int, float], ...]:
    """Pairs of a row and a number, or an `InputError`."""
    if not isinstance(value, list | tuple) or len(value) > N_TOP:
        raise InputError(f"{name}={shown(value)} is no list of at most {N_TOP} rows.")
    pairs = []
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or type(pair[0]) is not int:
            raise InputError(f"{name}: {shown(pair)} is no row and number.")
        pairs.append((pair[0], _number(name, pair[1])))
    return tuple(pairs)


def _number(name: str, value: object) -> float:
    if not isinstance(value, float) or not math.isfinite(value):
        raise InputError(f"{name}: {shown(value)} is no number.")
    return value
