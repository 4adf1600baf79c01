"""What files keep of Ridge and RidgeCV: the fit, moments of few columns, and how the penalty was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastlr.errors import InputError
from fastlr.moments import Moments
from fastlr.penalised.cross_validation import CrossValidation
from fastlr.results import LinearFit
from fastlr.storage.schema import (
    Block,
    Count,
    Field,
    Maybe,
    NumberOr,
    Numbers,
    Of,
    Part,
    check_fields,
    shown,
)

__all__ = [
    "MOST_KEPT",
    "RIDGE_CV_FIELDS",
    "RIDGE_FIELDS",
    "SINGLE",
    "check_parts",
    "choice_as_data",
    "choice_of",
    "fit_as_data",
]

MOST_KEPT = 32
"""Columns whose moments, 8 kB, go into files."""

RIDGE_FIELDS: Mapping[str, Field] = {
    "fit": Part(LinearFit.from_dict),
    "moments": Maybe(Part(Moments.from_document)),
}
"""The rules of what Ridge adds to its parameters and features."""

SINGLE: Mapping[str, Field] = {"is_single": Maybe(Of(bool))}
"""The rule of whether all features were float32, and coefficients are; missing where they were not."""

RIDGE_CV_FIELDS: Mapping[str, Field] = {**RIDGE_FIELDS, **SINGLE, "choice": Part(dict)}
"""Rules of the fields that files of a RidgeCV have: those of a ridge, and what cross-validation adds."""

_METHODS = ("leave_one_out", "folds", "splits")
_CHOICE: Mapping[str, Field] = {
    "alphas": Numbers("a", at_least=0.0, must_be_finite=True),
    "squared_errors": Maybe(Numbers("at", at_least=0.0, may_be_nan=True)),
    "scores": Maybe(Block(2, may_be_nan=True)),
    "passes": Count(0),
    "alpha": NumberOr("t", at_least=0.0, must_be_finite=True),
    "best_score": Block(1, may_be_nan=True),
}


def fit_as_data(fit: LinearFit, moments: Moments | None) -> dict[str, Any]:
    """The fit, and moments of few columns."""
    is_small = moments is not None and fit.n_features + fit.n_targets <= MOST_KEPT
    return {
        "fit": fit.to_dict(),
        "moments": moments.to_document() if moments is not None and is_small else None,
    }


def check_parts(fit: LinearFit, moments: Moments | None, n_features: int) -> None:
    """Refuse a fit of another number of features, and moments of other columns."""
    if fit.n_features != n_features:
        raise InputError(f"a fit of {fit.n_features} features is not of n_features_in.")
    if moments is not None and (moments.feature_names, moments.target_names) != (
        fit.feature_names,
        fit.target_names,
    ):
        raise InputError("the moments are of other columns than the fit.")


def choice_as_data(found: CrossValidation, alpha: Any, best_score: Any) -> dict[str, Any]:
    """The scores of all penalties and the choice; not the errors of single rows."""
    return {
        "alphas": found.alphas.tolist(),
        "squared_errors": None if found.squared_errors is None else found.squared_errors.tolist(),
        "scores": None if found.scores is None else found.scores.tolist(),
        "method": found.method,
        "passes": found.passes,
        "alpha": alpha,
        "best_score": best_score,
    }


def choice_of(data: Mapping[str, Any], n_targets: int, moments: Moments | None) -> dict[str, Any]:
    """The attributes that `choice_as_data` told of; an `InputError` if a field is missing, unknown or wrong."""
    own = {name: value for name, value in data.items() if name != "method"}
    method, alphas = data.get("method"), data.get("alphas")
    if not isinstance(method, str) or method not in _METHODS:
        raise InputError(f"method={shown(method)} is none of {', '.join(_METHODS)}.")
    if not isinstance(alphas, list) or not alphas:
        raise InputError(f"alphas={shown(alphas)} is not a list of penalties.")
    a = len(alphas)
    sizes: dict[str, tuple[int, ...]] = {"": (), "a": (a,), "t": (n_targets,), "at": (a, n_targets)}
    values = check_fields("a choice of penalty", own, _CHOICE, sizes)
    scores, score = values["scores"], values["best_score"]
    if not np.isin(values["alpha"], values["alphas"]).all():
        raise InputError(f"alpha={shown(values['alpha'])} is none of the alphas.")
    is_by_row = method == "leave_one_out"
    if (scores is None) is not is_by_row or (values["squared_errors"] is None) is is_by_row:
        raise InputError(f"method={method!r} does not go with these errors and scores.")
    if scores is not None and (scores.ndim != 2 or scores.shape[1] != a):
        raise InputError(f"scores have the shape {scores.shape}, and there are {a} alphas.")
    if score.shape not in ((), (n_targets,)):
        raise InputError(f"best_score has the shape {score.shape} for {n_targets} targets.")
    return {
        "validation_": CrossValidation(
            values["alphas"],
            values["squared_errors"],
            scores,
            None,
            method,
            values["passes"],
            None if moments is None else moments.for_kernels(),
        ),
        "alpha_": values["alpha"],
        "best_score_": score if score.shape else float(score),
    }
