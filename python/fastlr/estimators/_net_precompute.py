"""Cross-products that the caller took: never used, but wrong ones say that something else was meant."""

from __future__ import annotations

import warnings

import numpy as np

from fastlr.errors import InputError, InputTypeError, InputWarning, user_level
from fastlr.input.columns import FloatArray
from fastlr.input.sparse import SparseColumns
from fastlr.least_squares.problem import Problem

__all__ = ["check_precompute"]


def check_precompute(precompute: object, problem: Problem, means: FloatArray) -> None:
    """Check what ``precompute`` says; of a matrix, three elements against the (centred, weighted) columns.

    ``means`` (p,) are those of the columns, zeros without an intercept. As in scikit-learn weights count by their share
    of the mean weight, and sparse X is taken without a look at the matrix.
    """
    if isinstance(precompute, bool | np.bool_) or (
        isinstance(precompute, str) and precompute == "auto"
    ):
        return
    try:
        gram = np.asarray(precompute)
        is_numeric = gram.dtype.kind in "biuf" and gram.ndim > 0
    except ValueError:
        is_numeric = False
    if not is_numeric:
        raise InputTypeError(
            f"precompute={precompute!r} is neither a flag nor a matrix: pass True, False or X.T @ X of the centred "
            "columns."
        )
    p = problem.n_features
    if gram.shape != (p, p):
        raise InputError(
            f"precompute has shape {gram.shape}, and the cross-products of {p} features have ({p}, {p}): pass X.T @ X, "
            "or False."
        )
    if isinstance(problem.features, SparseColumns):
        return
    if not np.allclose(means, 0.0):
        warnings.warn(
            "Gram matrix was provided but X was centered to fit intercept: recomputing Gram matrix. Centre the columns "
            "of X before, pass fit_intercept=False, or leave precompute out.",
            InputWarning,
            stacklevel=user_level(),
        )
        return
    j, k = p // 2, min(p // 2 + 1, p - 1)
    first, second = (
        np.asarray(problem.features.column(at), dtype=np.float64) - means[at] for at in (j, k)
    )
    weights = 1.0 if problem.weights is None else problem.weights / np.mean(problem.weights)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt([np.sum(weights * first**2), np.sum(weights * second**2)])
        found = {
            (j, k): float(np.sum(weights * first * second)),
            (j, j): lengths[0] ** 2,
            (k, k): lengths[1] ** 2,
        }
    is_rounded = np.float32 in (gram.dtype, problem.features.column(j).dtype)
    rounding = 1e-4 if is_rounded else 1e-7
    size = {j: lengths[0], k: lengths[1]}
    for at, wanted in found.items():
        limit = rounding * size[at[0]] * size[at[1]]
        if np.isfinite(wanted) and not abs(float(gram[at]) - wanted) <= limit:
            raise InputError(
                f"Gram matrix passed as precompute did not pass validation: its element {at} is {gram[at]:g}, and that "
                f"of the columns is {wanted:g}. Pass X.T @ X of the centred columns (weights of mean 1), "
                "or leave it out."
            )
