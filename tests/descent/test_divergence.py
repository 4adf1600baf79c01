"""A descent that grows is recognised, told, and undone."""

import itertools

import numpy as np
import pytest

import fastlr
from cases import named

pytestmark = pytest.mark.usefixtures("level")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2))
    return X, X @ [1.0, -2.0] + 3.0 + rng.normal(size=200)


@pytest.mark.parametrize(("batch_size", "engine"), [(None, "rows"), (None, "auto"), (10, "auto")])
def test_divergence_is_told_long_before_nan(rows, batch_size, engine):
    X, y = rows
    hessian = np.c_[X, np.ones(200)].T @ np.c_[X, np.ones(200)] / 200
    stable = 2 / np.linalg.eigvalsh(hessian)[-1]
    with pytest.warns(fastlr.ConvergenceWarning, match="2 / L") as caught:
        fit = fastlr.descend(
            X,
            y,
            learning_rate=1.3 * stable * (3 if batch_size else 1),
            batch_size=batch_size,
            engine=engine,
        )
    assert fit.status.code == "diverged"
    assert fit.largest_stable_rate == pytest.approx(stable, rel=1e-9)
    assert f"{stable:.6g}" in str(caught[0].message)
    assert np.isfinite(fit.coef).all()
    assert np.isfinite(fit.history.loss[:-1]).all()
    assert fit.loss <= np.mean(y**2) / 2 * (1 + 1e-12)
    assert fit.n_epochs < 60
    assert caught[0].filename == __file__


@pytest.mark.parametrize("kind", ["sse", "mse", "half_mse"])
def test_the_largest_stable_rate_is_the_watershed(rows, kind):
    X, y = rows
    stable = fastlr.descend(X, y, loss=kind, epochs=1, learning_rate=1e-9).largest_stable_rate
    below = fastlr.descend(X, y, loss=kind, learning_rate=0.999 * stable, epochs=20_000)
    assert below.status.code == "converged"
    with pytest.warns(fastlr.ConvergenceWarning):
        above = fastlr.descend(X, y, loss=kind, learning_rate=1.01 * stable, epochs=20_000)
    assert above.status.code == "diverged"


def test_too_few_epochs_to_explode_are_divergence_too(rows):
    X, y = rows
    stable = fastlr.descend(X, y, epochs=1, learning_rate=1e-9).largest_stable_rate
    with pytest.warns(fastlr.ConvergenceWarning, match="grew"):
        fit = fastlr.descend(X, y, learning_rate=1.4 * stable, epochs=4)
    assert fit.status.code == "diverged"


def test_the_last_step_is_judged_as_well(rows):
    X, y = rows
    with pytest.warns(fastlr.ConvergenceWarning, match="grew from .* in 1 epoch"):
        fit = fastlr.descend(X, y, learning_rate=10.0, epochs=1)
    assert fit.status.code == "diverged"
    np.testing.assert_array_equal(fit.coef, 0.0)


@pytest.mark.parametrize(
    ("size", "options"),
    [
        (3.0, {"batch_size": 20, "learning_rate": 0.295, "epochs": 30}),
        (3.0, {"batch_size": 20, "learning_rate": 0.25, "epochs": 2}),
        (5.0, {"batch_size": 1, "learning_rate": 0.04}),
        (5.0, {"batch_size": 1, "learning_rate": 0.02}),
    ],
)
def test_batches_never_end_above_their_start_in_silence(size, options):
    for seed in range(4):
        with named(f"seed {seed}"):
            rng = np.random.default_rng(1)
            X = rng.normal(size=(300, 3))
            y = X @ [1.0, 2.0, 3.0] + 3.0 + rng.normal(size=300)
            with pytest.warns(
                fastlr.ConvergenceWarning, match="Diverged: the loss grew from 10.22"
            ):
                fit = fastlr.descend(size * X, y, random_state=seed, **options)
            assert fit.status.code == "diverged"
            assert fit.loss <= np.mean(y**2) / 2 * (1 + 1e-12)


def test_batches_that_wander_around_the_optimum_have_not_diverged(rows):
    X, y = rows
    best = fastlr.ols(X, y)
    for seed in range(5):
        fit = fastlr.descend(X, y, batch_size=5, learning_rate=0.02, init=best, random_state=seed)
        assert fit.status.code == "settled"


@pytest.mark.parametrize("kind", ["sse", "half_mse"])
def test_batches_that_diverged_are_told_a_rate_that_would_do(rows, kind):
    for batch_size, standardize in itertools.product((1, 10, 60), (False, True)):
        with named(f"batches of {batch_size}, standardize={standardize}"):
            X, y = rows
            options = {
                "batch_size": batch_size,
                "random_state": 0,
                "loss": kind,
                "standardize": standardize,
                "tol": None,
            }
            with pytest.warns(fastlr.ConvergenceWarning, match="would do") as caught:
                fastlr.descend(X, y, learning_rate=30.0, **options)
            message = str(caught[0].message)
            rate = float(message.split("loss: ")[1].split(" would do")[0])
            fit = fastlr.descend(X, y, learning_rate=rate, epochs=30, **options)
            assert fit.status.code == "epochs_exhausted"
            assert fit.r2 > 0.7


@pytest.mark.parametrize("rule", ["gd", "momentum", "nesterov"])
def test_every_rule_states_its_own_limit(rows, rule):
    X, y = rows
    rule = fastlr.optimizers.as_optimizer(rule)
    limit = fastlr.descend(X, y, optimizer=rule, epochs=1, learning_rate=1e-9).largest_stable_rate
    options = {"optimizer": rule, "epochs": 20_000}
    below = fastlr.descend(X, y, learning_rate=0.995 * limit, **options)
    assert below.status.code == "converged"
    assert below.gap < 1e-9
    with pytest.warns(fastlr.ConvergenceWarning) as caught:
        above = fastlr.descend(X, y, learning_rate=1.01 * limit, **options)
    assert above.status.code == "diverged"
    assert f"is above {rule.stability} = {limit:.6g}, the largest" in str(caught[0].message)


def test_no_curvature_allows_any_rate():
    fit = fastlr.descend(np.zeros((5, 1)), np.arange(5.0), fit_intercept=False)
    assert fit.largest_stable_rate == np.inf
    assert fit.coef == [0.0]


@pytest.mark.parametrize(
    ("of_x", "of_y", "name"), [(1e200, 1.0, "x0"), (1.0, 1e200, "y"), (1.0, 1e-200, "y")]
)
def test_squares_out_of_range_are_refused(rows, of_x, of_y, name):
    X, y = rows
    with pytest.raises(fastlr.InputError, match=f"the squares of column {name!r}"):
        fastlr.descend(of_x * X, of_y * y)


def test_a_start_out_of_range_is_refused(rows):
    X, y = rows
    for options in ({}, {"engine": "rows"}, {"batch_size": 10}):
        with pytest.raises(fastlr.InputError, match="the loss at the start exceeds"):
            fastlr.descend(X, y, init=([1e200, 1e200], 0.0), **options)
    with pytest.raises(fastlr.InputError, match="the loss at the start exceeds"):
        fastlr.SGDRegressor().fit(X, y, coef_init=[1e200, 1e200])
