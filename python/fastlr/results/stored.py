"""Fits as plain numbers, strings and lists, and back; of what is read every field is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastlr.errors import InputError
from fastlr.input.names import GeneratedNames, default_names
from fastlr.results.status import Status
from fastlr.storage.schema import Count, Field, Names, NumberOr, Numbers, Of, Sentence, check_keys

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
}
"""What fits that were stored before do not have, and what is taken for it."""

_NAMES = ("feature_names", "target_names")


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
        elif isinstance(value, tuple):
            data[name] = list(value)
        else:
            data[name] = value
    data["has_feature_names"] = has_feature_names
    return data


def restored(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a fit from what `as_data` gave; an `InputError` if one is missing, unknown or wrong."""
    checked = check_fit(data)
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
    if checked["rank"] > p[0]:
        raise InputError(f"rank {checked['rank']} is more than {p[0]} features allow.")
    return checked
