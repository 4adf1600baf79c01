"""The machine's limits, measured beside the kernels: read bandwidth and multiply-add rates."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import numpy as np

from fastlr._kernels import kernels

__all__ = ["Roofline", "RooflineMeter", "measure_roofline"]


@dataclass(frozen=True)
class Roofline:
    """Read bandwidth in bytes per second and float64 arithmetic in flops per second, on `n_threads` threads.

    ``flops`` is the peak: multiply-adds on registers alone. ``tile_flops`` is what the cores gave in the same minutes
    to a tile of cross-products that stays in the nearest cache; on a shared machine, where a neighbour may use the
    other half of a core, it may be half of the peak.
    """

    bandwidth: float
    flops: float
    tile_flops: float
    n_threads: int

    def seconds(self, n_samples: int, n_features: int, item_size: int = 8) -> float:
        """Least time for one pass of cross-products over X, y and the constant.

        The rows, ``n (p + 1)`` values, must be read; the lower triangle of products of the p features and the target,
        ``n (p + 1) (p + 2)`` flops with a multiply-add counted as two, must be done. Both can overlap.
        """
        return self._seconds(n_samples, n_features, item_size, self.flops)

    def seconds_given(self, n_samples: int, n_features: int, item_size: int = 8) -> float:
        """Least time for one pass, as in `seconds`, at the rate that the cores gave to a tile in the nearest cache."""
        return self._seconds(n_samples, n_features, item_size, min(self.flops, self.tile_flops))

    def _seconds(self, n_samples: int, n_features: int, item_size: int, flops: float) -> float:
        read = n_samples * (n_features * item_size + 8) / self.bandwidth
        return max(read, n_samples * (n_features + 1) * (n_features + 2) / flops)

    def bound(self, n_features: int, item_size: int = 8) -> str:
        """Which limit binds: "memory" or "arithmetic"."""
        read = (n_features * item_size + 8) / self.bandwidth
        return "memory" if read > (n_features + 1) * (n_features + 2) / self.flops else "arithmetic"


class RooflineMeter:
    """Measures the limits again and again, between other candidates of `in_turns`, since shared machines drift.

    Parameters
    ----------
    n_threads : int
        Threads to use.
    megabytes : int, default=512
        How much memory to read; more than the caches hold.
    """

    def __init__(self, n_threads: int, *, megabytes: int = 512) -> None:
        self.n_threads = n_threads
        self._values = np.ones(megabytes * 131072)
        self._bandwidths: list[float] = []
        self._flops: list[float] = []
        self._tile_flops: list[float] = []

    def __call__(self) -> None:
        """Wake the threads, read the memory once, multiply and add for some milliseconds each way."""
        kernels.measure_bandwidth(self._values[:1_000_000], self.n_threads)
        start = time.perf_counter()
        kernels.measure_bandwidth(self._values, self.n_threads)
        middle = time.perf_counter()
        done = kernels.measure_flops(400_000, self.n_threads)
        registers = time.perf_counter()
        in_tiles = kernels.measure_tile(40_000, self.n_threads)
        end = time.perf_counter()
        self._bandwidths.append(self._values.nbytes / (middle - start))
        self._flops.append(2.0 * done / (registers - middle))
        self._tile_flops.append(2.0 * in_tiles / (end - registers))

    def reading(self) -> Roofline:
        """Medians of what was measured since the last reading."""
        if not self._bandwidths:
            self()
        measured = (self._bandwidths, self._flops, self._tile_flops)
        bandwidth, flops, tile_flops = map(median, measured)
        result = Roofline(bandwidth, flops, tile_flops, self.n_threads)
        for values in measured:
            values.clear()
        return result


def measure_roofline(n_threads: int, *, megabytes: int = 512) -> Roofline:
    """Medians of a few short runs of each limit; parameters as for `RooflineMeter`."""
    meter = RooflineMeter(n_threads, megabytes=megabytes)
    for _ in range(5):
        meter()
    return meter.reading()
