"""How the learning rate falls: schedules, named as in scikit-learn and Keras.

Every schedule starts from ``initial_learning_rate``, a number or "auto". Epochs count from 0 and updates from 1:

================ =========================================================================
schedule         rate
================ =========================================================================
Constant         initial
InverseScaling   initial / t^power_t at update t (scikit-learn's "invscaling")
StepDecay        initial * rate^floor(epoch / every)
ExponentialDecay initial * decay_rate^(epoch / decay_epochs)
CosineDecay      initial * (alpha + (1 - alpha) (1 + cos(pi epoch / decay_epochs)) / 2), then initial * alpha
Adaptive         initial, divided by ``factor`` whenever the loss stops improving (scikit-learn's "adaptive")
================ =========================================================================

>>> StepDecay(0.1, rate=0.5, every=10).rates(0.1, 9, 3).round(6).tolist()
[0.1, 0.05, 0.05]
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray

__all__ = [
    "Adaptive",
    "Constant",
    "CosineDecay",
    "ExponentialDecay",
    "InverseScaling",
    "Schedule",
    "StepDecay",
    "as_schedule",
    "schedule_classes",
]


@dataclass(frozen=True)
class Schedule(ABC):
    """The base class of all schedules; use one of its subclasses, or write your own.

    Examples
    --------
    >>> Constant(0.1).name
    'constant'
    """

    name: ClassVar[str] = ""
    bounds: ClassVar[dict[str, tuple[float, float]]] = {}
    initial_learning_rate: float | str = "auto"

    def __post_init__(self) -> None:
        if self.initial_learning_rate != "auto":
            as_rate(self.initial_learning_rate, "initial_learning_rate")
        for field in fields(self):
            if field.name == "initial_learning_rate":
                continue
            if field.name not in self.bounds:
                continue  # a subclass of the user's, which checks its own constants
            value, (low, high) = getattr(self, field.name), self.bounds[field.name]
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise InputTypeError(
                    f"{field.name}={value!r} of {type(self).__name__} is not a number."
                )
            if not low <= value <= high:
                raise InputError(
                    f"{field.name}={value!r} of {type(self).__name__} is not between {low:g} and {high:g}."
                )

    @abstractmethod
    def rates(self, initial: float, first_epoch: int, n_epochs: int) -> FloatArray:
        """Return the rates of ``n_epochs`` epochs from ``first_epoch`` on, with ``initial`` as the first of all."""

    @property
    def settings(self) -> dict[str, float]:
        """What the kernels need to know of rates that change with every update, which is nothing for most schedules."""
        return {}

    @property
    def settled_from(self) -> float:
        """The epoch from which the rate no longer falls; infinity if it always does."""
        return math.inf


@dataclass(frozen=True)
class Constant(Schedule):
    """A rate that never changes.

    Examples
    --------
    >>> Constant(0.1).rates(0.1, 0, 2).tolist()
    [0.1, 0.1]
    """

    name: ClassVar[str] = "constant"

    def rates(self, initial: float, first_epoch: int, n_epochs: int) -> FloatArray:
        """The initial rate, ``n_epochs`` times."""
        return np.full(n_epochs, initial)

    @property
    def settled_from(self) -> float:
        """The epoch from which the rate no longer falls: 0, as it never does."""
        return 0.0


@dataclass(frozen=True)
class InverseScaling(Constant):
    """The initial rate over a power of the number of updates: scikit-learn's "invscaling".

    Examples
    --------
    >>> InverseScaling(0.1, power_t=0.5).settings
    {'rate_power': 0.5}
    """

    name: ClassVar[str] = "invscaling"
    bounds: ClassVar[dict[str, tuple[float, float]]] = {"power_t": (0.0, 10.0)}
    power_t: float = 0.25

    @property
    def settings(self) -> dict[str, float]:
        """The power of the number of updates by which the kernels divide the rate."""
        return {"rate_power": float(self.power_t)}

    @property
    def settled_from(self) -> float:
        """The epoch from which the rate no longer falls: infinity, or 0 if the power is zero."""
        return 0.0 if self.power_t == 0.0 else math.inf


@dataclass(frozen=True)
class StepDecay(Schedule):
    """A rate that is multiplied by ``rate`` after every ``every`` epochs.

    Examples
    --------
    >>> StepDecay(1.0, rate=0.1, every=2).rates(1.0, 0, 3).tolist()
    [1.0, 1.0, 0.1]
    """

    name: ClassVar[str] = "step"
    bounds: ClassVar[dict[str, tuple[float, float]]] = {"rate": (0.0, 1.0), "every": (1, math.inf)}
    rate: float = 0.5
    every: int = 10

    def rates(self, initial: float, first_epoch: int, n_epochs: int) -> FloatArray:
        """Rates that keep their value for ``every`` epochs and are then multiplied by ``rate``."""
        steps = np.arange(first_epoch, first_epoch + n_epochs) // self.every
        return np.asarray(initial * np.power(float(self.rate), steps), dtype=np.float64)


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """A rate that is multiplied by ``decay_rate`` every ``decay_epochs`` epochs, evenly spread.

    Examples
    --------
    >>> ExponentialDecay(1.0, decay_rate=0.25, decay_epochs=2).rates(1.0, 0, 3).tolist()
    [1.0, 0.5, 0.25]
    """

    name: ClassVar[str] = "exponential"
    bounds: ClassVar[dict[str, tuple[float, float]]] = {
        "decay_rate": (0.0, 1.0),
        "decay_epochs": (1e-3, math.inf),
    }
    decay_rate: float = 0.96
    decay_epochs: float = 1.0

    def rates(self, initial: float, first_epoch: int, n_epochs: int) -> FloatArray:
        """Rates of which each is the same share of the one before."""
        time = np.arange(first_epoch, first_epoch + n_epochs) / self.decay_epochs
        return np.asarray(initial * np.power(float(self.decay_rate), time), dtype=np.float64)


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Half a cosine wave from the initial rate down to ``alpha`` times it, over ``decay_epochs`` epochs.

    Examples
    --------
    >>> CosineDecay(1.0, decay_epochs=2).rates(1.0, 0, 4).round(6).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """

    name: ClassVar[str] = "cosine"
    bounds: ClassVar[dict[str, tuple[float, float]]] = {
        "decay_epochs": (1, math.inf),
        "alpha": (0.0, 1.0),
    }
    decay_epochs: float = 100.0
    alpha: float = 0.0

    def rates(self, initial: float, first_epoch: int, n_epochs: int) -> FloatArray:
        """Rates along half a cosine wave, and ``initial * alpha`` after its end."""
        share = np.minimum(1.0, np.arange(first_epoch, first_epoch + n_epochs) / self.decay_epochs)
        wave = 0.5 * (1.0 + np.cos(np.pi * share))
        return np.asarray(initial * (self.alpha + (1.0 - self.alpha) * wave), dtype=np.float64)

    @property
    def settled_from(self) -> float:
        """The epoch from which the rate no longer falls: the end of the wave."""
        return float(self.decay_epochs)


@dataclass(frozen=True)
class Adaptive(Constant):
    """A rate that is divided by ``factor`` whenever the loss stops improving, down to ``smallest``.

    Examples
    --------
    >>> Adaptive(0.1).factor
    5.0
    """

    name: ClassVar[str] = "adaptive"
    bounds: ClassVar[dict[str, tuple[float, float]]] = {
        "factor": (1.0, math.inf),
        "smallest": (0.0, math.inf),
    }
    factor: float = 5.0
    smallest: float = 1e-6


_BY_NAME: dict[str, Callable[[], Schedule]] = {
    schedule.name: schedule
    for schedule in (Constant, InverseScaling, StepDecay, ExponentialDecay, CosineDecay, Adaptive)
}


def schedule_classes() -> dict[str, Callable[[], Schedule]]:
    """All classes of schedules by their names."""
    return dict(_BY_NAME)


def as_rate(value: object, argument: str, *, or_else: str = ", or 'auto'") -> float:
    """Return a positive, finite learning rate; ``or_else`` says what else the caller would have taken."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise InputTypeError(f"{argument}={value!r} is not a number: pass a rate > 0{or_else}.")
    if not 0.0 < float(value) < math.inf:
        raise InputError(
            f"{argument}={value!r} is not a finite number > 0: pass a rate such as 0.01{or_else}."
        )
    return float(value)


def as_schedule(learning_rate: object) -> Schedule:
    """Turn a number or "auto" into a constant rate, a name into a schedule that starts from "auto".

    A schedule is returned as it is.

    Raises
    ------
    InputError
        If the rate is not positive and finite, or there is no schedule of that name.
    InputTypeError
        If it is none of these.

    Examples
    --------
    >>> as_schedule(0.1)
    Constant(initial_learning_rate=0.1)
    """
    if isinstance(learning_rate, Schedule):
        return learning_rate
    if isinstance(learning_rate, str):
        if learning_rate == "auto":
            return Constant()
        if learning_rate in _BY_NAME:
            return _BY_NAME[learning_rate]()
        raise InputError(
            f"learning_rate={learning_rate!r} is unknown: pass a number > 0, 'auto', one of the schedules "
            f"{', '.join(map(repr, _BY_NAME))}, or one with its constants from fastlr.schedules."
        )
    return Constant(as_rate(learning_rate, "learning_rate"))
