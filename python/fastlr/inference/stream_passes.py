"""Passes of inference over rows that come in chunks: sums over scores, and scores of clusters by their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.inference.estimates import GivenRows
from fastlr.inference.row_passes import FittedRows, cluster_scores, meat
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.row_stream import Labelled, RowChunk, RowStream

__all__ = ["meats", "streamed_scores"]

_Meats = list[tuple[FloatArray, int]]
_BETWEEN = "\x1f"  # two labels of one row


def meats(
    rows: GivenRows, passed: Sequence[FittedRows], correction: str, *, whitened: bool
) -> _Meats:
    """`meat` of every target, in one pass over rows that come in chunks."""

    def of_targets(targets: Sequence[FittedRows]) -> _Meats:
        return [meat(own, correction, whitened=whitened) for own in targets]

    def merge(first: _Meats, second: _Meats) -> _Meats:
        return [(a + b, m + n) for (a, m), (b, n) in zip(first, second, strict=True)]

    if rows.stream is None:
        return of_targets(passed)
    return rows.stream.map_merge(lambda chunk: of_targets(_of_chunk(passed, chunk)), merge)


class _Scores(NamedTuple):
    """Sums of scores by cluster, for one way of clustering."""

    labels: npt.NDArray[Any]
    """Distinct labels of the clusters, in ascending order: (G,)."""
    sums: FloatArray
    """Sums of scores by group, of all targets: (n_targets, G, p + 1)."""


def streamed_scores(
    stream: RowStream, passed: Sequence[FittedRows], names: Sequence[str], *, whitened: bool
) -> list[list[FloatArray]]:
    """For every target, sums of scores (G, p + 1) by the labels of one column; or of two, and of their pairs.

    One pass. Clusters are in the order of their labels, whatever chunk they came in.
    """

    def kernel(chunk: RowChunk) -> list[_Scores]:
        targets = _of_chunk(passed, chunk)
        ways = [_occurring(chunk.labels[name]) for name in names]
        if len(ways) == 2:
            ways.append(_pairs(*ways))
        return [
            _Scores(
                labels,
                np.stack(
                    [cluster_scores(own, codes, len(labels), whitened=whitened) for own in targets]
                ),
            )
            for codes, labels in ways
        ]

    def merge(first: list[_Scores], second: list[_Scores]) -> list[_Scores]:
        return [_merged(a, b) for a, b in zip(first, second, strict=True)]

    found = stream.map_merge(kernel, merge)
    for name, way in zip(names, found, strict=False):
        if len(way.labels) < 2:
            raise InputError(
                f"groups={name!r} has one cluster only, and covariances by clusters need two at least: name a column "
                "that tells rows apart."
            )
    return [[way.sums[k] for way in found] for k in range(len(passed))]


def _of_chunk(passed: Sequence[FittedRows], chunk: RowChunk) -> list[FittedRows]:
    """Rows of a chunk, in the units of the passes of each target."""
    n = chunk.features.n_samples
    return [
        replace(
            own,
            features=chunk.features,
            target=Columns(chunk.targets.column(k), n, 1, None, True),
            weights=chunk.weights,
            n_threads=chunk.n_threads,
        )
        for k, own in enumerate(passed)
    ]


def _occurring(column: Labelled) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
    """Codes of the labels that occur, and these labels in ascending order."""
    used, codes = np.unique(column.codes, return_inverse=True)
    labels = np.array([column.labels[code] for code in used.tolist()])
    order = np.argsort(labels, kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[codes.reshape(-1)], labels[order]


def _pairs(
    first: tuple[npt.NDArray[np.int32], npt.NDArray[Any]],
    second: tuple[npt.NDArray[np.int32], npt.NDArray[Any]],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
    """Codes and labels of the pairs of labels that occur."""
    n_second = len(second[1])
    pair = first[0].astype(np.int64) * n_second + second[0]
    used, codes = np.unique(pair, return_inverse=True)
    left, right = (first[1][used // n_second], second[1][used % n_second])
    labels = tuple(f"{a}{_BETWEEN}{b}" for a, b in zip(left.tolist(), right.tolist(), strict=True))
    return _occurring(Labelled(codes.reshape(-1).astype(np.int32), labels))


def _merged(first: _Scores, second: _Scores) -> _Scores:
    labels = np.union1d(first.labels, second.labels)
    sums = np.zeros((len(first.sums), len(labels), first.sums.shape[2]))
    for part in (first, second):
        sums[:, np.searchsorted(labels, part.labels)] += part.sums
    return _Scores(labels, sums)
