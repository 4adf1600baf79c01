"""The engine of networks: epochs of batches, forwards and backwards in one kernel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field
from functools import partial
from typing import Any, ClassVar

from fastlr._kernels import kernels
from fastlr.descent.batches import Batches
from fastlr.descent.draws import EpochDraws
from fastlr.descent.epochs import Epochs
from fastlr.descent.state import State
from fastlr.input.columns import FloatArray
from fastlr.networks.rows import NetworkRows, Scales
from fastlr.networks.shape import Shape

__all__ = ["NetworkEngine"]

# Multiply-adds: some 100 ms; kernels hear Ctrl-C by themselves in larger batches.
_WORK_PER_CALL = 1 << 32


@dataclass
class NetworkEngine:
    """Descent of a network by batches, which the kernels or somebody else's sampler draw."""

    rows: NetworkRows
    shape: Shape
    scales: Scales
    is_single: bool
    batch_size: InitVar[int | None]
    sampling: InitVar[str | Iterable[Any] | EpochDraws]
    seed: InitVar[int]
    n_threads: InitVar[int]
    batches: Batches = field(init=False)
    scatters: ClassVar[bool] = True

    def __post_init__(
        self,
        batch_size: int | None,
        sampling: str | Iterable[Any] | EpochDraws,
        seed: int,
        n_threads: int,
    ) -> None:
        self.batches = Batches(
            sampling,
            self.rows.n_samples,
            self.shape.n_features,
            batch_size,
            seed,
            n_threads,
            most_rows=_WORK_PER_CALL // (3 * self.shape.n_parameters),
        )

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
        kernel = partial(
            kernels.descend_network,
            *self.rows.arguments,
            self.shape.sizes,
            self.shape.activations,
            self.is_single,
            self.scales.standard,
            self.scales.target_standard,
            settings,
        )
        return self.batches.run(kernel, state, rates, keep_path)
