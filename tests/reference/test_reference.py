"""The reference has no twin to be compared with: it must stand by its own properties."""

import random
from dataclasses import astuple

import numpy as np
import pytest

from fastlr import reference

# Random problems here have condition numbers below 1e3, so that a backward stable solve is right to
# 1e-13 and the normal equations, which square the condition number, to 1e-10.
RTOL = 1e-10

KINDS = ("sse", "mse", "half_mse")


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)


def make_problem(rng, *, n_samples=40, n_features=3, n_targets=None):
    X = rng.normal(size=(n_samples, n_features)) * [1.0, 10.0, 0.1] + [5.0, -3.0, 0.0]
    target_shape = () if n_targets is None else (n_targets,)
    y = rng.normal(size=(n_samples, *target_shape)) + (X[:, :1] if n_targets else X[:, 0])
    return X, y, rng.uniform(0.1, 3.0, size=n_samples)


def assert_same_moments(actual, expected):
    for ours, theirs in zip(astuple(actual), astuple(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def assert_same_parameters(actual, expected, rtol=RTOL):
    np.testing.assert_allclose(actual.coef, expected.coef, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(actual.intercept, expected.intercept, rtol=rtol, atol=rtol)


# Textbook figures


def test_forward_pass_of_the_textbook():
    prediction = reference.predict([[1, 2], [1, 4], [1, 6]], [0.5, 1.2])
    np.testing.assert_allclose(prediction, [2.9, 5.3, 7.7], rtol=1e-15)
    assert round(reference.mse([3, 5, 8], prediction), 4) == 0.0633


def five_points():
    """y = 2 x - 1 with noise of sd 4, and the random start that the textbook draws after it."""
    draw = random.Random(42)
    x = [draw.uniform(-5, 5) for _ in range(5)]
    y = [2 * value - 1 + draw.gauss(0, 4) for value in x]
    draw.uniform(-1, 1)
    start = reference.Parameters(np.array([draw.uniform(-1, 1)]), 0.0)
    return np.array(x)[:, np.newaxis], np.array(y), start


def test_least_squares_of_five_points():
    X, y, _ = five_points()
    fit = reference.normal_equations(reference.centred_moments(X, y))
    assert round(fit.coef.item(), 5) == 2.55567
    assert round(fit.intercept, 5) == -0.89231
    assert round(reference.mse(y, reference.predict(X, *fit)), 3) == 16.774


def test_descent_on_five_points_follows_the_printed_course():
    X, y, start = five_points()
    printed = {
        0: (130.147, -0.326, -0.102),
        50: (16.793, 2.578, -0.745),
        100: (16.778, 2.566, -0.827),
        250: (16.774, 2.557, -0.887),
        450: (16.774, 2.556, -0.892),
    }
    for epoch, (loss, coef, intercept) in printed.items():
        end, losses = reference.descend(
            X, y, start, learning_rate=0.01, epochs=epoch + 1, kind="mse"
        )
        assert round(losses[-1], 3) == loss
        assert round(end.coef.item(), 3) == coef
        assert round(end.intercept, 3) == intercept


# Losses and gradients


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("n_targets", [None, 2])
def test_gradient_is_the_slope_of_the_loss(rng, kind, weighted, alpha, n_targets):
    X, y, weight = make_problem(rng, n_targets=n_targets)
    options = {"kind": kind, "alpha": alpha, "sample_weight": weight if weighted else None}
    coef = rng.normal(size=(*y.shape[1:], 3))
    intercept = rng.normal(size=y.shape[1:])
    slope = reference.gradient(X, y, coef, intercept, **options)

    # The loss is quadratic, so that central differences are exact up to rounding for any step.
    step = 0.5
    for j in range(3):
        shift = step * np.eye(3)[j]
        up = reference.loss(X, y, coef + shift, intercept, **options)
        down = reference.loss(X, y, coef - shift, intercept, **options)
        np.testing.assert_allclose(slope.coef[..., j], (up - down) / (2 * step), rtol=RTOL)
    up = reference.loss(X, y, coef, intercept + step, **options)
    down = reference.loss(X, y, coef, intercept - step, **options)
    np.testing.assert_allclose(slope.intercept, (up - down) / (2 * step), rtol=RTOL)


def test_losses_convert_as_their_table_says(rng):
    X, y, weight = make_problem(rng)
    alpha, total = 2.5, weight.sum()
    point = (rng.normal(size=3), 0.3)

    def value(kind, alpha):
        return reference.loss(X, y, *point, kind=kind, sample_weight=weight, alpha=alpha)

    assert value("mse", alpha / total) == pytest.approx(value("sse", alpha) / total)
    assert value("half_mse", alpha / total) == pytest.approx(value("sse", alpha) / (2 * total))


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_vanishes_at_the_ridge_solution(rng, kind):
    X, y, weight = make_problem(rng)
    alpha = 2.5
    fit = reference.normal_equations(reference.centred_moments(X, y, weight), alpha=alpha)
    slope = reference.gradient(
        X,
        y,
        *fit,
        kind=kind,
        sample_weight=weight,
        alpha=alpha if kind == "sse" else alpha / weight.sum(),
    )
    np.testing.assert_allclose(slope.coef, 0, atol=1e-9)
    assert slope.intercept == pytest.approx(0, abs=1e-9)


def test_descent_reaches_least_squares(rng):
    X, y, weight = make_problem(rng)
    Z = reference.standardize(X, weight)
    exact = reference.normal_equations(reference.centred_moments(Z, y, weight))
    end, losses = reference.descend(
        Z,
        y,
        reference.Parameters(np.zeros(3), 0.0),
        learning_rate=0.5,
        epochs=500,
        sample_weight=weight,
    )
    assert_same_parameters(end, exact)
    assert np.all(np.diff(losses[:20]) < 0)


# Moments


@pytest.mark.parametrize("n_targets", [None, 1, 4])
def test_moments_are_weighted_covariances(rng, n_targets):
    X, y, weight = make_problem(rng, n_targets=n_targets)
    moments = reference.centred_moments(X, y, weight)
    columns = np.column_stack([X, y])
    covariance = np.cov(columns, rowvar=False, aweights=weight, ddof=0)
    np.testing.assert_allclose(moments.cross_products, covariance * weight.sum(), rtol=1e-12)
    assert moments.target_shape == y.shape[1:]
    assert moments.n_features == 3


def test_merge_is_associative_and_gives_the_moments_of_all_rows(rng):
    X, y, weight = make_problem(rng)
    a, b, c = (
        reference.centred_moments(X[rows], y[rows], weight[rows])
        for rows in (slice(7), slice(7, 8), slice(8, None))
    )
    whole = reference.centred_moments(X, y, weight)
    assert_same_moments(reference.merge(reference.merge(a, b), c), whole)
    assert_same_moments(reference.merge(a, reference.merge(b, c)), whole)
    assert_same_moments(reference.merge(c, reference.merge(b, a)), whole)


def test_subtract_undoes_merge(rng):
    X, y, weight = make_problem(rng)
    part = reference.centred_moments(X[:15], y[:15], weight[:15])
    rest = reference.centred_moments(X[15:], y[15:], weight[15:])
    assert_same_moments(reference.subtract(reference.merge(part, rest), part), rest)


def test_merge_leaves_its_inputs_alone(rng):
    X, y, _ = make_problem(rng)
    a, b = reference.centred_moments(X[:9], y[:9]), reference.centred_moments(X[9:], y[9:])
    before = a.mean.copy(), a.cross_products.copy()
    reference.merge(a, b)
    reference.subtract(a, b)
    np.testing.assert_array_equal(a.mean, before[0])
    np.testing.assert_array_equal(a.cross_products, before[1])


def test_zero_weights_drop_rows_and_integer_weights_repeat_them(rng):
    X, y, _ = make_problem(rng)
    weight = rng.integers(0, 4, size=len(y))
    repeated = reference.centred_moments(X.repeat(weight, axis=0), y.repeat(weight))
    weighted = reference.centred_moments(X, y, weight)
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-13)
    np.testing.assert_allclose(weighted.cross_products, repeated.cross_products, rtol=1e-12)
    assert weighted.total_weight == repeated.total_weight
    assert weighted.n_samples == np.count_nonzero(weight)


def test_an_offset_of_1e8_standard_deviations_keeps_the_cross_products(rng):
    X, y, _ = make_problem(rng)
    near = reference.centred_moments(X, y).cross_products
    far = reference.centred_moments(X + 1e8, y).cross_products
    # The shift itself rounds each entry to 1e-8, against standard deviations of 0.1 to 10.
    np.testing.assert_allclose(far, near, rtol=1e-5, atol=1e-5)


# Solving


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_targets", [None, 1, 2])
def test_normal_equations_agree_with_an_orthogonal_solve(rng, fit_intercept, n_targets):
    X, y, weight = make_problem(rng, n_targets=n_targets)
    moments = reference.centred_moments(X, y, weight)
    fit = reference.normal_equations(moments, fit_intercept=fit_intercept)

    root = np.sqrt(weight)
    design = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    solution = np.linalg.lstsq((root * design.T).T, (root * y.T).T, rcond=None)[0]
    np.testing.assert_allclose(fit.coef, solution[:3].T, rtol=RTOL)
    np.testing.assert_allclose(fit.intercept, solution[3] if fit_intercept else 0.0, rtol=RTOL)
    assert fit.coef.shape == (*y.shape[1:], 3)
    assert np.shape(fit.intercept) == y.shape[1:]


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_ridge_is_least_squares_on_extra_rows(rng, fit_intercept):
    """Rows sqrt(alpha) e_j with target 0, which the intercept does not see."""
    X, y, _ = make_problem(rng)
    alpha = 3.0
    ridge = reference.normal_equations(
        reference.centred_moments(X, y), alpha=alpha, fit_intercept=fit_intercept
    )
    shift = X.mean(axis=0) if fit_intercept else 0.0
    rows = np.vstack([X - shift, np.sqrt(alpha) * np.eye(3)])
    targets = np.concatenate([y - (y.mean() if fit_intercept else 0.0), np.zeros(3)])
    expected = np.linalg.lstsq(rows, targets, rcond=None)[0]
    np.testing.assert_allclose(ridge.coef, expected, rtol=RTOL)


def test_units_do_not_change_the_answer(rng):
    X, y, _ = make_problem(rng)
    units = 2.0 ** np.array([-300, 0, 300])
    plain = reference.normal_equations(reference.centred_moments(X, y))
    scaled = reference.normal_equations(reference.centred_moments(X * units, y))
    np.testing.assert_allclose(scaled.coef * units, plain.coef, rtol=RTOL)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_minimum_norm_agrees_with_the_normal_equations_at_full_rank(rng, fit_intercept):
    X, y, weight = make_problem(rng, n_targets=2)
    fit = reference.minimum_norm(X, y, sample_weight=weight, fit_intercept=fit_intercept)
    moments = reference.centred_moments(X, y, weight)
    assert_same_parameters(fit, reference.normal_equations(moments, fit_intercept=fit_intercept))


def test_minimum_norm_shares_the_weight_among_equal_columns(rng):
    x = rng.normal(size=30)
    fit = reference.minimum_norm(np.column_stack([x, x, x]), 6 * x + 1)
    np.testing.assert_allclose(fit.coef, [2.0, 2.0, 2.0], rtol=RTOL)
    assert fit.intercept == pytest.approx(1.0)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_minimum_norm_is_the_pseudoinverse_in_the_units_given(rng, fit_intercept):
    """Rank 2 of 4 columns, with units apart: the norm is that of raw coefficients."""
    X = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 4)) * [1.0, 100.0, 0.01, 1.0]
    y = rng.normal(size=30)
    fit = reference.minimum_norm(X, y, fit_intercept=fit_intercept)
    centred = X - X.mean(axis=0) if fit_intercept else X
    expected = np.linalg.pinv(centred, rcond=1e-12) @ (y - y.mean() if fit_intercept else y)
    np.testing.assert_allclose(fit.coef, expected, rtol=1e-6, atol=1e-9)


def test_minimum_norm_interpolates_fewer_rows_than_columns(rng):
    X, y = rng.normal(size=(5, 12)), rng.normal(size=5)
    fit = reference.minimum_norm(X, y)
    np.testing.assert_allclose(reference.predict(X, *fit), y, rtol=RTOL)
    centred = X - X.mean(axis=0)
    np.testing.assert_allclose(fit.coef, np.linalg.pinv(centred) @ (y - y.mean()), rtol=RTOL)


def test_minimum_norm_gives_a_constant_column_no_weight(rng):
    x = rng.normal(size=30)
    fit = reference.minimum_norm(np.column_stack([x, np.full(30, 0.1)]), 3 * x + 2)
    np.testing.assert_allclose(fit.coef, [3.0, 0.0], atol=1e-14)


# Judging a fit


def test_r2_is_one_for_a_perfect_fit_and_zero_for_the_mean():
    y = [1.0, 2.0, 4.0]
    assert reference.r2(y, y) == 1.0
    assert reference.r2(y, np.full(3, np.mean(y))) == pytest.approx(0.0)
    assert reference.r2(y, np.zeros(3), fit_intercept=False) == 0.0


def test_weighted_figures_are_those_of_repeated_rows():
    y, prediction, weight = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0]), [1, 3, 2]
    repeated = y.repeat(weight), prediction.repeat(weight)
    for figure in (reference.rss, reference.mse, reference.r2):
        assert figure(y, prediction, weight) == pytest.approx(figure(*repeated))


def test_log_likelihood_is_the_sum_of_normal_log_densities():
    y, prediction = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])
    weight = np.array([1.0, 3.0, 2.0])
    variance = (weight @ (y - prediction) ** 2) / 3 / weight
    log_density = -0.5 * (np.log(2 * np.pi * variance) + (y - prediction) ** 2 / variance)
    assert reference.log_likelihood(y, prediction, weight) == pytest.approx(log_density.sum())


def test_log_likelihood_ignores_rows_of_zero_weight():
    y, prediction = [1.0, 2.0, 4.0, 9.0], [1.5, 2.0, 3.0, 0.0]
    dropped = reference.log_likelihood(y[:3], prediction[:3])
    assert reference.log_likelihood(y, prediction, [1, 1, 1, 0]) == pytest.approx(dropped)


def test_log_likelihood_of_a_perfect_fit_has_no_bound():
    assert reference.log_likelihood([1.0, 2.0], [1.0, 2.0]) == np.inf


def test_figures_come_per_target(rng):
    y, prediction = rng.normal(size=(9, 2)), rng.normal(size=(9, 2))
    for figure in (reference.rss, reference.mse, reference.r2, reference.log_likelihood):
        expected = [figure(y[:, k], prediction[:, k]) for k in range(2)]
        np.testing.assert_allclose(figure(y, prediction), expected)


def test_standardize_gives_mean_zero_and_population_sd_one(rng):
    X, _, weight = make_problem(rng)
    Z = reference.standardize(X, weight)
    np.testing.assert_allclose(np.average(Z, axis=0, weights=weight), 0, atol=1e-14)
    np.testing.assert_allclose(np.average(Z**2, axis=0, weights=weight), 1, rtol=1e-13)
