"""Moments: one pass over the rows, kept in a form that can be merged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from fastlr.reference.shapes import Floats, as_floats, as_weights


@dataclass(frozen=True)
class CentredMoments:
    """All that least squares needs to know of the rows.

    ``mean`` and ``cross_products`` are of the columns (X | y), features first, then targets.
    ``n_samples`` counts the rows of positive weight; ``target_shape`` is ``y.shape[1:]``.
    """

    n_samples: int
    total_weight: float
    mean: Floats
    cross_products: Floats
    n_features: int
    target_shape: tuple[int, ...]


def centred_moments(
    X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> CentredMoments:
    """Weighted means and centred cross-products of the rows z = (x | y).

    mean = sum(w z) / sum(w) and C = sum(w (z - mean)(z - mean)'). Centred, because raw sums of
    squares keep 16 - 2 log10(mean / sd) digits: none where the mean is 1e8 standard deviations.

    >>> centred_moments([[1], [3]], [10, 20]).cross_products.tolist()
    [[2.0, 10.0], [10.0, 50.0]]
    """
    X, y = as_floats(X), as_floats(y)
    weight = as_weights(sample_weight, len(X))
    columns = np.column_stack([X, y])
    mean = np.average(columns, axis=0, weights=weight)
    centred = columns - mean
    return CentredMoments(
        n_samples=int(np.count_nonzero(weight)),
        total_weight=float(weight.sum()),
        mean=mean,
        cross_products=(centred.T * weight) @ centred,
        n_features=X.shape[1],
        target_shape=y.shape[1:],
    )


def merge(a: CentredMoments, b: CentredMoments) -> CentredMoments:
    """Moments of the rows of both, by the pairwise formula of Chan, Golub and LeVeque (1979).

    With d = mean_b - mean_a and W = W_a + W_b, the mean is mean_a + d W_b / W and
    C = C_a + C_b + d d' W_a W_b / W.

    >>> a, b = centred_moments([[1], [3]], [10, 20]), centred_moments([[8]], [60])
    >>> merge(a, b).mean.tolist()
    [4.0, 30.0]
    """
    total_weight = a.total_weight + b.total_weight
    difference = b.mean - a.mean
    between = np.outer(difference, difference) * (a.total_weight * b.total_weight / total_weight)
    return replace(
        a,
        n_samples=a.n_samples + b.n_samples,
        total_weight=total_weight,
        mean=a.mean + difference * (b.total_weight / total_weight),
        cross_products=a.cross_products + b.cross_products + between,
    )


def subtract(total: CentredMoments, part: CentredMoments) -> CentredMoments:
    """Moments of the rows of ``total`` that are not in ``part``: merge it with its weight negated.

    >>> total = centred_moments([[1], [3], [8]], [10, 20, 60])
    >>> subtract(total, centred_moments([[8]], [60])).mean.tolist()
    [2.0, 15.0]
    """
    negated = replace(
        part,
        n_samples=-part.n_samples,
        total_weight=-part.total_weight,
        cross_products=-part.cross_products,
    )
    return merge(total, negated)
