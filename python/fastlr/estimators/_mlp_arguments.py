"""The parameters of MLPRegressor, checked, in the words of descent."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastlr.descent.arguments import as_verbose
from fastlr.descent.optimizers import Optimizer, as_optimizer
from fastlr.descent.schedules import Adaptive, Constant, Schedule, as_rate
from fastlr.errors import InputError, InputTypeError
from fastlr.input.options import as_alpha, as_choice, as_flag, as_number, as_whole
from fastlr.networks.shape import ACTIVATIONS

__all__ = ["MLPSettings", "settings_of"]

_RATES = ("constant", "invscaling", "adaptive")


@dataclass(frozen=True)
class MLPSettings:
    """The checked parameters of an MLPRegressor."""

    sizes: tuple[int, ...]
    """Numbers of units of the hidden layers."""
    activations: tuple[str, ...]
    """Names of the activations, one for each hidden layer."""
    alpha: float
    batch_size: int | None
    """None for scikit-learn's "auto": 200, or all rows if there are fewer."""
    for_steps: dict[str, Any]
    """The rule of the steps and its constants, under the names that the kernels know."""
    needs_all_rows: Optimizer | None
    """The rule, if batches would mislead it."""
    rate: float
    power: float
    """By which power of the rows seen the rate falls from epoch to epoch, as scikit-learn's "invscaling" has it."""
    schedule: Schedule
    max_iter: int
    tol: float | None
    patience: float
    """Epochs without improvement that are waited for: one more ends the fit."""
    shuffle: bool
    verbose: int
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    standardize: bool


def settings_of(model: Any) -> MLPSettings:
    """Check all parameters of an MLPRegressor."""
    as_choice(model.loss, ("squared_error",), "loss")
    if isinstance(model.solver, str) and model.solver == "lbfgs":
        raise InputError(
            "solver='lbfgs' is not offered: pass 'adam' or 'sgd', or any rule of fastlr.optimizers with optimizer=."
        )
    as_choice(model.solver, ("sgd", "adam"), "solver")
    sizes = _sizes(model.hidden_layer_sizes)
    activations = _activations(model.activation, len(sizes))
    schedule, rate, power = _rates(model)
    for_steps, needs_all_rows = _rule(model)
    early_stopping = as_flag(model.early_stopping, "early_stopping")
    tol = model.tol
    if tol is not None:
        tol = _number(tol, "tol", 0.0, math.inf)
    return MLPSettings(
        sizes=sizes,
        activations=activations,
        alpha=as_alpha(model.alpha),
        batch_size=_batch_size(model.batch_size),
        for_steps={**for_steps, **schedule.settings},
        needs_all_rows=needs_all_rows,
        rate=rate,
        power=power,
        schedule=schedule,
        max_iter=as_whole(model.max_iter, "max_iter"),
        tol=tol,
        patience=_patience(model.n_iter_no_change),
        shuffle=as_flag(model.shuffle, "shuffle"),
        verbose=as_verbose(model.verbose),
        warm_start=as_flag(model.warm_start, "warm_start"),
        early_stopping=early_stopping,
        validation_fraction=_fraction(model.validation_fraction, early_stopping),
        standardize=as_flag(model.standardize, "standardize"),
    )


def _sizes(given: object) -> tuple[int, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        return (as_whole(given, "hidden_layer_sizes"),)
    if not isinstance(given, Collection) or isinstance(given, Set | Mapping):
        raise InputTypeError(
            f"hidden_layer_sizes={given!r} has no lasting order: pass a sequence such as (100,)."
        )
    sizes = list(given)
    for size in sizes:
        name = f"hidden_layer_sizes={given!r} must be > 0 and whole; one of them"
        try:
            as_whole(size, "hidden_layer_sizes")
        except InputTypeError:
            raise InputTypeError(f"{name} is {size!r}: pass sizes such as (100,).") from None
        except InputError:
            raise InputError(f"{name} is {size!r}: pass sizes such as (100,).") from None
    return tuple(int(size) for size in sizes)


def _activations(given: object, n_hidden: int) -> tuple[str, ...]:
    if isinstance(given, str):
        return (as_choice(given, ACTIVATIONS, "activation"),) * n_hidden
    if not isinstance(given, Sequence | np.ndarray):
        raise InputTypeError(
            f"activation={given!r} is no name: pass one of {', '.join(map(repr, ACTIVATIONS))}, or one for each "
            "hidden layer."
        )
    if len(given) != n_hidden or not n_hidden:
        raise InputError(
            f"activation={given!r} has {len(given)} names for {n_hidden} hidden layers: pass one name for all of them, "
            "or one for each."
        )
    return tuple(as_choice(name, ACTIVATIONS, "activation") for name in given)


def _rates(model: Any) -> tuple[Schedule, float, float]:
    """The schedule of the rates, the first rate, and the power of scikit-learn's "invscaling"."""
    rate = as_rate(model.learning_rate_init, "learning_rate_init", or_else="")
    name = as_choice(model.learning_rate, _RATES, "learning_rate")
    power = _number(model.power_t, "power_t", 0.0, math.inf)
    if model.schedule is not None:
        if not isinstance(model.schedule, Schedule):
            raise InputTypeError(
                f"schedule={model.schedule!r} is none: pass one of fastlr.schedules, or None for learning_rate."
            )
        if name != "constant":
            raise InputError(
                f"learning_rate={name!r} and schedule={model.schedule!r} both say how the rate falls: pass one of them."
            )
        initial = model.schedule.initial_learning_rate
        return model.schedule, rate if initial == "auto" else as_rate(initial, "schedule"), 0.0
    if model.optimizer is None and model.solver == "adam":
        return Constant(), rate, 0.0  # as in scikit-learn, whose "adam" knows one rate
    if name == "adaptive":
        return Adaptive(), rate, 0.0
    return Constant(), rate, power if name == "invscaling" else 0.0


def _rule(model: Any) -> tuple[dict[str, Any], Optimizer | None]:
    """The rule of the steps for the kernels: scikit-learn's, or one of `fastlr.optimizers`."""
    nesterov = as_flag(model.nesterovs_momentum, "nesterovs_momentum")
    momentum = _number(model.momentum, "momentum", 0.0, 1.0)
    betas = {name: _share(getattr(model, name), name) for name in ("beta_1", "beta_2")}
    epsilon = _number(model.epsilon, "epsilon", 0.0, math.inf)
    if epsilon == 0.0:
        raise InputError("epsilon=0 must be above 0: pass a small number such as 1e-8.")
    if model.optimizer is not None:
        rule = as_optimizer(model.optimizer)
        return rule.settings, rule if rule.needs_all_rows else None
    if model.solver == "adam":
        return {"rule": "adam", **betas, "epsilon": epsilon, "epsilon_of_biased": True}, None
    return {"rule": "nesterov" if nesterov else "momentum", "momentum": momentum}, None


def _batch_size(given: object) -> int | None:
    if isinstance(given, str):
        if given == "auto":
            return None
        raise InputError(f"batch_size={given!r} is unknown: pass 'auto', or an integer from 1 on.")
    return as_whole(given, "batch_size")


def _patience(given: object) -> float:
    if isinstance(given, float | np.floating) and given == math.inf:
        return math.inf
    return as_whole(given, "n_iter_no_change")


def _fraction(given: object, is_used: bool) -> float:
    fraction = _number(given, "validation_fraction", 0.0, 1.0)
    if fraction == 1.0 or (is_used and fraction == 0.0):
        raise InputError(
            f"validation_fraction={given!r} is not between 0 and 1: pass a share such as 0.1."
        )
    return fraction


def _share(given: object, name: str) -> float:
    number = _number(given, name, 0.0, 1.0)
    if number == 1.0:
        raise InputError(f"{name}={given!r} must be below 1: pass a share such as 0.9.")
    return number


def _number(value: object, name: str, low: float, high: float) -> float:
    rule = f"from {low:g} to {high:g}" if math.isfinite(high) else f"from {low:g} on"
    number = as_number(value, name, f"one {rule}")
    if not low <= number <= high or math.isinf(number):
        raise InputError(f"{name}={value!r} is out of range: pass a finite number {rule}.")
    return number
