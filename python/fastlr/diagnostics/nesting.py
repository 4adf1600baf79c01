"""Are two fits of the same rows, and is one part of the other? What they remember tells."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.results import LinearFit

__all__ = ["check_nested", "check_same_rows"]

_SAME = (
    1e-9  # of means and deviations, by the column's size: rounding of different ways to take them
)
_MORE = 1e-9  # by which a larger model's sum of squares may be the larger one


def check_same_rows(first: LinearFit, second: LinearFit, position: int) -> None:
    """Refuse fits of other rows, targets or weights, as far as their counts and moments tell."""
    pair = f"fits {position} and {position + 1}"
    if first.weight_type != second.weight_type:
        raise InputError(
            f"{pair} take weights for {first.weight_type!r} and {second.weight_type!r}: fit both with one weight_type."
        )
    if tuple(first.target_names) != tuple(second.target_names):
        raise InputError(
            f"{pair} are of different targets, {', '.join(first.target_names)} and {', '.join(second.target_names)}: "
            "only fits of the same target can be compared."
        )
    if first.n_samples != second.n_samples:
        missing = max(first.n_dropped, second.n_dropped)
        why = " (rows with missing values were left out)" if missing else ""
        raise InputError(
            f"{pair} are of {first.n_samples} and {second.n_samples} rows{why}: fit both on the same rows."
        )
    if abs(first.total_weight - second.total_weight) > _SAME * first.total_weight:
        raise InputError(
            f"{pair} have weights that add up to {first.total_weight:g} and {second.total_weight:g}: fit both with the "
            "same sample_weight."
        )
    mean, std = (np.atleast_1d(np.asarray(v)) for v in (first.target_mean, first.target_std))
    others = (np.atleast_1d(np.asarray(v)) for v in (second.target_mean, second.target_std))
    if not _are_same(mean, std, *others).all():
        raise InputError(
            f"{pair} are of targets with other means or deviations: fit both on the same rows, targets and weights."
        )
    shared = [name for name in first.feature_names if name in second.feature_names]
    if shared and first.has_feature_names and second.has_feature_names:
        left = _columns(first, [first.feature_names.index(name) for name in shared])
        right = _columns(second, [second.feature_names.index(name) for name in shared])
        same = _are_same(*left, *right)
        if not same.all():
            name = shared[int(np.argmin(same))]
            raise InputError(
                f"{pair} have features {name!r} with other means or deviations: fit both on the same rows and weights."
            )


def check_nested(
    first: LinearFit, second: LinearFit, position: int, target: int, is_certain: bool
) -> None:
    """Refuse fits of which neither has all that the other has, as far as ranks, names and moments tell."""
    pair = f"fits {position} and {position + 1}"
    of_first, of_second = (fit.rank + fit.fit_intercept for fit in (first, second))
    small, large = (first, second) if of_first <= of_second else (second, first)
    rss = [float(np.atleast_1d(fit.rss)[target]) for fit in (small, large)]
    tss = float(np.atleast_1d(np.asarray(large.uncentered_tss))[target])
    if rss[1] > rss[0] * (1.0 + _MORE) + 1e-20 * tss:
        raise InputError(
            f"{pair} are not nested: that with more parameters leaves {rss[1]:g} of the sum of squares and that with "
            f"fewer {rss[0]:g}. Compare them by fit.aic or fit.bic."
        )
    if is_certain:
        return
    fix = "compare them by fit.aic or fit.bic, or pass nested=True if one is made of combinations of the other"
    if small.fit_intercept and not large.fit_intercept:
        raise InputError(
            f"{pair} are not nested as far as can be seen: only that with fewer parameters has an intercept; {fix}."
        )
    if small.has_feature_names and large.has_feature_names:
        lacking = [name for name in small.feature_names if name not in large.feature_names]
    else:
        own = _columns(large, range(large.n_features))
        lacking = []
        for j, name in enumerate(small.feature_names):
            column = _columns(small, [j])
            if not _are_same(*column, *own).any():
                lacking.append(name)
    if lacking:
        raise InputError(
            f"{pair} are not nested as far as can be seen: the one with more parameters has no feature "
            f"{lacking[0]!r}; {fix}."
        )
    if of_first == of_second and small.fit_intercept == large.fit_intercept and small is not large:
        raise InputError(
            f"{pair} have as many parameters as one another ({of_first}), so there is nothing to test: leave one out."
        )


def _columns(fit: LinearFit, columns: Iterable[int]) -> tuple[FloatArray, FloatArray]:
    chosen = list(columns)
    mean, std = (np.asarray(v, dtype=np.float64) for v in (fit.feature_mean, fit.feature_std))
    return mean[chosen], std[chosen]


def _are_same(
    mean: FloatArray, std: FloatArray, other: FloatArray, spread: FloatArray
) -> npt.NDArray[np.bool_]:
    """Which columns may be the same ones; what is not known may."""
    size = np.hypot(mean, std)
    differs = (np.abs(mean - other) > _SAME * size) | (np.abs(std - spread) > _SAME * size)
    same: npt.NDArray[np.bool_] = ~differs
    return same
