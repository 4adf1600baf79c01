"""The steps between two passes over the rows, and the one call that takes them all, on every level."""

from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

from fastlr import reference
from fastlr.least_squares.ladder import ACCURACIES
from fastlr.least_squares.problem import ScaledSolution, Solution

N, P, T = 60, 3, 2


def table(offset=5.0):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(N, P)) + offset
    return X, X @ rng.normal(size=(P, T)) + rng.normal(size=(N, T)) + 2.0


def solved(kernels, X, y):
    """Weight, the solution in scaled columns as a list, and its root's contraction."""
    moments = reference.centred_moments(X, y)
    mean = np.vstack([moments.mean, np.zeros_like(moments.mean)])
    system = (P, moments.total_weight, mean, moments.cross_products, True, None)
    return moments.total_weight, list(kernels.solve_normal_equations(*system)[0])


def climb(kernels, X, y, accuracy):
    """What one call finds, by the names of the kernels' fields."""
    fields = namedtuple("Climbed", kernels.CLIMBED_FIELDS)
    return fields(*kernels.climb(X, y, None, True, accuracy, 1))


def exact(X, y):
    design = np.column_stack([X, np.ones(len(X))])
    coef = np.linalg.lstsq(design, y, rcond=None)[0]
    return coef[:-1].T, coef[-1], np.sum((y - design @ coef) ** 2, axis=0)


def test_without_a_condition_number_everything_else_has_the_same_bits(kernels):
    X, y = table()
    for accuracy in ("fast", "auto", "max"):
        whole = kernels.climb(X, y, None, True, accuracy, 1)
        rest = kernels.climb(X, y, None, True, accuracy, 1, with_condition=False)
        for name, told, found in zip(kernels.CLIMBED_FIELDS, whole, rest, strict=True):
            if name == "condition_number" and accuracy != "fast":
                assert np.isnan(found)
            else:
                assert all(map(np.array_equal, *map(arrays_of, (told, found)))), name


def arrays_of(value):
    return value if isinstance(value, tuple) else [value]


def test_one_call_finds_the_coefficients_and_what_is_said_of_them(kernels):
    X, y = table()
    climbed = climb(kernels, X, y, "auto")
    fit = SimpleNamespace(**dict(zip(kernels.SOLUTION_FIELDS, climbed.solution, strict=True)))
    coef, intercept, rss = exact(X, y)
    assert (climbed.is_in_range, climbed.n_samples, climbed.weight) == (True, N, N)
    assert (climbed.n_passes, climbed.sum_log_weight) == (1, 0.0)
    want = reference.centred_moments(X, y)
    np.testing.assert_allclose(climbed.mean[0], want.mean, rtol=1e-13)
    np.testing.assert_allclose(climbed.cross, want.cross_products, rtol=1e-10)
    assert (climbed.summed_squares >= climbed.cross.diagonal() * (1 - 1e-15)).all()
    assert 1.0 <= climbed.condition_number < 10.0
    assert climbed.digits > 12.0
    assert climbed.relevant_digits > 12.0
    np.testing.assert_allclose(fit.coef, coef, rtol=1e-12)
    np.testing.assert_allclose(fit.intercept, intercept, rtol=1e-12)
    np.testing.assert_allclose(fit.rss, rss, rtol=1e-12)
    np.testing.assert_allclose(fit.tss, ((y - y.mean(axis=0)) ** 2).sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(fit.residual_sd, np.sqrt(fit.rss / (N - P - 1)), rtol=1e-14)
    design = np.column_stack([X, np.ones(N)])
    root = np.sqrt(np.linalg.inv(design.T @ design).diagonal())
    np.testing.assert_allclose(fit.bse, np.outer(fit.residual_sd, root[:-1]), rtol=1e-10)
    np.testing.assert_allclose(fit.bse_intercept, fit.residual_sd * root[-1], rtol=1e-10)


def test_fields_have_the_names_and_the_order_of_the_kernels(kernels):
    assert (  # the order in which the ladder takes them apart
        *("is_in_range", "n_samples", "weight", "sum_log_weight"),
        *("mean", "cross", "summed_squares", "n_passes", "n_sweeps"),
        *("condition_number", "digits", "relevant_digits", "solution"),
    ) == kernels.CLIMBED_FIELDS
    assert ScaledSolution._fields == kernels.SCALED_SOLUTION_FIELDS
    assert Solution._fields[: len(kernels.SOLUTION_FIELDS)] == kernels.SOLUTION_FIELDS
    X, y = table()
    _, solution = solved(kernels, X, y)
    assert len(solution) == len(ScaledSolution._fields)
    assert len(kernels.climb(X, y, None, True, "auto", 1)) == len(kernels.CLIMBED_FIELDS)


def test_what_one_call_does_for_each_accuracy_and_that_it_knows_no_other(kernels):
    X, y = table()
    sweeps = [climb(kernels, X, y, name).n_sweeps for name in ACCURACIES]
    assert sweeps[0] == 0
    assert 1 <= sweeps[1] <= sweeps[2]
    with pytest.raises(ValueError, match="unknown accuracy exact"):
        kernels.climb(X, y, None, True, "exact", 1)


def test_sweeps_and_corrections_converge_to_the_solution(kernels):
    X, y = table(offset=50.0)
    weight, solution = solved(kernels, X, y)
    scale, mean, root, coef, intercept, _, tss = solution[3:10]
    coef, intercept = coef.reshape(2, T, P) * 1.001, intercept * 0.999
    progress = np.zeros((T, 7))
    progress[:, 5] = solution[12]
    for _ in range(10):
        n_slots, slot_size, n_parts = kernels.plan_sweep(N, P, T)
        slots = np.zeros((n_slots, slot_size))
        for part in range(n_parts):
            kernels.sweep(X, y, None, scale, 1, coef, intercept, part, 1, slots)
        if kernels.refine(
            N, 1, slots, True, weight, mean, tss, root, 1e-15, coef, intercept, progress
        ):
            break
    assert (progress[:, 0] == 1.0).all()
    fit = kernels.finish(
        True, weight, mean, tss, root, scale, coef, intercept, progress[:, 2].copy(), N - P - 1.0
    )
    deviation = X - X.mean(axis=0)
    want = np.linalg.lstsq(deviation, y - y.mean(axis=0), rcond=None)[0]
    np.testing.assert_allclose(fit[0], want.T, rtol=1e-9)
    np.testing.assert_allclose(fit[1], y.mean(axis=0) - X.mean(axis=0) @ want, rtol=1e-9)
    inverse = np.linalg.inv(deviation.T @ deviation).diagonal()
    np.testing.assert_allclose(fit[4] ** 2, np.outer(fit[2] / (N - P - 1), inverse), rtol=1e-9)


def test_intercepts_keep_what_cancels(kernels):
    mean = np.array([[1e8, -1e8, 1.0], [0.0, 0.0, 0.0]])  # two features, one target
    coef = np.array([[[1.0, 1.0]], [[1e-17, 0.0]]])
    high, low = kernels.intercepts(mean, coef)
    assert high[0] + low[0] == pytest.approx(1.0 - 1e-9, abs=1e-25)


def test_the_relative_error_is_that_of_the_worst_coefficient(kernels):
    X, y = table()
    weight, solution = solved(kernels, X, y)
    _, mean, root, coef, intercept, _, tss = solution[3:10]
    coef = coef.reshape(2, T, P)
    error = np.zeros((T, P + 1))
    error[1, 2] = 1e-6 * abs(coef[0, 1, 2])
    worst = kernels.relative_error(True, weight, mean, tss, root, coef, intercept, error)
    assert worst == pytest.approx(1e-6, rel=0.1)


def test_a_shift_far_from_the_mean_is_moved_there(kernels):
    X, y = table(offset=1e3)
    both = np.hstack([X, y])
    moments = reference.centred_moments(X, y)
    mean = np.vstack([moments.mean, np.zeros_like(moments.mean)])
    shift, ones = np.zeros(P + T), np.ones(P + T)
    is_far, summed_squares = kernels.recentre(
        moments.total_weight, mean, moments.cross_products, ones, shift
    )
    assert is_far
    np.testing.assert_allclose(shift, moments.mean, rtol=1e-12)
    np.testing.assert_allclose(summed_squares, np.square(both).sum(axis=0), rtol=1e-10)
    assert not kernels.recentre(N, mean, moments.cross_products, ones, moments.mean.copy())[0]


def test_the_largest_deviation_is_that_of_rows_that_count(kernels):
    X, y = table()
    X[3], weight = 1e200, np.ones(N)
    weight[3] = 0.0
    nothing = np.zeros(P + T)
    got = kernels.largest_deviation(X, y, weight, nothing, nothing, 2)
    both = np.hstack([X, y])[weight > 0]
    np.testing.assert_array_equal(got, np.abs(both).max(axis=0))
    X[5, 1] = np.nan
    assert kernels.largest_deviation(X, y, weight, nothing, nothing, 2)[1] == np.inf
