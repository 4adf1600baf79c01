"""Names: those that were given are compared with later ones, whatever they look like; others never matter."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import fastlr

pandas = pytest.importorskip("pandas")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ [1.0, 2.0, 3.0] + 4.0
GIVEN = [["a", "b", "c"], ["x0", "x1", "x2"], ["x2", "x1", "x0"], ["y", "y0", "x1"]]


def saved_and_loaded(fit, tmp_path):
    fastlr.save_model(fit, tmp_path / "model.json")
    return fastlr.load_model(tmp_path / "model.json")


@pytest.mark.parametrize("names", GIVEN, ids="-".join)
def test_given_names_are_compared_whatever_they_look_like(names, tmp_path):
    frame = pandas.DataFrame(X, columns=names)
    reordered, others = frame[names[::-1]], frame.set_axis(["p", "q", "r"], axis=1)
    fit = fastlr.ols(frame, Y)
    assert fit.has_feature_names
    for same in (
        fit,
        fastlr.ols(X, Y, feature_names=names),
        fastlr.ols(dict(zip(names, X.T, strict=True)), Y),
        saved_and_loaded(fit, tmp_path),
        pickle.loads(pickle.dumps(fit)),
        copy.deepcopy(fit),
        fastlr.solve(fastlr.Moments.from_arrays(frame, Y)),
        fastlr.solve(fastlr.Moments.from_bytes(fastlr.Moments.from_arrays(frame, Y).to_bytes())),
        fastlr.descend(frame, Y, epochs=1, tol=None),
    ):
        assert same.feature_names == tuple(names)
        np.testing.assert_array_equal(same.predict(frame), same.predict(X))
        with pytest.raises(fastlr.InputError, match="another order"):
            same.predict(reordered)
        with pytest.raises(fastlr.InputError, match="does not know"):
            same.predict(others)
    moments = fastlr.Moments.from_arrays(frame, Y)
    with pytest.raises(fastlr.InputError, match="another order"):
        moments.update(reordered, Y)


@pytest.mark.parametrize("estimator", [fastlr.LinearRegression, fastlr.SGDRegressor])
@pytest.mark.parametrize("names", GIVEN, ids="-".join)
def test_estimators_compare_names_as_scikit_learn_does(names, estimator):
    frame = pandas.DataFrame(X, columns=names)
    model = estimator().fit(frame, Y)
    with pytest.raises(ValueError, match="same order as they were in fit"):
        model.predict(frame[names[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)


def test_generated_names_are_nobodys(tmp_path):
    fit = fastlr.ols(X, Y)
    assert fit.feature_names == ("x0", "x1", "x2")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    for same in (
        fit,
        saved_and_loaded(fit, tmp_path),
        pickle.loads(pickle.dumps(fit)),
        fastlr.LinearFit.from_dict(
            {k: v for k, v in fit.to_dict().items() if k != "has_feature_names"}
        ),
    ):
        assert not same.has_feature_names
        np.testing.assert_array_equal(same.predict(frame), fit.predict(X))
    # Whoever names columns after the summary's x0, x1, ... means those.
    with pytest.raises(fastlr.InputError, match="another order"):
        fit.predict(frame.set_axis(["x1", "x0", "x2"], axis=1))


def test_given_names_outlast_moments_without_names():
    frame = pandas.DataFrame(X, columns=["x0", "x1", "x2"])
    unnamed, named = fastlr.Moments.from_arrays(X, Y), fastlr.Moments.from_arrays(frame, Y)
    for both in (unnamed + named, named + unnamed):
        assert fastlr.solve(both).has_feature_names
    assert not fastlr.solve(unnamed.select(["x2", "x0"])).has_feature_names
    assert fastlr.solve(named.select(["x2", "x0"])).has_feature_names


@pytest.mark.parametrize("estimator", [fastlr.LinearRegression, fastlr.SGDRegressor])
def test_a_batch_without_names_does_not_make_the_features_forget_theirs(estimator):
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    model = estimator().partial_fit(frame[:20], Y[:20])
    with pytest.warns(UserWarning, match="does not have valid feature names") as caught:
        model.partial_fit(X[20:30], Y[20:30])
    assert len(caught) == 1
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match="same order as they were in fit"):
        model.partial_fit(frame[["c", "b", "a"]][30:], Y[30:])
    assert pickle.dumps(model) == before
    model.partial_fit(frame[30:], Y[30:])
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        estimator().partial_fit(X[:20], Y[:20]).partial_fit(frame[20:], Y[20:])


def test_a_target_may_have_the_name_of_a_feature():
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    fit = fastlr.ols(frame[:-1], frame["a"].shift(-1)[:-1])  # an autoregression
    assert fit.target_names == ("a",)
    assert "a" in fit.summary()
    fastlr.LinearRegression().fit(frame[:-1], frame["a"].shift(-1)[:-1])
    fastlr.Moments.from_arrays(frame[:-1], frame["a"].shift(-1)[:-1])
    fastlr.ols(X, pandas.Series(X[:, 0], name="x0"))  # x0 is nobody's name


@pytest.mark.filterwarnings("ignore::fastlr.ConvergenceWarning")
def test_a_target_with_name_and_values_of_a_feature_is_worth_a_word():
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    for fit in (
        fastlr.ols,
        fastlr.LinearRegression().fit,
        fastlr.SGDRegressor().fit,
        fastlr.Moments.from_arrays,
        fastlr.Moments.from_arrays(frame, Y).update,
        fastlr.descend,
    ):
        with pytest.warns(fastlr.InputWarning, match=r"drop\(columns=\['b'\]\)") as caught:
            fit(frame, frame["b"])
        of_input = [warning for warning in caught if warning.category is fastlr.InputWarning]
        assert len(of_input) == 1
        assert of_input[0].filename == __file__


@pytest.mark.parametrize("estimator", [fastlr.LinearRegression, fastlr.SGDRegressor])
def test_a_target_keeps_its_first_name(estimator):
    model = estimator().partial_fit(X[:20], pandas.Series(Y[:20], name="january"))
    model.partial_fit(X[20:], pandas.Series(Y[20:], name="february"))
    if estimator is fastlr.LinearRegression:
        assert model.fit_.target_names == ("january",)
    moments = fastlr.Moments.from_arrays(X[:20], pandas.Series(Y[:20], name="january"))
    moments.update(X[20:], pandas.Series(Y[20:], name="february"))
    assert (moments.target_names, moments.n_samples) == (("january",), 40)


def test_several_targets_are_told_apart_by_their_names():
    targets = pandas.DataFrame({"u": Y, "v": -Y})
    model = fastlr.LinearRegression().partial_fit(X, targets)
    with pytest.raises(ValueError, match="same order"):
        model.partial_fit(X, targets[["v", "u"]])
    model.partial_fit(X, targets.to_numpy())


@pytest.mark.parametrize("argument", ["y", "sample_weight"])
def test_labels_that_differ_are_worth_a_word(argument):
    frame = pandas.DataFrame(X, columns=["a", "b", "c"], index=np.arange(100, 140))
    same = {"y": pandas.Series(Y, index=frame.index), "sample_weight": np.ones(40)}
    shuffled = {**same, argument: pandas.Series(np.abs(Y))}

    def fits():
        yield fastlr.ols
        yield fastlr.LinearRegression().fit
        yield fastlr.LinearRegression().fit(frame, Y).partial_fit
        yield fastlr.SGDRegressor().fit
        yield fastlr.SGDRegressor(early_stopping=True).fit
        yield fastlr.Moments.from_arrays
        yield fastlr.Moments.from_arrays(frame, Y).update
        yield lambda X, **options: fastlr.descend(X, **options, epochs=1, tol=None)

    for fit in fits():
        fit(frame, **same)
        with pytest.warns(fastlr.InputWarning, match=f"{argument} has another index") as caught:
            fit(frame, **shuffled)
        assert len(caught) == 1
        assert "row 0 is 0" in str(caught[0].message)
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastlr.ols(frame, Y)  # without labels there is nothing to compare
        fastlr.ols(X, same["y"])
        fastlr.ols(frame, pandas.Series(Y, index=frame.index.astype(float)))
