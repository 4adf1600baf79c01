"""Rows of a stream, as the passes of the accuracy ladder see them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fastlr.input.columns import Columns, FloatArray
from fastlr.input.row_stream import RowChunk, RowStream

__all__ = ["StreamView", "merged_sums"]


@dataclass(frozen=True, slots=True)
class StreamView:
    """All features of a stream, some of its targets, and further targets that are zero in every row."""

    rows: RowStream
    n_targets: int
    n_zeros: int = 0

    def with_zeros(self, n_targets: int, n_zeros: int) -> StreamView:
        """The same features, with the first ``n_targets`` targets and further ones of zeros."""
        return replace(self, n_targets=min(n_targets, self.n_targets), n_zeros=n_zeros)

    def first_row(self) -> FloatArray:
        """The features of the first row that counts; one pass."""
        return self.rows.map_merge(_first_of, _former)


def _first_of(chunk: RowChunk) -> FloatArray:
    return chunk.features.row(0)


def _former(first: FloatArray, _: FloatArray) -> FloatArray:
    return first


def with_zeros(targets: Columns, n_targets: int, n_zeros: int) -> Columns:
    """The first targets, followed by columns of zeros that take no memory."""
    n = targets.n_samples
    zeros = np.broadcast_to(np.zeros(1), (n,))
    return Columns([*targets.as_list()[:n_targets], *[zeros] * n_zeros], n, n_targets + n_zeros)


def merged_sums(first: FloatArray, second: FloatArray) -> FloatArray:
    """The sum of sums (..., 2, lanes) that are unevaluated: values, and what rounding took from them."""
    total = first[..., 0, :] + second[..., 0, :]
    rounded = total - first[..., 0, :]
    error = (first[..., 0, :] - (total - rounded)) + (second[..., 0, :] - rounded)
    result: FloatArray = np.stack([total, first[..., 1, :] + second[..., 1, :] + error], axis=-2)
    return result
