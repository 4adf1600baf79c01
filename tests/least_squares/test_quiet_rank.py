"""Dependences that everybody expects get a quiet line; a rule chosen by name is not warned of."""

import warnings

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, PolynomialFeatures

import fastlr
from cases import named

pytestmark = pytest.mark.usefixtures("level")

RNG = np.random.default_rng(0)
N = 120
GROUP, OTHER, SIZE = RNG.integers(0, 5, N), RNG.integers(0, 3, N), RNG.normal(50.0, 9.0, N)
Y = RNG.normal(size=N) + GROUP
DUMMIES, OTHERS = np.eye(5)[GROUP], np.eye(3)[OTHER]
TABLES = {
    "one full set": (np.column_stack([DUMMIES, SIZE]), True, 5),
    "two full sets": (np.column_stack([DUMMIES, OTHERS, SIZE]), True, 7),
    "two full sets, no intercept": (np.column_stack([DUMMIES, OTHERS, SIZE]), False, 8),
    "a constant column": (np.column_stack([np.full(N, 0.1), SIZE]), True, 1),
    "constant and dummies": (np.column_stack([np.ones(N), DUMMIES, SIZE]), True, 5),
    "constant and dummies, no intercept": (np.column_stack([np.full(N, 3.0), DUMMIES]), False, 5),
    "a column of zeros": (np.column_stack([np.zeros(N), SIZE]), False, 1),
    "booleans": (DUMMIES.astype(bool), True, 4),
    "nested groups": (np.column_stack([DUMMIES, DUMMIES[:, :2].sum(axis=1)]), True, 4),
    "an interaction": (
        np.column_stack([DUMMIES, (DUMMIES[:, :, None] * OTHERS[:, None]).reshape(N, -1)]),
        True,
        14,
    ),
}
SURPRISING = {
    "two units": np.column_stack([SIZE, 2.54 * SIZE]),
    "dummies and two units": np.column_stack([DUMMIES, SIZE, 2.54 * SIZE]),
    "shares": (lambda z: z / z.sum(axis=1, keepdims=True))(RNG.uniform(1, 2, size=(N, 3))),
    "three values": np.column_stack([GROUP, 4 - GROUP]),
    "group means": np.column_stack([DUMMIES, DUMMIES @ [3.0, 1.0, 4.0, 1.5, 9.0]]),
}


@pytest.mark.parametrize("accuracy", ["auto", "fast", "max"])
def test_constant_columns_and_complete_dummies_are_no_surprise(accuracy):
    for case, (X, fit_intercept, rank) in TABLES.items():
        with named(case):
            for weight in (None, RNG.uniform(0.5, 2.0, N)):
                fit = fastlr.ols(
                    X, Y, sample_weight=weight, fit_intercept=fit_intercept, accuracy=accuracy
                )
                assert (fit.rank, fit.status.code) == (rank, "rank_deficient")
                assert fit.status.startswith(f"Solved: rank {rank} of {X.shape[1]}, since ")
                assert "\n" not in fit.status
            moments = fastlr.Moments.from_arrays(X, Y)
            assert fastlr.solve(moments, fit_intercept=fit_intercept).status.startswith("Solved")


@pytest.mark.parametrize("case", SURPRISING)
def test_other_dependences_are_warned_of_unless_the_rule_was_chosen(case):
    X = SURPRISING[case]
    with pytest.warns(fastlr.RankWarning, match="within rounding") as caught:
        fit = fastlr.ols(X, Y)
    assert len(caught) == 1
    with pytest.warns(fastlr.RankWarning):
        fastlr.LinearRegression().fit(X, Y)
    chosen = fastlr.ols(X, Y, rank="min_norm")
    np.testing.assert_array_equal(chosen.coef, fit.coef)
    assert chosen.status == fit.status
    model = fastlr.LinearRegression(rank="min_norm").fit(X, Y)
    np.testing.assert_array_equal(model.partial_fit(X, Y).status_.code, "rank_deficient")


def test_fewer_rows_than_columns_are_warned_of():
    with pytest.warns(fastlr.RankWarning, match="4 rows for 5 features"):
        fastlr.ols(DUMMIES[:4], Y[:4])
    fastlr.ols(DUMMIES[:4], Y[:4], rank="min_norm")


def test_a_grid_search_over_scikit_learns_defaults_is_quiet():
    X = np.column_stack([SIZE, RNG.normal(size=N)])
    search = GridSearchCV(
        make_pipeline(PolynomialFeatures(), fastlr.LinearRegression()),
        {"polynomialfeatures__degree": [1, 2]},
    )
    bins = make_pipeline(
        KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf"),
        fastlr.LinearRegression(),
    )
    one_hot = make_pipeline(OneHotEncoder(sparse_output=False), fastlr.LinearRegression())
    with warnings.catch_warnings():
        warnings.simplefilter("error", fastlr.RankWarning)
        search.fit(X, Y)
        bins.fit(X, Y)
        one_hot.fit(np.column_stack([GROUP, OTHER]), Y)


def test_a_rule_for_rank_must_exist():
    with pytest.raises(fastlr.InputError, match="rank='svd'"):
        fastlr.ols(DUMMIES, Y, rank="svd")
    with pytest.raises(fastlr.InputError, match="rank=1"):
        fastlr.LinearRegression(rank=1).fit(DUMMIES, Y)
