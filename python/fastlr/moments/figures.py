"""What moments tell of the rows that they have seen."""

from __future__ import annotations

import numpy as np

from fastlr.input.columns import FloatArray
from fastlr.moments.state import State

__all__ = ["Figures"]


class Figures:
    """The figures of moments: what `Moments` inherits, read from one state at a time."""

    __slots__ = ()

    _state: State

    @property
    def n_samples(self) -> int:
        """Rows seen; rows of weight zero do not count."""
        return self._state.n_samples

    @property
    def n_dropped(self) -> int:
        """Rows that were left out because a value was missing."""
        return self._state.n_dropped

    @property
    def total_weight(self) -> float:
        """Sum of the weights."""
        return self._state.total_weight

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features."""
        return self._state.feature_names

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the targets."""
        return self._state.target_names

    @property
    def n_features(self) -> int:
        """Number of features p, without the intercept."""
        return len(self.feature_names)

    @property
    def n_targets(self) -> int:
        """Number of targets."""
        return len(self.target_names)

    @property
    def precision(self) -> str:
        """Arithmetic that the moments were accumulated in, "double" or "double_double"."""
        return self._state.precision

    @property
    def sum_log_weight(self) -> float:
        """Sum of the logarithms of the positive weights (0 without weights), which the likelihood needs."""
        return self._state.sum_log_weight

    @property
    def mean(self) -> FloatArray:
        """Weighted means of features, then targets."""
        return self._state.column_means

    @property
    def std(self) -> FloatArray:
        """Weighted population standard deviations of features, then targets."""
        return self._state.column_deviations

    @property
    def cross_products(self) -> FloatArray:
        """Centred cross-products of features, then targets (a copy); infinite where they exceed float64."""
        state = self._state
        with np.errstate(over="ignore", under="ignore"):
            return state.leading / state.scale / state.scale[:, np.newaxis]
