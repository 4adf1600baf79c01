"""Passes over rows, in calls so short that Python hears Ctrl-C between them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["in_parts"]

_LINE = 8  # doubles of a cache line
_LARGE = 1 << 15  # doubles that do not fit the nearest cache


def in_parts(plan: tuple[int, int, int]) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """Go through the parts of a pass: each part's number, with the slots that its call of a kernel adds to.

    Parameters
    ----------
    plan : tuple of int
        The number of slots, the size of one, and the number of parts, at least 1: what a kernel's ``plan_...`` says.

    Yields
    ------
    part : int
        From 0 on.
    slots : ndarray of shape (n_slots, slot_size)
        The same array every time, zero before part 0; after the last part it holds the sums over all rows.

    Examples
    --------
    >>> from fastlr._kernels.parts import in_parts
    >>> for part, slots in in_parts((2, 3, 4)):
    ...     slots[:] += part
    >>> slots
    array([[6., 6., 6.],
           [6., 6., 6.]])
    """
    n_slots, slot_size, n_parts = plan
    slots = _zeros(n_slots, slot_size)
    for part in range(n_parts):
        yield part, slots


def _zeros(n_slots: int, slot_size: int) -> npt.NDArray[np.float64]:
    """Zeros, which begin with a cache line if they are many: sums that lie across two lines are slow to add to."""
    size = n_slots * slot_size
    if size < _LARGE:
        return np.zeros((n_slots, slot_size))
    buffer = np.zeros(size + _LINE)
    start = -(buffer.ctypes.data // buffer.itemsize) % _LINE
    return buffer[start : start + size].reshape(n_slots, slot_size)
