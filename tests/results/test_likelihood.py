"""The log-likelihood: one formula for fits and for descents."""

import math

import numpy as np
import pytest

import fastlr
from fastlr import reference
from fastlr.results.likelihood import log_likelihood

RNG = np.random.default_rng(2)
X = RNG.normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=60)
W = RNG.uniform(0.5, 2.0, size=60)


def test_it_is_that_of_the_reference():
    prediction = fastlr.ols(X, Y).predict(X)
    rss = np.array([np.sum(W * (Y - prediction) ** 2)])
    want = reference.log_likelihood(Y, prediction, W)
    assert log_likelihood(60, np.log(W).sum(), rss) == pytest.approx([want], rel=1e-13)
    assert log_likelihood(60, np.log(W).sum(), rss, np.log(rss)) == pytest.approx([want], rel=1e-13)


@pytest.mark.parametrize("settings", [{}, {"batch_size": 20}], ids=["all rows", "batches"])
def test_a_descent_has_it_of_its_sum_of_squares_to_the_bit(settings):
    weighted = {"sample_weight": W, "random_state": 0, "epochs": 3, "tol": None}
    fit = fastlr.descend(X, Y, learning_rate=0.01, optimizer="gd", **weighted, **settings)
    sum_log_weight = fastlr.Moments.from_arrays(X, Y, sample_weight=W).sum_log_weight
    (want,) = log_likelihood(60, sum_log_weight, np.array([fit.rss]))
    assert fit.log_likelihood == want
    exact = fastlr.ols(X, Y, sample_weight=W)
    (at_best,) = log_likelihood(60, sum_log_weight, np.array([exact.rss]))
    assert exact.log_likelihood == pytest.approx(at_best, rel=1e-14)


def test_it_is_finite_wherever_the_sum_of_squares_is_a_positive_number():
    rss = np.array([5e-324, 1e-300, 1.0, 1e300, np.finfo(float).max])
    values = log_likelihood(10, 0.0, rss)
    assert np.isfinite(values).all()
    assert (np.diff(values) < 0).all()


def test_a_perfect_fit_and_an_exploded_one_are_told_apart_without_a_warning():
    values = log_likelihood(10, 0.0, np.array([0.0, math.inf, math.nan]))
    np.testing.assert_array_equal(values, [math.inf, -math.inf, math.nan])
