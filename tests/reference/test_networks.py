"""Networks of the reference: their derivatives are those of automatic differentiation, their loss scikit-learn's."""

import math
import typing

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor

import fastlr
from fastlr import reference
from fastlr.reference import Dense
from fastlr.reference.autograd import Value
from fastlr.reference.networks import LEAK, Activation

RTOL = 1e-12  # sums of a few dozen numbers of size 1
KINDS = typing.get_args(Activation)


def normal(z):
    density = math.exp(-(z.data**2) / 2.0) / math.sqrt(2.0 * math.pi)
    return Value(0.5 * (1.0 + math.erf(z.data / math.sqrt(2.0))), (z,), (density,), "Phi")


OF_VALUES = {
    "identity": lambda z: z,
    "logistic": lambda z: 1.0 / ((-z).exp() + 1.0),
    "tanh": Value.tanh,
    "relu": Value.relu,
    "leaky_relu": lambda z: z.relu() - (-z).relu() * LEAK,
    "elu": lambda z: z.relu() + (-(-z).relu()).exp() - 1.0,
    "softplus": lambda z: (z.exp() + 1.0).log(),
    "gelu": lambda z: z * normal(z),
}


def outputs_of(row, layers):
    """The forward pass of one row through layers of Values."""
    for weights, bias, kind in layers:
        sums = [
            sum((x * w for x, w in zip(row, column, strict=True)), b)
            for column, b in zip(zip(*weights, strict=True), bias, strict=True)
        ]
        row = [OF_VALUES[kind](z) for z in sums]
    return row


def random_layers(rng, sizes, kinds):
    return [
        Dense(rng.normal(size=(i, o)) / math.sqrt(i), rng.normal(size=o), kind)
        for i, o, kind in zip(sizes, sizes[1:], kinds, strict=False)
    ]


def by_values(layers, X, y, weight, alpha):
    """The loss of a network of `Value`s, and its derivatives by the weights and biases of each layer."""
    values = [
        (
            [[Value(w) for w in row] for row in layer.weights],
            [Value(b) for b in layer.bias],
            layer.activation,
        )
        for layer in layers
    ]
    loss = sum((w**2 for weights, _, _ in values for row in weights for w in row), Value(0.0))
    loss = loss * alpha
    for row, target, w in zip(X, y, weight, strict=True):
        for z, t in zip(outputs_of(row, values), target, strict=True):
            loss = loss + (z - t) ** 2 * w
    loss = loss / (2.0 * weight.sum())
    loss.backward()
    derivatives = [
        (np.array([[w.grad for w in row] for row in weights]), np.array([b.grad for b in bias]))
        for weights, bias, _ in values
    ]
    return loss.data, derivatives


def problem(kind):
    rng = np.random.default_rng(KINDS.index(kind))
    layers = random_layers(rng, (3, 4, 3, 2), (kind, "tanh", "identity"))
    return layers, rng.normal(size=(6, 3)), rng.normal(size=(6, 2)), rng.uniform(size=6)


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_of_networks_are_those_of_automatic_differentiation(kind):
    layers, X, y, weight = problem(kind)
    loss, derivatives = by_values(layers, X, y, weight, 0.3)
    options = {"sample_weight": weight, "alpha": 0.3}
    assert reference.network_loss(X, y, layers, **options) == pytest.approx(loss, rel=RTOL)
    gradients = reference.network_gradient(X, y, layers, **options)
    for wanted, got in zip(derivatives, gradients, strict=True):
        for one, other in zip(wanted, got, strict=True):
            np.testing.assert_allclose(other, one, rtol=RTOL, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_the_kernels_is_the_derivative_by_automatic_differentiation(kind, level):
    layers, X, y, weight = problem(kind)
    loss, derivatives = by_values(layers, X, y, weight, 0.3)
    model = fastlr.MLPRegressor(
        hidden_layer_sizes=(4, 3),
        activation=(kind, "tanh"),
        optimizer="gd",
        learning_rate_init=2.0**-8,
        alpha=0.3,
        batch_size=6,
        max_iter=1,
        tol=None,
        warm_start=True,
    ).fit(X, y)
    model.coefs_ = [layer.weights.copy() for layer in layers]
    model.intercepts_ = [layer.bias.copy() for layer in layers]
    model.fit(X, y, weight)
    for layer, coef, intercept, (of_weights, of_bias) in zip(
        layers, model.coefs_, model.intercepts_, derivatives, strict=True
    ):
        # The quotient loses eight binary digits of parameters of size 1.
        np.testing.assert_allclose((layer.weights - coef) * 2.0**8, of_weights, rtol=0, atol=RTOL)
        np.testing.assert_allclose((layer.bias - intercept) * 2.0**8, of_bias, rtol=0, atol=RTOL)
    squares = reference.network_loss(X, y, layers, sample_weight=weight)
    assert model.loss_ == pytest.approx(loss - squares / 2.0, rel=RTOL)


@pytest.mark.parametrize("kind", KINDS)
def test_activations_hold_far_from_zero_and_their_slopes_are_those_of_differences(kind):
    far = np.array([-800.0, -40.0, 40.0, 800.0])
    values, slopes = reference.activate(far, kind), reference.activation_slope(far, kind)
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()
    right = {"logistic": 1.0, "tanh": 1.0}.get(kind, far[-1])
    assert values[-1] == right
    z, h = np.linspace(-3.0, 3.0, 40), 1e-6
    by_difference = (reference.activate(z + h, kind) - reference.activate(z - h, kind)) / (2 * h)
    np.testing.assert_allclose(reference.activation_slope(z, kind), by_difference, atol=1e-9)


def test_a_network_without_hidden_layers_is_linear_regression():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(9, 3)), rng.normal(size=9)
    coef, intercept = rng.normal(size=3), 0.4
    layers = [Dense(coef[:, np.newaxis], [intercept])]
    np.testing.assert_allclose(
        reference.forward(X, layers)[:, 0], reference.predict(X, coef, intercept), rtol=RTOL
    )
    # alpha belongs to the sum of squares: alpha / n of "half_mse"
    options = {"kind": "half_mse", "alpha": 0.9 / 9}
    loss = reference.loss(X, y, coef, intercept, **options)
    assert reference.network_loss(X, y, layers, alpha=0.9) == pytest.approx(loss, rel=RTOL)
    ((of_weights, of_bias),) = reference.network_gradient(X, y, layers, alpha=0.9)
    expected = reference.gradient(X, y, coef, intercept, **options)
    np.testing.assert_allclose(of_weights[:, 0], expected.coef, rtol=RTOL)
    np.testing.assert_allclose(of_bias, expected.intercept, rtol=RTOL)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_a_step_of_scikit_learn_is_one_by_these_derivatives(activation):
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    for weight in (None, rng.uniform(0.5, 2.0, size=20)):
        options = {
            "hidden_layer_sizes": (4, 3),
            "activation": activation,
            "alpha": 0.5,
            "solver": "sgd",
            "learning_rate_init": 0.25,
            "momentum": 0.0,
            "random_state": 1,
        }
        theirs = MLPRegressor(**options).partial_fit(X, y, weight)
        start = MLPRegressor(**{**options, "learning_rate_init": 1e-300}).partial_fit(X, y, weight)
        kinds = (activation, activation, "identity")
        layers = [
            Dense(W, b, kind)
            for W, b, kind in zip(start.coefs_, start.intercepts_, kinds, strict=True)
        ]
        gradients = reference.network_gradient(X, y, layers, sample_weight=weight, alpha=0.5)
        moved = zip(theirs.coefs_, theirs.intercepts_, layers, gradients, strict=True)
        for coef, intercept, layer, (of_weights, of_bias) in moved:
            np.testing.assert_allclose(coef, layer.weights - 0.25 * of_weights, rtol=1e-11)
            np.testing.assert_allclose(intercept, layer.bias - 0.25 * of_bias, rtol=1e-11)
        # What it prints divides the squares by the number of outputs as well.
        full = reference.network_loss(X, y, layers, sample_weight=weight, alpha=0.5)
        squares = reference.network_loss(X, y, layers, sample_weight=weight)
        assert theirs.loss_ == pytest.approx(squares / 2 + full - squares, rel=1e-12)
