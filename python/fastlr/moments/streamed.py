"""Moments of rows that come in chunks: one pass, a state for each chunk, merged in a static order."""

from __future__ import annotations

import os
from pathlib import Path

from fastlr.errors import InputError
from fastlr.input.row_stream import RowChunk, RowStream
from fastlr.input.threads import resolve_threads
from fastlr.moments.combining import added
from fastlr.moments.passes import pass_over
from fastlr.moments.state import State

__all__ = ["MomentsKernel", "check_memory", "refuse_beside_scan", "state_of_stream"]

_WAITING = (
    6  # states beside those of the threads: sums that wait for others, and two that are merged
)
_WORTH_ASKING = 1 << 28  # bytes


class MomentsKernel:
    """A function from a chunk of rows to their moments."""

    refuses_missing = True
    """Whether values that are not finite raise an `InputError`."""

    def __init__(
        self, feature_names: tuple[str, ...], target_names: tuple[str, ...], precision: str
    ) -> None:
        self.feature_names, self.target_names = feature_names, target_names
        self.precision = precision

    def __call__(self, rows: RowChunk) -> State:
        """Return the moments of a chunk of rows."""
        return pass_over(
            rows.features,
            rows.targets,
            rows.weights,
            self.feature_names,
            self.target_names,
            rows.n_threads,
            self.precision,
        )[0]


def state_of_stream(stream: RowStream, precision: str = "double") -> State:
    """The moments of all rows, by one pass over them."""
    q = len(stream.feature_names) + len(stream.target_names)
    check_memory(q, precision, stream.n_threads)
    kernel = MomentsKernel(stream.feature_names, stream.target_names, precision)
    return stream.map_merge(kernel, added)._replace(n_dropped=stream.n_dropped)


def refuse_beside_scan(**given: object) -> None:
    """Raise an `InputError` if an argument is given beside a scan, which knows what it says."""
    for name, value in given.items():
        if value is not None:
            raise InputError(
                f"{name} is given beside a scan, which says itself what the rows are: leave it out, and pass target=, "
                "features=, weights=, missing= or n_threads= to fastlr.scan."
            )


def check_memory(n_columns: int, precision: str, n_threads: int | None) -> None:
    """Raise an `InputError` if moments of so many columns do not fit the memory that is free."""
    one = 8 * n_columns * n_columns * (1 + (precision == "double_double"))
    needed = one * (resolve_threads(n_threads) + _WAITING)
    if needed < _WORTH_ASKING:
        return
    free = _free_memory()
    if needed > free:
        raise InputError(
            f"cross-products of {n_columns} columns take {one:,} bytes, with one for each thread and those that are "
            f"merged {needed:,}, and {free:,} are free: choose fewer features, or fewer threads."
        )


def _free_memory() -> int:
    """Bytes of memory that a process may still take."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = dict(line.split(":", 1) for line in lines)
        return int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # not Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
