"""What files keep of paths of penalties and of selections: each field with its rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from fastlr.errors import InputError
from fastlr.input.names import GeneratedNames
from fastlr.results import LinearFit, Status
from fastlr.storage.schema import (
    Count,
    Counts,
    Field,
    Maybe,
    Names,
    Numbers,
    Of,
    Part,
    Sentence,
    check_fields,
    check_keys,
    shown,
)

__all__ = ["path_as_data", "penalty_path_of", "ridge_path_of", "selection_of"]

_ANY = Numbers("", may_be_nan=True)
_NAMES: Mapping[str, Field] = {
    "feature_names": Names(),
    "target_names": Names(),
    "has_feature_names": Of(bool),
    "is_vector": Of(bool),
}
_PENALTIES = Numbers("a", at_least=0.0, must_be_finite=True)
_PENALTY_PATH: Mapping[str, Field] = {
    "alphas": _PENALTIES,
    "coefs": Numbers("tpa", must_be_finite=True),
    "intercepts": Numbers("ta", must_be_finite=True),
    "dual_gaps": Numbers("ta", may_be_nan=True),
    "n_iter": Counts("ta"),
    "df": Numbers("ta", at_least=0.0, may_be_nan=True),
    "l1_ratio": Numbers("", at_least=0.0, at_most=1.0),
    "solver": Of(str),
    "n_columns": Count(0),
    "n_samples": Count(1),
}
_RIDGE_PATH: Mapping[str, Field] = {
    "alphas": _PENALTIES,
    "coef": Numbers("atp", must_be_finite=True),
    "intercept": Numbers("at", must_be_finite=True),
    "degrees_of_freedom": Numbers("a", may_be_nan=True),
    "rss": Numbers("at", may_be_nan=True),
    "tss": Numbers("t", may_be_nan=True),
    "gcv": Numbers("at", may_be_nan=True),
    "best": Count(0),
    "digits": Numbers("a", at_least=0.0, at_most=16.0, may_be_nan=True),
    "n_samples": Count(1),
    "total_weight": Numbers("", at_least=0.0, must_be_finite=True),
    "fit_intercept": Of(bool),
    "solver": Of(str),
    "passes": Count(0),
    "status": Sentence(),
}
_SELECTION: Mapping[str, Field] = {
    "best": Count(0),
    "fit": Maybe(Part(LinearFit.from_dict)),
    "criterion": Of(str),
    "method": Of(str),
}
_MODEL: Mapping[str, Field] = {
    "size": Count(0),
    **dict.fromkeys(("rss", "r2", "adjusted_r2", "aic", "bic", "cv_error"), _ANY),
}


def path_as_data(path: Any, *, is_vector: bool) -> dict[str, Any]:
    """The fields of a path as plain data, and what kinds of names and targets it has."""
    data: dict[str, Any] = {}
    for field in fields(path):
        value = getattr(path, field.name)
        if isinstance(value, Status):
            value = {"code": value.code, "sentence": str(value)}
        elif isinstance(value, np.ndarray | tuple):
            value = value.tolist() if isinstance(value, np.ndarray) else list(value)
        data[field.name] = value
    has_names = not isinstance(path.feature_names, GeneratedNames)
    return {**data, "has_feature_names": has_names, "is_vector": is_vector}


def penalty_path_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a PenaltyPath from what `path_as_data` gave; an `InputError` if one is missing or wrong."""
    return _path_of("a path of penalties", data, _PENALTY_PATH)


def ridge_path_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a RidgePath from what `path_as_data` gave; an `InputError` if one is missing or wrong."""
    values = _path_of("a path of ridge penalties", data, _RIDGE_PATH)
    if values["best"] >= len(values["alphas"]):
        raise InputError(f"best={values['best']} is no position of an alpha.")
    if not isinstance(values["tss"], np.ndarray):
        values["tss"] = float(values["tss"])
    return {**values, "status": Status(**values["status"])}


def _path_of(what: str, data: Mapping[str, Any], rules: Mapping[str, Field]) -> dict[str, Any]:
    check_keys(what, data, {**rules, **_NAMES})
    known = {name: rule.check(name, data[name], {}) for name, rule in _NAMES.items()}
    alphas = data["alphas"]
    if not isinstance(alphas, list) or not alphas:
        raise InputError(f"alphas={shown(alphas)} is not a list of penalties.")
    a, p = len(alphas), len(known["feature_names"])
    t: tuple[int, ...] = (len(known["target_names"]),)
    if known.pop("is_vector"):
        if t != (1,):
            raise InputError(f"is_vector is true for {t[0]} targets.")
        t = ()
    sizes = {
        "": (), "a": (a,), "t": t, "ta": (*t, a), "at": (a, *t), "tpa": (*t, p, a), "atp": (a, *t, p)
    }  # fmt: skip
    values = check_fields(what, {name: data[name] for name in rules}, rules, sizes)
    if not known.pop("has_feature_names"):
        known["feature_names"] = GeneratedNames(known["feature_names"])
    return {**values, **known}


def selection_of(data: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The models by size and the other fields of a SubsetSelection; an `InputError` if one is missing or wrong."""
    if not isinstance(data, Mapping):
        raise InputError(f"not a selection: a {type(data).__name__} has no fields.")
    rows = data.get("table")
    if not isinstance(rows, list) or not rows:
        raise InputError(f"table={shown(rows)} is not a list of models.")
    own = {name: value for name, value in data.items() if name != "table"}
    values = check_fields("a selection", own, _SELECTION, {"": ()})
    models = [_model_of(row) for row in rows]
    if values["best"] >= len(models):
        raise InputError(f"best={values['best']} is no position of a model.")
    chosen, fit = models[values["best"]]["features"], values["fit"]
    if chosen != (() if fit is None else fit.feature_names):
        raise InputError("the fit is not that of the best model's features.")
    return models, values


def _model_of(row: object) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise InputError(f"a model {shown(row)} has no fields.")
    names = row.get("features")
    features = () if names == [] else Names().check("features", names, {})
    own = {name: value for name, value in row.items() if name != "features"}
    model = check_fields("a model", own, _MODEL, {"": ()})
    if model["size"] != len(features):
        raise InputError(f"a model of size {model['size']} has {len(features)} features.")
    return {**model, "features": features}
