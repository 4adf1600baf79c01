"""One eigendecomposition of a positive semi-definite matrix, and (A + alpha I) b = c for every alpha."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastlr.input.columns import FloatArray
from fastlr.input.threads import interruptible
from fastlr.least_squares.units import U

__all__ = ["Spectrum", "spectrum_of"]

_MOST_CORRECTIONS = 5
_CONVERGES = 0.25  # by which every correction shrinks the error, or it is not to be relied on
_GAMMA = 20.0  # times the rounding of the terms: a bound in practice


@dataclass(frozen=True, slots=True)
class Spectrum:
    """A symmetric matrix (m, m), right-hand sides (m, t), and the eigenvalues and eigenvectors that these involve."""

    matrix: FloatArray
    right: FloatArray
    values: FloatArray
    vectors: FloatArray
    has_null_space: bool = False
    """Whether eigenvalues below `noise` are meant to be zeros, so that alpha = 0 asks for the smallest solution."""

    @property
    def noise(self) -> float:
        """Size below which an eigenvalue is nothing but rounding."""
        return 8 * len(self.values) * U * float(self.values.max(initial=0.0))

    def is_certain(self, alphas: FloatArray) -> npt.NDArray[np.bool_]:
        """For each alpha, whether corrections by these eigenvectors converge: they may be off by `noise`."""
        lowest = self.values.min(initial=np.inf) + alphas
        if self.has_null_space:
            real = self.values[self.values > self.noise]
            lowest = np.where(alphas == 0.0, real.min(initial=np.inf), lowest)
        certain: npt.NDArray[np.bool_] = self.noise <= _CONVERGES * lowest
        return certain

    def weights(self, alphas: FloatArray) -> FloatArray:
        """1 / (eigenvalue + alpha), (m, n_alphas); 0 where both are nothing but rounding."""
        total = self.values[:, np.newaxis] + alphas
        with np.errstate(divide="ignore"):
            weights: FloatArray = np.where(total > self.noise * (alphas == 0.0), 1.0 / total, 0.0)
        return weights

    def solve(self, alphas: FloatArray) -> FloatArray:
        """Solutions (n_alphas, t, m), corrected until they are as good as the matrix."""
        m, t = self.right.shape
        weights = self.weights(alphas)[:, :, np.newaxis]
        along = self.vectors.T @ self.right
        k, n_alphas = len(self.values), len(alphas)
        first = (weights * along[:, np.newaxis]).reshape(k, n_alphas * t)
        found = (self.vectors @ first).reshape(m, n_alphas, t)
        certain = self.is_certain(alphas)
        penalty = alphas[:, np.newaxis]
        length = np.sqrt(np.maximum(self.matrix.diagonal(), 0.0))[:, np.newaxis, np.newaxis]
        for _ in range(_MOST_CORRECTIONS if certain.any() else 0):
            applied = (self.matrix @ found.reshape(m, n_alphas * t)).reshape(found.shape)
            left = self.right[:, np.newaxis] - applied - penalty * found
            change = self.vectors.T @ left.reshape(m, n_alphas * t)
            change = change.reshape(k, n_alphas, t) * weights
            change = (self.vectors @ change.reshape(k, n_alphas * t)).reshape(found.shape)
            change[:, ~certain] = 0.0
            found += change
            if (np.abs(change) * length <= U * (np.abs(found) * length).max(axis=0)).all():
                break
        solutions: FloatArray = np.ascontiguousarray(np.moveaxis(found, 0, 2))
        return solutions

    def degrees_of_freedom(self, alphas: FloatArray) -> FloatArray:
        """Trace of A (A + alpha I)^-1 for every alpha."""
        freedom: FloatArray = self.values @ self.weights(alphas)
        return freedom

    def errors(self, alphas: FloatArray, solutions: FloatArray, inflation: float) -> FloatArray:
        """Estimated errors (n_alphas, t, m) of solutions of these equations, whose terms are rounded.

        |A^-1| (|A||b| + |c|) by the lengths of the rows of a root of the inverse; ``inflation`` times the rounding of
        sums from which nothing was taken away.
        """
        rows = np.sqrt(np.square(self.vectors) @ self.weights(alphas)).T[:, np.newaxis]
        size = np.abs(solutions)
        terms = size @ np.abs(self.matrix) + alphas[:, np.newaxis, np.newaxis] * size
        terms += np.abs(self.right.T)
        left = (
            self.right.T - solutions @ self.matrix - alphas[:, np.newaxis, np.newaxis] * solutions
        )
        off = _GAMMA * U * inflation * terms + np.abs(left)
        whole = np.sqrt(np.square(off * rows).sum(axis=2, keepdims=True))
        errors: FloatArray = rows * whole
        errors[~self.is_certain(alphas)] = np.inf
        return errors


def spectrum_of(matrix: FloatArray, right: FloatArray) -> Spectrum:
    """Decompose a matrix; eigenvalues that rounding made negative are zero."""
    values, vectors = interruptible(np.linalg.eigh, matrix)
    return Spectrum(matrix, right, np.maximum(values, 0.0), vectors)
