"""What can be stated of the errors of a fit's parameters, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastlr.inference.inverse import is_too_large
from fastlr.results.status import Status

if TYPE_CHECKING:
    from fastlr.results.statistics import Statistics

__all__ = ["inference_status_of", "needs_rows"]


def _counted(number: float, noun: str) -> str:
    return f"{number:g} {noun}" if number == 1 else f"{number:g} {noun}s"


def needs_rows(fit: Statistics) -> bool:
    """Whether errors are those of a survey, which the moments alone do not tell."""
    return fit.weight_type == "probability" and fit.cov_type == "nonrobust"


def inference_status_of(fit: Statistics) -> Status:
    """Say what can be stated of the errors of a fit's parameters, and if nothing can, why and what would help."""
    if fit.df_resid <= 0 and not np.any(fit.alpha):
        return Status(
            "no_degrees_of_freedom",
            f"Nothing is left to estimate errors from: {_counted(fit.nobs, 'observation')}, "
            f"{_counted(fit.rank + fit.fit_intercept, 'parameter')}. Add rows or leave columns out.",
        )
    if needs_rows(fit):
        return Status(
            "needs_rows",
            "Standard errors under probability weights need the rows, which moments do not have: "
            'fit.with_covariance("HC1", X, y, sample_weight=...).',
        )
    is_plain = fit.cov_type == "nonrobust"
    if np.any(fit.alpha) and is_plain:
        return Status(
            "penalised",
            "Standard errors of least squares do not hold with a penalty: ask for those of the penalised coefficients "
            'by cov_type="HC1", or by with_covariance("nonrobust", X, y).',
        )
    n_alone = fit.cov_kwds.get("n_undetermined", 0)
    if n_alone:
        rows = "1 row alone determines" if n_alone == 1 else f"{n_alone} rows alone determine"
        return Status(
            "leverage",
            f"{rows} a parameter (a leverage of 1), so that {fit.cov_type} divides by zero: use HC1, or leave out the "
            "column that no other row has.",
        )
    errors = np.atleast_2d(np.asarray(fit.bse))
    if np.isnan(errors).any() and fit.rank == fit.n_features and not is_plain:
        return Status(
            "not_positive",
            "Some variances are not positive, and their standard errors cannot be stated: there are too few clusters, "
            "or too little is left to estimate them from.",
        )
    if np.isnan(errors).all() and fit.rank == fit.n_features:
        return Status("not_estimated", "Standard errors were not estimated: fit by fastlr.ols.")
    if fit.rank < fit.n_features:
        names = [
            name
            for name, column in zip(fit.param_names, errors.T, strict=True)
            if np.isnan(column).all()
        ]
        shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        nothing = f"nothing can be stated of {shown}" if names else "all errors are of the choice"
        return Status(
            "rank_deficient",
            f"Columns depend on one another, so {nothing}: predictions and the other parameters stand.",
        )
    if fit.inverse is None and fit.covariance is None:
        if is_too_large(fit.n_params):
            return Status(
                "not_kept",
                f"Standard errors are known, covariances of {fit.n_params} parameters are too many to be computed.",
            )
        return Status(
            "not_kept",
            "Standard errors are known, covariances are not: this fit was restored from a file without them or has "
            'many features. fit.with_covariance("nonrobust", X, y) computes them from the rows.',
        )
    return Status("ok", "Standard errors and covariances of all parameters are known.")
