"""Least squares as users meet it: answers, invariances, weights, degenerate data."""

import hashlib
import math
import warnings

import numpy as np
import pytest

import fastlr
from fastlr import reference
from layouts import LAYOUTS

pytestmark = pytest.mark.usefixtures("level")


def draw(n=400, p=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 2 + 5
    return X, X @ np.arange(1.0, p + 1) - 3 + rng.normal(size=n)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_figure_matches_the_reference(fit_intercept, weighted):
    X, y = draw()
    w = np.random.default_rng(9).uniform(0.2, 4.0, size=400) if weighted else None
    fit = fastlr.ols(X, y, sample_weight=w, fit_intercept=fit_intercept)
    want = reference.normal_equations(
        reference.centred_moments(X, y, w), fit_intercept=fit_intercept
    )
    prediction = reference.predict(X, want.coef, want.intercept)
    np.testing.assert_allclose(fit.coef, want.coef, rtol=1e-11)
    assert fit.intercept == pytest.approx(want.intercept, rel=1e-10)
    assert fit.rss == pytest.approx(reference.rss(y, prediction, w), rel=1e-10)
    assert fit.mse == pytest.approx(reference.mse(y, prediction, w), rel=1e-10)
    assert fit.r2 == pytest.approx(
        reference.r2(y, prediction, w, fit_intercept=fit_intercept), rel=1e-10
    )
    assert fit.log_likelihood == pytest.approx(
        reference.log_likelihood(y, prediction, w), rel=1e-10
    )
    np.testing.assert_allclose(fit.predict(X), prediction, rtol=1e-12)
    np.testing.assert_allclose(fit.residuals(X, y), y - prediction, atol=1e-11)
    assert (fit.rank, fit.solver, fit.status.code, fit.n_samples) == (4, "refined", "ok", 400)


def test_several_targets_are_separate_problems():
    X, y = draw()
    both = fastlr.ols(X, np.column_stack([y, y**2]))
    for k, target in enumerate([y, y**2]):
        one = fastlr.ols(X, target)
        np.testing.assert_allclose(both.coef[k], one.coef, rtol=1e-12)
        for name in ("intercept", "rss", "tss", "mse", "r2", "log_likelihood"):
            assert getattr(both, name)[k] == pytest.approx(getattr(one, name), rel=1e-10)
    assert both.predict(X).shape == (400, 2)
    assert both.target_names == ("y0", "y1")
    assert both.weights_by_size(target=1)[0].weight == max(both.coef[1], key=abs)


@pytest.mark.parametrize(
    "layout", [name for name in LAYOUTS if name not in ("separate_columns", "mixed_pieces")]
)
def test_layout_changes_no_bit_and_no_input(layout):
    X, y = draw()
    given = LAYOUTS[layout](X)
    before = hashlib.sha256(np.ascontiguousarray(given)).digest()
    assert fastlr.ols(given, y).to_dict() == fastlr.ols(X, y).to_dict()
    assert hashlib.sha256(np.ascontiguousarray(given)).digest() == before


@pytest.mark.parametrize("n_threads", [1, 2, 3, 5, 8])
def test_threads_do_not_change_the_answer(n_threads):
    X, y = draw(50_000, 9)
    assert fastlr.ols(X, y, n_threads=n_threads).to_dict() == fastlr.ols(X, y).to_dict()


@pytest.mark.parametrize("frame", ["pandas", "polars", "pyarrow", "mapping"])
def test_frames_give_their_columns_and_names(frame):
    X, y = draw()
    columns = {
        "a": X[:, 0],
        "b": X[:, 1].astype(np.float32),
        "c": X[:, 2].astype(np.int64),
        "d": X[:, 3] > 5,
    }
    if frame == "mapping":
        table, target = columns, y
    elif frame == "pyarrow":
        pyarrow = pytest.importorskip("pyarrow")
        table, target = pyarrow.table(columns), y
    else:
        module = pytest.importorskip(frame)
        table = module.DataFrame(columns)
        target = table["a"] * 0 + y if frame == "pandas" else module.Series(y)
        target = target.rename("price")
    fit = fastlr.ols(table, target)
    matrix = np.column_stack([column.astype(float) for column in columns.values()])
    plain = fastlr.ols(matrix, y)
    np.testing.assert_array_equal(fit.coef, plain.coef)
    assert fit.feature_names == ("a", "b", "c", "d")
    assert fit.target_names == (("price",) if frame in ("pandas", "polars") else ("y",))
    np.testing.assert_allclose(fit.predict(table), plain.predict(matrix), rtol=1e-14)


def test_integer_weights_repeat_rows_and_zero_weights_drop_them():
    X, y = draw()
    w = np.random.default_rng(1).integers(0, 4, size=400)
    weighted = fastlr.ols(X, y, sample_weight=w)
    repeated = fastlr.ols(np.repeat(X, w, axis=0), np.repeat(y, w))
    dropped = fastlr.ols(X[w > 0], y[w > 0], sample_weight=w[w > 0])
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-13)
    np.testing.assert_allclose(weighted.coef, dropped.coef, rtol=1e-13)
    assert weighted.rss == pytest.approx(repeated.rss, rel=1e-12)
    assert weighted.n_samples == dropped.n_samples == np.count_nonzero(w)
    assert weighted.total_weight == repeated.n_samples == w.sum()


def test_all_weights_equal_change_no_coefficient():
    X, y = draw()
    plain = fastlr.ols(X, y)
    for w in (0.25, 3.0, 1e-12, 1e12):
        np.testing.assert_allclose(
            fastlr.ols(X, y, sample_weight=np.full(400, w)).coef, plain.coef, rtol=1e-13
        )


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, bool])
def test_weights_of_any_number_type(dtype):
    X, y = draw()
    w = (np.arange(400) % 3).astype(dtype)
    np.testing.assert_array_equal(
        fastlr.ols(X, y, sample_weight=w).coef, fastlr.ols(X, y, sample_weight=w.astype(float)).coef
    )


def test_float32_is_accumulated_in_float64():
    X, y = draw(500_000, 2)
    X32, y32 = X.astype(np.float32), y.astype(np.float32)
    narrow, wide = fastlr.ols(X32, y32), fastlr.ols(X32.astype(float), y32.astype(float))
    assert narrow.to_dict() == wide.to_dict()


def test_power_of_two_scaling_changes_no_bit_after_unscaling():
    X, y = draw()
    scale = 2.0 ** np.array([20, -15, 3, -40])
    np.testing.assert_array_equal(fastlr.ols(X * scale, y).coef * scale, fastlr.ols(X, y).coef)


def test_columns_of_wildly_different_size_are_no_problem():
    X, y = draw()
    scale = np.array([1e12, 1e-12, 1.0, 1e6])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(
            fastlr.ols(X * scale, y).coef * scale, fastlr.ols(X, y).coef, rtol=1e-11
        )


def test_exact_collinearity_is_named_and_answered():
    X, y = draw()
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    with pytest.warns(fastlr.RankWarning, match=r"rank 4 of 5: x4 = 1 x0 \+ 1 x1 within rounding"):
        fit = fastlr.ols(X, y)
    assert (fit.rank, fit.solver, fit.status.code) == (4, "minimum_norm", "rank_deficient")
    want = reference.minimum_norm(X, y)
    np.testing.assert_allclose(fit.coef, want.coef, rtol=1e-9)
    np.testing.assert_allclose(fit.predict(X), fastlr.ols(X[:, :4], y).predict(X[:, :4]), rtol=1e-9)


def test_a_constant_column_is_named():
    X, y = draw()
    X[:, 2] = 0.1
    fit = fastlr.ols(X, y)
    assert "x2 is constant" in fit.status
    assert fit.coef[2] == 0.0
    np.testing.assert_allclose(fit.coef[[0, 1, 3]], fastlr.ols(X[:, [0, 1, 3]], y).coef, rtol=1e-10)


def test_fewer_rows_than_features_say_so():
    X, y = draw(3, 6)
    with pytest.warns(fastlr.RankWarning, match="3 rows for 6 features"):
        fit = fastlr.ols(X, y)
    np.testing.assert_allclose(fit.predict(X), y, rtol=1e-9)
    np.testing.assert_allclose(fit.coef, reference.minimum_norm(X, y, rtol=1e-12).coef, rtol=1e-8)


def test_near_collinearity_warns_and_is_not_truncated():
    X, y = draw()
    X = np.column_stack([X, X[:, 0] + 1e-9 * np.random.default_rng(5).normal(size=400)])
    with pytest.warns(fastlr.ConditionWarning, match="nearly depend"):
        fit = fastlr.ols(X, y)
    assert fit.rank == 5
    assert fit.condition_number > 1e8
    assert fit.digits > 14


def test_a_warning_points_at_the_users_line():
    X, y = draw(3, 6)
    with pytest.warns(fastlr.RankWarning) as caught:
        fastlr.ols(X, y)
    assert caught[0].filename == __file__


def test_one_row():
    with pytest.warns(fastlr.RankWarning, match="there is 1 row for 2 features"):
        fit = fastlr.ols([[1.0, 2.0]], [5.0])
    np.testing.assert_array_equal(fit.coef, 0.0)
    assert fit.intercept == 5.0
    assert math.isnan(fit.r2)


def test_perfect_fit_has_infinite_likelihood():
    fit = fastlr.ols([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    assert (fit.rss, fit.r2, fit.log_likelihood) == (0.0, 1.0, math.inf)


def test_ridge_shrinks_and_leaves_the_intercept_free():
    X, y = draw()
    moments = fastlr.Moments.from_arrays(X, y)
    sizes = [np.linalg.norm(fastlr.solve(moments, alpha=a).coef) for a in (0.0, 1.0, 100.0, 1e12)]
    assert sizes == sorted(sizes, reverse=True)
    assert fastlr.solve(moments, alpha=1e15).intercept == pytest.approx(y.mean(), rel=1e-6)
    want = reference.normal_equations(reference.centred_moments(X, y), alpha=7.0)
    np.testing.assert_allclose(fastlr.solve(moments, alpha=7.0).coef, want.coef, rtol=1e-11)


def test_weights_by_size_ranks_by_magnitude_and_prints_names():
    X, y = draw()
    fit = fastlr.ols(X, y, feature_names=["a", "b", "c", "d"])
    ranking = fit.weights_by_size(standardized=True)
    assert [item.name for item in ranking] == ["d", "c", "b", "a"]
    np.testing.assert_allclose(
        [item.weight for item in ranking][::-1], fit.coef * X.std(axis=0), rtol=1e-12
    )
    assert str(ranking).splitlines()[0].split() == ["d", f"{ranking[0].weight:.6g}"]


def test_a_result_is_frozen_and_round_trips_exactly():
    X, y = draw()
    fit = fastlr.ols(X, y)
    with pytest.raises(AttributeError):
        fit.coef = None
    with pytest.raises(ValueError, match="read-only"):
        fit.coef[0] = 1.0
    again = fastlr.LinearFit.from_dict(fit.to_dict())
    assert again.to_dict() == fit.to_dict()
    np.testing.assert_array_equal(again.predict(X), fit.predict(X))
    for damage in (
        {"coef": [1.0]},
        {"intercept": None},
        {"unknown": 1},
        {"feature_names": 3},
        {"status": "ok"},
        {"rank": -3},
        {"rank": 9},
        {"n_samples": "400"},
        {"fit_intercept": "yes"},
        {"coef": ["1", "2", "3", "4"]},
        {"coef": [1.0, 2.0, 3.0, float("nan")]},
        {"total_weight": None},
    ):
        with pytest.raises(fastlr.InputError):
            fastlr.LinearFit.from_dict({**fit.to_dict(), **damage})
