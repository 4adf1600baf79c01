"""Fits as plain numbers, strings and lists, and back; of what is read every field is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastlr.errors import InputError
from fastlr.inference.inverse import LARGEST_SAVED, CrossInverse
from fastlr.inference.words import COV_TYPES, WEIGHT_TYPES
from fastlr.input.names import GeneratedNames, default_names
from fastlr.results.influential_rows import InfluentialRows
from fastlr.results.status import Status
from fastlr.storage.schema import (
    Block,
    Count,
    Field,
    Maybe,
    Names,
    NumberOr,
    Numbers,
    Of,
    Part,
    Sentence,
    check_keys,
    shown,
)

__all__ = ["FIT_FIELDS", "LATER_FIELDS", "as_data", "check_fit", "restored"]

_MOST_DIGITS = 16.0  # of float64


class _OfDesign:
    """A rule that admits a design, or none."""

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> Any:
        """Make the design anew from its plain data, or refuse the value."""
        if value is None:
            return None
        from fastlr.input.stored_designs import design_of

        return design_of(value)


class _OfRows:
    """A rule that admits what is kept of influential rows, a part for each target, or nothing."""

    def check(
        self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]
    ) -> tuple[InfluentialRows, ...] | None:
        """Make the records anew from plain data, or refuse the value."""
        if value is None:
            return None
        (n_targets,) = sizes["t"] or (1,)
        if not isinstance(value, list | tuple) or len(value) != n_targets:
            raise InputError(f"{name} is no list of {n_targets} parts, one for each target.")
        part = Part(InfluentialRows.from_dict)
        return tuple(part.check(name, each, sizes) for each in value)


class _OneOf:
    """A rule that admits some words."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def check(self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]) -> str:
        """Return the word, or refuse the value."""
        if not isinstance(value, str) or value not in self._words:
            raise InputError(f"{name}={shown(value)} is none of {', '.join(self._words)}.")
        return value


_OPTIONS: Mapping[str, tuple[type, ...]] = {
    "use_t": (bool,),
    "use_correction": (bool, str),
    "df_inference": (float, int),
    "effective_df": (float, int),
    "n_groups": (int,),
    "maxlags": (int,),
    "n_undetermined": (int,),
}
"""What `LinearFit.cov_options` may hold, and of which types."""


_PER_PART = ("n_groups", "maxlags")  # a number for each way or target, where they differ


class _Options:
    """A rule that admits the options of a covariance, by name."""

    def check(
        self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]
    ) -> tuple[tuple[str, Any], ...]:
        """Return a mapping as pairs, or refuse what is none."""
        if not isinstance(value, Mapping):
            raise InputError(f"{name}={shown(value)} has no names.")
        for key, option in value.items():
            kinds = _OPTIONS.get(key)
            parts = option if isinstance(option, list | tuple) and key in _PER_PART else [option]
            if kinds is None or not parts or not all(type(part) in kinds for part in parts):
                raise InputError(
                    f"{name}: {shown(key)}={shown(option)} is no option of a covariance."
                )
        return tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in value.items())


FIT_FIELDS: Mapping[str, Field] = {
    "feature_names": Names(),
    "target_names": Names(),
    "coef": Numbers("tp", must_be_finite=True),
    "intercept": Numbers("t", must_be_finite=True),
    "n_samples": Count(1),
    "total_weight": Numbers("", at_least=math.ulp(0.0), must_be_finite=True),
    "rank": Count(0),
    "condition_number": Numbers("", at_least=0.0, may_be_nan=True),
    "solver": Of(str),
    "status": Sentence(),
    # A descent states no digits.
    "digits": Numbers("", at_least=0.0, at_most=_MOST_DIGITS, may_be_nan=True),
    "passes": Count(0),
    "rss": Numbers("t", at_least=0.0, may_be_nan=True),
    "tss": Numbers("t", at_least=0.0, may_be_nan=True),
    "log_likelihood": Numbers("t", may_be_nan=True),
    "bse": Numbers("tp", at_least=0.0, may_be_nan=True),
    "bse_intercept": Numbers("t", at_least=0.0, may_be_nan=True),
    "residual_sd": Numbers("t", at_least=0.0, may_be_nan=True),
    "fit_intercept": Of(bool),
    "alpha": NumberOr("tp", at_least=0.0, must_be_finite=True),
    "feature_mean": Numbers("p", may_be_nan=True),
    "feature_std": Numbers("p", at_least=0.0, may_be_nan=True),
}
"""What `LinearFit.to_dict` gives, by field."""

LATER_FIELDS: Mapping[str, tuple[Field, Any]] = {
    "has_feature_names": (Of(bool), None),
    "bse_digits": (Numbers("", at_least=0.0, at_most=_MOST_DIGITS, may_be_nan=True), math.nan),
    "n_dropped": (Count(0), 0),
    "design": (_OfDesign(), None),
    "target_mean": (NumberOr("t", may_be_nan=True), math.nan),
    "target_std": (NumberOr("t", at_least=0.0, may_be_nan=True), math.nan),
    "weight_type": (_OneOf(*WEIGHT_TYPES), "precision"),
    "cov_type": (_OneOf(*COV_TYPES), "nonrobust"),
    "cov_options": (_Options(), ()),
    "inverse": (Maybe(Part(CrossInverse.from_dict)), None),
    "covariance": (Maybe(Block(3, may_be_nan=True)), None),
    "influential": (_OfRows(), None),
    "covariance_at_means": (Maybe(Block(2, may_be_nan=True)), None),
}
"""What fits that were stored before do not have, and what is taken for it."""

_NAMES = ("feature_names", "target_names")
_KEYS = {"bse_coef": "bse"}
"""What fields are called in documents, where version 0.1.0 called them otherwise."""


def as_data(values: Mapping[str, Any], *, has_feature_names: bool) -> dict[str, Any]:
    """The fields of a fit as plain data, from which `restored` makes the same bits."""
    data: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            data[name] = value.tolist()
        elif isinstance(value, Status):
            data[name] = {"code": value.code, "sentence": str(value)}
        elif name == "design":
            data[name] = None if value is None else value.to_dict()
        elif name == "inverse":
            is_kept = value is not None and value.n_features <= LARGEST_SAVED and value.root.size
            data[name] = value.to_dict() if is_kept else None
        elif name == "cov_options":
            data[name] = dict(value)
        elif name == "influential":
            data[name] = None if value is None else [each.to_dict() for each in value]
        elif isinstance(value, tuple):
            data[name] = list(value)
        else:
            data[name] = value
    data["has_feature_names"] = has_feature_names
    return {_KEYS.get(name, name): value for name, value in data.items()}


def restored(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a fit from what `as_data` gave; an `InputError` if one is missing, unknown or wrong."""
    checked = check_fit(data)
    for name, key in _KEYS.items():
        checked[name] = checked.pop(key)
    has_names = checked.pop("has_feature_names")
    if has_names is None:  # saved before it was remembered
        has_names = checked["feature_names"] != default_names(len(checked["feature_names"]))
    if not has_names:
        checked["feature_names"] = GeneratedNames(checked["feature_names"])
    return {**checked, "status": Status(**checked["status"])}


def check_fit(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a fit as NumPy arrays, numbers and tuples.

    Raises
    ------
    InputError
        If one is missing, unknown, or of the wrong type, shape or range.
    """
    check_keys("a fit", {key: data[key] for key in data if key not in LATER_FIELDS}, FIT_FIELDS)
    names = {key: FIT_FIELDS[key].check(key, data[key], {}) for key in _NAMES}
    p = (len(names["feature_names"]),)
    t: tuple[int, ...] = (len(names["target_names"]),)
    if not isinstance(data["intercept"], list | tuple | np.ndarray):
        if t != (1,):
            raise InputError(f"intercept is one number for {t[0]} targets.")
        t = ()
    sizes = {"": (), "t": t, "p": p, "tp": t + p}
    checked = {key: field.check(key, data[key], sizes) for key, field in FIT_FIELDS.items()}
    for key, (field, unknown) in LATER_FIELDS.items():
        checked[key] = field.check(key, data[key], sizes) if key in data else unknown
    design = checked["design"]
    if design is not None and design.feature_names != names["feature_names"]:
        raise InputError("the features of the design are not those of the fit.")
    inverse, covariance = checked["inverse"], checked["covariance"]
    if inverse is not None and inverse.n_features != p[0]:
        raise InputError(f"inverse is that of {inverse.n_features} features, not of {p[0]}.")
    k = p[0] + checked["fit_intercept"]
    if covariance is not None and covariance.shape != ((t or (1,))[0], k, k):
        raise InputError(
            f"covariance has shape {covariance.shape}, not one block of {k} x {k} for each target."
        )
    at_means = checked["covariance_at_means"]
    if at_means is not None and at_means.shape != ((t or (1,))[0], k):
        raise InputError(
            f"covariance_at_means has shape {at_means.shape}, not one row of {k} for each target."
        )
    if checked["rank"] > p[0]:
        raise InputError(f"rank {checked['rank']} is more than {p[0]} features allow.")
    return checked
