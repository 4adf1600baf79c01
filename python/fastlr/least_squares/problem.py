"""What is to be fitted, and what a solution of it is: in scaled columns, and in the user's units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from fastlr.inference.inverse import CrossInverse
from fastlr.input.coded import CodedColumns
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.row_stream import RowChunk
from fastlr.least_squares.stream_view import StreamView, with_zeros
from fastlr.moments.passes import pass_over
from fastlr.moments.state import State

__all__ = [
    "Problem",
    "RootError",
    "RowSummary",
    "ScaledSolution",
    "Solution",
]


T = TypeVar("T")


class Problem(NamedTuple):
    """The rows of a fit, validated, and what is to be fitted to them."""

    features: Columns
    targets: Columns
    weights: npt.NDArray[Any] | None
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    fit_intercept: bool
    n_threads: int | None
    n_terms: int = 1
    """Features are unevaluated sums of so many terms; ``features`` holds an array of all columns for each term."""
    n_dropped: int = 0
    """Rows that were left out because a value was missing."""
    keep: npt.NDArray[np.bool_] | None = None
    """Which of the caller's rows are left, where some were left out and that is known."""
    offset_squares: FloatArray | None = None
    """Sums of squares (p,) of what was subtracted from the features before: to their rounding they are known."""
    stream: StreamView | None = None
    """Where the rows come from if they come in chunks: features and targets then have numbers of columns alone."""

    def over_rows(
        self,
        kernel: Callable[[Problem], T],
        in_chunks: Callable[[Problem], T],
        merge: Callable[[T, T], T],
    ) -> T:
        """``kernel`` on all rows; of those of a stream ``in_chunks`` on every chunk, and what it gives merged."""
        view = self.stream
        if view is None:
            return kernel(self)

        alone, n_targets, n_zeros = self._replace(stream=None), view.n_targets, view.n_zeros

        def of_chunk(rows: RowChunk) -> T:  # which may be carried to another machine
            return in_chunks(
                alone._replace(
                    features=rows.features,
                    targets=with_zeros(rows.targets, n_targets, n_zeros),
                    weights=rows.weights,
                    n_threads=rows.n_threads,
                )
            )

        return view.rows.map_merge(of_chunk, merge)

    def with_zero_targets(self, n_targets: int, n_zeros: int) -> Problem:
        """The first targets, followed by others that are zero in every row."""
        if self.stream is None:
            return self._replace(targets=with_zeros(self.targets, n_targets, n_zeros))
        return self._replace(
            targets=Columns([], self.features.n_samples, n_targets + n_zeros),
            stream=self.stream.with_zeros(n_targets, n_zeros),
        )

    @property
    def rows_of_slots(self) -> int:
        """The number of rows that plans of slots are made for: those of streams come merged, as if of one row."""
        return self.features.n_samples if self.stream is None else 1

    @property
    def n_features(self) -> int:
        """Number of features p, without the intercept."""
        return self.features.n_columns // self.n_terms

    def take_features(self, columns: Sequence[int]) -> Problem:
        """Some of the features, by position."""
        offsets = self.offset_squares
        return self._replace(
            features=self.features.take_columns(columns),
            feature_names=tuple(self.feature_names[j] for j in columns),
            offset_squares=None if offsets is None else offsets[list(columns)],
        )

    def take_rows(self, rows: slice | npt.NDArray[np.intp]) -> Problem:
        """Some of the rows, by position; a slice copies nothing."""
        return self._replace(
            features=self.features.take_rows(rows),
            targets=self.targets.take_rows(rows),
            weights=None if self.weights is None else self.weights[rows],
        )

    def take_columns(self, columns: npt.NDArray[np.intp]) -> Problem:
        """Some of the features, by position, where they come as one term; nothing is copied."""
        return self._replace(
            features=self.features.take_columns([int(j) for j in columns]),
            feature_names=tuple(self.feature_names[j] for j in columns),
        )

    def pass_over(self, precision: str = "double") -> tuple[State, int]:
        """The rows' moments, and how many passes they took."""
        return pass_over(
            self.leading_features,
            self.targets,
            self.weights,
            self.feature_names,
            self.target_names,
            self.n_threads,
            precision,
        )

    @property
    def leading_features(self) -> Columns:
        """The features themselves, or the leading terms of features that come as unevaluated sums."""
        if self.n_terms == 1:
            return self.features
        if isinstance(self.features, CodedColumns):
            return self.features.take_columns(slice(0, self.n_features))
        leading = self.features.arrays[0]
        return self.features._replace(source=leading, n_columns=self.n_features)


class ScaledSolution(NamedTuple):
    """A solution for columns that are scaled by powers of two; its fields have the order of the kernels' tuple."""

    code: str
    rank: int
    condition_number: float
    scale: FloatArray
    mean: FloatArray
    root: FloatArray
    coef: FloatArray
    intercept: FloatArray
    rss: FloatArray
    tss: FloatArray
    length: FloatArray
    null_space: FloatArray
    contraction: float
    """By which factor a sweep with this root reduces the error, at most."""
    squared_condition: float
    """Condition number of the normal equations of the scaled columns, as their factor estimates it."""

    @property
    def n_varying(self) -> int:
        """Number of columns that are not constant."""
        return int(np.count_nonzero(self.length))


class RootError(NamedTuple):
    """How well a root of the inverse of the normal equations is known, and what it says of the intercept."""

    relative: float
    """Estimated relative error of standard errors."""
    intercept: float | None
    """Standard error of the intercept by that of a residual; None where the root tells it."""


class Solution(NamedTuple):
    """A solution in the user's units; arrays have a row for each target.

    Up to ``residual_sd`` its fields have the order of the kernels' tuple.
    """

    coef: FloatArray
    intercept: FloatArray
    rss: FloatArray
    tss: FloatArray
    bse: FloatArray
    bse_intercept: FloatArray
    residual_sd: FloatArray
    solver: str
    code: str
    rank: int
    condition_number: float
    digits: float
    passes: int
    null_space: FloatArray
    """Rows N with ``sum_j N_kj x_j / length_j = 0`` for the centred columns."""
    length: FloatArray
    log_rss: FloatArray | None
    """log(rss) where rss itself may leave the range of float64, else None."""
    relevant_digits: float
    """As digits, but a coefficient that is zero beside what it is made of counts as if it were of y's size."""
    bse_digits: float
    """Right digits of the standard errors."""
    is_enough: bool = False
    """Whether normal equations alone are good enough for "auto"."""
    inverse: CrossInverse | None = None
    """What the covariance of the coefficients is made of, where it is known."""
    is_plain: bool = False
    """Whether the moments give the inverse as well as anything."""
    scaled: ScaledSolution | None = None
    """The solution in scaled columns that this one was made of, with a root for errors of its coefficients."""


@dataclass(frozen=True, slots=True)
class RowSummary:
    """What a fit tells about its rows, when there are no moments to tell it."""

    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    n_samples: int
    total_weight: float
    sum_log_weight: float
    column_means: FloatArray
    column_deviations: FloatArray

    @property
    def n_features(self) -> int:
        """Number of features p, without the intercept."""
        return len(self.feature_names)
