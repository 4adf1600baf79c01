"""Coefficients by falling magnitude."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastlr.input.columns import FloatArray

__all__ = ["Weight", "WeightRanking", "ranked"]


class Weight(NamedTuple):
    """A feature's name and its coefficient."""

    name: str
    weight: float


class WeightRanking(tuple[Weight, ...]):
    """Weights by falling magnitude; prints as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        width = max((len(item.name) for item in self), default=0)
        return "\n".join(f"{item.name:<{width}}  {item.weight:12.6g}" for item in self)


def ranked(names: Sequence[str], weights: FloatArray) -> WeightRanking:
    """Names and weights by falling magnitude; equal ones stay in the order of the columns."""
    order = np.argsort(-np.abs(weights), kind="stable")
    return WeightRanking(Weight(names[j], float(weights[j])) for j in order)
