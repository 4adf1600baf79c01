"""What a descent remembers, so that another call can go on from it as if there had been one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastlr.descent.loop import Watch
from fastlr.descent.state import State
from fastlr.descent.table import Standardisation
from fastlr.input.columns import FloatArray

__all__ = ["Memory"]


@dataclass(frozen=True, eq=False)
class Memory:
    """The state of a descent after its last epoch: some ten arrays as long as the coefficients.

    ``arguments`` are those that must be the same when descent goes on.
    """

    state: State
    standardisation: Standardisation
    seed: int
    first_rate: float
    rate: float
    start: FloatArray
    start_loss: float
    limit: float
    watch: Watch
    ended: bool
    """Whether descent came to its own end: who goes on then starts a new count of epochs without improvement."""
    arguments: dict[str, Any]
