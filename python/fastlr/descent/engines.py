"""Full batch: each step sees all rows, by reading them once an epoch or through their moments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from fastlr._kernels import kernels
from fastlr._kernels.parts import in_parts
from fastlr.descent.epochs import MOST_EPOCHS, WORK_PER_CALL, Epochs, room_for
from fastlr.descent.objective import Quadratic
from fastlr.descent.state import State
from fastlr.descent.table import MeasuredRows
from fastlr.input.columns import FloatArray

__all__ = ["MomentsEngine", "RowsEngine"]


@dataclass
class MomentsEngine:
    """Full-batch descent from the moments of the rows, at O(p^2) an epoch: the rows are not read again."""

    quadratic: Quadratic
    largest_batch: int
    scatters: ClassVar[bool] = False

    def most_epochs(self) -> int:
        """How many epochs fit into one short call; fewer the more moments there are."""
        p = len(self.quadratic.xy)
        return max(1, min(MOST_EPOCHS, WORK_PER_CALL // (p * p + 64)))

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """Run the epochs in one call of the kernel."""
        q = self.quadratic
        history, path = room_for(len(rates), state, keep_path)
        done, outcome = kernels.descend_moments(
            q.xx,
            q.xy,
            q.yy,
            q.mean_x,
            q.mean_y,
            q.weight,
            settings,
            state.vectors,
            state.numbers,
            state.counters,
            rates,
            history,
            path,
        )
        return Epochs.of(done, outcome, history, path)


@dataclass
class RowsEngine:
    """Full-batch descent that reads the rows once an epoch."""

    measured: MeasuredRows
    standard: FloatArray | None
    n_threads: int
    scatters: ClassVar[bool] = False
    _plan: tuple[int, int, int] = field(init=False)

    def __post_init__(self) -> None:
        self._plan = kernels.plan_loss(self.measured.n_samples, self.measured.n_features)

    @property
    def largest_batch(self) -> int:
        """The number of rows in a step, which is all of them."""
        return self.measured.n_samples

    def most_epochs(self) -> int:
        """How many epochs fit into one short call; one if an epoch takes several calls."""
        _, _, n_parts = self._plan
        if n_parts > 1:
            return 1
        return max(
            1,
            min(MOST_EPOCHS, WORK_PER_CALL // (self.measured.n_samples * self.measured.n_features)),
        )

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """Run the epochs in one call, or one epoch in as many calls as a large table has parts.

        Python sees Ctrl-C between the calls.
        """
        history, path = room_for(len(rates), state, keep_path)
        done, outcome = 0, "running"
        for part, slots in in_parts(self._plan):
            done, outcome = kernels.descend_rows(
                *self.measured.arguments,
                self.standard,
                settings,
                part,
                self.n_threads,
                slots,
                state.vectors,
                state.numbers,
                state.counters,
                rates,
                history,
                path,
            )
        return Epochs.of(done, outcome, history, path)
