"""Networks of dense layers: forward pass, loss, and its derivatives by the chain rule, layer by layer.

A layer turns rows ``A`` of shape (n_samples, n_inputs) into f(A W + b), with its weights W (n_inputs, n_outputs),
biases b (n_outputs,) and activation f; a network feeds each layer what the one before gives. One layer of one output
with the activation "identity" is linear regression.

>>> layers = [Dense([[1.0, -1.0]], [0.0, 0.0], "relu"), Dense([[1.0], [1.0]], [0.5])]
>>> forward([[-2.0], [3.0]], layers).ravel().tolist()
[2.5, 3.5]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fastlr.reference.shapes import Floats, as_floats, as_weights

__all__ = [
    "Activation",
    "Dense",
    "activate",
    "activation_slope",
    "forward",
    "network_gradient",
    "network_loss",
]

Activation: TypeAlias = Literal[
    "identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "softplus", "gelu"
]

LEAK = 0.01
"""Slope of "leaky_relu" below zero."""

_erf = np.vectorize(math.erf, otypes=[np.float64])


class Dense(NamedTuple):
    """Weights (n_inputs, n_outputs), biases (n_outputs,) and the name of the activation of a layer."""

    weights: ArrayLike
    bias: ArrayLike
    activation: Activation = "identity"


def activate(z: ArrayLike, kind: Activation) -> Floats:
    """The activation f(z) of each number.

    ========== =================================================================
    kind       f(z)
    ========== =================================================================
    identity   z
    logistic   1 / (1 + exp(-z))
    tanh       (exp(z) - exp(-z)) / (exp(z) + exp(-z))
    relu       max(z, 0)
    leaky_relu z where z > 0, else z / 100
    elu        z where z > 0, else exp(z) - 1
    softplus   log(1 + exp(z))
    gelu       z Phi(z), with Phi the normal distribution function
    ========== =================================================================

    >>> activate([-1.0, 2.0], "leaky_relu").tolist()
    [-0.01, 2.0]
    """
    z = as_floats(z)
    functions: dict[Activation, Callable[[], Floats]] = {
        "identity": lambda: z.copy(),
        "logistic": lambda: _logistic(z),
        "tanh": lambda: np.tanh(z),
        "relu": lambda: np.maximum(z, 0.0),
        "leaky_relu": lambda: np.where(z > 0.0, z, LEAK * z),
        "elu": lambda: np.where(z > 0.0, z, np.expm1(np.minimum(z, 0.0))),
        "softplus": lambda: np.logaddexp(0.0, z),
        "gelu": lambda: z * _normal(z),
    }
    return as_floats(functions[kind]())


def activation_slope(z: ArrayLike, kind: Activation) -> Floats:
    """The derivative f'(z) of `activate`; at a corner, the one from the left.

    >>> activation_slope([-1.0, 0.0, 2.0], "relu").tolist()
    [0.0, 0.0, 1.0]
    """
    z = as_floats(z)
    slopes: dict[Activation, Callable[[], Floats]] = {
        "identity": lambda: np.ones_like(z),
        "logistic": lambda: _logistic(z) * _logistic(-z),
        "tanh": lambda: 1.0 - np.tanh(z) ** 2,
        "relu": lambda: as_floats(z > 0.0),
        "leaky_relu": lambda: np.where(z > 0.0, 1.0, LEAK),
        "elu": lambda: np.exp(np.minimum(z, 0.0)),
        "softplus": lambda: _logistic(z),
        "gelu": lambda: _normal(z) + z * np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi),
    }
    return as_floats(slopes[kind]())


def forward(X: ArrayLike, layers: Sequence[Dense]) -> Floats:
    """Forward pass: what the last layer gives, of shape (n_samples, n_outputs).

    >>> forward([[1.0, 2.0]], [Dense([[3.0], [4.0]], [0.5])]).tolist()
    [[11.5]]
    """
    return _passes(X, layers)[-1][1]


def network_loss(
    X: ArrayLike,
    y: ArrayLike,
    layers: Sequence[Dense],
    *,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
) -> float:
    r"""Half the weighted mean of squares plus the penalty: sum(w \|r\|^2) / (2 W) + alpha sum(weights^2) / (2 W).

    r = prediction - y has an entry for each output, and W = sum(w) is the number of rows without weights, of a batch in
    a descent by batches: scikit-learn's convention, in which small batches feel more of the penalty. Biases
    are free. The loss that scikit-learn's networks print divides the squares, not the penalty, by the number of outputs
    as well; their steps follow the derivatives of this one.

    >>> network_loss([[1.0], [2.0]], [1.0, 4.0], [Dense([[1.0]], [0.0])], alpha=0.4)
    1.1
    """
    weight = as_weights(sample_weight, len(as_floats(X)))
    squares = (_residual(forward(X, layers), y) ** 2).sum(axis=1)
    penalty = alpha * sum(float(np.sum(as_floats(layer.weights) ** 2)) for layer in layers)
    return float((weight @ squares + penalty) / (2.0 * weight.sum()))


def network_gradient(
    X: ArrayLike,
    y: ArrayLike,
    layers: Sequence[Dense],
    *,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
) -> list[tuple[Floats, Floats]]:
    """Derivatives of `network_loss` by the weights and biases of each layer, from the last layer back to the first.

    With A the input of a layer, Z = A W + b, and D the derivative by its output: by Z it is D f'(Z), by W
    A' D f'(Z), by b the sum of its rows, and by A, the output of the layer before, D f'(Z) W'.

    >>> network_gradient([[1.0], [2.0]], [1.0, 4.0], [Dense([[1.0]], [0.0])])
    [(array([[-2.]]), array([-1.]))]
    """
    weight = as_weights(sample_weight, len(as_floats(X)))
    passes = _passes(X, layers)
    slope = _residual(passes[-1][1], y) * (weight / weight.sum())[:, np.newaxis]
    gradients: list[tuple[Floats, Floats]] = []
    inputs = [as_floats(X), *(output for _, output in passes[:-1])]
    for layer, A, (Z, _) in zip(reversed(layers), reversed(inputs), reversed(passes), strict=True):
        W = as_floats(layer.weights)
        slope = slope * activation_slope(Z, layer.activation)
        gradients.append((A.T @ slope + alpha / weight.sum() * W, slope.sum(axis=0)))
        slope = slope @ W.T
    return gradients[::-1]


def _passes(X: ArrayLike, layers: Sequence[Dense]) -> list[tuple[Floats, Floats]]:
    """Z = A W + b and f(Z) of each layer."""
    A, passes = as_floats(X), []
    for layer in layers:
        Z = A @ as_floats(layer.weights) + as_floats(layer.bias)
        A = activate(Z, layer.activation)
        passes.append((Z, A))
    return passes


def _residual(prediction: Floats, y: ArrayLike) -> Floats:
    return prediction - as_floats(y).reshape(prediction.shape)


def _logistic(z: Floats) -> Floats:
    return as_floats(np.exp(-np.logaddexp(0.0, -z)))


def _normal(z: Floats) -> Floats:
    return as_floats(0.5 * (1.0 + _erf(z / math.sqrt(2.0))))
