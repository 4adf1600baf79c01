"""The inverse of the cross-products of a fit's features, by a root of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.storage.schema import Block, Field, Maybe, Numbers, Of, check_fields

__all__ = [
    "LARGEST_KEPT",
    "LARGEST_SAVED",
    "CrossInverse",
    "is_too_large",
    "refuse_too_large",
    "upper_root",
]

LARGEST_KEPT = 1000
"""Features up to which a fit keeps the inverse without being asked to: 8 MB."""
LARGEST_SAVED = 100
"""Number of features up to which model files hold the inverse: some 200 kB."""
_MOST_BYTES = 1 << 31  # of the covariances of one target


def is_too_large(n_params: int) -> bool:
    """Whether covariances of so many parameters, as those of a category of many levels, take too many bytes."""
    return 8 * n_params * n_params > _MOST_BYTES


def refuse_too_large(n_params: int, what: str) -> None:
    """Raise an `InputError` where ``what`` ("covariances") need a matrix of too many parameters."""
    if is_too_large(n_params):
        size = 8 * n_params * n_params
        raise InputError(
            f"{what} of {n_params} parameters take a matrix of {size} bytes ({size / 2**30:.1f} GiB), and "
            f"{_MOST_BYTES / 2**30:.1f} GiB is the most: standard errors, t, p and intervals of each are known without "
            "it (bse, tvalues, pvalues, conf_int), robust ones by with_covariance. Tests of some of them need what "
            'fit.with_covariance("nonrobust", X, y) keeps. For more, join rare levels of the category, or subtract '
            "from y and from the other columns their means by level, and fit these without the category and an "
            "intercept."
        )


@dataclass(frozen=True, slots=True)
class CrossInverse:
    """The inverse of the cross-products of the features, centred if there is an intercept: ``K K' = (Z'W Z + P)^-1``.

    ``Z = (X - mean) * scale`` has columns scaled by powers of two, and P is the penalty, zero without.

    Attributes
    ----------
    root : ndarray of shape (n_features, r)
        K, a column for each independent direction.
    scale : ndarray of shape (n_features,)
        Powers of two.
    mean : ndarray of shape (2, n_features)
        Means of the scaled columns, an unevaluated sum; not used without an intercept.
    total_weight : float
        Sum of the weights W.
    fit_intercept : bool
        Whether there is an intercept.
    undetermined : ndarray of shape (n_features,)
        Coefficients of which nothing can be stated, since their columns depend on others.
    intercept : float or None
        Standard error of the intercept by that of a row, where it is known better than from K; NaN if unknown.
    """

    root: FloatArray
    scale: FloatArray
    mean: FloatArray
    total_weight: float
    fit_intercept: bool
    undetermined: npt.NDArray[np.bool_]
    intercept: float | None = None

    @property
    def n_features(self) -> int:
        """Number of features p."""
        return len(self.scale)

    def rounded_mean(self) -> tuple[FloatArray, FloatArray]:
        """The means of the scaled columns as one number each, and what rounding took from them; 0 without intercept."""
        first, second = self.mean * self.fit_intercept
        rounded: FloatArray = first + second
        return rounded, second - (rounded - first)

    def triangular_factor(self) -> FloatArray:
        """F (p + 1, p + 1), upper triangular, with F F' the inverse of the cross-products of z, the constant last.

        ``z = ((x - m) * scale, 1)`` for the rounded means m, whose remainders d make the last column: to first order in
        d, all else of the inverse is as if d were 0.
        """
        p = self.n_features
        out = np.zeros((p + 1, p + 1))
        upper = upper_root(self.root)
        out[:p, :p] = upper
        if self.fit_intercept:
            size = np.sqrt(self.total_weight)
            out[:p, p] = -size * (upper @ (upper.T @ self.rounded_mean()[1]))
            out[p, p] = 1.0 / size
        return out

    def root_of_parameters(self) -> FloatArray:
        """R with R R' the inverse in the user's units, intercept first: (k, r + 1), or (p, r) without intercept.

        A row x has the coordinates ``q = (1 / sqrt(W), K'z)`` in which its leverage is ``w |q|^2``; a covariance M of
        scores in these coordinates is ``R M R'`` of the parameters.
        """
        with np.errstate(over="ignore", under="ignore"):
            of_coef: FloatArray = self.root * self.scale[:, np.newaxis]
        of_coef[self.undetermined] = np.nan
        if not self.fit_intercept:
            return of_coef
        p, r = self.root.shape
        out = np.zeros((p + 1, r + 1))
        out[1:, 1:] = of_coef
        out[0, 0] = 1.0 / np.sqrt(self.total_weight)
        out[0, 1:] = self._minus_along_means()
        if self.intercept is not None and np.isnan(self.intercept):
            out[0] = np.nan
        return out

    def _minus_along_means(self) -> FloatArray:
        """-K'm for the means m of the scaled columns, whose terms cancel: in twice the working precision."""
        r = self.root.shape[1]
        if r == 0:
            return np.zeros(0)
        pairs = np.zeros((2, r, self.n_features))
        pairs[0] = self.root.T
        mean = np.concatenate([self.mean, np.zeros((2, r))], axis=1)
        along: FloatArray = kernels.intercepts(mean, pairs).sum(axis=0)
        return along

    def of_parameters(self) -> FloatArray:
        """The inverse in the user's units, intercept first: a covariance by the variance of a row's error."""
        root = self.root_of_parameters()
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            inverse: FloatArray = root @ root.T
        if self.intercept is not None and self.fit_intercept:
            inverse[0, 0] = self.intercept**2
        return inverse

    def error_of_intercept(self) -> float:
        """Standard error of the intercept by that of a row: 0.0 without an intercept, NaN if unknown."""
        if not self.fit_intercept or self.intercept is not None:
            return 0.0 if self.intercept is None else self.intercept
        return float(np.linalg.norm(self.root_of_parameters()[0]))

    def spread(self, keep: Sequence[int], n_features: int) -> CrossInverse:
        """Return the inverse among more features, of which those beside ``keep`` were left out."""
        root = np.zeros((n_features, self.root.shape[1]))
        scale, mean = np.ones(n_features), np.zeros((2, n_features))
        undetermined = np.ones(n_features, dtype=bool)
        root[keep], scale[keep], mean[:, keep] = self.root, self.scale, self.mean
        undetermined[keep] = self.undetermined
        return CrossInverse(
            root,
            scale,
            mean,
            self.total_weight,
            self.fit_intercept,
            undetermined,
            self.intercept,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, from which `from_dict` restores the same bits."""
        return {
            "root": self.root.tolist(),
            "scale": self.scale.tolist(),
            "mean": self.mean.tolist(),
            "total_weight": self.total_weight,
            "fit_intercept": self.fit_intercept,
            "undetermined": self.undetermined.astype(float).tolist(),
            "intercept": self.intercept,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CrossInverse:
        """Restore what `to_dict` gave.

        Raises
        ------
        InputError
            If a field is missing, unknown, or of the wrong type, shape or range.
        """
        scale = Block(1, at_least=0.0).check("scale", dict(data).get("scale"), {})
        p = len(np.atleast_1d(scale))
        fields: dict[str, Field] = {
            "root": Block(2),
            "scale": Numbers("p", at_least=0.0, must_be_finite=True),
            "mean": Numbers("2p"),
            "total_weight": Numbers("", at_least=0.0, must_be_finite=True),
            "fit_intercept": Of(bool),
            "undetermined": Numbers("p", at_least=0.0, at_most=1.0),
            "intercept": Maybe(Numbers("", at_least=0.0, may_be_nan=True)),
        }
        checked = check_fields("an inverse", data, fields, {"": (), "p": (p,), "2p": (2, p)})
        if checked["root"].ndim != 2 or len(checked["root"]) != p:
            raise InputError(f"root is not a matrix of {p} rows.")
        return cls(**{**checked, "undetermined": checked["undetermined"] > 0})


def upper_root(root: FloatArray) -> FloatArray:
    """U (p, p), upper triangular, with U U' = K K'; zero columns where K has fewer columns than rows."""
    p, r = root.shape
    out = np.zeros((p, p))
    if r == 0:
        return out
    if r == p and not np.tril(root, -1).any():
        return np.ascontiguousarray(root)
    lower_of_flipped = np.asarray(np.linalg.qr(root[::-1].T, mode="r")).T
    out[:, p - lower_of_flipped.shape[1] :] = lower_of_flipped[::-1, ::-1]
    return out
