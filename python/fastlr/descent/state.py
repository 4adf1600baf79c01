"""What descent remembers between two calls of the kernels: three arrays that can be copied, pickled and resumed."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import numpy as np

from fastlr._kernels import kernels
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray

__all__ = ["Counter", "Number", "State", "VectorRow"]


class VectorRow(IntEnum):
    """Rows of `State.vectors`, in the order of the kernels' enum of this name."""

    THETA = 0
    FIRST_MOMENT = 1
    SECOND_MOMENT = 2
    BATCH_GRADIENT = 3
    EPOCH_GRADIENT = 4
    BEST = 5
    AVERAGE = 6
    L1_PAID = 7


class Number(IntEnum):
    """Entries of `State.numbers`, in the order of the kernels' enum of this name."""

    BATCH_LOSS = 0
    EPOCH_LOSS = 1
    EPOCH_PENALTY = 2
    BEST_LOSS = 3
    L1_TOTAL = 4


class Counter(IntEnum):
    """Entries of `State.counters`, in the order of the kernels' enum of this name."""

    UPDATES = 0
    EPOCHS = 1
    WINDOWS = 2
    BATCH_ROWS = 3
    EPOCH_ROWS = 4
    EPOCH_UPDATES = 5
    STEPS_SINCE_RESTART = 6
    STALE = 7


_MOMENTS = [VectorRow.FIRST_MOMENT, VectorRow.SECOND_MOMENT]


class State:
    """All that descent remembers between calls of the kernels.

    ``vectors`` has rows as long as the parameters (padded with zeros), ``numbers`` and ``counters`` one entry for each
    figure. Parameters are on the scale on which steps are made, whatever they are the parameters of.
    """

    def __init__(self, theta: FloatArray) -> None:
        self.size = len(theta)
        n_vectors, length, n_numbers, n_counters = kernels.plan_descent(self.size - 1)
        self.vectors = np.zeros((n_vectors, length))
        self.numbers = np.zeros(n_numbers)
        self.counters = np.zeros(n_counters, dtype=np.int64)
        self.vectors[[VectorRow.THETA, VectorRow.BEST], : self.size] = theta
        self.numbers[Number.BEST_LOSS] = np.inf

    @property
    def theta(self) -> FloatArray:
        """A copy of the parameters after the last step."""
        return self.vectors[VectorRow.THETA, : self.size].copy()

    @property
    def best(self) -> FloatArray:
        """A copy of the parameters of the lowest loss so far; the first ones if there was none."""
        return self.vectors[VectorRow.BEST, : self.size].copy()

    @property
    def average(self) -> FloatArray:
        """A copy of the mean of the iterates, where they are averaged."""
        return self.vectors[VectorRow.AVERAGE, : self.size].copy()

    @property
    def best_loss(self) -> float:
        """The lowest loss of an epoch so far; infinity if none is complete."""
        return float(self.numbers[Number.BEST_LOSS])

    @property
    def n_updates(self) -> int:
        """How many steps have been taken."""
        return int(self.counters[Counter.UPDATES])

    @property
    def n_epochs(self) -> int:
        """How many epochs are complete."""
        return int(self.counters[Counter.EPOCHS])

    def copy(self) -> State:
        """Return a state with arrays of its own that hold the same numbers."""
        other = State(self.theta)
        other.restore(self)
        return other

    def restore(self, other: State) -> None:
        """Copy another state's arrays into this one; one that another version of fastlr has saved is refused."""
        mine, others = (
            [array.shape for array in (state.vectors, state.numbers, state.counters)]
            for state in (self, other)
        )
        if mine != others:
            raise InputError(
                "the descent to be continued was saved by another version of fastlr, which kept other numbers of it: "
                "fit anew, from its coefficients with init=."
            )
        self.vectors[:] = other.vectors
        self.numbers[:] = other.numbers
        self.counters[:] = other.counters

    def start_anew(self) -> None:
        """Prepare for other rows: clear what belongs to the epochs so far.

        The parameters, the count of updates and the rule's memory stay.
        """
        n_updates = self.counters[Counter.UPDATES]
        self.counters.fill(0)
        self.counters[Counter.UPDATES] = n_updates
        self.numbers.fill(0.0)
        self.numbers[Number.BEST_LOSS] = np.inf
        self.vectors[VectorRow.BEST] = self.vectors[VectorRow.THETA]
        self.vectors[[VectorRow.BATCH_GRADIENT, VectorRow.EPOCH_GRADIENT, VectorRow.L1_PAID]] = 0.0

    def start_again(self, *, forget: bool) -> None:
        """Prepare for another fit to the same rows: permutations go on, patience is that of a new fit.

        With ``forget``, the count of updates and the rule's memory are cleared as well.
        """
        counters = self.counters.copy()
        due, paid = self.numbers[Number.L1_TOTAL], self.vectors[VectorRow.L1_PAID].copy()
        self.start_anew()
        self.counters[Counter.EPOCHS] = counters[Counter.EPOCHS]
        if forget:
            self.counters[Counter.UPDATES] = 0
            self.vectors[[*_MOMENTS, VectorRow.AVERAGE]] = 0.0
        else:
            for kept in (Counter.UPDATES, Counter.STEPS_SINCE_RESTART):
                self.counters[kept] = counters[kept]
            self.numbers[Number.L1_TOTAL], self.vectors[VectorRow.L1_PAID] = due, paid

    def go_on_from(self, theta: FloatArray, *, forget: bool) -> None:
        """Continue from the parameters ``theta``; with ``forget``, also clear the rule's memory."""
        self.vectors[VectorRow.THETA] = 0.0
        self.vectors[VectorRow.THETA, : self.size] = theta
        if forget:
            self.counters[Counter.STEPS_SINCE_RESTART] = 0
            self.vectors[[*_MOMENTS, VectorRow.L1_PAID]] = 0.0
            self.vectors[VectorRow.AVERAGE] = self.vectors[VectorRow.THETA]
            self.numbers[Number.L1_TOTAL] = 0.0

    def rescale(self, change: Callable[[FloatArray], FloatArray]) -> None:
        """Turn all parameters into those of another scale by ``change``, and clear the rule's memory, void there."""
        for row in (VectorRow.THETA, VectorRow.BEST, VectorRow.AVERAGE):
            self.vectors[row, : self.size] = change(self.vectors[row, : self.size])
        self.vectors[[*_MOMENTS, VectorRow.L1_PAID]] = 0.0
        self.numbers[Number.L1_TOTAL] = 0.0

    def forget_stagnation(self) -> None:
        """Reset the count of epochs without improvement."""
        self.counters[Counter.STALE] = 0
