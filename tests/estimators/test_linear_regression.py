"""The scikit-learn estimator: conventions, exact partial_fit, and nothing lost on failure."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression as SklearnRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastlr
from conventions import check_conventions, configurations
from levels import on_every_level


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 4)) * [1.0, 10.0, 0.1, 3.0] + [0.0, 100.0, 5.0, -2.0]
    return X, X @ [1.0, -2.0, 30.0, 0.5] + 4.0 + rng.normal(size=300)


@pytest.mark.filterwarnings("ignore::fastlr.RankWarning")
@pytest.mark.filterwarnings("ignore::fastlr.ConditionWarning")
@configurations(fastlr.LinearRegression(), fastlr.LinearRegression(fit_intercept=False))
def test_scikit_learn_conventions(estimator):
    if estimator.fit_intercept:
        on_every_level(check_conventions, estimator)
    else:
        check_conventions(estimator)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_agrees_with_scikit_learn(rows, fit_intercept):
    X, y = rows
    weights = np.random.default_rng(1).uniform(size=len(y))
    ours = fastlr.LinearRegression(fit_intercept=fit_intercept).fit(X, y, weights)
    theirs = SklearnRegression(fit_intercept=fit_intercept, tol=0.0).fit(X, y, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), rel=1e-9)
    assert ours.rank_ == 4


def test_target_shape_decides_the_shape_of_the_answer(rows):
    X, y = rows
    one = fastlr.LinearRegression().fit(X, y)
    column = fastlr.LinearRegression().fit(X, y[:, None])
    two = fastlr.LinearRegression().fit(X, np.column_stack([y, -y]))
    assert one.coef_.shape == (4,)
    assert isinstance(one.intercept_, float)
    assert one.predict(X).shape == (300,)
    assert column.coef_.shape == (1, 4)
    assert column.predict(X).shape == (300, 1)
    assert two.coef_.shape == (2, 4)
    assert two.intercept_.shape == (2,)
    assert two.predict(X).shape == (300, 2)
    np.testing.assert_array_equal(two.coef_[0], one.coef_)


def test_partial_fit_is_the_fit_of_all_rows(rows):
    X, y = rows
    weights = np.random.default_rng(1).uniform(size=len(y))
    model = fastlr.LinearRegression()
    for part in (slice(0, 1), slice(1, 50), slice(50, 300)):
        with pytest.warns(fastlr.RankWarning) if part.start == 0 else _nothing():
            model.partial_fit(X[part], y[part], weights[part])
    whole = fastlr.LinearRegression().fit(X, y, weights)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-11)
    assert model.fit_.n_samples == 300
    np.testing.assert_allclose(model.fit_.rss, whole.fit_.rss, rtol=1e-9)


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def test_partial_fit_goes_on_after_fit(rows):
    X, y = rows
    model = fastlr.LinearRegression().fit(X[:200], y[:200]).partial_fit(X[200:], y[200:])
    np.testing.assert_allclose(model.coef_, fastlr.LinearRegression().fit(X, y).coef_, rtol=1e-11)


def test_fit_starts_anew(rows):
    X, y = rows
    model = fastlr.LinearRegression().fit(X, y)
    assert model.fit(X[:, :2], y).coef_.shape == (2,)
    assert model.fit_.n_features == model.n_features_in_ == 2


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("breakage", ["nan", "lengths", "weights", "features"])
def test_a_failed_call_leaves_the_estimator_as_it_was(rows, method, breakage):
    X, y = rows
    model = fastlr.LinearRegression().fit(X, y)
    before = pickle.dumps(model)
    arguments = {
        "nan": (np.where(np.arange(4) == 2, np.nan, X), y),
        "lengths": (X, y[:-1]),
        "weights": (X, y, -np.ones(300)),
        "features": (X[:, :0], y),
    }[breakage]
    with pytest.raises(ValueError, match=r"NaN|rows|negative|feature"):
        getattr(model, method)(*arguments)
    assert pickle.dumps(model) == before


def test_float32_in_float32_predicted(rows):
    X, y = rows
    model = fastlr.LinearRegression().fit(X.astype(np.float32), y.astype(np.float32))
    assert model.coef_.dtype == np.float64
    assert model.predict(X.astype(np.float32)).dtype == np.float32
    assert model.predict(X).dtype == np.float64


def test_names_of_a_data_frame(rows):
    pandas = pytest.importorskip("pandas")
    X, y = rows
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model = fastlr.LinearRegression().fit(frame, y)
    assert list(model.feature_names_in_) == list("abcd")
    assert model.fit_.feature_names == ("a", "b", "c", "d")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c", "d"]])
    with pytest.raises(ValueError, match="feature"):
        model.predict(frame[["a", "b", "c"]])
    model.fit(X, y)
    assert not hasattr(model, "feature_names_in_")


def test_clone_pickle_pipeline_cross_validation(rows):
    X, y = rows
    model = clone(fastlr.LinearRegression(fit_intercept=False, n_threads=1))
    assert model.get_params() == {
        "accuracy": "auto",
        "copy_X": True,
        "fit_intercept": False,
        "n_jobs": None,
        "n_threads": 1,
        "positive": False,
        "rank": None,
        "tol": 1e-6,
    }
    restored = pickle.loads(pickle.dumps(model.fit(X, y)))
    np.testing.assert_array_equal(restored.predict(X), model.predict(X))
    pipeline = make_pipeline(StandardScaler(), fastlr.LinearRegression())
    assert cross_val_score(pipeline, X, y).mean() > 0.99
