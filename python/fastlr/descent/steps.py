"""The iterates after every step of batches, beside the epochs that the kernels run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.descent.batches import BatchEngine
from fastlr.descent.epochs import Epochs
from fastlr.descent.state import State
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray

__all__ = ["MOST_STEP_BYTES", "RecordedSteps", "StepByStep", "refuse_many_steps"]

MOST_STEP_BYTES = 256 << 20
"""What all iterates of ``record="steps"`` may take: 256 MB."""

_WINDOW = 8192  # no fewer rows than the kernel reads together


def refuse_many_steps(n_steps: int, n_parameters: int, what: str) -> None:
    """Raise if so many iterates take more memory than is allowed."""
    most = MOST_STEP_BYTES // (8 * n_parameters)
    if n_steps > most:
        raise InputError(
            f"record='steps' keeps the {n_parameters} parameters after each step, up to {MOST_STEP_BYTES >> 20} MB or "
            f"{most} steps, but {what} make {n_steps}: pass fewer epochs, larger batches, or record='path'."
        )


@dataclass
class RecordedSteps:
    """Parameters after each step, on the scale of descent, and the epochs that the steps belong to."""

    thetas: list[FloatArray] = field(default_factory=list)
    epochs: list[npt.NDArray[np.int64]] = field(default_factory=list)
    n_steps: int = 0

    def add(self, thetas: FloatArray, epoch: int) -> None:
        """Append the parameters after each step of one epoch; an `InputError` if they take too much memory."""
        refuse_many_steps(self.n_steps + len(thetas), thetas.shape[1], "these batches")
        self.thetas.append(thetas)
        self.epochs.append(np.full(len(thetas), epoch))
        self.n_steps += len(thetas)


@dataclass
class StepByStep(BatchEngine):
    """Batches whose iterates are all kept.

    The kernel runs an epoch as ever, so that everything but the record has the same bits. Then its batches are taken
    once more, one by one, from a copy of the state before; the last iterate of each epoch is that of the epoch itself,
    the others agree with it to rounding.
    """

    steps: RecordedSteps = field(default_factory=RecordedSteps)

    def most_epochs(self) -> int:
        """One: the state before an epoch is needed to take its steps again."""
        return 1

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """Run one epoch, and record its steps."""
        before, epoch = state.copy(), state.n_epochs
        epochs = super().run(state, settings, rates[:1], keep_path)
        n_steps = state.n_updates - before.n_updates
        if n_steps:
            thetas = self._taken_again(before, settings, rates[:1], n_steps)
            thetas[-1] = state.theta
            self.steps.add(thetas, epoch)
        return epochs

    def _taken_again(
        self, state: State, settings: dict[str, Any], rate: FloatArray, n_steps: int
    ) -> FloatArray:
        rows, sizes = self._batches(state.n_epochs)
        ends = np.cumsum(sizes)
        thetas = np.empty((n_steps, state.size))
        # Neither what is an improvement nor what is divergence matters to a step.
        settings = {**settings, "tolerance": -1.0, "limit": np.inf}
        figures = np.empty((4, 1))
        empty = np.zeros(0, dtype=np.uint32)
        for k in range(n_steps):
            size = sizes[k : k + 1]
            kernels.descend_batches(
                *self.measured.arguments,
                self.standard,
                settings,
                "given",
                int(size[0]),
                self.batches.seed,
                np.ascontiguousarray(rows[ends[k] - sizes[k] : ends[k]]),
                np.ascontiguousarray(size),
                int(size[0]) + _WINDOW,
                self.batches.n_threads,
                empty,
                state.vectors,
                state.numbers,
                state.counters,
                rate,
                figures,
                None,
            )
            thetas[k] = state.theta
        return thetas

    def _batches(self, epoch: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows of an epoch in the order of their use, and the sizes of its batches."""
        measured, batches = self.measured, self.batches
        if batches.given is not None:
            return batches.given
        assert isinstance(batches.sampling, str)
        plan = kernels.plan_sampling(
            batches.sampling, measured.n_samples, measured.n_features, batches.largest
        )
        table = np.zeros(plan["table_size"], dtype=np.uint32)
        rows = np.concatenate(
            [
                kernels.list_rows(
                    batches.sampling,
                    measured.n_samples,
                    measured.n_features,
                    batches.largest,
                    batches.seed,
                    epoch,
                    window,
                    table,
                )
                for window in range(plan["n_windows"])
            ]
        )
        starts = np.arange(0, len(rows), batches.largest)
        return rows, np.diff(np.append(starts, len(rows))).astype(np.int64)
