"""What estimators take, and what they say about rows of the user's own numbering."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

import fastlr

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5))
Y = X @ [1.0, -2.0, 0.5, 0.0, 3.0] + RNG.normal(size=200)
NAMES = list("abcde")
ESTIMATORS = {
    "exact": fastlr.LinearRegression(),
    "steps": fastlr.SGDRegressor(random_state=0),
    "steps, stopping early": fastlr.SGDRegressor(random_state=0, early_stopping=True),
    "steps, standardised": fastlr.SGDRegressor(random_state=0, standardize=True, batch_size=20),
}
each_estimator = pytest.mark.parametrize("which", ESTIMATORS)


@each_estimator
def test_a_mapping_is_a_table_in_fit_and_in_predict(which):
    mapping = dict(zip(NAMES, X.T, strict=True))
    model, same = clone(ESTIMATORS[which]).fit(mapping, Y), clone(ESTIMATORS[which]).fit(X, Y)
    np.testing.assert_array_equal(model.coef_, same.coef_)
    np.testing.assert_array_equal(model.predict(mapping), same.predict(X))
    assert model.score(mapping, Y) == same.score(X, Y)
    assert (list(model.feature_names_in_), model.n_features_in_) == (NAMES, 5)
    with pytest.raises(ValueError, match="another order"):
        model.predict(dict(reversed(mapping.items())))
    with pytest.raises(ValueError, match="'z'"):
        model.predict({**dict(list(mapping.items())[:4]), "z": Y})
    with pytest.raises(ValueError, match="4 features"):
        model.predict(dict(list(mapping.items())[:4]))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(dict(enumerate(X.T)))
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        same.predict(mapping)
    assert not hasattr(model.fit(dict(enumerate(X.T)), Y), "feature_names_in_")


def test_a_mapping_may_come_in_parts():
    mapping = dict(zip(NAMES, X.T, strict=True))
    first, second = (
        {k: v[part] for k, v in mapping.items()} for part in (slice(99), slice(99, 200))
    )
    model = fastlr.LinearRegression().partial_fit(first, Y[:99]).partial_fit(second, Y[99:])
    np.testing.assert_allclose(model.coef_, fastlr.ols(X, Y).coef, rtol=1e-12)
    model = fastlr.SGDRegressor().partial_fit(first, Y[:99]).partial_fit(second, Y[99:])
    assert list(model.feature_names_in_) == NAMES


@each_estimator
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(999), r"\(999,\), expected \(200,\)"),
        (np.ones(5), r"\(5,\), expected \(200,\)"),
        (np.ones((200, 2)), "2 columns"),
        (-1.0, "positive and finite"),
        (np.where(np.arange(200) == 150, -1.0, 1.0), "row 150"),
        (np.where(np.arange(200) == 150, np.nan, 1.0), "row 150"),
        (np.zeros(200), "zero in every row"),
    ],
)
def test_weights_are_checked_against_all_rows(which, weight, message):
    with pytest.raises(ValueError, match=message):
        clone(ESTIMATORS[which]).fit(X, Y, sample_weight=weight)


@each_estimator
def test_one_weight_is_that_of_every_row(which):
    model = clone(ESTIMATORS[which]).fit(X, Y, sample_weight=2.0)
    same = clone(ESTIMATORS[which]).fit(X, Y, sample_weight=np.full(200, 2.0))
    np.testing.assert_array_equal(model.coef_, same.coef_)


@each_estimator
@pytest.mark.parametrize("row", [0, 57, 199])
def test_bad_cells_are_named_as_the_user_counts(which, row):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=NAMES)
    good = clone(ESTIMATORS[which]).fit(frame, Y)
    bad = frame.copy()
    bad.loc[row, "e"] = np.nan
    for call in (lambda: good.predict(bad), lambda: clone(ESTIMATORS[which]).fit(bad, Y)):
        with pytest.raises(ValueError, match=rf"NaN \(row {row}, column 'e'"):
            call()
    with pytest.raises(ValueError, match=rf"y contains infinity \(row {row}"):
        clone(ESTIMATORS[which]).fit(frame, np.where(np.arange(200) == row, np.inf, Y))


def test_rows_held_out_of_a_descent_keep_their_numbers():
    for row, column in ((30, 1), (190, 4)):
        bad = X.copy()
        bad[row, column] = np.nan
        with pytest.raises(ValueError, match=rf"NaN \(row {row}, column 'x{column}'"):
            fastlr.descend(bad, Y, validation=0.2)
        with pytest.raises(ValueError, match=rf"row {row}"):
            fastlr.descend(X, np.where(np.arange(200) == row, np.nan, Y), validation=0.2)
        weight = np.where(np.arange(200) == row, -1.0, 1.0)
        with pytest.raises(ValueError, match=rf"row {row}"):
            fastlr.descend(X, Y, sample_weight=weight, validation=0.2)


def test_a_split_that_leaves_no_weight_says_so():
    weight = np.zeros(200)
    weight[3] = 1.0
    with pytest.raises(ValueError, match=r"zero in all \d+ rows (set aside|to learn from)"):
        fastlr.SGDRegressor(early_stopping=True, random_state=0).fit(X, Y, sample_weight=weight)


@pytest.mark.parametrize("targets", [1, 3])
def test_float32_coefficients_fit_their_intercept(targets):
    """A year has few digits in float32, and a slope rounded to it would shift all predictions."""
    year = np.repeat(np.arange(1990.0, 2020.0), 10)
    table = np.column_stack([year, RNG.normal(size=300)]).astype(np.float32)
    y = np.column_stack(
        [35000.123 * (k + 1) * year + 1000 * RNG.normal(size=300) for k in range(targets)]
    )
    y = y[:, 0] if targets == 1 else y
    exact = table.astype(np.float64)
    models = [fastlr.LinearRegression().fit(table, y)]
    models.append(fastlr.LinearRegression().partial_fit(table, y).partial_fit(table, y))
    if targets == 1:
        models.append(
            fastlr.SGDRegressor(
                standardize=True,
                batch_size=None,
                eta0=0.9,
                learning_rate="constant",
                alpha=0.0,
                tol=1e-30,
                max_iter=500,
            ).fit(table, y)
        )
    for model in models:
        is_exact = isinstance(model, fastlr.LinearRegression)
        assert model.coef_.dtype == (np.float64 if is_exact else np.float32)
        by_hand = exact @ model.coef_.T + model.intercept_
        assert np.abs((y - by_hand).mean(axis=0)).max() < 1e-5 * np.abs(y).std()
        np.testing.assert_allclose(model.predict(exact), by_hand, rtol=1e-15)
        np.testing.assert_array_equal(model.predict(table), model.predict(exact).astype(np.float32))
    wanted = fastlr.ols(exact, y).coef
    np.testing.assert_array_equal(models[0].coef_, wanted)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"fit_intercept": "False"}, "fit_intercept='False' is neither True nor False"),
        ({"standardize": "no"}, "standardize='no' is neither"),
        ({"shuffle": None}, "shuffle=None is neither"),
        ({"early_stopping": 2}, "early_stopping=2 is neither"),
        ({"eta0": "auto"}, r"eta0='auto' is not a number: pass a rate > 0\."),
        ({"eta0": -1.0}, r"pass a rate such as 0.01\."),
    ],
)
def test_parameters_of_another_type_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        fastlr.SGDRegressor(**parameters).fit(X, Y)


@each_estimator
def test_a_failed_fit_changes_nothing(which):
    model = clone(ESTIMATORS[which]).fit(X, Y)
    before = pickle.dumps(model)
    for bad in ((X[:, :2], Y[:3]), ({"a": X[:, 0], "b": X[:4, 0]}, Y), (X, Y, np.ones(3))):
        with pytest.raises(ValueError, match=r"rows|length|expected"):
            model.fit(*bad[:2], **({"sample_weight": bad[2]} if len(bad) > 2 else {}))
    assert pickle.dumps(model) == before
