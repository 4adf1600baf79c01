"""Sums and differences of moments: rows that are added, and rows that are taken away again."""

from __future__ import annotations

import numpy as np

from fastlr._kernels import kernels
from fastlr.errors import InputError
from fastlr.input.names import GeneratedNames
from fastlr.moments.state import State

__all__ = ["added", "taken_away"]


def added(first: State, second: State) -> State:
    """The moments of the rows of both summands together."""
    _check_mergeable(first, second)
    return (
        _combined(first, second, 1)
        ._replace(
            n_samples=first.n_samples + second.n_samples,
            sum_log_weight=first.sum_log_weight + second.sum_log_weight,
            n_dropped=first.n_dropped + second.n_dropped,
            feature_names=_given(first.feature_names, second.feature_names),
            target_names=_given(first.target_names, second.target_names),
        )
        .checked()
    )


def taken_away(whole: State, part: State) -> State:
    """Moments of the rows of ``whole`` that are not in ``part``.

    What is left has the rounding errors of what there was, which is remembered in ``summed_squares``.
    """
    _check_mergeable(whole, part)
    if part.n_samples >= whole.n_samples or not part.total_weight < whole.total_weight:
        raise InputError(
            f"cannot take {part.n_samples} rows (weight {part.total_weight:g}) away from {whole.n_samples} "
            f"(weight {whole.total_weight:g}): only rows that are in, and not all of them, can be taken away."
        )
    left = _combined(whole, part, -1)
    if np.any(left.leading.diagonal() < -1e-12 * left.summed_squares):
        raise InputError(
            "the moments to take away are not part of these: a variance would become negative. Subtract only "
            "what was added."
        )
    return left._replace(
        n_samples=whole.n_samples - part.n_samples,
        sum_log_weight=whole.sum_log_weight - part.sum_log_weight,
        n_dropped=max(0, whole.n_dropped - part.n_dropped),
    ).checked()


def _combined(first: State, second: State, sign: int) -> State:
    """Weight, means and cross-products of a sum or a difference; everything else is that of ``first``."""
    scale = np.minimum(first.scale, second.scale)
    a, b = first.on_scale(scale), second.on_scale(scale)
    operands = (a.total_weight, a.mean, a.cross, b.total_weight, b.mean, b.cross)
    if a.cross.ndim == 3:
        result = kernels.merge_double_double(sign, *operands)
    else:
        result = kernels.merge(*operands) if sign > 0 else kernels.subtract(*operands)
    weight, mean, cross = result
    combined = a._replace(total_weight=weight, scale=scale, mean=mean, cross=cross)
    # What was added up, and is not less for having been taken away.
    squares = a.summed_squares + b.summed_squares
    return combined._replace(summed_squares=np.maximum(squares, combined.leading.diagonal()))


def _check_mergeable(first: State, second: State) -> None:
    for noun, mine, theirs in (
        ("features", first.feature_names, second.feature_names),
        ("targets", first.target_names, second.target_names),
    ):
        if mine != theirs:
            raise InputError(
                f"moments of {noun} {list(mine)} and of {list(theirs)} cannot be combined: build both from the "
                "same columns, in the same order."
            )
    if first.precision != second.precision:
        raise InputError(
            f"moments of precision {first.precision!r} and of {second.precision!r} cannot be combined: build both "
            "with the same precision."
        )


def _given(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that a user gave, where one of two equal tuples was generated."""
    return theirs if isinstance(mine, GeneratedNames) else mine
