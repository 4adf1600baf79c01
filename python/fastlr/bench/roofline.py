"""The machine's limits, measured beside the kernels: read bandwidth and multiply-add rate."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from fastlr._kernels import kernels

__all__ = ["Roofline", "measure_roofline"]


@dataclass(frozen=True)
class Roofline:
    """Read bandwidth in bytes per second and float64 arithmetic in flops per second, on `n_threads` threads."""

    bandwidth: float
    flops: float
    n_threads: int

    def seconds(self, n_samples: int, n_features: int, item_size: int = 8) -> float:
        """Least time for one pass of cross-products over X, y and the constant.

        The rows, ``n (p + 1)`` values, must be read; the lower triangle of products of p + 2 variables less the
        constant's own, ``n (p + 1) (p + 2)`` flops with a multiply-add counted as two, must be done. Both can overlap.
        """
        read = n_samples * (n_features * item_size + 8) / self.bandwidth
        compute = n_samples * (n_features + 1) * (n_features + 2) / self.flops
        return max(read, compute)

    def bound(self, n_features: int, item_size: int = 8) -> str:
        """Which limit binds: "memory" or "arithmetic"."""
        read = (n_features * item_size + 8) / self.bandwidth
        return "memory" if read > (n_features + 1) * (n_features + 2) / self.flops else "arithmetic"


def measure_roofline(n_threads: int, *, megabytes: int = 512) -> Roofline:
    """Best of a few short runs of each limit.

    Parameters
    ----------
    n_threads : int
        Threads to use.
    megabytes : int, default=512
        How much memory to read; more than the caches hold.
    """
    values = np.ones(megabytes * 131072)
    rounds = 400_000
    bandwidth = flops = 0.0
    for _ in range(5):
        start = time.perf_counter()
        kernels.read_all(values, n_threads)
        middle = time.perf_counter()
        done = kernels.multiply_add(rounds, n_threads)
        end = time.perf_counter()
        bandwidth = max(bandwidth, values.nbytes / (middle - start))
        flops = max(flops, 2.0 * done / (end - middle))
    return Roofline(bandwidth, flops, n_threads)
