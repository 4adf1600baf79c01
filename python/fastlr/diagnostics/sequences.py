"""What terms explain, one after the other, from what a fit keeps of its cross-products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fastlr.inference.inverse import CrossInverse, upper_root
from fastlr.input.columns import FloatArray

__all__ = ["Geometry", "geometry_of"]


class Geometry:
    """A fit's features and its predictions, turned into as many coordinates as the rank.

    With ``K K' = (Z'WZ)^-1`` the columns of ``K^-1`` have the lengths and angles of those of ``sqrt(W) Z``, so that
    every regression of the predictions on some of the features is one of ``K^-1 b`` on some of its columns: r rows
    take the place of n.
    """

    def __init__(
        self, columns: FloatArray, fitted: FloatArray, positions: npt.NDArray[np.intp]
    ) -> None:
        self._columns = columns
        self._fitted = fitted
        self._positions = positions

    def explained(self, groups: Sequence[Sequence[int]]) -> tuple[FloatArray, list[int]]:
        """Sums of squares that groups of features add to those before them, and how many features are independent."""
        own = [[k for j in group if (k := int(self._positions[j])) >= 0] for group in groups]
        counts = [len(group) for group in own]
        basis = np.linalg.qr(self._columns[:, [k for group in own for k in group]])[0]
        along = np.square(basis.T @ self._fitted)
        ends = np.cumsum(counts)
        sums = [
            float(along[end - count : end].sum()) for end, count in zip(ends, counts, strict=True)
        ]
        return np.array(sums), counts


def geometry_of(inverse: CrossInverse, coef: FloatArray) -> Geometry | None:
    """The geometry of a fit without a penalty; None if columns that depend on others take part in it."""
    kept = inverse.root.any(axis=1)
    n_kept = int(np.count_nonzero(kept))
    if n_kept != inverse.root.shape[1] or np.any(coef[~kept]):
        return None
    columns = np.asarray(np.linalg.solve(upper_root(inverse.root[kept]), np.eye(n_kept)))
    positions = np.where(kept, np.cumsum(kept) - 1, -1)
    return Geometry(columns, columns @ (coef[kept] / inverse.scale[kept]), positions)
