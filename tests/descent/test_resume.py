"""Two descents, the second going on from the first, are one longer descent, to the bit."""

import itertools
import pickle
import warnings

import numpy as np
import pytest

import fastlr
from fastlr.descent.schedules import (
    Adaptive,
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    StepDecay,
)

pytestmark = pytest.mark.usefixtures("level")

RULES = ["gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "accelerated"]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 3)) * [1.0, 2.0, 0.5] + [0.0, 1.0, 3.0]
    return X, X @ [1.0, -2.0, 0.5] + 3.0 + rng.normal(size=200)


def assert_one_run(first, resumed, whole, case=""):
    for name in ("coef", "intercept", "loss", "rss", "gap"):
        np.testing.assert_array_equal(
            getattr(resumed, name), getattr(whole, name), err_msg=f"{case} {name}"
        )
    for name in (
        "epoch",
        "loss",
        "mse",
        "log_likelihood",
        "gradient_norm",
        "learning_rate",
        "coef",
        "intercept",
    ):
        np.testing.assert_array_equal(
            getattr(resumed.history, name), getattr(whole.history, name), err_msg=f"{case} {name}"
        )
    if whole.history.validation_loss is not None:
        np.testing.assert_array_equal(
            resumed.history.validation_loss, whole.history.validation_loss
        )
    assert (resumed.n_epochs, resumed.n_updates, resumed.passes, str(resumed.status)) == (
        whole.n_epochs,
        whole.n_updates,
        whole.passes,
        str(whole.status),
    ), case
    assert len(resumed.history) > len(first.history), case


def in_two(X, y, epochs, **options):
    options = {"record": "path", "random_state": 7, **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastlr.ConvergenceWarning)
        whole = fastlr.descend(X, y, epochs=2 * epochs, **options)
        first = fastlr.descend(X, y, epochs=epochs, **options)
        before = pickle.dumps(first)
        resumed = fastlr.descend(X, y, epochs=epochs, resume=first, **options)
        again = fastlr.descend(X, y, epochs=epochs, resume=pickle.loads(before), **options)
    assert pickle.dumps(first) == before
    np.testing.assert_array_equal(again.coef, resumed.coef)
    return first, resumed, whole


@pytest.mark.parametrize("optimizer", RULES)
def test_full_batch(rows, optimizer):
    for engine, rate in itertools.product(("rows", "moments"), ("auto", 1e-3)):
        options = {"engine": engine, "learning_rate": rate, "patience": 20}
        assert_one_run(*in_two(*rows, 15, optimizer=optimizer, **options), f"{engine}, rate {rate}")


@pytest.mark.parametrize("optimizer", RULES[:-1])
def test_batches(rows, optimizer):
    for batch_size, sampling in itertools.product((1, 30), ("shuffle", "random", "sequential")):
        options = {"batch_size": batch_size, "sampling": sampling}
        case = f"batches of {batch_size}, {sampling}"
        assert_one_run(*in_two(*rows, 4, optimizer=optimizer, **options), case)


@pytest.mark.parametrize(
    "schedule",
    [
        InverseScaling(0.05),
        StepDecay(0.05, every=3),
        ExponentialDecay(0.05, decay_rate=0.8),
        CosineDecay(0.05, decay_epochs=25, alpha=0.1),
        Adaptive(0.05),
        "cosine",
    ],
    ids=str,
)
@pytest.mark.parametrize("batch_size", [None, 20])
def test_schedules(rows, schedule, batch_size):
    """In which the rate falls during the first half and the second, and patience runs on between them."""
    options = {"learning_rate": schedule, "batch_size": batch_size, "tol": 1e-4, "patience": 20}
    first, resumed, whole = in_two(*rows, 16, **options)
    assert_one_run(first, resumed, whole)


@pytest.mark.parametrize("standardize", [None, False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.2])
def test_scales_and_penalties(rows, standardize, alpha):
    for batch_size in (None, 25):
        assert_one_run(
            *in_two(*rows, 5, standardize=standardize, alpha=alpha, batch_size=batch_size)
        )


@pytest.mark.parametrize("patience", [None, 30])
def test_validation(rows, patience):
    assert_one_run(
        *in_two(*rows, 12, validation=0.3, patience=patience, batch_size=10, learning_rate=0.05)
    )


def test_samplers_of_the_user_go_on_where_they_are(rows):
    X, y = rows

    def draws():
        rng = np.random.default_rng(3)
        return (rng.choice(200, 20, replace=False) for _ in itertools.count())

    options = {"learning_rate": 0.05, "record": "path"}
    whole = fastlr.descend(X, y, sampling=draws(), epochs=6, **options)
    sampler = draws()
    first = fastlr.descend(X, y, sampling=sampler, epochs=3, **options)
    resumed = fastlr.descend(X, y, sampling=sampler, epochs=3, resume=first, **options)
    assert_one_run(first, resumed, whole)


def test_many_short_calls_are_one_long_one(rows):
    X, y = rows
    options = {"batch_size": 7, "optimizer": "adam", "random_state": 1, "learning_rate": 0.01}
    fit = fastlr.descend(X, y, epochs=1, **options)
    for _ in range(5):
        fit = fastlr.descend(X, y, epochs=1, resume=fit, **options)
    np.testing.assert_array_equal(fit.coef, fastlr.descend(X, y, epochs=6, **options).coef)


def test_what_came_to_its_end_is_patient_anew(rows):
    X, y = rows
    first = fastlr.descend(X, y)
    assert first.status.code == "converged"
    later = fastlr.descend(X, y, resume=first)
    assert later.n_epochs >= first.n_epochs + 5
    assert later.status.code == "converged"
    np.testing.assert_allclose(later.coef, first.coef, rtol=1e-12)


def test_init_starts_anew_from_the_coefficients(rows):
    """Permutations, schedule and memory of the rule are those of the first epoch again."""
    X, y = rows
    options = {"batch_size": 10, "random_state": 0, "optimizer": "adam", "learning_rate": 0.05}
    first = fastlr.descend(X, y, epochs=3, **options)
    anew = fastlr.descend(X, y, epochs=3, init=first, **options)
    by_hand = fastlr.descend(X, y, epochs=3, init=(first.coef, first.intercept), **options)
    np.testing.assert_array_equal(anew.coef, by_hand.coef)
    assert anew.n_epochs == 3
    assert (anew.coef != fastlr.descend(X, y, epochs=3, resume=first, **options).coef).any()


def test_what_cannot_be_resumed_is_refused(rows):
    X, y = rows
    fit = fastlr.descend(X, y, learning_rate=0.01, epochs=3)
    options = {"learning_rate": 0.01, "epochs": 3, "resume": fit}
    for change, message in (
        ({"optimizer": "adam"}, r"optimizer=GD\(\), this call has Adam"),
        ({"learning_rate": 0.02}, "learning_rate=Constant"),
        ({"loss": "sse"}, "loss='half_mse', this call has 'sse'"),
        ({"alpha": 1.0}, "alpha=0.0, this call has 1.0"),
        ({"batch_size": 10}, "batch_size=None, this call has 10"),
        ({"fit_intercept": False}, "fit_intercept=True"),
        ({"standardize": True}, "standardize=None, this call has True"),
        ({"record": "path"}, "record='loss'"),
        ({"engine": "rows"}, "engine='moments'"),
        ({"init": "random"}, "pass one of them"),
        ({"resume": fastlr.ols(X, y)}, "remembers no descent"),
        ({"resume": fit.to_fit()}, "remembers no descent"),
        ({"resume": 3}, "resume is 3"),
    ):
        with pytest.raises(ValueError, match=message):
            fastlr.descend(X, y, **{**options, **change})
    with pytest.raises(fastlr.InputError, match="resume has the features"):
        fastlr.descend(X[:, :2], y, **options)
    with pytest.warns(fastlr.ConvergenceWarning):
        wild = fastlr.descend(X, y, learning_rate=9.0)
    with pytest.raises(fastlr.InputError, match="diverged, and would diverge further"):
        fastlr.descend(X, y, learning_rate=9.0, resume=wild)


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "momentum", "batch_size": 5},
        {"optimizer": "adam", "learning_rate": "invscaling"},
        {"optimizer": "adam", "batch_size": None, "penalty": "l1", "alpha": 0.01},
        {"optimizer": "nesterov", "average": True, "batch_size": 3},
        {"optimizer": "accelerated", "batch_size": None},
        {"optimizer": "gd", "learning_rate": "constant"},
        {"optimizer": "gd", "learning_rate": "constant", "batch_size": 8},
    ],
)
def test_warm_starts_are_one_longer_fit(rows, standardize, options):
    X, y = rows
    options = {
        "tol": None,
        "random_state": 0,
        "eta0": 1e-3,
        "learning_rate": "constant",
        "standardize": standardize,
    } | options
    whole = fastlr.SGDRegressor(max_iter=8, **options).fit(X, y)
    parts = fastlr.SGDRegressor(max_iter=4, warm_start=True, **options).fit(X, y)
    parts = pickle.loads(pickle.dumps(parts)).fit(X, y)
    np.testing.assert_array_equal(parts.coef_, whole.coef_)
    np.testing.assert_array_equal(parts.intercept_, whole.intercept_)


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
def test_a_warm_start_heeds_coefficients_that_were_changed(rows):
    X, y = rows
    options = {
        "tol": None,
        "random_state": 0,
        "optimizer": "adam",
        "max_iter": 2,
        "warm_start": True,
    }
    model = fastlr.SGDRegressor(**options).fit(X, y)
    model.coef_ = np.array([9.0, 9.0, 9.0])
    fresh = fastlr.SGDRegressor(**options).fit(
        X, y, coef_init=[9.0, 9.0, 9.0], intercept_init=model.intercept_
    )
    np.testing.assert_array_equal(model.fit(X, y).coef_, fresh.coef_)


@pytest.mark.parametrize("engine", ["rows", "moments"])
def test_wide_rows_go_on_to_the_bit_by_an_engine_that_is_named(engine):
    """With more than 8 columns for each epoch "auto" may choose another engine for the longer run."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(60, 30)), rng.normal(size=60)
    assert fastlr.descend(X, y, epochs=3, tol=None).engine == "rows"
    assert fastlr.descend(X, y, epochs=6, tol=None).engine == "moments"
    assert_one_run(*in_two(X, y, 3, engine=engine, tol=None))


def test_a_descent_of_another_version_is_refused_not_misread():
    X, y = np.arange(12.0).reshape(6, 2) ** 1.5, np.arange(6.0)
    earlier = fastlr.descend(X, y, epochs=2, learning_rate=1e-4, tol=None)
    earlier.memory.state.numbers = np.append(earlier.memory.state.numbers, 0.0)
    with pytest.raises(fastlr.InputError, match="another version of fastlr"):
        fastlr.descend(X, y, epochs=2, learning_rate=1e-4, tol=None, resume=earlier)
