"""Best subsets: against exhaustive search, and what their table says."""

import itertools

import numpy as np
import pytest

import fastlr
from fastlr.least_squares.fit import problem_of
from fastlr.penalised.forward_rows import columns_of_forward


def table(n=60, p=7, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 5.0 + 2.0
    return X, X[:, 1] - 0.5 * X[:, 4] + rng.normal(size=n), rng.uniform(0.2, 2.0, size=n)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_every_size_has_the_model_of_an_exhaustive_search(fit_intercept):
    X, y, w = table()
    found = fastlr.best_subset(X, y, sample_weight=w, fit_intercept=fit_intercept)
    assert found.method == "exact"
    for model in found.table[1:]:
        fits = {
            some: fastlr.ols(X[:, some], y, sample_weight=w, fit_intercept=fit_intercept)
            for some in itertools.combinations(range(7), model.size)
        }
        best = min(fits, key=lambda some: fits[some].rss)
        assert model.features == tuple(f"x{j}" for j in best)
        assert model.rss == pytest.approx(fits[best].rss, rel=1e-9)
        assert model.r2 == pytest.approx(fits[best].r2, rel=1e-9)
        aic = -2.0 * fits[best].log_likelihood + 2 * (model.size + fit_intercept)
        assert model.aic == pytest.approx(aic, rel=1e-9)
    assert found.best is min(found.table, key=lambda model: model.bic)
    assert found.fit.feature_names == found.best.features
    assert found.fit.rss == pytest.approx(found.best.rss, rel=1e-9)


def test_steps_meet_the_best_models_of_independent_columns():
    X, y, _ = table(n=400, p=12)
    exact = fastlr.best_subset(X, y)
    for method in ("forward", "backward", "stepwise"):
        found = fastlr.best_subset(X, y, method=method)
        assert found.best.features == exact.best.features, method
        for ours, least in zip(found.table, exact.table, strict=True):
            assert ours.rss >= least.rss * (1.0 - 1e-12), method
        assert found.table[-1].rss == pytest.approx(exact.table[-1].rss, rel=1e-9)


@pytest.mark.parametrize("criterion", ["aic", "adjusted_r2", "kfold"])
def test_criteria_find_the_features_that_matter(criterion):
    X, y, w = table(n=200)
    found = fastlr.best_subset(X, y, sample_weight=w, criterion=criterion)
    assert {"x1", "x4"} <= set(found.best.features)
    assert "features" in str(found.table)
    assert np.isnan(found.table[0].cv_error) == (criterion != "kfold")
    if criterion == "kfold":
        assert found.best is min(found.table, key=lambda model: model.cv_error)


def test_columns_that_depend_on_others_are_never_chosen_together():
    X, y, _ = table(n=40, p=5)
    X = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(40)])
    for method in ("exact", "forward", "backward"):
        found = fastlr.best_subset(X, y, method=method, max_size=5)
        assert found.table[5].rss == pytest.approx(fastlr.ols(X[:, :5], y).rss, rel=1e-8), method


def test_more_features_than_rows_go_forward_as_far_as_rows_reach():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(20, 50))
    found = fastlr.best_subset(X, X[:, 7] - X[:, 9] + 0.01 * rng.normal(size=20), method="forward")
    assert {"x7", "x9"} <= set(found.table[2].features)
    assert found.table[-1].size <= 18


@pytest.mark.parametrize("weighted", [False, True])
def test_forward_steps_without_all_cross_products_are_those_with_them(weighted):
    rng = np.random.default_rng(5)
    n, p = 700, 450
    X = rng.normal(size=(n, p)) + 4.0
    X[:, 3] = 2.5
    X[:, 8] = X[:, 10] + X[:, 200] + 0.1 * rng.normal(size=n)
    y = X[:, :12] @ rng.normal(size=12) + X[:, 10] + rng.normal(size=n)
    w = rng.integers(0, 3, size=n) / 2.0 if weighted else None
    for fit_intercept in (True, False):
        options = {"method": "forward", "max_size": 25, "fit_intercept": fit_intercept}
        problem, _ = problem_of(X, y, w, fit_intercept, None, None)
        assert columns_of_forward(problem, 25) is not None
        found = fastlr.best_subset(X, y, sample_weight=w, **options)
        whole = fastlr.best_subset(fastlr.Moments.from_arrays(X, y, w), **options)
        for one, other in zip(found.table, whole.table, strict=True):
            assert one.features == other.features
            assert one.bic == pytest.approx(other.bic, rel=1e-10)
        np.testing.assert_allclose(found.fit.coef, whole.fit.coef, rtol=1e-8)


def test_moments_are_enough():
    X, y, w = table()
    moments = fastlr.Moments.from_arrays(X, y, w, feature_names=list("abcdefg"))
    found = fastlr.best_subset(moments, max_size=3)
    assert found.best.features == ("b", "e")
    assert [model.size for model in found.table] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"method": "magic"}, "method='magic'"),
        ({"criterion": "luck"}, "criterion='luck'"),
        ({"max_size": 8}, "max_size=8 is more than the 7 features"),
        ({"cv": 1, "criterion": "kfold"}, "cv=1 is below 2"),
        ({"cv": 99, "criterion": "kfold"}, "cv=99 folds of n_samples=60 rows"),
    ],
)
def test_bad_arguments_are_named(options, says):
    X, y, _ = table()
    with pytest.raises(fastlr.InputError, match=says):
        fastlr.best_subset(X, y, **options)


def test_two_targets_and_too_many_columns_are_refused():
    X, y, _ = table()
    with pytest.raises(fastlr.InputError, match="y has 2 targets"):
        fastlr.best_subset(X, np.column_stack([y, y]))
    with pytest.raises(fastlr.InputError, match="at most 30 features, and X has 35"):
        fastlr.best_subset(np.tile(X, 5), y, method="exact")


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("seed", range(6))
def test_equal_columns_do_not_change_what_a_model_leaves(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(-3, 4, size=(10, 5)).astype(float)
    X[:, 4] = X[:, 0]
    X[:, 3] = X[:, 1] + X[:, 2]
    y = rng.normal(size=10)
    for model in fastlr.best_subset(X, y).table:
        least = np.inf
        for some in itertools.combinations(range(5), model.size):
            design = np.column_stack([np.ones(10), X[:, some]])
            errors = y - design @ np.linalg.lstsq(design, y, rcond=1e-12)[0]
            least = min(least, errors @ errors)
            if model.features == tuple(f"x{j}" for j in some):
                assert model.rss == pytest.approx(errors @ errors, rel=1e-9)
        assert model.rss == pytest.approx(least, rel=1e-9)


def test_near_dependence_that_rounding_hides_is_never_silent():
    X = np.random.default_rng(0).normal(size=(10, 2)) + 1e6
    y = np.random.default_rng(1).normal(size=10)
    with pytest.warns(fastlr.ConditionWarning, match="nearly depend on one another"):
        fastlr.best_subset(X, y, fit_intercept=False)
    fastlr.best_subset(X, y)  # about their means they do not
    fastlr.best_subset(np.column_stack([X, X[:, 0]]), y)  # equal ones are no surprise
