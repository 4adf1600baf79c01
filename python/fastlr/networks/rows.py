"""The rows that a network is trained on, their statistics, and how it sees them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.arguments import as_features, as_targets, as_weights
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.names import check_same_features, default_names, default_targets
from fastlr.input.refusals import refuse_bad_weights, refuse_non_finite
from fastlr.moments.moments import moments_of_columns

__all__ = ["NetworkRows", "Scales", "as_network_rows"]

_TOGETHER = 16  # columns whose means and variances are taken together
_LARGEST_SQUARES = 1e250
_AT_ONCE = 1 << 22  # values between which Ctrl-C is heard


@dataclass(frozen=True)
class NetworkRows:
    """Validated rows where they lie: features, one or several targets, weights, names and statistics."""

    features: Columns
    targets: Columns
    weights: npt.NDArray[Any] | None
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    total_weight: float
    mean_y: FloatArray
    std_y: FloatArray
    n_threads: int

    @cached_property
    def _of_features(self) -> tuple[FloatArray, FloatArray]:
        """Means of the features, and sums of squares about them, by passes over the rows."""
        p, names = self.features.n_columns, self.feature_names
        groups = [slice(j, min(p, j + _TOGETHER)) for j in range(0, p, _TOGETHER)]
        t, labels = self.targets.n_columns, self.target_names
        moments = [
            moments_of_columns(
                self.features.take_columns(group),
                self.targets,
                self.weights,
                names[group],
                labels,
                self.n_threads,
            )
            for group in groups
        ]
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.concatenate([m.cross_products.diagonal()[:-t] for m in moments])
            return np.concatenate([m.mean[:-t] for m in moments]), squares

    @property
    def mean_x(self) -> FloatArray:
        """Means of the features."""
        return self._of_features[0]

    @property
    def std_x(self) -> FloatArray:
        """Population standard deviations of the features."""
        return np.asarray(np.sqrt(np.maximum(self._of_features[1], 0.0) / self.total_weight))

    def refuse_out_of_range(self) -> None:
        """Raise an error if a feature is not finite, or its squares sum to more than networks can take."""
        if self.weights is None and _are_small(self.features.source):
            return
        _refuse_out_of_range(self._of_features[1], self.feature_names)

    @property
    def n_samples(self) -> int:
        """The number of rows, those of weight zero included."""
        return self.features.n_samples

    @property
    def arguments(self) -> tuple[Any, Any, Any]:
        """X, y and the weights, as the kernels take them."""
        return self.features.source, self.targets.source, self.weights

    @property
    def loss_of_means(self) -> float:
        """Half the mean of squares that the means of the targets leave, summed over the targets."""
        return 0.5 * float(self.std_y @ self.std_y)


def as_network_rows(
    X: object,
    y: object,
    sample_weight: object = None,
    *,
    n_threads: int = 1,
    like: tuple[str, ...] | None = None,
    owner: str = "the network",
    argument: str = "X",
) -> NetworkRows:
    """Validate rows and take their statistics in one pass; ``like`` are the features that they must have.

    Raises
    ------
    InputError, InputTypeError
        If shapes do not belong together, or a value is NaN or infinite.
    """
    features = as_features(X, argument=argument)
    targets = as_targets(y, features.n_samples, index=features.index)
    names = features.names or default_names(features.n_columns)
    if like is not None:
        check_same_features(features, like, argument=argument, owner=owner)
        names = like
    weights = as_weights(sample_weight, features.n_samples, index=features.index)
    labels = targets.names or default_targets(targets.n_columns)
    t = targets.n_columns
    if weights is not None:
        refuse_bad_weights(weights)
    total = float(targets.n_samples) if weights is None else float(weights.sum(dtype=np.float64))
    with np.errstate(over="ignore", invalid="ignore"):
        of_targets = [_mean_and_squares(targets.column(k), weights) for k in range(t)]
    mean_y, of_y = np.array(of_targets).T
    rows = NetworkRows(
        features=features,
        targets=targets,
        weights=weights,
        feature_names=names,
        target_names=labels,
        total_weight=total,
        mean_y=mean_y,
        std_y=np.sqrt(of_y / total),
        n_threads=n_threads,
    )
    rows.refuse_out_of_range()
    if not np.isfinite(of_y).all():
        refuse_non_finite(targets, labels, argument="y")
    _refuse_out_of_range(of_y, labels)
    return rows


def _mean_and_squares(
    column: npt.NDArray[Any], weights: npt.NDArray[Any] | None
) -> tuple[float, float]:
    """The mean of a target, and the sum of its squares about the mean."""
    y = np.asarray(column, dtype=np.float64)
    mean = np.average(y, weights=weights)
    r = y - mean
    # Not by BLAS, whose threads would go on spinning.
    return float(mean), float(np.einsum("i,i->", r, r if weights is None else weights * r))


def _are_small(source: object) -> bool:
    """Whether a matrix lies in one piece, and all its squares together are far inside of the range of its type."""
    if not isinstance(source, np.ndarray) or source.dtype not in (np.float64, np.float32):
        return False
    if not source.flags.c_contiguous and not source.flags.f_contiguous:
        return False
    values = source.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        squares = sum(
            float(np.einsum("i,i->", part, part))
            for part in (values[i : i + _AT_ONCE] for i in range(0, values.size, _AT_ONCE))
        )
    return squares < _LARGEST_SQUARES


def _refuse_out_of_range(squares: FloatArray, names: tuple[str, ...]) -> None:
    outside = np.flatnonzero(~(squares < _LARGEST_SQUARES))
    if outside.size:
        raise InputError(
            f"the squares of column {names[outside[0]]!r} sum to {squares[outside[0]]:.3g}: a network would leave the "
            "range of float64. Scale the column by a power of ten."
        )


@dataclass(frozen=True)
class Scales:
    """What a network sees of features and targets: z = (x - centre) * factor, or the values themselves."""

    feature_centre: FloatArray | None = None
    feature_factor: FloatArray | None = None
    target_centre: FloatArray | None = None
    target_factor: FloatArray | None = None

    @classmethod
    def of(cls, rows: NetworkRows) -> Scales:
        """Standardise features and targets by mean and standard deviation; a constant column keeps its scale."""
        return cls(
            rows.mean_x,
            _factors(rows.std_x, rows.mean_x),
            rows.mean_y,
            _factors(rows.std_y, rows.mean_y),
        )

    @property
    def standard(self) -> FloatArray | None:
        """Centre and factor of the features, each padded to a multiple of eight; None if they are left alone."""
        if self.feature_centre is None or self.feature_factor is None:
            return None
        p = len(self.feature_centre)
        padded = np.zeros((2, (p + 7) // 8 * 8))
        padded[0, :p], padded[1, :p] = self.feature_centre, self.feature_factor
        return padded

    @property
    def target_standard(self) -> FloatArray | None:
        """Centre and factor of the targets, (2, n_targets); None if they are left alone."""
        if self.target_centre is None or self.target_factor is None:
            return None
        return np.array([self.target_centre, self.target_factor])

    def of_target_squares(self, n_targets: int) -> FloatArray:
        """What multiplies squared errors of the targets in the loss that a network sees."""
        return np.ones(n_targets) if self.target_factor is None else self.target_factor**2


def _factors(std: FloatArray, mean: FloatArray) -> FloatArray:
    varies = std > 4e-16 * np.abs(mean)
    return np.asarray(1.0 / np.where(varies, std, 1.0))
