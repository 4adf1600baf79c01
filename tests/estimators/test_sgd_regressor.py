"""SGDRegressor: scikit-learn's conventions, its steps row by row, and what it adds."""

import functools
import itertools
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import SGDRegressor as SklearnSGD
from sklearn.model_selection import ShuffleSplit

import fastlr
from conventions import check_conventions, configurations
from levels import on_every_level

# scikit-learn expects this of its own SGDRegressor: a row of weight two is one step, two rows are two.
WEIGHTS_ARE_STEPS = {
    f"check_sample_weight_equivalence_on_{kind}_data": "a weighted row is one step, repeated rows are several"
    for kind in ("dense", "sparse")
}


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
@configurations(
    fastlr.SGDRegressor(),
    fastlr.SGDRegressor(batch_size=8, standardize=False, average=True),
    fastlr.SGDRegressor("huber", epsilon=1.0, batch_size=None, eta0=0.1),
    fastlr.SGDRegressor("squared_epsilon_insensitive", penalty="l1"),
    fastlr.SGDRegressor(
        "epsilon_insensitive", penalty="elasticnet", learning_rate="adaptive", max_iter=100
    ),
)
def test_scikit_learn_conventions(estimator):
    # Levels differ in kernels: batches of rows and other losses have tests on every level.
    if estimator.loss == "squared_error" and estimator.batch_size == 1:
        on_every_level(check_conventions, estimator, WEIGHTS_ARE_STEPS)
    else:
        check_conventions(estimator, WEIGHTS_ARE_STEPS)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5))
    y = X @ [1.0, -2.0, 0.5, 0.0, 3.0] + 2.0 + rng.standard_normal(200)
    return X, y, rng.uniform(0.0, 2.0, 200)


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.usefixtures("level")
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"penalty": None},
        {"penalty": "l1", "alpha": 0.01},
        {"penalty": "elasticnet", "alpha": 0.01, "l1_ratio": 0.4},
        {"average": True},
        {"average": 150},
        {"learning_rate": "constant"},
        {"learning_rate": "adaptive"},
        {"learning_rate": "optimal", "alpha": 0.5},
        {"fit_intercept": False},
        {"power_t": 0.5},
        {"power_t": 0.7},
        {"penalty": "l2", "alpha": 200.0},
    ],
)
def test_single_rows_step_as_scikit_learn_does(rows, parameters):
    """From the same start over rows in the same order: rounding apart, the same coefficients."""
    X, y, weights = rows
    for weight, epochs in itertools.product((None, weights), (1, 3, 20)):
        case = f"{epochs} epochs, {'no weights' if weight is None else 'weights'}"
        close = functools.partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-12, err_msg=case)
        options = {"shuffle": False, "max_iter": epochs, "tol": None, **parameters}
        ours = fastlr.SGDRegressor(**options).fit(X, y, sample_weight=weight)
        theirs = SklearnSGD(**options).fit(X, y, sample_weight=weight)
        close(ours.coef_, theirs.coef_)
        close(ours.intercept_, theirs.intercept_)
        assert ours.t_ == theirs.t_, case
        assert ours.n_iter_ == theirs.n_iter_ == epochs, case


@pytest.mark.parametrize(
    "parameters",
    [{}, {"penalty": "l1", "alpha": 0.01}, {"learning_rate": "adaptive"}, {"tol": 1e-5}],
)
def test_stops_in_the_same_epoch_as_scikit_learn(rows, parameters):
    X, y, _ = rows
    ours = fastlr.SGDRegressor(shuffle=False, **parameters).fit(X, y)
    theirs = SklearnSGD(shuffle=False, **parameters).fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)


@pytest.mark.usefixtures("level")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("parameters", [{}, {"average": True}, {"penalty": "l1", "alpha": 0.01}])
def test_partial_fit_goes_on_as_scikit_learn_does(rows, parameters):
    X, y, weights = rows
    ours = fastlr.SGDRegressor(shuffle=False, **parameters)
    theirs = SklearnSGD(shuffle=False, **parameters)
    for part in (slice(0, 30), slice(30, 31), slice(31, 200)):
        ours.partial_fit(X[part], y[part], weights[part])
        theirs.partial_fit(X[part], y[part], weights[part])
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-10, atol=1e-12)
        assert ours.t_ == theirs.t_


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_warm_start_and_initial_values_as_in_scikit_learn(rows):
    X, y, _ = rows
    options = {"shuffle": False, "max_iter": 2, "warm_start": True}
    ours, theirs = fastlr.SGDRegressor(**options), SklearnSGD(**options)
    start = {"coef_init": np.arange(5.0), "intercept_init": [1.0]}
    for keywords in (start, {}, {}):
        ours.fit(X, y, **keywords)
        theirs.fit(X, y, **keywords)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-10)


@pytest.mark.parametrize("batch_size", [1, 7, 64, None])
@pytest.mark.parametrize("optimizer", ["gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
def test_every_rule_and_batch_size_comes_near_least_squares(rows, batch_size, optimizer):
    X, y, _ = rows
    exact = fastlr.ols(X, y)
    rate = {"adagrad": 0.5, "rmsprop": 0.01, "adam": 0.02}.get(optimizer, 0.002)
    if batch_size is None:
        rate *= 10 if optimizer != "adagrad" else 2
    model = fastlr.SGDRegressor(
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate="constant",
        eta0=rate,
        penalty=None,
        max_iter=400,
        tol=None,
        random_state=0,
    ).fit(X, y)
    np.testing.assert_allclose(model.coef_, exact.coef, atol=0.3)
    assert model.score(X, y) > exact.r2 - 0.02


def test_adaptive_rules_feel_the_penalty_in_full(rows):
    X, y, _ = rows
    ridge = fastlr.solve(fastlr.Moments.from_arrays(X, 100 * y), alpha=200.0)
    model = fastlr.SGDRegressor(
        optimizer="adam",
        learning_rate="constant",
        eta0=5.0,
        alpha=1.0,
        batch_size=None,
        max_iter=2000,
        tol=None,
    ).fit(X, 100 * y)
    np.testing.assert_allclose(model.coef_, ridge.coef, rtol=1e-3, atol=1e-2)


def test_the_mean_of_the_iterates_is_that_of_the_coefficients_themselves(rows):
    """With an L1 penalty as well, whose share is paid after the step."""
    X, y, _ = rows
    options = {"shuffle": False, "max_iter": 1, "tol": None, "penalty": "l1", "alpha": 0.05}
    averaged = fastlr.SGDRegressor(average=True, **options)
    plain = fastlr.SGDRegressor(**options)
    iterates = []
    for i in range(40):
        averaged.partial_fit(X[i : i + 1], y[i : i + 1])
        iterates.append(plain.partial_fit(X[i : i + 1], y[i : i + 1]).coef_)
    np.testing.assert_allclose(averaged.coef_, np.mean(iterates, axis=0), rtol=1e-12)


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
@pytest.mark.parametrize(
    "parameters",
    [{}, {"penalty": None}, {"average": True}, {"penalty": "l1"}, {"penalty": "elasticnet"}],
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_features", [5, 40])
def test_residuals_are_cut_where_scikit_learn_cuts_them(parameters, weighted, n_features):
    """The first rates of "optimal" are larger than 2 / L by far: residuals reach 1e12 within a few rows."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, n_features)), rng.standard_normal(40)
    weight = rng.uniform(0.5, 1.5, 40) if weighted else None
    options = {"learning_rate": "optimal", "shuffle": False, **parameters}
    ours = fastlr.SGDRegressor(**options).partial_fit(X, y, sample_weight=weight)
    theirs = SklearnSGD(**options).partial_fit(X, y, sample_weight=weight)
    assert np.abs(theirs.coef_).max() > 1e11
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("parameters", [{}, {"penalty": None}, {"penalty": "l1"}])
def test_optimal_rates_recover_from_their_first_steps_as_in_scikit_learn(parameters):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 5))
    y = X @ rng.standard_normal(5) + rng.standard_normal(20_000)
    options = {"learning_rate": "optimal", "shuffle": False, "max_iter": 12, "tol": None}
    ours = fastlr.SGDRegressor(**options, **parameters).fit(X, y)
    theirs = SklearnSGD(**options, **parameters).fit(X, y)
    assert max(ours.loss_curve_) > 1e15
    np.testing.assert_allclose(ours.score(X, y), theirs.score(X, y), rtol=1e-6)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-4, atol=1e-4)


def test_an_optimal_rate_that_diverges_is_told_what_it_follows_from(rows):
    X, y, _ = rows
    with pytest.warns(fastlr.ConvergenceWarning, match="follow from alpha=0.0001: raise it"):
        fastlr.SGDRegressor(learning_rate="optimal", random_state=0, max_iter=1).fit(X, y)


@pytest.mark.parametrize("batch_size", [32, None])
def test_larger_batches_do_not_stop_far_off_in_silence(rows, batch_size):
    X, y, _ = rows
    with pytest.warns(fastlr.ConvergenceWarning, match="above the optimum. Pass a larger eta0"):
        model = fastlr.SGDRegressor(batch_size=batch_size, eta0=1e-6, random_state=0).fit(X, y)
    assert model.score(X, y) < fastlr.ols(X, y).r2 - 0.01


@pytest.mark.parametrize("penalty", ["l1", "elasticnet", "l2", None])
@pytest.mark.parametrize("batch_size", [1, 16])
def test_fits_that_arrived_are_not_called_far(rows, penalty, batch_size):
    X, y, _ = rows
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastlr.SGDRegressor(
            batch_size=batch_size, eta0=0.02, penalty=penalty, alpha=0.05, tol=1e-4, random_state=0
        ).fit(X, y)


def test_history_and_loss_curve_fall(rows):
    X, y, _ = rows
    model = fastlr.SGDRegressor(random_state=3, batch_size=10, eta0=0.1).fit(X, y)
    assert len(model.loss_curve_) == len(model.history_) == model.n_iter_
    assert model.loss_curve_[-1] < 0.2 * model.loss_curve_[0]
    assert model.t_ == 20 * model.n_iter_ + 1


def test_standardising_gives_coefficients_of_the_features_themselves(rows):
    X, y, _ = rows
    wild = X * [1.0, 1e3, 1e-3, 1.0, 50.0] + [0.0, 1e4, 0.0, 5.0, -100.0]
    model = fastlr.SGDRegressor(
        standardize=True,
        batch_size=20,
        eta0=0.1,
        penalty=None,
        max_iter=300,
        tol=None,
        random_state=0,
    ).fit(wild, y)
    exact = fastlr.ols(wild, y)
    np.testing.assert_allclose(
        model.coef_ * wild.std(axis=0), exact.coef * wild.std(axis=0), atol=0.05
    )
    assert model.score(wild, y) > exact.r2 - 1e-3


def test_early_stopping_sets_rows_aside_and_stops(rows):
    X, y, _ = rows
    model = fastlr.SGDRegressor(early_stopping=True, random_state=0, eta0=0.05).fit(X, y)
    assert model.n_iter_ < 100
    assert len(model.history_.validation_loss) == model.n_iter_
    assert model.t_ == 180 * model.n_iter_ + 1


def test_early_stopping_sets_the_rows_aside_that_scikit_learn_does(rows):
    X, y, _ = rows
    settings = {"eta0": 1e-4, "tol": None, "max_iter": 5, "shuffle": False}
    for seed in (7, np.random.RandomState(7)):
        stopping = fastlr.SGDRegressor(
            early_stopping=True, validation_fraction=0.3, random_state=seed, **settings
        ).fit(X, y)
        learned, _ = next(ShuffleSplit(1, test_size=0.3, random_state=7).split(X))
        alone = fastlr.SGDRegressor(**settings).fit(X[np.sort(learned)], y[np.sort(learned)])
        np.testing.assert_array_equal(stopping.coef_, alone.coef_)
    for seed in (2**40, np.random.default_rng(1), None):
        model = fastlr.SGDRegressor(early_stopping=True, random_state=seed, **settings)
        assert model.fit(X, y).t_ == 180 * 5 + 1
    with pytest.raises(fastlr.InputTypeError, match="random_state='seven' is not a seed"):
        fastlr.SGDRegressor(early_stopping=True, random_state="seven").fit(X, y)


def test_same_seed_same_bits_whatever_the_number_of_threads(rows):
    X, y, _ = rows
    models = [
        fastlr.SGDRegressor(random_state=5, batch_size=3, n_threads=n).fit(X, y) for n in (1, 2, 3)
    ]
    other = fastlr.SGDRegressor(random_state=6, batch_size=3).fit(X, y)
    for model in models[1:]:
        np.testing.assert_array_equal(model.coef_, models[0].coef_)
    assert (other.coef_ != models[0].coef_).any()


def test_an_exploding_loss_is_no_convergence(rows):
    X, y, _ = rows
    with pytest.warns(fastlr.ConvergenceWarning, match="Diverged"):
        model = fastlr.SGDRegressor(random_state=0).fit(1e6 * X, y)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.predict(1e6 * X)).all()


def test_too_few_epochs_are_told(rows):
    X, y, _ = rows
    with pytest.warns(fastlr.ConvergenceWarning, match="max_iter=2"):
        fastlr.SGDRegressor(max_iter=2, random_state=0).fit(X, y)


def test_clone_pickle_and_float32(rows):
    X, y, _ = rows
    model = clone(fastlr.SGDRegressor(batch_size=4, random_state=1)).fit(X.astype(np.float32), y)
    assert model.coef_.dtype == np.float32
    assert model.predict(X.astype(np.float32)).dtype == np.float32
    again = pickle.loads(pickle.dumps(model)).partial_fit(X, y)
    np.testing.assert_array_equal(again.coef_, model.partial_fit(X, y).coef_)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "hinge"}, "'squared_error', 'huber'"),
        ({"epsilon": -0.1}, "epsilon=-0.1"),
        ({"epsilon": 0, "loss": "huber"}, "epsilon=0 makes"),
        ({"penalty": "l3"}, "elasticnet"),
        ({"alpha": -1.0}, "alpha=-1.0"),
        ({"learning_rate": "fast"}, "'invscaling', 'constant', 'optimal', 'adaptive'"),
        ({"eta0": 0.0}, "eta0=0.0"),
        ({"eta0": float("nan")}, "eta0=nan"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"optimizer": "sgd"}, "'gd', 'momentum'"),
        ({"optimizer": "accelerated"}, "batches would mislead it"),
        ({"max_iter": 0}, "max_iter=0"),
        ({"tol": -1e-3}, "tol=-0.001"),
        ({"early_stopping": True, "validation_fraction": 1.0}, "validation_fraction=1.0"),
        ({"n_iter_no_change": 0}, "n_iter_no_change=0"),
        ({"l1_ratio": 2.0, "penalty": "elasticnet"}, "l1_ratio=2.0"),
        ({"learning_rate": "optimal", "alpha": 0.0}, "alpha must be > 0"),
    ],
)
def test_bad_parameters_are_named(rows, parameters, message):
    X, y, _ = rows
    model = fastlr.SGDRegressor(random_state=0).fit(X, y)
    before = pickle.dumps(model.coef_)
    model.set_params(**parameters)
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        model.fit(X, y)
    assert pickle.dumps(model.coef_) == before


def test_partial_fit_refuses_what_needs_all_rows(rows):
    X, y, _ = rows
    for parameters in ({"early_stopping": True}, {"standardize": True}):
        with pytest.raises(fastlr.InputError, match="partial_fit"):
            fastlr.SGDRegressor(**parameters).partial_fit(X, y)
    with pytest.raises(ValueError, match="5 features"):
        fastlr.SGDRegressor().partial_fit(X, y).partial_fit(X[:, :3], y)


def test_verbose_lines(rows, capsys):
    X, y, _ = rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fastlr.SGDRegressor(verbose=1, max_iter=3, random_state=0).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["Epoch 0", "Epoch 1", "Epoch 2"]


def test_only_fits_that_average_have_scikit_learns_names_of_averages():
    X, y = np.arange(20.0).reshape(10, 2) / 20.0, np.arange(10.0)
    model = fastlr.SGDRegressor(average=True, max_iter=5, tol=None).fit(X, y)
    np.testing.assert_array_equal(model._average_coef, model.coef_)
    np.testing.assert_array_equal(model._average_intercept, model.intercept_)
    last = fastlr.SGDRegressor(max_iter=5, tol=None).set_params(random_state=0).fit(X, y)
    model.set_params(random_state=0).fit(X, y)
    np.testing.assert_allclose(model._standard_coef, last.coef_, rtol=1e-12)
    np.testing.assert_allclose(model._standard_intercept, last.intercept_, rtol=1e-12)
    assert not hasattr(model.set_params(average=False).fit(X, y), "_average_coef")
    assert fastlr.SGDRegressor.loss_functions["huber"] == ("huber", 0.1)


def test_coefficients_without_their_zeros_predict_save_and_go_on_as_before(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    y = X[:, 0] * 3.0
    settings = {"penalty": "l1", "alpha": 0.3, "random_state": 0, "warm_start": True}
    model, other = (fastlr.SGDRegressor(**settings).fit(X, y) for _ in range(2))
    coef = model.coef_
    assert model.sparsify().coef_.shape == (1, 8)
    assert model.coef_.nnz < 8
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    model.save(tmp_path / "model.json")
    np.testing.assert_array_equal(fastlr.load(tmp_path / "model.json").coef_, coef)
    assert model.to_onnx() == other.to_onnx()
    np.testing.assert_array_equal(model.fit(X, y).coef_, other.fit(X, y).coef_)
    np.testing.assert_array_equal(model.sparsify().densify().coef_, other.coef_)
