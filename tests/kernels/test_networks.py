"""Networks on every level: forwards, gradients and steps beside the reference, whatever the rows are."""

import functools

import numpy as np
import pytest

from fastlr import reference
from fastlr.networks import ACTIVATIONS, Shape
from fastlr.networks.shape import glorot

SETTINGS = {
    "rule": "gd",
    "scale": 1.0,
    "mean_weight": 1.0,
    "penalty_of_batch": True,
    "limit": np.inf,
}


@functools.cache
def draw(n, p, t, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)), rng.normal(size=(n, t)), rng.uniform(0.1, 2.0, size=n)


def layers_of(shape, theta):
    weights, biases = shape.layers_of(theta)
    return [
        reference.Dense(w, b, name)
        for w, b, name in zip(weights, biases, shape.activations, strict=True)
    ]


def state_of(kernels, theta):
    n_vectors, length, n_numbers, n_counters = kernels.plan_descent(len(theta) - 1)
    vectors = np.zeros((n_vectors, length))
    vectors[0, : len(theta)] = theta
    numbers = np.zeros(n_numbers)
    numbers[3] = np.inf
    return vectors, numbers, np.zeros(n_counters, dtype=np.int64)


def run(
    kernels, X, y, weight, shape, theta, *, batches, rates, n_threads=2, single=False, **options
):
    """(parameters, losses) after epochs of the same batches, and the state."""
    settings = {**SETTINGS, **options}
    if settings.get("penalty"):
        settings["penalty_weights"] = shape.penalised
    given = np.concatenate(batches).astype(np.int64)
    sizes = np.array([len(batch) for batch in batches], dtype=np.int64)
    rates = np.array(rates, dtype=np.float64)
    history = np.empty((4, len(rates)))
    state = state_of(kernels, theta)
    done, outcome = kernels.descend_network(
        X, y, weight, shape.sizes, shape.activations, single, None, None, settings, "given",
        int(sizes.max()), 0, given, sizes, 10**9, n_threads, np.zeros(0, dtype=np.uint32),
        *state, rates, history, None,
    )  # fmt: skip
    assert (done, outcome) == (len(rates), "running")
    return state[0][0, : len(theta)].copy(), history[0]


def by_reference(X, y, weight, shape, theta, batches, rates, alpha):
    theta, losses = theta.copy(), []
    for rate in rates:
        total = 0.0
        for rows in batches:
            w = None if weight is None else weight[rows]
            layers = layers_of(shape, theta)
            given = {"sample_weight": w, "alpha": alpha}
            loss = reference.network_loss(X[rows], y[rows], layers, **given)
            total += len(rows) * loss / sum(map(len, batches))
            gradient = reference.network_gradient(X[rows], y[rows], layers, **given)
            theta = theta - rate * np.concatenate([np.append(*pair) for pair in gradient])
        losses.append(total)
    return theta, losses


SHAPES = [
    Shape((3, 4, 1), ("relu", "identity")),
    Shape((9, 33, 17, 2), ("tanh", "softplus", "identity")),
    Shape((20, 100, 1), ("leaky_relu", "identity")),
    Shape((2, 25, 40, 3), ("gelu", "elu", "logistic")),
    Shape((5, 2), ("identity",)),
    Shape((20, 100, 1), ("relu", "identity")),
    Shape((6, 30, 1, 40, 2), ("relu", "relu", "relu", "identity")),
    Shape((7, 50, 12, 9), ("relu", "relu", "relu")),
]


@pytest.mark.parametrize("shape", SHAPES, ids=Shape.text)
def test_networks_take_the_steps_of_the_reference(kernels, shape):
    n = 300
    X, y, weight = draw(n, shape.n_features, shape.n_targets)
    theta = glorot(shape, np.random.default_rng(1), draws_biases=True)
    order = np.random.default_rng(2).permutation(n)
    batches = [order[:1], order[1:4], order[4:40], order[40:]]
    for w, alpha in [(None, 0.0), (weight, 0.3)]:
        arguments = (shape, theta)
        want, losses = by_reference(X, y, w, *arguments, batches, [0.05, 0.02], alpha)
        got, history = run(
            kernels, X, y, w, *arguments, batches=batches, rates=[0.05, 0.02], penalty=alpha
        )
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(history, losses, rtol=1e-12)
        single, history = run(
            kernels, X, y, w, *arguments, batches=batches, rates=[0.05, 0.02], penalty=alpha,
            single=True,
        )  # fmt: skip
        np.testing.assert_allclose(single, want, rtol=2e-4, atol=2e-5)
        np.testing.assert_allclose(history, losses, rtol=1e-5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_outputs_are_those_of_the_reference(kernels, name):
    shape = Shape((7, 30, 5, 2), (name, name, "identity"))
    X, _, _ = draw(600, 7, 2)
    theta = glorot(shape, np.random.default_rng(1), draws_biases=True)
    want = reference.forward(X, layers_of(shape, theta))
    for layout in (X, np.asfortranarray(X), [X[:, :3].copy(), X[:, 3:].copy()]):
        out = np.full((600, 2), np.nan)
        assert kernels.predict_network(
            layout, 3, 599, shape.sizes, shape.activations, False, None, None, theta, 2, out
        )
        np.testing.assert_allclose(out[3:599], want[3:599], rtol=1e-12, atol=1e-14)
        assert np.isnan(out[[0, 2, 599]]).all()


def test_scales_are_those_of_standardised_rows(kernels):
    shape = Shape((4, 9, 2), ("tanh", "identity"))
    X, _, _ = draw(100, 4, 2)
    theta = glorot(shape, np.random.default_rng(1))
    centre, factor = np.array([1.0, 2.0, -1.0, 0.0]), np.array([0.5, 2.0, 1.0, 3.0])
    standard = np.zeros((2, 8))
    standard[0, :4], standard[1, :4] = centre, factor
    of_y = np.array([[0.5, -1.0], [2.0, 0.25]])
    out, plain = np.empty((100, 2)), np.empty((100, 2))
    arguments = (0, 100, shape.sizes, shape.activations, False)
    kernels.predict_network(X, *arguments, standard, of_y, theta, 1, out)
    z = np.ascontiguousarray((X - centre) * factor)
    kernels.predict_network(z, *arguments, None, None, theta, 1, plain)
    np.testing.assert_allclose(out, plain / of_y[1] + of_y[0], rtol=1e-13)


def test_threads_and_layouts_change_no_bit(kernels):
    shape = Shape((12, 200, 150, 1), ("relu", "tanh", "identity"))
    X, y, weight = draw(1100, 12, 1)
    theta = glorot(shape, np.random.default_rng(1))
    batches = [np.arange(700), np.arange(700, 1100)]  # large enough to be shared
    for single in (False, True):
        options = {"batches": batches, "rates": [0.01], "single": single}
        one, of_one = run(kernels, X, y, weight, shape, theta, n_threads=1, **options)
        for rows in (X, np.asfortranarray(X)):
            two, of_two = run(kernels, rows, y, weight, shape, theta, n_threads=2, **options)
            assert np.array_equal(one, two)
            assert np.array_equal(of_one, of_two)


def test_a_batch_of_many_windows_is_summed_alike_by_any_threads(kernels):
    shape = Shape((3, 8, 1), ("relu", "identity"))
    n = 20_000
    X, y, _ = draw(n, 3, 1)
    theta = glorot(shape, np.random.default_rng(1))
    ends = []
    for n_threads in (1, 2):
        state, history = state_of(kernels, theta), np.empty((4, 1))
        table = np.zeros(0, dtype=np.uint32)
        kernels.descend_network(
            X, y, None, shape.sizes, shape.activations, False, None, None, SETTINGS, "sequential",
            n, 0, None, None, 10**9, n_threads, table, *state, np.array([0.1]), history, None,
        )  # fmt: skip
        ends.append(state[0][0, : len(theta)].copy())
    assert np.array_equal(*ends)
    want, _ = by_reference(X, y, None, shape, theta, [np.arange(n)], [0.1], 0.0)
    np.testing.assert_allclose(ends[0], want, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("rule", ["gd", "nesterov", "adam"])
def test_a_line_takes_the_very_steps_of_descend(kernels, rule):
    shape = Shape((6, 1), ("identity",))
    n = 500
    X, y, _ = draw(n, 6, 1)
    y = y[:, 0].copy()
    theta = np.zeros(7)
    batches = np.array_split(np.random.default_rng(0).permutation(n), 17)
    got, losses = run(
        kernels, X, y, None, shape, theta, batches=batches, rates=[0.1, 0.1], rule=rule
    )
    state, history = state_of(kernels, theta), np.empty((4, 2))
    sizes = np.array(list(map(len, batches)))
    kernels.descend_batches(
        X, y, None, None, {"rule": rule, "scale": 1.0, "mean_weight": 1.0, "limit": np.inf},
        "given", int(sizes.max()), 0, np.concatenate(batches), sizes, 10**9, 1,
        np.zeros(0, dtype=np.uint32), *state, np.array([0.1, 0.1]), history, None,
    )  # fmt: skip
    assert np.array_equal(got, state[0][0, :7])
    assert np.array_equal(losses, history[0])


def test_adams_epsilon_may_join_the_biased_root(kernels):
    shape = Shape((2, 3, 1), ("tanh", "identity"))
    X, y, _ = draw(40, 2, 1)
    theta = glorot(shape, np.random.default_rng(1))
    epsilon = 1e-2  # large enough to be seen
    options = {"rule": "adam", "epsilon": epsilon}
    rows = np.arange(40)
    got, _ = run(
        kernels, X, y, None, shape, theta, batches=[rows], rates=[0.1],
        epsilon_of_biased=True, **options,
    )  # fmt: skip
    pairs = reference.network_gradient(X, y, layers_of(shape, theta))
    g = np.concatenate([np.append(*pair) for pair in pairs])
    m, v = 0.1 * g, 0.001 * g**2
    want = theta - 0.1 * np.sqrt(0.001) / 0.1 * m / (np.sqrt(v) + epsilon)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
    other, _ = run(kernels, X, y, None, shape, theta, batches=[rows], rates=[0.1], **options)
    assert np.abs(other - want).max() > 1e-3


def test_a_loss_that_explodes_is_divergence(kernels):
    shape = Shape((3, 5, 1), ("relu", "identity"))
    X, y, _ = draw(200, 3, 1)
    theta = glorot(shape, np.random.default_rng(1))
    state, history = state_of(kernels, theta), np.empty((4, 20))
    state[0][5] = state[0][0]
    done, outcome = kernels.descend_network(
        X, y, None, shape.sizes, shape.activations, False, None, None, {**SETTINGS, "limit": 100.0},
        "sequential", 10, 0, None, None, 10**9, 1, np.zeros(0, dtype=np.uint32),
        *state, np.full(20, 50.0), history, None,
    )  # fmt: skip
    assert outcome == "diverged"
    assert done < 20
    assert np.isfinite(state[0][5]).all()


def test_what_python_should_have_refused_is_refused(kernels):
    shape = Shape((3, 5, 1), ("relu", "identity"))
    X, y, _ = draw(20, 3, 1)
    theta = np.zeros(shape.n_parameters)
    out = np.empty((20, 1))
    for sizes, activations, parameters, match in [
        ((3, 5), ("relu", "identity"), theta, "one more"),
        ((3, 0, 1), ("relu", "identity"), theta, "positive"),
        ((3, 5, 1), ("step", "identity"), theta, "unknown activation"),
        ((4, 5, 1), ("relu", "identity"), theta, "inputs"),
        ((3, 5, 1), ("relu", "identity"), theta[1:].copy(), "parameters"),
    ]:
        with pytest.raises(ValueError, match=match):
            kernels.predict_network(
                X, 0, 20, sizes, activations, False, None, None, parameters, 1, out
            )
    with pytest.raises(ValueError, match="columns"):
        run(kernels, X, np.hstack([y, y]), None, shape, theta, batches=[np.arange(20)], rates=[0.1])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_told(kernels, value):
    shape = Shape((3, 5, 1), ("tanh", "identity"))  # tanh makes one of infinity
    X = draw(700, 3, 1)[0].copy()
    X[650, 1] = value
    theta = glorot(shape, np.random.default_rng(1))
    out = np.empty((700, 1))
    arguments = (shape.sizes, shape.activations, False, None, None, theta, 2, out)
    assert not kernels.predict_network(X, 0, 700, *arguments)
    assert kernels.predict_network(X, 0, 650, *arguments)
