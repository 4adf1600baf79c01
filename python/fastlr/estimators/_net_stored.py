"""What files keep of lassos and elastic nets: coefficients, how they were found, and how the penalty was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastlr.errors import InputError
from fastlr.estimators._shapes import as_constant, is_single
from fastlr.storage.schema import (
    Block,
    Counts,
    Field,
    Maybe,
    NumberOr,
    Numbers,
    Of,
    Part,
    check_fields,
    shown,
)

__all__ = ["NET_CV_FIELDS", "NET_FIELDS", "choice_of", "net_as_data", "net_of"]

NET_FIELDS: Mapping[str, Field] = {"net": Part(dict)}
"""The rules of what Lasso and ElasticNet add to their parameters and features."""

NET_CV_FIELDS: Mapping[str, Field] = {
    **NET_FIELDS,
    "alpha": Numbers("", at_least=0.0, must_be_finite=True),
    "l1_ratio": Maybe(Numbers("", at_least=0.0, at_most=1.0)),
    "alphas": Block(2, at_least=0.0),
    "mse_path": Block(3, at_least=0.0, may_be_nan=True),
}
"""The rules of what LassoCV and ElasticNetCV add."""

_SOLVERS = ("moments", "rows")
_NET: Mapping[str, Field] = {
    "coef": Numbers("tp", must_be_finite=True),
    "intercept": NumberOr("t", must_be_finite=True),
    "dual_gap": Numbers("t", may_be_nan=True),
    "n_iter": Counts("t"),
    "is_single": Maybe(Of(bool)),
}


def net_as_data(fitted: Mapping[str, Any]) -> dict[str, Any]:
    """What ``fit`` has left behind, as plain data with a row for each target."""
    intercept = fitted["intercept_"]
    return {
        "coef": np.atleast_2d(fitted["coef_"]).tolist(),
        "intercept": intercept.tolist() if isinstance(intercept, np.ndarray) else float(intercept),
        "dual_gap": np.atleast_1d(fitted["dual_gap_"]).tolist(),
        "n_iter": np.atleast_1d(fitted["n_iter_"]).tolist(),
        "solver": fitted["solver_"],
        **({"is_single": True} if is_single(fitted["coef_"]) else {}),
    }


def net_of(data: Mapping[str, Any], n_features: int, *, is_single: bool = False) -> dict[str, Any]:
    """The attributes that `net_as_data` told of; an `InputError` if a field is missing, unknown or wrong."""
    own = {name: value for name, value in data.items() if name != "solver"}
    solver, coef = data.get("solver"), data.get("coef")
    if not isinstance(solver, str) or solver not in _SOLVERS:
        raise InputError(f"solver={shown(solver)} is none of {', '.join(_SOLVERS)}.")
    if not isinstance(coef, list) or not coef or (is_single and len(coef) > 1):
        raise InputError("coef does not hold a row of coefficients for each target.")
    t = len(coef)
    values = check_fields("a net", own, _NET, {"": (), "t": (t,), "tp": (t, n_features)})
    gaps, n_iter = values["dual_gap"], values["n_iter"].tolist()
    coefs = values["coef"].astype(np.float32) if values["is_single"] else values["coef"]
    return {
        "coef_": coefs[0] if t == 1 else coefs,
        "intercept_": as_constant(values["intercept"]),
        "dual_gap_": float(gaps[0]) if t == 1 else gaps,
        "n_iter_": n_iter[0] if t == 1 else n_iter,
        "solver_": solver,
    }


def choice_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of the choice, from fields that have been checked each for itself."""
    alphas, errors = values["alphas"], values["mse_path"]
    if not alphas.ndim or errors.size % alphas.size:
        raise InputError(
            f"mse_path of shape {errors.shape} does not go with alphas of shape {alphas.shape}."
        )
    return {"alpha_": values["alpha"], "alphas_": alphas, "mse_path_": errors}
