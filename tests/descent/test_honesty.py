"""What a descent says of its end is so: arrived, short of the optimum, or wandering in noise."""

import itertools
import warnings

import numpy as np
import pytest

import fastlr
from cases import named
from fastlr.descent.optimizers import Accelerated
from fastlr.descent.schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    Schedule,
)

pytestmark = pytest.mark.usefixtures("level")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 4))
    return X, X @ [1.0, -2.0, 0.5, 3.0] + 3.0 + rng.normal(size=300)


def told(**options):
    """The result, and the messages of its ConvergenceWarnings."""
    X, y = options.pop("rows")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = fastlr.descend(X, y, **options)
    return fit, [str(one.message) for one in caught if one.category is fastlr.ConvergenceWarning]


ILL_SCALED = {
    "times": lambda X: np.c_[1.7e9 + 1e7 * np.abs(X[:, 0]), X],
    "billions": lambda X: X * [1.0, 1e9, 1.0, 1.0],
    "huge": lambda X: X * 1e100,
    "thousands": lambda X: X * [1.0, 1e3, 1.0, 1.0],
    "offset": lambda X: X + 1e5,
}


@pytest.mark.parametrize("design", ILL_SCALED)
def test_the_default_descent_fits_whatever_the_units(rows, design):
    X, y = ILL_SCALED[design](rows[0]), rows[1]
    fit, warned = told(rows=(X, y))
    exact = fastlr.ols(rows[0] if design != "times" else (X - X.mean(axis=0)) / X.std(axis=0), y)
    assert not warned
    assert fit.r2 > exact.r2 - 1e-6
    assert fit.optimizer == Accelerated()
    np.testing.assert_allclose(fit.residuals(X, y), y - fit.predict(X))


@pytest.mark.parametrize("engine", ["rows", "moments"])
@pytest.mark.parametrize("optimizer", ["gd", "auto"])
def test_descent_on_raw_units_never_claims_to_have_arrived(rows, engine, optimizer):
    for design in ILL_SCALED:
        with named(design):
            X, y = ILL_SCALED[design](rows[0]), rows[1]
            fit, warned = told(
                rows=(X, y), standardize=False, engine=engine, optimizer=optimizer, epochs=300
            )
            short = fit.gap / (np.var(y) / 2)
            if fit.status.code == "converged":
                assert short < 2e-6
                assert not warned
            else:
                assert fit.status.code in ("stalled", "slow")
                assert short > 1e-6
                (message,) = warned
                assert f"{fit.gap:.3g} above the optimum" in message
                assert "standardize=True" in message


@pytest.mark.parametrize("standardize", [None, True, False])
def test_the_gap_is_the_loss_above_that_of_the_exact_fit(rows, standardize):
    """Whatever the convention and the scale; the default standardising leaves the objective as it is."""
    X, y = rows[0] * [1.0, 5.0, 0.2, 1.0] + 2.0, rows[1]
    weights = np.random.default_rng(0).uniform(0.5, 2.0, size=300)
    total = weights.sum()
    Z = X
    if standardize:
        deviation = X - np.average(X, axis=0, weights=weights)
        Z = X / np.sqrt(np.average(deviation**2, axis=0, weights=weights))
    moments = fastlr.Moments.from_arrays(Z, y, weights)
    kinds = {"sse": (1.0, 1.0), "mse": (1 / total, 1.0), "half_mse": (0.5 / total, 0.5)}
    for kind, fit_intercept, alpha in itertools.product(kinds, (True, False), (0.0, 0.3)):
        fit, _ = told(
            rows=(X, y),
            loss=kind,
            fit_intercept=fit_intercept,
            standardize=standardize,
            alpha=alpha,
            sample_weight=weights,
            epochs=3,
            tol=None,
        )
        penalty = alpha if kind == "sse" else alpha * total
        best = fastlr.solve(moments, alpha=penalty, fit_intercept=fit_intercept)
        scale, of_penalty = kinds[kind]
        least = scale * best.rss + of_penalty * alpha * (best.coef @ best.coef)
        case = f"{kind}, fit_intercept={fit_intercept}, alpha={alpha}"
        assert fit.loss - least == pytest.approx(fit.gap, rel=1e-6, abs=1e-9 * fit.loss), case


@pytest.mark.parametrize("alpha", [0.01, 10.0])
@pytest.mark.parametrize("options", [{}, {"engine": "rows"}, {"optimizer": "gd"}])
def test_the_default_scale_leaves_a_penalty_where_it_was(rows, alpha, options):
    X, y = rows[0] * [1.0, 50.0, 0.02, 1.0] + 5.0, rows[1]
    fit, warned = told(rows=(X, y), alpha=alpha, epochs=5000, **options)
    ridge = fastlr.solve(fastlr.Moments.from_arrays(X, y), alpha=alpha * 300)
    assert not warned
    np.testing.assert_allclose(fit.coef, ridge.coef, rtol=1e-4, atol=1e-9)


def test_batches_on_the_default_scale_leave_a_penalty_where_it_was(rows):
    X, y = rows[0] * [1.0, 50.0, 0.02, 1.0] + 5.0, rows[1]
    ridge = fastlr.solve(fastlr.Moments.from_arrays(X, y), alpha=0.1 * 300)
    for size in (1, 10):
        fit, _ = told(
            rows=(X, y),
            alpha=0.1,
            batch_size=size,
            epochs=60,
            random_state=0,
            learning_rate="cosine",
        )
        np.testing.assert_allclose(fit.coef * X.std(axis=0), ridge.coef * X.std(axis=0), atol=0.05)


def test_a_given_rate_keeps_the_textbooks_steps(rows):
    X, y = rows
    default = fastlr.descend(X, y, learning_rate=0.1, epochs=7, tol=None)
    plain = fastlr.descend(
        X, y, learning_rate=0.1, epochs=7, tol=None, standardize=False, optimizer="gd"
    )
    np.testing.assert_array_equal(default.coef, plain.coef)
    assert default.optimizer.name == "gd"


def test_epochs_that_were_asked_for_are_no_cause_for_a_warning(rows):
    for options in ({"learning_rate": 1e-3}, {"tol": None}, {"patience": None}):
        fit, warned = told(rows=rows, epochs=2, **options)
        assert fit.status.code == "epochs_exhausted"
        assert "above the optimum" in fit.status
        assert not warned


def test_who_leaves_the_rate_to_us_is_told_of_too_few_epochs(rows):
    fit, (message,) = told(rows=rows, epochs=2)
    assert fit.status.code == "slow"
    assert message == str(fit.status)
    assert f"{fit.gap:.3g} above the optimum" in message


@pytest.mark.parametrize("n_features", [80, 200])
def test_without_moments_the_distance_is_a_bound_from_below(n_features):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, n_features)) * np.where(np.arange(n_features) == 3, 1e4, 1.0)
    y = X @ rng.normal(size=n_features) / 50 + rng.normal(size=400)
    fit, (message,) = told(
        rows=(X, y), engine="rows", learning_rate=1e-9, tol=1e-7, optimizer="gd", epochs=2000
    )
    assert np.isnan(fit.gap)
    assert fit.status.code == "stalled"
    bound = float(message.split("at least ")[1].split(" above")[0])
    exact = fastlr.ols(X, y)
    assert 0.0 < bound <= 1.001 * (fit.loss - exact.rss / 800)


@pytest.mark.parametrize("n_features", [70, 300])
def test_where_the_exact_distance_is_dear_conjugate_gradients_bound_it(n_features):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, n_features))
    y = rng.normal(size=30)
    fit, (message,) = told(rows=(X, y), epochs=2)
    assert fit.status.code == "slow"
    bound = float(message.split("at least ")[1].split(" above")[0])
    assert 0.0 < bound <= 1.001 * fit.gap


@pytest.mark.parametrize("batch_size", [1, 10, 50])
@pytest.mark.parametrize(
    "schedule",
    [CosineDecay(0.02, decay_epochs=60), CosineDecay(0.02, decay_epochs=40, alpha=0.1)],
)
def test_patience_counts_only_where_the_rate_no_longer_falls(rows, batch_size, schedule):
    fit, _ = told(
        rows=rows, batch_size=batch_size, learning_rate=schedule, epochs=60, random_state=0
    )
    assert fit.n_epochs > 0.95 * schedule.decay_epochs


def test_a_rate_that_always_falls_is_followed_until_it_has_vanished(rows):
    fit, _ = told(
        rows=rows,
        batch_size=10,
        learning_rate=InverseScaling(0.02, power_t=0.3),
        epochs=40,
        tol=1e-3,
    )
    assert fit.n_epochs == 40
    fit, _ = told(
        rows=rows,
        batch_size=10,
        learning_rate=ExponentialDecay(0.1, decay_rate=0.8),
        epochs=90,
        tol=1e-5,
    )
    assert 31 < fit.n_epochs < 45
    assert fit.gap < 1e-3 * fit.loss


@pytest.mark.parametrize("rate", [0.003, 0.03, 0.15])
def test_a_constant_rate_ends_in_the_noise_of_its_batches_and_says_how_far(rows, rate):
    for seed, sampling in enumerate(["shuffle", "random"] * 2):
        with named(f"{sampling}, seed {seed}"):
            fit, warned = told(
                rows=rows,
                batch_size=10,
                learning_rate=rate,
                sampling=sampling,
                epochs=300,
                random_state=seed,
            )
            if fit.status.code == "settled":
                assert fit.status.startswith("Settled in the noise of its batches after")
                assert f"{fit.gap:.3g} above the optimum" in fit.status
                assert "fastlr.schedules" in fit.status
                assert bool(warned) == (fit.gap > 0.01 * fit.loss)
            elif fit.status.code == "converged":
                assert fit.gap <= 1e-6 * np.var(rows[1]) / 2
            else:
                assert fit.status.code == "epochs_exhausted"
            # Where it rests is noise, not the way there: one long run from here is no better.
            later, _ = told(
                rows=rows,
                batch_size=10,
                learning_rate=rate,
                sampling=sampling,
                epochs=200,
                random_state=seed,
                init=fit,
                tol=None,
            )
            assert fit.gap < 20 * max(later.gap, rate * 0.01)


def test_schedules_of_the_user_are_checked():
    class Wild(Schedule):
        def rates(self, initial, first_epoch, n_epochs):
            return np.full(n_epochs, np.nan)

    class Short(Schedule):
        def rates(self, initial, first_epoch, n_epochs):
            return np.full(1, initial)

    class Halved(Constant):
        def rates(self, initial, first_epoch, n_epochs):
            return initial / (1 + np.arange(first_epoch, first_epoch + n_epochs))

    X, y = np.arange(12.0).reshape(6, 2) % 5, np.arange(6.0)
    for schedule in (Wild(0.1), Short(0.1)):
        with pytest.raises(fastlr.InputError, match="must give one for each epoch"):
            fastlr.descend(X, y, learning_rate=schedule)
    fit = fastlr.descend(X, y, learning_rate=Halved(0.01), epochs=3, tol=None)
    np.testing.assert_allclose(fit.history.learning_rate, [0.01, 0.005, 0.01 / 3])


def test_telling_about_a_descent_computes_nothing_dear(monkeypatch):
    """Rank, condition number and all p x p solves wait until someone asks."""
    import fastlr.descent.objective as objective
    import fastlr.descent.result as result

    asked = []
    real_solve, real_gap = objective.solve_at_once, result.excess
    monkeypatch.setattr(
        objective,
        "solve_at_once",
        lambda *a, **options: asked.append("solve") or real_solve(*a, **options),
    )
    monkeypatch.setattr(result, "excess", lambda *a: asked.append("gap") or real_gap(*a))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 90)), rng.normal(size=40)
    fit = fastlr.descend(X, y, epochs=20, tol=None)
    wide = fastlr.descend(X, y, epochs=5, standardize=True, learning_rate=0.01)
    assert not asked
    assert fit.rank == 39
    assert fit.gap >= 0.0
    assert fit.gap == fit.gap
    assert asked == ["solve", "gap"]
    assert wide.surroundings.quadratic is None  # means and standard deviations, no moments


def test_standardising_wide_rows_takes_no_moments(monkeypatch):
    from fastlr.moments import Moments

    widths = []
    real = Moments._of_columns.__func__

    def counted(cls, features, *rest):
        widths.append(features.n_columns)
        return real(cls, features, *rest)

    monkeypatch.setattr(Moments, "_of_columns", classmethod(counted))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 600)), rng.normal(size=50)
    fastlr.descend(X, y, epochs=20, standardize=True, tol=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fastlr.SGDRegressor(standardize=True, max_iter=2).fit(X, y)
    assert max(widths) <= 16
