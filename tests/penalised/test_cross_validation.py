"""Cross-validation of ridge penalties: identities with as many refits."""

import itertools

import numpy as np
import pytest
from sklearn.model_selection import KFold

import fastlr
from fastlr.estimators._folds import folds_of
from fastlr.least_squares.fit import problem_of
from fastlr.penalised.cross_validation import factors_of, leave_one_out, validate_folds
from fastlr.penalised.folds import as_folds, consecutive_folds, moments_of_folds, partition

ALPHAS = np.array([0.05, 1.0, 30.0])


def tables(half=None):
    """Tall and wide, of one target and two, with weights and without: any two of these together in either ``half``."""
    rng = np.random.default_rng(0)
    for (n, p), t, weighted in itertools.product([(18, 4), (9, 14)], (1, 2), (False, True)):
        if half is not None and ((n < p) + t + weighted) % 2 != half:
            continue
        X = rng.normal(size=(n, p)) + 5.0
        y = rng.normal(size=(n, t)) + X[:, :1]
        yield X, y, rng.integers(0, 3, size=n) / 2 + (rng.random(n) > 0.2) if weighted else None


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_leave_one_out_is_as_many_refits_as_rows(fit_intercept):
    for X, y, weights in tables(half=int(fit_intercept)):
        n = len(X)
        w = np.ones(n) if weights is None else weights
        problem, _ = problem_of(X, y, weights, fit_intercept, None, None)
        found = leave_one_out(problem, ALPHAS, keep=True)
        for k, alpha in enumerate(ALPHAS):
            errors = np.empty_like(y)
            for i in range(n):
                others = np.arange(n) != i
                fit = fastlr.ols(
                    X[others],
                    y[others],
                    alpha=alpha,
                    sample_weight=w[others],
                    fit_intercept=fit_intercept,
                )
                errors[i] = y[i] - fit.predict(X[[i]])[0]
            np.testing.assert_allclose(found.errors[:, :, k], errors, rtol=1e-9, atol=1e-10)
            squares = w @ errors**2
            np.testing.assert_allclose(found.squared_errors[k], squares, rtol=1e-10)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_folds_are_as_many_refits(fit_intercept):
    for X, y, weights in tables():
        n = len(X)
        w = np.ones(n) if weights is None else weights
        problem, _ = problem_of(X, y, weights, fit_intercept, None, None)
        shuffled = list(KFold(3, shuffle=True, random_state=1).split(X))
        for folds in (consecutive_folds(n, 3), as_folds(shuffled, n)):
            found = validate_folds(problem, folds, ALPHAS, "neg_mean_squared_error")
            for f, test in enumerate(folds.test):
                train = folds.train_of(f)
                for k, alpha in enumerate(ALPHAS):
                    fit = fastlr.ols(
                        X[train],
                        y[train],
                        alpha=alpha,
                        sample_weight=w[train],
                        fit_intercept=fit_intercept,
                    )
                    left = y[test] - fit.predict(X[test])
                    want = -(w[test] @ left**2).mean() / w[test].sum()
                    np.testing.assert_allclose(found.scores[f, k], want, rtol=1e-10)


def test_leave_one_out_without_a_penalty():
    X, y, _ = next(tables())
    problem, _ = problem_of(X, y, None, True, None, None)
    found = leave_one_out(problem, np.zeros(1), keep=True)
    hat = np.column_stack([np.ones(len(X)), X])
    leverage = np.diag(hat @ np.linalg.pinv(hat))
    left = y - fastlr.ols(X, y).predict(X)
    np.testing.assert_allclose(found.errors[:, :, 0], left / (1.0 - leverage)[:, None], rtol=1e-10)


def test_a_row_that_decides_a_coefficient_alone_predicts_nothing():
    X = np.column_stack([np.arange(6.0), np.arange(6) == 2])
    y = np.array([0.0, 1.0, 7.0, 3.0, 4.0, 6.0])
    problem, _ = problem_of(X, y, None, True, None, None)
    found = leave_one_out(problem, np.array([0.0, 1.0]), keep=True)
    assert np.isinf(found.errors[2, 0, 0])
    assert np.isfinite(found.errors[:, 0, 1]).all()
    model = fastlr.RidgeCV([0.0, 1.0]).fit(X, y)
    assert model.alpha_ == 1.0


def test_gathered_rows_are_those_of_one_pass():
    rng = np.random.default_rng(1)
    n, p = 3000, 300  # several pieces a fold
    X, y = rng.normal(size=(n, p)), rng.normal(size=n)
    order = rng.permutation(n)
    problem, _ = problem_of(X, y, None, True, None, None)
    shuffled = as_folds([(order[1500:], order[:1500]), (order[:1500], order[1500:])], n)
    assert shuffled.is_partition
    sorted_problem, _ = problem_of(X[order], y[order], None, True, None, None)
    together = consecutive_folds(n, 2)
    one = validate_folds(problem, shuffled, ALPHAS, "r2")
    other = validate_folds(sorted_problem, together, ALPHAS, "r2")
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-10)
    np.testing.assert_allclose(one.state.leading, other.state.leading, rtol=1e-10, atol=1e-9)
    assert one.passes == 1


def as_gathered(problem, folds):
    """Moments of every fold from a pass over its rows alone."""
    return [problem.take_rows(np.sort(rows)).pass_over()[0] for rows in folds.test]


def test_shuffled_folds_of_one_pass_are_those_of_a_pass_each():
    rng = np.random.default_rng(2)
    n = 2000
    X, y = rng.normal(size=(n, 6)) + 3.0, rng.normal(size=(n, 1))
    X[:, 5] *= 1e-170  # squares that leave the range of float64
    problem, _ = problem_of(X, y, rng.integers(1, 4, size=n) / 2.0, True, None, None)
    label = rng.integers(0, 4, size=n)
    X[label == 3, 2] += 1e9  # one fold is far from where the others are
    folds = partition([np.flatnonzero(label == k) for k in range(4)], n)
    found, whole, passes = moments_of_folds(problem, folds, with_tests=True)
    assert passes == 1
    for fold, want in zip(found, as_gathered(problem, folds), strict=True):
        got = fold.test_moments
        assert got.n_samples == want.n_samples
        assert got.sum_log_weight == pytest.approx(want.sum_log_weight, rel=1e-12)
        np.testing.assert_allclose(got.column_means, want.column_means, rtol=1e-14)
        np.testing.assert_allclose(got.column_deviations, want.column_deviations, rtol=1e-12)
    np.testing.assert_allclose(whole.column_means, problem.pass_over()[0].column_means, rtol=1e-13)


def test_values_that_are_not_finite_are_named_in_shuffled_folds_as_well():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    X[17, 1] = np.nan
    for cv in (KFold(3, shuffle=True, random_state=0), 3):
        with pytest.raises(fastlr.InputError, match=r"'x1'.*row 17|row 17.*'x1'"):
            fastlr.RidgeCV(cv=cv).fit(X, y)


@pytest.mark.parametrize("n", [10, 23])
def test_folds_of_a_splitter_are_those_that_it_splits(n):
    y = np.arange(float(n))
    for cv in (KFold(3), KFold(4, shuffle=True, random_state=7), 5):
        found = folds_of(cv, y, {})
        splits = list((KFold(cv) if isinstance(cv, int) else cv).split(y))
        assert found.is_partition
        for k, (train, test) in enumerate(splits):
            np.testing.assert_array_equal(np.sort(found.test[k]), test)
            np.testing.assert_array_equal(found.train_of(k), train)
    state = np.random.RandomState(5)
    one = folds_of(KFold(3, shuffle=True, random_state=state), y, {})
    other = folds_of(KFold(3, shuffle=True, random_state=state), y, {})
    assert any((a != b).any() for a, b in zip(one.test, other.test, strict=True))


def test_factors_of_penalties_are_the_matrix_to_rounding():
    alphas = np.geomspace(1e-3, 1e5, 60)
    for values in (np.geomspace(1.0, 1e4, 40), np.full(40, 3.0), np.append(np.zeros(2), 1e9)):
        matrix = 1.0 / (values[:, np.newaxis] + alphas)
        factors = factors_of(matrix, True)
        made = factors[0] if len(factors) == 1 else factors[0] @ factors[1]
        size = matrix.max(axis=1, keepdims=True)
        assert (np.abs(made - matrix) <= 2e-15 * size).all()
        assert len(factors_of(matrix, False)) == 1
    assert len(factors) == 2


def test_leave_one_out_by_factors_is_that_without():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(3000, 12)) * np.geomspace(0.1, 10.0, 12), rng.normal(size=3000)
    problem, _ = problem_of(X, y, None, True, None, None)
    alphas = np.geomspace(1.0, 1e4, 20)
    found = leave_one_out(problem, alphas, keep=True)  # rows enough for factors
    for k in (0, 7, 19):
        one = leave_one_out(problem, alphas[[k]], keep=True)
        np.testing.assert_allclose(found.errors[:, :, [k]], one.errors, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(found.squared_errors[k], one.squared_errors[0], rtol=1e-13)


def test_folds_without_weight_are_named():
    X, y, _ = next(tables())
    weights = np.ones(18)
    weights[:6] = 0.0
    problem, _ = problem_of(X, y, weights, True, None, None)
    with pytest.raises(fastlr.InputError, match="no test row of split 0 has a positive weight"):
        validate_folds(problem, consecutive_folds(18, 3), ALPHAS, "r2")
    only, _ = problem_of(X, y, np.append(np.zeros(12), np.ones(6)), True, None, None)
    with pytest.raises(fastlr.InputError, match="positive in one fold alone"):
        validate_folds(only, consecutive_folds(18, 3), ALPHAS, "r2")
