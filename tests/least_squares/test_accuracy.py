"""The ladder through the public front: right digits, honest estimates, and what must not change them."""

import functools
import itertools
import warnings

import numpy as np
import pytest

import fastlr
import hard_cases
import nist
import rational
from cases import named

CASES = {case.name: case for case in hard_cases.cases()}

pytestmark = [
    pytest.mark.usefixtures("level"),
    pytest.mark.filterwarnings("ignore::fastlr.ConditionWarning"),
    pytest.mark.filterwarnings("ignore::fastlr.RankWarning"),
]


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(150, 4)) * [1.0, 10.0, 0.1, 3.0] + [0.0, 100.0, 5.0, -2.0]
    return X, X @ [1.0, -2.0, 30.0, 0.5] + 4.0 + rng.normal(size=150)


# Digits


@pytest.mark.parametrize("accuracy", ["auto", "max"])
def test_nist_problems_are_right_to_fourteen_digits_and_a_half(accuracy):
    for name in nist.NAMES:
        with named(name):
            problem = nist.load(name)
            fit = fastlr.ols(
                problem.X, problem.y, fit_intercept=problem.fit_intercept, accuracy=accuracy
            )
            assert nist.right_digits(problem, fit.coef, fit.intercept) >= 14.5
            assert fit.rank == problem.X.shape[1]
            assert fit.digits > 14.5
            is_collinear = fit.condition_number > 1e3
            assert is_collinear == name.startswith(("Filip", "Wampler"))
            assert fit.solver == ("preconditioned" if is_collinear else "refined")


def test_standard_errors_and_residual_sd_are_the_certified_ones():
    for name in nist.NAMES:
        with named(name):
            problem = nist.load(name)
            fit = fastlr.ols(problem.X, problem.y, fit_intercept=problem.fit_intercept)
            # Rounding of the design is all the residual there is.
            if problem.certified["residual_sd"] == 0:
                assert fit.residual_sd < 1e-10
                continue
            # Filip's rounded design is another problem than the certified one from the eighth digit on.
            rtol = 1e-7 if name == "Filip" else 1e-9
            bse = [fit.bse_intercept, *fit.bse_coef] if problem.fit_intercept else fit.bse_coef
            np.testing.assert_allclose(bse, problem.certified["se"], rtol=rtol)
            assert fit.residual_sd == pytest.approx(problem.certified["residual_sd"], rel=rtol)


def test_hard_cases_are_right():
    for name, case in CASES.items():
        with named(name):
            fit = fastlr.ols(case.X, case.y, fit_intercept=case.fit_intercept)
            assert fit.rank == case.rank
            assert case.right_digits(fit.coef, fit.intercept) >= (
                13.0 if case.is_deficient else 14.0
            )


def random_problem(rng):
    """Condition numbers to 1e13, offsets to 1e8 standard deviations, scales apart, any share of noise."""
    n, p = int(rng.integers(12, 50)), int(rng.integers(1, 6))
    U = np.linalg.qr(rng.normal(size=(n, p)))[0]
    V = np.linalg.qr(rng.normal(size=(p, p)))[0]
    X = (U * np.geomspace(1, 10 ** -rng.uniform(0, 13), p)) @ V.T
    X = X / np.linalg.norm(X, axis=0) * np.sqrt(n)
    if rng.random() < 0.5:
        X = X * 10 ** rng.uniform(-5, 5, size=p)
    offset = 10 ** rng.uniform(-2, 8)
    if rng.random() < 0.5:
        X = X + offset * X.std(axis=0) * rng.choice([-1, 1], size=p)
    y = X @ rng.normal(size=p)
    y = y + 10 ** rng.uniform(-8, 2) * y.std() * rng.normal(size=n) + offset * (rng.random() < 0.3)
    return X, y, bool(rng.random() < 0.8)


def is_dependent_within_rounding(X, fit_intercept, *, of_moments):
    """Whether singular values of the columns at unit length lie below the rounding of data, or of their products."""
    Z = X.astype(np.longdouble)
    Z = Z - Z.mean(axis=0) * fit_intercept
    length = np.sqrt((Z**2).sum(axis=0))
    offset = np.sqrt(len(X)) * np.abs(X.mean(axis=0)) / length * fit_intercept
    smallest = np.linalg.svd((Z / length).astype(float), compute_uv=False)[-1]
    level = 2e-7 if of_moments else 16 * 2.0**-53 * np.hypot(np.linalg.norm(offset), X.shape[1])
    return smallest <= level


@functools.cache
def random_problems():
    """Problems with their exact coefficients, once for every accuracy and level."""
    rng = np.random.default_rng(2026)
    drawn = [random_problem(rng) for _ in range(150)]
    return [(*p, rational.exact_least_squares(*p[:2], fit_intercept=p[2])) for p in drawn]


@pytest.mark.parametrize("accuracy", ["fast", "auto", "max"])
def test_digits_are_never_above_the_truth_and_seldom_far_below(accuracy):
    gaps = []
    for X, y, fit_intercept, exact in random_problems():
        fit = fastlr.ols(X, y, fit_intercept=fit_intercept, accuracy=accuracy)
        if fit.rank < X.shape[1]:
            assert is_dependent_within_rounding(X, fit_intercept, of_moments=accuracy == "fast")
            assert fit.digits == 0 or accuracy != "fast"
            continue
        estimate = [fit.intercept, *fit.coef] if fit_intercept else list(fit.coef)
        truth = min(map(nist.log_relative_error, map(float, estimate), exact))
        assert fit.digits <= truth
        gaps.append(truth - fit.digits)
        if accuracy != "fast":
            assert truth >= 14
    assert np.median(gaps) <= 3


def test_fast_is_one_pass_and_says_what_it_is_worth():
    problem = nist.load("Wampler3")
    fit = fastlr.ols(problem.X, problem.y, accuracy="fast")
    assert (fit.solver, fit.passes) == ("normal", 1)
    assert fit.digits <= nist.right_digits(problem, fit.coef, fit.intercept) < 9


@pytest.mark.parametrize("condition", [1e7, 1e8, 1e10])
def test_clearly_independent_columns_take_few_passes(condition):
    rng = np.random.default_rng(0)
    basis, rotation = (np.linalg.qr(rng.normal(size=(n, 8)))[0] for n in (3000, 8))
    X = (basis * np.geomspace(1, 1 / condition, 8)) @ rotation.T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastlr.ConditionWarning)
        fit = fastlr.ols(X, rng.normal(size=3000))
    assert (fit.solver, fit.rank) == ("preconditioned", 8)
    assert fit.passes <= 8


def test_auto_reads_large_and_easy_data_once():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60_000, 4))
    y = X.sum(axis=1) + rng.normal(size=60_000)
    easy = fastlr.ols(X, y)
    assert (easy.solver, easy.passes) == ("normal", 1)
    assert fastlr.ols(X, y, accuracy="max").solver == "refined"
    X[:, 3] = X[:, 2] + 1e-2 * X[:, 3]
    assert fastlr.ols(X, y).solver == "refined"
    X[:, 3] = X[:, 2] + 1e-3 * (X[:, 3] - X[:, 2])
    assert fastlr.ols(X, y).solver == "preconditioned"
    # A sum of squares that cancels in the moments deserves a sweep, too.
    assert fastlr.ols(X[:, :3], X[:, :3].sum(axis=1) + 1e-6 * y).solver == "refined"


def test_an_unknown_word_is_an_error(rows):
    X, y = rows
    with pytest.raises(fastlr.InputError, match="accuracy='best' is unknown"):
        fastlr.ols(X, y, accuracy="best")
    with pytest.raises(fastlr.InputError, match="rank='svd' is unknown"):
        fastlr.ols(X, y, rank="svd")


# What must not change the answer


EXPONENTS = [[3, -40, 17, 0, 5], [500, -500, 0, 30, -400], [990, 990, 990, 990, 990]]


@pytest.mark.parametrize("accuracy", ["fast", "auto", "max"])
def test_scaling_by_powers_of_two_changes_no_bit(rows, accuracy):
    for fit_intercept, exponents in itertools.product((True, False), EXPONENTS):
        with named(f"{fit_intercept=}, {exponents=}"):
            X, y = rows
            options = {"accuracy": accuracy, "fit_intercept": fit_intercept}
            plain = fastlr.ols(X, y, **options)
            scaled = fastlr.ols(np.ldexp(X, exponents[:4]), np.ldexp(y, exponents[4]), **options)
            back = np.array(exponents[:4]) - exponents[4]
            np.testing.assert_array_equal(np.ldexp(scaled.coef, back), plain.coef)
            np.testing.assert_array_equal(np.ldexp(scaled.bse_coef, back), plain.bse_coef)
            assert np.ldexp(scaled.intercept, -exponents[4]) == plain.intercept
            assert np.ldexp(scaled.residual_sd, -exponents[4]) == plain.residual_sd
            assert scaled.digits == plain.digits
            # Squares that leave the range cost a pass.
            assert 0 <= scaled.passes - plain.passes <= 1


def test_weights_times_a_power_of_four_change_no_coefficient(rows):
    X, y = rows
    weight = np.random.default_rng(0).uniform(size=len(y))
    a, b = (fastlr.ols(X, y, sample_weight=w) for w in (weight, 2.0**20 * weight))
    np.testing.assert_array_equal(a.coef, b.coef)
    assert a.intercept == b.intercept


def test_order_of_columns_changes_the_last_digit_at_most(rows):
    X, y = rows
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(
        fastlr.ols(X[:, order], y).coef, fastlr.ols(X, y).coef[order], rtol=4e-16
    )


def test_order_of_rows_changes_the_last_digit_at_most(rows):
    X, y = rows
    order = np.random.default_rng(0).permutation(len(y))
    np.testing.assert_allclose(
        fastlr.ols(X[order], y[order]).coef, fastlr.ols(X, y).coef, rtol=4e-16
    )


def test_integer_weights_are_repeated_rows_and_zero_weights_dropped_ones(rows):
    X, y = rows
    weight = np.random.default_rng(1).integers(0, 4, size=len(y))
    weighted = fastlr.ols(X, y, sample_weight=weight)
    repeated = fastlr.ols(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-14)
    np.testing.assert_allclose(weighted.intercept, repeated.intercept, rtol=1e-14)
    np.testing.assert_allclose(weighted.rss, repeated.rss, rtol=1e-13)
    keep = weight > 0
    dropped = fastlr.ols(X[keep], y[keep], sample_weight=weight[keep])
    np.testing.assert_allclose(weighted.coef, dropped.coef, rtol=1e-14)
    np.testing.assert_allclose(weighted.bse_coef, dropped.bse_coef, rtol=1e-13)


def test_weights_are_exact(rows):
    X, y = rows
    weight = np.random.default_rng(1).uniform(size=len(y))
    fit = fastlr.ols(X, y, sample_weight=weight)
    exact = rational.exact_least_squares(X, y, sample_weight=weight)
    assert min(map(nist.log_relative_error, [fit.intercept, *map(float, fit.coef)], exact)) > 14.9


@pytest.mark.parametrize("n_threads", [2, 3, 5, 8])
@pytest.mark.parametrize("decimals", [0, 9])
def test_threads_change_no_bit(n_threads, decimals):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 5))
    X[:, 4] = X[:, 0] + 10.0**-decimals * X[:, 4]
    y = rng.normal(size=20_000)
    one = fastlr.ols(X, y, accuracy="max", n_threads=1)
    more = fastlr.ols(X, y, accuracy="max", n_threads=n_threads)
    np.testing.assert_array_equal(more.coef, one.coef)
    np.testing.assert_array_equal(more.bse_coef, one.bse_coef)
    assert more.intercept == one.intercept


def test_memory_layout_changes_no_bit(rows):
    X, y = rows
    want = fastlr.ols(X, y).coef
    frame = {f"x{j}": np.repeat(column, 3)[::3] for j, column in enumerate(X.T)}
    for other in (np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], frame):
        np.testing.assert_array_equal(fastlr.ols(other, y).coef, want)


def test_targets_are_fitted_as_if_alone(rows):
    X, y = rows
    targets = np.column_stack([y, X[:, 0] ** 2, np.zeros_like(y)])
    together = fastlr.ols(X, targets)
    for k in range(3):
        alone = fastlr.ols(X, targets[:, k])
        np.testing.assert_array_equal(together.coef[k], alone.coef)
        np.testing.assert_array_equal(together.bse_coef[k], alone.bse_coef)
        assert together.intercept[k] == alone.intercept


# The ends of the range


@pytest.mark.parametrize("size", [1e300, 1e-300, 1e150, 1e-160])
def test_columns_of_any_size_are_solved(rows, size):
    X, y = rows
    exact = rational.exact_least_squares(X[:, :2] * [size, 1.0], y)
    for fit in (
        fastlr.ols(X[:, :2] * [size, 1.0], y),
        fastlr.solve(fastlr.Moments.from_arrays(X[:, :2] * [size, 1.0], y)),
    ):
        estimate = [fit.intercept, *map(float, fit.coef)]
        assert min(map(nist.log_relative_error, estimate, exact)) > 11
        assert fit.feature_std[0] == pytest.approx(size * X[:, 0].std())


def test_targets_of_any_size_are_solved(rows):
    X, y = rows
    for size in (2.0**990, 2.0**-1000):
        fit = fastlr.ols(X, y * size)
        np.testing.assert_array_equal(fit.coef / size, fastlr.ols(X, y).coef)


def test_columns_of_denormal_numbers_count_as_constant(rows):
    X, y = rows
    with pytest.warns(fastlr.RankWarning, match="x4 is constant"):
        fit = fastlr.ols(np.column_stack([X, np.arange(150) * 5e-324]), y)
    assert fit.coef[4] == 0.0


# Warnings


def test_nearly_dependent_columns_warn_and_stay(rows):
    X, y = rows
    near = np.column_stack([X, X[:, 0] + 1e-9 * np.random.default_rng(1).normal(size=150)])
    with pytest.warns(fastlr.ConditionWarning, match="nearly depend"):
        fit = fastlr.ols(near, y)
    assert fit.rank == 5
    assert fit.digits > 14


def test_refined_fits_of_moderate_condition_do_not_warn(rows):
    X, y = rows
    near = np.column_stack([X, X[:, 0] + 1e-6 * np.random.default_rng(1).normal(size=150)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fastlr.ols(near, y).condition_number > 1e5
    with pytest.warns(fastlr.ConditionWarning):
        fastlr.ols(near, y, accuracy="fast")


# Moments in double-double


def test_moments_in_double_double_lose_digits_of_thirty():
    for name in nist.NAMES:
        with named(name):
            problem = nist.load(name)
            half = len(problem.y) // 2
            parts = [
                fastlr.Moments.from_arrays(problem.X[s], problem.y[s], precision="double_double")
                for s in (slice(half), slice(half, None))
            ]
            moments = fastlr.Moments.from_bytes((parts[0] + parts[1]).to_bytes())
            assert moments.precision == "double_double"
            fit = fastlr.solve(moments, fit_intercept=problem.fit_intercept)
            digits = nist.right_digits(problem, fit.coef, fit.intercept)
            assert digits >= (12.5 if name == "Filip" else 14.5)
            assert fit.digits <= digits


def test_moments_of_another_precision_cannot_be_added(rows):
    X, y = rows
    a = fastlr.Moments.from_arrays(X, y)
    b = fastlr.Moments.from_arrays(X, y, precision="double_double")
    with pytest.raises(fastlr.InputError, match="precision 'double' and of 'double_double'"):
        a + b
    with pytest.raises(fastlr.InputError, match="precision='quad' is unknown"):
        fastlr.Moments.from_arrays(X, y, precision="quad")


def test_moments_in_double_double_update_subtract_and_select(rows):
    X, y = rows
    make = {"precision": "double_double"}
    whole = fastlr.Moments.from_arrays(X, y, **make)
    stream = fastlr.Moments.from_arrays(X[:50], y[:50], **make).update(X[50:], y[50:])
    np.testing.assert_allclose(stream.cross_products, whole.cross_products, rtol=1e-15)
    rest = whole - fastlr.Moments.from_arrays(X[:50], y[:50], **make)
    want = fastlr.Moments.from_arrays(X[50:], y[50:], **make)
    np.testing.assert_allclose(rest.cross_products, want.cross_products, rtol=1e-15)
    np.testing.assert_allclose(
        fastlr.solve(whole.select(["x2", "x0"])).coef, fastlr.ols(X[:, [2, 0]], y).coef, rtol=1e-14
    )


def test_moments_of_different_scales_add_up(rows):
    X, y = rows
    small, large = X * [1, 1, 1, 1e-250], X * [1, 1, 1, 1e200]
    both = fastlr.Moments.from_arrays(small, y) + fastlr.Moments.from_arrays(large, y)
    whole = fastlr.Moments.from_arrays(np.vstack([small, large]), np.concatenate([y, y]))
    np.testing.assert_allclose(both.mean, whole.mean, rtol=1e-14)
    np.testing.assert_allclose(both.std, whole.std, rtol=1e-14)
    assert fastlr.Moments.from_bytes(both.to_bytes()) == both
