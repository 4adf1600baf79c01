"""The rows of SGDRegressor: one target, and a share of the rows set aside."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import ShuffleSplit

from fastlr.descent.arguments import seeds_of
from fastlr.errors import InputError
from fastlr.estimators._shapes import as_one_target
from fastlr.input.arguments import as_targets
from fastlr.input.columns import Columns
from fastlr.input.names import default_names
from fastlr.input.refusals import refuse_bad_weights, refuse_non_finite

__all__ = ["as_vector", "split_rows"]


def as_vector(y: object, features: Columns) -> Columns:
    """Read y as one target; a single column is taken as one, with scikit-learn's warning."""
    targets = as_targets(y, features.n_samples, index=features.index)
    if targets.n_columns != 1:
        raise InputError(
            f"y should be a 1d array, got an array of {targets.n_columns} columns instead: pass one target."
        )
    return as_one_target(targets)


def split_rows(
    features: Columns,
    target: Columns,
    weights: npt.NDArray[Any] | None,
    share: float,
    random_state: Any,
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """Split rows at random, by copying, into those to learn from and those that scikit-learn would set aside.

    All of them are checked first, as long as their numbers are those that the user knows.
    """
    n_samples = features.n_samples
    n_held_out = math.ceil(share * n_samples)
    if n_held_out >= n_samples:
        raise InputError(
            f"validation_fraction={share!r} sets all {n_samples} rows aside and leaves none to "
            "learn from: pass a smaller share, or more rows."
        )
    names = features.names or default_names(features.n_columns)
    refuse_non_finite(features, names, argument="X")
    refuse_non_finite(target, target.names or ("y",), argument="y")
    if weights is not None:
        refuse_bad_weights(weights)
    splitter = ShuffleSplit(1, test_size=share, random_state=_as_scikit_learns(random_state))
    learned, held_out = map(np.sort, next(splitter.split(np.empty(n_samples))))
    for rows, fate in ((learned, "to learn from"), (held_out, "set aside")):
        if weights is not None and not weights[rows].any():
            raise InputError(
                f"sample_weight is zero in all {len(rows)} rows {fate}: pass another validation_fraction (now "
                f"{share!r}) or random_state, or more rows of positive weight."
            )

    def part(rows: npt.NDArray[np.int64]) -> tuple[Any, Any, Any]:
        return (
            features.take_rows(rows),
            target.take_rows(rows),
            None if weights is None else weights[rows],
        )

    return part(learned), part(held_out)


def _as_scikit_learns(random_state: Any) -> Any:
    """Return what scikit-learn knows as it is, and of other seeds a number made of them."""
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return random_state
    if isinstance(random_state, int | np.integer) and 0 <= random_state < 2**32:
        return int(random_state)
    return seeds_of(random_state)[0] % 2**32
