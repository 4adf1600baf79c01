"""Where the gradient comes from: all rows, moments, or batches of rows. Each engine runs some epochs in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.descent._draws import Draws
from fastlr.descent._objective import Quadratic
from fastlr.descent._table import Table
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray

__all__ = ["BatchEngine", "Engine", "Epochs", "MomentsEngine", "RowsEngine", "State"]

_WORK_PER_CALL = 1 << 25  # multiply-adds, or values read: some 5 to 50 ms
_MOST_EPOCHS = 1 << 14
_ROWS_PER_CALL = 1 << 20
_FIRST_MOMENT = 1  # rows of State.vectors
_SECOND_MOMENT = 2
_BATCH_GRADIENT = 3
_EPOCH_GRADIENT = 4
_BEST = 5
_AVERAGE = 6
_L1_PAID = 7
_EPOCHS = 1  # of State.counters
_RESTARTED = 6
_BEST_LOSS = 4  # of State.numbers
_L1_TOTAL = 5


class State:
    """All that descent remembers between calls of the kernels. Parameters are on the scale of descent."""

    def __init__(self, theta: FloatArray) -> None:
        self.size = len(theta)
        n_vectors, length, n_numbers, n_counters = kernels.plan_descent(self.size - 1)
        self.vectors = np.zeros((n_vectors, length))
        self.numbers = np.zeros(n_numbers)
        self.counters = np.zeros(n_counters, dtype=np.int64)
        self.vectors[[0, _BEST], : self.size] = theta
        self.numbers[_BEST_LOSS] = np.inf

    @property
    def theta(self) -> FloatArray:
        """Coefficients and intercept."""
        return self.vectors[0, : self.size].copy()

    @property
    def best(self) -> FloatArray:
        """Parameters of the lowest loss so far; the first ones if there was none."""
        return self.vectors[_BEST, : self.size].copy()

    @property
    def average(self) -> FloatArray:
        """Mean of the iterates, where they are averaged."""
        return self.vectors[_AVERAGE, : self.size].copy()

    @property
    def best_loss(self) -> float:
        """The lowest loss of an epoch so far."""
        return float(self.numbers[_BEST_LOSS])

    @property
    def n_updates(self) -> int:
        """Steps taken."""
        return int(self.counters[0])

    def copy(self) -> State:
        """The same, with arrays of its own."""
        other = State(self.theta)
        other.restore(self)
        return other

    @property
    def n_epochs(self) -> int:
        """How many epochs are complete."""
        return int(self.counters[_EPOCHS])

    def restore(self, other: State) -> None:
        """Be as another one is."""
        self.vectors[:], self.numbers[:], self.counters[:] = (
            other.vectors,
            other.numbers,
            other.counters,
        )

    def start_anew(self) -> None:
        """Other rows come: forget what belongs to the epochs so far, keep parameters, memory of the rule and time."""
        n_updates = self.counters[0]
        self.counters.fill(0)
        self.counters[0] = n_updates
        self.numbers.fill(0.0)
        self.numbers[_BEST_LOSS] = np.inf
        self.vectors[_BEST] = self.vectors[0]
        self.vectors[[_BATCH_GRADIENT, _EPOCH_GRADIENT, _L1_PAID]] = 0.0

    def start_again(self, *, forget: bool) -> None:
        """Another fit to the same rows: permutations go on, patience is new; ``forget`` resets time and memory too."""
        n_updates, n_epochs, restarted = self.counters[[0, _EPOCHS, _RESTARTED]]
        due, paid = self.numbers[_L1_TOTAL], self.vectors[_L1_PAID].copy()
        self.start_anew()
        self.counters[_EPOCHS] = n_epochs
        if forget:
            self.counters[0] = 0
            self.vectors[[_FIRST_MOMENT, _SECOND_MOMENT, _AVERAGE]] = 0.0
        else:
            self.counters[[0, _RESTARTED]] = n_updates, restarted
            self.numbers[_L1_TOTAL], self.vectors[_L1_PAID] = due, paid

    def go_on_from(self, theta: FloatArray, *, forget: bool) -> None:
        """Leave the last iterate for another one; what led astray had better be forgotten."""
        self.vectors[0] = 0.0
        self.vectors[0, : self.size] = theta
        if forget:
            self.counters[_RESTARTED] = 0
            self.vectors[[_FIRST_MOMENT, _SECOND_MOMENT, _L1_PAID]] = 0.0
            self.vectors[_AVERAGE] = self.vectors[0]
            self.numbers[_L1_TOTAL] = 0.0

    def rescale(self, change: Callable[[FloatArray], FloatArray]) -> None:
        """Parameters of features on another scale; the rule's memory does not hold there."""
        for row in (0, _BEST, _AVERAGE):
            self.vectors[row, : self.size] = change(self.vectors[row, : self.size])
        self.vectors[[_FIRST_MOMENT, _SECOND_MOMENT, _L1_PAID]] = 0.0
        self.numbers[_L1_TOTAL] = 0.0

    def forget_stagnation(self) -> None:
        """Be patient anew."""
        self.counters[-1] = 0


@dataclass
class Epochs:
    """What some epochs left behind."""

    loss: FloatArray
    squares: FloatArray
    gradient_norm: FloatArray
    rate: FloatArray
    path: FloatArray | None
    outcome: str = "running"

    def __len__(self) -> int:
        return len(self.loss)


class Engine(Protocol):
    """Runs epochs."""

    name: str

    @property
    def largest_batch(self) -> int:
        """Most rows in a step so far."""
        ...

    def most_epochs(self) -> int:
        """So many epochs fit into one call that stays short."""
        ...

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """Run one epoch for each rate, or fewer if descent stalls or diverges."""
        ...


def _room(n_epochs: int, state: State, keep_path: bool) -> tuple[FloatArray, FloatArray | None]:
    return np.empty((4, n_epochs)), np.empty((n_epochs, state.size)) if keep_path else None


def _result(done: int, outcome: str, history: FloatArray, path: FloatArray | None) -> Epochs:
    loss, squares, gradient_norm, rate = history[:, :done]
    return Epochs(
        loss, squares, gradient_norm, rate, None if path is None else path[:done], outcome
    )


@dataclass
class MomentsEngine:
    """Full batch at O(p^2) an epoch: the rows are not read again."""

    quadratic: Quadratic
    largest_batch: int
    name: str = "moments"

    def most_epochs(self) -> int:
        """By the size of the moments."""
        p = len(self.quadratic.xy)
        return max(1, min(_MOST_EPOCHS, _WORK_PER_CALL // (p * p + 64)))

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """In one call."""
        q = self.quadratic
        history, path = _room(len(rates), state, keep_path)
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
        return _result(done, outcome, history, path)


@dataclass
class RowsEngine:
    """Full batch, reading the rows once an epoch."""

    table: Table
    standard: FloatArray | None
    n_threads: int
    name: str = "rows"
    _n_parts: int = field(init=False)
    _slots: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        n_slots, slot_size, self._n_parts = kernels.plan_loss(
            self.table.n_samples, self.table.n_features
        )
        self._slots = np.zeros((n_slots, slot_size))

    @property
    def largest_batch(self) -> int:
        """All rows."""
        return self.table.n_samples

    def most_epochs(self) -> int:
        """By the size of the table."""
        if self._n_parts > 1:
            return 1
        return max(
            1, min(_MOST_EPOCHS, _WORK_PER_CALL // (self.table.n_samples * self.table.n_features))
        )

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """In one call, or one call for each part of a large table; Python sees Ctrl-C between parts."""
        history, path = _room(len(rates), state, keep_path)
        self._slots.fill(0.0)
        done, outcome = 0, "running"
        for part in range(self._n_parts):
            done, outcome = kernels.descend_rows(
                *self.table.arguments,
                self.standard,
                settings,
                part,
                self.n_threads,
                self._slots,
                state.vectors,
                state.numbers,
                state.counters,
                rates,
                history,
                path,
            )
        return _result(done, outcome, history, path)


@dataclass
class BatchEngine:
    """Minibatches and single rows."""

    table: Table
    standard: FloatArray | None
    batch_size: int | None
    """None only where somebody else's sampler decides."""
    sampling: str | Iterable[Any]
    seed: int
    n_threads: int
    name: str = "batches"
    largest_batch: int = field(init=False)
    _table: npt.NDArray[np.uint32] = field(init=False)
    _draws: Draws | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        size = 0
        self.largest_batch = 1
        if isinstance(self.sampling, str):
            self.largest_batch = self.batch_size or 1
            plan = kernels.plan_sampling(
                self.sampling, self.table.n_samples, self.table.n_features, self.largest_batch
            )
            size = plan["table_size"]
        else:
            self._draws = Draws(self.sampling, self.table.n_samples)
        self._table = np.zeros(size, dtype=np.uint32)

    @property
    def _rows_per_call(self) -> int:
        most = _ROWS_PER_CALL if self.largest_batch >= 8 else _ROWS_PER_CALL // 4
        return max(1, min(most, _WORK_PER_CALL // self.table.n_features))

    def most_epochs(self) -> int:
        """By the number of rows; one if somebody else draws them."""
        if not isinstance(self.sampling, str):
            return 1
        return max(1, min(_MOST_EPOCHS, self._rows_per_call // self.table.n_samples))

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """In as many calls as it takes."""
        given = sizes = None
        sampling = self.sampling if isinstance(self.sampling, str) else "given"
        if self._draws is not None:
            given, sizes = self._draws.epoch()
            if not len(sizes):
                if not self._draws.is_iterator or not state.n_epochs:
                    raise InputError(
                        "sampling gave no batch at all: it must yield arrays of row numbers."
                    )
                history, path = _room(0, state, keep_path)
                return _result(0, "exhausted", history, path)
            self.largest_batch = max(self.largest_batch, int(sizes.max()))
        parts: list[Epochs] = []
        done, outcome = 0, "running"
        while done < len(rates) and outcome == "running":
            history, path = _room(len(rates) - done, state, keep_path)
            n, outcome = kernels.descend_batches(
                *self.table.arguments,
                self.standard,
                settings,
                sampling,
                self.largest_batch,
                self.seed,
                given,
                sizes,
                self._rows_per_call,
                self.n_threads,
                self._table,
                state.vectors,
                state.numbers,
                state.counters,
                np.ascontiguousarray(rates[done:]),
                history,
                path,
            )
            parts.append(_result(n, outcome, history, path))
            done += n
        return joined(parts)


def joined(parts: list[Epochs]) -> Epochs:
    """Several runs as one."""
    if len(parts) == 1:
        return parts[0]
    paths = [part.path for part in parts if part.path is not None]
    return Epochs(
        np.concatenate([part.loss for part in parts]),
        np.concatenate([part.squares for part in parts]),
        np.concatenate([part.gradient_norm for part in parts]),
        np.concatenate([part.rate for part in parts]),
        np.concatenate(paths) if paths else None,
        parts[-1].outcome,
    )
