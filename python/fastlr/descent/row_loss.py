"""The loss of a row by its residual: the squared one, or those of scikit-learn's SGDRegressor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from fastlr.errors import InputError
from fastlr.input.options import as_number

__all__ = ["ROW_LOSSES", "SQUARED", "RowLoss", "as_epsilon"]

ROW_LOSSES = ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive")


@dataclass(frozen=True)
class RowLoss:
    r"""A loss l(r) of the residual r = prediction - y.

    r^2 / 2; r^2 / 2 up to \|r\| = epsilon and epsilon \|r\| - epsilon^2 / 2 beyond ("huber"); max(0, \|r\| -
    epsilon), or its square. Kernels add up 2 l(r), which of the squared loss is r^2.
    """

    kind: str
    epsilon: float

    @property
    def is_squared(self) -> bool:
        """Whether this is r^2 / 2: then moments tell all about it."""
        return self.kind == "squared_error"

    @property
    def curvature(self) -> float:
        """The largest second derivative; infinite where the slope jumps."""
        return {"epsilon_insensitive": math.inf, "squared_epsilon_insensitive": 2.0}.get(
            self.kind, 1.0
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The loss under the names that the kernels of descent know; nothing for the squared one."""
        return {} if self.is_squared else {"loss": self.kind, "loss_epsilon": self.epsilon}


SQUARED = RowLoss("squared_error", 0.0)


def as_epsilon(epsilon: object, loss: str) -> float:
    """Check ``epsilon``: finite and not negative; with "huber" not zero either, which would leave no loss at all."""
    number = as_number(epsilon, "epsilon", "a finite number >= 0, in the units of y")
    if not 0.0 <= number < math.inf:
        raise InputError(
            f"epsilon={epsilon!r} is not a finite number >= 0: pass the size of a residual, in the units of y."
        )
    if loss == "huber" and number == 0.0:
        raise InputError(
            "epsilon=0 makes the loss 'huber' zero everywhere: pass the size of a residual, in the units of y, from "
            "which on it counts as an outlier."
        )
    return number
