"""The smallest of all coefficients that fit equally well, or those of the first columns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.input.threads import interruptible
from fastlr.least_squares.independence import Directions
from fastlr.least_squares.null_space import first_columns
from fastlr.least_squares.problem import ScaledSolution

__all__ = ["dropped_columns", "moved_along"]

_BEYOND = 2.0**200  # units in which a coefficient counts so much that it becomes 0


def moved_along(
    scaled: ScaledSolution,
    directions: Directions,
    dropped: npt.NDArray[np.bool_] | None,
    fit_intercept: bool,
) -> tuple[ScaledSolution, FloatArray, FloatArray]:
    """Move a solution along directions of the null space: to the smallest norm, or to 0 for dropped columns.

    Returns
    -------
    scaled : ScaledSolution
        The solution. Its root is that of the columns that standard errors belong to.
    moving : ndarray of shape (n_features, rank)
        A root for errors of the solution, which move as the solution does.
    moved : ndarray of shape (n_targets, n_features)
        What errors of the directions do to the coefficients.
    """
    p = len(scaled.length)
    scaled = scaled._replace(coef=scaled.coef.copy(), intercept=scaled.intercept.copy())
    if len(directions.errors) == 0:
        return scaled, scaled.root, np.zeros((scaled.coef.shape[1], p))
    # The first columns are those that are left where the others count beyond all measure.
    units = scaled.scale[:p] if dropped is None else np.where(dropped, _BEYOND, 1.0)
    moved = kernels.move_to_minimum_norm(
        np.ascontiguousarray(directions.pairs),
        np.ascontiguousarray(directions.errors),
        units,
        scaled.mean,
        fit_intercept,
        scaled.coef,
        scaled.intercept,
    )
    pairs = directions.pairs[0]
    if dropped is None:
        top = scaled.scale[:p].max(initial=0.0)
        in_units = scaled.scale[:p, np.newaxis] / top
        basis = interruptible(np.linalg.qr, pairs.T * in_units)[0]
        along = scaled.root * in_units
        along -= basis @ (basis.T @ along)
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.where(in_units > 0, along / in_units, 0.0)
        return scaled, root, moved
    scaled.coef.reshape(2, -1, p)[:, :, dropped] = 0.0
    varying = dropped & (scaled.length > 0)
    shares = interruptible(np.linalg.solve, pairs[:, varying].T, scaled.root[varying])
    root = scaled.root - pairs.T @ shares
    root[dropped] = 0.0
    moved[:, dropped] = 0.0
    return scaled._replace(root=root), root, moved


def dropped_columns(scaled: ScaledSolution) -> npt.NDArray[np.bool_]:
    """Which columns depend on earlier ones (or do not vary): (p,)."""
    dropped = np.ones(scaled.null_space.shape[1], dtype=bool)
    dropped[first_columns(scaled.null_space)] = False
    return dropped
