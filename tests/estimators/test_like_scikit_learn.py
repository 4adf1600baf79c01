"""LinearRegression in the place of scikit-learn's: keywords, shapes, tags, and the machinery around it."""

import inspect

import numpy as np
import pytest
import sklearn
from sklearn import linear_model
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RANSACRegressor
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

import fastlr
from conventions import check_conventions, configurations
from fastlr.input.threads import resolve_threads, threads_of_jobs

RNG = np.random.default_rng(8)
X = RNG.normal(size=(80, 4)) + np.array([0.0, 5.0, -3.0, 100.0])
Y = X @ RNG.normal(size=(4, 2)) + 2.0 + RNG.normal(size=(80, 2))


@pytest.mark.filterwarnings("ignore::fastlr.RankWarning")
@pytest.mark.filterwarnings("ignore::fastlr.ConditionWarning")
@configurations(
    fastlr.LinearRegression(accuracy="max", n_jobs=2),
    fastlr.LinearRegression(accuracy="fast", copy_X=False, tol=0.0),
    fastlr.LinearRegression(rank="basic", n_threads=1, fit_intercept=False),
    fastlr.LinearRegression(positive=True),
    fastlr.LinearRegression(positive=True, fit_intercept=False),
)
def test_scikit_learn_conventions(estimator):
    check_conventions(estimator)


def test_every_keyword_of_scikit_learn_is_taken_with_its_default():
    theirs = inspect.signature(linear_model.LinearRegression).parameters
    ours = inspect.signature(fastlr.LinearRegression).parameters
    for name, parameter in theirs.items():
        assert ours[name].default == parameter.default, name
        assert ours[name].kind == parameter.kind, name


def test_keywords_without_meaning_change_nothing():
    plain = fastlr.LinearRegression().fit(X, Y)
    other = fastlr.LinearRegression(copy_X=False, tol=0.5, n_jobs=-2).fit(X, Y)
    np.testing.assert_array_equal(other.coef_, plain.coef_)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"copy_X": "yes"}, "copy_X='yes'"),
        ({"tol": -1.0}, "tol=-1.0 is negative"),
        ({"tol": "small"}, "tol='small'"),
        ({"tol": float("nan")}, "tol=nan"),
        ({"n_jobs": 0}, "n_jobs=0 is not a number of threads"),
        ({"n_jobs": 1.5}, "n_jobs=1.5 is not a whole number"),
        ({"positive": None}, "positive=None"),
    ],
    ids=str,
)
def test_keywords_are_checked_when_fitting(options, message):
    model = fastlr.LinearRegression(**options)
    for method in (model.fit, model.partial_fit):
        with pytest.raises((fastlr.InputError, fastlr.InputTypeError), match=message):
            method(X, Y)
    assert not hasattr(model, "coef_")


def test_jobs_are_counted_as_joblib_does_and_threads_win():
    allowed = resolve_threads(None)
    assert threads_of_jobs(None, None) is None
    assert threads_of_jobs(3, -1) == 3
    assert threads_of_jobs(None, 2) == 2
    assert threads_of_jobs(None, -1) == allowed
    assert threads_of_jobs(None, -2) == max(1, allowed - 1)
    assert threads_of_jobs(None, -1000) == 1
    assert threads_of_jobs(None, np.int64(1)) == 1


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weight", [None, 2.5, "rows"])
def test_shapes_and_values_are_scikit_learns(fit_intercept, weight):
    weights = RNG.uniform(0.1, 2.0, size=80) if weight == "rows" else weight
    for y in (Y[:, 0], Y[:, :1], Y, Y[:, 0].astype(int), list(Y[:, 0])):
        ours = fastlr.LinearRegression(fit_intercept=fit_intercept).fit(X, y, weights)
        theirs = linear_model.LinearRegression(fit_intercept=fit_intercept).fit(X, y, weights)
        for name in ("coef_", "intercept_", "rank_", "singular_"):
            got, wanted = getattr(ours, name), getattr(theirs, name)
            assert np.shape(got) == np.shape(wanted), (name, np.shape(y))
            np.testing.assert_allclose(got, wanted, rtol=1e-9, err_msg=name)
        assert ours.predict(X).shape == theirs.predict(X).shape
        assert ours.score(X, y) == pytest.approx(theirs.score(X, y), rel=1e-9)
        assert ours.n_features_in_ == theirs.n_features_in_


def test_singular_values_are_those_of_the_centred_weighted_rows():
    weights = RNG.uniform(0.1, 2.0, size=80)
    wide = RNG.normal(size=(6, 20)) + 3.0
    for rows, w in ((X, weights), (X, None), (wide, None), (wide, weights[:6])):
        n = len(rows)
        for fit_intercept in (True, False):
            model = fastlr.LinearRegression(fit_intercept=fit_intercept, rank="min_norm").fit(
                rows, Y[:n, 0], w
            )
            centre = np.average(rows, axis=0, weights=w) if fit_intercept else 0.0
            root = 1.0 if w is None else np.sqrt(w)[:, None]
            wanted = np.linalg.svd((rows - centre) * root, compute_uv=False)
            np.testing.assert_allclose(model.singular_, wanted, rtol=1e-11, atol=1e-13 * wanted[0])
    before = model.singular_
    model.partial_fit(wide, Y[:6, 0])
    assert len(model.singular_) == 12
    assert not np.array_equal(model.singular_[:6], before)
    with pytest.raises(AttributeError, match="singular_ is there after fit"):
        fastlr.LinearRegression().singular_  # noqa: B018 - asking is the test


def test_it_is_scikit_learns_linear_regression_to_whoever_asks():
    model = fastlr.LinearRegression()
    assert isinstance(model, linear_model.LinearRegression)
    assert is_regressor(model)
    y = Y[:, 0].copy()
    y[:8] += 1000.0
    ransac = RANSACRegressor(fastlr.LinearRegression(rank="min_norm"), random_state=0).fit(X, y)
    assert not ransac.inlier_mask_[:8].any()
    assert isinstance(ransac.estimator_, fastlr.LinearRegression)


def test_tags_tell_what_is_true():
    ours, theirs = get_tags(fastlr.LinearRegression()), get_tags(linear_model.LinearRegression())
    assert ours.input_tags.sparse
    assert ours == theirs


def test_positive_coefficients_are_scikit_learns():
    weights = np.random.default_rng(3).uniform(size=len(X))
    for fit_intercept in (True, False):
        options = {"fit_intercept": fit_intercept, "positive": True}
        ours = fastlr.LinearRegression(**options).fit(X, Y, weights)
        theirs = linear_model.LinearRegression(**options).fit(X, Y, weights)
        assert (ours.coef_ >= 0).all()
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9, atol=1e-12)
        parts = fastlr.LinearRegression(**options).partial_fit(X[:9], Y[:9], weights[:9])
        parts.partial_fit(X[9:], Y[9:], weights[9:])
        np.testing.assert_allclose(parts.coef_, ours.coef_, rtol=1e-9, atol=1e-12)


def test_no_method_of_scikit_learns_class_is_left_that_fits_or_predicts_by_itself():
    """What is inherited is what works from `coef_`, `fit` and `predict`."""
    theirs = {name for name in vars(linear_model.LinearRegression) if not name.startswith("__")}
    mine = set().union(
        *(vars(c) for c in fastlr.LinearRegression.__mro__ if c.__module__.startswith("fastlr"))
    )
    assert theirs - mine <= {
        "_abc_impl",
        "_parameter_constraints",
        "set_fit_request",
        "set_score_request",
    }
    assert fastlr.LinearRegression._parameter_constraints == {}
    assert "partial_fit" in vars(fastlr.LinearRegression)


def test_weights_are_routed():
    weights = RNG.uniform(0.1, 2.0, size=80)
    with sklearn.config_context(enable_metadata_routing=True):
        model = fastlr.LinearRegression().set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True).set_partial_fit_request(sample_weight=True)
        assert model.get_metadata_routing().fit.requests == {"sample_weight": True}
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model).fit(X, Y[:, 0], sample_weight=weights)
        direct = fastlr.LinearRegression().fit(X, Y[:, 0], weights)
        np.testing.assert_allclose(pipeline.predict(X), direct.predict(X), rtol=1e-9)
        result = cross_validate(model, X, Y[:, 0], params={"sample_weight": weights}, cv=3)
        assert np.isfinite(result["test_score"]).all()


def test_meta_estimators_take_it():
    search = GridSearchCV(
        make_pipeline(StandardScaler().set_output(transform="pandas"), fastlr.LinearRegression()),
        {"linearregression__fit_intercept": [True, False]},
        cv=3,
    ).fit(X, Y[:, 0])
    assert search.best_params_ == {"linearregression__fit_intercept": True}
    for many in (MultiOutputRegressor, RegressorChain):
        fitted = many(fastlr.LinearRegression()).fit(X, Y)
        np.testing.assert_allclose(
            fitted.predict(X), many(linear_model.LinearRegression()).fit(X, Y).predict(X)
        )


def test_its_picture_links_to_no_other_class():
    model = fastlr.LinearRegression().fit(X, Y)
    assert "LinearRegression" in model._repr_html_()
    assert model._get_doc_link() == ""


def test_a_clone_has_the_parameters_and_nothing_else():
    model = fastlr.LinearRegression(n_jobs=2, tol=0.0).fit(X, Y)
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert set(vars(again)) == set(model.get_params())
    with pytest.raises(NotFittedError):
        again.predict(X)
