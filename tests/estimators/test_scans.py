"""Estimators that are fitted from a scan are those of its rows."""

import numpy as np
import pytest
from sklearn.model_selection import KFold

import fastlr
from fastlr import (
    ElasticNet,
    ElasticNetCV,
    InputError,
    Lasso,
    LassoCV,
    LinearRegression,
    Ridge,
    RidgeCV,
)

N_ROWS = 300
ALPHAS = [0.1, 1.0, 10.0, 100.0]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    columns = {name: rng.normal(loc=2.0, size=N_ROWS) for name in "abcd"}
    noise = rng.normal(size=N_ROWS)
    columns["y"] = columns["a"] - 2 * columns["b"] + 0.1 * columns["c"] + noise
    columns["z"] = columns["d"] + rng.normal(size=N_ROWS)
    columns["w"] = rng.integers(0, 3, size=N_ROWS).astype(float)
    return columns


def halves(table):
    return [{name: v[part] for name, v in table.items()} for part in (np.s_[:170], np.s_[170:])]


def scan(table, targets=("y",), weights=None):
    return fastlr.scan(halves(table), target=list(targets), features=list("abcd"), weights=weights)


def arrays(table, targets=("y",)):
    y = {name: table[name] for name in targets}
    return {name: table[name] for name in "abcd"}, y if len(targets) > 1 else table["y"]


def same(found, expected, names=("coef_", "intercept_")):
    for name in names:
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-12, err_msg=name
        )


@pytest.mark.parametrize(
    ("targets", "weights"), [(("y",), None), (("y", "z"), "w")], ids=["one", "weighted"]
)
@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        LinearRegression(fit_intercept=False, accuracy="max"),
        LinearRegression(positive=True),
        Ridge(alpha=3.0),
        Ridge(alpha=[1.0, 2.0, 3.0, 4.0], fit_intercept=False),
        Ridge(positive=True),
        RidgeCV(alphas=ALPHAS),
        RidgeCV(alphas=ALPHAS, alpha_per_target=True),
        Lasso(alpha=0.05, tol=1e-12),
        ElasticNet(alpha=0.05, tol=1e-12, positive=True),
    ],
    ids=repr,
)
def test_scans_are_fitted_as_their_rows(table, model, targets, weights):
    from sklearn import clone

    found = clone(model).fit(scan(table, targets, weights))
    of_rows = None if weights is None else table["w"]
    expected = clone(model).fit(*arrays(table, targets), sample_weight=of_rows)
    same(found, expected)
    assert found.feature_names_in_.tolist() == list("abcd")
    np.testing.assert_allclose(
        found.predict(arrays(table)[0]), expected.predict(arrays(table)[0]), rtol=1e-9
    )
    if isinstance(model, RidgeCV):
        assert np.array_equal(found.alpha_, expected.alpha_)
        assert found.validation_.method == "leave_one_out"


def test_more_rows_may_follow_a_scan(table):
    first, second = halves(table)
    X, y = ({name: part[name] for name in "abcd"} for part in (first, second)), second["y"]
    _, more = X
    found = LinearRegression().fit(fastlr.scan([first], target="y", features=list("abcd")))
    same(found.partial_fit(more, y), LinearRegression().fit(*arrays(table)))


@pytest.mark.parametrize(
    "model", [LassoCV(cv=4), ElasticNetCV(l1_ratio=[0.3, 0.9], cv=4)], ids=repr
)
def test_penalties_are_chosen_by_folds_that_are_dealt_while_rows_are_read(table, model):
    rows = scan(table)
    found = model.fit(rows)
    assert found.mse_path_.shape[-1] == 4
    chosen = ElasticNet(alpha=found.alpha_, l1_ratio=getattr(found, "l1_ratio_", 1.0), tol=1e-10)
    np.testing.assert_allclose(found.coef_, chosen.fit(*arrays(table)).coef_, atol=1e-3)
    least = found.mse_path_.mean(axis=-1).min()
    assert least == pytest.approx(1.0, rel=0.3)  # the noise has variance 1
    again = type(model)(**model.get_params()).fit(scan(table))
    assert again.mse_path_.tobytes() == found.mse_path_.tobytes()


@pytest.mark.parametrize("scoring", [None, "neg_mean_squared_error"])
def test_ridge_is_judged_by_folds_of_a_scan(table, scoring):
    found = RidgeCV(alphas=ALPHAS, cv=5, scoring=scoring).fit(scan(table))
    expected = RidgeCV(alphas=ALPHAS, cv=KFold(5, shuffle=True, random_state=0), scoring=scoring)
    expected.fit(*arrays(table))
    assert found.validation_.passes == 1
    assert found.best_score_ == pytest.approx(expected.best_score_, rel=0.05)


def test_fewer_rows_than_features_are_fitted_too():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 10)), rng.normal(size=6)
    rows = fastlr.scan([(X[:4], y[:4]), (X[4:], y[4:])])
    for model in (LinearRegression(rank="min_norm"), Ridge(), RidgeCV(alphas=ALPHAS), Lasso(0.1)):
        found, expected = type(model)(**model.get_params()).fit(rows), model.fit(X, y)
        same(found, expected)
        assert not hasattr(found, "feature_names_in_")  # arrays name none
        assert np.allclose(found.predict(X), expected.predict(X))


@pytest.mark.parametrize(
    ("model", "arguments", "words"),
    [
        (LinearRegression(), {"y": [1.0]}, "y is given beside a scan"),
        (Ridge(), {"sample_weight": [1.0]}, "sample_weight is given beside a scan"),
        (RidgeCV(cv=KFold(3)), {}, "pass a number of folds"),
        (RidgeCV(cv=4, scoring="max_error"), {}, "scoring='max_error'"),
        (RidgeCV(scoring="r2"), {}, "leave scoring out"),
        (RidgeCV(store_cv_results=True), {}, "store_cv_results"),
        (LassoCV(cv=[([0], [1])]), {}, "pass a number of folds"),
        (Lasso(precompute=np.eye(4)), {}, "precompute"),
    ],
    ids=repr,
)
def test_what_a_scan_cannot_give_is_refused(table, model, arguments, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        model.fit(scan(table), **arguments)
    assert not hasattr(model, "coef_")


def test_nets_choose_penalties_for_one_target(table):
    with pytest.raises(InputError, match="has 2 targets"):
        LassoCV().fit(scan(table, ("y", "z")))


def test_leave_one_out_reads_rows_again(table, monkeypatch):
    monkeypatch.setattr("fastlr.streams.rows._MOST_REMEMBERED", 0)
    rows = fastlr.scan(iter(halves(table)), target="y", features=list("abcd"))
    with pytest.raises(
        InputError, match=r"can be read once, and leave-one-out takes a second pass"
    ):
        RidgeCV().fit(rows)


def test_rows_that_do_not_count_are_rows_of_the_score_as_in_arrays():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.normal(size=300)
    weights = np.repeat([0.0, 1.0], 150)
    found = RidgeCV().fit(fastlr.scan([(X, y, weights)]))
    assert found.best_score_ == pytest.approx(RidgeCV().fit(X, y, weights).best_score_, rel=1e-9)
