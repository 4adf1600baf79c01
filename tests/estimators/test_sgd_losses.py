"""SGDRegressor with the losses other than the squared one: scikit-learn's steps, and what is said of their end."""

import itertools
import warnings

import numpy as np
import pytest
from scipy.optimize import linprog, minimize
from sklearn.linear_model import SGDRegressor as SklearnSGD
from sklearn.model_selection import ShuffleSplit

import fastlr
from fastlr import reference
from fastlr.descent.bounds import bounded_distance
from fastlr.descent.objective import Objective
from fastlr.descent.row_loss import ROW_LOSSES, RowLoss
from fastlr.descent.table import Standardisation, read_rows

OTHERS = ROW_LOSSES[1:]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5))
    y = X @ [1.0, -2.0, 0.5, 0.0, 3.0] + 2.0 + rng.standard_t(3, 200)
    return X, y, rng.uniform(0.0, 2.0, 200)


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("loss", OTHERS)
def test_single_rows_step_as_scikit_learn_does(rows, loss):
    """From the same start over rows in the same order: rounding apart, the same coefficients."""
    X, y, weights = rows
    penalties = (
        {},
        {"penalty": None, "epsilon": 0.0 if loss != "huber" else 1e-3},
        {"penalty": "l1", "alpha": 0.01},
        {"penalty": "elasticnet", "alpha": 0.01, "l1_ratio": 0.4},
        {"penalty": "l2", "alpha": 200.0},
    )
    rates = (
        {"epsilon": 0.5},
        {"average": True},
        {"average": 150},
        {"learning_rate": "constant"},
        {"learning_rate": "adaptive"},
        {"learning_rate": "optimal", "alpha": 0.5},
        {"fit_intercept": False},
        {"power_t": 0.7},
    )
    for parameters, weight in itertools.product((*penalties, *rates), (None, weights)):
        case = f"{parameters}, {'no weights' if weight is None else 'weights'}"
        options = {"loss": loss, "shuffle": False, "max_iter": 4, "tol": None, **parameters}
        ours = fastlr.SGDRegressor(**options).fit(X, y, sample_weight=weight)
        theirs = SklearnSGD(**options).fit(X, y, sample_weight=weight)
        np.testing.assert_allclose(
            np.append(ours.coef_, ours.intercept_),
            np.append(theirs.coef_, theirs.intercept_),
            rtol=1e-9,
            atol=1e-11,
            err_msg=case,
        )
        assert (ours.t_, ours.n_iter_) == (theirs.t_, theirs.n_iter_), case


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
@pytest.mark.parametrize("loss", OTHERS)
def test_stops_in_the_same_epoch_as_scikit_learn(rows, loss):
    X, y, _ = rows
    cases = ({}, {"penalty": "l1", "alpha": 0.01}, {"learning_rate": "adaptive"}, {"epsilon": 0.5})
    for parameters in cases:
        options = {"loss": loss, "shuffle": False, "eta0": 0.02, "tol": 1e-3, **parameters}
        ours, theirs = (
            fastlr.SGDRegressor(**options).fit(X, y),
            SklearnSGD(**options).fit(X, y),
        )
        assert ours.n_iter_ == theirs.n_iter_, parameters
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-8, err_msg=str(parameters))


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
@pytest.mark.parametrize("loss", OTHERS)
def test_partial_fit_goes_on_and_slopes_are_cut_as_in_scikit_learn(rows, loss):
    X, y, weights = rows
    for options in ({"average": True}, {"learning_rate": "optimal", "alpha": 1e-4}):
        ours = fastlr.SGDRegressor(loss, shuffle=False, **options)
        theirs = SklearnSGD(loss, shuffle=False, **options)
        for part in (slice(0, 30), slice(30, 31), slice(31, 60)):
            ours.partial_fit(X[part], y[part], weights[part])
            theirs.partial_fit(X[part], y[part], weights[part])
            np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, err_msg=str(options))
    if loss == "squared_epsilon_insensitive":
        assert np.abs(theirs.coef_).max() > 1e11  # where they were cut


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
@pytest.mark.parametrize("batch_size", [1, 16, None])
@pytest.mark.parametrize("loss", OTHERS)
def test_the_loss_curve_is_that_of_the_objective(rows, loss, batch_size):
    X, y, _ = rows
    options = {"loss": loss, "epsilon": 0.4, "alpha": 0.1, "batch_size": batch_size, "eta0": 0.02}
    model = fastlr.SGDRegressor(max_iter=200, tol=None, random_state=0, **options).fit(X, y)

    def objective(coef, intercept):
        return reference.mean_row_loss(X, y, coef, intercept, kind=loss, epsilon=0.4, alpha=0.1)[0]

    if batch_size is None:
        assert model.loss_curve_[0] == pytest.approx(objective(np.zeros(5), 0.0))
    end = objective(model.coef_, model.intercept_[0])
    assert end == pytest.approx(model.loss_curve_[-1], rel=0.05)
    assert np.isnan(model.history_.mse).all()
    assert np.isnan(model.history_.log_likelihood).all()


def least(X, y, kind, epsilon, alpha, fit_intercept, l1):
    """The minimum of sum l(r) / n + alpha |b|^2 / 2 + l1 |b|_1, by somebody else's methods."""
    n, p = X.shape
    if (
        kind == "epsilon_insensitive"
    ):  # r = Xb + a - y <= s + epsilon and -r <= s + epsilon; b = u - v
        assert alpha == 0.0
        A = np.column_stack([X, -X, np.ones(n), -np.ones(n)] if fit_intercept else [X, -X])
        identity = np.eye(n)
        cost = np.concatenate([np.full(2 * p, l1), np.zeros(2 * fit_intercept), np.full(n, 1 / n)])
        found = linprog(
            cost,
            np.block([[A, -identity], [-A, -identity]]),
            np.concatenate([epsilon + y, epsilon - y]),
        )
        return found.fun

    def objective(t):
        b = t[:p] - t[p : 2 * p]
        a = t[-1] if fit_intercept else 0.0
        value, slope = reference.mean_row_loss(X, y, b, a, kind=kind, epsilon=epsilon, alpha=alpha)
        of_b = slope.coef
        gradient = np.concatenate([of_b + l1, l1 - of_b, [slope.intercept * fit_intercept]])
        return value + l1 * t[: 2 * p].sum(), gradient

    bounds = [(0, None)] * (2 * p) + [(None, None)]
    return minimize(
        objective,
        np.zeros(2 * p + 1),
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9},
    ).fun


@pytest.mark.parametrize("kind", OTHERS)
def test_the_distance_from_the_minimum_never_claims_more_than_there_is(kind):
    cases = ((True, 0.0, True), (True, 0.05, False), (False, 0.0, False), (False, 0.05, False))
    for seed, (fit_intercept, l1, standardize) in enumerate(cases):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(25, 3)) * [1.0, 2.0, 0.5] + [0.0, 1.0, 0.5]
        y = X @ [1.0, 0.5, -2.0] + 1.0 + rng.standard_t(2, 25)
        alpha = 0.2 if kind != "epsilon_insensitive" and not standardize else 0.0
        measured = read_rows(X, y, None, 1, need_moments=True)
        scale = Standardisation.of(measured, standardize, fit_intercept)
        lowest = least(X, y, kind, 0.3, alpha, fit_intercept, l1)
        objective = Objective("half_mse", alpha, 25, 25.0, row_loss=RowLoss(kind, 0.3))
        for spread in (0.01, 10.0):
            theta = np.append([1.0, 0.5, -2.0], 1.0) + spread * rng.normal(size=4)
            theta[-1] *= fit_intercept
            distance = bounded_distance(
                measured, scale, objective, scale.from_raw(theta), fit_intercept, 1, l1=l1
            )
            value = (
                reference.mean_row_loss(
                    X, y, theta[:-1], theta[-1], kind=kind, epsilon=0.3, alpha=alpha
                )[0]
                + l1 * np.abs(theta[:-1]).sum()
            )
            assert distance.loss == pytest.approx(value, rel=1e-12)
            assert 0.0 <= distance.gap <= (value - lowest) * (1 + 1e-6) + 1e-7, (seed, spread)
            assert not distance.is_exact
            if spread == 10.0:
                assert distance.gap > 0.3 * (value - lowest), seed


@pytest.mark.parametrize("batch_size", [1, 32, None])
@pytest.mark.parametrize("loss", OTHERS)
def test_a_fit_that_stops_far_off_warns_and_one_that_arrived_does_not(rows, loss, batch_size):
    X, y, _ = rows
    options = {"loss": loss, "random_state": 0, "batch_size": batch_size, "max_iter": 3000}
    with pytest.warns(fastlr.ConvergenceWarning, match="at least .* above the optimum. Pass a"):
        fastlr.SGDRegressor(eta0=1e-6, **options).fit(X, y)
    rate = 0.02 if batch_size else 0.3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastlr.SGDRegressor(
            eta0=rate, tol=1e-4, epsilon=0.5, learning_rate="adaptive", **options
        ).fit(X, y)


@pytest.mark.parametrize("loss", OTHERS)
def test_early_stopping_watches_the_score(rows, loss):
    X, y, _ = rows
    model = fastlr.SGDRegressor(loss, early_stopping=True, random_state=0, eta0=0.05).fit(X, y)
    assert model.n_iter_ < 300
    watched = model.history_.validation_loss
    assert len(watched) == model.n_iter_
    _, held_out = next(ShuffleSplit(1, test_size=0.1, random_state=0).split(X))
    errors = y[held_out] - model.predict(X[held_out])
    np.testing.assert_allclose(watched.min(), 0.5 * np.mean(errors**2), rtol=1e-12)  # of no loss


def test_an_exploding_loss_is_no_convergence(rows):
    X, y, _ = rows
    with pytest.warns(fastlr.ConvergenceWarning, match="Diverged"):
        model = fastlr.SGDRegressor("squared_epsilon_insensitive", random_state=0).fit(1e6 * X, y)
    assert np.isfinite(model.coef_).all()
