"""MLPRegressor: what is fastlr's own, from activations to files."""

import pickle
import signal

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastlr
from fastlr import optimizers, reference, schedules
from fastlr.reference import Dense
from small_networks import SMALL, WEIGHTS, X, Y, parameters_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("activation", ["leaky_relu", "elu", "softplus", "gelu"])
def test_every_activation_predicts_as_the_reference(activation, level):
    for kinds in (activation, (activation, "tanh")):
        options = {**SMALL, "hidden_layer_sizes": (5, 4), "activation": kinds}
        model = fastlr.MLPRegressor(**options).fit(X, Y)
        names = (kinds, kinds) if isinstance(kinds, str) else kinds
        layers = list(map(Dense, model.coefs_, model.intercepts_, (*names, "identity")))
        np.testing.assert_allclose(
            model.predict(X), reference.forward(X, layers), rtol=1e-11, atol=1e-13
        )
        assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_standardised_training_gives_weights_of_the_data_themselves():
    scale, shift = np.array([1.0, 1e4, 1e-3, 50.0]), np.array([0.0, 2e3, 5.0, -70.0])
    table, targets = X * scale + shift, Y * [300.0, 0.01] + [1e4, -5.0]
    options = {**SMALL, "max_iter": 150, "learning_rate_init": 0.02, "tol": None}
    inside = fastlr.MLPRegressor(**options, standardize=True).fit(table, targets)
    Z, T = StandardScaler().fit(table), StandardScaler().fit(targets)
    outside = fastlr.MLPRegressor(**options).fit(Z.transform(table), T.transform(targets))
    np.testing.assert_allclose(inside.loss_curve_, outside.loss_curve_, rtol=1e-6)
    wanted = T.inverse_transform(outside.predict(Z.transform(table)))
    np.testing.assert_allclose(inside.predict(table), wanted, rtol=1e-6)
    kinds = ("relu", "identity")
    layers = list(map(Dense, inside.coefs_, inside.intercepts_, kinds))
    np.testing.assert_allclose(inside.predict(table), reference.forward(table, layers), rtol=1e-8)
    assert inside.score(table, targets) > 0.8
    early = fastlr.MLPRegressor(**options, standardize=True, early_stopping=True)
    assert early.fit(table, targets).best_validation_score_ > 0.7
    going_on = clone(inside).set_params(warm_start=True, max_iter=1).fit(table, targets)
    before = going_on.loss_curve_[-1]
    assert going_on.set_params(max_iter=150).fit(table, targets).loss_curve_[-1] < before
    constant = np.column_stack([table, np.full(203, 7.0)])
    assert np.isfinite(inside.fit(constant, targets).predict(constant)).all()


def test_rules_and_schedules_of_fastlr():
    start = {**SMALL, "max_iter": 1, "shuffle": False, "tol": None}
    for rule in (
        "gd",
        "momentum",
        optimizers.Nesterov(0.5),
        "adagrad",
        "rmsprop",
        optimizers.Adam(),
    ):
        model = fastlr.MLPRegressor(**SMALL, optimizer=rule, learning_rate_init=0.02).fit(X, Y)
        assert model.loss_curve_[-1] < model.loss_curve_[0], rule
    plain = fastlr.MLPRegressor(**start, optimizer="gd", learning_rate_init=0.1)
    sgd = fastlr.MLPRegressor(**start, solver="sgd", momentum=0.0, learning_rate_init=0.1)
    np.testing.assert_allclose(
        parameters_of(plain.fit(X, Y)), parameters_of(sgd.fit(X, Y)), rtol=1e-13
    )
    with pytest.raises(ValueError, match="batches would mislead it: pass batch_size=203"):
        fastlr.MLPRegressor(optimizer="accelerated").fit(X, Y)
    whole = fastlr.MLPRegressor(
        **SMALL, optimizer="accelerated", batch_size=203, learning_rate_init=0.1
    ).fit(X, Y)
    assert whole.loss_curve_[-1] < whole.loss_curve_[0]
    options = {**SMALL, "solver": "sgd", "max_iter": 4, "tol": None, "shuffle": False}
    falling = fastlr.MLPRegressor(
        **options, schedule=schedules.StepDecay(0.1, rate=0.1, every=2)
    ).fit(X, Y)
    by_hand = fastlr.MLPRegressor(**options, learning_rate_init=0.1)
    for epoch in range(4):
        by_hand.set_params(learning_rate_init=0.1 if epoch < 2 else 0.01).partial_fit(X, Y)
    np.testing.assert_allclose(parameters_of(falling), parameters_of(by_hand), rtol=1e-12)
    with pytest.raises(fastlr.InputError, match="both say how the rate falls"):
        fastlr.MLPRegressor(schedule=schedules.StepDecay(), learning_rate="adaptive").fit(X, Y)


def test_float32_rows_train_in_float32():
    single = X.astype(np.float32)
    model = fastlr.MLPRegressor(**SMALL).fit(single, Y[:, 0])
    assert {values.dtype for values in (*model.coefs_, *model.intercepts_)} == {np.dtype("float32")}
    assert model.predict(single).dtype == np.float32
    assert model.predict(X).dtype == np.float64
    double = fastlr.MLPRegressor(**SMALL).fit(single.astype(float), Y[:, 0])
    np.testing.assert_allclose(parameters_of(model), parameters_of(double), rtol=0.0, atol=1e-4)
    np.testing.assert_allclose(model.loss_curve_, double.loss_curve_, rtol=1e-5)
    parted = fastlr.MLPRegressor(**SMALL).partial_fit(single, Y[:, 0]).partial_fit(single, Y[:, 0])
    assert parted.coefs_[0].dtype == np.float32


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads(threads, level):
    options = {**SMALL, "batch_size": 100, "hidden_layer_sizes": (33, 9)}
    one = fastlr.MLPRegressor(**options, n_threads=2).fit(X, Y, WEIGHTS)
    other = fastlr.MLPRegressor(**options, n_threads=threads).fit(X, Y, WEIGHTS)
    np.testing.assert_array_equal(parameters_of(one), parameters_of(other))
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_sparse_rows_frames_and_mappings_are_the_same_table():
    sparse = pytest.importorskip("scipy.sparse")
    table = np.where(np.abs(X) < 0.5, 0.0, X)
    dense = fastlr.MLPRegressor(**SMALL).fit(table, Y)
    mapping = dict(zip("abcd", table.T, strict=True))
    for rows in (
        sparse.csr_array(table),
        sparse.csc_matrix(table),
        mapping,
        np.asfortranarray(table),
    ):
        model = fastlr.MLPRegressor(**SMALL).fit(rows, Y)
        np.testing.assert_allclose(parameters_of(model), parameters_of(dense), rtol=1e-12)
        np.testing.assert_allclose(model.predict(rows), dense.predict(table), rtol=1e-12)
    model = fastlr.MLPRegressor(**SMALL).fit(mapping, Y)
    assert list(model.feature_names_in_) == list("abcd")
    with pytest.raises(ValueError, match="another order"):
        model.predict(dict(reversed(mapping.items())))


def test_an_exploding_loss_keeps_the_best_iterate_and_names_the_rate():
    table = X * [1.0, 1e3, 1.0, 1.0]
    for options in (
        {"solver": "sgd", "learning_rate_init": 10.0},
        {"solver": "sgd", "activation": "identity", "learning_rate_init": 1e-2},
        {"optimizer": "gd", "learning_rate_init": 1e300},
    ):
        model = fastlr.MLPRegressor(**{**SMALL, "max_iter": 60}, **options)
        with pytest.warns(fastlr.ConvergenceWarning, match="Diverged") as caught:
            model.fit(table, Y[:, 0])
        says = str(caught[0].message)
        assert f"Lower learning_rate_init={options['learning_rate_init']}" in says
        assert "standardize=True" in says
        assert "nan" not in says
        assert np.isfinite(model.predict(table)).all()
        first = clone(model).set_params(learning_rate_init=1e-300, max_iter=1).fit(table, Y[:, 0])
        at_start = np.mean((first.predict(table) - Y[:, 0]) ** 2)
        assert np.mean((model.predict(table) - Y[:, 0]) ** 2) <= at_start
    model.set_params(learning_rate_init=1e-3, warm_start=True).fit(X, Y[:, 0])
    assert np.isfinite(model.loss_curve_[-1])


@pytest.mark.filterwarnings(
    "ignore:Got `batch_size`:UserWarning"
)  # an early stop leaves fewer rows
@pytest.mark.parametrize("n", [203, 1700])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_loss_that_explodes_within_a_single_step_is_told(n, early_stopping):
    rows, target = np.resize(X, (n, 4)), np.resize(Y[:, 0], n)
    model = fastlr.MLPRegressor(
        **{**SMALL, "max_iter": 1},
        solver="sgd",
        learning_rate_init=1e4,
        batch_size=n,
        early_stopping=early_stopping,
    )
    with pytest.warns(fastlr.ConvergenceWarning, match=r"Diverged.*learning_rate_init=10000"):
        model.fit(rows, target)
    with pytest.warns(fastlr.ConvergenceWarning, match="Diverged"):
        model.set_params(batch_size=10, early_stopping=False).partial_fit(rows[:10], target[:10])
    assert np.abs(model.predict(rows)).max() < 100.0


@pytest.mark.filterwarnings("error")
def test_fits_that_arrive_or_run_all_epochs_as_asked_warn_of_nothing():
    fastlr.MLPRegressor(**{**SMALL, "max_iter": 5}, tol=None).fit(X, Y)
    fastlr.MLPRegressor(**{**SMALL, "max_iter": 400}, tol=0.01).fit(X, Y)
    fastlr.MLPRegressor(**SMALL).partial_fit(X, Y)


def test_ctrl_c_keeps_the_weights_so_far(monkeypatch):
    from fastlr.networks.engine import NetworkEngine

    whole, calls = NetworkEngine.run, []

    def run(*arguments):
        calls.append(1)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return whole(*arguments)

    monkeypatch.setattr(NetworkEngine, "run", run)
    with pytest.warns(fastlr.ConvergenceWarning, match="interrupted by user after 3 epochs"):
        model = fastlr.MLPRegressor(**SMALL).fit(X, Y)
    assert (model.n_iter_, len(model.loss_curve_)) == (3, 3)
    monkeypatch.undo()
    three = fastlr.MLPRegressor(**{**SMALL, "max_iter": 3}).fit(X, Y)
    np.testing.assert_array_equal(parameters_of(model), parameters_of(three))


def test_clones_pickles_files_grids_and_pipelines(tmp_path):
    model = fastlr.MLPRegressor(**SMALL, optimizer=optimizers.Adam(0.8), early_stopping=True)
    model.fit(X, Y, WEIGHTS)
    copies = [pickle.loads(pickle.dumps(model))]
    model.save(tmp_path / "model.json")
    copies.append(fastlr.load(tmp_path / "model.json"))
    for copy in copies:
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))
        assert copy.get_params() == model.get_params()
        for name in vars(model):
            if name.endswith("_") and not name.startswith("_"):
                mine, theirs = getattr(model, name), getattr(copy, name)
                same = (
                    all(map(np.array_equal, mine, theirs))
                    if name in ("coefs_", "intercepts_")
                    else mine == theirs
                )
                assert same, name
        for one in (copy.set_params(early_stopping=False), clone(copy)):
            assert one.get_params()["hidden_layer_sizes"] == (6,)
    with pytest.raises(NotFittedError):
        clone(model).predict(X)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), fastlr.MLPRegressor(**SMALL)),
        {"mlpregressor__hidden_layer_sizes": [(2,), (5, 5)]},
        cv=2,
    ).fit(X, Y)
    assert len(search.predict(X)) == 203


def test_a_loaded_network_goes_on_as_if_it_had_never_been_away(tmp_path):
    for rows in (X, X.astype(np.float32)):
        model = (
            fastlr.MLPRegressor(**SMALL, solver="adam").partial_fit(rows, Y).partial_fit(rows, Y)
        )
        model.save(tmp_path / "model.json")
        loaded = fastlr.load(tmp_path / "model.json")
        model.partial_fit(rows, Y)
        loaded.partial_fit(rows, Y)
        np.testing.assert_array_equal(parameters_of(loaded), parameters_of(model))
        assert loaded.loss_curve_ == model.loss_curve_
        assert loaded.coefs_[0].dtype == model.coefs_[0].dtype


def test_another_rule_starts_with_a_memory_of_its_own(tmp_path):
    targets = 1e4 * Y  # Adam remembers gradients, momentum steps: one as the other explodes
    adam = fastlr.MLPRegressor(**{**SMALL, "shuffle": False, "learning_rate_init": 1e-6})
    adam.set_params(solver="adam").fit(X, targets).save(tmp_path / "model.json")
    for model in (adam, fastlr.load(tmp_path / "model.json")):
        anew = clone(model).set_params(solver="adam").fit(X, targets)
        anew.set_params(solver="sgd", warm_start=True, max_iter=1).fit(X, targets)
        before = parameters_of(model)
        model.set_params(solver="sgd").partial_fit(X, targets)
        assert np.isfinite(model.loss_)
        assert not np.array_equal(parameters_of(model), before)
        np.testing.assert_array_equal(parameters_of(model), parameters_of(anew))


def test_weights_that_one_sets_may_be_lists_and_nothing_else_but_numbers():
    model = fastlr.MLPRegressor(**SMALL).fit(X, Y)
    before = model.predict(X)
    model.coefs_ = [weights.tolist() for weights in model.coefs_]
    np.testing.assert_array_equal(model.predict(X), before)
    model.coefs_ = None
    with pytest.raises(fastlr.InputTypeError, match="weights=None are no arrays"):
        model.predict(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "poisson"}, "loss='poisson' is unknown: choose one of 'squared_error'"),
        (
            {"activation": "sigmoid"},
            "activation='sigmoid' is unknown: choose one of 'identity', 'log",
        ),
        ({"activation": ["relu", "tanh"]}, "2 names for 1 hidden layers"),
        ({"activation": 3}, "activation=3 is no name"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes=0 is below 1"),
        ({"hidden_layer_sizes": (5, -1)}, r"must be > 0 and whole; one of them is -1"),
        ({"hidden_layer_sizes": (2.5,)}, r"hidden_layer_sizes=\(2.5,\) must be > 0 and whole"),
        ({"hidden_layer_sizes": "many"}, "hidden_layer_sizes='many' is not a whole number"),
        ({"hidden_layer_sizes": {5, 4}}, "has no lasting order"),
        ({"hidden_layer_sizes": iter([5, 4])}, "has no lasting order"),
        ({"solver": "lbfgs"}, "solver='lbfgs' is not offered: pass 'adam' or 'sgd'"),
        ({"solver": "newton"}, "solver='newton' is unknown"),
        ({"alpha": -1.0}, "alpha=-1.0"),
        ({"batch_size": 0}, "batch_size=0 is below 1"),
        ({"batch_size": "all"}, "batch_size='all' is unknown: pass 'auto', or an integer"),
        ({"learning_rate": "optimal"}, "learning_rate='optimal' is unknown"),
        ({"learning_rate_init": 0.0}, "learning_rate_init=0.0 is not a finite number > 0"),
        ({"momentum": 1.5}, "momentum=1.5 is out of range"),
        ({"beta_1": 1.0}, "beta_1=1.0 must be below 1"),
        ({"epsilon": 0.0}, "epsilon=0 must be above 0"),
        ({"tol": -1.0}, "tol=-1.0 is out of range"),
        ({"power_t": "fast"}, "power_t='fast' is not a number"),
        ({"n_iter_no_change": 2.5}, "n_iter_no_change=2.5 is not a whole number"),
        ({"early_stopping": True, "validation_fraction": 1.0}, "validation_fraction=1.0 is not"),
        ({"early_stopping": True, "validation_fraction": 0.004}, "The validation set is too small"),
        ({"early_stopping": True, "validation_fraction": 0.9999}, "=0.9999 sets all .* rows aside"),
        ({"standardize": "yes"}, "standardize='yes' is neither"),
        ({"schedule": "step"}, "schedule='step' is none"),
        ({"optimizer": "newton"}, "optimizer='newton'"),
        ({"random_state": "seed"}, "random_state='seed' is not a seed"),
        ({"max_iter": 0}, "max_iter=0 is below 1"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    model = fastlr.MLPRegressor(**parameters)
    with pytest.raises((fastlr.InputError, fastlr.InputTypeError), match=message):
        model.fit(X, Y)
    assert not hasattr(model, "coefs_")


def test_bad_rows_are_named_and_a_failed_fit_changes_nothing():
    model = fastlr.MLPRegressor(**SMALL).fit(X, Y)
    before = pickle.dumps(model)
    holed = X.copy()
    holed[7, 2] = np.nan
    targets = Y.copy()
    targets[9, 1] = np.nan
    for bad, message in (
        ((holed, Y), r"X contains NaN \(row 7"),
        ((X, targets), r"y contains NaN \(row 9"),
        ((X, Y[:9]), "inconsistent numbers of samples"),
        ((X, Y, -WEIGHTS), "sample_weight"),
        ((X, Y, np.zeros(203)), "zero in every row"),
    ):
        with pytest.raises(fastlr.InputError, match=message):
            model.fit(*bad)
    with pytest.raises(ValueError, match="3 features"):
        model.predict(X[:, :3])
    with pytest.raises(ValueError, match=r"NaN \(row 7"):
        model.predict(holed)
    with pytest.raises(fastlr.InputError, match=r"4-6-2, and this one asks for 4-9-2"):
        model.set_params(warm_start=True, hidden_layer_sizes=(9,)).fit(X, Y)
    model.set_params(warm_start=False, hidden_layer_sizes=(6,))
    for options in ({"early_stopping": True}, {"standardize": True}):
        with pytest.raises(fastlr.InputError, match="partial_fit"):
            model.set_params(**options).partial_fit(X, Y)
        model.set_params(early_stopping=False, standardize=False)
    assert pickle.dumps(model) == before
