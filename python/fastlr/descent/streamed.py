"""Descent on rows that come in chunks: passes over all of them for a step, or batches from one chunk after another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr._kernels.parts import in_parts
from fastlr.descent.epochs import WORK_PER_CALL, Epochs, room_for
from fastlr.descent.row_loss import RowLoss
from fastlr.descent.state import Counter, Number, State, VectorRow
from fastlr.errors import InputError
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.row_stream import RowChunk, RowStream

__all__ = [
    "StreamedBatches",
    "StreamedRows",
    "largest_row_of_stream",
    "loss_sums_of_stream",
]

_LEEWAY = 100.0  # by which the loss of one piece may exceed that of a whole epoch

_Piece = tuple[Columns, Columns, "npt.NDArray[Any] | None"]
_Sums = tuple[float, FloatArray]


def loss_sums_of_stream(stream: RowStream, theta: FloatArray, row_loss: RowLoss) -> _Sums:
    """Sums of `MeasuredRows.loss_sums` over all rows: one pass."""
    stream.check_repeatable(f"a step of loss={row_loss.kind!r}")
    return stream.map_merge(partial(_loss_sums, np.ascontiguousarray(theta), row_loss), _added)


def _loss_sums(theta: FloatArray, row_loss: RowLoss, rows: RowChunk) -> _Sums:
    n, p = rows.features.n_samples, rows.features.n_columns
    for part, slots in in_parts(kernels.plan_loss(n, p)):
        kernels.accumulate_loss(
            rows.features.source,
            rows.targets.source,
            rows.weights,
            theta,
            part,
            rows.n_threads,
            slots,
            row_loss.kind,
            row_loss.epsilon,
        )
    squares, gradient = kernels.add_loss_slots(n, p, slots)
    return float(squares), gradient


def _added(first: _Sums, second: _Sums) -> _Sums:
    return first[0] + second[0], first[1] + second[1]


def largest_row_of_stream(stream: RowStream, standard: FloatArray | None) -> tuple[float, float]:
    """The largest squared length of a (standardised) row, and the largest weight: one pass."""
    stream.check_repeatable("a rate for batches")
    return stream.map_merge(partial(_largest_row, standard), _larger)


def _largest_row(standard: FloatArray | None, rows: RowChunk) -> tuple[float, float]:
    n = rows.features.n_samples
    norm = kernels.largest_row_norm(
        rows.features.source, rows.targets.source, rows.weights, standard, 0, n, rows.n_threads
    )
    return norm, 1.0 if rows.weights is None else float(rows.weights.max())


def _larger(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    return max(first[0], second[0]), max(first[1], second[1])


@dataclass
class StreamedRows:
    """Full-batch descent that reads all chunks once an epoch."""

    stream: RowStream
    n_samples: int
    standard: FloatArray | None
    scatters: ClassVar[bool] = False

    @property
    def largest_batch(self) -> int:
        """The number of rows in a step, which is all of them."""
        return self.n_samples

    def most_epochs(self) -> int:
        """How many epochs fit into one short call: one."""
        return 1

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """Run one epoch: sums over all rows, and a step of the kernel by a row of weight zero that stands for them."""
        p = state.size - 1
        row_loss = RowLoss(
            settings.get("loss", "squared_error"), float(settings.get("loss_epsilon", 0.0))
        )
        raw = state.theta
        if self.standard is not None:
            centre, factor = self.standard[0, :p], self.standard[1, :p]
            raw[:p] *= factor
            raw[p] -= raw[:p] @ centre
        squares, gradient = loss_sums_of_stream(self.stream, raw, row_loss)
        ((part, slots),) = in_parts(kernels.plan_loss(1, p))
        sums = slots.reshape(-1)
        sums[0], sums[1], sums[8 : 8 + p] = squares, gradient[p], gradient[:p]
        history, path = room_for(1, state, keep_path)
        done, outcome = kernels.descend_rows(
            np.zeros((1, p)),
            np.zeros(1),
            np.zeros(1),
            self.standard,
            {**settings, "mean_weight": settings["mean_weight"] * self.n_samples},
            part,
            1,
            slots,
            state.vectors,
            state.numbers,
            state.counters,
            np.ascontiguousarray(rates[:1]),
            history,
            path,
        )
        return Epochs.of(done, outcome, history, path)


@dataclass
class StreamedBatches:
    """Descent by batches that come from one chunk after another: an epoch reads every chunk once.

    With ``sampling="shuffle"`` chunks come in a fresh order each epoch, where the source can be read in any order, and
    the rows of a chunk are permuted. What a chunk leaves of a batch is filled up from the next one.
    """

    stream: RowStream
    n_samples: int
    standard: FloatArray | None
    sampling: str
    batch_size: int
    seed: int
    n_threads: int
    scatters: ClassVar[bool] = True

    @property
    def largest_batch(self) -> int:
        """The number of rows in a step."""
        return self.batch_size

    def most_epochs(self) -> int:
        """How many epochs fit into one short call: one."""
        return 1

    def run(
        self, state: State, settings: dict[str, Any], rates: FloatArray, keep_path: bool
    ) -> Epochs:
        """Run one epoch, piece by piece; Python sees Ctrl-C between the calls of the kernel."""
        epoch = state.n_epochs
        lowest, stale = state.best_loss, int(state.counters[Counter.STALE])
        best = state.vectors[VectorRow.BEST].copy()
        parts: list[tuple[int, FloatArray]] = []
        is_finite = True
        for k, piece in enumerate(self._pieces(epoch)):
            found, is_finite = self._use(state, settings, rates, piece, epoch, k)
            parts.append((piece[0].n_samples, found))
            if not is_finite:
                break
        figures = self._figures(parts, settings)
        history, path = room_for(1, state, keep_path)
        history[:, 0] = figures
        if path is not None:
            path[0] = state.theta
        state.counters[Counter.EPOCHS] = epoch + 1
        state.vectors[VectorRow.BEST], state.numbers[Number.BEST_LOSS] = best, lowest
        state.counters[Counter.STALE] = stale
        outcome = _watched(state, settings, float(figures[0]) if is_finite else math.inf)
        return Epochs.of(1, outcome, history, path)

    def _figures(self, parts: list[tuple[int, FloatArray]], settings: dict[str, Any]) -> FloatArray:
        """Loss, squares, length of the gradient and rate of an epoch, from those of its pieces.

        A loss is that of the rows and a mean of penalties over steps; the length of the gradient is a mean over pieces.
        """
        n = np.array([rows for rows, _ in parts], dtype=np.float64)
        losses, squares, lengths, rates = np.array([figures for _, figures in parts]).T
        loss, mean_weight = float(losses.sum()), settings["mean_weight"]
        if mean_weight > 0.0:
            of_row = 0.5 * settings["scale"] / mean_weight
            steps = np.ceil(n / self.batch_size)
            penalty = (losses - of_row * squares / n) @ steps / steps.sum()
            loss = of_row * float(squares.sum()) / float(n.sum()) + float(penalty)
        return np.array([loss, squares.sum(), lengths @ n / n.sum(), rates[0]])

    def _use(
        self,
        state: State,
        settings: dict[str, Any],
        rates: FloatArray,
        piece: _Piece,
        epoch: int,
        k: int,
    ) -> tuple[FloatArray, bool]:
        """Step over the rows of a piece; its figures, and whether its loss is one."""
        features, targets, weights = piece
        n, p = features.n_samples, features.n_columns
        of_piece = {**settings, "tolerance": -1.0, "limit": _LEEWAY * settings["limit"]}
        if settings["mean_weight"] == 0.0:  # the penalty of a sum, of which a piece bears its share
            of_piece["penalty"] = settings["penalty"] * n / self.n_samples
        plan = kernels.plan_sampling(self.sampling, n, p, self.batch_size)
        order = np.zeros(plan["table_size"], dtype=np.uint32)
        (seed,) = np.random.SeedSequence([self.seed, epoch, k]).generate_state(1).tolist()
        state.counters[Counter.EPOCHS] = epoch
        state.numbers[Number.BEST_LOSS] = np.inf
        history, _ = room_for(1, state, keep_path=False)
        done, outcome = 0, "running"
        while not done and outcome == "running":  # every call uses a window of rows
            before = state.counters.copy()
            done, outcome = kernels.descend_batches(
                features.source,
                targets.source,
                weights,
                self.standard,
                of_piece,
                self.sampling,
                self.batch_size,
                seed,
                None,
                None,
                max(1, WORK_PER_CALL // p),
                self.n_threads,
                order,
                state.vectors,
                state.numbers,
                state.counters,
                np.ascontiguousarray(rates[:1]),
                history,
                None,
            )
            if outcome == "running" and np.array_equal(before, state.counters):
                raise RuntimeError("a call of the kernel of batches has used no row")
        return history[:, 0], outcome != "diverged"

    def _pieces(self, epoch: int) -> Any:
        """Rows in whole batches, but for the last ones: of one chunk, or what chunks have left and the next begins."""
        rest: _Piece | None = None
        size, n_rows = self.batch_size, 0
        order = partial(_permuted, self.seed, epoch) if self.sampling == "shuffle" else None
        for rows in self.stream.in_turn(order):
            piece: _Piece = rows.features, rows.targets, rows.weights
            n, first = rows.features.n_samples, 0
            n_rows += n
            if rest is not None:
                first = min(n, size - rest[0].n_samples)
                rest = _joined(rest, _part(piece, 0, first))
                if rest[0].n_samples < size:
                    continue
                yield rest
                rest = None
            last = n - (n - first) % size
            if last > first:
                yield _part(piece, first, last)
            if last < n:
                rest = _joined(_part(piece, last, n), None)
        if rest is not None:
            yield rest
        if n_rows != self.n_samples:
            raise InputError(
                f"{self.stream.label} had {self.n_samples} rows that count when it was read first, and {n_rows} now: "
                "pass what gives the same rows each time."
            )


def _permuted(seed: int, epoch: int, n_chunks: int) -> Sequence[int]:
    order: list[int] = np.random.default_rng([seed, epoch]).permutation(n_chunks).tolist()
    return order


def _part(piece: _Piece, first: int, last: int) -> _Piece:
    features, targets, weights = piece
    if first == 0 and last == features.n_samples:
        return piece
    rows = slice(first, last)
    return (
        features.take_rows(rows),
        targets.take_rows(rows),
        None if weights is None else weights[rows],
    )


def _joined(first: _Piece, second: _Piece | None) -> _Piece:
    """Few rows of one or two pieces, copied."""
    parts = [first] if second is None else [first, second]
    X = np.concatenate([np.asarray(part[0].as_matrix(), dtype=np.float64) for part in parts])
    y = np.concatenate([np.asarray(part[1].as_matrix(), dtype=np.float64) for part in parts])
    weights = [part[2] for part in parts if part[2] is not None]
    names, labels = first[0].names, first[1].names
    return (
        Columns(X, len(X), X.shape[1], names),
        Columns(y, len(y), 1, labels, True),
        np.concatenate(weights) if weights else None,
    )


def _watched(state: State, settings: dict[str, Any], loss: float) -> str:
    """How an epoch of this loss ends, as kernels judge it, once the state has heard of it."""
    if not loss <= settings["limit"]:
        return "diverged"
    lowest, tolerance = state.best_loss, settings["tolerance"]
    is_better = math.isinf(lowest) or loss < lowest * (1.0 - tolerance)
    state.counters[Counter.STALE] = 0 if is_better else state.counters[Counter.STALE] + 1
    if loss < lowest:
        state.numbers[Number.BEST_LOSS] = loss
        state.vectors[VectorRow.BEST] = state.vectors[VectorRow.THETA]
    if tolerance < 0.0:
        return "running"
    is_stale = state.counters[Counter.STALE] >= settings["patience"] or loss == 0.0
    return "stalled" if is_stale else "running"
