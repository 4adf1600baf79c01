"""How much features that resemble one another cost: variance inflation factors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastlr.diagnostics.fitted_rows import check_fit, estimates_or_refusal
from fastlr.inference.named import NamedValues
from fastlr.input.columns import FloatArray
from fastlr.results import LinearFit

__all__ = ["VarianceInflation", "variance_inflation_factor"]

_WORTH_SAYING = 10.0


@dataclass(frozen=True)
class VarianceInflation:
    """Variance inflation factors of a fit's features.

    Attributes
    ----------
    factors : NamedValues of shape (n_features,)
        By name: 1 for a feature that no other resembles, infinite for one that depends on others (with
        ``rank="basic"``: on those before it, beside which the fit has left it out), NaN for one that does not vary.
    """

    factors: NamedValues

    @property
    def largest(self) -> tuple[str, float]:
        """The name of the feature with the largest factor, and that factor."""
        values = np.where(np.isnan(self.factors.values), -math.inf, self.factors.values)
        j = int(np.argmax(values))
        return self.factors.names[j], float(self.factors.values[j])

    def __str__(self) -> str:
        name, value = self.largest
        if math.isnan(value):
            finding = "No feature varies"
        elif math.isinf(value):
            finding = f"{name} depends on other features, so its coefficient is not determined"
        elif value > _WORTH_SAYING:
            times = f"{math.sqrt(value):.3g} times"
            finding = f"Other features resemble {name}: its standard error is {times} what it would be alone"
        else:
            finding = f"No feature is much like the others: the largest factor is that of {name}"
        return f"{finding} (variance inflation {value:.4g})\n{self.factors}"


def variance_inflation_factor(
    fit: LinearFit, X: object = None, y: object = None, *, sample_weight: object = None
) -> VarianceInflation:
    """Variance inflation factors of all features: by how much others that resemble a feature raise its variance.

    Parameters
    ----------
    fit : LinearFit
        A fit by least squares.
    X, y, sample_weight : array-like, optional
        The rows of the fit; only needed if it has not kept the inverse of its cross-products (more than 1000 features).

    Returns
    -------
    VarianceInflation
        ``1 / (1 - R2)`` of each feature regressed on all others.

    Raises
    ------
    InputError
        If the fit has a penalty, or has not kept what is needed and no rows are given.

    Notes
    -----
    The diagonal of the cross-products' inverse, times the features' sums of squares: about the mean with an intercept,
    about zero without. No further pass over the rows, p^3 flops. Beside an intercept statsmodels' function of the same
    name gives the same numbers one by one, if its table has a column of ones.

    Examples
    --------
    >>> import fastlr
    >>> X = {"length": [1.0, 2.0, 3.0, 4.0, 5.0], "width": [1.0, 2.0, 3.0, 5.0, 4.0]}
    >>> fit = fastlr.ols(X, [1.0, 2.0, 4.0, 3.0, 5.0])
    >>> print(fastlr.diagnostics.variance_inflation_factor(fit))
    No feature is much like the others: the largest factor is that of length (variance inflation 5.263)
    length  5.26316
    width   5.26316
    """
    checked = check_fit(fit, "variance inflation", allow_probability=True)
    given = None if X is None else checked.given_rows(X, y, sample_weight)
    estimates = estimates_or_refusal(checked, given, "variance inflation")
    inverse = estimates.inverse
    lengths = np.linalg.norm(inverse.root, axis=1)
    size = np.asarray(checked.feature_std, dtype=np.float64) * inverse.scale
    mean = np.asarray(checked.feature_mean, dtype=np.float64) * inverse.scale
    if not checked.fit_intercept:
        size = np.hypot(size, mean)
    with np.errstate(over="ignore", invalid="ignore"):
        factors: FloatArray = np.square(lengths * size) * inverse.total_weight
    is_unknown = inverse.undetermined
    if (
        checked.df_resid > 0
        and checked.cov_type == "nonrobust"
        and checked.weight_type != "probability"
    ):
        is_unknown = is_unknown | np.isnan(np.atleast_2d(checked.bse_coef)).all(axis=0)
    factors[is_unknown] = math.inf
    factors[size == 0] = math.nan
    return VarianceInflation(NamedValues(factors, {-1: tuple(checked.feature_names)}))
