"""What scikit-learn's own tests ask of its linear models, asked of ours: types, words that users match, keywords."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import StackingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDRegressor, enet_path

import fastlr

RNG = np.random.default_rng(12)
X = RNG.normal(size=(40, 4)) + np.array([0.0, 5.0, 0.0, 2000.0])
Y = X @ [1.0, -2.0, 0.0, 0.5] + RNG.normal(size=40)
CENTRED = X - X.mean(axis=0)
PENALISED = (
    fastlr.Ridge(),
    fastlr.Ridge(positive=True),
    fastlr.RidgeCV(),
    fastlr.RidgeCV(cv=3),
    fastlr.Lasso(alpha=0.1),
    fastlr.ElasticNet(alpha=0.1),
    fastlr.LassoCV(cv=3),
    fastlr.ElasticNetCV(cv=3),
)


@pytest.mark.parametrize("model", PENALISED, ids=repr)
def test_float32_coefficients_of_penalised_fits_have_a_constant_that_fits_them(model, tmp_path):
    rows = X.astype(np.float32)
    for y in (Y, np.column_stack([Y, -Y])) if model.__class__ is fastlr.Ridge else (Y,):
        model.fit(rows, y)
        assert model.coef_.dtype == np.float32
        assert model.predict(rows).dtype == np.float32
        by_hand = rows.astype(np.float64) @ model.coef_.T + model.intercept_
        # A slope of 0.5 rounded to float32 moves predictions at 2000 by up to 3e-5, unless the constant follows.
        np.testing.assert_allclose((y - by_hand).mean(axis=0), 0.0, atol=1e-9)
        model.save(tmp_path / "model.json")
        for again in (fastlr.load(tmp_path / "model.json"), pickle.loads(pickle.dumps(model))):
            assert again.coef_.dtype == np.float32
            np.testing.assert_array_equal(again.predict(X), model.predict(X))
        assert model.fit(X, y).coef_.dtype == np.float64


def test_descent_on_float32_goes_on_from_all_digits(tmp_path):
    rows = X[:, :2].astype(np.float32)
    options = {"eta0": 1e-3, "tol": None, "random_state": 0, "optimizer": "momentum"}
    whole = fastlr.SGDRegressor(max_iter=6, **options).fit(rows, Y)
    assert whole.coef_.dtype == np.float32
    half = fastlr.SGDRegressor(max_iter=3, warm_start=True, **options).fit(rows, Y)
    half.save(tmp_path / "half.json")
    for again in (fastlr.load(tmp_path / "half.json"), pickle.loads(pickle.dumps(half)), half):
        assert again.coef_.dtype == np.float32
        again.fit(rows, Y)
        np.testing.assert_array_equal(again.coef_, whole.coef_)
        np.testing.assert_array_equal(again.intercept_, whole.intercept_)
    exact = fastlr.SGDRegressor(max_iter=6, **options).fit(rows.astype(np.float64), Y)
    np.testing.assert_array_equal(whole.coef_, exact.coef_.astype(np.float32))
    gap = (rows.astype(np.float64) @ (whole.coef_ - exact.coef_)).mean()
    np.testing.assert_allclose(whole.intercept_ + gap, exact.intercept_, rtol=1e-12)
    assert whole.partial_fit(X[:, :2], Y).coef_.dtype == np.float64


def test_coefficients_that_float32_cannot_hold_stay_float64():
    rows = X.astype(np.float32)
    for factor in (1e60, 1e-60):
        model = fastlr.Ridge().fit(rows, Y * factor)
        assert model.coef_.dtype == np.float64
        np.testing.assert_allclose(model.coef_, fastlr.Ridge().fit(rows, Y).fit_.coef * factor)


@pytest.mark.parametrize("model", [fastlr.LinearRegression(), *PENALISED], ids=repr)
def test_the_constant_of_one_target_is_a_number_with_a_shape(model):
    assert type(model.fit(X, Y).intercept_) is np.float64
    assert model.intercept_.shape == ()


def test_ridge_tells_the_solver_that_was_asked_for(tmp_path):
    named = fastlr.Ridge(solver="svd").fit(X, Y)
    named.save(tmp_path / "ridge.json")
    assert named.solver_ == fastlr.load(tmp_path / "ridge.json").solver_ == "svd"
    assert named.fit_.solver == fastlr.Ridge().fit(X, Y).solver_ == "normal"


def test_the_svd_mode_on_sparse_rows_is_warned_of_before_scikit_learn_refuses_it():
    with pytest.warns(FutureWarning, match="The 'svd' mode is not supported for sparse X"):
        fastlr.RidgeCV(gcv_mode="svd").fit(sparse.csr_array(X), Y)
    fastlr.RidgeCV(gcv_mode="svd").fit(X, Y)
    fastlr.RidgeCV(gcv_mode="eigen").fit(sparse.csr_array(X), Y)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (fastlr.RidgeCV(alphas=(1, -1, -100)), r"alphas\[1\] == -1, must be > 0.0"),
        (fastlr.LassoCV(alphas=(1, -1, -100)), r"alphas\[1\] == -1, must be >= 0.0."),
        (
            fastlr.RidgeCV(alphas=(1, 1.0, "1")),
            r"alphas\[2\] must be an instance of float, not str",
        ),
        (
            fastlr.LassoCV(alphas=(1, 1.0, "1")),
            r"alphas\[2\] must be an instance of float, not str",
        ),
        (fastlr.Ridge(alpha=[1.0, 2.0]), "and number of penalties do not correspond: 2 != 1"),
        (
            fastlr.ElasticNetCV(l1_ratio=0),
            "Automatic alpha grid generation is not supported for l1",
        ),
        (
            fastlr.SGDRegressor(penalty="elasticnet", l1_ratio=None),
            "l1_ratio must be set when penalty is 'elasticnet'",
        ),
    ],
    ids=str,
)
def test_messages_have_the_words_that_scikit_learns_users_match(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)


def test_rates_that_grow_are_warned_of_as_long_as_scikit_learn_takes_them():
    options = {"power_t": -0.5, "eta0": 1e-4, "max_iter": 2, "tol": None, "shuffle": False}
    fits = []
    for kind in (fastlr.SGDRegressor, SGDRegressor):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fits.append(kind(**options).fit(CENTRED, Y))
        if kind is fastlr.SGDRegressor:
            (warning,) = caught
            assert warning.category is FutureWarning
            assert str(warning.message).startswith("Negative values for `power_t` are deprecated")
    np.testing.assert_allclose(fits[0].coef_, fits[1].coef_, rtol=1e-9)


def test_wrong_types_are_type_errors():
    for model in (fastlr.RidgeCV(alphas=(1, "1")), fastlr.LassoCV(alphas=(1, "1"))):
        with pytest.raises(TypeError, match=r"alphas\[1\] must be an instance of float"):
            model.fit(X, Y)


def test_a_descent_cut_short_says_so_in_scikit_learns_words():
    with pytest.warns(
        ConvergenceWarning,
        match=r"Objective did not converge\. You might want to increase the number of iterations",
    ):
        fastlr.Lasso(alpha=1e-6, max_iter=1, tol=1e-12).fit(X, Y)


def test_a_matrix_of_cross_products_is_compared_with_the_columns():
    weights = RNG.uniform(0.5, 2.0, size=len(Y))
    share = weights / weights.mean()
    centred = X - np.average(X, axis=0, weights=weights)
    plain = fastlr.ElasticNet(alpha=0.1).fit(X, Y)
    weighted = fastlr.ElasticNet(alpha=0.1).fit(X, Y, weights)
    for model, got in (
        (plain, fastlr.ElasticNet(alpha=0.1, precompute=CENTRED.T @ CENTRED).fit(CENTRED, Y)),
        (
            weighted,
            fastlr.ElasticNet(alpha=0.1, precompute=(centred.T * share) @ centred).fit(
                centred, Y, weights
            ),
        ),
    ):
        np.testing.assert_allclose(got.coef_, model.coef_, rtol=1e-9)
    single = CENTRED.astype(np.float32)
    fastlr.ElasticNet(alpha=0.1, precompute=single.T @ single).fit(single, Y)
    fastlr.ElasticNet(precompute=np.ones((4, 4))).fit(sparse.csr_array(X), Y)
    with pytest.warns(UserWarning, match="Gram matrix was provided but X was centered"):
        fastlr.ElasticNet(precompute=X.T @ X).fit(X, Y)
    for precompute, message in (
        (np.eye(4), "Gram matrix.*did not pass validation"),
        (np.eye(3), "precompute has shape"),
        ("all", "precompute='all' is neither"),
    ):
        model = fastlr.ElasticNet(precompute=precompute)
        with pytest.raises(ValueError, match=message):
            model.fit(CENTRED, Y)
        assert not hasattr(model, "coef_")


def test_fit_says_that_groups_want_metadata_routing():
    for model in (fastlr.LassoCV(), fastlr.ElasticNetCV()):
        with pytest.raises(ValueError, match="is only supported if enable_metadata_routing=True"):
            model.fit(X, Y, groups=np.arange(len(Y)) % 5)


def test_paths_unpack_as_scikit_learns_do():
    for y in (Y - Y.mean(), np.column_stack([Y, -Y])):
        path = fastlr.enet_path(CENTRED, y, alphas=[0.5, 0.1], tol=1e-12, fit_intercept=False)
        alphas, coefs, gaps = path
        np.testing.assert_array_equal(path[1], path.coefs)
        assert len(list(path)) == 3
        if y.ndim == 1:
            wanted = enet_path(CENTRED, y, alphas=[0.5, 0.1], tol=1e-12)
            np.testing.assert_allclose(alphas, wanted[0])
            np.testing.assert_allclose(coefs, wanted[1], rtol=1e-6)
            assert gaps.shape == wanted[2].shape


def test_paths_take_scikit_learns_keywords():
    plain = fastlr.lasso_path(X, Y, alphas=[0.1], tol=1e-12)
    for name, value in {
        "check_input": False,
        "precompute": "auto",
        "Xy": None,
        "copy_X": False,
        "verbose": True,
        "return_n_iter": False,
        "selection": "cyclic",
    }.items():
        np.testing.assert_array_equal(
            fastlr.lasso_path(X, Y, alphas=[0.1], tol=1e-12, **{name: value}).coefs, plain.coefs
        )
    options = {"selection": "random", "random_state": 3}
    drawn = [fastlr.lasso_path(X, Y, alphas=[0.1], tol=1e-12, **options) for _ in range(2)]
    np.testing.assert_array_equal(drawn[0].coefs, drawn[1].coefs)
    np.testing.assert_allclose(drawn[0].coefs, plain.coefs, rtol=1e-6)
    warm = fastlr.lasso_path(X, Y, alphas=[0.1], tol=1e-9, coef_init=plain.coefs[:, 0])
    assert warm.n_iter[0] <= plain.n_iter[0]
    two = fastlr.lasso_path(X, np.column_stack([Y, Y]), alphas=[0.1], coef_init=np.zeros((2, 4)))
    assert two.coefs.shape == (2, 4, 1)
    for wrong, message in (
        ({"normalize": True}, "Unexpected parameters in params: 'normalize'"),
        ({"return_n_iter": True}, r"read `path\.n_iter`"),
        ({"selection": "greedy"}, "selection='greedy' is unknown"),
        ({"coef_init": [1.0]}, r"coef_init has shape \(1, 1\)"),
        ({"coef_init": ["a"] * 4}, "coef_init=.* are not numbers"),
    ):
        for path in (fastlr.lasso_path, fastlr.enet_path):
            with pytest.raises(ValueError, match=message):
                path(X, Y, alphas=[0.1], **wrong)


def test_estimators_that_forget_the_number_of_features_predict():
    class Forgetful(fastlr.LinearRegression):
        def fit(self, X, y):
            super().fit(X, y)
            del self.n_features_in_

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stacked = StackingRegressor([("line", Forgetful())], cv=2).fit(X, Y)
    with pytest.raises(AttributeError, match="no attribute 'n_features_in_'"):
        stacked.n_features_in_  # noqa: B018 - asking is the test
