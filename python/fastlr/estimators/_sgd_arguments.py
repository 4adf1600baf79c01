"""The parameters of SGDRegressor, checked, in the kernels' words."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastlr.descent.arguments import as_verbose
from fastlr.descent.optimizers import Optimizer, as_optimizer
from fastlr.descent.row_loss import ROW_LOSSES, RowLoss, as_epsilon
from fastlr.descent.schedules import Adaptive, Constant, InverseScaling, Schedule, as_rate
from fastlr.errors import InputError, InputTypeError, user_level
from fastlr.input.options import as_choice, as_flag, as_number, as_whole

__all__ = ["LOSS_FUNCTIONS", "SGDSettings", "settings_of"]

LOSS_FUNCTIONS: Mapping[str, tuple[str, float] | tuple[str]] = {
    name: (name,) if name == "squared_error" else (name, 0.1) for name in ROW_LOSSES
}
"""The losses by name, as scikit-learn lists its own: each with the epsilon that it has by default."""

_RATES = ("invscaling", "constant", "optimal", "adaptive")
_LARGEST_SLOPE = 1e12  # where scikit-learn cuts the derivative of a row's loss


@dataclass(frozen=True)
class SGDSettings:
    """The checked parameters of an SGDRegressor, in the words of descent."""

    rule: Optimizer
    row_loss: RowLoss
    l2: float
    fit_intercept: bool
    standardize: bool
    shuffle: bool
    verbose: int
    early_stopping: bool
    max_iter: int
    tol: float | None
    n_iter_no_change: int
    average_from: int
    schedule: Schedule
    rate: float
    growth: float
    """How many times further than usual the loss may grow on the way."""
    is_optimal: bool
    """Whether rates are 1 / (alpha (t + t0)), whatever eta0 is."""
    for_kernels: dict[str, Any]


def settings_of(model: Any, *, one_epoch: bool = False) -> SGDSettings:
    """Check all parameters of an SGDRegressor; ``one_epoch`` overrides its ``max_iter`` and ``tol``."""
    loss = as_choice(model.loss, ROW_LOSSES, "loss")
    row_loss = RowLoss(loss, as_epsilon(model.epsilon, loss))
    penalty = model.penalty
    if penalty is not None:
        as_choice(penalty, ("l2", "l1", "elasticnet"), "penalty")
    fit_intercept = as_flag(model.fit_intercept, "fit_intercept")
    early_stopping = as_flag(model.early_stopping, "early_stopping")
    alpha = _number(model.alpha, "alpha", 0.0, math.inf)
    share = {None: 0.0, "l2": 0.0, "l1": 1.0}.get(penalty, -1.0)
    if share < 0.0:
        if model.l1_ratio is None:
            raise InputTypeError(
                "l1_ratio must be set when penalty is 'elasticnet', and it is None: pass a share from 0 to 1."
            )
        share = _number(model.l1_ratio, "l1_ratio", 0.0, 1.0)
    strength = 0.0 if penalty is None else alpha
    rule = as_optimizer(model.optimizer)
    schedule, rate, of_rate = _schedule(model, alpha)
    is_optimal = "rate_shift" in of_rate
    tolerance = None if one_epoch else model.tol
    if tolerance is not None:
        tolerance = _number(tolerance, "tol", 0.0, math.inf)
    average = model.average
    average_from = (
        int(average) if isinstance(average, bool | np.bool_) else as_whole(average, "average", 0)
    )
    if early_stopping:
        fraction = _number(model.validation_fraction, "validation_fraction", 0.0, 1.0)
        if fraction in (0.0, 1.0):
            raise InputError(
                f"validation_fraction={fraction!r} is not between 0 and 1: pass a share such as 0.1."
            )
    patience = as_whole(model.n_iter_no_change, "n_iter_no_change")
    watches_training = tolerance is not None and not early_stopping
    return SGDSettings(
        rule=rule,
        row_loss=row_loss,
        l2=strength * (1.0 - share),
        fit_intercept=fit_intercept,
        standardize=as_flag(model.standardize, "standardize"),
        shuffle=as_flag(model.shuffle, "shuffle"),
        verbose=as_verbose(model.verbose),
        early_stopping=early_stopping,
        max_iter=1 if one_epoch else as_whole(model.max_iter, "max_iter"),
        tol=tolerance,
        n_iter_no_change=patience,
        average_from=average_from,
        schedule=schedule,
        rate=rate,
        # The first steps of "optimal" are wild by design, and later ones recover.
        growth=1e58 if is_optimal else 1.0,
        is_optimal=is_optimal,
        for_kernels={
            **rule.settings,
            **of_rate,
            **row_loss.settings,
            "scale": 1.0,
            "mean_weight": 1.0,
            "penalty": strength * (1.0 - share),
            "l1": strength * share,
            "stops_at_zero": rule.name == "gd",
            "max_residual": _LARGEST_SLOPE if is_optimal or model.batch_size == 1 else math.inf,
            "fit_intercept": fit_intercept,
            "average_from": average_from,
            "tolerance": tolerance if watches_training else -1.0,
            "relative": False,
            "patience": patience,
        },
    )


def _schedule(model: Any, alpha: float) -> tuple[Schedule, float, dict[str, float]]:
    """Return the schedule, its initial rate, and what the kernels need to know of it."""
    if isinstance(model.learning_rate, Schedule):
        schedule = model.learning_rate
        initial = schedule.initial_learning_rate
        return (
            schedule,
            as_rate(model.eta0 if initial == "auto" else initial, "eta0", or_else=""),
            schedule.settings,
        )
    name = as_choice(model.learning_rate, _RATES, "learning_rate")
    if name == "optimal":
        if alpha == 0.0:
            raise InputError(
                "alpha must be > 0 since learning_rate is 'optimal': the rate is 1 / (alpha (t + t0))."
            )
        # Bottou's heuristic as scikit-learn has it: the first rate is sqrt(1 / sqrt(alpha)), which it would divide by
        # the slope at the residual -(1 + that rate), were it above 1: of no loss here, all fall with a negative one.
        offset = 1.0 / (math.sqrt(1.0 / math.sqrt(alpha)) * alpha)
        return Constant(), 1.0 / alpha, {"rate_power": 1.0, "rate_shift": offset - 1.0}
    rate = as_rate(model.eta0, "eta0", or_else="")
    if name == "invscaling":
        power = _number(model.power_t, "power_t", -10.0, 10.0)
        if power < 0.0:
            warnings.warn(
                "Negative values for `power_t` are deprecated, and scikit-learn will refuse them: with "
                f"power_t={power:g} rates grow with every update. Pass a number from 0 on.",
                FutureWarning,
                stacklevel=user_level(),
            )
            return Constant(), rate, {"rate_power": power}
        schedule = InverseScaling(rate, power_t=power)
        return schedule, rate, schedule.settings
    return (Adaptive(rate) if name == "adaptive" else Constant(rate)), rate, {}


def _number(value: object, name: str, low: float, high: float) -> float:
    number = as_number(value, name, f"one from {low:g} to {high:g}")
    if not low <= number <= high or math.isinf(number):
        raise InputError(
            f"{name}={value!r} is out of range: pass a finite number from {low:g} to {high:g}."
        )
    return number
