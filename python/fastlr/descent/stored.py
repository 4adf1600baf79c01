"""What is kept of descents, their histories, rules and schedules in files: each field with its rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from fastlr.descent.optimizers import Optimizer, optimizer_classes
from fastlr.descent.schedules import Schedule
from fastlr.errors import InputError, InputTypeError
from fastlr.storage.schema import (
    Count,
    Field,
    Maybe,
    Numbers,
    Of,
    Part,
    check_fields,
    check_keys,
    shown,
)

__all__ = ["StoredRule", "check_descent", "check_history", "rule_as_data"]

_ANY = Numbers("e", may_be_nan=True)

_HISTORY: Mapping[str, Field] = {
    "loss": _ANY,
    "mse": _ANY,
    "log_likelihood": _ANY,
    "validation_loss": Maybe(_ANY),
    "gradient_norm": _ANY,
    "learning_rate": _ANY,
    "coef": Maybe(Numbers("ep", may_be_nan=True)),
    "intercept": Maybe(_ANY),
    "step_coef": Maybe(Numbers("sp", may_be_nan=True)),
    "step_intercept": Maybe(Numbers("s", may_be_nan=True)),
    "step_epoch": Maybe(Numbers("s", at_least=0.0, must_be_finite=True)),
}

_LATER = ("step_coef", "step_intercept", "step_epoch")  # which files of 0.1.0 lack


def rule_as_data(rule: Optimizer | Schedule) -> dict[str, Any]:
    """The name and the constants of a rule of steps, or of a schedule."""
    constants = asdict(rule)
    for name, value in constants.items():
        constants[name] = value.item() if isinstance(value, np.generic) else value
    return {"name": rule.name, **constants}


class StoredRule:
    """A rule that admits what `rule_as_data` gave of an optimizer, or of a schedule."""

    def __init__(self, classes: Callable[[], Mapping[str, Any]]) -> None:
        self._classes = classes

    def check(
        self, name: str, value: object, sizes: Mapping[str, tuple[int, ...]]
    ) -> Optimizer | Schedule:
        """The optimizer or schedule, whose own class checks its constants."""
        if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
            raise InputError(f"{name}={shown(value)} has no name.")
        kind = self._classes().get(value["name"])
        if kind is None:
            raise InputError(f"{name} has the unknown name {shown(value['name'])}.")
        constants = {key: value[key] for key in value if key != "name"}
        check_keys(name, constants, {field.name: None for field in fields(kind)})
        for key, constant in constants.items():
            if not (key == "initial_learning_rate" and constant == "auto"):
                number = Numbers("", must_be_finite=True).check(f"{name}.{key}", constant, {"": ()})
                constants[key] = constant if type(constant) is int else number
        try:
            rule: Optimizer | Schedule = kind(**constants)
        except InputTypeError as error:
            raise InputError(f"{name}: {error}") from error
        return rule


def check_history(data: Mapping[str, Any], n_features: int) -> dict[str, Any]:
    """The arrays of a history, all of one length.

    Raises
    ------
    InputError
        If one is missing, unknown, or of another shape.
    """
    check_keys("a history", {**dict.fromkeys(_LATER), **data}, _HISTORY)
    loss = data["loss"]
    if not isinstance(loss, list):
        raise InputError(f"loss={shown(loss)} is not a list of numbers.")
    steps = data.get("step_epoch")
    e, s = len(loss), len(steps) if isinstance(steps, list) else 0
    sizes = {"e": (e,), "ep": (e, n_features), "s": (s,), "sp": (s, n_features)}
    return check_fields("a history", data, _HISTORY, sizes)


def check_descent(
    data: Mapping[str, Any], read_fit: Callable[[Mapping[str, Any]], Any]
) -> dict[str, Any]:
    """All fields of a descent but its memory; the history is left as it is.

    Raises
    ------
    InputError
        If one is missing, unknown, or against its rule.
    """
    any_number = Numbers("", may_be_nan=True)
    rules: Mapping[str, Field] = {
        "fit": Part(read_fit),
        "history": Part(dict),
        "optimizer": StoredRule(optimizer_classes),
        "loss": any_number,
        "gap": any_number,
        "n_epochs": Count(0),
        "n_updates": Count(0),
        "loss_kind": Of(str),
        "penalty": Numbers("", at_least=0.0, must_be_finite=True),
        "learning_rate": any_number,
        "largest_stable_rate": any_number,
        "engine": Of(str),
        "batch_size": Count(0),
    }
    return check_fields("a descent", data, rules, {"": ()})
