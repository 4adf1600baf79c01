"""What counts as rounding, for all rungs of the ladder; and sums of two numbers, in twice the working precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlr.input.columns import FloatArray

__all__ = [
    "DOUBTFUL",
    "INVOLVED",
    "MARGIN",
    "NEGLIGIBLE",
    "ROUNDING",
    "add_product_to",
    "add_to",
    "quotient",
]

DOUBTFUL = (
    1e-11  # squared distance from other columns, or rows, below which products say nothing certain
)
ROUNDING = 8.0  # units of rounding of the data that count as nothing
MARGIN = 100.0  # times the rounding of the data themselves: below is doubtful, too
INVOLVED = 1e-6  # share in a dependency, of columns at unit length, from which a column takes part
NEGLIGIBLE = 1e-25  # beside the terms that something is made of: zero but for rounding


def add_to(pair: FloatArray, value: Any) -> None:
    """Add values, in place, to the unevaluated sum ``pair[0] + pair[1]`` (TwoSum of Knuth)."""
    hi = pair[0] + value
    t = hi - pair[0]
    lo = pair[1] + ((pair[0] - (hi - t)) + (value - t))
    pair[0] = hi + lo
    pair[1] = lo - (pair[0] - hi)


def add_product_to(pair: FloatArray, x: FloatArray, y: FloatArray) -> None:
    """Add ``x * y``, in place, for unevaluated sums x (2, n) and y (2,), to the unevaluated sum ``pair`` (2, n)."""
    split = 134217729.0  # Dekker's: halves whose products are exact
    of_x, of_y = split * x[0], split * y[0]
    upper, factor = of_x - (of_x - x[0]), of_y - (of_y - y[0])
    lower, remainder = x[0] - upper, y[0] - factor
    product = x[0] * y[0]
    excess = ((upper * factor - product) + upper * remainder + lower * factor) + lower * remainder
    add_to(pair, product)
    add_to(pair, excess + (x[0] * y[1] + x[1] * y[0]))


def quotient(sums: FloatArray, count: FloatArray) -> FloatArray:
    """Sums (2, p) / count (2,), unevaluated sums all: what the first quotient leaves is divided once more."""
    high = sums[0] / count[0]
    split = 134217729.0  # Dekker's: halves whose products are exact
    of_high, of_count = split * high, split * count[0]
    upper, factor = of_high - (of_high - high), of_count - (of_count - count[0])
    lower, remainder = high - upper, count[0] - factor
    product = high * count[0]
    excess = ((upper * factor - product) + upper * remainder + lower * factor) + lower * remainder
    low = ((sums[0] - product) - excess + sums[1] - high * count[1]) / count[0]
    return np.stack([high, low])
