"""A fit's parameters beside rows: what passes over the rows need to know of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.inference.inverse import CrossInverse
from fastlr.inference.row_passes import LEAST_LEFT, FittedRows, root_of_rows
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.row_stream import RowChunk, RowStream

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
    about : ndarray of shape (n_targets,) or None
        Means of the targets less what is predicted at the rounded means of the features, over all rows; None where rows
        come whole and tell them, or nobody needs them.
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
    about: FloatArray | None = None

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
        mean, rest, exact = self._at_rounded_means(target)
        shift_y = float(exact)
        constant = float(exact - shift_y)
        size = math.sqrt(self.rss[target] / self.total_weight)
        if self._is_far(target):
            # The intercept is rounded by more than residuals may be off: their mean, which is zero, tells the constant.
            if self.about is None:
                total, weight = _sums(rows.targets.column(target), shift_y, rows.weights)
                about = total / weight
            else:
                about = float(self.about[target])
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

    def with_means_of(self, stream: RowStream) -> Estimates:
        """These estimates for chunks of rows, which do not tell the means of all: one more pass, where they matter."""
        targets = range(self.n_targets)
        if not any(map(self._is_far, targets)):
            return self
        shifts = [float(self._at_rounded_means(target)[2]) for target in targets]

        def kernel(chunk: RowChunk) -> list[tuple[float, float]]:
            return [_sums(chunk.targets.column(k), shifts[k], chunk.weights) for k in targets]

        sums = stream.map_merge(kernel, _added)
        return replace(self, about=np.array([total / weight for total, weight in sums]))

    def _at_rounded_means(self, target: int) -> tuple[FloatArray, FloatArray, np.longdouble]:
        """The features' means in float64, what they leave (in units of the scales), and the prediction at the means."""
        rounded, rest = self.inverse.rounded_mean()
        with np.errstate(under="ignore"):
            mean = rounded / self.inverse.scale
        exact = np.longdouble(self.intercept[target]) + np.dot(
            mean.astype(np.longdouble), self.coef[target].astype(np.longdouble)
        )
        return mean, rest, exact

    def _is_far(self, target: int) -> bool:
        """Whether the intercept is so large beside residuals that its rounding shows in them."""
        size = math.sqrt(self.rss[target] / self.total_weight)
        return self.inverse.fit_intercept and abs(self.intercept[target]) > _FAR * size

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


def _sums(
    y: npt.NDArray[Any], shift: float, weights: npt.NDArray[Any] | None
) -> tuple[float, float]:
    """The (weighted) sum of ``y - shift``, whose rounding is that of the differences, and the weight."""
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
    return total, weight


def _added(
    first: list[tuple[float, float]], second: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    return [(a + c, b + d) for (a, b), (c, d) in zip(first, second, strict=True)]


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
