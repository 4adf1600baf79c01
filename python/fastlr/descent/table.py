"""The rows of a descent, what is known about them, and how they are standardised."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr._kernels.parts import in_parts
from fastlr.descent.row_loss import SQUARED, RowLoss
from fastlr.descent.streamed import largest_row_of_stream, loss_sums_of_stream
from fastlr.errors import InputError
from fastlr.input.arguments import as_features, as_targets, as_weights
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.names import check_same_features, default_names, warn_of_target_among_features
from fastlr.input.refusals import refuse_non_finite
from fastlr.input.row_stream import RowStream
from fastlr.input.sparse import SparseColumns
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of_columns
from fastlr.moments.streamed import refuse_beside_scan

__all__ = [
    "CHEAP_FEATURES",
    "MeasuredRows",
    "Rows",
    "ScannedRows",
    "Standardisation",
    "as_rows",
    "read_rows",
    "with_statistics",
]

CHEAP_FEATURES = 64  # up to so many, all moments cost hardly more than reading the rows
_CHEAP_SPARSE_FEATURES = 1024  # ... where rows are sparse
_LARGEST_SQUARES = 1e250
_TOGETHER = 16  # columns whose means and variances are taken together otherwise


@dataclass(frozen=True)
class Rows:
    """Validated rows where they lie: features, one target, weights, and their names."""

    features: Columns
    targets: Columns
    weights: npt.NDArray[Any] | None
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]

    @property
    def n_samples(self) -> int:
        """The number of rows, those of weight zero included."""
        return self.features.n_samples

    @property
    def n_features(self) -> int:
        """Number of features p, without the intercept."""
        return self.features.n_columns

    @property
    def arguments(self) -> tuple[Any, Any, Any]:
        """X, y and the weights, as the kernels take them."""
        return self.features.source, self.targets.source, self.weights


@dataclass(frozen=True)
class ScannedRows(Rows):
    """Rows that came in chunks, with their moments; columns have names and numbers alone."""

    found: Moments
    stream: RowStream

    @classmethod
    def of(cls, rows: RowStream) -> ScannedRows:
        """Rows of a scan, read in one pass."""
        _check_one_target(len(rows.target_names))
        found = Moments.from_rows(rows)
        n, names, labels = found.n_samples, found.feature_names, found.target_names
        columns = Columns([], n, len(names), names), Columns([], n, 1, labels, True)
        return cls(*columns, None, names, labels, found, rows)


@dataclass(frozen=True)
class MeasuredRows(Rows):
    """Rows with the statistics that every fit reports."""

    n_positive: int
    """The number of rows of positive weight."""
    total_weight: float
    sum_log_weight: float
    mean_x: FloatArray
    std_x: FloatArray
    """Population standard deviations of the features."""
    mean_y: float
    square_y: float
    """Sum of w (y - mean_y)^2."""
    moments: Moments | None
    stream: RowStream | None = None
    """Where the rows come from if they come in chunks: columns then have names and numbers alone."""

    @property
    def squares_of_zero(self) -> float:
        """Sum of w y^2: what the coefficients zero leave."""
        return self.square_y + self.total_weight * self.mean_y * self.mean_y

    def loss_sums(
        self, theta: FloatArray, n_threads: int, row_loss: RowLoss = SQUARED
    ) -> tuple[float, FloatArray]:
        """Take sum w r^2 and (X' (w r), sum w r) at the parameters (coef, intercept), in one pass over the rows.

        Of another loss l than r^2 / 2, these are the sums with 2 l(r) for r^2 and l'(r) for r.
        """
        if self.stream is not None:
            return loss_sums_of_stream(self.stream, theta, row_loss)
        n, p = self.n_samples, self.n_features
        for part, slots in in_parts(kernels.plan_loss(n, p)):
            kernels.accumulate_loss(
                *self.arguments,
                np.ascontiguousarray(theta),
                part,
                n_threads,
                slots,
                row_loss.kind,
                row_loss.epsilon,
            )
        squares, gradient = kernels.add_loss_slots(n, p, slots)
        return float(squares), gradient

    def largest_row(self, standard: FloatArray | None, n_threads: int) -> tuple[float, float]:
        """The largest squared length of a (standardised) row, and the largest weight."""
        if self.stream is not None:
            return largest_row_of_stream(self.stream, standard)
        step = max(4096, (1 << 25) // self.n_features)
        norm: float = max(
            kernels.largest_row_norm(
                *self.arguments, standard, first, min(self.n_samples, first + step), n_threads
            )
            for first in range(0, self.n_samples, step)
        )
        return norm, 1.0 if self.weights is None else float(self.weights.max())


@dataclass(frozen=True)
class Standardisation:
    """What descent sees of x, z = (x - centre) * factor: the features themselves, or standardised ones."""

    centre: FloatArray
    factor: FloatArray
    is_trivial: bool
    note: str = ""
    """A sentence on columns that could not be scaled."""

    @classmethod
    def of(cls, measured: MeasuredRows, standardize: bool, fit_intercept: bool) -> Standardisation:
        """Standardise by mean (if there is an intercept) and standard deviation, or leave the features as they are."""
        if not standardize:
            return cls(np.zeros(measured.n_features), np.ones(measured.n_features), True)
        return cls._by(measured.std_x, measured, fit_intercept)

    @classmethod
    def even(cls, measured: MeasuredRows, fit_intercept: bool, ridge: float) -> Standardisation:
        """Make all columns equally steep: by the root of mean (x - centre)^2 + ridge.

        ``ridge`` is the penalty beside a mean of squares; without one, and with an intercept, this is standardising.
        """
        squares = measured.std_x**2 + ridge
        if not fit_intercept:
            squares = squares + measured.mean_x**2
        return cls._by(np.sqrt(squares), measured, fit_intercept)

    @classmethod
    def _by(cls, size: FloatArray, measured: MeasuredRows, fit_intercept: bool) -> Standardisation:
        with np.errstate(invalid="ignore"):
            constant = ~(size > 4e-16 * np.abs(measured.mean_x))
        names = [measured.feature_names[j] for j in np.flatnonzero(constant)]
        note = ""
        if names:
            listed = f"{', '.join(map(repr, names[:8]))}{' and others' if len(names) > 8 else ''}"
            note = (
                f"Column {listed} is constant and was left on its scale."
                if len(names) == 1
                else f"Columns {listed} are constant and were left on their scale."
            )
        centre = measured.mean_x if fit_intercept else np.zeros(measured.n_features)
        return cls(centre, 1.0 / np.where(constant, 1.0, size), False, note)

    def is_same(self, other: Standardisation) -> bool:
        """Whether another standardisation has exactly the same numbers."""
        return np.array_equal(self.centre, other.centre) and np.array_equal(
            self.factor, other.factor
        )

    @property
    def for_kernels(self) -> FloatArray | None:
        """Centre and factor, each padded to a multiple of eight; None where descent sees the features as they are."""
        if self.is_trivial:
            return None
        p = len(self.centre)
        padded = np.zeros((2, (p + 7) // 8 * 8))
        padded[0, :p], padded[1, :p] = self.centre, self.factor
        return padded

    def to_raw(self, theta: FloatArray) -> FloatArray:
        """Turn parameters for z, (..., coef + intercept), into those for x; each row comes out as it would alone."""
        raw = theta.copy()
        if not self.is_trivial:
            raw[..., :-1] *= self.factor
            raw[..., -1] -= (raw[..., :-1] * self.centre).sum(axis=-1)
        return raw

    def from_raw(self, theta: FloatArray) -> FloatArray:
        """Turn parameters for x, (..., coef + intercept), into those for z."""
        scaled = theta.copy()
        scaled[..., -1] += theta[..., :-1] @ self.centre
        scaled[..., :-1] /= self.factor
        return scaled


def as_rows(
    X: object, y: object, sample_weight: object, *, like: tuple[str, ...] | None = None
) -> Rows:
    """Validate rows without reading their values; those of a scan are read, and become moments.

    ``like`` are the features that a validation set must share.
    """
    if isinstance(X, RowStream):
        refuse_beside_scan(y=y, sample_weight=sample_weight)
        return ScannedRows.of(X)
    features = as_features(X)
    targets = as_targets(y, features.n_samples, index=features.index)
    _check_one_target(targets.n_columns)
    names = features.names or default_names(features.n_columns)
    if like is not None:
        check_same_features(features, like, argument="the validation set's X", owner="X")
        names = like
    else:
        warn_of_target_among_features(features, targets)
    weights = as_weights(sample_weight, features.n_samples, index=features.index)
    return Rows(features, targets, weights, names, targets.names or ("y",))


def _check_one_target(n_targets: int) -> None:
    if n_targets != 1:
        raise InputError(
            f"y has {n_targets} columns: gradient descent fits one target, so pass one column at a time."
        )


def with_statistics(rows: Rows, n_threads: int, *, need_moments: bool) -> MeasuredRows:
    """Take the statistics of rows in one pass, or in a few over narrow groups of columns if there are many."""
    p, names, labels = rows.n_features, rows.feature_names, rows.target_names
    is_thin = isinstance(rows.features, SparseColumns) and p <= _CHEAP_SPARSE_FEATURES
    if need_moments or p <= CHEAP_FEATURES or is_thin:
        groups = [slice(0, p)]
    else:
        groups = [slice(j, min(p, j + _TOGETHER)) for j in range(0, p, _TOGETHER)]
    if isinstance(rows, ScannedRows):
        moments = [rows.found]
    else:
        moments = [
            moments_of_columns(
                rows.features.take_columns(group),
                rows.targets,
                rows.weights,
                names[group],
                labels,
                n_threads,
            )
            for group in groups
        ]
    first = moments[0]
    mean_x = np.concatenate([m.mean[:-1] for m in moments])
    with np.errstate(over="ignore", invalid="ignore"):
        of_x = np.concatenate([m.cross_products.diagonal()[:-1] for m in moments])
        square_y = float(first.cross_products[-1, -1])
        reach = np.append(of_x + first.total_weight * mean_x**2, square_y)
        reach[-1] += first.total_weight * np.float64(first.mean[-1]) ** 2
    if not math.isfinite(square_y):
        refuse_non_finite(rows.targets, labels, argument="y")
    _refuse_out_of_range(reach, (*names, *labels), float(first.mean[-1]))
    return MeasuredRows(
        **{field.name: getattr(rows, field.name) for field in fields(Rows)},
        n_positive=first.n_samples,
        total_weight=first.total_weight,
        sum_log_weight=first.sum_log_weight,
        mean_x=mean_x,
        std_x=np.sqrt(np.maximum(of_x, 0.0) / first.total_weight),
        mean_y=float(first.mean[-1]),
        square_y=square_y,
        moments=first if len(moments) == 1 else None,
        stream=rows.stream if isinstance(rows, ScannedRows) else None,
    )


def read_rows(
    X: object,
    y: object,
    sample_weight: object,
    n_threads: int,
    *,
    need_moments: bool,
    like: tuple[str, ...] | None = None,
) -> MeasuredRows:
    """Validate rows and take their statistics; ``like`` are the features that a validation set must share."""
    rows = as_rows(X, y, sample_weight, like=like)
    return with_statistics(rows, n_threads, need_moments=need_moments)


def _refuse_out_of_range(squares: FloatArray, names: tuple[str, ...], mean_y: float) -> None:
    """Raise where squares are so large, or so small, that steps would leave the range of float64."""
    outside = np.flatnonzero(~(squares < _LARGEST_SQUARES))
    if not outside.size and mean_y != 0.0 and squares[-1] < 1.0 / _LARGEST_SQUARES:
        outside = np.array([len(names) - 1])
    if outside.size:
        raise InputError(
            f"the squares of column {names[outside[0]]!r} sum to {squares[outside[0]]:.3g}: gradient descent would "
            "leave the range of float64. Scale the column by a power of ten, or call fastlr.ols, which takes any size."
        )
