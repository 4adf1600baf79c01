"""What an engine is: something that runs epochs, and leaves their figures behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from fastlr.descent.state import State
from fastlr.input.columns import FloatArray

__all__ = [
    "MOST_EPOCHS",
    "WORK_PER_CALL",
    "Engine",
    "EpochFigures",
    "Epochs",
    "joined",
    "room_for",
]

WORK_PER_CALL = 1 << 25  # multiply-adds, or values read: some 5 to 50 ms
MOST_EPOCHS = 1 << 14  # in one call, however short they are


@dataclass
class Epochs:
    """The figures of some epochs, one entry of each array for each epoch.

    ``outcome`` says how the engine ended: "running" (all epochs done), "stalled", "diverged", or "exhausted" (there
    were no batches to take).
    """

    loss: FloatArray
    squares: FloatArray
    gradient_norm: FloatArray
    rate: FloatArray
    path: FloatArray | None
    """Parameters after each epoch, (n_epochs, n_parameters), if they were asked for."""
    outcome: str = "running"

    @classmethod
    def of(cls, done: int, outcome: str, history: FloatArray, path: FloatArray | None) -> Epochs:
        """Wrap the first ``done`` epochs of arrays that `room_for` gave and a kernel has filled."""
        loss, squares, gradient_norm, rate = history[:, :done]
        return cls(
            loss, squares, gradient_norm, rate, None if path is None else path[:done], outcome
        )

    def __len__(self) -> int:
        return len(self.loss)


@dataclass(frozen=True, kw_only=True, eq=False)
class EpochFigures:
    """The figures of one epoch that every descent has, whatever it fits."""

    epoch: int
    loss: float
    validation_loss: float | None
    gradient_norm: float
    learning_rate: float


class Engine(Protocol):
    """Makes the steps of descent: each call of `run` runs some epochs."""

    @property
    def scatters(self) -> bool:
        """Whether the loss of an epoch is a mean over batches, which scatters, rather than that of one iterate."""
        ...

    @property
    def largest_batch(self) -> int:
        """The largest number of rows in a step so far."""
        ...

    def most_epochs(self) -> int:
        """How many epochs fit into one call that stays short, so that Ctrl-C is heard soon."""
        ...

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """Run one epoch for each of the ``rates``, or fewer if descent stalls or diverges."""
        ...


def room_for(n_epochs: int, state: State, keep_path: bool) -> tuple[FloatArray, FloatArray | None]:
    """Return the arrays that a kernel fills: figures (4, n_epochs), and the path if it is to be kept."""
    return np.empty((4, n_epochs)), np.empty((n_epochs, state.size)) if keep_path else None


def joined(parts: list[Epochs]) -> Epochs:
    """Join the epochs of several calls, which may be none, into those of one."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Epochs(np.empty(0), np.empty(0), np.empty(0), np.empty(0), None)
    paths = [part.path for part in parts if part.path is not None]
    return Epochs(
        np.concatenate([part.loss for part in parts]),
        np.concatenate([part.squares for part in parts]),
        np.concatenate([part.gradient_norm for part in parts]),
        np.concatenate([part.rate for part in parts]),
        np.concatenate(paths) if paths else None,
        parts[-1].outcome,
    )
