"""All that moments know of the rows, as the kernels take it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray

__all__ = ["PRECISIONS", "State"]

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

    @property
    def precision(self) -> str:
        """Arithmetic that the cross-products were accumulated in."""
        return PRECISIONS[self.cross.ndim - 2]

    @property
    def leading(self) -> FloatArray:
        """Cross-products of the scaled columns, rounded to float64."""
        return self.cross if self.cross.ndim == 2 else self.cross[0]

    def on_scale(self, scale: FloatArray) -> State:
        """The same moments with columns scaled by other powers of two."""
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

    def checked(self) -> State:
        """Itself, unless a sum of squares has left the range of float64."""
        outside = np.flatnonzero(~np.isfinite(self.leading.diagonal()))
        if outside.size:
            name = (*self.feature_names, *self.target_names)[outside[0]]
            raise InputError(
                f"the sums of squares of column {name!r} exceed the range of float64 (about 1e308) once these moments "
                "are combined: divide the column by a power of two before building them."
            )
        return self
