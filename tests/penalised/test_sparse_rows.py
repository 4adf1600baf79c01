"""Penalised fits of sparse rows: those of the same rows with their zeros."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import fastlr
from fastlr import ElasticNet, ElasticNetCV, Lasso, LassoCV, LinearRegression, Ridge, RidgeCV
from fastlr.input.arguments import as_features

ALPHAS = np.logspace(-2, 2, 4)
SHUFFLED, ANY = (
    KFold(3, shuffle=True, random_state=0),
    ShuffleSplit(2, test_size=0.4, random_state=0),
)
EXACT = {"tol": 1e-13, "max_iter": 50_000}
SEVERAL_TARGETS = [
    Ridge(0.7),
    Ridge([0.1, 3.0], fit_intercept=False),
    RidgeCV(ALPHAS, store_cv_results=True),
    RidgeCV(ALPHAS, fit_intercept=False, alpha_per_target=True),
    RidgeCV(ALPHAS, scoring="neg_mean_absolute_error"),
    RidgeCV(ALPHAS, cv=3),
    RidgeCV(ALPHAS, cv=SHUFFLED, scoring="neg_mean_absolute_error"),
    RidgeCV(ALPHAS, cv=ANY),
    Lasso(0.05, **EXACT),
    Lasso(0.05, fit_intercept=False, positive=True, **EXACT),
    ElasticNet(0.05, **EXACT),
    ElasticNet(0.0),
]
ONE_TARGET = [
    Ridge(0.7, positive=True),
    LinearRegression(positive=True),
    LassoCV(alphas=5, eps=0.1, **EXACT),
    LassoCV(alphas=5, eps=0.1, cv=ANY, fit_intercept=False, **EXACT),
    ElasticNetCV(alphas=5, eps=0.1, l1_ratio=[0.3, 0.9], cv=SHUFFLED, **EXACT),
]
CHOSEN = ("coef_", "intercept_", "alpha_", "best_score_", "cv_results_", "mse_path_", "alphas_")


def rows(n, p, n_targets, share=0.2, seed=3):
    """Sparse rows, targets that depend on some of the columns, and weights of which some are zero."""
    rng = np.random.default_rng(seed)
    X = np.where(rng.random((n, p)) < share, rng.normal(size=(n, p)), 0.0)
    y = X[:, : min(p, 5)] @ rng.normal(size=(min(p, 5), n_targets)) + 3.0
    y += 0.3 * rng.normal(size=y.shape)
    return X, y if n_targets > 1 else y[:, 0], rng.integers(1, 4, n) * (np.arange(n) % 6 != 0.0)


def assert_alike(found, expected, X, given):
    for name in CHOSEN:
        if hasattr(expected, name):
            one, other = (np.asarray(getattr(model, name)) for model in (found, expected))
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(found.predict(given), expected.predict(X), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(150, 9), (18, 40)], ids=["tall", "wide"])
@pytest.mark.parametrize("model", SEVERAL_TARGETS + ONE_TARGET, ids=repr)
def test_fits_and_choices_are_those_of_the_filled_rows(model, shape):
    n_targets = 1 if any(model is one for one in ONE_TARGET) else 2
    X, y, weights = rows(*shape, n_targets)
    before = X.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastlr.ConvergenceWarning)
        warnings.simplefilter("ignore", fastlr.ConditionWarning)
        warnings.simplefilter("ignore", fastlr.RankWarning)
        formats = (
            sparse.csr_array,
            sparse.csc_matrix,
        )  # tall with weights, wide without, or the other way
        for weight, of in zip((None, weights), formats[:: 1 if shape[0] > 99 else -1], strict=True):
            dense = clone(model).fit(X, y, sample_weight=weight)
            given = of(X)
            found = clone(model).fit(given, y, sample_weight=weight)
            assert_alike(found, dense, X, given)
            np.testing.assert_array_equal(given.toarray(), before)


@pytest.mark.parametrize("model", [Ridge(0.7), RidgeCV(ALPHAS), RidgeCV(ALPHAS, cv=3), Lasso(0.01)])
def test_tables_of_many_rows_are_never_filled(model, monkeypatch):
    X, y, _ = rows(40_000, 60, 1, share=0.01)
    dense = clone(model).fit(X, y)
    given = sparse.csr_array(X)
    kind, seen = type(as_features(given)), []
    filled = kind.as_matrix
    monkeypatch.setattr(kind, "as_matrix", lambda self: seen.append(self.n_samples) or filled(self))
    assert_alike(clone(model).fit(given, y), dense, X, given)
    assert max(seen, default=0) <= 20_000


def test_columns_on_demand_are_those_of_the_filled_rows():
    X, y, weights = rows(500, 700, 1, share=0.03)
    penalty = Lasso(0.1, **EXACT)
    dense = clone(penalty).fit(X, y, sample_weight=weights)
    assert dense.solver_ == "rows"
    for of in (sparse.csr_array, sparse.csc_array):
        given = of(X)
        found = clone(penalty).fit(given, y, sample_weight=weights)
        assert found.solver_ == "rows"
        assert_alike(found, dense, X, given)


@pytest.mark.parametrize("solver", ["moments", "rows"])
def test_paths_are_those_of_the_filled_rows(solver):
    X, y, weights = rows(120, 30, 2)
    options = {"solver": solver, "sample_weight": weights, "n_alphas": 5, "eps": 0.1, **EXACT}
    dense = fastlr.lasso_path(X, y, **options)
    path = fastlr.lasso_path(sparse.csc_array(X), y, **options)
    np.testing.assert_allclose(path.coefs, dense.coefs, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(path.predict(sparse.csr_array(X)), dense.predict(X), rtol=1e-9)


def test_paths_of_squares_and_subsets_are_those_of_the_filled_rows():
    X, y, weights = rows(120, 8, 1)
    given = sparse.csr_array(X)
    dense = fastlr.ridge_path(X, y, ALPHAS, sample_weight=weights)
    path = fastlr.ridge_path(given, y, ALPHAS, sample_weight=weights)
    np.testing.assert_allclose(path.coef, dense.coef, rtol=1e-9)
    np.testing.assert_allclose(path.gcv, dense.gcv, rtol=1e-9)
    np.testing.assert_allclose(path.predict(given), dense.predict(X), rtol=1e-9)
    expected = fastlr.best_subset(X, y, criterion="kfold")
    found = fastlr.best_subset(given, y, criterion="kfold")
    assert [m.features for m in found.table] == [m.features for m in expected.table]
    np.testing.assert_allclose(found.fit.coef, expected.fit.coef, rtol=1e-9)


@pytest.mark.parametrize("model", [Ridge(), RidgeCV(), LassoCV(cv=3, alphas=5), ElasticNet(0.01)])
def test_pipelines_of_one_hot_columns_work_as_they_stand(model):
    rng = np.random.default_rng(0)
    table = rng.integers(0, 6, size=(200, 2))
    y = np.sqrt(table[:, 0]) + rng.normal(size=200)
    found = make_pipeline(OneHotEncoder(), clone(model)).fit(table, y)
    expected = make_pipeline(OneHotEncoder(sparse_output=False), clone(model)).fit(table, y)
    np.testing.assert_allclose(found.predict(table), expected.predict(table), rtol=1e-9)


@pytest.mark.parametrize("model", [Ridge(), RidgeCV(), RidgeCV(cv=3), Lasso(0.01), LassoCV(cv=3)])
def test_a_value_that_is_not_finite_is_named_and_nothing_is_kept(model):
    X, y, _ = rows(60, 4, 1)
    X[17, 2] = np.nan
    with pytest.raises(fastlr.InputError, match="NaN"):
        clone(model).fit(sparse.csr_array(X), y)
    fitted = clone(model).fit(np.nan_to_num(X), y)
    before = fitted.coef_.copy()
    with pytest.raises(fastlr.InputError, match="NaN"):
        fitted.fit(sparse.csr_array(X), y)
    np.testing.assert_array_equal(fitted.coef_, before)
