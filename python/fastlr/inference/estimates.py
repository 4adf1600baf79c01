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

__all__ = ["Estimates", "GivenRows", "inverse_of_rows"]

_FAR = 2.0**9  # of an intercept to residuals, from which on its rounding is above 1e-13 of them
_AT_ONCE = 1 << 18  # rows


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
        rounded, rest = inverse.rounded_mean()
        with np.errstate(under="ignore"):
            mean = rounded / inverse.scale
        exact = np.longdouble(self.intercept[target]) + np.dot(
            mean.astype(np.longdouble), coef.astype(np.longdouble)
        )
        shift_y = float(exact)
        constant = float(exact - shift_y)
        size = math.sqrt(self.rss[target] / self.total_weight)
        if inverse.fit_intercept and abs(self.intercept[target]) > _FAR * size:
            # The intercept is rounded by more than residuals may be off: their mean, which is zero, tells the constant.
            about = _mean(rows.targets.column(target), shift_y, rows.weights)
            constant = about - float(np.dot(rest / inverse.scale, coef))
        scale_y = math.ldexp(1.0, -math.frexp(size)[1]) if 0.0 < size < math.inf else 1.0
        along = np.append(coef / inverse.scale * scale_y, constant * scale_y)
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
        return self.inverse.triangular_factor()

    def to_parameters(
        self,
        factor: FloatArray,
        *,
        whitened: bool,
        at_means: bool = False,
        states_all: bool = False,
    ) -> FloatArray:
        """T (k, p + 1): a sum M over scores z, or factor'z, makes the covariance T M T' of the parameters.

        With ``at_means`` the prediction at the (rounded) means of the features takes the place of the intercept. Rows
        of parameters that columns leave undetermined are NaN, or with ``states_all`` those of the solution that was
        taken, from which predictions have their variances.
        """
        inverse = self.inverse
        p = inverse.n_features
        is_unknown = inverse.intercept is not None and math.isnan(inverse.intercept)
        upper = CrossInverse(
            np.ascontiguousarray(factor[:p, :p]),
            inverse.scale,
            inverse.mean,
            inverse.total_weight,
            inverse.fit_intercept,
            inverse.undetermined & (not states_all),
            math.nan if is_unknown and not states_all else None,
        )
        root = upper.root_of_parameters()
        if inverse.fit_intercept:  # the constant comes last in rows, and first among parameters
            # The root is that of rows about the exact means, and rows are about their rounded values.
            moved = factor[:p, :p].T @ inverse.rounded_mean()[1]
            along = np.append(moved, -float(moved @ moved) / factor[p, p])
            with np.errstate(invalid="ignore"):
                own = root[:, 1:]
                last = root[:, 0] - (own @ moved) / factor[p, p]
            root = np.concatenate([own, last[:, np.newaxis]], axis=1)
            root[0] += along
            if at_means:
                root[0] = 0.0
                root[0, p] = factor[p, p]
        else:
            root = np.concatenate([root, np.zeros((p, 1))], axis=1)
        with np.errstate(invalid="ignore"):
            return root if whitened else root @ factor.T


def _mean(y: npt.NDArray[Any], shift: float, weights: npt.NDArray[Any] | None) -> float:
    """The (weighted) mean of ``y - shift``, whose rounding is that of the differences."""
    total, weight = 0.0, 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        for first in range(0, len(y), _AT_ONCE):
            block = slice(first, first + _AT_ONCE)
            left = np.asarray(y[block], dtype=np.float64) - shift
            if weights is None:
                total, weight = total + float(left.sum()), weight + len(left)
            else:
                own = np.asarray(weights[block], dtype=np.float64)
                total, weight = total + float(own @ left), weight + float(own.sum())
    return total / weight


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
