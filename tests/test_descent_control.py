"""How a descent is started, watched, stopped and refused."""

import itertools
import pickle
import re

import numpy as np
import pytest

import fastlr
from fastlr import schedules
from fastlr.schedules import (
    Adaptive,
    Constant,
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    StepDecay,
)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2))
    return X, X @ [1.0, -2.0] + 3.0 + rng.normal(size=200)


@pytest.mark.parametrize("batch_size", [None, 10])
@pytest.mark.parametrize("engine", ["rows", "auto"])
def test_divergence_is_told_long_before_nan(rows, batch_size, engine):
    X, y = rows
    if batch_size and engine == "rows":
        engine = "auto"
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
    assert fit.loss <= fit.history.loss[0] * (1 + 1e-12)
    assert fit.n_epochs < 60
    assert caught[0].filename == __file__


@pytest.mark.parametrize("kind", ["sse", "mse", "half_mse"])
def test_the_largest_stable_rate_is_the_watershed(rows, kind):
    X, y = rows
    stable = fastlr.descend(X, y, loss=kind, epochs=1).largest_stable_rate
    below = fastlr.descend(X, y, loss=kind, learning_rate=0.999 * stable, epochs=20_000)
    assert below.status.code == "converged"
    with pytest.warns(fastlr.ConvergenceWarning):
        above = fastlr.descend(X, y, loss=kind, learning_rate=1.01 * stable, epochs=20_000)
    assert above.status.code == "diverged"


def test_too_few_epochs_to_explode_are_divergence_too(rows):
    X, y = rows
    stable = fastlr.descend(X, y, epochs=1).largest_stable_rate
    with pytest.warns(fastlr.ConvergenceWarning, match="grew"):
        fit = fastlr.descend(X, y, learning_rate=1.4 * stable, epochs=4)
    assert fit.status.code == "diverged"


def test_converged_exhausted_and_zero_loss(rows):
    X, y = rows
    assert fastlr.descend(X, y).status.code == "converged"
    few = fastlr.descend(X, y, epochs=3)
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
    assert fastlr.descend(X, y, callback=lambda epoch: epoch.loss, epochs=3).n_epochs == 3


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
    assert fastlr.descend(X, y, init="random", random_state=generator, epochs=1).n_epochs == 1


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
    fit = fastlr.descend(X, y, epochs=20)
    assert isinstance(fit, fastlr.LinearFit)
    assert "gd (moments)" in fit.summary()
    again = fastlr.LinearFit.from_dict(fit.to_dict())
    np.testing.assert_array_equal(again.coef, fit.coef)
    # As text: figures that descent does not have are NaN, which equals nothing.
    assert repr(again.to_dict()) == repr(fit.to_dict()) == repr(fit.to_fit().to_dict())
    restored = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(restored.history.loss, fit.history.loss)
    np.testing.assert_allclose(fit.residuals(X, y), y - fit.predict(X))


SCHEDULES = {
    Constant(0.1): lambda e, t: 0.1,
    InverseScaling(0.1, power_t=0.5): lambda e, t: 0.1 / t**0.5,
    InverseScaling(0.1, power_t=0.6): lambda e, t: 0.1 / t**0.6,
    StepDecay(0.1, rate=0.5, every=3): lambda e, t: 0.1 * 0.5 ** (e // 3),
    ExponentialDecay(0.1, decay_rate=0.9, decay_epochs=2): lambda e, t: 0.1 * 0.9 ** (e / 2),
    CosineDecay(0.1, decay_epochs=8, alpha=0.1): lambda e, t: (
        0.1 * (0.1 + 0.9 * (1 + np.cos(np.pi * min(1, e / 8))) / 2)
    ),
}


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: repr(schedule))
@pytest.mark.parametrize("batch_size", [None, 20])
def test_schedules_follow_their_formulas(rows, schedule, batch_size):
    X, y = rows
    fit = fastlr.descend(
        X, y, learning_rate=schedule, epochs=12, batch_size=batch_size, tol=None, random_state=0
    )
    steps = 1 if batch_size is None else 10
    expected = [SCHEDULES[schedule](e, 1 + e * steps) for e in range(12)]
    np.testing.assert_allclose(fit.history.learning_rate, expected, rtol=1e-14)


def test_an_adaptive_rate_falls_when_the_loss_does_not(rows):
    X, y = rows
    fit = fastlr.descend(
        X,
        y,
        learning_rate=Adaptive(0.5),
        batch_size=5,
        tol=1e-3,
        patience=3,
        random_state=0,
        epochs=2000,
    )
    rates = np.unique(fit.history.learning_rate)
    assert fit.status.code == "converged"
    assert rates.min() <= 1e-6
    np.testing.assert_allclose(rates[1:] / rates[:-1], 5.0)
    constant = fastlr.descend(
        X, y, learning_rate=0.5, batch_size=5, tol=1e-3, patience=3, random_state=0
    )
    assert fit.gap < constant.gap


def test_named_schedules_start_from_the_automatic_rate(rows):
    X, y = rows
    automatic = fastlr.descend(X, y, epochs=1).learning_rate
    for name in ("constant", "invscaling", "step", "exponential", "cosine", "adaptive"):
        fit = fastlr.descend(X, y, learning_rate=name, epochs=2)
        assert fit.learning_rate == fit.history.learning_rate[0] == automatic


def test_somebody_elses_sampler_draws_the_batches(rows):
    X, y = rows
    sequential = fastlr.descend(
        X, y, batch_size=30, sampling="sequential", learning_rate=0.1, epochs=2
    )
    batches = [np.arange(i, min(200, i + 30)) for i in range(0, 200, 30)]
    given = fastlr.descend(X, y, sampling=batches, learning_rate=0.1, epochs=2)
    np.testing.assert_array_equal(given.coef, sequential.coef)
    assert given.n_updates == 14
    rng = np.random.default_rng(0)
    endless = (rng.choice(200, 20, replace=False) for _ in itertools.count())
    fit = fastlr.descend(X, y, sampling=endless, learning_rate=0.1, epochs=3)
    assert (fit.n_epochs, fit.n_updates) == (3, 30)
    finite = iter(batches)
    assert fastlr.descend(X, y, sampling=finite, learning_rate=0.1, epochs=3).n_epochs == 1
    for bad, message in (
        ([[0, 200]], "row 200"),
        ([[-1]], "row -1"),
        ([[0.5]], "dtype float64"),
        ([], "no batch"),
        (3, "neither a name nor an iterable"),
    ):
        with pytest.raises(ValueError, match=message):
            fastlr.descend(X, y, sampling=bad, learning_rate=0.1)


def test_a_batch_larger_than_the_table_is_the_table(rows):
    X, y = rows
    with pytest.warns(UserWarning, match="all 200 are used"):
        fit = fastlr.descend(X, y, batch_size=201, epochs=5)
    np.testing.assert_array_equal(fit.coef, fastlr.descend(X, y, epochs=5).coef)
    assert fit.batch_size == 200


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
        ({"engine": "moments", "batch_size": 10}, "moments know all rows together"),
        ({"record": "all"}, "'loss', 'path'"),
        ({"epochs": 0}, "epochs=0"),
        ({"epochs": 1.5}, "epochs=1.5"),
        ({"alpha": -1.0}, "alpha=-1.0"),
        ({"alpha": float("inf")}, "alpha=inf"),
        ({"tol": 1.0}, "tol=1.0"),
        ({"patience": 0}, "patience=0"),
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


def test_bad_rows_are_named(rows):
    X, y = rows
    broken = X.copy()
    broken[7, 1] = np.nan
    with pytest.raises(fastlr.InputError, match=r"NaN \(row 7, column 'x1'"):
        fastlr.descend(broken, y)
    with pytest.raises(fastlr.InputError, match="2 columns"):
        fastlr.descend(X, np.c_[y, y])
    constant = X.copy()
    constant[:, 0] = 4.2
    with pytest.raises(fastlr.InputError, match="'x0': the column is constant"):
        fastlr.descend(constant, y, standardize=True)
    with pytest.raises(fastlr.InputError, match="constant"):
        fastlr.descend(X[:1], y[:1], standardize=True)


def test_one_row_is_enough():
    fit = fastlr.descend([[2.0]], [6.0], epochs=200)
    assert fit.predict([[2.0]])[0] == pytest.approx(6.0)
    assert fastlr.descend([[2.0]], [6.0], batch_size=1, epochs=3).n_updates == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fastlr.optimizers.Adam(beta_1=1.0), "beta_1=1.0"),
        (lambda: fastlr.optimizers.Momentum(-0.1), "momentum=-0.1"),
        (lambda: fastlr.optimizers.AdaGrad(0.0), "epsilon=0.0"),
        (lambda: fastlr.optimizers.Momentum("much"), "momentum='much'"),
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
