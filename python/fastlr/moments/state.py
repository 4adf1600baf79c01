"""All that moments know of the rows, as the kernels take it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray

__all__ = ["PRECISIONS", "State", "deviations_of", "means_of", "no_scale"]

PRECISIONS = ("double", "double_double")


class State(NamedTuple):
    """Weight, means and cross-products of q scaled columns: features, then targets. Never changed, only replaced."""

    n_samples: int
    total_weight: float
    sum_log_weight: float
    scale: FloatArray
    """Powers of two (q,), other than 1 only for columns whose squares leave the range of float64."""
    mean: FloatArray
    """Means of the scaled columns, an unevaluated sum: (2, q)."""
    cross: FloatArray
    """Centred cross-products of the scaled columns, (q, q); in double-double an unevaluated sum, (2, q, q)."""
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    summed_squares: FloatArray
    """Upper bound (q,) of the sums of squares that were rounded on the way; at least the diagonal of cross."""
    n_dropped: int = 0
    """Rows that were left out because a value was missing."""

    @property
    def precision(self) -> str:
        """Arithmetic that the cross-products were accumulated in."""
        return PRECISIONS[self.cross.ndim - 2]

    @property
    def leading(self) -> FloatArray:
        """Cross-products of the scaled columns, rounded to float64."""
        return self.cross if self.cross.ndim == 2 else self.cross[0]

    def products(self, fit_intercept: bool) -> FloatArray:
        """Cross-products of the scaled columns about their means, or without an intercept about zero."""
        if fit_intercept:
            return self.leading
        self.check_raw_squares()
        mean = self.mean.sum(axis=0)
        about_zero: FloatArray = self.leading + self.total_weight * np.outer(mean, mean)
        return about_zero

    @property
    def n_features(self) -> int:
        """Number of features p, without the intercept."""
        return len(self.feature_names)

    @property
    def column_means(self) -> FloatArray:
        """Weighted means (q,) of features, then targets, in their own units."""
        return means_of(self.mean, self.scale, len(self.scale))

    @property
    def column_deviations(self) -> FloatArray:
        """Weighted population standard deviations (q,) of features, then targets, in their own units."""
        return deviations_of(
            self.leading.diagonal(), self.total_weight, self.scale, len(self.scale)
        )

    def on_scale(self, scale: FloatArray) -> State:
        """Return these moments for columns scaled by other powers of two."""
        if np.array_equal(scale, self.scale):
            return self
        with np.errstate(under="ignore"):
            change = scale / self.scale
            return self._replace(
                scale=scale,
                mean=self.mean * change,
                cross=self.cross * change * change[:, np.newaxis],
                summed_squares=self.summed_squares * change * change,
            )

    def taken(
        self,
        columns: npt.NDArray[np.intp],
        feature_names: tuple[str, ...],
        target_names: tuple[str, ...],
    ) -> State:
        """Return the moments of some of the columns, features before targets, under these names."""
        return self._replace(
            scale=self.scale[columns],
            mean=np.ascontiguousarray(self.mean[:, columns]),
            cross=np.ascontiguousarray(self.cross[..., columns[:, np.newaxis], columns]),
            feature_names=feature_names,
            target_names=target_names,
            summed_squares=self.summed_squares[columns],
        )

    def checked(self) -> State:
        """Return this state, or raise an `InputError` if a sum of squares has left the range of float64."""
        outside = np.flatnonzero(~np.isfinite(self.leading.diagonal()))
        if outside.size:
            name = (*self.feature_names, *self.target_names)[outside[0]]
            raise InputError(
                f"the sums of squares of column {name!r} exceed the range of float64 (about 1e308) once these moments "
                "are combined: divide the column by a power of two before building them."
            )
        return self

    def check_raw_squares(self) -> None:
        """Fits without intercept need squares about zero, not about the mean: refuse those out of range."""
        with np.errstate(over="ignore"):
            squares = self.total_weight * np.square(self.mean[0])
        outside = np.flatnonzero(~np.isfinite(squares))
        if outside.size:
            name = (*self.feature_names, *self.target_names)[outside[0]]
            raise InputError(
                f"the squares of column {name!r} (mean {self.column_means[outside[0]]:.3g}) exceed the range of "
                "float64 without an intercept: divide it by a power of two, or fit an intercept."
            )


def means_of(mean: FloatArray, scale: FloatArray, n_columns: int) -> FloatArray:
    """Means of the first columns in their own units, from those (2, q) of scaled columns."""
    with np.errstate(over="ignore"):  # of columns beyond the range
        means: FloatArray = mean[:, :n_columns].sum(axis=0) / scale[:n_columns]
    return means


def deviations_of(
    squares: FloatArray, total_weight: float, scale: FloatArray, n_columns: int
) -> FloatArray:
    """Population standard deviations of the first columns in their own units, from squares (q,) of scaled ones."""
    variance = np.maximum(squares[:n_columns], 0.0) / total_weight
    deviations: FloatArray = np.sqrt(variance) / scale[:n_columns]
    return deviations


@lru_cache(maxsize=16)
def no_scale(n_columns: int) -> FloatArray:
    """Ones (n_columns,): the scale of columns whose squares are in the range of float64."""
    ones = np.ones(n_columns)
    ones.flags.writeable = False
    return ones
