"""Fewer rows than columns, where the fit was once wrong or said so too late."""

import warnings

import numpy as np
import pytest

import fastlr
import nist
import rational

pytestmark = [
    pytest.mark.usefixtures("level"),
    pytest.mark.filterwarnings("ignore::fastlr.RankWarning"),
]


def truth_of(fit, X, y):
    exact = rational.exact_wide(X, y, fit.fit_intercept)
    estimate = [fit.intercept, *fit.coef] if fit.fit_intercept else list(fit.coef)
    return min(map(nist.log_relative_error, map(float, estimate), exact))


@pytest.mark.parametrize("rank", ["min_norm", "basic"])
@pytest.mark.parametrize(
    ("X", "y", "weight"),
    [
        ([[1.0, 2, 3]], [2.0], None),
        ([[1.0, 2, 3], [1, 2, 3]], [2.0, 3], None),
        ([[0.1, 0.2, 0.3, 0.7, 1e8 + 0.3]] * 4, [2.0, 3, 1, 5], None),
        ([[1.0, 2, 3, 7], [4, 1, 2, 9], [0, 1, 1, 5]], [2.0, 3, 1], [0, 1, 0]),
    ],
)
def test_rows_that_do_not_differ_leave_the_mean(X, y, weight, rank):
    fit = fastlr.ols(X, y, sample_weight=weight, rank=rank)
    assert fit.rank == 0
    np.testing.assert_array_equal(fit.coef, 0.0)
    assert fit.intercept == pytest.approx(np.average(y, weights=weight), rel=1e-15)
    assert fastlr.LinearFit.from_dict(fit.to_dict()).rank == 0


def test_digits_of_wide_fits_are_those_of_the_intercept_too():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(5, 9)) + 100
    y = X @ rng.normal(size=9)
    for _ in range(3):  # an intercept that is nearly zero, beside terms of a hundred
        y = y - float(rational.exact_wide(X, y, True)[0])
    y += 1e-10
    for accuracy in ("fast", "auto", "max"):
        fit = fastlr.ols(X, y, accuracy=accuracy)
        assert fit.digits <= truth_of(fit, X, y)
    assert fit.digits > 14


@pytest.mark.parametrize("size", [1e3, 1e6, 1e9, 1e12, 1e15, 1e17, 1e20])
def test_digits_of_wide_fits_survive_one_large_column(size):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(4, 7)), rng.normal(size=4)
    X[:, 0] *= size
    fit = fastlr.ols(X, y)
    assert fit.digits <= truth_of(fit, X, y)
    assert fit.digits > 14


@pytest.mark.parametrize("heavy", [1e6, 1e12, 1e20])
def test_independent_rows_are_met_whatever_they_weigh(heavy):
    rng = np.random.default_rng(3)
    X, y, weight = rng.normal(size=(5, 9)), rng.normal(size=5), np.ones(5)
    weight[2] = heavy
    fit = fastlr.ols(X, y, sample_weight=weight)
    assert 14.5 < fit.digits <= truth_of(fit, X, y)
    assert fit.feature_mean[0] == pytest.approx(np.average(X[:, 0], weights=weight), rel=1e-12)
    # Two rows at one place: their weighted mean is what can be met.
    X, target = np.vstack([X, X[0]]), np.append(y, y[0] + 1.0)
    fit = fastlr.ols(X, target, sample_weight=np.append(weight, 3.0))
    y[0] += 0.75
    assert fit.digits <= truth_of(fit, X[:5], y)
    if heavy <= 1e12:
        assert fit.rss == pytest.approx(0.75, rel=1e-12)


def test_wide_rows_of_weight_zero_may_hold_anything():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(5, 9)), rng.normal(size=5)
    junk = np.vstack([X, np.full(9, 1e200)])
    fit = fastlr.ols(junk, np.append(y, 1e200), sample_weight=[1, 1, 1, 1, 1, 0])
    np.testing.assert_array_equal(fit.coef, fastlr.ols(X, y).coef)
    assert fit.tss == pytest.approx(np.sum((y - y.mean()) ** 2), rel=1e-14)
    assert fit.n_samples == 5
    with pytest.raises(fastlr.InputError, match="Input X contains NaN"):
        fastlr.ols(junk * np.nan, np.append(y, 1.0), sample_weight=[1, 1, 1, 1, 1, 0])


def test_wide_targets_of_any_size_raise_no_warnings_of_numpy():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(5, 9)), rng.normal(size=5)
    want = fastlr.ols(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for exponent in (990, -990):
            fit = fastlr.ols(X, np.ldexp(y, exponent))
            np.testing.assert_array_equal(np.ldexp(fit.coef, -exponent), want.coef)


def test_basic_keeps_columns_that_nearly_depend_on_earlier_ones():
    rng = np.random.default_rng(6)
    X = np.round(rng.normal(size=(4, 7)) * 2.0**20)
    X[:, 1] = X[:, 0] + 2.0**-20 * X[:, 1]
    X[:, 2] = X[:, 0]
    fit = fastlr.ols(X, rng.normal(size=4), rank="basic")
    np.testing.assert_array_equal(fit.coef != 0, [True, True, False, True, False, False, False])
