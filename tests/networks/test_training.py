"""Training: scikit-learn's very steps, bits that depend on no thread, and epochs that go on where they were left."""

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor

from fastlr.descent import optimizers
from fastlr.descent.schedules import Adaptive
from fastlr.networks import Shape, Training
from fastlr.networks.rows import Scales, as_network_rows
from fastlr.networks.shape import glorot

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def draw(n=203, p=5, t=1, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    y = np.sin(X[:, :1]) + rng.standard_normal((n, t))
    return X, y if t > 1 else y[:, 0], rng.uniform(0.2, 2.0, n)


def begin(hidden, activation, p, t, optimizer, seed=1, **options):
    shape = Shape((p, *hidden, t), (activation,) * len(hidden) + ("identity",))
    theta = glorot(shape, np.random.RandomState(seed), draws_biases=True)
    return Training(shape=shape, theta=theta, optimizer=optimizer, **options)


@pytest.mark.parametrize(
    ("hidden", "activation", "solver", "nesterov", "t", "weighted"),
    [
        ((7,), "relu", "adam", True, 1, False),
        ((7, 3), "tanh", "sgd", True, 1, False),
        ((30, 20), "logistic", "sgd", False, 3, False),
        ((7, 3), "tanh", "adam", True, 2, True),
        ((), "identity", "adam", True, 1, False),
    ],
)
def test_scikit_learns_steps_are_taken(level, hidden, activation, solver, nesterov, t, weighted):
    X, y, weight = draw(t=t)
    w = weight if weighted else None
    theirs = MLPRegressor(
        hidden_layer_sizes=hidden,
        activation=activation if hidden else "identity",
        solver=solver,
        alpha=0.01,
        batch_size=32,
        shuffle=False,
        max_iter=5,
        random_state=1,
        learning_rate_init=0.01,
        nesterovs_momentum=nesterov,
        tol=0.0,
    ).fit(X, y, sample_weight=w)
    sgd = optimizers.Nesterov(0.9) if nesterov else optimizers.Momentum(0.9)
    rule = optimizers.Adam() if solver == "adam" else sgd
    training = begin(hidden, activation, X.shape[1], t, rule, alpha=0.01, epsilon_of_biased=True)
    rows = as_network_rows(X, y, w)
    order = [np.arange(k, min(len(X), k + 32)) for k in range(0, len(X), 32)]
    outcome = training.loop(rows, epochs=5, rate=0.01, batch_size=None, sampling=order).run()
    for ours, sklearns in zip(
        training.weights + training.biases, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(ours, sklearns, rtol=1e-10, atol=1e-12)
    squares = outcome.epochs.squares / (2 * len(X))
    curve = squares / t + (outcome.epochs.loss - squares)
    np.testing.assert_allclose(curve, theirs.loss_curve_, rtol=1e-10)
    predicted = training.predict(rows.features, rows.feature_names).reshape(theirs.predict(X).shape)
    np.testing.assert_allclose(predicted, theirs.predict(X), rtol=1e-9, atol=1e-11)


def test_epochs_go_on_where_they_were_left():
    X, y, _ = draw()
    rows = as_network_rows(X, y)
    options = {"rate": 0.01, "batch_size": 20, "seed": 3}
    whole = begin((6,), "gelu", 5, 1, optimizers.Adam())
    whole.loop(rows, epochs=7, **options).run()
    parts = begin((6,), "gelu", 5, 1, optimizers.Adam())
    for epochs in (3, 4):
        parts.loop(rows, epochs=epochs, **options).run()
    assert np.array_equal(whole.state.theta, parts.state.theta)
    parts.restart()
    assert parts.state.n_updates == 0
    assert np.array_equal(whole.state.theta, parts.state.theta)


def test_an_epoch_may_leave_its_gradients_alone():
    X, y, _ = draw()
    rows = as_network_rows(X, y)
    ends = []
    for sums in (True, False):
        training = begin((6,), "tanh", 5, 1, optimizers.Adam(), sums_gradient=sums)
        outcome = training.loop(rows, epochs=2, rate=0.01, batch_size=20).run()
        ends.append(training.state.theta)
        assert (outcome.epochs.gradient_norm > 0).all() == sums
    assert np.array_equal(*ends)


def test_large_steps_are_shared_by_threads_to_the_same_bits():
    X, y, _ = draw(n=512, p=40)
    rows = as_network_rows(X, y)
    ends = []
    for n_threads in (1, 2):
        training = begin((200, 150), "relu", 40, 1, optimizers.Adam(), alpha=0.1)
        loop = training.loop(rows, epochs=1, rate=0.01, batch_size=256, n_threads=n_threads)
        outcome = loop.run()
        ends.append((training.state.theta, outcome.epochs.loss))
    assert np.array_equal(ends[0][0], ends[1][0])
    assert np.array_equal(ends[0][1], ends[1][1])


def test_patience_counts_differences_and_lowers_adaptive_rates():
    X, y, _ = draw()
    rows = as_network_rows(X, y)
    training = begin((6,), "tanh", 5, 1, optimizers.GD())
    schedule = Adaptive(0.01, factor=10.0, smallest=1e-3)
    loop = training.loop(
        rows, epochs=100, rate=0.01, schedule=schedule, batch_size=50, tol=1e3, patience=2
    )
    outcome = loop.run()
    assert outcome.code == "converged"
    assert len(outcome.epochs) < 12
    assert outcome.epochs.rate[-1] < outcome.epochs.rate[0]


def test_losses_are_those_of_standardised_targets():
    X, y, weight = draw(t=2)
    rows = as_network_rows(X, y, weight)
    training = begin((4,), "elu", 5, 2, optimizers.Adam(), scales=Scales.of(rows))
    predicted = training.predict(rows.features, rows.feature_names)
    r = (predicted - y) / rows.std_y
    want = 0.5 * float(weight @ (r * r).sum(axis=1)) / weight.sum()
    assert training.loss(rows, training.state.theta) == pytest.approx(want, rel=1e-12)
    mean = np.average(y, axis=0, weights=weight)
    np.testing.assert_allclose(rows.mean_y, mean, rtol=1e-10)


def test_glorot_gives_what_scikit_learn_starts_from():
    X, y, _ = draw()
    theirs = MLPRegressor(
        hidden_layer_sizes=(4, 3), activation="logistic", max_iter=1, random_state=7,
        solver="sgd", learning_rate_init=1e-300, alpha=0.0,
    ).fit(X, y)  # fmt: skip
    training = begin((4, 3), "logistic", 5, 1, optimizers.GD(), seed=7)
    for ours, sklearns in zip(
        training.weights + training.biases, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        assert np.array_equal(ours, sklearns)
