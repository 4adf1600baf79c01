"""Which layers a network has, and where their weights and biases lie among its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice, as_whole

__all__ = ["ACTIVATIONS", "Draws", "Shape", "glorot"]

ACTIVATIONS = ("identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "softplus", "gelu")
"""The names of all activations, of which "identity" leaves a layer linear."""

_GAIN_OF_LOGISTIC = 2.0  # and 6 for all others: scikit-learn's rule


class Draws(Protocol):
    """A generator of random numbers: NumPy's Generator or RandomState."""

    def uniform(self, low: float, high: float, size: int | tuple[int, ...]) -> FloatArray:
        """Draw uniformly between two numbers."""
        ...


@dataclass(frozen=True)
class Shape:
    """The layers of a network: how wide they are, and what they do with their sums.

    ``sizes`` are the number of features and the outputs of each layer, ``activations`` the function of each layer. The
    parameters of all layers are one vector: the weights of the first layer, (n_inputs, n_outputs) row by row, its
    biases, the weights of the second layer, and so on.

    Examples
    --------
    >>> Shape((3, 4, 1), ("relu", "identity")).n_parameters
    21
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(as_whole(size, "sizes") for size in self.sizes))
        for name in self.activations:
            as_choice(name, ACTIVATIONS, "activation")
        if len(self.sizes) != len(self.activations) + 1 or not self.activations:
            raise InputError(
                f"sizes={self.sizes!r} with {len(self.activations)} activations: a network has one activation for "
                "each layer, and sizes are its features and the outputs of its layers."
            )

    @property
    def n_features(self) -> int:
        """The number of inputs of the first layer."""
        return self.sizes[0]

    @property
    def n_targets(self) -> int:
        """The number of outputs of the last layer."""
        return self.sizes[-1]

    @property
    def n_layers(self) -> int:
        """The number of layers with parameters, the last one included."""
        return len(self.activations)

    @cached_property
    def n_parameters(self) -> int:
        """How many weights and biases there are in all."""
        return sum((a + 1) * b for a, b in zip(self.sizes, self.sizes[1:], strict=False))

    @cached_property
    def places(self) -> tuple[tuple[slice, slice], ...]:
        """For each layer, where its weights and its biases lie in the vector of parameters."""
        places, first = [], 0
        for n_inputs, n_outputs in zip(self.sizes, self.sizes[1:], strict=False):
            end = first + n_inputs * n_outputs
            places.append((slice(first, end), slice(end, end + n_outputs)))
            first = end + n_outputs
        return tuple(places)

    def layers_of(self, theta: FloatArray) -> tuple[list[FloatArray], list[FloatArray]]:
        """Weights (n_inputs, n_outputs) and biases (n_outputs,) of each layer, as views of the parameters."""
        weights = [
            theta[of_weights].reshape(n, -1)
            for (of_weights, _), n in zip(self.places, self.sizes[:-1], strict=True)
        ]
        return weights, [theta[of_biases] for _, of_biases in self.places]

    def parameters_of(self, weights: Sequence[object], biases: Sequence[object]) -> FloatArray:
        """Join weights and biases of all layers into one vector; an `InputError` if one has another shape."""
        _refuse_what_has_no_layers(weights, "weights")
        _refuse_what_has_no_layers(biases, "biases")
        if len(weights) != self.n_layers or len(biases) != self.n_layers:
            raise InputError(
                f"weights of {len(weights)} and biases of {len(biases)} layers were given, but the network has "
                f"{self.n_layers}: pass one array of each for every layer."
            )
        theta = np.empty(self.n_parameters)
        for k, (of_weights, of_biases) in enumerate(self.places):
            wanted = (self.sizes[k], self.sizes[k + 1])
            theta[of_weights] = _numbers(weights[k], wanted, f"the weights of layer {k}").ravel()
            theta[of_biases] = _numbers(biases[k], wanted[1:], f"the biases of layer {k}")
        return theta

    @cached_property
    def penalised(self) -> FloatArray:
        """One for each weight, which an L2 penalty is on, and zero for each bias."""
        mask = np.zeros(self.n_parameters)
        for of_weights, _ in self.places:
            mask[of_weights] = 1.0
        return mask

    def text(self) -> str:
        """Write the sizes as 20-64-64-1."""
        return "-".join(map(str, self.sizes))


def glorot(shape: Shape, draws: Draws, *, draws_biases: bool = False) -> FloatArray:
    """Draw initial parameters by the rule of Glorot and Bengio (2010).

    Weights are uniform between -b and b with b = sqrt(6 / (n_inputs + n_outputs)), where 6 becomes 2 for a logistic
    layer. Biases are zero, or with ``draws_biases`` drawn likewise: then the same generator gives what scikit-learn
    starts from, whose layers all take the gain of the first activation.
    """
    theta = np.zeros(shape.n_parameters)
    for k, (of_weights, of_biases) in enumerate(shape.places):
        name = shape.activations[0] if draws_biases else shape.activations[k]
        gain = _GAIN_OF_LOGISTIC if name == "logistic" else 6.0
        n_inputs, n_outputs = shape.sizes[k : k + 2]
        bound = float(np.sqrt(gain / (n_inputs + n_outputs)))
        theta[of_weights] = np.ravel(draws.uniform(-bound, bound, (n_inputs, n_outputs)))
        if draws_biases:
            theta[of_biases] = draws.uniform(-bound, bound, n_outputs)
    return theta


def _refuse_what_has_no_layers(given: object, name: str) -> None:
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        raise InputTypeError(
            f"{name}={given!r} are no arrays: pass a list with one array for each layer."
        )


def _numbers(values: object, shape: tuple[int, ...], what: str) -> npt.NDArray[np.float64]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputTypeError(
            f"{what} hold something else than numbers: pass an array of shape {shape}."
        ) from None
    if array.shape != shape:
        raise InputError(
            f"{what} have shape {array.shape}, but the layer needs {shape}: pass an array of that shape."
        )
    if not np.isfinite(array).all():
        raise InputError(f"{what} contain NaN or infinity: pass finite numbers.")
    return array
