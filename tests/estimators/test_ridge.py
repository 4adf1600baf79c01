"""Ridge and RidgeCV: scikit-learn's conventions, scikit-learn's numbers, and nothing lost on failure."""

import functools
import itertools
import pickle
import warnings

import numpy as np
import pytest
import sklearn.linear_model
from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastlr
from conventions import check_conventions, configurations

ALPHAS = np.array([0.01, 0.5, 3.0, 40.0])


# scikit-learn expects the same of its own Ridge: exact solvers count no iterations.
def expected_failures(estimator):
    if isinstance(estimator, fastlr.Ridge):
        return {"check_non_transformer_estimators_n_iter": "n_iter_ is None without iterations."}
    return {}


@pytest.mark.filterwarnings("ignore::fastlr.RankWarning")
@pytest.mark.filterwarnings("ignore::fastlr.ConditionWarning")
@pytest.mark.filterwarnings("ignore:The 'svd' mode is not supported for sparse X:FutureWarning")
@configurations(
    fastlr.Ridge(),
    fastlr.Ridge(positive=True, alpha=1e3, copy_X=False),
    fastlr.Ridge(solver="sag", max_iter=100, tol=1e-3, random_state=0, n_threads=1),
    fastlr.Ridge(solver="lbfgs", alpha=0.1, positive=True, fit_intercept=False),
    fastlr.RidgeCV(),
    fastlr.RidgeCV(alphas=[1e-3, 1.0], cv=3, fit_intercept=False),
    fastlr.RidgeCV(cv=KFold(2, shuffle=True, random_state=0), scoring="neg_mean_squared_error"),
    fastlr.RidgeCV(alphas=np.array([0.5, 5.0]), gcv_mode="svd", n_threads=1),
    fastlr.RidgeCV(scoring="neg_mean_absolute_error", alphas=2.0),
)
def test_scikit_learn_conventions(estimator):
    check_conventions(estimator, expected_failures(estimator))


def tables(*, seed=0, half=None):
    """Rows, targets and weights: tall and wide, with one target and several, with weights and without.

    In either ``half`` (0, 1) of the tables, any two of these meet in every combination.
    """
    rng = np.random.default_rng(seed)
    for (n, p), t, weighted in itertools.product([(40, 5), (15, 22)], (0, 1, 3), (False, True)):
        if half is not None and ((n < p) + (t + 1) // 2 + weighted) % 2 != half:
            continue
        X = rng.normal(size=(n, p)) * np.geomspace(0.2, 5.0, p) + 2.0
        y = rng.normal(size=(n, t) if t else n) + (X[:, :1] if t else X[:, 0])
        yield X, y, rng.uniform(0.2, 3.0, size=n) if weighted else None


def assert_same_line(ours, theirs, X, case):
    assert ours.coef_.shape == theirs.coef_.shape, case
    assert np.shape(ours.intercept_) == np.shape(theirs.intercept_), case
    size = np.abs(theirs.coef_).max()
    np.testing.assert_allclose(
        ours.coef_, theirs.coef_, rtol=1e-10, atol=1e-10 * size, err_msg=case
    )
    np.testing.assert_allclose(
        ours.predict(X), theirs.predict(X), rtol=1e-9, atol=1e-9, err_msg=case
    )


@functools.cache
def scikit_learns_lines(fit_intercept):
    """Rows, targets, weights, penalties and scikit-learn's fits, once for all levels."""
    found = []
    for X, y, weights in tables():
        t = y.shape[1] if y.ndim == 2 else 1
        for alpha in (0.0, 0.3, 50.0, np.linspace(0.1, 9.0, t)):
            if X.shape[0] < X.shape[1] and np.all(alpha == 0.0):
                continue  # theirs may be any of the many solutions
            theirs = sklearn.linear_model.Ridge(alpha, fit_intercept=fit_intercept, solver="svd")
            found.append((X, y, weights, alpha, theirs.fit(X, y, weights)))
    return found


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_ridge_is_scikit_learns(fit_intercept):
    for X, y, weights, alpha, theirs in scikit_learns_lines(fit_intercept):
        case = f"{X.shape} {y.shape} {weights is not None} {alpha}"
        ours = fastlr.Ridge(alpha, fit_intercept=fit_intercept).fit(X, y, weights)
        assert_same_line(ours, theirs, X, case)
        assert ours.n_iter_ is None
        assert ours.score(X, y, weights) == pytest.approx(theirs.score(X, y, weights), abs=1e-9)


def test_a_penalty_per_coefficient_is_that_of_columns_in_other_units():
    for X, y, weights in tables(seed=1):
        penalty = np.geomspace(0.1, 10.0, X.shape[1])
        root = np.sqrt(penalty)
        ours = fastlr.Ridge(penalty[np.newaxis]).fit(X, y, weights)
        theirs = sklearn.linear_model.Ridge(1.0, solver="svd").fit(X / root, y, weights)
        np.testing.assert_allclose(ours.coef_, theirs.coef_ / root, rtol=1e-9, atol=1e-11)


def test_values_as_many_as_features_and_targets_belong_to_the_targets():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 3))
    alpha = [0.1, 1.0, 10.0]
    theirs = sklearn.linear_model.Ridge(alpha).fit(X, y)
    np.testing.assert_allclose(fastlr.Ridge(alpha).fit(X, y).coef_, theirs.coef_, rtol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_positive_coefficients_are_at_the_minimum(fit_intercept):
    for X, y, weights in tables(seed=3):
        w = np.ones(len(X)) if weights is None else weights
        for alpha in (0.0, 2.0):
            model = fastlr.Ridge(alpha, fit_intercept=fit_intercept, positive=True)
            model.fit(X, y, weights)
            coef = np.atleast_2d(model.coef_)
            left = (y.reshape(len(y), -1) - model.predict(X).reshape(len(y), -1)) * w[:, None]
            slope = left.T @ X - alpha * coef  # of half the objective, downwards
            size = np.abs(y).max() * np.abs(X * w[:, None]).sum()
            assert (coef >= 0).all()
            assert (slope <= 1e-11 * size).all(), "a coefficient at zero should grow"
            assert (np.abs(slope[coef > 0]) <= 1e-11 * size).all()
            assert (coef > 0).any()
            assert model.solver_ == "non_negative"


def test_nothing_positive_leaves_the_mean():
    X = np.arange(6.0).reshape(-1, 1)
    model = fastlr.Ridge(1.0, positive=True).fit(X, -X[:, 0])
    assert model.coef_ == 0.0
    assert model.intercept_ == -2.5


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_leave_one_out_is_scikit_learns(fit_intercept):
    for X, y, weights in tables(seed=4, half=int(fit_intercept)):
        several = y.ndim == 2
        for scoring, per_target in itertools.product(
            (None, "neg_mean_absolute_error"), (False, several)
        ):
            options = {
                "alphas": ALPHAS,
                "fit_intercept": fit_intercept,
                "scoring": scoring,
                "store_cv_results": True,
                "alpha_per_target": per_target,
            }
            case = f"{X.shape} {y.shape} {weights is not None} {scoring} {per_target}"
            theirs = sklearn.linear_model.RidgeCV(**options, gcv_mode="svd").fit(X, y, weights)
            ours = fastlr.RidgeCV(**options).fit(X, y, weights)
            np.testing.assert_array_equal(ours.alpha_, theirs.alpha_, err_msg=case)
            np.testing.assert_allclose(
                ours.best_score_, theirs.best_score_, rtol=1e-9, err_msg=case
            )
            np.testing.assert_allclose(
                ours.cv_results_, theirs.cv_results_, rtol=1e-7, atol=1e-9, err_msg=case
            )
            assert_same_line(ours, theirs, X, case)


SPLITTERS = [
    (3, "folds", 0),
    (KFold(2, shuffle=True, random_state=1), "folds", 1),
    (ShuffleSplit(2, random_state=1), "splits", 0),
    (RepeatedKFold(n_splits=2, n_repeats=2, random_state=0), "splits", 1),
]


SCORINGS = [
    "r2",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
    "neg_median_absolute_error",
]


@pytest.mark.parametrize(
    ("cv", "method", "half"), SPLITTERS, ids=lambda value: type(value).__name__
)
def test_folds_are_scikit_learns_grid_search(cv, method, half):
    alphas = ALPHAS[1:]
    for X, y, weights in tables(seed=5, half=half):
        # A single column of targets is scored as a vector of them is.
        scorings = SCORINGS[:1] if y.ndim == 2 and y.shape[1] == 1 else SCORINGS
        theirs = GridSearchCV(
            sklearn.linear_model.Ridge(solver="svd"),
            {"alpha": alphas},
            cv=cv,
            scoring=scorings,
            refit=False,
        )
        results = theirs.fit(X, y, sample_weight=weights).cv_results_  # once for all scorings
        for scoring in (None, *scorings[1:]):
            case = f"{X.shape} {y.shape} {weights is not None} {scoring}"
            ours = fastlr.RidgeCV(alphas, cv=cv, scoring=scoring).fit(X, y, weights)
            scores = results[f"mean_test_{scoring or 'r2'}"]
            np.testing.assert_allclose(
                ours.validation_.scores.mean(axis=0), scores, rtol=1e-9, atol=1e-11, err_msg=case
            )
            assert ours.alpha_ == alphas[scores.argmax()], case
            assert ours.best_score_ == pytest.approx(scores.max(), rel=1e-9), case
            best = sklearn.linear_model.Ridge(ours.alpha_, solver="svd").fit(X, y, weights)
            assert_same_line(ours, best, X, case)
            assert ours.validation_.method == (method if len(X) > X.shape[1] else "splits")


def test_one_pass_for_all_folds_and_alphas():
    X, y, _ = next(tables())
    model = fastlr.RidgeCV(np.geomspace(1e-3, 1e3, 100), cv=5).fit(X, y)
    assert model.validation_.passes == 1
    assert model.moments_.n_samples == len(X)
    assert fastlr.RidgeCV().fit(X, y).validation_.passes == 2


def test_groups_reach_the_splitter_with_and_without_routing():
    X, y, _ = next(tables(seed=6))
    groups = np.repeat(np.arange(8), 5)
    splits = list(GroupKFold(4).split(X, y, groups))
    want = fastlr.RidgeCV(ALPHAS, cv=splits).fit(X, y)
    model = fastlr.RidgeCV(ALPHAS, cv=GroupKFold(4))
    without = clone(model).fit(X, y, groups=groups)
    with config_context(enable_metadata_routing=True):
        routed = clone(model).set_fit_request(sample_weight=True).fit(X, y, groups=groups)
    for found in (without, routed):
        np.testing.assert_array_equal(found.validation_.scores, want.validation_.scores)
        assert found.validation_.method == "folds"


def test_weights_reach_the_scorer_that_asks_for_them():
    X, y, weights = next(itertools.islice(tables(seed=7), 1, None))
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(mean_absolute_error, greater_is_better=False)
        scorer.set_score_request(sample_weight=True)
        for cv in (None, 3):
            theirs = sklearn.linear_model.RidgeCV(ALPHAS, scoring=scorer, cv=cv)
            theirs.fit(X, y, sample_weight=weights)
            ours = fastlr.RidgeCV(ALPHAS, scoring=scorer, cv=cv).fit(X, y, sample_weight=weights)
            assert ours.best_score_ == pytest.approx(theirs.best_score_, rel=1e-8)
            assert ours.alpha_ == theirs.alpha_


def test_pipelines_grids_clones_and_pickles():
    X, y, _ = next(tables(seed=8))
    pipeline = make_pipeline(StandardScaler(), fastlr.Ridge())
    search = GridSearchCV(pipeline, {"ridge__alpha": ALPHAS}, cv=3).fit(X, y)
    assert search.best_params_["ridge__alpha"] in ALPHAS
    for model in (fastlr.Ridge(2.0), fastlr.RidgeCV(ALPHAS, cv=3), fastlr.RidgeCV(ALPHAS)):
        fitted = clone(model).fit(X, y)
        again = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
        assert "Ridge" in fitted._repr_html_()


BAD_RIDGES = [
    ({"alpha": -1.0}, "alpha=-1.0 is not a finite number >= 0"),
    ({"alpha": [1.0, np.nan, 1.0, 1.0, 1.0]}, r"alpha\[1\]=nan"),
    ({"alpha": [1.0, 2.0]}, "Number of targets and number of penalties do not correspond: 2 != 1"),
    ({"alpha": "much"}, "is not a number"),
    ({"alpha": [[1.0], [1.0, 2.0]]}, "alpha=.* is not made of numbers"),
    ({"solver": "newton"}, "solver='newton' is unknown"),
    ({"solver": "lbfgs"}, "only when positive=True"),
    ({"solver": "svd", "positive": True}, "does not support positive"),
    ({"tol": -1.0}, "tol=-1.0 is negative"),
    ({"max_iter": 0}, "max_iter=0 is below 1"),
    ({"positive": "yes"}, "positive='yes' is neither"),
]
BAD_SEARCHES = [
    ({"alphas": []}, "alphas is empty"),
    ({"alphas": [1.0, -2.0]}, r"alphas\[1\] == -2, must be > 0.0"),
    ({"alphas": [np.nan]}, r"alphas\[0\] == nan"),
    ({"alphas": ["a"]}, "alphas=.* is not made of numbers"),
    ({"alphas": [[1.0, 2.0]]}, "alphas has shape"),
    ({"cv": 1}, "n_splits"),
    ({"cv": 41}, "cv=41 folds of n_samples=40"),
    ({"cv": [([0, 1], [40])]}, "reach from 40 to 40, but X has 40 rows"),
    ({"cv": [([0, 1], [])]}, "at least one row position"),
    ({"cv": [3]}, "split 0 of cv is 3"),
    ({"cv": []}, "cv gives no splits"),
    ({"cv": 3, "store_cv_results": True}, "cv!=None and store_cv_results=True"),
    ({"cv": 3, "alpha_per_target": True}, "cv!=None and alpha_per_target=True"),
    ({"scoring": "beauty"}, "beauty"),
    ({"gcv_mode": "guess"}, "gcv_mode='guess' is unknown"),
]


def test_r2_of_single_rows_is_nan_and_a_warning():
    X, y, _ = next(tables(seed=9))
    for model, says in (
        (fastlr.RidgeCV((1.0, 0.1), cv=LeaveOneOut()), f"{len(y)} of {len(y)} splits"),
        (
            fastlr.RidgeCV((1.0, 0.1), cv=[([0, 1, 2, 3, 4], [5]), ([5, 6], [0, 1])]),
            "1 of 2 splits",
        ),
    ):
        with pytest.warns(fastlr.InputWarning, match=f"The test rows of {says} are a single one"):
            model.fit(X, y)
        assert model.alpha_ == 1.0
        assert np.isnan(model.best_score_)
    model.set_params(scoring="neg_mean_squared_error").fit(X, y)


def test_a_failed_fit_leaves_the_estimator_as_it_was():
    X, y, _ = next(tables(seed=9))
    for fitted, bad in (
        (fastlr.Ridge().fit(X, y), BAD_RIDGES),
        (fastlr.RidgeCV(cv=3).fit(X, y), BAD_SEARCHES),
    ):
        want = fitted.predict(X)
        for options, message in bad:
            before = fitted.get_params()
            fitted.set_params(
                **({"cv": None} if "cv" in before and "cv" not in options else {}), **options
            )
            state = set(vars(fitted)), fitted.coef_
            with pytest.raises((ValueError, TypeError), match=message):
                fitted.fit(X[:, :5], y)
            assert (set(vars(fitted)), fitted.coef_)[0] == state[0]
            assert fitted.coef_ is state[1]
            fitted.set_params(**before)
        with pytest.raises(ValueError, match="NaN"):
            fitted.fit(np.where(X[3, 2] == X, np.nan, X)[:, :4], y)
        np.testing.assert_array_equal(fitted.predict(X), want)


def test_folds_that_overlap_or_miss_rows_are_fitted_split_by_split():
    X, y, _ = next(tables(seed=10))
    n = len(X)
    rows = np.arange(n)
    overlapping = [(rows[10:], rows[:10]), (rows[:30], rows[5:15])]
    missing = [(rows[10:], rows[:10]), (np.r_[rows[:10], rows[20:]], rows[10:20])]
    purged = [(rows[22:], rows[:20]), (rows[:18], rows[20:])]
    for cv in (overlapping, missing, purged):
        model = fastlr.RidgeCV(ALPHAS, cv=cv).fit(X, y)
        assert model.validation_.method == "splits"
        for k, (train, test) in enumerate(cv):
            for j, alpha in enumerate(ALPHAS):
                fit = fastlr.Ridge(alpha).fit(X[train], y[train])
                score = fit.score(X[test], y[test])
                np.testing.assert_allclose(model.validation_.scores[k, j], score, rtol=1e-10)
    halves = [(rows >= 20, rows < 20), (rows < 20, rows >= 20)]
    assert fastlr.RidgeCV(ALPHAS, cv=halves).fit(X, y).validation_.method == "folds"


def test_frames_keep_their_names():
    pandas = pytest.importorskip("pandas")
    X, y, _ = next(tables())
    frame = pandas.DataFrame(X, columns=list("abcde"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for model in (fastlr.Ridge(), fastlr.RidgeCV(), fastlr.RidgeCV(cv=3)):
            model.fit(frame, y)
            assert list(model.feature_names_in_) == list("abcde")
            assert model.fit_.feature_names == tuple("abcde")
            model.predict(frame)
