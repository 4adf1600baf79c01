"""How a gradient becomes a step: the rules of gradient descent, with their constants.

The constants have Keras's names, and momentum is written as there, with the rate inside the velocity. ``epsilon`` is
added to the root, as in the papers and in PyTorch, and is 1e-8 for all rules (Keras adds 1e-7 under the root of AdaGrad
and RMSprop; PyTorch's AdaGrad has 1e-10). AdaGrad's sum starts from 0 (Keras: 0.1). Momentum is 0.9 unless said
otherwise. With the gradient g, the learning rate eta and the parameters theta (coefficients and intercept),
t = 1, 2, ... counting the updates:

=========== ==========================================================================
rule        update
=========== ==========================================================================
GD          theta -= eta g
Momentum    m = momentum m - eta g;  theta += m
Nesterov    m = momentum m - eta g;  theta += momentum m - eta g
AdaGrad     v += g^2;  theta -= eta g / (sqrt(v) + epsilon)
RMSprop     v = rho v + (1 - rho) g^2;  theta -= eta g / (sqrt(v) + epsilon)
Adam        m = beta_1 m + (1 - beta_1) g;  v = beta_2 v + (1 - beta_2) g^2;
            theta -= eta m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
Accelerated m = c_(k-1) m - eta g;  theta += c_k m - eta g  with c_k = k / (k + 3),
            k = 0, 1, ...; wherever g m > 0, first m = 0 and k = 0
=========== ==========================================================================

>>> Adam(beta_1=0.8)
Adam(beta_1=0.8, beta_2=0.999, epsilon=1e-08)
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import ClassVar

import numpy as np

from fastlr.errors import InputError, InputTypeError

__all__ = [
    "GD",
    "Accelerated",
    "AdaGrad",
    "Adam",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "as_optimizer",
    "optimizer_classes",
]


@dataclass(frozen=True)
class Optimizer:
    """The base class of all rules; use one of its subclasses.

    The rules are compiled, so a subclass of your own is refused by whatever takes an optimizer.

    Examples
    --------
    >>> Momentum(0.5).name
    'momentum'
    """

    name: ClassVar[str] = ""
    is_adaptive: ClassVar[bool] = False
    """Whether a step is about one learning rate long, however large the gradient is."""
    needs_all_rows: ClassVar[bool] = False
    """Whether the rule compares gradients of one step with the next, so that batches would mislead it."""
    stability: ClassVar[str] = "2 / L"
    """The largest stable rate, as a formula."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise InputTypeError(
                    f"{field.name}={value!r} of {type(self).__name__} is not a number: pass one such as "
                    f"{field.default!r}."
                )
            number = float(value)
            if field.name == "epsilon":
                if not 0.0 < number < math.inf:
                    raise InputError(
                        f"epsilon={value!r} of {type(self).__name__} must be finite and > 0, e.g. 1e-8."
                    )
            elif not 0.0 <= number < 1.0:
                raise InputError(
                    f"{field.name}={value!r} of {type(self).__name__} is not in [0, 1): e.g. 0.9."
                )

    @property
    def settings(self) -> dict[str, float | str]:
        """The rule's name and constants under the names that the kernels know."""
        return {"rule": self.name, **asdict(self)}

    def refuse_batches(self, cure: str) -> None:
        """Raise if batches would mislead the rule; ``cure`` says how to ask for all rows instead."""
        if self.needs_all_rows:
            raise InputError(
                f"optimizer={self.name!r} compares the gradient of one step with the next, and batches would mislead "
                f"it: {cure}, or pass 'momentum' or 'nesterov'."
            )

    def largest_stable_rate(self, curvature: float) -> float:
        """The rate above which descent on all rows diverges, by the largest curvature L: 2 / L for the plain rule.

        Adaptive rules have none of their own, and give that of the plain one.
        """
        return 2.0 / curvature if curvature > 0.0 else math.inf


@dataclass(frozen=True)
class GD(Optimizer):
    """Plain gradient descent: each step is the learning rate times the gradient.

    Examples
    --------
    >>> GD()
    GD()
    """

    name: ClassVar[str] = "gd"


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent with a velocity, which keeps a share of the last step (Polyak 1964).

    Examples
    --------
    >>> Momentum()
    Momentum(momentum=0.9)
    """

    name: ClassVar[str] = "momentum"
    stability: ClassVar[str] = "2 (1 + momentum) / L"
    momentum: float = 0.9

    def largest_stable_rate(self, curvature: float) -> float:
        """The rate above which descent on all rows diverges: 2 (1 + momentum) / L, with L the largest curvature."""
        return (1.0 + self.momentum) * super().largest_stable_rate(curvature)


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Momentum whose gradient is taken one step ahead (Nesterov 1983).

    Examples
    --------
    >>> Nesterov()
    Nesterov(momentum=0.9)
    """

    name: ClassVar[str] = "nesterov"
    stability: ClassVar[str] = "2 (1 + momentum) / ((1 + 2 momentum) L)"
    momentum: float = 0.9

    def largest_stable_rate(self, curvature: float) -> float:
        """The rate above which descent on all rows diverges: 2 (1 + momentum) / ((1 + 2 momentum) L)."""
        share = (1.0 + self.momentum) / (1.0 + 2.0 * self.momentum)
        return share * super().largest_stable_rate(curvature)


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """Steps with a rate for every parameter that falls as the squares of its gradients add up (Duchi et al. 2011).

    Examples
    --------
    >>> AdaGrad()
    AdaGrad(epsilon=1e-08)
    """

    name: ClassVar[str] = "adagrad"
    is_adaptive: ClassVar[bool] = True
    epsilon: float = 1e-8


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Steps with a rate for every parameter, by the recent squares of its gradients (Tieleman and Hinton 2012).

    Examples
    --------
    >>> RMSprop()
    RMSprop(rho=0.9, epsilon=1e-08)
    """

    name: ClassVar[str] = "rmsprop"
    is_adaptive: ClassVar[bool] = True
    rho: float = 0.9
    epsilon: float = 1e-8

    @property
    def settings(self) -> dict[str, float | str]:
        """The rule's name and constants under the names that the kernels know."""
        return {"rule": self.name, "beta_2": self.rho, "epsilon": self.epsilon}


@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps with momentum and a rate for every parameter, freed of their bias at the start (Kingma and Ba 2015).

    Examples
    --------
    >>> Adam(epsilon=1e-7).epsilon
    1e-07
    """

    name: ClassVar[str] = "adam"
    is_adaptive: ClassVar[bool] = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8


@dataclass(frozen=True)
class Accelerated(Optimizer):
    """Nesterov's method whose momentum grows from step to step and restarts when it leads uphill.

    The momentum is k / (k + 3) after k steps; where the gradient points along the last move, the memory is cleared and
    k = 0 (O'Donoghue and Candes 2015). So it adapts to the conditioning of the columns, of which no constant needs to
    be known: some sqrt(kappa) steps do what takes plain descent kappa. For descent on all rows; batches would restart
    it at random.

    Examples
    --------
    >>> Accelerated()
    Accelerated()
    """

    name: ClassVar[str] = "accelerated"
    needs_all_rows: ClassVar[bool] = True
    stability: ClassVar[str] = "4 / (3 L)"

    def largest_stable_rate(self, curvature: float) -> float:
        """The rate above which descent on all rows diverges: 4 / (3 L), Nesterov's limit as its momentum goes to 1."""
        return super().largest_stable_rate(curvature) / 1.5


_BY_NAME: dict[str, type[Optimizer]] = {
    rule.name: rule for rule in (GD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, Accelerated)
}


def optimizer_classes() -> dict[str, type[Optimizer]]:
    """All classes of optimizers by their names."""
    return dict(_BY_NAME)


def as_optimizer(optimizer: object) -> Optimizer:
    """Return the rule of that name, with its default constants, or the instance itself.

    Raises
    ------
    InputError
        If there is no rule of that name.
    InputTypeError
        If it is neither a name nor an optimizer, or is of a class of its own.

    Examples
    --------
    >>> as_optimizer("nesterov")
    Nesterov(momentum=0.9)
    """
    if isinstance(optimizer, Optimizer):
        if type(optimizer) in _BY_NAME.values():
            return optimizer
        raise InputTypeError(
            f"optimizer is of class {type(optimizer).__name__}, whose rule is not among those that are compiled: pass "
            f"one of {', '.join(map(repr, _BY_NAME))}, or an instance of their classes such as "
            "fastlr.optimizers.Momentum(0.5). For a rule of your own, step over fastlr.reference.gradient."
        )
    if isinstance(optimizer, str):
        if optimizer in _BY_NAME:
            return _BY_NAME[optimizer]()
        raise InputError(
            f"optimizer={optimizer!r} is unknown: choose one of {', '.join(map(repr, _BY_NAME))}."
        )
    raise InputTypeError(
        f"optimizer={optimizer!r} is neither a name nor an optimizer: pass one of {', '.join(map(repr, _BY_NAME))}, "
        "or an instance such as fastlr.optimizers.Adam(beta_1=0.9)."
    )
