"""Batches of rows: the loop of kernel calls that takes them, and the engine of lines that steps for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.descent.draws import Draws, EpochDraws
from fastlr.descent.epochs import MOST_EPOCHS, Epochs, joined, room_for
from fastlr.descent.state import State
from fastlr.descent.table import MeasuredRows
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray

__all__ = ["BatchEngine", "Batches"]

_ROWS_PER_CALL = 1 << 20


@dataclass
class Batches:
    """The batches that an engine takes, whatever it fits: who draws them, and in how many calls of its kernel."""

    sampling: str | Iterable[Any] | EpochDraws
    n_samples: int
    n_features: int
    batch_size: int | None
    """None only where somebody else's sampler decides."""
    seed: int
    n_threads: int
    most_rows: int
    """How many rows one call may take, lest it be long."""
    largest: int = field(init=False)
    """The largest number of rows in a batch so far."""
    given: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = field(
        init=False, default=None
    )
    """Rows of the last epoch of somebody else's sampler, and the sizes of its batches."""
    _order: npt.NDArray[np.uint32] = field(init=False)
    _draws: EpochDraws | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.largest = self.batch_size or 1
        size = 0
        if isinstance(self.sampling, str):
            plan = kernels.plan_sampling(
                self.sampling, self.n_samples, self.n_features, self.largest
            )
            size = plan["table_size"]
        elif isinstance(self.sampling, EpochDraws):
            self._draws = self.sampling
        else:
            self._draws = Draws(self.sampling, self.n_samples)
        self._order = np.zeros(size, dtype=np.uint32)

    @property
    def _rows_per_call(self) -> int:
        most = _ROWS_PER_CALL if self.largest >= 8 else _ROWS_PER_CALL // 4
        return max(1, min(most, self.most_rows))

    def most_epochs(self) -> int:
        """How many epochs fit into one short call; one if somebody else draws the batches."""
        if self._draws is not None:
            return 1
        return max(1, min(MOST_EPOCHS, self._rows_per_call // self.n_samples))

    def run(
        self,
        kernel: Callable[..., tuple[int, str]],
        state: State,
        rates: FloatArray,
        keep_path: bool,
    ) -> Epochs:
        """Run epochs in as many calls of a kernel, which knows rows and model, as they take."""
        rows = sizes = None
        sampling = "given" if self._draws is not None else self.sampling
        if self._draws is not None:
            self.given = rows, sizes = self._draws.epoch()
            if not len(sizes):
                if not self._draws.is_iterator or not state.n_epochs:
                    raise InputError(
                        "sampling gave no batch at all: it must yield arrays of row numbers."
                    )
                history, path = room_for(0, state, keep_path)
                return Epochs.of(0, "exhausted", history, path)
            self.largest = max(self.largest, int(sizes.max()))
        parts: list[Epochs] = []
        done, outcome = 0, "running"
        while done < len(rates) and outcome == "running":  # every call uses a window of rows
            before = state.counters.copy()
            history, path = room_for(len(rates) - done, state, keep_path)
            n, outcome = kernel(
                sampling,
                self.largest,
                self.seed,
                rows,
                sizes,
                self._rows_per_call,
                self.n_threads,
                self._order,
                state.vectors,
                state.numbers,
                state.counters,
                np.ascontiguousarray(rates[done:]),
                history,
                path,
            )
            if outcome == "running" and np.array_equal(before, state.counters):
                raise RuntimeError("a call of the kernel of batches has used no row")
            parts.append(Epochs.of(n, outcome, history, path))
            done += n
        return joined(parts)


@dataclass
class BatchEngine:
    """Descent of a line by minibatches or single rows, which the kernels or somebody else's sampler draw."""

    measured: MeasuredRows
    standard: FloatArray | None
    batches: Batches
    scatters: ClassVar[bool] = True

    @property
    def largest_batch(self) -> int:
        """The largest number of rows in a step so far."""
        return self.batches.largest

    def most_epochs(self) -> int:
        """How many epochs fit into one short call; one if somebody else draws the batches."""
        return self.batches.most_epochs()

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """Run the epochs in as many calls of the kernel as they take; Python sees Ctrl-C between them."""
        kernel = partial(kernels.descend_batches, *self.measured.arguments, self.standard, settings)
        return self.batches.run(kernel, state, rates, keep_path)
