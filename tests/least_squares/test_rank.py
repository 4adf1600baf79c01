"""Columns that depend on one another, and fewer rows than columns."""

import warnings

import numpy as np
import pytest

import fastlr
import nist
import rational
from exact_fits import ExactFit

pytestmark = pytest.mark.usefixtures("level")

NAMES = ["a", "b", "c", "total"]


@pytest.fixture
def rows():
    rng = np.random.default_rng(8)
    Z = rng.integers(-50, 50, size=(60, 3)).astype(float)
    return np.column_stack([Z, Z[:, 0] + Z[:, 1]]), rng.normal(size=60)


def fit_quietly(X, y, **options):
    with pytest.warns(fastlr.RankWarning):
        return fastlr.ols(X, y, **options)


@pytest.mark.parametrize("accuracy", ["fast", "auto", "max"])
def test_one_warning_names_the_dependency(rows, accuracy):
    X, y = rows
    with pytest.warns(fastlr.RankWarning) as caught:
        fit = fastlr.ols(X, y, feature_names=NAMES, accuracy=accuracy)
    assert len(caught) == 1
    assert "rank 3 of 4: total = 1 a + 1 b within rounding" in str(caught[0].message)
    assert (fit.rank, fit.solver, fit.status.code) == (3, "minimum_norm", "rank_deficient")
    assert fit.status == str(caught[0].message)


def test_the_minimum_norm_is_that_of_coefficients_with_the_intercept_free(rows):
    X, y = rows
    fit = fit_quietly(X + 1000.0, y)
    centred = X - X.mean(axis=0)
    np.testing.assert_allclose(fit.coef, np.linalg.pinv(centred) @ (y - y.mean()), rtol=1e-9)
    residuals = fit.residuals(X + 1000.0, y)
    assert abs(residuals.sum()) < 1e-10


def test_standard_errors_exist_where_no_dependency_reaches(rows):
    X, y = rows
    fit = fit_quietly(X, y)
    assert np.isnan(fit.bse_coef[[0, 1, 3]]).all()
    without = fastlr.ols(X[:, :3], y)
    assert fit.bse_coef[2] == pytest.approx(without.bse_coef[2], rel=1e-12)
    assert fit.residual_sd == pytest.approx(without.residual_sd, rel=1e-12)


def test_basic_keeps_the_first_columns(rows):
    X, y = rows
    fit = fit_quietly(X, y, rank="basic")
    without = fastlr.ols(X[:, :3], y)
    np.testing.assert_array_equal(fit.coef, [*without.coef, 0.0])
    np.testing.assert_array_equal(fit.bse_coef, [*without.bse_coef, np.nan])
    assert fit.intercept == without.intercept
    assert (fit.solver, fit.rank) == ("basic", 3)
    np.testing.assert_allclose(fit.predict(X), fit_quietly(X, y).predict(X), rtol=1e-9, atol=1e-12)


def test_raise_is_a_linear_algebra_error(rows):
    X, y = rows
    with pytest.raises(np.linalg.LinAlgError, match="total = 1 a \\+ 1 b"):
        fastlr.ols(X, y, feature_names=NAMES, rank="raise")
    assert fastlr.ols(X[:, :3], y, rank="raise").rank == 3
    with pytest.raises(np.linalg.LinAlgError):
        fastlr.LinearRegression(rank="raise").fit(X, y)


def test_full_does_not_truncate_what_the_offset_hides():
    """Columns that differ by less than the rounding of their offset, and still by something exact."""
    rng = np.random.default_rng(1)
    x = rng.integers(-100, 100, size=50).astype(float)
    X = np.column_stack([x, x + rng.integers(-1, 2, size=50) * 2.0**-27]) + 2.0**26
    y = rng.normal(size=50)
    assert fit_quietly(X, y).rank == 1
    with pytest.warns(fastlr.ConditionWarning):
        fit = fastlr.ols(X, y, rank="full")
    exact = rational.exact_least_squares(X, y)
    assert fit.rank == 2
    assert min(map(nist.log_relative_error, [fit.intercept, *map(float, fit.coef)], exact)) > 14


def test_constant_columns_get_no_weight(rows):
    X, y = rows
    X = np.column_stack([X[:, :2], np.full(60, 0.1), X[:, 2]])
    fit = fastlr.ols(X, y)
    np.testing.assert_array_equal(fit.coef[[0, 1, 3]], fastlr.ols(X[:, [0, 1, 3]], y).coef)
    assert fit.coef[2] == 0.0
    assert "x2 is constant" in fit.status
    assert np.isnan(fit.bse_coef[2])
    assert not np.isnan(fit.bse_coef[[0, 1, 3]]).any()


def test_a_constant_target_has_no_slope(rows):
    X, _ = rows
    fit = fastlr.ols(X[:, :3], np.full(60, 0.1))
    np.testing.assert_allclose(fit.coef, 0.0, atol=1e-17)
    assert fit.intercept == pytest.approx(0.1, rel=1e-15)


def test_the_estimator_says_the_same(rows):
    X, y = rows
    with pytest.warns(fastlr.RankWarning):
        model = fastlr.LinearRegression(rank="basic", accuracy="max").fit(X, y)
    fit = model.fit_
    assert (model.solver_, model.rank_, model.digits_) == ("basic", 3, fit.digits)
    assert (model.passes_, model.status_) == (fit.passes, fit.status)
    assert model.condition_number_ == fit.condition_number


# Fewer rows than columns


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(
    ("n", "p", "offset"), [(5, 12, 0), (8, 20, 1e6), (10, 11, 3), (6, 40, 1e8)]
)
def test_wide_data_give_the_minimum_norm_to_all_digits(n, p, offset, fit_intercept):
    rng = np.random.default_rng(n)
    X, y = rng.normal(size=(n, p)) + offset, rng.normal(size=n) + offset
    fit = fit_quietly(X, y, fit_intercept=fit_intercept)
    estimate = [fit.intercept, *fit.coef] if fit_intercept else list(fit.coef)
    exact = rational.exact_wide(X, y, fit_intercept)
    truth = min(map(nist.log_relative_error, map(float, estimate), exact))
    assert 14 <= truth >= fit.digits
    assert fit.rank == n - fit_intercept
    assert f"{n} rows for {p} features" in fit.status


def test_wide_data_of_any_layout_and_size_give_the_same():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 300)), rng.normal(size=(9, 2))
    want = fit_quietly(X, y)
    frame = {f"x{j}": column for j, column in enumerate(X.T)}
    for other in (np.asfortranarray(X), frame):
        np.testing.assert_array_equal(fit_quietly(other, y).coef, want.coef)
    tall = fastlr.reference.minimum_norm(X, y)
    np.testing.assert_allclose(want.coef, tall.coef, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(want.intercept, tall.intercept, rtol=1e-12)
    huge = fit_quietly(np.ldexp(X, 990), y)
    np.testing.assert_array_equal(np.ldexp(huge.coef, 990), want.coef)
    np.testing.assert_allclose(want.feature_std, X.std(axis=0), rtol=1e-13)


def test_wide_data_with_weights():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(12, 30)), rng.normal(size=12)
    X[1] = X[0]  # two measurements of one row: their weighted mean is what can be fitted
    weight = rng.integers(0, 4, size=12)
    weight[:2] = 1, 3
    weighted = fit_quietly(X, y, sample_weight=weight)
    repeated = fit_quietly(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-12)
    assert weighted.rank == repeated.rank == np.count_nonzero(weight) - 2
    assert weighted.rss == pytest.approx(0.75 * (y[0] - y[1]) ** 2)
    assert weighted.predict(X)[0] == pytest.approx((y[0] + 3 * y[1]) / 4)


def test_wide_data_basic_full_and_raise():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(6, 15)), rng.normal(size=6)
    basic = fit_quietly(X, y, rank="basic")
    np.testing.assert_array_equal(basic.coef[5:], 0.0)
    np.testing.assert_allclose(basic.predict(X), y, rtol=1e-12)
    for rule in ("full", "raise"):
        with pytest.raises(np.linalg.LinAlgError, match="6 rows"):
            fastlr.ols(X, y, rank=rule)


def test_partial_fit_goes_on_after_wide_data():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(100, 8)), rng.normal(size=100)
    with pytest.warns(fastlr.RankWarning):
        model = fastlr.LinearRegression().fit(X[:5], y[:5])
    model.partial_fit(X[5:], y[5:])
    np.testing.assert_allclose(model.coef_, fastlr.ols(X, y).coef, rtol=1e-11)


@pytest.mark.parametrize("where", ["X", "y"])
def test_wide_data_with_a_nan_are_refused(where):
    X, y = np.ones((3, 5)), np.arange(3.0)
    (X if where == "X" else y).flat[1] = np.nan
    with pytest.raises(fastlr.InputError, match=f"Input {where} contains NaN"):
        fastlr.ols(X, y)


def test_partial_fit_follows_the_rule_for_rank(rows):
    X, y = rows
    with pytest.warns(fastlr.RankWarning):
        model = fastlr.LinearRegression(rank="basic").fit(X[:30], y[:30])
    with pytest.warns(fastlr.RankWarning):
        model.partial_fit(X[30:], y[30:])
    np.testing.assert_allclose(model.coef_, [*fastlr.ols(X[:, :3], y).coef, 0.0], rtol=1e-12)
    assert (model.solver_, model.rank_) == ("basic", 3)
    model = fastlr.LinearRegression(rank="raise").fit(X[:30, :3], y[:30])
    model.partial_fit(X[30:, :3], y[30:])
    X[:, 2] = X[:, 0]
    model = fastlr.LinearRegression(rank="raise")
    with pytest.raises(np.linalg.LinAlgError):
        model.fit(X[:30, :3], y[:30])


@pytest.mark.parametrize("accuracy", ["fast", "auto", "max"])
def test_a_constant_column_is_one_rank_less_at_every_accuracy(rows, accuracy):
    X, y = rows
    X = np.column_stack([X[:, :2], np.full(60, 0.1)])
    fit = fastlr.ols(X, y, accuracy=accuracy)
    assert (fit.rank, fit.solver, fit.coef[2]) == (2, "minimum_norm", 0.0)
    assert "x2 is constant" in fit.status
    zero = fastlr.ols(X * [1, 1, 0], y, accuracy=accuracy, fit_intercept=False)
    assert "x2 is zero" in zero.status
    full = fastlr.ols(X, y, accuracy=accuracy, rank="full")
    assert "do not vary were set to 0" in full.status


def fit_in_silence(*arguments, how=fastlr.ols, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return how(*arguments, **options)


def test_condition_numbers_are_those_of_columns_of_unit_length_by_every_way():
    """Tall, wide, dependent, from moments: one definition."""
    rng = np.random.default_rng(0)
    for n, p, r in ((60, 5, 5), (150, 60, 58), (30, 60, 29), (10, 12, 9), (40, 40, 39)):
        X = (rng.integers(-3, 4, size=(n, r)) @ rng.integers(-2, 3, size=(r, p))).astype(float)
        X *= 2.0 ** rng.integers(-9, 9, size=p)
        y = rng.normal(size=n)
        Z = X - X.mean(axis=0)
        Z = Z[:, np.linalg.norm(Z, axis=0) > 0]
        singular = np.linalg.svd(Z / np.linalg.norm(Z, axis=0), compute_uv=False)
        for rank in ("min_norm", "basic"):
            fit = fit_in_silence(X, y, rank=rank)
            assert fit.condition_number == pytest.approx(
                singular[0] / singular[fit.rank - 1], rel=0.01
            )


def test_basic_has_the_digits_and_the_sum_of_squares_of_the_smallest_norm():
    """Also where columns depend on one another only up to their rounding."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        Z = rng.normal(size=(60, 3))
        X = np.column_stack([Z, Z @ rng.normal(size=3)])[:, rng.permutation(4)]
        y = rng.normal(size=60)
        basic, shortest = fit_in_silence(X, y, rank="basic"), fit_in_silence(X, y)
        assert basic.rss == pytest.approx(shortest.rss, rel=1e-15)
        assert basic.digits > shortest.digits - 1
        assert list(np.flatnonzero(basic.coef == 0)) == [3]


@pytest.mark.parametrize("heavy", [1e8, 1e12, 1e16, 1e20])
def test_basic_keeps_the_first_columns_whatever_rows_weigh(heavy):
    rng = np.random.default_rng(5)
    Z = rng.integers(-5, 6, size=(40, 4)).astype(float)
    X = np.column_stack([Z, Z[:, 0] + Z[:, 1]])
    weight = np.ones(40)
    weight[3] = heavy
    fit = fit_in_silence(
        X, rng.normal(size=40), sample_weight=weight, fit_intercept=False, rank="basic"
    )
    assert list(np.flatnonzero(fit.coef == 0)) == [4]


def test_no_standard_error_for_a_column_that_a_dependency_involves_by_however_little():
    rng = np.random.default_rng(0)
    Z = rng.integers(-9, 10, size=(60, 3)).astype(float)
    y = rng.normal(size=60)
    for exponent in (0, 25, 28, 45):
        X = np.column_stack([Z, Z[:, 0] + 2.0**exponent * Z[:, 1]])
        bse = fit_in_silence(X, y).bse_coef
        np.testing.assert_array_equal(np.isnan(bse), [True, True, False, True])


def test_the_intercept_has_a_standard_error_where_columns_nearly_agree():
    rng = np.random.default_rng(4)
    x = rng.normal(size=40)
    for decimals in (3, 5, 7, 9):
        X = np.column_stack([x, x + 10.0**-decimals * (rng.normal(size=40) + 3)])
        y = rng.normal(size=40)
        fit = fit_in_silence(X, y)
        of_intercept, of_slopes = ExactFit(X, y).standard_errors(0)
        np.testing.assert_allclose(fit.bse_intercept, float(of_intercept), rtol=1e-10)
        np.testing.assert_allclose(fit.bse_coef, np.array(of_slopes, dtype=float), rtol=1e-10)
        assert fit.bse_digits > 9


def test_polynomials_of_few_points_far_from_zero_are_fitted_right():
    x = np.repeat(1e4 + np.arange(3.0), 5)
    y = np.random.default_rng(0).normal(size=15)
    fit = fit_in_silence(x, y, 3, how=fastlr.polyfit)
    within = sum(np.var(y[x == value]) * 5 for value in np.unique(x))
    assert fit.rank == 2
    assert fit.rss == pytest.approx(within, rel=1e-9)


@pytest.mark.parametrize("size", [1e6, 3e6, 1e7, 3e7])
def test_moments_of_which_nothing_is_left_are_solved(size):
    rng = np.random.default_rng(0)
    taken, left = rng.normal(size=(300, 60)) * size, rng.normal(size=(200, 60))
    far = fastlr.Moments.from_arrays(taken, taken[:, 0])
    rest = far + fastlr.Moments.from_arrays(left, left.sum(axis=1)) - far
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = fastlr.solve(rest)
    assert fit.rank <= 60
    assert np.isfinite(fit.coef).all()
    assert fit.digits <= 4
