"""Moments of folds of rows that come in chunks: one pass deals the rows of every chunk."""

from __future__ import annotations

from functools import partial, reduce

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.row_stream import RowChunk, RowStream
from fastlr.moments.combining import added
from fastlr.moments.passes import pass_over
from fastlr.moments.state import State
from fastlr.moments.streamed import check_memory
from fastlr.penalised.folds import Fold

__all__ = ["folds_of_stream"]

_SEED = 0
_States = tuple["State | None", ...]


def folds_of_stream(stream: RowStream, n_folds: int) -> tuple[list[Fold], State]:
    """The folds' moments, and those of all rows; what trains a fold is the sum of all other folds.

    The rows of a chunk are dealt at random, always the same way: all folds have as many of them, or one more.
    """
    names, labels = stream.feature_names, stream.target_names
    check_memory(len(names) + len(labels), "double", stream.n_threads)
    parts = stream.map_merge(partial(_dealt, names, labels, n_folds), _merged)
    present = [part for part in parts if part is not None]
    if len(present) < n_folds:
        raise InputError(
            f"cv={n_folds} folds of so few rows that {n_folds - len(present)} have none: pass a smaller number."
        )
    nowhere = np.zeros(0, dtype=np.intp)
    folds = []
    for k, own in enumerate(present):
        others = present[:k] + present[k + 1 :]
        folds.append(Fold(reduce(added, others), nowhere, own))
    whole = reduce(added, present)
    return folds, whole._replace(n_dropped=stream.n_dropped)


def _dealt(
    names: tuple[str, ...], labels: tuple[str, ...], n_folds: int, rows: RowChunk
) -> _States:
    """Moments of the rows of each fold, None where it has none."""
    n = rows.features.n_samples
    fold_of = np.random.default_rng(_SEED).permutation(np.arange(n) % n_folds)

    def of_fold(own: npt.NDArray[np.intp]) -> State | None:
        if not own.size:
            return None
        weights = None if rows.weights is None else rows.weights[own]
        taken = rows.features.take_rows(own), rows.targets.take_rows(own)
        return pass_over(*taken, weights, names, labels, rows.n_threads, "double")[0]

    return tuple(of_fold(np.flatnonzero(fold_of == k)) for k in range(n_folds))


def _merged(first: _States, second: _States) -> _States:
    return tuple(
        b if a is None else a if b is None else added(a, b)
        for a, b in zip(first, second, strict=True)
    )
