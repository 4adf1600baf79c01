"""Descents step by step: the recorded iterates, the surface they go over, and rates beside one another."""

import numpy as np
import pytest

import fastlr
from fastlr.descent import steps

RNG = np.random.default_rng(0)
X = RNG.normal(size=(97, 3)) * [1.0, 3.0, 0.5] + [0.0, 2.0, -1.0]
Y = X @ [1.0, -2.0, 0.5] + 4.0 + RNG.normal(size=97)


@pytest.mark.usefixtures("level")
def test_every_step_is_the_end_of_a_descent_that_stops_there():
    for sampling in ("sequential", "shuffle", "random"):
        for size, optimizer in ((1, "gd"), (10, "adam"), (32, "momentum")):
            options = {
                "batch_size": size,
                "sampling": sampling,
                "optimizer": optimizer,
                "learning_rate": 0.01,
                "alpha": 0.1,
                "tol": None,
                "random_state": 3,
            }
            path = fastlr.descend(X, Y, epochs=3, record="path", **options)
            fit = fastlr.descend(X, Y, epochs=3, record="steps", **options)
            history, n = fit.history, -(-97 // size)
            np.testing.assert_array_equal(fit.coef, path.coef)
            np.testing.assert_array_equal(history.loss, path.history.loss)
            np.testing.assert_array_equal(history.step_epoch, np.repeat([0, 1, 2], n))
            np.testing.assert_array_equal(history.step_coef[n - 1 :: n], path.history.coef)
            np.testing.assert_array_equal(
                history.step_intercept[n - 1 :: n], path.history.intercept
            )


def test_steps_of_a_sampler_are_those_of_its_batches_one_an_epoch():
    batches = [RNG.choice(97, size, replace=False) for size in (5, 97, 1, 20)]
    options = {"learning_rate": 0.02, "tol": None}
    whole = fastlr.descend(X, Y, sampling=batches, epochs=1, record="steps", **options)
    single = fastlr.descend(X, Y, sampling=OneByOne(batches), epochs=4, record="path", **options)
    np.testing.assert_allclose(whole.history.step_coef, single.history.coef, rtol=1e-12)


class OneByOne:
    def __init__(self, batches):
        self.batches = iter(batches)

    def __iter__(self):
        yield next(self.batches)


def test_steps_on_all_rows_are_epochs_and_go_on_when_resumed():
    options = {"learning_rate": 0.02, "record": "steps", "tol": None, "random_state": 1}
    fit = fastlr.descend(X, Y, epochs=5, **options)
    np.testing.assert_array_equal(fit.history.step_coef, fit.history.coef)
    options["batch_size"] = 20
    half = fastlr.descend(X, Y, epochs=2, **options)
    both = fastlr.descend(X, Y, epochs=2, resume=half, **options)
    whole = fastlr.descend(X, Y, epochs=4, **options)
    np.testing.assert_array_equal(both.history.step_coef, whole.history.step_coef)
    np.testing.assert_array_equal(both.history.step_epoch, whole.history.step_epoch)


def test_steps_are_kept_in_files_and_bounded_in_memory(tmp_path, monkeypatch):
    fit = fastlr.descend(X, Y, batch_size=20, epochs=2, record="steps", random_state=0, tol=None)
    fit.save(tmp_path / "fit.json")
    loaded = fastlr.load(tmp_path / "fit.json").history
    for name in ("step_coef", "step_intercept", "step_epoch"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(fit.history, name))
    assert loaded.step_epoch.dtype == fit.history.step_epoch.dtype
    monkeypatch.setattr(steps, "MOST_STEP_BYTES", 8 * 4 * 9)
    for sampling in ("shuffle", [np.arange(20)] * 5):
        with pytest.raises(fastlr.InputError, match="or 9 steps"):
            fastlr.descend(
                X, Y, batch_size=20, epochs=2, record="steps", sampling=sampling, learning_rate=0.01
            )


@pytest.mark.usefixtures("level")
def test_the_surface_is_the_loss_itself():
    for options in (
        {"loss": "mse"},
        {"loss": "sse", "alpha": 2.0},
        {"standardize": True, "alpha": 0.3},
    ):
        fit = fastlr.descend(X, Y, epochs=30, **{"learning_rate": 1e-4, **options})
        surface = fit.loss_surface(("x1", "(intercept)"), size=5)
        assert surface.names == ("x1", "(intercept)")
        assert not surface.is_whole
        scale = fit.feature_std if options.get("standardize") else np.ones(3)
        for i in range(5):
            for j in range(5):
                coef = np.array([fit.coef[0], surface.x[j], fit.coef[2]])
                squares = np.sum((X @ coef + surface.y[i] - Y) ** 2)
                of_squares, of_penalty = {"sse": (1, 1), "mse": (1 / 97, 1)}.get(
                    fit.loss_kind, (1 / 194, 0.5)
                )
                expected = of_squares * squares + of_penalty * fit.penalty * np.sum(
                    (coef * scale) ** 2
                )
                assert surface.loss[i, j] == pytest.approx(expected, rel=1e-10)
        assert surface.loss_at_end == pytest.approx(fit.loss, rel=1e-10)
        assert surface.least <= surface.loss.min()


def test_the_lowest_place_of_a_whole_surface_is_the_least_squares_fit():
    fit = fastlr.descend(X[:, :1], Y, learning_rate=0.1, epochs=5, record="path")
    surface, exact = fit.loss_surface(), fastlr.ols(X[:, :1], Y)
    assert surface.is_whole
    np.testing.assert_allclose(surface.optimum, [exact.coef[0], exact.intercept], rtol=1e-9)
    assert surface.least == pytest.approx(exact.mse / 2, rel=1e-10)
    np.testing.assert_array_equal(surface.path[0], [0.0, 0.0])
    np.testing.assert_array_equal(surface.path[1:-1, 0], fit.history.coef[:, 0])
    for end in (surface.path[0], surface.path[-1], surface.optimum):
        assert surface.x[0] < end[0] < surface.x[-1]
        assert surface.y[0] < end[1] < surface.y[-1]


def test_surfaces_that_cannot_be_told_are_refused(tmp_path):
    fit = fastlr.descend(X, Y, epochs=3, learning_rate=0.01)
    fit.save(tmp_path / "fit.json")
    huber = fastlr.descend(X, Y, loss="huber", epochs=3, learning_rate=0.01)
    line = fastlr.descend(X[:, :1], Y, fit_intercept=False, epochs=3, learning_rate=0.01)
    for ask, message in (
        (lambda: fit.loss_surface(("x0", "x9")), "'x9' is not among"),
        (lambda: fit.loss_surface(("x0", 0)), "the same one twice"),
        (lambda: fit.loss_surface(x_range=(1, 1)), "x_range"),
        (lambda: fit.loss_surface(size=5000), "size=5000"),
        (lambda: fastlr.load(tmp_path / "fit.json").loss_surface(), "a file keeps no moments"),
        (lambda: huber.loss_surface(), "Huber"),
        (lambda: line.loss_surface(), "a surface takes two"),
    ):
        with pytest.raises(fastlr.InputError, match=message):
            ask()


def test_rates_are_compared_as_descents_one_by_one():
    rates = [0.001, 0.05, 5.0]
    compared = fastlr.compare_rates(X, Y, rates, [10, None], epochs=10, loss="mse")
    assert [fit.learning_rate for fit in compared.fits] == rates * 2
    assert compared.batch_size == (10, 10, 10, None, None, None)
    alone = fastlr.descend(
        X, Y, batch_size=10, learning_rate=0.05, epochs=10, loss="mse", validation=0.2, tol=None,
        patience=None, random_state=0,
    )  # fmt: skip
    np.testing.assert_array_equal(compared.fits[1].coef, alone.coef)
    assert compared.validation_loss[1] == alone.history.validation_loss[-1]
    assert compared.diverged.tolist() == [False, False, True, False, False, True]
    good = compared.score[~compared.diverged]
    assert compared.score[compared.best_position] == good.min()
    assert compared.best.status.code != "diverged"
    assert list(compared.table) == [
        "learning_rate", "batch_size", "training_loss", "validation_loss", "epochs", "updates",
        "status",
    ]  # fmt: skip
    assert str(compared).count("\n") == 6
    assert str(compared).count("(best)") == 1


def test_comparisons_of_nothing_are_refused():
    for rates, options, message in (
        ([], {}, "make 0 descents"),
        ([-1.0], {}, "is no step"),
        (0.1, {}, "is no sequence"),
        ([0.1], {"learning_rate": 1.0}, "learning_rate is no option"),
    ):
        with pytest.raises(ValueError if message != "is no sequence" else TypeError, match=message):
            fastlr.compare_rates(X, Y, rates, **options)
    wild = fastlr.compare_rates(X, Y, [10.0, 100.0], validation=None, epochs=5)
    assert wild.best_position is None
    with pytest.raises(fastlr.InputError, match="all descents diverged"):
        _ = wild.best


def test_a_history_becomes_a_frame_of_any_library():
    fit = fastlr.descend(X, Y, epochs=3, record="path", validation=0.2, learning_rate=0.01)
    for backend in ("pandas", "polars", "pyarrow"):
        frame = fit.history.to_frame(backend=backend)
        assert type(frame).__module__.startswith(backend)
        names = list(getattr(frame, "column_names", None) or frame.columns)
        assert names[:3] == ["epoch", "loss", "validation_loss"]
        assert names[-2:] == ["coef_2", "intercept"]
        np.testing.assert_array_equal(np.asarray(frame["coef_2"]), fit.history.coef[:, 2])
    with pytest.raises(fastlr.InputError, match="backend='xls'"):
        fit.history.to_frame(backend="xls")
