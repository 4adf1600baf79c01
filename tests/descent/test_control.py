"""How a descent is started, watched, stopped and refused."""

import pickle
import re
import sys

import numpy as np
import pytest

import fastlr
from fastlr import schedules
from fastlr._kernels import kernels


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2))
    return X, X @ [1.0, -2.0] + 3.0 + rng.normal(size=200)


def test_converged_exhausted_and_zero_loss(rows):
    X, y = rows
    assert fastlr.descend(X, y).status.code == "converged"
    few = fastlr.descend(X, y, epochs=3, tol=None)
    assert few.status.code == "epochs_exhausted"
    assert "still falling" in few.status
    assert fastlr.descend(X, y, tol=None, epochs=500).n_epochs == 500
    assert fastlr.descend(X, np.zeros(200)).status.code == "converged"
    patient = fastlr.descend(X, y, tol=1e-3, patience=7)
    eager = fastlr.descend(X, y, tol=1e-3, patience=1)
    assert patient.n_epochs == eager.n_epochs + 6


@pytest.mark.parametrize("batch_size", [None, 10])
def test_validation_stops_early_and_returns_the_best_iterate(rows, batch_size):
    X, y = rows
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 80))
    wide = np.hstack([X, noise])
    fit = fastlr.descend(
        wide,
        y,
        validation=0.5,
        batch_size=batch_size,
        learning_rate=0.01,
        epochs=5000,
        record="path",
        random_state=0,
    )
    assert fit.status.code == "early_stopped"
    best = int(np.argmin(fit.history.validation_loss))
    assert best < fit.n_epochs - 1
    np.testing.assert_allclose(fit.coef, fit.history.coef[best], rtol=1e-13)
    by_hand = np.mean((wide[100:] @ fit.coef + fit.intercept - y[100:]) ** 2) / 2
    assert fit.history.validation_loss[best] == pytest.approx(by_hand, rel=1e-11)
    pair = fastlr.descend(
        wide[:100],
        y[:100],
        validation=(wide[100:], y[100:]),
        batch_size=batch_size,
        learning_rate=0.01,
        epochs=5000,
        random_state=0,
    )
    np.testing.assert_array_equal(pair.coef, fit.coef)
    assert pair.n_samples == 100


def test_a_callback_sees_every_epoch_and_may_stop(rows):
    X, y = rows
    seen = []

    def watch(epoch):
        seen.append(epoch)
        return epoch.epoch == 6

    fit = fastlr.descend(X, y, callback=watch, record="path")
    assert fit.status.code == "stopped"
    assert [epoch.epoch for epoch in seen] == list(range(7))
    for epoch in seen:
        assert epoch.loss == fit.history.loss[epoch.epoch]
        np.testing.assert_array_equal(epoch.coef, fit.history.coef[epoch.epoch])
    options = {"epochs": 3, "learning_rate": 0.1}
    assert fastlr.descend(X, y, callback=lambda epoch: epoch.loss, **options).n_epochs == 3


def test_a_callback_may_answer_in_numpy(rows):
    X, y = rows
    fit = fastlr.descend(X, y, callback=lambda epoch: np.float64(epoch.epoch) >= 3)
    assert (fit.n_epochs, fit.status.code) == (4, "stopped")


def test_what_a_callback_raises_reaches_the_caller(rows):
    X, y = rows
    before = X.copy(), y.copy()

    def fail(epoch):
        raise RuntimeError(f"epoch {epoch.epoch}")

    with pytest.raises(RuntimeError, match="epoch 0"):
        fastlr.descend(X, y, callback=fail, batch_size=10)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize("batch_size", [None, 10])
def test_ctrl_c_returns_what_there_is(rows, batch_size):
    X, y = rows

    def interrupt(epoch):
        if epoch.epoch == 4:
            raise KeyboardInterrupt

    fit = fastlr.descend(
        X, y, callback=interrupt, batch_size=batch_size, random_state=0, record="path"
    )
    assert fit.status.code == "interrupted"
    assert fit.n_epochs == 5
    np.testing.assert_array_equal(fit.coef, fit.history.coef[-1])


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        ("descend_moments", {"engine": "moments"}),
        ("descend_rows", {"engine": "rows"}),
        ("descend_batches", {"batch_size": 10}),
    ],
)
def test_ctrl_c_amid_a_call_leaves_whole_epochs(rows, monkeypatch, kernel, options):
    """Epochs that are not in the history have not happened."""
    X, y = rows
    real, calls = getattr(kernels, kernel), []

    def interrupted(*arguments):
        calls.append(real(*arguments))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return calls[-1]

    monkeypatch.setattr(kernels, kernel, interrupted)
    fit = fastlr.descend(
        X, y, verbose=5, record="path", tol=None, epochs=100, random_state=0, **options
    )
    assert fit.status.code == "interrupted"
    assert fit.n_epochs == len(fit.history) == 6
    assert fit.n_updates == 6 * (20 if "batch_size" in options else 1)
    np.testing.assert_array_equal(fit.coef, fit.history.coef[-1])


def test_the_best_epoch_is_named_whatever_the_tolerance(rows):
    X, y = rows
    for tol in (1e-14, 1e-3, 0.1):
        fit = fastlr.descend(X, y, validation=0.3, tol=tol, record="path", learning_rate=0.3)
        best = int(np.argmin(fit.history.validation_loss))
        assert f"after epoch {best} was best" in fit.status
        np.testing.assert_allclose(fit.coef, fit.history.coef[best], rtol=1e-13)


def test_validation_has_an_entry_for_every_epoch(rows):
    X, y = rows
    with pytest.warns(fastlr.ConvergenceWarning):
        fit = fastlr.descend(9 * X, y, validation=0.2, batch_size=10, learning_rate=0.8)
    assert fit.status.code == "diverged"
    assert len(fit.history.validation_loss) == fit.n_epochs
    assert np.isnan(fit.history.validation_loss[-1])


@pytest.mark.parametrize("tol", [None, 1e-3])
@pytest.mark.parametrize("batch_size", [None, 10])
def test_without_patience_validation_only_watches(rows, tol, batch_size):
    """As if it were not there: all epochs, and the last iterate."""
    X, y = rows
    options = {"learning_rate": 0.2, "epochs": 60, "batch_size": batch_size, "random_state": 0}
    watched = fastlr.descend(
        X[:160], y[:160], validation=(X[160:], y[160:]), patience=None, tol=tol, **options
    )
    alone = fastlr.descend(X[:160], y[:160], tol=None, **options)
    assert watched.status.code == "epochs_exhausted"
    assert len(watched.history.validation_loss) == watched.n_epochs == 60
    np.testing.assert_array_equal(watched.coef, alone.coef)


def test_rules_of_the_user_are_refused_with_those_there_are(rows):
    class Mine(fastlr.optimizers.Optimizer):
        name = "mine"

    class Slower(fastlr.optimizers.Momentum):
        pass

    for rule in (Mine(), Slower(0.5), fastlr.optimizers.Optimizer()):
        for fit in (
            fastlr.descend,
            lambda X, y, optimizer: fastlr.SGDRegressor(optimizer=optimizer).fit(X, y),
        ):
            with pytest.raises(fastlr.InputTypeError, match="among those that are compiled: pass"):
                fit(*rows, optimizer=rule)


def test_the_noise_of_batches_is_not_called_level(rows):
    X, y = rows
    for seed in range(6):
        fit = fastlr.descend(
            X, y, batch_size=5, learning_rate=0.1, tol=None, epochs=9, random_state=seed
        )
        assert "levelled off" not in fit.status
    few = fastlr.descend(X, y, batch_size=5, learning_rate=1e-3, tol=None, epochs=3)
    assert "still falling" in few.status


def test_descent_goes_on_from_an_earlier_result(rows):
    X, y = rows
    first = fastlr.descend(X, y, learning_rate=0.05, epochs=10)
    second = fastlr.descend(X, y, learning_rate=0.05, epochs=15, init=first)
    at_once = fastlr.descend(X, y, learning_rate=0.05, epochs=25)
    np.testing.assert_allclose(second.coef, at_once.coef, rtol=1e-13)
    by_pair = fastlr.descend(
        X, y, learning_rate=0.05, epochs=15, init=(first.coef, first.intercept)
    )
    np.testing.assert_array_equal(by_pair.coef, second.coef)
    from_exact = fastlr.descend(X, y, init=fastlr.ols(X, y), standardize=True)
    assert from_exact.gap < 1e-12


def test_random_starts_follow_the_seed(rows):
    X, y = rows
    starts = [
        fastlr.descend(X, y, init="random", random_state=s, epochs=1, learning_rate=1e-9)
        for s in (0, 0, 1)
    ]
    np.testing.assert_array_equal(starts[0].coef, starts[1].coef)
    assert (starts[0].coef != starts[2].coef).any()
    assert np.abs(starts[0].coef).max() <= 1.0
    generator = np.random.RandomState(0)
    fit = fastlr.descend(X, y, init="random", random_state=generator, epochs=1, tol=None)
    assert fit.n_epochs == 1


def test_lines_of_progress(rows, capsys):
    X, y = rows
    fit = fastlr.descend(
        {"age": X[:, 0]}, y, learning_rate=0.01, epochs=401, verbose=200, record="path", tol=None
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in lines] == ["Epoch   0", "Epoch 200", "Epoch 400"]
    w, b = fit.history.coef[200, 0], fit.history.intercept[200]
    assert (
        lines[1] == f"Epoch 200: loss={fit.history.loss[200]:.4f}  age={w:.3f}  intercept={b:.3f}"
    )


def test_a_bar_of_progress(rows, capsys, monkeypatch):
    X, y = rows
    rich = pytest.importorskip("rich.progress")
    advanced = []
    monkeypatch.setattr(rich.Progress, "advance", lambda bar, task, n: advanced.append(n))
    fastlr.descend(X, y, epochs=30, tol=None, verbose=10, progress=True)
    assert sum(advanced) == 30
    assert "Epoch 20" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with pytest.raises(ImportError, match="progress=True needs rich: pip install"):
        fastlr.descend(X, y, epochs=3, progress=True)


def test_history_is_ready_to_plot(rows):
    X, y = rows
    fit = fastlr.descend(
        X, y, epochs=20, loss="mse", learning_rate=0.1, tol=None, batch_size=50, random_state=0
    )
    for name in ("epoch", "loss", "mse", "log_likelihood", "gradient_norm", "learning_rate"):
        assert getattr(fit.history, name).shape == (20,)
    np.testing.assert_array_equal(fit.history.mse, fit.history.loss)
    assert fit.history.coef is None
    assert fit.history.validation_loss is None
    path = fastlr.descend(X, y, epochs=20, learning_rate=0.1, record="path").history
    r = y - X @ path.coef[4] - path.intercept[4]
    likelihood = -100 * (np.log(2 * np.pi * np.mean(r**2)) + 1)
    assert path.log_likelihood[5] == pytest.approx(likelihood, rel=1e-12)


def test_a_result_is_a_fit(rows, tmp_path):
    X, y = rows
    fit = fastlr.descend(X, y, epochs=20, learning_rate=0.1)
    assert isinstance(fit, fastlr.LinearFit)
    assert "gd (moments)" in fit.summary()
    assert "2 features (least squares by gradient descent)" in fit.summary()
    assert "gradient descent" not in fastlr.ols(X, y).summary()
    again = fastlr.LinearFit.from_dict(fit.to_dict())
    np.testing.assert_array_equal(again.coef, fit.coef)
    # As text: figures that descent does not have are NaN, which equals nothing.
    assert repr(again.to_dict()) == repr(fit.to_dict()) == repr(fit.to_fit().to_dict())
    restored = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(restored.history.loss, fit.history.loss)
    np.testing.assert_allclose(fit.residuals(X, y), y - fit.predict(X))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size=0 is below 1"),
        ({"batch_size": -3}, "batch_size=-3"),
        ({"batch_size": 2.5}, "batch_size=2.5 is not a whole number"),
        ({"batch_size": True}, "batch_size=True"),
        ({"learning_rate": -0.1}, "learning_rate=-0.1 is not a finite number > 0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"learning_rate": "fast"}, "'auto', one of the schedules 'constant', 'invscaling'"),
        ({"learning_rate": [0.1]}, "is not a number"),
        ({"optimizer": "sgd"}, "'gd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adam'"),
        ({"optimizer": 3}, "neither a name nor an optimizer"),
        ({"loss": "mae"}, "'sse', 'mse', 'half_mse'"),
        ({"sampling": "sorted"}, "'shuffle', 'random', 'sequential'"),
        ({"engine": "gpu"}, "'auto', 'rows', 'moments'"),
        ({"optimizer": "accelerated", "batch_size": 10}, "batches would mislead it"),
        ({"standardize": "yes"}, "standardize='yes' is neither True nor False"),
        ({"engine": "moments", "batch_size": 10}, "moments know all rows together"),
        ({"record": "all"}, "'loss', 'path'"),
        ({"epochs": 0}, "epochs=0"),
        ({"epochs": 1.5}, "epochs=1.5"),
        ({"epochs": True}, "epochs=True is not a whole number"),
        ({"callback": 3}, "callback=3 cannot be called"),
        ({"alpha": -1.0}, "alpha=-1.0"),
        ({"alpha": float("inf")}, "alpha=inf"),
        ({"tol": 1.0}, "tol=1.0"),
        ({"patience": 0}, "patience=0"),
        ({"patience": 2.5}, "patience=2.5"),
        ({"validation": 0.0}, "validation=0.0 is not between 0 and 1"),
        ({"validation": 1.0}, "validation=1.0"),
        ({"validation": 0.999}, "leaves none to learn from"),
        ({"validation": "half"}, "validation='half'"),
        ({"validation": (1, 2, 3, 4)}, "4 members"),
        ({"validation": (np.ones((3, 5)), np.ones(3))}, "5 features"),
        ({"init": "ones"}, "'zeros', 'random', (coef, intercept)"),
        ({"init": ([1.0, 2.0, 3.0], 0.0)}, r"coef of shape (3,)"),
        ({"init": ([1.0, np.nan], 0.0)}, "init contains NaN"),
        ({"init": 3}, "not a pair"),
        ({"init": ([1.0, 2.0], 1.0), "fit_intercept": False}, "fit_intercept=False"),
        ({"random_state": -1}, "random_state=-1"),
        ({"verbose": -1}, "verbose=-1"),
        ({"sample_weight": -np.ones(200)}, "sample_weight"),
        ({"n_threads": 0}, "n_threads=0"),
    ],
)
def test_bad_arguments_are_named(rows, arguments, message):
    X, y = rows
    with pytest.raises(ValueError, match=re.escape(message)):
        fastlr.descend(X, y, **arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fastlr.optimizers.Adam(beta_1=1.0), "beta_1=1.0"),
        (lambda: fastlr.optimizers.Momentum(-0.1), "momentum=-0.1"),
        (lambda: fastlr.optimizers.AdaGrad(0.0), "epsilon=0.0"),
        (lambda: fastlr.optimizers.Momentum("much"), "momentum='much'"),
        (lambda: fastlr.optimizers.Adam(beta_1="0.9"), "beta_1='0.9' of Adam is not a number"),
        (lambda: fastlr.optimizers.Adam(epsilon=True), "epsilon=True of Adam is not a number"),
        (lambda: schedules.StepDecay(0.1, rate=2.0), "rate=2.0"),
        (lambda: schedules.InverseScaling(-0.1), "initial_learning_rate=-0.1"),
        (lambda: schedules.CosineDecay(0.1, decay_epochs=0), "decay_epochs=0"),
        (lambda: schedules.ExponentialDecay(0.1, decay_rate="x"), "decay_rate='x'"),
    ],
)
def test_bad_constants_are_named(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_a_saved_descent_is_the_same_fit(rows, tmp_path):
    X, y = rows
    fit = fastlr.descend({"a": X[:, 0], "b": X[:, 1]}, y, batch_size=10, epochs=5, random_state=0)
    fastlr.save_model(fit, tmp_path / "model.json")
    again = fastlr.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(again.coef, fit.coef)
    assert again.solver == "gd (batches)"
    assert again.feature_names == ("a", "b")


def test_a_wide_descent_without_moments_is_saved_as_well(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 70)), rng.normal(size=50)
    fit = fastlr.descend(X, y, batch_size=10, learning_rate=1e-3, epochs=2, random_state=0)
    assert "nan" not in fit.summary()
    fastlr.save_model(fit, tmp_path / "model.json")
    np.testing.assert_array_equal(fastlr.load_model(tmp_path / "model.json").coef, fit.coef)
