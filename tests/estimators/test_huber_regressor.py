"""HuberRegressor: scikit-learn's conventions, its objective at its minimum, and what rows of outliers leave alone."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import HuberRegressor as Theirs

import fastlr
from cases import named
from conventions import check_conventions, configurations
from fastlr import HuberRegressor


@configurations(
    HuberRegressor(),
    HuberRegressor(epsilon=3.0, tol=1e-8),
    HuberRegressor(fit_intercept=False, alpha=1.0, tol=1e-10, max_iter=1000),
    HuberRegressor(warm_start=True, alpha=0.01),
    HuberRegressor(epsilon=1.2, tol=1e-3),
)
def test_scikit_learn_conventions(estimator):
    check_conventions(estimator)


def objective(model, X, y, weights):
    """The objective of scikit-learn's class and of ours, in extended precision."""
    size = np.abs(
        y.astype(np.longdouble) - X.astype(np.longdouble) @ model.coef_ - model.intercept_
    )
    s, epsilon = np.longdouble(model.scale_), model.epsilon
    loss = np.where(size > epsilon * s, 2.0 * epsilon * size - s * epsilon**2, np.square(size) / s)
    return weights @ (s + loss) + model.alpha * (model.coef_.astype(np.longdouble) ** 2).sum()


def drawn(seed):
    """Rows with outliers, ties, far columns, twins, or fewer rows than columns; weights; and settings."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.choice([3, 8, 30, 90])), int(rng.choice([1, 2, 5, 20]))
    X = rng.normal(size=(n, p)) * np.exp(rng.normal(size=p) * rng.choice([0, 1, 3]))
    X += rng.choice([0.0, 10.0]) * rng.normal(size=p)
    noise = rng.standard_t(1.2, size=n) if rng.random() < 0.6 else rng.normal(size=n)
    y = X @ rng.normal(size=p) + rng.choice([0.0, 5.0]) + rng.choice([1e-3, 1.0, 100.0]) * noise
    if rng.random() < 0.3:
        y[: max(1, n // 10)] += 1000.0
    if rng.random() < 0.15:
        y = np.round(y)
    if rng.random() < 0.1:
        X = np.column_stack([X, X[:, 0]])
    weights = None if rng.random() < 0.5 else rng.integers(0, 4, size=n).astype(float)
    return (
        X,
        y,
        weights if weights is None or weights.any() else None,
        {
            "epsilon": float(rng.choice([1.0, 1.05, 1.35, 2.0, 5.0])),
            "alpha": float(rng.choice([0.0, 1e-4, 1e-2, 1.0, 100.0])),
            "fit_intercept": bool(rng.random() < 0.75),
        },
    )


def test_the_objective_is_never_above_scikit_learns():
    for seed in range(20):
        X, y, weights, settings = drawn(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours = HuberRegressor(**settings).fit(X, y, weights)
            try:
                theirs = Theirs(max_iter=200, tol=1e-9, **settings).fit(X, y, weights)
            except ValueError:  # where its line search gives up
                continue
        counted = np.ones(len(y)) if weights is None else weights
        lowest = objective(theirs, X, y, counted)
        with named(f"seed {seed}, {X.shape}, {settings}"):
            assert objective(ours, X, y, counted) <= lowest * (1.0 + 1e-10)


@pytest.mark.usefixtures("level")
def test_the_gradient_is_zero_at_the_minimum():
    for seed, (n, p) in enumerate([(200, 4), (500, 30), (30, 12), (12, 30)]):
        rng = np.random.default_rng(seed)
        X, alpha = rng.normal(size=(n, p)) + 100.0, 10.0 if n > p else 1e4
        y = X[:, 0] + rng.standard_t(2.0, size=n)
        model = HuberRegressor(alpha=alpha, tol=1e-8).fit(X, y)
        residual = y - model.predict(X)
        pull = 2.0 * np.clip(residual / model.scale_, -model.epsilon, model.epsilon)
        with named(f"{n} x {p}"):
            assert abs(pull.sum()) < 1e-6 * n
            np.testing.assert_allclose(X.T @ pull, 2.0 * alpha * model.coef_, atol=1e-4 * n)
            np.testing.assert_allclose(np.square(pull).sum(), 4.0 * n, rtol=1e-6)
            assert model.n_iter_ < 20


def rows(seed=0, n=120, p=4):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.exp(rng.normal(size=p))
    return X, X @ rng.normal(size=p) + 5.0 + rng.standard_t(1.5, size=n), rng.integers(0, 4, size=n)


def test_weights_are_repeated_rows_and_sparse_rows_are_rows():
    X, y, w = rows(7)
    repeated = np.repeat(np.arange(len(y)), w)
    one = HuberRegressor(tol=1e-9).fit(X, y, w)
    for many in (
        HuberRegressor(tol=1e-9).fit(X[repeated], y[repeated]),
        HuberRegressor(tol=1e-9).fit(sparse.csr_array(X), y, w),
        HuberRegressor(tol=1e-9, alpha=3e-4).fit(X, y, 3.0 * w),
    ):
        np.testing.assert_allclose(many.coef_, one.coef_, rtol=1e-8)
        np.testing.assert_allclose(many.scale_, one.scale_, rtol=1e-8)
        if len(many.outliers_) == len(y):
            np.testing.assert_array_equal(many.outliers_, one.outliers_)


def test_units_do_not_matter():
    X, y, _ = rows(8)
    one = HuberRegressor(alpha=0.0, tol=1e-9).fit(X, y)
    for unit in (1e-200, 1e-8, 1e8, 1e200):
        other = HuberRegressor(alpha=0.0, tol=1e-9).fit(X, unit * y)
        np.testing.assert_allclose(other.coef_, unit * one.coef_, rtol=1e-7)
        np.testing.assert_allclose(other.scale_, unit * one.scale_, rtol=1e-7)
        np.testing.assert_array_equal(other.outliers_, one.outliers_)


def test_outliers_are_named_and_do_not_decide():
    X, _, _ = rows(3)
    rng = np.random.default_rng(1)
    y = X @ [1.0, -2.0, 0.5, 3.0] + 0.1 * rng.normal(size=len(X))
    y[:10] += 1000.0
    model = HuberRegressor().fit(X, y)
    np.testing.assert_allclose(model.coef_, [1.0, -2.0, 0.5, 3.0], atol=0.1)
    assert model.outliers_[:10].all()
    assert model.outliers_.mean() < 0.5
    assert model.scale_ < 1.0


def test_targets_on_a_plane_leave_no_scale():
    X, _, _ = rows(4)
    y = X @ [1.0, 0.0, -1.0, 2.0] + 3.0
    model = HuberRegressor().fit(X, y)
    np.testing.assert_allclose(model.coef_, [1.0, 0.0, -1.0, 2.0], atol=1e-6)
    assert model.scale_ < 1e-9
    y[:40] += np.arange(1.0, 41.0)  # a third of the rows lies elsewhere
    model = HuberRegressor(alpha=0.0).fit(X, y)
    np.testing.assert_allclose(model.coef_, [1.0, 0.0, -1.0, 2.0], atol=1e-9)
    assert model.outliers_[:40].all()
    assert HuberRegressor().fit(X, np.zeros(len(X))).scale_ < 1e-9


def test_a_warm_start_goes_on(tmp_path):
    X, y, _ = rows(5)
    model = HuberRegressor(warm_start=True).fit(X, y)
    coef, steps = model.coef_.copy(), model.n_iter_
    assert model.fit(X, y).n_iter_ == 0 < steps
    np.testing.assert_allclose(model.coef_, coef, rtol=1e-6)
    model.save(tmp_path / "model.json")
    again = fastlr.load(tmp_path / "model.json")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert (again.scale_, again.n_iter_) == (model.scale_, model.n_iter_)
    with pytest.raises(fastlr.InputError, match="X has 3 features, but warm_start goes on with 4"):
        again.fit(X[:, :3], y)


def test_what_is_wrong_is_named_and_leaves_the_estimator_as_it_was():
    X, y, _ = rows(6)
    model = HuberRegressor().fit(X, y)
    coef = model.coef_.copy()
    for settings, says in (
        ({"epsilon": 0.5}, "epsilon=0.5 is not a finite number >= 1"),
        ({"tol": -1.0}, "tol=-1.0 is not a finite number >= 0"),
        ({"max_iter": -1}, "max_iter=-1 is below 0"),
        ({"alpha": -1.0}, "alpha=-1.0 is not a finite number >= 0"),
        ({"warm_start": "yes"}, "warm_start='yes' is neither True nor False"),
    ):
        with pytest.raises((fastlr.InputError, fastlr.InputTypeError), match=says):
            model.set_params(**settings).fit(X, y)
        model.set_params(**HuberRegressor().get_params())
    for wrong_X, wrong_y, weights, says in (
        (np.where(X[3, 1] == X, np.nan, X), y, None, "NaN"),
        (np.where(X[3, 1] == X, np.inf, X)[:4], y[:4], None, "inf"),
        (X, np.where(y[3] == y, np.nan, y), None, "y contains NaN"),
        (X, y, np.zeros(len(y)), "sample_weight"),
        (X, y, -np.ones(len(y)), "sample_weight"),
        (X, np.column_stack([y, y]), None, "2 columns"),
    ):
        with pytest.raises(fastlr.InputError, match=says):
            model.fit(wrong_X, wrong_y, weights)
    np.testing.assert_array_equal(model.coef_, coef)


def test_what_a_fit_leaves_open_is_a_warning():
    X, y, _ = rows(6)
    for max_iter in (0, 1):
        with pytest.warns(fastlr.ConvergenceWarning, match=f"max_iter={max_iter} steps"):
            assert HuberRegressor(max_iter=max_iter).fit(X, y).n_iter_ == max_iter
    with pytest.warns(fastlr.RankWarning, match="rank 4 of 5"):
        twins = HuberRegressor(alpha=0.0).fit(np.column_stack([X, X[:, 0]]), y)
    alone = HuberRegressor(alpha=0.0).fit(X, y)
    np.testing.assert_allclose(twins.coef_[0] + twins.coef_[4], alone.coef_[0], rtol=1e-4)


def test_rows_that_do_not_count_may_lie_anywhere():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X @ [1.0, 2.0, 3.0] + 5.0 + rng.standard_t(2, size=80)
    counts = np.arange(80) != 3
    model = HuberRegressor().fit(X, np.where(counts, y, 1e160), counts.astype(float))
    alone = HuberRegressor().fit(X[counts], y[counts])
    np.testing.assert_allclose(model.coef_, alone.coef_, rtol=1e-6)
    assert model.scale_ == pytest.approx(alone.scale_, rel=1e-6)
    assert model.outliers_[3]


def test_columns_of_any_size_are_fitted_or_refused():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X @ [1.0, 2.0, 3.0] + 5.0 + rng.standard_t(2, size=80)
    exact = HuberRegressor(alpha=0.0).fit(X, y).coef_
    for size in (1e-200, 1e160, 1e200):
        coef = HuberRegressor(alpha=0.0).fit(X * size, y).coef_ * size
        np.testing.assert_allclose(coef, exact, rtol=1e-6)


def test_a_target_so_far_away_that_it_hides_the_others_is_told():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X.sum(axis=1) + rng.normal(size=80)
    y[3] = 1e20
    with pytest.warns(fastlr.ConditionWarning, match="times as far from the median of y"):
        HuberRegressor(alpha=0.0).fit(X, y)
