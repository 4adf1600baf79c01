"""Huber's loss in `descend`: its minimum, its conventions, and what the result may claim."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize

import fastlr
from fastlr import reference

pytestmark = pytest.mark.usefixtures("level")
EPSILON = 0.5


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)) * [1.0, 20.0, 0.1] + [0.0, 5.0, 1.0]
    y = X @ [1.0, -0.1, 4.0] + 3.0 + rng.normal(size=300)
    y[:30] += 50.0
    return X, y, rng.uniform(0.1, 2.0, 300)


def objective(X, y, fit, weight=None, alpha=0.0):
    return reference.mean_row_loss(
        *(X, y, fit.coef, fit.intercept),
        kind="huber",
        epsilon=EPSILON,
        sample_weight=weight,
        alpha=alpha,
    )[0]


@pytest.mark.parametrize("alpha", [0.0, 0.2])
def test_the_default_descent_finds_the_minimum(rows, alpha):
    X, y, weights = rows
    scale = X.std(axis=0)
    for weight in (None, weights):
        fit = fastlr.descend(X, y, loss="huber", epsilon=EPSILON, alpha=alpha, sample_weight=weight)

        def value(t, weight=weight):
            loss, slope = reference.mean_row_loss(
                *(X, y, t[:-1] / scale, t[-1]),
                kind="huber",
                epsilon=EPSILON,
                sample_weight=weight,
                alpha=alpha,
            )
            return loss, np.append(slope.coef / scale, slope.intercept)

        best = minimize(value, np.zeros(4), jac=True, method="BFGS", options={"gtol": 1e-9})
        assert fit.status.code == "converged", str(fit.status)
        assert fit.engine == "rows"
        assert fit.loss == pytest.approx(best.fun, rel=1e-9)
        assert fit.loss == pytest.approx(objective(X, y, fit, weight, alpha), rel=1e-12)
        np.testing.assert_allclose(fit.coef * scale, best.x[:-1], atol=1e-4)


def test_outliers_pull_no_harder_than_epsilon(rows):
    X, y, _ = rows
    robust = fastlr.descend(X, y, loss="huber", epsilon=EPSILON)
    truth = X @ [1.0, -0.1, 4.0] + 3.0
    assert np.abs(robust.predict(X) - truth).max() < 1.0
    assert np.abs(fastlr.ols(X, y).predict(X) - truth).max() > 4.0


def test_with_a_large_epsilon_it_is_half_the_mean_square(rows):
    X, y, weight = rows
    common = {"learning_rate": 0.1, "epochs": 30, "tol": None, "standardize": True, "alpha": 0.1}
    for options in ({"engine": "rows"}, {"batch_size": 16, "random_state": 0}):
        options = {**common, **options, "sample_weight": weight, "record": "path"}
        huber = fastlr.descend(X, y, loss="huber", epsilon=1e6, **options)
        half = fastlr.descend(X, y, **options)
        np.testing.assert_allclose(huber.history.coef, half.history.coef, rtol=1e-9)
        np.testing.assert_allclose(huber.history.loss, half.history.loss, rtol=1e-11)
        assert huber.loss == pytest.approx(half.loss)
        assert huber.alpha == half.alpha


def test_plain_steps_are_those_of_the_reference(rows):
    X, y, weight = rows
    z = reference.standardize(X)
    options = {"learning_rate": 0.3, "epochs": 5, "tol": None, "record": "path"}
    fit = fastlr.descend(
        z, y, loss="huber", epsilon=EPSILON, alpha=0.1, sample_weight=weight, **options
    )
    point, losses = reference.Parameters(np.zeros(3), 0.0), []
    for epoch in range(5):
        value, slope = reference.mean_row_loss(
            *(z, y, *point), kind="huber", epsilon=EPSILON, sample_weight=weight, alpha=0.1
        )
        losses.append(value)
        point = reference.descent_step(point, slope, 0.3)
        np.testing.assert_allclose(fit.history.coef[epoch], point.coef, rtol=1e-10)
    np.testing.assert_allclose(fit.history.loss, losses, rtol=1e-11)


def test_the_result_claims_nothing_that_is_not_known(rows):
    X, y, _ = rows
    fit = fastlr.descend(X, y, loss="huber", epsilon=EPSILON)
    residuals = y - fit.predict(X)
    assert fit.rss == pytest.approx(residuals @ residuals, rel=1e-9)
    assert fit.r2 == pytest.approx(1 - residuals @ residuals / ((y - y.mean()) ** 2).sum())
    assert np.isnan(fit.gap)
    assert np.isnan(fit.bse_coef).all()
    assert np.isnan(fit.history.mse).all()
    assert np.isnan(fit.history.log_likelihood).all()
    assert fit.loss_kind == "huber"
    assert "Huber's loss by gradient descent" in fit.summary()
    assert "huber 0.5" in fastlr.LinearFit.from_dict(fit.to_dict()).summary()


def test_a_descent_that_ends_short_says_at_least_how_far(rows):
    X, y, _ = rows
    with pytest.warns(fastlr.ConvergenceWarning, match="Stalled after .*, at least .* above"):
        fastlr.descend(X, y, loss="huber", epsilon=EPSILON, learning_rate=1e-9, tol=1e-6)
    exhausted = fastlr.descend(X, y, loss="huber", epsilon=EPSILON, learning_rate=1e-5, epochs=5)
    assert "at least" in exhausted.status
    with pytest.warns(fastlr.ConvergenceWarning, match="sure to be stable"):
        fastlr.descend(X, y, loss="huber", epsilon=EPSILON, learning_rate=1e3, epochs=20)


@pytest.mark.parametrize("batch_size", [1, 20])
def test_batches_come_near_the_minimum(rows, batch_size):
    X, y, _ = rows
    best = fastlr.descend(X, y, loss="huber", epsilon=EPSILON).loss
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = fastlr.descend(
            *(X, y),
            loss="huber",
            epsilon=EPSILON,
            batch_size=batch_size,
            learning_rate=fastlr.schedules.ExponentialDecay(0.1, decay_rate=0.95),
            standardize=True,
            epochs=100,
            tol=None,
            random_state=0,
        )
    assert best <= fit.loss < 1.01 * best


def test_validation_watches_the_same_loss(rows):
    X, y, weight = rows
    held_out = (X[:100], y[:100], weight[:100])
    fit = fastlr.descend(
        *(X[100:], y[100:]),
        loss="huber",
        epsilon=EPSILON,
        alpha=0.1,
        validation=held_out,
        epochs=20,
        patience=None,
    )
    assert fit.history.validation_loss[-1] == pytest.approx(
        objective(X[:100], y[:100], fit, weight[:100]), rel=1e-9
    )


def test_going_on_is_exact_and_keeps_the_loss(rows):
    X, y, _ = rows
    options = {"loss": "huber", "epsilon": EPSILON, "learning_rate": 0.1, "standardize": True}
    for others in ({}, {"batch_size": 8, "random_state": 0}):
        arguments = {**options, **others, "tol": None}
        half = pickle.loads(pickle.dumps(fastlr.descend(X, y, epochs=5, **arguments)))
        both = fastlr.descend(X, y, epochs=5, resume=half, **arguments)
        whole = fastlr.descend(X, y, epochs=10, **arguments)
        np.testing.assert_array_equal(both.coef, whole.coef)
        np.testing.assert_array_equal(both.history.loss, whole.history.loss)
    with pytest.raises(fastlr.InputError, match=r"epsilon=0\.5, this call has 0\.6"):
        fastlr.descend(X, y, epochs=5, resume=half, **{**arguments, "epsilon": 0.6})
    with pytest.raises(fastlr.InputError, match="loss='huber', this call has 'mse'"):
        fastlr.descend(X, y, epochs=5, resume=half, **{**arguments, "loss": "mse"})
    squared = fastlr.descend(X, y, epochs=5, tol=None)
    assert "epsilon" not in squared.memory.arguments  # as those that 0.1.0 has saved


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": 0.0}, "epsilon=0 makes the loss 'huber' zero"),
        ({"epsilon": -1.0}, r"epsilon=-1\.0 is not a finite"),
        ({"epsilon": np.inf}, "epsilon=inf is not a finite"),
        ({"epsilon": "small"}, "epsilon='small' is not a number"),
        ({"engine": "moments"}, "engine='moments' with loss='huber'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(rows, options, message):
    X, y, _ = rows
    with pytest.raises((fastlr.InputError, fastlr.InputTypeError), match=message):
        fastlr.descend(X, y, loss="huber", **options)


def test_the_automatic_rate_bears_batches_of_any_size():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(80, 2))
        y = X @ [1.0, 2.0] + rng.standard_cauchy(80)
        for batch_size in (1, 7, 79):
            fit = fastlr.descend(
                *(X, y), loss="huber", batch_size=batch_size, epochs=20, tol=None, random_state=0
            )
            assert fit.status.code != "diverged", (seed, batch_size)
