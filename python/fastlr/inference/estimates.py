"""A fit's parameters beside rows: what passes over the rows need to know of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.inference.inverse import CrossInverse
from fastlr.inference.row_passes import LEAST_LEFT, FittedRows, root_of_rows
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.row_stream import RowStream

__all__ = ["Estimates", "GivenRows", "inverse_of_rows", "upper_root"]


@dataclass(frozen=True, slots=True)
class GivenRows:
    """Rows as the caller gave them, validated: features, targets and weights; and how many threads may read them."""

    features: Columns
    targets: Columns
    weights: npt.NDArray[Any] | None
    n_threads: int | None = None
    stream: RowStream | None = None
    """Where the rows come from if they come in chunks; the other fields then say how many there are."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """What a fit knows that inference by rows needs.

    Attributes
    ----------
    coef : ndarray of shape (n_targets, n_features)
    intercept : ndarray of shape (n_targets,)
    rss : ndarray of shape (n_targets,)
        Sums of squared residuals, by which the rows are recognised.
    inverse : CrossInverse
    rank : int
    n_samples : int
        Rows of positive weight.
    total_weight : float
    weight_type : str
    alpha : float or ndarray
        The penalty; one for all targets.
    condition_number : float
    """

    coef: FloatArray
    intercept: FloatArray
    rss: FloatArray
    inverse: CrossInverse
    rank: int
    n_samples: int
    total_weight: float
    weight_type: str
    alpha: float | FloatArray
    condition_number: float

    @property
    def n_targets(self) -> int:
        """Number of targets."""
        return len(self.coef)

    @property
    def nobs(self) -> float:
        """Observations: rows, or what they count."""
        return self.total_weight if self.weight_type == "frequency" else float(self.n_samples)

    @property
    def n_parameters(self) -> float:
        """Effective number of parameters, intercept included: rank + 1, or less with a penalty."""
        return effective_df(self.inverse, self.alpha, self.rank) + self.inverse.fit_intercept

    def fitted(self, rows: GivenRows, target: int, *, factor: bool = False) -> FittedRows:
        """The rows and the fit of one target, in the units of the passes."""
        inverse, coef = self.inverse, self.coef[target]
        with np.errstate(under="ignore"):
            mean = inverse.mean.sum(axis=0) / inverse.scale * inverse.fit_intercept
        exact = np.longdouble(self.intercept[target]) + np.dot(
            mean.astype(np.longdouble), coef.astype(np.longdouble)
        )
        shift_y = float(exact)
        size = math.sqrt(self.rss[target] / self.total_weight)
        scale_y = math.ldexp(1.0, -math.frexp(size)[1]) if 0.0 < size < math.inf else 1.0
        along = np.append(coef / inverse.scale * scale_y, float(exact - shift_y) * scale_y)
        own: Any = [] if rows.stream is not None else rows.targets.column(target)
        return FittedRows(
            rows.features,
            Columns(own, rows.features.n_samples, 1, None, True),
            rows.weights,
            self.weight_type == "frequency",
            np.append(mean, shift_y),
            np.append(inverse.scale, scale_y),
            np.ascontiguousarray(along, dtype=np.float64),
            self.factor() if factor else None,
            self.least_left,
            rows.n_threads,
        )

    @property
    def least_left(self) -> float:
        """What 1 - h may be by rounding alone where a row determines a parameter by itself."""
        rounding = 8.0 * 2.0**-52 * self.inverse.n_features * self.condition_number
        return float(np.clip(rounding, LEAST_LEFT, 1e-3)) if rounding == rounding else LEAST_LEFT

    def factor(self) -> FloatArray:
        """F (p + 1, p + 1), upper triangular, with F F' the inverse of the cross-products of z, the constant last."""
        inverse = self.inverse
        p = inverse.n_features
        out = np.zeros((p + 1, p + 1))
        out[:p, :p] = upper_root(inverse.root)
        if inverse.fit_intercept:
            out[p, p] = 1.0 / math.sqrt(inverse.total_weight)
        return out

    def to_parameters(self, factor: FloatArray, *, whitened: bool) -> FloatArray:
        """T (k, p + 1): a sum M over scores z, or factor'z, makes the covariance T M T' of the parameters."""
        inverse = self.inverse
        p = inverse.n_features
        upper = CrossInverse(
            np.ascontiguousarray(factor[:p, :p]),
            inverse.scale,
            inverse.mean,
            inverse.total_weight,
            inverse.fit_intercept,
            inverse.undetermined,
            math.nan if inverse.intercept is not None and math.isnan(inverse.intercept) else None,
        )
        root = upper.root_of_parameters()
        if inverse.fit_intercept:  # the constant comes last in rows, and first among parameters
            root = np.concatenate([root[:, 1:], root[:, :1]], axis=1)
        else:
            root = np.concatenate([root, np.zeros((p, 1))], axis=1)
        with np.errstate(invalid="ignore"):
            return root if whitened else root @ factor.T


def effective_df(inverse: CrossInverse, alpha: float | FloatArray, rank: int) -> float:
    """Trace of the hat matrix without the intercept: the rank, or with a penalty less."""
    if not np.any(alpha):
        return float(rank)
    return float(np.trace(share_of_data(inverse, alpha)))


def share_of_data(inverse: CrossInverse, alpha: float | FloatArray) -> FloatArray:
    """K' G K = I - K' P K: what cross-products G of the rows are in the penalised (G + P)^-1 = K K'."""
    p = inverse.n_features
    penalties = np.broadcast_to(np.asarray(alpha, dtype=np.float64), (p,))
    scaled = np.sqrt(penalties) * inverse.scale
    along = inverse.root * scaled[:, np.newaxis]
    share: FloatArray = np.eye(inverse.root.shape[1]) - along.T @ along
    return share


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


def inverse_of_rows(
    rows: GivenRows, fit_intercept: bool, mean: FloatArray, std: FloatArray
) -> CrossInverse | None:
    """The inverse anew from the rows, for fits that have not kept it; None if columns depend on one another."""
    p = rows.features.n_columns
    size = np.hypot(std, 0.0 if fit_intercept else mean)
    with np.errstate(divide="ignore"):
        exponents = np.frexp(np.where(size > 0, size, 1.0))[1]
    scale = np.ldexp(1.0, -exponents)
    shift = mean * fit_intercept
    columns = FittedRows(
        rows.features, None, rows.weights, False, np.append(shift, 0.0), np.append(scale, 1.0)
    )
    upper = root_of_rows(columns)
    if upper is None:
        return None
    root = np.asarray(np.linalg.solve(upper, np.eye(p)), dtype=np.float64)
    total = float(rows.features.n_samples if rows.weights is None else np.sum(rows.weights))
    means = np.zeros((2, p))
    means[0] = mean * scale
    return CrossInverse(root, scale, means, total, fit_intercept, np.zeros(p, dtype=bool))
