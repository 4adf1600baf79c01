"""Lasso, elastic net and their cross-validation as scikit-learn estimators."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn import linear_model as theirs
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit

import fastlr
from conventions import check_conventions, configurations
from fastlr import ElasticNet, ElasticNetCV, Lasso, LassoCV


# Every value of every parameter, with different others.
@configurations(
    Lasso(),
    Lasso(fit_intercept=False, positive=True, alpha=0.1),
    Lasso(selection="random", random_state=0, warm_start=True, alpha=0.01),
    ElasticNet(),
    ElasticNet(l1_ratio=0),
    ElasticNet(alpha=0),
    ElasticNet(alpha=0.01, l1_ratio=0.9, tol=1e-10, fit_intercept=False, positive=True),
    LassoCV(),
    LassoCV(selection="random", n_jobs=1, random_state=0, fit_intercept=False, alphas=[1, 0.1]),
    ElasticNetCV(l1_ratio=[0.1, 0.9], alphas=5, cv=2, tol=1e-9),
    ElasticNetCV(l1_ratio=0, alphas=[1.0, 0.1], cv=3, positive=True, fit_intercept=False),
)
def test_scikit_learn_conventions(estimator):
    check_conventions(estimator)


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(150, 6)) + np.array([0.0, 5.0, -3.0, 0.0, 1.0, 2.0])
    return X, X[:, 0] - X[:, 1] + rng.normal(size=150), rng.uniform(0.1, 2.0, size=150)


@pytest.mark.usefixtures("level")
def test_fits_are_scikit_learns(rows):
    X, y, w = rows
    Y = np.column_stack([y, X[:, 2] + y])
    for target, weights, settings in (
        (y, None, {"alpha": 0.1}),
        (y, w, {"alpha": 0.05, "positive": True}),
        (Y, w, {"alpha": 0.2, "fit_intercept": False}),
        (Y, None, {"alpha": 0.2, "selection": "random", "random_state": 1}),
        (y[:, np.newaxis], None, {"alpha": 0.2}),
    ):
        for ours, other in ((Lasso, theirs.Lasso), (ElasticNet, theirs.ElasticNet)):
            a = ours(tol=1e-13, **settings).fit(X, target, weights)
            b = other(tol=1e-13, max_iter=10000, **settings).fit(X, target, weights)
            assert np.shape(a.coef_) == np.shape(b.coef_)
            assert np.shape(a.intercept_) == np.shape(b.intercept_)
            assert np.shape(a.dual_gap_) == np.shape(b.dual_gap_)
            assert type(a.n_iter_) is type(b.n_iter_)
            np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-8)
            np.testing.assert_allclose(a.intercept_, b.intercept_, atol=1e-8)
            np.testing.assert_allclose(a.predict(X), b.predict(X), atol=1e-7)
            np.testing.assert_array_equal(a.sparse_coef_.toarray(), np.atleast_2d(a.coef_))


SPLITS = [
    KFold(4, shuffle=True, random_state=0),
    ShuffleSplit(3, random_state=0),
    [(np.arange(100), np.arange(100, 150)), (np.arange(50, 150), np.arange(50))],
]


@pytest.mark.parametrize("cv", [None, *SPLITS], ids=["default", "shuffled", "drawn", "given"])
def test_cross_validation_is_scikit_learns(rows, cv):
    X, y, w = rows
    for weights in (None, w):
        a = LassoCV(cv=cv, tol=1e-13).fit(X, y, weights)
        b = theirs.LassoCV(cv=cv, tol=1e-13, max_iter=10000).fit(X, y, weights)
        for name in ("alpha_", "alphas_", "mse_path_", "coef_", "intercept_"):
            np.testing.assert_allclose(
                getattr(a, name), getattr(b, name), rtol=1e-8, atol=1e-9, err_msg=name
            )
    a = ElasticNetCV(cv=cv, tol=1e-13, l1_ratio=[0.2, 0.9]).fit(X, y)
    b = theirs.ElasticNetCV(cv=cv, tol=1e-13, l1_ratio=[0.2, 0.9]).fit(X, y)
    assert a.l1_ratio_ == b.l1_ratio_
    for name in ("alpha_", "alphas_", "mse_path_", "coef_"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-8, atol=1e-9)


def test_folds_of_many_features_are_fitted_from_their_rows():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 640))
    y = X[:, 3] - X[:, 600] + rng.normal(size=300)
    w = rng.uniform(0.5, 1.0, size=300)
    settings = {"cv": 3, "alphas": np.geomspace(1.0, 0.1, 8), "tol": 1e-12}
    a = LassoCV(**settings).fit(X, y, w)
    b = theirs.LassoCV(**settings).fit(X, y, w)
    assert a.solver_ == "rows"
    np.testing.assert_allclose(a.mse_path_, b.mse_path_, rtol=1e-8)
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-8)


def test_groups_reach_the_splitter_where_routing_is_enabled(rows):
    X, y, _ = rows
    groups = np.arange(150) % 5
    with pytest.raises(TypeError, match="is only supported if enable_metadata_routing=True"):
        LassoCV(cv=GroupKFold(3)).fit(X, y, groups=groups)
    with config_context(enable_metadata_routing=True):
        model = LassoCV(cv=GroupKFold(3), alphas=5).fit(X, y, groups=groups)
    splits = list(GroupKFold(3).split(X, y, groups))
    same = LassoCV(cv=splits, alphas=5).fit(X, y)
    np.testing.assert_allclose(model.mse_path_, same.mse_path_, rtol=1e-12)


def test_a_warm_start_goes_on_from_where_it_was(rows):
    X, y, _ = rows
    model = Lasso(alpha=0.01, tol=1e-10, warm_start=True).fit(X, y)
    coef = model.coef_.copy()
    assert model.fit(X, y).n_iter_ == 0
    np.testing.assert_array_equal(model.coef_, coef)
    with pytest.raises(fastlr.InputError, match="warm_start=True continues from"):
        model.fit(X[:, :3], y)
    np.testing.assert_array_equal(model.coef_, coef)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Lasso(alpha=-1.0), "alpha=-1.0"),
        (ElasticNet(l1_ratio=2.0), "l1_ratio=2.0 is not between 0 and 1"),
        (Lasso(selection="sorted"), "selection='sorted'"),
        (Lasso(max_iter=0), "max_iter=0"),
        (LassoCV(alphas=[1.0, -2.0]), r"alphas\[1\] == -2, must be >= 0.0"),
        (LassoCV(cv=1), "k-fold"),
        (ElasticNetCV(l1_ratio=[0.5, 3.0]), r"l1_ratio\[1\]=3.0"),
        (ElasticNetCV(l1_ratio=0.0), "Please supply a grid"),
    ],
)
def test_a_failed_fit_leaves_the_estimator_as_it_was(rows, model, says):
    X, y, _ = rows
    fitted = clone(model).set_params(**clone(type(model)()).get_params()).fit(X, y)
    before = pickle.dumps({k: v for k, v in vars(fitted).items() if k.endswith("_")})
    fitted.set_params(**model.get_params())
    with pytest.raises(ValueError, match=says):
        fitted.fit(X[:, :4], y)
    assert pickle.dumps({k: v for k, v in vars(fitted).items() if k.endswith("_")}) == before


def test_a_warning_that_is_an_error_leaves_the_estimator_as_it_was(rows):
    X, y, _ = rows
    model = Lasso(alpha=1.0).fit(X, y)
    coef = model.coef_.copy()
    model.set_params(alpha=1e-4, max_iter=1, tol=1e-14)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(fastlr.ConvergenceWarning):
            model.fit(X, y)
    np.testing.assert_array_equal(model.coef_, coef)


def test_a_fold_without_weight_is_named(rows):
    X, y, w = rows
    w = w.copy()
    w[:30] = 0.0
    with pytest.raises(fastlr.InputError, match="zero in all test rows of split 0"):
        LassoCV().fit(X, y, w)
