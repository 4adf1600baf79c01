"""From moments or rows to coefficients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastlr.reference.moments import CentredMoments
from fastlr.reference.shapes import Parameters, as_floats, as_weights, for_targets


def normal_equations(
    moments: CentredMoments, *, fit_intercept: bool = True, alpha: float = 0.0
) -> Parameters:
    """Minimise sum(w r^2) + alpha |coef|^2 by solving (C_xx + alpha I) coef = C_xy.

    The intercept is free: mean_y - mean_x' coef. Without one, the raw second moments C + W m m'
    (m the means) take the place of C. Columns are scaled to unit length first, so that units do not
    matter; the answer then loses about 2 log10(condition number) of sixteen digits.

    >>> from fastlr.reference import centred_moments
    >>> normal_equations(centred_moments([[0], [1], [2]], [1, 3, 5]))
    Parameters(coef=array([2.]), intercept=1.0)
    """
    p, mean, products = moments.n_features, moments.mean, moments.cross_products
    if not fit_intercept:
        products = products + moments.total_weight * np.outer(mean, mean)
    gram = products[:p, :p] + alpha * np.eye(p)
    scale = 1 / np.sqrt(np.diag(gram))
    scaled_coef = np.linalg.solve(gram * np.outer(scale, scale), (products[p:, :p] * scale).T).T
    coef = scaled_coef * scale
    intercept = mean[p:] - coef @ mean[:p] if fit_intercept else np.zeros(len(coef))
    return for_targets(coef, intercept, moments.target_shape)


def minimum_norm(
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    rtol: float | None = None,
) -> Parameters:
    """The least-squares solution with the shortest ``coef``; the intercept is free.

    Centred columns of unit length decide the rank, so that units do not matter: singular values up
    to ``rtol`` times the largest count as zero (left out: the longer side x machine epsilon). Any
    solution will do to begin with; its part in the null space of X is then taken away.

    >>> minimum_norm([[1, 1], [2, 2]], [2, 4], fit_intercept=False).coef.round(12).tolist()
    [1.0, 1.0]
    """
    X, y = as_floats(X), as_floats(y)
    weight = as_weights(sample_weight, len(X))
    targets = y.reshape(len(y), -1)
    mean_x, mean_y = np.zeros(X.shape[1]), np.zeros(targets.shape[1])
    if fit_intercept:
        mean_x, mean_y = (np.average(a, axis=0, weights=weight) for a in (X, targets))
    epsilon = np.finfo(float).eps
    root = np.sqrt(weight)[:, np.newaxis]
    centred = root * (X - mean_x)
    length = np.linalg.norm(centred, axis=0)
    constant = length <= 4 * epsilon * np.linalg.norm(root * X, axis=0)
    centred, length = np.where(constant, 0.0, centred), np.where(constant, 1.0, length)

    U, s, Vt = np.linalg.svd(centred / length, full_matrices=len(X) < X.shape[1])
    cutoff = max(X.shape) * epsilon if rtol is None else rtol
    rank = int(np.count_nonzero(s > cutoff * s.max(initial=0.0)))
    projected = U[:, :rank].T @ (root * (targets - mean_y))
    coef = ((Vt[:rank].T / s[:rank]) @ projected).T / length
    null_space = (Vt[rank:] / length).T
    coef = coef - coef @ null_space @ np.linalg.pinv(null_space)
    return for_targets(coef, mean_y - coef @ mean_x, y.shape[1:])
