"""``digits`` where they were once above the truth: weights, moments taken away, dependent columns."""

import warnings

import numpy as np
import pytest

import fastlr
import nist
import rational
from cases import named

pytestmark = [
    pytest.mark.usefixtures("level"),
    pytest.mark.filterwarnings("ignore::fastlr.ConditionWarning"),
    pytest.mark.filterwarnings("ignore::fastlr.RankWarning"),
]

ACCURACIES = ["fast", "auto", "max"]
PRECISIONS = ["double", "double_double"]


def truth_of(fit, exact):
    estimate = [fit.intercept, *fit.coef] if fit.fit_intercept else list(fit.coef)
    return min(map(nist.log_relative_error, map(float, estimate), exact))


def every_fit(X, y, weight=None):
    for accuracy in ACCURACIES:
        yield fastlr.ols(X, y, sample_weight=weight, accuracy=accuracy)
    for precision in PRECISIONS:
        yield fastlr.solve(fastlr.Moments.from_arrays(X, y, weight, precision=precision))


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    return X, X @ [1.0, 2.0] + rng.normal(size=120)


# Weights


@pytest.mark.parametrize("kept", ["some", "few", "late"])
def test_rows_of_weight_zero_may_hold_anything(rows, kept):
    X, y = rows
    row = np.arange(len(y))
    keep = {"some": row % 4 == 0, "few": row % 30 == 7, "late": row >= 100}[kept]
    exact = rational.exact_least_squares(X[keep], y[keep])
    for junk in (-9999.0, 1e7, 1e10, 1e15, 1e30, 1e200):
        with named(f"{junk=}"):
            spoilt, target = np.where(keep[:, np.newaxis], X, junk), np.where(keep, y, -junk)
            for fit in every_fit(spoilt, target, keep * 1.0):
                assert fit.rank == 2
                assert min(13, fit.digits) <= truth_of(fit, exact)
                assert fit.digits <= truth_of(fit, exact)
                assert fit.digits > 12


def test_a_constant_column_is_constant_whatever_rows_of_weight_zero_hold(rows):
    X, y = rows
    keep = np.arange(len(y)) % 4 == 0
    X = np.column_stack([X, np.where(keep, 3.0, 1e200)])
    X[~keep, 0] = 1e200
    fit = fastlr.ols(X, y, sample_weight=keep * 1.0)
    np.testing.assert_allclose(fit.coef[:2], fastlr.ols(X[keep, :2], y[keep]).coef, rtol=1e-14)
    assert fit.coef[2] == 0.0


@pytest.mark.parametrize("heavy", [1e3, 1e6, 1e10, 1e14])
def test_one_heavy_row_costs_no_digits(rows, heavy):
    X, y = rows[0][:20], rows[1][:20]
    weight = np.ones(20)
    weight[10] = heavy
    exact = rational.exact_least_squares(X, y, sample_weight=weight)
    for fit in every_fit(X, y, weight):
        assert 11 < fit.digits <= truth_of(fit, exact)


@pytest.mark.parametrize("decades", [3, 10, 30])
def test_digits_are_never_above_the_truth_with_weights_far_apart(decades):
    rng = np.random.default_rng(decades)
    for _ in range(10):
        n, p = int(rng.integers(8, 40)), int(rng.integers(1, 4))
        X, y = rng.normal(size=(n, p)) + 10 ** rng.uniform(-2, 4), rng.normal(size=n)
        weight = 10 ** rng.uniform(-decades / 2, decades / 2, size=n)
        exact = rational.exact_least_squares(X, y, sample_weight=weight)
        for fit in every_fit(X, y, weight):
            if fit.rank == p:
                assert fit.digits <= truth_of(fit, exact)


# Moments that were taken away


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("size", [1e3, 1e6, 1e9, 1e12])
def test_digits_know_what_moments_were_taken_away_from(rows, precision, size):
    X, y = rows
    far = np.array([[size, 2 * size]])
    with_outlier = fastlr.Moments.from_arrays(
        np.vstack([X, far]), np.append(y, 1.0), precision=precision
    )
    rest = with_outlier - fastlr.Moments.from_arrays(far, [1.0], precision=precision)
    fit = fastlr.solve(fastlr.Moments.from_bytes(rest.to_bytes()))
    if fit.rank == 2:
        assert fit.digits <= truth_of(fit, rational.exact_least_squares(X, y))
    else:
        assert fit.digits == 0.0
    if precision == "double_double" and size <= 1e6:
        assert fit.digits > 14


# Columns that depend on one another


def test_a_constant_column_and_a_dependency_leave_the_minimum_norm():
    x = np.arange(1.0, 7.0)
    X = np.column_stack([x, 2 * x, np.ones(6)])
    y = np.array([1.0, 3.0, 2.0, 5.0, 4.0, 6.0])
    want = fastlr.ols(x[:, np.newaxis], y).coef[0] / 5 * np.array([1.0, 2.0, 0.0])
    for fit in every_fit(X, y):
        np.testing.assert_allclose(fit.coef, want, rtol=1e-13)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_residual_sum_of_squares_of_ridge_is_without_the_penalty(precision, fit_intercept):
    x = np.arange(1.0, 7.0)
    X, y = np.column_stack([x, (x * x) % 7]), np.array([1.0, 3.0, 2.0, 5.0, 4.0, 6.0])
    moments = fastlr.Moments.from_arrays(X, y, precision=precision)
    fit = fastlr.solve(moments, alpha=10.0, fit_intercept=fit_intercept)
    assert fit.rss == pytest.approx(np.sum((y - fit.predict(X)) ** 2), rel=1e-12)
    plain = fastlr.solve(moments, fit_intercept=fit_intercept)
    assert fit.rss > plain.rss == pytest.approx(np.sum((y - plain.predict(X)) ** 2), rel=1e-12)


@pytest.mark.parametrize("noise", [0, 20, 40])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_every_digit_of_the_minimum_norm_is_right(noise, fit_intercept):
    """Coefficients that are small beside others, too."""
    rng = np.random.default_rng(noise)
    for _ in range(4):
        n, p = 18, int(rng.integers(2, 5))
        W = rng.integers(-60, 60, size=(n, p)).astype(float)
        y = W @ rng.integers(-3, 3, size=p) + 2.0**-noise * rng.integers(-2, 3, size=n)
        X = np.column_stack([W, W.sum(axis=1), W[:, 0] - W[:, 1]])
        X *= 2.0 ** rng.integers(-12, 12, size=p + 2)
        exact = rational.exact_minimum_norm(X, y, list(range(p)), fit_intercept=fit_intercept)
        for accuracy in ("auto", "max"):
            fit = fastlr.ols(X, y, accuracy=accuracy, fit_intercept=fit_intercept)
            assert fit.rank == p
            assert 13 < fit.digits <= truth_of(fit, exact)
        moments = fastlr.Moments.from_arrays(X, y, precision="double_double")
        fit = fastlr.solve(moments, fit_intercept=fit_intercept)
        assert fit.digits <= truth_of(fit, exact)


def test_the_minimum_norm_is_right_where_directions_nearly_agree_in_the_units_of_the_data():
    rng = np.random.default_rng(1)
    W = rng.integers(-60, 60, size=(14, 2)).astype(float)
    y = rng.integers(-60, 60, size=14).astype(float)
    X = np.column_stack([W, W.sum(axis=1), W[:, 0] - W[:, 1]]) * 2.0 ** np.array([-15, 12, 8, 10])
    exact = rational.exact_minimum_norm(X, y, [0, 1])
    moments = fastlr.Moments.from_arrays(X, y, precision="double_double")
    for fit in (fastlr.ols(X, y), fastlr.solve(moments)):
        assert 13 < fit.digits <= truth_of(fit, exact)


@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_nothing_is_certain_of_equal_columns_that_are_all_to_be_kept(accuracy):
    X = [[1, 2, 1], [2, 5, 2], [7, 4, 7], [3, 1, 3], [5, 5, 5.0]]
    fit = fastlr.ols(X, [1.0, 2, 0, 4, 9], rank="full", accuracy=accuracy)
    assert (fit.digits, fit.rank, fit.status.code) == (0.0, 3, "ill_conditioned")
    assert "about 0 digits" in fit.status


def test_basic_drops_the_last_column_of_a_dependency_however_small_its_share():
    rng = np.random.default_rng(0)
    a = np.round(rng.normal(size=40) * 2.0**20)
    b = np.round(a + 0.03 * 2.0**20 * rng.normal(size=40))
    c = np.round(a + 2.0**-12 * 2.0**20 * rng.normal(size=40))
    y = rng.normal(size=40)
    for X, dropped in ((np.column_stack([a, b, a - b]), 2), (np.column_stack([a, y, c, a - c]), 3)):
        for accuracy in ("auto", "max"):
            fit = fastlr.ols(X, y, rank="basic", accuracy=accuracy)
            assert list(np.flatnonzero(np.isnan(fit.bse_coef))) == [dropped]
            assert fit.rank == X.shape[1] - 1


# Warnings, and the ends of the range


@pytest.mark.filterwarnings("error::fastlr.ConditionWarning")
def test_an_intercept_that_is_rounding_of_zero_raises_no_warning():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60_000, 3))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    noise = rng.normal(size=60_000)
    for y in (X @ [1, 2, 3] + noise, X @ [1, 2, 3], noise):
        y = y - y.mean()
        for fit in every_fit(X, y):
            assert fit.status.code == "ok"
        assert fastlr.LinearRegression().partial_fit(X, y).status_.code == "ok"


def test_moments_left_of_much_larger_ones_give_a_warning_that_says_so(rows):
    X, y = rows
    far = np.array([[1e7, -2e7]])
    rest = fastlr.Moments.from_arrays(np.vstack([X, far]), np.append(y, 1.0))
    with pytest.warns(fastlr.ConditionWarning, match="left of much larger ones"):
        fastlr.solve(rest - fastlr.Moments.from_arrays(far, [1.0]))


def test_coefficients_above_the_range_are_refused_and_those_below_it_named():
    x, y = np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 2.0, 7.0])
    with pytest.raises(fastlr.InputError, match="coefficient of 'x0' exceeds the range"):
        fastlr.ols(x * 1e-300, y * 1e300)
    for X, target in ((x * 1e300, y * 1e-300), (x, y * 1e-321)):
        with pytest.warns(fastlr.ConditionWarning, match="below the range of float64"):
            fit = fastlr.ols(X, target)
        exact = rational.exact_least_squares(X, target)
        assert fit.digits <= truth_of(fit, exact)


@pytest.mark.parametrize("exponent", [990, -990])
def test_the_likelihood_is_finite_where_sums_of_squares_are_not(exponent):
    rng = np.random.default_rng(3)
    for n, p in ((30, 2), (6, 2)):
        X, y = rng.normal(size=(n, p)), rng.normal(size=n)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            fit = fastlr.ols(X, np.ldexp(y, exponent))
        want = fastlr.ols(X, y).log_likelihood - n * exponent * np.log(2.0)
        assert fit.log_likelihood == pytest.approx(want, rel=1e-12)


def test_basic_keeps_columns_that_differ_by_little_more_than_rounding():
    rng = np.random.default_rng(5)
    Z = rng.normal(size=(4, 6))
    x = Z[:, 0]
    X = np.column_stack([x, x + 1e-12 * Z[:, 1], x, x, 2 * x, -x + 1e-13 * Z[:, 5]])
    fit = fastlr.ols(np.vstack([X] * 3), np.tile(rng.normal(size=4), 3), rank="basic")
    np.testing.assert_array_equal(fit.coef != 0, [True, True, False, False, False, True])
    assert fit.digits > 14


# Many columns, whose rounding errors are taken to be independent


def test_one_pass_over_many_columns_is_as_right_as_it_says():
    rng = np.random.default_rng(4)
    n, p = 3000, 300
    Z = rng.normal(size=(n, p))
    designs = {
        "normal": Z,
        "integers": rng.integers(0, 5, size=(n, p)).astype(float),
        "far from zero": Z + 1e4 * rng.normal(size=p),
        "a common factor": 0.3 * Z + rng.normal(size=(n, 1)),
    }
    for name, X in designs.items():
        y = X.sum(axis=1) + rng.normal(size=n)
        exact = fastlr.ols(X, y, accuracy="max")
        truth = np.append(exact.coef, exact.intercept)
        for accuracy in ("fast", "auto"):
            with named(f"{name}, {accuracy}"):
                fit = fastlr.ols(X, y, accuracy=accuracy)
                off = np.abs(np.append(fit.coef, fit.intercept) - truth)
                assert fit.digits <= -np.log10(max((off / np.abs(truth)).max(), 1e-16))
                if accuracy == "auto":
                    assert np.all(
                        off[:-1] <= 1e-13 * np.maximum(np.abs(exact.coef), exact.bse_coef)
                    )
                    assert fit.passes == 1 or name != "normal"
