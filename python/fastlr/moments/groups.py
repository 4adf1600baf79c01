"""Sums of columns by the levels of a category, and how often levels of two categories meet."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.inference.level_sums import GroupSums, group_sums
from fastlr.input.coded import Indicator

__all__ = ["GroupSums", "contingency", "group_sums"]


def contingency(rows: Indicator, columns: Indicator, weights: npt.NDArray[Any] | None) -> Any:
    """Weights of the rows in which levels of two categories meet: a sparse array (n_levels, n_levels)."""
    from scipy import sparse

    values = np.ones(len(rows.codes)) if weights is None else weights.astype(np.float64)
    table = sparse.coo_array(
        (values, (rows.codes, columns.codes)), shape=(rows.n_levels, columns.n_levels)
    )
    return table.tocsr()
