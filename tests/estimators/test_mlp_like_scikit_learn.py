"""MLPRegressor in the place of scikit-learn's: its keywords, checks, steps, words and lines."""

import inspect

import numpy as np
import pytest
import sklearn
from sklearn import neural_network
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import get_tags
from sklearn.utils.fixes import parse_version

import fastlr
from conventions import check_conventions, configurations
from fastlr import schedules
from small_networks import SMALL, WEIGHTS, X, Y, parameters_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@configurations(
    fastlr.MLPRegressor(max_iter=100),
    fastlr.MLPRegressor(hidden_layer_sizes=(), solver="sgd", learning_rate_init=0.02, max_iter=40),
    fastlr.MLPRegressor(
        hidden_layer_sizes=(12, 6),
        activation=("tanh", "gelu"),
        optimizer="rmsprop",
        learning_rate_init=0.02,
        schedule=schedules.ExponentialDecay(decay_rate=0.99),
        max_iter=40,
        tol=None,
        n_threads=2,
    ),
)
def test_scikit_learn_conventions(estimator):
    check_conventions(estimator)


def test_every_keyword_of_scikit_learn_is_taken_with_its_default():
    theirs = inspect.signature(neural_network.MLPRegressor).parameters
    ours = inspect.signature(fastlr.MLPRegressor).parameters
    in_order = parse_version(sklearn.__version__) >= parse_version("1.7")  # where loss came first
    for place, (name, parameter) in enumerate(theirs.items()):
        assert ours[name].default == parameter.default, name
        if in_order:
            assert ours[name].kind == parameter.kind, name
            assert list(ours)[place] == name


@pytest.mark.filterwarnings("error:Diverged")
@pytest.mark.parametrize("case", ["fit", "weighted fit", "single rows"])
def test_a_loss_that_is_mostly_penalty_and_falls_has_not_diverged(case):
    options = {"hidden_layer_sizes": (5,), "random_state": 0, "max_iter": 4, "alpha": 1000.0}
    ours, theirs = fastlr.MLPRegressor(**options), neural_network.MLPRegressor(**options)
    for model in (ours, theirs):
        if case == "single rows":
            for row in range(12):
                model.partial_fit(X[[row]], 0.01 * Y[[row], 0])
        elif case == "fit":
            model.fit(X, 0.01 * Y)
        else:
            model.fit(X, 0.01 * Y, sample_weight=WEIGHTS)
    np.testing.assert_allclose(parameters_of(ours), parameters_of(theirs), rtol=1e-10, atol=1e-12)


def test_tags_are_scikit_learns_and_tell_of_several_targets():
    ours, theirs = get_tags(fastlr.MLPRegressor()), get_tags(neural_network.MLPRegressor())
    assert ours.target_tags.multi_output
    theirs.target_tags.multi_output = True
    assert ours == theirs


def assert_same_fit(ours, theirs, case):
    np.testing.assert_allclose(
        parameters_of(ours), parameters_of(theirs), rtol=1e-10, atol=1e-10, err_msg=str(case)
    )
    for name in ("loss_curve_", "validation_scores_"):
        if getattr(theirs, name) is None:
            assert getattr(ours, name) is None, case
        else:
            np.testing.assert_allclose(
                getattr(ours, name), getattr(theirs, name), rtol=1e-10, err_msg=str(case)
            )
    for name in ("best_loss_", "best_validation_score_", "loss_"):
        wanted = getattr(theirs, name)
        assert getattr(ours, name) == (
            wanted if wanted is None else pytest.approx(wanted, rel=1e-10)
        )
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), (name, case)
    assert [w.shape for w in ours.coefs_] == [w.shape for w in theirs.coefs_]
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9, atol=1e-10)


SAME = [
    {"hidden_layer_sizes": (100,)},
    {"activation": "tanh", "solver": "sgd", "batch_size": 32, "learning_rate_init": 0.05},
    {
        "solver": "sgd",
        "learning_rate": "invscaling",
        "power_t": 0.3,
        "learning_rate_init": 0.5,
        "nesterovs_momentum": False,
        "momentum": 0.5,
    },
    {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "batch_size": 40,
        "learning_rate_init": 0.1,
        "max_iter": 60,
        "tol": 1e-3,
        "n_iter_no_change": 2,
    },
    {
        "activation": "logistic",
        "early_stopping": True,
        "max_iter": 60,
        "batch_size": 20,
        "learning_rate_init": 0.02,
        "n_iter_no_change": 3,
        "validation_fraction": 0.2,
    },
    {"activation": "identity", "shuffle": False, "alpha": 1.0, "hidden_layer_sizes": (7, 5, 3)},
    {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1, "learning_rate": "invscaling"},
    {"hidden_layer_sizes": (), "n_iter_no_change": np.inf, "batch_size": 203},
    {"tol": 0.05, "n_iter_no_change": 2, "max_iter": 100, "learning_rate_init": 0.01},
]


def test_the_same_seed_takes_scikit_learns_steps():
    tables = [(Y[:, 0], None), (Y, None), (Y[:, 0], WEIGHTS)]
    for number, options in enumerate(SAME):
        for y, weights in tables if number < 2 else tables[number % 3 :][:1]:
            keywords = {**SMALL, **options}
            ours = fastlr.MLPRegressor(**keywords).fit(X, y, weights)
            theirs = neural_network.MLPRegressor(**keywords).fit(X, y, weights)
            assert_same_fit(ours, theirs, (options, np.shape(y), weights is None))


def test_tables_of_many_windows_take_scikit_learns_steps(level):
    rng = np.random.default_rng(8)
    table = rng.normal(size=(10_000, 3))
    y = np.sin(table[:, 0])
    for sizes in ((), (5,)):
        options = {"hidden_layer_sizes": sizes, "random_state": 0, "max_iter": 2, "batch_size": 70}
        ours = fastlr.MLPRegressor(**options).fit(table, y)
        theirs = neural_network.MLPRegressor(**options).fit(table, y)
        np.testing.assert_allclose(
            parameters_of(ours), parameters_of(theirs), rtol=1e-10, atol=1e-12
        )
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10)


def test_warm_starts_and_partial_fits_go_on_as_in_scikit_learn(level):
    for options in ({}, {"solver": "sgd", "learning_rate": "invscaling", "batch_size": 30}):
        keywords = {**SMALL, **options, "warm_start": True, "max_iter": 3}
        models = fastlr.MLPRegressor(**keywords), neural_network.MLPRegressor(**keywords)
        for model in models:
            model.fit(X, Y).fit(X[:150], Y[:150])
        assert_same_fit(*models, options)
        models = fastlr.MLPRegressor(**SMALL), neural_network.MLPRegressor(**SMALL)
        for model in models:
            for _ in range(3):
                model.partial_fit(X[:90], Y[:90]).partial_fit(X[90:], Y[90:], WEIGHTS[90:])
        assert_same_fit(*models, options)


def test_weights_that_somebody_sets_are_those_that_predict_and_go_on(tmp_path):
    model = fastlr.MLPRegressor(**SMALL, warm_start=True).fit(X, Y[:, 0])
    theirs = neural_network.MLPRegressor(**SMALL, warm_start=True).fit(X, Y[:, 0])
    for one in (model, theirs):
        one.coefs_[0] = np.full((4, 6), 0.3)
        one.intercepts_[1][:] = 2.0
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), rtol=1e-12)
    model.save(tmp_path / "model.json")
    loaded = fastlr.load(tmp_path / "model.json")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert_same_fit(model.fit(X, Y[:, 0]), theirs.fit(X, Y[:, 0]), "set by hand")
    model.coefs_[0] = np.ones((3, 6))
    with pytest.raises(fastlr.InputError, match=r"\(3, 6\)"):
        model.predict(X)


def test_endings_are_warned_of_in_scikit_learns_words():
    with pytest.warns(
        fastlr.ConvergenceWarning, match=r"Maximum iterations \(12\) reached and the"
    ):
        fastlr.MLPRegressor(**SMALL).fit(X, Y)
    with pytest.warns(UserWarning, match="Got `batch_size` less than 1 or larger than sample size"):
        fastlr.MLPRegressor(**SMALL, batch_size=500).fit(X, Y)
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        model = fastlr.MLPRegressor(**SMALL).fit(X, Y[:, :1])
    assert model.predict(X).shape == (203,)


def test_verbose_lines_are_scikit_learns(capsys):
    options = {
        **SMALL,
        "max_iter": 40,
        "tol": 0.05,
        "n_iter_no_change": 2,
        "learning_rate_init": 0.02,
    }
    for more in (
        {},
        {"early_stopping": True},
        {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1},
    ):
        printed = []
        for estimator in (fastlr.MLPRegressor, neural_network.MLPRegressor):
            estimator(**{**options, **more}, verbose=True).fit(X, Y)
            printed.append(capsys.readouterr().out)
        assert printed[0] == printed[1]
    fastlr.MLPRegressor(**SMALL, verbose=5).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:12] for line in lines] == ["Iteration 5,", "Iteration 10"]
