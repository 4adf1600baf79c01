"""What SGDRegressor carries from one call to the next, and where it begins and ends."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import SGDRegressor as SklearnSGD

import fastlr


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5))
    return X, X @ [1.0, -2.0, 0.5, 0.0, 3.0] + 2.0 + rng.standard_normal(200)


@pytest.mark.parametrize("optimizer", ["gd", "momentum", "adam"])
@pytest.mark.parametrize("options", [{}, {"average": True}, {"penalty": "l1"}])
def test_a_diverged_fit_can_go_on(rows, optimizer, options):
    X, y = rows
    model = fastlr.SGDRegressor(
        eta0=1e9 if optimizer == "adam" else 0.5,
        learning_rate="constant",
        optimizer=optimizer,
        random_state=0,
        **options,
    )
    with pytest.warns(fastlr.ConvergenceWarning, match="Diverged"):
        model.fit(10 * X, y)
    before = model.score(10 * X, y)
    model.set_params(eta0=1e-5)
    for _ in range(3):
        model.partial_fit(10 * X, y)
    assert model.score(10 * X, y) > before


def test_partial_fit_goes_on_from_the_coefficients_that_are_shown(rows):
    """The best ones of early stopping, not the last."""
    X, y = rows
    model = fastlr.SGDRegressor(early_stopping=True, eta0=0.05, random_state=0).fit(X, y)
    shown = model.coef_
    model.set_params(early_stopping=False, eta0=1e-14).partial_fit(X, y)
    np.testing.assert_allclose(model.coef_, shown, rtol=1e-9)


@pytest.mark.parametrize("average", [False, True])
def test_partial_fit_after_standardising_goes_on_in_the_units_of_the_features(rows, average):
    X, y = rows
    X = X * [1.0, 5.0, 0.2, 3.0, 1.0] + [3.0, 0.0, 1.0, 0.0, -2.0]
    model = fastlr.SGDRegressor(standardize=True, average=average, random_state=0).fit(X, y)
    shown = np.append(model.coef_, model.intercept_)
    model.set_params(standardize=False, eta0=1e-14, penalty=None).partial_fit(X, y)
    tolerance = 0.05 if average else 1e-9  # the mean moves on towards the iterate
    np.testing.assert_allclose(
        np.append(model.coef_, model.intercept_), shown, rtol=tolerance, atol=tolerance
    )


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
def test_a_warm_start_goes_on_from_the_iterate_and_not_from_the_mean(rows):
    X, y = rows
    options = {"shuffle": False, "max_iter": 3, "tol": None, "warm_start": True, "average": True}
    ours, theirs = fastlr.SGDRegressor(**options), SklearnSGD(**options)
    for _ in range(3):
        ours.fit(X, y)
        theirs.fit(X, y)
        np.testing.assert_allclose(ours._state.theta[:-1], theirs._standard_coef, rtol=1e-10)


@pytest.mark.parametrize("name", ["coef_init", "intercept_init"])
def test_starts_must_be_finite(rows, name):
    X, y = rows
    start = np.full(5 if name == "coef_init" else 1, np.nan)
    with pytest.raises(fastlr.InputError, match=f"{name} contains NaN or infinity"):
        fastlr.SGDRegressor().fit(X, y, **{name: start})


def test_single_rows_that_end_above_their_start_have_diverged(rows):
    X, y = rows
    model = fastlr.SGDRegressor(penalty=None, eta0=0.02, learning_rate="constant", random_state=0)
    with pytest.warns(fastlr.ConvergenceWarning, match="Diverged: the loss grew from"):
        model.fit(5 * X, y)
    assert model.score(5 * X, y) >= -4.0  # no worse than zeros


def test_early_stopping_without_tol_runs_all_epochs(rows):
    X, y = rows
    model = fastlr.SGDRegressor(early_stopping=True, tol=None, max_iter=60, random_state=0)
    assert model.fit(X, y).n_iter_ == 60


def test_an_adaptive_rate_adapts_to_the_validation_score(rows):
    X, y = rows
    model = fastlr.SGDRegressor(early_stopping=True, learning_rate="adaptive", random_state=0)
    rates = np.unique(model.fit(X, y).history_.learning_rate)
    np.testing.assert_allclose(rates[1:] / rates[:-1], 5.0)
    assert rates.min() <= 1e-6


def test_a_batch_larger_than_the_table_is_told_once(rows):
    X, y = rows
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fastlr.SGDRegressor(batch_size=1000, eta0=0.1).fit(X, y)
    assert [str(one.message)[:15] for one in caught] == ["batch_size=1000"]


def test_verbose_is_a_number(rows):
    X, y = rows
    with pytest.raises(ValueError, match="verbose='a' is not a whole number"):
        fastlr.SGDRegressor(verbose="a").fit(X, y)
