"""The engine of networks: epochs of batches, forwards and backwards in one kernel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.descent.batches import Draws
from fastlr.descent.epochs import MOST_EPOCHS, Epochs, joined, room_for
from fastlr.descent.state import State
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.networks.rows import NetworkRows, Scales
from fastlr.networks.shape import Shape

__all__ = ["EpochDraws", "NetworkEngine"]

_WORK_PER_CALL = (
    1 << 32
)  # multiply-adds: some 100 ms; kernels hear Ctrl-C by themselves in larger batches
_ROWS_PER_CALL = 1 << 20


@runtime_checkable
class EpochDraws(Protocol):
    """Who draws whole epochs: rows from 0 on and sizes of batches, which are not checked again."""

    @property
    def is_iterator(self) -> bool:
        """Whether there may be an end of the epochs."""
        ...

    def epoch(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The rows of the next epoch, batch after batch, and the sizes of its batches."""
        ...


@dataclass
class NetworkEngine:
    """Descent of a network by batches, which the kernels or somebody else's sampler draw."""

    rows: NetworkRows
    shape: Shape
    scales: Scales
    is_single: bool
    batch_size: int | None
    """None only where somebody else's sampler decides."""
    sampling: str | Iterable[Any] | EpochDraws
    seed: int
    n_threads: int
    scatters: ClassVar[bool] = True
    largest_batch: int = field(init=False)
    _order: npt.NDArray[np.uint32] = field(init=False)
    _draws: EpochDraws | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        size = 0
        self.largest_batch = self.batch_size or 1
        if isinstance(self.sampling, str):
            plan = kernels.plan_sampling(
                self.sampling, self.rows.n_samples, self.shape.n_features, self.largest_batch
            )
            size = plan["table_size"]
        elif isinstance(self.sampling, EpochDraws):
            self._draws = self.sampling
        else:
            self._draws = Draws(self.sampling, self.rows.n_samples)
        self._order = np.zeros(size, dtype=np.uint32)

    @property
    def _rows_per_call(self) -> int:
        return max(1, min(_ROWS_PER_CALL, _WORK_PER_CALL // (3 * self.shape.n_parameters)))

    def most_epochs(self) -> int:
        """How many epochs fit into one short call; one if somebody else draws the batches."""
        if not isinstance(self.sampling, str):
            return 1
        return max(1, min(MOST_EPOCHS, self._rows_per_call // self.rows.n_samples))

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """Run the epochs in as many calls of the kernel as they take; Python sees Ctrl-C between them."""
        given = sizes = None
        sampling = self.sampling if isinstance(self.sampling, str) else "given"
        if self._draws is not None:
            given, sizes = self._draws.epoch()
            if not len(sizes):
                if not self._draws.is_iterator or not state.n_epochs:
                    raise InputError(
                        "sampling gave no batch at all: it must yield arrays of row numbers."
                    )
                history, path = room_for(0, state, keep_path)
                return Epochs.of(0, "exhausted", history, path)
            self.largest_batch = max(self.largest_batch, int(sizes.max()))
        parts: list[Epochs] = []
        done, outcome = 0, "running"
        standard, target_standard = self.scales.standard, self.scales.target_standard
        while done < len(rates) and outcome == "running":  # every call uses a window of rows
            before = state.counters.copy()
            history, path = room_for(len(rates) - done, state, keep_path)
            n, outcome = kernels.descend_network(
                *self.rows.arguments,
                self.shape.sizes,
                self.shape.activations,
                self.is_single,
                standard,
                target_standard,
                settings,
                sampling,
                self.largest_batch,
                self.seed,
                given,
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
                raise RuntimeError("a call of the kernel of networks has used no row")
            parts.append(Epochs.of(n, outcome, history, path))
            done += n
        return joined(parts)
