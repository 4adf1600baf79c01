"""Parts of a table that threads read by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CHUNK_VALUES", "Chunk", "ChunkReader", "rows_at_once"]

CHUNK_VALUES = 1 << 22
"""Values that a thread decodes at once, by default, at most: 32 MB."""
_FEWEST_ROWS, _MOST_ROWS = 1 << 10, 1 << 17

ChunkReader = Callable[[int, int], Iterator[tuple[dict[str, Any], int]]]
"""From the number of rows above a chunk, and of threads, to batches: arrays by name, and their number of rows."""


def nothing_to_check() -> None:
    """Accept a source that cannot change while it is read."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of one file, which come in one batch or several."""

    label: str
    """The file's name, as messages call it."""
    n_bytes: int
    """Number of the file's bytes that a chunk stands for."""
    rows_before: int | None
    """Rows of the file above these; None where only reading those tells."""
    read: ChunkReader
    check: Callable[[], None]
    """Raises an error if the file is not what it was when the table was opened."""
    forget: Callable[[], None] = nothing_to_check
    """Lets go of bytes that it holds, which can be read again."""


def rows_at_once(chunk_rows: int | None, n_columns: int) -> int:
    """How many rows of so many columns are decoded at once: by default a power of two, as row groups often are."""
    if chunk_rows is not None:
        return chunk_rows
    most = CHUNK_VALUES // max(1, n_columns)
    return int(np.clip(1 << (most.bit_length() - 1), _FEWEST_ROWS, _MOST_ROWS))
