"""The layers of networks: `fastlr.layers`.

>>> Dense(64, activation="relu")
Dense(64, activation='relu')
"""

from __future__ import annotations

from dataclasses import dataclass

from fastlr.input.options import as_choice, as_whole
from fastlr.networks.shape import ACTIVATIONS

__all__ = ["Dense"]


@dataclass(frozen=True)
class Dense:
    """A layer each of whose outputs is a function of a weighted sum of all inputs and a bias: f(A W + b).

    Parameters
    ----------
    units : int
        The number of outputs.
    activation : str, default="identity"
        The function f: "identity" (z itself), "logistic" (1 / (1 + exp(-z))), "tanh", "relu" (max(0, z)), "leaky_relu"
        (z, and z / 100 below zero), "elu" (z, and exp(z) - 1 below zero), "softplus" (log(1 + exp(z))), or "gelu"
        (z Phi(z), the exact one, by erf).

    Raises
    ------
    InputError
        If ``units`` is below 1, or the activation is unknown.
    InputTypeError
        If ``units`` is no whole number.

    Examples
    --------
    >>> Dense(3).activation
    'identity'
    """

    units: int
    activation: str = "identity"

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", as_whole(self.units, "units"))
        as_choice(self.activation, ACTIVATIONS, "activation")

    def __repr__(self) -> str:
        return f"Dense({self.units}, activation={self.activation!r})"
